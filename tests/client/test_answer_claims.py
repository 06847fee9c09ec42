"""Of two answers to one pending sign-in one is sent, and what can be answered again is free again.

Where Cognito has to fail, a scripted server stands for it; who wins is tried at the embedded pool.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import anyio
import pytest
from attrs import define, evolve

from authflow import AuthClient, AuthFlow, ChallengeRequired, NewPassword, SignedIn
from authflow.client import ScriptedPrompt, answer_claims, ticket_store
from authflow.errors import (
    AnswerNotSupportedError,
    AttributeRejectedError,
    AuthFlowError,
    BadCredentialsError,
    ClientSecretsUnavailableError,
    CodeExpiredError,
    CodeMismatchError,
    KeysUnavailableError,
    LockedOutError,
    MalformedReplyError,
    MisuseError,
    NewPasswordRejectedError,
    OutcomeUnknownError,
    PromptEndedError,
    RequestBlockedError,
    SecretHashMismatchError,
    SessionExpiredError,
    SessionSpentError,
    StoreUnavailableError,
    ThrottledError,
    TriggerFailedError,
    UnexpectedReplyError,
    UnreachableError,
)
from authflow.keys import KeyRing
from authflow.stores import MemoryStore, Store, Stored
from authflow.triggers import Triggers, challenge, sequence

RING = KeyRing.generate("k1")
SESSION = "c2Vzc2lvbg" * 10
ASKED = {
    "ChallengeName": "CUSTOM_CHALLENGE",
    "Session": SESSION,
    "ChallengeParameters": {"challenge": "word"},
}
SIGNED_IN = {
    "AuthenticationResult": {
        "AccessToken": "a",
        "IdToken": "i",
        "RefreshToken": "r",
        "ExpiresIn": 1,
    }
}
BEGIN = {"flow": AuthFlow.CUSTOM_AUTH}
STANDS = "the same can be answered again"
OVER = "it stays claimed"


@define
class Stage:
    """A scripted server, a client, and a pending sign-in."""

    server: Any
    one: AuthClient
    pending: ChallengeRequired

    @property
    def answers(self) -> int:
        return self.server.operations.count("RespondToAuthChallenge")

    async def is_free(self) -> bool:
        """Whether a ticket of the same may be answered. A client itself keeps nothing of it."""
        ticket = await self.one.seal(self.pending)
        self.server.script[:0] = [SIGNED_IN]
        before = self.answers
        try:
            result = await self.one.answer(await self.one.resume(ticket), "open sesame")
        except SessionSpentError:
            assert self.answers == before
            self.server.script.pop(0)
            return False
        assert isinstance(result, SignedIn)
        assert self.answers == before + 1
        return True


@asynccontextmanager
async def staged(
    scripted: Any, *script: Any, store: Store | None = None, **settings: Any
) -> AsyncIterator[Stage]:
    store = MemoryStore() if store is None else store
    async with scripted.serve(ASKED, *script) as server:
        given = {"keys": RING, "store": store, "discover": False}
        async with AuthClient(server.config(**settings), **given) as one:
            pending = await one.sign_in("ada", **BEGIN)
            assert isinstance(pending, ChallengeRequired)
            yield Stage(server, one, pending)


# Who wins


def triggers(word: Any) -> Triggers:
    return Triggers(policy=sequence(challenge("word", attempts=3)), challenges=[word])


async def test_of_many_answers_to_two_tickets_and_the_pending_itself_one_is_sent(
    live_pool, word, store: Store
):
    async with live_pool(triggers=triggers(word), users={"ada": "Correct-horse-1"}) as pool:
        sent: list[str] = []
        given = {
            "keys": RING,
            "store": store,
            "discover": False,
            "observer": lambda seen: sent.append(seen.operation),
        }
        async with (
            AuthClient(pool.config, **given) as one,
            AuthClient(pool.config, **given) as other,
        ):
            pending = await one.sign_in("ada", **BEGIN)
            tickets = [await one.seal(pending) for _ in range(2)]
            assert tickets[0] != tickets[1]
            ended: list[Any] = []

            async def answer(auth: AuthClient, what: ChallengeRequired) -> None:
                try:
                    ended.append(await auth.answer(what, "open sesame"))
                except SessionSpentError as error:
                    ended.append(error)

            async with anyio.create_task_group() as tasks:
                for auth in (one, other):
                    tasks.start_soon(answer, auth, pending)
                    for ticket in tickets:
                        tasks.start_soon(answer, auth, await auth.resume(ticket))
            won = [each for each in ended if isinstance(each, SignedIn)]
            assert len(won) == 1
            assert len(ended) == 6
            assert sent.count("RespondToAuthChallenge") == 1
            (told, *_), others = {str(e) for e in ended if isinstance(e, Exception)}, len(ended) - 1
            assert "answered already" in told
            assert others == 5
            with pytest.raises(SessionSpentError):  # replayed
                await other.answer(await other.resume(tickets[0]), "open sesame")


async def test_without_a_store_cognito_decides(live_pool, word):
    async with (
        live_pool(triggers=triggers(word), users={"ada": "Correct-horse-1"}) as pool,
        AuthClient(pool.config, keys=RING, discover=False) as auth,
    ):
        ticket = await auth.seal(await auth.sign_in("ada", **BEGIN))
        resumed = [await auth.resume(ticket) for _ in range(4)]
        ended = await asyncio.gather(
            *(auth.answer(each, "open sesame") for each in resumed), return_exceptions=True
        )
        assert sum(isinstance(each, SignedIn) for each in ended) == 1
        assert sum(isinstance(each, SessionSpentError) for each in ended) == 3


async def test_each_challenge_of_a_sign_in_is_claimed_by_itself(live_pool, word):
    """A wrong answer to a custom challenge is asked anew, with a ticket of its own."""
    async with live_pool(triggers=triggers(word), users={"ada": "Correct-horse-1"}) as pool:
        given = {"keys": RING, "store": MemoryStore(), "discover": False}
        async with AuthClient(pool.config, **given) as auth:
            first = await auth.seal(await auth.sign_in("ada", **BEGIN))
            again = await auth.answer(await auth.resume(first), "wrong")
            assert isinstance(again, ChallengeRequired)
            assert again.challenge.attempt == 2
            second = await auth.seal(again)
            assert isinstance(await auth.answer(await auth.resume(second), "open sesame"), SignedIn)
            for ticket in (first, second):
                with pytest.raises(SessionSpentError):
                    await auth.answer(await auth.resume(ticket), "open sesame")


@pytest.mark.parametrize("session", [SESSION, None])
async def test_a_server_that_gives_one_session_twice_is_answered_twice(scripted, session):
    asked = {name: member for name, member in ASKED.items() if name != "Session" or session}
    async with (
        scripted.serve(asked, asked, SIGNED_IN) as server,
        AuthClient(server.config(), keys=RING, store=MemoryStore()) as auth,
    ):
        first = await auth.sign_in("ada", **BEGIN)
        second = await auth.answer(first, "wrong")
        with pytest.raises(SessionSpentError):
            await auth.answer(first, "wrong")
        assert isinstance(await auth.answer(second, "open sesame"), SignedIn)
        with pytest.raises(SessionSpentError):
            await auth.answer(second, "open sesame")


async def test_who_has_no_store_claims_nothing(scripted):
    async with (
        scripted.serve(ASKED, SIGNED_IN, SIGNED_IN) as server,
        AuthClient(server.config(), keys=RING) as auth,
    ):
        pending = await auth.sign_in("ada", **BEGIN)
        for _ in range(2):
            assert isinstance(await auth.answer(pending, "x"), SignedIn)


# What is given back


def error(code: str, message: str = "", status: int = 400) -> Callable[[Any], Any]:
    return lambda scripted: scripted.error(code, message, status)


ENDS: dict[str, tuple[Callable[[Any], Any], type[AuthFlowError], str]] = {
    "a wrong code": (error("CodeMismatchException"), CodeMismatchError, STANDS),
    "a weak password": (error("InvalidPasswordException"), NewPasswordRejectedError, STANDS),
    "a wrong attribute": (
        error("InvalidParameterException", "Invalid email address"),
        AttributeRejectedError,
        STANDS,
    ),
    "too many requests": (error("TooManyRequestsException"), ThrottledError, STANDS),
    "a firewall": (error("ForbiddenException"), RequestBlockedError, STANDS),
    "refused": (
        error("NotAuthorizedException", "Incorrect username or password."),
        BadCredentialsError,
        OVER,
    ),
    "too late": (error("ExpiredCodeException"), CodeExpiredError, OVER),
    "spent": (
        error(
            "NotAuthorizedException", "Invalid session for the user, session can only be used once."
        ),
        SessionSpentError,
        OVER,
    ),
    "locked": (error("TooManyFailedAttemptsException"), LockedOutError, OVER),
    "a trigger failed": (error("UnexpectedLambdaException"), TriggerFailedError, OVER),
    "the server failed": (error("InternalErrorException", "", 500), OutcomeUnknownError, OVER),
    "hung up": (lambda scripted: scripted.hang_up, OutcomeUnknownError, OVER),
    "half a reply": (lambda scripted: scripted.half, OutcomeUnknownError, OVER),
    "a web page": (
        lambda scripted: scripted.raw(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n<"),
        MalformedReplyError,
        OVER,
    ),
    "another flow": (
        lambda _: {**ASKED, "ChallengeName": "PASSWORD_VERIFIER"},
        UnexpectedReplyError,
        OVER,
    ),
}


async def test_what_can_be_answered_again_is_given_back_and_nothing_else(scripted, monkeypatch):
    monkeypatch.setattr("authflow.client.transport._PAUSES", (0, 0))
    async with staged(scripted) as stage:
        for number, (name, (make, kind, then)) in enumerate(ENDS.items()):
            asked = {**ASKED, "Session": f"{SESSION}{number}"}
            stage.server.script[:] = [
                asked,
                *[make(scripted)] * (3 if kind is ThrottledError else 1),
            ]
            stage.pending = await stage.one.sign_in("ada", **BEGIN)
            with pytest.raises(kind):
                await stage.one.answer(stage.pending, "open sesame")
            assert await stage.is_free() is (then is STANDS), name


async def test_an_answer_whose_reply_never_comes_stays_claimed(scripted):
    async with staged(scripted, scripted.hang) as stage:
        config = evolve(stage.one.config, read_timeout=0.1)
        async with AuthClient(config, keys=RING, store=stage.one.store) as impatient:
            with pytest.raises(OutcomeUnknownError):
                await impatient.answer(stage.pending, "open sesame")
        assert not await stage.is_free()


async def test_what_was_never_sent_is_given_back(scripted, monkeypatch):
    monkeypatch.setattr("authflow.client.transport._PAUSES", (0, 0))
    async with staged(scripted) as stage:
        config = evolve(stage.one.config, endpoint="http://127.0.0.1:9")
        async with AuthClient(config, keys=RING, store=stage.one.store) as lost:
            with pytest.raises(UnreachableError):
                await lost.answer(stage.pending, "open sesame")
        assert await stage.is_free()


async def test_what_is_no_answer_claims_nothing(scripted):
    async with staged(scripted, store=(store := MemoryStore())) as stage:
        for answer, more, kind in (
            (NewPassword("Some-password-1"), {}, AnswerNotSupportedError),
            ("x", {"attributes": {"a": "b"}}, AnswerNotSupportedError),
            ("x", {"prompt": 7}, MisuseError),
            (None, {}, MisuseError),
        ):
            with pytest.raises(kind):
                await stage.one.answer(stage.pending, answer, **more)
        late = evolve(stage.pending, sign_in=evolve(stage.pending.sign_in, expires_at=1.0))
        with pytest.raises(SessionExpiredError):
            await stage.one.answer(late, "x")
        assert len(store) == 0
        assert await stage.is_free()


async def test_an_error_later_in_the_same_call_gives_nothing_back(scripted):
    """The first answer counted; it is the next one, by the prompt, that was wrong."""

    class Prompter:
        name = "word"

        async def answer(self, _challenge: Any, prompt: Any) -> str:
            return await prompt.ask("?")

    asked_again = {**ASKED, "Session": SESSION + "2"}
    script = [ASKED, asked_again, scripted.error("CodeMismatchException")]
    async with scripted.serve(*script) as server:
        given = {"keys": RING, "store": MemoryStore(), "challenges": [Prompter]}
        async with AuthClient(server.config(), **given) as auth:
            pending = await auth.sign_in("ada", **BEGIN)
            with pytest.raises(PromptEndedError):  # it was asked once more
                await auth.answer(pending, "one", prompt=ScriptedPrompt(["two"]))
            with pytest.raises(SessionSpentError):
                await auth.answer(pending, "one")
        assert len(server.requests) == 3


# Cancellation


async def cancelled(call: Awaitable[Any], when: Callable[[], bool]) -> None:
    task = asyncio.ensure_future(call)
    with anyio.fail_after(60):
        while not when():
            await anyio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancelled_answer_that_was_sent_stays_claimed(scripted):
    async with staged(scripted, scripted.hang) as stage:
        await cancelled(stage.one.answer(stage.pending, "open sesame"), lambda: stage.answers == 1)
        assert not await stage.is_free()


async def test_a_cancelled_answer_that_waits_for_its_turn_is_given_back(scripted):
    async with staged(scripted, scripted.hang, max_concurrency=1) as stage:
        store = stage.one.store
        await stage.one._transport._in_flight.acquire()  # the only place
        await cancelled(stage.one.answer(stage.pending, "x"), lambda: len(store) == 1)
        stage.one._transport._in_flight.release()
        assert await stage.is_free()


async def test_a_cancelled_answer_that_pauses_before_it_is_sent_again_is_given_back(
    scripted, monkeypatch
):
    monkeypatch.setattr("authflow.client.transport._PAUSES", (60, 60))
    monkeypatch.setattr("random.uniform", lambda _, most: most)
    told: list[Any] = []
    async with staged(scripted, scripted.error("TooManyRequestsException")) as stage:
        config = stage.one.config
        async with AuthClient(
            config, keys=RING, store=stage.one.store, observer=told.append
        ) as auth:
            await cancelled(auth.answer(stage.pending, "x"), lambda: len(told) == 1)
        assert await stage.is_free()


async def test_a_scope_of_the_callers_that_is_cancelled_ends_an_answer_that_stays_claimed(scripted):
    async with staged(scripted, scripted.hang) as stage:
        with anyio.CancelScope() as scope:

            async def cancel_when_sent() -> None:
                while stage.answers == 0:
                    await anyio.sleep(0)
                scope.cancel()

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(cancel_when_sent)
                await stage.one.answer(stage.pending, "open sesame")
        assert scope.cancelled_caught
        assert not await stage.is_free()


async def test_a_scope_that_is_cancelled_while_an_answer_waits_gives_it_back(scripted):
    """Giving back is shielded from the scope, which stays cancelled."""
    async with staged(scripted, max_concurrency=1) as stage:
        await stage.one._transport._in_flight.acquire()
        with anyio.CancelScope() as scope:

            async def cancel_when_claimed() -> None:
                while len(stage.one.store) == 0:
                    await anyio.sleep(0)
                scope.cancel()

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(cancel_when_claimed)
                await stage.one.answer(stage.pending, "open sesame")
        stage.one._transport._in_flight.release()
        assert scope.cancelled_caught
        assert await stage.is_free()


class Slow(MemoryStore):
    """A store that waits before or after what it does, or fails."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: str | None = None
        self.calls = 0
        self.fails: BaseException | None = None

    async def _turn(self, when: str) -> None:
        if self.waits == when:
            self.calls += 1
            await anyio.sleep_forever()

    async def read(self, key: str) -> Stored | None:
        if self.fails is not None:
            raise self.fails
        return await super().read(key)

    async def replace(
        self, key: str, value: bytes, *, expected: str | None, seconds: float
    ) -> bool:
        if self.fails is not None:
            raise self.fails
        await self._turn("before")
        done = await super().replace(key, value, expected=expected, seconds=seconds)
        await self._turn("after")
        return done


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_claim_that_is_cancelled_while_it_is_written_is_given_back(
    scripted, monkeypatch, when: str
):
    store = Slow()
    monkeypatch.setattr(answer_claims, "RETURN_TIMEOUT", 5)
    async with staged(scripted, store=store) as stage:
        store.waits = when
        task = asyncio.ensure_future(stage.one.answer(stage.pending, "x"))
        while store.calls == 0:
            await anyio.sleep(0)
        store.waits = None
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert stage.answers == 0
        assert await stage.is_free()


class Late(MemoryStore):
    """A store over a network: a write comes to it after the asker has gone."""

    def __init__(self) -> None:
        super().__init__()
        self.is_late = False
        self.late: Callable[[], Awaitable[bool]] | None = None

    async def replace(
        self, key: str, value: bytes, *, expected: str | None, seconds: float
    ) -> bool:
        write = partial(super().replace, key, value, expected=expected, seconds=seconds)
        fits = expected is not None or not len(self)  # it would be written
        if self.is_late and self.late is None and fits:
            self.late = write
            await anyio.sleep_forever()
        return await write()


@pytest.mark.parametrize("come_before", ["nothing", "a wrong code"])
@pytest.mark.parametrize("comes", ["at the end", "as it is freed"])
async def test_a_claim_that_is_written_after_its_answer_was_cancelled_claims_nothing(
    scripted, come_before: str, comes: str, monkeypatch
):
    store = Late()
    async with staged(scripted, store=store) as stage:
        if come_before == "a wrong code":
            stage.server.script[:] = [scripted.error("CodeMismatchException")]
            with pytest.raises(CodeMismatchError):
                await stage.one.answer(stage.pending, "wrong")
        answers, store.is_late = stage.answers, True
        read = store.read

        async def overtaken(key: str) -> Stored | None:
            stored = await read(key)
            if store.late is not None:
                monkeypatch.setattr(store, "read", read)
                assert await store.late()
            return stored

        if comes == "as it is freed":
            monkeypatch.setattr(store, "read", overtaken)
        await cancelled(stage.one.answer(stage.pending, "x"), lambda: store.late is not None)
        if comes == "at the end":
            assert not await store.late()
        assert stage.answers == answers
        assert await stage.is_free()


async def test_a_free_entry_that_another_answer_took_meanwhile_stays_its_own(scripted):
    store = Late()
    async with staged(scripted, scripted.error("CodeMismatchException"), store=store) as stage:
        with pytest.raises(CodeMismatchError):
            await stage.one.answer(stage.pending, "wrong")
        store.is_late = True
        task = asyncio.ensure_future(stage.one.answer(stage.pending, "x"))
        while store.late is None:
            await anyio.sleep(0)
        assert await stage.is_free()  # and is answered now
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not await stage.is_free()


async def test_a_client_that_closes_while_it_claims_keeps_no_claim(scripted):
    class Closing(MemoryStore):
        closing: AuthClient | None = None

        async def replace(self, key: str, value: bytes, **how: Any) -> bool:
            if self.closing is not None:
                auth, self.closing = self.closing, None
                await auth.__aexit__(None, None, None)
            return await super().replace(key, value, **how)

    async with staged(scripted, store=(store := Closing())) as stage:
        store.closing = await AuthClient(stage.one.config, keys=RING, store=store).__aenter__()
        with pytest.raises(MisuseError, match="open the client first"):
            await store.closing.answer(stage.pending, "x")
        assert stage.answers == 0
        assert await stage.is_free()


MISMATCH = ("NotAuthorizedException", "Unable to verify secret hash for client 1example")


@define
class Vault:
    """Gives a secret that is not good any more, and then something else."""

    then: Any
    asked: int = 0

    async def secrets(self) -> str:
        self.asked += 1
        return "old0canary0canary" if self.asked == 1 else await self.then()


async def fails() -> str:
    raise OSError


async def same() -> str:
    return "old0canary0canary"


@pytest.mark.parametrize(
    ("secret", "kind"),
    [
        ("old0canary0canary", SecretHashMismatchError),
        (["old0canary0canary", "old1canary1canary"], SecretHashMismatchError),
        (same, SecretHashMismatchError),
        (fails, ClientSecretsUnavailableError),
        (anyio.sleep_forever, asyncio.CancelledError),
    ],
)
async def test_an_answer_whose_client_secret_is_refused_claims_nothing(scripted, secret, kind):
    async with staged(scripted) as stage:
        vault = Vault(secret) if callable(secret) else None
        config = evolve(stage.one.config, client_secret=vault or secret)
        stage.server.script[:] = [scripted.error(*MISMATCH)] * (
            2 if isinstance(secret, list) else 1
        )
        async with AuthClient(config, keys=RING, store=stage.one.store) as auth:
            if kind is asyncio.CancelledError:
                answer = auth.answer(stage.pending, "x")
                await cancelled(answer, lambda: vault.asked == 2)
            else:
                with pytest.raises(kind):
                    await auth.answer(stage.pending, "x")
        assert await stage.is_free()


async def test_what_gives_back_does_not_wait_for_ever(scripted, monkeypatch, caplog):
    store = Slow()
    monkeypatch.setattr(answer_claims, "RETURN_TIMEOUT", 0.05)
    async with staged(scripted, scripted.error("CodeMismatchException"), store=store) as stage:

        async def hang(*_: Any, **__: Any) -> bool:
            return await anyio.sleep_forever()

        take = stage.one._resumption.claims._take

        async def took(*given: Any) -> bool:
            is_ours = await take(*given)
            store.replace = hang
            return is_ours

        monkeypatch.setattr(answer_claims.Claims, "_take", lambda _self, *given: took(*given))
        with pytest.raises(CodeMismatchError):
            await stage.one.answer(stage.pending, "x")
        assert "could not be given back" in caplog.text


# A store that is down


async def test_without_the_store_nothing_is_sent(scripted, everything_told, caplog):
    async with staged(scripted, store=(store := Slow())) as stage:
        for fails in (OSError("canary"), StoreUnavailableError("down"), ValueError()):
            store.fails = fails
            with pytest.raises(StoreUnavailableError) as raised:
                await stage.one.answer(stage.pending, "canary-answer")
            assert "canary-answer" not in everything_told(raised.value)
            assert SESSION not in everything_told(raised.value) + caplog.text
        assert stage.answers == 0
        store.fails = None
        assert await stage.is_free()


async def test_a_store_that_hangs_is_given_up(scripted, monkeypatch):
    monkeypatch.setattr(ticket_store, "STORE_TIMEOUT", 0.05)
    monkeypatch.setattr(answer_claims, "RETURN_TIMEOUT", 0.05)
    async with staged(scripted, store=(store := Slow())) as stage:
        store.waits = "before"
        with pytest.raises(StoreUnavailableError, match="nothing was sent"):
            await stage.one.answer(stage.pending, "x")
        assert stage.answers == 0


async def test_a_store_that_is_full_lets_nobody_answer(scripted):
    async with staged(scripted, store=(store := MemoryStore(most_entries=1))) as stage:
        assert await store.replace("other", b"", expected=None, seconds=60)
        with pytest.raises(StoreUnavailableError, match="full"):
            await stage.one.answer(stage.pending, "x")
        assert stage.answers == 0


async def test_without_the_keys_nothing_is_sent(scripted):
    class NoKeys:
        async def key_ring(self, *, having: str | None = None) -> KeyRing:
            raise OSError

    async with staged(scripted) as stage:
        async with AuthClient(stage.one.config, keys=NoKeys(), store=stage.one.store) as auth:
            with pytest.raises(KeysUnavailableError):
                await auth.answer(stage.pending, "x")
        assert stage.answers == 0


async def test_a_write_that_the_driver_repeated_is_this_claims(scripted):
    """A store may say no to a write that was carried out before, as its reply was lost."""

    class Twice(MemoryStore):
        async def replace(self, key: str, value: bytes, **how: Any) -> bool:
            await super().replace(key, value, **how)
            return await super().replace(key, value, **how)

    async with staged(scripted, SIGNED_IN, store=Twice()) as stage:
        assert isinstance(await stage.one.answer(stage.pending, "x"), SignedIn)
        assert not await stage.is_free()


# What the store learns, and for how long


@pytest.mark.parametrize("jump", [-1e9, -60.0, 0.0, 100.0])
async def test_a_claim_is_kept_for_as_long_as_its_ticket_lives(scripted, clock, jump: float):
    """Also by a clock that jumps; but none that jumps far keeps it for years."""
    now = 1_800_000_000.0
    store = MemoryStore(clock=clock)
    given = {"keys": RING, "store": store, "clock": lambda: datetime.fromtimestamp(now, UTC)}
    async with (
        scripted.serve(ASKED, SIGNED_IN) as server,
        AuthClient(server.config(), **given) as auth,
    ):
        pending = await auth.sign_in("ada", **BEGIN)
        now += jump
        assert isinstance(await auth.answer(pending, "x"), SignedIn)
        left = pending.sign_in.expires_at - now
        ((key, (stored, until)),) = store._entries.items()
        assert left <= until - clock() or jump == -1e9
        assert until - clock() <= 4000
        assert SESSION not in key + repr(stored.value)
        clock.now += min(left, 3600)
        with pytest.raises(SessionSpentError):
            await auth.answer(pending, "x")


async def test_whoever_is_second_looks_again_as_long_as_the_first_may_be_on_its_way(
    scripted, monkeypatch
):
    async with staged(scripted, SIGNED_IN) as stage:
        await stage.one.answer(stage.pending, "open sesame")

        async def told() -> float | None:
            with pytest.raises(SessionSpentError) as spent:
                await stage.one.answer(stage.pending, "open sesame")
            return spent.value.retry_after

        assert await told() == answer_claims.ASK_AGAIN_AFTER
        monkeypatch.setattr(answer_claims, "MOST_ON_ITS_WAY", 0.0)
        assert await told() is None
        monkeypatch.undo()

        async def of_an_older_release(*_: object) -> Stored:
            return Stored(value=b"x" * 16, version="1")

        monkeypatch.setattr(ticket_store.TicketStore, "read", of_an_older_release)
        assert await told() is None
