"""docs/guides/kept-users.md: its example keeps a user signed in."""

from asyncio import to_thread
from typing import Any

import pytest
from aiohttp import web

from authflow import AuthClient, SignedIn, SignedOutError, sync
from authflow.keys import KeyRing
from authflow.stores import MemoryStore
from authflow.testing import PASSWORD
from testbed.pages import examples

EXAMPLES = examples(
    "docs/guides/kept-users.md",
    "kept users",
    "a user's token",
    "a user's token without await",
)


@pytest.mark.system("redis-server")
async def test_the_example_of_kept_users_logs_in_calls_and_logs_out(
    live_pool, redis_url, monkeypatch
):
    monkeypatch.setenv("AUTHFLOW_KEYS", KeyRing.generate().to_json().reveal())
    async with live_pool(users={"ada": PASSWORD}) as pool:
        for name in ("endpoint", "user_pool_id", "client_id"):
            monkeypatch.setenv(f"AUTHFLOW_{name.upper()}", str(getattr(pool.config, name)))
        namespace: dict[str, Any] = {}
        example = EXAMPLES["kept users"].replace("redis://localhost", redis_url)
        exec(example, namespace)  # noqa: S102  # it is our own page
        async with namespace["auth"] as auth, auth.store:
            cookie = await namespace["log_in"]("ada", PASSWORD)
            headers = await namespace["headers"](cookie)
            assert await namespace["headers"](cookie) == headers
            token = headers["Authorization"].removeprefix("Bearer ")
            await pool.call("GetUser", AccessToken=token)
            await namespace["log_out"](cookie)
            with pytest.raises(SignedOutError):
                await namespace["headers"](cookie)
            assert (await pool.refused("GetUser", AccessToken=token)).code


async def test_the_examples_of_a_users_token_send_it_by_either_library_or_without_await(
    live_pool, monkeypatch
):
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1,::1")
    namespace: dict[str, Any] = {}
    for each in ("a user's token", "a user's token without await"):
        exec(EXAMPLES[each], namespace)  # noqa: S102  # it is our own page
    seen = []

    async def orders(request: web.Request) -> web.Response:
        seen.append(request.headers["Authorization"])
        return web.Response(status=200)

    service = web.Application()
    service.router.add_get("/orders", orders)
    runner = web.AppRunner(service)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with (
            live_pool(users={"ada": PASSWORD}) as pool,
            AuthClient(pool.config, keys=KeyRing.generate(), store=MemoryStore()) as auth,
        ):
            user = await auth.keep(await auth.sign_in("ada", PASSWORD))
            assert await namespace["orders"](user, address) == [200, 200]
            token = (await user.access_token()).reveal()

            def blocking() -> str:
                with sync.AuthClient(pool.config) as auth:
                    signed_in = auth.sign_in("ada", PASSWORD)
                    assert isinstance(signed_in, SignedIn)
                    user = auth.keep(signed_in)
                    assert namespace["order"](user, address) == 200
                    return user.access_token().reveal()

            other = await to_thread(blocking)
    finally:
        await runner.cleanup()
    assert seen == [*[f"Bearer {token}"] * 2, f"Bearer {other}"]
