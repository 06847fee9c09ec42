"""Users who are kept by a client against a server that does what the test says, over real HTTP.

A conftest.py that has the fixture `scripted` imports the fixture here by its name.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import pytest
from attrs import define, evolve, field

from authflow import AuthClient, AuthFlow, Secret, SignedIn, Tokens
from authflow.client.signed_in_user import SignedInUser
from authflow.errors import AuthFlowError
from authflow.keys import KeyRing
from authflow.stores import MemoryStore, Stored
from authflow.testing import START

__all__ = ["bench"]

LIFE = 3600
KEYS = KeyRing.generate()


def jwt(name: str, issued: float, life: float = LIFE, sub: Any = "sub-of-ada") -> str:
    claims = {"iat": int(issued), "exp": int(issued + life), "jti": name, "sub": sub}
    parts = ({"alg": "RS256", "kid": "one"}, claims)
    return ".".join(
        [
            *(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts),
            "c",
        ]
    )


def result(name: str, issued: float, refresh: str | None = None, **lives: float) -> dict[str, Any]:
    """Cognito's reply with new tokens; `refresh` with rotation."""
    members = {
        "AccessToken": jwt(f"access {name}", issued, lives.get("access", LIFE)),
        "IdToken": jwt(f"id {name}", issued, lives.get("identity", LIFE)),
        "ExpiresIn": LIFE,
        **({} if refresh is None else {"RefreshToken": refresh}),
    }
    return {"AuthenticationResult": members}


def signed_in(issued: float = START, **lives: float) -> SignedIn:
    members = result("R1", issued, **lives)["AuthenticationResult"]
    tokens = Tokens(
        access_token=Secret(members["AccessToken"]),
        id_token=Secret(members["IdToken"]),
        refresh_token=Secret("R1"),
    )
    return SignedIn(tokens=tokens, username="ada", flow=AuthFlow.USER_SRP_AUTH)


def name_of(token: Secret[str]) -> str:
    payload = token.reveal().split(".")[1]
    told: str = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["jti"]
    return told


@define
class Ticks:
    """A clock that is never set, for a test that moves it."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class SlowStore(MemoryStore):
    """A store whose methods a test can replace: attrs' slots are not for that."""


@define(eq=False)
class Breakable:
    """A store that fails as the test says: a real one cannot be made to fail at one call."""

    store: Any = field(factory=SlowStore)
    error: BaseException | None = None
    fails_from: str = ""
    calls: list[str] = field(factory=list)

    async def read(self, key: str) -> Stored | None:
        self._called("read")
        return await self.store.read(key)

    async def replace(
        self, key: str, value: bytes, *, expected: str | None, seconds: float
    ) -> bool:
        self._called("replace")
        return await self.store.replace(key, value, expected=expected, seconds=seconds)

    def _called(self, what: str) -> None:
        self.calls.append(what)
        if self.error is not None and (self.fails_from in ("", what)):
            raise self.error


@define(eq=False)
class Hanging(SlowStore):
    """A store that answers only when the test says so."""

    go_on: anyio.Event = field(factory=anyio.Event)
    waiting: int = 0

    def __attrs_post_init__(self) -> None:
        self.go_on.set()

    def hang(self) -> None:
        self.go_on = anyio.Event()

    async def read(self, key: str) -> Stored | None:
        await self._called()
        return await super().read(key)

    async def replace(self, key: str, value: bytes, **given: Any) -> bool:
        await self._called()
        return await super().replace(key, value, **given)

    async def _called(self) -> None:
        self.waiting += 1
        try:
            await self.go_on.wait()
        finally:
            self.waiting -= 1


@define(eq=False)
class Bench:
    """Users of one client, and of other processes: these are the same but for what they know."""

    server: Any
    clock: Any
    ticks: Ticks
    store: Any
    stack: AsyncExitStack
    opened: AuthClient | None = None

    async def client(self, **given: Any) -> AuthClient:
        given = {"keys": KEYS, "store": self.store, **given}
        auth = AuthClient(
            given.pop("config", None) or self.server.config(),
            discover=False,
            clock=self.clock.utc,
            **given,
        )
        for part in (auth._users, auth._users._turns):
            part.ticks = self.ticks
        self.opened = await self.stack.enter_async_context(auth)
        return auth

    async def kept(self, **given: Any) -> SignedInUser:
        auth = self.opened if self.opened and not given else await self.client(**given)
        return await auth.keep(signed_in())

    async def elsewhere(self, user: SignedInUser, **given: Any) -> SignedInUser:
        """The same user in another process."""
        users = evolve(user._users, **given)
        return SignedInUser(users, await users.find(user.handle))

    async def change(self, user: SignedInUser, **members: Any) -> None:
        """Change the entry as another process would."""
        entries = user._users._turns.entries
        found = await entries.read(user._kept.of)
        assert await entries.write(
            user._kept.of, evolve(found.entry, **members), expected=found.version
        )

    @property
    def sent(self) -> list[str]:
        return [
            members.get("RefreshToken", members.get("Token")) for _, members in self.server.requests
        ]


@pytest.fixture
def bench(scripted: Any, clock: Any, monkeypatch: Any) -> Callable[..., Any]:
    """Make a server with a script, and the users of its clients."""
    monkeypatch.setattr("authflow.client.transport._PAUSES", (0.0, 0.0))

    @asynccontextmanager
    async def made(*script: Any, store: Any = None) -> AsyncIterator[Bench]:
        async with scripted.serve(*script) as server, AsyncExitStack() as stack:
            yield Bench(server, clock, Ticks(), MemoryStore() if store is None else store, stack)

    return made


async def refused(call: Awaitable[Any], kind: type[AuthFlowError]) -> AuthFlowError:
    with pytest.raises(kind) as caught:
        await call
    assert type(caught.value) is kind
    return caught.value


async def settled() -> None:
    """Let all tasks go as far as they can without the network."""
    for _ in range(20):
        await anyio.lowlevel.checkpoint()


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(10):
        while not condition():
            await anyio.sleep(0.001)
