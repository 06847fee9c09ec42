"""A handler in a process of its own: real processes, and all the ways in which they fail."""

import sys
from typing import Any

import anyio
import pytest

from authflow.cli.handler_process import HandlerProcess
from authflow.errors import ConfigError
from authflow.triggers.check.define_paths import DefineFailedError

EVENT: dict[str, Any] = {"request": {"session": []}, "response": None, "text": "line\nbreak ü"}

LOOP = """
import json, os, sys
for line in sys.stdin:
    event = json.loads(line)
    {body}
    print(json.dumps(event), flush=True)
"""


@pytest.fixture
def handler(tmp_path):
    """Make a handler's process of what it does with an event."""
    count = iter(range(100))

    def make(body: str, *, timeout: float = 20) -> HandlerProcess:
        program = tmp_path / f"handler{next(count)}.py"
        program.write_text(LOOP.format(body=body))
        return HandlerProcess(command=f"'{sys.executable}' '{program}'", timeout=timeout)

    return make


async def test_one_process_answers_event_after_event(handler):
    async with handler("event['response'] = os.getpid()") as process:
        replies = [await process(EVENT) for _ in range(3)]
    assert len({reply.pop("response") for reply in replies}) == 1
    assert all(reply["text"] == EVENT["text"] for reply in replies)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("sys.exit(3)", "ends"),
        ("os.close(1); sys.stdin.read()", "closes its output"),
        ("print('debugging')", "not JSON"),
        ("os.write(1, b'\\xff\\n')", "not JSON"),
        ("event = {'errorMessage': 'no such user'}", "raises: no such user"),
    ],
)
async def test_a_process_that_does_not_answer_says_so(handler, body, why):
    async with handler(body) as process:
        with pytest.raises(DefineFailedError, match=why):
            await process(EVENT)


async def test_a_process_that_is_too_slow_is_ended(handler):
    async with handler("sys.stdin.read()", timeout=0.2) as process:
        with pytest.raises(DefineFailedError, match=r"does not answer within 0\.2 seconds"):
            await process(EVENT)


async def test_a_line_without_an_end_is_cut_off(handler):
    async with handler("os.write(1, b'x' * 7_000_000)") as process:
        with pytest.raises(DefineFailedError, match="bytes"):
            await process(EVENT)


async def test_after_a_failure_a_new_process_answers_the_next_event(handler):
    async with handler("event.get('die') and sys.exit(1)") as process:
        assert await process(EVENT) == EVENT
        with pytest.raises(DefineFailedError):
            await process({**EVENT, "die": True})
        assert await process(EVENT) == EVENT


async def test_the_process_is_gone_afterwards_even_if_it_does_not_listen(handler):
    async with handler("event['pid'] = os.getpid()") as process:
        pid = (await process(EVENT))["pid"]
    await _is_gone(pid)


async def test_cancelling_an_answer_propagates_and_ends_the_process(handler):
    async with handler(
        "event.get('hang') and sys.stdin.read(); event['pid'] = os.getpid()"
    ) as ours:
        pid = (await ours(EVENT))["pid"]
        with anyio.move_on_after(0.2) as scope:
            await ours({**EVENT, "hang": True})
        assert scope.cancelled_caught
    await _is_gone(pid)


async def _is_gone(pid: int) -> None:
    import os

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("command", ["", "  ", "node 'unfinished"])
def test_a_command_that_cannot_be_read_is_refused(command):
    with pytest.raises(ConfigError, match="command"):
        HandlerProcess(command=command)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_a_time_that_is_not_positive_is_refused(timeout):
    with pytest.raises(ConfigError, match="timeout"):
        HandlerProcess(command="node", timeout=timeout)


@pytest.mark.parametrize("command", ["no-such-program-anywhere", "/"])
async def test_a_program_that_cannot_be_run_is_told_at_the_start(command):
    with pytest.raises(ConfigError, match="cannot run"):
        async with HandlerProcess(command=command):
            pass
