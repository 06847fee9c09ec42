"""docs/guides/kept-users.md: its example keeps a user signed in."""

from typing import Any

import pytest

from authflow import SignedOutError
from authflow.keys import KeyRing
from authflow.testing import PASSWORD
from testbed.pages import examples

EXAMPLES = examples(
    "docs/guides/kept-users.md",
    "kept users",
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
