"""`IdentityPool` for synchronous code."""

import os
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

from attrs import define, evolve, field, frozen
from botocore.credentials import CredentialResolver, RefreshableCredentials
from botocore.session import Session

import authflow.aws.identity_pool as asynchronous
from authflow.aws.identity_pool import AwsCredentials, LentCredentials
from authflow.aws.renewed_credentials import METHOD, RenewedCredentials
from authflow.event_loop import keep_for_ever
from authflow.secret import Secret
from authflow.sync.call import Call, running_call
from authflow.sync.face import Face
from authflow.sync.shared_loop import SharedLoop
from authflow.tokens.token_source import PlainTokenSource, checked_source, fresh_token_here
from authflow.unframed import whole

_AHEAD: Final = 300.0


@whole
class IdentityPool(Face[asynchronous.IdentityPool]):
    """Gives signed-in users AWS credentials of their own, for synchronous code.

        identities = IdentityPool(identity_pool_id="eu-central-1:…")
        credentials = identities.credentials(user)
        s3 = boto3.Session(botocore_session=identities.session(user)).client("s3")

    Open by the first call, and closed at the end of the program, or by `with`: keep one in a
    module, and use it from any number of threads, and in child processes made by `fork`. The
    requests are not signed, and no AWS credentials of this machine play a part.

    Args:
        identity_pool_id: The identity pool, such as "eu-central-1:0a1b…". Its region is the one
            before the colon.
        issuer: What the identity pool calls the user pool, with or without its scheme; by default
            the issuer that the id token names.
        ahead: How many seconds before their end credentials are replaced, or half of their life
            if that is shorter.
        clock: Gives seconds since the epoch.
        ticks: Gives seconds that never go back.
        region: The identity pool's region, if its id does not tell it.
        endpoint: Another address than AWS's: https, or on this machine.

    Raises:
        ConfigError: A setting is malformed.
    """

    def __init__(
        self,
        *,
        identity_pool_id: str,
        issuer: str | None = None,
        ahead: float = _AHEAD,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
        region: str | None = None,
        endpoint: str | None = None,
    ) -> None:
        super().__init__(
            asynchronous.IdentityPool(
                identity_pool_id=identity_pool_id,
                issuer=issuer,
                ahead=ahead,
                clock=clock,
                ticks=ticks,
                region=region,
                endpoint=endpoint,
            )
        )
        self._home: SharedLoop | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, and end the requests on them; the next call opens new ones."""
        self._work_at_home(self._leave).result()

    def credentials(self, user: PlainTokenSource) -> AwsCredentials:
        """Return credentials for a user that are still good; new ones if the kept ones end soon.

        They are kept for as long as the user object lives, and those of a `SignedInUser` by its
        handle, whichever object has it; and replaced ahead of their end: while the identity pool
        cannot be reached the kept ones serve to their end. However many threads ask at once, the
        identity pool is asked once, and all have that answer.

        Args:
            user: Who: an object with `def access_token()` and `def id_token()`, which are called in
                this thread.

        Raises:
            MisuseError: The user gives no tokens, or is an asynchronous one, or cannot be kept.
            TokenError: The id token names no issuer or no subject.
            IdentityRefusedError: The identity pool does not take the id token.
            PoolNotFoundError: There is no such identity pool.
            PoolSetupError: It has no role for this user.
            RefusedError: It refuses for another reason.
            TransportError: It cannot be reached, is slow, fails or asks to slow down.
            MalformedReplyError: The reply is no identity pool's.
        """
        return self._lent(user).credentials

    def session(self, user: PlainTokenSource) -> Session:
        """Return a session of botocore whose clients sign with the user's own credentials.

        They are replaced as `credentials` does it. No other credentials of this machine are taken
        instead, whatever happens. `boto3.Session(botocore_session=…)` takes it.

        Args:
            user: Who, as for `credentials`.

        Raises:
            MisuseError: The user gives no tokens, or cannot be kept.
        """
        self._asynchronous.key_of(checked_source(user))
        session = Session()
        provider = _UserProvider(
            lend=lambda: self._lent(user), renewed=RenewedCredentials(self._asynchronous)
        )
        session.register_component("credential_provider", CredentialResolver([provider]))
        return session

    def _lent(self, user: PlainTokenSource) -> LentCredentials:
        asked = _InItsThread(checked_source(user))
        return self._work(lambda pool: pool.lent(asked, kept_with=user)).result()

    async def _leave(self, home: SharedLoop) -> None:
        home.disown(self)
        if self._home is home:
            await self._asynchronous.aclose()

    async def serving(self, home: SharedLoop, call: Call[Any]) -> asynchronous.IdentityPool:  # noqa: ARG002
        """Return the identity pool, for a call on the running loop.

        Args:
            home: The shared loop.
            call: The call that it serves.
        """
        before, self._home = self._home, home
        if before is not None and before is not home and before.pid == os.getpid():
            keep_for_ever(self._asynchronous)  # its loop has ended; in a child it renews itself
            self._asynchronous = evolve(self._asynchronous)
        home.own(self, self._asynchronous.aclose)
        return self._asynchronous


@frozen(eq=False)
class _InItsThread:
    """A user as the asynchronous identity pool asks for tokens: the calling thread gives them."""

    user: PlainTokenSource = field(repr=False)

    async def access_token(self) -> Secret[str]:
        """Return the user's access token."""
        return await self._token("access")

    async def id_token(self) -> Secret[str]:
        """Return the user's id token."""
        return await self._token("id")

    async def _token(self, kind: Any) -> Secret[str]:
        token: Secret[str] = await running_call().in_its_thread(
            lambda: fresh_token_here(self.user, kind)
        )
        return token


class _RenewedHere(RefreshableCredentials):  # type: ignore[misc]  # botocore has no types
    """Credentials that renew themselves in a child process, too, whatever the parent was doing.

    botocore has one lock, which a thread of the parent may hold when it forks: for ever, there.
    """

    @property
    def _refresh_lock(self) -> threading.Lock:
        return self._locks.setdefault(os.getpid(), threading.Lock())

    @_refresh_lock.setter
    def _refresh_lock(self, lock: threading.Lock) -> None:
        self._locks = {os.getpid(): lock}


@define(kw_only=True, eq=False)
class _UserProvider:
    """Gives botocore's sessions the credentials of one user."""

    METHOD = CANONICAL_NAME = METHOD

    lend: Callable[[], LentCredentials] = field(repr=False)
    renewed: RenewedCredentials = field(repr=False)

    def load(self) -> RefreshableCredentials:
        """Return credentials that renew themselves. `IdentityPool.credentials` decides when."""
        return self.renewed.made(_RenewedHere, self._fetch(), self._fetch)

    def _fetch(self) -> dict[str, str]:
        return self.renewed.given(self.lend())
