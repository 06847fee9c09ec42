"""Whatever a synchronous call ends with, its error leads to no secret: every method, every end."""

import inspect
import json
import signal
import socketserver
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve

from authflow import AuthFlow, AuthFlowError, Device, Secret, sync
from authflow.answers import NewPassword
from authflow.keys import KeyRing
from authflow.machine import State
from authflow.results import Challenge, ChallengeRequired
from authflow.sign_in import SignIn

REPLIES = {
    "refused": (400, {"__type": "NotAuthorizedException", "message": "no"}),
    "failed": (500, {"__type": "InternalErrorException", "message": "no"}),
    "strange": (200, {"AuthenticationResult": {"AccessToken": "canary-access"}}),
    "hung up": None,
}


class Server(socketserver.ThreadingTCPServer):
    """A server that replies as a test says, or never."""

    daemon_threads = True
    reply: Any = None
    hangs = False
    asked = threading.Event()


class Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server: Any = self.server
        while line := self.rfile.readline():
            length = 0
            while (head := self.rfile.readline()) not in {b"\r\n", b""}:
                if head.lower().startswith(b"content-length:"):
                    length = int(head.split(b":")[1])
            self.rfile.read(length)
            assert line
            server.asked.set()
            if server.hangs:
                self.rfile.read()  # until the other side gives up
            if server.reply is None:
                return
            status, members = server.reply
            body = json.dumps(members).encode()
            self.wfile.write(
                f"HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.1\r\n"
                f"content-length: {len(body)}\r\n\r\n".encode()
                + body
            )


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield server
        server.shutdown()


def pending() -> ChallengeRequired:
    return ChallengeRequired(
        challenge=Challenge(name="NEW_PASSWORD_REQUIRED", kind=None, parameters={}),
        sign_in=SignIn(
            flow=AuthFlow.USER_SRP_AUTH,
            state=State.NEW_PASSWORD_REQUIRED,
            username="ada",
            canonical_username="ada",
            session=Secret("canary-session-" + "s" * 20),
            expires_at=2**40,
        ),
    )


GIVEN = {
    "password": "canary-password-1",
    "answer": NewPassword("canary-password-1", attributes={"name": "canary-name"}),
    "client_metadata": {"token": "canary-metadata"},
    "validation_data": {"token": "canary-metadata"},
    "attributes": {"name": "canary-attribute"},
    "device": Device(key="key", group_key="group", password=Secret("canary-device")),
    "pending": pending(),
    "refresh_token": "canary-refresh",
    "access_token": "canary-access",
    "handle": "canary-handle",
    "ticket": "canary-ticket",
    "code": "canary-code",
    "new_password": "canary-password-2",
    "old_password": "canary-password-1",
    "previous": "canary-password-1",
    "proposed": "canary-password-2",
    "temporary_password": "canary-password-2",
    "token": "canary-token",
    "username": "ada",
    "names": ["name"],
    "name": "name",
    "description": "text",
    "key": "key",
    "remembered": True,
}
SKIPPED = {"config", "close", "asynchronous", "serving"}


def methods(face: type) -> list[str]:
    return [
        name
        for name, _ in inspect.getmembers(face, inspect.isfunction)
        if not name.startswith("_") and name not in SKIPPED
    ]


def called(client: Any, name: str) -> Any:
    """Call a method with secrets wherever it takes one, as texts where it takes these."""
    method = getattr(client, name)
    given = {
        each: GIVEN.get(each, "canary-other")
        for each, parameter in inspect.signature(method).parameters.items()
        if parameter.default is parameter.empty or each in GIVEN
    }
    result = method(**given)
    return [*result] if inspect.isgenerator(result) else result


def leak(told: str) -> str:
    at = told.find("canary")
    return "" if at < 0 else told[max(0, at - 300) : at + 60]


@pytest.fixture
def owner(monkeypatch):
    """AWS's credentials, for the administrator."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "any")


@pytest.fixture
def client(server, pool, owner, monkeypatch) -> Iterator[Any]:
    monkeypatch.setattr("authflow.client.transport._PAUSES", (0, 0))
    config = evolve(
        pool.config,
        endpoint=f"http://127.0.0.1:{server.server_address[1]}",
        client_secret="canary-client-secret",
    )
    made: list[Any] = []

    def make(face: type, **settings: Any) -> Any:
        made.append(face(evolve(config, **settings), keys=KeyRing.generate()))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize(
    "face", [sync.AuthClient, sync.AdminClient], ids=lambda face: face.__name__
)
def test_no_error_of_any_method_leads_to_a_secret(client, server, everything_told, face):
    leaks, errors = {}, set[str]()
    auth = client(face)
    for name in methods(face):
        for kind, reply in REPLIES.items():
            server.reply = reply
            try:
                called(auth, name)
            except Exception as error:  # noqa: BLE001  # whatever it is, it must not leak
                errors.add(type(error).__name__)
                if found := leak(everything_told(error)):
                    leaks[name, kind, type(error).__name__] = found
    assert leaks == {}
    assert {"OutcomeUnknownError", "ServerFaultError", "MalformedReplyError"} <= errors


async def test_no_refusal_on_an_event_loop_leads_to_a_secret(pool, everything_told):
    auth = sync.AuthClient(pool.config)
    for name in methods(sync.AuthClient):
        if name == "form":
            continue
        with pytest.raises(AuthFlowError) as refused:
            called(auth, name)
        assert leak(everything_told(refused.value)) == "", name
    verifier = sync.TokenVerifier(config=auth.config)
    with pytest.raises(AuthFlowError) as refused:
        verifier.claims("canary-token", "access")
    assert leak(everything_told(refused.value)) == ""


def test_no_interruption_leads_to_a_secret(client, server, everything_told):
    auth = client(sync.AuthClient)
    main = threading.main_thread().ident
    assert main is not None
    server.hangs = True
    try:
        for name in ("sign_in", "sign_up", "refresh", "revoke", "change_password"):
            server.asked.clear()

            def press() -> None:
                server.asked.wait(20)
                signal.pthread_kill(main, signal.SIGINT)

            threading.Thread(target=press).start()
            with pytest.raises(KeyboardInterrupt) as pressed:
                called(auth, name)
            assert leak(everything_told(pressed.value)) == "", name
    finally:
        server.hangs = False


@pytest.mark.parametrize("token", ["canary.canary.canary", "canary", "canary-é", "canary" * 10_000])
def test_no_error_of_a_verifier_leads_to_the_token(pool, everything_told, token):
    given = [token]
    with pytest.raises(AuthFlowError) as refused:
        sync.TokenVerifier(config=pool.config).claims(given.pop(), "access")
    assert "canary" not in everything_told(refused.value)


@pytest.mark.parametrize(
    "wrong", [5, ["canary"], {"canary": "canary"}, SimpleNamespace(x="canary")]
)
def test_a_secret_in_the_wrong_place_is_shown_nowhere(client, everything_told, wrong):
    auth = client(sync.AuthClient)
    for call in (
        lambda: auth.sign_in("ada", wrong),
        lambda: auth.sign_in("ada", "x", device=wrong),
        lambda: auth.answer(wrong, "x"),
        lambda: auth.keep(wrong),
        lambda: auth.verify(wrong),
    ):
        with pytest.raises(AuthFlowError) as refused:
            call()
        assert "canary" not in everything_told(refused.value)
