"""The operations on the caller's own second factors: by an access token, or within a sign-in."""

from collections.abc import Mapping
from typing import Any, Protocol

from attrs import define

from authflow.machine import State
from authflow.pool.accounts.second_factors import MfaConfig
from authflow.pool.cognito_errors import CognitoError, invalid_parameter, invalid_session
from authflow.pool.factors.auth_factors import auth_factors
from authflow.pool.factors.authenticators import (
    accepted_first_step,
    begin_setup,
    finish_setup,
    new_secret,
    none_to_verify,
    not_enabled,
    not_offered,
    sealed_secret,
)
from authflow.pool.factors.preferences import chosen_factors, set_factors, settings_as_wishes
from authflow.pool.ground import Ground
from authflow.pool.sign_ins.code_attempts import count_code
from authflow.pool.store.sqlite_connection import Connection
from authflow.pool.tokens.issuer import AccessToken, TokenIssuer
from authflow.secret import Secret


class SessionSetups(Protocol):
    """Sets authenticators up within sign-ins."""

    async def associate(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AssociateSoftwareToken with a session."""

    async def verify(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """VerifySoftwareToken with a session."""


def _begin(connection: Connection, token: AccessToken, secret: Secret[str], now: float) -> None:
    """Begin to set an authenticator up, in the pool and for the user as stored now."""
    owner = token.again(connection)
    _check_offered(owner)
    sealed = sealed_secret(owner.pool, owner.user.sub, secret)
    begin_setup(connection, owner.user, sealed, now)


def _verify(
    connection: Connection, token: AccessToken, code: Secret[str], name: str | None, now: float
) -> CognitoError | None:
    """Judge the first code of an authenticator, which is in use from then on.

    Returns:
        The refusal of a wrong code, which is counted: so it is given back and not raised.

    Raises:
        CognitoError: The user is locked out of codes, or no authenticator is being set up.
    """
    owner = token.again(connection)
    _check_offered(owner)
    if owner.user.new_authenticator is None:
        raise none_to_verify()
    step = accepted_first_step(owner.pool, owner.user, code, now)
    count_code(connection, owner.pool, owner.user.sub, now, passed=step is not None)
    if step is None:
        return not_enabled()
    finish_setup(connection, owner.user, step, name, now)
    return None


def _prefer(
    connection: Connection, token: AccessToken, request: Mapping[str, Any], now: float
) -> None:
    owner = token.again(connection)
    factors = chosen_factors(owner.pool, owner.user, request)
    set_factors(connection, owner.user, factors, now)


def _check_offered(owner: AccessToken) -> None:
    if State.SOFTWARE_TOKEN_MFA not in MfaConfig.of(owner.pool).allowed:
        raise not_offered()


@define(kw_only=True)
class OwnFactors:
    """The operations on the caller's own second factors.

    Args:
        ground: The parts that all services share.
        tokens: Checks access tokens.
        setups: Sets authenticators up within sign-ins; None where no sign-in asks for it.
    """

    ground: Ground
    tokens: TokenIssuer
    setups: SessionSetups | None = None

    async def associate(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AssociateSoftwareToken."""
        if _is_in_sign_in(request):
            return await self._in_sign_in.associate(request)
        token, secret = await self._owner(request), new_secret()
        await self.ground.database.write(_begin, token, secret, self.ground.clock())
        return {"SecretCode": secret.reveal()}

    async def verify(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """VerifySoftwareToken."""
        if _is_in_sign_in(request):
            return await self._in_sign_in.verify(request)
        token, code = await self._owner(request), Secret(request["UserCode"])
        name, now = request.get("FriendlyDeviceName"), self.ground.clock()
        refusal = await self.ground.database.write(_verify, token, code, name, now)
        if refusal is not None:
            raise refusal
        return {"Status": "SUCCESS"}

    async def prefer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """SetUserMFAPreference."""
        token = await self._owner(request)
        await self.ground.database.write(_prefer, token, request, self.ground.clock())
        return {}

    async def set_up(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """SetUserSettings."""
        wishes = settings_as_wishes(request)
        return await self.prefer({"AccessToken": request["AccessToken"], **wishes})

    async def list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """GetUserAuthFactors."""
        token = await self._owner(request)
        return auth_factors(token.pool, token.user)

    async def _owner(self, request: Mapping[str, Any]) -> AccessToken:
        return await self.tokens.check_access_token(Secret(request["AccessToken"]))

    @property
    def _in_sign_in(self) -> SessionSetups:
        if self.setups is None:
            raise invalid_session()
        return self.setups


def _is_in_sign_in(request: Mapping[str, Any]) -> bool:
    """Return whether a request comes with a session, and not with an access token.

    Raises:
        CognitoError: It comes with both or with neither.
    """
    if ("AccessToken" in request) is ("Session" in request):
        message = "Either an access token or a session is required, and not both."
        raise invalid_parameter(message, reason=message)
    return "Session" in request
