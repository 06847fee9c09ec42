"""The trigger half of `otp`: draws a code, sends it, and compares the answer.

RULES

1. A code has at least six digits, is drawn from `context.randomness`, and is good for less than ten
   minutes and for one sign-in.
2. A user who asks for another message gets the same code again, and a new one only if the old one
   has expired, or has let somebody in. Nothing takes failures back but a right answer. A message
   that failed is sent at the next attempt; it stays counted, as those to nobody do.
3. A user who does not exist, or has no address that Cognito has verified, sees what all others
   see: a stand-in for the address, the same store asked the same, and as much time gone by. Nothing
   is sent, and no answer is right.

The code travels to the next attempt as sealed state. That a message was asked for again is kept by
`context.once`, for Cognito tells Create nothing of an answer.

Sources: NIST SP 800-63B-4, "Out-of-Band Verifiers" and "Rate Limiting"; OWASP ASVS 5.0, 6.5
and 6.6.
"""

import hmac
import json
import math
import secrets
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import anyio
from attrs import evolve, field, frozen

from authflow.plugins import (
    Admitted,
    AlreadySent,
    CreateContext,
    Issued,
    Outcome,
    PluginFailedError,
    Secret,
    SendRefused,
    VerifyContext,
    checked_settings,
    typed_code,
)
from authflow_otp.answers import code_of
from authflow_otp.delivering import deliver, repeat, shown_destination
from authflow_otp.destinations import destination
from authflow_otp.messages import LONGEST_PURPOSE, CodeMessage, Templates, whole_minutes
from authflow_otp.senders import Sender
from authflow_otp.settings import (
    REMEMBERED,
    check_life,
    check_sending,
    having,
    is_pace,
    is_purpose,
    is_yes_or_no,
    within,
)

if TYPE_CHECKING:
    from authflow.triggers import Limits

RESEND: Final = "resend"
"""The answer that asks for another message."""

LEAST_DIGITS: Final = 6
MOST_DIGITS: Final = 10
SHORTEST_LIFE: Final = 60
LONGEST_LIFE: Final = 540
"""The longest life of a code, in seconds."""

_ASKED: Final = b"asked"
"""The note that another message was asked for."""
_SPENT: Final = b"spent"
"""The note that another sign-in has used the code, so that this one needs a new code."""
_NOTHING: Final = b"nothing"
_TOO_LATE: Final = 60.0
"""The fewest seconds left with which a code is sent again; with fewer it is replaced."""


@frozen(kw_only=True)
class _Code:
    """A code, with its names and its end.

    Args:
        digits: The code itself.
        issue: Names it: sign-ins that have the same code have the same name for it.
        sign_in: Names the sign-in.
        message: Names the message that was sent last.
        until: When it expires, in seconds since the epoch.
    """

    digits: Secret[str]
    issue: str
    sign_in: str
    message: str
    until: float

    @classmethod
    def opened(cls, state: Secret[bytes]) -> Self:
        kept = json.loads(state.reveal())
        return cls(**{**kept, "digits": Secret(kept["digits"])})

    def state(self) -> Secret[bytes]:
        return Secret(json.dumps({**self._names(), "digits": self.digits.reveal()}).encode())

    def private(self) -> dict[str, str]:
        names = self._names()
        return {**names, "until": repr(names["until"]), "digits": self.digits.reveal()}

    def _names(self) -> dict[str, Any]:
        return {
            "issue": self.issue,
            "sign_in": self.sign_in,
            "message": self.message,
            "until": self.until,
        }


def _as_templates(value: Any) -> Templates:
    return value if isinstance(value, Templates) else Templates(value)


@checked_settings
@frozen(kw_only=True)
class Otp:
    """A code of some digits, sent by e-mail or SMS, to be typed.

    Public parameters: `destination` (masked), `medium` (EMAIL or SMS), `digits`, `expiresIn`
    (seconds), `sent` ("true" if a message was sent for this attempt), `resend` (the answer that
    asks for the message again, at the price of an attempt) and, if none could be sent,
    `retryAfter` (seconds).

    Args:
        sender: Sends the messages, and decides by its medium where to.
        purpose: What the code is for, in the words of the message: the service's name.
        digits: How many digits the code has.
        life: For how many seconds it is good.
        templates: The texts of further languages, or other texts for built-in ones.
        language: The language for users whose `locale` has no template.
        pace: How many seconds it takes at least when a message is due, whether or not one is
            sent: a quick answer would tell that a user does not exist. Take what the sender
            takes on a slow day.
        hint: Whether an address's first letters or a number's last digits are shown. Where users
            sign in by addresses that are not their usernames, whoever types one can compare them
            with it: the event does not say what was typed, so no stand-in can be made of that.

    Raises:
        ConfigError: A setting is out of bounds.
    """

    name: ClassVar[str] = "otp"
    metadata: ClassVar[str] = "OTP_CHALLENGE"
    interface: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("limits", "keys")
    sends_to: ClassVar[tuple[str, ...]] = ("email", "phone_number")
    conformance: ClassVar[str] = "authflow_otp.conformance:OtpSuite"

    sender: Sender = field(
        validator=having("send"), metadata={"doc": "sends the messages: an object from the code"}
    )
    purpose: str = field(
        validator=is_purpose,
        metadata={"doc": "what the code is for: the service's name", "maxLength": LONGEST_PURPOSE},
    )
    digits: int = field(
        default=6,
        validator=within(LEAST_DIGITS, MOST_DIGITS),
        metadata={
            "doc": "how many digits a code has",
            "minimum": LEAST_DIGITS,
            "maximum": MOST_DIGITS,
        },
    )
    life: int = field(
        default=300,
        validator=within(SHORTEST_LIFE, LONGEST_LIFE),
        metadata={
            "doc": "for how many seconds a code is good",
            "minimum": SHORTEST_LIFE,
            "maximum": LONGEST_LIFE,
        },
    )
    templates: Templates = field(
        factory=Templates,
        converter=_as_templates,
        metadata={"doc": "a mapping of languages to `Template`s, beside en, de, fr and es"},
    )
    language: str = field(
        default="en", metadata={"doc": "the language for users whose `locale` has no template"}
    )
    pace: float = field(
        default=1.0,
        validator=is_pace,
        metadata={
            "doc": "seconds that it takes at least, with or without a message",
            "minimum": 0,
            "maximum": 3,
        },
    )

    hint: bool = field(
        default=True,
        validator=is_yes_or_no,
        metadata={"doc": "whether an address's first letters or a number's last digits are shown"},
    )

    def __attrs_post_init__(self) -> None:
        check_sending(self)

    def check_limits(self, limits: "Limits") -> None:
        """Check that no code is valid for longer than NIST allows.

        Args:
            limits: Those of the triggers.

        Raises:
            ConfigError: With their cool-down it may be.
        """
        check_life(self, limits, renewed=True)

    async def create(self, context: CreateContext) -> Issued:
        """Draw a code and send it; at a later attempt, only if the user asked for that.

        Raises:
            MisuseError: There are no limits.
            StateError: Nobody knows what is allowed.
        """
        medium = self.sender.medium
        ready_at = anyio.current_time() + self.pace
        digits, issue = context.randomness.digits(self.digits), context.randomness.octets(16).hex()
        fresh = _Code(
            digits=Secret(digits),
            issue=issue,
            sign_in=secrets.token_hex(16),
            message=context.randomness.octets(16).hex(),
            until=context.now + self.life,
        )
        code, due = await self._current(context, fresh)
        to = destination(medium, context.user_attributes)
        message = self._message(context, to, code)
        sender, by = self.sender, self.name
        verdict = None
        if due:
            verdict = await deliver(context, to, message, sender=sender, by=by, named=fresh.message)
        if isinstance(verdict, Admitted | AlreadySent):
            code = evolve(code, message=fresh.message)
        elif context.now < code.until:
            await repeat(context, to, message, sender=sender, by=by, named=code.message)
        await anyio.sleep_until(ready_at)
        public = {
            "destination": await shown_destination(context, medium, to, hint=self.hint),
            "medium": medium.value,
            "digits": str(self.digits),
            "expiresIn": str(self._left(context, code)),
            "sent": "true" if isinstance(verdict, Admitted | AlreadySent) else "false",
            "resend": RESEND,
        }
        if isinstance(verdict, SendRefused):
            public["retryAfter"] = str(math.ceil(verdict.retry_after))
        reachable = "false" if to is None or context.user_not_found else "true"
        return Issued(
            public=public,
            private={**code.private(), "reachable": reachable},
            state=code.state(),
        )

    async def verify(self, context: VerifyContext) -> Outcome:
        """Compare the answer in constant time, or record that another message was asked for.

        Raises:
            PluginFailedError: The private parameters are not those of this plugin.
            StateError: Nobody knows whether the code was used.
        """
        try:
            code, until = context.private["digits"], float(context.private["until"])
            issue, sign_in = context.private["issue"], context.private["sign_in"]
            reachable = context.private["reachable"] == "true"
        except (KeyError, ValueError):
            msg = "otp: the private challenge parameters are not those that create() made"
            raise PluginFailedError(msg) from None
        typed = typed_code(context.answer).lower().encode("utf-8", "replace")
        if hmac.compare_digest(typed, RESEND.encode()):
            await self._note(context, sign_in, context.attempt, _ASKED)
            return Outcome.retry("the message is asked for again")
        right = hmac.compare_digest(code_of(context.answer).encode(), code.encode())
        if not right:
            return Outcome.retry("a wrong code")
        if context.now >= until:
            return Outcome.retry("the code has expired")
        if not reachable or context.user_not_found:
            return Outcome.retry("the code was sent to nobody")
        # The triggers know a code by its attempt, and this one may be valid in several: what is
        # used up is this very code, whatever sign-ins share.
        if not await context.claim("code", issue, seconds=REMEMBERED):
            await self._note(context, sign_in, context.attempt, _SPENT)
            return Outcome.retry("the code was used in another sign-in")
        return Outcome.passed(claimed=True)

    async def _current(self, context: CreateContext, fresh: _Code) -> tuple[_Code, bool]:
        """Return the code of this attempt, and whether a message is due."""
        if context.attempt == 1 or context.state is None:
            return fresh, True
        code = _Code.opened(context.state)
        note = await self._note(context, code.sign_in, context.attempt - 1, _NOTHING)
        left = code.until - context.now
        if note == _SPENT or left <= 0 or (note == _ASKED and left < _TOO_LATE):
            return fresh, True
        return code, note == _ASKED

    async def _note(
        self, context: CreateContext | VerifyContext, sign_in: str, attempt: int, note: bytes
    ) -> bytes:
        """Store a note for the next attempt, unless there is one, and return the stored note.

        Verify writes before Create does, so Create finds what Verify wrote, and all its runs do.
        """
        return await context.once("asked", sign_in, str(attempt), value=note, seconds=REMEMBERED)

    def _left(self, context: CreateContext, code: _Code) -> int:
        """Return the seconds that a code is still good, at most its life: clocks are set back."""
        return min(self.life, max(0, math.ceil(code.until - context.now)))

    def _message(self, context: CreateContext, to: str | None, code: _Code) -> CodeMessage:
        return self.templates.written(
            destination=to or "",
            code=code.digits,
            language=self.templates.language(
                context.user_attributes.get("locale", ""), self.language
            ),
            minutes=whole_minutes(self._left(context, code)),
            purpose=self.purpose,
        )
