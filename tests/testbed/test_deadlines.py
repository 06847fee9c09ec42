"""One run of pytest over tests that hang in every way, each before one that must pass."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).parents[2]

CONFTEST = """
    import inspect
    import anyio, pytest
    from testbed import deadlines
    from testbed.deadlines import *

    deadlines.SHARE = 1 / 4  # so that a slow machine's alarm does not come first

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(collector, name, obj):
        generated = getattr(obj, "hypothesis", None)
        test = obj if generated is None else generated.inner_test
        if inspect.iscoroutinefunction(test):
            pytest.mark.anyio(obj)

    @pytest.fixture(scope="session")
    def anyio_backend():
        return "asyncio"

    @pytest.fixture(scope="session")
    async def shared():
        async with anyio.create_task_group() as group:
            yield group
            group.cancel_scope.cancel()
"""

ONE_LOOP_FOR_ALL = """
    import asyncio, socket, threading, time
    import anyio, pytest
    from hypothesis import given, settings, strategies as st

    LEVEL = 7

    async def swallow():
        while True:
            try:
                await anyio.sleep_forever()
            except BaseException:
                pass

    async def test_awaits(shared):
        await anyio.sleep_forever()

    async def test_awaits_a_task(shared):
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep_forever)

    async def test_swallows(shared):
        await swallow()

    async def test_swallows_once(shared):
        try:
            await asyncio.sleep(9)
        except asyncio.CancelledError:
            await asyncio.sleep(9)

    async def test_swallows_in_a_task(shared):
        await asyncio.create_task(swallow())

    async def test_waits_for_a_thread(shared):
        await asyncio.to_thread(threading.Event().wait)

    async def test_waits_for_a_thread_of_anyio(shared):
        await anyio.to_thread.run_sync(threading.Event().wait)

    @pytest.mark.timeout(0.4)
    async def test_blocks_the_loop(shared):
        time.sleep(9)

    @pytest.fixture
    async def slow_to_begin(shared):
        await anyio.sleep_forever()

    async def test_never_begins(slow_to_begin):
        pass

    @pytest.fixture
    async def slow_to_yield(shared):
        await anyio.sleep_forever()
        yield

    async def test_is_never_set_up(slow_to_yield):
        pass

    @pytest.fixture
    async def swallowing(shared):
        await swallow()
        yield

    async def test_is_set_up_by_what_swallows(swallowing):
        pass

    @pytest.fixture
    async def fails_beside_the_test(shared):
        async def fail():
            await anyio.sleep(0.01)
            raise LookupError("it has failed")

        async with anyio.create_task_group() as group:
            group.start_soon(fail)
            yield

    async def test_is_cancelled(fails_beside_the_test):
        await anyio.sleep_forever()

    @pytest.fixture
    async def slow_to_end(shared):
        yield
        await anyio.sleep_forever()

    async def test_never_ends(slow_to_end):
        pass

    class TestIt:
        @pytest.fixture
        async def known(self, shared):
            self.known = 5
            yield

        async def test_after_nothing(self, known):
            assert self.known == 5

    @settings(database=None)
    @given(number=st.integers(0, 3))
    async def test_some_example_awaits(number):
        if number == 3:
            await anyio.sleep_forever()
"""

NO_LOOP = """
    import asyncio, socket, threading, time
    import anyio, pytest
    from hypothesis import given, settings, strategies as st

    def test_sleeps():
        time.sleep(9)

    def test_reads_a_socket():
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.recv(1)

    def test_joins_a_thread():
        thread = threading.Thread(target=threading.Event().wait)
        thread.start()
        thread.join()

    @settings(database=None, deadline=None)
    @given(number=st.integers(0, 3))
    def test_some_example_sleeps(number):
        if number == 3:
            time.sleep(9)

    async def swallow():
        while True:
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                pass

    def test_runs_a_loop_that_swallows():
        asyncio.run(swallow())

    @pytest.fixture
    def slow_to_end():
        yield
        time.sleep(9)

    def test_fails_and_never_ends(slow_to_end):
        assert False
"""

LEFT = {
    "test_swallows",
    "test_swallows_in_a_task",
    "test_is_set_up_by_what_swallows",
}
AT = {
    "test_awaits_a_task": "Begun meanwhile",
    "test_swallows": "in swallow",
    "test_swallows_in_a_task": "in swallow",
    "test_never_begins": "in slow_to_begin",
    "test_is_never_set_up": "in slow_to_yield",
    "test_is_set_up_by_what_swallows": "in swallow",
    "test_never_ends": "in slow_to_end",
    "test_fails_and_never_ends": "time.sleep(9)",
    "test_runs_a_loop_that_swallows": "asyncio.run(swallow())",
    "test_reads_a_socket": "ours.recv(1)",
    "test_joins_a_thread": "thread.join()",
    "test_waits_for_a_thread": "asyncio.to_thread(threading.Event().wait)",
}


def followed(module: str) -> str:
    """The tests, each followed by one that shares its event loop and passes."""
    parts = []
    for part in textwrap.dedent(module).strip().split("\n\n"):
        parts.append(part)
        for asynchronous, name in re.findall(r"^(async |)def (test_\w+)", part, re.MULTILINE):
            asked, body = ("shared", "await anyio.sleep(0)") if asynchronous else ("", "pass")
            head = f"@pytest.mark.timeout(30)\n{asynchronous}def test_after_{name}({asked}):"
            parts.append(f"{head}\n    {body}")
    return "\n\n".join([*parts, ""])


@pytest.mark.parametrize(
    ("module", "timeout"),
    [(ONE_LOOP_FOR_ALL, 0.8), (NO_LOOP, 0.4)],
    ids=["one loop for all", "no loop"],
)
def test_what_hangs_fails_alone(module: str, timeout: float, tmp_path: Path):
    (tmp_path / "conftest.py").write_text(textwrap.dedent(CONFTEST))
    (tmp_path / "test_it.py").write_text(followed(module))
    report = tmp_path / "report.xml"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:randomly", "-p", "no:cacheprovider"),
            *("-p", "no:asyncio"),
            *("--timeout", str(timeout), f"--junitxml={report}", "-W", "error", "test_it.py"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    cases: dict[str, list[str]] = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314  # pytest wrote it
        told = [f"{each.get('message')}\n{each.text}" for each in case]
        cases.setdefault(case.get("name"), []).extend(told)
    passed = {name for name, told in cases.items() if not told}
    hanging = {name for name in cases if not name.startswith("test_after_")}
    assert passed - {"test_after_nothing"} == {f"test_after_{name}" for name in hanging}
    if module is ONE_LOOP_FOR_ALL:
        assert "test_after_nothing" in passed
        told, why = cases["test_is_cancelled"]
        assert "RuntimeError: cancelled by what a fixture runs beside it" in told
        assert "LookupError: it has failed" in why
        hanging.remove("test_is_cancelled")
    for name in hanging:
        (told,) = [each for each in cases[name] if "did not end within" in each]
        message = told.partition("\n")[0]
        seconds = {"test_blocks_the_loop": 0.4}.get(name, 0.2 if "shared" in module else timeout)
        assert f"test_it.py::{name}" in message
        assert f"within {seconds:g} seconds" in message
        assert AT.get(name, "") in told, told
        assert ("left behind" in message) is (name in LEFT), told
        assert len(cases[name]) == (2 if name == "test_fails_and_never_ends" else 1)
