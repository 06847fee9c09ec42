"""The client half in its suite: its class, the challenges that it gets, and the typed answers."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final

from authflow.plugins.form_challenge import answer_by_form
from authflow.plugins.registry import answers_by_form
from authflow.results import Challenge
from authflow.testing.cases import Suite
from authflow.testing.hooks import named_as
from authflow.testing.made import Made
from authflow.testing.plugin_code import PluginCode
from authflow.testing.trigger_bench import ATTEMPTS, NEXT_SIGN_IN, TriggerBench
from authflow.testing.trigger_subject import TriggerSubject
from authflow.testing.watched_prompt import WatchedPrompt

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


class ClientSubject(Suite):
    """The client half of a suite, and the trigger half that makes its challenges."""

    challenge: ClassVar[type[Any]]
    """The client half's class."""
    trigger: ClassVar[type[TriggerSubject]]
    """The suite of a trigger half that makes the challenges."""
    timeout: ClassVar[float] = 10.0
    """Seconds in which it must answer when the person answers at once."""
    longest_block: ClassVar[float] = 0.05
    """Seconds for which it may block the event loop at a time."""

    def lacking(self) -> str | None:
        """Return what the suite does not say of its plugin."""
        if not isinstance(getattr(self, "challenge", None), type):
            return "the suite lacks `challenge`: name the client half's class"
        trigger = getattr(self, "trigger", None)
        if not (isinstance(trigger, type) and issubclass(trigger, TriggerSubject)):
            return (
                "the suite lacks `trigger`: name the TriggerChallengeSuite of the trigger half,"
                " which makes the challenges"
            )
        return trigger().lacking()

    def typed(self, answer: str) -> Sequence[str]:
        """Return the texts that a person types or chooses to give an answer, one for each field.

        Where a later attempt asks for more than the first one, they go on with what is typed there.

        Args:
            answer: The answer, as the trigger half's suite names it.
        """
        return (answer,)

    def whereabouts(self) -> str:
        """Return where in the plugin its hook is."""
        return self.at()

    def place_of(self, error: BaseException) -> str:
        """Return the line of the plugin that an error comes from."""
        if not hasattr(self, "challenge"):
            return ""
        return PluginCode.of(self.challenge).of_error(error) or self.at()

    def at(self, attempt: int = 1) -> str:
        """Return where in the plugin its hook is.

        Args:
            attempt: At which attempt it did what is told.
        """
        if not hasattr(self, "challenge"):
            return ""
        code = PluginCode.of(self.challenge)
        hook = "answer" if callable(getattr(self.challenge, "answer", None)) else "form"
        return f"{hook} at attempt {attempt}, {code.of_hook(hook)}"

    async def _bench(self) -> tuple[TriggerBench, TriggerSubject]:
        """Make a bench of the trigger half, with this case's clock."""
        subject = self.trigger()
        subject.clock, subject.outbox = self.clock, self.outbox
        await subject.prepare()
        return subject.bench(), subject

    async def _made(self) -> tuple[Made, TriggerSubject]:
        bench, subject = await self._bench()
        self.clock.advance(NEXT_SIGN_IN)
        return await bench.create(subject.ada), subject

    async def _answered(self, made: Made, typed: Sequence[str]) -> Any:
        return await self.answering().answer(challenge_of(made), WatchedPrompt(typed))

    @property
    def answering(self) -> type[Any]:
        """The class, with an `answer` that asks the form if it has none of its own."""
        kind = self.challenge
        if not answers_by_form(kind) or callable(getattr(kind, "answer", None)):
            return kind

        class Answering(kind):  # type: ignore[misc, valid-type]  # its base is what is tested
            async def answer(self, asked: Any, prompt: Any) -> Any:
                return await answer_by_form(self, asked, prompt)

        return named_as(Answering, kind)


def challenge_of(made: Made, attempt: int = 1) -> Challenge:
    """Return a challenge as a client gets it."""
    return Challenge(
        name="CUSTOM_CHALLENGE",
        kind=made.public["challenge"],
        parameters=made.public,
        attempt=attempt,
        attempts=ATTEMPTS,
    )


def damaged(made: Made) -> Iterator[dict[str, str]]:
    """Return the public parameters with each one missing in turn, and with each one replaced."""
    yield {}
    for name in made.public:
        yield {other: value for other, value in made.public.items() if other != name}
        for strange in _STRANGE:
            yield {**made.public, name: strange}
