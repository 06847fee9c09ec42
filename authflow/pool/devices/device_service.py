"""The operations on devices, for their users and for administrators.

Sources: ConfirmDevice, UpdateDeviceStatus, ForgetDevice, GetDevice and ListDevices in the API
reference, with their forms for administrators.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

from attrs import define

from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User, attribute_list, find_named
from authflow.pool.cognito_errors import (
    CognitoError,
    missing_parameter,
)
from authflow.pool.devices.device_config import DeviceConfig
from authflow.pool.devices.device_secrets import DeviceSecret
from authflow.pool.devices.known_devices import (
    NOT_REMEMBERED,
    REMEMBERED,
    Confirmation,
    KnownDevice,
    confirm_device,
    devices_after,
    existing_device,
    forget_device,
    set_remembered,
)
from authflow.pool.ground import Ground
from authflow.pool.page_tokens import (
    PAGINATION_TOKEN_REFUSAL,
    read_timed_page_token,
    timed_page_token,
)
from authflow.pool.peer_address import peer_address
from authflow.pool.store.sqlite_connection import Connection
from authflow.pool.tokens.families import end_families_of_device
from authflow.pool.tokens.issuer import AccessToken, TokenIssuer
from authflow.secret import Secret

_MOST_ROWS: Final = 60
_BEFORE_ALL: Final = (-math.inf, "")


def _confirm(
    connection: Connection, token: AccessToken, given: Confirmation, now: float
) -> dict[str, Any]:
    """Confirm a device, and say whether its user must be asked about it.

    Raises:
        CognitoError: The pool remembers no devices, or as of `confirm_device`.
    """
    config = DeviceConfig.of(token.pool)
    if not config.remembers:
        message = "The user pool does not remember devices."
        raise CognitoError("InvalidUserPoolConfigurationException", message, reason=message)
    status = NOT_REMEMBERED if config.asks_user else REMEMBERED
    confirm_device(connection, token.user, given, status, now)
    return {"UserConfirmationNecessary": config.asks_user}


def _forget(connection: Connection, user: User, key: str) -> None:
    """Delete a device, and end the tokens that were given to it."""
    forget_device(connection, user.sub, key)
    end_families_of_device(connection, user.sub, key)


def _described(pool: UserPool, user: User, device: KnownDevice) -> dict[str, Any]:
    owner = f"{user.username}.{pool.id}"
    attributes = {
        "device_status": "valid",
        "device_name": device.name,
        "dev:device_arn": f"{pool.arn_prefix}:owner/{owner}/device/{device.key}",
        "dev:device_owner": owner,
        "last_ip_used": device.address,
        "dev:device_remembered_status": device.status,
    }
    return {
        "DeviceKey": device.key,
        "DeviceAttributes": attribute_list(
            {name: value for name, value in attributes.items() if value is not None}
        ),
        "DeviceCreateDate": device.created_at,
        "DeviceLastModifiedDate": device.modified_at,
        "DeviceLastAuthenticatedDate": device.authenticated_at,
    }


def _get(connection: Connection, pool: UserPool, user: User, key: str) -> dict[str, Any]:
    return {"Device": _described(pool, user, existing_device(connection, user.sub, key))}


def _list(
    connection: Connection, pool: UserPool, user: User, request: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a page of a user's devices, the oldest first.

    Raises:
        CognitoError: The page was not named by us.
    """
    most = request.get("Limit") or _MOST_ROWS
    after = _BEFORE_ALL
    if "PaginationToken" in request:
        after = read_timed_page_token(request["PaginationToken"], PAGINATION_TOKEN_REFUSAL)
    devices = devices_after(connection, user.sub, after, most + 1)
    listed: dict[str, Any] = {"Devices": [_described(pool, user, each) for each in devices[:most]]}
    if len(devices) > most:
        last = devices[most - 1]
        listed["PaginationToken"] = timed_page_token(last.created_at, last.key)
    return listed


def _admin_forget(connection: Connection, pool_id: str, name: str, key: str) -> None:
    _, user = find_named(connection, pool_id, name)
    _forget(connection, user, key)


def _admin_update(connection: Connection, request: Mapping[str, Any], now: float) -> None:
    _, user = find_named(connection, request["UserPoolId"], request["Username"])
    status = request.get("DeviceRememberedStatus")
    set_remembered(connection, user.sub, request["DeviceKey"], status, now)


def _admin_get(connection: Connection, pool_id: str, name: str, key: str) -> dict[str, Any]:
    return _get(connection, *find_named(connection, pool_id, name), key)


def _admin_list(connection: Connection, request: Mapping[str, Any]) -> dict[str, Any]:
    found = find_named(connection, request["UserPoolId"], request["Username"])
    return _list(connection, *found, request)


@define(kw_only=True)
class Devices:
    """The operations.

    Args:
        ground: The parts that all services share.
        tokens: Checks access tokens.
    """

    ground: Ground
    tokens: TokenIssuer

    async def _token(self, request: Mapping[str, Any]) -> AccessToken:
        """Check the access token of a request, where Cognito's model does not demand one.

        Raises:
            CognitoError: It is missing, or must not be trusted.
        """
        if "AccessToken" not in request:
            raise missing_parameter("AccessToken")
        return await self.tokens.check_access_token(Secret(request["AccessToken"]))

    async def confirm(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """ConfirmDevice."""
        secret = DeviceSecret.read(request.get("DeviceSecretVerifierConfig", {}))
        token = await self._token(request)
        given = Confirmation(
            key=request["DeviceKey"],
            name=request.get("DeviceName"),
            secret=secret,
            address=peer_address(),
            family_key=token.device_key,
        )
        return await self.ground.database.write(_confirm, token, given, self.ground.clock())

    async def update_status(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """UpdateDeviceStatus."""
        token = await self._token(request)
        status, now = request.get("DeviceRememberedStatus"), self.ground.clock()
        await self.ground.database.write(
            set_remembered, token.user.sub, request["DeviceKey"], status, now
        )
        return {}

    async def forget(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """ForgetDevice. It ends the tokens that the device was given."""
        token = await self._token(request)
        await self.ground.database.write(_forget, token.user, request["DeviceKey"])
        return {}

    async def get(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """GetDevice."""
        token = await self._token(request)
        return await self.ground.database.read(_get, token.pool, token.user, request["DeviceKey"])

    async def list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """ListDevices."""
        token = await self._token(request)
        return await self.ground.database.read(_list, token.pool, token.user, request)

    async def admin_update_status(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminUpdateDeviceStatus."""
        await self.ground.database.write(_admin_update, request, self.ground.clock())
        return {}

    async def admin_forget(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminForgetDevice. It ends the tokens that the device was given."""
        named = request["UserPoolId"], request["Username"], request["DeviceKey"]
        await self.ground.database.write(_admin_forget, *named)
        return {}

    async def admin_get(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminGetDevice."""
        named = request["UserPoolId"], request["Username"], request["DeviceKey"]
        return await self.ground.database.read(_admin_get, *named)

    async def admin_list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminListDevices."""
        return await self.ground.database.read(_admin_list, request)
