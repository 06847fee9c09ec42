"""The trigger half in its suite: its class, its settings, its users and its answers."""

import functools
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, ClassVar, Final, TypeVar
from zlib import crc32

from attrs import field, frozen

from authflow.errors import AuthFlowError
from authflow.keys.key_ring import KeyRing
from authflow.testing.cases import Suite, Violation, case, demand
from authflow.testing.hooks import Hook, HookRun
from authflow.testing.made import Made
from authflow.testing.plugin_code import PluginCode
from authflow.testing.strange_answers import (
    FOREIGN_ANSWERS,
    another_sign,
    bare,
    first_tries,
    near_misses,
    wrong,
)
from authflow.testing.trigger_bench import ATTEMPTS, SuiteUser, TriggerBench, own_private

ADA: Final = {
    "sub": "0f3e5b9c-5a7d-4a4e-9f39-2c1c0c6a1e11",
    "cognito:user_status": "CONFIRMED",
    "email": "ada@example.com",
    "email_verified": "true",
    "phone_number": "+15550100001",
    "phone_number_verified": "true",
}
GRACE: Final = {
    **ADA,
    "sub": "7b8a3f52-61d3-4a0e-8d3c-9a1f7b2c4d5e",
    "email": "grace.hopper@navy.example.org",
    "phone_number": "+442079460002",
}


_FEWER: Final = 5
"""At attempts after the first, a costly plugin is tried with one in so many answers."""
_NEVER_LEFT_OUT: Final = frozenset({"", "'0' as often as the right one has signs"})
"""The answers, or words for them, that are tried at every attempt of every plugin."""

SubjectT = TypeVar("SubjectT", bound="TriggerSubject")


@frozen(kw_only=True)
class Tried:
    """An answer that was tried.

    Args:
        words: What it is, without secrets.
        answer: The answer.
        right: Whether it was taken for right.
        run: What verify did.
        again: Has it judged once more, and gives what verify did.
    """

    words: str
    answer: str = field(repr=False)
    right: bool
    run: HookRun
    again: Callable[[], Awaitable[HookRun]] = field(repr=False)


def every_attempt(body: Callable[[SubjectT], Awaitable[None]]) -> Callable[[SubjectT], None]:
    """Make a case that runs at every attempt of a sign-in: its benches begin there.

    Args:
        body: The method.
    """
    # Costly plugins are tried at the first attempt and at one more, which differs between cases.
    only = 2 + crc32(body.__name__.encode()) % (ATTEMPTS - 1)

    @case
    @functools.wraps(body)
    async def at_each(suite: SubjectT) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            if attempt > 1 and suite.costly and attempt != only:
                continue
            if attempt > 1:
                await suite.begin_anew()
            suite._attempt = attempt  # noqa: SLF001  # a decorator for this very class
            await body(suite)

    return at_each


class TriggerSubject(Suite):
    """The description of a plugin for its suite. Override what differs for yours."""

    challenge: ClassVar[type[Any]]
    """The trigger half's class."""
    settings: ClassVar[Mapping[str, Any]] = {}
    """The plugin's settings. Override `make_settings` for settings made anew for each case."""
    user_attributes: ClassVar[Mapping[str, str]] = {}
    """Attributes of the suite's users "ada" and "grace" beside the usual ones: `sub`, `email` and
    `phone_number`, both verified."""
    anybody_can_answer: ClassVar[bool] = False
    """Whether the challenge itself shows what to answer, as a CAPTCHA does. Then an unknown user's
    answer is judged like everybody's."""
    asks: ClassVar[Collection[str] | None] = None
    """The public parameters that say what is asked, such as a CAPTCHA's picture or a question's
    text: they alone may change with the answer. None: all of them if anybody can answer, or if
    answers may be used again; otherwise none."""
    single_use: ClassVar[bool] = True
    """Whether an answer is right in one sign-in only. Not so for a question."""
    lifetime: ClassVar[float | None] = None
    """For how many seconds an answer is right, if the plugin limits it. It must if it sends codes,
    and to 600 at most."""
    compared_elsewhere: ClassVar[str | None] = None
    """The comparer of answers, if it is not `hmac.compare_digest` in this process: a service, or a
    function for password hashes."""
    costly: ClassVar[bool] = False
    """Whether a challenge or a verdict takes 10 milliseconds of computing or more. Then less is
    tried at the attempts after the first, which would take minutes."""
    timeout: ClassVar[float] = 4.0
    """Seconds for one run of a hook; the triggers end it after 4.5, since Cognito waits for 5."""
    longest_block: ClassVar[float] = 0.05
    """Seconds for which it may block the event loop at a time."""
    keys: ClassVar[KeyRing] = KeyRing.generate()
    """The key ring of the triggers, with which users are enrolled."""

    _attempt: int = 1
    _bench: TriggerBench | None = None
    _tried: ClassVar[Mapping[str, tuple[Tried, ...]]] = {}

    def lacking(self) -> str | None:
        """Return what the suite does not say of its plugin."""
        if isinstance(getattr(self, "challenge", None), type):
            return None
        return "the suite lacks `challenge`: name the plugin's class"

    def make_settings(self) -> Mapping[str, Any]:
        """Return the plugin's settings: `{"sender": self.outbox.send}`, for example."""
        return self.settings

    def right_answer(self, made: Made) -> str:
        """Return the right answer to a challenge.

        Unless it is overridden, it is the private parameter "answer" or "code".

        Args:
            made: The challenge, with all that the owner of a pool can see.

        Raises:
            Violation: There is none.
        """
        for name in ("answer", "code"):
            if name in made.private:
                return made.private[name]
        msg = (
            "the suite does not know the right answer: override right_answer(self, made); the"
            f" private parameters are: {', '.join(own_private(made)) or 'none'}"
        )
        raise Violation(msg)

    def wrong_answer(self, made: Made) -> str:
        """Return a wrong answer that looks like the right one.

        Args:
            made: The challenge.
        """
        right = self.right_answer(made)
        return right[:-1] + another_sign(right[-1:])

    def same(self, made: Made, answer: str) -> str:  # noqa: ARG002  # what overrides it may look
        """Return an answer in one spelling, the same for all spellings of the same answer.

        Unless it is overridden, case, white space and punctuation marks make no other answer.
        Whatever is spelled like the right answer may be right, and nothing else. Give
        `self.right_answer(made)` itself for further answers that are right.

        Args:
            made: The challenge.
            answer: An answer, of any form.
        """
        return bare(answer)

    @property
    def ada(self) -> SuiteUser:
        """A user."""
        return SuiteUser(name="ada", attributes={**ADA, **self.user_attributes})

    @property
    def grace(self) -> SuiteUser:
        """Another user, with the same attributes but for sub, address and number."""
        return SuiteUser(name="grace", attributes={**GRACE, **self.user_attributes})

    @property
    def nobody(self) -> SuiteUser:
        """A user who does not exist."""
        return SuiteUser(name="nobody", attributes={}, exists=False)

    def bench(self) -> TriggerBench:
        """Make a bench of the plugin.

        Raises:
            Violation: It cannot be made with the suite's settings.
        """
        demand(hasattr(self, "challenge"), "the suite lacks `challenge`: name the plugin's class")
        try:
            self._bench = TriggerBench(
                plugin=self.challenge,
                settings=self.make_settings(),
                clock=self.clock,
                outbox=self.outbox,
                timeout=self.timeout,
                attempt=self._attempt,
                keys=self.keys,
            )
        except AuthFlowError as error:
            cause = "" if error.__cause__ is None else f": {error.__cause__}"
            msg = f"it cannot be put to work: {error}{cause}"
            raise Violation(msg, self.place_of(error)) from error
        return self._bench

    async def begin_anew(self) -> None:
        """Begin anew within a case: messages and enrolments of the bench before are dropped."""
        self.outbox.clear()
        await self.prepare()

    async def tried(self, user: SuiteUser) -> tuple[Tried, ...]:
        """Try wrong answers at every attempt.

        Several cases look at what comes of it, and it is done once. A costly plugin is tried
        with other ones of the answers at each later attempt.

        Args:
            user: Whose challenges they are. Of answers that resemble the right one, only those of
                a user who has one are tried.
        """
        done: dict[str, tuple[Tried, ...]] = vars(type(self)).get("_tried", {})
        if user.name not in done:
            before, tried = self._attempt, list[Tried]()
            try:
                for self._attempt in range(1, ATTEMPTS + 1):
                    if self._attempt > 1 and self.costly:
                        tried += await self._tried_at_once(user, self._some_answers)
                        continue
                    tried += await self._tried_at_once(user, self._foreign_answers)
                    if user.exists:
                        tried += await self._tried_at_once(user, self._answers_alike)
            finally:
                self._attempt = before
            done = {**done, user.name: tuple(tried)}
            type(self)._tried = done  # noqa: SLF001  # this very class's
        return done[user.name]

    def _foreign_answers(self, made: Made) -> dict[str, str]:
        """Return nobody's answers, by words for them."""
        answers = {_shown(answer): answer for answer in FOREIGN_ANSWERS}
        return answers if made.user_not_found else self._wrong(made, answers)

    def _answers_alike(self, made: Made) -> dict[str, str]:
        """Return wrong answers that resemble the right one, by words for them."""
        right = self.right_answer(made)
        changed = ("the right one with another end", self.wrong_answer(made))
        answers = dict([changed, *near_misses(right), *first_tries(right, made)])
        return self._wrong(made, answers)

    def _some_answers(self, made: Made) -> dict[str, str]:
        """Return some of all these, different ones at each attempt."""
        answers = self._foreign_answers(made)
        if not made.user_not_found:
            answers |= self._answers_alike(made)
        return {
            words: answer
            for number, (words, answer) in enumerate(answers.items())
            if number % _FEWER == self._attempt % _FEWER or {words, answer} & _NEVER_LEFT_OUT
        }

    def _wrong(self, made: Made, answers: Mapping[str, str]) -> dict[str, str]:
        return wrong(answers, self.right_answer(made), lambda answer: self.same(made, answer))

    async def _tried_at_once(
        self, user: SuiteUser, choose: Callable[[Made], Mapping[str, str]]
    ) -> list[Tried]:
        """Try wrong answers on one challenge.

        Args:
            user: Whose challenge it is.
            choose: Gives the answers, by words for them.
        """
        await self.begin_anew()
        bench = self.bench()
        made = await bench.create(user)

        async def again(answer: str) -> HookRun:
            await bench.verify(user, made, answer)
            return bench.log.of("verify")[-1]

        tried: list[Tried] = []
        for words, answer in choose(made).items():
            judged = await bench.verify(user, made, answer)
            run = bench.log.of("verify")[-1]
            more = functools.partial(again, answer)
            tried.append(
                Tried(
                    words=words,
                    answer=answer,
                    right=judged.right,
                    run=run,
                    again=more,
                )
            )
            if run.timed_out:  # one such run is enough, and others would take as long
                break
        return tried

    def at(self, hook: Hook, attempt: int = 1) -> str:
        """Return where in the plugin a hook is.

        Args:
            hook: Its name.
            attempt: At which attempt it did what is told.
        """
        place = PluginCode.of(self.challenge).of_hook(hook)
        return f"{hook} at attempt {attempt}, {place}"

    def whereabouts(self) -> str:
        """Return where the hook is that the case ran last."""
        if not hasattr(self, "challenge"):
            return ""
        code = PluginCode.of(self.challenge)
        runs = self._bench.log.runs if self._bench is not None else []
        return runs[-1].whereabouts(code) if runs else code.of_class()

    def place_of(self, error: BaseException) -> str:
        """Return the line of the plugin that an error comes from, or else the last hook's."""
        if not hasattr(self, "challenge"):
            return ""
        return PluginCode.of(self.challenge).of_error(error) or self.whereabouts()


def _shown(answer: str) -> str:
    return f"the answer {answer[:20]!a} ({len(answer)} characters)"
