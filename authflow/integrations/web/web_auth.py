"""`WebAuth`: what the adapters of all frameworks have in common."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from typing import TYPE_CHECKING

from attrs import define, field

from authflow.duties import Duties
from authflow.errors import AuthFlowError, ConfigError, MisuseError, PasswordRequiredError
from authflow.given_services import can, kind_of
from authflow.integrations.web.accounts import AccountRoutes
from authflow.integrations.web.credentials import BrowserCookies, Credentials
from authflow.integrations.web.csrf import BrowserSeals
from authflow.integrations.web.sign_in_steps import SignInSteps
from authflow.integrations.web.web_reply import WebReply, error_reply
from authflow.integrations.web.web_request import WebRequest
from authflow.integrations.web.web_routes import WebRoute, sign_in_routes
from authflow.integrations.web.web_sessions import Sessions
from authflow.integrations.web.web_settings import WebSettings
from authflow.integrations.web.web_user import WebUser
from authflow.tokens.requirement import AllOf, AnyOf, Requirement
from authflow.tokens.verifier import TokenVerifier
from authflow.unframed import Unframed, whole

if TYPE_CHECKING:
    from authflow.client import AuthClient

Needed = str | AnyOf | AllOf | None
"""A group or a scope, or several."""


def _client(value: object) -> object:
    if value is None or can(value, "sign_in", "seal", "kept"):
        return value
    msg = f"an adapter takes an AuthClient that is not open yet, not {kind_of(value)}"
    del value
    raise ConfigError(msg)


@whole
@define(eq=False)
class WebAuth:
    """Verifies who asks, and serves sign-ins. Each framework's adapter is one.

    Args:
        client: Signs users in and has their sessions; not open yet, since the adapter opens it for
            as long as the app runs, and its store. None where only tokens are verified.
        verifier: Verifies the tokens that come; by default those of the client's pool and app
            client. One that does not say what tokens must be for takes access tokens.
        settings: The settings.

    Raises:
        ConfigError: There is neither a client nor a verifier, or one of them is something else; or
            sessions are kept and the verifier takes no access tokens.
    """

    client: "AuthClient | None" = field(default=None, converter=_client)
    verifier: TokenVerifier | None = field(default=None, kw_only=True)
    settings: WebSettings = field(factory=WebSettings, kw_only=True)
    _credentials: Credentials = field(init=False, repr=False)
    _seals: BrowserSeals | None = field(init=False, repr=False)
    _duties: Duties = field(factory=Duties, init=False, repr=False)
    _was_opened: bool = field(default=False, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.settings, WebSettings):
            msg = f"settings must be WebSettings, not {kind_of(self.settings)}"
            raise ConfigError(msg)
        verifier = self._verifier()
        self._seals = self._made_seals()
        self._credentials = Credentials(
            settings=self.settings,
            verifier=_with_a_use(verifier),
            session_verifier=self._session_verifier(verifier),
            client=None if self._seals is None else self.client,
            seals=self._seals,
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Open the client, and its store, for as long as the block runs.

        Raises:
            AuthFlowError: They cannot be opened.
        """
        async with AsyncExitStack() as stack:
            if self.client is not None:
                store: object = self.client.store
                if isinstance(store, AbstractAsyncContextManager):
                    await stack.enter_async_context(store)
                await stack.enter_async_context(self.client)
                stack.push_async_callback(self._duties.aclose)
            self._was_opened = True
            yield

    async def user_of(self, request: WebRequest, needs: Requirement | None = None) -> WebUser:
        """Return who sends a request.

        Args:
            request: The request.
            needs: The groups and scopes that the user must have.

        Raises:
            NotSignedInError: Nobody is signed in, or not any more.
            TokenPermissionError: The user lacks a group or a scope.
            AuthFlowError: The token is not good, or the request is not what it should be.
        """
        with Unframed(), self._advising():
            user = await self._credentials.required_user(request)
            doubt = None if needs is None else needs.doubt(user.claims)
            if doubt is not None:
                raise doubt
            return user

    async def user_or_none(self, request: WebRequest) -> WebUser | None:
        """Return who sends a request; None if nobody is signed in, or not any more.

        Args:
            request: The request.

        Raises:
            AuthFlowError: A token came that is not good, or the request is not what it should be.
        """
        with Unframed(), self._advising():
            return await self._credentials.user(request)

    def routes(self) -> tuple[WebRoute, ...]:
        """Return the routes of sign-ins.

        Raises:
            ConfigError: There is no client, or it lacks keys or a store.
        """
        if self.client is None:
            msg = "sign-ins need a client: pass an AuthClient"
            raise ConfigError(msg)
        if self.client.is_users_device:
            msg = (
                'AuthClient(remember_device="always") is for a person\'s own machine: a service'
                " would be everybody's device, and spare them the second factor. Pass"
                ' remember_device="caller", or leave it out'
            )
            raise ConfigError(msg)
        if self._seals is None:
            msg = (
                "tickets and CSRF tokens are sealed, and all processes share sessions, and which"
                " step was answered: pass AuthClient(..., keys=, store=); MemoryStore() does for"
                " one process"
            )
            raise ConfigError(msg)
        sessions = Sessions(
            client=self.client,
            settings=self.settings,
            seals=self._seals,
            credentials=self._credentials,
            duties=self._duties,
        )
        steps = SignInSteps(
            client=self.client, settings=self.settings, seals=self._seals, sessions=sessions
        )
        accounts = AccountRoutes(
            client=self.client, settings=self.settings, credentials=self._credentials
        )
        return sign_in_routes(steps, sessions, accounts)

    async def answered(self, route: WebRoute, request: WebRequest) -> WebReply:
        """Return the reply of a route, also where it is an error's.

        What is no error of ours passes through: it is a fault, and nobody's to hide.

        Args:
            route: The route.
            request: A request for it.
        """
        try:
            with self._advising():
                self.settings.allowed.check(request)
                cookies = BrowserCookies.of(request, self.settings)
                if route.protected:
                    await self._credentials.check_page(request, cookies)
                return await route.handle(request, cookies)
        except AuthFlowError as error:
            return error_reply(error)

    @property
    def cookie_owner(self) -> tuple[str, tuple[str, ...]] | None:
        """The name of the cookies, and whose they are; None where there are none."""
        return None if self._seals is None else (self.settings.cookie_name, self._seals.place)

    @contextmanager
    def _advising(self) -> Iterator[None]:
        """Raise what helps an app, where the client only says that it must be opened."""
        try:
            yield
        except MisuseError as error:
            if self._was_opened or isinstance(error, ConfigError | PasswordRequiredError):
                raise
        else:
            return
        msg = (
            "the app's lifespan has not run, which opens the client: pass lifespan=auth.lifespan to"
            " the outermost app, since a mounted app's is not run, and have the server run it"
            " (uvicorn: not --lifespan off)"
        )
        raise ConfigError(msg)

    def _verifier(self) -> TokenVerifier:
        if isinstance(self.verifier, TokenVerifier):
            return self.verifier
        if self.verifier is not None:
            msg = f"verifier must be a TokenVerifier, not {kind_of(self.verifier)}"
            raise ConfigError(msg)
        if self.client is None:
            msg = "pass an AuthClient, or verifier=TokenVerifier(…) where only tokens are verified"
            raise ConfigError(msg)
        return TokenVerifier(config=self.client.config, clock=self._clock())

    def _session_verifier(self, verifier: TokenVerifier) -> TokenVerifier:
        if self._seals is None:
            return verifier
        try:
            return verifier.require(token_use="access")
        except MisuseError:
            pass
        msg = "sessions have access tokens: take a verifier that does not refuse them"
        raise ConfigError(msg)

    def _made_seals(self) -> BrowserSeals | None:
        client = self.client
        if client is None or client.keys is None or client.store is None:
            return None  # it has no sessions
        config = client.config
        return BrowserSeals(
            keys=client.keys,
            place=(config.user_pool_id, str(config.client_id)),  # an `AuthClient` has one
            clock=self._clock(),
        )

    def _clock(self) -> Callable[[], float]:
        client = self.client
        return time.time if client is None else lambda: client.clock().timestamp()


def _with_a_use(verifier: TokenVerifier) -> TokenVerifier:
    if any(each.uses for each in verifier.required):
        return verifier
    return verifier.require(token_use="access")


def requirement(groups: Needed, scopes: Needed) -> Requirement:
    """Read what a user must have.

    Args:
        groups: The groups: one name, or several in `AnyOf` or `AllOf`.
        scopes: The scopes of the access token, likewise.

    Raises:
        MisuseError: They are malformed.
    """
    return Requirement.read(token_use=None, client_ids=None, groups=groups, scopes=scopes)
