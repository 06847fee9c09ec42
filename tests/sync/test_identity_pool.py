"""AWS credentials of a user's own, for synchronous code: of a server that says what it was asked.

Moto looks at no token; what is asked of an identity pool is shown in tests/aws.
"""

import asyncio
import base64
import gc
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from attrs import define, field

from authflow import MisuseError, Secret, SignedIn, TokenRevokedError, sync
from authflow.errors import IdentityRefusedError
from authflow.sync import IdentityPool, shared_loop

POOL_ID = "eu-central-1:0a1b2c3d-0000-4000-8000-000000000000"


def token_of(subject: str) -> Secret[str]:
    """A token that an identity pool would look at; nobody verifies it here."""
    parts = ({"alg": "RS256"}, {"iss": "https://cognito-idp.example/p", "sub": subject})
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return Secret(".".join([*texts, "c2lnbmF0dXJl"]).replace("=", ""))


@define(eq=False)
class User:
    """A user whose id token the test says, and the threads that asked for it."""

    token: Any = field(factory=lambda: token_of("ada"))
    threads: set[int] = field(factory=set)

    def access_token(self) -> Secret[str]:
        raise AssertionError

    def id_token(self) -> Any:
        self.threads.add(threading.get_ident())
        if isinstance(self.token, Exception):
            raise self.token
        return self.token


@define(eq=False)
class Identities:
    """An identity pool that gives each time other credentials, or refuses."""

    life: float = 3600.0
    refuses: bool = False
    asked: list[str] = field(factory=list)
    endpoint: str = ""

    def answer(self, operation: str) -> tuple[int, dict[str, Any]]:
        self.asked.append(operation)
        if self.refuses:
            return 400, {"__type": "NotAuthorizedException", "message": "Invalid login token."}
        if operation == "GetId":
            return 200, {"IdentityId": "eu-central-1:identity"}
        number = self.asked.count(operation)
        made = {"AccessKeyId": f"ASIA{number}", "SecretKey": "key", "SessionToken": "session"}
        return 200, {"Credentials": {**made, "Expiration": time.time() + self.life}}

    def pool(self) -> IdentityPool:
        return IdentityPool(identity_pool_id=POOL_ID, endpoint=self.endpoint)


@pytest.fixture
def identities() -> Iterator[Identities]:
    served = Identities()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status, said = served.answer(self.headers["X-Amz-Target"].rpartition(".")[2])
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


def test_threads_share_one_users_credentials_and_the_pool_is_asked_once(identities):
    ada = User()
    with identities.pool() as pool, ThreadPoolExecutor(8) as threads:
        got = {each.access_key_id for each in threads.map(pool.credentials, [ada] * 16)}
        assert got == {"ASIA1"}
        assert pool.credentials(User(token_of("bob"))).access_key_id == "ASIA2"
        assert pool.credentials(ada).identity_id == "eu-central-1:identity"
    assert identities.asked.count("GetCredentialsForIdentity") == 2
    shared = shared_loop.current()._thread.ident
    assert ada.threads
    assert shared not in ada.threads


def test_credentials_are_forgotten_with_the_user_object_and_not_before(identities):
    pool, ada = identities.pool(), User()
    for _ in range(2):
        assert pool.credentials(ada).access_key_id == "ASIA1"
        gc.collect()
    del ada
    gc.collect()
    assert not pool._asynchronous._users
    pool.close()
    assert pool.credentials(User()).access_key_id == "ASIA2"  # the next call opens it again
    pool.close()


def test_boto3_signs_with_the_users_credentials_and_with_newer_ones_in_time(
    identities, monkeypatch
):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of the machine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the machine")
    ada = User()
    with identities.pool() as pool:
        session = boto3.Session(botocore_session=pool.session(ada))
        found = session.get_credentials()
        assert found.get_frozen_credentials()[:3] == ("ASIA1", "key", "session")
        identities.life = 0.5
        other = boto3.Session(botocore_session=pool.session(User())).get_credentials()
        for _ in range(200):
            if other.get_frozen_credentials().access_key != "ASIA2":
                break
            time.sleep(0.05)
        assert other.get_frozen_credentials().access_key not in {"ASIA2", "of the machine"}
        assert found.get_frozen_credentials().access_key == "ASIA1"
        refused = User(TokenRevokedError("signed out"))
        with pytest.raises(TokenRevokedError):
            boto3.Session(botocore_session=pool.session(refused)).get_credentials()


def test_a_refusal_and_the_wrong_user_are_typed(identities, everything_told):
    class Other:
        async def access_token(self) -> Secret[str]:
            raise AssertionError

        id_token = access_token

    with identities.pool() as pool:
        with pytest.raises(MisuseError, match=r"must be awaited.*authflow\.sync"):
            pool.credentials(Other())
        for method in (pool.credentials, pool.session):
            with pytest.raises(MisuseError, match="user must have"):
                method("canary")
        assert identities.asked == []
        identities.refuses = True
        ada = User()
        with pytest.raises(IdentityRefusedError) as refused:
            pool.credentials(ada)
        assert ada.token.reveal() not in everything_told(refused.value)


async def test_a_thread_with_an_event_loop_is_told_so(identities):
    pool = identities.pool()
    with pytest.raises(MisuseError, match="runs an event loop"):
        pool.credentials(User())
    assert (await asyncio.to_thread(pool.credentials, User())).access_key_id == "ASIA1"
    await asyncio.to_thread(pool.close)


def test_a_kept_users_credentials_go_with_the_handle(pool, identities):
    with sync.AuthClient(pool.config) as auth, identities.pool() as lends:
        signed_in = auth.sign_in("ada", "Correct-horse-1")
        assert isinstance(signed_in, SignedIn)
        user = auth.keep(signed_in)
        first = lends.credentials(user)
        assert lends.credentials(auth.kept(user.handle)) == first
    assert identities.asked.count("GetCredentialsForIdentity") == 1


@pytest.mark.skipif("not hasattr(__import__('os'), 'fork')")
def test_a_child_process_has_what_the_parent_keeps_and_asks_by_connections_of_its_own(identities):
    pool, ada = identities.pool(), User()
    first = pool.credentials(ada)
    child = os.fork()
    if child == 0:
        try:
            kept, fresh = pool.credentials(ada), pool.credentials(User())
            os._exit(0 if (kept, fresh.access_key_id) == (first, "ASIA2") else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert pool.credentials(User()).access_key_id == "ASIA3"
    pool.close()


def test_a_session_serves_in_a_child_process_whose_parent_was_renewing_its_credentials(identities):
    identities.life = 100.0  # botocore asks for others each time
    pool, renewing, may_end = identities.pool(), threading.Event(), threading.Event()
    main = threading.get_ident()

    @define(eq=False)
    class Slow(User):
        def id_token(self) -> Any:
            if threading.get_ident() != main:
                renewing.set()
                may_end.wait(20)
            return self.token

    credentials = pool.session(Slow()).get_credentials()
    thread = threading.Thread(target=credentials.get_frozen_credentials)
    thread.start()
    assert renewing.wait(20)
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            os._exit(0 if credentials.get_frozen_credentials().token == "session" else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    may_end.set()
    thread.join()
    pool.close()


def test_it_serves_after_its_loop_has_ended(identities):
    pool = identities.pool()
    pool.credentials(User())
    shared_loop.current().end()
    assert pool.credentials(User()).access_key_id == "ASIA2"
    pool.close()
