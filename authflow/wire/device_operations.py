"""ConfirmDevice, UpdateDeviceStatus, ForgetDevice, GetDevice and ListDevices, for a user.

Source: these operations, DeviceSecretVerifierConfigType and DeviceType in the API reference.
"""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from attrs import frozen

from authflow.device import ListedDevice
from authflow.errors import MalformedReplyError
from authflow.given_secrets import is_text
from authflow.secret import Secret
from authflow.srp import twos_complement
from authflow.wire.requests import Request, spelt

MOST_LISTED: Final = 60
"""The most devices that one reply lists."""
_STATUS: Final = {True: "remembered", False: "not_remembered"}
_REMEMBERED: Final = {text: remembered for remembered, text in _STATUS.items()}
_TOLD_STATUS: Final = "dev:device_remembered_status"
_TOLD_NAME: Final = "device_name"
_TOLD_ADDRESS: Final = "last_ip_used"


@frozen(kw_only=True)
class DevicePage:
    """A page of a user's devices.

    Args:
        devices: The devices.
        next: What the next page is asked for with; None after the last one.
    """

    devices: tuple[ListedDevice, ...]
    next: str | None


def confirm(
    access_token: Secret[str],
    key: str,
    *,
    salt: Secret[int],
    verifier: Secret[int],
    name: str | None = None,
) -> Request:
    """Return a ConfirmDevice request.

    Args:
        access_token: The user's.
        key: The device's key.
        salt: SRP's salt.
        verifier: SRP's verifier, made of the device's password.
        name: What the user calls the device.
    """
    return spelt(
        "ConfirmDevice",
        lambda: {
            "AccessToken": access_token.reveal(),
            "DeviceKey": key,
            **({} if name is None else {"DeviceName": name}),
            "DeviceSecretVerifierConfig": {
                "Salt": _base64(salt),
                "PasswordVerifier": _base64(verifier),
            },
        },
    )


def update_status(access_token: Secret[str], key: str, *, remembered: bool) -> Request:
    """Return an UpdateDeviceStatus request."""
    return spelt(
        "UpdateDeviceStatus",
        lambda: {
            "AccessToken": access_token.reveal(),
            "DeviceKey": key,
            "DeviceRememberedStatus": _STATUS[remembered],
        },
    )


def forget(access_token: Secret[str], key: str) -> Request:
    """Return a ForgetDevice request."""
    return spelt("ForgetDevice", lambda: _of(access_token, key))


def get(access_token: Secret[str], key: str) -> Request:
    """Return a GetDevice request."""
    return spelt("GetDevice", lambda: _of(access_token, key))


def list_page(access_token: Secret[str], after: str | None) -> Request:
    """Return a ListDevices request.

    Args:
        access_token: The user's.
        after: What the page before it gave; None for the first one.
    """
    return spelt(
        "ListDevices",
        lambda: {
            "AccessToken": access_token.reveal(),
            "Limit": MOST_LISTED,
            **({} if after is None else {"PaginationToken": after}),
        },
    )


def read_confirmed(reply: Mapping[str, Any]) -> bool:
    """Read the reply to ConfirmDevice: whether the user decides if the device is remembered."""
    return reply.get("UserConfirmationNecessary") is True


def read_device(reply: Mapping[str, Any]) -> ListedDevice:
    """Read the reply to GetDevice.

    Raises:
        MalformedReplyError: It has no device, or a member is not of its form.
    """
    return _device(reply.get("Device"))


def read_page(reply: Mapping[str, Any]) -> DevicePage:
    """Read the reply to ListDevices.

    Raises:
        MalformedReplyError: A member is not of its form.
    """
    devices, after = reply.get("Devices", []), reply.get("PaginationToken")
    if not isinstance(devices, list) or not (after is None or is_text(after)):
        raise _malformed()
    return DevicePage(devices=tuple(map(_device, devices)), next=after or None)


def _device(told: Any) -> ListedDevice:
    if not isinstance(told, Mapping) or not (is_text(told.get("DeviceKey")) and told["DeviceKey"]):
        raise _malformed()
    listed = told.get("DeviceAttributes", [])
    if not isinstance(listed, list) or not all(isinstance(each, Mapping) for each in listed):
        raise _malformed()
    attributes = {each.get("Name"): each.get("Value", "") for each in listed}
    if not all(is_text(text) for member in attributes.items() for text in member):
        raise _malformed()
    return ListedDevice(
        key=told["DeviceKey"],
        name=attributes.get(_TOLD_NAME),
        remembered=_REMEMBERED.get(attributes.get(_TOLD_STATUS, "")),
        last_ip=attributes.get(_TOLD_ADDRESS),
        created_at=_time(told.get("DeviceCreateDate")),
        modified_at=_time(told.get("DeviceLastModifiedDate")),
        authenticated_at=_time(told.get("DeviceLastAuthenticatedDate")),
        attributes=attributes,
    )


def _time(told: object) -> datetime | None:
    return told if isinstance(told, datetime) else None


def _of(access_token: Secret[str], key: str) -> dict[str, str]:
    return {"AccessToken": access_token.reveal(), "DeviceKey": key}


def _base64(number: Secret[int]) -> str:
    return base64.b64encode(twos_complement(number.reveal())).decode()


def _malformed() -> MalformedReplyError:
    return MalformedReplyError("a device is not of the form that Cognito documents")
