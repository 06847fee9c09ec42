"""Sessions, tokens as JSON, and what follows a sign-in."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from authflow import AuthClient
from authflow.errors import (
    PoolSetupError,
    StoreUnavailableError,
    TokenRevokedError,
    UnreachableError,
)
from authflow.integrations.web.csrf import BrowserSeals
from authflow.integrations.web.web_sessions import Sessions
from authflow.stores import MemoryStore
from authflow.testing import PASSWORD, run_pool


def cookies_of(page) -> dict[str, str]:
    return {name.rpartition("-")[2]: value for name, value in page.http.cookies.items()}


async def test_a_sign_in_draws_a_new_handle_and_a_new_csrf_token_and_ends_the_old_session(one_site):
    ada, page = await one_site.user(), one_site.browser()
    await page.sign_in(ada)
    first, old = cookies_of(page), page.token
    await page.sign_in(ada)
    second = cookies_of(page)
    assert first["session"] != second["session"]
    assert first["browser"] != second["browser"]
    page.token, new = old, page.token
    assert (await page.ask("POST", "/orders")).json()["error"]["code"] == "csrf_mismatch"
    page.token = new
    assert (await page.ask("POST", "/orders")).status_code == 200
    stolen = one_site.browser()
    stolen.http.cookies.set("__Host-authflow-session", first["session"], domain="testserver.local")
    assert (await stolen.ask("GET", "/orders")).status_code == 401


async def test_a_handle_that_an_attacker_has_set_is_nobodys_and_is_not_taken_over(one_site, caplog):
    page, planted = one_site.browser(), "A" * 43
    page.http.cookies.set("__Host-authflow-session", planted, domain="testserver.local")
    await page.get("/csrf")
    assert (await page.ask("GET", "/orders")).status_code == 401
    await page.sign_in(await one_site.user())
    assert planted not in cookies_of(page).values()
    assert "may still be good" not in caplog.text


async def test_a_sign_in_that_another_sites_page_begins_is_refused(one_site):
    """Login CSRF: the victim would go on in the attacker's account."""
    victim, attacker = one_site.browser(), one_site.browser()
    await victim.get("/csrf")
    await attacker.get("/csrf")
    victim.token = attacker.token
    reply = await victim.begin(await one_site.user())
    assert reply.json()["error"]["code"] == "csrf_mismatch"
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ):
        reply = await victim.get("/csrf", **headers)
        assert (reply.status_code, reply.json()["error"]["code"]) == (403, "foreign_origin")
        assert reply.headers.get_list("set-cookie") == []


async def test_a_session_ends_with_its_time_and_with_its_sign_out_in_every_process(site_of, clock):
    async with site_of() as site:
        page = site.browser()
        reply = await page.sign_in(await site.user())
        (line,) = (each for each in reply.headers.get_list("set-cookie") if "session" in each)
        assert f"Max-Age={9 * 86400}" in line
        assert (await page.post("/refresh")).json()["status"] == "signed_in"
        clock.advance(9 * 86400 + 1)
        assert (await page.ask("GET", "/orders")).status_code == 401


async def test_a_stale_csrf_token_is_told_so_and_another_one_is_had(site_of, clock):
    async with site_of() as site:
        page = site.browser()
        await page.sign_in(await site.user())
        clock.advance(13 * 3600)
        stale = await page.ask("POST", "/orders")
        assert (stale.status_code, stale.json()["error"]["code"]) == (403, "csrf_stale")
        await page.get("/csrf")
        assert (await page.ask("POST", "/orders")).status_code == 200


async def test_a_sign_out_without_a_session_is_one_all_the_same(one_site):
    page = one_site.browser()
    await page.get("/csrf")
    for _ in range(2):
        assert (await page.post("/sign-out")).json()["status"] == "none"


async def test_a_session_that_is_over_or_none_is_signed_out_all_the_same(one_site, caplog):
    page = one_site.browser()
    await page.sign_in(await one_site.user())
    over, kept = one_site.browser(), dict(page.http.cookies.items())
    tab = one_site.browser()
    tab.token, tab.http.cookies = page.token, httpx.Cookies(page.http.cookies)
    assert (await page.post("/sign-out")).status_code == 200
    for handle in (kept["__Host-authflow-session"], "no.handle"):
        for name, value in (kept | {"__Host-authflow-session": handle}).items():
            over.http.cookies.set(name, value, domain="testserver.local")
        await over.get("/csrf")
        reply = await over.post("/sign-out")
        assert (reply.status_code, reply.json()["status"]) == (200, "none")
        assert over.cookie("session") is None
    assert (await tab.sign_in(await one_site.user())).status_code == 200
    assert "may still be good" not in caplog.text


async def test_a_session_that_cannot_be_opened_is_nobodys_and_is_left_behind(site_of, caplog):
    """As where its key was taken away, or the store's entry altered."""

    store = MemoryStore()
    async with site_of(store=store) as site:
        page, tab = site.browser(), site.browser()
        await page.sign_in(await site.user())
        tab.token, tab.http.cookies = page.token, httpx.Cookies(page.http.cookies)
        for name, (stored, _) in [*store._entries.items()]:
            await store.replace(name, stored.value[:-1], expected=stored.version, seconds=60)
        assert (await page.ask("GET", "/maybe")).json() == {"for": None}
        assert (await page.get("/me")).json()["error"]["code"] == "not_signed_in"
        assert (await page.post("/sign-out")).status_code == 200
        assert (await tab.sign_in(await site.user())).status_code == 200
    assert "may still be good" not in caplog.text


async def test_a_second_tab_takes_no_csrf_token_from_the_first(one_site):
    page = one_site.browser()
    await page.sign_in(await one_site.user())
    first = page.token
    reply = await page.get("/csrf")
    assert reply.headers.get_list("set-cookie") == []
    for token in (first, page.token):
        page.token = token
        assert (await page.ask("POST", "/orders")).status_code == 200


async def test_a_sign_out_that_fails_can_be_sent_again(site_of, monkeypatch):
    async with site_of() as site:
        page = site.browser()
        await page.sign_in(await site.user())

        async def fails(*_: object) -> None:
            raise UnreachableError("canary")

        with monkeypatch.context() as patched:
            patched.setattr("authflow.client.kept_sign_out.KeptSignOut.finish", fails)
            failed = await page.post("/sign-out")
        assert (failed.status_code, failed.json()["error"]["next"]) == (503, "wait")
        assert page.cookie("session") is not None
        assert (await page.post("/sign-out")).status_code == 200
        assert page.cookie("session") is None


async def test_an_old_session_that_cannot_be_ended_keeps_nobody_from_a_new_one(
    site_of, monkeypatch, caplog
):
    async def fails(*_: object) -> None:
        raise UnreachableError("canary")

    async with site_of() as site:
        page = site.browser()
        await page.sign_in(await site.user())
        old = page.cookie("session")
        with monkeypatch.context() as patched:
            patched.setattr("authflow.client.kept_sign_out.KeptSignOut.finish", fails)
            await page.sign_in(await site.user())
        assert page.cookie("session") not in {old, None}
    assert "may still be good" in caplog.text


async def test_a_user_is_signed_out_where_the_app_client_revokes_nothing(site_of, pool):
    config = await pool.app_client(members={"EnableTokenRevocation": False})
    async with site_of(config=config) as site:
        page = site.browser()
        await page.sign_in(await site.user())
        assert (await page.post("/sign-out")).status_code == 200
        assert (await page.ask("GET", "/orders")).status_code == 401


async def test_tokens_that_cannot_be_kept_are_revoked(site_of, monkeypatch):
    revoked: list[str] = []
    async with site_of() as site:

        async def fails(*_: object, **__: object) -> None:
            raise StoreUnavailableError("canary")

        async def notes(_self: object, token: object) -> None:
            revoked.append(type(token).__name__)
            raise PoolSetupError("canary")

        page, ada = site.browser(), await site.user()
        with monkeypatch.context() as patched:
            patched.setattr(AuthClient, "keep", fails)
            patched.setattr(AuthClient, "revoke", notes)
            reply = await page.begin(ada)
        assert reply.status_code == 503
        assert revoked == ["Secret"]
        assert page.cookie("session") is None


async def test_a_reply_waits_for_a_revocation_for_its_time_alone(one_site, monkeypatch, caplog):
    async def fails(*_: object, **__: object) -> None:
        raise StoreUnavailableError("canary")

    async def hangs(*_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr("authflow.integrations.web.web_sessions.UNDOING_TIMEOUT", 0.01)
    monkeypatch.setattr(AuthClient, "keep", fails)
    monkeypatch.setattr(AuthClient, "revoke", hangs)
    reply = await one_site.browser().begin(await one_site.user())
    assert reply.status_code == 503
    assert "nobody has got may still be good" in caplog.text


@pytest.mark.parametrize("after", ["session", "tokens"])
async def test_a_sign_in_whose_reply_cannot_be_sealed_leaves_no_good_tokens(
    site_of, monkeypatch, after
):
    from authflow.errors import KeysUnavailableError
    from authflow.integrations.web.csrf import BrowserSeals

    issued = []
    signs_in = AuthClient.sign_in

    async def noting(self: AuthClient, *given: object, **named: object) -> object:
        issued.append(await signs_in(self, *given, **named))
        return issued[-1]

    async def fails(*_: object) -> None:
        raise KeysUnavailableError("canary")

    async with site_of(after_sign_in=after) as site:
        page, ada = site.browser(), await site.user()
        await page.get("/csrf")
        with monkeypatch.context() as patched:
            patched.setattr(AuthClient, "sign_in", noting)
            patched.setattr(BrowserSeals, "token", fails)
            reply = await page.begin(ada)
        assert (reply.status_code, page.cookie("session")) == (503, None)
        with pytest.raises(TokenRevokedError):
            await site.client.refresh(issued[0].tokens.refresh_token)


async def test_tokens_are_given_as_json_where_no_session_is_kept(site_of):
    async with site_of(after_sign_in="tokens") as site:
        ada, page = await site.user(), site.browser()
        tokens = (await page.sign_in(ada)).json()["tokens"]
        assert set(tokens) == {
            *("access_token", "id_token", "refresh_token", "expires_in", "token_type")
        }
        assert page.cookie("session") is None
        bearer = {"authorization": f"Bearer {tokens['access_token']}"}
        assert (await page.get("/me", **bearer)).json()["user"]["username"] == ada
        program = site.browser()
        body = {"refresh_token": tokens["refresh_token"]}
        new = (await program.post("/refresh", body)).json()["tokens"]
        assert new["refresh_token"] == tokens["refresh_token"]
        assert (await program.post("/sign-out", body)).status_code == 200
        over = await program.post("/refresh", body)
        assert (over.status_code, over.json()["error"]["code"]) == (401, "token_revoked")
        for wrong in ({}, {"refresh_token": 1}, {"refresh_token": "x" * 9000}):
            assert (await program.post("/refresh", wrong)).status_code == 400


async def test_in_clear_this_machine_alone_is_served(site_of):
    async with site_of(insecure_loopback=True) as site:
        page = site.browser("http://127.0.0.1:8000")
        await page.sign_in(await site.user())
        assert {*page.http.cookies} == {"authflow-browser", "authflow-session"}
        assert (await page.ask("GET", "/orders")).status_code == 200
        elsewhere = site.browser("http://192.0.2.1:8000")
        assert (await elsewhere.get("/csrf")).status_code == 400


async def test_nothing_secret_is_logged_or_shown(site_of, caplog):
    caplog.set_level("DEBUG")
    async with site_of() as site:
        ada, page = await site.user(), site.browser()
        await page.begin(ada, "Canary-horse-1")
        step = (await page.begin(ada, flow="CUSTOM_AUTH")).json()["step"]
        secrets = [*page.http.cookies.values(), page.token, "Canary-horse-1", PASSWORD]
        await page.answer(step, values={"word": "open sesame"})
        secrets += [*page.http.cookies.values(), page.token, "open sesame"]
        shown = f"{site.auth!r} {site.auth._credentials!r} {site.auth.routes()!r}"
    own = [each for each in caplog.records if each.name.startswith("authflow")]
    told = shown + "".join(each.getMessage() for each in own)
    assert [each for each in secrets if each in told] == []
    assert [each for each in own if each.levelname == "WARNING"] == []


async def test_threat_protection_is_told_of_whoever_asks(site_of, pool):
    from authflow import UserContext
    from authflow.integrations.asgi import WebRequest

    seen: list[WebRequest] = []

    def context(request: WebRequest) -> UserContext:
        seen.append(request)
        return UserContext(ip_address=request.peer)

    config = await pool.app_client(secret=True)
    async with site_of(config=config, user_context=context) as site:
        page = site.browser(peer="198.51.100.9")
        assert (await page.begin(await site.user())).json()["status"] == "signed_in"
    assert {each.peer for each in seen} == {"198.51.100.9"}
    assert "198.51.100.9" not in repr(seen[0])


@pytest.mark.parametrize(
    ("told", "peer"),
    [
        ("testclient", None),
        ("", None),
        ("unknown", None),
        ("fe80::1%eth0", "fe80::1"),
        ("::1", "::1"),
    ],
)
async def test_who_asks_is_an_address_or_nobody_knows(site_of, told, peer):
    from authflow import UserContext

    seen = []

    def context(request) -> UserContext:
        seen.append(request.peer)
        return UserContext(ip_address=request.peer)

    async with site_of(user_context=context) as site:
        reply = await site.browser(peer=told).begin(f"nobody-{uuid4().hex}")
    assert (reply.status_code, seen) == (401, [peer])


async def test_a_fault_is_not_hidden(site_of):
    def fails(_request: object) -> None:
        raise ZeroDivisionError

    async with site_of(user_context=fails) as site:
        page, ada = site.browser(), await site.user()
        with pytest.raises(ZeroDivisionError):
            await page.begin(ada)


async def test_a_named_origin_of_the_same_site_may_ask(site_of):
    async with site_of(origins="https://app.example.com") as site:
        page = site.browser()
        asks = {"origin": "https://app.example.com", "sec_fetch_site": "same-site"}
        assert (await page.get("/csrf", **asks)).status_code == 200
        ada = await site.user()
        body = {"username": ada, "password": PASSWORD}
        reply = await page.post("/sign-in", body, **asks)
        assert reply.json()["status"] == "signed_in"


@pytest.mark.parametrize(
    ("after", "where"),
    [
        ("session", "keep"),
        *((after, where) for after in ("session", "tokens") for where in ("csrf", "leave")),
    ],
)
async def test_tokens_are_revoked_where_a_request_is_cancelled_before_they_are_given(
    site_of, monkeypatch, after, where
):
    got: list[Any] = []
    reached = asyncio.Event()
    real = AuthClient.sign_in

    async def noting(self: AuthClient, *given: object, **named: Any) -> Any:
        got.append(await real(self, *given, **named))
        return got[-1]

    async def hangs(*_: object, **__: object) -> None:
        reached.set()
        await asyncio.Event().wait()

    async with site_of(after_sign_in=after) as site:
        page, ada = site.browser(), await site.user()
        await page.get("/csrf")
        if where == "leave":
            await page.begin(ada)  # its session, if there is one, is what is left
        monkeypatch.setattr(AuthClient, "sign_in", noting)
        with monkeypatch.context() as patched:
            if where == "keep":
                patched.setattr(AuthClient, "keep", hangs)
            elif where == "csrf":
                patched.setattr(BrowserSeals, "token", hangs)
            else:
                leave, old = Sessions._leave, page.cookie("session")

                async def leaves(self: Sessions, handle: Any) -> None:
                    await (
                        hangs() if handle is None or handle.reveal() == old else leave(self, handle)
                    )

                patched.setattr(Sessions, "_leave", leaves)
            asking = asyncio.ensure_future(page.begin(ada))
            await asyncio.wait_for(reached.wait(), 10)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await site.auth._duties.aclose()
        (signed_in,) = got
        with pytest.raises(TokenRevokedError):
            await site.client.refresh(signed_in.tokens.refresh_token)


async def test_where_devices_are_remembered_theirs_goes_with_the_tokens(site_of, clock):
    devices = {"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": False}
    async with run_pool(
        users={"ada": PASSWORD}, pool={"DeviceConfiguration": devices}, clock=clock
    ) as own:
        given = {"config": own.config, "after_sign_in": "tokens"}
        async with site_of(**given, remember_device="caller") as one, site_of(**given) as other:
            page = one.browser()
            tokens = (await page.begin("ada")).json()["tokens"]
            assert set(tokens["device"]) == {"key", "group_key", "password"}
            program, body = other.browser(), {"refresh_token": tokens["refresh_token"]}
            refused = await program.post("/refresh", body)
            assert refused.status_code == 401
            new = await program.post("/refresh", {**body, "device": tokens["device"]})
            assert new.status_code == 200, new.text
            again = one.browser()
            proved = await again.begin("ada", device=tokens["device"])
            assert proved.json()["status"] == "signed_in"
            assert "device" not in proved.json()["tokens"] or (
                proved.json()["tokens"]["device"]["key"] == tokens["device"]["key"]
            )
            for wrong in ("x", {"key": "x"}, {"key": "", "group_key": "x"}, {"key": 1}, []):
                for path, more in (("/refresh", body), ("/sign-in", {"username": "ada"})):
                    reply = await again.post(path, {**more, "device": wrong})
                    assert reply.status_code == 400, (path, wrong)
        async with site_of(config=own.config) as kept:
            page = kept.browser()
            assert (await page.begin("ada", device=tokens["device"])).status_code == 400
