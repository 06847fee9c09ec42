"""A claim is given back although its answer is cancelled, by whatever and however often.

The answer is cancelled in each step of the event loop, as what a cancellation meets there is what
it can spoil.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from attrs import define, evolve, field

from authflow import AuthClient, AuthFlow, ChallengeRequired, Device, Secret, SignedIn
from authflow.keys import KeyRing
from authflow.machine import State
from authflow.mfa import NewAuthenticator
from authflow.results import Challenge
from authflow.stores import MemoryStore, Stored

RING = KeyRing.generate("k1")
ASKED = {
    "ChallengeName": "SMS_MFA",
    "Session": "c2Vzc2lvbg" * 10,
    "ChallengeParameters": {"CODE_DELIVERY_DESTINATION": "+*1"},
}
SIGNED_IN = {
    "AuthenticationResult": {
        "AccessToken": "a",
        "IdToken": "i",
        "RefreshToken": "r",
        "ExpiresIn": 1,
    }
}
REFUSALS = {
    "a wrong code": ("CodeMismatchException", "Invalid code"),
    "too much in a code": ("InvalidParameterException", "1 validation error detected"),
    "a firewall": ("ForbiddenException", "Request not allowed due to WAF block."),
}


@define(eq=False, slots=False)
class Distant:
    """A store over a network: it takes some steps, and what was sent arrives all the same."""

    store: MemoryStore = field(factory=MemoryStore)
    steps: int = 2
    asked: int = 0

    async def read(self, key: str) -> Stored | None:
        return await asyncio.shield(asyncio.ensure_future(self._later(self.store.read(key))))

    async def replace(self, key: str, value: bytes, **how: Any) -> bool:
        self.asked += 1
        call = self._later(self.store.replace(key, value, **how))
        return await asyncio.shield(asyncio.ensure_future(call))

    async def _later(self, call: Any) -> Any:
        for _ in range(self.steps):
            await asyncio.sleep(0)
        return await call


@define
class Desk:
    """A scripted server, a client, a store, and what was sent."""

    server: Any
    auth: AuthClient
    store: Distant
    seen: list[str]
    begun: ChallengeRequired
    number: int = 0

    def pending(self, *then: Any) -> ChallengeRequired:
        """Return a pending sign-in whose answer will end so."""
        self.number += 1
        session = Secret(f"c2Vzc2lvbg{self.number:010}")
        self.store.asked, self.server.script[:] = 0, then
        self.seen.clear()
        return evolve(self.begun, sign_in=evolve(self.begun.sign_in, session=session))

    async def claims(self) -> int:
        """Return how many claims there are, once none is being given back."""
        await self.auth._resumption.aclose()
        entries = self.store.store._entries.values()
        return sum(stored.value != b"free" for stored, _ in entries)


@asynccontextmanager
async def desk(
    scripted: Any, *, remember_device: Any = "never", **settings: Any
) -> AsyncIterator[Desk]:
    seen: list[str] = []
    store = Distant()
    async with (
        scripted.serve(ASKED) as server,
        AuthClient(
            server.config(**settings),
            keys=RING,
            store=store,
            discover=False,
            remember_device=remember_device,
            observer=lambda told: seen.append(told.operation),
        ) as auth,
    ):
        begun = await auth.sign_in("ada", "pw", flow=AuthFlow.USER_PASSWORD_AUTH)
        assert isinstance(begun, ChallengeRequired)
        yield Desk(server, auth, store, seen, begun)


async def cancelled(call: Any, *, when: Callable[[], object], steps: int, times: int = 1) -> Any:
    """Cancel a call some steps of the event loop after something, and again after each step."""
    task = asyncio.ensure_future(call)
    with anyio.fail_after(10):
        while not when():
            await asyncio.sleep(0)
    for _ in range(steps):
        await asyncio.sleep(0)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    return (await asyncio.gather(task, return_exceptions=True))[0]


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("why", REFUSALS)
async def test_a_refused_answer_that_is_cancelled_in_any_step_can_be_given_again(
    scripted, why, times
):
    async with desk(scripted) as at:
        for steps in range(100):
            pending = at.pending(scripted.error(*REFUSALS[why]))
            call = at.auth.answer(pending, "123456")
            ended = await cancelled(call, when=lambda: at.seen, steps=steps, times=times)
            assert await at.claims() == 0, steps
            if not isinstance(ended, asyncio.CancelledError):
                break
        assert steps > 5


async def test_an_answer_that_counted_stays_claimed_in_whatever_step_it_is_cancelled(scripted):
    async with desk(scripted) as at:
        for steps in range(4):
            pending = at.pending(SIGNED_IN)
            await cancelled(at.auth.answer(pending, "1"), when=lambda: at.seen, steps=steps)
            assert await at.claims() == steps + 1


async def test_a_code_that_a_reply_calls_wrong_can_be_given_again_if_it_is_cancelled(
    scripted,
):
    """VerifySoftwareToken refuses a code by its Status, in a reply that is no error of HTTP's."""
    key = NewAuthenticator(key=Secret("JBSWY3DPEHPK3PXP"), account="ada", app_name="Shop")
    waiting = Challenge(name="MFA_SETUP", kind="SOFTWARE_TOKEN_MFA", new_authenticator=key)
    async with desk(scripted) as at:
        at.begun = evolve(
            at.begun,
            challenge=waiting,
            sign_in=evolve(at.begun.sign_in, state=State.MFA_SETUP),
        )
        for steps in range(100):
            pending = at.pending({"Status": "ERROR"})
            call = at.auth.answer(pending, "123456")
            ended = await cancelled(call, when=lambda: at.seen, steps=steps)
            assert await at.claims() == 0, steps
            if not isinstance(ended, asyncio.CancelledError):
                break
        assert steps > 5


async def test_an_answer_from_a_forgotten_device_that_is_cancelled_can_be_given_again(
    scripted,
):
    """The device ended the request before the answer was looked at, until the next one is sent."""
    async with desk(scripted, remember_device="always") as at:
        device = Device(key="d-1", group_key="g-1", password=Secret("pw"), sub="3f1c")
        at.begun = evolve(at.begun, sign_in=evolve(at.begun.sign_in, device=device))
        unknown = scripted.error("ResourceNotFoundException", "Device does not exist.")
        given_back = 0
        for steps in range(20):
            kept = await at.claims()
            pending = at.pending(unknown)
            at.server.requests.clear()
            call = at.auth.answer(pending, "123456")
            await cancelled(call, when=lambda: at.seen, steps=steps)
            in_flight = len(at.server.requests) - 1
            given_back += not in_flight
            assert await at.claims() == kept + in_flight, steps
        assert given_back
        kept, pending = await at.claims(), at.pending(unknown, SIGNED_IN)
        assert isinstance(await at.auth.answer(pending, "123456"), SignedIn)
        assert await at.claims() == kept + 1


@pytest.mark.parametrize("times", [1, 2, 3, 8])
async def test_an_answer_that_is_cancelled_before_it_is_sent_can_be_given_again(scripted, times):
    """However often it is cancelled: while it claims, and while it gives the claim back."""
    async with desk(scripted, max_concurrency=1) as at:
        await at.auth._transport._in_flight.acquire()  # the only place
        for steps in range(12):
            call = at.auth.answer(at.pending(), "123456")
            await cancelled(call, when=lambda: at.store.asked, steps=steps, times=times)
            assert await at.claims() == 0, steps
        assert len(at.store.store) > 6
        at.auth._transport._in_flight.release()


async def test_a_deadline_of_asyncios_while_a_claim_is_given_back_does_not_burn_the_challenge(
    scripted,
):
    async with desk(scripted) as at:
        pending = at.pending(scripted.error("CodeMismatchException"), SIGNED_IN)

        async def pass_by(deadline: asyncio.Timeout) -> None:
            while at.store.asked < 2:
                await asyncio.sleep(0)
            at.store.steps = 20
            deadline.reschedule(asyncio.get_running_loop().time())

        with pytest.raises(TimeoutError):  # noqa: PT012
            async with asyncio.timeout(None) as deadline:
                passing = asyncio.ensure_future(pass_by(deadline))
                await at.auth.answer(pending, "123456")
        await passing
        assert isinstance(await at.auth.answer(pending, "123456"), SignedIn)


async def test_another_answer_waits_for_a_claim_that_is_given_back_and_no_other_one_does(scripted):
    async with desk(scripted) as at:
        let = asyncio.Event()
        replace = at.store.replace

        async def slow(key: str, value: bytes, **how: Any) -> bool:
            if value == b"free":
                await let.wait()
            return await replace(key, value, **how)

        at.store.replace = slow
        first = at.pending(scripted.error("CodeMismatchException"))
        call = at.auth.answer(first, "1")
        duties = at.auth._resumption.claims._duties
        await cancelled(call, when=lambda: duties._running, steps=9)
        again = asyncio.ensure_future(at.auth.answer(first, "1"))
        assert isinstance(await at.auth.answer(at.pending(SIGNED_IN), "1"), SignedIn)
        assert not again.done()
        at.server.script[:] = [SIGNED_IN]
        let.set()
        assert isinstance(await again, SignedIn)


async def test_a_client_that_closes_waits_for_a_claim_that_is_given_back(scripted):
    async with desk(scripted) as at:
        pending = at.pending(scripted.error("CodeMismatchException"))
        async with AuthClient(at.auth.config, keys=RING, store=at.store, discover=False) as other:
            duties = other._resumption.claims._duties
            call = other.answer(pending, "123456")
            await cancelled(call, when=lambda: duties._running, steps=0)
            assert duties._running
        assert not duties._running
        assert await at.claims() == 0


async def test_a_client_whose_kept_users_cannot_be_closed_waits_for_claims_all_the_same(
    scripted, monkeypatch
):
    closed: list[str] = []

    async def closing(name: str, fails: bool) -> None:
        closed.append(name)
        if fails:
            raise KeyError

    async with desk(scripted) as at:
        auth = await AuthClient(at.auth.config, keys=RING, store=at.store).__aenter__()
        monkeypatch.setattr(type(auth._users), "aclose", lambda _: closing("users", True))
        monkeypatch.setattr(type(auth._resumption), "aclose", lambda _: closing("claims", False))
        with pytest.raises(KeyError):
            await auth.__aexit__(None, None, None)
        assert closed == ["users", "claims"]
        monkeypatch.undo()
