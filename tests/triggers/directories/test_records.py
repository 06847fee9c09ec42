from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import DirectoryRecordError
from authflow.triggers import Found, MigratedUser
from authflow.triggers.directories.records import found, read_flag, same_name

PLAIN = MigratedUser(attributes={"locale": "en"}, force_alias_creation=True)


def test_a_record_wins_over_what_all_have_and_nothing_is_made_of_none():
    user = found(PLAIN, {"locale": "de", "name": None, "custom:age": 7, "custom:old": False})
    assert user == Found(
        MigratedUser(
            attributes={"locale": "de", "custom:age": "7", "custom:old": "false"},
            force_alias_creation=True,
        )
    )


@pytest.mark.parametrize(
    ("held", "read"),
    [(True, "true"), (1, "true"), ("TRUE", "true"), (False, "false"), ("0", "false")],
)
def test_whether_an_address_is_verified_is_spelled_as_cognito_does(held: Any, read: str):
    for name in ("email_verified", "phone_number_verified"):
        assert found(PLAIN, {name: held}).user.attributes[name] == read


@pytest.mark.parametrize("held", ["", "yes", "t", 2, -1, b"true", 1.0, None])
def test_no_flag_is_guessed_at(held: Any):
    with pytest.raises(DirectoryRecordError, match="is_active"):
        read_flag("is_active", held)


@pytest.mark.parametrize("held", ["canary" * 400, "canary-\0" * 300])
def test_a_value_that_cognito_would_not_take_is_told_without_the_value(held: str):
    with pytest.raises(DirectoryRecordError, match="'name' has") as caught:
        found(PLAIN, {"name": held})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(("typed", "stored"), [("ada", "ADA"), ("Straße", "STRASSE"), ("7", 7)])
def test_capitals_make_no_other_name(typed: str, stored: Any):
    assert same_name(typed, stored)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("ada ", "ada"), ("adä", "ada"), ("\uff41da", "ada"), ("", "ada"), ("ada", None)],
)
def test_what_only_looks_alike_is_another_name(typed: str, stored: Any):
    assert not same_name(typed, stored)


@given(st.text())
def test_a_name_is_itself(name: str):
    assert same_name(name, name)
