"""docs/guides/verify-tokens.md: its examples run, and tell whom to trust."""

import time
from typing import Any

from anyio import to_thread
from joserfc import jwt
from joserfc.jwk import RSAKey

from testbed.pages import examples

EXAMPLES = examples(
    "docs/guides/verify-tokens.md",
    "tokens",
    "several pools",
)


async def test_the_example_of_a_request_signs_in_and_verifies_who_sends_it(
    live_pool, monkeypatch, capsys
):
    async with live_pool(users={"ada": "Correct-horse-1"}) as pool:
        for name in ("endpoint", "user_pool_id", "client_id"):
            monkeypatch.setenv(f"AUTHFLOW_{name.upper()}", str(getattr(pool.config, name)))
        await to_thread.run_sync(exec, EXAMPLES["tokens"], {})  # it has an event loop of its own
    assert capsys.readouterr().out.splitlines() == [
        "InitiateAuth",
        "RespondToAuthChallenge",
        "the request is from ada",
    ]


async def test_the_example_of_a_service_tells_who_may_and_what_to_answer_the_others():
    namespace: dict[str, Any] = {}
    key = RSAKey.generate_key(2048, {"kid": "k1"})
    namespace["KEYS"] = {"keys": [key.as_dict(private=False)]}
    example = EXAMPLES["several pools"].replace('["1desk"]', '["1desk"], jwks=KEYS')
    exec(example, namespace)  # noqa: S102  # it is our own page
    good = {
        "iss": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Staff",
        "sub": "3c9d",
        "username": "ada",
        "token_use": "access",
        "client_id": "1desk",
        "cognito:groups": ["support"],
        "scope": "orders/read orders/write",
        "iat": int(time.time()),
        "exp": 4_102_444_800,
    }

    async def answered(**changes: Any) -> tuple[int, str]:
        token = jwt.encode({"alg": "RS256", "kid": "k1"}, {**good, **changes}, key)
        answer: tuple[int, str] = await namespace["answer"](token)
        return answer

    assert await answered() == (200, "ada of ['support'] until 00:00")
    assert await answered(exp=1) == (401, "refresh")
    assert await answered(client_id="1web") == (401, "sign in")
    assert await answered(scope="orders/read") == (
        *(403, "the token must have the scope orders/read and orders/write"),
    )
    assert await answered(**{"cognito:groups": ["guests"]}) == (
        *(403, "the user must be in the group admins or support"),
    )
