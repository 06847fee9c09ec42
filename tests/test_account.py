"""Accounts as values: what is in them is personal, and in no repr."""

import pytest

from authflow import PoolUser, UserProfile
from authflow.account import SignedUp
from authflow.secret import Secret

CANARY = {"email": "canary@example.org", "custom:key": "canary"}


@pytest.mark.parametrize(
    "value",
    [
        UserProfile(username="ada", attributes=CANARY),
        PoolUser(username="ada", status="CONFIRMED", enabled=True, attributes=CANARY),
        SignedUp(username="ada", sub="an id", confirmed=False, session=Secret("canary")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_repr_has_no_attribute_and_no_session(value):
    assert "canary" not in repr(value)
    assert "ada" in repr(value)


def test_attributes_are_a_copy_that_nobody_changes():
    given = dict(CANARY)
    profile = UserProfile(username="ada", attributes=given)
    given["email"] = "other"
    assert profile.attributes == CANARY
    with pytest.raises(TypeError):
        profile.attributes["email"] = "other"
