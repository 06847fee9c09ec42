"""Sign-ins that pages, other people and strangers disturb."""

import asyncio
import json
import re
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authflow import AuthClient
from authflow.errors import MisuseError, ThrottledError
from authflow.keys import KeyRing
from authflow.testing import PASSWORD
from tests.integrations.web.conftest import Browser

WORD = {"word": "open sesame"}


def code_of(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


async def begun(site, page: Browser) -> str:
    reply = await page.begin(await site.user(), flow="CUSTOM_AUTH")
    return reply.json()["step"]


async def test_the_back_button_and_a_second_tab_cost_no_attempt(one_site):
    page = one_site.browser()
    first = await begun(one_site, page)
    second = (await page.answer(first, values={"word": "wrong"})).json()
    for _ in range(5):  # the form of the step before
        assert code_of(await page.answer(first, values=WORD)) == (409, "other_step")
    current = (await page.get("/sign-in")).json()
    assert (current["step"], current["challenge"]["attempt"]) == (second["step"], 2)
    assert (await page.answer(second["step"], values=WORD)).json()["status"] == "signed_in"
    assert code_of(await page.answer(second["step"], values=WORD)) == (404, "no_sign_in")
    assert (await page.ask("GET", "/orders")).status_code == 200


async def test_a_form_that_was_sent_again_with_its_old_cookies_is_409_and_takes_nothing(one_site):
    page = one_site.browser()
    step = await begun(one_site, page)
    old = one_site.browser()
    old.http.cookies.update(page.http.cookies)
    old.token = page.token
    second = (await page.answer(step, values={"word": "wrong"})).json()
    late = await old.answer(step, values=WORD)
    assert code_of(late) == (409, "answered_elsewhere")
    assert (late.json()["error"]["next"], late.headers["retry-after"]) == ("wait", "1")
    assert late.headers.get_list("set-cookie") == []
    assert (await page.answer(second["step"], values=WORD)).json()["status"] == "signed_in"


async def test_where_the_other_answers_reply_was_lost_the_page_begins_anew(site_of, clock):
    async with site_of() as site:
        page, lost = site.browser(), site.browser()
        step = await begun(site, page)
        lost.http.cookies.update(page.http.cookies)
        lost.token = page.token
        assert (await lost.answer(step, values=WORD)).json()["status"] == "signed_in"
        clock.advance(31)
        late = await page.answer(step, values=WORD)
        assert code_of(late) == (409, "session_spent")
        assert late.json()["error"]["next"] == "restart"


async def test_the_second_click_of_a_double_click_finds_its_user_signed_in(one_site):
    page = one_site.browser()
    ada = await one_site.user()
    step = (await page.begin(ada, flow="CUSTOM_AUTH")).json()["step"]
    first, second = await asyncio.gather(*(page.answer(step, values=WORD) for _ in range(2)))
    assert {first.status_code, second.status_code} == {200, 409}
    for _ in range(2):
        now = await page.get("/sign-in")
        assert (now.status_code, now.json()["status"]) == (200, "signed_in")
        assert now.json()["user"] == {"username": ada}
        assert now.headers.get_list("set-cookie") == []  # other tabs' tokens stay good
    assert (await page.post("/sign-out")).status_code == 200  # by the token of that reply
    assert code_of(await page.get("/sign-in")) == (404, "no_sign_in")


async def test_a_session_without_the_browsers_cookie_gets_one_with_its_csrf_token(one_site):
    page = one_site.browser()
    await page.sign_in(await one_site.user())
    page.http.cookies.delete("__Host-authflow-browser")
    assert (await page.get("/sign-in")).json()["status"] == "signed_in"
    assert (await page.post("/sign-out")).status_code == 200


async def test_a_question_without_a_ticket_takes_none_from_a_sign_in_that_has_just_begun(one_site):
    early = await one_site.browser().get("/sign-in")  # on its way while another tab begins one
    assert code_of(early) == (404, "no_sign_in")
    assert early.headers.get_list("set-cookie") == []
    page = one_site.browser()
    await page.get("/csrf")
    assert code_of(await page.answer("x", answer="x")) == (404, "no_sign_in")
    await begun(one_site, page)
    page.http.cookies.delete("__Host-authflow-browser")
    gone = await page.get("/sign-in")  # another browser's: it is forgotten
    assert code_of(gone) == (404, "no_sign_in")
    assert page.cookie("sign-in") is None


async def test_a_session_says_nothing_of_a_sign_in_that_waits(one_site):
    page = one_site.browser()
    await page.sign_in(await one_site.user())
    step = await begun(one_site, page)
    assert (await page.get("/sign-in")).json()["step"] == step


async def test_a_second_sign_in_takes_the_place_of_the_first_in_both_tabs(one_site):
    page = one_site.browser()
    first, second = await begun(one_site, page), await begun(one_site, page)
    assert code_of(await page.answer(first, values=WORD)) == (409, "other_step")
    assert (await page.answer(second, values=WORD)).json()["status"] == "signed_in"


async def test_what_a_person_can_mend_keeps_the_step(one_site):
    page = one_site.browser()
    step = await begun(one_site, page)
    for values in ({}, {"word": "?"}, {"word": ""}, {"other": "x"}):
        reply = await page.answer(step, values=values)
        assert code_of(reply) == (422, "ask_again")
        assert reply.json()["error"]["next"] == "retry_same_challenge"
    assert reply.headers.get_list("set-cookie") == []
    assert (await page.answer(step, values=WORD)).json()["status"] == "signed_in"


async def test_an_answer_may_be_a_text_as_well(one_site):
    page = one_site.browser()
    step = await begun(one_site, page)
    assert (await page.answer(step, answer="open sesame")).json()["status"] == "signed_in"


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"values": WORD, "answer": "x"},
        {"values": "x"},
        {"values": {"word": 1}},
        {"values": {"word": {"a": "b"}}},
        {"answer": ["x"]},
        {"values": {"word": "x" * 4097}},
        {"values": WORD, "more": 1},
    ],
)
async def test_an_answer_of_another_form_is_refused_and_costs_nothing(one_site, members):
    page = one_site.browser()
    step = await begun(one_site, page)
    assert code_of(await page.answer(step, **members)) == (400, "malformed_request")
    assert (await page.get("/sign-in")).json()["challenge"]["attempt"] == 1


async def test_wrong_answers_end_the_sign_in_and_the_browser_forgets_it(one_site):
    page = one_site.browser()
    step = await begun(one_site, page)
    for _ in range(2):
        step = (await page.answer(step, values={"word": "wrong"})).json()["step"]
    last = await page.answer(step, values={"word": "wrong"})
    assert code_of(last) == (401, "bad_credentials")
    assert page.cookie("sign-in") is None
    assert code_of(await page.get("/sign-in")) == (404, "no_sign_in")


async def test_a_sign_in_whose_time_is_over_is_410_and_forgotten(site_of, clock):
    async with site_of() as site:
        page = site.browser()
        step = await begun(site, page)
        tab = site.browser()
        tab.http.cookies = httpx.Cookies(page.http.cookies)
        clock.advance(200)
        assert code_of(await tab.get("/sign-in"))[0] == 410
        assert tab.cookie("sign-in") is None
        for reply in (await page.get("/sign-in"), await page.answer(step, values=WORD)):
            assert reply.status_code in {404, 410}
        assert page.cookie("sign-in") is None
        assert (await page.begin(await site.user())).status_code == 200


async def test_cookies_of_another_deployment_are_forgotten_and_the_page_begins_anew(site_of, pool):
    other_client = await pool.app_client()
    async with site_of() as one, site_of() as other, site_of(config=other_client) as third:
        page = one.browser()
        step = await begun(one, page)
        kept, token = dict(page.http.cookies), page.token
        for elsewhere in (other, third):
            there = elsewhere.browser()
            there.http.cookies.update(kept)
            assert code_of(await there.get("/sign-in")) == (404, "no_sign_in")
            there.http.cookies.update(kept)
            there.token = token
            assert code_of(await there.answer(step, values=WORD)) == (403, "csrf_mismatch")
            assert (await there.get("/me")).status_code == 401
            there.token = None
            assert (await there.begin(await one.user())).json()["status"] == "signed_in"


async def test_a_ticket_that_somebody_planted_opens_in_no_other_browser(one_site):
    attacker, victim = one_site.browser(), one_site.browser()
    step = await begun(one_site, attacker)
    await victim.get("/csrf")
    name = "__Host-authflow-sign-in"
    victim.http.cookies.set(name, attacker.http.cookies[name], domain="testserver.local")
    assert code_of(await victim.answer(step, values=WORD)) == (404, "no_sign_in")
    assert victim.cookie("sign-in") is None


@pytest.mark.parametrize("part", ["browser", "sign-in"])
async def test_a_cookie_that_was_altered_opens_nothing(one_site, part):
    page = one_site.browser()
    step = await begun(one_site, page)
    name = f"__Host-authflow-{part}"
    value = page.http.cookies[name]
    for altered in (
        value[:-1] + ("_" if value[-1] != "_" else "A"),
        "x",
        value[:-3],
        value + "A",
        value * 2,
    ):
        headers = {n: v for n, v in page.http.cookies.items() if n != name}
        line = "; ".join(f"{n}={v}" for n, v in {**headers, name: altered}.items())
        raw = httpx.AsyncClient(
            transport=httpx.ASGITransport(one_site.app), base_url="https://testserver"
        )
        async with raw:
            reply = await raw.post(
                "/auth/sign-in/answer",
                json={"step": step, "values": WORD},
                headers={"cookie": line, "x-csrf-token": page.token},
            )
        assert code_of(reply) in {(403, "csrf_mismatch"), (404, "no_sign_in")}
    assert (await page.answer(step, values=WORD)).json()["status"] == "signed_in"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "malformed_request"),
        ({"username": ""}, "malformed_request"),
        ({"username": 1, "password": "x"}, "malformed_request"),
        ({"username": "a" * 129, "password": "x"}, "malformed_request"),
        ({"username": "ada", "password": "x" * 257}, "malformed_request"),
        ({"username": "ada", "password": ["x"]}, "malformed_request"),
        ({"username": "ada", "password": "x", "flow": "USER_PASSWORD_AUTH"}, "malformed_request"),
        ({"username": "ada", "password": "x", "flow": "x"}, "malformed_request"),
        ({"username": "ada", "password": "x", "admin": True}, "malformed_request"),
        ({"username": "ada"}, "password_required"),
    ],
)
async def test_what_cannot_begin_a_sign_in_is_refused_and_not_repeated(one_site, body, code):
    page = one_site.browser()
    await page.get("/csrf")
    reply = await page.post("/sign-in", body)
    assert code_of(reply) == (400, code)
    assert not re.search(r"\bada\b", reply.text)  # a token may have the letters


async def test_a_refusal_is_one_reply_whoever_exists(one_site, pool):
    of = {"UserPoolId": pool.user_pool_id}
    known, disabled, unconfirmed = [await one_site.user() for _ in range(2)] + ["u-unconfirmed"]
    await pool.call("AdminDisableUser", **of, Username=disabled)
    await one_site.client.sign_up(unconfirmed, PASSWORD, attributes={"email": "u@example.org"})
    told, nobody = set(), f"nobody-{uuid4().hex}"  # whom no other test has locked
    for flow in ("USER_SRP_AUTH", "CUSTOM_AUTH"):
        for name in (known, disabled, unconfirmed, nobody):
            page = one_site.browser()
            reply = await page.begin(name, "Wrong-horse-1", flow=flow)
            told.add((reply.status_code, reply.text, tuple(sorted(dict(reply.headers).items()))))
    assert len(told) == 1, told
    proved = await one_site.browser().begin(unconfirmed)
    assert code_of(proved) == (403, "user_not_confirmed")
    assert proved.json()["error"]["next"] == "confirm_sign_up"


async def test_without_a_password_nothing_is_told_of_an_account(site_of, pool):
    config = await pool.app_client(members={"PreventUserExistenceErrors": "LEGACY"})
    async with site_of(config=config) as site:
        await site.client.sign_up("u-waiting", PASSWORD, attributes={"email": "w@example.org"})
        told = set()
        for name in ("u-waiting", "nobody-here"):
            page = site.browser()
            await page.get("/csrf")
            reply = await page.post("/sign-in", {"username": name, "flow": "CUSTOM_AUTH"})
            told.add((reply.status_code, reply.text))
        assert {status for status, _ in told} == {401}
        assert len(told) == 1, told


async def test_many_wrong_passwords_are_429_with_the_time_to_wait(one_site):
    ada, page = await one_site.user(), one_site.browser()
    for _ in range(6):
        reply = await page.begin(ada, "Wrong-horse-1")
    assert code_of(reply) == (429, "locked_out")
    assert int(reply.headers["retry-after"]) == reply.json()["error"]["retry_after"] > 0


async def test_a_store_that_is_down_loses_no_step(site_of, monkeypatch):
    from authflow.errors import StoreUnavailableError
    from authflow.stores import MemoryStore

    store = MemoryStore()
    async with site_of(store=store) as site:
        page = site.browser()
        step = await begun(site, page)

        class Down(MemoryStore):
            async def replace(self, *_: object, **__: object) -> bool:
                raise StoreUnavailableError("canary")

        with monkeypatch.context() as patched:
            patched.setattr(MemoryStore, "replace", Down.replace)
            reply = await page.answer(step, values=WORD)
        assert code_of(reply) == (503, "store_unavailable")
        assert "canary" not in reply.text
        assert (await page.answer(step, values=WORD)).json()["status"] == "signed_in"


async def test_an_answer_that_counted_and_cannot_be_kept_begins_anew(site_of, monkeypatch):
    from authflow import AuthClient
    from authflow.errors import StoreUnavailableError

    async with site_of() as site:
        page = site.browser()
        step = await begun(site, page)

        async def fails(*_: object, **__: object) -> None:
            raise StoreUnavailableError("canary")

        with monkeypatch.context() as patched:
            patched.setattr(AuthClient, "keep", fails)
            reply = await page.answer(step, values=WORD)
        assert code_of(reply) == (502, "outcome_unknown")
        assert reply.json()["error"]["next"] == "restart"
        assert page.cookie("sign-in") is None


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"username=ada&password=x", "application/x-www-form-urlencoded", 415),
        (b'{"username": "ada"}', "text/plain", 415),
        (b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x", 415),
        (b"{" * 1000, "application/json", 400),
        (b'{"username": "' + b"a" * 20_000 + b'"}', "application/json", 413),
        (b"\xff\xfe", "application/json", 400),
    ],
)
async def test_forms_of_other_sites_and_broken_bodies_are_refused(one_site, body, kind, status):
    page = one_site.browser()
    await page.get("/csrf")
    reply = await page.http.post(
        "/auth/sign-in",
        content=body,
        headers={"content-type": kind, "x-csrf-token": page.token},
    )
    assert reply.status_code == status
    assert set(reply.json()["error"]) == {"code", "message", "next"}


HEADERS = st.sampled_from(
    ["cookie", "authorization", "origin", "host", "x-csrf-token", "sec-fetch-site", "content-type"]
)
VALUES = st.one_of(
    st.text(
        st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40
    ),
    st.sampled_from(
        [
            *("Bearer", "Bearer ", "Bearer a.b.c", "bearer  x", "Basic YTpi", "Bearer a b", "null"),
            "__Host-authflow-session=x; __Host-authflow-session=y",
            "__Host-authflow-session=" + "A" * 43,
            "__Host-authflow-browser=x; __Host-authflow-sign-in=y",
            "application/json",
        ]
    ),
)
PATHS = st.sampled_from(
    [
        *(
            ("GET", path)
            for path in ("/auth/csrf", "/auth/sign-in", "/auth/me", "/orders", "/maybe")
        ),
        *(("POST", path) for path in ("/auth/sign-in", "/auth/sign-in/answer", "/auth/sign-out")),
        *(("POST", path) for path in ("/auth/sign-up", "/auth/password/change", "/orders")),
        ("DELETE", "/auth/sign-in"),
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(
    route=PATHS,
    headers=st.lists(st.tuples(HEADERS, VALUES), max_size=4),
    body=st.one_of(st.binary(max_size=40), st.just(b'{"step": "x", "answer": "y"}')),
)
async def test_no_request_is_answered_by_anything_but_a_typed_reply(one_site, route, headers, body):
    method, path = route
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(one_site.app), base_url="https://testserver"
    ) as http:
        reply = await http.request(method, path, content=body, headers=raw)
    assert reply.status_code < 500, reply.text
    told = json.loads(reply.text)
    if reply.status_code >= 400:
        assert {"code", "message", "next"} <= set(told["error"])


async def test_a_page_that_is_left_while_its_answer_is_sent_leaves_it_claimed_or_free(one_site):
    page = one_site.browser()
    step = await begun(one_site, page)
    sending = asyncio.ensure_future(page.answer(step, values=WORD))
    await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert (await page.get("/sign-in")).status_code == 200
    reply = await page.answer(step, values=WORD)
    assert reply.status_code in {200, 409}


async def test_with_two_stores_of_keys_nothing_is_shared(site_of):
    async with site_of(keys=KeyRing.generate("2")) as site:
        page = site.browser()
        assert (await page.begin(await site.user())).json()["status"] == "signed_in"


async def test_a_step_without_a_form_takes_a_text_alone(site_of, monkeypatch):
    async with site_of() as site:
        page = site.browser()
        step = await begun(site, page)
        assert "parameters" not in (await page.get("/sign-in")).json()["challenge"]
        monkeypatch.setattr(AuthClient, "form", lambda *_: None)
        told = (await page.get("/sign-in")).json()
        assert told["form"] is None
        parameters = told["challenge"]["parameters"]
        assert parameters["hint"]
        assert not {"USERNAME", "USER_ID_FOR_SRP"} & {*parameters}
        refused = await page.answer(step, values=WORD)
        assert code_of(refused) == (400, "malformed_request")
        assert "send its answer as a text" in refused.json()["error"]["message"]
        assert (await page.answer(step, answer="open sesame")).json()["status"] == "signed_in"


async def test_a_form_of_which_nothing_was_filled_in_is_asked_again(one_site):
    page = one_site.browser()
    step = await begun(one_site, page)
    assert (await page.answer(step, values={})).json()["error"]["next"] == "retry_same_challenge"


async def test_pictures_that_a_store_has_no_room_for_are_left_out(site_of, monkeypatch):
    seals, kept = AuthClient.seal, []

    async def seal(self: AuthClient, pending: object, *, pictures: bool = False) -> str:
        kept.append(pictures)
        if pictures:
            raise MisuseError("too long")
        return await seals(self, pending)

    monkeypatch.setattr(AuthClient, "seal", seal)
    async with site_of() as site:
        page = site.browser()
        step = await begun(site, page)
        assert kept == [True, False]
        assert (await page.answer(step, values=WORD)).json()["status"] == "signed_in"


async def test_an_error_that_asks_to_wait_is_no_other_requests_answer(one_site, monkeypatch):
    async def fails(*_: object, **__: object) -> None:
        raise ThrottledError("canary", retry_after=7)

    page = one_site.browser()
    step = await begun(one_site, page)
    monkeypatch.setattr(AuthClient, "answer", fails)
    reply = await page.answer(step, values=WORD)
    assert code_of(reply) == (503, "throttled")
    assert reply.headers["retry-after"] == "7"


async def test_a_fault_of_the_service_forgets_no_sign_in(site_of, monkeypatch):
    async def fails(*_: object, **__: object) -> None:
        raise MisuseError("canary")

    async with site_of() as site:
        page = site.browser()
        step = await begun(site, page)
        with monkeypatch.context() as patched:
            patched.setattr(AuthClient, "answer", fails)
            failed = await page.answer(step, values=WORD)
        assert (failed.status_code, "canary" in failed.text) == (500, False)
        assert (await page.answer(step, values=WORD)).json()["status"] == "signed_in"


async def test_a_step_and_its_cookie_last_as_long_as_cognitos_session(site_of, clock):
    async with site_of() as site:
        page = site.browser()
        reply = await page.begin(await site.user(), flow="CUSTOM_AUTH")
        assert reply.json()["expires_in"] == 180
        (line,) = (each for each in reply.headers.get_list("set-cookie") if "sign-in" in each)
        assert "Max-Age=180" in line
        for passed, left in ((100, 80), (79.5, 1)):
            clock.advance(passed)
            assert (await page.get("/sign-in")).json()["expires_in"] == left
