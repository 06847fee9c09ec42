"""The command `authflow`, from its start to its exit code; it is not in the package `authflow`.

Another distribution installs a top-level package `authflow` as well, and then one's files lie over
the other's. What starts the command must be able to say so, whatever `authflow` is by then. It
imports nothing but Python's own library before it may be interrupted.
"""

import _thread
import os
import signal
import sys
import time

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
_GRACE = 2.0
"""Seconds for a clean-up; a thread that runs a user's code cannot be ended."""
_FAILED = 1
_TEXT_CHARS = 200
_NOT_WHOLE = (
    "run `pip install --force-reinstall cognito-authflow`; `python -c 'import authflow.cli'` shows"
    " where it fails"
)


class _Ended:
    """Ends the process's work on a signal, with a clean-up and no traceback.

    The second signal is not waited for: it ends the process at once, as it would have done before.
    """

    def __init__(self) -> None:
        self.code: int | None = None
        """The exit code of a process that a signal ended: 128 + its number, as in shells."""

    def watch(self) -> None:
        """Handle the signals from now on, but not those that are ignored (SIGHUP under nohup)."""
        for name in _ENDING:
            number = getattr(signal, name, None)  # Windows lacks some of them
            if number is not None and signal.getsignal(number) in {
                signal.SIG_DFL,
                signal.default_int_handler,
            }:
                signal.signal(number, self)

    def leave(self) -> None:
        """Restore the signals' default action, since nothing is left to clean up."""
        for name in _ENDING:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) in {
                self,
                signal.default_int_handler,
            }:
                signal.signal(number, signal.SIG_DFL)

    def __call__(self, number: int, _frame: object) -> None:
        self.code = 128 + number
        self.leave()
        _thread.start_new_thread(_insist, (self.code,))
        raise KeyboardInterrupt


def _insist(code: int) -> None:
    time.sleep(_GRACE)
    os._exit(code)


def main() -> int:
    """Run the command line as a process.

    Returns:
        The exit code: what the command gives; 130 if Ctrl-C ended it, 143 if SIGTERM did; 1 if
        `authflow` cannot be imported, as where another distribution's files lie over it.
    """
    ended = _Ended()
    code = _FAILED
    try:
        ended.watch()
        code = _run()
    except KeyboardInterrupt:
        pass
    finally:
        ended.leave()
    return code if ended.code is None else ended.code


def _run() -> int:
    started = False
    try:
        from authflow.cli import main as run  # noqa: PLC0415  # it may be another's `authflow`

        started = True
        return run()
    except Exception as error:
        from cognito_authflow.shadowing import advice, mixed  # noqa: PLC0415  # seldom needed

        told = advice() or mixed()
        if told is None:
            if started:
                raise  # a fault of the command itself
            told = f"it cannot be imported: {_NOT_WHOLE}"
        if sys.stderr is not None:
            # `authflow.printable` may belong to the other distribution, too.
            text = ascii(str(error))[:_TEXT_CHARS]
            sys.stderr.write(f"authflow: {told} ({type(error).__name__}: {text})\n")
        return _FAILED
