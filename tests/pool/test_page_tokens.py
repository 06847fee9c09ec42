"""Tokens of pages: only those that lists have made are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.pool.cognito_errors import CognitoError
from authflow.pool.page_tokens import (
    page_token,
    read_page_token,
    read_timed_page_token,
    timed_page_token,
)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_position_is_read_back(position):
    assert read_page_token(page_token(position)) == position


def test_the_first_page_has_no_token():
    assert read_page_token(None) == ""


@pytest.mark.parametrize("token", ["", "****", "x", "_w==", "Zw", "Zx==", "+/+/", "Zw==Zw=="])
def test_what_is_no_token_of_ours_names_no_page(token):
    with pytest.raises(CognitoError, match="gone"):
        read_page_token(token, "gone")


@given(st.floats(allow_nan=False, allow_infinity=False), st.uuids().map(str))
def test_a_position_in_a_list_that_goes_by_time_is_read_back(at, name):
    assert read_timed_page_token(timed_page_token(at, name), "gone") == (at, name)
    assert timed_page_token(int(7e8), name) == timed_page_token(7e8, name)


@pytest.mark.parametrize(
    "position", ["x", "inf a", "nan a", "1_0.0 a", "1 a", "01.0 a", "+1.0 a", "1.0\ta", "1.0 \x00"]
)
def test_what_is_no_position_in_a_list_that_goes_by_time_names_no_page(position):
    for token in (page_token(position), page_token("1.0 a") + "====", ""):
        with pytest.raises(CognitoError, match="gone"):
            read_timed_page_token(token, "gone")
