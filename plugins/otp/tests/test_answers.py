"""Codes as people type them."""

import pytest
from authflow_otp.answers import LONGEST, code_of
from hypothesis import given
from hypothesis import strategies as st

from authflow.plugins import Secret


@pytest.mark.parametrize(
    ("typed", "means"),
    [
        ("123456", "123456"),
        (" 123 456\n", "123456"),
        ("123-456", "123456"),
        ("123\u2013456", "123456"),
        ("123\u00a0456", "123456"),
        ("\uff11\uff12\uff13\uff14\uff15\uff16", "123456"),
        ("\u0661\u0662\u0663\u0664\u0665\u0666", "123456"),
        ("\u096a\u0968", "42"),
        ("\u200b123\ufeff456\u2060", "123456"),
        ("\u2068123\u2009456\u2069", "123456"),
        ("1\u00ad2\u22123\u2014456", "123456"),
        ("", ""),
        ("12345a", ""),
        ("+123456", ""),
        ("1.5", ""),
        ("\u00b2", ""),  # a superscript is a digit to str.isdigit, and no decimal
        ("\u2460", ""),
        ("\x00123456", "123456"),
        ("1" * (LONGEST + 1), ""),
    ],
)
def test_digits_of_every_script_count_and_grouping_does_not(typed: str, means: str) -> None:
    assert code_of(Secret(typed)) == means


@given(st.text())
def test_whatever_is_typed_gives_ascii_digits_or_nothing(typed: str) -> None:
    code = code_of(Secret(typed))
    assert code == "" or (code.isascii() and code.isdigit())
