"""What an adapter is made of, and what it refuses to be made of."""

import subprocess
import sys

import pytest

from authflow import AuthClient, AuthConfig, Secret
from authflow.errors import ConfigError, MisuseError
from authflow.integrations.asgi import AsgiAuth
from authflow.integrations.fastapi import FastAPIAuth
from authflow.integrations.starlette import StarletteAuth
from authflow.integrations.web.csrf import new_browser
from authflow.integrations.web.request_errors import CsrfMismatchError
from authflow.keys import KeyRing
from authflow.stores import MemoryStore
from authflow.tokens import AnyOf, TokenVerifier

CONFIG = AuthConfig(user_pool_id="eu-central-1_Abc123def", client_id="abc")
CLIENT = AuthClient(CONFIG, keys=KeyRing.generate(), store=MemoryStore())
VERIFIER = TokenVerifier(config=CONFIG)
ADAPTERS = [AsgiAuth, StarletteAuth, FastAPIAuth]

adapters = pytest.mark.parametrize("adapter", ADAPTERS)


@adapters
def test_it_is_made_of_a_client_or_of_a_verifier(adapter):
    assert adapter(CLIENT).sign_in_router()
    for given in ((), ("canary",), (CONFIG,), (AuthClient,)):
        with pytest.raises(ConfigError) as refused:
            adapter(*given)
        assert "canary" not in refused.value.message
    for wrong in ({"verifier": CONFIG}, {"settings": {}}):
        with pytest.raises(ConfigError, match="must be"):
            adapter(CLIENT, **wrong)


@adapters
def test_sign_ins_need_a_client_with_keys_and_a_store(adapter):
    with pytest.raises(ConfigError, match="need a client"):
        adapter(verifier=VERIFIER).sign_in_router()
    for given in ({}, {"keys": KeyRing.generate()}):
        with pytest.raises(ConfigError, match=r"keys=, store=.*MemoryStore"):
            adapter(AuthClient(CONFIG, **given)).sign_in_router()


async def test_a_misuse_is_told_as_it_is_once_the_client_is_open(one_site, monkeypatch, caplog):
    async def fails(*_: object, **__: object) -> None:
        raise MisuseError("canary")

    monkeypatch.setattr(AuthClient, "forgot_password", fails)
    page = one_site.browser()
    await page.get("/csrf")
    assert (await page.post("/password/forgot", {"username": "ada"})).status_code == 500
    assert "misuse: canary" in caplog.text


@adapters
def test_sessions_need_a_verifier_that_takes_access_tokens(adapter):
    with pytest.raises(ConfigError, match="sessions have access tokens"):
        adapter(CLIENT, verifier=VERIFIER.require(token_use="id"))
    assert adapter(verifier=VERIFIER.require(token_use="id"))
    assert adapter(CLIENT, verifier=VERIFIER.require(groups="staff"))


@adapters
def test_what_is_required_is_checked_when_it_is_said(adapter):
    def required(**given):
        auth = adapter(CLIENT)
        return auth.requires(None, **given) if adapter is AsgiAuth else auth.requires(**given)

    required(groups=AnyOf("a", "b"), scopes="a/b")
    for wrong in ({"groups": ["a", "b"]}, {"groups": 5}, {"scopes": "a b"}, {"scopes": ""}):
        with pytest.raises(MisuseError):
            required(**wrong)


async def test_apps_of_two_app_clients_or_pools_take_nothing_of_each_other_under_one_key():
    keys, store, browser = KeyRing.generate(), MemoryStore(), new_browser()
    seals = [
        AsgiAuth(
            AuthClient(AuthConfig(user_pool_id=pool_id, client_id=client), keys=keys, store=store)
        )._seals
        for pool_id, client in (
            *(("eu-central-1_Abc123def", "abc"), ("eu-central-1_Abc123def", "abd")),
            ("eu-central-1_Abc123deg", "abc"),
        )
    ]
    for one in seals:
        token = await one.token(browser, None)
        cookie = await one.bind(Secret("ticket"), browser)
        await one.check(token, browser, None)
        for other in seals:
            if other is not one:
                with pytest.raises(CsrfMismatchError):
                    await other.check(token, browser, None)
                assert await other.ticket(cookie, browser) is None


async def test_a_verifiers_requirement_holds_for_sessions_too(site_of, pool):
    async with site_of() as site:
        page, ada = site.browser(), await site.user()
        await page.sign_in(ada)
        narrowed = TokenVerifier(config=pool.config, clock=pool.clock).require(groups="staff")
        auth = AsgiAuth(site.client, verifier=narrowed)
        cookies = "; ".join(f"{name}={value}" for name, value in page.http.cookies.items())
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "headers": [(b"cookie", cookies.encode())],
        }
        with pytest.raises(Exception, match="group staff") as refused:
            await auth.current_user(scope)
        assert refused.value.http_status == 403


@pytest.mark.parametrize("module", ["asgi", "starlette", "fastapi"])
def test_no_adapter_loads_the_client_or_aws(module: str):
    program = (
        f"import sys, authflow.integrations.{module}\n"
        "print([m for m in ('aiobotocore', 'botocore', 'authflow.client') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_plain_asgi_needs_no_framework():
    program = (
        "import sys\n"
        "for name in ('starlette', 'fastapi', 'pydantic'): sys.modules[name] = None\n"
        "import authflow.integrations.asgi"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@adapters
@pytest.mark.parametrize("when", ["always", "ask"])
def test_a_service_is_not_everybodys_device(adapter, when):
    keys, store = KeyRing.generate(), MemoryStore()
    client = AuthClient(CONFIG, keys=keys, store=store, remember_device=when)
    with pytest.raises(ConfigError, match="second factor"):
        adapter(client).sign_in_router()
    own = AuthClient(CONFIG, keys=keys, store=store, remember_device="caller")
    assert adapter(own).sign_in_router()
