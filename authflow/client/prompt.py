"""How a challenge plugin asks a person: a `Prompt`, for the terminal and for scripts."""

import getpass
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol, TextIO

import anyio
import anyio.to_thread
from attrs import define, field

from authflow.errors import PluginFailedError


class Prompt(Protocol):
    """Asks a person, or something that answers for one.

    Every method can be cancelled. A prompt knows how to ask, not what: the words come from the
    challenge's plugin.
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

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        """Ask for a line of text.

        Args:
            question: What to ask.
            hidden: Whether the text must not be seen while it is typed.
        """


@define(kw_only=True)
class TerminalPrompt:
    """Asks at the terminal. Pictures are written to a file, whose path is shown.

    Args:
        image_folder: Where pictures are written; made when the first one is shown.
        output: Where to write.
    """

    image_folder: Path
    output: TextIO = field(factory=lambda: sys.stderr)
    _images: int = field(default=0, init=False)

    async def tell(self, text: str) -> None:
        """Show a text."""
        print(text, file=self.output, flush=True)

    async def show_image(self, image: bytes, media_type: str, description: str) -> None:
        """Write a picture to a file and say where."""
        self._images += 1
        suffix = media_type.rpartition("/")[2].partition("+")[0]
        path = anyio.Path(self.image_folder / f"{self._images}.{suffix}")
        await path.parent.mkdir(parents=True, exist_ok=True)
        await path.write_bytes(image)
        await self.tell(f"{description}: {path}")

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        """Ask for a line of text. On cancellation the read is abandoned, and its line with it."""
        read = getpass.getpass if hidden else input
        return await anyio.to_thread.run_sync(read, f"{question} ", abandon_on_cancel=True)


def _iterator(answers: Iterable[str]) -> Iterator[str]:
    return iter(answers)


@define
class ScriptedPrompt:
    """Answers from a list: for scripts and tests.

    Args:
        answers: What to answer, in order.
    """

    _answers: Iterator[str] = field(converter=_iterator)
    told: list[str] = field(factory=list, init=False)
    images: list[bytes] = field(factory=list, init=False)

    async def tell(self, text: str) -> None:
        """Keep the text in `told`."""
        self.told.append(text)

    async def show_image(self, image: bytes, media_type: str, description: str) -> None:  # noqa: ARG002
        """Keep the picture in `images`."""
        self.images.append(image)

    async def ask(self, question: str, *, hidden: bool = False) -> str:  # noqa: ARG002
        """Give the next answer.

        Raises:
            PluginFailedError: There is none left.
        """
        try:
            return next(self._answers)
        except StopIteration:
            msg = f"the script has no answer left for: {question}"
            raise PluginFailedError(msg) from None
