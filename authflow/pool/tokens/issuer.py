"""Tokens: RS256 JWTs with Cognito's claims, and the check of tokens that come back.

Claims are those of "Understanding user pool JSON web tokens" in the developer guide.
"""

import json
import uuid
from collections.abc import Mapping
from typing import Any, Final, Self

from attrs import define, evolve, field, frozen
from joserfc import jws, jwt
from joserfc.errors import JoseError

from authflow.pool.accounts.app_clients import AppClient
from authflow.pool.accounts.attribute_schema import VERIFIED
from authflow.pool.accounts.groups import Memberships, find_memberships
from authflow.pool.accounts.signing_keys import SigningKeys
from authflow.pool.accounts.user_pool import UserPool, find_pool, find_pool_by_key
from authflow.pool.accounts.users import User, find_user_by_sub
from authflow.pool.cognito_errors import CognitoError, not_authorized, user_not_found
from authflow.pool.ground import Ground
from authflow.pool.store.sqlite_connection import Connection
from authflow.pool.tokens.families import Grant
from authflow.pool.tokens.overrides import TokenOverrides
from authflow.secret import Secret

SCOPE: Final = "aws.cognito.signin.user.admin"
"""The scope of a sign-in: the user's own account."""
_UNREADABLE: Final = (JoseError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""The errors of the library for a text that is not one of our tokens."""


def _claim(name: str, value: str) -> Any:
    return value == "true" if name in VERIFIED else value


@frozen(kw_only=True)
class AccessToken:
    """An access token that was checked.

    Args:
        pool: The pool that signed it.
        user: Whose it is.
        client_id: The app client that it was given to.
        origin_jti: Its family.
        device_key: The device that it was given to; None if the pool remembered none.
    """

    pool: UserPool
    user: User
    client_id: str
    origin_jti: str
    device_key: str | None

    def again(self, connection: Connection) -> Self:
        """Read the pool and the user once more, in the transaction that decides.

        Raises:
            CognitoError: Meanwhile the token was revoked, or its user or pool is gone or disabled.
        """
        pool, user, stands = _standing(connection, self.pool.key_id, self.origin_jti, self.user.sub)
        if pool is None:
            raise _invalid()
        return evolve(self, pool=pool, user=_still_in(user, stands=stands is not None))


def _standing(
    connection: Connection, key_id: str, origin_jti: str, sub: str
) -> tuple[UserPool | None, User | None, tuple[str | None] | None]:
    """Return the pool and user of an access token, and its device in a tuple.

    There is None in place of the tuple if the token is no longer valid.
    """
    pool = find_pool_by_key(connection, key_id)
    user = None if pool is None else find_user_by_sub(connection, pool.id, sub)
    stands = connection.execute(
        "SELECT device_key FROM token_families WHERE origin_jti = ? AND sub = ? AND revoked = 0",
        (origin_jti, sub),
    ).first()
    return pool, user, None if stands is None else (stands[0],)


def _still_in(user: User | None, *, stands: bool) -> User:
    """Return the user of an access token, unless it is good no more.

    Raises:
        CognitoError: The user is gone or disabled, or the token was revoked.
    """
    if user is None:
        raise user_not_found()
    if not stands:
        raise not_authorized("Access Token has been revoked")
    if not user.enabled:
        raise not_authorized("User is disabled.")
    return user


def _invalid() -> CognitoError:
    return not_authorized("Could not verify signature for Access Token")


@define(kw_only=True)
class TokenIssuer:
    """Signs tokens, and checks those that come back.

    Args:
        ground: The parts that all services share.
        issuer_base: The public address of the server; a pool's issuer is below it.
    """

    ground: Ground
    issuer_base: str
    _keys: SigningKeys = field(factory=SigningKeys, init=False)

    def issuer(self, pool_id: str) -> str:
        """Return a pool's issuer."""
        return f"{self.issuer_base}/{pool_id}"

    async def result(
        self,
        pool: UserPool,
        client: AppClient,
        user: User,
        grant: Grant,
        overrides: TokenOverrides | None = None,
    ) -> dict[str, Any]:
        """Return AuthenticationResult for a grant.

        Args:
            pool: The pool that signs.
            client: The app client that the tokens are for.
            user: Whose they are.
            grant: The right to them.
            overrides: What a trigger changes in them.
        """
        groups = await self.ground.database.read(find_memberships, user.sub)
        signed = await self.ground.workers.run(
            self._sign, pool, client, user, grant, groups=groups, overrides=overrides
        )
        refresh, new = grant.refresh_token, grant.new_device
        metadata = {} if new is None else {"DeviceKey": new.key, "DeviceGroupKey": new.group_key}
        return {
            "AccessToken": signed[0],
            "IdToken": signed[1],
            **({} if refresh is None else {"RefreshToken": refresh.reveal()}),
            "ExpiresIn": client.lifetime("AccessToken"),
            "TokenType": "Bearer",
            **({"NewDeviceMetadata": metadata} if metadata else {}),
        }

    def _sign(
        self,
        pool: UserPool,
        client: AppClient,
        user: User,
        grant: Grant,
        *,
        groups: Memberships,
        overrides: TokenOverrides | None,
    ) -> tuple[str, str]:
        """Sign the access token and the ID token. It takes some 1.5 ms, in a thread."""
        now = int(self.ground.clock())
        key = self._keys.get(pool.key_id, pool.signing_key)
        both = {
            "sub": user.sub,
            "iss": self.issuer(pool.id),
            "origin_jti": grant.origin_jti,
            "event_id": str(uuid.uuid4()),
            "auth_time": grant.auth_time,
            "iat": now,
        }
        access = {
            **both,
            **groups.access_claims,
            "client_id": client.id,
            "token_use": "access",
            "scope": SCOPE,
            "exp": now + client.lifetime("AccessToken"),
            "jti": str(uuid.uuid4()),
            "username": user.username,
            **({} if grant.device_key is None else {"device_key": grant.device_key}),
        }
        identity = {
            **{k: _claim(k, v) for k, v in client.readable(user.attributes).items()},
            **both,
            **groups.identity_claims,
            "cognito:username": user.username,
            "aud": client.id,
            "token_use": "id",
            "exp": now + client.lifetime("IdToken"),
            "jti": str(uuid.uuid4()),
        }
        if overrides is not None:
            access, identity = overrides.of_access(access), overrides.of_identity(identity)
        header = {"alg": "RS256", "kid": pool.key_id}
        return jwt.encode(header, access, key), jwt.encode(header, identity, key)

    async def check_access_token(self, token: Secret[str]) -> AccessToken:
        """Check an access token: signature, use, time, family and user.

        Raises:
            CognitoError: It must not be trusted, was revoked, or its user is gone.
        """
        # The token's claims only select the key; they are trusted once the signature is verified.
        try:
            unverified = jws.extract_compact(token.reveal().encode())
            said = json.loads(unverified.payload)
            key_id = str(unverified.headers()["kid"])
            origin_jti, sub = str(said["origin_jti"]), str(said["sub"])
        except _UNREADABLE:
            raise _invalid() from None
        pool, user, stands = await self.ground.database.read(_standing, key_id, origin_jti, sub)
        if pool is None:
            raise _invalid()
        claims = await self.ground.workers.run(self._read, pool, token)
        return AccessToken(
            pool=pool,
            user=_still_in(user, stands=stands is not None),
            client_id=claims["client_id"],
            origin_jti=origin_jti,
            device_key=None if stands is None else stands[0],
        )

    def _read(self, pool: UserPool, token: Secret[str]) -> Mapping[str, Any]:
        """Verify a token's signature, and check its use and time."""
        key = self._keys.get(pool.key_id, pool.signing_key)
        try:
            claims = jwt.decode(token.reveal(), key, algorithms=["RS256"]).claims
        except _UNREADABLE:
            raise _invalid() from None
        if claims["token_use"] != "access":
            raise not_authorized("Invalid Access Token")
        if self.ground.clock() >= claims["exp"]:
            raise not_authorized("Access Token has expired")
        # A trigger may have removed the claim.
        if SCOPE not in claims.get("scope", "").split():
            raise not_authorized("Access Token does not have required scopes")
        return claims

    async def key_set(self, pool_id: str) -> dict[str, Any]:
        """Return a pool's JSON Web Key Set.

        Raises:
            CognitoError: There is no such pool.
        """
        pool = await self.ground.database.read(find_pool, pool_id)
        key = await self.ground.workers.run(self._keys.public, pool.key_id, pool.signing_key)
        return {"keys": [key]}

    async def configuration(self, pool_id: str) -> dict[str, Any]:
        """Return the part of a pool's OpenID Connect configuration that exists here.

        Raises:
            CognitoError: There is no such pool.
        """
        await self.ground.database.read(find_pool, pool_id)
        issuer = self.issuer(pool_id)
        return {
            "issuer": issuer,
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "token"],
            "scopes_supported": ["openid", "email", "phone", "profile"],
            "subject_types_supported": ["public"],
        }
