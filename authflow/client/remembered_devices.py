"""Remembering devices: a sign-in's new device is confirmed and kept, and found for the next one.

The client is the device. What it keeps spares whoever signs in here a second factor, if the pool
says so: that is right for a program on a person's own machine, and wrong for a service, whose users
come with devices of their own. So nothing is kept unless the caller says it (`REMEMBERING`), and a
service has its users' devices handed to it ("caller").

A user has one device here. If a new one comes although there is one, the sign-in did not name that:
by a name that was never typed before, the pool did not tell whose it is before the tokens. The new
one is confirmed then for its own tokens alone, and the name leads to the old one from now on. To
put the old one away instead would lose what the person has proved there, and to forget it in the
pool would end the tokens of its other sign-ins.
"""

import logging
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, Literal

import anyio
from attrs import define, evolve, field

from authflow.client.access_calls import RequestSender
from authflow.client.device_book import DeviceBook
from authflow.client.device_confirmations import DeviceConfirmation, DeviceConfirmations
from authflow.client.password_proof import PasswordProof
from authflow.device import Device, ListedDevice, UnconfirmedDevice
from authflow.errors import (
    AuthFlowError,
    DeviceConfirmedError,
    DeviceRefusedError,
    MisuseError,
    OutcomeUnknownError,
    PromptError,
    StateError,
    UnexpectedReplyError,
)
from authflow.forms.fields import ChoiceField, Option
from authflow.forms.form import Filled, Form
from authflow.forms.shown import ShownText
from authflow.given_services import StrayCancelError, stray_cancel_fails
from authflow.prompts.asking import ask_until_read
from authflow.prompts.prompt import Prompt
from authflow.results import Declined, SignedIn
from authflow.secret import Secret
from authflow.tokens.usernames import unverified_claims
from authflow.wire import device_operations, read_done

Remembering = Literal["always", "ask", "caller", "never"]
REMEMBERING: Final[tuple[Remembering, ...]] = ("always", "ask", "caller", "never")
"""The settings of a client."""
_MOST_FORGOTTEN: Final = 1024
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
    _forgotten: "OrderedDict[tuple[str, str], None]" = field(
        factory=OrderedDict, init=False, repr=False
    )
    """The devices, by `sub` and key, that the pool has forgotten, and the store has not yet."""
    _confirmations: DeviceConfirmations = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._confirmations = DeviceConfirmations(proof=self.proof, send=self.send)

    @property
    def finds(self) -> bool:
        """Whether devices are kept here, and looked for before a sign-in."""
        return self.when in {"always", "ask"}

    async def find(self, name: str) -> Device | None:
        """Return the device of whoever has a name; None if there is none.

        Args:
            name: The name.

        Raises:
            StateError: The store or the keys cannot be asked.
        """
        return await self.book.find(name) if self.finds else None

    async def look(self, name: str) -> Device | None:
        """Return the device of whoever has a name, in the middle of a sign-in; None without one.

        An answer has counted by then, and would be lost with an error. So a store that is down is
        only told, and the sign-in goes on as from no device.

        Args:
            name: The name.
        """
        try:
            return await self.find(name)
        except StateError as error:
            self._tell("a device could not be looked for", error)
            return None

    async def drop(self, device: Device, name: str) -> None:
        """Forget a device whose proof the pool does not take; that the store is down is only told.

        Args:
            device: The device.
            name: The user who did not prove it.
        """
        if self.finds:
            with self._telling("a device could not be forgotten here"):
                await self.book.forget_of(device, name)

    def of_its_user(self, signed_in: SignedIn) -> SignedIn:
        """Return the result of a sign-in without a device that is somebody else's."""
        device = signed_in.tokens.device
        if isinstance(device, Device) and device.sub not in {None, _sub(signed_in)}:
            return _with(signed_in, None)  # the name that led to it is another user's now
        return signed_in

    async def settled(self, signed_in: SignedIn, prompt: Prompt | None) -> SignedIn:
        """Return the result of a sign-in, with its device confirmed as it was set.

        The user is signed in, whatever becomes of the device. What fails here is told in the log,
        once for each kind.

        Args:
            signed_in: The result.
            prompt: Asks the person.
        """
        signed_in = self.of_its_user(signed_in)
        device = signed_in.tokens.device
        has_another = await self._has_another(signed_in)
        if isinstance(device, Device) and self.finds:
            with self._telling("the use of a device could not be noted"):
                await self._used(signed_in, device)
        if isinstance(device, UnconfirmedDevice):
            with self._telling("a device could not be remembered"):
                remembered = False if has_another else await self._is_wanted(prompt)
                if remembered is not None:
                    confirmation = DeviceConfirmation(given=device, sub=_sub(signed_in))
                    return await self._confirmed(
                        signed_in, confirmation, self.name, remembered=remembered, quiet=True
                    )
        return signed_in

    async def remember(self, signed_in: SignedIn, name: str | None, *, keep: bool) -> SignedIn:
        """Confirm the new device of a sign-in; see `AuthClient.remember_device`."""
        signed_in = self.of_its_user(signed_in)
        device = signed_in.tokens.device
        if isinstance(device, UnconfirmedDevice):
            if keep and await self._has_another(signed_in):
                keep = False
            confirmation = self._confirmations.of(device, _sub(signed_in))
            async with confirmation.lock:
                return await self._confirmed(
                    signed_in, confirmation, name or self.name, remembered=keep, quiet=False
                )
        if device is None:
            msg = "there is no device: the pool remembers none, or the tokens are of a refresh"
            raise MisuseError(msg)
        if not keep:
            return await self._put_away(signed_in, device)
        if device.password is None:
            raise _thrown_away()
        if self.finds:
            await self._used(signed_in, device)
        else:
            await self.set_status(signed_in.tokens.access_token, device.key, remembered=True)
        return signed_in

    async def _has_another(self, signed_in: SignedIn) -> bool:
        """Return whether the user has a device here that the sign-in did not name.

        One that it named in vain is forgotten first: the pool does not know it any more. From now
        on the names that the user went by lead to the one that there is.
        """
        sub = _sub(signed_in)
        if not self.finds or sub is None:
            return False
        if signed_in.passed_over is not None:
            with self._telling("a device could not be forgotten here"):
                await self.book.forget(signed_in.passed_over, sub)
        new = signed_in.tokens.device
        if not isinstance(new, UnconfirmedDevice):
            return False
        with self._telling("a device could not be looked for"):
            kept = await self.book.of(sub)
            if kept is None or kept.key == new.key:
                return False
            await self.book.note_use(kept, _names(signed_in))
            return True
        return False

    async def _used(self, signed_in: SignedIn, device: Device) -> None:
        """Note the use of a device, and tell the pool what it has not been told of it yet.

        Raises:
            AuthFlowError: The store, the keys or the pool cannot be asked.
        """
        if await self.book.note_use(device, _names(signed_in)):
            token = signed_in.tokens.access_token
            await self.set_status(token, device.key, remembered=True)
            await self.book.note_word(device)

    async def _is_wanted(self, prompt: Prompt | None) -> bool | None:
        """Return whether a new device is to be remembered; None if that is not known yet.

        Raises:
            PromptError: The prompt failed.
        """
        if self.when != "ask":
            return self.when != "never"
        if prompt is None:
            return None
        with anyio.move_on_after(self.ask_timeout):
            try:
                with stray_cancel_fails():
                    answer = await ask_until_read(_QUESTION, prompt, _read_answer)
            except StrayCancelError:
                msg = "the prompt failed: it ended by a cancellation that nobody had asked for"
                raise PromptError(msg) from None
            return None if isinstance(answer, Declined) else answer
        return None

    async def _confirmed(
        self,
        signed_in: SignedIn,
        confirmation: DeviceConfirmation,
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
        try:
            device = await self._confirmations.confirm(confirmation, token, name)
        except OutcomeUnknownError as error:
            # It may be confirmed, and then nothing but this password proves it. If it is not, the
            # next sign-in hears so, and goes on without it.
            if not quiet or confirmation.secret is None:
                raise
            self._tell("it is not known whether a device was confirmed", error)
            device = confirmation.secret.device
        except DeviceConfirmedError:
            if remembered:
                raise
            device = confirmation.throw_away()
        if not remembered:
            left = confirmation.throw_away()
            return _with(signed_in, left) if quiet else await self._put_away(signed_in, left)
        if device.password is None:
            raise _thrown_away()
        # Whether the person wants it remembered is the caller's to say, who is handed the device.
        says_so = self.when != "caller" or not quiet
        failed: AuthFlowError | None = None
        if confirmation.word_owed and says_so:
            try:
                await self.set_status(token, device.key, remembered=True)
                confirmation.word_owed = False
            except AuthFlowError as error:
                failed = error
        with self._telling("a device could not be kept", quiet=quiet):
            if self.finds:
                names, owed = _names(signed_in), confirmation.word_owed
                await self.book.keep(device, names, word_owed=owed)
        with self._telling("a device's status could not be set", quiet=quiet):
            if failed is not None:
                raise failed
        return _with(signed_in, device)

    async def _put_away(self, signed_in: SignedIn, device: Device) -> SignedIn:
        """Return a result whose device is good to refresh its tokens, and for nothing else.

        Raises:
            StateError: It is kept here, and cannot be forgotten.
        """
        sub, left = _sub(signed_in), evolve(device, password=None)
        if self.finds and sub is not None:
            await self.book.forget(left, sub)
        return _with(signed_in, left)

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
            kept = None if sub is None or not self.finds else await self.book.of(sub)
            if kept is None:
                msg = "this client has no device of this user: name the one to forget"
                raise MisuseError(msg)
            key = kept.key
        if sub is None or (sub, key) not in self._forgotten:
            with suppress(DeviceRefusedError):  # it is forgotten already
                await self.send(device_operations.forget(access_token, key), read_done)
        if sub is None or not self.finds:
            return
        # The pool has ended the tokens of the device, this one with them: if the store fails now,
        # a second call must not ask it again.
        self._forgotten[sub, key] = None
        while len(self._forgotten) > _MOST_FORGOTTEN:
            self._forgotten.popitem(last=False)
        await self.book.forget(Device(key=key, group_key="-"), sub)
        self._forgotten.pop((sub, key), None)

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


def _names(signed_in: SignedIn) -> tuple[str, ...]:
    return (*signed_in.names, signed_in.username)


def _thrown_away() -> MisuseError:
    return MisuseError(
        "this device is confirmed, and what could prove it was thrown away: to decide by yourself,"
        ' make the client with remember_device="caller", or "ask" on a person\'s own machine'
    )


def _with(signed_in: SignedIn, device: Device | None) -> SignedIn:
    return evolve(signed_in, tokens=evolve(signed_in.tokens, device=device))
