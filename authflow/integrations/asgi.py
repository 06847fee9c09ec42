"""Sign-ins and protected routes for any ASGI app, without a framework.

    auth = AsgiAuth(AuthClient(AuthConfig.from_env(), keys=KeyRing.from_environment(), store=store))
    app = auth.lifespan(auth.sign_in_router(auth.requires(api, groups="staff"), prefix="/auth"))

In the app, `scope["user"]` is the `WebUser` whom `requires` has let through, and `await
auth.optional_user(scope)` tells who asks where nobody has to be signed in.

What a page asks and gets, and how it is protected, says `python -m pydoc
authflow.integrations.web.web_routes`. `authflow.integrations.starlette` and
`authflow.integrations.fastapi` have the same verbs.

Sources: ASGI's "Lifespan Protocol" and "HTTP & WebSocket ASGI Message Format".
"""

from contextlib import AsyncExitStack
from typing import Final

from attrs import define

from authflow.errors import AuthFlowError, ConfigError
from authflow.integrations.web.asgi_messages import (
    AsgiApp,
    Message,
    Receive,
    Scope,
    Send,
    request_of,
    send_reply,
)
from authflow.integrations.web.request_errors import MethodNotAllowedError, RouteNotFoundError
from authflow.integrations.web.web_auth import Needed, WebAuth, requirement
from authflow.integrations.web.web_reply import WebReply, error_reply
from authflow.integrations.web.web_request import WebRequest
from authflow.integrations.web.web_routes import WebRoute
from authflow.integrations.web.web_settings import WebSettings
from authflow.integrations.web.web_user import WebUser
from authflow.unframed import whole

__all__ = ["AsgiAuth", "WebRequest", "WebSettings", "WebUser"]

_STARTED: Final = "lifespan.startup.complete"
_ENDED: Final = frozenset({"lifespan.shutdown.complete", "lifespan.shutdown.failed"})


@whole
@define(eq=False)
class AsgiAuth(WebAuth):
    """Verifies who asks, and serves sign-ins, around an ASGI app.

    Args:
        client: Signs users in and has their sessions; not open yet. None where only tokens are
            verified.
        verifier: Verifies the tokens that come; by default those of the client's pool and app
            client.
        settings: The settings.

    Raises:
        ConfigError: There is neither a client nor a verifier, or one of them is something else.
    """

    def lifespan(self, app: AsgiApp) -> AsgiApp:
        """Return an app whose client is open for as long as the server runs it.

        A lifespan of the app's own runs inside: the client is open before it starts, and until it
        has ended. Errors of ours that the app lets through before it replies, such as those of
        `optional_user` or of a session's tokens, are replied to.

        Args:
            app: The app.
        """

        async def within(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                await self._live(app, scope, receive, send)
            else:
                await _answered(app, scope, receive, send)

        return within

    def sign_in_router(self, app: AsgiApp | None = None, *, prefix: str = "/auth") -> AsgiApp:
        """Return an app with the routes of sign-ins below a path.

        Args:
            app: Has all other paths; without one they are not found.
            prefix: The path, without a slash at its end; "" for none.

        Raises:
            ConfigError: There is no client, or it lacks keys or a store; or the prefix is no path.
        """
        if not isinstance(prefix, str) or (
            prefix and (not prefix.startswith("/") or prefix.endswith("/"))
        ):
            msg = 'prefix must be a path such as "/auth", without a slash at its end, or ""'
            raise ConfigError(msg)
        routes = self.routes()
        paths = {f"{prefix}{route.path}" for route in routes}

        async def routed(scope: Scope, receive: Receive, send: Send) -> None:
            path = _path(scope) if scope["type"] == "http" else ""
            if app is not None and path not in paths:
                await app(scope, receive, send)
                return
            request = request_of(scope, receive)
            route = _found(routes, path.removeprefix(prefix), request.method)
            reply = (
                error_reply(route)
                if isinstance(route, AuthFlowError)
                else await self.answered(route, request)
            )
            await send_reply(reply, scope, send)

        return routed

    async def current_user(self, scope: Scope) -> WebUser:
        """Return who sends a request.

        Args:
            scope: ASGI's scope of a request or a WebSocket.

        Raises:
            NotSignedInError: Nobody is signed in, or not any more: an `AuthFlowError`.
            AuthFlowError: The token is not good, or the request is not what it should be.
        """
        return await self.user_of(request_of(scope))

    async def optional_user(self, scope: Scope) -> WebUser | None:
        """Return who sends a request; None if nobody is signed in, or not any more.

        Args:
            scope: ASGI's scope of a request or a WebSocket.

        Raises:
            AuthFlowError: A token came that is not good, or the request is not what it should be.
        """
        return await self.user_or_none(request_of(scope))

    def requires(self, app: AsgiApp, *, groups: Needed = None, scopes: Needed = None) -> AsgiApp:
        """Return an app that only users reach who are signed in, and have what is required.

        Others get 401 or 403; the app finds the user as `scope["user"]`.

        Args:
            app: The app.
            groups: The groups that the user must be in: one name, or several in `AnyOf` or `AllOf`.
            scopes: The scopes that the access token must have, likewise.

        Raises:
            MisuseError: They are malformed.
        """
        needs = requirement(groups, scopes)

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] not in {"http", "websocket"}:
                await app(scope, receive, send)
                return
            try:
                user = await self.user_of(request_of(scope), needs)
            except AuthFlowError as error:
                reply = error_reply(error)
            else:
                await app({**scope, "user": user}, receive, send)
                return
            await _refuse(reply, scope, receive, send)

        return guarded

    async def _live(self, app: AsgiApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Run an app's lifespan, or one in its place if it has none, while the client is open."""
        stack, started, spoken = AsyncExitStack(), False, False

        async def receiving() -> Message:
            nonlocal spoken
            spoken = True
            return await receive()

        async def sending(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == _STARTED
            if message["type"] in _ENDED:
                await stack.aclose()  # the server may end the process once it hears it
            await send(message)

        async with stack:
            try:
                await stack.enter_async_context(self.opened())
            except AuthFlowError as error:
                await receive()
                await send({"type": "lifespan.startup.failed", "message": error.message})
                return
            try:
                await app(scope, receiving, sending)
            except Exception:
                if spoken:
                    raise
            if not started and not spoken:  # the app has no lifespan
                await receive()
                await send({"type": _STARTED})
                await receive()
                await sending({"type": "lifespan.shutdown.complete"})


def _path(scope: Scope) -> str:
    """Return the path below what the app is mounted at."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if path.startswith(f"{root}/") else path


def _found(
    routes: tuple[WebRoute, ...], path: str, method: str
) -> WebRoute | RouteNotFoundError | MethodNotAllowedError:
    there = [route for route in routes if route.path == path]
    for route in there:
        if method == route.method or (method, route.method) == ("HEAD", "GET"):
            return route
    if not there:
        return RouteNotFoundError("there is no such route")
    allowed = ", ".join(sorted({route.method for route in there}))
    return MethodNotAllowedError(f"this route takes {allowed}", allowed=allowed)


async def _answered(app: AsgiApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Run an app, and reply to the errors of ours that it lets through, if it has not begun to."""
    begun = False

    async def sending(message: Message) -> None:
        nonlocal begun
        begun = True
        await send(message)

    try:
        await app(scope, receive, sending)
    except AuthFlowError as error:
        if begun:
            raise
        reply = error_reply(error)
    else:
        return
    await send_reply(reply, scope, send)


async def _refuse(reply: WebReply, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()  # websocket.connect, which comes first
    await send_reply(reply, scope, send)
