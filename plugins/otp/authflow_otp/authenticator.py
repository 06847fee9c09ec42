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
from collections.abc import Callable
from typing import Any, ClassVar, Final

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
from authflow_otp.enrolments import (
    DIGITS,
    AuthenticatorEnrolment,
    Kind,
    Owner,
    SecretStore,
    from_store,
)
from authflow_otp.settings import having, within

PERIOD: Final = 30
"""Seconds of a time step. Most apps support no other, whatever a URI says."""

_TRIES: Final = 4
"""The most attempts to write an enrolment; each failure means that another writer succeeded."""
_TURN: Final = "turn"
_MOST_DIGITS: Final = DIGITS[-1]

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
    return _codes(enrolment, range(place, place + 1))[0]


def place_of(enrolment: AuthenticatorEnrolment, code: str, places: range) -> int | None:
    """Return the counter or time step that has the code, in constant time for a window.

    Args:
        enrolment: Whose.
        code: The code.
        places: Where to look; there is none below 0.
    """
    found = None
    for place, right in zip(places, _codes(enrolment, places), strict=True):
        if hmac.compare_digest(right.encode(), code.encode()) and place >= 0:
            found = place
    return found


def _codes(enrolment: AuthenticatorEnrolment, places: range) -> list[str]:
    """Compute the codes of some places, each by all hashes and with the most digits.

    So it costs the same whatever app a user has, or none: what is not the user's is thrown away.
    """
    secret = b32encode(enrolment.secret.reveal()).decode()
    generators = {
        name: pyotp.HOTP(secret, digits=_MOST_DIGITS, digest=digest)
        for name, digest in _HASHES.items()
    }
    codes = []
    for place in places:
        by_hash = {name: each.at(max(0, place)) for name, each in generators.items()}
        # The code of fewer digits is the end of the longer one: both are a rest of division.
        codes.append(by_hash[enrolment.algorithm][-enrolment.digits :])
    return codes


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
    sends_to: ClassVar[tuple[str, ...]] = ()
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
        places = range(step - self.drift, step + self.drift + 1)
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
    sends_to: ClassVar[tuple[str, ...]] = ()
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
        # All of both windows is computed for every answer, as how long it takes tells who is
        # enrolled, and how. The last right place is tried, too: Verify may judge an answer again.
        first = enrolment.next_place
        places = range(first - 2, first + max(self.look_ahead, self.resync + 1) + 1)
        codes = _codes(enrolment, places)
        found = None
        for place, code, following in zip(places, codes, [*codes[1:], ""], strict=True):
            one = hmac.compare_digest(code.encode(), answer.encode())
            two = hmac.compare_digest((code + following).encode(), answer.encode())
            if one and max(0, first - 1) <= place <= first + self.look_ahead:
                found = place
            if two and following and 0 <= place <= first + self.resync:
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
    sub = context.user_attributes.get("sub", "")
    owner = Owner(user_pool_id=context.user_pool_id, username=context.username, kind=kind, sub=sub)
    answer = code_of(context.answer)
    for _ in range(_TRIES):
        kept = await from_store(kind, store.get(owner))
        known = kept is not None and _is_users(kept.enrolment, sub, context)
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
        moved = evolve(enrolment, next_place=place + 1, used_by=turn, sub=sub)
        if await from_store(kind, store.replace(owner, moved, expected=kept.version)):
            return Outcome.passed(claimed=True)
    msg = f"{kind}: the enrolment is changed all the time; try again later"
    raise StateError(msg)


def _is_users(enrolment: AuthenticatorEnrolment, sub: str, context: VerifyContext) -> bool:
    """Return whether an enrolment is confirmed, and this account's and not an older one's."""
    return enrolment.confirmed and enrolment.belongs_to(sub) and not context.user_not_found
