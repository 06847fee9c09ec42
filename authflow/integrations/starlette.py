"""Sign-ins and protected endpoints for Starlette.

    auth = StarletteAuth(AuthClient(AuthConfig.from_env(), keys=keys, store=store))

    @auth.requires(groups="staff")
    async def orders(request: Request) -> Response:
        return JSONResponse({"for": request.user.username})

    app = Starlette(
        routes=[Route("/orders", orders), Mount("/auth", auth.sign_in_router())],
        lifespan=auth.lifespan,
        exception_handlers=auth.exception_handlers,
    )

What a page asks and gets, and how it is protected, says `python -m pydoc
authflow.integrations.web.web_routes`.

Needs the extra `starlette`: `pip install 'cognito-authflow[starlette]'`.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, Final

from attrs import define

from authflow.errors import AuthFlowError, ConfigError, MisuseError
from authflow.extras import UnavailableImportError, advice
from authflow.given_services import kind_of
from authflow.integrations.web.asgi_messages import POLICY_VIOLATION, request_of, send_reply
from authflow.integrations.web.web_auth import Needed, WebAuth, requirement
from authflow.integrations.web.web_reply import WebReply, error_reply
from authflow.integrations.web.web_request import WebRequest
from authflow.integrations.web.web_routes import WebRoute
from authflow.integrations.web.web_settings import WebSettings
from authflow.integrations.web.web_user import WebUser
from authflow.unframed import whole

try:
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import HTTPConnection, Request
    from starlette.responses import Response
    from starlette.routing import Host, Mount, Route, Router
    from starlette.websockets import WebSocket, WebSocketState
except ImportError as error:
    raise UnavailableImportError(advice(error, extra="starlette")) from error

__all__ = ["StarletteAuth", "WebRequest", "WebSettings", "WebUser"]

_OWNERS: Final = "authflow_cookies"
"""The name under which an app's state has the names of cookies, and whose they are."""

Handlers = dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]]
Endpoint = Callable[..., Any]
Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


@define(eq=False)
class StarletteLife(WebAuth):
    """A lifespan and the handlers of errors, for Starlette and what is built on it.

    Args:
        client: As `StarletteAuth`'s, and so are the others.
        verifier: Likewise.
        settings: Likewise.
    """

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Open the client for as long as the app runs: `Starlette(lifespan=auth.lifespan)`.

        Apps that are mounted in it get the `exception_handlers`, unless they have their own. A
        mounted app's own lifespan is not run: that is Starlette's rule.

        Args:
            app: The app.

        Raises:
            ConfigError: The app does not have the `exception_handlers`; or two adapters for
                different pools or app clients have the same `cookie_name`.
            AuthFlowError: The client cannot be opened.
        """
        check_handlers(app, self.exception_handlers)
        for mounted in mounted_apps(app.routes):
            with_handlers(mounted, self.exception_handlers)
        with owned_cookies(app, self.cookie_owner):
            async with self.opened():
                yield

    def lifespan_with(self, own: Lifespan) -> Lifespan:
        """Return a lifespan that opens the client, and runs another one inside.

        Args:
            own: The app's own lifespan. The client is open before it starts, and until it has
                ended; the state that it gives is the app's.
        """

        @asynccontextmanager
        async def both(app: Any) -> AsyncIterator[Any]:
            async with self.lifespan(app), own(app) as state:
                yield state

        return both

    @property
    def exception_handlers(self) -> Handlers:
        """The handlers that reply to this library's errors: `Starlette(exception_handlers=…)`."""
        return {AuthFlowError: _handle}


@whole
@define(eq=False)
class StarletteAuth(StarletteLife):
    """Verifies who asks, and serves sign-ins, in a Starlette app.

    Args:
        client: Signs users in and has their sessions; not open yet. None where only tokens are
            verified.
        verifier: Verifies the tokens that come; by default those of the client's pool and app
            client.
        settings: The settings.

    Raises:
        ConfigError: There is neither a client nor a verifier, or one of them is something else.
    """

    def sign_in_router(self) -> Router:
        """Return the routes of sign-ins: `Mount("/auth", auth.sign_in_router())`.

        Raises:
            ConfigError: There is no client, or it lacks keys or a store.
        """
        return Router([_route(self, each) for each in self.routes()])

    async def current_user(self, request: HTTPConnection) -> WebUser:
        """Return who sends a request, or opens a WebSocket.

        Args:
            request: The request.

        Raises:
            AuthFlowError: Nobody is signed in, or not any more; or the token is not good. The
                `exception_handlers` reply to it.
        """
        return await self.user_of(request_of(request.scope))

    async def optional_user(self, request: HTTPConnection) -> WebUser | None:
        """Return who sends a request; None if nobody is signed in, or not any more.

        Args:
            request: The request.

        Raises:
            AuthFlowError: A token came that is not good, or the request is not what it should be.
        """
        return await self.user_or_none(request_of(request.scope))

    def requires(
        self, *, groups: Needed = None, scopes: Needed = None
    ) -> Callable[[Endpoint], Endpoint]:
        """Return a decorator of endpoints that only users reach who have what is required.

        Others get 401 or 403; the endpoint finds the user as `request.user`. It may be a function
        (one without `async` runs in a thread, as in Starlette), an endpoint's method, or the
        endpoint of a WebSocket, which is then refused before it is open.

        Args:
            groups: The groups that the user must be in: one name, or several in `AnyOf` or `AllOf`.
            scopes: The scopes that the access token must have, likewise.

        Raises:
            MisuseError: They are malformed; or what is decorated is no function.
        """
        needs = requirement(groups, scopes)

        def decorate(endpoint: Endpoint) -> Endpoint:
            if isinstance(endpoint, type) or not callable(endpoint):
                msg = f"requires() decorates a function or a method, not {kind_of(endpoint)}"
                raise MisuseError(msg)
            is_async = iscoroutinefunction(endpoint)

            @wraps(endpoint)
            async def guarded(*given: Any, **named: Any) -> Any:
                connection = _connection(*given, *named.values())
                try:
                    user = await self.user_of(request_of(connection.scope), needs)
                except AuthFlowError as error:
                    refused = error_reply(error)
                else:
                    connection.scope["user"] = user
                    if is_async:
                        return await endpoint(*given, **named)
                    return await run_in_threadpool(endpoint, *given, **named)
                return await _replied(refused, connection)

            return guarded

        return decorate


def response_of(reply: WebReply) -> Response:
    """Return a reply as Starlette's response.

    Args:
        reply: The reply.
    """
    response = Response(reply.body(), status_code=reply.status)
    lines = [*reply.header_lines(), ("content-length", response.headers["content-length"])]
    response.raw_headers = [(name.encode(), value.encode("latin-1")) for name, value in lines]
    return response


def check_handlers(app: Any, handlers: Mapping[Any, Any]) -> None:
    """Refuse an app that would answer our errors by 500.

    Args:
        app: The app.
        handlers: What it must have.

    Raises:
        ConfigError: It does not have them.
    """
    if handlers.keys() <= getattr(app, "exception_handlers", handlers).keys():
        return
    msg = (
        f"pass {type(app).__name__}(..., exception_handlers=auth.exception_handlers): without"
        " them whoever is not signed in gets 500 and not 401"
    )
    raise ConfigError(msg)


def mounted_apps(routes: Iterable[Any]) -> Iterator[Starlette]:
    """Yield the apps that are mounted among routes, and in one another.

    Args:
        routes: The routes.
    """
    for route in routes:
        mounted = getattr(route, "app", None)
        if isinstance(mounted, Starlette):
            yield mounted
        if isinstance(route, Mount | Host):
            yield from mounted_apps(route.routes)


def with_handlers(app: Starlette, handlers: Handlers) -> None:
    """Add the handlers of our errors to an app that has not been asked yet.

    Args:
        app: The app.
        handlers: Those that it gets, unless it has its own.

    Raises:
        ConfigError: It runs already, and has none.
    """
    if app.middleware_stack is not None:
        check_handlers(app, handlers)
        return
    for kind, handler in handlers.items():
        app.exception_handlers.setdefault(kind, handler)


@contextmanager
def owned_cookies(app: Any, owner: tuple[str, tuple[str, ...]] | None) -> Iterator[None]:
    """Reserve the cookies' names for one pool and app client, for as long as the block runs.

    Args:
        app: The app, in whose state it is noted.
        owner: The name, and whose it is; None for none.

    Raises:
        ConfigError: Another pool's or app client's adapter has the name in this app.
    """
    if owner is None:
        yield
        return
    name, place = owner
    owners: dict[str, tuple[str, ...]] = getattr(app.state, _OWNERS, {})
    if owners.get(name, place) != place:
        msg = (
            "two adapters in one app, for different pools or app clients, would take each other's"
            f' cookies: pass WebSettings(cookie_name=…), another one than "{name}", to one of them'
        )
        raise ConfigError(msg)
    setattr(app.state, _OWNERS, {**owners, name: place})
    try:
        yield
    finally:
        setattr(app.state, _OWNERS, owners)


def _connection(*given: object) -> HTTPConnection:
    for each in given:
        if isinstance(each, HTTPConnection):
            return each
    msg = "an endpoint that requires() decorates is called with its request"
    raise MisuseError(msg)


async def _handle(connection: HTTPConnection, error: AuthFlowError) -> Any:
    return await _replied(error_reply(error), connection)


async def _replied(reply: WebReply, connection: HTTPConnection) -> Response | None:
    """Return the response; a WebSocket is refused here, or closed if it is open.

    Starlette's older versions (0.40) send a handler's response to no WebSocket, and newer ones send
    it to one that is open, too, which servers refuse.
    """
    if not isinstance(connection, WebSocket):
        return response_of(reply)
    if connection.client_state is WebSocketState.CONNECTING:
        await connection.receive()  # websocket.connect, which comes first
    if connection.client_state is WebSocketState.DISCONNECTED:
        return None
    if connection.application_state is WebSocketState.CONNECTING:
        await send_reply(reply, connection.scope, connection.send)
    elif connection.application_state is WebSocketState.CONNECTED:
        await connection.close(POLICY_VIOLATION)
    return None


def _route(auth: WebAuth, route: WebRoute) -> Route:
    async def endpoint(request: Request) -> Response:
        return response_of(await auth.answered(route, request_of(request.scope, request.receive)))

    return Route(route.path, endpoint, methods=[route.method], name=route.name)
