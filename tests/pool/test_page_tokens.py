"""Tokens of pages: only those that lists have made are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.pool.cognito_errors import CognitoError
from authflow.pool.page_tokens import page_token, read_page_token


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_position_is_read_back(position):
    assert read_page_token(page_token(position)) == position


def test_the_first_page_has_no_token():
    assert read_page_token(None) == ""


@pytest.mark.parametrize("token", ["", "****", "x", "_w==", "Zw", "Zx==", "+/+/", "Zw==Zw=="])
def test_what_is_no_token_of_ours_names_no_page(token):
    with pytest.raises(CognitoError, match="gone"):
        read_page_token(token, "gone")
