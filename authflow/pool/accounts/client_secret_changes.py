"""The operations that change an app client's secrets without an outage.

A client has two secrets at most, and either is good: its programs get the second one, and once all
have it the first is deleted. Source: AddUserPoolClientSecret in the API reference.
"""

from collections.abc import Mapping
from typing import Any, Final

from attrs import define

from authflow.pool.accounts.app_clients import AppClient, find_client_and_pool
from authflow.pool.accounts.stored_client_secrets import ClientSecret, new_client_secret
from authflow.pool.cognito_errors import CognitoError, invalid_parameter
from authflow.pool.ground import Ground
from authflow.pool.page_tokens import NEXT_TOKEN_REFUSAL
from authflow.pool.store.sqlite_connection import Connection
from authflow.secret import Secret

_MOST_SECRETS: Final = 2
_MILLISECOND: Final = 0.001


def _keep(
    connection: Connection,
    client: AppClient,
    newest: ClientSecret,
    former: ClientSecret | None = None,
) -> None:
    """Store the secrets of a client."""
    connection.execute(
        "UPDATE app_clients SET secret = ?, secret_created_at = ?, former_secret = ?,"
        " former_secret_created_at = ? WHERE id = ?",
        (
            *(newest.value.reveal(), newest.created_at),
            *((None, None) if former is None else (former.value.reveal(), former.created_at)),
            client.id,
        ),
    )


def _add(
    connection: Connection, client_id: str, pool_id: str, value: Secret[str], now: float
) -> tuple[str, float]:
    """Add a second secret to a client.

    Returns:
        The secret's id and when it was made.

    Raises:
        CognitoError: There is no such client, or it has no secret, two, or this one.
    """
    client, _ = find_client_and_pool(connection, client_id, pool_id)
    if not client.secrets:
        raise invalid_parameter(
            "A client secret can only be added to an app client that was created with one.",
            reason="the app client has no secret",
        )
    if len(client.secrets) == _MOST_SECRETS:
        message = f"An app client can have {_MOST_SECRETS} client secrets at most."
        raise CognitoError("LimitExceededException", message, reason=message)
    (former,) = client.secrets
    if former.value == value:
        raise invalid_parameter(
            "The app client already has this client secret.", reason="the secret is no new one"
        )
    # Ids have milliseconds: one that is made at once, or after the clock was set back, is another.
    secret = ClientSecret(value=value, created_at=max(now, former.created_at + _MILLISECOND))
    _keep(connection, client, secret, former)
    return secret.id(client.id), secret.created_at


def _delete(connection: Connection, client_id: str, pool_id: str, secret_id: str) -> None:
    client, _ = find_client_and_pool(connection, client_id, pool_id)
    left = [each for each in client.secrets if each.id(client.id) != secret_id]
    if len(left) == len(client.secrets):
        message = "The client secret does not exist."
        raise CognitoError("ResourceNotFoundException", message, reason=message)
    if not left:
        message = "You cannot delete the last remaining secret for an app client."
        raise invalid_parameter(message, reason=message)
    _keep(connection, client, *left)


@define(kw_only=True)
class ClientSecretChanges:
    """The operations on the secrets of app clients.

    Args:
        ground: The parts that all services share.
    """

    ground: Ground

    async def add(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AddUserPoolClientSecret. It tells a secret that it drew, and none that it was given."""
        given = "ClientSecret" in request
        value = Secret(request["ClientSecret"]) if given else new_client_secret()
        secret_id, created_at = await self.ground.database.write(
            _add, request["ClientId"], request["UserPoolId"], value, self.ground.clock()
        )
        return {
            "ClientSecretDescriptor": {
                "ClientSecretId": secret_id,
                **({} if given else {"ClientSecretValue": value.reveal()}),
                "ClientSecretCreateDate": created_at,
            }
        }

    async def list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """ListUserPoolClientSecrets. There are two at most, which one page has."""
        if "NextToken" in request:
            raise invalid_parameter(NEXT_TOKEN_REFUSAL, reason=NEXT_TOKEN_REFUSAL)
        client, _ = await self.ground.database.read(
            find_client_and_pool, request["ClientId"], request["UserPoolId"]
        )
        return {
            "ClientSecrets": [
                {
                    "ClientSecretId": each.id(client.id),
                    "ClientSecretCreateDate": each.created_at,
                }
                for each in client.secrets
            ]
        }

    async def delete(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """DeleteUserPoolClientSecret."""
        await self.ground.database.write(
            _delete, request["ClientId"], request["UserPoolId"], request["ClientSecretId"]
        )
        return {}
