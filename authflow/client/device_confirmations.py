"""Confirming new devices, once each: a call that is made again goes on where the first one ended.

ConfirmDevice takes one verifier for a device, and refuses any later one. So what a device proves
itself by is drawn once, and known here until the device is known to be confirmed: after a lost
reply the same request is sent again, and that the device is confirmed already means that the first
one counted. Of two calls at once, as of a button that was pressed twice, one sends, and both get
the same device.
"""

from collections import OrderedDict
from typing import Final

import anyio
from attrs import define, evolve, field

from authflow.client.access_calls import RequestSender
from authflow.client.password_proof import NewSecret, PasswordProof
from authflow.device import Device, UnconfirmedDevice
from authflow.errors import AuthFlowError, DeviceConfirmedError, OutcomeUnknownError
from authflow.secret import Secret
from authflow.wire import device_operations

MOST_CONFIRMATIONS: Final = 256
"""The number of devices whose confirmation is known, some 1 kB each."""


@define(kw_only=True, eq=False)
class DeviceConfirmation:
    """The confirmation of a device, as far as it has come.

    Args:
        given: The device.
        sub: Whose it is.
    """

    given: UnconfirmedDevice
    sub: str | None
    lock: anyio.Lock = field(factory=anyio.Lock, repr=False)
    """Held by the call that goes on with it."""
    device: Device | None = None
    """The device, once it is confirmed; without its password, once that was thrown away."""
    word_owed: bool = False
    """Whether the pool waits for the person's word on it."""
    may_count: bool = False
    """Whether a request was sent whose outcome nobody knows."""
    secret: NewSecret | None = field(default=None, repr=False)

    def throw_away(self) -> Device:
        """Throw away what could prove the device, and return what is left of it.

        It serves to refresh tokens, and for nothing else.
        """
        device = self.device or Device(
            key=self.given.key, group_key=self.given.group_key, sub=self.sub
        )
        self.secret, self.device = None, evolve(device, password=None)
        return self.device


@define(kw_only=True, eq=False)
class DeviceConfirmations:
    """The confirmations of the devices of one client's users.

    Args:
        proof: Makes their passwords.
        send: Sends requests.
        most: How many are known.
    """

    proof: PasswordProof
    send: RequestSender = field(repr=False)
    most: int = MOST_CONFIRMATIONS
    _recent: "OrderedDict[tuple[str | None, str], DeviceConfirmation]" = field(
        factory=OrderedDict, init=False, repr=False
    )

    def of(self, given: UnconfirmedDevice, sub: str | None) -> DeviceConfirmation:
        """Return the confirmation of a device, which another call may have begun.

        Args:
            given: The device.
            sub: Whose it is.
        """
        at = sub, given.key
        known = self._recent.pop(at, None) or DeviceConfirmation(given=given, sub=sub)
        self._recent[at] = known
        while len(self._recent) > self.most:
            self._recent.popitem(last=False)
        return known

    async def confirm(
        self, confirmation: DeviceConfirmation, access_token: Secret[str], name: str | None
    ) -> Device:
        """Confirm a device, unless that is done; the caller holds the lock.

        Args:
            confirmation: Its confirmation.
            access_token: Of the sign-in that the device came with.
            name: What the user calls it.

        Raises:
            DeviceConfirmedError: Another process has confirmed it.
            OutcomeUnknownError: The reply was lost; call it again.
            AuthFlowError: It is not confirmed.
        """
        it = confirmation
        if it.device is not None:
            return it.device
        if it.secret is None:
            it.secret = await self.proof.new_device(it.given, it.sub)
        request = device_operations.confirm(
            access_token,
            it.given.key,
            salt=it.secret.salt,
            verifier=it.secret.verifier,
            name=name,
        )
        before, it.may_count = it.may_count, True
        try:
            it.word_owed = await self.send(request, device_operations.read_confirmed)
        except OutcomeUnknownError:
            raise
        except DeviceConfirmedError:
            if not before:
                it.may_count = False
                raise
            it.word_owed = True  # the reply that said so was lost; once too often does no harm
        except AuthFlowError:
            it.may_count = before
            raise
        it.device = it.secret.device
        return it.device
