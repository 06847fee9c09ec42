"""The page behind a link: opening it changes nothing, and a button does one thing."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import aiohttp
import anyio
import pytest
from attrs import define, field
from authflow_otp import link_page
from authflow_otp.confirmations import Confirmations, new_number
from authflow_otp.link_page import LinkPage, PageWords
from authflow_otp.link_tokens import SignInLink, new_link_id, owner_of

from authflow.errors import ConfigError, MisuseError
from authflow.keys import KeyRing
from authflow.plugins import Randomness
from authflow.stores import MemoryStore
from testbed.chromium import *  # noqa: F403  # fixtures
from testbed.chromium import needs_chromium, until

Serving = Callable[[Any], AbstractAsyncContextManager[str]]

CONTINUE = "https://shop.example.com/sign-in/link?lang=en"
RING = KeyRing.generate()
NUMBER = f"0042{98 - 4200 % 97:02}"


def a_link(seed: bytes = b"1", until: int = 2_000_000_000) -> tuple[SignInLink, str]:
    link = SignInLink(
        link_id=new_link_id(Randomness.seeded(seed)),
        until=until,
        owner=owner_of(RING, "eu-central-1_Abc123def", "ada"),
    )
    return link, link.signed(RING, RING.current).reveal()


@pytest.fixture
def kept() -> Confirmations:
    return Confirmations(entries=MemoryStore(), keys=RING)


@define
class Page(HTMLParser):
    """What a browser sees of a page: its forms, with their fields."""

    forms: list[dict[str, Any]] = field(factory=list)
    text: str = ""

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "form":
            self.forms.append({"action": told.get("action"), "method": told["method"], "in": {}})
        if tag == "input":
            self.forms[-1]["in"][told["name"]] = told.get("value", "")

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(html: str) -> Page:
    page = Page()
    page.feed(html)
    return page


async def call(
    page: LinkPage, method: str, body: bytes = b"", *, chunks: int = 1
) -> tuple[int, dict[str, str], str]:
    """Call the application without a server between."""
    size = max(1, -(-len(body) // chunks))
    parts = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await page({"type": "http", "method": method, "path": "/"}, receive, send)
    start, end = sent
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], headers, end["body"].decode()


def form(**fields: str) -> bytes:
    return urlencode(fields).encode()


async def test_opening_a_link_by_http_shows_a_page_and_changes_nothing(
    serving: Serving, kept: Confirmations
):
    page = LinkPage(purpose="Example Shop", continue_url=CONTINUE, anywhere=kept)
    link, token = a_link()
    async with serving(page) as url, aiohttp.ClientSession() as browser:
        pages = []
        for address in (f"{url}/#{token}", f"{url}/", f"{url}/?{token}", f"{url}/{token}"):
            for headers in ({}, {"Sec-Purpose": "prefetch"}, {"Purpose": "prefetch"}):
                async with browser.get(address, headers=headers) as reply:
                    assert reply.status == 200
                    pages.append((await reply.text(), reply.headers))
            async with browser.head(address) as reply:
                assert reply.status == 200
                assert await reply.read() == b""
                assert int(reply.headers["content-length"]) == len(pages[-1][0].encode())
        html, headers = pages[0]
        assert all(each == html for each, _ in pages)
        assert token not in html
        assert len(kept.entries) == 0  # type: ignore[arg-type]
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self' https://shop.example.com;" in policy
        assert "unsafe" not in policy
        here, elsewhere = seen(html).forms
        assert here == {"action": CONTINUE, "method": "post", "in": {"link": ""}}
        assert elsewhere == {"action": None, "method": "post", "in": {"link": "", "number": ""}}
        assert "Example Shop" in html
        filled = {"link": token, "number": NUMBER}
        async with browser.post(f"{url}/", data=filled) as reply:
            assert reply.status == 200
            assert "Confirmed." in await reply.text()
    assert await kept.has(link, NUMBER)


async def test_without_the_setting_a_click_elsewhere_does_nothing_and_the_page_says_so():
    page = LinkPage(purpose="Example Shop", continue_url=CONTINUE)
    _, _, html = await call(page, "GET")
    assert [each["action"] for each in seen(html).forms] == [CONTINUE]
    assert "this page does nothing" in seen(html).text
    status, headers, html = await call(page, "POST", form(link=a_link()[1], number=NUMBER))
    assert (status, headers["allow"]) == (405, "GET, HEAD")
    assert "this page does nothing" in seen(html).text


async def test_a_page_for_other_browsers_alone_leads_nowhere(kept: Confirmations):
    page = LinkPage(purpose="Example Shop", anywhere=kept)
    _, headers, html = await call(page, "GET")
    assert [each["action"] for each in seen(html).forms] == [None]
    assert "form-action 'self';" in headers["content-security-policy"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "post"])
async def test_other_methods_do_nothing(method: str, kept: Confirmations):
    page = LinkPage(purpose="Example Shop", anywhere=kept)
    status, headers, _ = await call(page, method, form(link=a_link()[1], number=NUMBER))
    assert (status, headers["allow"]) == (405, "GET, HEAD, POST")
    assert len(kept.entries) == 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "typed", [NUMBER, f" {NUMBER[:3]} {NUMBER[3:]} ", f"{NUMBER[:3]}-{NUMBER[3:]}"]
)
async def test_a_number_may_be_typed_as_it_is_shown(typed: str, kept: Confirmations):
    page = LinkPage(purpose="Example Shop", anywhere=kept)
    link, token = a_link()
    body = form(link=f"https://shop.example.com/link#{token}", number=typed)
    for chunks in (1, 5):
        status, _, _ = await call(page, "POST", body, chunks=chunks)
        assert status == 200
    assert await kept.has(link, NUMBER)


@pytest.mark.parametrize(
    "typed", ["", "004200", "4213", "x", NUMBER + "0", "<script>", "\u0661" * 6]
)
async def test_what_is_no_number_is_asked_for_again_with_the_same_link(
    typed: str, kept: Confirmations
):
    page = LinkPage(purpose="Example Shop", continue_url=CONTINUE, anywhere=kept)
    link, token = a_link()
    status, _, html = await call(page, "POST", form(link=token, number=typed))
    assert status == 422
    (again,) = seen(html).forms
    assert again == {"action": None, "method": "post", "in": {"link": token, "number": ""}}
    assert "<script>" not in html
    assert len(kept.entries) == 0  # type: ignore[arg-type]
    again["in"]["number"] = NUMBER
    assert (await call(page, "POST", form(**again["in"])))[0] == 200
    assert await kept.has(link, NUMBER)


async def test_whatever_is_no_good_link_is_told_alike_and_records_nothing(
    kept: Confirmations, clock: Any
):
    page = LinkPage(purpose="Example Shop", anywhere=kept, clock=clock)
    _, token = a_link(until=int(clock()) + 60)
    other = "a" if token[40] != "a" else "b"
    foreign = a_link()[0].signed(KeyRing.generate(), "1").reveal()
    bodies = [
        b"",
        b"\xff\xfe",
        b"{}",
        form(number=NUMBER),
        form(link="", number=NUMBER),
        form(link=token[:40] + other + token[41:], number=NUMBER),
        form(link=token[:-1], number=NUMBER),
        form(link=foreign, number=NUMBER),
        form(link=foreign, number="wrong"),
        form(link=a_link(until=int(clock()))[1], number=NUMBER),
        form(link=a_link(until=0)[1], number="wrong"),
        form(link=token, number=NUMBER, more="x" * 5000),
        form(link=token, number=NUMBER) + b"&link=other",
        b"&".join([b"x=1"] * 9),
        b"x" * 1_000_000,
    ]
    told = {(await call(page, "POST", body, chunks=3))[::2] for body in bodies}
    ((status, html),) = told
    assert status == 400
    assert "not valid, or has expired, or was used" in html
    assert len(kept.entries) == 0  # type: ignore[arg-type]
    clock.advance(59)
    assert (await call(page, "POST", form(link=token, number=NUMBER)))[0] == 200
    clock.advance(1)
    assert (await call(page, "POST", form(link=token, number=NUMBER)))[0] == 400


async def test_a_browser_that_goes_away_or_never_sends_its_form_is_let_go(
    kept: Confirmations, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(link_page, "BODY_TIMEOUT", 0.01)
    page = LinkPage(purpose="Example Shop", anywhere=kept)
    sent: list[dict[str, Any]] = []

    begun = {"type": "http.request", "body": form(link=a_link()[1], number=NUMBER)}
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    for then in ("http.disconnect", None):
        messages = [{**begun, "more_body": True}, {"type": then}]

        async def receive(messages: list[dict[str, Any]] = messages) -> dict[str, Any]:
            message = messages.pop(0)
            if message["type"] is None:
                await anyio.sleep_forever()
            return message

        await page({"type": "http", "method": "POST", "path": "/"}, receive, send)
        assert sent[-2]["status"] == 400
    assert len(kept.entries) == 0  # type: ignore[arg-type]


async def test_while_the_store_is_down_a_person_is_told_to_try_again(down: Any):
    page = LinkPage(purpose="Example Shop", anywhere=Confirmations(entries=down, keys=RING))
    status, _, html = await call(page, "POST", form(link=a_link()[1], number=NUMBER))
    assert status == 503
    assert "Try again" in html


@pytest.mark.parametrize("how", ["raises", "hangs", "not set up"])
async def test_while_the_keys_cannot_be_had_a_person_is_told_to_try_again(
    how: str, monkeypatch: pytest.MonkeyPatch
):
    class Lost:
        async def key_ring(self, *, having: str | None = None) -> KeyRing:
            if how == "hangs":
                await anyio.sleep_forever()
            raise OSError(how) if how == "raises" else ConfigError(how)

    monkeypatch.setattr("authflow.keys.key_ring.RING_TIMEOUT", 0.01)
    kept = Confirmations(entries=MemoryStore(), keys=Lost())
    page = LinkPage(purpose="Example Shop", anywhere=kept)
    with anyio.fail_after(1):
        status, _, html = await call(page, "POST", form(link=a_link()[1], number=NUMBER))
    assert status == 503
    assert "Try again" in html


async def test_a_link_that_was_used_is_not_confirmed(kept: Confirmations):
    page = LinkPage(purpose="Example Shop", anywhere=kept)
    link, token = a_link()
    await kept.use_up(link, seconds=60)
    status, _, html = await call(page, "POST", form(link=token, number=NUMBER))
    assert status == 400
    assert "was used" in html


async def test_a_confirmation_is_kept_for_no_longer_than_its_link_is_good(clock: Any):
    kept = Confirmations(entries=MemoryStore(clock=clock), keys=RING)
    page = LinkPage(purpose="Example Shop", anywhere=kept, clock=clock)
    link, token = a_link(until=int(clock()) + 60)
    assert (await call(page, "POST", form(link=token, number=NUMBER)))[0] == 200
    clock.advance(59)
    assert await kept.has(link, NUMBER)
    clock.advance(1)
    assert not await kept.has(link, NUMBER)


async def test_two_windows_may_be_confirmed_by_one_link_and_two_clicks_are_one(
    kept: Confirmations,
):
    page = LinkPage(purpose="Example Shop", anywhere=kept)
    link, token = a_link()
    numbers = {new_number() for _ in range(4)}
    async with anyio.create_task_group() as group:
        for number in [*numbers, *numbers]:
            group.start_soon(call, page, "POST", form(link=token, number=number))
    assert len(kept.entries) == len(numbers)  # type: ignore[arg-type]
    for number in numbers:
        assert await kept.has(link, number)


async def test_words_and_purpose_are_escaped_and_may_be_others(kept: Confirmations):
    words = PageWords(language="de", title="Bei {purpose} anmelden <b>", here_button="Weiter & los")
    page = LinkPage(purpose='A "<i>" {x} & B', continue_url=CONTINUE, anywhere=kept, words=words)
    _, _, html = await call(page, "GET")
    assert '<html lang="de">' in html
    assert "<i>" not in html
    assert "<b>" not in html
    assert 'Bei A "<i>" {x} & B anmelden <b>' in seen(html).text
    assert "Weiter &amp; los" in html


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "give continue_url"),
        ({"continue_url": "http://shop.example.com/"}, "must be https"),
        ({"continue_url": "javascript:alert(1)"}, "must be a URL"),
        ({"continue_url": 'https://shop.example.com/"><script>'}, "must be a URL"),
        ({"anywhere": True}, "anywhere is Confirmations"),
        ({"continue_url": CONTINUE, "purpose": ""}, "LinkPage: purpose is a line"),
        ({"continue_url": CONTINUE, "purpose": "a\nb"}, "LinkPage: purpose is a line"),
    ],
)
def test_settings_that_would_not_do_are_refused(settings: dict[str, Any], why: str):
    with pytest.raises(ConfigError, match=why):
        LinkPage(**{"purpose": "Example Shop", **settings})


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
async def test_what_is_no_http_is_refused(kind: str):
    async def nothing(*_: Any) -> Any:
        raise AssertionError

    with pytest.raises(MisuseError, match=kind):
        await LinkPage(purpose="x", continue_url=CONTINUE)({"type": kind}, nothing, nothing)


@define
class Shop:
    """The service behind `continue_url`: it tells what came, and sends the browser on."""

    leads_to: str = "/done"
    came: list[tuple[dict[str, str], str]] = field(factory=list)
    name: str = "Shop"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/html"), (b"location", self.leads_to.encode())]
        if scope["method"] == "POST":
            body = (await receive())["body"].decode()
            told = {name.decode(): value.decode() for name, value in scope["headers"]}
            self.came.append((told, body))
        status = 303 if scope["method"] == "POST" else 200
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"<title>done</title>"})


@needs_chromium
async def test_in_a_browser_the_script_takes_the_token_from_the_address_and_shows_the_buttons(
    serving: Serving, kept: Confirmations, chromium: Any
):
    token = a_link()[1]
    cases = [
        (f"#{token}", token),
        (f"#{token}&utm=1", token),
        (f"#{token}?fbclid=1", token),
        (f"#link*{token.upper()}__;Iw", token.upper()),
        ("", ""),
        ("#", ""),
        (f"#{token[:80]}", ""),
    ]

    def seen_there(url: str) -> None:
        for number, (fragment, value) in enumerate(cases):
            chromium.get(f"{url}/?n={number}{fragment}")
            for _ in ("opened", "read again"):
                named = "[...document.getElementsByName('link')].map((each) => each.value)"
                assert chromium.execute_script(f"return {named}") == [value, value]
                assert chromium.current_url == f"{url}/?n={number}", "no history has it"
                ways = chromium.find_element("id", "ways").is_displayed()
                incomplete = chromium.find_element("id", "incomplete").is_displayed()
                assert (ways, incomplete) == (bool(value), not value)
                chromium.refresh()
            button = chromium.find_element("css selector", "button")
            if value:  # the page's style came through its policy, too
                assert button.value_of_css_property("padding-left") != "6px"
        assert chromium.get_log("browser") == [], "its policy stops nothing of its own"

    page = LinkPage(purpose="Example Shop", continue_url=CONTINUE, anywhere=kept)
    async with serving(page) as url:
        await anyio.to_thread.run_sync(seen_there, url)


@needs_chromium
async def test_in_a_browser_a_click_hands_the_token_to_the_service_and_to_nobody_else(
    serving: Serving, chromium: Any
):
    token = a_link()[1]

    def click(url: str) -> None:
        chromium.get(f"{url}/#{token}")
        chromium.find_element("css selector", "button").click()

    shop, elsewhere = Shop(), Shop()
    async with serving(shop) as there, serving(elsewhere) as other:
        page = LinkPage(purpose="Example Shop", continue_url=f"{there}/link")
        async with serving(page) as url:
            await anyio.to_thread.run_sync(click, url)
            await anyio.to_thread.run_sync(until, chromium, "document.title === 'done'")
            assert chromium.current_url == f"{there}/done"
            shop.leads_to = f"{other}/done"  # its policy holds for redirects of a form, too
            await anyio.to_thread.run_sync(click, url)
            with anyio.fail_after(20):
                while len(shop.came) < 2:
                    await anyio.sleep(0.02)
            (stopped,) = await anyio.to_thread.run_sync(chromium.get_log, "browser")
            assert "form-action" in stopped["message"]
    assert elsewhere.came == []
    for headers, body in shop.came:
        assert body == f"link={token}"
        assert headers["origin"] == "null"
        assert "referer" not in headers


@needs_chromium
async def test_in_another_browser_the_number_that_is_typed_is_confirmed(
    serving: Serving, kept: Confirmations, chromium: Any
):
    link, token = a_link()

    def confirm(url: str) -> str:
        chromium.get(f"{url}/#{token}")
        chromium.find_element("css selector", "input[name=number]").send_keys(NUMBER)
        chromium.find_element("css selector", "button").click()
        until(chromium, "document.body.textContent.includes('Confirmed.')")
        shown: str = chromium.current_url
        return shown

    async with serving(LinkPage(purpose="Example Shop", anywhere=kept)) as url:
        assert token not in await anyio.to_thread.run_sync(confirm, url)
    assert await kept.has(link, NUMBER)


async def test_a_made_up_key_is_an_invalid_link_and_no_outage():
    class Strict:
        async def key_ring(self, *, having: str | None = None) -> KeyRing:
            if having not in {None, *RING.keys}:
                raise LookupError(having)
            return RING

    anywhere = Confirmations(entries=MemoryStore(), keys=Strict())
    page = LinkPage(purpose="Example Shop", anywhere=anywhere)
    link, right = a_link()
    made_up = link.signed(KeyRing.generate("made-up"), "made-up").reveal()
    for token, status in ((made_up, 400), (right, 200)):
        form = {"link": token, "number": NUMBER}
        assert (await page._confirmed(form, anywhere))[0] == status
