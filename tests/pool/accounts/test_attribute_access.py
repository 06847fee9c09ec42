"""Who reads and who writes attributes: administrators all, users what their app client may."""

import base64
import json
import sqlite3
from contextlib import closing

import pytest

from authflow.pool.accounts.attribute_access import written_by_user
from authflow.pool.accounts.attribute_schema import STANDARD
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.cognito_errors import CognitoError

TEMPORARY = "Temp0rary!"
NEW = "Str0ng-Horse"
SCHEMA = [
    {"Name": "team", "AttributeDataType": "String"},
    {"Name": "role", "AttributeDataType": "String", "Mutable": False},
    {"Name": "note", "AttributeDataType": "String", "DeveloperOnlyAttribute": True},
    {"Name": "gender", "Mutable": False},
]
UNAUTHORIZED = ("NotAuthorizedException", "A client attempted to write unauthorized attribute")
VALUES = {
    "email": "new@example.org",
    "phone_number": "+12065550123",
    "birthdate": "1815-12-10",
    "updated_at": "1",
}
FLAGS = ("email_verified", "phone_number_verified")
BY_USERS = [name for name in STANDARD if name not in {"sub", "gender", *FLAGS}]


def pool(**settings):
    times = {"created_at": 0, "modified_at": 0}
    keys = {"key_id": "key", "signing_key": "{}", "mask_key": b"k" * 32}
    return UserPool(id="eu-central-1_x", settings=settings, **keys, **times)


def value_of(name):
    return VALUES.get(name, "x")


async def temporary(house, who="bob", **attributes):
    """Make a user with a temporary password, and open the dialogue for a new one."""
    await house.api(
        "AdminCreateUser",
        UserPoolId=house.pool_id,
        Username=who,
        TemporaryPassword=TEMPORARY,
        UserAttributes=[{"Name": k, "Value": v} for k, v in attributes.items()],
    )
    return await house.api("InitiateAuth", **house.by_password(who, TEMPORARY))


def choosing(house, asked, who="bob", **attributes):
    given = {f"userAttributes.{k}": v for k, v in attributes.items()}
    return house.answer("NEW_PASSWORD_REQUIRED", who, asked["Session"], NEW_PASSWORD=NEW, **given)


async def refused(house, asked, who="bob", **attributes):
    request = choosing(house, asked, who, **attributes)
    refusal = await house.api.refused("RespondToAuthChallenge", **request)
    return refusal.code, refusal.message


async def attributes_of(house, who="bob"):
    user = await house.api("AdminGetUser", UserPoolId=house.pool_id, Username=who)
    return {each["Name"]: each["Value"] for each in user["UserAttributes"]}


@pytest.mark.parametrize("permissions", [None, [], ["custom:team", "custom:role", "gender"]])
async def test_what_only_others_can_know_no_user_says_of_himself(api, settle, permissions):
    house = await settle(api, {"Schema": SCHEMA}, WriteAttributes=permissions)
    asked = await temporary(house, email="bob@example.org")
    before = await attributes_of(house)
    for flag in ("sub", *FLAGS):
        for value in ("true", "True", "false", ""):
            told = f"Cannot modify the non-mutable attribute {flag}"
            got = await refused(house, asked, **{"nickname": "B", flag: value})
            assert got == ("InvalidParameterException", told)
    for name in ("dev:custom:note", "custom:none", "cognito:user_status"):
        code, _ = await refused(house, asked, **{name: "x"})
        assert code in {"NotAuthorizedException", "InvalidParameterException"}
    assert await attributes_of(house) == before
    await api("RespondToAuthChallenge", **choosing(house, asked))


@pytest.mark.parametrize("permissions", [None, []])
async def test_a_client_without_write_attributes_writes_the_standard_ones(api, settle, permissions):
    house = await settle(api, {"Schema": SCHEMA}, WriteAttributes=permissions)
    asked = await temporary(house)
    for name in ("custom:team", "custom:role", "dev:custom:note"):
        assert await refused(house, asked, **{name: "x"}) == UNAUTHORIZED
    given = {name: value_of(name) for name in BY_USERS}
    await api("RespondToAuthChallenge", **choosing(house, asked, **given))
    kept = await attributes_of(house)
    assert kept.items() >= given.items()
    assert all(kept[flag] == "false" for flag in FLAGS)


@pytest.mark.parametrize("permitted", [["nickname"], ["custom:team"], ["oidc:profile"]])
async def test_a_client_writes_what_its_write_attributes_name_and_no_more(api, settle, permitted):
    house = await settle(api, {"Schema": SCHEMA}, WriteAttributes=permitted)
    profile = [n for n in BY_USERS if n not in {"email", "phone_number", "address", "updated_at"}]
    may = profile if permitted == ["oidc:profile"] else permitted
    asked = await temporary(house)
    for name in {*BY_USERS, "custom:team"} - {*may}:
        assert await refused(house, asked, **{name: value_of(name)}) == UNAUTHORIZED
    given = {name: value_of(name) for name in may}
    await api("RespondToAuthChallenge", **choosing(house, asked, **given))
    assert (await attributes_of(house)).items() >= given.items()


@pytest.mark.parametrize("name", ["custom:role", "gender"])
async def test_what_is_not_mutable_is_set_by_whoever_makes_the_user_alone(api, settle, name):
    house = await settle(api, {"Schema": SCHEMA}, WriteAttributes=["custom:role", "gender"])
    asked = await temporary(house)
    assert await refused(house, asked, **{name: "admin"}) == (
        "InvalidParameterException",
        f"user.{name}: Attribute cannot be updated. (changing an immutable attribute)",
    )
    await temporary(house, "carl", **{name: "admin"})
    assert (await attributes_of(house, "carl"))[name] == "admin"


@pytest.mark.parametrize("mutable", [True, False])
@pytest.mark.parametrize("permissions", [None, ["email", "nickname"]])
async def test_a_required_attribute_that_is_owed_can_be_given_by_every_client(
    api, settle, mutable, permissions
):
    schema = [{"Name": "email", "Required": True, "Mutable": mutable}]
    house = await settle(api, {"Schema": schema}, WriteAttributes=permissions)
    asked = await temporary(house)
    assert asked["ChallengeParameters"]["requiredAttributes"] == '["userAttributes.email"]'
    missing = ("InvalidParameterException", "Invalid attributes given, email is missing")
    assert await refused(house, asked) == missing
    assert await refused(house, asked, nickname="B") == missing
    await api("RespondToAuthChallenge", **choosing(house, asked, email="bob@example.org"))
    assert (await attributes_of(house))["email"] == "bob@example.org"


async def test_what_is_already_provided_stays(house):
    given = {name: value_of(name) for name in BY_USERS}
    asked = await temporary(house, **given)
    for name, value in {**given, "nickname": "other", "email": "e@x.org"}.items():
        told = ("NotAuthorizedException", f"Cannot modify an already provided {name}")
        assert await refused(house, asked, **{name: value}) == told
    assert (await attributes_of(house)).items() >= given.items()


@pytest.mark.parametrize(
    "given",
    [
        {"email": "nonsense"},
        {"phone_number": "12"},
        {"birthdate": "yesterday"},
        {"updated_at": "now"},
        {"nickname": "x" * 2049},
        {"invented": "x"},
        {"x" * 5000: "x"},
    ],
)
async def test_a_users_values_are_checked_and_a_wrong_one_uses_nothing_up(house, given):
    asked = await temporary(house)
    code, _ = await refused(house, asked, **given)
    assert code == "InvalidParameterException"
    assert "AuthenticationResult" in await house.api(
        "RespondToAuthChallenge", **choosing(house, asked, nickname="x" * 2048)
    )


ADDRESSES = [("email", "ceo@example.org"), ("phone_number", "+12065550199")]


@pytest.mark.parametrize(("attribute", "address"), ADDRESSES)
@pytest.mark.parametrize("taken", [True, False])
async def test_nobody_signs_in_by_an_address_that_he_wrote_himself(
    api, settle, attribute, address, taken
):
    house = await settle(api, {"AliasAttributes": ["email", "phone_number"]})
    if taken:
        await house.add_user("ceo", **{attribute: address, f"{attribute}_verified": "true"})
    asked = await temporary(house)
    await api("RespondToAuthChallenge", **choosing(house, asked, **{attribute: address}))
    kept = await attributes_of(house)
    assert (kept[attribute], kept[f"{attribute}_verified"]) == (address, "false")
    refusal = await api.refused("InitiateAuth", **house.by_password(address, NEW))
    assert refusal.code == ("NotAuthorizedException" if taken else "UserNotFoundException")


@pytest.mark.parametrize(("attribute", "address"), ADDRESSES)
def test_a_promise_that_an_address_is_verified_does_not_hold_for_one_that_comes_later(
    attribute, address
):
    written = written_by_user(pool(), {}, {attribute: address})
    assert {f"{attribute}_verified": "true", **written} == {
        attribute: address,
        f"{attribute}_verified": "false",
    }


def test_developers_attributes_are_no_users_and_required_ones_everybodys_whatever_a_client_says():
    asked = pool(Schema=[*SCHEMA, {"Name": "nickname", "Required": True}])
    with pytest.raises(CognitoError, match="unauthorized attribute"):
        written_by_user(asked, {"WriteAttributes": ["dev:custom:note"]}, {"dev:custom:note": "x"})
    given = {"nickname": "x"}
    assert written_by_user(asked, {"WriteAttributes": ["email"]}, given) == given


@pytest.mark.parametrize("taken", ["queen", "ann", "ceo@example.org", "+12065550199"])
async def test_a_preferred_username_takes_no_name_of_somebody_else(api, settle, taken):
    folding = {"UsernameConfiguration": {"CaseSensitive": False}}
    aliases = ["email", "phone_number", "preferred_username"]
    house = await settle(api, {"AliasAttributes": aliases, **folding})
    await house.add_user("ann", preferred_username="queen")
    asked = await temporary(house)
    for written in (taken, taken.upper() if taken.isalpha() else taken):
        code, _ = await refused(house, asked, preferred_username=written)
        wanted = "AliasExistsException" if taken.isalpha() else "InvalidParameterException"
        assert code == wanted
    await api("RespondToAuthChallenge", **choosing(house, asked, preferred_username="king"))
    assert "AuthenticationResult" in await api("InitiateAuth", **house.by_password("king", NEW))


@pytest.mark.parametrize(("attribute", "address"), ADDRESSES)
async def test_the_name_that_somebody_signs_in_by_is_not_taken_by_writing_it(
    api, settle, attribute, address
):
    house = await settle(api, {"UsernameAttributes": ["email", "phone_number"]})
    own = {"email": "+12065550100", "phone_number": "bob@example.org"}[attribute]
    await house.add_user(address)
    asked = await temporary(house, own)
    assert await refused(house, asked, own, **{attribute: address}) == (
        "AliasExistsException",
        f"An account with the given {attribute} already exists.",
    )


@pytest.mark.parametrize(("attribute", "address"), ADDRESSES)
async def test_whose_address_was_moved_is_no_longer_verified(api, settle, attribute, address):
    house = await settle(api, {"AliasAttributes": ["email", "phone_number", "preferred_username"]})
    own = {attribute: address, f"{attribute}_verified": "true", "preferred_username": "queen"}
    await house.add_user("ann", **own)
    await api(
        "AdminCreateUser",
        UserPoolId=house.pool_id,
        Username="bob",
        UserAttributes=[{"Name": name, "Value": value} for name, value in own.items()],
        ForceAliasCreation=True,
    )
    left = await attributes_of(house, "ann")
    assert (left[attribute], left[f"{attribute}_verified"]) == (address, "false")
    assert "preferred_username" not in left
    assert await attributes_of(house, address) == await attributes_of(house, "bob")
    await api(
        "AdminSetUserPassword",
        UserPoolId=house.pool_id,
        Username="ann",
        Password=NEW,
        Permanent=True,
    )
    assert "AuthenticationResult" in await api("InitiateAuth", **house.by_password("ann", NEW))


OWN = {
    "email": "bob@example.org",
    "email_verified": "true",
    "nickname": "B",
    "custom:team": "red",
    "custom:role": "boss",
    "dev:custom:note": "watch",
}


@pytest.mark.parametrize(
    ("permissions", "readable"),
    [
        (None, OWN.keys() - {"dev:custom:note"}),
        ([], OWN.keys() - {"dev:custom:note"}),
        (["nickname"], {"nickname"}),
        (["email"], {"email"}),
        (["email_verified", "custom:role"], {"email_verified", "custom:role"}),
        (["oidc:profile", "email"], {"nickname", "email"}),
        (["gender"], set()),
        (["sub"], set()),
    ],
)
async def test_every_reader_sees_what_read_attributes_name(api, settle, permissions, readable):
    house = await settle(api, {"Schema": SCHEMA}, ReadAttributes=permissions)
    asked = await temporary(house, **OWN)
    wanted = {name: OWN[name] for name in readable}
    assert json.loads(asked["ChallengeParameters"]["userAttributes"]) == wanted
    reply = await api("RespondToAuthChallenge", **choosing(house, asked))
    tokens = reply["AuthenticationResult"]
    user = await api("GetUser", AccessToken=tokens["AccessToken"])
    told = {each["Name"]: each["Value"] for each in user["UserAttributes"]}
    sub = told.pop("sub")
    assert told == wanted
    renewed = await api("GetTokensFromRefreshToken", **refresh(house, tokens))
    for each in (tokens, renewed["AuthenticationResult"]):
        part = each["IdToken"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=="))
        said = {name: claims[name] for name in OWN if name in claims}
        assert said == {k: True if k == "email_verified" else v for k, v in wanted.items()}
        assert claims["sub"] == sub
    # An administrator sees it all.
    assert (await attributes_of(house)).items() >= OWN.items()


def refresh(house, tokens):
    return {"ClientId": house.client_id, "RefreshToken": tokens["RefreshToken"]}


WRITABLE = [name for name in STANDARD if name not in {"sub", "email", *FLAGS}]
UNKNOWN = ["team", "custom:none", "Email", "note", "oidc:email", "role", "dev:note", "custom:note"]
GRANTED = [
    *(("Read", [name]) for name in (*STANDARD, "custom:team", "dev:custom:note", "oidc:profile")),
    *(("Write", ["email", name]) for name in (*WRITABLE, "custom:team", "custom:role")),
    *(("Write", []), ("Read", []), ("Write", ["email"]), ("Write", ["oidc:profile", "email"])),
]
NOT_GRANTED = [
    *(("Read", ["email", name]) for name in UNKNOWN),
    *(("Write", ["email", name]) for name in (*UNKNOWN, "sub", *FLAGS, "dev:custom:note")),
    # The pool requires an email, which every client must be able to write.
    *(("Write", [name]) for name in (*WRITABLE, "custom:team", "oidc:profile")),
]


async def test_a_client_is_granted_what_the_pool_has_and_nothing_else(api, settle):
    house = await settle(api, {"Schema": [*SCHEMA, {"Name": "email", "Required": True}]})
    for operation, more, doing in (
        ("CreateUserPoolClient", {"ClientName": "x"}, "creating"),
        ("UpdateUserPoolClient", {"ClientId": house.client_id}, "updating"),
    ):
        request = {"UserPoolId": house.pool_id, **more}
        for kind, names in GRANTED:
            made = await api(operation, **request, **{f"{kind}Attributes": names})
            assert made["UserPoolClient"][f"{kind}Attributes"] == names
        for kind, names in NOT_GRANTED:
            refusal = await api.refused(operation, **request, **{f"{kind}Attributes": names})
            assert (refusal.code, refusal.message) == (
                "InvalidParameterException",
                f"Invalid {kind.lower()} attributes specified while {doing} a client",
            ), names


@pytest.mark.parametrize("spelled", [str, str.upper], ids=["as it is", "in capitals"])
@pytest.mark.parametrize("folding", [False, True])
async def test_nobodys_name_is_somebodys_id(api, settle, spelled, folding):
    """Administrators find users by id, too, which is in every token."""
    shape = {"UsernameConfiguration": {"CaseSensitive": not folding}}
    house = await settle(api, {"AliasAttributes": ["preferred_username"], **shape})
    await house.add_user("victim")
    victim = (await attributes_of(house, "victim"))["sub"]
    whose = {"UserPoolId": house.pool_id}
    refusal = await api.refused("AdminCreateUser", **whose, Username=spelled(victim))
    assert refusal.code == "UsernameExistsException"
    asked = await temporary(house)
    code, _ = await refused(house, asked, preferred_username=spelled(victim))
    assert code == "AliasExistsException"
    found = await api("AdminGetUser", **whose, Username=victim)
    assert found["Username"] == "victim"


@pytest.mark.parametrize("verified", [False, True])
async def test_where_addresses_are_usernames_one_that_a_user_writes_counts_once_it_is_verified(
    api, settle, verified
):
    house = await settle(api, {"UsernameAttributes": ["email", "phone_number"]})
    phone, email = "+4915112345678", "ceo@example.org"
    made = {"UserPoolId": house.pool_id, "Username": phone, "TemporaryPassword": "Temp0rary!"}
    mine = {"UserAttributes": [{"Name": "email_verified", "Value": "true"}]} if verified else {}
    if verified:
        mine["UserAttributes"].append({"Name": "email", "Value": email})
    await api("AdminCreateUser", **made, **mine)
    asked = await api("InitiateAuth", **house.by_password(phone, "Temp0rary!"))
    more = {} if verified else {"userAttributes.email": email}
    answer = {"NEW_PASSWORD": NEW, **more}
    username = asked["ChallengeParameters"]["USERNAME"]
    request = house.answer("NEW_PASSWORD_REQUIRED", username, asked["Session"], **answer)
    assert "AuthenticationResult" in await api("RespondToAuthChallenge", **request)
    assert "AuthenticationResult" in await api("InitiateAuth", **house.by_password(phone, NEW))
    by_email = house.by_password(email, NEW)
    if verified:
        assert "AuthenticationResult" in await api("InitiateAuth", **by_email)
        return
    assert (await api.refused("InitiateAuth", **by_email)).code == "UserNotFoundException"
    # The address is free for whoever has it.
    owner = {"UserPoolId": house.pool_id, "Username": email}
    assert await api("AdminCreateUser", **owner)


async def test_a_file_where_a_name_is_somebodys_id_finds_whose_id_it_is(start, settle, tmp_path):
    path = tmp_path / "pool.db"
    house = await settle(await start(db=str(path)))
    for name in ("victim", "mallory"):
        await house.add_user(name)
    victim = (await attributes_of(house, "victim"))["sub"]
    with closing(sqlite3.connect(path, timeout=5)) as file, file:
        change = "UPDATE names SET name = ? WHERE name = 'mallory'"
        assert file.execute(change, (victim,)).rowcount == 1
    found = await house.api("AdminGetUser", UserPoolId=house.pool_id, Username=victim)
    assert found["Username"] == "victim"
