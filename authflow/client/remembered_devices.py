"""Remembering devices: a sign-in's new device is confirmed and kept, and found for the next one.

The client is the device. What it keeps spares whoever signs in here a second factor, if the pool
says so: that is right for a program on a person's own machine, and wrong for a service, whose users
come with devices of their own. So nothing is kept unless the caller says it (`REMEMBERING`).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, Literal

import anyio
from attrs import define, evolve, field

from authflow.client.access_calls import RequestSender
from authflow.client.device_book import DeviceBook
from authflow.client.password_proof import PasswordProof
from authflow.device import Device, ListedDevice, UnconfirmedDevice
from authflow.errors import (
    AuthFlowError,
    DeviceRefusedError,
    MisuseError,
    OutcomeUnknownError,
    UnexpectedReplyError,
)
from authflow.forms.fields import ChoiceField, Option
from authflow.forms.form import Filled, Form
from authflow.forms.shown import ShownText
from authflow.prompts.asking import ask_until_read
from authflow.prompts.prompt import Prompt
from authflow.results import Declined, SignedIn
from authflow.secret import Secret
from authflow.tokens.usernames import unverified_claims
from authflow.wire import device_operations, read_done

Remembering = Literal["always", "ask", "never"]
REMEMBERING: Final[tuple[Remembering, ...]] = ("always", "ask", "never")
"""The settings of a client."""
_MOST_PAGES: Final = 100
_YES, _NO = "yes", "no"
_QUESTION: Final = Form(
    parts=(
        ShownText(text="You have signed in from a device that is new to this account."),
        ChoiceField(
            name="remember",
            label="Remember this device?",
            options=[Option(value=_YES, label="yes"), Option(value=_NO, label="no")],
        ),
    )
)

_log = logging.getLogger(__name__)


@define(kw_only=True, eq=False)
class RememberedDevices:
    """The devices of one client's users.

    Args:
        when: Whether a new device is remembered.
        name: What it is called.
        book: Where devices are kept.
        proof: Makes their passwords.
        send: Sends requests.
        ask_timeout: Seconds that a person has to say whether a device is to be remembered.
    """

    when: Remembering
    name: str | None
    book: DeviceBook
    proof: PasswordProof
    send: RequestSender = field(repr=False)
    ask_timeout: float
    _told: set[str] = field(factory=set, init=False, repr=False)

    @property
    def finds(self) -> bool:
        """Whether devices are kept here, and looked for before a sign-in."""
        return self.when != "never"

    async def find(self, name: str) -> Device | None:
        """Return the device of whoever has a name; None if there is none.

        Args:
            name: The name.

        Raises:
            StateError: The store or the keys cannot be asked.
        """
        return await self.book.find(name) if self.finds else None

    async def drop(self, device: Device) -> None:
        """Forget a device that the pool does not take; that the store is down is only told."""
        with self._telling("a device could not be forgotten here"):
            if device.sub is not None:
                await self.book.forget(device.key, device.sub)

    async def settled(self, signed_in: SignedIn, prompt: Prompt | None) -> SignedIn:
        """Return the result of a sign-in, with its device confirmed as it was set.

        The user is signed in, whatever becomes of the device. What fails here is told in the log,
        once for each kind.

        Args:
            signed_in: The result.
            prompt: Asks the person.
        """
        device, sub = signed_in.tokens.device, _sub(signed_in)
        if isinstance(device, Device):
            if device.sub not in {None, sub}:  # the name that led to it is another user's now
                return _with(signed_in, None)
            with self._telling("the use of a device could not be noted"):
                if self.finds:
                    await self.book.note_use(device, (*signed_in.names, signed_in.username))
        if isinstance(device, UnconfirmedDevice):
            with self._telling("a device could not be remembered"):
                remembered = await self._is_wanted(prompt)
                if remembered is not None:
                    return await self._confirmed(
                        signed_in, device, self.name, remembered=remembered, quiet=True
                    )
        return signed_in

    async def remember(self, signed_in: SignedIn, name: str | None, *, keep: bool) -> SignedIn:
        """Confirm the new device of a sign-in; see `AuthClient.remember_device`."""
        device = signed_in.tokens.device
        if isinstance(device, UnconfirmedDevice):
            return await self._confirmed(
                signed_in, device, name or self.name, remembered=keep, quiet=False
            )
        if device is None:
            msg = "there is no device: the pool remembers none, or the tokens are of a refresh"
            raise MisuseError(msg)
        if keep and device.password is None:
            msg = (
                "this device is confirmed, and what could prove it was thrown away: to decide by"
                ' yourself, make the client with remember_device="ask"'
            )
            raise MisuseError(msg)
        return signed_in

    async def _is_wanted(self, prompt: Prompt | None) -> bool | None:
        """Return whether a new device is to be remembered; None if that is not known yet."""
        if self.when != "ask":
            return self.when == "always"
        if prompt is None:
            return None
        with anyio.move_on_after(self.ask_timeout):
            answer = await ask_until_read(_QUESTION, prompt, _read_answer)
            return None if isinstance(answer, Declined) else answer
        return None

    async def _confirmed(
        self,
        signed_in: SignedIn,
        given: UnconfirmedDevice,
        name: str | None,
        *,
        remembered: bool,
        quiet: bool,
    ) -> SignedIn:
        """Confirm a device. One that is not to be remembered serves for refreshing alone.

        Raises:
            AuthFlowError: It is not confirmed; or, if not `quiet`, not all of the rest was done.
        """
        token = signed_in.tokens.access_token
        new = await self.proof.new_device(given, _sub(signed_in))
        device = new.device if remembered else evolve(new.device, password=None)
        request = device_operations.confirm(
            token, device.key, salt=new.salt, verifier=new.verifier, name=name
        )
        users_word = False
        try:
            users_word = await self.send(request, device_operations.read_confirmed)
        except OutcomeUnknownError as error:
            # It may be confirmed, and then nothing but this password proves it. If it is not, the
            # next sign-in hears so, and goes on without it.
            if not quiet:
                raise
            self._tell("it is not known whether a device was confirmed", error)
        if not remembered:
            return _with(signed_in, device)
        with self._telling("a device could not be kept", quiet=quiet):
            if self.finds:
                await self.book.keep(device, (*signed_in.names, signed_in.username))
        with self._telling("a device's status could not be set", quiet=quiet):
            if users_word:
                await self.set_status(token, device.key, remembered=True)
        return _with(signed_in, device)

    async def set_status(self, access_token: Secret[str], key: str, *, remembered: bool) -> None:
        """Set whether a device is remembered; see `AuthClient.set_device_status`."""
        request = device_operations.update_status(access_token, key, remembered=remembered)
        await self.send(request, read_done)

    async def listed(self, access_token: Secret[str]) -> tuple[ListedDevice, ...]:
        """Return all devices of a user; see `AuthClient.devices`."""
        devices: list[ListedDevice] = []
        after: str | None = None
        for _ in range(_MOST_PAGES):
            page = await self.send(
                device_operations.list_page(access_token, after), device_operations.read_page
            )
            devices += page.devices
            after = page.next
            if after is None:
                return tuple(devices)
        msg = f"the server lists devices without an end: {_MOST_PAGES} pages"
        raise UnexpectedReplyError(msg)

    async def described(self, access_token: Secret[str], key: str) -> ListedDevice:
        """Return one of a user's devices; see `AuthClient.device`."""
        return await self.send(
            device_operations.get(access_token, key), device_operations.read_device
        )

    async def forget(self, access_token: Secret[str], key: str | None) -> None:
        """Forget a device, in the pool and here; see `AuthClient.forget_device`."""
        told = unverified_claims(access_token).get("sub")
        sub = told if isinstance(told, str) else None
        if key is None:
            kept = None if sub is None else await self.book.of(sub)
            if kept is None:
                msg = "this client has no device of this user: name the one to forget"
                raise MisuseError(msg)
            key = kept.key
        with suppress(DeviceRefusedError):  # it is forgotten already
            await self.send(device_operations.forget(access_token, key), read_done)
        if sub is not None:
            await self.book.forget(key, sub)

    @contextmanager
    def _telling(self, what: str, *, quiet: bool = True) -> Iterator[None]:
        """Log an error of ours, if the sign-in is not to fail by it."""
        try:
            yield
        except AuthFlowError as error:
            if not quiet:
                raise
            self._tell(what, error)

    def _tell(self, what: str, error: AuthFlowError) -> None:
        level = logging.DEBUG if f"{what} {error.code}" in self._told else logging.WARNING
        self._told.add(f"{what} {error.code}")
        _log.log(level, "%s, and the sign-in goes on: %s", what, error.message)


def key_of(device: object) -> str | None:
    """Return the key of a device that a caller named; None if it is no device."""
    if isinstance(device, Device | UnconfirmedDevice | ListedDevice):
        return device.key
    return None


def _read_answer(filled: Filled) -> bool:
    return filled["remember"] == _YES


def _sub(signed_in: SignedIn) -> str | None:
    told = unverified_claims(signed_in.tokens.access_token).get("sub")
    return told if isinstance(told, str) else None


def _with(signed_in: SignedIn, device: Device | None) -> SignedIn:
    return evolve(signed_in, tokens=evolve(signed_in.tokens, device=device))
