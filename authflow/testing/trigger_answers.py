"""Cases on answers: right, wrong, strange, late, repeated."""

import contextlib
import inspect
import itertools
import time

from attrs import evolve

from authflow.client import AuthClient
from authflow.errors import RefusedError
from authflow.machine import AuthFlow
from authflow.plugins.names import NAME, NAME_RULE
from authflow.results import ChallengeRequired, SignedIn, SignInResult
from authflow.secret import Secret
from authflow.testing.cases import Violation, case, demand, skip
from authflow.testing.kept_state import KeptState
from authflow.testing.made import Made
from authflow.testing.plugin_code import PluginCode
from authflow.testing.strange_answers import guesses
from authflow.testing.trigger_bench import (
    ATTEMPTS,
    COOL_DOWN,
    NEXT_SIGN_IN,
    SuiteUser,
    TriggerBench,
    own_private,
)
from authflow.testing.trigger_subject import TriggerSubject, every_attempt
from authflow.triggers import Issued, Outcome, Verdict

_MOST_SECONDS = 600.0
_GUESSES, _MORE_GUESSES = 1500, 10_000
"""The number of guesses at each attempt, and of further ones if one of them is right."""
_GUESSING_SECONDS, _MORE_SECONDS = 0.15, 2.0
"""The most seconds of computing for guesses at a plugin whose comparisons are slow hashes."""
_GUESSED = {False: 1000, True: 100}
"""One in so many sign-ins may succeed by guessing; the second number is for CAPTCHAs."""
_BY_CHANCE = 4
"""The factor by which chance may raise the number of right guesses."""
_NEEDS = frozenset({"keys", "limits"})


class AnswerCases(TriggerSubject):
    """Cases on which answers are right, and which never are."""

    @case
    async def test_it_says_what_it_is(self) -> None:
        """Its name, metadata, interface and needs are of the documented forms."""
        plugin = self.challenge
        name, metadata = getattr(plugin, "name", None), getattr(plugin, "metadata", None)
        demand(isinstance(name, str) and NAME.fullmatch(name), f"`name` must be {NAME_RULE}")
        demand(
            isinstance(metadata, str) and metadata and "#" not in metadata,
            "`metadata` must be a string that is not empty and holds no '#'",
        )
        demand(type(getattr(plugin, "interface", None)) is int, "it must state `interface = 1`")
        needs = getattr(plugin, "needs", ())
        demand(
            isinstance(needs, tuple) and _NEEDS.issuperset(needs),
            f"`needs` must be a tuple of {', '.join(sorted(_NEEDS))}",
        )
        demand(isinstance(getattr(plugin, "suffices", True), bool), "`suffices` must be a bool")
        for hook in ("create", "verify"):
            demand(
                inspect.iscoroutinefunction(getattr(plugin, hook, None)),
                f"{hook} must be a coroutine function: write `async def {hook}`",
            )

    @case
    async def test_a_right_answer_signs_in_over_the_protocol(self) -> None:
        """A client is told the plugin's name, and Define its metadata."""
        bench = self.bench()
        async with bench.pool(self.ada) as (_, client):
            pending = await _begin(client, "ada")
            demand(pending.challenge.kind == self.challenge.name, "the client is told another name")
            made = bench.last_made(self.ada)
            result = await client.answer(pending, self.right_answer(made))
            demand(isinstance(result, SignedIn), "the right answer does not sign in")
        last = bench.last_round()
        demand(
            (last.challenge_metadata or "").partition("#")[0] == self.challenge.metadata
            and last.challenge_result,
            "Define is not told by the plugin's metadata which challenge was passed",
        )

    @case
    async def test_a_wrong_answer_is_asked_again_over_the_protocol(self) -> None:
        """After a wrong answer the next attempt counts; after too many nothing does."""
        bench = self.bench()
        async with bench.pool(self.ada, self.grace) as (_, client):
            pending = await _begin(client, "ada")
            again = await client.answer(pending, self.wrong_answer(bench.last_made(self.ada)))
            if not isinstance(again, ChallengeRequired):
                msg = "a wrong answer signs in"
                raise Violation(msg)
            demand(again.challenge.attempt == 2, "the second attempt is not told as such")
            result = await client.answer(again, self.right_answer(bench.last_made(self.ada)))
            demand(isinstance(result, SignedIn), "the right answer does not count at the retry")
            self.clock.advance(NEXT_SIGN_IN)
            pending = await _begin(client, "grace")
            for _ in range(ATTEMPTS):
                wrong = self.wrong_answer(bench.last_made(self.grace))
                ended = await _answer(client, pending, wrong)
                if not isinstance(ended, ChallengeRequired):
                    break
                pending = ended
            demand(ended is None, "too many wrong answers do not end the sign-in")

    @case
    async def test_wrong_and_strange_answers_are_never_right(self) -> None:
        """No near miss is right, no first try, and no empty, endless or foreign answer."""
        for tried in await self.tried(self.ada):
            if tried.right:
                msg = (
                    f"a wrong answer is right: {tried.words}; if it is only spelled in another way,"
                    " say so by `same`"
                )
                raise Violation(msg, tried.run.whereabouts(PluginCode.of(self.challenge)))

    @every_attempt
    async def test_hardly_any_guess_is_right(self) -> None:
        """Of answers that look like the right one, no more are right than could be guessed."""
        bench = self.bench()
        made = await bench.create(self.ada)
        await bench.verify(self.ada, made, self.wrong_answer(made))
        if not (await self._guessed(bench, made, _GUESSES, _GUESSING_SECONDS))[0]:
            return
        right, count = await self._guessed(bench, made, _MORE_GUESSES, _MORE_SECONDS)
        chances = _GUESSED[self.anybody_can_answer] * ATTEMPTS
        demand(
            right <= _BY_CHANCE * (1 + count / chances),
            f"{right:,} of {count:,} guesses are right: compare the whole answer, or say by"
            " `same` which answers are right",
            at=bench.log.of("verify")[-1].whereabouts(PluginCode.of(self.challenge)),
        )

    @every_attempt
    async def test_an_answer_is_right_in_another_process(self) -> None:
        """Create and Verify may run in different containers: nothing else may hold the answer."""
        if await self._right_after_create(forgotten=True):
            return
        await self.begin_anew()
        demand(
            not await self._right_after_create(
                forgotten=False
            ),  # otherwise other cases report what is wrong
            "the right answer is not right where nothing is left of what create kept in its module"
            " or class, as in another container of Lambda: keep it in the private parameters",
        )

    @case
    async def test_an_answer_is_right_for_its_own_challenge_only(self) -> None:
        """An earlier attempt's answer is not right, nor another sign-in's or user's."""
        if self.anybody_can_answer and self.compared_elsewhere:
            skip("who compares answers is not told which challenge they are for")
        bench = self.bench()
        hers = [made async for made in bench.attempts(self.ada)]
        async for grace in bench.attempts(self.grace):
            for made in hers:
                await self._demand_wrong(bench, self.grace, grace, made, "another user's")
        for earlier, made in itertools.combinations(hers, 2):
            await self._demand_wrong(bench, self.ada, made, earlier, "an earlier attempt's")
        self.clock.advance(NEXT_SIGN_IN)
        if self.single_use:
            async for later in bench.attempts(self.ada):
                for made in hers:
                    await self._demand_wrong(bench, self.ada, later, made, "another sign-in's")

    @case
    async def test_no_answer_makes_it_fail(self) -> None:
        """A strange answer is judged wrong, and makes nothing raise."""
        for tried in await self.tried(self.ada):
            run = tried.run
            if run.error is not None and not run.timed_out:
                msg = f"verify raises {type(run.error).__qualname__} for {tried.words}"
                raise Violation(msg, run.whereabouts(PluginCode.of(self.challenge)))

    @every_attempt
    async def test_hooks_give_what_they_should(self) -> None:
        """Create gives Issued, and verify gives a bool or an Outcome, whatever the answer."""
        bench = self.bench()
        made = await bench.create(self.ada)
        demand(isinstance(bench.log.of("create")[-1].result, Issued), "create must give Issued")
        for answer in (self.right_answer(made), self.wrong_answer(made), ""):
            await bench.verify(self.ada, made, answer)
            run = bench.log.of("verify")[-1]
            known = run.error is not None or isinstance(run.result, bool | Outcome)
            demand(known, f"verify gives {type(run.result).__name__}, not a bool or an Outcome")

    @every_attempt
    async def test_a_late_answer_is_not_right(self) -> None:
        """A code's time runs out, within ten minutes if it was sent (NIST SP 800-63B-4)."""
        bench = self.bench()
        made = await bench.create(self.ada)
        if self.lifetime is None:
            demand(
                not bench.sent,
                "codes that are sent are good for 600 seconds at most: set `lifetime`",
            )
            skip("it says no lifetime: the challenge ends with Cognito's session")
        demand(
            not bench.sent or self.lifetime <= _MOST_SECONDS,
            "codes that are sent must not be good for more than 600 seconds",
        )
        self.clock.advance(self.lifetime + 1)
        late = await bench.verify(self.ada, made, self.right_answer(made))
        demand(not late.right, f"an answer is right after {self.lifetime:g} seconds")
        self.clock.advance(NEXT_SIGN_IN)
        made = await bench.create(self.ada)
        right = self.right_answer(made)
        self.clock.advance(self.lifetime - 1)
        judged = await bench.verify(self.ada, made, right)
        demand(judged.right, f"an answer is not right for {self.lifetime:g} seconds")

    @case
    async def test_an_answer_is_right_in_one_sign_in_only(self) -> None:
        """An answer that has signed a user in does not do so again, neither at once nor later."""
        if not self.single_use:
            skip("the suite says that answers may be used again")
        bench = self.bench()
        async with bench.pool(self.ada) as (_, client):
            pending = await _begin(client, "ada")
            used = self.right_answer(bench.last_made(self.ada))
            result = await client.answer(pending, used)
            demand(isinstance(result, SignedIn), "the right answer does not sign in")
            for wait in (0.0, COOL_DOWN + 1, NEXT_SIGN_IN):
                self.clock.advance(wait)
                replayed = await _answer(client, await _begin(client, "ada"), used)
                demand(
                    not isinstance(replayed, SignedIn),
                    f"an answer that was used signs in again, {wait:g} seconds later: draw codes"
                    " from context.randomness, or claim them by context.claim",
                )

    async def _demand_wrong(
        self, bench: TriggerBench, user: SuiteUser, made: Made, other: Made, whose: str
    ) -> None:
        """Raise if the answer to another challenge is right for this one."""
        answer = self.right_answer(other)
        if self.same(made, answer) != self.same(made, self.right_answer(made)):
            judged = await bench.verify(user, made, answer)
            demand(not judged.right, f"a wrong answer is right: {whose}")

    async def _right_after_create(self, *, forgotten: bool) -> bool:
        """Return whether the right answer is accepted.

        Args:
            forgotten: Whether a plugin judges it that is made anew, and from whose modules and
                classes is taken what create kept there.
        """
        bench = self.bench()
        kept = KeptState.of(self.challenge, apart=[bench.settings, self.outbox])
        made = await bench.create(self.ada)
        right = self.right_answer(made)
        await bench.verify(self.ada, made, self.wrong_answer(made))
        if not forgotten:
            return (await bench.verify(self.ada, made, right)).right
        kept.restore()
        with contextlib.suppress(Exception):  # an error means that it is not accepted
            return _passed(await bench.verify_alone(right, own_private(made)))
        return False

    async def _guessed(
        self, bench: TriggerBench, made: Made, count: int, seconds: float
    ) -> tuple[int, int]:
        """Guess at the bare plugin, and return the numbers of right guesses and of all guesses."""
        right, plugin = self.right_answer(made), bench.plugin(**bench.settings)
        context = evolve(bench.log.of("verify")[-1].context, private=own_private(made))
        own, until = self.same(made, right), time.process_time() + seconds
        found = tried = 0
        for guess in guesses(right, seed=f"{count} at attempt {bench.attempt}", count=count):
            if self.same(made, guess) == own:
                continue
            tried += 1
            with contextlib.suppress(Exception):  # another case checks what is raised
                judged = await plugin.verify(evolve(context, answer=Secret(guess)))
                found += _passed(judged)
            if time.process_time() > until:
                break
        return found, tried


def _passed(judged: object) -> bool:
    """Return whether a result of verify means that the answer is right."""
    return judged is True or (isinstance(judged, Outcome) and judged.verdict is Verdict.PASSED)


async def _begin(client: AuthClient, username: str) -> ChallengeRequired:
    asked = await client.sign_in(username, flow=AuthFlow.CUSTOM_AUTH)
    if isinstance(asked, SignedIn):
        msg = "the sign-in asks nothing"
        raise Violation(msg)
    return asked


async def _answer(
    client: AuthClient, pending: ChallengeRequired, answer: str
) -> SignInResult | None:
    """Answer; return None if that was refused."""
    try:
        return await client.answer(pending, answer)
    except RefusedError:
        return None
