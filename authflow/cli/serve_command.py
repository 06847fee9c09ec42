"""`authflow serve`: loads and checks everything, then serves until a signal; reports on stderr."""

import argparse
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, TextIO

import anyio

from authflow.cli.log_thread import LogThread
from authflow.errors import ConfigError
from authflow.pool import Budget
from authflow.pool.admission.gate import MAX_WAIT, NAME_BUDGET
from authflow.pool.server import serve
from authflow.pool.triggers.trigger_loading import load_triggers
from authflow.printable import printable

_MOST_CHARS: Final = 2000
_BURST: Final = 10
"""The default burst, in seconds of the rate."""


def run(options: argparse.Namespace, load: Callable[[str], Any]) -> int:
    """Run the command until a signal ends it.

    Args:
        options: What stands on the command line.
        load: Imports what an option names.

    Returns:
        The exit code.

    Raises:
        ConfigError: A setting is unsafe, or the triggers are broken.
    """
    triggers = None
    if options.triggers is not None:
        triggers = load(options.triggers)
        load_triggers(triggers)
    of_name, of_address = options.name_budget, options.address_budget
    serving = partial(
        serve,
        host=options.host,
        port=options.port,
        db=options.db,
        triggers=triggers,
        lambda_endpoint=options.lambda_endpoint,
        allow_insecure_lambda_endpoint=options.allow_insecure_lambda_endpoint,
        kms_endpoint=options.kms_endpoint,
        allow_insecure_kms_endpoint=options.allow_insecure_kms_endpoint,
        issuer=options.issuer,
        region=options.region,
        allow_remote=options.allow_remote,
        allow_hosts=options.allow_host,
        tokens_survive=options.tokens_survive,
        name_budget=NAME_BUDGET if of_name is None else budget(of_name),
        address_budget=None if of_address is None else budget(of_address),
        max_wait=MAX_WAIT if options.max_wait is None else options.max_wait,
        show_messages=options.show_messages,
    )
    with logging_to(sys.stderr, verbose=options.verbose):
        anyio.run(serving)
    return 0


def budget(text: str) -> Budget:
    """Read `RATE` or `RATE:BURST`.

    Raises:
        ConfigError: It is neither.
    """
    rate, _, burst = text.partition(":")
    try:
        per_second = float(rate)
        return Budget(per_second=per_second, burst=float(burst) if burst else per_second * _BURST)
    except ValueError:
        msg = f"{text!r} is no budget: write RATE or RATE:BURST, such as 50 or 50:500"
        raise ConfigError(msg) from None


@contextmanager
def logging_to(stream: TextIO, *, verbose: bool) -> Iterator[None]:
    """Log the pool's work: refused sign-ins, and each request if this is asked for.

    At the end all is as it was, for whoever runs the command in a program of theirs.
    """
    handler = LogThread(stream)
    handler.setFormatter(OneLine())
    levels = {"authflow.pool": logging.INFO}
    if verbose:
        levels["authflow.pool.requests"] = logging.DEBUG
    loggers = {logging.getLogger(name): level for name, level in levels.items()}
    before = {logger: logger.level for logger in loggers}
    logging.getLogger().addHandler(handler)
    for logger, level in loggers.items():
        logger.setLevel(level)
    try:
        yield
    finally:
        for logger, level in before.items():
            logger.setLevel(level)
        logging.getLogger().removeHandler(handler)
        handler.close()


class OneLine(logging.Formatter):
    """Formats each record as one line, whatever it contains; a traceback's lines are indented."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Write a record so that no text in it can look like a record, or control a terminal."""
        first, *others = super().format(record).split("\n")
        message = record.getMessage()
        if "\n" in message:
            # The message's own line breaks are part of the first line, not of the traceback.
            several = message.count("\n")
            first, others = r"\n".join([first, *others[:several]]), others[several:]
        return "\n".join(
            [printable(first)[:_MOST_CHARS], *(f"    {printable(each)}" for each in others)]
        )
