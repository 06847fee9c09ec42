"""docs/examples: each runs by its one command, in processes of its own, until Ctrl-C."""

import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import define
from selenium.webdriver import ActionChains

from authflow.testing import PASSWORD
from testbed.chromium import *  # noqa: F403  # fixtures
from testbed.chromium import until
from testbed.pages import ROOT

EXAMPLES = ROOT / "docs" / "examples"
WATCH = """
window.busy = 0;
const wait = setTimeout, ask = fetch, over = () => wait(() => busy--, 300);
window.fetch = (...what) => { busy++; return ask(...what).finally(over); };
window.setTimeout = (then, ms) => { busy++; return wait(() => { over(); then(); }, ms); };
"""
"""Counts what the page still waits for, and a moment more."""
TOLD = "document.getElementById('told').textContent.startsWith('{}')"
DEADLINE = 40
READS_CAPTCHAS = """
import runpy, sys
from authflow.triggers import Triggers

handle = Triggers.handle

async def telling(self, event):
    filled = await handle(self, event)
    private = filled["response"].get("privateChallengeParameters") or {}
    if "answer" in private:
        print("the CAPTCHA says", private["answer"], flush=True)
    return filled

Triggers.handle = telling
sys.path[0], program = ".", sys.argv.pop(1)
runpy.run_path(program, run_name="__main__")
"""
"""The one command, for the pool's owner, who may look at the answer that is wanted."""


IS_ASKED_TO_END_AT_ONCE = """
import os, signal, subprocess, sys

execute = subprocess.Popen._execute_child

def executing(self, args, *more, **options):
    execute(self, args, *more, **options)
    if sys.executable in args:
        os.kill(os.getpid(), signal.SIGTERM)

subprocess.Popen._execute_child = executing
"""
"""SIGTERM comes as a process of the example's has begun, and is not known to it yet."""


@define
class Example:
    """An example that runs, with all of its processes."""

    process: "subprocess.Popen[bytes]"
    port: int
    told: str = ""

    def said(self, pattern: str) -> re.Match[str]:
        """Read what it prints until a text appears, and forget all before its end."""
        assert self.process.stdout is not None
        until = time.monotonic() + DEADLINE
        while (found := re.search(pattern, self.told)) is None:
            ready, _, _ = select.select(
                [self.process.stdout], [], [], max(0, until - time.monotonic())
            )
            read = os.read(self.process.stdout.fileno(), 65_536) if ready else b""
            assert read, f"no {pattern!r} in {self.told}"
            self.told += read.decode()
        self.told = self.told[found.end() :]
        return found

    def ended(self) -> str:
        """End it by Ctrl-C, which a terminal sends to all of its processes."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.at_its_end()

    def at_its_end(self) -> str:
        """Wait until all of its processes have ended, as their output does."""
        printed, _ = self.process.communicate(timeout=DEADLINE)
        assert self.process.returncode == 0, self.told + printed.decode()
        return self.told + printed.decode()

    def browser(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=DEADLINE, **options)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def started() -> Iterator[Callable[..., Example]]:
    """Runs an example by its program's path, in a group of processes of its own."""
    running: list[Example] = []

    def start(path: str, first: str = "") -> Example:
        program, port = EXAMPLES / path, free_port()
        own = {name: each for name, each in os.environ.items() if not name.startswith("AUTHFLOW_")}
        commands = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        process = subprocess.Popen(
            [sys.executable, "-c", first + READS_CAPTCHAS, program.name],
            cwd=program.parent,
            env={**own, "PATH": commands, "PORT": str(port), "PYTHONPATH": str(ROOT)}
            | {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        running.append(Example(process=process, port=port))
        return running[-1]

    yield start
    for each in running:
        assert each.process.stdout is not None
        if not each.process.stdout.closed:  # a test has failed
            with suppress(ProcessLookupError):  # first so that it ends its redis-server, too
                os.killpg(each.process.pid, signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                each.process.communicate(timeout=10)
            with suppress(ProcessLookupError):
                os.killpg(each.process.pid, signal.SIGKILL)
            each.process.communicate()


@pytest.fixture(scope="module")
def service(started: Callable[..., Example]) -> Iterator[Example]:
    """The FastAPI service, with both of its workers."""
    example = started("fastapi_service/run_service.py")
    assert example.said(r"sign in as ada with (\S+)")[1] == PASSWORD
    for _ in range(2):
        example.said("startup complete")
    yield example
    assert "Traceback" not in example.ended()


@pytest.mark.system("redis-server")
def test_the_service_asks_for_a_captcha_and_protects_its_route_at_both_workers(service):
    example = service
    with example.browser() as browser:
        assert "<form" in browser.get("/").text
        assert browser.get("/orders").status_code == 401

        def send(path: str, **body: object) -> httpx.Response:
            token = {"X-CSRF-Token": browser.get("/auth/csrf").json()["csrf_token"]}
            return browser.post(f"/auth/{path}", json=body, headers=token)

        asked = send("sign-in", username="ada", password=PASSWORD).json()
        shown, field = asked["form"]["parts"]
        assert shown["url"].startswith("data:image/png")
        wrong = send("sign-in/answer", step=asked["step"], values={field["name"]: "none"}).json()
        example.said(r"CAPTCHA says \w+")
        right = example.said(r"CAPTCHA says (\w+)")[1]
        done = send("sign-in/answer", step=wrong["step"], values={field["name"]: right})
        assert done.json()["status"] == "signed_in"
    workers = set()
    for _ in range(100):  # each by a connection of its own, so that the other worker has its turn
        with example.browser(cookies=browser.cookies) as other:
            reply = other.get("/orders")
        assert reply.json()["orders of"] == "ada"
        workers.add(reply.json()["worker"])
        if len(workers) == 2:
            break
    assert len(workers) == 2


@pytest.mark.system("redis-server", "chromium", "chromedriver")
def test_the_services_page_goes_on_after_a_double_click_and_beside_another_tab(service, chromium):
    tabs = [chromium.current_window_handle]
    chromium.get(f"http://127.0.0.1:{service.port}")
    until(chromium, TOLD.format("Please sign in"))
    chromium.switch_to.new_window("tab")
    tabs.append(chromium.current_window_handle)
    chromium.get(f"http://127.0.0.1:{service.port}")
    until(chromium, TOLD.format("Please sign in"))

    def sign_in() -> None:
        for name, text in (("username", "ada"), ("password", PASSWORD)):
            chromium.find_element("name", name).send_keys(text)
        chromium.find_element("css selector", "#sign-in button").click()
        code = service.said(r"CAPTCHA says (\w+)")[1]
        until(chromium, "document.querySelector('#answer img')?.naturalWidth > 100")
        chromium.find_element("css selector", "#answer input").send_keys(code)
        chromium.execute_script(WATCH)
        button = chromium.find_element("css selector", "#answer button")
        ActionChains(chromium).double_click(button).perform()
        until(chromium, TOLD.format("Orders of ada"))
        chromium.execute_script("at('answer').requestSubmit()")  # a click that came late
        until(chromium, "busy === 0")
        assert chromium.execute_script(f"return {TOLD.format('Orders of ada')}")

    for tab in tabs:  # the second one's CSRF token is of before the first one's sign-in
        chromium.switch_to.window(tab)
        sign_in()
    assert chromium.execute_script("return document.cookie") == "", "no script reads a cookie"
    chromium.switch_to.window(tabs[0])
    chromium.find_element("id", "sign-out").click()
    until(chromium, TOLD.format("Please sign in"))
    chromium.close()
    chromium.switch_to.window(tabs[1])


@pytest.mark.system("redis-server")
def test_of_all_workers_one_refreshes_the_token_and_none_is_without_one(started):
    example = started("fresh_worker/run_workers.py")
    had: dict[str, set[str]] = {}
    refreshed: list[str] = []
    while len([each for each in had.values() if len(each) == 3]) < 3:
        line = example.said(r"worker (\d+) (?:has a token until (\S+)|refreshed the token)\n")
        if line[2]:
            had.setdefault(line[2], set()).add(line[1])
        else:
            refreshed.append(line[1])
    printed = example.ended()
    tokens = {*had, *re.findall(r"until (\S+)", printed)}
    refreshed += re.findall(r"worker (\d+) refreshed", printed)
    # The first one is the sign-in's, and nobody may have used the last one before Ctrl-C.
    assert len(refreshed) in {len(tokens) - 1, len(tokens)}
    assert "Traceback" not in printed


def test_the_flask_app_asks_for_a_captcha_and_protects_its_page(started):
    example = started("flask_app/run_app.py")
    assert example.said(r"sign in as ada with (\S+)")[1] == PASSWORD
    example.said("Booting worker")
    with example.browser() as browser:
        assert browser.get("/").status_code == 401
        ada = {"username": "ada", "password": PASSWORD}
        for foreign in (
            {},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "null"},
            {"Origin": "http://elsewhere.example"},
        ):
            refused = browser.post("/sign-in", data=ada, headers=foreign)
            assert (refused.status_code, "of this site alone" in refused.text) == (403, True)
        ours = {"Origin": str(browser.base_url).rstrip("/")}
        wrong = browser.post("/sign-in", data=ada | {"password": "x"}, headers=ours)
        assert (wrong.status_code, "begin again" in wrong.text) == (403, True)
        browser.headers["Sec-Fetch-Site"] = "same-origin"
        shown = browser.post("/sign-in", data=ada).text
        picture = re.findall(r'src="(data:image/png[^"]*)"', shown)
        assert len(picture) == 1
        assert picture[0] in browser.get("/challenge").text
        (name,) = re.findall(r'<input name="(\w+)"', shown)
        another = browser.post("/challenge", data={name: ""})  # it is another one
        assert (another.status_code, picture[0] in another.text) == (200, False)
        example.said(r"CAPTCHA says \w+")
        right = example.said(r"CAPTCHA says (\w+)")[1]
        done = browser.post("/challenge", data={name: right})
        assert (done.status_code, done.headers["location"]) == (303, "/")
        assert "Orders of ada" in browser.get("/").text
        before = dict(browser.cookies)
        assert browser.post("/sign-out").status_code == 303
    with example.browser(cookies=before) as thief:
        assert thief.get("/").status_code == 401
    assert "Traceback" not in example.ended()


@pytest.mark.parametrize(
    "program",
    [
        pytest.param("fastapi_service/run_service.py", marks=pytest.mark.system("redis-server")),
        pytest.param("fresh_worker/run_workers.py", marks=pytest.mark.system("redis-server")),
        "flask_app/run_app.py",
    ],
)
def test_whoever_ends_the_program_ends_all_that_it_runs(started, program):
    printed = started(program, IS_ASKED_TO_END_AT_ONCE).at_its_end()
    assert printed.endswith("ended\n")
    assert "Traceback" not in printed
