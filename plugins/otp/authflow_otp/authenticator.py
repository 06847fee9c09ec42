"""The trigger halves of `totp` and `hotp`: they judge the codes of authenticator apps and tokens.

Both are one rule: a code belongs to a place, a time step or a counter, and a code is right if its
place is within a window, and behind all places whose codes were right before. The place moves by
compare and set in the store of the secrets, so that of two sign-ins with one code one passes.

Sources: RFC 4226, sections 5.3 and 7.2 to 7.4; RFC 6238, sections 5.2 and 6.
"""

import hashlib
import hmac
import secrets
from base64 import b32encode
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Final, TypeVar

import pyotp
from attrs import evolve, field, frozen

from authflow.errors import StateError
from authflow.plugins import (
    CreateContext,
    Issued,
    Outcome,
    PluginFailedError,
    Secret,
    VerifyContext,
    checked_settings,
)
from authflow_otp.answers import code_of
from authflow_otp.enrolments import AuthenticatorEnrolment, Kind, Owner, SecretStore
from authflow_otp.settings import having, within

T = TypeVar("T")

PERIOD: Final = 30
"""Seconds of a time step. Most apps support no other, whatever a URI says."""

_TRIES: Final = 4
"""The most attempts to write an enrolment; each failure means that another writer succeeded."""
_TURN: Final = "turn"

_NOBODY: Final = AuthenticatorEnrolment(secret=Secret(secrets.token_bytes(20)), confirmed=True)
"""The stand-in that is judged for users without an enrolment, so that it takes as long."""

_HASHES: Final[dict[str, Any]] = {
    "SHA1": hashlib.sha1,
    "SHA256": hashlib.sha256,
    "SHA512": hashlib.sha512,
}


def code_at(enrolment: AuthenticatorEnrolment, place: int) -> str:
    """Return the code of a counter or time step (RFC 4226, section 5.3).

    Args:
        enrolment: Whose.
        place: The counter or the time step.
    """
    generator = pyotp.HOTP(
        b32encode(enrolment.secret.reveal()).decode(),
        digits=enrolment.digits,
        digest=_HASHES[enrolment.algorithm],
    )
    return generator.at(place)


def place_of(enrolment: AuthenticatorEnrolment, code: str, places: range) -> int | None:
    """Return the counter or time step that has the code, in constant time for a window.

    Args:
        enrolment: Whose.
        code: The code.
        places: Where to look.
    """
    found = None
    for place in places:
        if hmac.compare_digest(code_at(enrolment, place).encode(), code.encode()):
            found = place
    return found


@checked_settings
@frozen(kw_only=True)
class Totp:
    """A code of an authenticator app, which changes every 30 seconds (RFC 6238).

    Args:
        store: Where the users' enrolments are.
        drift: How many steps the app's clock may be early or late, 0 or 1.

    Raises:
        ConfigError: A setting is out of bounds.
    """

    name: ClassVar[str] = "totp"
    metadata: ClassVar[str] = "TOTP_CHALLENGE"
    interface: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("limits",)
    """The limits of guesses, without which six digits protect nothing."""
    conformance: ClassVar[str] = "authflow_otp.conformance:TotpSuite"

    store: SecretStore = field(
        validator=having("get", "replace"),
        metadata={"doc": "where the enrolments are: an object from the code"},
    )
    drift: int = field(
        default=1,
        validator=within(0, 1),
        metadata={"doc": "30-second steps that a clock may differ", "minimum": 0, "maximum": 1},
    )

    async def create(self, _context: CreateContext) -> Issued:
        """Ask for a code. It is the same for everybody: who is enrolled is not told."""
        return _asked()

    async def verify(self, context: VerifyContext) -> Outcome:
        """Judge a code; a right one is used up for all sign-ins.

        Raises:
            PluginFailedError: The private parameters are not those of this plugin.
            StateError: The enrolment cannot be read or written now.
        """
        step = int(context.now // PERIOD)
        places = range(max(0, step - self.drift), step + self.drift + 1)
        return await _judged(
            Kind.TOTP,
            self.store,
            context,
            lambda enrolment, code: place_of(enrolment, code, places),
        )


@checked_settings
@frozen(kw_only=True)
class Hotp:
    """A code of a token that counts (RFC 4226).

    Each press of its button counts, so the token gets ahead. Within `look_ahead` that does not
    matter; if it is farther ahead, two codes in a row, typed as one answer, find it again.

    Args:
        store: Where the users' enrolments are.
        look_ahead: How many codes may have been skipped.
        resync: How many may have been skipped if two codes are given.

    Raises:
        ConfigError: A setting is out of bounds.
    """

    name: ClassVar[str] = "hotp"
    metadata: ClassVar[str] = "HOTP_CHALLENGE"
    interface: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("limits",)
    conformance: ClassVar[str] = "authflow_otp.conformance:HotpSuite"

    store: SecretStore = field(
        validator=having("get", "replace"),
        metadata={"doc": "where the enrolments are: an object from the code"},
    )
    look_ahead: int = field(
        default=5,
        validator=within(0, 10),
        metadata={"doc": "codes that may have been skipped", "minimum": 0, "maximum": 10},
    )
    resync: int = field(
        default=100,
        validator=within(0, 500),
        metadata={
            "doc": "codes that may have been skipped if two in a row are given",
            "minimum": 0,
            "maximum": 500,
        },
    )

    async def create(self, _context: CreateContext) -> Issued:
        """Ask for a code. It is the same for everybody: who is enrolled is not told."""
        return _asked()

    async def verify(self, context: VerifyContext) -> Outcome:
        """Judge one code or two, and move the counter forward, never back.

        Raises:
            PluginFailedError: The private parameters are not those of this plugin.
            StateError: The enrolment cannot be read or written now.
        """
        return await _judged(Kind.HOTP, self.store, context, self._place)

    def _place(self, enrolment: AuthenticatorEnrolment, answer: str) -> int | None:
        # The last right counter or time step is tried, too: Verify may judge the same answer again.
        first, digits = enrolment.next_place, enrolment.digits
        if len(answer) != 2 * digits:
            places = range(max(0, first - 1), first + self.look_ahead + 1)
            return place_of(enrolment, answer, places)
        found = None
        for place in range(max(0, first - 2), first + self.resync + 1):
            pair = code_at(enrolment, place) + code_at(enrolment, place + 1)
            if hmac.compare_digest(pair.encode(), answer.encode()):
                found = place + 1
        return found


def _asked() -> Issued:
    # Not drawn from `context.randomness`, which sign-ins that begin together share.
    return Issued(public={}, private={_TURN: secrets.token_hex(16)})


async def _judged(
    kind: Kind,
    store: SecretStore,
    context: VerifyContext,
    find: Callable[[AuthenticatorEnrolment, str], int | None],
) -> Outcome:
    """Judge an answer by the place of its code."""
    turn = context.private.get(_TURN)
    if not turn:
        msg = f"{kind}: the private challenge parameters are not those that create() made"
        raise PluginFailedError(msg)
    owner = Owner(user_pool_id=context.user_pool_id, username=context.username, kind=kind)
    answer = code_of(context.answer)
    for _ in range(_TRIES):
        kept = await _from_store(kind, store.get(owner))
        known = kept is not None and kept.enrolment.confirmed and not context.user_not_found
        place = find(kept.enrolment if kept is not None and known else _NOBODY, answer)
        if kept is None or not known or place is None:
            return Outcome.retry("a wrong code, or no enrolment")
        enrolment = kept.enrolment
        if place < enrolment.next_place:
            # Cognito runs Verify up to three times for one answer: all runs must agree.
            last = place == enrolment.next_place - 1
            same = hmac.compare_digest(enrolment.used_by.encode(), turn.encode())
            if last and same:
                return Outcome.passed(claimed=True)
            return Outcome.retry("the code was used before")
        moved = evolve(enrolment, next_place=place + 1, used_by=turn)
        if await _from_store(kind, store.replace(owner, moved, expected=kept.version)):
            return Outcome.passed(claimed=True)
    msg = f"{kind}: the enrolment is changed all the time; try again later"
    raise StateError(msg)


async def _from_store(kind: Kind, asked: Awaitable[T]) -> T:
    """Call the store of enrolments; all its failures become one error."""
    try:
        return await asked
    except StateError:
        raise
    except Exception as error:
        msg = f"{kind}: the store of the enrolments failed: {type(error).__name__}"
        raise StateError(msg) from error
