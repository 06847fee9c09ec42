"""A pool that all of these tests share, apps of each framework, and browsers that ask them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Annotated, Any, ClassVar
from uuid import uuid4

import httpx
import pytest
from attrs import define, field, frozen
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from authflow import AskAgainError, AuthClient, Challenge, Filled, Form
from authflow.integrations.asgi import AsgiAuth, WebSettings
from authflow.integrations.fastapi import FastAPIAuth, WebUser
from authflow.integrations.starlette import StarletteAuth
from authflow.keys import KeyRing
from authflow.plugins import TextField
from authflow.pool import PoolServer
from authflow.stores import MemoryStore
from authflow.testing import PASSWORD, MovableClock, RunningPool, pool_at
from authflow.triggers import Triggers, challenge, password, sequence
from testbed.word import Word

FRAMEWORKS = ("fastapi", "starlette", "asgi")


class AskedWord:
    """Asks for the word of `Word` by a form."""

    name: ClassVar[str] = "word"
    interface: ClassVar[int] = 2

    def form(self, challenge: Challenge) -> Form:
        return Form(parts=(TextField(name="word", label=challenge.parameters["hint"]),))

    def read(self, _challenge: Challenge, filled: Filled) -> str:
        if filled["word"] == "?":
            raise AskAgainError("a word is no question", field="word")
        return filled["word"]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One loop for all tests here, so that they can share a server."""
    return "asyncio"


@pytest.fixture(scope="session")
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="session")
async def pool(clock: MovableClock) -> AsyncIterator[RunningPool]:
    """A pool whose custom flow asks for the password and a word. Its users are each test's own."""
    policy = sequence(password(), challenge("word", attempts=3))
    triggers = Triggers(policy=policy, challenges=[Word])
    async with PoolServer(triggers=triggers, clock=clock) as server:
        yield await pool_at(server, pool={"AutoVerifiedAttributes": ["email"]})


@define
class Browser:
    """A browser's page: it keeps cookies, and sends the CSRF token that it was given last.

    Args:
        http: Asks the app.
        prefix: Where the routes of sign-ins are.
    """

    http: httpx.AsyncClient
    prefix: str = "/auth"
    token: str | None = None

    async def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> httpx.Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            given.setdefault("x-csrf-token", self.token)
        content = None
        if body is not None:
            content = json.dumps(body)
            given.setdefault("content-type", "application/json")
        reply = await self.http.request(method, path, content=content, headers=given)
        if reply.headers.get("content-type") == "application/json":
            told = reply.json()
            self.token = told.get("csrf_token", self.token) if isinstance(told, dict) else None
        return reply

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.ask("GET", self.prefix + path, **headers)

    async def post(self, path: str, body: object = None, **headers: str) -> httpx.Response:
        return await self.ask("POST", self.prefix + path, body, **headers)

    async def begin(self, username: str, word: str = PASSWORD, **more: Any) -> httpx.Response:
        if self.token is None:
            await self.get("/csrf")
        return await self.post("/sign-in", {"username": username, "password": word, **more})

    async def sign_in(self, username: str) -> httpx.Response:
        """Sign in by SRP alone."""
        reply = await self.begin(username)
        assert reply.json()["status"] == "signed_in", reply.text
        return reply

    async def answer(self, step: str, **members: Any) -> httpx.Response:
        return await self.post("/sign-in/answer", {"step": step, **members})

    def cookie(self, name: str) -> str | None:
        return self.http.cookies.get(f"__Host-authflow-{name}")


@frozen(kw_only=True)
class Site:
    """An app that runs in this process, and what it was made of.

    Args:
        app: The app.
        auth: The adapter.
        client: Its client.
        pool: The user pool.
    """

    app: Any
    auth: Any
    client: AuthClient
    pool: RunningPool
    opened: list[httpx.AsyncClient] = field(factory=list)

    def browser(self, base_url: str = "https://testserver", peer: str = "192.0.2.7") -> Browser:
        transport = httpx.ASGITransport(self.app, client=(peer, 1234))
        http = httpx.AsyncClient(transport=transport, base_url=base_url)
        self.opened.append(http)
        return Browser(http)

    async def user(self, *, group: str | None = None) -> str:
        """Make a user, and return the name."""
        name = f"u{uuid4().hex[:12]}"
        await self.pool.add_user(name, attributes={"email": f"{name}@example.org"})
        if group is not None:
            of = {"UserPoolId": self.pool.user_pool_id}
            groups = await self.pool.call("ListGroups", **of)
            if group not in [each["GroupName"] for each in groups["Groups"]]:
                await self.pool.call("CreateGroup", **of, GroupName=group)
            await self.pool.call("AdminAddUserToGroup", **of, Username=name, GroupName=group)
        return name


def _fastapi(client: AuthClient, settings: WebSettings) -> tuple[Any, Any]:
    auth = FastAPIAuth(client, settings=settings)
    app = FastAPI(lifespan=auth.lifespan, exception_handlers=auth.exception_handlers)
    app.include_router(auth.sign_in_router(), prefix="/auth")

    @app.api_route("/orders", methods=["GET", "POST"], operation_id="orders")
    async def orders(user: Annotated[WebUser, Depends(auth.current_user)]) -> Any:
        return {"for": user.username}

    @app.get("/staff")
    async def staff(user: Annotated[WebUser, Depends(auth.requires(groups="staff"))]) -> Any:
        return {"for": user.username}

    @app.get("/scoped")
    async def scoped(user: Annotated[WebUser, Depends(auth.requires(scopes="a/b"))]) -> Any:
        return {"for": user.username}

    @app.get("/maybe")
    async def maybe(user: Annotated[WebUser | None, Depends(auth.optional_user)]) -> Any:
        return {"for": None if user is None else user.username}

    return app, auth


def _starlette(client: AuthClient, settings: WebSettings) -> tuple[Any, Any]:
    auth = StarletteAuth(client, settings=settings)

    @auth.requires()
    async def orders(request: Request) -> JSONResponse:
        return JSONResponse({"for": request.user.username})

    @auth.requires(groups="staff")
    async def staff(request: Request) -> JSONResponse:
        return JSONResponse({"for": request.user.username})

    async def scoped(request: Request) -> JSONResponse:
        user = await auth.current_user(request)
        return await auth.requires(scopes="a/b")(orders)(request) if user else JSONResponse({})

    async def maybe(request: Request) -> JSONResponse:
        user = await auth.optional_user(request)
        return JSONResponse({"for": None if user is None else user.username})

    app = Starlette(
        routes=[
            Mount("/auth", auth.sign_in_router()),
            Route("/orders", orders, methods=["GET", "POST"]),
            *(Route(f"/{each.__name__}", each) for each in (staff, scoped, maybe)),
        ],
        lifespan=auth.lifespan,
        exception_handlers=auth.exception_handlers,
    )
    return app, auth


def _asgi(client: AuthClient, settings: WebSettings) -> tuple[Any, Any]:
    auth = AsgiAuth(client, settings=settings)

    async def told(scope: Any, _receive: Any, send: Any) -> None:
        user = scope.get("user") or await auth.optional_user(scope)
        body = json.dumps({"for": None if user is None else user.username}).encode()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    guarded = {
        "/orders": auth.requires(told),
        "/staff": auth.requires(told, groups="staff"),
        "/scoped": auth.requires(told, scopes="a/b"),
        "/maybe": told,
    }

    async def paths(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http", "this app has no lifespan of its own"
        await guarded[scope["path"]](scope, receive, send)

    return auth.lifespan(auth.sign_in_router(paths)), auth


MAKERS: dict[str, Callable[..., tuple[Any, Any]]] = {
    "fastapi": _fastapi,
    "starlette": _starlette,
    "asgi": _asgi,
}


@asynccontextmanager
async def living(app: Any) -> AsyncIterator[None]:
    """Run an app's lifespan, as a server does: in one task."""
    said: asyncio.Queue[Any] = asyncio.Queue()
    heard: asyncio.Queue[Any] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    task = asyncio.ensure_future(app(scope, said.get, heard.put))
    try:
        await said.put({"type": "lifespan.startup"})
        reply = await heard.get()
        assert reply["type"] == "lifespan.startup.complete", reply
        yield
        await said.put({"type": "lifespan.shutdown"})
        reply = await heard.get()
        assert reply["type"] == "lifespan.shutdown.complete", reply
        await task
    finally:
        task.cancel()


@pytest.fixture(scope="session")
def lived() -> Callable[[Any], AbstractAsyncContextManager[None]]:
    return living


@pytest.fixture(scope="session")
def site_of(
    pool: RunningPool, clock: MovableClock
) -> Callable[..., AbstractAsyncContextManager[Site]]:
    """Runs an app in this process."""

    @asynccontextmanager
    async def run(
        framework: str = "fastapi",
        *,
        keys: KeyRing | None = None,
        store: MemoryStore | None = None,
        config: Any = None,
        observer: Any = None,
        remember_device: Any = "never",
        **settings: Any,
    ) -> AsyncIterator[Site]:
        client = AuthClient(
            config or pool.config,
            challenges=[AskedWord],
            discover=False,
            clock=clock.utc,
            keys=keys or KeyRing.generate(),
            store=MemoryStore() if store is None else store,
            observer=observer,
            remember_device=remember_device,
        )
        given = {"flows": ["USER_SRP_AUTH", "CUSTOM_AUTH"], "session_validity": timedelta(days=9)}
        app, auth = MAKERS[framework](client, WebSettings(**{**given, **settings}))
        async with living(app):
            site = Site(app=app, auth=auth, client=client, pool=pool)
            yield site
            for http in site.opened:
                await http.aclose()

    return run


@pytest.fixture(scope="session", params=FRAMEWORKS)
async def site(request: pytest.FixtureRequest, site_of: Any) -> AsyncIterator[Site]:
    """An app of each framework."""
    async with site_of(request.param) as running:
        yield running


@pytest.fixture(scope="session")
async def one_site(site_of: Any) -> AsyncIterator[Site]:
    """An app of one framework, where they do not differ."""
    async with site_of() as running:
        yield running
