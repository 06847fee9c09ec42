"""Whoever logs waits for nobody who reads."""

import io
import logging
import os
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from authflow.cli.log_thread import LogThread

ENDS = """
import logging, sys
from authflow.cli.serve_command import logging_to
with logging_to(sys.stderr, verbose=False):
    for _ in range(20_000):
        logging.getLogger("authflow.pool").warning("x" * 100)
print("ended")
"""


def record(text):
    return logging.LogRecord("authflow.pool", logging.WARNING, "", 0, text, (), None)


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    with open(reading, encoding="utf-8") as ours, open(writing, "w", encoding="utf-8") as theirs:
        yield ours, theirs


def test_what_nobody_reads_keeps_nobody_and_what_is_missing_is_told(pipe):
    ours, theirs = pipe
    os.set_blocking(theirs.fileno(), False)
    with suppress(BlockingIOError):
        while True:
            os.write(theirs.fileno(), b"before\n")
    os.set_blocking(theirs.fileno(), True)
    handler = LogThread(theirs, most=10, end_timeout=0.05)
    begun = time.monotonic()
    for _ in range(300):
        handler.emit(record("x" * 1000))
    assert time.monotonic() - begun < 5
    while not handler._lines.empty():
        ours.readline()  # now there is room again
    handler.emit(record("later"))
    lines = iter(ours.readline, "later\n")
    assert [line for line in lines if line.startswith("(here ")]
    handler.close()


@pytest.mark.parametrize("most", [5, 100])
def test_at_the_end_all_is_written_in_order(pipe, most):
    ours, theirs = pipe
    handler = LogThread(theirs, most=100)
    for number in range(most):
        handler.emit(record(f"{number} é"))
    handler.close()
    assert [ours.readline() for _ in range(most)] == [f"{number} é\n" for number in range(most)]


def test_a_stream_that_is_no_file_is_written_to():
    stream = io.StringIO()
    handler = LogThread(stream)
    handler.emit(record("hello"))
    handler.close()
    assert stream.getvalue() == "hello\n"


def test_a_process_ends_though_nobody_reads_what_it_logged():
    process = subprocess.Popen(
        [sys.executable, "-c", ENDS], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        assert process.stdout.readline() == b"ended\n"
        assert process.wait(20) == 0
