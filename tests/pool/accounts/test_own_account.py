"""Users who change their passwords and delete themselves, by an access token."""

import asyncio
import json

import pytest

from authflow import srp
from authflow.pool.accounts import own_account

EMAIL = {"email": "ann@example.org", "email_verified": "true"}
PASSWORD = "Corr3ct-Horse"
NEW = "An0ther-Horse"
WRONG = ("NotAuthorizedException", "Incorrect username or password.")
LIMIT = ("LimitExceededException", "Attempt limit exceeded, please try after some time.")
LOCKED = ("NotAuthorizedException", "Password attempts exceeded")
BUSY = ("TooManyRequestsException", "Rate exceeded")
REVOKED = ("NotAuthorizedException", "Access Token has been revoked")
RESET = ("PasswordResetRequiredException", "Password reset required for the user")


def of(refusal):
    return refusal.code, refusal.message


def change(token, old=PASSWORD, new=NEW):
    return {"AccessToken": token, "PreviousPassword": old, "ProposedPassword": new}


@pytest.fixture
async def own(shared_house, api):
    """A house whose user ann has signed in, and her access token."""
    house = shared_house
    await house.add_user(**EMAIL)
    yield house, (await house.tokens())["AccessToken"]
    request = {"UserPoolId": house.pool_id, "Username": "ann"}
    await api.post("AdminDeleteUser", json.dumps(request))  # if it is still there


async def refused(house, operation="ChangePassword", **request):
    return of(await house.api.refused(operation, **request))


async def test_a_password_is_changed_by_who_knows_the_old_one(own):
    house, token = own
    assert await refused(house, **change(token, "Wr0ng-Horse")) == WRONG
    assert await house.api("ChangePassword", **change(token)) == {}
    refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert of(refusal) == WRONG
    assert "AuthenticationResult" in await house.api(
        "InitiateAuth", **house.by_password("ann", NEW)
    )
    proof = await house.by_srp("ann", NEW)
    assert "AuthenticationResult" in await house.api("RespondToAuthChallenge", **proof)


async def test_the_sign_in_that_changes_a_password_goes_on_and_all_others_end(own):
    house, token = own
    mine, other = await house.tokens(), await house.tokens()
    await house.api("ChangePassword", **change(mine["AccessToken"]))
    assert (await house.api("GetUser", AccessToken=mine["AccessToken"]))["Username"] == "ann"
    renewal = {"ClientId": house.client_id, "RefreshToken": mine["RefreshToken"]}
    assert "AuthenticationResult" in await house.api("GetTokensFromRefreshToken", **renewal)
    for ended in (token, other["AccessToken"]):
        assert await refused(house, "GetUser", AccessToken=ended) == REVOKED
    renewal["RefreshToken"] = other["RefreshToken"]
    await house.api.refused("GetTokensFromRefreshToken", **renewal)


async def test_tokens_that_shall_survive_a_new_password_do(start, settle):
    house = await settle(await start(tokens_survive=True))
    await house.add_user(**EMAIL)
    token, other = [(await house.tokens())["AccessToken"] for _ in range(2)]
    await house.api("ChangePassword", **change(token))
    assert (await house.api("GetUser", AccessToken=other))["Username"] == "ann"
    # A token that survived a reset, or a temporary password, changes nothing all the same.
    named = {"UserPoolId": house.pool_id, "Username": "ann"}
    await house.api("AdminSetUserPassword", **named, Password="Temp0rary!")
    state = ("NotAuthorizedException", "User password cannot be changed in the current state.")
    assert await refused(house, **change(other, "Temp0rary!", PASSWORD)) == state
    await house.api("AdminSetUserPassword", **named, Password=PASSWORD, Permanent=True)
    await house.api("AdminResetUserPassword", **named)
    assert await refused(house, **change(other)) == RESET
    assert await refused(house, "DeleteUser", AccessToken=other) == RESET


@pytest.mark.parametrize(
    ("new", "why"),
    [
        ("Sh0rt-", "Password not long enough"),
        ("an0ther-horse", "Password must have uppercase characters"),
        ("AN0THER-HORSE", "Password must have lowercase characters"),
        ("Another-Horse", "Password must have numeric characters"),
        ("An0therHorse", "Password must have symbol characters"),
    ],
)
async def test_a_password_against_the_policy_costs_no_attempt(own, new, why):
    house, token = own
    refusal = ("InvalidPasswordException", f"Password did not conform with policy: {why}")
    for old in [PASSWORD] + ["Wr0ng-Horse"] * 6:
        assert await refused(house, **change(token, old, new)) == refusal
    await house.api("ChangePassword", **change(token))


async def test_the_old_password_is_required(own):
    house, token = own
    request = {"AccessToken": token, "ProposedPassword": NEW}
    missing = ("InvalidParameterException", "Missing required parameter PreviousPassword")
    assert await refused(house, **request) == missing


async def test_guesses_of_the_old_password_count_with_those_of_sign_ins(own, monkeypatch):
    house, token = own
    for _ in range(3):
        await refused(house, **change(token, "Wr0ng-Horse"))
    for _ in range(2):
        await house.api.refused("InitiateAuth", **house.by_password("ann", "Wr0ng-Horse"))
    powers, modexp = [], srp.modexp
    monkeypatch.setattr(srp, "modexp", lambda *args: powers.append(1) or modexp(*args))
    assert await refused(house, **change(token)) == LIMIT
    assert powers == []  # before any arithmetic
    assert (await refused(house, **change(token, new="weak")))[0] == "InvalidPasswordException"
    assert of(await house.api.refused("InitiateAuth", **house.by_password())) == LOCKED
    house.clock.now += 1
    await house.api("ChangePassword", **change(token))
    # It was right: the count begins anew, and a token is no way around it.
    for _ in range(5):
        assert await refused(house, **change(token, "Wr0ng-Horse")) == WRONG
    assert await refused(house, **change(token, NEW, PASSWORD)) == LIMIT


async def test_of_many_guesses_at_once_five_are_judged(own):
    house, token = own
    guesses = [("ChangePassword", change(token, f"Wr0ng-Horse{each}")) for each in range(40)]
    replies = [(each["__type"], each["message"]) for each in await house.api.at_once(*guesses)]
    assert {each: replies.count(each) for each in {*replies}} == {WRONG: 5, LIMIT: 35}


async def test_of_a_hundred_changes_at_once_one_wins(own):
    house, token = own
    changes = [("ChangePassword", change(token, new=f"{NEW}{each}")) for each in range(100)]
    replies = await house.api.at_once(*changes)
    (winner,) = [place for place, reply in enumerate(replies) if "__type" not in reply]
    found = {(each["__type"], each["message"]) for each in replies if "__type" in each}
    # Those that were read after the first change had come through gave a former password.
    assert found <= {BUSY, WRONG, LIMIT}
    house.clock.now += 900
    begun = house.by_password("ann", f"{NEW}{winner}")
    assert "AuthenticationResult" in await house.api("InitiateAuth", **begun)


async def test_a_right_password_that_another_change_overtakes_is_no_guess(own, monkeypatch):
    house, token = own
    proposed, waiting, everybody = own_account.propose_password, [], asyncio.Event()

    async def together(*given):
        """Go on once all have compared the password that they gave."""
        waiting.append(given)
        if len(waiting) == 8:
            everybody.set()
        await everybody.wait()
        return await proposed(*given)

    monkeypatch.setattr(own_account, "propose_password", together)
    changes = [("ChangePassword", change(token, new=f"{NEW}{each}")) for each in range(8)]
    replies = await house.api.at_once(*changes)
    (winner,) = [place for place, reply in enumerate(replies) if "__type" not in reply]
    heard = [(each["__type"], each["message"]) for each in replies if "__type" in each]
    assert heard == [BUSY] * 7
    # They have locked nobody out.
    begun = house.by_password("ann", f"{NEW}{winner}")
    assert "AuthenticationResult" in await house.api("InitiateAuth", **begun)


@pytest.fixture
def holding(monkeypatch):
    """Have the next change of a password wait, its old one compared, until it is let go."""
    proposed, arrived, free = own_account.propose_password, asyncio.Event(), asyncio.Event()

    async def held(*given):
        monkeypatch.setattr(own_account, "propose_password", proposed)
        arrived.set()
        await free.wait()
        return await proposed(*given)

    monkeypatch.setattr(own_account, "propose_password", held)
    return arrived, free


async def test_a_right_password_that_another_change_overtakes_forgives_no_guess(own, holding):
    (house, token), (arrived, free) = own, holding
    overtaken = asyncio.create_task(refused(house, **change(token)))
    await arrived.wait()
    await house.api("ChangePassword", **change(token, new=f"{NEW}1"))
    for _ in range(4):
        assert await refused(house, **change(token, "Wr0ng-Horse")) == WRONG
    free.set()
    assert await overtaken == BUSY
    assert await refused(house, **change(token, "Wr0ng-Horse")) == WRONG
    assert await refused(house, **change(token, "Wr0ng-Horse")) == LIMIT


async def test_wrong_guesses_lock_also_those_that_another_change_overtakes(own, holding):
    (house, token), (arrived, free) = own, holding
    overtaken = asyncio.create_task(refused(house, **change(token)))
    await arrived.wait()
    await house.api("ChangePassword", **change(token, new=f"{NEW}1"))
    for _ in range(5):
        assert await refused(house, **change(token, "Wr0ng-Horse")) == WRONG
    free.set()
    assert await overtaken == LIMIT


async def test_a_refused_change_is_in_the_log_without_a_password(own, caplog):
    house, token = own
    with caplog.at_level("DEBUG"):
        await refused(house, **change(token, "Wr0ng-Horse"))
    assert "ChangePassword refused: NotAuthorizedException, wrong password" in caplog.text
    assert not [each for each in ("Wr0ng-Horse", NEW, token) if each in caplog.text]


async def test_users_delete_themselves_with_all_that_is_theirs(own):
    house, token = own
    other = await house.tokens()
    assert await house.api("DeleteUser", AccessToken=token) == {}
    named = {"UserPoolId": house.pool_id, "Username": "ann"}
    gone = ("UserNotFoundException", "User does not exist.")
    assert await refused(house, "AdminGetUser", **named) == gone
    for ended in (token, other["AccessToken"]):
        assert await refused(house, "DeleteUser", AccessToken=ended) == gone
        assert await refused(house, **change(ended)) == gone
    renewal = {"ClientId": house.client_id, "RefreshToken": other["RefreshToken"]}
    await house.api.refused("GetTokensFromRefreshToken", **renewal)
    # Whoever gets the name next is another user.
    await house.add_user()
    assert await refused(house, "DeleteUser", AccessToken=token) == gone


async def test_of_a_hundred_deletions_at_once_one_deletes(own):
    house, token = own
    replies = await house.api.at_once(*[("DeleteUser", {"AccessToken": token})] * 100)
    lost = {each["__type"] for each in replies if "__type" in each}
    assert (replies.count({}), lost) == (1, {"UserNotFoundException"})


async def test_who_is_disabled_or_signed_out_neither_changes_nor_deletes(own):
    house, token = own
    named = {"UserPoolId": house.pool_id, "Username": "ann"}
    assert await house.api("AdminUserGlobalSignOut", **named) == {}
    for operation, request in (
        ("ChangePassword", change(token)),
        ("DeleteUser", {"AccessToken": token}),
    ):
        assert await refused(house, operation, **request) == REVOKED
    fresh = (await house.tokens())["AccessToken"]
    await house.api("AdminDisableUser", **named)
    for operation, request in (
        ("ChangePassword", change(fresh)),
        ("DeleteUser", {"AccessToken": fresh}),
    ):
        assert (await refused(house, operation, **request))[0] == "NotAuthorizedException"
    assert (await house.api("AdminGetUser", **named))["Enabled"] is False


async def test_an_administrator_signs_a_user_out_everywhere(own):
    house, token = own
    await house.add_user("bob")
    bobs = (await house.tokens("bob"))["AccessToken"]
    given = await house.tokens()
    named = {"UserPoolId": house.pool_id, "Username": "ann"}
    for _ in range(2):
        assert await house.api("AdminUserGlobalSignOut", **named) == {}
    for ended in (token, given["AccessToken"]):
        assert await refused(house, "GetUser", AccessToken=ended) == REVOKED
    renewal = {"ClientId": house.client_id, "RefreshToken": given["RefreshToken"]}
    refusal = ("NotAuthorizedException", "Refresh Token has been revoked")
    assert await refused(house, "GetTokensFromRefreshToken", **renewal) == refusal
    assert (await house.api("GetUser", AccessToken=bobs))["Username"] == "bob"
    assert "AccessToken" in await house.tokens()
    bob = {**named, "Username": "bob"}
    await house.api("AdminDeleteUser", **bob)
    gone = ("UserNotFoundException", "User does not exist.")
    assert await refused(house, "AdminUserGlobalSignOut", **bob) == gone
