"""`Prompt`: the protocol by which a challenge plugin asks a person."""

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from authflow.forms.fields import Field, WidgetField

T = TypeVar("T")


class Prompt(Protocol):
    """Asks a person, or a program that answers for one.

    Every method can be cancelled. A prompt knows how to ask, not what: the words come from the
    challenge's plugin, and in part from the network. So whoever shows them to a person escapes them
    at the last moment; those of authflow do so by `authflow.printable`.
    """

    async def tell(self, text: str) -> None:
        """Show a text."""

    async def show_image(self, image: bytes, media_type: str, description: str) -> None:
        """Show a picture.

        Args:
            image: The picture's file content.
            media_type: Its type, such as "image/png".
            description: What it is, for those who cannot see it.
        """

    async def play_audio(self, audio: bytes, media_type: str, description: str) -> None:
        """Play a sound.

        Args:
            audio: The sound's file content.
            media_type: Its type, such as "audio/wav".
            description: What it is, for those who cannot hear it.
        """

    async def show_link(self, url: str, description: str, *, qr: bool = False) -> None:
        """Show a link.

        Args:
            url: Where it leads. It comes from the network, and is shown, never opened. The prompts
                of authflow show https, http and otpauth, and paths without a scheme.
            description: What is there.
            qr: Whether it is meant for another device, which reads it as a QR code.
        """

    async def wait_for(self, description: str, confirmation: Awaitable[T]) -> T:
        """Wait for something done elsewhere, such as a tap on a telephone.

        Args:
            description: What the person has to do.
            confirmation: Ends when it was done, and gives what came of it.
        """

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        """Ask for a line of text.

        Args:
            question: What to ask.
            hidden: Whether the text must not be seen while it is typed.
        """

    async def choose(self, question: str, options: Sequence[str]) -> str:
        """Ask for one of several options.

        Args:
            question: What to ask.
            options: The options, one or more.

        Returns:
            The option that was chosen, as it stands among them.
        """


@runtime_checkable
class WidgetPrompt(Prompt, Protocol):
    """A prompt that can show the widget of a service, as a web page does."""

    async def solve_widget(self, widget: "WidgetField") -> str:
        """Show a widget, and return the token that it makes.

        Args:
            widget: Which one. It is checked: a page may put it into HTML.
        """


@runtime_checkable
class FieldPrompt(Prompt, Protocol):
    """A prompt that is given the fields of a form whole: their limits, hints and options' values.

    A web page can do more with a field than ask its label. So where a form is asked, such a prompt
    gets its fields by `ask_field`, widgets and waits included, and by no other method.
    """

    async def ask_field(self, part: "Field") -> str:
        """Ask for the value of a field.

        Args:
            part: The field. Its value is checked afterwards, and asked for again if it is none.

        Returns:
            What was typed, the value of the option that was chosen, or the token of the widget; ""
            or what the page knows more for a wait that is over. A `WaitField` without seconds is
            over when the person says so.
        """
