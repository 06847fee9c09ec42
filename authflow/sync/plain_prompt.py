"""Prompts that are written by `def`: the thread that waits for the call asks by them."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from attrs import frozen

from authflow.coroutines import is_plain
from authflow.forms.fields import Field, WidgetField
from authflow.prompts.prompt import Prompt
from authflow.sync.call import running_call

T = TypeVar("T")


class PlainPrompt(Protocol):
    """Asks a person, by methods that are written by `def` and may block.

    They run in the thread that called `sign_in` or `answer`, which waits anyway: Ctrl-C ends them
    there, and what belongs to the thread is at hand. While one blocks, the time for an answer goes
    on; if it is over by then, the call ends so.

    One that is given the fields of a form whole has `ask_field(part)` as well, and one that shows
    the widgets of services `solve_widget(widget)`: see `authflow.prompts`.
    """

    def tell(self, text: str) -> None:
        """Show a text."""

    def show_image(self, image: bytes, media_type: str, description: str) -> None:
        """Show a picture.

        Args:
            image: The picture's file content.
            media_type: Its type, such as "image/png".
            description: What it is, for those who cannot see it.
        """

    def play_audio(self, audio: bytes, media_type: str, description: str) -> None:
        """Play a sound.

        Args:
            audio: The sound's file content.
            media_type: Its type, such as "audio/wav".
            description: What it is, for those who cannot hear it.
        """

    def show_link(self, url: str, description: str, *, qr: bool = False) -> None:
        """Show a link.

        Args:
            url: Where it leads. It comes from the network, and is shown, never opened.
            description: What is there.
            qr: Whether it is meant for another device, which reads it as a QR code.
        """

    def ask(self, question: str, *, hidden: bool = False) -> str:
        """Ask for a line of text.

        Args:
            question: What to ask.
            hidden: Whether the text must not be seen while it is typed.
        """

    def choose(self, question: str, options: Sequence[str]) -> str:
        """Ask for one of several options, and return it.

        Args:
            question: What to ask.
            options: The options, one or more.
        """


@frozen(eq=False)
class InItsThread:
    """A plain prompt, as the client asks by it.

    Args:
        prompt: The prompt.
    """

    prompt: PlainPrompt

    async def tell(self, text: str) -> None:
        """Show a text."""
        await self._do(self.prompt.tell, text)

    async def show_image(self, image: bytes, media_type: str, description: str) -> None:
        """Show a picture."""
        await self._do(self.prompt.show_image, image, media_type, description)

    async def play_audio(self, audio: bytes, media_type: str, description: str) -> None:
        """Play a sound."""
        await self._do(self.prompt.play_audio, audio, media_type, description)

    async def show_link(self, url: str, description: str, *, qr: bool = False) -> None:
        """Show a link."""
        await self._do(partial(self.prompt.show_link, qr=qr), url, description)

    async def wait_for(self, description: str, confirmation: Awaitable[T]) -> T:
        """Show what is waited for, and wait."""
        await self._do(self.prompt.tell, description)
        return await confirmation

    async def ask(self, question: str, *, hidden: bool = False) -> Any:
        """Ask for a line of text."""
        return await self._do(partial(self.prompt.ask, hidden=hidden), question)

    async def choose(self, question: str, options: Sequence[str]) -> Any:
        """Ask for one of several options."""
        return await self._do(self.prompt.choose, question, options)

    async def _do(self, method: Callable[..., Any], *args: Any) -> Any:
        return await running_call().in_its_thread(partial(method, *args))


@frozen(eq=False)
class WidgetsInItsThread(InItsThread):
    """The same for a prompt that shows widgets."""

    async def solve_widget(self, widget: WidgetField) -> Any:
        """Show a widget, and return the token that it makes."""
        solve: Callable[..., Any] = self.prompt.solve_widget  # type: ignore[attr-defined]
        return await self._do(solve, widget)


@frozen(eq=False)
class FieldsInItsThread(InItsThread):
    """The same for a prompt that is given whole fields."""

    async def ask_field(self, part: Field) -> Any:
        """Ask for the value of a field."""
        ask: Callable[..., Any] = self.prompt.ask_field  # type: ignore[attr-defined]
        return await self._do(ask, part)


def asked_by(prompt: "Prompt | PlainPrompt | None") -> Prompt | None:
    """Return a prompt as the client asks by it.

    Args:
        prompt: One of either kind. What is none is returned as it is, and refused by the client.
    """
    given: Any = prompt
    ask = getattr(given, "ask", None)
    kind: type[InItsThread] | None = None
    if is_plain(ask) and not isinstance(given, type):
        kind = InItsThread
        if callable(getattr(given, "ask_field", None)):
            kind = FieldsInItsThread
        elif callable(getattr(given, "solve_widget", None)):
            kind = WidgetsInItsThread
    return given if kind is None else kind(given)
