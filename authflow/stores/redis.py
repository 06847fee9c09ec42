"""A store in Redis or Valkey.

The server must be one that forgets nothing: `maxmemory-policy noeviction`, and for lock-outs that
outlive a restart `appendonly yes`. A fail-over may lose the last writes, since replicas lag behind:
a few guesses more are admitted then, never all of them.

Needs the extra `redis`: `pip install 'cognito-authflow[redis]'`.
"""

import secrets
from types import TracebackType
from typing import Any, Final, Self

from attrs import define, field

from authflow.errors import ConfigError, StoreEntryError, StoreUnavailableError
from authflow.event_loop import HomeLoop, keep_for_ever
from authflow.extras import UnavailableImportError, advice
from authflow.stores.store import Stored, check_kept
from authflow.unframed import whole

try:
    from redis.asyncio import BlockingConnectionPool, Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.commands.core import AsyncScript
    from redis.exceptions import RedisError
except ImportError as error:
    raise UnavailableImportError(advice(error, extra="redis")) from error

_VERSION_CHARS: Final = 32

# Each entry begins with its version. A driver repeats a command whose reply was lost, and the
# second time the new version is there already: that is the same write, and it has succeeded.
_REPLACE: Final = """
local entry = redis.call('GET', KEYS[1])
local version = entry and string.sub(entry, 1, 32) or ''
if version == string.sub(ARGV[2], 1, 32) then return 1 end
if version ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""


def _client(client: Any) -> Any:
    """Make the client for a URL, or check one that the caller made."""
    if isinstance(client, str):
        try:
            pool = BlockingConnectionPool.from_url(
                client,
                max_connections=50,
                timeout=2,
                socket_timeout=2,
                socket_connect_timeout=2,
                # Try once more, at once: the connection may have been closed while it was idle.
                retry=Retry(NoBackoff(), 1),
            )
        except ValueError:  # the error's text may hold the URL, and the URL may hold a password
            msg = "the URL of Redis cannot be read: write redis://, rediss:// or unix://..."
            raise ConfigError(msg) from None
        return Redis.from_pool(pool)
    if not callable(getattr(client, "register_script", None)):
        msg = f"RedisStore needs a URL or a redis.asyncio.Redis, not {type(client).__name__}"
        raise ConfigError(msg)
    if client.get_encoder().decode_responses:
        msg = "make the client of Redis with decode_responses=False: entries are kept as bytes"
        raise ConfigError(msg)
    return client


@whole
@define(kw_only=True, eq=False)
class RedisStore:
    """Keeps entries in Redis or Valkey, for any number of processes.

    It belongs to the event loop that first uses it, until it is closed there, and says so on
    another; one that was made from a URL serves in a process made by `fork` as well. As an async
    context manager it closes its connections at the end, if it was made from a URL.

    Args:
        redis: The URL of the server, or a `redis.asyncio.Redis`.
        prefix: What all keys begin with.

    Raises:
        ConfigError: The URL or the client cannot be used.
    """

    redis: Any = field(repr=False)
    prefix: str = "authflow:"
    _redis: Any = field(init=False, repr=False)
    _replace: AsyncScript = field(init=False, repr=False)
    _loop: HomeLoop = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._connect()
        self._loop = HomeLoop(
            "this RedisStore",
            "close it where it was used, by aclose(), or make one for each event loop",
            renew=None if self._redis is self.redis else self._connect_anew,
        )

    def _connect(self) -> None:
        self._redis = _client(self.redis)
        self._replace = self._redis.register_script(_REPLACE)

    def _connect_anew(self) -> None:
        keep_for_ever(self._redis)
        self._connect()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections, unless the client is the caller's.

        Raises:
            MisuseError: It belongs to another event loop.
        """
        self._loop.leave()
        if self._redis is not self.redis:
            await self._redis.aclose()

    async def read(self, key: str) -> Stored | None:
        """Return an entry.

        Args:
            key: Its key.

        Raises:
            StoreUnavailableError: The server cannot be asked.
            StoreEntryError: Something else wrote the entry.
            MisuseError: The store belongs to another event loop.
        """
        self._loop.claim()
        try:
            entry = await self._redis.get(self.prefix + key)
        except (RedisError, OSError) as error:
            raise _unavailable() from error
        if entry is None:
            return None
        version, value = entry[:_VERSION_CHARS], entry[_VERSION_CHARS:]
        if len(version) < _VERSION_CHARS or not version.isalnum():
            msg = "an entry in Redis was not written by authflow: change the prefix"
            raise StoreEntryError(msg)
        return Stored(value=value, version=version.decode())

    async def replace(
        self, key: str, value: bytes, *, expected: str | None, seconds: float
    ) -> bool:
        """Write an entry, unless another process has changed it in between.

        Args:
            key: Its key.
            value: What to keep.
            expected: The version that was read; None if there was no entry.
            seconds: When it expires, from now on.

        Raises:
            ConfigError: The seconds are none.
            StoreUnavailableError: The server cannot be asked.
            MisuseError: The store belongs to another event loop.
        """
        self._loop.claim()
        check_kept(seconds)
        entry = secrets.token_hex(_VERSION_CHARS // 2).encode() + value
        try:
            written = await self._replace(
                keys=[self.prefix + key],
                args=[expected or "", entry, max(1, round(seconds * 1000))],
            )
        except (RedisError, OSError) as error:
            raise _unavailable() from error
        return bool(written == 1)


def _unavailable() -> StoreUnavailableError:
    return StoreUnavailableError("the store in Redis cannot be asked now; try later")
