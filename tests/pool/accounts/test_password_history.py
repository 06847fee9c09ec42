"""A former password is not set again, by whichever operation passwords are set."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from authflow import srp
from authflow.pool.accounts.passwords import StoredPassword

FIRST = "Corr3ct-Horse"
USED = ("PasswordHistoryPolicyViolationException", "Password has previously been used.")
EMAIL = {"email": "ann@example.org", "email_verified": "true"}


def of(refusal):
    return refusal.code, refusal.message


def history(size):
    return {"Policies": {"PasswordPolicy": {"MinimumLength": 6, "PasswordHistorySize": size}}}


async def set_history(house, size):
    await house.api("UpdateUserPool", UserPoolId=house.pool_id, **history(size))


async def by_owner(house, old, new, _code):
    begun = await house.api("InitiateAuth", **house.by_password("ann", old))
    token = begun["AuthenticationResult"]["AccessToken"]
    return "ChangePassword", {
        "AccessToken": token,
        "PreviousPassword": old,
        "ProposedPassword": new,
    }


async def by_code(house, _old, new, code):
    named = {"ClientId": house.client_id, "Username": "ann"}
    await house.api("ForgotPassword", **named)
    return "ConfirmForgotPassword", {**named, "ConfirmationCode": await code(), "Password": new}


async def by_admin(house, _old, new, _code):
    named = {"UserPoolId": house.pool_id, "Username": "ann"}
    return "AdminSetUserPassword", {**named, "Password": new, "Permanent": True}


async def temporary(house, _old, new, _code):
    named = {"UserPoolId": house.pool_id, "Username": "ann"}
    return "AdminSetUserPassword", {**named, "Password": new}


WAYS = [by_owner, by_code, by_admin]


@pytest.fixture(scope="module")
def kept():
    """The one pool of most tests here: each has a user of its own."""
    return {}


@pytest.fixture
async def house(kept, shared_server, api, settle):
    if not kept:
        kept[0] = await settle(api, history(2))
    house = kept[0]
    await house.add_user(**EMAIL)
    yield house
    await house.api("AdminDeleteUser", UserPoolId=house.pool_id, Username="ann")


@pytest.fixture
def code(house, shared_server):
    """Read the newest code that was sent."""

    async def read():
        (*_, last) = await shared_server.mailbox.messages(house.pool_id)
        return last.code.reveal()

    return read


@pytest.mark.parametrize("way", [*WAYS, temporary])
async def test_neither_the_password_nor_the_two_before_it_are_set_again(house, code, way):
    old = FIRST
    for new in ("second", "third-", "fourth"):
        operation, request = await by_owner(house, old, new, code)
        await house.api(operation, **request)
        old = new
    for used in ("fourth", "third-", "second"):
        operation, request = await way(house, old, used, code)
        assert of(await house.api.refused(operation, **request)) == USED
    operation, request = await way(house, old, FIRST, code)
    assert await house.api(operation, **request) == {}
    operation, request = await temporary(house, old, "second", code)
    assert await house.api(operation, **request) == {}


async def test_a_code_stays_good_when_the_password_was_used_before(house, code):
    operation, request = await by_code(house, FIRST, FIRST, code)
    assert of(await house.api.refused(operation, **request)) == USED
    await house.api(operation, **{**request, "Password": "second"})
    assert "AuthenticationResult" in await house.api(
        "InitiateAuth", **house.by_password("ann", "second")
    )


async def test_who_has_no_right_code_or_password_learns_of_no_former_one(house, code):
    operation, request = await by_code(house, FIRST, FIRST, code)
    wrong = f"{(int(request['ConfirmationCode']) + 1) % 10**6:06}"
    refusal = await house.api.refused(operation, **{**request, "ConfirmationCode": wrong})
    assert refusal.code == "CodeMismatchException"
    operation, request = await by_owner(house, FIRST, FIRST, code)
    refusal = await house.api.refused(operation, **{**request, "PreviousPassword": "Wr0ng-Horse"})
    assert of(refusal) == ("NotAuthorizedException", "Incorrect username or password.")


async def test_a_temporary_password_is_not_kept_and_the_session_stays_good(house):
    named = {"UserPoolId": house.pool_id, "Username": "new"}
    for more in ({}, {"MessageAction": "RESEND"}):  # the same password is sent again
        await house.api("AdminCreateUser", **named, TemporaryPassword="Temp0rary!", **more)
    asked = await house.api("InitiateAuth", **house.by_password("new", "Temp0rary!"))

    def chosen(password):
        return house.answer("NEW_PASSWORD_REQUIRED", "new", asked["Session"], NEW_PASSWORD=password)

    refusal = await house.api.refused("RespondToAuthChallenge", **chosen("Temp0rary!"))
    assert of(refusal) == USED
    reply = await house.api("RespondToAuthChallenge", **chosen("second"))
    assert "AuthenticationResult" in reply


@pytest.mark.parametrize("size", [0, 2])
async def test_no_more_is_kept_than_the_policy_asks_for(start, settle, tmp_path, size):
    path = tmp_path / "pool.db"
    house = await settle(await start(db=str(path)), history(size))
    await house.add_user()

    async def kept_after(number):
        named = {"UserPoolId": house.pool_id, "Username": "ann"}
        for each in range(number):
            await house.api("AdminSetUserPassword", **named, Password=f"{number}-number-{each}")
        with closing(sqlite3.connect(path)) as file:
            return file.execute("SELECT count(*) FROM former_passwords").fetchone()[0]

    assert await kept_after(3) == min(size, 4)  # with the one that nobody knows
    if size:
        told = await house.api("DescribeUserPool", UserPoolId=house.pool_id)
        assert told["UserPool"]["Policies"]["PasswordPolicy"]["PasswordHistorySize"] == size
    await set_history(house, 0)
    assert await kept_after(1) == 0
    told = await house.api("DescribeUserPool", UserPoolId=house.pool_id)
    assert "PasswordHistorySize" not in told["UserPool"]["Policies"]["PasswordPolicy"]


async def test_former_passwords_go_with_their_user(start, settle, tmp_path):
    path = tmp_path / "pool.db"
    house = await settle(await start(db=str(path)), history(3))
    await house.add_user()
    await house.api("AdminDeleteUser", UserPoolId=house.pool_id, Username="ann")
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT count(*) FROM former_passwords").fetchone() == (0,)


async def test_of_changes_at_once_none_sets_what_another_one_replaced(house):
    named = {"UserPoolId": house.pool_id, "Username": "ann", "Permanent": True}
    passwords = ["second", "third-", FIRST, "second", "third-"] * 4
    replies = await house.api.at_once(
        *(("AdminSetUserPassword", {**named, "Password": each}) for each in passwords)
    )
    won = [each for each, reply in zip(passwords, replies, strict=True) if reply == {}]
    assert won
    assert len(won) == len({*won}) <= 2  # FIRST and what was set since are former ones
    codes = {reply["__type"] for reply in replies if reply}
    assert codes <= {USED[0], "TooManyRequestsException"}


@pytest.mark.parametrize("hides", ["ENABLED", "LEGACY"])
async def test_who_has_no_password_to_compare_takes_the_work_of_who_has(
    start, settle, monkeypatch, hides
):
    house = await settle(await start(), history(5), PreventUserExistenceErrors=hides)
    for name in ("ann", "bob"):
        await house.add_user(name)
    named = {"UserPoolId": house.pool_id, "Username": "bob", "Permanent": True}
    for each in range(3):
        await house.api("AdminSetUserPassword", **named, Password=f"{each}-number")
    powers, modexp = [], srp.modexp
    monkeypatch.setattr(srp, "modexp", lambda *args: powers.append(1) or modexp(*args))

    async def work(name):
        powers.clear()
        entered = {"ConfirmationCode": "123456", "Password": "another"}
        who = {"ClientId": house.client_id, "Username": name}
        await house.api.refused("ConfirmForgotPassword", **who, **entered)
        await asyncio.sleep(0)
        return len(powers)

    names = ("ann", "bob", "nobody") if hides == "ENABLED" else ("ann", "bob")
    assert {await work(name) for name in names} == {1 + 6}


async def test_a_pool_that_keeps_no_history_compares_with_no_former_password(
    api, settle, monkeypatch
):
    house = await settle(api)
    await house.add_user()
    compared = []
    monkeypatch.setattr(StoredPassword, "recomputed", lambda *given: compared.append(given))
    operation, request = await by_admin(house, FIRST, "Sec0nd-Horse", None)
    assert await house.api(operation, **request) == {}
    assert compared == []


@pytest.mark.parametrize("way", [by_admin, temporary])
async def test_a_password_against_the_policy_is_not_set_by_administrators(house, code, way):
    operation, request = await way(house, FIRST, "short", code)
    refusal = await house.api.refused(operation, **request)
    assert refusal.code == "InvalidPasswordException"
