"""Starlette: its lifespan, and what an app must have."""

import threading
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, Router, WebSocketRoute
from starlette.websockets import WebSocket

from authflow import AuthClient, AuthConfig
from authflow.errors import AuthFlowError, ConfigError, MisuseError, SignedOutError
from authflow.integrations.starlette import StarletteAuth, WebSettings, owned_cookies
from authflow.keys import KeyRing
from authflow.stores import MemoryStore
from authflow.tokens import TokenVerifier

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


REFUSED = (1008, "websocket.close")


async def sent_to(app: Any, *, denies: bool = True, leaves: bool = False) -> list[Any]:
    """What a server is told to send to a WebSocket of nobody."""
    sent = []
    came = [{"type": "websocket.connect"}]
    came += [{"type": "websocket.disconnect", "code": 1001}] if leaves else []

    async def receive() -> Any:
        return came.pop(0)

    async def send(message: Any) -> None:
        sent.append((message.get("status") or message.get("code"), message["type"]))

    scope = {
        "type": "websocket",
        "path": "/",
        "raw_path": b"/",
        "root_path": "",
        "scheme": "wss",
        "query_string": b"",
        "headers": [(b"host", b"testserver")],
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}} if denies else {},
    }
    await app(scope, receive, send)
    assert came == []  # websocket.connect comes first, also for whoever is refused
    return sent


async def nobodys(websocket: WebSocket) -> None:
    await made().current_user(websocket)


async def signed_out(websocket: WebSocket) -> None:
    await websocket.accept()
    raise SignedOutError("sign in again")


async def closed(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()
    raise SignedOutError("sign in again")


async def left(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.receive()
    raise SignedOutError("sign in again")


DENIED = [(401, "websocket.http.response.start"), (None, "websocket.http.response.body")]
ACCEPTED = (None, "websocket.accept")


@pytest.mark.parametrize(
    ("endpoint", "denies", "sent"),
    [
        (nobodys, True, DENIED),
        (nobodys, False, [REFUSED]),
        (made().requires()(nobodys), True, DENIED),
        (made().requires()(nobodys), False, [REFUSED]),
        (signed_out, True, [ACCEPTED, REFUSED]),
        (closed, True, [ACCEPTED, (1000, "websocket.close")]),
        (left, True, [ACCEPTED]),
    ],
)
async def test_a_websocket_is_refused_or_closed_as_it_stands(endpoint, denies, sent):
    app = Starlette(
        routes=[WebSocketRoute("/", endpoint)], exception_handlers=made().exception_handlers
    )
    assert await sent_to(app, denies=denies, leaves=endpoint is left) == sent


def plain(request: Request) -> PlainTextResponse:
    raise AssertionError(request.url)


class Page(HTTPEndpoint):
    @made().requires()
    async def get(self, request: Request) -> PlainTextResponse:
        raise AssertionError(request.url)


def test_whatever_is_an_endpoint_can_require_a_user(testclient):
    app = Starlette(routes=[Route("/plain", made().requires()(plain)), Route("/page", Page)])
    client = testclient.TestClient(app, base_url="https://testserver")
    for path in ("/plain", "/page"):
        assert client.get(path).status_code == 401


def test_an_endpoint_without_async_runs_in_a_thread_with_its_user(testclient, monkeypatch):
    async def ada(*_: object) -> Any:
        return "ada"

    def told(request: Request) -> PlainTextResponse:
        is_main = threading.current_thread() is loop_thread[0]
        return PlainTextResponse(f"{request.user} {is_main}")

    loop_thread: list[Any] = []

    async def noting(_request: Request) -> PlainTextResponse:
        loop_thread.append(threading.current_thread())
        return PlainTextResponse("")

    monkeypatch.setattr(StarletteAuth, "user_of", ada)
    app = Starlette(routes=[Route("/loop", noting), Route("/", made().requires()(told))])
    with testclient.TestClient(app, base_url="https://testserver") as client:
        client.get("/loop")
        assert client.get("/").text == "ada False"


@pytest.mark.parametrize("wrong", [Page, None, "orders"])
def test_what_is_no_endpoint_is_refused_when_it_is_decorated(wrong):
    with pytest.raises(MisuseError, match="function or a method"):
        made().requires()(wrong)


def test_an_app_that_does_not_run_our_lifespan_is_told_so(testclient, caplog):
    auth = made()

    async def maybe(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(await auth.optional_user(request)))

    app = Starlette(
        routes=[
            Mount("/auth", auth.sign_in_router()),
            Route("/orders", auth.requires()(plain)),
            Route("/maybe", maybe),
        ],
        exception_handlers=auth.exception_handlers,
    )
    client = testclient.TestClient(app, base_url="https://testserver")
    token = client.get("/auth/csrf").json()["csrf_token"]
    reply = client.post(
        "/auth/sign-in",
        json={"username": "ada", "password": "x"},
        headers={"x-csrf-token": token},
    )
    assert reply.status_code == 500
    assert "the app's lifespan has not run" in caplog.text
    assert "lifespan" not in reply.text
    for path in ("/auth/me", "/orders", "/maybe"):
        caplog.clear()
        known = client.get(path, headers={"cookie": f"__Host-authflow-session={'A' * 43}"})
        assert known.status_code == 500
        assert "the app's lifespan has not run" in caplog.text
    without = client.post(
        "/auth/sign-in", json={"username": "ada"}, headers={"x-csrf-token": token}
    )
    assert without.json()["error"]["code"] == "password_required"  # which says what is meant


def test_a_mounted_app_replies_to_our_errors_without_being_told_to(testclient):
    auth = made()

    async def orders(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(await auth.current_user(request)))

    async def own(_request: Request, _error: Exception) -> PlainTextResponse:
        return PlainTextResponse("of its own", status_code=418)

    def outer(*mounts: Mount) -> Starlette:
        return Starlette(
            routes=mounts, lifespan=auth.lifespan, exception_handlers=auth.exception_handlers
        )

    routes = [Route("/orders", orders)]
    deep = Mount("/deep", Router([Mount("/app", Starlette(routes=routes))]))
    app = outer(
        Mount("/sub", Starlette(routes=[*routes, deep])),
        Mount("/own", Starlette(routes=routes, exception_handlers={AuthFlowError: own})),
    )
    with testclient.TestClient(app, base_url="https://testserver") as client:
        for path in ("/sub/orders", "/sub/deep/app/orders"):
            reply = client.get(path)
            assert (reply.status_code, reply.json()["error"]["code"]) == (401, "not_signed_in")
        assert client.get("/own/orders").status_code == 418
    running = Starlette(routes=routes)
    testclient.TestClient(running).get("/nothing")
    with (
        pytest.raises(ConfigError, match="exception_handlers"),
        testclient.TestClient(outer(Mount("/sub", running))),
    ):
        pass


def test_an_app_that_verifies_tokens_alone_starts_and_has_no_cookies(testclient):
    auth = StarletteAuth(verifier=TokenVerifier(config=CONFIG))
    app = Starlette(
        routes=[Route("/plain", auth.requires()(plain))],
        lifespan=auth.lifespan,
        exception_handlers=auth.exception_handlers,
    )
    with testclient.TestClient(app, base_url="https://testserver") as client:
        assert client.get("/plain").status_code == 401


def test_a_cookies_name_is_free_for_another_pool_once_its_adapter_has_ended():
    app = Starlette()
    for pool in ("one", "other"):
        with owned_cookies(app, ("authflow", (pool, "abc"))):
            pass


def test_two_adapters_for_two_pools_do_not_take_each_others_cookies(testclient):
    other = AuthConfig(user_pool_id="eu-central-1_Abc123def", client_id="other")

    def app(**settings: str) -> Starlette:
        client = AuthClient(other, keys=KeyRing.generate(), store=MemoryStore())
        first, second = made(), StarletteAuth(client, settings=WebSettings(**settings))
        return Starlette(
            lifespan=first.lifespan_with(second.lifespan),
            exception_handlers=first.exception_handlers,
        )

    with pytest.raises(ConfigError, match="cookie_name"), testclient.TestClient(app()):
        pass
    with testclient.TestClient(app(cookie_name="other")):
        pass
    same = made()
    twice = Starlette(
        lifespan=same.lifespan_with(made().lifespan), exception_handlers=same.exception_handlers
    )
    for _ in range(2):  # they are one deployment's; and again, as tests do it
        with testclient.TestClient(twice):
            pass


async def test_an_endpoint_that_is_called_without_its_request_is_told_so():
    with pytest.raises(MisuseError, match="called with its request"):
        await made().requires()(plain)("no request", more=1)
