"""Enrolment of authenticator apps: a secret, a QR code to scan, and a first code that proves it.

Who may enrol whom is the caller's to decide: let a user in by other means first.
"""

import secrets
import time
from base64 import b32encode
from collections.abc import Callable
from typing import Final

from attrs import define, evolve, field, frozen
from pyotp.utils import build_uri

from authflow.errors import MisuseError
from authflow.plugins import ConfigError, Prompt, Secret
from authflow_otp.answers import code_of
from authflow_otp.authenticator import PERIOD, place_of
from authflow_otp.enrolments import (
    AuthenticatorEnrolment,
    Kept,
    Kind,
    Owner,
    SecretStore,
    from_store,
)
from authflow_otp.settings import having

SECRET_BYTES: Final = 20
"""The length of a secret, 160 bits: RFC 4226, section 4, R6."""

_ATTEMPTS: Final = 3
_FIRST_COUNTERS: Final = 10
"""The numbers of earlier presses of a token's button that are allowed at enrolment."""
_LONGEST_NAME: Final = 100


@frozen(kw_only=True)
class Pending:
    """An enrolment that waits for its first code. Both fields hold the secret.

    Args:
        uri: What an app reads from a QR code, `otpauth://...`.
        secret: The secret in base32, for apps that cannot scan.
    """

    uri: Secret[str]
    secret: Secret[str]


def _is_name(what: str, text: object) -> None:
    if (
        not isinstance(text, str)
        or not 1 <= len(text) <= _LONGEST_NAME
        or not text.isprintable()
        or ":" in text
    ):
        msg = f"{what} is 1 to {_LONGEST_NAME} printable characters, without a colon"
        raise ConfigError(msg)


@define(kw_only=True, eq=False)
class Enroller:
    """Enrols users' apps.

    Args:
        store: Where enrolments are kept: the one that `Totp` or `Hotp` reads.
        issuer: The name that the app shows: the service's.
        algorithm: The hash. Many apps know SHA1 alone, which is not weak here (RFC 4226, B.2).
        digits: How many digits a code has, 6 to 8. Some apps know 6 alone.
        clock: Gives seconds since the epoch.

    Raises:
        ConfigError: A setting is out of bounds.
    """

    store: SecretStore = field(validator=having("get", "replace"))
    issuer: str
    algorithm: str = "SHA1"
    digits: int = 6
    clock: Callable[[], float] = field(default=time.time, repr=False)
    name: str = field(default="Enroller", init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        _is_name("Enroller: issuer", self.issuer)
        self._new()  # checks the other settings

    async def begin(self, owner: Owner, *, account: str) -> Pending:
        """Make a secret. Until it is confirmed, none of its codes is right.

        Args:
            owner: Who is enrolled, and for what. With the `sub` it is for this very account; an
                enrolment of an older account of that name is replaced.
            account: The name that the app shows beside the issuer, such as the user's address.

        Raises:
            MisuseError: The user has a confirmed enrolment, which is to be removed first.
            ConfigError: The account's name is malformed.
            StateError: The store cannot be asked now.
        """
        _is_name("account", account)
        kept = await self._kept(owner)
        if kept is not None and kept.enrolment.confirmed and not _is_anothers(kept, owner):
            msg = "this user is enrolled already: remove() that enrolment first"
            raise MisuseError(msg)
        enrolment = evolve(self._new(), sub=owner.sub)
        await self._write(owner, enrolment, None if kept is None else kept.version)
        secret = b32encode(enrolment.secret.reveal()).decode()
        by_time = owner.kind is Kind.TOTP
        uri = build_uri(
            secret,
            account,
            initial_count=None if by_time else 0,
            issuer=self.issuer,
            algorithm=enrolment.algorithm,
            digits=enrolment.digits,
            period=PERIOD if by_time else None,
        )
        return Pending(uri=Secret(uri), secret=Secret(secret))

    async def confirm(self, owner: Owner, code: str | Secret[str]) -> bool:
        """Check a first code, which proves that the app works and is not valid for a sign-in.

        Codes are not counted here, for the secret is the caller's own so far.

        Args:
            owner: Who is enrolled.
            code: What the app shows.

        Returns:
            Whether it was right, and counts from now on.

        Raises:
            MisuseError: Nothing waits to be confirmed, or the code is no text.
            StateError: The store cannot be asked now.
        """
        typed = _typed(code)
        kept = await self._kept(owner)
        waits = kept is not None and not kept.enrolment.confirmed
        if kept is None or not waits or not kept.enrolment.belongs_to(owner.sub):
            msg = "nothing waits to be confirmed: begin() the enrolment"
            raise MisuseError(msg)
        places = range(_FIRST_COUNTERS)
        if owner.kind is Kind.TOTP:
            step = int(self.clock() // PERIOD)
            places = range(step - 1, step + 2)
        place = place_of(kept.enrolment, code_of(typed), places)
        if place is None:
            return False
        confirmed = evolve(kept.enrolment, next_place=place + 1, confirmed=True)
        await self._write(owner, confirmed, kept.version)
        return True

    async def remove(self, owner: Owner) -> None:
        """End an enrolment: none of its codes is right any more. Its secret is overwritten.

        Args:
            owner: Whose.

        Raises:
            StateError: The store cannot be asked now.
        """
        kept = await self._kept(owner)
        if kept is not None:
            await self._write(owner, self._new(), kept.version)

    async def enrol(self, owner: Owner, prompt: Prompt, *, account: str) -> bool:
        """Enrol the person at a prompt: show the QR code, and ask for the first code.

        Args:
            owner: Who is enrolled.
            prompt: Asks the person.
            account: As for `begin`.

        Returns:
            Whether a code was right, of three.

        Raises:
            MisuseError: As for `begin`.
            StateError: The store cannot be asked now.
        """
        pending = await self.begin(owner, account=account)
        await prompt.show_link(pending.uri.reveal(), "Scan this with an authenticator app", qr=True)
        await prompt.tell(f"Or type this into it: {pending.secret.reveal()}")
        for _ in range(_ATTEMPTS):
            if await self.confirm(owner, Secret(await prompt.ask("Which code does it show?"))):
                await prompt.tell("The app is enrolled. Its next code is good for a sign-in.")
                return True
            await prompt.tell("That was not right. Is the clock of the device right?")
        return False

    def _new(self) -> AuthenticatorEnrolment:
        return AuthenticatorEnrolment(
            secret=Secret(secrets.token_bytes(SECRET_BYTES)),
            algorithm=self.algorithm,
            digits=self.digits,
        )

    async def _kept(self, owner: Owner) -> Kept | None:
        if not isinstance(owner, Owner):
            msg = f"who is enrolled is an Owner(user_pool_id=..., ...), not {type(owner).__name__}"
            raise MisuseError(msg)
        return await from_store(owner.kind, self.store.get(owner))

    async def _write(
        self, owner: Owner, enrolment: AuthenticatorEnrolment, expected: str | None
    ) -> None:
        written = self.store.replace(owner, enrolment, expected=expected)
        if not await from_store(owner.kind, written):
            msg = "the enrolment was changed at the same time: look at it, and try again"
            raise MisuseError(msg)


def _is_anothers(kept: Kept, owner: Owner) -> bool:
    """Return whether an enrolment is surely of another account of the same name."""
    return bool(owner.sub) and not kept.enrolment.belongs_to(owner.sub)


def _typed(code: object) -> Secret[str]:
    """Return a code in a Secret.

    Raises:
        MisuseError: It is no text.
    """
    text = code.reveal() if isinstance(code, Secret) else code
    if isinstance(text, str):
        return Secret(text)
    kind = type(code).__name__
    del code, text
    msg = f"a code is a text, or a Secret of one, not {kind}"
    raise MisuseError(msg)
