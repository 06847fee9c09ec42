"""Real servers that say who asked what of them, and users whose tokens change."""

import asyncio
import importlib
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from attrs import define, field

from authflow import Secret

Handler = Callable[["Api", web.Request], Awaitable[web.StreamResponse]]


@define
class Api:
    """An API, at an origin of its own.

    Args:
        good: The Authorization that it takes; every one, if that is None.
        leads: Where it sends those who ask for a path that is named here.
    """

    good: str | None = None
    leads: dict[str, str] = field(factory=dict)
    origin: str = ""
    seen: list[tuple[str, str | None]] = field(factory=list)
    bodies: list[bytes] = field(factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        given = request.headers.get("Authorization")
        self.seen.append((request.path, given))
        self.bodies.append(await request.read())
        if request.path in self.leads:
            reply, body = web.StreamResponse(status=307), b""
            reply.headers["Location"] = self.leads[request.path]
        elif self.good is not None and given != self.good:
            reply, body = web.StreamResponse(status=401), b"x" * 1_000_000
        else:
            reply, body = web.StreamResponse(), b"welcome"
        reply.content_length = len(body)
        await reply.prepare(request)
        # The head alone comes first: who does not read on has a reply whose end is still to come.
        await asyncio.sleep(0.005 if body else 0)
        await reply.write(body)
        return reply


@asynccontextmanager
async def served(api: Api) -> AsyncIterator[Api]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", api.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        api.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield api
    finally:
        await runner.cleanup()


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[Api]]]:
    """Starts an API, and stops it at the end."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> Api:
            return await stack.enter_async_context(served(Api(**settings)))

        yield start


@define
class User:
    """A user whose tokens are what the test says, one after another; the last one stays."""

    tokens: list[Any]
    asked: list[str] = field(factory=list)

    def _next(self, kind: str) -> Any:
        self.asked.append(kind)
        token = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
        if isinstance(token, Exception):
            raise token
        return token

    async def access_token(self) -> Any:
        return self._next("access")

    async def id_token(self) -> Any:
        return self._next("id")


@pytest.fixture(scope="session")
def testclient() -> Any:
    """Gives Starlette's module of this name, which warns that it will want another library."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("starlette.testclient")


@pytest.fixture
def user() -> Callable[..., User]:
    """Makes a user of the texts of tokens, or of what else the user gives or raises."""

    def make(*tokens: Any) -> User:
        return User([Secret(each) if isinstance(each, str) else each for each in tokens])

    return make
