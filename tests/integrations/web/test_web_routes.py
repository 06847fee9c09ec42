"""The routes of sign-ins, asked by a browser's page, in each framework."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from authflow import AuthClient, errors
from authflow.keys import KeyRing
from authflow.stores import MemoryStore
from authflow.testing import PASSWORD

COOKIES = ("browser", "sign-in", "session")


async def test_a_sign_in_goes_step_by_step_to_a_session(site):
    ada, page = await site.user(), site.browser()
    begun = await page.begin(ada, flow="CUSTOM_AUTH")
    assert begun.status_code == 200
    told = begun.json()
    assert told["status"] == "challenge"
    assert told["form"]["parts"][0]["label"] == "a door of thieves"
    assert page.cookie("sign-in") not in begun.text
    wrong = await page.answer(told["step"], values={"word": "close sesame"})
    assert wrong.json()["challenge"]["attempt"] == 2
    done = await page.answer(wrong.json()["step"], values={"word": "open sesame"})
    assert done.json()["status"] == "signed_in"
    assert done.json()["user"] == {"username": ada}
    assert "tokens" not in done.json()
    assert page.cookie("sign-in") is None
    assert (await page.ask("GET", "/orders")).json() == {"for": ada}
    who = (await page.get("/me")).json()["user"]
    assert who["username"] == ada
    assert (await page.post("/sign-out")).status_code == 200
    assert (await page.ask("GET", "/orders")).status_code == 401


async def test_the_current_step_is_had_again_and_a_sign_in_is_given_up(site):
    ada, page = await site.user(), site.browser()
    assert (await page.get("/sign-in")).status_code == 404
    begun = (await page.begin(ada, flow="CUSTOM_AUTH")).json()
    again = (await page.get("/sign-in")).json()
    assert {**again, "csrf_token": "", "expires_in": 0} == {
        **begun,
        "csrf_token": "",
        "expires_in": 0,
    }
    cancelled = await page.ask("DELETE", "/auth/sign-in")
    assert cancelled.json() == {"status": "none"}
    gone = await page.answer(begun["step"], values={"word": "open sesame"})
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "no_sign_in")


async def test_what_is_required_is_told_apart_from_who_asks(site):
    ada, bob, page = await site.user(), await site.user(group="staff"), site.browser()
    for path in ("/orders", "/staff", "/scoped"):
        refused = await page.ask("GET", path)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert refused.json()["error"]["code"] == "not_signed_in"
        assert refused.headers["cache-control"] == "no-store"
    assert (await page.ask("GET", "/maybe")).json() == {"for": None}
    await page.sign_in(ada)
    assert (await page.ask("GET", "/maybe")).json() == {"for": ada}
    for path in ("/staff", "/scoped"):
        refused = await page.ask("GET", path)
        assert refused.status_code == 403
        assert 'Bearer error="insufficient_scope"' in refused.headers["www-authenticate"]
    await page.sign_in(bob)
    assert (await page.ask("GET", "/staff")).json() == {"for": bob}


async def test_a_bearer_token_needs_no_csrf_token_and_goes_before_a_session(site):
    ada, bob, page = await site.user(), await site.user(), site.browser()
    result = await site.client.sign_in(ada, PASSWORD)
    token = result.tokens.access_token.reveal()
    await page.sign_in(bob)
    page.token = None
    for method in ("GET", "POST"):
        reply = await page.ask(method, "/orders", authorization=f"Bearer {token}")
        assert reply.json() == {"for": ada}, reply.text
    identity = result.tokens.id_token.reveal()
    wrong = await page.ask("GET", "/orders", authorization=f"Bearer {identity}")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "token_use")
    assert 'error="invalid_token"' in wrong.headers["www-authenticate"]
    assert identity not in wrong.text


async def test_a_session_that_changes_something_needs_its_csrf_token(site):
    page = site.browser()
    await page.sign_in(await site.user())
    assert (await page.ask("POST", "/orders")).status_code == 200
    page.token, kept = None, page.token
    refused = await page.ask("POST", "/orders")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "csrf_missing")
    foreign = await page.ask("POST", "/orders", x_csrf_token=kept, origin="https://evil.example")
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (403, "foreign_origin")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_method_that_no_route_takes_is_405(site, method: str):
    reply = await site.browser().ask(method, "/auth/csrf", {})
    assert reply.status_code == 405
    assert "GET" in reply.headers["allow"]


async def test_of_answers_sent_at_once_one_wins_and_the_page_goes_on(site):
    page = site.browser()
    step = (await page.begin(await site.user(), flow="CUSTOM_AUTH")).json()["step"]
    replies = await asyncio.gather(
        *(page.answer(step, values={"word": "open sesame"}) for _ in range(5))
    )
    assert sorted(each.status_code for each in replies) == [200, 409, 409, 409, 409]
    lost = {each.json()["error"]["code"] for each in replies if each.status_code == 409}
    assert lost <= {"answered_elsewhere", "other_step"}
    assert (await page.ask("GET", "/orders")).status_code == 200


async def test_cookies_are_for_this_host_alone_and_no_script_reads_them(site):
    page, ada = site.browser(), await site.user()
    replies = [await page.get("/csrf"), await page.begin(ada, flow="CUSTOM_AUTH")]
    step = replies[-1].json()["step"]
    replies.append(await page.answer(step, values={"word": "open sesame"}))
    lines = [line for each in replies for line in each.headers.get_list("set-cookie")]
    assert {line.partition("=")[0] for line in lines} == {
        f"__Host-authflow-{name}" for name in COOKIES
    }
    for line in lines:
        said = {part.strip().lower() for part in line.split(";")}
        assert {"secure", "httponly", "path=/"} <= said
        assert {"samesite=strict", "samesite=lax"} & said
        assert not any(part.startswith("domain") for part in said)


async def test_no_reply_is_cached_or_taken_for_another_type(site):
    page = site.browser()
    for reply in (await page.get("/csrf"), await page.get("/me"), await page.post("/sign-in")):
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["content-type"] == "application/json"
        assert reply.headers["x-content-type-options"] == "nosniff"


async def test_openapi_shows_the_status_of_whatever_begins_or_ends_a_step(site_of, monkeypatch):
    raised: list[errors.AuthFlowError] = []

    async def fails(*_: object, **__: object) -> None:
        raise raised[-1]

    async with site_of() as site:
        routes = {each.name: each for each in site.auth.routes()}
        page = site.browser()
        step = (await page.begin(await site.user(), flow="CUSTOM_AUTH")).json()["step"]
        cookies = dict(page.http.cookies)
        for call in ("sign_in", "answer"):
            monkeypatch.setattr(AuthClient, call, fails)
        for kind in (getattr(errors, each) for each in errors.__all__ if each != "NextStep"):
            raised.append(kind("canary"))
            reply = await page.post("/sign-in", {"username": "ada", "password": "x"})
            assert reply.status_code in routes["begin_sign_in"].statuses, kind
            page.http.cookies.update(cookies)
            reply = await page.answer(step, answer="x")
            assert reply.status_code in routes["answer_step"].statuses, kind
            page.http.cookies.clear()
            page.http.cookies.update(cookies)


async def with_everything(site) -> tuple:
    """Return a page of a user who is signed in, and about to sign in again; and the step."""
    page = site.browser()
    await page.sign_in(await site.user())
    step = (await page.begin(await site.user(), flow="CUSTOM_AUTH")).json()["step"]
    return page, step


@pytest.mark.parametrize("after", ["session", "tokens"])
async def test_no_route_takes_more_than_its_schema_says(site_of, after: str):
    async with site_of(after_sign_in=after) as site:
        page, step = await with_everything(site)
        of_user = {}
        if after == "tokens":
            tokens = (await site.client.sign_in(await site.user(), PASSWORD)).tokens
            of_user = {"authorization": f"Bearer {tokens.access_token.reveal()}"}
        lengths = {}
        for route in site.auth.routes():
            path, least = f"/auth{route.path}", dict.fromkeys(route.needed, "x")
            least |= {"step": step} if "step" in route.body else {}
            for name, schema in route.body.items():
                inner = schema.get("properties", {"a": schema.get("additionalProperties")})
                part = inner["a" if "a" in inner else "key"] or schema
                most = part.get("maxLength", 64)
                lengths[name] = most
                long = "x" * (most + 1)
                value = dict.fromkeys(inner, long) if schema["type"] == "object" else long
                reply = await page.ask(route.method, path, least | {name: value}, **of_user)
                told = reply.json()["error"]
                assert (reply.status_code, told["code"]) == (400, "malformed_request"), told
                assert told["message"].startswith(name)
            if route.body:
                reply = await page.ask(route.method, path, least | {"y": "x" * 17_000}, **of_user)
                assert reply.status_code == 413
                reply = await page.ask(route.method, path, least | {"unheard_of": 1}, **of_user)
                assert reply.json()["error"]["message"].startswith("the body has a member")
    assert lengths.pop("refresh_token", 8_192) == 8_192
    assert lengths.pop("device", 1_024) == 1_024
    assert lengths == {
        "username": 128,
        "password": 256,
        "old_password": 256,
        "new_password": 256,
        "attributes": 2_048,
        "code": 2_048,
        "values": 4_096,
        "answer": 4_096,
        "step": 64,
        "flow": 64,
    }


async def test_a_schema_says_which_members_are_secret_and_that_there_are_no_others(site_of):
    secret = {"password", "old_password", "new_password", "code", "answer", "refresh_token"}
    named: set[str] = set()
    async with site_of(after_sign_in="tokens") as site:
        for schema in (route.schema() for route in site.auth.routes()):
            assert schema["additionalProperties"] is False
            device = schema["properties"].get("device", {"additionalProperties": False})
            assert device["additionalProperties"] is False
            for name, each in (schema["properties"] | device.get("properties", {})).items():
                assert (each.get("format") == "password") is (name in secret), name
                named.add(name)
    assert secret | {"key", "username"} <= named


@pytest.mark.parametrize("after", ["session", "tokens"])
async def test_no_route_waits_longer_for_its_body_than_the_setting_says(site_of, after: str):
    async def waits() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)

    shared = {"keys": KeyRing.generate(), "store": MemoryStore(), "after_sign_in": after}
    async with site_of(**shared) as site, site_of(**shared, body_timeout=0.01) as hasty:
        page, _ = await with_everything(site)
        tokens = (await site.client.sign_in(await site.user(), PASSWORD)).tokens
        headers = {"content-type": "application/json", "x-csrf-token": page.token}
        if after == "tokens":
            headers["authorization"] = f"Bearer {tokens.access_token.reveal()}"
        there = hasty.browser().http
        there.cookies.update(page.http.cookies)
        for route in hasty.auth.routes():
            if route.body:
                path = f"/auth{route.path}"
                reply = await there.request(route.method, path, content=waits(), headers=headers)
                assert (reply.status_code, reply.json()["error"]["code"]) == (408, "slow_body")


async def test_what_changes_something_for_a_browser_needs_a_csrf_token(one_site):
    page, step = await with_everything(one_site)
    page.token = None
    changing = [each for each in one_site.auth.routes() if each.method != "GET"]
    assert len(changing) == 11
    for route in changing:
        body = dict.fromkeys(route.needed, "x") | {"step": step}
        reply = await page.ask(route.method, f"/auth{route.path}", body)
        assert (reply.status_code, reply.json()["error"]["code"]) == (403, "csrf_missing"), route
