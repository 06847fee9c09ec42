"""Plain ASGI: lifespans, paths and WebSockets."""

from typing import Any

import anyio
import pytest

from authflow import AuthClient, AuthConfig
from authflow.errors import ConfigError, SignedOutError, StoreUnavailableError
from authflow.integrations.asgi import AsgiAuth
from authflow.keys import KeyRing
from authflow.stores import MemoryStore

CONFIG = AuthConfig(user_pool_id="eu-central-1_Abc123def", client_id="abc")


def made(store: Any = None) -> AsgiAuth:
    client = AuthClient(
        CONFIG, keys=KeyRing.generate(), store=MemoryStore() if store is None else store
    )
    return AsgiAuth(client)


async def asked(
    app: Any, scope: dict[str, Any], *messages: dict[str, Any], received: list[str] | None = None
) -> list[Any]:
    received = [] if received is None else received
    given, sent = [*messages], []

    async def receive() -> Any:
        received.append(given[0]["type"])
        return given.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def http(path: str, method: str = "GET", **more: Any) -> dict[str, Any]:
    headers = [(b"host", b"testserver")]
    return {"type": "http", "method": method, "path": path, "headers": headers, **more}


BODY = {"type": "http.request", "body": b"", "more_body": False}
STARTUP, SHUTDOWN = {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}


class Own:
    """An app with a lifespan of its own, that notes whether the client is open."""

    def __init__(self, auth: AsgiAuth) -> None:
        self.auth, self.seen = auth, []

    def note(self) -> None:
        self.seen.append(self.auth.client._transport is not None)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "lifespan.startup"
        self.note()
        await send({"type": "lifespan.startup.complete"})
        assert (await receive())["type"] == "lifespan.shutdown"
        self.note()
        await send({"type": "lifespan.shutdown.complete"})
        self.note()


async def test_the_client_is_open_while_the_apps_own_lifespan_runs():
    auth = made()
    own = Own(auth)
    sent = await asked(auth.lifespan(own), {"type": "lifespan"}, STARTUP, SHUTDOWN)
    assert own.seen == [True, True, False]  # closed before the server hears that it is over
    assert [each["type"] for each in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


@pytest.mark.parametrize("raises", [True, False])
async def test_an_app_without_a_lifespan_gets_one(raises: bool):
    auth = made()

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        if raises:
            raise AssertionError(scope["type"])

    sent = await asked(auth.lifespan(app), {"type": "lifespan"}, STARTUP, SHUTDOWN)
    assert [each["type"] for each in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert auth.client._transport is None


async def test_an_app_that_starts_without_being_asked_is_started_once():
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    sent = await asked(made().lifespan(app), {"type": "lifespan"}, STARTUP, SHUTDOWN)
    assert [each["type"] for each in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


async def test_an_app_that_is_asked_to_start_and_does_not_is_not_said_to_have_started():
    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        await receive()

    assert await asked(made().lifespan(app), {"type": "lifespan"}, STARTUP, SHUTDOWN) == []


async def test_an_error_of_ours_is_replied_to_unless_a_reply_has_begun():
    begins = False

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        if begins:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise SignedOutError("sign in again")

    start, _ = await asked(made().lifespan(app), http("/"), BODY)
    assert start["status"] == 401
    begins = True
    with pytest.raises(SignedOutError):
        await asked(made().lifespan(app), http("/"), BODY)


async def test_an_app_whose_own_lifespan_fails_fails():
    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        await receive()
        raise ZeroDivisionError

    auth = made()
    with pytest.raises(ZeroDivisionError):
        await asked(auth.lifespan(app), {"type": "lifespan"}, STARTUP)
    assert auth.client._transport is None


async def test_a_client_that_cannot_be_opened_ends_the_start():
    class Closed(MemoryStore):
        async def __aenter__(self) -> Any:
            raise StoreUnavailableError("no such store")

        async def __aexit__(self, *_: object) -> None: ...

    sent = await asked(made(Closed()).lifespan(Own), {"type": "lifespan"}, STARTUP)
    assert sent == [{"type": "lifespan.startup.failed", "message": "no such store"}]


async def test_a_store_is_opened_and_closed_with_the_client():
    seen: list[str] = []

    class Kept(MemoryStore):
        async def __aenter__(self) -> Any:
            seen.append("opened")
            return self

        async def __aexit__(self, *_: object) -> None:
            seen.append("closed")

    auth = made(Kept())
    await asked(auth.lifespan(Own(auth)), {"type": "lifespan"}, STARTUP, SHUTDOWN)
    assert seen == ["opened", "closed"]


@pytest.mark.parametrize("prefix", [None, "auth", "/auth/", "/", 5])
def test_a_prefix_is_a_path(prefix: Any):
    with pytest.raises(ConfigError, match="prefix"):
        made().sign_in_router(prefix=prefix)


async def test_paths_below_the_prefix_are_ours_and_others_the_apps():
    seen: list[str] = []

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        seen.append(scope["path"])
        await send({"type": "http.response.start", "status": 204, "headers": []})

    router = made().sign_in_router(app)
    for path in ("/", "/auth", "/auth/other", "/csrf", "/auth/csrf/"):
        assert (await asked(router, http(path), BODY))[0]["status"] == 204
    assert len(seen) == 5
    assert (await asked(router, http("/auth/csrf"), BODY))[0]["status"] == 200
    for path in ("/v1/auth/csrf", "/auth/csrf"):  # some servers leave it out of the path
        mounted = http(path, root_path="/v1")
        assert (await asked(router, mounted, BODY))[0]["status"] == 200
    start, _ = await asked(router, http("/auth/csrf", "PUT"), BODY)
    assert (start["status"], (b"allow", b"GET") in start["headers"]) == (405, True)
    head = await asked(router, http("/auth/csrf", "HEAD"), BODY)
    assert (head[0]["status"], head[1]["body"]) == (200, b"")


async def test_without_an_app_other_paths_are_not_found():
    router = made().sign_in_router(prefix="")
    start, body = await asked(router, http("/other"), BODY)
    assert start["status"] == 404
    assert b'"not_found"' in body["body"]
    assert (await asked(router, http("/csrf"), BODY))[0]["status"] == 200


async def test_a_body_that_is_broken_off_is_refused():
    auth = made()
    refresh = {"type": "http.disconnect"}
    router = AsgiAuth(auth.client).sign_in_router()
    start, _ = await asked(router, http("/auth/sign-in", "POST"), refresh)
    assert start["status"] == 403  # its CSRF token comes first
    with anyio.fail_after(5):
        from authflow.integrations.web.asgi_messages import request_of
        from authflow.integrations.web.json_body import read_json
        from authflow.integrations.web.request_errors import MalformedRequestError

        async def receive() -> Any:
            return refresh

        with pytest.raises(MalformedRequestError, match="closed before"):
            await read_json(request_of(http("/", "POST"), receive), most=10, body_timeout=5.0)
        refresh = {"type": "http.request"}  # both of its members may be left out
        for request in (request_of(http("/", "POST"), receive), request_of(http("/", "POST"))):
            assert (await read_json(request, most=10, body_timeout=5.0)).members == {}


async def test_a_websocket_of_nobody_is_refused_before_it_opens():
    async def app(*_: object) -> None:
        raise AssertionError

    guarded = made().requires(app)
    socket = {"type": "websocket", "path": "/", "headers": []}
    connect = {"type": "websocket.connect"}
    received: list[str] = []
    sent = await asked(guarded, socket, connect, received=received)
    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert received == ["websocket.connect"]  # which comes first
    start, _ = await asked(guarded, http("/"), BODY, received=received)
    assert (start["status"], received) == (401, ["websocket.connect"])
    told = await asked(guarded, {**socket, "extensions": {"websocket.http.response": {}}}, connect)
    assert [each["type"] for each in told] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]
    assert told[0]["status"] == 401


async def test_what_is_neither_a_request_nor_a_websocket_passes():
    seen: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["type"])

    await asked(made().requires(app), {"type": "lifespan"})
    assert seen == ["lifespan"]
