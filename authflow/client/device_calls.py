"""The devices of a user who is signed in: they are listed, remembered and forgotten."""

from authflow.client.arguments import wrong_flag
from authflow.client.bound_tokens import BoundTokens
from authflow.client.remembered_devices import RememberedDevices, key_of
from authflow.device import Device, ListedDevice, checked_name
from authflow.errors import MisuseError
from authflow.given_secrets import checked, is_text, wrapped
from authflow.results import SignedIn
from authflow.secret import Secret
from authflow.unframed import Unframed


class DeviceCalls:
    """The calls about devices that an access token allows."""

    __slots__ = ()

    _devices: RememberedDevices
    _bound: BoundTokens

    async def remember_device(
        self, signed_in: SignedIn, *, name: str | None = None, keep: bool = True
    ) -> SignedIn:
        """Confirm the new device of a user who has just signed in, or take the person's word on it.

            result = await auth.sign_in("ada", "correct horse")     # remember_device="ask"
            if isinstance(result.tokens.device, UnconfirmedDevice):
                result = await auth.remember_device(result, keep=person_says_yes)

        With "caller" the device is confirmed already: a yes tells the pool that the person wants it
        remembered, which some pools wait for. To call it again, or twice at once, does no harm: in
        one process the device stays the same, also after a reply that was lost.

        Args:
            signed_in: The result of the sign-in; its `tokens.device` is the device.
            name: What a new device is called in the user's list; by default `device_name`.
            keep: Whether later sign-ins may prove the device. If not, it serves to refresh these
                tokens alone, and what could prove it is thrown away, here and in the result.

        Returns:
            The same, with the confirmed device. A client that remembers devices keeps it, unless it
            has one for this user: then that one stays, and the new one serves to refresh these
            tokens alone. Any other client leaves it to you, who pass it to `sign_in` and `answer`.

        Raises:
            MisuseError: It is no SignedIn, or came with no device, or what could prove the device
                was thrown away; nothing was sent.
            DeviceRefusedError: The pool does not know the device any more.
            DeviceConfirmedError: Another process has confirmed it.
            OutcomeUnknownError: The reply was lost: call it again, in this process.
            StateError: The store or the keys cannot be asked: the device is confirmed, not kept.
            AuthFlowError: As `refresh`. If the pool has not got the person's word, the next sign-in
                from a device that is kept here brings it.
        """
        if not isinstance(signed_in, SignedIn):
            msg = f"remember_device takes the SignedIn of a sign-in, not {type(signed_in).__name__}"
            del signed_in
            raise MisuseError(msg)
        wrong = wrong_flag("keep", keep)
        if wrong is not None:
            raise wrong
        named = checked_name(name)
        with Unframed():
            result = await self._devices.remember(signed_in, named, keep=keep)
        self._bound.note(result.tokens)
        return result

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
