"""One shared loop in a process, which forks, ends and is refused as it should be."""

import asyncio
import contextvars
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import anyio
import pytest

from authflow import MisuseError, SignedIn, sync
from authflow.errors import OutcomeUnknownError
from authflow.sync import shared_loop
from authflow.sync.call import Call
from authflow.sync.shared_loop import SharedLoop, current

PASSWORD = "Correct-horse-1"


def loops() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "authflow-shared-loop"]


def test_a_hundred_calls_of_32_threads_share_one_client_and_one_shared_loop(auth):
    before = threading.active_count()
    with ThreadPoolExecutor(32) as threads:
        results = [*threads.map(lambda _: auth.sign_in("ada", PASSWORD), range(100))]
    assert [type(each) for each in results] == [SignedIn] * 100
    assert len(loops()) == 1
    assert threading.active_count() < before + 32


def test_a_thousand_calls_of_many_clients_begin_one_shared_loop(pool):
    loop = current()
    verifiers = [sync.TokenVerifier(config=pool.config) for _ in range(10)]
    clients = [sync.AuthClient(pool.config) for _ in range(10)]
    for verifier in verifiers:
        verifier.fetch_keys()
    for _ in range(100):
        for client in clients:
            with pytest.raises(MisuseError, match="username must be a text"):
                client.sign_in("", PASSWORD)
    for client in clients:
        client.close()
    assert current() is loop
    assert len(loops()) == 1


async def test_a_call_from_a_thread_with_an_event_loop_is_refused_and_told_what_to_do(pool):
    client, verifier = sync.AuthClient(pool.config), sync.TokenVerifier(config=pool.config)
    for call in (
        lambda: client.sign_in("ada", PASSWORD),
        lambda: next(sync.AdminClient(pool.config).users()),
        client.__enter__,
        client.close,
        verifier.fetch_keys,
        lambda: verifier.claims("a.b.c", "access"),
    ):
        with pytest.raises(MisuseError, match=r"use the asynchronous client .*asyncio\.to_thread"):
            call()
    assert isinstance(await asyncio.to_thread(client.sign_in, "ada", PASSWORD), SignedIn)
    await asyncio.to_thread(client.close)


async def test_in_a_notebook_calls_are_allowed(pool, monkeypatch):
    """What IPython says in a kernel of Jupyter stands in for the kernel, which is not installed."""
    shell = SimpleNamespace(kernel=None)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    client = sync.AuthClient(pool.config)
    with pytest.raises(MisuseError, match="runs an event loop"):
        client.sign_in("ada", PASSWORD)  # IPython in a terminal has no kernel
    shell.kernel = object()
    try:
        assert isinstance(client.sign_in("ada", PASSWORD), SignedIn)
    finally:
        client.close()


@pytest.mark.parametrize("kind", ["observer", "clock"])
def test_a_call_on_the_loop_itself_is_refused_and_blocks_nothing(pool, kind, monkeypatch):
    monkeypatch.setitem(
        sys.modules,
        "IPython",
        SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object())),
    )  # nor is it allowed in a notebook
    other, refused = sync.AuthClient(pool.config), []

    def calls(*_: object) -> object:
        try:
            other.sign_in("ada", PASSWORD)
        except MisuseError as error:
            refused.append(error)
        return sync.auth_client.utc_now()

    with sync.AuthClient(pool.config, **{kind: calls}) as auth:
        assert isinstance(auth.sign_in("ada", PASSWORD), SignedIn)
    assert refused
    assert all("would wait for itself" in each.message for each in refused)


def test_context_variables_of_the_thread_are_seen_by_what_runs_for_it(pool):
    name, seen = contextvars.ContextVar("name", default="nobody"), []
    with sync.AuthClient(pool.config, observer=lambda _: seen.append(name.get())) as auth:
        for each in ("ada", "bob"):
            context = contextvars.copy_context()
            context.run(name.set, each)
            context.run(auth.sign_in, "ada", PASSWORD)
        auth.sign_in("ada", PASSWORD)
    assert list(dict.fromkeys(seen)) == ["ada", "bob", "nobody"]


def test_the_loop_goes_on_after_an_observer_has_ended_it(pool, caplog):
    """SystemExit ends an event loop, wherever it is raised."""
    exits = [SystemExit("canary")]

    def observe(_: object) -> None:
        if exits:
            raise exits.pop()

    auth = sync.AuthClient(pool.config, observer=observe)
    with pytest.raises(OutcomeUnknownError, match="was broken off"):
        auth.sign_in("ada", PASSWORD)
    assert isinstance(auth.sign_in("ada", PASSWORD), SignedIn)
    auth.close()
    assert len([each for each in loops() if each.is_alive()]) == 1
    assert "the loop of the synchronous calls was ended by SystemExit" in caplog.messages


def test_all_that_nobody_closed_is_closed_at_the_end_though_nobody_has_it_any_more():
    begun, closed = SharedLoop(), []

    async def opens(_: object) -> None:
        for number in range(5):

            async def close(number: int = number) -> None:
                closed.append(number)

            begun.own(object(), close)

    begun.start()
    Call(opens, begun.begin).result()
    begun.end()
    assert sorted(closed) == [*range(5)]


def exits() -> None:
    raise SystemExit


async def never_runs(_: object) -> None:
    raise AssertionError


@pytest.mark.parametrize("how", ["by an error", "in order"])
def test_no_call_begins_on_a_loop_that_is_being_ended(how):
    """Whoever waited for a call that it broke off may call again while its other calls end."""
    begun, seen = SharedLoop(), []

    def come() -> None:
        try:
            begun.begin(Call(never_runs))
        except RuntimeError as error:
            seen.append(str(error))

    async def waits(_: object) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            seen.append(begun.is_alive)
            await asyncio.to_thread(come)

    begun.start()
    call = Call(waits, begun.begin)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(call.result)
        while call.task is None:
            time.sleep(0.001)
        begun.end() if how == "in order" else begun.loop.call_soon_threadsafe(exits)
        with pytest.raises(OutcomeUnknownError, match="was broken off"):
            waiting.result()
    begun._thread.join(20)
    assert seen == [False, "the loop has ended"]


def test_no_call_begins_that_was_handed_over_before_an_error_ended_the_loop():
    """It comes to it while it ends its tasks."""
    begun, may_exit = SharedLoop(), threading.Event()
    begun.start()
    begun.loop.call_soon_threadsafe(may_exit.wait, 20)
    begun.loop.call_soon_threadsafe(exits)
    with ThreadPoolExecutor(1) as threads:
        handing_over = threads.submit(begun.begin, Call(never_runs))
        while len(begun.loop._ready) < 2:
            time.sleep(0.001)
        may_exit.set()
        with pytest.raises(RuntimeError, match="has ended"):
            handing_over.result(20)


@pytest.mark.parametrize("how", ["a call", "the end of the program"])
def test_what_comes_after_the_last_step_of_the_loop_is_not_waited_for(monkeypatch, how):
    monkeypatch.setattr(shared_loop, "_LOOK_TIMEOUT", 0.01)
    begun, told = SharedLoop(), []
    coming, closing, came = (threading.Event() for _ in range(3))
    begun.start()
    call_soon, close = begun.loop.call_soon_threadsafe, begun.loop.close

    def close_late() -> None:
        closing.set()
        came.wait(20)
        close()

    def come_late(function, *args):
        coming.set()
        closing.wait(20)
        call_soon(function, *args)
        came.set()

    begun.loop.close, begun.loop.call_soon_threadsafe = close_late, come_late

    def come() -> None:
        try:
            begun.end() if how == "the end of the program" else begun.begin(Call(never_runs))
        except RuntimeError as error:
            told.append(str(error))

    thread = threading.Thread(target=come, daemon=True)
    thread.start()
    assert coming.wait(20)
    call_soon(exits)
    thread.join(20)
    assert not thread.is_alive()
    assert told == ["the loop has ended"] * (how == "a call")


@pytest.mark.skipif("not hasattr(__import__('os'), 'fork')")
def test_a_fork_after_the_end_of_the_loop_has_nothing_to_take_away(monkeypatch):
    ended = SharedLoop()
    ended.start()
    ended.end()
    monkeypatch.setattr(shared_loop._Process, "shared", ended)
    monkeypatch.setattr(sys, "unraisablehook", lambda _: os._exit(2))  # as hooks of forks fail
    child = os.fork()
    if not child:
        os._exit(0 if shared_loop._Process.shared is None else 1)
    assert os.waitpid(child, 0) == (child, 0)


def test_a_signals_handler_may_call_while_the_loop_begins(pool, monkeypatch):
    auth, seen = sync.AuthClient(pool.config), []
    start = SharedLoop.start

    def interrupted(loop: SharedLoop) -> None:
        monkeypatch.setattr(SharedLoop, "start", start)
        start(loop)
        auth.close()  # in the same thread, as a handler of SIGTERM does it
        seen.append((loop, current()))

    monkeypatch.setattr(shared_loop._Process, "shared", None)
    monkeypatch.setattr(SharedLoop, "start", interrupted)
    with auth:
        assert isinstance(auth.sign_in("ada", PASSWORD), SignedIn)
    ((ended, kept),) = seen
    assert current() is kept
    assert not ended.is_alive
    kept.end()
    assert not kept.is_alive


AT_EXIT = """
import threading, time, sys
from authflow import AuthConfig, AuthFlowError
from authflow.sync import AuthClient
auth = AuthClient(AuthConfig.from_env())
"""


def test_a_program_ends_at_once_and_without_a_word_after_its_calls(run):
    program = run(AT_EXIT + "print(type(auth.sign_in('ada', 'Correct-horse-1')).__name__)")
    assert program.lines() == ["SignedIn"]


def test_threads_go_on_after_the_main_thread_has_ended(run):
    program = run(
        AT_EXIT
        + """
def work():
    threading.main_thread().join()
    print(type(auth.sign_in("ada", "Correct-horse-1")).__name__)
threading.Thread(target=work).start()
"""
    )
    assert program.lines() == ["SignedIn"]


def test_a_call_of_a_daemon_thread_is_broken_off_at_the_end_of_the_program(run):
    program = run(
        """
import atexit
@atexit.register
def last():
    thread.join(20)  # authflow has ended by then: what was registered first comes last
"""
        + AT_EXIT
        + """
class Person:
    async def ask(self, question, *, hidden=False):
        import anyio
        asked.set()
        await anyio.sleep_forever()
class Word:
    name = "word"
    async def answer(self, challenge, prompt):
        return await prompt.ask("?")
asked = threading.Event()
auth = AuthClient(AuthConfig.from_env(), challenges=[Word])
def work():
    try:
        auth.sign_in("ada", flow="CUSTOM_AUTH", prompt=Person())
    except AuthFlowError as error:
        print(type(error).__name__, error)
thread = threading.Thread(target=work, daemon=True)
thread.start()
asked.wait(20)
"""
    )
    (line,) = program.lines()
    assert line.startswith("OutcomeUnknownError the call was broken off")


def test_a_call_at_the_very_end_is_refused(run):
    program = run(
        """
import atexit
def late():
    from authflow import MisuseError
    try:
        auth.sign_in("ada", "Correct-horse-1")
    except MisuseError as error:
        print(error)
atexit.register(late)
"""
        + AT_EXIT
    )
    assert program.lines() == ["the program is ending, and no call begins any more"]
