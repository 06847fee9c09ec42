"""A sign-in from a page in a real browser, over TLS: what a browser makes of the cookies."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import anyio
import pytest
import uvicorn
from anyio import to_thread
from attrs import frozen
from selenium.webdriver import Chrome

from authflow.testing import PASSWORD
from testbed.certificate import self_signed
from testbed.chromium import *  # noqa: F403  # fixtures

pytestmark = pytest.mark.system("chromium", "chromedriver")

ASK = """
const [method, path, body, token, done] = arguments;
const headers = {"Content-Type": "application/json", "X-CSRF-Token": token};
fetch(path, {method, headers, body: body && JSON.stringify(body)})
  .then(async (reply) => done([reply.status, await reply.json()]));
"""
FORGE = """
const [url, done] = arguments;
const sent = {method: "POST", mode: "no-cors", credentials: "include", body: "{}"};
fetch(url, sent).then(() => done("sent"), (error) => done(`${error}`));
"""


@frozen
class Page:
    """A page of the app's, whose script asks it."""

    browser: Chrome
    origin: str

    def opened(self) -> "Page":
        self.browser.get(f"{self.origin}/maybe")
        return self

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any]:
        status, told = self.browser.execute_async_script(ASK, method, path, body, token)
        return status, told

    def token(self) -> str:
        token: str = self.ask("GET", "/auth/csrf")[1]["csrf_token"]
        return token


@pytest.fixture(scope="module")
async def origin(one_site, tmp_path_factory) -> AsyncIterator[Callable[[str], str]]:
    """Serves the app over TLS; gives its address by one of this machine's names."""
    here = self_signed(tmp_path_factory.mktemp("certificate"))
    config = uvicorn.Config(
        one_site.app,
        port=0,
        lifespan="off",
        log_config=None,
        ssl_certfile=here.cert,
        ssl_keyfile=here.key,
        timeout_graceful_shutdown=1,  # a browser leaves its connections open
    )
    server = uvicorn.Server(config)
    running = asyncio.ensure_future(server._serve())
    while not server.started:
        await anyio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield lambda host: f"https://{host}:{port}"
    server.should_exit = True
    with suppress(asyncio.CancelledError):
        await running


async def test_a_browser_keeps_the_cookies_and_shows_them_to_no_script(one_site, origin, chromium):
    name = await one_site.user()

    def sign_in_and_out() -> None:
        page = Page(chromium, origin("127.0.0.1")).opened()
        assert page.ask("GET", "/orders")[0] == 401
        whom = {"username": name, "password": PASSWORD}
        status, told = page.ask("POST", "/auth/sign-in", whom, page.token())
        assert (status, told["status"]) == (200, "signed_in")
        for _ in range(2):
            assert page.ask("GET", "/orders") == (200, {"for": name})
            assert chromium.execute_script("return document.cookie") == ""
            page.opened()  # a reload
        kept = {each["name"]: each for each in chromium.get_cookies()}
        assert set(kept) == {"__Host-authflow-browser", "__Host-authflow-session"}
        for each in kept.values():
            assert (each["secure"], each["httpOnly"], each["path"]) == (True, True, "/")
            assert each["sameSite"] in {"Strict", "Lax"}
        assert page.ask("POST", "/auth/sign-out", {}, page.token())[0] == 200
        assert page.ask("GET", "/orders")[0] == 401

    await to_thread.run_sync(sign_in_and_out)


async def test_a_page_of_another_site_can_end_or_begin_nothing_in_a_browser(
    one_site, origin, chromium
):
    name = await one_site.user()

    def attack() -> None:
        page = Page(chromium, origin("127.0.0.1")).opened()
        whom = {"username": name, "password": PASSWORD}
        assert page.ask("POST", "/auth/sign-in", whom, page.token())[0] == 200
        before = {each["name"]: each["value"] for each in chromium.get_cookies()}
        Page(chromium, origin("localhost")).opened()
        for path in ("/auth/sign-out", "/auth/sign-in", "/auth/refresh"):
            chromium.execute_async_script(FORGE, page.origin + path)
            form = "document.body.innerHTML = '<form method=post action={}></form>'"
            chromium.execute_script(form.format(f'"{page.origin}{path}"'))
            chromium.execute_script("document.forms[0].submit()")
            Page(chromium, origin("localhost")).opened()
        page.opened()
        assert {each["name"]: each["value"] for each in chromium.get_cookies()} == before
        assert page.ask("GET", "/orders") == (200, {"for": name})

    await to_thread.run_sync(attack)
