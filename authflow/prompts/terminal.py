"""A prompt at the terminal."""

import getpass
import io
import os
import re
import sys
import warnings
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO, Final, TextIO, TypeVar

import anyio
import anyio.to_thread
from attrs import define, field

from authflow.errors import PromptEndedError, PromptError
from authflow.printable import lines, printable
from authflow.prompts.links import checked_link

T = TypeVar("T")

_LONGEST_LINE: Final = 64 * 1024
_SUFFIX: Final = re.compile(r"[A-Za-z0-9.-]{1,32}")


@define(kw_only=True)
class TerminalPrompt:
    """Asks at the terminal. Pictures and sounds are written to a file, whose path is shown.

    Pictures are drawn out of characters as well, if the package `pillow` is installed.

    What cannot be printed in a text is shown escaped: it may come from the network, and a terminal
    obeys it. Several lines stay several where a text is told or a question asked, and nowhere else.

    Args:
        image_folder: Where they are written; made when the first one is shown.
        output: Where to write.
        input: Where to read: a terminal, a pipe or a file.
    """

    image_folder: Path
    output: IO[str] = field(factory=lambda: sys.stderr)
    input: TextIO = field(factory=lambda: sys.stdin)
    _files: int = field(default=0, init=False)

    async def tell(self, text: str) -> None:
        """Show a text."""
        self._write(lines(text))

    def _write(self, text: str, *, end: str = "\n") -> None:
        """Write a text that is already escaped, with the characters of the output's encoding."""
        encoding = getattr(self.output, "encoding", None) or "utf-8"
        text = text.encode(encoding, "backslashreplace").decode(encoding)
        print(text, end=end, file=self.output, flush=True)

    async def show_image(self, image: bytes, media_type: str, description: str) -> None:
        """Write a picture to a file and print its path; draw it if `pillow` is installed.

        Raises:
            PromptError: It cannot be written.
        """
        await self._keep(image, media_type, description)
        encoding = getattr(self.output, "encoding", None) or "utf-8"
        drawing = await anyio.to_thread.run_sync(_drawing, image, encoding)
        if drawing is not None:
            self._write(drawing)

    async def play_audio(self, audio: bytes, media_type: str, description: str) -> None:
        """Write a sound to a file and print its path.

        Raises:
            PromptError: It cannot be written.
        """
        await self._keep(audio, media_type, description)

    async def show_link(self, url: str, description: str, *, qr: bool = False) -> None:
        """Show a link, and a QR code of it if the package `segno` is installed.

        Raises:
            PluginFailedError: It cannot be printed, or has a scheme that is neither
                https, http nor otpauth.
        """
        url = checked_link(url, description)
        self._write(printable(f"{description}: {url}"))
        if qr and (drawing := _qr_code(url)):
            self._write(drawing)

    async def wait_for(self, description: str, confirmation: Awaitable[T]) -> T:
        """Print what is waited for, and wait."""
        self._write(printable(description))
        return await confirmation

    async def _keep(self, content: bytes, media_type: str, description: str) -> None:
        self._files += 1
        suffix = media_type.rpartition("/")[2].partition("+")[0]
        if not _SUFFIX.fullmatch(suffix):
            suffix = "bin"
        path = anyio.Path(self.image_folder / f"{self._files}.{suffix}")
        with _refused_by_the_system(description):
            await path.parent.mkdir(parents=True, exist_ok=True)
            await path.write_bytes(content)
        self._write(printable(f"{description}: {path}"))

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        """Ask for a line of text. Only this call waits for the person, not the event loop.

        Raises:
            PromptEndedError: The input has ended, or there is none.
            PromptError: The line is endless, what is hidden would be shown, or the terminal fails.
        """
        if self.input is None or self.input.closed:  # as a shell's `<&-` leaves it
            msg = f"nobody answers, for there is no input: {question}"
            raise PromptEndedError(msg)
        with _refused_by_the_system(question):
            if hidden and _hides_by_itself(self.input):
                shown = f"{lines(question)} "  # `getpass` would write it without escaping
                return await anyio.to_thread.run_sync(_hidden, shown, abandon_on_cancel=True)
            with _echo_off(self.input) if hidden else nullcontext():
                self._write(lines(question), end=" ")
                line = await _read_line(self.input)
            if hidden:
                print(file=self.output)
        if not line:
            msg = f"nobody answers, for the input has ended: {question}"
            raise PromptEndedError(msg)
        return line.rstrip("\r\n")

    async def choose(self, question: str, options: Sequence[str]) -> str:
        """Ask for one of several options, by its number or its name, until it is one.

        Raises:
            PromptEndedError: The input has ended, or there is none.
            PromptError: The line is endless, or the terminal fails.
        """
        for number, option in enumerate(options, 1):
            self._write(f"{number}  {printable(option)}")
        shown = [*map(printable, options)]
        while True:
            chosen = (await self.ask(question)).strip()
            if chosen in options:
                return chosen
            if chosen in shown:
                return options[shown.index(chosen)]
            if (
                chosen.isascii()
                and chosen.isdigit()
                and len(chosen) < 5
                and 1 <= int(chosen) <= len(options)
            ):
                return options[int(chosen) - 1]
            await self.tell(f"Type a number from 1 to {len(options)}.")


@contextmanager
def _refused_by_the_system(doing: str) -> Iterator[None]:
    """Make an error of the prompt of what the operating system refuses: no plugin is to blame."""
    try:
        yield
    except OSError as error:
        msg = f"the terminal failed with {error.strerror or type(error).__name__}: {doing}"
        raise PromptError(msg) from error


def _drawing(picture: bytes, encoding: str) -> str | None:
    """Draw a picture with characters."""
    try:
        from authflow.prompts.drawn_picture import drawn_for  # noqa: PLC0415  # Pillow may be missing
    except ModuleNotFoundError:
        return None
    return drawn_for(picture, encoding)


def _qr_code(text: str) -> str | None:
    """Draw a QR code with block characters."""
    try:
        import segno  # noqa: PLC0415  # it comes with what needs it
    except ModuleNotFoundError:
        return None
    drawing = io.StringIO()
    segno.make(text, micro=False).terminal(out=drawing, compact=True)
    return drawing.getvalue().rstrip("\n")


async def _read_line(source: TextIO) -> str:
    """Read a line without a thread, which would still wait for the person after a cancellation."""
    descriptor = _descriptor(source)
    if descriptor is None:
        return await anyio.to_thread.run_sync(source.readline, abandon_on_cancel=True)
    line = bytearray()
    try:
        await _read_into(line, descriptor)
    except BaseException:
        line.clear()  # a traceback may show local variables, and this may be half a password
        raise
    return line.decode(source.encoding or "utf-8", "replace")


async def _read_into(line: bytearray, descriptor: int) -> None:
    """Read up to the end of a line, or of the input."""
    # One byte at a time: reading more would take piped input away from the next question.
    while not line.endswith(b"\n"):
        with suppress(PermissionError):  # a file on disk can always be read
            await anyio.wait_readable(descriptor)
        byte = os.read(descriptor, 1)
        if not byte:
            break
        line += byte
        if len(line) > _LONGEST_LINE:
            msg = "the line that was typed has no end"
            raise PromptError(msg)


def _descriptor(source: TextIO) -> int | None:
    """Return the file descriptor of a stream; None if one cannot wait for it here."""
    if sys.platform == "win32":
        return None
    try:
        return source.fileno()
    except OSError:
        return None  # not a file of the operating system, such as StringIO


def _hides_by_itself(source: TextIO) -> bool:
    """Return whether this is a terminal of a system without POSIX terminals, such as Windows."""
    try:
        import termios  # noqa: F401, PLC0415  # not on every system
    except ImportError:
        return source.isatty()
    return False


def _hidden(question: str) -> str:
    """Ask in the way of that system."""
    with warnings.catch_warnings():
        # It would only warn, go on, and show what is typed.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(question)
        except getpass.GetPassWarning:
            msg = f"this terminal would show what is typed: {question}"
            raise PromptError(msg) from None
        except EOFError:
            msg = f"nobody answers, for the input has ended: {question}"
            raise PromptEndedError(msg) from None


@contextmanager
def _echo_off(source: TextIO) -> Iterator[None]:
    """Hide what is typed at a terminal; whatever happens, it is shown again afterwards."""
    if not source.isatty():
        yield
        return
    try:
        import termios  # noqa: PLC0415  # not on every system
    except ImportError:  # then there is another way to hide it, see above
        yield
        return

    descriptor = source.fileno()
    before = termios.tcgetattr(descriptor)
    silent = [*before]
    silent[3] = before[3] & ~termios.ECHO
    termios.tcsetattr(descriptor, termios.TCSADRAIN, silent)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
