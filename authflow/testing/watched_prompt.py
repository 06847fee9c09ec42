"""A prompt that records all that a person would see, and a terminal without a person."""

import builtins
import contextlib
import getpass
import inspect
import io
import sys
from collections.abc import Awaitable, Iterator, Sequence
from typing import Any, NoReturn, TypeVar

import anyio
import anyio.lowlevel
from attrs import define, field

from authflow.forms.fields import WidgetField
from authflow.prompts.scripted import ScriptedPrompt
from authflow.unframed import whole

T = TypeVar("T")


@whole
@define
class WatchedPrompt(ScriptedPrompt):
    """A scripted prompt that answers slowly, and records what it was asked and shown."""

    questions: list[str] = field(factory=list, init=False)
    described: list[str] = field(factory=list, init=False)

    async def show_image(self, image: bytes, media_type: str, description: str) -> None:
        """Record the picture, and the words for it."""
        self.described.append(description)
        await super().show_image(image, media_type, description)

    async def play_audio(self, audio: bytes, media_type: str, description: str) -> None:
        """Record the sound, and the words for it."""
        self.described.append(description)
        await super().play_audio(audio, media_type, description)

    async def show_link(self, url: str, description: str, *, qr: bool = False) -> None:
        """Record the link, and the words for it."""
        self.described.append(description)
        await super().show_link(url, description, qr=qr)

    async def wait_for(self, description: str, confirmation: Awaitable[T]) -> T:
        """Record what is waited for, and wait; but not for seconds alone, as of a `WaitField`."""
        if inspect.iscoroutine(confirmation) and confirmation.cr_code is anyio.sleep.__code__:
            confirmation.close()  # otherwise Python would warn that it was never awaited
            confirmation = anyio.lowlevel.checkpoint()  # type: ignore[assignment]  # gives None, too
        return await super().wait_for(description, confirmation)

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        """Record the question, and return the next answer."""
        self.questions.append(question)
        await anyio.lowlevel.checkpoint()
        return await super().ask(question, hidden=hidden)

    async def choose(self, question: str, options: Sequence[str]) -> str:
        """Record the question and its options, and return the next answer."""
        self.described.extend(options)
        return await super().choose(question, options)

    async def solve_widget(self, widget: WidgetField) -> str:
        """Record the widget, and return the next answer."""
        return await self.ask(widget.label)

    @property
    def asked(self) -> bool:
        """Whether it was asked anything."""
        return bool(self.questions or self.told or self.images or self.audio or self.links)

    @property
    def shown(self) -> str:
        """All words that a person was shown."""
        return "\n".join([*self.told, *self.questions, *self.links, *self.described])


@contextlib.contextmanager
def nobody_at_the_terminal(into: list[str]) -> Iterator[None]:
    """End the input of whatever reads from the terminal, and record what does.

    Args:
        into: Where to write its name.
    """

    def asks(name: str) -> Any:
        def ask(*_arguments: Any, **_named: Any) -> NoReturn:
            into.append(name)
            raise EOFError

        return ask

    places = [(builtins, "input"), (getpass, "getpass")]
    before = [(module, name, getattr(module, name)) for module, name in places]
    for module, name in places:
        setattr(module, name, asks(f"{module.__name__}.{name}"))
    stdin, sys.stdin = sys.stdin, _Nobody(into)
    try:
        yield
    finally:
        sys.stdin = stdin
        for module, name, real in before:
            setattr(module, name, real)


class _Nobody(io.TextIOBase):
    """Standard input that is at its end."""

    def __init__(self, into: list[str]) -> None:
        self._into = into

    def readline(self, _size: int = -1, /) -> str:  # type: ignore[override]
        self._into.append("sys.stdin")
        return ""

    def read(self, _size: int | None = -1, /) -> str:
        self._into.append("sys.stdin")
        return ""
