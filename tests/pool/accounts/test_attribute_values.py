"""The values of attributes: type, length, range and form, whoever gives them."""

from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.pool.accounts.attribute_schema import STANDARD
from authflow.pool.accounts.attribute_values import (
    check_username,
    is_address,
    read_attributes,
)
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.cognito_errors import CognitoError

GOOD = {
    "email": ["ann@example.org", "a@b", "\u00e4+tag.x@ex\u00e4mple.org", f"{'a' * 1000}@x.org"],
    "phone_number": ["+12065550123", "+12", "+123456789012345"],
    "birthdate": ["1815-12-10", "2000-02-29", "0001-01-01"],
    "updated_at": ["0", "1800000000", "007", "9" * 1000],
    "String": ["", " ", "x" * 2048, "Zo\u00eb", "line\nline", "\U0001f600"],
    "Boolean": ["true", "false", "True", "TRUE", "tRuE", "False", "FALSE"],
    "Number": ["0", "-1", "10", "-0", "9" * 2048],
    "DateTime": [
        *("2026-11-04T10:00:00Z", "2026-11-04T10:00:00", "2026-11-04T23:59:59.123456789Z"),
        *("2026-11-04T10:00:00+01:00", "2024-02-29T00:00:00-11:30"),
    ],
}
BAD = {
    "email": [
        *("", "ann", "@x.org", "ann@", "a@b@c", "a b@x.org", "ann@x.org\n", "a\x00@x.org"),
        *("Ann <ann@x.org>", "a@x.org,b@x.org", "a;b@x.org", "mailto:a@x.org"),
    ],
    "phone_number": [
        *("", "12065550123", "+0123", "+1", "+1 206", "+1-206", "+1234567890123456"),
        *("+\u0661\u0662\u0663", "+12065550123\n", "tel:+12065550123"),
    ],
    "birthdate": [
        *("", "1815-12-1", "1815-13-10", "2001-02-29", "10.12.1815", "1815/12/10", "0000-01-01"),
        *("1815-12-100", "18151210xx", "\u0661815-12-10", "1815-W50-7"),
    ],
    "updated_at": ["", "-1", "1.5", "now", "1e9"],
    "String": ["x" * 2049, "\ud800", "ok\udfff"],
    "Boolean": ["", "yes", "1", "0", "truee", " true", "true ", "t", "\u1d1brue", "null"],
    "Number": ["", "abc", "1.5", "+1", " 1", "1 ", "1_0", "0x1", "1e3", "\u0661", "NaN", "--1"],
    "DateTime": [
        *("", "now", "2026-11-04", "2026-13-04T10:00:00Z", "2026-11-04T25:00:00Z", "1800000000"),
        *("2026-11-04 10:00:00Z", "2026-11-04T10:00:00Z\n", "2026-11-04T10:00Z", "2026-W45-3T10"),
        *("2026-02-29T10:00:00Z", "2026-11-04T10:00:00+25:00", "2026-11-04T10:00:00z"),
    ],
}


def pool(*schema: dict[str, Any], **settings: Any) -> UserPool:
    return UserPool(
        id="eu-central-1_x",
        settings={"Schema": schema, **settings},
        key_id="key",
        signing_key="{}",
        mask_key=b"k" * 32,
        created_at=0,
        modified_at=0,
    )


def of_type(data_type: str, least: int | None = None, most: int | None = None) -> UserPool:
    """Make a pool with an attribute `custom:x`."""
    member, what = {"Number": ("Number", "Value")}.get(data_type, ("String", "Length"))
    ends = {"Min": least, "Max": most}
    bounds = {f"{end}{what}": str(bound) for end, bound in ends.items() if bound is not None}
    entry = {"Name": "x", "AttributeDataType": data_type, f"{member}AttributeConstraints": bounds}
    return pool(entry)


def refusal(asked: UserPool, name: str, value: str) -> str:
    with pytest.raises(CognitoError) as caught:
        read_attributes(asked, [(name, value)])
    assert caught.value.code == "InvalidParameterException"
    caught.value.message.encode()  # it can be sent
    return caught.value.message


def forms_of(name: str) -> str:
    return name if name in GOOD else STANDARD[name].data_type


CUSTOM = ("String", "Number", "Boolean", "DateTime")
SPOKEN = {
    "email": "Invalid email address format.",
    "phone_number": "Invalid phone number format.",
}
GIVEN = [name for name in STANDARD if name != "sub"]


@pytest.mark.parametrize("name", [*GIVEN, *CUSTOM])
def test_what_an_attribute_may_be_is_taken_and_what_it_may_not_is_refused(name):
    full = "custom:x" if name in CUSTOM else name
    asked = of_type(name) if name in CUSTOM else pool()
    forms = name if name in CUSTOM else forms_of(name)
    for value in GOOD[forms]:
        kept = value.lower() if forms == "Boolean" else value
        assert read_attributes(asked, [(full, value)]) == {full: kept}
    for value in BAD[forms]:
        spoken = SPOKEN.get(full, f"Attributes did not conform to the schema: {full}: ")
        assert refusal(asked, full, value).startswith(spoken)


@pytest.mark.parametrize("name", [*GIVEN, *CUSTOM])
@pytest.mark.parametrize("value", ["\ud800", "x\udc00x", "true\ud800", "x" * 2049, "9" * 5000])
def test_no_type_takes_half_a_character_or_more_than_2048(name, value):
    if name in CUSTOM:
        refusal(of_type(name), "custom:x", value)
    else:
        refusal(pool(), name, value)


@given(
    least=st.none() | st.integers(0, 60),
    most=st.none() | st.integers(60, 2048),
    length=st.integers(0, 2100),
)
def test_a_string_is_as_long_as_its_bounds_say(least, most, length):
    asked = of_type("String", least, most)
    if (least or 0) <= length <= (2048 if most is None else most):
        assert read_attributes(asked, [("custom:x", "y" * length)])
    else:
        assert "String must be no " in refusal(asked, "custom:x", "y" * length)


@given(
    least=st.none() | st.integers(-(10**30), 10),
    most=st.none() | st.integers(10, 10**30),
    number=st.integers(-(10**31), 10**31),
)
def test_a_number_is_within_its_bounds(least, most, number):
    asked = of_type("Number", least, most)
    if (least is None or least <= number) and (most is None or number <= most):
        assert read_attributes(asked, [("custom:x", str(number))]) == {"custom:x": str(number)}
    else:
        assert "Number must be no " in refusal(asked, "custom:x", str(number))


@pytest.mark.parametrize("value", ["abc", "99", "0", "11", "", "5.5"])
def test_one_to_ten_is_neither_abc_nor_99(value):
    assert refusal(of_type("Number", 1, 10), "custom:x", value).startswith(
        "Attributes did not conform to the schema: custom:x: Number must be "
    )


@given(st.dates())
def test_every_date_is_a_birthdate(day: date):
    assert read_attributes(pool(), [("birthdate", day.isoformat())])


@given(st.datetimes(), st.sampled_from(["", "Z", "+05:30", "-08:00"]))
def test_every_moment_is_a_date_time(moment, zone):
    written = moment.replace(microsecond=0).isoformat() + zone
    assert read_attributes(of_type("DateTime"), [("custom:x", written)])


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_is_taken_or_refused_by_any_type(text):
    for data_type in CUSTOM:
        with suppress(CognitoError):
            kept = read_attributes(of_type(data_type), [("custom:x", text)])
            kept["custom:x"].encode()


@pytest.mark.parametrize(
    "name", ["custom:none", "invented", "dev:custom:x", "Email", "", "x" * 40000, "\ud800", "x"]
)
def test_an_attribute_that_the_pool_lacks_is_refused_without_repeating_all_of_it(name):
    told = refusal(of_type("String"), name, "x")
    assert "Attribute does not exist in the schema." in told
    assert len(told) < 200


def test_nobody_gives_a_sub():
    assert refusal(pool(), "sub", "x") == "Cannot modify the non-mutable attribute sub"


NAMES = [*("", " ", "a b", "a\tb", "a\x00", "\x7f", "\u2028", "\ud800", "a\udfff", "x" * 129)]


@pytest.mark.parametrize("name", NAMES)
def test_a_username_is_visible_and_short(name):
    with pytest.raises(CognitoError) as caught:
        check_username(name)
    assert caught.value.code == "InvalidParameterException"
    caught.value.message.encode()


@pytest.mark.parametrize("name", ["a", "x" * 128, "Zo\u00eb", "\u65e5\u672c", "a@b", "1", "\u20ac"])
def test_letters_marks_symbols_numbers_and_punctuation_make_a_username(name):
    check_username(name)


@pytest.mark.parametrize("value", [*NAMES[1:], "ceo@example.org", "+12065550123"])
def test_a_preferred_username_that_is_an_alias_is_a_username_and_no_address(value):
    every = ["email", "phone_number", "preferred_username"]
    refusal(pool(AliasAttributes=every), "preferred_username", value)
    assert read_attributes(pool(AliasAttributes=every), [("preferred_username", "")])
    if "\ud800" <= max(value) <= "\udfff":
        return
    for aliases in ([], ["email", "phone_number"]):
        asked = pool(AliasAttributes=aliases)
        assert read_attributes(asked, [("preferred_username", value)])


@pytest.mark.parametrize("value", ["ceo@example.org", "+12065550123"])
def test_an_address_is_a_preferred_username_where_nobody_signs_in_by_it(value):
    asked = pool(AliasAttributes=["preferred_username"])
    assert read_attributes(asked, [("preferred_username", value)])


@pytest.mark.parametrize("attribute", ["email", "phone_number"])
def test_addresses_are_told_by_their_form(attribute):
    assert all(is_address(attribute, good) for good in GOOD[attribute])
    assert not any(is_address(attribute, bad) for bad in BAD[attribute])


@pytest.mark.parametrize("value", ["True", "TRUE", "fAlse"])
async def test_an_administrators_flags_are_taken_in_any_case(house, value):
    made = await house.add_user(email="ann@example.org", email_verified=value)
    assert {"Name": "email_verified", "Value": value.lower()} in made["Attributes"]


@pytest.mark.parametrize(
    ("flag", "told"),
    [
        ("email_verified", "Email is required to verify/un-verify an email"),
        ("phone_number_verified", "Phone Number is required to verify/un-verify a phone number"),
    ],
)
async def test_an_administrator_verifies_no_address_that_is_not_there(house, flag, told):
    named = {"UserPoolId": house.pool_id, "Username": "ann"}
    given = [{"Name": flag, "Value": "true"}]
    refused = await house.api.refused("AdminCreateUser", **named, UserAttributes=given)
    assert (refused.code, refused.message) == ("InvalidParameterException", told)


async def test_an_administrators_values_are_checked(api, settle):
    number = {"MinValue": "1", "MaxValue": "10"}
    entry = {
        "Name": "n",
        "AttributeDataType": "Number",
        "NumberAttributeConstraints": number,
    }
    house = await settle(api, {"Schema": [entry]})
    named = {"UserPoolId": house.pool_id, "Username": "ann"}
    for value in ("abc", "99"):
        given = [{"Name": "custom:n", "Value": value}]
        refused = await api.refused("AdminCreateUser", **named, UserAttributes=given)
        assert refused.code == "InvalidParameterException"
        assert value not in refused.message
    assert await house.add_user(**{"custom:n": "7"})
