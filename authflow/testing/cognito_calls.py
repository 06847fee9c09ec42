"""Calls of Cognito's API without an SDK, so that requests can be sent that no SDK would send."""

import json
from collections.abc import Mapping
from typing import Any

import aiohttp
from attrs import define, frozen

from authflow.errors import ConfigError
from authflow.secret import Secret


@frozen
class RefusedCall:
    """Cognito's refusal of a call.

    Args:
        status: The HTTP status.
        code: The error's name, such as "NotAuthorizedException".
        message: What it says.
    """

    status: int
    code: str
    message: str


def _written(operation: str, members: Mapping[str, Any]) -> str:
    """Write a request; where a text may be, a Secret of one may be, too.

    Raises:
        ConfigError: A member is nothing that JSON has. No value is shown.
    """
    try:
        return json.dumps(members, default=_revealed)
    except (TypeError, ValueError) as error:
        kind = type(error).__name__
    msg = f"the members of {operation} cannot be written as JSON ({kind}): bytes are no texts"
    raise ConfigError(msg)


def _revealed(value: object) -> object:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError


@define
class CognitoCalls:
    """Calls operations at an endpoint.

    Args:
        endpoint: Its address.
        http: What to send with, where many calls are to share connections.
    """

    endpoint: str
    http: aiohttp.ClientSession | None = None

    async def __call__(self, operation: str, /, **members: Any) -> dict[str, Any]:
        """Call an operation, and return its reply.

        Args:
            operation: Its name, such as "AdminDisableUser".
            **members: Its request.

        Raises:
            ConfigError: It was refused; the message says why. Or it cannot be written.
        """
        status, reply, _ = await self.post(operation, _written(operation, members))
        if status != 200:
            msg = f"{operation} was refused: {reply.get('__type')}: {reply.get('message')}"
            raise ConfigError(msg)
        return reply

    async def refused(self, operation: str, /, **members: Any) -> RefusedCall:
        """Call an operation that must be refused, and return the refusal.

        Args:
            operation: Its name.
            **members: Its request.

        Raises:
            ConfigError: It was not refused, or not as Cognito refuses.
        """
        status, reply, headers = await self.post(operation, _written(operation, members))
        if status == 200:
            msg = f"{operation} was not refused"
            raise ConfigError(msg)
        if reply.keys() != {"__type", "message"} or headers["x-amzn-errortype"] != reply["__type"]:
            msg = f"{operation} was refused by other members than __type and message: {reply}"
            raise ConfigError(msg)
        return RefusedCall(status, reply["__type"], reply["message"])

    async def post(
        self, operation: str, body: bytes | str, **headers: str
    ) -> tuple[int, dict[str, Any], Mapping[str, str]]:
        """Send any body as an operation's request.

        Args:
            operation: The operation's name.
            body: The request.
            **headers: Headers beside, or in place of, those that belong there.

        Returns:
            The HTTP status, the reply and the reply's headers.
        """
        if self.http is None:
            async with aiohttp.ClientSession() as http:
                return await CognitoCalls(self.endpoint, http).post(operation, body, **headers)
        sent = {
            "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
            **headers,
        }
        async with self.http.post(self.endpoint, data=body, headers=sent) as reply:
            return reply.status, json.loads(await reply.read() or b"{}"), reply.headers
