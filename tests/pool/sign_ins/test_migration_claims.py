"""Guesses at an old directory: counted before it is asked, one migration of a name at a time."""

import asyncio
import itertools
import sqlite3
from contextlib import closing

import anyio
import pytest
from attrs import define, field

RIGHT = "R1ght-Horse"
WRONG = "Incorrect username or password."
LOCKED = "Password attempts exceeded"
GOOD = {"userAttributes": {"email": "old@example.org", "email_verified": "true"}}


def raising(_):
    raise ValueError("Bad username or password")


async def never(_):
    await anyio.sleep_forever()


NO = {
    "it raises": raising,
    "it gives the event back unfilled": lambda event: event,
    "it gives nothing back": lambda _: None,
    "it gives no attributes": lambda event: {**event, "response": {"userAttributes": {}}},
    "it gives no JSON": lambda _: {"response": {1, 2}},
    "it gives what the pool does not take": lambda event: {
        **event,
        "response": {"userAttributes": {"custom:shoe": "42"}},
    },
    "it wants what the pool has not": lambda event: {
        **event,
        "response": {**GOOD, "enableSMSMFA": True},
    },
    "it does not answer in time": never,
}


@define
class Directory:
    """An old directory, which says no in its own way, and counts whom it was asked for at once."""

    sources = frozenset({"UserMigration"})
    no: object = raising
    asked: list = field(factory=list)
    busy: int = 0
    most_busy: int = 0
    pause: float = 0.0

    async def handle(self, event):
        self.asked.append(event["request"].get("password"))
        self.busy += 1
        self.most_busy = max(self.busy, self.most_busy)
        try:
            right = event["request"].get("password") in {RIGHT, None}
            await anyio.sleep(0 if right else self.pause)
            if right:
                return {**event, "response": {**event["response"], **GOOD}}
            given = self.no(event)
            return await given if asyncio.iscoroutine(given) else given
        finally:
            self.busy -= 1


@pytest.fixture
def directory():
    return Directory()


@pytest.fixture(params=["ENABLED", "LEGACY"])
async def house(start, settle, directory, request):
    api = await start(triggers=directory)
    return await settle(api, PreventUserExistenceErrors=request.param)


async def told(house, password, name="old"):
    refusal = await house.api.refused("InitiateAuth", **house.by_password(name, password))
    return refusal.message


@pytest.mark.parametrize("no", NO)
async def test_every_answer_but_a_usable_user_counts(start, settle, directory, no):
    directory.no = NO[no]
    api = await start(triggers=directory, trigger_timeout=0.01)
    house = await settle(api, PreventUserExistenceErrors="ENABLED")
    assert [await told(house, f"wrong {n}") for n in range(5)] == [WRONG] * 5
    tries = len(directory.asked)
    assert await told(house, RIGHT) == LOCKED
    assert len(directory.asked) == tries
    assert set(directory.asked) == {f"wrong {n}" for n in range(5)}
    house.clock.now += 1
    assert "AuthenticationResult" in await api("InitiateAuth", **house.by_password("old", RIGHT))


@pytest.mark.parametrize("place", [0, 4, 39])
async def test_of_guesses_at_once_five_reach_the_directory_whatever_the_order(
    house, directory, place
):
    directory.pause = 0.002  # a refusal takes longer than a yes
    guesses = [f"wrong {number}" for number in range(40)]
    guesses[place] = RIGHT
    requests = [("InitiateAuth", house.by_password("old", each)) for each in guesses]
    replies = await house.api.at_once(*requests)
    assert directory.most_busy == 1
    if RIGHT not in directory.asked:
        assert len(directory.asked) == 5
        assert not [reply for reply in replies if "AuthenticationResult" in reply]
        assert [reply["message"] for reply in replies].count(LOCKED) == 35
    else:
        # It came among the first five; and then the pool's own lock holds for all others.
        assert directory.asked.index(RIGHT) < 5
        assert directory.asked[-1] == RIGHT
        messages = [reply.get("message") for reply in replies]
        # Of those up to five that came before the sign-in was through, it took the count back.
        judged = 39 - directory.asked.index(RIGHT) - messages.count(LOCKED)
        assert 5 <= judged <= 10


async def test_the_lock_begins_when_the_directory_has_said_no(start, settle, directory, clock):
    async def slow(event):
        clock.now += 3  # longer than the first lock
        return event

    directory.no = slow
    house = await settle(await start(triggers=directory), PreventUserExistenceErrors="ENABLED")
    for number in range(5):
        assert await told(house, f"wrong {number}") == WRONG
    assert await told(house, RIGHT) == LOCKED


async def test_a_right_password_takes_its_count_back(house, directory):
    for number in range(4):
        await told(house, f"wrong {number}")
    await house.api("InitiateAuth", **house.by_password("old", RIGHT))
    assert [await told(house, "wrong") for _ in range(6)] == [WRONG] * 5 + [LOCKED]
    assert len(directory.asked) == 5


async def test_names_are_counted_apart_and_in_every_spelling_together(start, settle, directory):
    api = await start(triggers=directory)
    folding = {"UsernameConfiguration": {"CaseSensitive": False}}
    house = await settle(api, folding, PreventUserExistenceErrors="ENABLED")
    for name in ("old", "OLD", "Old", "oLd", "olD"):
        assert await told(house, "wrong", name) == WRONG
    assert await told(house, RIGHT, "oLD") == LOCKED
    assert "AuthenticationResult" in await api("InitiateAuth", **house.by_password("older", RIGHT))


VARIANTS = {
    "letter case": ["".join(each) for each in itertools.product("oO", "lL", "dD")],
    "white space": ["old", " old", "old ", "\told", "old\u00a0", "\u3000old"],
    "what has no width": ["old", "ol\u200bd", "old\u00ad", "\ufeffold"],
    "another form": ["old", "\uff4f\uff4c\uff44", "\U0001d428ld", "OL\uff24"],
    "accents": ["old", "\u00f6ld", "o\u0308ld", "\u00d3LD"],
    "the other sharp s": ["stra\u00dfe", "STRASSE", "stra\u1e9ee"],
}


@pytest.mark.parametrize("kind", VARIANTS)
async def test_all_that_a_directory_may_take_for_one_name_have_five_guesses_together(
    house, directory, kind
):
    for number, name in enumerate(VARIANTS[kind] * 6):
        await told(house, f"wrong {number}", name)
    assert len(directory.asked) == 5
    for name in VARIANTS[kind]:
        assert await told(house, RIGHT, name) in {WRONG, LOCKED}
    assert len(directory.asked) == 5
    assert "AuthenticationResult" in await house.api(
        "InitiateAuth", **house.by_password("another", RIGHT)
    )
    house.clock.now += 1
    assert "AuthenticationResult" in await house.api(
        "InitiateAuth", **house.by_password(VARIANTS[kind][0], RIGHT)
    )


async def test_a_name_that_another_spelling_has_locked_at_the_directory_does_not_say_so(
    start, settle, directory
):
    """A user of the pool with that spelling is not locked by it, and so nobody may seem to be."""
    house = await settle(await start(triggers=directory), PreventUserExistenceErrors="ENABLED")
    await house.add_user("ann")
    heard = {}
    for upper, lower in (("ANN", "ann"), ("OLD", "old")):
        heard[lower] = [await told(house, "wrong", upper) for _ in range(6)]
        heard[lower] += [await told(house, "wrong", lower) for _ in range(7)]
    assert heard["ann"] == heard["old"] == [*[WRONG] * 5, LOCKED, *[WRONG] * 5, LOCKED, LOCKED]
    assert directory.asked == ["wrong"] * 10


async def test_the_lock_of_every_spelling_begins_when_the_directory_has_said_no(
    start, settle, directory, clock
):
    async def slow(event):
        clock.now += 3  # longer than the first lock
        return event

    directory.no = slow
    house = await settle(await start(triggers=directory), PreventUserExistenceErrors="ENABLED")
    for name in ("old", "Old", "oLd", "olD", "OLd"):
        assert await told(house, "wrong", name) == WRONG
    assert await told(house, RIGHT, "OLD") == WRONG
    assert len(directory.asked) == 5


async def test_servers_that_share_a_file_share_the_claim_and_the_count(
    start, settle, directory, tmp_path
):
    directory.pause = 0.002
    path = str(tmp_path / "pool.db")
    one, two = [await start(triggers=directory, db=path) for _ in range(2)]
    house = await settle(one)
    bodies = [house.by_password("old", f"wrong {number}") for number in range(24)]
    servers = itertools.cycle((one, two))
    refusals = await asyncio.gather(*(next(servers).refused("InitiateAuth", **b) for b in bodies))
    assert directory.most_busy == 1
    assert len(directory.asked) == 5
    assert sum(refusal.message == LOCKED for refusal in refusals) == 19


async def test_who_comes_second_is_signed_in_by_what_the_first_has_brought(house, directory):
    requests = [("InitiateAuth", house.by_password("old", RIGHT))] * 12
    replies = await house.api.at_once(*requests)
    assert all("AuthenticationResult" in reply for reply in replies)
    assert directory.asked == [RIGHT]


async def test_a_wrong_guess_behind_a_right_one_is_judged_by_the_pool(house, directory):
    directory.pause = 0.05
    right = asyncio.create_task(house.api("InitiateAuth", **house.by_password("old", RIGHT)))
    while not directory.asked:
        await anyio.sleep(0)
    assert await told(house, "wrong") == WRONG
    assert "AuthenticationResult" in await right
    assert directory.asked == [RIGHT]


async def test_what_is_kept_of_a_guess_does_not_tell_the_name(start, settle, directory, tmp_path):
    path = tmp_path / "pool.db"
    house = await settle(await start(triggers=directory, db=str(path)))
    await told(house, "wrong", "canary-name")
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT count(*) FROM typed_failures").fetchone() == (1,)
        assert file.execute("SELECT count(*) FROM migrations").fetchone() == (0,)
    stored = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert b"canary-name" not in stored


@pytest.fixture
async def impatient(start, settle, directory, tmp_path, monkeypatch):
    """A pool on a file, in which another process holds the claim on the name and does not end."""
    monkeypatch.setattr("authflow.pool.sign_ins.migration_claims._TIMEOUT", 0.2)
    path = tmp_path / "pool.db"
    house = await settle(await start(triggers=directory, db=str(path)))
    directory.no = lambda event: event
    keys = []

    def spying(connection, claim, now, seconds):
        keys.append((claim.pool.id, claim.name, now, seconds))
        return take(connection, claim, now, seconds)

    from authflow.pool.sign_ins import migration_claims

    take = migration_claims._take
    monkeypatch.setattr(migration_claims, "_take", spying)
    await told(house, "wrong")
    pool_id, name, now, seconds = keys[0]
    with closing(sqlite3.connect(path)) as file:
        file.execute(
            "INSERT INTO migrations VALUES (?, ?, 'another', ?)", (pool_id, name, now + seconds)
        )
        file.commit()
    return house, seconds


async def test_whoever_waits_too_long_is_refused_and_asks_nobody(impatient, directory):
    house, seconds = impatient
    refusal = await house.api.refused("InitiateAuth", **house.by_password("old", RIGHT))
    assert refusal.code == "TooManyRequestsException"
    assert len(directory.asked) == 1
    forgot = {"ClientId": house.client_id, "Username": "old"}
    assert (await house.api.refused("ForgotPassword", **forgot)).code == "TooManyRequestsException"
    assert len(directory.asked) == 1
    house.clock.now += seconds
    assert "AuthenticationResult" in await house.api(
        "InitiateAuth", **house.by_password("old", RIGHT)
    )


async def test_a_claim_lasts_longer_than_all_tries_of_a_trigger(impatient):
    _, seconds = impatient
    assert seconds > 3 * 5


async def test_whose_claim_has_ended_meanwhile_brings_nobody_in(
    start, settle, directory, clock, tmp_path
):
    path = tmp_path / "pool.db"
    good = directory.handle

    @define
    class Slow:
        sources = frozenset({"UserMigration"})

        async def handle(self, event):
            clock.now += 3600
            with closing(sqlite3.connect(path)) as file:  # another process finds it expired
                file.execute("UPDATE migrations SET claim = 'another', expires_at = 1e12")
                file.commit()
            return await good(event)

    house = await settle(await start(triggers=Slow(), db=str(path)))
    refusal = await house.api.refused("InitiateAuth", **house.by_password("old", RIGHT))
    assert refusal.code == "UnexpectedLambdaException"
    missing = await house.api.refused("AdminGetUser", UserPoolId=house.pool_id, Username="old")
    assert missing.code == "UserNotFoundException"
    with closing(sqlite3.connect(path)) as file:  # whose it is now, it stays
        assert file.execute("SELECT claim FROM migrations").fetchone() == ("another",)


def creating(house, status):
    """Give a trigger that makes the user by itself, and then answers in one of several ways."""

    async def handle(event):
        name = event["userName"]
        await house().api("AdminCreateUser", UserPoolId=house().pool_id, Username=name)
        if status != "temporary":
            await house().api(
                "AdminSetUserPassword",
                UserPoolId=house().pool_id,
                Username=name,
                Password=RIGHT,
                Permanent=True,
            )
        if status == "raises":
            raise ValueError("made already")
        if status == "unfilled":
            return event
        return {**event, "response": {**event["response"], **GOOD}}

    return handle


@define
class Creating:
    sources = frozenset({"UserMigration"})
    handler: object = None
    ran: int = 0

    async def handle(self, event):
        self.ran += 1
        return await self.handler(event)


@pytest.mark.parametrize(
    ("status", "hidden", "operation"),
    [
        ("filled", "LEGACY", "InitiateAuth"),
        ("filled", "ENABLED", "InitiateAuth"),
        ("unfilled", "LEGACY", "InitiateAuth"),
        ("raises", "ENABLED", "InitiateAuth"),
        ("temporary", "LEGACY", "InitiateAuth"),
        ("filled", "LEGACY", "ForgotPassword"),
        ("raises", "ENABLED", "ForgotPassword"),
    ],
)
async def test_a_trigger_that_makes_the_user_by_itself_is_refused_as_in_cognito(
    start, settle, status, hidden, operation
):
    triggers, houses = Creating(), []
    triggers.handler = creating(lambda: houses[0], status)
    house = await settle(await start(triggers=triggers), PreventUserExistenceErrors=hidden)
    houses.append(house)
    forgot = {"ClientId": house.client_id, "Username": "old"}
    by_password = house.by_password("old", RIGHT)
    request = by_password if operation == "InitiateAuth" else forgot
    if operation == "ForgotPassword" and hidden == "ENABLED":
        assert "CodeDeliveryDetails" in await house.api(operation, **request)
    else:
        refusal = await house.api.refused(operation, **request)
        assert refusal.code in {
            *("NotAuthorizedException", "UserNotFoundException", "InvalidLambdaResponseException"),
        }
        assert (refusal.code == "NotAuthorizedException") is (hidden == "ENABLED")
    # The user is there from the next time on.
    assert await house.api("AdminGetUser", UserPoolId=house.pool_id, Username="old")
    if status != "temporary":
        assert "AuthenticationResult" in await house.api("InitiateAuth", **by_password)
    assert triggers.ran == 1


async def test_forgotten_passwords_are_asked_about_once_at_a_time(start, settle, directory):
    directory.pause = 0.002
    sent = []
    house = await settle(await start(triggers=directory, on_message=sent.append))
    forgot = {"ClientId": house.client_id, "Username": "old"}
    requests = [("ForgotPassword", forgot)] * 6 + [
        ("InitiateAuth", house.by_password("old", "wrong"))
    ] * 3
    replies = await house.api.at_once(*requests)
    assert directory.most_busy == 1
    assert all("CodeDeliveryDetails" in reply for reply in replies[:6])
    assert directory.asked.count(None) == 1
    assert len(sent) == 6


@pytest.mark.parametrize("operation", ["InitiateAuth", "ForgotPassword"])
@pytest.mark.parametrize("hidden", ["ENABLED", "LEGACY"])
async def test_who_hears_of_a_welcome_fails_no_request_of_a_client_that_hides_users(
    start, settle, directory, hidden, operation
):
    heard = []

    def failing(message):
        heard.append(message.subject)
        raise OSError("it is lost")

    good = directory.handle

    @define
    class Welcoming:
        sources = frozenset({"UserMigration"})

        async def handle(self, event):
            given = await good(event)
            given["response"]["desiredDeliveryMediums"] = ["EMAIL"]
            return given

    house = await settle(
        await start(triggers=Welcoming(), on_message=failing), PreventUserExistenceErrors=hidden
    )
    forgot = {"ClientId": house.client_id, "Username": "old"}
    by_password = house.by_password("old", RIGHT)
    request = by_password if operation == "InitiateAuth" else forgot
    if hidden == "LEGACY":
        refusal = await house.api.refused(operation, **request)
        assert refusal.code in {"UserNotFoundException", "CodeDeliveryFailureException"}
    else:
        await house.api(operation, **request)
    assert heard[0] == "Your account"
    assert len(heard) == (2 if (hidden, operation) == ("ENABLED", "ForgotPassword") else 1)
