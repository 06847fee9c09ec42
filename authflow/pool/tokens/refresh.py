"""Refresh tokens, and what ends them: refresh, rotation, revocation, sign-out."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, evolve

from authflow.pool.accounts.app_clients import find_client
from authflow.pool.accounts.callers import Caller, check_may_sign_in, find_caller
from authflow.pool.accounts.user_pools import UserPool
from authflow.pool.accounts.users import User, attribute_list, find_user_by_sub
from authflow.pool.cognito_errors import CognitoError, invalid_parameter, not_authorized
from authflow.pool.store.connection import Connection
from authflow.pool.store.database import Database
from authflow.pool.tokens.issuer import Grant, TokenIssuer, add_refresh_token, refresh_token_id
from authflow.pool.tokens.trigger import TokenTrigger
from authflow.secret import Secret
from authflow.triggers.events.token_events import REFRESH


def _find(
    connection: Connection, caller: Caller, token: Secret[str], now: float
) -> tuple[User, Grant, float | None]:
    """Find what a refresh token stands for, and when it was replaced, if it was.

    Raises:
        CognitoError: It is none of this client's, or is no longer good.
    """
    row = connection.execute(
        "SELECT origin_jti, sub, client_id, auth_time, expires_at, revoked, replaced_at"
        " FROM refresh_tokens JOIN token_families USING (origin_jti) WHERE id = ?",
        (refresh_token_id(token),),
    ).first()
    if row is None or row[2] != caller.client.id:
        raise not_authorized("Invalid Refresh Token")
    origin_jti, sub, _, auth_time, expires_at, revoked, replaced_at = row
    if revoked:
        raise not_authorized("Refresh Token has been revoked")
    if now >= expires_at:
        raise not_authorized("Refresh Token has expired")
    user = find_user_by_sub(connection, caller.pool.id, sub)
    if user is None:
        raise not_authorized("Invalid Refresh Token")
    check_may_sign_in(user)
    return user, Grant(origin_jti=origin_jti, auth_time=auth_time, refresh_token=None), replaced_at


def _renew(
    connection: Connection,
    request: Mapping[str, Any],
    token: Secret[str],
    now: float,
    held: Callable[[UserPool], bool] | None = None,
) -> tuple[Caller, User, Grant | None]:
    """Use a refresh token, and replace it where the app client rotates them.

    Args:
        connection: The database.
        request: The request.
        token: The refresh token.
        now: Seconds since the epoch.
        held: Says of a user pool whether a trigger is to be asked first.

    Returns:
        Who asks, whose the token is, and the grant; None if a trigger is to be asked first, and
        then the token was not used.

    Raises:
        CognitoError: It is not good, or was replaced before and its grace period is over.
    """
    caller = find_caller(connection, request)
    caller.client.check_secret(request.get("ClientSecret"))
    user, given, replaced_at = _find(connection, caller, token, now)
    grace = caller.client.rotation_grace
    if replaced_at is not None and now >= replaced_at + (grace or 0):
        raise CognitoError("RefreshTokenReuseException", "Refresh token has been used before.")
    if held is not None and held(caller.pool):
        return caller, user, None
    if grace is None:
        return caller, user, given
    if replaced_at is None:
        connection.execute(
            "UPDATE refresh_tokens SET replaced_at = ? WHERE id = ?",
            (now, refresh_token_id(token)),
        )
    # Within the grace period the client that lost the first reply gets another one.
    renewed = add_refresh_token(connection, given.origin_jti)
    return caller, user, evolve(given, refresh_token=renewed)


def _revoke_family(connection: Connection, request: Mapping[str, Any], token: Secret[str]) -> None:
    client = find_client(connection, request["ClientId"])
    client.check_secret(request.get("ClientSecret"), code="UnauthorizedException")
    if not client.revokes_tokens:
        raise CognitoError(
            "UnsupportedOperationException", "Token revocation is not enabled for this client."
        )
    row = connection.execute(
        "SELECT origin_jti, client_id FROM refresh_tokens JOIN token_families USING (origin_jti)"
        " WHERE id = ?",
        (refresh_token_id(token),),
    ).first()
    if row is None:
        if token.reveal().count(".") > 1:
            raise CognitoError("UnsupportedTokenTypeException", "Only refresh tokens are revoked.")
        # A token that is not there is as good as revoked (RFC 7009 §2.2).
        return
    if row[1] != client.id:
        raise CognitoError("UnauthorizedException", "The token was given to another client.")
    connection.execute("UPDATE token_families SET revoked = 1 WHERE origin_jti = ?", (row[0],))


def _revoke_user(connection: Connection, sub: str) -> None:
    connection.execute("UPDATE token_families SET revoked = 1 WHERE sub = ?", (sub,))


@define(kw_only=True)
class Refresh:
    """The operations on tokens that were given.

    Args:
        database: Where token families are kept.
        tokens: Signs and checks tokens.
        trigger: What is asked before tokens are made.
        clock: Gives the time, in seconds since the epoch.
    """

    database: Database
    tokens: TokenIssuer
    trigger: TokenTrigger
    clock: Callable[[], float]

    async def by_flow(
        self, caller: Caller, token: Secret[str], secret_hash: str | None
    ) -> dict[str, Any]:
        """REFRESH_TOKEN_AUTH: new tokens, never a new refresh token.

        Args:
            caller: Who asks.
            token: The refresh token.
            secret_hash: SECRET_HASH, over the username or the `sub`.

        Raises:
            CognitoError: The token is not good, the client rotates its tokens, or a trigger
                refused.
        """
        if caller.client.rotation_grace is not None:
            raise invalid_parameter(
                "REFRESH_TOKEN_AUTH flow not enabled for this client: with refresh token rotation "
                "use GetTokensFromRefreshToken."
            )
        user, given = await self._still_good(caller, token)
        caller.client.check_secret_hash(secret_hash, user.username, user.sub)
        overrides = None
        if self.trigger.serves(caller.pool):
            # As of every InitiateAuth, the ClientMetadata does not reach this trigger.
            silent = evolve(caller, client_metadata=None)
            overrides = await self.trigger.ask(silent, user, REFRESH)
            # The trigger took its time: what was revoked meanwhile is revoked.
            user, given = await self._still_good(caller, token)
        result = await self.tokens.result(caller.pool, caller.client, user, given, overrides)
        return {"ChallengeParameters": {}, "AuthenticationResult": result}

    async def _still_good(self, caller: Caller, token: Secret[str]) -> tuple[User, Grant]:
        """Find what a refresh token of a client that does not rotate them stands for.

        Raises:
            CognitoError: It is not good, or was replaced when the client still rotated them.
        """
        user, given, replaced_at = await self.database.read(_find, caller, token, self.clock())
        if replaced_at is not None:
            raise CognitoError("RefreshTokenReuseException", "Refresh token has been used before.")
        return user, given

    async def renew(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """GetTokensFromRefreshToken."""
        token = Secret(request["RefreshToken"])
        held, overrides = self.trigger.serves, None
        caller, user, given = await self.database.write(_renew, request, token, self.clock(), held)
        if given is None:
            overrides = await self.trigger.ask(caller, user, REFRESH)
            caller, user, given = await self.database.write(_renew, request, token, self.clock())
            assert given is not None  # noqa: S101  # nothing held it; for the type checker
        result = await self.tokens.result(caller.pool, caller.client, user, given, overrides)
        return {"AuthenticationResult": result}

    async def revoke(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """RevokeToken."""
        await self.database.write(_revoke_family, request, Secret(request["Token"]))
        return {}

    async def sign_out(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """GlobalSignOut."""
        token = await self.tokens.check_access_token(Secret(request["AccessToken"]))
        await self.database.write(_revoke_user, token.user.sub)
        return {}

    async def user(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """GetUser."""
        token = await self.tokens.check_access_token(Secret(request["AccessToken"]))
        return {
            "Username": token.user.username,
            "UserAttributes": attribute_list(token.user.all_attributes),
        }
