"""A call that is interrupted, and the errors of calls."""

import linecache
import signal
import socket
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest
from attrs import evolve

from authflow import (
    AuthFlow,
    BadCredentialsError,
    OutcomeUnknownError,
    SignedIn,
    sync,
)
from authflow.errors import TimedOutError
from authflow.sync import call as call_module
from authflow.sync.call import Call
from authflow.sync.face import Face
from authflow.sync.shared_loop import SharedLoop, current

PASSWORD = "Correct-horse-1"


def interrupted_by(program) -> list[str]:
    """Ctrl-C by a real signal, once the program says that it waits."""
    assert program.line() == "waits"
    program.interrupt()
    return program.lines()


def test_ctrl_c_ends_a_call_that_waits_for_the_server_and_the_client_goes_on(run):
    lines = interrupted_by(run("interrupted", "server"))
    assert lines == ["KeyboardInterrupt", "the request was broken off: True", "SignedIn"]


def test_ctrl_c_as_a_call_begins_ends_it(monkeypatch):
    begin, begun = SharedLoop.begin, []

    def interrupted(loop, call):
        begin(loop, call)
        begun.append(call)
        raise KeyboardInterrupt

    async def waits(_):
        await anyio.sleep_forever()

    monkeypatch.setattr(SharedLoop, "begin", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Face(None)._prepare(waits).result()
    with pytest.raises(OutcomeUnknownError):
        begun[0].result()


def test_ctrl_c_at_whatever_line_leaves_no_call_for_which_nobody_waits():
    """The lines are those of `authflow.sync`, up to the one that waits for the call's end."""
    face, ours = Face(None), str(Path(call_module.__file__).parent)
    waiting = "job = self._inbox.get"

    async def waits(_):
        await anyio.sleep_forever()

    async def passes(_):
        await anyio.sleep(0.001)

    def interrupt_at(number: int) -> str:
        """Raise KeyboardInterrupt at a line of a call; return which one it was."""
        seen, last = 0, ""

        def trace(frame, event, _):
            nonlocal seen, last
            if not frame.f_code.co_filename.startswith(ours):
                return None
            if event == "line" and seen < number:
                seen += 1
                last = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
                if seen == number or last.startswith(waiting):
                    seen = number
                    raise KeyboardInterrupt
            return trace

        sys.settrace(trace)  # this thread's own
        with pytest.raises(KeyboardInterrupt):
            face._prepare(waits).result()
        return last

    assert sys.exc_info() == (None, None, None)
    face._prepare(passes).result()
    before, lines = set(current()._calls), []
    while not lines or not lines[-1].startswith(waiting):
        # What a trace function raises in an `except` stays this thread's error for ever.
        with ThreadPoolExecutor(1) as thread:
            lines.append(thread.submit(interrupt_at, len(lines) + 1).result())
        face._prepare(passes).result()
        assert set(current()._calls) <= before, lines[-1]
    assert any(line.startswith("self.loop.call_soon_threadsafe") for line in lines)
    assert len(lines) > 10
    assert sys.exc_info() == (None, None, None)


def test_ctrl_c_ends_a_call_that_waits_for_a_person(run):
    lines = interrupted_by(run("interrupted", "person"))
    assert lines == ["KeyboardInterrupt", "the prompt was cancelled: True", "SignedIn"]


def test_ctrl_c_ends_a_plain_prompt_in_its_own_thread(run):
    lines = interrupted_by(run("interrupted", "plain"))
    assert lines == ["KeyboardInterrupt", "SignedIn"]


def test_ctrl_c_that_nobody_catches_ends_the_program(run):
    program = run("interrupted", "uncaught")
    assert program.line() == "waits"
    program.interrupt()
    _, failed = program.process.communicate(timeout=20)
    assert program.process.returncode == -signal.SIGINT
    assert failed.rstrip().endswith("KeyboardInterrupt")
    assert "Correct-horse" not in failed.replace('auth.sign_in("ada", "Correct-horse-1")', "")


def test_errors_keep_their_class_and_lead_to_the_line_that_called(auth):
    with pytest.raises(BadCredentialsError) as refused:
        auth.sign_in("ada", "wrong")
    frames = traceback.extract_tb(refused.value.__traceback__)
    assert frames[0].filename == __file__
    assert {"authflow"} >= {
        frame.f_globals["__name__"].partition(".")[0]
        for frame, _ in traceback.walk_tb(refused.value.__traceback__)
        if frame.f_code.co_filename != __file__
    }
    with pytest.raises(TypeError, match="unexpected keyword argument 'pasword'"):
        auth.sign_in("ada", pasword=PASSWORD)


def test_what_a_prompt_raises_that_is_no_error_of_ours_comes_out_as_it_is(pool):
    class Person:
        async def ask(self, question: str, *, hidden: bool = False) -> str:
            raise SystemExit(3)

    class Word:
        name = "word"

        async def answer(self, challenge, prompt):
            return await prompt.ask("?")

    with sync.AuthClient(pool.config, challenges=[Word]) as auth:
        with pytest.raises(SystemExit) as left:
            auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=Person())
        assert left.value.code == 3
        assert isinstance(auth.sign_in("ada", PASSWORD), SignedIn)


def test_a_time_limit_holds(pool):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        config = evolve(pool.config, endpoint=endpoint, request_timeout=0.2)
        with sync.AuthClient(config) as auth, pytest.raises(TimedOutError, match=r"0\.2 seconds"):
            auth.sign_in("ada", PASSWORD)


def test_a_call_whose_loop_has_gone_is_given_up():
    async def never(_: object) -> None:
        raise AssertionError

    call = Call(never, lambda call: call.begin(lambda: None, lambda: False))
    with pytest.raises(OutcomeUnknownError, match="the program ends"):
        call.result()


def test_a_second_interruption_is_not_kept_waiting(monkeypatch):
    monkeypatch.setattr("authflow.sync.call._END_TIMEOUT", 30.0)
    monkeypatch.setattr("authflow.sync.call._LOOK_TIMEOUT", 0.01)
    waits, cancelled = threading.Event(), threading.Event()

    def is_alive() -> bool:
        waits.set()
        return True

    async def never(_: object) -> None:
        raise AssertionError

    call = Call(never, lambda call: call.begin(cancelled.set, is_alive))
    main = threading.main_thread().ident
    assert main is not None

    def press() -> None:
        waits.wait(20)
        signal.pthread_kill(main, signal.SIGINT)
        cancelled.wait(20)
        signal.pthread_kill(main, signal.SIGINT)

    person = threading.Thread(target=press)
    person.start()
    with pytest.raises(KeyboardInterrupt):
        call.result()
    person.join()
    assert cancelled.is_set()
