"""The devices of a user who is signed in: they are listed, remembered and forgotten."""

from authflow.client.arguments import wrong_flag
from authflow.client.bound_tokens import BoundTokens
from authflow.client.remembered_devices import RememberedDevices, key_of
from authflow.device import Device, ListedDevice
from authflow.errors import MisuseError
from authflow.given_secrets import checked, is_text, wrapped
from authflow.secret import Secret
from authflow.unframed import Unframed


class DeviceCalls:
    """The calls about devices that an access token allows."""

    __slots__ = ()

    _devices: RememberedDevices
    _bound: BoundTokens

    async def devices(self, access_token: str | Secret[str]) -> tuple[ListedDevice, ...]:
        """Return the devices of a user, as the pool lists them.

        Args:
            access_token: From `Tokens.access_token`.

        Raises:
            MisuseError: It is no text.
            AuthFlowError: As `refresh`.
        """
        access_token = wrapped(access_token)
        access_token = checked("access_token", access_token)
        with Unframed():
            return await self._devices.listed(access_token)

    async def device(
        self, access_token: str | Secret[str], device: Device | ListedDevice | str
    ) -> ListedDevice:
        """Return one of a user's devices.

        Args:
            access_token: From `Tokens.access_token`.
            device: The device, or its key.

        Raises:
            DeviceRefusedError: The user has no such device.
            MisuseError: An argument is not what it should be.
            AuthFlowError: As `refresh`.
        """
        access_token = wrapped(access_token)
        access_token, key = checked("access_token", access_token), _device_key(device)
        with Unframed():
            return await self._devices.described(access_token, key)

    async def set_device_status(
        self,
        access_token: str | Secret[str],
        device: Device | ListedDevice | str,
        *,
        remembered: bool,
    ) -> None:
        """Set whether the pool remembers a device: such a one may spare a second factor.

        Args:
            access_token: From `Tokens.access_token`.
            device: The device, or its key.
            remembered: Whether it does.

        Raises:
            DeviceRefusedError: The user has no such device.
            MisuseError: An argument is not what it should be.
            AuthFlowError: As `refresh`.
        """
        access_token = wrapped(access_token)
        access_token, key = checked("access_token", access_token), _device_key(device)
        wrong = wrong_flag("remembered", remembered)
        if wrong is not None:
            raise wrong
        with Unframed():
            await self._devices.set_status(access_token, key, remembered=remembered)

    async def forget_device(
        self,
        access_token: str | Secret[str],
        device: Device | ListedDevice | str | None = None,
    ) -> None:
        """Forget a device of a user, in the pool and here. Its refresh tokens are good no more.

        Args:
            access_token: From `Tokens.access_token`.
            device: The device, or its key; by default the one that this client has for the user.
                One that the pool does not know is forgotten already.

        Raises:
            MisuseError: An argument is not what it should be, or this client has no device of this
                user.
            StateError: The store or the keys cannot be asked. The pool may have forgotten the
                device: call it again, which ends it in the same process, though the tokens of the
                device are no longer good. Elsewhere the next sign-in by it does.
            AuthFlowError: As `refresh`.
        """
        access_token = wrapped(access_token)
        access_token = checked("access_token", access_token)
        key = None if device is None else _device_key(device)
        with Unframed():
            await self._devices.forget(access_token, key)


def _device_key(device: object) -> str:
    """Return the key of a device that a caller named.

    Raises:
        MisuseError: It is no device, and no key.
    """
    key = device if isinstance(device, str) and is_text(device) and device else key_of(device)
    if key is not None:
        return key
    kind = type(device).__name__
    del device
    msg = f"device must be a device or its key, not {kind}"
    raise MisuseError(msg)
