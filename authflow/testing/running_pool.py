"""An embedded user pool for tests, with users in it, over real HTTP."""

import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
from attrs import frozen

from authflow.client import AuthClient, AuthConfig
from authflow.errors import ConfigError
from authflow.plugins.client_challenge import ClientChallenge
from authflow.plugins.form_challenge import FormChallenge
from authflow.pool import PoolServer
from authflow.pool.messages.mailbox import Message

ALL_FLOWS: Final = (
    "ALLOW_USER_SRP_AUTH",
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_CUSTOM_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
)
_CUSTOM: Final = "custom:"


@frozen(kw_only=True)
class RunningPool:
    """A user pool that serves HTTP, and its app client.

    Args:
        config: What a client needs to know.
        server: The server, with its mailbox.
        clock: Gives the time to server and clients, in seconds since the epoch.
    """

    config: AuthConfig
    server: PoolServer
    clock: Callable[[], float]

    def client(
        self,
        *,
        challenges: Iterable[type[ClientChallenge | FormChallenge]] = (),
        discover: bool = False,
    ) -> AuthClient:
        """Make a client of the pool; enter it by `async with`.

        Args:
            challenges: Classes of client challenges.
            discover: Whether it looks for further ones among the installed distributions.
        """
        return AuthClient(
            self.config,
            challenges=tuple(challenges),
            discover=discover,
            clock=lambda: datetime.fromtimestamp(self.clock(), UTC),
        )

    async def add_user(
        self,
        username: str,
        password: str | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """Make a confirmed user.

        Args:
            username: The user's name.
            password: A password that the pool's policy allows; without one, custom challenges are
                the only way in.
            attributes: The user's attributes.

        Raises:
            ConfigError: The pool refuses them.
        """
        given = [{"Name": name, "Value": value} for name, value in (attributes or {}).items()]
        await self.call(
            "AdminCreateUser",
            UserPoolId=self.config.user_pool_id,
            Username=username,
            UserAttributes=given,
            MessageAction="SUPPRESS",
        )
        await self.call(
            "AdminSetUserPassword",
            UserPoolId=self.config.user_pool_id,
            Username=username,
            Password=password or "Nobody-knows-this-1",
            Permanent=True,
        )

    async def messages(self, username: str | None = None) -> list[Message]:
        """Give what the pool itself has sent, oldest first.

        Args:
            username: To whom; None for all.
        """
        return await self.server.mailbox.messages(self.config.user_pool_id, username)

    async def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """Call an operation of Cognito's API.

        Args:
            operation: Its name, such as "AdminDisableUser".
            **members: Its request.

        Raises:
            ConfigError: It was refused; the message says why.
        """
        return await _call(self.server.endpoint, operation, members)


async def _call(endpoint: str, operation: str, members: Mapping[str, Any]) -> dict[str, Any]:
    headers = {
        "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
        "Content-Type": "application/x-amz-json-1.1",
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(endpoint, data=json.dumps(members), headers=headers) as reply,
    ):
        body: dict[str, Any] = json.loads(await reply.read() or b"{}")
    if reply.status != 200:
        msg = f"{operation} was refused: {body.get('__type')}: {body.get('message')}"
        raise ConfigError(msg)
    return body


@asynccontextmanager
async def run_pool(
    *,
    triggers: Any = None,
    users: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.time,
    pool: Mapping[str, Any] | None = None,
    app_client: Mapping[str, Any] | None = None,
    custom_attributes: Iterable[str] = (),
) -> AsyncIterator[RunningPool]:
    """Run a user pool on a free port, in memory.

    Args:
        triggers: The pool's triggers.
        users: The passwords of its users, by their names.
        clock: Gives the time, in seconds since the epoch; a `MovableClock` can be moved.
        pool: Members of CreateUserPool.
        app_client: Members of CreateUserPoolClient.
        custom_attributes: Names of attributes that users may have beside the standard ones, such
            as "custom:tier".

    Raises:
        ConfigError: The pool refuses a setting.
    """
    schema = [
        {
            "Name": name.removeprefix(_CUSTOM),
            "AttributeDataType": "String",
            "Mutable": True,
            "StringAttributeConstraints": {"MinLength": "0", "MaxLength": "2048"},
        }
        for name in custom_attributes
    ]
    async with PoolServer(triggers=triggers, clock=clock) as server:
        made = await _call(
            server.endpoint,
            "CreateUserPool",
            {"PoolName": "test", **({"Schema": schema} if schema else {}), **(pool or {})},
        )
        pool_id = made["UserPool"]["Id"]
        members = {
            "ClientName": "test",
            "ExplicitAuthFlows": list(ALL_FLOWS),
            "PreventUserExistenceErrors": "ENABLED",
            **(app_client or {}),
        }
        made = await _call(
            server.endpoint, "CreateUserPoolClient", {"UserPoolId": pool_id, **members}
        )
        config = AuthConfig(
            user_pool_id=pool_id,
            client_id=made["UserPoolClient"]["ClientId"],
            client_secret=made["UserPoolClient"].get("ClientSecret"),
            endpoint=server.endpoint,
        )
        running = RunningPool(config=config, server=server, clock=clock)
        for name, password in (users or {}).items():
            await running.add_user(name, password)
        yield running
