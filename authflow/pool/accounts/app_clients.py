"""App clients: the rights of an application at a pool, and the operations that change them."""

import json
import secrets
import string
from collections.abc import Mapping
from typing import Any, Final

from attrs import define, field, frozen

from authflow.pool.accounts.attribute_access import check_permissions, may_read
from authflow.pool.accounts.client_list import list_clients
from authflow.pool.accounts.stored_client_secrets import ClientSecret, new_client_secret
from authflow.pool.accounts.user_pool import UserPool, find_pool
from authflow.pool.cognito_errors import (
    CognitoError,
    invalid_parameter,
    no_such_client,
    not_authorized,
)
from authflow.pool.ground import Ground
from authflow.pool.settings.notices import Notices
from authflow.pool.store.sqlite_connection import Connection
from authflow.secret import Secret
from authflow.wire import secret_hash

_ID_CHARS: Final = string.ascii_lowercase + string.digits
_ID_LENGTH: Final = 26

_DEFAULT_FLOWS: Final = frozenset(
    {"ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
)
_ALLOWED_BY: Final[Mapping[str, str]] = {
    "USER_SRP_AUTH": "ALLOW_USER_SRP_AUTH",
    "USER_PASSWORD_AUTH": "ALLOW_USER_PASSWORD_AUTH",
    "CUSTOM_AUTH": "ALLOW_CUSTOM_AUTH",
    "USER_AUTH": "ALLOW_USER_AUTH",
    "ADMIN_USER_PASSWORD_AUTH": "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ADMIN_NO_SRP_AUTH": "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "REFRESH_TOKEN_AUTH": "ALLOW_REFRESH_TOKEN_AUTH",
    "REFRESH_TOKEN": "ALLOW_REFRESH_TOKEN_AUTH",
}
_LEGACY: Final[Mapping[str, frozenset[str]]] = {
    "ADMIN_NO_SRP_AUTH": _DEFAULT_FLOWS | {"ALLOW_ADMIN_USER_PASSWORD_AUTH"},
    "USER_PASSWORD_AUTH": _DEFAULT_FLOWS | {"ALLOW_USER_PASSWORD_AUTH"},
    "CUSTOM_AUTH_FLOW_ONLY": frozenset({"ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}),
}
"""The old names in ExplicitAuthFlows, without ALLOW_, and the new names that each stands for."""

_UNITS: Final[Mapping[str, int]] = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
_LIFETIMES: Final[Mapping[str, tuple[int, str, int, int]]] = {
    "AccessToken": (3600, "hours", 300, 86400),
    "IdToken": (3600, "hours", 300, 86400),
    "RefreshToken": (30 * 86400, "days", 3600, 315_360_000),
}
"""For each token: its default life in seconds, the unit if none is given, the least, the most."""


@frozen(kw_only=True)
class AppClient:
    """An app client.

    Args:
        id: Its id.
        pool_id: The user pool it belongs to.
        secret: Its secret, if it has one; the newest of two.
        secret_created_at: When it got that, if not as it was made.
        former: The older of two secrets, both of which are good.
        settings: What CreateUserPoolClient or UpdateUserPoolClient was given, whole.
        created_at: Seconds since the epoch.
        modified_at: Seconds since the epoch.
    """

    id: str
    pool_id: str
    secret: Secret[str] | None
    settings: Mapping[str, Any] = field(repr=False)
    created_at: float
    modified_at: float
    secret_created_at: float | None = None
    former: ClientSecret | None = None

    @property
    def secrets(self) -> tuple[ClientSecret, ...]:
        """The secrets that are good, the oldest first."""
        if self.secret is None:
            return ()
        created_at = self.created_at if self.secret_created_at is None else self.secret_created_at
        newest = ClientSecret(value=self.secret, created_at=created_at)
        return (newest,) if self.former is None else (self.former, newest)

    def allows(self, flow: str) -> bool:
        """Return whether ExplicitAuthFlows allows a flow. Unset, it allows no plain password."""
        names = frozenset(self.settings.get("ExplicitAuthFlows") or _DEFAULT_FLOWS)
        legacy = [_LEGACY[name] for name in names if name in _LEGACY]
        if "CUSTOM_AUTH_FLOW_ONLY" in names:
            names = frozenset.intersection(*legacy)
        elif legacy:
            names = frozenset.union(*legacy)
        return _ALLOWED_BY[flow] in names

    @property
    def hides_users(self) -> bool:
        """Whether clients must not learn which users exist (PreventUserExistenceErrors)."""
        return bool(self.settings.get("PreventUserExistenceErrors") == "ENABLED")

    @property
    def session_seconds(self) -> float:
        """The seconds in which a challenge can be answered (AuthSessionValidity)."""
        return float(self.settings.get("AuthSessionValidity", 3) * 60)

    @property
    def revokes_tokens(self) -> bool:
        """Whether tokens can be revoked (EnableTokenRevocation)."""
        return bool(self.settings.get("EnableTokenRevocation", True))

    @property
    def rotation_grace(self) -> int | None:
        """The seconds for which a rotated refresh token stays valid; None without rotation."""
        rotation = self.settings.get("RefreshTokenRotation", {})
        if rotation.get("Feature") != "ENABLED":
            return None
        return int(rotation.get("RetryGracePeriodSeconds", 0))

    def lifetime(self, token: str) -> int:
        """Return the lifetime of a token in seconds.

        Args:
            token: AccessToken, IdToken or RefreshToken.
        """
        default, unit, _, _ = _LIFETIMES[token]
        number = self.settings.get(f"{token}Validity", 0)
        unit = self.settings.get("TokenValidityUnits", {}).get(token, unit)
        return int(number * _UNITS[unit]) or default

    def readable(self, attributes: Mapping[str, str]) -> dict[str, str]:
        """Return those of a user's attributes that the client may see (ReadAttributes)."""
        return {k: v for k, v in attributes.items() if may_read(self.settings, k)}

    def check_secret_hash(self, given: str | None, *usernames: str) -> None:
        """Check SECRET_HASH.

        Args:
            given: What was sent.
            usernames: The names that it may have been made of.

        Raises:
            CognitoError: It is missing, wrong, or was sent to a client without a secret.
        """
        if self.secret is None:
            if given is not None:
                raise invalid_parameter(
                    f"Client {self.id} is not configured with secret but SECRET_HASH was received",
                    reason="SECRET_HASH was received, and the app client has no secret",
                )
            return
        if given is None:
            raise not_authorized(
                f"Client {self.id} is configured with secret but SECRET_HASH was not received",
                reason="the app client has a secret, and SECRET_HASH was not received",
            )
        right = [
            Secret(secret_hash(name, self.id, secret.value)) == Secret(given)
            for secret in self.secrets
            for name in usernames
        ]
        if not any(right):
            raise not_authorized(
                f"Unable to verify secret hash for client {self.id}", reason="wrong SECRET_HASH"
            )

    def check_secret(self, given: str | None, code: str = "NotAuthorizedException") -> None:
        """Check ClientSecret, which some operations take instead of SECRET_HASH.

        Raises:
            CognitoError: With this code: it is missing or wrong.
        """
        if self.secret is None:
            if given is not None:
                raise invalid_parameter(
                    f"Client {self.id} has no client secret",
                    reason="ClientSecret was received, and the app client has no secret",
                )
            return
        right = [Secret(given or "") == each.value for each in self.secrets]
        if not any(right):
            reason = "ClientSecret is missing" if given is None else "wrong ClientSecret"
            message = f"Unable to verify the client secret of client {self.id}"
            raise CognitoError(code, message, reason=reason)

    def described(self) -> dict[str, Any]:
        """Return the client as DescribeUserPoolClient does, with its secret."""
        secret = {} if self.secret is None else {"ClientSecret": self.secret.reveal()}
        return {
            "RefreshTokenValidity": 30,
            "AuthSessionValidity": 3,
            "EnableTokenRevocation": True,
            "PreventUserExistenceErrors": "LEGACY",
            **self.settings,
            **secret,
            "UserPoolId": self.pool_id,
            "ClientId": self.id,
            "CreationDate": self.created_at,
            "LastModifiedDate": self.modified_at,
        }


_COLUMNS: Final = (
    "id, pool_id, secret, settings, created_at, modified_at, secret_created_at, former_secret,"
    " former_secret_created_at"
)


def find_client(connection: Connection, client_id: str, pool_id: str | None = None) -> AppClient:
    """Read an app client.

    Args:
        connection: The database.
        client_id: Its id.
        pool_id: The pool that it must belong to, if the request names one.

    Raises:
        CognitoError: There is none, or it belongs to another pool.
    """
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM app_clients WHERE id = ?",  # noqa: S608  # our own column names
        (client_id,),
    ).first()
    if row is None or (pool_id is not None and row[1] != pool_id):
        raise no_such_client(client_id)
    found, pool, secret, settings, created_at, modified_at, *rest = row
    given_at, former, former_at = rest
    return AppClient(
        id=found,
        pool_id=pool,
        secret=None if secret is None else Secret(secret),
        settings=json.loads(settings),
        created_at=created_at,
        modified_at=modified_at,
        secret_created_at=given_at,
        former=None if former is None else ClientSecret(value=Secret(former), created_at=former_at),
    )


def find_client_and_pool(
    connection: Connection, client_id: str, pool_id: str | None = None
) -> tuple[AppClient, UserPool]:
    """Read an app client and its user pool.

    Raises:
        CognitoError: There is no such client, or no such pool.
    """
    if pool_id is not None:
        pool = find_pool(connection, pool_id)
        return find_client(connection, client_id, pool_id), pool
    client = find_client(connection, client_id)
    return client, find_pool(connection, client.pool_id)


def _insert(connection: Connection, client: AppClient) -> None:
    check_permissions(find_pool(connection, client.pool_id), client.settings, "creating")
    secret = None if client.secret is None else client.secret.reveal()
    connection.execute(
        "INSERT INTO app_clients (id, pool_id, secret, settings, created_at, modified_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            *(client.id, client.pool_id, secret, json.dumps(client.settings)),
            *(client.created_at, client.modified_at),
        ),
    )


def _update(
    connection: Connection,
    client_id: str,
    pool_id: str,
    settings: Mapping[str, Any],
    now: float,
) -> AppClient:
    """Replace a client's settings: one that is not given gets its default, as with Cognito."""
    check_permissions(find_pool(connection, pool_id), settings, "updating")
    old = find_client(connection, client_id, pool_id)
    connection.execute(
        "UPDATE app_clients SET settings = ?, modified_at = ? WHERE id = ?",
        (json.dumps({"ClientName": old.settings["ClientName"], **settings}), now, client_id),
    )
    return find_client(connection, client_id, pool_id)


def _delete(connection: Connection, client_id: str, pool_id: str) -> None:
    find_client_and_pool(connection, client_id, pool_id)
    connection.execute("DELETE FROM app_clients WHERE id = ?", (client_id,))


def _settings(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings in a request, after the checks that the service model cannot make.

    Raises:
        CognitoError: Names of both generations are mixed, or a lifetime is out of range.
    """
    identity = {"UserPoolId", "ClientId", "GenerateSecret", "ClientSecret"}
    settings = {name: value for name, value in request.items() if name not in identity}
    flows = settings.get("ExplicitAuthFlows", ())
    if len({flow.startswith("ALLOW_") for flow in flows}) > 1:
        raise invalid_parameter(
            "ExplicitAuthFlows cannot hold names with ALLOW_ and names without together."
        )
    probe = AppClient(
        id="", pool_id="", secret=None, settings=settings, created_at=0, modified_at=0
    )
    for token, (_, _, least, most) in _LIFETIMES.items():
        if not least <= probe.lifetime(token) <= most:
            raise invalid_parameter(f"Invalid range for token validity: {token}")
    return settings


@define(kw_only=True)
class AppClients:
    """The operations on app clients.

    Args:
        ground: The parts that all services share.
        notices: Tells of settings that have no effect.
    """

    ground: Ground
    notices: Notices

    async def create(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """CreateUserPoolClient."""
        now = self.ground.clock()
        secret = Secret(request["ClientSecret"]) if "ClientSecret" in request else None
        if secret is None and request.get("GenerateSecret"):
            secret = new_client_secret()
        client = AppClient(
            id=_random(_ID_LENGTH),
            pool_id=request["UserPoolId"],
            secret=secret,
            settings=_settings(request),
            created_at=now,
            modified_at=now,
        )
        await self.ground.database.write(_insert, client)
        self.notices.tell_client(client.pool_id, client.id, client.settings)
        return {"UserPoolClient": client.described()}

    async def describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """DescribeUserPoolClient."""
        client, _ = await self.ground.database.read(
            find_client_and_pool, request["ClientId"], request["UserPoolId"]
        )
        return {"UserPoolClient": client.described()}

    async def update(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """UpdateUserPoolClient."""
        settings, now = _settings(request), self.ground.clock()
        client = await self.ground.database.write(
            _update, request["ClientId"], request["UserPoolId"], settings, now
        )
        self.notices.tell_client(client.pool_id, client.id, settings)
        return {"UserPoolClient": client.described()}

    async def delete(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """DeleteUserPoolClient. It revokes the tokens that were issued to the client."""
        await self.ground.database.write(_delete, request["ClientId"], request["UserPoolId"])
        return {}

    async def list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """ListUserPoolClients."""
        return await self.ground.database.read(list_clients, request)


def _random(length: int) -> str:
    return "".join(secrets.choice(_ID_CHARS) for _ in range(length))
