"""What a change makes of a user's attributes, for every state of an address and every pool."""

import itertools

import pytest
from attrs import evolve

from authflow.pool.accounts.attribute_changes import AttributeChange
from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import CONFIRMED, User
from authflow.pool.cognito_errors import CognitoError

ADDRESSES = {
    "email": ("old@example.org", "new@example.org"),
    "phone_number": ("+12065550100", "+12065550199"),
}
SCHEMA = [
    {"Name": "name", "Required": True},
    {"Name": "team", "AttributeDataType": "String"},
    {"Name": "badge", "AttributeDataType": "String", "Mutable": False},
    {"Name": "note", "AttributeDataType": "String", "DeveloperOnlyAttribute": True},
]
WRITES_ALL = {"WriteAttributes": ["name", "email", "phone_number", "custom:team", "custom:badge"]}


def pool(**settings):
    return UserPool(
        id="us-east-1_x",
        settings={"PoolName": "x", "Schema": SCHEMA, **settings},
        key_id="",
        signing_key="",
        mask_key=b"",
        created_at=0,
        modified_at=0,
    )


def user(**attributes):
    return User(
        sub="3f1c",
        pool_id="us-east-1_x",
        username="ann",
        status=CONFIRMED,
        attributes=attributes,
        password=StoredPassword(salt=b"1", verifier=b"2"),
        created_at=0,
        modified_at=0,
    )


def by_user(asked, who, **given):
    return AttributeChange.by_user(asked, WRITES_ALL, who, given)


def by_administrator(asked, who, **given):
    return AttributeChange.by_administrator(asked, who, given)


@pytest.mark.parametrize("change", [by_user, by_administrator])
@pytest.mark.parametrize(
    ("attribute", "verified", "first", "has"),
    list(itertools.product(ADDRESSES, (True, False), (True, False), ("true", "false", None))),
)
def test_a_new_address_is_unverified_or_waits(change, attribute, verified, first, has):
    old, new = ADDRESSES[attribute]
    flag = f"{attribute}_verified"
    asked = pool(
        AutoVerifiedAttributes=[attribute] if verified else [],
        UserAttributeUpdateSettings={
            "AttributesRequireVerificationBeforeUpdate": [attribute] if first else []
        },
    )
    before = {"name": "Ann"} if has is None else {"name": "Ann", attribute: old, flag: has}
    made = change(asked, user(**before), **{attribute: new})
    after = before if first else {**before, attribute: new, flag: "false"}
    assert made.attributes == after
    assert made.waiting == {attribute: new if first else None}
    assert made.sent == ({attribute: new} if first or verified else {})


@pytest.mark.parametrize("change", [by_user, by_administrator])
@pytest.mark.parametrize(
    ("attribute", "first", "flag"),
    list(itertools.product(ADDRESSES, (True, False), ("true", "false"))),
)
def test_the_address_that_the_user_has_is_no_change_and_gives_up_one_that_waits(
    change, attribute, first, flag
):
    old, _ = ADDRESSES[attribute]
    asked = pool(
        AutoVerifiedAttributes=[attribute],
        UserAttributeUpdateSettings={
            "AttributesRequireVerificationBeforeUpdate": [attribute] if first else []
        },
    )
    before = {"name": "Ann", attribute: old, f"{attribute}_verified": flag}
    made = change(asked, user(**before), **{attribute: old})
    assert (made.attributes, made.waiting, made.sent) == (before, {attribute: None}, {})


@pytest.mark.parametrize("attribute", ADDRESSES)
@pytest.mark.parametrize("first", [True, False])
def test_an_administrator_who_says_that_an_address_is_verified_sends_no_code(attribute, first):
    old, new = ADDRESSES[attribute]
    flag = f"{attribute}_verified"
    asked = pool(
        AutoVerifiedAttributes=[attribute],
        UserAttributeUpdateSettings={
            "AttributesRequireVerificationBeforeUpdate": [attribute] if first else []
        },
    )
    who = user(name="Ann", **{attribute: old, flag: "true"})
    made = by_administrator(asked, who, **{attribute: new, flag: "True"})
    assert made.attributes == {"name": "Ann", attribute: new, flag: "true"}
    assert (made.waiting, made.sent) == ({attribute: None}, {})
    # What is said of an address that waits is not said of the one that the user has.
    made = by_administrator(asked, who, **{attribute: new, flag: "false"})
    assert made.attributes[flag] == ("true" if first else "false")
    # The flag alone is about the address that the user has.
    made = by_administrator(asked, who, **{flag: "false"})
    assert made.attributes == {"name": "Ann", attribute: old, flag: "false"}
    assert (made.waiting, made.sent) == ({}, {})


@pytest.mark.parametrize("change", [by_user, by_administrator])
@pytest.mark.parametrize("attribute", ADDRESSES)
def test_an_empty_value_deletes_an_attribute_and_an_address_with_its_flag(change, attribute):
    old, _ = ADDRESSES[attribute]
    before = {"name": "Ann", attribute: old, f"{attribute}_verified": "true", "custom:team": "red"}
    made = change(pool(), user(**before), **{attribute: "", "custom:team": ""})
    assert (made.attributes, made.sent) == ({"name": "Ann"}, {})
    assert made.waiting == {attribute: None}
    # There may be nothing to delete.
    assert change(pool(), user(name="Ann"), **{attribute: ""}).attributes == {"name": "Ann"}


IMMUTABLE = "user.custom:badge: Attribute cannot be updated. (changing an immutable attribute)"
REQUIRED = "Attributes did not conform to the schema: name: The attribute is required"
UNKNOWN = (
    "Attributes did not conform to the schema: custom:x: Attribute does not exist in the schema."
)


@pytest.mark.parametrize("change", [by_user, by_administrator])
@pytest.mark.parametrize("value", ["x", ""])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sub", "Cannot modify the non-mutable attribute sub"),
        ("custom:badge", IMMUTABLE),
        ("custom:x", UNKNOWN),
    ],
)
def test_what_cannot_change_is_neither_set_nor_deleted(change, name, value, message):
    who = user(name="Ann", **{"custom:badge": "7"})
    with pytest.raises(CognitoError) as refusal:
        change(pool(), who, **{name: value})
    assert (refusal.value.code, refusal.value.message) == ("InvalidParameterException", message)


@pytest.mark.parametrize("change", [by_user, by_administrator])
def test_what_every_user_must_have_is_not_deleted(change):
    with pytest.raises(CognitoError) as refusal:
        change(pool(), user(name="Ann"), name="")
    assert refusal.value.message == REQUIRED


@pytest.mark.parametrize("change", [by_user, by_administrator])
def test_who_signs_in_by_addresses_keeps_one(change):
    asked = pool(UsernameAttributes=["email", "phone_number"])
    who = user(name="Ann", email="old@example.org", phone_number="+12065550100")
    made = change(asked, who, email="")
    with pytest.raises(CognitoError) as refusal:
        change(asked, evolve(who, attributes=made.attributes), phone_number="")
    assert refusal.value.message.endswith("email: The attribute is required")


@pytest.mark.parametrize("value", ["x", ""])
@pytest.mark.parametrize("name", ["dev:custom:note", "given_name"])
def test_users_write_and_delete_what_their_app_client_may_write(name, value):
    with pytest.raises(CognitoError) as refusal:
        by_user(pool(), user(name="Ann"), **{name: value})
    assert refusal.value.code == "NotAuthorizedException"
    assert refusal.value.message == "A client attempted to write unauthorized attribute"
    assert by_administrator(pool(), user(name="Ann"), **{name: value}).sent == {}


@pytest.mark.parametrize("value", ["true", "false", ""])
@pytest.mark.parametrize("flag", ["email_verified", "phone_number_verified"])
def test_users_do_not_say_of_themselves_that_an_address_is_theirs(flag, value):
    who = user(name="Ann", email="old@example.org", phone_number="+12065550100")
    settings = {"WriteAttributes": [*WRITES_ALL["WriteAttributes"], flag]}
    with pytest.raises(CognitoError) as refusal:
        AttributeChange.by_user(pool(), settings, who, {flag: value})
    assert refusal.value.message == f"Cannot modify the non-mutable attribute {flag}"


def test_no_administrator_verifies_an_address_that_there_is_not():
    with pytest.raises(CognitoError) as refusal:
        by_administrator(pool(), user(name="Ann"), email_verified="true")
    assert refusal.value.message == "Email is required to verify/un-verify an email"
    # Who came in with such a flag can be changed all the same.
    odd = user(name="Ann", email_verified="true")
    assert by_administrator(pool(), odd, name="Bea").attributes["name"] == "Bea"


@pytest.mark.parametrize("change", [by_user, by_administrator])
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("email", "nowhere", "Invalid email address format."),
        ("phone_number", "12", "Invalid phone number format."),
        ("birthdate", "2000-02-30", "YYYY-MM-DD"),
    ],
)
def test_values_are_checked_as_when_the_user_was_made(change, name, value, message):
    with pytest.raises(CognitoError) as refusal:
        change(pool(), user(name="Ann"), **{name: value})
    assert message in refusal.value.message


def test_no_address_is_in_what_a_log_shows():
    made = by_user(pool(AutoVerifiedAttributes=["email"]), user(), email="new@example.org")
    assert "example" not in repr(made)
