"""`TokenVerifier` for synchronous code.

Written by `.ci/sync_faces.py`, from
`authflow.tokens.verifier.TokenVerifier`: `make sync-faces` renews it.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, Self, overload

import authflow.tokens.verifier as asynchronous
from authflow.config import AuthConfig
from authflow.results import Tokens
from authflow.secret import Secret
from authflow.sync.verifier_face import VerifierFace
from authflow.telemetry.verified_tokens import TokenObserver
from authflow.tokens.claims import AccessClaims, IdClaims, Use
from authflow.tokens.requirement import AllOf, AnyOf, Requirement
from authflow.tokens.trusted_pool import TrustedPool
from authflow.tokens.verifier import LEEWAY
from authflow.unframed import whole


@whole
class TokenVerifier(VerifierFace[asynchronous.TokenVerifier]):
    """Verifies tokens with the keys that their pools publish, fetched once and kept.

        verifier = TokenVerifier(config=AuthConfig.from_env())
        claims = verifier.claims(token, "access")    # TokenError if it must not be trusted

    Any number of threads may use one; nothing has to be closed. A token's issuer chooses the pool
    among those that are trusted, and no address that a token names is ever asked. A token is judged
    in the thread that asks; only keys that are not here yet are fetched on the loop.

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

    def __init__(
        self,
        *,
        config: AuthConfig | None = None,
        pools: tuple[TrustedPool, ...] = (),
        leeway: float = LEEWAY,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
        required: tuple[Requirement, ...] = (),
        observer: TokenObserver | Sequence[TokenObserver] | None = None,
    ) -> None:
        super().__init__(
            asynchronous.TokenVerifier(
                config=config,
                pools=pools,
                leeway=leeway,
                clock=clock,
                ticks=ticks,
                required=required,
                observer=observer,
            )
        )

    def fetch_keys(self) -> None:
        """Fetch the keys of all pools that are not here yet, so that the first token need not wait.

        Raises:
            JwksUnreachableError: Those of one pool cannot be had; the others' are here.
            ConfigError: The environment names certificates by an empty text.
        """
        call = self._prepare(asynchronous.TokenVerifier.fetch_keys)
        call.result()

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
        return self._with(
            self._asynchronous.require(
                token_use=token_use, groups=groups, scopes=scopes, client_ids=client_ids
            )
        )

    def verify(self, tokens: Tokens) -> str | None:
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
        call = self._prepare(asynchronous.TokenVerifier.verify, tokens)
        del tokens  # no frame of an error holds them
        return call.result()

    @overload
    def claims(self, token: str | Secret[str], use: Literal["access"]) -> AccessClaims: ...
    @overload
    def claims(self, token: str | Secret[str], use: Literal["id"]) -> IdClaims: ...
    @overload
    def claims(self, token: str | Secret[str]) -> AccessClaims | IdClaims: ...
    def claims(self, token: str | Secret[str], use: Use | None = None) -> AccessClaims | IdClaims:
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
        call = self._claims(token, use)
        del token, use  # no frame of an error holds them
        return call.result()
