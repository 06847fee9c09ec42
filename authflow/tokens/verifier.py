"""Verifies a user pool's tokens before anybody relies on them.

Source: "Verifying JSON web tokens" in the Amazon Cognito developer guide: RS256 by a key of the
pool, the issuer, the app client, the use and the time.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeGuard

import aiohttp
import anyio
from attrs import define, field
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey
from joserfc.jws import JWSRegistry, extract_compact

from authflow.config import AuthConfig
from authflow.errors import TokenError
from authflow.results import Tokens
from authflow.secret import Secret

LEEWAY: Final = 60
"""Seconds by which clocks may differ."""
_KEYS_BYTES: Final = 256 * 1024
_TOKEN_CHARS: Final = 16 * 1024
_KEYS_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
_REFETCH_AFTER: Final = 60
"""Seconds for which an unknown key id does not fetch the keys again."""

Use = Literal["access", "id"]


@define(kw_only=True)
class TokenVerifier:
    """Verifies tokens by the keys that the pool publishes, fetched once and kept.

    Args:
        config: Which pool and app client the tokens must be for.
        clock: Gives the time, in seconds since the epoch.
    """

    config: AuthConfig
    clock: Callable[[], float] = time.time
    _keys: Mapping[str, RSAKey] = field(factory=dict, init=False, repr=False)
    _fetched_at: float = field(default=float("-inf"), init=False)
    _fetching: anyio.Lock = field(factory=anyio.Lock, init=False, repr=False)

    async def verify(self, tokens: Tokens) -> None:
        """Verify an access token and an id token, and that they are of one user.

        Raises:
            TokenError: One of them must not be trusted.
        """
        access = await self.claims(tokens.access_token, "access")
        identity = await self.claims(tokens.id_token, "id")
        if access.get("sub") != identity.get("sub"):
            msg = "the access token and the id token are of different users"
            raise TokenError(msg)

    async def claims(self, token: Secret[str], use: Use) -> Mapping[str, Any]:
        """Verify a token and give its claims.

        Args:
            token: A JWT.
            use: What it must be for.

        Raises:
            TokenError: It must not be trusted; the text says which check failed.
        """
        text = token.reveal()
        key = await self._key(_key_id(text))
        try:
            decoded = jwt.decode(text, key, registry=_RS256)
        except (JoseError, ValueError):
            msg = "the token's signature is not the user pool's"
            raise TokenError(msg) from None
        self._check(decoded.claims, use)
        return decoded.claims

    def _check(self, claims: Mapping[str, Any], use: Use) -> None:
        now = self.clock()
        expires, not_before = claims.get("exp"), claims.get("nbf", 0)
        if claims.get("iss") != self.config.issuer:
            msg = "the token was issued by another user pool"
        elif claims.get("token_use") != use:
            msg = f"the token is not an {use} token"
        elif claims.get("client_id" if use == "access" else "aud") != self.config.client_id:
            msg = "the token was issued for another app client"
        elif not _is_number(expires) or now > expires + LEEWAY:
            msg = "the token has expired"
        elif not _is_number(not_before) or now < not_before - LEEWAY:
            msg = "the token is not valid yet"
        else:
            return
        raise TokenError(msg)

    async def _key(self, key_id: str) -> RSAKey:
        """Give the pool's key of that id; fetch the keys if it is not among those we have."""
        if key_id not in self._keys:
            async with self._fetching:
                if key_id not in self._keys and self.clock() > self._fetched_at + _REFETCH_AFTER:
                    self._keys = await self._fetch()
                    self._fetched_at = self.clock()
        if key_id not in self._keys:
            msg = "the token is signed with a key that is not the user pool's"
            raise TokenError(msg)
        return self._keys[key_id]

    async def _fetch(self) -> Mapping[str, RSAKey]:
        url = self.config.jwks_url
        failed = f"the user pool's keys cannot be read from {url}"
        try:
            async with (
                aiohttp.ClientSession(timeout=_KEYS_TIMEOUT) as session,
                session.get(url, allow_redirects=False) as reply,
            ):
                body = await reply.content.read(_KEYS_BYTES + 1)
                if reply.status != 200 or len(body) > _KEYS_BYTES:  # HTTP's OK
                    raise TokenError(failed)
            keys = KeySet.import_key_set(json.loads(body)).keys
        except (aiohttp.ClientError, TimeoutError, JoseError, ValueError, KeyError, TypeError):
            raise TokenError(failed) from None
        return {
            key.kid: key
            for key in keys
            if isinstance(key, RSAKey)
            and key.kid
            and key.alg in {None, "RS256"}
            and not key.is_private
        }


_RS256: Final = JWSRegistry(algorithms=["RS256"])


def _key_id(text: str) -> str:
    """Read the key id from a token's header, which nothing else is taken from."""
    if len(text) > _TOKEN_CHARS:
        msg = "the token is too long to be one of Cognito's"
        raise TokenError(msg)
    try:
        header = extract_compact(text.encode("ascii")).headers()
    except (JoseError, ValueError):
        msg = "the token is not a signed JWT"
        raise TokenError(msg) from None
    key_id = header.get("kid")
    if header.get("alg") != "RS256" or not isinstance(key_id, str):
        msg = "the token is not signed by RS256 with a named key"
        raise TokenError(msg)
    return key_id


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
