"""Cases on runs of hooks: three times, cancelled, at the same time, within their time."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final

from authflow.testing.cases import Violation, case, demand
from authflow.testing.hooks import Hook, HookRun, run_cancelled
from authflow.testing.plugin_code import PluginCode
from authflow.testing.trigger_bench import NEXT_SIGN_IN, SuiteUser, TriggerBench
from authflow.testing.trigger_subject import TriggerSubject, every_attempt

_MOST_CANCELLED: Final = 40
"""The most awaits of one hook at which it is cancelled."""
_MOST_REPEATED: Final = 8
"""The most repetitions of a hook that seems to block, since the computer may be busy."""
_RETRY: Final = 5.0
"""Seconds without an answer after which Cognito calls a trigger again."""


class RepetitionCases(TriggerSubject):
    """Cognito may run a hook up to three times for one call of the client."""

    @every_attempt
    async def test_three_runs_of_create_make_one_challenge(self) -> None:
        """Whichever run of Create counts, the answer is the same."""
        bench = self.bench()
        rounds = await bench.earlier(self.ada)
        create = partial(bench.create, self.ada, rounds)
        made = list(await asyncio.gather(create(), create()))
        self.clock.advance(_RETRY)
        made.append(await create())
        answers = {self.right_answer(one) for one in made}
        demand(
            len(answers) == 1,
            f"three runs of create make {len(answers)} challenges with different answers: draw"
            " codes from context.randomness",
        )
        judged = await bench.verify(self.ada, made[-1], answers.pop())
        demand(judged.right, "what the first run of create made is not right for the last one")

    @every_attempt
    async def test_three_runs_of_create_send_one_message(self) -> None:
        """A message is sent once, however often Create runs."""
        bench = self.bench()
        rounds = await bench.earlier(self.ada)
        before = bench.sent
        create = partial(bench.create, self.ada, rounds)
        await asyncio.gather(create(), create())
        self.clock.advance(_RETRY)
        await create()
        sent = bench.sent - before
        demand(
            sent <= 1,
            f"{sent} messages were sent: send by context.deliver",
            at=self.at("create", bench.attempt),
        )

    @every_attempt
    async def test_three_runs_of_verify_give_one_verdict(self) -> None:
        """A right answer is right in all runs of Verify, and a wrong one in none."""
        bench = self.bench()
        made = await bench.create(self.ada)
        for answer, right in ((self.wrong_answer(made), False), (self.right_answer(made), True)):
            judged = list(
                await asyncio.gather(*(bench.verify(self.ada, made, answer) for _ in range(2)))
            )
            self.clock.advance(_RETRY)
            judged.append(await bench.verify(self.ada, made, answer))
            demand(
                all(one.right is right for one in judged),
                f"{sum(one.right for one in judged)} of three runs of verify take"
                f" {'the right' if right else 'a wrong'} answer for right",
            )

    @case
    async def test_cancelling_create_leaves_nothing_behind(self) -> None:
        """Create ends when it is cancelled, at every await, and the next one works."""
        bench = self.bench()
        await bench.create(self.ada)
        for at in range(min(_steps(bench, "create"), _MOST_CANCELLED)):
            await self.begin_anew()
            bench = self.bench()
            before = bench.sent
            await _demand_cancelled(bench, partial(bench.create, self.ada), at, "create")
            await bench.create(self.ada)
            demand(bench.sent - before <= 1, "a message is sent twice after a cancellation")
            self.clock.advance(NEXT_SIGN_IN)
            made = await bench.create(self.ada)
            judged = await bench.verify(self.ada, made, self.right_answer(made))
            demand(judged.right, f"no right answer after create was cancelled at await {at + 1}")

    @case
    async def test_cancelling_verify_leaves_nothing_behind(self) -> None:
        """Verify ends when it is cancelled, at every await, and the next run still judges."""
        bench = self.bench()
        made = await bench.create(self.ada)
        await bench.verify(self.ada, made, self.right_answer(made))
        for at in range(min(_steps(bench, "verify"), _MOST_CANCELLED)):
            await self.begin_anew()
            bench = self.bench()
            made = await bench.create(self.ada)
            right = self.right_answer(made)
            call = partial(bench.verify, self.ada, made, right)
            await _demand_cancelled(bench, call, at, "verify")
            judged = await bench.verify(self.ada, made, right)
            demand(judged.right, f"no right answer after verify was cancelled at await {at + 1}")

    @case
    async def test_the_event_loop_is_never_blocked(self) -> None:
        """All sign-ins of a process share its event loop: waiting and working go elsewhere."""
        code, longest = PluginCode.of(self.challenge), self.longest_block
        bench = self.bench()
        runs: dict[tuple[str, ...], list[HookRun]] = {}
        await self._watched(bench, self.ada, {})  # the first time it may import what it needs
        for _ in range(_MOST_REPEATED):
            for user in (self.ada, self.nobody):
                self.clock.advance(NEXT_SIGN_IN)
                await self._watched(bench, user, runs)
            if all(unblocked(group, longest) for group in runs.values()):
                break
        for group in runs.values():
            demand_unblocked(group, longest, code)
        for user in (self.ada, self.nobody):
            for tried in await self.tried(user):
                group = [tried.run]
                # A run that timed out shows nothing about the loop, and takes as long each time.
                while not (unblocked(group, longest) or tried.run.timed_out):
                    if len(group) == _MOST_REPEATED:
                        break
                    group.append(await tried.again())
                demand_unblocked(group, longest, code)

    @case
    async def test_every_hook_ends_within_its_timeout(self) -> None:
        """Cognito waits for five seconds: no answer makes a hook take longer."""
        for user in (self.ada, self.nobody):
            for run in [tried.run for tried in await self.tried(user)]:
                if run.timed_out or run.seconds > self.timeout:
                    msg = f"it takes longer than {self.timeout:g} seconds: {run.hook}"
                    raise Violation(msg, run.whereabouts(PluginCode.of(self.challenge)))

    async def _watched(
        self, bench: TriggerBench, user: SuiteUser, runs: dict[tuple[str, ...], list[HookRun]]
    ) -> None:
        """Make and judge all attempts, and group the runs with those of the same kind."""
        async for made in bench.attempts(user):
            kinds = [("create", bench.log.of("create")[-1])]
            right: str | None = None
            with contextlib.suppress(Exception):  # an unknown user may have no answer
                right = self.right_answer(made)
            answers = {"wrong": "wrong answer" if right is None else self.wrong_answer(made)}
            for kind, answer in (answers if right is None else {**answers, "right": right}).items():
                await bench.verify(user, made, answer)
                kinds.append((kind, bench.log.of("verify")[-1]))
            for kind, run in kinds:
                runs.setdefault((user.name, str(run.attempt), kind), []).append(run)


def unblocked(runs: Sequence[HookRun], longest: float) -> bool:
    """Return whether at least one of several runs did not block the event loop.

    The best one counts: a computer that is busy with something else slows some of them down, and a
    plugin that blocks, all.

    Args:
        runs: Several runs of one hook, all alike.
        longest: For how many seconds at a time they may keep it.
    """
    return any(run.longest_step <= longest for run in runs)


def demand_unblocked(runs: Sequence[HookRun], longest: float, code: PluginCode) -> None:
    """Raise if hooks block the event loop.

    Args:
        runs: Several runs of one hook, all alike.
        longest: For how many seconds at a time they may keep it.
        code: Where the plugin's code is.

    Raises:
        Violation: They do.
    """
    for run in runs:
        if run.blocking_calls:
            calls = ", ".join(dict.fromkeys(run.blocking_calls))
            msg = f"{run.hook} blocks the event loop by calls of {calls}"
            raise Violation(msg, _where(run, code))
    if not unblocked(runs, longest):
        best = min(runs, key=lambda run: run.longest_step)
        msg = (
            f"{best.hook} keeps the event loop for {best.longest_step:.3f} seconds at a time: use"
            " anyio.to_thread.run_sync"
        )
        raise Violation(msg, _where(best, code))


def _where(run: HookRun, code: PluginCode) -> str:
    """Return where a run blocked: the line that was seen, or else the hook."""
    if run.blocked_at:
        return f"{run.hook} at attempt {run.attempt}, {run.blocked_at[-1]}"
    return run.whereabouts(code)


def _steps(bench: TriggerBench, hook: Hook) -> int:
    return bench.log.of(hook)[-1].steps


async def _demand_cancelled(
    bench: TriggerBench, call: Callable[[], Awaitable[Any]], at: int, hook: Hook
) -> None:
    wrong = await run_cancelled(bench.log, call, at)
    demand(wrong is None, f"{hook} was cancelled at await {at + 1}: {wrong}")
