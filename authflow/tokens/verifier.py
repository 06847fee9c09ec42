"""Verification of user pools' tokens, before anybody relies on them.

Source: "Verifying JSON web tokens" in the Amazon Cognito developer guide: RS256 by a key of the
pool, the issuer, the app client, the use and the time.
"""

import copy
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, Self, TypeGuard, overload

import anyio
from attrs import Attribute, define, field, frozen
from joserfc.jwk import RSAKey

from authflow.config import AuthConfig
from authflow.errors import (
    AuthFlowError,
    ConfigError,
    JwksUnreachableError,
    MisuseError,
    TokenClientError,
    TokenError,
    TokenExpiredError,
    TokenMalformedError,
    TokenNotYetValidError,
    TokenPoolError,
    TokenSignatureError,
    TokenUseError,
)
from authflow.given_secrets import Unfit, checked, wrapped
from authflow.results import Tokens
from authflow.secret import Secret
from authflow.telemetry.listeners import Listener
from authflow.telemetry.verified_tokens import Judging, TokenObserver, token_listeners
from authflow.tokens.claims import AccessClaims, IdClaims, Use, typed
from authflow.tokens.key_source import KeySource
from authflow.tokens.received_token import NO_JWT, ReceivedToken
from authflow.tokens.requirement import USES, AllOf, AnyOf, Requirement
from authflow.tokens.trusted_pool import TrustedPool
from authflow.tokens.usernames import username_in
from authflow.unframed import whole

LEEWAY: Final = 60.0
"""Seconds by which clocks may differ."""
MOST_LEEWAY: Final = 300.0
"""The most seconds that may be set: the shortest life that Cognito gives a token."""


@frozen
class Trust:
    """A pool that is trusted, and the source of its keys."""

    pool: TrustedPool
    source: KeySource


@frozen(kw_only=True)
class Presented:
    """A token that somebody presents, before it is judged.

    Args:
        received: The token, of which nothing is shown.
        trust: The pool whose keys decide.
        uses: What it may be for.
    """

    received: ReceivedToken
    trust: Trust
    uses: frozenset[str]


def _pools(value: "Iterable[TrustedPool] | TrustedPool") -> tuple[TrustedPool, ...]:
    pools = (value,) if isinstance(value, TrustedPool) else value
    if not isinstance(pools, Iterable) or isinstance(pools, str | bytes | Mapping):
        msg = f"pools takes TrustedPools, not {type(value).__name__}"
        raise ConfigError(msg)
    pools = tuple(pools)
    for each in pools:
        if not isinstance(each, TrustedPool):
            msg = f"pools takes TrustedPools, not {type(each).__name__}"
            raise ConfigError(msg)
    return pools


@whole
@define(kw_only=True)
class TokenVerifier:
    """Verifies tokens with the keys that their pools publish, fetched once and kept.

    Any number of tasks may use one, on any number of event loops; nothing has to be closed. A
    token's issuer chooses the pool among those that are trusted, and no address that a token names
    is ever asked.

    Args:
        config: Which pool and app client the tokens must be for, and its keys, if they are given.
        pools: Instead of a client's settings, the pools and app clients that are trusted.
        leeway: Seconds by which clocks may differ, 300 at most: for so long after its time a token
            is still good.
        clock: Gives the time, in seconds since the epoch, which tokens are valid by.
        ticks: Gives seconds that never go back, which say when to fetch keys again.
        required: What `require` was asked for; call that.
        observer: A `TokenObserver`, or several, told of each token that `claims` judges; `require`
            takes it along. Of the tokens that `verify` is given a client's events tell.

    Raises:
        ConfigError: There is no pool, or two of them have one issuer; or the leeway is none.
        MisuseError: The observer is none.
    """

    config: AuthConfig | None = None
    pools: tuple[TrustedPool, ...] = field(default=(), converter=_pools)
    leeway: float = field(default=LEEWAY)
    clock: Callable[[], float] = time.time
    ticks: Callable[[], float] = time.monotonic
    required: tuple[Requirement, ...] = ()
    observer: TokenObserver | Sequence[TokenObserver] | None = field(default=None, eq=False)
    _listeners: tuple[Listener, ...] = field(init=False, repr=False, eq=False)
    _trusted: Mapping[str, Trust] = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        self._listeners = token_listeners(self.observer)
        if (self.config is None) is (not self.pools):
            msg = "TokenVerifier takes config=AuthConfig(…), or pools=[TrustedPool(…), …]"
            raise ConfigError(msg)
        if self.config is not None and not isinstance(self.config, AuthConfig):
            msg = f"config must be an AuthConfig, not {type(self.config).__name__}"
            raise ConfigError(msg)
        pools = self.pools if self.config is None else (TrustedPool.of(self.config),)
        self._trusted = {
            pool.issuer: Trust(pool, KeySource(config=pool, ticks=self.ticks)) for pool in pools
        }
        if len(self._trusted) != len(pools):
            msg = "two pools have one issuer: name all of a pool's app clients in one TrustedPool"
            raise ConfigError(msg)

    @leeway.validator
    def _check_leeway(self, _: "Attribute[float]", value: float) -> None:
        if not _is_number(value) or not 0 <= value <= MOST_LEEWAY:
            msg = f"leeway must be a number of seconds from 0 to {MOST_LEEWAY:g}"
            raise ConfigError(msg)

    async def fetch_keys(self) -> None:
        """Fetch the keys of all pools that are not here yet, so that the first token need not wait.

        Raises:
            JwksUnreachableError: Those of one pool cannot be had; the others' are here.
            ConfigError: The environment names certificates by an empty text.
        """
        failed: list[AuthFlowError] = []

        async def fetch(source: KeySource) -> None:
            try:
                await source.fetch()
            except AuthFlowError as error:  # a group of errors would tell nobody what to do
                failed.append(error)

        async with anyio.create_task_group() as tasks:
            for trust in self._trusted.values():
                tasks.start_soon(fetch, trust.source)
        if failed:
            raise failed[0]

    def require(
        self,
        *,
        token_use: Use | AnyOf | None = None,
        groups: str | AnyOf | AllOf | None = None,
        scopes: str | AnyOf | AllOf | None = None,
        client_ids: Iterable[str] | str | None = None,
    ) -> Self:
        """Return a verifier that requires more, and shares the keys of this one.

        What this one requires is required as well: a verifier never becomes more lenient.

            staff = verifier.require(token_use="access", groups=AnyOf("staff", "admins"))

        Args:
            token_use: What a token must be for: "access" or "id", or `AnyOf("access", "id")`.
            groups: The groups that the user must be in: one name, or several in `AnyOf` or `AllOf`.
            scopes: The scopes that the access token must have, likewise.
            client_ids: The app clients one of which the token must be for, among those that are
                trusted.

        Raises:
            MisuseError: A requirement is malformed, or no token can meet it.
        """
        required = Requirement.read(
            token_use=token_use, groups=groups, scopes=scopes, client_ids=client_ids
        )
        for each in required.client_ids or ():
            if not any(
                trust.pool.client_ids is None or each in trust.pool.client_ids
                for trust in self._trusted.values()
            ):
                msg = "client_ids: no pool that is trusted has such an app client"
                raise MisuseError(msg)
        narrowed = copy.copy(self)
        narrowed.required = (*self.required, required)
        if not _uses(narrowed.required):
            msg = "token_use: the verifier takes no such tokens"
            raise MisuseError(msg)
        if any(each.scopes for each in narrowed.required) and not {"access"} <= _uses(
            narrowed.required
        ):
            msg = "only access tokens have scopes, and the verifier takes none"
            raise MisuseError(msg)
        clients = [each.client_ids for each in narrowed.required if each.client_ids is not None]
        if clients and not frozenset.intersection(*clients):
            msg = "client_ids: the verifier takes none of their tokens"
            raise MisuseError(msg)
        return narrowed

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
            MisuseError: They are no Tokens, or the verifier requires more, which is for `claims`.
        """
        if not isinstance(tokens, Tokens):
            msg = f"verify takes Tokens, not {type(tokens).__name__}; for one token, claims()"
            tokens = None
            raise MisuseError(msg)
        if self.required:
            msg = "verify checks that a pool issued a pair; ask for what is required by claims()"
            raise MisuseError(msg)
        try:
            access = await self._said(tokens.access_token, "access")
            identity = await self._said(tokens.id_token, "id")
        except JwksUnreachableError as error:
            error.tokens = tokens
            raise
        if any(access.get(name) != identity.get(name) for name in ("iss", "sub")):
            msg = "the access token and the id token are of different users"
            raise TokenError(msg)
        return username_in(identity, access)

    @overload
    async def claims(self, token: str | Secret[str], use: Literal["access"]) -> AccessClaims: ...
    @overload
    async def claims(self, token: str | Secret[str], use: Literal["id"]) -> IdClaims: ...
    @overload
    async def claims(self, token: str | Secret[str]) -> AccessClaims | IdClaims: ...

    async def claims(
        self, token: str | Secret[str], use: Use | None = None
    ) -> AccessClaims | IdClaims:
        """Verify a token and return its claims.

        Args:
            token: A JWT.
            use: What it must be for; not needed where `require` said so.

        Raises:
            TokenPermissionError: It is good, and lacks a group or a scope that is required.
            TokenExpiredError: It was good.
            TokenError: It must not be trusted; the class and the text say which check failed.
            JwksUnreachableError: Nobody knows, for the pool's keys cannot be had.
            MisuseError: It is no text, or nothing says what it must be for.
        """
        token = wrapped(token)
        with self._judging() as judging:
            presented = self._presented(token, use)
            key = await presented.trust.source.key(presented.received.key_id, just_issued=False)
            claims = self._judged(presented, key)
            judging.accepted(claims.token_use)
            return claims

    def _judging(self) -> Judging:
        """Begin to judge a token, as observers are told of it."""
        return Judging(self._listeners)

    def _presented(self, token: Secret[str] | Unfit, use: Use | None) -> Presented:
        """Return a token as it was presented, with what it is judged by.

        Raises:
            TokenError: It is none that a trusted pool can have issued.
            MisuseError: It is no text, or nothing says what it must be for.
        """
        uses = _uses(self.required)
        if use is None and not any(each.uses for each in self.required):
            msg = 'a token is for one of access, id: say which, as in claims(token, "access")'
            raise MisuseError(msg)
        if use is not None and use not in sorted(uses):
            msg = f"a token is for one of {', '.join(sorted(uses))}"
            raise MisuseError(msg)
        if use is not None:
            uses = frozenset({use})
        if isinstance(token, Unfit) and token.text:  # from outside: not the caller's fault
            raise TokenMalformedError(NO_JWT)
        return self._read(checked("token", token, empty=True), uses)

    def _judged(self, presented: Presented, key: RSAKey | None) -> AccessClaims | IdClaims:
        """Return the claims of a token, judged by the key that it names.

        Raises:
            TokenError: It must not be trusted, or lacks what is required.
        """
        said = self._believed(presented, key)
        claims = typed(said)
        del said
        if isinstance(claims, TokenError):
            raise claims
        doubt = next(filter(None, (each.doubt(claims) for each in self.required)), None)
        if doubt is not None:
            del claims
            raise doubt
        return claims

    async def _said(self, token: Secret[str], use: Use) -> Mapping[str, Any]:
        """Return what a token says that was just issued, once it is believed."""
        presented = self._read(token, {use})
        key = await presented.trust.source.key(presented.received.key_id, just_issued=True)
        return self._believed(presented, key)

    def _read(self, token: Secret[str], uses: Iterable[str]) -> Presented:
        """Return a token with the pool whose keys decide.

        No frame that an error passes holds the token's text: a `ReceivedToken` shows nothing of it,
        and raises nothing.
        """
        received = ReceivedToken.read(token)
        if isinstance(received, TokenError):
            raise received
        trust = self._trust(received)
        if trust is None:
            msg = "the token was issued by a user pool that is not trusted"
            raise TokenPoolError(msg)
        return Presented(received=received, trust=trust, uses=frozenset(uses))

    def _believed(self, presented: Presented, key: RSAKey | None) -> Mapping[str, Any]:
        """Return what a token says, once it is believed."""
        received = presented.received
        if key is None:
            msg = "the token is signed with a key that is not the user pool's"
            raise TokenSignatureError(msg)
        if not received.is_signed_by(key):
            msg = "the token's signature is not the user pool's"
            raise TokenSignatureError(msg)
        said = received.claims()
        if said is None:
            raise TokenMalformedError(NO_JWT)
        doubt = self._doubt(said, presented.trust.pool, presented.uses)
        if doubt is not None:
            del said
            raise doubt
        return said

    def _trust(self, received: ReceivedToken) -> Trust | None:
        """Return the pool whose keys decide: the only one, or the one that the token names."""
        if len(self._trusted) == 1:
            return next(
                iter(self._trusted.values())
            )  # so nothing of it is read before it is signed
        issuer = received.issuer()
        return None if issuer is None else self._trusted.get(issuer)

    def _doubt(
        self, said: Mapping[str, Any], pool: TrustedPool, uses: Iterable[str]
    ) -> TokenError | None:
        """Return what is wrong with the claims; None if nothing is."""
        now: object = self.clock()
        use, expires, not_before = said.get("token_use"), said.get("exp"), said.get("nbf", 0)
        if not _is_number(now):
            return TokenError("nobody knows whether the token has expired: the clock gives no time")
        if said.get("iss") != pool.issuer:
            return TokenPoolError("the token was issued by another user pool")
        if not isinstance(use, str) or use not in uses:
            return TokenUseError(f"the token is not an {' or '.join(sorted(uses))} token")
        client = said.get("client_id" if use == "access" else "aud")
        if not isinstance(client, str) or not client:
            return TokenClientError("the token was issued for another app client")
        if pool.client_ids is not None and client not in pool.client_ids:
            return TokenClientError("the token was issued for another app client")
        if not _is_number(expires):
            return TokenMalformedError("nobody knows when the token has expired: exp is no time")
        if not _is_number(not_before):
            return TokenMalformedError("the token is not valid yet, or ever: nbf is no time")
        if now > expires + self.leeway:
            return TokenExpiredError("the token has expired")
        if (wait := not_before - self.leeway - now) > 0:
            return TokenNotYetValidError("the token is not valid yet", retry_after=wait)
        return None


def _uses(required: Iterable[Requirement]) -> frozenset[str]:
    """Return what a token may be for."""
    return frozenset.intersection(USES, *(each.uses for each in required if each.uses))


def _is_number(value: Any) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 2**53 if isinstance(value, int) else math.isfinite(value)
