"""Starlette: its lifespan, and what an app must have."""

from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from authflow import AuthClient, AuthConfig
from authflow.errors import ConfigError, SignedOutError
from authflow.integrations.starlette import StarletteAuth
from authflow.keys import KeyRing
from authflow.stores import MemoryStore

CONFIG = AuthConfig(user_pool_id="eu-central-1_Abc123def", client_id="abc")


def made() -> StarletteAuth:
    return StarletteAuth(AuthClient(CONFIG, keys=KeyRing.generate(), store=MemoryStore()))


def is_open(auth: StarletteAuth) -> bool:
    return auth.client._transport is not None


def test_an_app_without_the_handlers_does_not_start(testclient):
    with (
        pytest.raises(ConfigError, match="exception_handlers=auth"),
        testclient.TestClient(Starlette(lifespan=made().lifespan)),
    ):
        pass


def test_a_lifespan_of_the_apps_own_runs_inside_and_keeps_its_state(testclient):
    auth, seen = made(), []

    @asynccontextmanager
    async def own(_app: Any):
        seen.append(is_open(auth))
        yield {"greeting": "hello"}
        seen.append(is_open(auth))

    async def greet(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.state.greeting)

    app = Starlette(
        routes=[Route("/", greet)],
        lifespan=auth.lifespan_with(own),
        exception_handlers=auth.exception_handlers,
    )
    for _ in range(2):  # and again, as tests do it
        with testclient.TestClient(app, base_url="https://testserver") as client:
            assert is_open(auth)
            assert client.get("/").text == "hello"
        assert not is_open(auth)
    assert seen == [True, True] * 2


def test_an_error_of_ours_in_the_apps_own_code_has_its_status(testclient):
    async def fails(_request: Request) -> PlainTextResponse:
        raise SignedOutError("sign in again")

    auth = made()
    app = Starlette(
        routes=[Route("/", fails)],
        lifespan=auth.lifespan,
        exception_handlers=auth.exception_handlers,
    )
    with testclient.TestClient(app, base_url="https://testserver") as client:
        reply = client.get("/")
    assert (reply.status_code, reply.json()["error"]["code"]) == (401, "signed_out")
    assert reply.headers["www-authenticate"] == "Bearer"


def test_a_websocket_of_nobody_is_refused(testclient):
    auth = made()

    async def socket(websocket: WebSocket) -> None:
        await auth.current_user(websocket)
        raise AssertionError

    app = Starlette(
        routes=[WebSocketRoute("/", socket)],
        lifespan=auth.lifespan,
        exception_handlers=auth.exception_handlers,
    )
    with (
        testclient.TestClient(app, base_url="https://testserver") as client,
        pytest.raises(testclient.WebSocketDenialResponse) as denied,
        client.websocket_connect("/"),
    ):
        pass
    assert denied.value.status_code == 401


def test_an_app_that_does_not_run_our_lifespan_is_told_so(testclient, caplog):
    auth = made()
    app = Starlette(
        routes=[Mount("/auth", auth.sign_in_router())], exception_handlers=auth.exception_handlers
    )
    client = testclient.TestClient(app, base_url="https://testserver")
    token = client.get("/auth/csrf").json()["csrf_token"]
    reply = client.post(
        "/auth/sign-in",
        json={"username": "ada", "password": "x"},
        headers={"x-csrf-token": token},
    )
    assert reply.status_code == 500
    assert "open the client first" in caplog.text
    assert "open the client" not in reply.text
