"""An embedded user pool for tests, with users in it, over real HTTP."""

import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from attrs import evolve, field, frozen

from authflow.client import AuthClient, AuthConfig
from authflow.errors import ConfigError
from authflow.loop_thread import LoopThread
from authflow.plugins.client_challenge import ClientChallenge
from authflow.plugins.form_challenge import FormChallenge
from authflow.pool import PoolServer
from authflow.pool.messages.mailbox import SentMessage
from authflow.secret import Secret
from authflow.testing.cognito_calls import CognitoCalls, RefusedCall
from authflow.testing.harness_arguments import (
    attribute_names,
    check_clock,
    check_members,
    check_server,
    check_server_settings,
    check_users,
    client_settings,
    texts,
    told_attributes,
    told_password,
)

PASSWORD: Final = "Correct-horse-1"
"""A password that a user pool's default policy allows."""

ALL_FLOWS: Final = (
    "ALLOW_USER_SRP_AUTH",
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_CUSTOM_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
)
"""The `ExplicitAuthFlows` of an app client that signs users in by every flow."""
_NAME: Final = "test"
_SESSION: Final = AioSession()
"""One session for all clients, since each new one reads the service's model again."""


@frozen(kw_only=True)
class RunningPool:
    """A user pool that serves HTTP, and its app client.

    Args:
        config: What a client needs to know: the pool, its first app client and its address.
        server: The server.
        clock: Gives the time to server and clients, in seconds since the epoch.
        calls: Calls operations of Cognito's API as they are spelt.
        home: The thread that the server runs in; None if it runs on the caller's event loop.
    """

    config: AuthConfig
    server: PoolServer
    clock: Callable[[], float]
    calls: CognitoCalls
    home: LoopThread[Any] | None = field(default=None, repr=False)

    @property
    def endpoint(self) -> str:
        """The pool's address, for any client of Cognito's protocol."""
        return self.server.endpoint

    @property
    def user_pool_id(self) -> str:
        """The user pool's id."""
        return self.config.user_pool_id

    @property
    def client_id(self) -> str:
        """The id of its first app client.

        Raises:
            ConfigError: `config` names none.
        """
        if self.config.client_id is None:
            msg = "config= of this pool has no client_id: give the one of an app client of it"
            raise ConfigError(msg)
        return self.config.client_id

    @property
    def sdk_settings(self) -> dict[str, str]:
        """The settings of an AWS SDK: `boto3.client("cognito-idp", **pool.sdk_settings)`.

        Any credentials do. Such a client has the time of day: see `client`. A synchronous one
        needs a pool on another event loop, as `run_pool_in_thread` and the fixtures make it.
        """
        return {
            "region_name": self.server.region,
            "endpoint_url": self.endpoint,
            "aws_access_key_id": "any",
            "aws_secret_access_key": "any",
        }

    def client(
        self,
        config: AuthConfig | None = None,
        *,
        challenges: Iterable[type[ClientChallenge | FormChallenge]] = (),
        discover: bool = False,
    ) -> AuthClient:
        """Make a client of the pool; enter it with `async with`.

        It has the pool's clock. An `AuthClient(pool.config)` that is made by hand has the time of
        day: then a pool whose clock was moved refuses its proofs of right passwords, as those of
        another time, and its tokens have expired or are not valid yet. Give it
        `clock=clock.utc`, of the pool's `MovableClock`.

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

    async def app_client(
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
        check_members("members", members)
        client_settings(settings, self.config)
        given = {
            "UserPoolId": self.user_pool_id,
            "ClientName": _NAME,
            "ExplicitAuthFlows": texts("flows", flows),
            "GenerateSecret": secret,
            "PreventUserExistenceErrors": "ENABLED",
        }
        made = await self.call("CreateUserPoolClient", **(given | {**(members or {})}))
        return evolve(_config(self.endpoint, made["UserPoolClient"]), **settings)

    async def add_user(
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
        password = told_password(password)
        made = await self.call(
            "AdminCreateUser",
            UserPoolId=self.user_pool_id,
            Username=username,
            UserAttributes=told_attributes(attributes),
            MessageAction="SUPPRESS",
        )
        await self.call(
            "AdminSetUserPassword",
            UserPoolId=self.user_pool_id,
            Username=username,
            Password="Nobody-knows-this-1" if password is None else password,
            Permanent=True,
        )
        user: dict[str, Any] = made["User"]
        return user

    async def messages(self, username: str | None = None) -> list[SentMessage]:
        """Return the messages that the pool itself has sent, oldest first.

        Args:
            username: To whom; None for all.
        """
        found = self.server.mailbox.messages
        if self.home is None:
            return await found(self.user_pool_id, username)
        return await self.home.awaited(found, self.user_pool_id, username)

    async def call(self, operation: str, /, **members: Any) -> dict[str, Any]:
        """Call an operation of Cognito's API, and return its reply.

        Args:
            operation: Its name, such as "AdminDisableUser".
            **members: Its request.

        Raises:
            ConfigError: It was refused; the message says why.
        """
        return await self.calls(operation, **members)

    async def refused(self, operation: str, /, **members: Any) -> RefusedCall:
        """Call an operation of Cognito's API that must be refused, and return the refusal.

        Args:
            operation: Its name.
            **members: Its request.

        Raises:
            ConfigError: It was not refused.
        """
        return await self.calls.refused(operation, **members)

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[Any]:
        """Open AWS's SDK for the pool's owner, as aiobotocore makes it for "cognito-idp"."""
        async with _SESSION.create_client(
            "cognito-idp",
            **self.sdk_settings,
            config=AioConfig(ignore_configured_endpoint_urls=True),
        ) as owner:
            yield owner


def _config(endpoint: str, client: Mapping[str, Any]) -> AuthConfig:
    return AuthConfig(
        user_pool_id=client["UserPoolId"],
        client_id=client["ClientId"],
        client_secret=client.get("ClientSecret"),
        endpoint=endpoint,
    )


async def pool_at(
    server: PoolServer,
    *,
    users: Mapping[str, str | None] | None = None,
    pool: Mapping[str, Any] | None = None,
    app_client: Mapping[str, Any] | None = None,
    custom_attributes: Iterable[str] = (),
    http: aiohttp.ClientSession | None = None,
) -> RunningPool:
    """Create a user pool at a running server, which many tests can share, each with its pool.

    Args:
        server: The server.
        users: The passwords of its users, by their names; None for one that nobody knows.
        pool: Members of CreateUserPool.
        app_client: Members of CreateUserPoolClient.
        custom_attributes: Names of attributes that users may have beside the standard ones, such
            as "custom:tier".
        http: What to call Cognito's operations with, where many calls are to share connections.

    Raises:
        ConfigError: An argument is of another kind, or the pool refuses a setting.
    """
    check_server(server, http)
    check_users(users)
    check_members("pool", pool)
    check_members("app_client", app_client)
    calls = CognitoCalls(server.endpoint, http)
    schema = [
        {
            "Name": name,
            "AttributeDataType": "String",
            "Mutable": True,
            "StringAttributeConstraints": {"MinLength": "0", "MaxLength": "2048"},
        }
        for name in attribute_names(custom_attributes)
    ]
    given: dict[str, Any] = {"PoolName": _NAME, **({"Schema": schema} if schema else {})}
    try:
        made = await calls("CreateUserPool", **(given | {**(pool or {})}))
    except aiohttp.ClientConnectorError as error:
        msg = "server= does not run any more: make pools inside its `async with`"
        raise ConfigError(msg) from error
    given = {
        "UserPoolId": made["UserPool"]["Id"],
        "ClientName": _NAME,
        "ExplicitAuthFlows": list(ALL_FLOWS),
        "PreventUserExistenceErrors": "ENABLED",
    }
    made = await calls("CreateUserPoolClient", **(given | {**(app_client or {})}))
    running = RunningPool(
        config=_config(server.endpoint, made["UserPoolClient"]),
        server=server,
        clock=server.clock,
        calls=calls,
    )
    for name, password in (users or {}).items():
        await running.add_user(name, password)
    return running


@asynccontextmanager
async def run_pool(
    *,
    triggers: Any = None,
    users: Mapping[str, str | None] | None = None,
    clock: Callable[[], float] = time.time,
    pool: Mapping[str, Any] | None = None,
    app_client: Mapping[str, Any] | None = None,
    custom_attributes: Iterable[str] = (),
    **server: Any,
) -> AsyncIterator[RunningPool]:
    """Run a user pool on a free port.

    It lives in memory, unless `db` names a file. Run it again on the same file, and it goes on as a
    server that was restarted: then what says how to make it is not looked at.

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
    check_users(users)
    check_clock(clock)
    check_members("pool", pool)
    check_members("app_client", app_client)
    custom_attributes = attribute_names(custom_attributes)
    check_server_settings(server)
    async with PoolServer(triggers=triggers, clock=clock, **server) as running:
        found = await _found(running)
        yield found or await pool_at(
            running,
            users=users,
            pool=pool,
            app_client=app_client,
            custom_attributes=custom_attributes,
        )


async def _found(server: PoolServer) -> RunningPool | None:
    """Return the pool that is in the server's file already, if there is one."""
    calls = CognitoCalls(server.endpoint)
    pools = (await calls("ListUserPools", MaxResults=1))["UserPools"]
    if not pools:
        return None
    named = {"UserPoolId": pools[0]["Id"]}
    listed = (await calls("ListUserPoolClients", **named, MaxResults=1))["UserPoolClients"]
    if not listed:
        msg = f"the pool {pools[0]['Id']} in {server.db} has no app client: give a file of run_pool"
        raise ConfigError(msg)
    client = await calls("DescribeUserPoolClient", **named, ClientId=listed[0]["ClientId"])
    config = _config(server.endpoint, client["UserPoolClient"])
    return RunningPool(config=config, server=server, clock=server.clock, calls=calls)
