"""Users who are kept fresh, for synchronous code."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from authflow import MisuseError, SignedIn, SignedOutError, sync
from authflow.integrations.httpx import CognitoAuth
from authflow.keys import KeyRing
from authflow.stores import MemoryStore

PASSWORD = "Correct-horse-1"


@pytest.fixture
def shared():
    return {"keys": KeyRing.generate(), "store": MemoryStore()}


def kept_by(auth: sync.AuthClient) -> sync.SignedInUser:
    result = auth.sign_in("ada", PASSWORD)
    assert isinstance(result, SignedIn)
    return auth.keep(result)


def test_a_kept_user_gives_tokens_to_many_threads_and_signs_out_everywhere(pool, shared):
    with (
        sync.AuthClient(pool.config, **shared) as one,
        sync.AuthClient(pool.config, **shared) as other,
    ):
        user = kept_by(one)
        assert (user.username, repr(user)) == ("ada", "SignedInUser(username='ada')")
        assert user.sub
        with ThreadPoolExecutor(16) as threads:
            tokens = {*threads.map(lambda _: user.access_token().reveal(), range(32))}
        assert tokens == {user.tokens().access_token.reveal()}
        elsewhere = other.kept(user.handle.reveal())
        assert elsewhere.id_token() == user.id_token()
        elsewhere.sign_out()
        for each in (user.access_token, lambda: one.kept(user.handle)):
            with pytest.raises(SignedOutError):
                each()


def test_a_user_serves_as_long_as_the_client_is_open(pool):
    with sync.AuthClient(pool.config) as auth:
        user = kept_by(auth)
    with pytest.raises(MisuseError, match="this client is closed"):
        user.access_token()
    with auth:
        assert user.access_token()


def echo(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, text=request.headers["Authorization"])


def test_httpx_sends_the_token_of_a_kept_user_by_its_client_that_blocks(pool):
    with sync.AuthClient(pool.config) as auth:
        user = kept_by(auth)
        with httpx.Client(auth=CognitoAuth(user), transport=httpx.MockTransport(echo)) as client:
            sent = client.get("https://api.example.com").text
        assert sent == f"Bearer {user.access_token().reveal()}"


async def test_httpx_refuses_a_user_for_synchronous_code_to_its_asynchronous_client(pool):
    auth = sync.AuthClient(pool.config)
    user = await asyncio.to_thread(kept_by, auth)
    transport = httpx.MockTransport(echo)
    async with httpx.AsyncClient(auth=CognitoAuth(user), transport=transport) as client:
        with pytest.raises(MisuseError, match="use the asynchronous client"):
            await client.get("https://api.example.com")
    await asyncio.to_thread(auth.close)
