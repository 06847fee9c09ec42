"""Verification of a user pool's tokens, before anybody relies on them.

Source: "Verifying JSON web tokens" in the Amazon Cognito developer guide: RS256 by a key of the
pool, the issuer, the app client, the use and the time.
"""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeGuard

from attrs import define, field
from joserfc import jwt
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry, extract_compact

from authflow.config import AuthConfig
from authflow.errors import JwksUnreachableError, MisuseError, TokenError
from authflow.given_secrets import Unfit, checked, wrapped
from authflow.results import Tokens
from authflow.secret import Secret
from authflow.tokens.key_source import KeySource
from authflow.tokens.usernames import username_in
from authflow.unframed import whole

LEEWAY: Final = 60
"""Seconds by which clocks may differ."""
_TOKEN_CHARS: Final = 16 * 1024
_EXTENSIONS: Final = frozenset({"crit", "b64"})
"""Header members that change the meaning of a token (RFC 7515 §4.1.11, RFC 7797)."""
_NO_JWT: Final = "the token is not a signed JWT"

Use = Literal["access", "id"]
_USES: Final = ("access", "id")


@whole
@define(kw_only=True)
class TokenVerifier:
    """Verifies tokens with the keys that the pool publishes, fetched once and kept.

    Any number of tasks may use one, on any number of event loops; nothing has to be closed.

    Args:
        config: Which pool and app client the tokens must be for, and its keys, if they are given.
        clock: Gives the time, in seconds since the epoch, which tokens are valid by.
        ticks: Gives seconds that never go back, which say when to fetch keys again.
    """

    config: AuthConfig
    clock: Callable[[], float] = time.time
    ticks: Callable[[], float] = time.monotonic
    _source: KeySource = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        self._source = KeySource(config=self.config, ticks=self.ticks)

    async def fetch_keys(self) -> None:
        """Fetch the pool's keys if they are not here yet, so that the first token need not wait.

        Raises:
            JwksUnreachableError: They cannot be had.
        """
        await self._source.fetch()

    async def verify(self, tokens: Tokens) -> str | None:
        """Verify that an access token and an id token were just issued, and that they are a pair.

        Args:
            tokens: What the pool gave. Unlike for anybody's token, its keys are fetched again as
                soon as the tokens name one that is not known.

        Returns:
            The user's canonical name in the pool; None if the tokens do not tell it.

        Raises:
            TokenError: One of them must not be trusted.
            JwksUnreachableError: Nobody knows, for the keys cannot be had: the tokens are in it.
        """
        if not isinstance(tokens, Tokens):
            msg = f"verify takes Tokens, not {type(tokens).__name__}; for one token, claims()"
            tokens = None
            raise MisuseError(msg)
        try:
            access = await self._claims(tokens.access_token, "access", just_issued=True)
            identity = await self._claims(tokens.id_token, "id", just_issued=True)
        except JwksUnreachableError as error:
            error.tokens = tokens
            raise
        if access.get("sub") != identity.get("sub"):
            msg = "the access token and the id token are of different users"
            raise TokenError(msg)
        return username_in(identity, access)

    async def claims(self, token: str | Secret[str], use: Use) -> Mapping[str, Any]:
        """Verify a token and return its claims.

        Args:
            token: A JWT.
            use: What it must be for.

        Raises:
            TokenError: It must not be trusted; the text says which check failed.
            JwksUnreachableError: Nobody knows, for the pool's keys cannot be had.
            MisuseError: It is no text.
        """
        token = wrapped(token)
        if use not in _USES:
            msg = f"a token is for one of {', '.join(_USES)}"
            raise MisuseError(msg)
        if isinstance(token, Unfit) and token.text:  # from outside: not the caller's fault
            raise TokenError(_NO_JWT)
        return await self._claims(checked("token", token, empty=True), use, just_issued=False)

    async def _claims(
        self, token: Secret[str], use: Use, *, just_issued: bool
    ) -> Mapping[str, Any]:
        # No frame that an error passes holds the token's text: it is revealed only where nothing
        # is raised, and any error of a library about it is dropped there with its frames.
        key_id, why = _key_id(token)
        if why is not None:
            raise TokenError(why)
        key = await self._source.key(key_id, just_issued=just_issued)
        if key is None:
            msg = "the token is signed with a key that is not the user pool's"
            raise TokenError(msg)
        claims = _decoded(token, key)
        if claims is None:
            msg = "the token's signature is not the user pool's"
            raise TokenError(msg)
        why = self._doubt(claims, use)
        if why is not None:
            del claims
            raise TokenError(why)
        return claims

    def _doubt(self, claims: Mapping[str, Any], use: Use) -> str | None:
        """Return what is wrong with the claims; None if nothing is."""
        now = self.clock()
        expires, not_before = claims.get("exp"), claims.get("nbf", 0)
        if claims.get("iss") != self.config.issuer:
            return "the token was issued by another user pool"
        if claims.get("token_use") != use:
            return f"the token is not an {use} token"
        if claims.get("client_id" if use == "access" else "aud") != self.config.client_id:
            return "the token was issued for another app client"
        if not _is_number(expires) or now > expires + LEEWAY:
            return "the token has expired"
        if not _is_number(not_before) or now < not_before - LEEWAY:
            return "the token is not valid yet"
        return None


_RS256: Final = JWSRegistry(algorithms=["RS256"])


def _key_id(token: Secret[str]) -> tuple[str, str | None]:
    """Return the key id from a token's header, the only member of it that is used.

    Returns:
        The id, and what is wrong with the header, if something is.
    """
    if len(token.reveal()) > _TOKEN_CHARS:
        return "", "the token is too long to be one of Cognito's"
    try:
        header = extract_compact(token.reveal().encode("ascii")).headers()
        key_id = header.get("kid")
    except Exception:  # noqa: BLE001  # a token may make a library raise anything
        return "", _NO_JWT
    if header.get("alg") != "RS256" or not isinstance(key_id, str):
        return "", "the token is not signed by RS256 with a named key"
    if _EXTENSIONS & header.keys():
        return "", "the token's header asks for an extension, as none of Cognito's does"
    return key_id, None


def _decoded(token: Secret[str], key: RSAKey) -> Mapping[str, Any] | None:
    """Return the claims if the key signed them; else None."""
    try:
        return jwt.decode(token.reveal(), key, registry=_RS256).claims
    except Exception:  # noqa: BLE001  # a token may make a library raise anything
        return None


def _is_number(value: Any) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 2**53 if isinstance(value, int) else math.isfinite(value)
