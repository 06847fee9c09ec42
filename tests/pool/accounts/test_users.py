import sqlite3
import uuid

import pytest

from authflow import srp
from authflow.pool.accounts.passwords import StoredPassword, new_salt
from authflow.secret import Secret

FOLDING = {"UsernameConfiguration": {"CaseSensitive": False}}
EMAIL = {"email": "ann@example.org", "email_verified": "true"}


def named(house, username="ann"):
    return {"UserPoolId": house.pool_id, "Username": username}


async def test_a_user_is_made_read_and_deleted(house):
    made = await house.add_user(email="ann@example.org", name="Ann")
    user = await house.api("AdminGetUser", **named(house))
    attributes = {one["Name"]: one["Value"] for one in user["UserAttributes"]}
    assert uuid.UUID(attributes.pop("sub")).version == 4
    assert attributes == {"email": "ann@example.org", "name": "Ann"}
    assert (user["Username"], user["Enabled"], user["UserStatus"]) == ("ann", True, "CONFIRMED")
    assert user["UserCreateDate"] == made["UserCreateDate"] == house.clock.now
    await house.api("AdminDeleteUser", **named(house))
    for operation in ("AdminGetUser", "AdminDeleteUser"):
        refusal = await house.api.refused(operation, **named(house))
        assert (refusal.code, refusal.message) == ("UserNotFoundException", "User does not exist.")
    assert await house.add_user()


async def test_a_username_is_taken_once_in_every_case_where_case_does_not_matter(api, settle):
    house = await settle(api, FOLDING)
    await house.add_user("Ann")
    refusal = await house.api.refused("AdminCreateUser", **named(house, "aNN"))
    assert (refusal.code, refusal.message) == (
        "UsernameExistsException",
        "User account already exists",
    )


@pytest.mark.parametrize("shape", [{}, {"UsernameConfiguration": {"CaseSensitive": True}}])
@pytest.mark.parametrize("alias", ["username", "email", "preferred_username"])
async def test_two_users_may_differ_by_letter_case_alone_unless_the_pool_says_otherwise(
    api, settle, shape, alias
):
    house = await settle(api, {"AliasAttributes": ["email", "preferred_username"], **shape})
    names = ("a@example.org", "A@example.org") if alias == "email" else ("ann", "Ann")
    for number, name in enumerate(names):
        known = {"email_verified": "true"} if alias == "email" else {}
        username, aliases = (name, {}) if alias == "username" else (f"user{number}", {alias: name})
        await house.add_user(username, f"Passw0rd-{number}!", **aliases, **known)
    for number, name in enumerate(names):
        for typed, code in (
            (name, None),
            (name.upper(), "UserNotFoundException"),
            (names[1 - number], "NotAuthorizedException"),
        ):
            request = house.by_password(typed, f"Passw0rd-{number}!")
            if code is None:
                assert "AuthenticationResult" in await api("InitiateAuth", **request)
            else:
                assert (await api.refused("InitiateAuth", **request)).code == code


async def test_the_same_name_in_two_pools_is_two_users(house, settle):
    other = await settle(house.api)
    await house.add_user()
    await other.add_user(password="An0ther-Horse")
    refusal = await house.api.refused("InitiateAuth", **house.by_password("ann", "An0ther-Horse"))
    assert refusal.code == "NotAuthorizedException"
    assert await house.tokens()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("email", "nonsense"),
        ("phone_number", "12345"),
        ("phone_number", "+1 234"),
        ("email_verified", "yes"),
        ("custom:none", "x"),
        ("invented", "x"),
        pytest.param("sub", str(uuid.uuid4()), id="sub"),
    ],
)
async def test_attributes_that_the_pool_does_not_take_are_refused(house, name, value):
    attribute = [{"Name": name, "Value": value}]
    refusal = await house.api.refused("AdminCreateUser", **named(house), UserAttributes=attribute)
    assert refusal.code == "InvalidParameterException"
    assert (await house.api.refused("AdminGetUser", **named(house))).code == "UserNotFoundException"


async def test_a_verified_alias_signs_in_and_an_unverified_one_does_not(api, settle):
    house = await settle(api, {"AliasAttributes": ["email", "preferred_username"], **FOLDING})
    await house.add_user("ann", **EMAIL, preferred_username="Queen")
    await house.add_user("bob", email="bob@example.org")
    for alias in ("ANN@example.org", "queen"):
        prover, asked = await house.ask(alias)
        assert asked["ChallengeParameters"]["USER_ID_FOR_SRP"] == "ann"
        proof = house.proof(prover, asked)
        assert "AuthenticationResult" in await api("RespondToAuthChallenge", **proof)
        assert await house.tokens(alias)
        assert (await api("AdminGetUser", **named(house, alias)))["Username"] == "ann"
    refusal = await api.refused("InitiateAuth", **house.by_password("bob@example.org"))
    assert refusal.code == "UserNotFoundException"


async def test_the_answer_may_name_the_user_as_it_was_typed(api, settle):
    house = await settle(api, {"AliasAttributes": ["email"]})
    await house.add_user("ann", **EMAIL)
    prover, asked = await house.ask("ann@example.org")
    proof = house.proof(prover, asked)
    proof["ChallengeResponses"]["USERNAME"] = "ann@example.org"
    assert "AuthenticationResult" in await api("RespondToAuthChallenge", **proof)


async def test_an_alias_is_moved_only_by_force(api, settle):
    house = await settle(api, {"AliasAttributes": ["email", "preferred_username"]})
    await house.add_user("ann", **EMAIL)
    attributes = [{"Name": name, "Value": value} for name, value in EMAIL.items()]
    refusal = await api.refused("AdminCreateUser", **named(house, "bob"), UserAttributes=attributes)
    assert (refusal.code, refusal.message) == (
        "AliasExistsException",
        "An account with the given email already exists.",
    )
    await api(
        "AdminCreateUser",
        **named(house, "bob"),
        UserAttributes=attributes,
        ForceAliasCreation=True,
    )
    found = await api("AdminGetUser", **named(house, "ann@example.org"))
    assert found["Username"] == "bob"
    # Nobody loses a username to an alias, by force or not.
    refusal = await api.refused(
        "AdminCreateUser",
        **named(house, "eve"),
        UserAttributes=[{"Name": "preferred_username", "Value": "ann"}],
        ForceAliasCreation=True,
    )
    assert refusal.code == "AliasExistsException"
    assert (await api("AdminGetUser", **named(house, "ann")))["Username"] == "ann"


async def test_where_users_sign_in_by_email_the_username_is_their_id(api, settle):
    house = await settle(api, {"UsernameAttributes": ["email"], **FOLDING})
    made = await house.add_user("ann@example.org")
    sub = next(one["Value"] for one in made["Attributes"] if one["Name"] == "sub")
    assert made["Username"] == sub
    prover, asked = await house.ask("Ann@example.org")
    assert asked["ChallengeParameters"]["USER_ID_FOR_SRP"] == sub
    assert "AuthenticationResult" in await api(
        "RespondToAuthChallenge", **house.proof(prover, asked)
    )
    for name, code in (
        ("ANN@example.org", "UsernameExistsException"),
        ("ann", "InvalidParameterException"),
    ):
        assert (await api.refused("AdminCreateUser", **named(house, name))).code == code


async def test_an_alias_pool_takes_no_username_of_an_aliass_form(api, settle):
    house = await settle(api, {"AliasAttributes": ["email"]})
    refusal = await api.refused("AdminCreateUser", **named(house, "ann@example.org"))
    assert refusal.message == (
        "Username cannot be of email format, since user pool is configured for email alias."
    )


async def test_administrators_find_users_by_sub_but_users_do_not_sign_in_by_it(house):
    made = await house.add_user()
    sub = made["Attributes"][0]["Value"]
    assert (await house.api("AdminGetUser", **named(house, sub)))["Username"] == "ann"
    request = house.begin("USER_SRP_AUTH", sub, SRP_A="2")
    assert (await house.api.refused("InitiateAuth", **request)).code == "UserNotFoundException"


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("Sh0rt-p", "Password not long enough"),
        ("no-upper-c4se", "Password must have uppercase characters"),
        ("NO-LOWER-C4SE", "Password must have lowercase characters"),
        ("No-Number-Here", "Password must have numeric characters"),
        ("NoSymb0lHere", "Password must have symbol characters"),
    ],
)
async def test_passwords_must_conform_to_the_policy(house, password, reason):
    await house.add_user()
    message = f"Password did not conform with policy: {reason}"
    for operation, name, user in (
        ("AdminSetUserPassword", "Password", "ann"),
        ("AdminCreateUser", "TemporaryPassword", "bob"),
    ):
        refusal = await house.api.refused(operation, **named(house, user), **{name: password})
        assert (refusal.code, refusal.message) == ("InvalidPasswordException", message)


async def test_a_lenient_policy_takes_what_it_says(api, settle):
    policy = {"Policies": {"PasswordPolicy": {"MinimumLength": 6}}}
    house = await settle(api, policy)
    assert await house.add_user(password="simple")


async def test_a_temporary_password_can_be_sent_again(house):
    await house.api("AdminCreateUser", **named(house), TemporaryPassword="Temp0rary!")
    await house.api(
        "AdminCreateUser", **named(house), TemporaryPassword="Sec0nd-one!", MessageAction="RESEND"
    )
    asked = await house.api("InitiateAuth", **house.by_password("ann", "Sec0nd-one!"))
    assert asked["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    await house.api(
        "AdminSetUserPassword", **named(house), Password="Corr3ct-Horse", Permanent=True
    )
    refusal = await house.api.refused("AdminCreateUser", **named(house), MessageAction="RESEND")
    assert refusal.code == "UnsupportedUserStateException"


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        (("enabled", 0), ("NotAuthorizedException", "User is disabled.")),
        (("status", "UNCONFIRMED"), ("UserNotConfirmedException", "User is not confirmed.")),
        (
            ("status", "RESET_REQUIRED"),
            ("PasswordResetRequiredException", "Password reset required for the user"),
        ),
    ],
)
async def test_users_who_may_not_sign_in_hear_it_before_the_password_is_looked_at(
    start, settle, tmp_path, state, wanted
):
    path = tmp_path / "pool.db"
    house = await settle(await start(db=str(path)))
    await house.add_user()
    tokens = await house.tokens()
    # Nothing of the API that is served yet leads to this state.
    other = sqlite3.connect(path)
    column, value = state
    other.execute(f"UPDATE users SET {column} = ?", (value,))
    other.commit()
    other.close()
    for operation, request in (
        ("InitiateAuth", house.by_password("ann", "wrong-Horse1")),
        ("InitiateAuth", house.begin("USER_SRP_AUTH", SRP_A="2")),
        (
            "GetTokensFromRefreshToken",
            {"RefreshToken": tokens["RefreshToken"], "ClientId": house.client_id},
        ),
    ):
        refusal = await house.api.refused(operation, **request)
        assert (refusal.code, refusal.message) == wanted


async def test_the_file_holds_no_secret(start, settle, tmp_path, monkeypatch):
    path = tmp_path / "pool.db"
    keys = []
    real = srp.password_key

    def noting(*args):
        keys.append(real(*args))
        return keys[-1]

    monkeypatch.setattr("authflow.srp.password_key", noting)
    house = await settle(await start(db=str(path)))
    await house.add_user(password="Canary-Passw0rd")
    asked = await house.api(
        "AdminInitiateAuth",
        UserPoolId=house.pool_id,
        **house.begin("ADMIN_USER_PASSWORD_AUTH", PASSWORD="Canary-Passw0rd"),
    )
    proof = await house.by_srp("ann", "Canary-Passw0rd")
    await house.api("RespondToAuthChallenge", **proof)
    _, waiting = await house.ask()
    files = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    tokens = asked["AuthenticationResult"]
    for secret in (
        "Canary-Passw0rd",
        tokens["RefreshToken"],
        tokens["AccessToken"],
        waiting["ChallengeParameters"]["SECRET_BLOCK"],
        waiting["ChallengeParameters"]["SRP_B"],
        proof["ChallengeResponses"]["PASSWORD_CLAIM_SIGNATURE"],
    ):
        assert secret.encode() not in files
    assert keys
    for key in keys:
        x = key.reveal()
        for form in (x.to_bytes(32, "big"), f"{x:x}".encode(), f"{x:X}".encode(), str(x).encode()):
            assert form not in files
    assert b"ann" in files


def test_a_salt_never_begins_with_a_zero():
    salts = [new_salt() for _ in range(3000)]
    assert {len(salt) for salt in salts} == {16}
    assert 0 not in {salt[0] for salt in salts}
    assert len(set(salts)) == 3000


def test_a_stored_password_matches_its_password_only():
    stored = StoredPassword.make("us-east-1_x", "ann", Secret("right"))
    assert stored.matches(stored.recomputed("us-east-1_x", "ann", Secret("right")))
    for pool, name, password in (
        ("us-east-1_x", "ann", "wrong"),
        ("us-east-1_x", "bob", "right"),
        ("us-east-1_y", "ann", "right"),
    ):
        assert not stored.matches(stored.recomputed(pool, name, Secret(password)))
    assert "verifier" not in repr(stored)
