import sqlite3
from contextlib import closing

import pytest

WRONG = "Incorrect username or password."
LOCKED = "Password attempts exceeded"


async def refused(house, password="wrong-Horse1"):
    refusal = await house.api.refused("InitiateAuth", **house.by_password("ann", password))
    assert refusal.code == "NotAuthorizedException"
    return refusal.message


async def signs_in(house):
    return "AuthenticationResult" in await house.api("InitiateAuth", **house.by_password())


async def test_the_lock_doubles_with_each_failure_up_to_a_quarter_of_an_hour(house):
    await house.add_user()
    assert [await refused(house) for _ in range(5)] == [WRONG] * 5
    for seconds in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512):
        house.clock.now += seconds - 0.5
        # While it is locked, not even the right password passes, and nothing counts.
        assert await refused(house, "Corr3ct-Horse") == LOCKED
        house.clock.now += 0.5
        assert await refused(house) == WRONG
    house.clock.now += 899
    assert await refused(house) == LOCKED
    house.clock.now += 1
    assert await signs_in(house)


async def test_a_success_after_the_lock_forgets_the_failures(house):
    await house.add_user()
    for _ in range(5):
        await refused(house)
    house.clock.now += 1
    assert await signs_in(house)
    assert [await refused(house) for _ in range(5)] == [WRONG] * 5


async def test_a_quarter_of_an_hour_of_silence_forgets_the_failures(house):
    await house.add_user()
    for _ in range(4):
        await refused(house)
    house.clock.now += 900
    assert [await refused(house) for _ in range(5)] == [WRONG] * 5


async def test_failures_of_others_forget_nothing(house):
    for name in ("ann", "bob"):
        await house.add_user(name)
    for _ in range(5):
        await refused(house)
    house.clock.now += 890
    await house.api.refused("InitiateAuth", **house.by_password("bob", "wrong-Horse1"))
    await house.api("InitiateAuth", **house.by_password("bob"))
    assert [await refused(house) for _ in range(2)] == [WRONG, LOCKED]


async def test_srp_and_password_share_one_count(house):
    await house.add_user()
    for _ in range(4):
        await refused(house)
    wrong = await house.by_srp("ann", "wrong-Horse1")
    right = await house.by_srp("ann")
    assert (await house.api.refused("RespondToAuthChallenge", **wrong)).message == WRONG
    assert (await house.api.refused("RespondToAuthChallenge", **right)).message == LOCKED


async def test_guesses_side_by_side_do_not_slip_through(house):
    await house.add_user()
    proofs = [await house.by_srp("ann", f"wrong-Horse{n}") for n in range(12)]
    replies = await house.api.at_once(
        *(("RespondToAuthChallenge", proof) for proof in proofs),
        *(("InitiateAuth", house.by_password("ann", f"wrong{n}")) for n in range(12)),
    )
    messages = [reply["message"] for reply in replies]
    assert sorted(messages) == [WRONG] * 5 + [LOCKED] * 19


async def test_right_passwords_side_by_side_lock_nobody_out(house):
    await house.add_user()
    proofs = [await house.by_srp() for _ in range(12)]
    replies = await house.api.at_once(*(("RespondToAuthChallenge", proof) for proof in proofs))
    assert all("AuthenticationResult" in reply for reply in replies)


ALIASED = {"AliasAttributes": ["email", "phone_number"]}
EMAIL = {"email": "ann@example.org", "email_verified": "true"}
PHONE = {"phone_number": "+12065550123", "phone_number_verified": "true"}
KNOWN = {"u": "ann", "e": "ann@example.org", "p": "+12065550123"}
UNKNOWN = {"u": "bob", "e": "bob@example.org", "p": "+12065550124"}


@pytest.mark.parametrize(
    "tries", ["uuuuuu", "uuueeeeeeu", "uuueepppppueee", "uuuuuueeeeee", "epu" * 7]
)
@pytest.mark.parametrize("flow", ["password", "mixed"])
async def test_by_username_and_by_alias_the_lock_out_tells_nothing(api, settle, tries, flow):
    house = await settle(api, ALIASED, PreventUserExistenceErrors="ENABLED")
    await house.add_user("ann", **EMAIL, **PHONE)

    async def told(name):
        if flow == "password" or len(name) % 2:
            request = ("InitiateAuth", house.by_password(name, "wrong-Horse1"))
        else:
            request = ("RespondToAuthChallenge", await house.by_srp(name, "wrong-Horse1"))
        return (await api.refused(request[0], **request[1])).message

    known = [await told(KNOWN[each]) for each in tries]
    unknown = [await told(UNKNOWN[each]) for each in tries]
    assert known == unknown
    assert all(known[n] == (WRONG if tries[:n].count(tries[n]) < 5 else LOCKED)
               for n in range(len(tries)))  # fmt: skip


@pytest.mark.parametrize("flow", ["password", "srp"])
async def test_an_account_has_five_guesses_whatever_names_lead_to_it(api, settle, flow):
    house = await settle(api, ALIASED, PreventUserExistenceErrors="ENABLED")
    await house.add_user("ann", **EMAIL, **PHONE)
    for name in ("ann", "ann@example.org", "ann", "+12065550123", "ann@example.org"):
        await api.refused("InitiateAuth", **house.by_password(name, "wrong-Horse1"))
    # The right password comes too early, and that it is right is not told.
    by_password = ("InitiateAuth", house.by_password("+12065550123"))
    by_srp = ("RespondToAuthChallenge", await house.by_srp("+12065550123"))
    operation, request = by_password if flow == "password" else by_srp
    assert (await api.refused(operation, **request)).message == WRONG
    house.clock.now += 1
    assert "AuthenticationResult" in await api("InitiateAuth", **house.by_password("ann"))


async def test_where_nobody_is_hidden_an_account_is_locked_under_all_its_names(api, settle):
    house = await settle(api, ALIASED)
    await house.add_user("ann", **EMAIL)
    for name in ("ann", "ann@example.org", "ann", "ann@example.org", "ann"):
        await api.refused("InitiateAuth", **house.by_password(name, "wrong-Horse1"))
    for name in ("ann", "ann@example.org"):
        refusal = await api.refused("InitiateAuth", **house.by_password(name))
        assert refusal.message == LOCKED
    house.clock.now += 1
    await api("InitiateAuth", **house.by_password("ann@example.org"))
    wrong = [house.by_password(n, "x") for n in ("ann", "ann@example.org") for _ in range(2)]
    assert {(await api.refused("InitiateAuth", **each)).message for each in wrong} == {WRONG}


async def test_a_temporary_password_is_not_replaced_while_the_account_is_locked(api, settle):
    house = await settle(api, ALIASED, PreventUserExistenceErrors="ENABLED")
    await house.add_user("ann", **EMAIL)
    temporary = {"UserPoolId": house.pool_id, "Username": "ann", "Password": "Temp0rary!"}
    await api("AdminSetUserPassword", **temporary)
    asked = await api("InitiateAuth", **house.by_password("ann", "Temp0rary!"))
    for _ in range(5):
        await api.refused("InitiateAuth", **house.by_password("ann@example.org", "wrong-Horse1"))
    name = asked["ChallengeParameters"]["USERNAME"]
    answer = house.answer("NEW_PASSWORD_REQUIRED", name, asked["Session"], NEW_PASSWORD="N3w-Horse")
    assert (await api.refused("RespondToAuthChallenge", **answer)).message == LOCKED
    house.clock.now += 1
    assert "AuthenticationResult" in await api("RespondToAuthChallenge", **answer)


async def test_strangers_names_make_room_for_newer_ones_and_no_account_is_forgotten(
    start, settle, monkeypatch, tmp_path
):
    monkeypatch.setattr("authflow.pool.accounts.lockout.MOST_NAMES", 10)
    path = tmp_path / "pool.db"
    house = await settle(await start(db=str(path)), PreventUserExistenceErrors="ENABLED")
    await house.add_user()
    for _ in range(5):
        await refused(house)
    for number in range(30):
        stranger = house.by_password(f"canary-{number}", "wrong-Horse1")
        await house.api.refused("InitiateAuth", **stranger)
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT count(*) FROM typed_failures").fetchone() == (10,)
        assert file.execute("SELECT failures FROM password_failures WHERE name NOT LIKE 'nobody:%'"
                            ).fetchall() == [(5,)]  # fmt: skip
    # The name has been forgotten, the account has not: the right password does not pass.
    assert await refused(house, "Corr3ct-Horse") == WRONG
    stored = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert b"canary-" not in stored
    house.clock.now += 1
    assert await signs_in(house)
