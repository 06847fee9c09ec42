"""A prompt that takes its answers from a list."""

from collections.abc import Awaitable, Iterable, Iterator, Sequence
from typing import TypeVar

from attrs import define, field

from authflow.errors import MisuseError, PromptEndedError, PromptError
from authflow.unframed import whole

T = TypeVar("T")


def _iterator(answers: Iterable[str]) -> Iterator[str]:
    if not isinstance(answers, str | bytes) and isinstance(answers, Iterable):
        return iter(answers)
    kind = type(answers).__name__
    del answers  # a single one is taken for many letters, and may be a password
    msg = f"ScriptedPrompt takes its answers as a list of texts, not {kind}"
    raise MisuseError(msg)


@whole
@define
class ScriptedPrompt:
    """Answers from a list, for scripts and tests. It stores what it is shown, unescaped.

    Args:
        answers: What to answer, in order.

    Raises:
        MisuseError: It is no collection: one text would be answered letter by letter.
    """

    _answers: Iterator[str] = field(converter=_iterator)
    told: list[str] = field(factory=list, init=False, repr=False)
    images: list[bytes] = field(factory=list, init=False, repr=False)
    audio: list[bytes] = field(factory=list, init=False, repr=False)
    links: list[str] = field(factory=list, init=False, repr=False)

    async def tell(self, text: str) -> None:
        """Store the text in `told`."""
        self.told.append(text)

    async def show_image(self, image: bytes, media_type: str, description: str) -> None:  # noqa: ARG002
        """Store the picture in `images`."""
        self.images.append(image)

    async def play_audio(self, audio: bytes, media_type: str, description: str) -> None:  # noqa: ARG002
        """Store the sound in `audio`."""
        self.audio.append(audio)

    async def show_link(self, url: str, description: str, *, qr: bool = False) -> None:  # noqa: ARG002
        """Store the link in `links`."""
        self.links.append(url)

    async def wait_for(self, description: str, confirmation: Awaitable[T]) -> T:
        """Store in `told` what is waited for, and wait."""
        self.told.append(description)
        return await confirmation

    async def ask(self, question: str, *, hidden: bool = False) -> str:  # noqa: ARG002
        """Return the next answer.

        Raises:
            PromptEndedError: There is none left.
        """
        try:
            return next(self._answers)
        except StopIteration:
            msg = f"the script has no answer left for: {question}"
            raise PromptEndedError(msg) from None

    async def choose(self, question: str, options: Sequence[str]) -> str:
        """Return the next answer, which must be one of the options.

        Raises:
            PromptEndedError: There is none left.
            PromptError: It is no option.
        """
        answer = await self.ask(question)
        if answer not in options:
            del answer  # tracebacks may show it, and it may belong to another question
            msg = f"the script's answer is none of {', '.join(options)}"
            raise PromptError(msg)
        return answer
