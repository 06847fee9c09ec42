import sqlite3
from contextlib import closing

import pytest
from attrs import evolve

from authflow.pool.accounts.app_clients import AppClient
from authflow.pool.accounts.callers import Caller
from authflow.pool.accounts.lockout import (
    Counted,
    check_lock,
    count_attempt,
    directory_name,
    lock_from_now,
)
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.store.database import Database

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


@pytest.mark.parametrize(
    ("typed", "others"),
    [
        ("ann", ["Ann", " ann", "ann\t", "ánn", "a\u0301nn", "\uff41nn", "a\u200bnn", "\uff21NN"]),
        ("ann lee", ["ann  lee", "Ann\u00a0Lee", "ann\n lee "]),
        ("strasse", ["straße", "STRASSE", "\u017ftrasse"]),
        ("", [" ", "\u200d", "\u0301"]),
    ],
)
def test_what_a_directory_may_take_for_one_name_has_one_form(typed, others):
    assert {directory_name(each) for each in others} == {directory_name(typed)} == {typed}


@pytest.mark.parametrize(("one", "two"), [("ann", "anna"), ("ann lee", "annlee"), ("a", "ä b")])
def test_names_that_no_directory_takes_for_one_stay_two(one, two):
    assert directory_name(one) != directory_name(two)


def caller(**client):
    made = {"created_at": NOW, "modified_at": NOW}
    pool = UserPool(
        id="eu-central-1_x", settings={}, key_id="k", signing_key="{}", mask_key=b"k" * 32, **made
    )
    return Caller(
        pool=pool, client=AppClient(id="c", pool_id=pool.id, secret=None, settings=client, **made)
    )


@pytest.mark.parametrize("hidden", [True, False])
def test_an_attempt_counts_for_the_name_and_for_whose_it_is(hidden):
    who = caller(PreventUserExistenceErrors="ENABLED" if hidden else "LEGACY")
    ann, alias, bob = [
        Counted.of(who, name, sub) for name, sub in (("ann", "1"), ("a@b", "1"), ("bob", "2"))
    ]
    nobody = Counted.of(who, "ann", None)
    assert len({ann.name, alias.name, bob.name}) == 3
    assert ann.account == alias.account != bob.account
    assert nobody.name == ann.name
    assert nobody.account.startswith("nobody:")
    directory = Counted.of_directory(who, "ann")
    assert directory.name == ann.name
    assert Counted.of_directory(who, "bob").name == bob.name
    assert directory.account == Counted.of_directory(who, " \u00c1nn").account
    accounts = {each.account for each in (ann, bob, directory, Counted.of_directory(who, "bob"))}
    assert len(accounts) == 4
    assert [each.exists for each in (ann, nobody, directory)] == [True, False, True]
    assert {each.hidden for each in (ann, nobody, directory)} == {hidden}
    assert {each.pool_id for each in (ann, nobody, directory)} == {"eu-central-1_x"}


NOW = 1_800_000_000.0
HERE = Counted(pool_id="p", name="typed", account="account", exists=True, hidden=False)
HIDDEN = evolve(HERE, hidden=True)
NOBODY = evolve(HIDDEN, exists=False)


@pytest.fixture
async def database():
    async with Database(path=":memory:") as database:
        yield database


def fail(connection, counted, times, now=NOW):
    for _ in range(times):
        assert not count_attempt(connection, counted, now, passed=False)


def standing(connection, counted, now=NOW):
    """What counts, or "locked" where that is told."""
    try:
        found = check_lock(connection, counted, now)
    except CognitoError as error:
        return "locked" if error.message == LOCKED else error.message
    return found.of_name, found.of_account, found.barred


async def test_each_attempt_counts_for_the_name_and_for_the_account(database):
    def job(connection):
        fail(connection, HIDDEN, 2)
        fail(connection, evolve(HIDDEN, name="alias"), 1)
        assert standing(connection, HIDDEN) == (2, 3, False)
        assert standing(connection, evolve(HIDDEN, name="alias")) == (1, 3, False)
        assert standing(connection, evolve(HIDDEN, account="another")) == (2, 0, False)
        assert standing(connection, evolve(HIDDEN, pool_id="q")) == (0, 0, False)

    await database.write(job)


async def test_an_account_locked_by_another_name_is_told_only_where_nobody_is_hidden(database):
    def job(connection):
        fail(connection, evolve(HIDDEN, name="alias"), 5)
        assert standing(connection, HERE) == "locked"
        assert standing(connection, HIDDEN) == (0, 5, True)
        # Names that nobody has share what they count for, which tells nothing of any of them.
        assert standing(connection, NOBODY) == (0, 5, False)
        assert standing(connection, evolve(NOBODY, hidden=False)) == (0, 5, False)
        assert standing(connection, HIDDEN, NOW + 1) == (0, 5, False)
        # The right password does not pass, and what is barred counts for the name alone.
        assert not count_attempt(connection, HIDDEN, NOW, passed=True)
        assert standing(connection, HIDDEN) == (1, 5, True)

    await database.write(job)


@pytest.mark.parametrize("counted", [HERE, HIDDEN, NOBODY], ids=["told", "hidden", "nobody"])
async def test_the_fifth_failure_locks_for_a_second(database, counted):
    def job(connection):
        fail(connection, counted, 4)
        assert standing(connection, counted) == (4, 4, False)
        fail(connection, counted, 1)
        for later, locked in ((0, True), (0.999, True), (1, False)):
            found = standing(connection, counted, NOW + later)
            assert found == ("locked" if locked else (5, 5, False))

    await database.write(job)


@pytest.mark.parametrize("counted", [HERE, HIDDEN, NOBODY], ids=["told", "hidden", "nobody"])
@pytest.mark.parametrize("ahead", [0.001, 60, 899, 900, 3600, 10**9])
async def test_failures_that_a_clock_counted_ahead_lock_as_those_of_now_and_not_till_then(
    database, counted, ahead
):
    def job(connection):
        for failures in range(1, 6):
            fail(connection, counted, failures, NOW + ahead)
            found = standing(connection, counted)
            if failures == 5 and ahead < 900:
                assert found == "locked"
                return
            assert found == (failures, failures, False)
            # They count all the same: the next one is of now, and locks as that.
            fail(connection, counted, 1)
            now = (failures + 1, failures + 1, False)
            assert standing(connection, counted, NOW + 0.5) == (now if failures < 4 else "locked")
            assert standing(connection, counted, NOW + 2) == now
            assert count_attempt(connection, counted, NOW + 2, passed=True)

    await database.write(job)


async def test_a_success_forgets_the_failures_of_this_name_and_account_alone(database):
    def job(connection):
        others = [evolve(HERE, name="b", account="c"), evolve(HERE, pool_id="q")]
        for each in (HERE, *others):
            fail(connection, each, 3)
        assert count_attempt(connection, HERE, NOW, passed=True)
        assert standing(connection, HERE) == (0, 0, False)
        assert [standing(connection, each) for each in others] == [(3, 3, False)] * 2

    await database.write(job)


async def test_a_success_forgets_an_account_that_failed_by_another_name(database):
    def job(connection):
        fail(connection, evolve(HERE, name="alias"), 2)
        assert count_attempt(connection, HERE, NOW, passed=True)
        assert standing(connection, HERE) == (0, 0, False)

    await database.write(job)


async def test_a_lock_that_was_counted_in_advance_begins_when_it_has_failed(database):
    def job(connection):
        others = [evolve(HERE, name="b", account="c"), evolve(HERE, pool_id="q")]
        for each in (HERE, *others):
            fail(connection, each, 5)
        lock_from_now(connection, HERE, NOW + 60)
        assert standing(connection, HERE, NOW + 60.5) == "locked"
        assert standing(connection, evolve(HERE, name="x"), NOW + 60.5) == "locked"
        hidden = evolve(HIDDEN, account="x")
        assert standing(connection, hidden, NOW + 60.5) == "locked"
        assert standing(connection, HERE, NOW + 61) == (5, 5, False)
        for each in others:
            assert standing(connection, each, NOW + 60.5) == (5, 5, False)

    await database.write(job)


@pytest.mark.parametrize(("silence", "left"), [(900, 2), (900.5, 1)])
async def test_what_no_longer_counts_is_forgotten_and_nothing_else(database, silence, left):
    def job(connection):
        fail(connection, HERE, 3)
        assert standing(connection, HERE, NOW + 899.9) == (3, 3, False)
        assert standing(connection, HERE, NOW + 900) == (0, 0, False)
        fail(connection, evolve(HERE, pool_id="q"), 1, NOW + silence)
        for table in ("typed_failures", "password_failures"):
            assert len(connection.execute(f"SELECT 1 FROM {table}")) == left

    await database.write(job)


async def test_the_names_that_were_typed_longest_ago_make_room(database, monkeypatch):
    monkeypatch.setattr("authflow.pool.accounts.lockout.MOST_NAMES", 3)

    def job(connection):
        fail(connection, evolve(HERE, pool_id="q"), 1)
        for name in "abcad":  # the second a makes it newer than b
            fail(connection, evolve(HERE, name=name), 1)
        rows = connection.execute("SELECT name FROM typed_failures WHERE pool_id = 'p'")
        assert {name for (name,) in rows} == {"c", "a", "d"}
        assert len(connection.execute("SELECT 1 FROM typed_failures WHERE pool_id = 'q'")) == 1

    await database.write(job)
