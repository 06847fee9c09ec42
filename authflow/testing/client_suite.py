"""The conformance suite for client challenges."""

import asyncio
import contextlib
import inspect
import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Final

import anyio
from attrs import evolve

from authflow.client import AuthClient
from authflow.errors import AuthFlowError
from authflow.given_secrets import Unfit, wrapped
from authflow.machine import AuthFlow
from authflow.plugins.registry import answers_by_form
from authflow.results import Challenge, SignedIn, Unanswered
from authflow.secret import Secret
from authflow.testing.cases import Violation, case, demand
from authflow.testing.client_subject import challenge_of, damaged
from authflow.testing.form_cases import FormCases
from authflow.testing.hooks import HookLog, run_cancelled, watched_client
from authflow.testing.leaks import leaks
from authflow.testing.made import Made
from authflow.testing.plugin_code import PluginCode
from authflow.testing.secrecy import heard
from authflow.testing.trigger_bench import ATTEMPTS
from authflow.testing.trigger_repetition import demand_unblocked, unblocked
from authflow.testing.watched_prompt import WatchedPrompt, nobody_at_the_terminal

_STEERING: Final = ("\x1b[2J\x1b]0;owned\x07\r\x9b31m", "\N{RIGHT-TO-LEFT OVERRIDE}x")
_MOST_REPEATED: Final = 8
_LONGEST_PARTED: Final = 1000
_MOST_PARTS: Final = 4
_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_MOST_CANCELLED: Final = 40


class ClientChallengeSuite(FormCases):
    """The cases for every client challenge, alone and over the real protocol: inherit from it.

        class TestPagerClient(ClientChallengeSuite):
            challenge = PagerPrompter
            trigger = TestPager  # the suite of the trigger half, which makes the challenges

    The user pool is real, and so are the challenges; a script answers in place of a person.
    """

    @case
    async def test_it_says_what_it_is(self) -> None:
        """Its name and interface are the trigger half's, and it is made without arguments."""
        plugin, other = self.challenge, self.trigger.challenge
        demand(plugin.name == other.name, "`name` must be that of the trigger half")
        demand(type(getattr(plugin, "interface", None)) is int, "it must state `interface = 2`")
        if answers_by_form(plugin):
            for method in (plugin.form, plugin.read):
                awaits = inspect.iscoroutinefunction(method)
                demand(not awaits, "form and read must be plain functions: `def`, not `async def`")
        if not answers_by_form(plugin) or hasattr(plugin, "answer"):
            coroutine = inspect.iscoroutinefunction(plugin.answer)
            demand(coroutine, "answer must be a coroutine function")
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
                result = await _sign_in(client, WatchedPrompt(script()))
        demand(isinstance(result, SignedIn), "what the person types does not sign in")

    @case
    async def test_it_asks_again_after_a_wrong_answer_over_the_protocol(self) -> None:
        """After a wrong answer the person is asked again, and told so."""
        bench, subject = await self._bench()
        async with bench.pool(subject.ada) as (pool, _):
            asked: list[int] = []

            def script() -> Iterator[str]:
                served = len(bench.triggers.served)
                for text in self.typed(subject.wrong_answer(bench.last_made(subject.ada))):
                    if len(bench.triggers.served) > served:
                        break  # the rest is for a later attempt, which asks for more
                    yield text
                asked.append(len(prompt.shown))
                yield from self.typed(subject.right_answer(bench.last_made(subject.ada)))

            prompt = WatchedPrompt(script())
            async with pool.client(challenges=[self.challenge]) as client:
                result = await _sign_in(client, prompt)
        demand(asked, "the person is not asked again")
        demand(isinstance(result, SignedIn), "the second answer does not sign in")

    @case
    async def test_it_gives_text_or_an_outcome(self) -> None:
        """Its result is an answer, or the reason why there is none."""
        made, subject = await self._made()
        given = await self._answered(made, self.typed(subject.right_answer(made)))
        # As a client takes it: a text, or a Secret of one.
        fits = isinstance(given, Unanswered) or not isinstance(wrapped(given), Unfit)
        demand(fits, f"it gives {type(given).__name__}, not an answer")

    @case
    async def test_two_sign_ins_at_once_do_not_mix(self) -> None:
        """One object answers for all sign-ins of a client, so it keeps nothing of any."""
        made, subject = await self._made()
        answers = [subject.right_answer(made), subject.wrong_answer(made)]
        challenges = [challenge_of(made), evolve(challenge_of(made), attempt=2)]

        async def one(plugin: Any, challenge: Challenge, answer: str) -> Any:
            return await plugin.answer(challenge, WatchedPrompt(self.typed(answer)))

        pairs = [*zip(challenges, answers, strict=True)]
        alone = [await one(self.answering(), *pair) for pair in pairs]
        plugin = self.answering()
        in_turn = [await one(plugin, *pair) for pair in pairs]
        demand(alone == in_turn, "a sign-in gets what belongs to the one before", at=self.at(2))
        together = await asyncio.gather(*(one(plugin, *pair) for pair in pairs))
        demand(alone == list(together), "two sign-ins at once get each other's answers")
        for kept in (getattr(plugin, "__dict__", {}), vars(self.challenge)):
            found = [name for name, value in kept.items() if _holds(value, answers)]
            demand(not found, f"it keeps what was typed, in {', '.join(found)}")

    @case
    async def test_it_asks_by_its_prompt_alone(self) -> None:
        """Whatever it answers was asked by the prompt, at every attempt, and by nothing else."""
        made, subject = await self._made()
        typed = self.typed(subject.right_answer(made))
        for attempt in range(1, ATTEMPTS + 1):
            prompt, around = WatchedPrompt(typed), list[str]()
            challenge = evolve(challenge_of(made), attempt=attempt)
            given: Any = None
            with nobody_at_the_terminal(around):
                try:
                    given = await self.answering().answer(challenge, prompt)
                except Exception:
                    if not around:
                        raise
            asked = prompt.asked or not isinstance(given, str | Secret)
            demand(
                not around,
                f"it asks by {', '.join(around)}, and not by its prompt: what is no terminal"
                " cannot answer",
                at=self.at(attempt),
            )
            demand(
                asked or not typed,
                "it answers without asking: say by `typed` that a person types nothing",
                at=self.at(attempt),
            )

    @case
    async def test_what_is_typed_is_neither_shown_nor_logged(self) -> None:
        """A typed answer appears in no log and in nothing that is shown, in no form."""
        made, subject = await self._made()
        for attempt in (1, 2):
            for answer in (subject.wrong_answer(made), subject.right_answer(made)):
                prompt = WatchedPrompt(self.typed(answer))
                with heard() as text:
                    await self.answering().answer(
                        evolve(challenge_of(made), attempt=attempt), prompt
                    )
                for place, told in (
                    ("logged or printed", text.getvalue()),
                    ("shown", prompt.shown),
                ):
                    forms = leaks(answer, {"": told}, ()) if told else frozenset()
                    tells = answer in told or forms - {"plain"}
                    demand(not tells, f"what was typed is {place}", at=self.at(attempt))

    @case
    async def test_a_damaged_challenge_is_refused(self) -> None:
        """A user pool's challenge is not trusted: it is answered, or refused with a typed error."""
        made, _ = await self._made()
        attempt = 0
        for public in damaged(made):
            attempt = attempt % ATTEMPTS + 1
            challenge = evolve(challenge_of(made), parameters=public, attempt=attempt)
            try:
                with anyio.fail_after(self.timeout):
                    await self.answering().answer(challenge, WatchedPrompt(["x", "y", "z"]))
            except AuthFlowError:
                continue
            except Exception as error:  # noqa: BLE001  # whatever it is, it is a finding
                msg = (
                    f"a damaged challenge raises {type(error).__qualname__}: raise"
                    " PluginFailedError"
                )
                at = f"answer at attempt {attempt}, {self.place_of(error)}"
                raise Violation(msg, at) from None

    @case
    async def test_a_challenge_cannot_steer_the_terminal(self) -> None:
        """No control character of a challenge is passed on to what shows it."""
        made, _ = await self._made()
        for attempt in (1, 2):
            for name, parameters in _steered(made):
                prompt = WatchedPrompt(["x", "y", "z"])
                challenge = evolve(challenge_of(made), parameters=parameters, attempt=attempt)
                with contextlib.suppress(AuthFlowError), heard() as printed:
                    await self.answering().answer(challenge, prompt)
                demand(
                    not any(map(_steers, prompt.shown + printed.getvalue())),
                    f"control characters of the parameter {name!r} are shown",
                    at=self.at(attempt),
                )

    @case
    async def test_it_ends_when_nobody_answers(self) -> None:
        """A prompt that gives up ends it."""
        made, _ = await self._made()
        try:
            with anyio.fail_after(self.timeout), contextlib.suppress(AuthFlowError):
                await self.answering().answer(challenge_of(made), WatchedPrompt([]))
        except TimeoutError:
            msg = "it goes on asking when nobody answers"
            raise Violation(msg) from None

    @case
    async def test_cancelling_it_leaves_nothing_behind(self) -> None:
        """It ends when it is cancelled, at every await, and answers the next time."""
        made, subject = await self._made()
        right = self.typed(subject.right_answer(made))
        for attempt in (1, 2):
            challenge = evolve(challenge_of(made), attempt=attempt)
            log = HookLog(clock=self.clock, timeout=self.timeout)
            plugin = watched_client(self.answering, log)()

            async def answer(plugin: Any = plugin, challenge: Challenge = challenge) -> Any:
                return await plugin.answer(challenge, WatchedPrompt(right))

            first = await answer()
            for step in range(min(log.runs[-1].steps, _MOST_CANCELLED)):
                at = self.at(attempt)
                wrong = await run_cancelled(log, answer, step)
                demand(wrong is None, f"it was cancelled at await {step + 1}: {wrong}", at=at)
                same = await answer() == first
                demand(same, f"it answers otherwise after await {step + 1}", at=at)

    @case
    async def test_the_event_loop_is_never_blocked(self) -> None:
        """All sign-ins of a process share its event loop: waiting and working go elsewhere."""
        made, subject = await self._made()
        code = PluginCode.of(self.challenge)
        for attempt in range(1, ATTEMPTS + 1):
            log = HookLog(clock=self.clock, timeout=self.timeout, code=code)
            plugin = watched_client(self.answering, log)()
            challenge = evolve(challenge_of(made), attempt=attempt)
            for _ in range(_MOST_REPEATED):
                if unblocked(log.runs[1:], self.longest_block):  # the first one may import
                    break
                typed = self.typed(subject.right_answer(made))
                await plugin.answer(challenge, WatchedPrompt(typed))
            demand_unblocked(log.runs[1:], self.longest_block, code)


async def _sign_in(client: AuthClient, prompt: WatchedPrompt) -> object:
    return await client.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=prompt)


def _steered(made: Made) -> Iterator[tuple[str, dict[str, str]]]:
    """Put control characters into each parameter: alone, around, between, and in its name."""
    for (name, value), steering in itertools.product(made.public.items(), _STEERING):
        between = [value[: place.end()] + steering + value[place.end() :] for place in _gaps(value)]
        for steered in (steering, value + steering, steering + value, *between):
            yield name, {**made.public, name: steered}
        yield name, {**made.public, name + steering: value}


def _gaps(value: str) -> Sequence[re.Match[str]]:
    """Return some places where parts of a value end, such as the names of options."""
    if len(value) > _LONGEST_PARTED:
        return ()
    return [*itertools.islice(re.finditer(r"\w+", value), _MOST_PARTS)]


def _holds(value: object, answers: Sequence[str]) -> bool:
    return isinstance(value, str | list | dict | set | tuple) and any(
        answer in repr(value) for answer in answers
    )


def _steers(character: str) -> bool:
    """Return whether a character controls a terminal, or turns the direction of its text."""
    kind = unicodedata.category(character)
    return (kind == "Cc" and character not in "\n\t") or character in _TURNING
