"""The conformance suite for client challenges."""

import asyncio
import contextlib
import inspect
import traceback
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final

import anyio.lowlevel
from attrs import define, evolve, field

from authflow.client import AuthClient, ScriptedPrompt
from authflow.errors import AuthFlowError
from authflow.machine import AuthFlow
from authflow.results import Challenge, SignedIn, Unanswered
from authflow.testing.cases import Suite, Violation, case, demand
from authflow.testing.hooks import HookLog, run_cancelled, watched_client
from authflow.testing.made import Made
from authflow.testing.secrecy import heard
from authflow.testing.trigger_bench import ATTEMPTS, NEXT_SIGN_IN, TriggerBench
from authflow.testing.trigger_repetition import demand_unblocked
from authflow.testing.trigger_subject import TriggerSubject

_STRANGE: Final = (
    "",
    "\0",
    "x",
    "9" * 131_072,
    "data:image/png;base64,AAAA",
    "https://[",
    "javascript:alert(1)",
    "{}",
    "-1",
    "\ud800",
    "\N{RIGHT-TO-LEFT OVERRIDE}",
)
_STEERING: Final = "\x1b[2J\x1b]0;owned\x07\r\x9b31m"
_REPEATED: Final = 4
_MOST_CANCELLED: Final = 40


@define
class _WatchedPrompt(ScriptedPrompt):
    """A script that takes its time, and keeps what it was asked."""

    questions: list[str] = field(factory=list, init=False)

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        self.questions.append(question)
        await anyio.lowlevel.checkpoint()
        return await super().ask(question, hidden=hidden)

    @property
    def shown(self) -> str:
        """All words that a person was shown."""
        return "\n".join([*self.told, *self.questions, *self.links])


class ClientChallengeSuite(Suite):
    """What every client challenge must do, alone and over the real protocol: inherit from it.

        class TestPagerClient(ClientChallengeSuite):
            challenge = PagerPrompter
            trigger = TestPager  # the suite of the trigger half, which makes the challenges

    The user pool is real, and so are the challenges; a script answers in place of a person.
    """

    challenge: ClassVar[type[Any]]
    """The client half's class."""
    trigger: ClassVar[type[TriggerSubject]]
    """The suite of a trigger half that makes the challenges."""
    timeout: ClassVar[float] = 10.0
    """Seconds that it may take to answer when the person answers at once."""
    longest_block: ClassVar[float] = 0.05
    """Seconds that it may keep the event loop at a time."""

    def typed(self, answer: str) -> Sequence[str]:
        """Give what a person types or chooses to give an answer.

        Args:
            answer: The answer, as the trigger half's suite names it.
        """
        return (answer,)

    @case
    async def test_it_says_what_it_is(self) -> None:
        """Its name and interface are the trigger half's, and it is made without arguments."""
        plugin, other = self.challenge, self.trigger.challenge
        demand(plugin.name == other.name, "`name` must be that of the trigger half")
        demand(type(getattr(plugin, "interface", None)) is int, "it must state `interface = 1`")
        demand(inspect.iscoroutinefunction(plugin.answer), "answer must be a coroutine function")
        try:
            plugin()
        except TypeError:
            msg = "it must be made without arguments"
            raise Violation(msg) from None

    @case
    async def test_it_signs_in_over_the_protocol(self) -> None:
        """It answers the trigger half's challenge with what the person types."""
        bench, subject = await self._bench()
        async with bench.pool(subject.ada) as (pool, _):

            def script() -> Iterator[str]:
                yield from self.typed(subject.right_answer(bench.last_made(subject.ada)))

            async with pool.client(challenges=[self.challenge]) as client:
                result = await _sign_in(client, ScriptedPrompt(script()))
        demand(isinstance(result, SignedIn), "what the person types does not sign in")

    @case
    async def test_it_asks_again_after_a_wrong_answer_over_the_protocol(self) -> None:
        """After a wrong answer the person is asked again, and told so."""
        bench, subject = await self._bench()
        async with bench.pool(subject.ada) as (pool, _):
            asked: list[int] = []

            def script() -> Iterator[str]:
                yield from self.typed(subject.wrong_answer(bench.last_made(subject.ada)))
                asked.append(len(prompt.shown))
                yield from self.typed(subject.right_answer(bench.last_made(subject.ada)))

            prompt = _WatchedPrompt(script())
            async with pool.client(challenges=[self.challenge]) as client:
                result = await _sign_in(client, prompt)
        demand(asked, "the person is not asked again")
        demand(isinstance(result, SignedIn), "the second answer does not sign in")

    @case
    async def test_it_gives_text_or_an_outcome(self) -> None:
        """What it gives is an answer, or says why there is none."""
        made, subject = await self._made()
        given = await self._answered(made, self.typed(subject.right_answer(made)))
        demand(
            isinstance(given, str | Unanswered), f"it gives {type(given).__name__}, not an answer"
        )

    @case
    async def test_two_sign_ins_at_once_do_not_mix(self) -> None:
        """One object answers for all sign-ins of a client, so it keeps nothing of any."""
        made, subject = await self._made()
        answers = [subject.right_answer(made), subject.wrong_answer(made)]
        challenges = [_challenge(made), evolve(_challenge(made), attempt=2)]
        plugin = self.challenge()

        async def one(challenge: Challenge, answer: str) -> Any:
            return await plugin.answer(challenge, _WatchedPrompt(self.typed(answer)))

        pairs = [*zip(challenges, answers, strict=True)]
        alone = [await one(*pair) for pair in pairs]
        together = await asyncio.gather(*(one(*pair) for pair in pairs))
        demand(alone == list(together), "two sign-ins at once get each other's answers")

    @case
    async def test_what_is_typed_is_neither_shown_nor_logged(self) -> None:
        """What a person types stands in no log and in nothing that is shown."""
        made, subject = await self._made()
        answer = subject.wrong_answer(made)
        prompt = _WatchedPrompt(self.typed(answer))
        with heard() as text:
            await self.challenge().answer(_challenge(made), prompt)
        demand(answer not in text.getvalue(), "what was typed is logged or printed")
        demand(answer not in prompt.shown, "what was typed is shown")

    @case
    async def test_a_damaged_challenge_is_refused(self) -> None:
        """What a user pool sends is not trusted: it is answered, or refused by a typed error."""
        made, _ = await self._made()
        for public in _damaged(made):
            challenge = evolve(_challenge(made), parameters=public)
            try:
                with anyio.fail_after(self.timeout):
                    await self.challenge().answer(challenge, _WatchedPrompt(["x", "y", "z"]))
            except AuthFlowError:
                continue
            except Exception as error:  # noqa: BLE001  # whatever it is, it is a finding
                where = traceback.extract_tb(error.__traceback__)[-1]
                msg = (
                    f"a damaged challenge raises {type(error).__qualname__} in {where.name}: raise"
                    " PluginFailedError"
                )
                raise Violation(msg) from None

    @case
    async def test_a_challenge_cannot_steer_the_terminal(self) -> None:
        """No control character of a challenge is passed on to what shows it."""
        made, _ = await self._made()
        for name, value in made.public.items():
            for steering in (_STEERING, value + _STEERING, _STEERING + value):
                parameters = {**made.public, name: steering}
                prompt = _WatchedPrompt(["x", "y", "z"])
                with contextlib.suppress(AuthFlowError):
                    await self.challenge().answer(
                        evolve(_challenge(made), parameters=parameters), prompt
                    )
                demand(
                    not any(map(_is_control, prompt.shown)),
                    f"control characters of the parameter {name!r} are shown",
                )

    @case
    async def test_it_ends_when_nobody_answers(self) -> None:
        """A prompt that gives up ends it."""
        made, _ = await self._made()
        try:
            with anyio.fail_after(self.timeout), contextlib.suppress(AuthFlowError):
                await self.challenge().answer(_challenge(made), _WatchedPrompt([]))
        except TimeoutError:
            msg = "it goes on asking when nobody answers"
            raise Violation(msg) from None

    @case
    async def test_cancelling_it_leaves_nothing_behind(self) -> None:
        """It ends when it is cancelled, at every await, and answers the next time."""
        made, subject = await self._made()
        right = self.typed(subject.right_answer(made))
        log = HookLog(clock=self.clock, timeout=self.timeout)
        plugin = watched_client(self.challenge, log)()

        async def answer() -> Any:
            return await plugin.answer(_challenge(made), _WatchedPrompt(right))

        first = await answer()
        for at in range(min(log.runs[-1].steps, _MOST_CANCELLED)):
            wrong = await run_cancelled(log, answer, at)
            demand(wrong is None, f"it was cancelled at await {at + 1}: {wrong}")
            demand(await answer() == first, f"it answers otherwise after await {at + 1}")

    @case
    async def test_the_event_loop_is_never_blocked(self) -> None:
        """All sign-ins of a process share its event loop: waiting and working go elsewhere."""
        made, subject = await self._made()
        log = HookLog(clock=self.clock, timeout=self.timeout)
        plugin = watched_client(self.challenge, log)()
        for _ in range(_REPEATED):
            typed = self.typed(subject.right_answer(made))
            await plugin.answer(_challenge(made), _WatchedPrompt(typed))
        demand_unblocked(log.runs, self.longest_block)

    async def _bench(self) -> tuple[TriggerBench, TriggerSubject]:
        """Put the trigger half to work, by the clock of this case."""
        subject = self.trigger()
        subject.clock, subject.outbox = self.clock, self.outbox
        await subject.prepare()
        return subject.bench(), subject

    async def _made(self) -> tuple[Made, TriggerSubject]:
        bench, subject = await self._bench()
        self.clock.advance(NEXT_SIGN_IN)
        return await bench.create(subject.ada), subject

    async def _answered(self, made: Made, typed: Sequence[str]) -> Any:
        return await self.challenge().answer(_challenge(made), _WatchedPrompt(typed))


async def _sign_in(client: AuthClient, prompt: ScriptedPrompt) -> object:
    return await client.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=prompt)


def _challenge(made: Made) -> Challenge:
    """Give a challenge as a client gets it."""
    return Challenge(
        name="CUSTOM_CHALLENGE",
        kind=made.public["challenge"],
        parameters=made.public,
        attempts=ATTEMPTS,
    )


def _damaged(made: Made) -> Iterator[dict[str, str]]:
    yield {}
    for name in made.public:
        yield {other: value for other, value in made.public.items() if other != name}
        for strange in _STRANGE:
            yield {**made.public, name: strange}


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc" and character not in "\n\t"
