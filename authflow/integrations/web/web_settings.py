"""The settings of the web adapters, as a value."""

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Final, Literal

from attrs import Attribute, field, frozen

from authflow.errors import ConfigError
from authflow.given_numbers import check_count, positive_seconds
from authflow.integrations.bearer import Origin, origins_of
from authflow.integrations.web.cookies import CookieNames
from authflow.integrations.web.request_origins import RequestOrigins
from authflow.integrations.web.web_request import WebRequest
from authflow.machine import AuthFlow
from authflow.unframed import whole
from authflow.user_context import UserContext

AfterSignIn = Literal["session", "tokens"]

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_LONGEST: Final = timedelta(days=3650)
_LEAST_BODY, _MOST_BODY = 1_024, 1_048_576


def _flows(value: Iterable[AuthFlow | str] | AuthFlow | str | None) -> tuple[AuthFlow, ...] | None:
    if value is None:
        return None
    try:
        flows = tuple(map(AuthFlow, (value,) if isinstance(value, str) else value))
    except (TypeError, ValueError):
        flows = ()
    if flows:
        return flows
    msg = f"flows names one or more of {', '.join(AuthFlow)}"
    raise ConfigError(msg)


@whole
@frozen(kw_only=True)
class WebSettings:
    """Settings of the routes of sign-ins: what they do, and whose pages may ask.

    Args:
        after_sign_in: What a page gets when its user is signed in. "session": an HttpOnly cookie
            with the handle of a session, whose tokens stay in the client's store and are kept
            fresh. "tokens": the tokens, as JSON, for programs that keep them themselves.
        flows: The auth flows that a page may name; by default the client's own alone.
        origins: Origins beside the service's own whose pages may ask, such as
            ``https://app.example.com`` for a service at ``https://api.example.com``. They must be
            of the same site, or browsers send them no cookies.
        insecure_loopback: Whether the service is on this machine, and reached in clear: then its
            cookies are not Secure and have no `__Host-` prefix, and a request that was sent to
            another host is refused. For development.
        cookie_name: What the names of the cookies begin with.
        same_site: "Lax" or "Strict", for the session's cookie. With "Strict" nobody is signed in
            on a page that a link of another site led to. The other cookies are always Strict.
        session_validity: How long the refresh token is valid, as the app client says
            (`RefreshTokenValidity`); so long a session lasts.
        most_body_bytes: The longest body of a request.
        body_timeout: The seconds in which it must have come; ASGI's servers wait for ever.
        user_context: What Cognito's threat protection is told of whoever asks, such as
            `lambda request: UserContext(ip_address=request.peer)`. Behind a proxy the server must
            know which one to trust (uvicorn: `--forwarded-allow-ips`).
        tells_taken_names: Whether a sign-up tells that its name is taken. By default it is
            answered as one that was made, and nobody learns who has an account.

    Raises:
        ConfigError: A setting is none of these.
    """

    after_sign_in: AfterSignIn = field(default="session")
    flows: Iterable[AuthFlow | str] | AuthFlow | str | None = field(default=None, converter=_flows)
    origins: Iterable[str] | str | frozenset[Origin] = field(default=(), converter=origins_of)
    insecure_loopback: bool = field(default=False)
    cookie_name: str = field(default="authflow")
    same_site: Literal["Lax", "Strict"] = field(default="Lax")
    session_validity: timedelta = field(default=timedelta(days=30))
    most_body_bytes: int = field(default=16_384)
    body_timeout: float = field(default=10.0, validator=positive_seconds)
    user_context: Callable[[WebRequest], UserContext | None] | None = field(default=None)
    tells_taken_names: bool = field(default=False)

    @after_sign_in.validator
    def _check_after(self, _: "Attribute[str]", value: object) -> None:
        if value not in ("session", "tokens"):
            msg = 'after_sign_in is "session" or "tokens"'
            raise ConfigError(msg)

    @same_site.validator
    def _check_same_site(self, _: "Attribute[str]", value: object) -> None:
        if value not in ("Lax", "Strict"):
            msg = 'same_site is "Lax" or "Strict"'
            raise ConfigError(msg)

    @insecure_loopback.validator
    @tells_taken_names.validator
    def _check_flag(self, attribute: "Attribute[bool]", value: object) -> None:
        if not isinstance(value, bool):
            msg = f"{attribute.name} is True or False"
            raise ConfigError(msg)

    @cookie_name.validator
    def _check_name(self, _: "Attribute[str]", value: object) -> None:
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            msg = "cookie_name has 1 to 40 letters, digits, - and _"
            raise ConfigError(msg)

    @session_validity.validator
    def _check_validity(self, _: "Attribute[timedelta]", value: object) -> None:
        if not isinstance(value, timedelta) or not timedelta() < value <= _LONGEST:
            msg = "session_validity is a timedelta above zero, and at most 3650 days"
            raise ConfigError(msg)

    @most_body_bytes.validator
    def _check_body(self, attribute: "Attribute[int]", value: object) -> None:
        check_count(attribute.name, value, least=_LEAST_BODY, most=_MOST_BODY)

    @user_context.validator
    def _check_context(self, _: "Attribute[object]", value: object) -> None:
        if value is not None and not callable(value):
            msg = "user_context is a function of the request that returns a UserContext or None"
            raise ConfigError(msg)

    @property
    def cookies(self) -> CookieNames:
        """The names of the cookies."""
        return CookieNames.of(self.cookie_name, secure=not self.insecure_loopback)

    @property
    def allowed(self) -> RequestOrigins:
        """The origins whose pages may ask."""
        named = self.origins
        return RequestOrigins(
            named=named if isinstance(named, frozenset) else origins_of(named),
            in_clear=self.insecure_loopback,
        )

    def context(self, request: WebRequest) -> UserContext | None:
        """Return what threat protection is told of whoever asks.

        Args:
            request: The request.
        """
        return None if self.user_context is None else self.user_context(request)
