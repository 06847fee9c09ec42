"""The definitions of attributes: Cognito's defaults, and what cannot be defined."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.pool.accounts.attribute_schema import STANDARD, read_schema
from authflow.pool.cognito_errors import CognitoError

TYPES = ("String", "Number", "Boolean", "DateTime")
BOUNDS = {
    "String": ("StringAttributeConstraints", "MinLength", "MaxLength"),
    "Number": ("NumberAttributeConstraints", "MinValue", "MaxValue"),
}
CHANGEABLE = [name for name in STANDARD if name != "sub"]


def described(name: str, data_type: str = "String", **other: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "AttributeDataType": data_type,
        "DeveloperOnlyAttribute": False,
        "Mutable": True,
        "Required": False,
        **other,
    }


def text(name: str, least: str = "0", most: str = "2048", **other: Any) -> dict[str, Any]:
    bounds = {"MinLength": least, "MaxLength": most}
    return described(name, StringAttributeConstraints=bounds, **other)


# As DescribeUserPool of Cognito lists them for a pool that was made without Schema.
OF_COGNITO = [
    text("sub", least="1", Mutable=False, Required=True),
    *map(text, ("name", "given_name", "family_name", "middle_name", "nickname")),
    *map(text, ("preferred_username", "profile", "picture", "website", "email")),
    described("email_verified", "Boolean"),
    text("gender"),
    text("birthdate", "10", "10"),
    *map(text, ("zoneinfo", "locale", "phone_number")),
    described("phone_number_verified", "Boolean"),
    text("address"),
    described("updated_at", "Number", NumberAttributeConstraints={"MinValue": "0"}),
]


def refusal(*entries: dict[str, Any]) -> str:
    with pytest.raises(CognitoError) as caught:
        read_schema(entries)
    assert caught.value.code == "InvalidParameterException"
    return caught.value.message


async def test_a_pool_lists_the_standard_attributes_and_its_own_behind_them(api):
    plain = (await api("CreateUserPool", PoolName="x"))["UserPool"]
    assert plain["SchemaAttributes"] == OF_COGNITO
    own = [
        {"Name": "team", "AttributeDataType": "String"},
        {"Name": "n", "AttributeDataType": "Number", "Mutable": False},
        {"Name": "old", "AttributeDataType": "Boolean", "DeveloperOnlyAttribute": True},
        {"Name": "seen", "AttributeDataType": "DateTime", "Required": False},
    ]
    pool = (await api("CreateUserPool", PoolName="x", Schema=own))["UserPool"]
    assert (await api("DescribeUserPool", UserPoolId=pool["Id"]))["UserPool"] == pool
    assert pool["SchemaAttributes"] == [
        *OF_COGNITO,
        described("custom:team", StringAttributeConstraints={}),
        described("custom:n", "Number", Mutable=False, NumberAttributeConstraints={}),
        described("dev:custom:old", "Boolean", DeveloperOnlyAttribute=True),
        described("custom:seen", "DateTime"),
    ]
    assert "Schema" not in pool


async def test_a_pool_is_not_made_with_a_schema_that_cannot_be(start):
    api = await start()
    refused = await api.refused("CreateUserPool", PoolName="never", Schema=[{"Name": "team"}])
    assert (refused.code, refused.message) == (
        "InvalidParameterException",
        "Invalid AttributeDataType input, consider using the provided AttributeDataType enum.",
    )
    pools = (await api("ListUserPools", MaxResults=60))["UserPools"]
    assert "never" not in {pool["Name"] for pool in pools}
    for entry in ({"Name": "x" * 21}, {"Name": ""}, {"Name": "a b"}, {"Name": "x"}):
        wrong = {"AttributeDataType": "Text" if entry["Name"] == "x" else "String", **entry}
        refused = await api.refused("CreateUserPool", PoolName="x", Schema=[wrong])
        assert refused.code == "InvalidParameterException"
    for longest in ("x", "x" * 20):
        entry = {"Name": longest, "AttributeDataType": "String"}
        made = (await api("CreateUserPool", PoolName="x", Schema=[entry]))["UserPool"]
        assert made["SchemaAttributes"][-1]["Name"] == f"custom:{longest}"


@pytest.mark.parametrize("name", CHANGEABLE)
@pytest.mark.parametrize("mutable", [True, False, None])
@pytest.mark.parametrize("required", [True, False, None])
def test_an_entry_that_names_a_standard_attribute_changes_it_and_makes_none(
    name, mutable, required
):
    if name.endswith("_verified"):
        required = None  # nobody could ever give it
    schema = read_schema([{"Name": name, "Mutable": mutable, "Required": required}])
    assert list(schema) == list(STANDARD)
    wanted = next(each for each in OF_COGNITO if each["Name"] == name)
    assert schema[name].described() == {
        **wanted,
        "Mutable": mutable is not False,
        "Required": required is True,
    }
    assert all(schema[other] == STANDARD[other] for other in STANDARD if other != name)


@pytest.mark.parametrize("name", STANDARD)
def test_a_standard_attribute_keeps_its_type_and_belongs_to_users(name):
    told = (
        "You can not change AttributeDataType or set developerOnlyAttribute for standard schema "
        f"attribute {name}"
    )
    for data_type in TYPES:
        entry = {"Name": name, "AttributeDataType": data_type}
        if data_type == STANDARD[name].data_type:
            assert read_schema([entry]) == STANDARD
        else:
            assert refusal(entry) == told
    assert refusal({"Name": name, "DeveloperOnlyAttribute": True}) == told
    assert read_schema([{"Name": name, "DeveloperOnlyAttribute": False}]) == STANDARD


@pytest.mark.parametrize(
    "entry",
    [
        {"Name": "sub", "Mutable": True},
        {"Name": "sub", "Required": False},
        {"Name": "email_verified", "Required": True},
        {"Name": "phone_number_verified", "Required": True},
    ],
)
def test_what_cognito_itself_sets_of_a_user_cannot_be_made_the_users(entry):
    assert entry["Name"] in refusal(entry)


def test_what_cognito_itself_sets_may_be_named_as_it_is():
    same = [{"Name": "sub", "Mutable": False, "Required": True}, {"Name": "email_verified"}]
    assert read_schema(same) == STANDARD


@pytest.mark.parametrize("data_type", TYPES)
def test_a_custom_attribute_cannot_be_required(data_type):
    entry = {"Name": "x", "AttributeDataType": data_type}
    assert refusal({**entry, "Required": True}) == (
        "Required custom attributes are not supported currently."
    )
    assert read_schema([{**entry, "Required": False}])["custom:x"].data_type == data_type


def test_an_attribute_without_name_or_type_is_none():
    assert "schema.2.member.name" in refusal({"Name": "email"}, {"AttributeDataType": "String"})
    assert "AttributeDataType" in refusal({"Name": "x", "AttributeDataType": None})


@pytest.mark.parametrize("name", ["email", "team"])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
def test_a_name_stands_once_whoever_writes_it(name, first, second):
    entry = {"Name": name, "AttributeDataType": "String"}
    if name == "email":
        assert refusal(entry, entry) == "email: Existing attribute already has name email."
        return
    twice = [{**entry, "DeveloperOnlyAttribute": only} for only in (first, second)]
    names = [f"{'dev:' if only else ''}custom:team" for only in (first, second)]
    assert refusal(*twice) == f"{names[1]}: Existing attribute already has name {names[0]}."


def test_names_that_differ_by_case_are_two():
    entries = [{"Name": name, "AttributeDataType": "String"} for name in ("team", "Team", "Email")]
    assert list(read_schema(entries))[-3:] == ["custom:team", "custom:Team", "custom:Email"]


def bounded(data_type: str, name: str = "x", **bounds: Any) -> dict[str, Any]:
    """Make a definition; `least` and `most` are its bounds."""
    member, low, high = BOUNDS[data_type]
    ends = {"least": low, "most": high}
    named = {ends[end]: bound for end, bound in bounds.items()}
    return {"Name": name, "AttributeDataType": data_type, member: named}


@pytest.mark.parametrize("data_type", BOUNDS)
@pytest.mark.parametrize("end", ["least", "most"])
@pytest.mark.parametrize(
    "bound",
    ["", "x", "1.5", " 1", "1 ", "+1", "1e3", "1_0", "\u0661", "0x10", "--1", "9" * 5000, "\n1"],
)
@pytest.mark.parametrize(("name", "full"), [("x", "custom:x"), ("standard", None)])
def test_bounds_are_decimal_numbers(data_type, end, bound, name, full):
    if full is None:
        name = full = {"String": "email", "Number": "updated_at"}[data_type]
    told = refusal(bounded(data_type, name, **{end: bound}))
    assert told == f"Invalid {BOUNDS[data_type][0]} for schema attribute {full}"


@pytest.mark.parametrize("end", ["least", "most"])
@pytest.mark.parametrize("bound", ["2049", "99999", "9" * 300])
def test_no_string_is_longer_than_2048_characters(end, bound):
    assert refusal(bounded("String", **{end: bound})) == (
        "user.custom:x: String attributes cannot have a length of more than 2048"
    )
    assert read_schema([bounded("String", **{end: "2048"})])["custom:x"].constraints
    assert "Invalid" in refusal(bounded("String", **{end: "-1"}))


def test_a_number_is_at_most_two_to_the_power_of_1023():
    most = 2**1023
    edges = bounded("Number", least=str(-most), most=str(most))
    assert read_schema([edges])["custom:x"].most == most
    for beyond in ({"least": str(-most - 1)}, {"most": str(most + 1)}):
        assert "Invalid NumberAttributeConstraints" in refusal(bounded("Number", **beyond))


@given(data_type=st.sampled_from([*BOUNDS]), ends=st.tuples(*[st.integers(0, 2048)] * 2))
def test_the_least_is_not_more_than_the_most(data_type, ends):
    least, most = ends
    entry = bounded(data_type, least=str(least), most=str(most))
    if least <= most:
        attribute = read_schema([entry])["custom:x"]
        assert (attribute.least, attribute.most) == ends
        member, low, high = BOUNDS[data_type]
        assert attribute.described()[member] == {low: str(least), high: str(most)}
    else:
        assert re.fullmatch(
            r"user\.custom:x: Max (length|value) cannot be less than min \1\.", refusal(entry)
        )


@pytest.mark.parametrize("data_type", TYPES)
def test_bounds_of_another_type_mean_nothing(data_type):
    entry = {"Name": "x", "AttributeDataType": data_type}
    for other, (member, low, _) in BOUNDS.items():
        if other != data_type:
            schema = read_schema([{**entry, member: {low: "9"}}])
            assert schema == read_schema([entry])


def test_one_bound_is_enough():
    assert read_schema([bounded("Number", most="-1")])["custom:x"].least is None
    standard = read_schema([bounded("String", "nickname", most="5", least=None)])["nickname"]
    assert standard.described()["StringAttributeConstraints"] == {"MaxLength": "5"}
