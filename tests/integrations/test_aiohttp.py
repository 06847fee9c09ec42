"""aiohttp's client with a user's token, against real servers."""

import asyncio
import io

import aiohttp
import pytest

from authflow import ConfigError, MisuseError, Secret, TokenRevokedError
from authflow.integrations.aiohttp import CognitoMiddleware


async def test_each_request_has_the_token_of_its_time(serve, user):
    api = await serve()
    auth = CognitoMiddleware(user("first", "second", "third"), origins=[api.origin])
    async with aiohttp.ClientSession(middlewares=[auth]) as session:
        for path in ("/a", "/b"):
            async with session.get(api.origin + path) as reply:
                assert await reply.text() == "welcome"
        for path, more in (("/c", {"middlewares": ()}), ("/d", {})):
            own = {"Authorization": "own"}
            async with session.get(api.origin + path, headers=own, **more) as reply:
                assert reply.status == 200
    assert api.seen == [
        *(("/a", "Bearer first"), ("/b", "Bearer second"), ("/c", "own"), ("/d", "Bearer third"))
    ]


async def test_the_token_follows_no_redirect_to_another_origin(serve, user):
    elsewhere = await serve()
    api = await serve(leads={"/away": f"{elsewhere.origin}/taken", "/here": "/there"})
    auth = CognitoMiddleware(user("canary"), origins=api.origin)
    async with aiohttp.ClientSession(middlewares=[auth]) as session:
        for path in ("/away", "/here"):
            async with session.post(api.origin + path, data=b"x") as reply:
                assert reply.status == 200
        async with session.get(elsewhere.origin + "/own") as reply:
            assert reply.status == 200
    assert elsewhere.seen == [("/taken", None), ("/own", None)]
    assert [given for _, given in api.seen] == ["Bearer canary"] * 3


async def test_a_token_that_expired_on_its_way_is_replaced_once(serve, user):
    api = await serve(good="Bearer new")
    for sent in ({"data": b"body"}, {"json": {"a": 1}}, {}):
        auth = CognitoMiddleware(user("old", "new"), origins=[api.origin])
        one = aiohttp.TCPConnector(limit=1)  # so that the first reply must be given up
        limit = aiohttp.ClientTimeout(total=5)
        async with (
            aiohttp.ClientSession(middlewares=[auth], connector=one, timeout=limit) as session,
            session.post(api.origin, **sent) as reply,
        ):
            assert await reply.text() == "welcome"
    assert [given for _, given in api.seen] == ["Bearer old", "Bearer new"] * 3
    assert api.bodies == [b"body", b"body", b'{"a": 1}', b'{"a": 1}', b"", b""]


async def test_the_same_token_is_not_sent_again_and_no_third_one_is_tried(serve, user):
    api = await serve(good="never")
    for tokens, times in ((("same",), 1), (("one", "two", "three"), 2)):
        auth = CognitoMiddleware(user(*tokens), origins=[api.origin], token="id")
        async with (
            aiohttp.ClientSession(middlewares=[auth]) as session,
            session.get(api.origin) as reply,
        ):
            assert reply.status == 401
        assert len(api.seen) == times
        api.seen.clear()


async def test_a_body_that_is_read_once_is_not_sent_again(serve, user):
    api = await serve(good="Bearer new")
    auth = CognitoMiddleware(user("old", "new"), origins=[api.origin])
    async with (
        aiohttp.ClientSession(middlewares=[auth]) as session,
        session.post(api.origin, data=io.BytesIO(b"once")) as reply,
    ):
        assert reply.status == 401
    assert api.bodies == [b"once"]


async def test_a_users_error_is_the_callers_and_nothing_is_sent(serve, user):
    api = await serve()
    auth = CognitoMiddleware(user(TokenRevokedError("signed out")), origins=[api.origin])
    async with aiohttp.ClientSession(middlewares=[auth]) as session:
        with pytest.raises(TokenRevokedError, match="signed out"):
            await session.get(api.origin)
    assert api.seen == []


@pytest.mark.parametrize("origins", [[], (), ["http://api.example.com"], ["api.example.com"]])
def test_origins_must_be_named(user, origins):
    with pytest.raises(ConfigError, match="origin"):
        CognitoMiddleware(user("a"), origins=origins)


@pytest.mark.parametrize("how", ["no other token", "cancelled"])
async def test_a_401_whose_second_token_cannot_be_had_holds_no_connection(serve, user, how):
    api = await serve(good="never")
    waits = asyncio.Event()

    class Ada:
        asked = 0

        async def access_token(self) -> Secret[str]:
            self.asked += 1
            if self.asked == 2:
                if how == "cancelled":
                    waits.set()
                    await asyncio.Event().wait()
                raise TokenRevokedError("signed out")
            return Secret("one")

        id_token = access_token

    auth = CognitoMiddleware(Ada(), origins=[api.origin])
    one = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(middlewares=[auth], connector=one) as session:
        call = asyncio.create_task(session.get(api.origin))
        if how == "cancelled":
            await waits.wait()
            call.cancel()
        with pytest.raises((TokenRevokedError, asyncio.CancelledError)):
            await call
        assert not one._acquired
        async with asyncio.timeout(5), session.get(api.origin, middlewares=[]) as reply:
            assert reply.status == 401


async def test_a_proxy_sees_no_token_in_clear(serve, user):
    proxy, ada = await serve(), user("canary")
    auth = CognitoMiddleware(ada, origins=["http://localhost:8000", "http://127.0.0.1:8000"])
    async with aiohttp.ClientSession(middlewares=[auth]) as session:
        for host in ("localhost", "127.0.0.1"):
            with pytest.raises(MisuseError, match="proxy"):
                await session.get(f"http://{host}:8000/", proxy=proxy.origin)
    assert proxy.seen == ada.asked == []


async def test_over_tls_a_proxy_may_stand_between(user):
    ada = user("token")
    auth = CognitoMiddleware(ada, origins=["https://api.example.com"])
    async with aiohttp.ClientSession(middlewares=[auth]) as session:
        with pytest.raises(aiohttp.ClientProxyConnectionError):
            await session.get("https://api.example.com/", proxy="http://127.0.0.1:1")
    assert ada.asked
