"""An embedded user pool for synchronous tests and programs, in a thread of its own."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from attrs import evolve, field, frozen

from authflow.client import AuthConfig
from authflow.loop_thread import LoopThread
from authflow.plugins.client_challenge import ClientChallenge
from authflow.plugins.form_challenge import FormChallenge
from authflow.pool import PoolServer
from authflow.pool.messages.mailbox import SentMessage
from authflow.secret import Secret
from authflow.sync import AuthClient
from authflow.testing.cognito_calls import RefusedCall
from authflow.testing.running_pool import ALL_FLOWS, PASSWORD, RunningPool, run_pool


@frozen(kw_only=True)
class SyncRunningPool:
    """A `RunningPool` whose methods are synchronous: any thread may call them.

    The pool itself, its triggers, its clock and what it calls run on an event loop of their own.
    There none of these methods can be called, since the pool would wait for itself.

    Args:
        asynchronous: The same pool for asynchronous code, on whichever event loop.
    """

    asynchronous: RunningPool
    _thread: LoopThread[RunningPool] = field(alias="thread", repr=False)

    @property
    def config(self) -> AuthConfig:
        """The settings of a client: the pool, its first app client and its address."""
        return self.asynchronous.config

    @property
    def server(self) -> PoolServer:
        """The server, whose attributes are its settings."""
        return self.asynchronous.server

    @property
    def clock(self) -> Callable[[], float]:
        """The pool's clock, which gives seconds since the epoch."""
        return self.asynchronous.clock

    @property
    def endpoint(self) -> str:
        """The pool's address, for any client of Cognito's protocol."""
        return self.asynchronous.endpoint

    @property
    def user_pool_id(self) -> str:
        """The user pool's id."""
        return self.asynchronous.user_pool_id

    @property
    def client_id(self) -> str:
        """The id of its first app client.

        Raises:
            ConfigError: `config` names none.
        """
        return self.asynchronous.client_id

    @property
    def sdk_settings(self) -> dict[str, str]:
        """The settings of an AWS SDK: `boto3.client("cognito-idp", **pool.sdk_settings)`.

        Any credentials do. Such a client has the time of day: see `RunningPool.client`.
        """
        return self.asynchronous.sdk_settings

    def client(
        self,
        config: AuthConfig | None = None,
        *,
        challenges: Iterable[type[ClientChallenge | FormChallenge]] = (),
        discover: bool = False,
    ) -> AuthClient:
        """Make a synchronous client of the pool; `with` closes it.

        It has the pool's clock, as those of `RunningPool.client` have. A thread that runs an event
        loop cannot call it: there `asynchronous.client()` makes another one.

        Args:
            config: Of another app client than the first; `app_client` gives it.
            challenges: Classes of client challenges.
            discover: Whether it looks for further ones among the installed distributions.
        """
        return AuthClient(
            config or self.config,
            challenges=tuple(challenges),
            discover=discover,
            clock=lambda: datetime.fromtimestamp(self.clock(), UTC),
        )

    def app_client(
        self,
        *,
        flows: Iterable[str] = ALL_FLOWS,
        secret: bool = False,
        members: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> AuthConfig:
        """Create a further app client, and return its id and secret.

        Args:
            flows: The auth flows that it allows.
            secret: Whether it has a secret.
            members: Members of CreateUserPoolClient, which go before all others.
            **settings: Further settings of the `AuthConfig`, such as `flow`.

        Raises:
            ConfigError: An argument is of another kind, or the pool refuses a setting.
        """
        return self._thread.call(
            self.asynchronous.app_client, flows=flows, secret=secret, members=members, **settings
        )

    def add_user(
        self,
        username: str = "ada",
        password: str | Secret[str] | None = PASSWORD,
        attributes: Mapping[str, str | Secret[str]] | None = None,
    ) -> dict[str, Any]:
        """Create a confirmed user.

        Args:
            username: The user's name.
            password: A password that the pool's policy allows; None for one that nobody knows:
                then custom challenges are the only way in.
            attributes: The user's attributes.

        Returns:
            The user, as AdminCreateUser gives it.

        Raises:
            ConfigError: One is of another kind, or the pool refuses them.
        """
        return self._thread.call(self.asynchronous.add_user, username, password, attributes)

    def messages(self, username: str | None = None) -> list[SentMessage]:
        """Return the messages that the pool itself has sent, oldest first.

        Args:
            username: To whom; None for all.
        """
        return self._thread.call(self.asynchronous.messages, username)

    def call(self, operation: str, /, **members: Any) -> dict[str, Any]:
        """Call an operation of Cognito's API, and return its reply.

        Args:
            operation: Its name, such as "AdminDisableUser".
            **members: Its request.

        Raises:
            ConfigError: It was refused; the message says why.
        """
        return self._thread.call(self.asynchronous.call, operation, **members)

    def refused(self, operation: str, /, **members: Any) -> RefusedCall:
        """Call an operation of Cognito's API that must be refused, and return the refusal.

        Args:
            operation: Its name.
            **members: Its request.

        Raises:
            ConfigError: It was not refused.
        """
        return self._thread.call(self.asynchronous.refused, operation, **members)


@contextmanager
def run_pool_in_thread(
    *,
    triggers: Any = None,
    users: Mapping[str, str | None] | None = None,
    clock: Callable[[], float] = time.time,
    pool: Mapping[str, Any] | None = None,
    app_client: Mapping[str, Any] | None = None,
    custom_attributes: Iterable[str] = (),
    **server: Any,
) -> Iterator[SyncRunningPool]:
    """Run a user pool on a free port, in a thread: `run_pool` for synchronous code.

        with run_pool_in_thread(users={"ada": PASSWORD}) as pool:
            cognito = boto3.client("cognito-idp", **pool.sdk_settings)

    Triggers that are asynchronous run on the pool's own event loop: a connection or a lock that
    they use is theirs alone. A pool that nobody ends ends with the process.

    Args:
        triggers: The pool's triggers.
        users: The passwords of its users, by their names; None for one that nobody knows.
        clock: Gives the time, in seconds since the epoch; a `MovableClock` can be moved.
        pool: Members of CreateUserPool.
        app_client: Members of CreateUserPoolClient.
        custom_attributes: Names of attributes that users may have beside the standard ones, such
            as "custom:tier".
        **server: Further settings of `PoolServer`, such as `db` and `region`.

    Raises:
        ConfigError: An argument is of another kind, or the pool refuses a setting.
    """
    thread = LoopThread(
        "this pool",
        lambda: run_pool(
            triggers=triggers,
            users=users,
            clock=clock,
            pool=pool,
            app_client=app_client,
            custom_attributes=custom_attributes,
            **server,
        ),
    )
    running = thread.start()
    try:
        yield SyncRunningPool(asynchronous=evolve(running, home=thread), thread=thread)
    finally:
        thread.stop()
