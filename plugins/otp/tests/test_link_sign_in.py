"""Links, end to end: our client over HTTP, the embedded pool, triggers, a mail server, a page."""

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import anyio
import pytest
from attrs import define, field
from authflow_otp import link as link_module
from authflow_otp.client import LinkPrompter
from authflow_otp.confirmations import Confirmations
from authflow_otp.link_page import LinkPage
from authflow_otp.pasted_links import token_of
from authflow_otp.senders import SmtpSender

from authflow import AuthClient, AuthFlow, ChallengeRequired, SignedIn
from authflow.errors import AuthFlowError, RefusedError
from authflow.keys import KeyRing
from authflow.prompts import ScriptedPrompt
from authflow.stores import MemoryStore
from authflow.triggers import GuessLimit, Limits, challenge

Opened = Callable[..., AbstractAsyncContextManager[Any]]
Serving = Callable[[Any], AbstractAsyncContextManager[str]]

CUSTOM = AuthFlow.CUSTOM_AUTH
ADA = {"email": "ada@example.com", "email_verified": "true"}
BOB = {"email": "bob@example.org", "email_verified": "true"}
SHOWN = {"destination", "medium", "expiresIn", "sent", "number", "retryAfter"}
URL = "https://shop.example.com/link"


@pytest.fixture
def kept(keys: KeyRing, clock: Any) -> Confirmations:
    return Confirmations(entries=MemoryStore(clock=clock), keys=keys)


@pytest.fixture
def open_pool(open_house: Opened, limits: Limits) -> Opened:
    """Opens a pool that asks for a link."""

    def opened(
        sender: Any, *, attempts: int = 3, counted: Limits | None = None, **settings: Any
    ) -> Any:
        usual = {"sender": sender, "purpose": "Example Shop", "url": URL, "pace": 0}
        step = challenge("link", attempts=attempts, **{**usual, **settings})
        return open_house(step, limits=counted or limits)

    return opened


def token_in(message: Any) -> str:
    """The token of the link in a message."""
    (url,) = re.findall(r"https?://\S+", message.text.reveal())
    assert url.startswith(f"{URL}#")
    token: str = token_of(url)
    return token


def seen(pending: Any) -> dict[str, str]:
    """What a client sees of the challenge that is this plugin's."""
    assert isinstance(pending, ChallengeRequired)
    return {name: told for name, told in pending.challenge.parameters.items() if name in SHOWN}


def another(token: str, at: int = 40) -> str:
    return token[:at] + ("a" if token[at] != "a" else "b") + token[at + 1 :]


@define
class Shop:
    """A service with a cookie for each browser, as an owner writes one; and its link's page."""

    auth: AuthClient
    page: LinkPage | None = None
    waiting: dict[str, ChallengeRequired] = field(factory=dict)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path, headers = scope["path"], dict(scope["headers"])
        cookie = SimpleCookie(headers.get(b"cookie", b"").decode())
        browser = cookie["browser"].value if "browser" in cookie else ""
        if path == "/link":
            assert self.page is not None
            await self.page(scope, receive, send)
            return
        if path == "/begin":
            pending = await self.auth.sign_in("ada", flow=CUSTOM)
            assert isinstance(pending, ChallengeRequired)
            browser = str(len(self.waiting) + 1)
            self.waiting[browser] = pending
            said = "begun"
        else:
            body = b""
            more = True
            while more:
                message = await receive()
                body, more = body + message["body"], message.get("more_body", False)
            link = parse_qs(body.decode(), keep_blank_values=True).get("link", [""])[0]
            said = await self.opened(browser, link)
        cookie_header = f"browser={browser}; Path=/; HttpOnly; SameSite=Strict".encode()
        head = {"type": "http.response.start", "status": 200}
        await send({**head, "headers": [(b"set-cookie", cookie_header)]})
        await send({"type": "http.response.body", "body": said.encode()})

    async def opened(self, browser: str, link: str) -> str:
        """Go on with the sign-in that this browser began."""
        pending = self.waiting.get(browser)
        if pending is None:
            return "you began no sign-in in this browser"
        try:
            form = self.auth.form(pending)
            result = await self.auth.answer(pending, form.fill({"link": link}))  # type: ignore[union-attr]
        except AuthFlowError as error:
            return type(error).__name__
        if isinstance(result, SignedIn):
            return f"signed in as {result.username}"
        assert isinstance(result, ChallengeRequired)
        self.waiting[browser] = result
        return "not yet"


async def pressed(browser: aiohttp.ClientSession, url: str, token: str) -> str:
    """Open a link's page in a browser, and press the button that goes on in the same one."""
    async with browser.get(f"{url}/link#{token}") as reply:
        html = await reply.text()
    (action,) = re.findall(r'<form method="post" action="([^"]+)">', html)
    # As the page's script does: the token is in the address, and goes into the field.
    async with browser.post(action, data={"link": token}) as reply:
        return await reply.text()


async def test_a_link_by_mail_signs_in_the_browser_that_began_and_no_other_one(
    open_pool: Opened, mail_server: Callable[..., Any], serving: Serving
) -> None:
    server = await mail_server("starttls")
    sender = SmtpSender(
        host="localhost",
        port=server.port,
        from_address="Example Shop <no-reply@example.com>",
        username="shop",
        password="Mail-secret-1",
        tls=server.trusted,
    )
    async with open_pool(sender) as house:
        await house.user(**ADA, locale="de-AT")
        async with house.pool.client(challenges=[LinkPrompter]) as auth:
            shop = Shop(auth)
            jars = [aiohttp.CookieJar(unsafe=True) for _ in range(3)]
            async with (
                serving(shop) as url,
                aiohttp.ClientSession(cookie_jar=jars[0]) as began,
                aiohttp.ClientSession(cookie_jar=jars[1]) as other,
                aiohttp.ClientSession(cookie_jar=jars[2]) as scanner,
            ):
                shop.page = LinkPage(purpose="Example Shop", continue_url=f"{url}/continue")
                async with began.get(f"{url}/begin") as reply:
                    assert await reply.text() == "begun"
                (mail,) = server.mails
                assert mail["Subject"] == "Ihr Link zur Anmeldung bei Example Shop"
                text = mail.get_content()
                token = token_of(re.findall(r"https://\S+", text)[0])
                assert re.findall(r"https://\S+", text) == [f"{URL}#{token}"]
                for _ in range(3):  # a mail scanner opens it, follows what it finds, posts nothing
                    async with scanner.get(f"{url}/link#{token}") as reply:
                        assert reply.status == 200
                    async with scanner.head(f"{url}/link#{token}") as reply:
                        assert reply.status == 200
                assert await pressed(other, url, token) == "you began no sign-in in this browser"
                assert await pressed(began, url, another(token)) == "not yet"
                assert await pressed(began, url, token) == "signed in as ada"
                assert await pressed(began, url, token) == "SessionSpentError"
                async with began.get(f"{url}/begin") as reply:
                    assert await reply.text() == "begun"
                assert await pressed(began, url, token) == "not yet"
                assert len(server.mails) == 1  # the second sign-in came within the cool-down


async def test_a_link_confirmed_in_another_browser_signs_in_the_waiting_one(
    open_pool: Opened, outbox: Any, serving: Serving, kept: Confirmations, clock: Any
) -> None:
    page = LinkPage(purpose="Example Shop", anywhere=kept, clock=clock)
    async with (
        open_pool(outbox, anywhere=kept) as house,
        serving(page) as url,
        aiohttp.ClientSession() as telephone,
        house.pool.client(challenges=[LinkPrompter]) as auth,
    ):
        await house.user(**ADA)
        pending = await auth.sign_in("ada", flow=CUSTOM)
        number, token = seen(pending)["number"], token_in(outbox.sent[0])
        form = auth.form(pending)
        assert f"{number[:3]} {number[3:]}" in str(form.to_json())

        async def over() -> bool:
            return await kept.wait_is_over(pending.challenge, user_pool_id=house.pool.user_pool_id)

        async with telephone.get(f"{url}/#{token}") as reply:
            assert "Confirm" in await reply.text()
        assert not await over()
        early = await auth.answer(pending, form.fill({"link": ""}))
        assert seen(early) == {**seen(pending), "expiresIn": "300"}  # the same number
        wrong = f"{(int(number) + 97) % 1_000_000:06}"
        for typed, status in ((wrong, 200), ("000000", 422)):
            async with telephone.post(f"{url}/", data={"link": token, "number": typed}) as reply:
                assert reply.status == status
        assert not await over()
        for _ in range(2):  # two clicks
            async with telephone.post(f"{url}/", data={"link": token, "number": number}) as reply:
                assert reply.status == 200
        assert await over()
        result = await auth.answer(early, auth.form(early).fill({"link": ""}))
        assert isinstance(result, SignedIn)
        clock.now += 60
        later = await auth.sign_in("ada", flow=CUSTOM)
        again = await auth.answer(later, "elsewhere")
        assert isinstance(again, ChallengeRequired)
        assert len(outbox.sent) == 2


async def test_a_strangers_window_gains_nothing_by_a_click_for_another_window(
    open_pool: Opened, outbox: Any, kept: Confirmations, clock: Any
) -> None:
    page = LinkPage(purpose="Example Shop", anywhere=kept, clock=clock)
    async with open_pool(outbox, anywhere=kept, attempts=2) as house:
        await house.user(**ADA)
        strangers = [await house.auth.sign_in("ada", flow=CUSTOM) for _ in range(3)]
        own = await house.auth.sign_in("ada", flow=CUSTOM)
        assert len(outbox.sent) == 1  # all begun within the cool-down: they share its link
        number = seen(own)["number"]
        link = token_in(outbox.sent[0])
        status, _ = await page._confirmed({"link": link, "number": number}, kept)
        assert status == 200
        others = [each for each in strangers if seen(each)["number"] != number]
        assert others
        for stranger in others:
            assert isinstance(await house.auth.answer(stranger, "elsewhere"), ChallengeRequired)
        assert isinstance(await house.auth.answer(own, "elsewhere"), SignedIn)


async def test_without_the_setting_what_says_that_it_was_confirmed_is_wrong(
    open_pool: Opened, outbox: Any, kept: Confirmations, clock: Any
) -> None:
    page = LinkPage(purpose="Example Shop", anywhere=kept, clock=clock)
    async with open_pool(outbox) as house:
        await house.user(**ADA)
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        assert "number" not in seen(pending)
        form = {"link": token_in(outbox.sent[0]), "number": "000098"}
        await page._confirmed(form, kept)
        pending = await house.auth.answer(pending, "elsewhere")
        assert isinstance(pending, ChallengeRequired)
        assert isinstance(await house.auth.answer(pending, token_in(outbox.sent[0])), SignedIn)


@pytest.mark.parametrize("paste", ["#{}", f" <{URL}#{{}}>\n"])
async def test_a_link_or_its_token_may_be_pasted(
    open_pool: Opened, outbox: Any, paste: str
) -> None:
    class Reader(ScriptedPrompt):
        async def ask(self, question: str, *, hidden: bool = False) -> str:
            self.told.append(question)
            if len(self.told) == 2:
                return "https://shop.example.com/some-other-link"
            return paste.format(token_in(outbox.sent[0]).upper())

    prompt = Reader([])
    async with open_pool(outbox, attempts=1) as house:
        await house.user(**ADA)
        assert isinstance(await house.auth.sign_in("ada", flow=CUSTOM, prompt=prompt), SignedIn)
    assert prompt.told[0].startswith("A link was sent by e-mail to a***@e***. It is good for 5")
    assert "That is not the link of the message" in prompt.told[2]


async def test_links_of_other_users_clients_pools_and_sign_ins_are_wrong(
    open_pool: Opened, outbox: Any, clock: Any
) -> None:
    async with open_pool(outbox) as house, open_pool(outbox) as elsewhere:
        await house.user("ada", **ADA)
        await house.user("bob", **BOB)
        await elsewhere.user("ada", **ADA)
        second = await house.pool.app_client()
        tokens = []
        async with house.pool.client(second) as other:
            for auth, name in (
                (house.auth, "ada"),
                (house.auth, "bob"),
                (other, "ada"),
                (elsewhere.auth, "ada"),
            ):
                clock.now += 31
                await auth.sign_in(name, flow=CUSTOM)
                tokens.append(token_in(outbox.sent[-1]))
        clock.now += 31
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        tokens.append(token_in(outbox.sent[-1]))
        assert len({*tokens}) == 5
        own = tokens.pop()
        for number, token in enumerate([*tokens[:1], another(own)]):
            pending = await house.auth.answer(pending, token)
            assert pending.challenge.attempt == number + 2
        assert isinstance(await house.auth.answer(pending, own), SignedIn)
        for number, token in enumerate(tokens[1:]):
            if number % 2 == 0:
                clock.now += 31
                pending = await house.auth.sign_in("ada", flow=CUSTOM)
            pending = await house.auth.answer(pending, token)
            assert isinstance(pending, ChallengeRequired)


async def test_links_of_two_clients_that_begin_at_once_differ(
    open_pool: Opened, outbox: Any, limits: Limits
) -> None:
    async with open_pool(outbox) as house:
        await house.user("ada", **ADA)
        second = await house.pool.app_client()
        async with house.pool.client(second) as other:
            pending = await house.auth.sign_in("ada", flow=CUSTOM)
            waiting = await other.sign_in("ada", flow=CUSTOM)
            assert seen(waiting)["sent"] == "false"  # the cool-down is the user's
            again = await other.answer(waiting, token_in(outbox.sent[0]))
            assert isinstance(again, ChallengeRequired)
            assert isinstance(await house.auth.answer(pending, token_in(outbox.sent[0])), SignedIn)


async def test_a_link_is_good_until_it_expires_and_the_person_is_told(
    open_pool: Opened, outbox: Any, clock: Any
) -> None:
    async with open_pool(outbox) as house, house.pool.client(challenges=[LinkPrompter]) as auth:
        for seconds, good in ((299, True), (300, False), (3600, False)):
            await house.user(f"ada{seconds}", **ADA)
            pending = await auth.sign_in(f"ada{seconds}", flow=CUSTOM)
            clock.now += seconds
            result = await auth.answer(pending, token_in(outbox.sent[-1]))
            assert isinstance(result, SignedIn) is good
            if not good:
                assert seen(result)["expiresIn"] == "0"
                assert "The link has expired" in str(auth.form(result).to_json())
            clock.now += 3600


async def test_an_expired_link_can_no_more_be_confirmed_nor_used_after_it_was(
    open_pool: Opened, outbox: Any, kept: Confirmations, clock: Any
) -> None:
    page = LinkPage(purpose="Example Shop", anywhere=kept, clock=clock)
    async with open_pool(outbox, anywhere=kept) as house:
        await house.user(**ADA)
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        form = {"link": token_in(outbox.sent[0]), "number": seen(pending)["number"]}
        clock.now += 299
        assert (await page._confirmed(form, kept))[0] == 200
        clock.now += 1
        assert (await page._confirmed(form, kept))[0] == 400
        assert isinstance(await house.auth.answer(pending, "elsewhere"), ChallengeRequired)


async def test_one_message_is_sent_in_a_sign_in_whatever_is_answered(
    open_pool: Opened, outbox: Any, clock: Any
) -> None:
    async with open_pool(outbox) as house:
        await house.user(**ADA)
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        for answer in ("resend", "000000"):
            clock.now += 31
            pending = await house.auth.answer(pending, answer)
            assert seen(pending)["sent"] == "true"
        assert len(outbox.sent) == 1
        assert isinstance(await house.auth.answer(pending, token_in(outbox.sent[0])), SignedIn)


async def test_what_could_not_be_sent_is_sent_at_the_next_attempt(
    open_pool: Opened, outbox: Any, clock: Any
) -> None:
    async with open_pool(outbox) as house, house.pool.client(challenges=[LinkPrompter]) as auth:
        await house.user(**ADA)
        first = await auth.sign_in("ada", flow=CUSTOM)
        assert isinstance(await auth.answer(first, token_in(outbox.sent[0])), SignedIn)
        clock.now += 10
        pending = await auth.sign_in("ada", flow=CUSTOM)
        assert seen(pending) == {
            "destination": "a***@e***",
            "medium": "EMAIL",
            "expiresIn": "300",
            "sent": "false",
            "retryAfter": "20",
        }
        (waiting,) = auth.form(pending).fields
        assert waiting.poll_after == 20
        clock.now += 20
        pending = await auth.answer(pending, auth.form(pending).fill({}))
        assert seen(pending)["sent"] == "true"
        assert len(outbox.sent) == 2
        result = await auth.answer(
            pending, auth.form(pending).fill({"link": token_in(outbox.sent[1])})
        )
        assert isinstance(result, SignedIn)


async def test_nobody_can_tell_who_exists_or_has_an_address(
    open_pool: Opened, outbox: Any, clock: Any, kept: Confirmations
) -> None:
    async with open_pool(outbox, anywhere=kept) as house:
        await house.user("ada", **ADA)
        await house.user("unverified", email="eve@example.com", email_verified="false")
        await house.user("without")
        traces: dict[str, list[dict[str, str]]] = {}
        for name in ("ada", "unverified", "without", "nobody"):
            trace = traces[name] = []
            pending = await house.auth.sign_in(name, flow=CUSTOM)
            for answer in ("wrong", "elsewhere"):
                trace.append(seen(pending))
                pending = await house.auth.answer(pending, answer)
            trace.append(seen(pending))
            assert len({one.pop("number", None) for one in trace}) == 1
            (shown,) = {one.pop("destination") for one in trace}
            assert trace == traces["ada"]
            assert re.fullmatch(r"[a-z]\*{3}@[a-z]\*{3}", shown)
            clock.now += 7200
            later = await house.auth.sign_in(name, flow=CUSTOM)
            assert seen(later)["destination"] == shown
        assert {sent.destination for sent in outbox.sent} == {"ada@example.com"}


async def test_the_link_that_was_made_for_nobody_is_wrong_also_if_it_was_confirmed(
    open_pool: Opened, outbox: Any, kept: Confirmations, monkeypatch: pytest.MonkeyPatch, clock: Any
) -> None:
    made = []
    new = link_module.Link._new

    async def spied(self: Any, context: Any) -> Any:
        made.append(await new(self, context))
        return made[-1]

    monkeypatch.setattr(link_module.Link, "_new", spied)
    page = LinkPage(purpose="Example Shop", anywhere=kept, clock=clock)
    async with open_pool(outbox, anywhere=kept) as house:
        await house.user("eve", email="eve@example.com", email_verified="false")
        for name in ("eve", "nobody"):
            pending = await house.auth.sign_in(name, flow=CUSTOM)
            token = made[-1].token.reveal()
            pending = await house.auth.answer(pending, token)
            assert isinstance(pending, ChallengeRequired)
            form = {"link": token, "number": seen(pending)["number"]}
            assert (await page._confirmed(form, kept))[0] == 200
            assert isinstance(await house.auth.answer(pending, "elsewhere"), ChallengeRequired)
    assert outbox.sent == []


async def all_at_once(answers: list[Callable[[], Any]]) -> list[Any]:
    """Give all answers at the same time, and return what became of them."""
    results: list[Any] = []

    async def one(answer: Callable[[], Any]) -> None:
        try:
            results.append(await answer())
        except RefusedError as refused:
            results.append(refused)

    async with anyio.create_task_group() as group:
        for answer in answers:
            group.start_soon(one, answer)
    return results


async def test_of_a_hundred_answers_to_one_sign_in_at_once_one_wins(
    open_pool: Opened, outbox: Any
) -> None:
    async with open_pool(outbox) as house:
        await house.user(**ADA)
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        token = token_in(outbox.sent[0])
        results = await all_at_once([lambda: house.auth.answer(pending, token)] * 100)
    assert len(results) == 100
    assert sum(isinstance(each, SignedIn) for each in results) == 1


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_of_sign_ins_that_share_a_link_one_wins(
    open_pool: Opened, outbox: Any, clock: Any, kept: Confirmations, elsewhere: bool
) -> None:
    counted = Limits(
        store=MemoryStore(clock=clock),
        keys=kept.keys,
        clock=clock,
        guesses=GuessLimit(failures=99),
    )
    page = LinkPage(purpose="Example Shop", anywhere=kept, clock=clock)
    async with open_pool(outbox, anywhere=kept, counted=counted) as house:
        await house.user(**ADA)
        waiting = [await house.auth.sign_in("ada", flow=CUSTOM) for _ in range(12)]
        assert len(outbox.sent) == 1
        token = token_in(outbox.sent[0])
        if elsewhere:
            for each in waiting:
                form = {"link": token, "number": seen(each)["number"]}
                assert (await page._confirmed(form, kept))[0] == 200
        answer = "elsewhere" if elsewhere else token
        results = await all_at_once([partial(house.auth.answer, each, answer) for each in waiting])
    assert sum(isinstance(each, SignedIn) for each in results) == 1


async def test_a_click_and_an_answer_at_once_sign_in_once_or_ask_again(
    open_pool: Opened, outbox: Any, kept: Confirmations, clock: Any
) -> None:
    page = LinkPage(purpose="Example Shop", anywhere=kept, clock=clock)
    async with open_pool(outbox, anywhere=kept) as house:
        await house.user(**ADA)
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        token = token_in(outbox.sent[0])
        form = {"link": token, "number": seen(pending)["number"]}
        clicks = [lambda: page._confirmed(form, kept)] * 2
        answers = [partial(house.auth.answer, pending, word) for word in ("elsewhere", token)]
        results = await all_at_once([*answers, *clicks])
        signed_in = [each for each in results if isinstance(each, SignedIn)]
        asked = [each for each in results if isinstance(each, ChallengeRequired)]
        assert len(signed_in) + len(asked) == 1
        if asked:
            assert isinstance(await house.auth.answer(asked[0], "elsewhere"), SignedIn)


async def test_no_link_and_no_address_is_logged_or_public(
    open_pool: Opened, outbox: Any, kept: Confirmations, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("authflow", "authflow.triggers", "authflow.pool", "authflow_otp"):
        caplog.set_level("DEBUG", logger=name)
    async with open_pool(outbox, anywhere=kept) as house:
        await house.user(**ADA)
        pending = await house.auth.sign_in("ada", flow=CUSTOM)
        token = token_in(outbox.sent[0])
        again = await house.auth.answer(pending, another(token))
        shown = repr(pending) + repr(again) + repr(house.triggers) + repr(outbox.sent)
        await house.auth.answer(again, token)
    for text in (caplog.text, shown, repr(pending.challenge.parameters)):
        for part in (token, token[4:30], token[30:], another(token)[4:]):
            assert part not in text
        assert "ada@example.com" not in text
