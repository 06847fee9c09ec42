"""AWS credentials for a signed-in user, from an identity pool that trusts the user pool.

Sources: "Identity pools authentication flow" (the enhanced flow: GetId, then
GetCredentialsForIdentity) in the Amazon Cognito developer guide; "Logins" in the Amazon Cognito
Federated Identities API reference, which names a user pool by its issuer without the scheme.
"""

import asyncio
import copy
import hashlib
import re
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from aiobotocore.credentials import AioCredentialResolver, AioRefreshableCredentials
from aiobotocore.session import AioSession
from attrs import Attribute, define, field, frozen
from botocore import UNSIGNED
from botocore.exceptions import BotoCoreError, ClientError

from authflow.aws.connection import AwsConnection
from authflow.aws.identity_refusals import GONE, read_identity_error
from authflow.aws.renewed_credentials import METHOD, RenewedCredentials
from authflow.errors import (
    AuthFlowError,
    ConfigError,
    MalformedReplyError,
    MisuseError,
    PoolNotFoundError,
    TokenError,
    TransportError,
    UnreachableError,
)
from authflow.given_numbers import positive_seconds
from authflow.given_secrets import is_text
from authflow.own_task import own_task
from authflow.retry_after import read_http_date
from authflow.secret import Secret
from authflow.tokens.token_life import TokenLife
from authflow.tokens.token_source import TokenSource, checked_source, fresh_token
from authflow.tokens.usernames import unverified_claims
from authflow.unframed import Unframed, bare, whole

_POOL_ID: Final = re.compile(r"(?P<region>[a-z0-9-]{1,32}):[0-9a-f-]+")
_POOL_ID_CHARS: Final = 55
_PROVIDER_CHARS: Final = 128
"""The most characters that Cognito takes for the name of a login provider."""
PAUSE: Final = 15.0
"""Seconds without another request after one that failed, while the kept credentials are good."""
LONGEST_LIFE: Final = 43_200.0
"""The longest life of credentials of a role, in seconds: a reply that says more is not believed."""
MOST_KEPT: Final = 4096
"""Of how many handles credentials are kept, some 2 kB each."""


@frozen(kw_only=True)
class AwsCredentials:
    """Temporary credentials for AWS's services.

    Args:
        identity_id: The user's identity in the identity pool.
        access_key_id: The access key's id, which is no secret.
        secret_access_key: The key.
        session_token: What goes with it.
        expires_at: When they end.
    """

    identity_id: str
    access_key_id: str
    secret_access_key: Secret[str]
    session_token: Secret[str]
    expires_at: datetime

    def reveal(self) -> dict[str, str]:
        """Return the arguments by which a client of any AWS SDK for Python takes them, in clear."""
        return {
            "aws_access_key_id": self.access_key_id,
            "aws_secret_access_key": self.secret_access_key.reveal(),
            "aws_session_token": self.session_token.reveal(),
        }


@frozen(kw_only=True)
class LentCredentials:
    """Credentials, and how long they are good.

    Args:
        credentials: The credentials.
        life: Their life, by the date of the reply that they came with.
        since: When they were asked for, by a clock that is never set.
        ahead: For how many seconds before their end they are to be replaced.
    """

    credentials: AwsCredentials
    life: TokenLife
    since: float
    ahead: float

    def left(self, now: float, ticks: float) -> float:
        """Return how many seconds they are good; less than 0 if they have ended.

        Args:
            now: Seconds since the epoch.
            ticks: The time by the clock that is never set.
        """
        return self.life.left(now=now, age=ticks - self.since)

    def as_botocore(self) -> dict[str, str]:
        """Return them as botocore's credentials that renew themselves take them, in clear."""
        got = self.credentials
        return {
            "access_key": got.access_key_id,
            "secret_key": got.secret_access_key.reveal(),
            "token": got.session_token.reveal(),
            "expiry_time": got.expires_at.isoformat(),
        }


@define(eq=False)
class KeptCredentials:
    """One user's identity, and the credentials while they are good."""

    who: tuple[str, str] | None = None
    """The issuer and the subject of the id token."""
    owner: "weakref.ref[Any] | None" = None
    """The object that they are kept with; None if its handle says who it is."""
    identity_id: str | None = None
    lent: LentCredentials | None = None
    """The credentials; None if there were none yet."""
    retry_at: tuple[float, float] = (0.0, 0.0)
    """Not before that is asked again, after a failure, while the credentials are good: in seconds
    since the epoch, and by the clock that is never set; whichever is sooner."""
    renewing: "asyncio.Task[LentCredentials] | None" = None
    """The request that all who need its answer wait for."""
    waiting: int = 0

    def good(self, now: float, ticks: float) -> LentCredentials | None:
        """Return the credentials unless they have ended.

        Args:
            now: Seconds since the epoch.
            ticks: The time by the clock that is never set.
        """
        lent = self.lent
        return lent if lent is not None and lent.left(now, ticks) > 0 else None

    def is_served(self, now: float, ticks: float) -> bool:
        """Return whether the credentials, if they are good, are given without another request.

        Args:
            now: Seconds since the epoch.
            ticks: The time by the clock that is never set.
        """
        if self.renewing is not None:
            return True
        retry_at, retry_tick = self.retry_at
        if 0 < retry_at - now <= PAUSE and ticks < retry_tick:
            return True
        return self.lent is not None and self.lent.left(now, ticks) > self.lent.ahead


@whole
@define(kw_only=True, eq=False)
class IdentityPool(AwsConnection):
    """Gives signed-in users AWS credentials of their own.

        async with IdentityPool(identity_pool_id="eu-central-1:…") as identities:
            credentials = await identities.credentials(user)
            async with identities.session(user).create_client("s3", region_name=…) as s3: ...

    It belongs to the event loop that first uses it. The requests are not signed, and no AWS
    credentials of this machine play a part.

    Args:
        identity_pool_id: The identity pool, such as "eu-central-1:0a1b…". Its region is the one
            before the colon.
        issuer: What the identity pool calls the user pool, with or without its scheme; by default
            the issuer that the id token names.
        ahead: How many seconds before their end credentials are replaced, or half of their life
            if that is shorter.
        clock: Gives seconds since the epoch.
        ticks: Gives seconds that never go back.
        client: A client for "cognito-identity" of aiobotocore's; by default one is made.
        region: The identity pool's region, if its id does not tell it.
        endpoint: Another address than AWS's: https, or on this machine.

    Raises:
        ConfigError: A setting is malformed, or the client comes with a region or an endpoint.
    """

    service = "cognito-identity"
    # The operations are not signed anyway; so, too, nobody looks for credentials of this machine.
    options = MappingProxyType({"signature_version": UNSIGNED})

    identity_pool_id: str = field()
    issuer: str | None = field(default=None)
    ahead: float = field(default=300.0, validator=positive_seconds)
    clock: Callable[[], float] = field(default=time.time, repr=False)
    ticks: Callable[[], float] = field(default=time.monotonic, repr=False)
    _users: dict[str | int, KeptCredentials] = field(factory=dict, init=False, repr=False)
    _handles: "OrderedDict[str, None]" = field(factory=OrderedDict, init=False, repr=False)

    @identity_pool_id.validator
    def _check_pool(self, _: "Attribute[str]", value: str) -> None:
        if (
            not isinstance(value, str)
            or len(value) > _POOL_ID_CHARS
            or not _POOL_ID.fullmatch(value)
        ):
            msg = "identity_pool_id must look like eu-central-1:0a1b2c3d-…: a region, : and an id"
            raise ConfigError(msg)

    @issuer.validator
    def _check_issuer(self, _: "Attribute[str | None]", value: str | None) -> None:
        if value is not None and (not is_text(value) or not _provider(value)):
            msg = "issuer must be a user pool's, such as cognito-idp.eu-central-1.amazonaws.com/…"
            raise ConfigError(msg)

    def __attrs_post_init__(self) -> None:
        AwsConnection.__attrs_post_init__(self)
        if self.client is None and self.region is None:
            self.region = self.identity_pool_id.partition(":")[0]

    async def credentials(self, user: TokenSource) -> AwsCredentials:
        """Return credentials for a user that are still good; new ones if the kept ones end soon.

        They are kept for as long as the user object lives, and those of a `SignedInUser` by its
        handle, whichever object has it; and replaced ahead of their end: while the identity pool
        cannot be reached the kept ones serve to their end. However many ask at once, the identity
        pool is asked once, and all have that answer; whoever has kept ones that are good does not
        wait for it.

        Args:
            user: Who: an object with `async def access_token()` and `async def id_token()`.

        Raises:
            MisuseError: The user gives no tokens, or cannot be kept; or this is another event loop.
            TokenError: The id token names no issuer or no subject.
            IdentityRefusedError: The identity pool does not take the id token.
            PoolNotFoundError: There is no such identity pool.
            PoolSetupError: It has no role for this user.
            RefusedError: It refuses for another reason.
            TransportError: It cannot be reached, is slow, fails or asks to slow down.
            MalformedReplyError: The reply is no identity pool's.
        """
        return (await self.lent(user)).credentials

    async def lent(self, user: TokenSource, *, kept_with: object = None) -> LentCredentials:
        """Return what `credentials` returns, and how long it is good.

        Args:
            user: Who.
            kept_with: The object that they are kept with; by default the user.

        Raises:
            AuthFlowError: As of `credentials`.
        """
        owner = checked_source(user) if kept_with is None else kept_with
        key = self.key_of(owner)
        with Unframed():
            token = await fresh_token(user, "id")
            provider, who = self._read(token)
            kept = self._kept(key, owner, who)
            now, ticks = self.clock(), self.ticks()
            found = kept.good(now, ticks)
            if found is not None and kept.is_served(now, ticks):
                return found
            try:
                return await self._joined(kept, provider, token)
            except TransportError as error:
                if found is None:
                    raise
                wait = PAUSE if error.retry_after is None else min(error.retry_after, PAUSE)
                kept.retry_at = self.clock() + wait, self.ticks() + wait
                return found

    async def aclose(self) -> None:
        """Close the connections, as every `AwsConnection` does, and end the requests on them.

        Raises:
            MisuseError: It belongs to another event loop.
        """
        self._loop.leave()
        tasks = {kept.renewing for kept in self._users.values() if kept.renewing is not None}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await AwsConnection.aclose(self)

    def begin_anew(self) -> None:
        """Leave connections and requests to the parent process. Credentials stay good."""
        AwsConnection.begin_anew(self)
        for kept in self._users.values():
            kept.renewing, kept.waiting = None, 0

    def session(self, user: TokenSource) -> AioSession:
        """Return a session of aiobotocore whose clients sign with the user's own credentials.

        They are replaced as `credentials` does it. No other credentials of this machine are taken
        instead, whatever happens.

        Args:
            user: Who, as for `credentials`.

        Raises:
            MisuseError: The user gives no tokens, or cannot be kept.
        """
        self.key_of(checked_source(user))
        session = AioSession()
        session.register_component(
            "credential_provider", AioCredentialResolver([UserProvider(self, user)])
        )
        return session

    def key_of(self, user: object) -> str | int:
        """Return what a user's credentials are kept by: a handle's hash, or the object.

        A token alone would not do: nobody has verified it here.

        Args:
            user: Who.

        Raises:
            MisuseError: The user cannot be kept.
        """
        handle = getattr(user, "handle", None)
        if isinstance(handle, Secret) and is_text(handle.reveal()):
            return hashlib.sha256(handle.reveal().encode("utf-8", "surrogatepass")).hexdigest()
        try:
            weakref.ref(user)
        except TypeError:
            msg = f"{type(user).__name__} cannot be referred to weakly: give it __weakref__"
            raise MisuseError(msg) from None
        return id(user)

    def _kept(self, key: str | int, user: object, who: tuple[str, str]) -> KeptCredentials:
        """Return what is kept; nothing if it is another person's."""
        kept = self._users.get(key)
        if kept is None or kept.who != who:
            kept = self._users[key] = KeptCredentials(who)
            if isinstance(key, int):
                kept.owner = weakref.ref(user, lambda _: self._users.pop(key, None))
        if isinstance(key, str):
            self._handles[key] = None
            self._handles.move_to_end(key)
            while len(self._handles) > MOST_KEPT:
                self._users.pop(self._handles.popitem(last=False)[0], None)
        return kept

    async def _joined(
        self, kept: KeptCredentials, provider: str, token: Secret[str]
    ) -> LentCredentials:
        """Wait for the request for new credentials; make it if nobody has."""
        task = kept.renewing
        if task is None:
            task = kept.renewing = own_task(self._renew(kept, provider, token))
        kept.waiting += 1
        try:
            await asyncio.wait({task})
        finally:
            kept.waiting -= 1
            if not kept.waiting:
                kept.renewing = None
                task.cancel()
        if task.cancelled():
            msg = "the request was broken off, since the identity pool's client was closed"
            raise UnreachableError(msg)
        error = task.exception()
        if kept.renewing is task:
            kept.renewing = None
        if error is None:
            return task.result()
        raise bare(copy.copy(error)) if isinstance(error, AuthFlowError) else error

    def _read(self, token: Secret[str]) -> tuple[str, tuple[str, str]]:
        """Return the name of the login provider, and whose token it is.

        Nobody has verified the token here: the identity pool does it.
        """
        claims = unverified_claims(token)
        issuer, subject = claims.get("iss"), claims.get("sub")
        provider = _provider(self.issuer or issuer)
        if not provider or not is_text(subject) or not subject:
            msg = "the id token names no issuer or no subject: it is no user pool's"
            raise TokenError(msg)
        return provider, (str(issuer), str(subject))

    async def _renew(
        self, kept: KeptCredentials, provider: str, token: Secret[str]
    ) -> LentCredentials:
        """Fetch new credentials, and keep them."""
        known = kept.identity_id
        if known is None:
            kept.identity_id = await self._identity(provider, token)
        asked = self.ticks()  # the reply's date is none from before: no life is taken for longer
        try:
            made, dated = await self._credentials(kept.identity_id, provider, token)
        except PoolNotFoundError as error:
            if known is None or error.aws_code != GONE:
                raise
            kept.identity_id = None  # the identity was deleted since, not the pool
        else:
            # By a clock that is behind they would seem good when they have ended.
            until, now = made.expires_at.timestamp(), self.clock()
            life = min(until - (now if dated is None else max(now, dated)), LONGEST_LIFE)
            if life <= 0:
                msg = "the credentials have ended already: check the clock of this machine"
                raise MalformedReplyError(msg)
            lent = kept.lent = LentCredentials(
                credentials=made,
                life=TokenLife(seconds=life, until=until),
                since=asked,
                ahead=min(self.ahead, life / 2),
            )
            return lent
        return await self._renew(kept, provider, token)

    async def _identity(self, provider: str, token: Secret[str]) -> str:
        reply = await self._ask("get_id", provider, token, IdentityPoolId=self.identity_pool_id)
        identity_id = reply.get("IdentityId")
        if not is_text(identity_id) or not identity_id:
            msg = "the reply has no IdentityId: it is no identity pool's"
            raise MalformedReplyError(msg)
        return str(identity_id)

    async def _credentials(
        self, identity_id: str | None, provider: str, token: Secret[str]
    ) -> tuple[AwsCredentials, float | None]:
        """Fetch credentials. Return them, and the date of the reply if it tells one.

        Raises:
            AuthFlowError: There are none.
        """
        reply = await self._ask(
            "get_credentials_for_identity", provider, token, IdentityId=identity_id
        )
        try:
            return _read_credentials(str(identity_id), reply["Credentials"]), _date_of(reply)
        except (KeyError, TypeError, ValueError, OverflowError):
            pass
        msg = "the reply has no whole credentials: it is no identity pool's"
        raise MalformedReplyError(msg)

    async def _ask(
        self, operation: str, provider: str, token: Secret[str], **parameters: str | None
    ) -> Any:
        failed: AuthFlowError
        try:
            return await self.call(operation, Logins={provider: token.reveal()}, **parameters)
        except (BotoCoreError, ClientError, OSError) as error:
            failed = read_identity_error(error, token)
        raise failed  # outside, so that it does not lead to what was read


@define(eq=False)
class UserProvider:
    """Gives aiobotocore's sessions the credentials of one user."""

    METHOD = CANONICAL_NAME = METHOD

    pool: IdentityPool
    user: TokenSource = field(repr=False)
    _renewed: RenewedCredentials = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._renewed = RenewedCredentials(self.pool)

    async def load(self) -> AioRefreshableCredentials:
        """Return credentials that renew themselves. `IdentityPool.credentials` decides when."""
        return self._renewed.made(AioRefreshableCredentials, await self._fetch(), self._fetch)

    async def _fetch(self) -> dict[str, str]:
        return self._renewed.given(await self.pool.lent(self.user))


def _provider(issuer: object) -> str | None:
    """Return a user pool's name as login provider: its issuer without the scheme."""
    if not isinstance(issuer, str):
        return None
    before, mark, after = issuer.partition("://")
    name = after if mark else before
    return name if 0 < len(name) <= _PROVIDER_CHARS else None


def _date_of(reply: Mapping[str, Any]) -> float | None:
    """Return when a reply was made by the server's clock, in seconds since the epoch.

    Source: RFC 9110, section 6.6.1 (the header `Date`).
    """
    headers = reply.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return read_http_date(str(headers.get("date", "")).strip())


def _read_credentials(identity_id: str, given: Mapping[str, Any]) -> AwsCredentials:
    """Read the credentials of a reply.

    Raises:
        KeyError: A member is missing.
        TypeError: One is none of its kind.
        ValueError: One is empty.
        OverflowError: The time is none by the calendar.
    """
    texts = [given[name] for name in ("AccessKeyId", "SecretKey", "SessionToken")]
    ends = given["Expiration"]
    if not all(map(is_text, texts)) or not isinstance(ends, datetime) or ends.tzinfo is None:
        raise TypeError
    if not all(texts):
        raise ValueError
    return AwsCredentials(
        identity_id=identity_id,
        access_key_id=texts[0],
        secret_access_key=Secret(texts[1]),
        session_token=Secret(texts[2]),
        expires_at=ends.astimezone(UTC),
    )
