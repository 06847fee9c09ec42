"""Cancellation is injected at every suspension point of every flow, and always propagates.

A call is driven with its awaits counted, those of the tasks that it begins among them: in its first
run none is cancelled, which tells how many there are; then it runs once for each of them, and is
cancelled while it, or the task that it waits for, waits there.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import anyio
import pytest
from attrs import define, field

from authflow import AuthClient, AuthFlow, SignedIn
from authflow.client import ScriptedPrompt
from authflow.errors import BadCredentialsError
from authflow.triggers import Triggers, challenge, password, sequence
from testbed.told_events import Told

PASSWORD = "Correct-horse-1"


class WordClient:
    name = "word"

    async def answer(self, challenge: Any, prompt: Any) -> str:
        await anyio.sleep(0)
        return await prompt.ask("?")


@define
class Points:
    """Counts the points at which a call suspends, and cancels it at one of them."""

    cancel_at: int | None
    call: asyncio.Task[Any] | None = field(default=None, init=False)
    suspensions: int = field(default=0, init=False)

    def passed(self) -> None:
        self.suspensions += 1
        if self.suspensions == self.cancel_at:
            self.call.cancel("injected")

    async def watch(self, awaited: Awaitable[Any]) -> Any:
        return await Counted(awaited, self)

    async def run(self, call: Awaitable[Any]) -> asyncio.Task[Any]:
        """Make a call to its end. What it begins is counted too."""
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda _, begun, **named: asyncio.Task(self.watch(begun), **named))
        try:
            self.call = asyncio.ensure_future(_await(call))
            await asyncio.wait([self.call])
        finally:
            loop.set_task_factory(None)
        return self.call


@define
class Counted:
    """Awaits something, and tells of each time that it suspends."""

    inner: Awaitable[Any]
    points: Points

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self.inner.__await__()
        resume: Callable[[], Any] = lambda: next(steps)  # noqa: E731
        while True:
            try:
                waits_for = resume()
            except StopIteration as stop:
                return stop.value
            self.points.passed()
            try:
                yield waits_for
            except BaseException as error:  # noqa: BLE001  # all of it goes to the inner one
                resume = lambda error=error: steps.throw(error)  # noqa: E731
            else:
                resume = lambda: next(steps)  # noqa: E731


FLOWS = {
    "USER_SRP_AUTH": lambda auth, _: auth.sign_in("ada", PASSWORD),
    "USER_PASSWORD_AUTH": lambda auth, _: auth.sign_in(
        "ada", PASSWORD, flow=AuthFlow.USER_PASSWORD_AUTH
    ),
    "CUSTOM_AUTH with SRP": lambda auth, _: auth.sign_in(
        "ada",
        PASSWORD,
        flow=AuthFlow.CUSTOM_AUTH,
        prompt=ScriptedPrompt(["wrong", "open sesame"]),
    ),
    "refresh": lambda auth, tokens: auth.refresh(tokens.refresh_token),
}


async def sockets_in_use(auth: AuthClient) -> int:
    """Count the connections that aiohttp believes to be in use."""
    sessions = auth._transport._client._endpoint.http_session._sessions.values()
    return sum(len(session.connector._acquired) for session in sessions)


async def all_quiet(auth: AuthClient, tasks_before: set[Any]) -> None:
    """Wait for what an abandoned thread or a closing socket still does; then nothing is left."""
    with anyio.fail_after(10):
        while (
            asyncio.all_tasks() - tasks_before
            or await sockets_in_use(auth)
            or auth._proof._limiter.borrowed_tokens
        ):
            await anyio.sleep(0.001)
    assert auth._transport._in_flight.value == auth.config.max_concurrency


@pytest.mark.both_loops
@pytest.mark.timeout(120)
@pytest.mark.parametrize("flow", FLOWS)
async def test_cancellation_at_every_suspension_point_propagates_and_leaks_nothing(
    live_pool, word, flow
):
    triggers = Triggers(policy=sequence(password(), challenge("word")), challenges=[word])
    async with live_pool(triggers=triggers) as pool:
        await pool.add_user()
        config = await pool.app_client()
        told = Told()
        async with AuthClient(config, challenges=[WordClient], observer=told) as auth:
            tokens = (await auth.sign_in("ada", PASSWORD)).tokens

            async def run(cancel_at: int | None) -> tuple[int, bool]:
                # A new verifier each time, so that the fetching of the keys is cancelled too.
                auth.__attrs_post_init__()
                points = Points(cancel_at)
                task = await points.run(FLOWS[flow](auth, tokens))
                if not task.cancelled():
                    task.result()
                return points.suspensions, task.cancelled()

            suspensions, cancelled = await run(None)
            assert not cancelled
            assert suspensions >= 4
            points = range(1, suspensions + 1)
            before = asyncio.all_tasks()
            swallowed = []
            for point in points:
                reached, cancelled = await run(point)
                # Which awaits suspend varies a little with timing; none that did may swallow it.
                if reached >= point and not cancelled:
                    swallowed.append(point)
                await all_quiet(auth, before)
            assert swallowed == []
            told.check()  # whose calls have each one end
            assert isinstance(await auth.sign_in("ada", PASSWORD), SignedIn)


async def _await(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


@pytest.mark.both_loops
@pytest.mark.parametrize("limit", ["asyncio.timeout", "anyio.fail_after", "anyio.move_on_after"])
@pytest.mark.parametrize("flow", list(AuthFlow))
async def test_a_time_limit_of_any_kind_ends_a_sign_in_that_hangs(scripted, flow, limit):
    no = scripted.error("NotAuthorizedException", "Incorrect username or password.")
    async with (
        scripted.serve(no, scripted.hang) as server,
        AuthClient(server.config()) as auth,
    ):
        # The connection is made before, so that it is the reply that the time limit interrupts.
        with pytest.raises(BadCredentialsError):
            await auth.sign_in("ada", PASSWORD, flow=flow)
        before = asyncio.all_tasks()
        if limit == "asyncio.timeout":
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await auth.sign_in("ada", PASSWORD, flow=flow)
        elif limit == "anyio.fail_after":
            with pytest.raises(TimeoutError), anyio.fail_after(0.05):
                await auth.sign_in("ada", PASSWORD, flow=flow)
        else:
            with anyio.move_on_after(0.05) as scope:
                await auth.sign_in("ada", PASSWORD, flow=flow)
            assert scope.cancelled_caught
        await all_quiet(auth, before | asyncio.all_tasks())


async def test_a_cancelled_sign_in_does_not_wait_for_its_arithmetic(scripted, monkeypatch):
    """The thread goes on to its end, and nobody waits for it."""
    released = threading.Event()
    monkeypatch.setattr("authflow.srp.Prover.start", lambda _: released.wait())
    async with scripted.serve() as server, AuthClient(server.config()) as auth:
        with anyio.move_on_after(0.05) as scope:
            await auth.sign_in("ada", PASSWORD)
        assert scope.cancelled_caught
        assert not released.is_set()
        released.set()


async def test_closing_the_client_while_a_sign_in_waits_is_clean_once_that_is_cancelled(scripted):
    async with scripted.serve(scripted.hang) as server:
        async with AuthClient(server.config()) as auth:
            task = asyncio.ensure_future(auth.sign_in("ada", PASSWORD))
            while not server.requests:
                await anyio.sleep(0.001)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert auth._transport is None
