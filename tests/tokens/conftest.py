"""A server of keys that answers as the test says, down to its bytes; and tokens to verify."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import pytest
from attrs import define, field
from joserfc import jwt
from joserfc.jwk import RSAKey

from authflow import AuthConfig, Secret
from authflow.tokens import key_source

POOL = "eu-central-1_Abc123def"
CLIENT = "1example23456789"


@pytest.fixture(scope="session")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256", "use": "sig"})


@pytest.fixture(scope="session")
def other_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256", "use": "sig"})


@pytest.fixture(autouse=True)
def _attempts_follow_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_source, "_PAUSES", (0, 0))


def reply(body: bytes, status: int = 200, *headers: str) -> bytes:
    """An HTTP reply, as it is sent."""
    lines = [f"HTTP/1.1 {status} X", "content-type: application/json", *headers]
    if not any(header.lower().startswith(("transfer-", "content-length")) for header in headers):
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "connection: close", "", ""]).encode() + body


@define
class Source:
    """Serves what the test scripts, each reply to one request; the last one stays.

    A reply is bytes, a list of pieces that are sent one by one, or "hang".
    """

    key: RSAKey
    script: list[Any] = field(factory=list)
    fetches: int = 0
    asked: list[str] = field(factory=list)
    release: anyio.Event = field(factory=anyio.Event)
    port: int = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def config(self, **settings: Any) -> AuthConfig:
        given = {"user_pool_id": POOL, "client_id": CLIENT, "endpoint": self.endpoint}
        return AuthConfig(**{**given, **settings})

    def jwks(self, *keys: RSAKey) -> bytes:
        return json.dumps({"keys": [k.as_dict(private=False) for k in keys or [self.key]]}).encode()

    def claims(self, use: str = "access", **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        made = {
            "iss": f"{self.endpoint}/{POOL}",
            "sub": "3c9d",
            "token_use": use,
            "iat": now,
            "exp": now + 3600,
            **({"client_id": CLIENT} if use == "access" else {"aud": CLIENT}),
            **changes,
        }
        return {name: value for name, value in made.items() if value is not None}

    def token(self, use: str = "access", key: RSAKey | None = None, kid: str = "k1") -> Secret[str]:
        return Secret(jwt.encode({"alg": "RS256", "kid": kid}, self.claims(use), key or self.key))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head.decode())
        self.fetches += 1
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if answer == "hang":
            await self.release.wait()
            answer = reply(self.jwks())
        for piece in answer if isinstance(answer, list) else [answer]:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)


@pytest.fixture
async def source(key: RSAKey, listening: Any) -> AsyncIterator[Source]:
    made = Source(key)
    made.script = [reply(made.jwks())]
    async with listening(made.serve) as made.port:
        yield made
        made.release.set()


@pytest.fixture
def replies() -> Callable[..., bytes]:
    return reply


@pytest.fixture
def raw() -> Callable[..., Secret[str]]:
    """Writes a token whose parts are what the test says, with a signature that is none."""

    def write(header: Any, payload: Any, signature: bytes = b"x" * 256) -> Secret[str]:
        parts = [
            each if isinstance(each, bytes) else json.dumps(each).encode()
            for each in (header, payload)
        ]
        encoded = (
            base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in [*parts, signature]
        )
        return Secret(".".join(encoded))

    return write
