"""A Define trigger in a process of its own, in any language: one JSON event a line, both ways.

The process is started once and asked again and again. One that ended, was too slow or printed
something else is ended, and the next event gets a new one. A process may also end itself, with 0,
after each answer, whose line then needs no end; it is started anew for each event.

Where there are process groups it has one of its own, in a session of its own, and what it started
ends with it. Ctrl-C reaches only us, and we end it.
"""

import json
import os
import shlex
import signal
import sys
from contextlib import suppress
from subprocess import PIPE
from types import TracebackType
from typing import Any, Final, Self

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from attrs import define, field

from authflow.cli.process_complaints import Complaints
from authflow.errors import ConfigError
from authflow.printable import one_line
from authflow.triggers.check.define_paths import TIMEOUT, DefineFailedError, check_timeout

_LINE_BYTES: Final = 6 * 1024 * 1024  # as much as Lambda lets a function return
_SHOWN_CHARS: Final = 60
_EXIT_TIMEOUT: Final = 0.5
"""Seconds in which a process must end after it has closed its output."""
_MOST_TIMEOUTS: Final = 3
"""The most time-outs before a process is not asked again; one, if it has never answered."""
_MANY_LINES: Final = (
    "prints more than one line for an event; what it logs belongs on its standard error"
)
_HAS_GROUPS: Final = sys.platform != "win32"
_OF_ANSWERS: Final = frozenset({"response", "errorMessage"})


class _EndedError(DefineFailedError):
    """The process ended by itself, with 0, instead of answering."""


def _split(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        msg = f"the command {_quoted(command)} cannot be read: {error}; quote it as for a shell"
        raise ConfigError(msg) from error
    if not words:
        msg = "the command is empty: name a program that reads events and prints them"
        raise ConfigError(msg)
    return words


def _quoted(text: str) -> str:
    return f"'{one_line(text, _SHOWN_CHARS)}'"


def _positive(_instance: object, _attribute: object, timeout: float) -> None:
    check_timeout(timeout)


@define(kw_only=True, eq=False)
class HandlerProcess:
    """Runs a handler's process while it is used as an async context manager; call it with events.

    It reads events from its standard input and prints each one back, its response filled in, as
    one line. A handler that raises prints `{"errorMessage": "..."}`, as Lambda does. What it logs
    belongs on its standard error, and is shown on ours.

    Args:
        command: The program and its arguments, quoted as for a shell; no shell runs it.
        timeout: How many seconds one answer may take.

    Raises:
        ConfigError: The command cannot be read, or the time is not positive.
    """

    command: list[str] = field(converter=_split)
    timeout: float = field(default=TIMEOUT, validator=_positive)
    _process: Process | None = field(default=None, init=False)
    _lines: BufferedByteReceiveStream | None = field(default=None, init=False)
    _heard: set[tuple[str, ...]] = field(factory=set, init=False)
    """The texts that processes wrote to their standard error: each is shown once."""
    _complaints: Complaints = field(factory=Complaints, init=False)
    _answered: dict[str, Any] | None = field(default=None, init=False)
    """The last event that the running process has answered."""
    _ever_answered: bool = field(default=False, init=False)
    _timeouts: int = field(default=0, init=False)

    async def __aenter__(self) -> Self:
        """Start the process.

        Raises:
            ConfigError: There is no such program, or it must not be run.
        """
        await self._start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the process."""
        await self._end()

    async def __call__(self, event: dict[str, Any]) -> Any:
        """Send an event to the handler, and return its answer.

        Args:
            event: The event.

        Returns:
            What the handler printed.

        Raises:
            DefineFailedError: It raised, ended, was too slow, or did not print JSON.
        """
        try:
            given = await self._ask(event)
        except _EndedError:
            # The handler may be made for one event. A new process has no answer to end after.
            given = await self._ask(event)
        if isinstance(given, dict) and "errorMessage" in given and "response" not in given:
            msg = f"raises: {given['errorMessage']}"
            raise DefineFailedError(msg)
        return given

    async def _ask(self, event: dict[str, Any]) -> Any:
        is_answer = False
        try:
            given = _read(await self._answer(json.dumps(event).encode() + b"\n"))
            self._ever_answered = True
            if self._is_late(given, event):
                raise DefineFailedError(_MANY_LINES)
            is_answer = isinstance(given, dict) and not given.keys().isdisjoint(_OF_ANSWERS)
        finally:
            if not is_answer:
                # Later output of this process would be taken for the answer to the next event.
                await self._end()
        self._answered = event
        return given

    def _is_late(self, given: Any, event: dict[str, Any]) -> bool:
        """Return whether a line too many came, or the answer to the event before."""
        if self._lines is not None and self._lines.buffer.strip():
            return True
        about = given.get("request") if isinstance(given, dict) else None
        before = None if self._answered is None else self._answered.get("request")
        return about is not None and about == before != event.get("request")

    async def _answer(self, line: bytes) -> bytes:
        too_slow = f"does not answer within {self.timeout:g} seconds; --timeout gives it more"
        if self._timeouts >= (_MOST_TIMEOUTS if self._ever_answered else 1):
            raise DefineFailedError(too_slow)
        try:
            with anyio.fail_after(self.timeout):
                return await self._exchange(line)
        except TimeoutError:
            self._timeouts += 1
            raise DefineFailedError(too_slow) from None
        except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError, OSError):
            unended = b"" if self._lines is None else self._lines.buffer.strip()
            code = await self._exit_code()
            if unended and not code:
                await self._end()  # it ended, even if others hold its output
                return unended
            raise self._ended(code) from None
        except anyio.DelimiterNotFound:
            msg = f"prints a line of more than {_LINE_BYTES} bytes"
            raise DefineFailedError(msg) from None

    async def _exit_code(self) -> int | None:
        """Wait for the process to end, and return its exit code; None if it goes on."""
        if self._process is not None:
            with anyio.move_on_after(_EXIT_TIMEOUT):
                return await self._process.wait()
        return None

    def _ended(self, code: int | None) -> DefineFailedError:
        """Return the error for a process that has ended: how it ended, and why if it said so."""
        if code is None:
            return DefineFailedError("closes its output instead of answering")
        if code == 0 and self._answered is not None:
            return _EndedError("ends instead of answering")
        how = f"with exit code {code}" if code >= 0 else f"by signal {-code}"
        why = self._complaints.last()
        if code == 0 and not why:
            why = "it must go on until its input ends"
        return DefineFailedError(f"ends {how} instead of answering{why and ': '}{why}")

    async def _exchange(self, line: bytes) -> bytes:
        process, lines = await self._start()
        assert process.stdin is not None  # noqa: S101  # it was opened as a pipe
        await process.stdin.send(line)
        return await lines.receive_until(b"\n", _LINE_BYTES)

    async def _start(self) -> tuple[Process, BufferedByteReceiveStream]:
        if self._process is None or self._lines is None:
            self._answered, self._complaints = None, Complaints(heard=self._heard)
            with self._complaints.open() as errors:
                try:
                    self._process = await anyio.open_process(
                        self.command,
                        stdin=PIPE,
                        stdout=PIPE,
                        stderr=errors,
                        start_new_session=_HAS_GROUPS,
                    )
                except (OSError, ValueError) as error:
                    # A command that contains a NUL character raises a ValueError.
                    why = getattr(error, "strerror", None) or str(error)
                    msg = f"cannot run {_quoted(self.command[0])}: {why}"
                    raise ConfigError(msg) from error
            assert self._process.stdout is not None  # noqa: S101  # it was opened as a pipe
            self._lines = BufferedByteReceiveStream(self._process.stdout)
        return self._process, self._lines

    async def _end(self) -> None:
        process, self._process, self._lines = self._process, None, None
        if process is None:
            return
        _kill(process)
        try:
            with anyio.CancelScope(shield=True):
                await process.aclose()
        finally:
            self._complaints.finish()


def _kill(process: Process) -> None:
    """End a process and all that it started: a shell may end before the programs that it runs."""
    if sys.platform != "win32":
        # Once a group's last process has ended, Linux finds no such group, and macOS forbids this.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.returncode is None:
        process.kill()


def _read(line: bytes) -> Any:
    try:
        return json.loads(line)
    except RecursionError:
        msg = "prints JSON that is nested too deeply"
        raise DefineFailedError(msg) from None
    except ValueError:
        shown = _quoted(line.decode(errors="replace")) if line.strip() else "an empty line"
        msg = f"prints {shown}, which is not JSON; what it logs belongs on its standard error"
        raise DefineFailedError(msg) from None
