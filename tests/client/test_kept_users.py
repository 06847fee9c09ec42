"""Users are kept fresh against a server that does what the test says, over real HTTP."""

import asyncio
import gc
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import anyio
import pytest
from attrs import define, evolve, field

from authflow import AuthClient, AuthFlow, Secret, SignedIn, Tokens
from authflow.client import kept_entry, kept_user
from authflow.client.kept_entry import Lease
from authflow.client.signed_in_user import SignedInUser
from authflow.errors import (
    AuthFlowError,
    ConfigError,
    JwksUnreachableError,
    MalformedReplyError,
    MisuseError,
    PoolSetupError,
    SealError,
    SignedOutError,
    StateError,
    StoreEntryError,
    StoreUnavailableError,
    ThrottledError,
    TimedOutError,
    TokenError,
    TokenExpiredError,
    TriggerFailedError,
    UnreachableError,
)
from authflow.keys import KeyRing
from authflow.stores import MemoryStore, Stored
from authflow.testing import START

LIFE = 3600
KEYS = KeyRing.generate()


def jwt(name: str, issued: float, life: float = LIFE, sub: Any = "sub-of-ada") -> str:
    claims = {"iat": int(issued), "exp": int(issued + life), "jti": name, "sub": sub}
    parts = ({"alg": "RS256", "kid": "one"}, claims)
    return ".".join(
        [
            *(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts),
            "c",
        ]
    )


def result(name: str, issued: float, refresh: str | None = None, **lives: float) -> dict[str, Any]:
    """Cognito's reply with new tokens; `refresh` with rotation."""
    members = {
        "AccessToken": jwt(f"access {name}", issued, lives.get("access", LIFE)),
        "IdToken": jwt(f"id {name}", issued, lives.get("identity", LIFE)),
        "ExpiresIn": LIFE,
        **({} if refresh is None else {"RefreshToken": refresh}),
    }
    return {"AuthenticationResult": members}


def signed_in(issued: float = START, **lives: float) -> SignedIn:
    members = result("R1", issued, **lives)["AuthenticationResult"]
    tokens = Tokens(
        access_token=Secret(members["AccessToken"]),
        id_token=Secret(members["IdToken"]),
        refresh_token=Secret("R1"),
    )
    return SignedIn(tokens=tokens, username="ada", flow=AuthFlow.USER_SRP_AUTH)


def name_of(token: Secret[str]) -> str:
    payload = token.reveal().split(".")[1]
    told: str = json.loads(urlsafe_b64decode_padded(payload))["jti"]
    return told


def urlsafe_b64decode_padded(text: str) -> bytes:
    from base64 import urlsafe_b64decode

    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@define
class Ticks:
    """A clock that is never set, for a test that moves it."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class SlowStore(MemoryStore):
    """A store whose methods a test can replace: attrs' slots are not for that."""


@define(eq=False)
class Breakable:
    """A store that fails as the test says: a real one cannot be made to fail at one call."""

    store: Any = field(factory=SlowStore)
    error: BaseException | None = None
    fails_from: str = ""
    calls: list[str] = field(factory=list)

    async def read(self, key: str) -> Stored | None:
        self._called("read")
        return await self.store.read(key)

    async def replace(
        self, key: str, value: bytes, *, expected: str | None, seconds: float
    ) -> bool:
        self._called("replace")
        return await self.store.replace(key, value, expected=expected, seconds=seconds)

    def _called(self, what: str) -> None:
        self.calls.append(what)
        if self.error is not None and (self.fails_from in ("", what)):
            raise self.error


@define(eq=False)
class Hanging(SlowStore):
    """A store that answers only when the test says so."""

    go_on: anyio.Event = field(factory=anyio.Event)
    waiting: int = 0

    def __attrs_post_init__(self) -> None:
        self.go_on.set()

    def hang(self) -> None:
        self.go_on = anyio.Event()

    async def read(self, key: str) -> Stored | None:
        await self._called()
        return await super().read(key)

    async def replace(self, key: str, value: bytes, **given: Any) -> bool:
        await self._called()
        return await super().replace(key, value, **given)

    async def _called(self) -> None:
        self.waiting += 1
        try:
            await self.go_on.wait()
        finally:
            self.waiting -= 1


@define(eq=False)
class Bench:
    """Users of one client, and of other processes: these are the same but for what they know."""

    server: Any
    clock: Any
    ticks: Ticks
    store: Any
    stack: AsyncExitStack
    opened: AuthClient | None = None

    async def client(self, **given: Any) -> AuthClient:
        given = {"keys": KEYS, "store": self.store, **given}
        auth = AuthClient(
            given.pop("config", None) or self.server.config(),
            discover=False,
            clock=self.clock.utc,
            **given,
        )
        for part in (auth._users, auth._users._turns):
            part.ticks = self.ticks
        self.opened = await self.stack.enter_async_context(auth)
        return auth

    async def kept(self, **given: Any) -> SignedInUser:
        auth = self.opened if self.opened and not given else await self.client(**given)
        return await auth.keep(signed_in())

    async def elsewhere(self, user: SignedInUser, **given: Any) -> SignedInUser:
        """The same user in another process."""
        users = evolve(user._users, **given)
        return SignedInUser(users, await users.find(user.handle))

    async def change(self, user: SignedInUser, **members: Any) -> None:
        """Change the entry as another process would."""
        entries = user._users._turns.entries
        found = await entries.read(user._kept.of)
        assert await entries.write(
            user._kept.of, evolve(found.entry, **members), expected=found.version
        )

    @property
    def sent(self) -> list[str]:
        return [
            members.get("RefreshToken", members.get("Token")) for _, members in self.server.requests
        ]


@pytest.fixture
def bench(scripted: Any, clock: Any, monkeypatch: Any) -> Callable[..., Any]:
    monkeypatch.setattr("authflow.client.transport._PAUSES", (0.0, 0.0))

    @asynccontextmanager
    async def made(*script: Any, store: Any = None) -> AsyncIterator[Bench]:
        async with scripted.serve(*script) as server, AsyncExitStack() as stack:
            yield Bench(server, clock, Ticks(), MemoryStore() if store is None else store, stack)

    return made


async def refused(call: Awaitable[Any], kind: type[AuthFlowError]) -> AuthFlowError:
    with pytest.raises(kind) as caught:
        await call
    assert type(caught.value) is kind
    return caught.value


async def settled() -> None:
    """Let all tasks go as far as they can without the network."""
    for _ in range(20):
        await anyio.lowlevel.checkpoint()


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(10):
        while not condition():
            await anyio.sleep(0.001)


class TestWhen:
    async def test_a_token_that_is_good_for_long_is_given_without_asking(self, bench, clock):
        async with bench() as all_:
            user = await all_.kept()
            for age in (0, LIFE / 2, LIFE * 0.79):
                clock.now = START + age
                assert name_of(await user.access_token()) == "access R1"
                assert name_of(await user.id_token()) == "id R1"
                assert (await user.tokens()).refresh_token == Secret("R1")
            assert all_.sent == []

    @pytest.mark.parametrize("age", [LIFE * 0.95, LIFE - 1, LIFE, 30 * LIFE])
    async def test_a_token_is_refreshed_before_and_after_its_end(self, bench, clock, age):
        async with bench(result("R2", START + age, "R2")) as all_:
            user = await all_.kept()
            clock.advance(age)
            assert name_of(await user.access_token()) == "access R2"
            assert name_of(await user.id_token()) == "id R2"
            assert (await user.tokens()).refresh_token == Secret("R2")
            assert all_.sent == ["R1"]

    async def test_how_long_before_the_end_is_spread(self, bench):
        async with bench() as all_:
            auth = await all_.client()
            users = [await auth.keep(signed_in()) for _ in range(100)]
            shares = [
                user._kept.ahead(user._kept.seen, lambda entry: (entry.access,)) / LIFE
                for user in users
            ]
            assert 1 / 12 - 1e-9 <= min(shares) < 0.1
            assert 0.14 < max(shares) <= 1 / 6
            assert len(set(shares)) == 100

    async def test_each_token_is_good_for_its_own_life(self, bench, clock):
        new = result("R2", START + 301, identity=300)
        async with bench(new) as all_:
            auth = await all_.client()
            user = await auth.keep(signed_in(identity=300))
            clock.advance(301)
            assert name_of(await user.access_token()) == "access R1"
            assert all_.sent == []
            assert name_of(await user.id_token()) == "id R2"
            assert (await user.tokens()).refresh_token == Secret("R1")
            assert all_.sent == ["R1"]

    async def test_a_clock_that_was_set_back_makes_no_token_good_for_longer(self, bench, clock):
        async with bench(result("R2", START + LIFE)) as all_:
            user = await all_.kept()
            clock.now -= 86_400
            all_.ticks.now += LIFE / 2
            assert name_of(await user.access_token()) == "access R1"
            all_.ticks.now += LIFE / 2
            assert name_of(await user.access_token()) == "access R2"
            assert name_of(await user.access_token()) == "access R2"
            assert all_.sent == ["R1"]

    async def test_a_clock_that_jumps_back_and_forth_asks_once_for_each_jump_forth(
        self, bench, clock
    ):
        async with bench(*(result(f"R{n}", START + 86_400 * n) for n in range(2, 5))) as all_:
            user = await all_.kept()
            for n in range(2, 5):
                clock.now = START + 86_400 * n
                for _ in range(3):
                    assert name_of(await user.access_token()) == f"access R{n}"
                clock.now = START
                assert name_of(await user.access_token()) == f"access R{n}"
            assert all_.sent == ["R1"] * 3


class TestOneAtATime:
    @pytest.mark.parametrize("rotated", [None, "R2"], ids=["kept", "rotated"])
    async def test_many_tasks_of_many_clients_send_one_request_and_get_the_same_tokens(
        self, bench, clock, store, rotated
    ):
        async with bench(result("R2", START + LIFE, rotated), store=store) as all_:
            user = await all_.kept()
            users = [user, *[await all_.elsewhere(user) for _ in range(7)]]
            clock.advance(LIFE)
            got = await asyncio.gather(*(each.tokens() for each in users * 4))
            assert {name_of(tokens.access_token) for tokens in got} == {"access R2"}
            assert all(tokens == got[0] for tokens in got)
            assert all_.sent == ["R1"]

    async def test_ahead_of_time_one_caller_refreshes_and_the_others_go_on(self, bench, clock):
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            clock.advance(LIFE * 0.95)
            leader = asyncio.create_task(user.access_token())
            await until(lambda: all_.sent == ["R1"])
            for each in (user, elsewhere):
                assert name_of(await each.access_token()) == "access R1"
            assert not leader.done()
            reply.set_result(result("R2", clock()))
            assert name_of(await leader) == "access R2"
            assert name_of(await elsewhere.access_token()) == "access R2"
            assert all_.sent == ["R1"]

    async def test_a_leader_that_is_cancelled_cancels_no_other(self, bench, clock):
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            clock.advance(LIFE)
            calls = [asyncio.create_task(each.access_token()) for each in (user, user, elsewhere)]
            await until(lambda: all_.sent == ["R1"])
            calls[0].cancel()
            with pytest.raises(asyncio.CancelledError):
                await calls[0]
            reply.set_result(result("R2", clock()))
            assert [name_of(await call) for call in calls[1:]] == ["access R2"] * 2
            assert all_.sent == ["R1"]

    async def test_a_refresh_whose_callers_are_all_gone_ends_and_is_kept(self, bench, clock):
        """With rotation its reply has the only refresh token that is good."""
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            clock.advance(LIFE)
            calls = [asyncio.create_task(user.access_token()) for _ in range(3)]
            await until(lambda: all_.sent == ["R1"])
            for call in calls:
                call.cancel()
            assert len(await asyncio.gather(*calls, return_exceptions=True)) == 3
            reply.set_result(result("R2", clock(), "R2"))
            tokens = await elsewhere.tokens()
            assert tokens.refresh_token == Secret("R2")
            assert all_.sent == ["R1"]

    async def test_a_caller_who_waits_for_another_process_leaves_in_time_and_leaves_nothing(
        self, bench, clock
    ):
        async with bench() as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            await all_.change(user, lease=Lease(holder="other"))
            for _ in range(2):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await user.access_token()
            await settled()
            assert not user._users._attempts
            assert all_.sent == []

    async def test_a_client_that_closes_waits_for_the_refresh_that_it_has_sent(self, bench, clock):
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply) as all_:
            user = await all_.kept()
            leader = await all_.elsewhere(user)
            clock.advance(LIFE)
            call = asyncio.create_task(leader.access_token())
            await until(lambda: all_.sent == ["R1"])
            call.cancel()
            asyncio.get_running_loop().call_later(
                0.02, reply.set_result, result("R2", clock(), "R2")
            )
            await leader._users.aclose()
            assert (await user.tokens()).refresh_token == Secret("R2")
            assert all_.sent == ["R1"]

    async def test_callers_share_reads_and_none_is_given_an_older_one(self, bench):
        store = Breakable()
        async with bench({}, store=store) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            store.calls.clear()
            await asyncio.gather(*(user.access_token() for _ in range(50)))
            assert len(store.calls) <= 2

            begun, go_on = anyio.Event(), anyio.Event()
            real = store.store.read

            async def slow(key: str) -> Stored | None:
                stored = await real(key)
                begun.set()
                await go_on.wait()
                return stored

            store.store.read = slow
            first = asyncio.create_task(user.access_token())
            await begun.wait()
            store.store.read = real
            await elsewhere.sign_out()
            second = asyncio.create_task(user.access_token())
            await settled()
            go_on.set()
            assert name_of(await first) == "access R1"  # it has called before
            await refused(second, SignedOutError)


class TestLeases:
    @pytest.mark.parametrize("ahead", [0, 6, 86_400, -86_400])
    async def test_a_lease_is_over_for_who_saw_it_unchanged_for_long_whatever_the_clocks_say(
        self, bench, clock, ahead
    ):
        async with bench(result("R2", START + LIFE + ahead)) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            await all_.change(user, lease=Lease(holder="other"))
            clock.now += ahead
            all_.ticks.now += LIFE
            call = asyncio.create_task(user.access_token())
            await until(lambda: user._kept._watched is not None)
            all_.ticks.now += user._users._turns.lease - 0.1
            await anyio.sleep(0.03)
            assert all_.sent == []
            await all_.change(user, lease=Lease(holder="other", times=1))  # it is alive
            await until(lambda: user._kept._watched[0].times == 1)
            all_.ticks.now += user._users._turns.lease - 0.1
            await anyio.sleep(0.03)
            assert all_.sent == []
            all_.ticks.now += 0.1
            assert name_of(await call) == "access R2"
            assert all_.sent == ["R1"]

    async def test_a_lease_is_prolonged_as_long_as_the_request_is_on_its_way(self, bench, clock):
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            user._users._turns.lease = 0.03
            clock.advance(LIFE)
            calls = [asyncio.create_task(each.access_token()) for each in (user, elsewhere)]
            await until(lambda: all_.sent == ["R1"])
            read = user._users._turns.entries.read
            first = (await read(user._kept.of)).entry.lease
            seen = {first}
            while len(seen) < 4:
                seen.add((await read(user._kept.of)).entry.lease)
                await anyio.sleep(0.005)
            assert {lease.holder for lease in seen} == {first.holder}
            reply.set_result(result("R2", clock()))
            assert [name_of(await call) for call in calls] == ["access R2"] * 2
            assert all_.sent == ["R1"]

    async def test_others_that_refresh_without_end_are_waited_for_a_while(self, bench, clock):
        async with bench() as all_:
            user = await all_.kept()
            user._users._turns.lease = 1000.0
            clock.advance(LIFE)
            await all_.change(user, lease=Lease(holder="other"))
            call = asyncio.create_task(user.access_token())
            await until(lambda: user._kept._watched is not None)
            all_.ticks.now += 59
            await anyio.sleep(0.02)
            assert not call.done()
            all_.ticks.now += 2
            await refused(call, TimedOutError)
            assert all_.sent == []


FAILURES: dict[str, tuple[Callable[[Any], Any], int, type[AuthFlowError]]] = {
    "throttled": (lambda s: s.error("TooManyRequestsException"), 3, ThrottledError),
    "a lost reply": (lambda s: s.hang_up, 2, UnreachableError),
    "half a reply": (lambda s: s.half, 2, UnreachableError),
    "a fault": (lambda s: s.error("InternalErrorException", status=500), 2, UnreachableError),
    "a web page": (lambda s: {}, 1, MalformedReplyError),
    "a trigger": (
        lambda s: s.error("UserLambdaValidationException", "PreTokenGeneration failed"),
        1,
        TriggerFailedError,
    ),
}
"""Failures that may pass: how often each is met in one attempt, and the error."""


class TestFailures:
    @pytest.mark.parametrize("failure", FAILURES)
    async def test_a_failure_signs_nobody_out_while_the_token_is_good(
        self, bench, scripted, clock, failure
    ):
        reply, times, _ = FAILURES[failure]
        async with bench(*[reply(scripted)] * times, result("R2", START + LIFE)) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            clock.advance(LIFE - 5)
            assert name_of(await user.access_token()) == "access R1"
            assert all_.sent == ["R1"] * times
            for each in (user, elsewhere):
                assert name_of(await each.access_token()) in {"access R1", "access R2"}
            clock.advance(5)
            assert name_of(await user.access_token()) == "access R2"
            assert all_.sent == ["R1"] * (times + 1)

    @pytest.mark.parametrize("failure", FAILURES)
    async def test_a_failure_is_told_to_all_whose_token_is_over_and_the_next_call_tries_again(
        self, bench, scripted, clock, failure
    ):
        reply, times, kind = FAILURES[failure]
        async with bench(*[reply(scripted)] * times, result("R2", START + LIFE)) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            errors = await asyncio.gather(
                *(user.access_token() for _ in range(5)), return_exceptions=True
            )
            assert {type(error) for error in errors} == {kind}
            assert len({id(error) for error in errors}) == 5
            assert name_of(await user.access_token()) == "access R2"
            assert all_.sent == ["R1"] * (times + 1)

    async def test_a_failure_ahead_of_time_is_not_tried_again_by_every_call(
        self, bench, scripted, clock
    ):
        script = [scripted.error("TooManyRequestsException")] * 3
        async with bench(*script, result("R2", START + LIFE)) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            clock.advance(LIFE * 0.95)
            for each in (user, user, elsewhere):
                assert name_of(await each.access_token()) == "access R1"
            assert all_.sent == ["R1"] * 3
            clock.advance(16)
            assert name_of(await elsewhere.access_token()) == "access R2"

    async def test_a_lost_reply_is_asked_for_once_more_at_once(self, bench, scripted, clock):
        async with bench(scripted.hang_up, result("R3", START + LIFE, "R3")) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            assert (await user.tokens()).refresh_token == Secret("R3")
            assert all_.sent == ["R1", "R1"]

    @pytest.mark.parametrize(
        "refusal",
        [
            ("NotAuthorizedException", "Refresh Token has been revoked"),
            ("NotAuthorizedException", "Refresh Token has expired"),
            ("NotAuthorizedException", "Invalid Refresh Token"),
            ("NotAuthorizedException", "User is disabled."),
            ("UserNotFoundException", "User does not exist."),
            ("RefreshTokenReuseException", "Refresh token has been used before."),
            ("PasswordResetRequiredException", "Password reset required"),
            ("UserNotConfirmedException", "User is not confirmed."),
            ("UnauthorizedException", "The token was given to another client."),
        ],
        ids=lambda refusal: refusal[1],
    )
    async def test_a_refusal_for_good_signs_out_everywhere_and_is_asked_for_once(
        self, bench, scripted, clock, refusal
    ):
        age = LIFE * (0.95 if "revoked" in refusal[1] else 1)
        async with bench(scripted.error(*refusal)) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            clock.advance(age)
            calls = [each.access_token() for each in (user, elsewhere) * 3]
            ends = await asyncio.gather(*calls, return_exceptions=True)
            assert SignedOutError in {type(end) for end in ends}
            for each in (user, elsewhere):
                error = await refused(each.tokens(), SignedOutError)
                assert "sign in again" in str(error)
            await refused(all_.elsewhere(user), SignedOutError)
            await user.sign_out()
            assert all_.sent == ["R1"]
            entry = (await user._users._turns.entries.read(user._kept.of)).entry
            assert entry.tokens is None

    async def test_a_refusal_of_a_token_that_another_process_has_replaced_signs_nobody_out(
        self, bench, scripted, clock
    ):
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            call = asyncio.create_task(user.tokens())
            await until(lambda: all_.sent == ["R1"])
            found = await user._users._turns.entries.read(user._kept.of)
            tokens = evolve(signed_in(clock()).tokens, refresh_token=Secret("R2"))
            new = found.entry.renewed(tokens, now=clock())
            assert await user._users._turns.entries.write(
                user._kept.of, new, expected=found.version
            )
            reply.set_result(scripted.error("RefreshTokenReuseException", "used before"))
            assert (await call).refresh_token == Secret("R2")


class TestSignOut:
    async def test_all_processes_learn_it_and_cognito_does(self, bench):
        async with bench({}) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            await elsewhere.sign_out()
            assert all_.server.operations == ["RevokeToken"]
            assert all_.sent == ["R1"]
            for each in (user, elsewhere):
                await refused(each.access_token(), SignedOutError)
                await refused(each.id_token(), SignedOutError)
            await refused(all_.elsewhere(user), SignedOutError)
            await elsewhere.sign_out()

    async def test_sign_ins_on_several_devices_are_apart(self, bench):
        async with bench({}) as all_:
            auth = await all_.client()
            phone, laptop = [await auth.keep(signed_in()) for _ in range(2)]
            assert phone.handle != laptop.handle
            await phone.sign_out()
            assert name_of(await laptop.access_token()) == "access R1"

    @pytest.mark.parametrize("where", ["here", "elsewhere"])
    async def test_a_refresh_that_is_on_its_way_gives_nothing_and_its_tokens_are_revoked(
        self, bench, clock, where
    ):
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply, {}, {}) as all_:
            user = await all_.kept()
            leaver = user if where == "here" else await all_.elsewhere(user)
            clock.advance(LIFE)
            call = asyncio.create_task(user.access_token())
            await until(lambda: all_.sent == ["R1"])
            await leaver.sign_out()
            reply.set_result(result("R2", clock(), "R2"))
            await refused(call, SignedOutError)
            assert all_.sent == ["R1", "R1", "R2"]
            assert all_.server.operations[1:] == ["RevokeToken"] * 2

    async def test_a_revocation_that_fails_is_told_and_can_be_repeated(self, bench, scripted):
        async with bench(scripted.hang_up, {}) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            await refused(user.sign_out(), UnreachableError)
            for each in (user, elsewhere):
                await refused(each.access_token(), SignedOutError)
            await user.sign_out()
            assert all_.sent == ["R1", "R1"]
            await user.sign_out()
            assert all_.sent == ["R1", "R1"]

    async def test_while_the_store_fails_the_token_is_revoked_and_the_failure_told(self, bench):
        store = Breakable()
        async with bench({}, {}, store=store) as all_:
            user = await all_.kept()
            store.error = OSError("canary")
            await refused(user.sign_out(), StoreUnavailableError)
            assert all_.sent == ["R1"]
            await refused(user.access_token(), SignedOutError)
            store.error = None
            await user.sign_out()
            await refused(all_.elsewhere(user), SignedOutError)

    async def test_a_user_whose_entry_the_store_has_lost_is_revoked_all_the_same(self, bench):
        async with bench({}) as all_:
            user = await all_.kept()
            all_.store._entries.clear()
            await user.sign_out()
            assert all_.sent == ["R1"]


class TestStores:
    """Stores that fail: what is good is given, and nothing is sent without a lease."""

    async def test_a_store_that_fails_signs_nobody_out(self, bench, clock):
        store = Breakable()
        async with bench(result("R2", START + LIFE), store=store) as all_:
            user = await all_.kept()
            errors = OSError("x"), ValueError("odd"), StoreUnavailableError("x"), TimeoutError()
            clock.advance(LIFE * 0.99)
            for store.error in errors:
                assert name_of(await user.access_token()) == "access R1"
            clock.advance(LIFE * 0.01)
            for store.error in errors:
                await refused(user.access_token(), StoreUnavailableError)
                await refused(all_.kept(), StoreUnavailableError)
                await refused(all_.elsewhere(user), StoreUnavailableError)
            assert all_.sent == []
            store.error = None
            assert name_of(await user.access_token()) == "access R2"

    async def test_a_store_that_takes_no_lease_has_nothing_sent(self, bench, clock):
        store = Breakable(fails_from="replace")
        async with bench(store=store) as all_:
            user = await all_.kept()
            store.error = OSError()
            clock.advance(LIFE)
            await refused(user.access_token(), StoreUnavailableError)
            assert all_.sent == []

    async def test_a_store_that_hangs_is_given_up(self, bench, monkeypatch):
        monkeypatch.setattr("authflow.client.kept_entry.STORE_TIMEOUT", 0.01)

        class Hanging(MemoryStore):
            async def read(self, key: str) -> Stored | None:
                await anyio.sleep_forever()

        async with bench(store=Hanging()) as all_:
            user = await all_.kept()
            assert name_of(await user.access_token()) == "access R1"
            await refused(all_.elsewhere(user), StoreUnavailableError)

    @pytest.mark.parametrize("fails_from", ["", "replace"])
    async def test_a_result_that_the_store_does_not_take_is_given_and_written_later(
        self, bench, clock, fails_from
    ):
        store = Breakable(fails_from=fails_from)
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply, store=store) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            calls = [asyncio.create_task(user.access_token()) for _ in range(3)]
            await until(lambda: all_.sent == ["R1"])
            store.error = OSError()
            reply.set_result(result("R2", clock(), "R2"))
            assert {name_of(await call) for call in calls} == {"access R2"}
            assert name_of(await user.access_token()) == "access R2"
            store.error = None
            elsewhere = await all_.elsewhere(user)
            assert (await elsewhere.tokens()).refresh_token == Secret("R2")
            assert all_.sent == ["R1"]

    async def test_a_result_that_could_not_be_written_for_long_is_written_by_the_next_call(
        self, bench, clock
    ):
        store = Breakable()
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply, store=store) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            call = asyncio.create_task(user.access_token())
            await until(lambda: all_.sent == ["R1"])
            store.error = OSError()
            reply.set_result(result("R2", clock(), "R2"))
            await call
            all_.ticks.now += 61
            await until(lambda: not user._users._attempts)
            store.error = None
            assert name_of(await user.access_token()) == "access R2"
            elsewhere = await all_.elsewhere(user)
            assert (await elsewhere.tokens()).refresh_token == Secret("R2")
            assert all_.sent == ["R1"]

    async def test_an_entry_that_the_store_has_lost_is_a_user_who_is_signed_out(self, bench):
        async with bench() as all_:
            user = await all_.kept()
            all_.store._entries.clear()
            await refused(user.access_token(), SignedOutError)

    async def test_a_store_without_keys_is_refused_when_the_client_is_made(self, bench):
        async with bench() as all_:
            await refused(all_.client(keys=None), ConfigError)

    async def test_keys_that_cannot_be_read_sign_nobody_out(self, bench, clock):
        class Keys:
            down = False

            async def key_ring(self, *, having: str | None = None) -> KeyRing:
                if self.down:
                    raise OSError
                return KEYS

        keys = Keys()
        async with bench(result("R2", START + LIFE)) as all_:
            user = await all_.kept(keys=keys)
            keys.down = True
            assert name_of(await user.access_token()) == "access R1"
            clock.advance(LIFE)
            with pytest.raises(StateError):
                await user.access_token()
            keys.down = False
            assert name_of(await user.access_token()) == "access R2"

    async def test_without_a_store_a_user_is_kept_in_the_process_alone(self, bench, clock):
        async with bench(result("R2", START + LIFE)) as all_:
            user = await all_.kept(store=None, keys=None)
            clock.advance(LIFE)
            got = await asyncio.gather(*(user.access_token() for _ in range(8)))
            assert {name_of(token) for token in got} == {"access R2"}
            assert all_.sent == ["R1"]
            await refused(all_.elsewhere(user, keys=None, store=None), SignedOutError)


class TestUnproved:
    """New tokens that cannot be verified yet are not lost, and not given."""

    async def test_tokens_whose_keys_cannot_be_had_are_verified_by_the_next_call(
        self, bench, clock, monkeypatch, scripted
    ):
        monkeypatch.setattr("authflow.tokens.key_source._PAUSES", ())
        no_keys = scripted.error("InternalErrorException", status=500)

        async def verified(tokens: Tokens) -> Tokens:
            return tokens

        async with bench(result("R2", START + LIFE - 5, "R2"), no_keys) as all_:
            user = await all_.kept(config=evolve(all_.server.config(), verify_tokens=True))
            clock.advance(LIFE - 5)
            assert name_of(await user.access_token()) == "access R1"
            clock.advance(5)
            await refused(user.access_token(), JwksUnreachableError)
            entry = (await user._users._turns.entries.read(user._kept.of)).entry
            assert entry.unproved.refresh_token == Secret("R2")
            elsewhere = await all_.elsewhere(user, verify=verified)
            tokens = await elsewhere.tokens()
            assert name_of(tokens.access_token) == "access R2"
            assert tokens.refresh_token == Secret("R2")
            assert name_of(await user.access_token()) == "access R2"
            assert [each for each in all_.sent if each] == ["R1"]

    async def test_where_the_tokens_have_expired_meanwhile_the_new_refresh_token_goes_first(
        self, bench, clock, scripted
    ):
        script = [
            scripted.error("NotAuthorizedException", "Invalid Refresh Token"),
            result("R4", START + 2 * LIFE, "R4"),
        ]
        async with bench(*script) as all_:
            user = await all_.kept()
            new = evolve(signed_in(START + 1).tokens, refresh_token=Secret("R2"))
            await all_.change(user, unproved=new)
            clock.advance(2 * LIFE)
            assert (await user.tokens()).refresh_token == Secret("R4")
            assert all_.sent == ["R2", "R1"]


class TestBadInput:
    async def test_a_handle_that_nobody_has_is_told_in_one_way(self, bench):
        store = Breakable()
        handles = [
            *("", "x", "A" * 42, "A" * 44, "A" * 42 + "=", "A" * 42 + " ", "A" * 42 + "\n"),
            *("A" * 43 + "\n", "\0" * 43, "\u0661" * 43, "\ud800" * 43, "A" * 10**6, "ä" * 43),
            *("../" * 14 + "a", "A" * 43),
        ]
        async with bench(store=store) as all_:
            auth = await all_.client()
            for handle in handles:
                for given in (handle, Secret(handle)):
                    error = await refused(auth.kept(given), SignedOutError)
                    assert str(error) == "nobody is signed in under this handle: sign in again"
                assert bool(store.calls) == (handle == "A" * 43)  # the only one of its form

    async def test_what_is_no_handle_is_the_callers_mistake(self, bench):
        async with bench() as all_:
            auth = await all_.client()
            for handle in (None, 1, b"A" * 43, ["A" * 43], Secret(b"x"), object()):
                error = await refused(auth.kept(handle), MisuseError)
                assert "handle must be a text" in str(error)

    async def test_only_a_sign_in_with_a_refresh_token_is_kept_for_a_time(self, bench):
        async with bench() as all_:
            auth = await all_.client()
            for given in (None, "token", b"", 1, signed_in().tokens, SignedIn):
                await refused(auth.keep(given), MisuseError)
            given = signed_in()
            given = evolve(given, tokens=evolve(given.tokens, refresh_token=None))
            await refused(auth.keep(given), MisuseError)
            times = (timedelta(), timedelta(-1), timedelta(days=3651), timedelta.max)
            for validity in (*times, 30, None, "30 days"):
                await refused(auth.keep(signed_in(), validity=validity), MisuseError)

    async def test_a_user_is_kept_for_as_long_as_was_said_and_refreshing_does_not_prolong_it(
        self, bench, clock
    ):
        async with bench(result("R2", START + LIFE)) as all_:
            auth = await all_.client()
            user = await auth.keep(signed_in(), validity=timedelta(seconds=LIFE + 9))
            clock.advance(LIFE)
            await user.access_token()
            clock.advance(9)
            await refused(user.access_token(), SignedOutError)
            await refused(all_.elsewhere(user), SignedOutError)
            assert all_.sent == ["R1"]

    async def test_a_closed_client_gives_nothing(self, bench):
        async with bench() as all_:
            user = await all_.kept()
            await all_.stack.aclose()
            await refused(user.access_token(), MisuseError)
            await refused(user.sign_out(), MisuseError)


class TestEntries:
    async def test_an_entry_that_was_altered_anywhere_gives_nothing_and_sends_nothing(
        self, bench, clock
    ):
        async with bench() as all_:
            user = await all_.kept()
            ((name, (stored, _)),) = all_.store._entries.items()
            value = stored.value
            clock.advance(LIFE)
            altered = [
                value[:place] + bytes([value[place] ^ bit]) + value[place + 1 :]
                for place in (*range(4, 60), *range(60, len(value), 97), len(value) - 1)
                for bit in (1, 0x80)
            ]
            altered += [value[:-1], value[:50], b"", b"\xff", value + b"A", value * 2, b"x" * 10**6]
            for each in altered:
                now = await all_.store.read(name)
                assert await all_.store.replace(name, each, expected=now.version, seconds=60)
                await refused(user.access_token(), SealError)
                await refused(all_.elsewhere(user), SealError)
            assert all_.sent == []

    async def test_even_a_token_that_is_good_is_not_given_then(self, bench):
        async with bench() as all_:
            user = await all_.kept()
            ((name, (stored, _)),) = all_.store._entries.items()
            await all_.store.replace(name, b"x", expected=stored.version, seconds=60)
            await refused(user.access_token(), SealError)

    async def test_an_entry_opens_in_its_own_place_alone(self, bench):
        """Copied to where another user, pool, app client or key ring looks for its own."""
        async with bench() as all_:
            user = await all_.kept()
            ((_, (stored, _)),) = all_.store._entries.items()
            handle = Secret("B" * 43)
            pool, client = user._users.place
            others = [
                evolve(user._users),
                evolve(user._users, place=("eu-central-1_Other", client)),
                evolve(user._users, place=(pool, "another")),
                evolve(user._users, keys=KeyRing.generate()),
            ]
            for users, at in zip(others, (handle, *[user.handle] * 3), strict=True):
                await refused(users.find(at), SignedOutError)  # its name is another one
                entries = users._turns.entries
                name = await entries._name(users._user(at).of)
                assert await all_.store.replace(name, stored.value, expected=None, seconds=60)
                await refused(users.find(at), SealError)

    async def test_an_entry_of_a_newer_version_says_what_to_do(self, bench, clock):
        async with bench() as all_:
            user = await all_.kept()
            ((name, (stored, _)),) = all_.store._entries.items()
            clock.advance(LIFE)
            for version in (b"ku2", b"ku10", b"ku9999"):
                value = version + stored.value[3:]
                now = await all_.store.read(name)
                await all_.store.replace(name, value, expected=now.version, seconds=60)
                assert "update this process" in str(await refused(user.tokens(), SealError))
            assert (await all_.store.read(name)).value == value  # it is left as it is

    async def test_an_entry_that_something_else_wrote_gives_nothing(self, bench):
        store = Breakable()
        async with bench(store=store) as all_:
            user = await all_.kept()
            store.error = StoreEntryError("not written by authflow")
            await refused(user.access_token(), StoreEntryError)

    async def test_sealed_content_of_another_form_gives_nothing(self, bench):
        async with bench() as all_:
            user = await all_.kept()
            entries, of = user._users._turns.entries, user._kept.of
            good = json.loads(kept_entry._written(user._kept.seen).reveal())
            broken = [b"", b"[]", b"null", b"{}", b"\xff", json.dumps(good).encode()[:-1]]
            broken += [json.dumps({**good, name: None}).encode() for name in ("flow", "access")]
            broken += [json.dumps({**good, "tokens": {"access": 1}}).encode()]
            broken += [json.dumps({**good, "lease": ["x"]}).encode()]
            for content in broken:
                sealed = await kept_entry._TEXT.seal(
                    KEYS, Secret(content), (*entries.place, of), until=START + 60
                )
                name = await entries._name(of)
                now = await all_.store.read(name)
                await all_.store.replace(name, sealed.encode(), expected=now.version, seconds=60)
                await refused(user.access_token(), SealError)

    async def test_keys_can_be_changed_while_users_are_kept(self, bench, clock):
        async with bench(result("R2", START + LIFE), result("R3", START + 2 * LIFE)) as all_:
            user = await all_.kept()
            both = KEYS.rotated("2")
            new = await all_.elsewhere(user, keys=both)
            clock.advance(LIFE)
            assert name_of(await new.access_token()) == "access R2"
            await refused(user.access_token(), SealError)  # it lacks the new key
            lost = KeyRing(keys={"2": both.keys["2"]}, current="2")
            await refused(all_.elsewhere(user, keys=lost), SignedOutError)  # and the lookup key

    async def test_nothing_in_the_store_tells_a_token_a_name_or_the_handle(self, bench):
        store = Breakable()
        async with bench(store=store) as all_:
            user = await all_.kept()
            ((name, (stored, _)),) = store.store._entries.items()
            told = name + stored.value.decode() + repr(stored)
            for secret in ("R1", "ada", user.handle.reveal(), user._kept.of):
                assert secret not in told or len(secret) < 4
            assert len(name) == 43

    async def test_no_value_and_no_error_shows_a_secret(
        self, bench, clock, scripted, everything_told, caplog
    ):
        caplog.set_level("DEBUG")
        script = [scripted.error("TooManyRequestsException")] * 3
        script += [scripted.error("NotAuthorizedException", "Refresh Token has expired")]
        async with bench(*script) as all_:
            user = await all_.kept()
            secrets = [user.handle.reveal(), (await user.access_token()).reveal()]
            told = repr(user) + str(user) + f"{user}" + repr(user._kept) + repr(user._users)
            clock.advance(LIFE)
            for call in (user.access_token, user.tokens, user.id_token):
                with pytest.raises(AuthFlowError) as caught:
                    await call()
                told += everything_told(caught.value)
            for secret in secrets:
                assert secret not in told + caplog.text
            assert "SignedInUser(username='ada')" in told


class TestNothingIsLost:
    """What Cognito gave, and what was begun, outlives slow keys, outages and dropped objects."""

    async def test_new_tokens_are_in_the_store_before_they_are_verified(self, bench, clock):
        checked = asyncio.get_running_loop().create_future()

        async def verify(tokens: Tokens) -> Tokens:
            return await checked

        async with bench(result("R2", START + LIFE, "R2")) as all_:
            user = await all_.kept()
            slow = await all_.elsewhere(user, verify=verify)
            slow._users._turns.lease = 0.03
            clock.advance(LIFE)
            call = asyncio.create_task(slow.access_token())
            entries, of = user._users._turns.entries, user._kept.of
            await until(lambda: all_.sent == ["R1"])
            await until(lambda: slow._kept.seen is not None and slow._kept.seen.turn == 1)
            first = (await entries.read(of)).entry
            assert first.unproved.refresh_token == Secret("R2")
            assert first.tokens.refresh_token == Secret("R1")
            with anyio.fail_after(5):  # the lease is prolonged meanwhile, and so others wait
                while (await entries.read(of)).entry.lease.times < first.lease.times + 2:
                    await anyio.sleep(0.005)
            other = asyncio.create_task(user.access_token())
            await anyio.sleep(0.03)
            assert not other.done()
            slow._users._turns.verify = user._users._turns.verify
            call.cancel()
            checked.cancel()  # the process dies
            await asyncio.gather(call, return_exceptions=True)
            await until(lambda: not slow._users._attempts)
            last = (await entries.read(of)).entry.lease
            await until(lambda: user._kept._watched[0] == last)
            all_.ticks.now += 6
            assert name_of(await other) == "access R2"
            assert all_.sent == ["R1"]

    async def test_a_prolonging_write_whose_reply_was_lost_ends_nothing(self, bench, clock):
        class Losing(MemoryStore):
            lost = 0

            async def replace(self, key: str, value: bytes, **given: Any) -> bool:
                written = await super().replace(key, value, **given)
                self.lost -= 1
                if self.lost == 0:
                    raise OSError
                return written

        store, reply = Losing(), asyncio.get_running_loop().create_future()
        async with bench(reply, store=store) as all_:
            user = await all_.kept()
            user._users._turns.lease = 0.03
            clock.advance(LIFE)
            store.lost = 2  # the lease, and its first prolonging
            call = asyncio.create_task(user.access_token())
            with anyio.fail_after(5):
                while True:
                    lease = (await user._users._turns.entries.read(user._kept.of)).entry.lease
                    if lease is not None and lease.times > 2:
                        break
                    await anyio.sleep(0.005)
            reply.set_result(result("R2", clock()))
            assert name_of(await call) == "access R2"

    @pytest.mark.parametrize("held", [True, False], ids=["held", "found anew each time"])
    async def test_an_outage_of_any_length_loses_no_result(self, bench, clock, held):
        store = Breakable()
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply, store=store) as all_:
            user = await all_.kept()
            auth, handle, attempts = all_.opened, user.handle, user._users._attempts
            kept = [user] if held else []
            clock.advance(LIFE)
            call = asyncio.create_task(user.access_token())
            await until(lambda: all_.sent == ["R1"])
            store.error = OSError()
            reply.set_result(result("R2", clock(), "R2"))
            await call
            all_.ticks.now += 61
            await until(lambda: not attempts)
            del user, call
            gc.collect()
            for _ in range(2):
                found = await auth.kept(handle)
                assert name_of(await found.access_token()) == "access R2"
            del found
            store.error = None
            found = await auth.kept(handle)
            elsewhere = await all_.elsewhere(found)
            assert (await elsewhere.tokens()).refresh_token == Secret("R2")
            assert all_.sent == ["R1"]
            del kept

    async def test_a_client_that_closes_writes_what_the_store_takes_by_then(self, bench, clock):
        store = Breakable()
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply, store=store) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            clock.advance(LIFE)
            call = asyncio.create_task(user.access_token())
            await until(lambda: all_.sent == ["R1"])
            store.error = OSError()
            reply.set_result(result("R2", clock(), "R2"))
            await call
            all_.ticks.now += 61
            await until(lambda: not user._users._attempts)
            store.error = None
            await user._users.aclose()
            assert (await elsewhere.tokens()).refresh_token == Secret("R2")
            assert all_.sent == ["R1"]

    async def test_a_clock_that_was_set_back_makes_no_token_good_for_longer_where_it_is_found_anew(
        self, bench, clock
    ):
        async with bench(result("R2", START + LIFE)) as all_:
            handle = (await all_.kept()).handle
            clock.now -= 86_400
            all_.ticks.now += LIFE
            user = await all_.opened.kept(handle)
            assert name_of(await user.access_token()) == "access R2"
            assert all_.sent == ["R1"]

    async def test_when_a_process_refreshes_is_drawn_once_for_each_turn(self, bench):
        async with bench() as all_:
            user = await all_.kept()
            first = user._kept.ahead(user._kept.seen, kept_user.access)
            for _ in range(20):  # found anew each time
                user._users._known.drop(user._kept)
                user._users._known._alive.clear()
                again = await all_.opened.kept(user.handle)
                assert again._kept is not user._kept
                assert again._kept.ahead(again._kept.seen, kept_user.access) == first
            turns = [evolve(user._kept.seen, turn=turn) for turn in range(20)]
            assert len({user._kept.ahead(each, kept_user.access) for each in turns}) == 20
            others = [await all_.elsewhere(user) for _ in range(20)]
            drawn = {other._kept.ahead(other._kept.seen, kept_user.access) for other in others}
            assert len(drawn) == 20


class TestUnfinishedSignOut:
    """A sign-out that was begun gives no tokens, and can be finished wherever the handle is."""

    @pytest.mark.parametrize("where", ["here", "elsewhere"])
    @pytest.mark.parametrize("how", ["refused", "cancelled"])
    async def test_one_that_failed_is_finished_by_whoever_finds_the_user(
        self, bench, scripted, where, how
    ):
        never = asyncio.get_running_loop().create_future()
        first = scripted.hang_up if how == "refused" else never
        async with bench(first, {}) as all_:
            user = await all_.kept()
            auth, handle = all_.opened, user.handle
            leaving = asyncio.create_task(user.sign_out())
            await until(lambda: all_.sent == ["R1"])
            if how == "cancelled":
                leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
            never.set_result(scripted.hang_up)
            other = evolve(user._users)
            del user, leaving
            find = auth.kept if where == "here" else other.find
            found = await find(handle)
            user = found if where == "here" else SignedInUser(other, found)
            assert user.username == "ada"
            for call in (user.access_token, user.id_token, user.tokens):
                await refused(call(), SignedOutError)
            await user.sign_out()
            assert all_.sent == ["R1", "R1"]
            await refused(find(handle), SignedOutError)
            await refused(auth.kept(handle), SignedOutError)

    async def test_one_that_the_store_did_not_take_gives_no_token_here_any_more(self, bench):
        store = Breakable(fails_from="replace")
        async with bench({}, {}, store=store) as all_:
            user = await all_.kept()
            auth, handle = all_.opened, user.handle
            store.error = OSError()
            await refused(user.sign_out(), StoreUnavailableError)
            del user
            store.error = None
            found = await auth.kept(handle)
            await refused(found.access_token(), SignedOutError)
            await found.sign_out()
            await refused(auth.kept(handle), SignedOutError)

    async def test_an_app_client_that_lets_nothing_be_revoked_is_told_and_the_user_is_forgotten(
        self, bench, scripted
    ):
        refusal = scripted.error("UnsupportedOperationException", "Revocation is not enabled")
        async with bench(refusal) as all_:
            user = await all_.kept()
            await refused(user.sign_out(), PoolSetupError)
            entry = (await user._users._turns.entries.read(user._kept.of)).entry
            assert entry.tokens is None
            await refused(user.access_token(), SignedOutError)
            await refused(all_.opened.kept(user.handle), SignedOutError)
            await user.sign_out()
            assert all_.sent == ["R1"]


class TestGivenToNobody:
    async def test_an_error_for_tokens_that_cannot_be_verified_does_not_carry_them(
        self, bench, clock, monkeypatch, scripted
    ):
        monkeypatch.setattr("authflow.tokens.key_source._PAUSES", ())
        no_keys = scripted.error("InternalErrorException", status=500)
        async with bench(result("R2", START + LIFE, "R2"), no_keys) as all_:
            user = await all_.kept(config=evolve(all_.server.config(), verify_tokens=True))
            clock.advance(LIFE)
            for call in (user.access_token, user.tokens):
                error = await refused(call(), JwksUnreachableError)
                assert error.tokens is None
                assert error.signed_in is None

    @pytest.mark.parametrize("first", ["unproved", "proved"])
    async def test_of_two_results_of_one_turn_no_expired_token_is_given(self, bench, clock, first):
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply, result("R4", START + LIFE, "R4")) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            call = asyncio.create_task(user.tokens())
            await until(lambda: all_.sent == ["R1"])
            entries, of = user._users._turns.entries, user._kept.of
            found = await entries.read(of)
            theirs = evolve(signed_in(clock()).tokens, refresh_token=Secret("R3"))
            new = found.entry.renewed(theirs, now=clock())
            if first == "unproved":
                new = evolve(found.entry, turn=1, lease=None, unproved=theirs)
            assert await entries.write(of, new, expected=found.version)
            reply.set_result(result("R2", clock(), "R2"))
            tokens = await call
            assert tokens.refresh_token == Secret("R3")
            assert user._kept.left(user._kept.seen, kept_user.both) == LIFE
            assert all_.sent == ["R1"]

    @pytest.mark.parametrize("which", ["access", "identity", "both"])
    @pytest.mark.parametrize("sub", ["sub-of-eve", None, "Sub-of-ada", 1])
    async def test_new_tokens_of_somebody_else_are_given_to_nobody_and_not_kept(
        self, bench, clock, which, sub
    ):
        reply = result("R2", START + LIFE, "R2")
        members = reply["AuthenticationResult"]
        for name in {"access": ["AccessToken"], "identity": ["IdToken"]}.get(
            which, ["AccessToken", "IdToken"]
        ):
            members[name] = jwt("of somebody else", START + LIFE, sub=sub)
        async with bench(reply, result("R3", START + LIFE, "R3")) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            await refused(user.access_token(), TokenError)
            entry = (await user._users._turns.entries.read(user._kept.of)).entry
            assert (entry.unproved, entry.lease) == (None, None)
            assert name_of(await user.access_token()) == "access R3"
            assert all_.sent == ["R1", "R1"]

    async def test_new_tokens_that_have_expired_already_are_not_given(self, bench, clock):
        old = result("R2", START), result("R3", START)
        async with bench(*old) as all_:
            user = await all_.kept()
            clock.advance(2 * LIFE)
            await refused(user.access_token(), TokenExpiredError)
            assert all_.sent == ["R1", "R1"]


class TestSlowStores:
    @pytest.fixture(autouse=True)
    def quick(self, monkeypatch: Any) -> None:
        for module in ("kept_users", "refresh_result", "refresh_turn"):
            monkeypatch.setattr(f"authflow.client.{module}.READY_TIMEOUT", 0.02)

    async def test_new_tokens_are_given_although_the_store_hangs_and_written_when_it_answers(
        self, bench, clock
    ):
        store, reply = Hanging(), asyncio.get_running_loop().create_future()
        async with bench(reply, store=store) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            call = asyncio.create_task(user.access_token())
            await until(lambda: all_.sent == ["R1"])
            store.hang()
            reply.set_result(result("R2", clock(), "R2"))
            assert name_of(await call) == "access R2"
            for _ in range(5):
                assert name_of(await user.access_token()) == "access R2"
                assert name_of(await (await all_.opened.kept(user.handle)).id_token()) == "id R2"
            assert store.waiting <= 5
            store.go_on.set()
            await until(lambda: not user._users._attempts)
            elsewhere = await all_.elsewhere(user)
            assert (await elsewhere.tokens()).refresh_token == Secret("R2")
            assert all_.sent == ["R1"]

    async def test_what_a_slow_store_says_counts_for_the_next_call(self, bench):
        store = Hanging()
        async with bench({}, store=store) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            await elsewhere.sign_out()
            store.hang()
            assert name_of(await user.access_token()) == "access R1"
            store.go_on.set()
            await until(user._kept.late.done)
            store.hang()  # it is not asked in vain again
            call = asyncio.create_task(user.access_token())
            await anyio.sleep(0.05)
            assert not call.done()
            store.go_on.set()
            await refused(call, SignedOutError)

    async def test_a_client_that_closes_leaves_no_read_behind(self, bench):
        store = Hanging()
        async with bench(store=store) as all_:
            user = await all_.kept()
            store.hang()
            assert name_of(await user.access_token()) == "access R1"
            await user._users.aclose()
            await settled()
            assert store.waiting == 0
            store.go_on.set()
