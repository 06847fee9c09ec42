"""Cases on answers: right, wrong, strange, late, repeated."""

import inspect
import itertools

from authflow.client import AuthClient
from authflow.errors import RefusedError
from authflow.machine import AuthFlow
from authflow.plugins.names import NAME, NAME_RULE
from authflow.results import ChallengeRequired, SignedIn, SignInResult
from authflow.testing.cases import Violation, case, demand, skip
from authflow.testing.made import Made
from authflow.testing.places import PluginCode
from authflow.testing.strange_answers import (
    FOREIGN_ANSWERS,
    first_tries,
    near_misses,
    same_answer,
    wrong,
)
from authflow.testing.trigger_bench import ATTEMPTS, COOL_DOWN, NEXT_SIGN_IN, TriggerBench, User
from authflow.testing.trigger_subject import Tried, TriggerSubject
from authflow.triggers import Issued, Outcome

_MOST_SECONDS = 600.0
_CHALLENGES = 2
"""Further challenges in which a wrong answer must be taken for right: of few answers one may be."""
_NEEDS = frozenset({"keys", "limits"})


class AnswerCases(TriggerSubject):
    """What is right, and what never is."""

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
        bench = self.bench()
        made = await bench.create(self.ada)
        right = self.right_answer(made)
        for words, answer in self._wrong(made).items():
            if (await bench.verify(self.ada, made, answer)).right:
                at = bench.log.of("verify")[-1].whereabouts(PluginCode.of(self.challenge))
                demand(
                    not await self._taken_again(words), f"a wrong answer is right: {words}", at=at
                )
        for tried in await self.tried(self.ada):
            if tried.right and tried.answer != right:
                words = _shown(tried.answer)
                at = tried.run.whereabouts(PluginCode.of(self.challenge))
                demand(
                    not await self._taken_again(words), f"a wrong answer is right: {words}", at=at
                )
        demand(bench.log.of("verify"), "verify was never called")

    @case
    async def test_an_answer_is_right_for_its_own_challenge_only(self) -> None:
        """An earlier attempt's answer is not right, nor another sign-in's or user's."""
        if self.anybody_can_answer and self.compared_elsewhere:
            skip("who compares answers is not told which challenge they are for")
        bench = self.bench()
        hers = [made async for made in bench.attempts(self.ada)]
        grace = await bench.create(self.grace)
        await self._demand_wrong(bench, self.grace, grace, hers[0], "another user's")
        for earlier, made in itertools.pairwise(hers):
            await self._demand_wrong(bench, self.ada, made, earlier, "an earlier attempt's")
        self.clock.advance(NEXT_SIGN_IN)
        later = await bench.create(self.ada)
        for made in hers if self.single_use else ():
            await self._demand_wrong(bench, self.ada, later, made, "another sign-in's")

    @case
    async def test_no_answer_makes_it_fail(self) -> None:
        """A strange answer is a wrong one, and no reason to raise."""
        bench = self.bench()
        made = await bench.create(self.ada)
        wrong = self.wrong_answer(made)
        judged = await bench.verify(self.ada, made, wrong)
        own = Tried(answer=wrong, right=judged.right, run=bench.log.of("verify")[-1])
        for tried in (own, *await self.tried(self.ada)):
            run = tried.run
            told = "a wrong answer" if tried is own else f"the answer {_shown(tried.answer)}"
            demand(
                run.error is None or run.timed_out,
                f"verify raises {type(run.error).__qualname__} for {told}",
                at=run.whereabouts(PluginCode.of(self.challenge)),
            )

    @case
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

    @case
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
        """What signed in once signs in no second time, neither at once nor later."""
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
                    " from context.randomness, or claim them by context.use_once",
                )

    async def _demand_wrong(
        self, bench: TriggerBench, user: User, made: Made, other: Made, whose: str
    ) -> None:
        """Raise if the answer to another challenge is right for this one."""
        answer = self.right_answer(other)
        if not same_answer(answer, self.right_answer(made)):
            judged = await bench.verify(user, made, answer)
            demand(not judged.right, f"a wrong answer is right: {whose}")

    def _wrong(self, made: Made) -> dict[str, str]:
        """Give answers that are wrong, by words for them."""
        right = self.right_answer(made)
        candidates = itertools.chain(
            [("the right one with another end", self.wrong_answer(made))],
            near_misses(right),
            first_tries(right, made),
        )
        return wrong(candidates, right)

    async def _taken_again(self, words: str) -> bool:
        """Say whether an answer is taken for right in further challenges, and not by chance."""
        for _ in range(_CHALLENGES):
            self.clock.advance(NEXT_SIGN_IN)
            bench = self.bench()
            made = await bench.create(self.ada)
            foreign = {_shown(answer): answer for answer in FOREIGN_ANSWERS}
            answer = {**foreign, **self._wrong(made)}.get(words)
            if answer is None or not (await bench.verify(self.ada, made, answer)).right:
                return False
        return True


async def _begin(client: AuthClient, username: str) -> ChallengeRequired:
    asked = await client.sign_in(username, flow=AuthFlow.CUSTOM_AUTH)
    if isinstance(asked, SignedIn):
        msg = "the sign-in asks nothing"
        raise Violation(msg)
    return asked


async def _answer(
    client: AuthClient, pending: ChallengeRequired, answer: str
) -> SignInResult | None:
    """Answer, and give None if that was refused."""
    try:
        return await client.answer(pending, answer)
    except RefusedError:
        return None


def _shown(answer: str) -> str:
    return f"{answer[:20]!a} ({len(answer)} characters)"
