"""Runs the tests of one module again and again, in a process that has loaded all but our own code.

To load pytest, its plugins and what the tests import takes longer than most modules' tests. So a
server loads it once, forgets all that came from the checkout, and forks for each run: the fork
imports the checkout as it is by then. cosmic-ray's test command is the other part of this file,
which asks the server and ends as the tests did; when it is killed, the server kills the run. The
server ends when its standard input does, so it outlives nobody: a killed worker closes it, too.

    python mutant_tests.py SOCKET       # the test command
"""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Self

_BACKGROUND = ("-p", "no:randomly", "-p", "no:cacheprovider", "-p", "mutant_examples")
_OPTIONS = (
    *("-x", "-q", *_BACKGROUND, "--hypothesis-profile", "mutants", "--hypothesis-seed", "0"),
    *("--timeout", "120", "-W", "ignore::pytest.PytestAssertRewriteWarning"),  # it is loaded
)


class TestServer:
    """The server of a module's tests, in the folder where the caller is.

    Args:
        tests: Their files or folders.
        address: Where its socket will be.
        python: The interpreter that has pytest.
    """

    running: ClassVar[set[Self]] = set()
    """The servers that this process has begun, and that have not ended."""

    def __init__(self, tests: Sequence[str], address: Path, python: str) -> None:
        self.command = (python, "-I", "-S", __file__, str(address))
        self._served = (python, __file__, str(address), *tests)
        self._address = address

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._served, stdin=subprocess.PIPE)
        self.running.add(self)
        while not self._address.exists() and self._process.poll() is None:
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._address.unlink(missing_ok=True)

    def end(self) -> None:
        """End the server, and the tests that it runs."""
        with suppress(subprocess.TimeoutExpired):
            self._process.communicate(timeout=5)  # it closes the server's standard input
        self._process.kill()  # while it loads what the tests import, it reads no input
        self._process.wait()
        self.running.discard(self)


def serve(address: str, tests: Sequence[str]) -> None:
    """Run the tests for each who connects, one after the other, until the standard input ends.

    Args:
        address: Where the socket is made.
        tests: Files or folders of tests.
    """
    import gc  # noqa: PLC0415  # the command starts with as little as it can
    from contextlib import redirect_stdout  # noqa: PLC0415

    import pytest  # noqa: PLC0415

    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        pytest.main(["--collect-only", *_OPTIONS, *tests])
    ours = f"{Path.cwd()}{os.sep}"
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(ours):
            del sys.modules[name]
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(f"{address}.new")
        door.listen()
        Path(f"{address}.new").rename(address)
        while sys.stdin not in select.select([door, sys.stdin], [], [])[0]:
            asked, _ = door.accept()
            with asked:
                _run(asked, tests)


def _run(asked: socket.socket, tests: Sequence[str]) -> None:
    run = os.fork()
    if run == 0:
        import pytest  # noqa: PLC0415

        os.setsid()
        for output in (1, 2):
            os.dup2(asked.fileno(), output)
        code = 70
        try:
            code = int(pytest.main([*_OPTIONS, *tests]))
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    ended = os.pidfd_open(run)
    try:
        found = select.select([ended, asked.fileno(), sys.stdin], [], [])[0]
        if ended not in found:  # who asked has gone, or who began the server
            os.kill(run, signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.killpg(run, signal.SIGKILL)  # and what the tests have left running
        _, status = os.waitpid(run, 0)
    finally:
        os.close(ended)
    with suppress(OSError):
        asked.sendall(f"\n{os.waitstatus_to_exitcode(status)}".encode())


def ask(address: str) -> int:
    """Have the tests run, and print what they do.

    Returns:
        What pytest ended with.
    """
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(address)
        told = b"".join(iter(lambda: asking.recv(65536), b""))
    output, _, code = told.rpartition(b"\n")
    sys.stdout.buffer.write(output)
    return int(code)


if __name__ == "__main__":
    if sys.argv[2:]:
        serve(sys.argv[1], sys.argv[2:])
    sys.exit(ask(sys.argv[1]))
