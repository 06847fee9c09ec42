"""A Define trigger in a process of its own, in any language: one JSON event a line, both ways.

The process is started once and asked again and again. One that ended, was too slow or printed
something else is ended, and the next event gets a new one.
"""

import json
import shlex
from subprocess import PIPE
from types import TracebackType
from typing import Any, Final, Self

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from attrs import define, field

from authflow.errors import ConfigError
from authflow.triggers.check.define_paths import DefineFailedError

TIMEOUT: Final = 5.0
"""How many seconds an answer may take: as many as Cognito waits for a trigger."""

_LINE_BYTES: Final = 6 * 1024 * 1024  # as much as Lambda lets a function return


def _split(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        msg = f"the command {command!r:.80} cannot be read: {error}"
        raise ConfigError(msg) from error
    if not words:
        msg = "the command is empty: name a program that reads events and prints them"
        raise ConfigError(msg)
    return words


def _positive(_instance: object, _attribute: object, timeout: float) -> None:
    if not 0 < timeout < float("inf"):
        msg = f"timeout: an answer may take more than 0 seconds, not {timeout}"
        raise ConfigError(msg)


@define(kw_only=True, eq=False)
class HandlerProcess:
    """Runs a handler's process while it is used as an async context manager; call it with events.

    It reads events from its standard input and prints each one back, its response filled in, as
    one line. A handler that raises prints `{"errorMessage": "..."}`, as Lambda does. What it logs
    goes to its standard error, which is ours.

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
        """Give an event to the handler.

        Args:
            event: The event.

        Returns:
            What the handler printed.

        Raises:
            DefineFailedError: It raised, ended, was too slow, or did not print JSON.
        """
        answered = False
        try:
            with anyio.fail_after(self.timeout):
                given = json.loads(await self._exchange(json.dumps(event).encode() + b"\n"))
            answered = True
        except TimeoutError:
            msg = f"does not answer within {self.timeout:g} seconds"
            raise DefineFailedError(msg) from None
        except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError):
            msg = "ends, or closes its output, instead of answering"
            raise DefineFailedError(msg) from None
        except anyio.DelimiterNotFound:
            msg = f"prints a line of more than {_LINE_BYTES} bytes"
            raise DefineFailedError(msg) from None
        except ValueError:
            msg = "prints a line that is not JSON; what it logs belongs on its standard error"
            raise DefineFailedError(msg) from None
        finally:
            if not answered:
                # What it prints from now on would be taken for the answer to the next event.
                await self._end()
        if isinstance(given, dict) and "errorMessage" in given and "response" not in given:
            msg = f"raises: {given['errorMessage']}"
            raise DefineFailedError(msg)
        return given

    async def _exchange(self, line: bytes) -> bytes:
        process, lines = await self._start()
        assert process.stdin is not None  # noqa: S101  # it was opened as a pipe
        await process.stdin.send(line)
        return await lines.receive_until(b"\n", _LINE_BYTES)

    async def _start(self) -> tuple[Process, BufferedByteReceiveStream]:
        if self._process is None or self._lines is None:
            try:
                self._process = await anyio.open_process(
                    self.command, stdin=PIPE, stdout=PIPE, stderr=None
                )
            except OSError as error:
                msg = f"cannot run {self.command[0]!r:.80}: {error.strerror}"
                raise ConfigError(msg) from error
            assert self._process.stdout is not None  # noqa: S101  # it was opened as a pipe
            self._lines = BufferedByteReceiveStream(self._process.stdout)
        return self._process, self._lines

    async def _end(self) -> None:
        process, self._process, self._lines = self._process, None, None
        if process is None:
            return
        with anyio.CancelScope(shield=True):
            if process.returncode is None:
                process.kill()
            await process.aclose()
