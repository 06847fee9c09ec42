"""A handler in a process of its own: real processes, and all the ways in which they fail."""

import json
import os
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
        ("sys.exit(3)", r"^ends with exit code 3 instead of answering$"),
        (
            "sys.exit(0)",
            r"^ends with exit code 0 instead of answering: it must go on until its input ends$",
        ),
        ("os.kill(os.getpid(), 9)", r"^ends by signal 9 instead of answering$"),
        ("sys.exit('no luck \\x1b[2J')", r"exit code 1 instead of answering: no luck \\x1b\[2J$"),
        ("json.loads('')", r"exit code 1 instead of answering: json\S+Error: Expecting value"),
        ("os.close(1); sys.stdin.read()", "^closes its output"),
        ("os.close(0); os.close(1); sys.exit(0)", "^ends|^closes"),
        ("print('debugging')", r"^prints 'debugging', which is not JSON; .* standard error$"),
        ("print('\\x1b[2J' + 'x' * 999)", r"^prints '\\x1b\[2Jx{40,60}', which is not JSON"),
        ("print()", "^prints an empty line, which is not JSON"),
        ("print('{\\'single\\': 1}')", "not JSON"),
        ("print('[' * 100_000)", "nested too deeply"),
        ("os.write(1, b'\\xff\\n')", "not JSON"),
        ("event = {'errorMessage': 'no such user'}", "^raises: no such user$"),
        ("event = {'errorMessage': None, 'errorType': 'X'}", "^raises: None$"),
    ],
)
async def test_a_process_that_does_not_answer_says_so(handler, body, why):
    async with handler(body) as process:
        for _ in range(2):
            with pytest.raises(DefineFailedError, match=why):
                await process(EVENT)


async def said(process: HandlerProcess, number: int) -> Any:
    """Ask about one of several events; what is said is the answer, or why there is none."""
    try:
        return await process({**EVENT, "request": {"number": number}})
    except DefineFailedError as error:
        return str(error)


@pytest.mark.parametrize("line", ["{}", "null", "7", "[]", '{"level": "info"}'])
async def test_what_is_no_answer_does_not_shift_the_answers_after_it(handler, line):
    async with handler(f"print({line!r}, flush=True)") as process:
        for number in range(3):
            told = await said(process, number)
            assert told == json.loads(line) or told.startswith("prints more than one line")


async def test_an_answer_that_names_no_event_is_not_taken_for_a_later_one(handler):
    body = "print('null', flush=True); event = {'response': event['request']['number']}"
    async with handler(body) as process:
        told = [await said(process, number) for number in range(4)]
    assert all(each is None or str(each).startswith("prints more than one") for each in told)


async def test_an_answer_that_is_given_twice_is_not_taken_for_the_next_one(handler):
    async with handler("print(json.dumps(event), flush=True)") as process:
        told = [await said(process, number) for number in range(4)]
    right = [{**EVENT, "request": {"number": number}} for number in range(4)]
    late = [each for each, answer in zip(told, right, strict=True) if each != answer]
    assert late
    assert all(each.startswith("prints more than one line") for each in late)


async def test_a_process_may_answer_one_event_and_end(handler):
    async with handler("print(json.dumps(event), flush=True); sys.exit(0)") as process:
        assert [await process(EVENT) for _ in range(3)] == [EVENT] * 3


ONE_SHOT = """
import json, os, sys
event = json.loads(sys.stdin.readline())
{body}
"""


@pytest.fixture
def one_shot(tmp_path):
    """Make a process that answers one event."""

    def make(body: str) -> HandlerProcess:
        program = tmp_path / "one_shot.py"
        program.write_text(ONE_SHOT.format(body=body))
        return HandlerProcess(command=f"'{sys.executable}' '{program}'", timeout=20)

    return make


@pytest.mark.parametrize(
    "body",
    [
        "sys.stdout.write(json.dumps(event))",
        "sys.stdout.write('  ' + json.dumps(event, indent=None) + '  ')",
        "sys.stdout.write(json.dumps(event)); sys.exit(0)",
        "os.write(1, json.dumps(event).encode()); os._exit(0)",
    ],
)
async def test_an_answer_may_end_with_the_output_instead_of_a_line(one_shot, body):
    events = [{**EVENT, "request": {"number": number}} for number in range(3)]
    async with one_shot(body) as process:
        assert [await process(event) for event in events] == events
        assert await process(events[-1]) == events[-1]


async def test_an_answer_may_end_with_the_output_though_its_process_goes_on(one_shot):
    async with one_shot(
        "os.write(1, json.dumps(event).encode()); os.close(1); sys.stdin.read()"
    ) as process:
        assert await process(EVENT) == EVENT


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("sys.stdout.write(json.dumps(event)); sys.exit(3)", "^ends with exit code 3 instead"),
        ("os.write(1, json.dumps(event).encode()); os.kill(os.getpid(), 9)", "^ends by signal 9"),
        ("sys.stdout.write(json.dumps(event)[:-1])", "which is not JSON"),
        ("sys.stdout.write('  ')", "^ends with exit code 0 instead of answering"),
        ('sys.stdout.write(\'{"errorMessage": "no luck"}\')', "^raises: no luck$"),
    ],
)
async def test_output_that_ends_within_a_line_is_no_answer_of_a_process_that_fails(
    one_shot, body, why
):
    async with one_shot(body) as process:
        for _ in range(2):
            with pytest.raises(DefineFailedError, match=why):
                await process(EVENT)


async def test_a_process_that_dies_after_an_answer_is_not_taken_for_one_that_ends(handler):
    body = "n = globals().setdefault('seen', []); n.append(1); len(n) > 1 and sys.exit(4)"
    async with handler(body) as process:
        assert await process(EVENT) == EVENT
        with pytest.raises(DefineFailedError, match="exit code 4"):
            await process(EVENT)


async def test_a_process_that_never_answers_costs_one_time_out(handler):
    async with handler("sys.stdin.read()", timeout=0.7) as process:
        began = anyio.current_time()
        for _ in range(50):
            with pytest.raises(DefineFailedError, match=r"within 0\.7 seconds; --timeout"):
                await process(EVENT)
        assert anyio.current_time() - began < 50 * 0.7


async def test_a_process_that_is_often_too_slow_is_not_asked_for_ever(handler):
    async with handler("event.get('hang') and sys.stdin.read()", timeout=2) as process:
        assert await process(EVENT) == EVENT
        process.timeout = 0.3
        began = anyio.current_time()
        for _ in range(50):
            with pytest.raises(DefineFailedError, match="does not answer"):
                await process({**EVENT, "hang": True})
        assert anyio.current_time() - began < 50 * 0.3


async def test_what_it_logs_is_shown_without_steering_the_terminal(handler, capfd):
    async with handler("print('seen \\x1b[2J', file=sys.stderr, flush=True)") as process:
        assert await process(EVENT) == EVENT
    assert capfd.readouterr().err == "seen \\x1b[2J\n"


async def test_what_each_new_process_says_alike_is_shown_once(handler, capfd):
    async with handler("sys.exit('no such module\\nat all')") as process:
        for _ in range(3):
            with pytest.raises(DefineFailedError, match="at all"):
                await process(EVENT)
    assert capfd.readouterr().err == "no such module\nat all\n"


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


@pytest.mark.skipif(sys.platform == "win32", reason="it has no process groups")
@pytest.mark.parametrize(
    "then",
    [
        "sleep 47; true",
        "sleep 47 & cat",
        "sleep 47 </dev/null >/dev/null 2>&1 & wait",
        "sleep 47 </dev/null >/dev/null 2>&1 & read event; exit 3",
    ],
)
async def test_what_a_process_started_ends_with_it(then, tmp_path):
    file = tmp_path / "held"
    os.mkfifo(file)
    reading = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    try:
        async with HandlerProcess(
            command=f"sh -c 'exec 3>\"{file}\"; echo begun >&3; {then}'"
        ) as process:
            with anyio.fail_after(20):
                await anyio.wait_readable(reading)
            if "exit" in then:
                with pytest.raises(DefineFailedError, match="exit code 3"):
                    await process(EVENT)
        assert os.read(reading, 99) == b"begun\n"
        with anyio.fail_after(5):
            await anyio.wait_readable(reading)
        assert os.read(reading, 99) == b""  # nobody has it open any more
    finally:
        os.close(reading)


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
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize(
    "command", ["", "  ", "node 'unfinished", 'node "unfinished', "node \\", "node '\x1b[2J"]
)
def test_a_command_that_cannot_be_read_is_refused(command):
    with pytest.raises(ConfigError, match="command") as told:
        HandlerProcess(command=command)
    assert str(told.value).isprintable()


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_a_time_that_is_not_positive_is_refused(timeout):
    with pytest.raises(ConfigError, match="timeout"):
        HandlerProcess(command="node", timeout=timeout)


@pytest.mark.parametrize(
    "command", ["no-such-program-anywhere", "/", "''", "/etc/passwd", "a\0b", "'no\x1b[2Jsuch'"]
)
async def test_a_program_that_cannot_be_run_is_told_at_the_start(command):
    with pytest.raises(ConfigError, match="cannot run") as told:
        async with HandlerProcess(command=command):
            pass
    assert str(told.value).isprintable()


async def test_a_file_that_is_no_program_is_told_at_the_start(tmp_path):
    program = tmp_path / "define"
    program.write_bytes(b"\x00\x01no program")
    program.chmod(0o755)
    with pytest.raises(ConfigError, match="cannot run"):
        async with HandlerProcess(command=str(program)):
            pass
