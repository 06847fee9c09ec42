"""Sign-ins and protected routes for FastAPI.

    auth = FastAPIAuth(AuthClient(AuthConfig.from_env(), keys=keys, store=store))
    app = FastAPI(lifespan=auth.lifespan, exception_handlers=auth.exception_handlers)
    app.include_router(auth.sign_in_router(), prefix="/auth")

    @app.get("/orders")
    async def orders(user: Annotated[WebUser, Depends(auth.requires(groups="staff"))]) -> str:
        return f"the orders of {user.username}"

OpenAPI shows all of it: the routes with what they take and give, their errors, and by which schemes
a route knows its user. What a page asks and gets, and how it is protected, says `python -m pydoc
authflow.integrations.web.web_routes`.

Bodies are not read by FastAPI, whose replies to a malformed one repeat what is in it, but as all
adapters read them: bounded, strictly, and with errors that show nothing.

Needs the extra `fastapi`: `pip install 'cognito-authflow[fastapi]'`.
"""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from attrs import define, field

from authflow.extras import UnavailableImportError, advice
from authflow.integrations.starlette import StarletteLife, response_of
from authflow.integrations.web.asgi_messages import request_of
from authflow.integrations.web.csrf import HEADER
from authflow.integrations.web.web_auth import Needed, requirement
from authflow.integrations.web.web_request import WebRequest
from authflow.integrations.web.web_routes import Gives, WebRoute
from authflow.integrations.web.web_settings import WebSettings
from authflow.integrations.web.web_user import WebUser
from authflow.tokens.requirement import Requirement
from authflow.unframed import whole

try:
    from fastapi import APIRouter, Request, Response, Security
    from fastapi.openapi.models import APIKey, APIKeyIn, HTTPBearer
    from fastapi.requests import HTTPConnection
    from fastapi.security.base import SecurityBase
    from pydantic import BaseModel, Field
except ImportError as error:
    raise UnavailableImportError(advice(error, extra="fastapi")) from error

__all__ = ["FastAPIAuth", "WebRequest", "WebSettings", "WebUser"]

Dependency = Callable[..., Awaitable[WebUser]]


class ErrorAbout(BaseModel):
    """An error: what is wrong, and what to do."""

    code: str = Field(description="Which error it is, such as code_mismatch")
    message: str = Field(description="A text for a person")
    next: str = Field(description="retry_same_challenge, restart, refresh, wait, give_up, ...")
    field: str | None = Field(default=None, description="The field of the form that it is about")
    retry_after: int | None = Field(default=None, description="Seconds to wait")


class ErrorReply(BaseModel):
    """The reply to a request that was not carried out."""

    error: ErrorAbout


class CsrfReply(BaseModel):
    """A CSRF token, for the header X-CSRF-Token."""

    csrf_token: str


class StatusReply(BaseModel):
    """The state of the browser's user, by now."""

    status: Literal["none", "signed_in", "confirm_sign_up", "reset_password"]
    csrf_token: str | None = None


class ShownForm(BaseModel):
    """The parts that the page shows and asks for, in this order; each has its kind."""

    parts: list[dict[str, Any]]


class ShownChallenge(BaseModel):
    """The challenge of a step."""

    name: str
    kind: str | None = None
    attempt: int
    attempts: int | None = None
    parameters: dict[str, str] | None = None


class ChallengeReply(BaseModel):
    """A step at which a sign-in waits."""

    status: Literal["challenge"]
    step: str = Field(description="Send it with the answer")
    expires_in: int
    challenge: ShownChallenge
    form: ShownForm | None
    reason: str
    csrf_token: str


class UserName(BaseModel):
    """A user who has just signed in."""

    username: str


class ShownDevice(BaseModel):
    """A device, in a pool that remembers devices: send it with the refresh token."""

    key: str
    group_key: str
    password: str | None = Field(default=None, description="Proves it at the next sign-in")


class TokenSet(BaseModel):
    """Tokens, as OAuth spells them."""

    access_token: str
    id_token: str
    refresh_token: str | None
    expires_in: int
    token_type: str
    device: ShownDevice | None = None


class SignedInReply(BaseModel):
    """The end of a sign-in; with tokens where no session is kept."""

    status: Literal["signed_in"]
    user: UserName
    csrf_token: str
    tokens: TokenSet | None = None


class NewTokensReply(BaseModel):
    """New tokens."""

    tokens: TokenSet


class ShownUser(BaseModel):
    """A user who is signed in."""

    username: str | None
    sub: str
    groups: list[str]
    scopes: list[str]


class UserReply(BaseModel):
    """The user who is signed in."""

    status: Literal["signed_in"]
    user: ShownUser


_DEFAULT_NAME: Final = "authflow"
_GIVEN: Final[Mapping[Gives, Any]] = {
    "csrf": CsrfReply,
    "sign_in": Annotated[ChallengeReply | SignedInReply, Field(discriminator="status")],
    "user": UserReply,
    "tokens": NewTokensReply,
    "status": StatusReply,
}


class ShownScheme(SecurityBase):
    """A scheme that OpenAPI shows; who asks is read elsewhere.

    Args:
        model: The scheme.
        name: What it is called.
    """

    def __init__(self, model: APIKey | HTTPBearer, name: str) -> None:
        self.model = model
        self.scheme_name = name

    async def __call__(self, _request: HTTPConnection) -> None:
        """Read nothing."""


@whole
@define(eq=False)
class FastAPIAuth(StarletteLife):
    """Verifies who asks, and serves sign-ins, in a FastAPI app.

    Args:
        client: Signs users in and has their sessions; not open yet. None where only tokens are
            verified.
        verifier: Verifies the tokens that come; by default those of the client's pool and app
            client.
        settings: The settings.

    Raises:
        ConfigError: There is neither a client nor a verifier, or one of them is something else.
    """

    _schemes: tuple[ShownScheme, ...] = field(init=False, repr=False)
    _current: Dependency = field(init=False, repr=False)
    _optional: Callable[..., Awaitable[WebUser | None]] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        bearer = ShownScheme(HTTPBearer(bearerFormat="JWT"), "bearer")
        name = self.settings.cookies.session
        model = APIKey.model_validate({"in": APIKeyIn.cookie, "name": name})
        own = self.settings.cookie_name  # two adapters in one app have names of their own
        cookie = ShownScheme(model, "session" if own == _DEFAULT_NAME else f"{own}-session")
        self._schemes = (bearer,) if self._seals is None else (bearer, cookie)
        self._current = self._dependency(None)
        self._optional = self._optional_dependency()

    @property
    def current_user(self) -> Dependency:
        """The dependency that gives who is signed in, and answers others by 401.

        `user: Annotated[WebUser, Depends(auth.current_user)]`
        """
        return self._current

    @property
    def optional_user(self) -> Callable[..., Awaitable[WebUser | None]]:
        """The dependency that gives who is signed in, or None.

        `user: Annotated[WebUser | None, Depends(auth.optional_user)]`
        """
        return self._optional

    def requires(self, *, groups: Needed = None, scopes: Needed = None) -> Dependency:
        """Return a dependency that gives a user who has what is required.

        Others are answered by 401 or 403.

        Args:
            groups: The groups that the user must be in: one name, or several in `AnyOf` or `AllOf`.
            scopes: The scopes that the access token must have, likewise.

        Raises:
            MisuseError: They are malformed.
        """
        return self._dependency(requirement(groups, scopes))

    def sign_in_router(self) -> APIRouter:
        """Return the routes of sign-ins: `app.include_router(auth.sign_in_router(), prefix="/…")`.

        Raises:
            ConfigError: There is no client, or it lacks keys or a store.
        """
        router = APIRouter(tags=["sign-in"])
        for route in self.routes():
            router.add_api_route(
                route.path,
                self._endpoint(route),
                methods=[route.method],
                name=route.name,
                operation_id=f"{self.settings.cookie_name.replace('-', '_')}_{route.name}",
                summary=route.summary,
                status_code=route.status,
                response_model=None,
                responses=_responses(route),
                dependencies=[
                    Security(each) for each in self._schemes if route.name in _KNOWS_ITS_USER
                ],
                openapi_extra=_described(route),
            )
        return router

    def _endpoint(self, route: WebRoute) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            reply = await self.answered(route, request_of(request.scope, request.receive))
            return response_of(reply)

        return endpoint

    def _dependency(self, needs: Requirement | None) -> Dependency:
        bearer, cookie = self._schemes[0], self._schemes[-1]

        async def user(
            request: HTTPConnection,
            _bearer: Annotated[None, Security(bearer)],
            _cookie: Annotated[None, Security(cookie)],
        ) -> WebUser:
            return await self.user_of(request_of(request.scope), needs)

        return user

    def _optional_dependency(self) -> Callable[..., Awaitable[WebUser | None]]:
        bearer, cookie = self._schemes[0], self._schemes[-1]

        async def user(
            request: HTTPConnection,
            _bearer: Annotated[None, Security(bearer)],
            _cookie: Annotated[None, Security(cookie)],
        ) -> WebUser | None:
            return await self.user_or_none(request_of(request.scope))

        return user


_KNOWS_ITS_USER: Final = frozenset({"who", "change_password"})
"""The routes that ask who is signed in, by a token or by a session."""
_BY_SESSION: Final = frozenset({"change_password"})
"""The routes that need a CSRF token of whoever asks by a session."""


def _responses(route: WebRoute) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says of a route's replies."""
    errors: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorReply, "description": HTTPStatus(status).phrase}
        for status in sorted(route.statuses)
    }
    given = {"model": _GIVEN[route.gives], "description": "Carried out"}
    also: dict[int | str, dict[str, Any]] = (
        {200: given} if route.name == "sign_up" else {}
    )  # a trigger may have confirmed it
    return {route.status: given, **also, **errors}


def _described(route: WebRoute) -> dict[str, Any]:
    """Return what OpenAPI says of a route's request."""
    described: dict[str, Any] = {}
    if route.protected or route.name in _BY_SESSION:
        described["parameters"] = [
            {
                "name": HEADER.title(),
                "in": "header",
                "required": route.protected,
                "description": "From GET .../csrf, or from the reply before",
                "schema": {"type": "string"},
            }
        ]
    if route.body:
        content = {"application/json": {"schema": route.schema()}}
        described["requestBody"] = {"required": bool(route.needed), "content": content}
    return described
