"""Refresh tokens: refresh, rotation, revocation and sign-out."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, evolve, frozen

from authflow.pool.accounts.app_clients import find_client
from authflow.pool.accounts.callers import Caller, check_may_sign_in, find_caller
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User, attribute_list, find_user_by_sub
from authflow.pool.cognito_errors import CognitoError, invalid_parameter, not_authorized
from authflow.pool.devices.known_devices import find_device
from authflow.pool.ground import Ground
from authflow.pool.store.sqlite_connection import Connection
from authflow.pool.tokens.families import (
    Grant,
    RefreshToken,
    end_families,
    end_family,
    find_refresh_token,
    in_grace,
    reused,
    rotate,
)
from authflow.pool.tokens.issuer import TokenIssuer
from authflow.pool.tokens.trigger import TokenTrigger
from authflow.secret import Secret
from authflow.triggers.events.token_events import REFRESH
from authflow.wire.members import DEVICE_KEY, SECRET_HASH


def _find(
    connection: Connection, caller: Caller, token: Secret[str], now: float
) -> tuple[User, RefreshToken]:
    """Return the user and the facts of a refresh token.

    Raises:
        CognitoError: It is none of this client's, its family has ended, or the user may not sign
            in.
    """
    known = find_refresh_token(connection, token)
    if known is None or known.client_id != caller.client.id:
        raise not_authorized("Invalid Refresh Token")
    known.check(now)
    user = find_user_by_sub(connection, caller.pool.id, known.sub)
    if user is None:
        raise not_authorized("Invalid Refresh Token")
    check_may_sign_in(user)
    return user, known


def _check_device(connection: Connection, known: RefreshToken, given: str | None) -> None:
    """Refuse a token that comes from another device than it was given to.

    It is no good before its device is confirmed, nor after that is forgotten. Tokens of a sign-in
    before the pool remembered devices are good wherever they come from.

    Raises:
        CognitoError: The device is another one, or none that the user has.
    """
    if known.device_key is None:
        return
    device = find_device(connection, known.sub, known.device_key)
    if device is None or given != device.key:
        reason = "not from the device that the token was given to, or that is not confirmed"
        raise not_authorized("Invalid Refresh Token", reason=reason)


@frozen(kw_only=True)
class _Renewal:
    """The right that a refresh token has given.

    Args:
        caller: Who asks.
        user: Whose the token is.
        grant: The right to new tokens; None if a trigger is to be asked first, and then the token
            was not used.
    """

    caller: Caller
    user: User
    grant: Grant | None


def _renew(
    connection: Connection,
    request: Mapping[str, Any],
    token: Secret[str],
    now: float,
    held: Callable[[UserPool], bool] | None = None,
) -> _Renewal | CognitoError:
    """Use a refresh token, and replace it if the app client rotates them.

    Args:
        connection: The database.
        request: The request.
        token: The refresh token.
        now: Seconds since the epoch.
        held: Says of a user pool whether a trigger is to be asked first.

    Returns:
        What it was good for. If it was replaced before and its grace period is over, the refusal:
        it is given back and not raised, so that the family stays ended.

    Raises:
        CognitoError: It is not good.
    """
    caller = find_caller(connection, request)
    caller.client.check_secret(request.get("ClientSecret"))
    user, known = _find(connection, caller, token, now)
    grace = caller.client.rotation_grace
    if known.replaced_at is not None and not in_grace(connection, known, grace or 0, now):
        end_family(connection, known.origin_jti)
        return reused()
    _check_device(connection, known, request.get("DeviceKey"))
    if held is not None and held(caller.pool):
        return _Renewal(caller=caller, user=user, grant=None)
    if grace is None:
        return _Renewal(caller=caller, user=user, grant=known.grant)
    # Within the grace period, a client that lost the first reply gets another new token.
    renewed = evolve(known.grant, refresh_token=rotate(connection, known, now))
    return _Renewal(caller=caller, user=user, grant=renewed)


@frozen(kw_only=True)
class _Presented:
    """A refresh token that came by InitiateAuth, and the device that it came with."""

    token: Secret[str]
    device_key: str | None


def _use(
    connection: Connection, caller: Caller, presented: _Presented, now: float
) -> tuple[User, Grant] | CognitoError:
    """Use a refresh token of a client that does not rotate; see `_renew`.

    Returns:
        The user and the grant; the refusal, if it was replaced when the client still rotated them.

    Raises:
        CognitoError: It is not good.
    """
    user, known = _find(connection, caller, presented.token, now)
    if known.replaced_at is not None:
        end_family(connection, known.origin_jti)
        return reused()
    _check_device(connection, known, presented.device_key)
    return user, known.grant


def _end_if_reused(
    connection: Connection, caller: Caller, token: Secret[str], now: float
) -> CognitoError | None:
    """End the family of a replaced token that comes back, by whichever flow.

    A stolen token is recognised by that, and a flow that gives no tokens tells it as well as one
    that does (RFC 9700 §4.14.2).

    Returns:
        The refusal, if the token's family was ended by it.
    """
    known = find_refresh_token(connection, token)
    if known is None or known.client_id != caller.client.id or known.revoked:
        return None
    grace = caller.client.rotation_grace or 0
    if known.replaced_at is None or in_grace(connection, known, grace, now):
        return None
    end_family(connection, known.origin_jti)
    return reused()


def _revoke(connection: Connection, request: Mapping[str, Any], token: Secret[str]) -> None:
    client = find_client(connection, request["ClientId"])
    client.check_secret(request.get("ClientSecret"), code="UnauthorizedException")
    if not client.revokes_tokens:
        raise CognitoError(
            "UnsupportedOperationException", "Token revocation is not enabled for this client."
        )
    known = find_refresh_token(connection, token)
    if known is None:
        if token.reveal().count(".") > 1:
            raise CognitoError("UnsupportedTokenTypeException", "Only refresh tokens are revoked.")
        # A token that does not exist counts as revoked (RFC 7009 §2.2).
        return
    if known.client_id != client.id:
        raise CognitoError("UnauthorizedException", "The token was given to another client.")
    end_family(connection, known.origin_jti)


@define(kw_only=True)
class Refresh:
    """The operations on issued tokens.

    Args:
        ground: The parts that all services share.
        tokens: Signs and checks tokens.
        trigger: What is asked before tokens are made.
    """

    ground: Ground
    tokens: TokenIssuer
    trigger: TokenTrigger

    async def check_not_reused(self, caller: Caller, token: Secret[str]) -> None:
        """Check a token that comes by a flow that may be disabled for its client.

        Args:
            caller: Who asks.
            token: What was sent as a refresh token.

        Raises:
            CognitoError: RefreshTokenReuseException; the client rotates its tokens, and this one
                was replaced: its family has ended.
        """
        if caller.client.rotation_grace is None:
            return  # then the flow itself checks it
        replaced = await self.ground.database.write(
            _end_if_reused, caller, token, self.ground.clock()
        )
        if replaced is not None:
            raise replaced

    async def by_flow(
        self, caller: Caller, token: Secret[str], parameters: Mapping[str, str]
    ) -> dict[str, Any]:
        """REFRESH_TOKEN_AUTH: new tokens, never a new refresh token.

        Args:
            caller: Who asks.
            token: The refresh token.
            parameters: AuthParameters: SECRET_HASH, over the username or the `sub`; DEVICE_KEY.

        Raises:
            CognitoError: The token is not good, or not from this device, the client rotates its
                tokens, or a trigger refused.
        """
        if caller.client.rotation_grace is not None:
            raise invalid_parameter(
                "REFRESH_TOKEN_AUTH flow not enabled for this client: with refresh token rotation "
                "use GetTokensFromRefreshToken.",
                reason="REFRESH_TOKEN_AUTH does not go with refresh token rotation",
            )
        presented = _Presented(token=token, device_key=parameters.get(DEVICE_KEY))
        user, given = await self._still_good(caller, presented)
        caller.client.check_secret_hash(parameters.get(SECRET_HASH), user.username, user.sub)
        overrides = None
        if self.trigger.serves(caller.pool):
            # This is InitiateAuth, whose ClientMetadata does not reach this trigger.
            silent = evolve(caller, client_metadata=None)
            overrides = await self.trigger.ask(silent, user, REFRESH)
            # While the trigger ran, the token may have been revoked.
            user, given = await self._still_good(caller, presented)
        result = await self.tokens.result(caller.pool, caller.client, user, given, overrides)
        return {"ChallengeParameters": {}, "AuthenticationResult": result}

    async def _still_good(self, caller: Caller, presented: _Presented) -> tuple[User, Grant]:
        """Return the user and the right of a refresh token, if the client does not rotate.

        Raises:
            CognitoError: It is not good, not from this device, or was replaced when the client
                still rotated them.
        """
        used = await self.ground.database.write(_use, caller, presented, self.ground.clock())
        if isinstance(used, CognitoError):
            raise used
        return used

    async def renew(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """GetTokensFromRefreshToken."""
        token, overrides = Secret(request["RefreshToken"]), None
        renewed = await self._renewed(request, token, self.trigger.serves)
        if renewed.grant is None:
            overrides = await self.trigger.ask(renewed.caller, renewed.user, REFRESH)
            renewed = await self._renewed(request, token)
        caller, user, given = renewed.caller, renewed.user, renewed.grant
        assert given is not None  # noqa: S101  # there is no `held` here; for the type checker
        result = await self.tokens.result(caller.pool, caller.client, user, given, overrides)
        return {"AuthenticationResult": result}

    async def _renewed(
        self,
        request: Mapping[str, Any],
        token: Secret[str],
        held: Callable[[UserPool], bool] | None = None,
    ) -> _Renewal:
        renewed = await self.ground.database.write(
            _renew, request, token, self.ground.clock(), held
        )
        if isinstance(renewed, CognitoError):
            raise renewed
        return renewed

    async def revoke(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """RevokeToken."""
        await self.ground.database.write(_revoke, request, Secret(request["Token"]))
        return {}

    async def sign_out(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """GlobalSignOut."""
        try:
            token = await self.tokens.check_access_token(Secret(request["AccessToken"]))
        except CognitoError as error:
            if error.code != "UserNotFoundException":
                raise
            # Cognito's model has no such error here, and the tokens were deleted with the user.
            raise not_authorized("Access Token has been revoked") from error
        await self.ground.database.write(end_families, token.user.sub)
        return {}

    async def user(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """GetUser."""
        token = await self.tokens.check_access_token(Secret(request["AccessToken"]))
        client = await self.ground.database.read(find_client, token.client_id, token.pool.id)
        return {
            "Username": token.user.username,
            "UserAttributes": attribute_list(client.readable(token.user.all_attributes)),
            **token.user.factors.described(),
        }
