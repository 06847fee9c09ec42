"""The texts of messages: from the pool's settings, or from its CustomMessage trigger."""

from typing import Final

from attrs import define

from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User
from authflow.pool.cognito_errors import invalid_trigger_result
from authflow.pool.ground import Ground
from authflow.pool.messages.destination import Destination
from authflow.pool.messages.mailbox import SentMessage
from authflow.pool.triggers.occasion import Occasion
from authflow.secret import Secret
from authflow.triggers.events.message_events import (
    AUTHENTICATION,
    FORGOT_PASSWORD,
    CustomMessageEvent,
)
from authflow.triggers.events.trigger_replies import MessageReply

_CODE: Final = "{####}"
_LINK: Final = "{##Click Here##}"
_TEXT: Final = f"Your password reset code is {_CODE}."
_SUBJECT: Final = "Your password reset code"
_MFA_TEXT: Final = f"Your authentication code is {_CODE}."
_MFA_SUBJECT: Final = "Your authentication code"
_WELCOME_SUBJECT: Final = "Your account"


def _settings(pool: UserPool) -> MessageReply:
    """Return the texts in the pool's settings, in their newer or older form, or its own words.

    A password is reset by a verification message ("Configuring MFA, authentication, verification
    and invitation messages" in the developer guide).
    """
    template, older = pool.settings.get("VerificationMessageTemplate") or {}, pool.settings
    return MessageReply(
        sms=template.get("SmsMessage") or older.get("SmsVerificationMessage") or _TEXT,
        email=template.get("EmailMessage") or older.get("EmailVerificationMessage") or _TEXT,
        subject=template.get("EmailSubject") or older.get("EmailVerificationSubject") or _SUBJECT,
    )


def _mfa_settings(pool: UserPool) -> MessageReply:
    """Return the texts for codes that are second factors; see `_settings`.

    Source: SetUserPoolMfaConfig and SmsAuthenticationMessage of CreateUserPool in the API
    reference.
    """
    sms, email = (
        pool.settings.get(name) or {} for name in ("SmsMfaConfiguration", "EmailMfaConfiguration")
    )
    member = "SmsAuthenticationMessage"
    return MessageReply(
        sms=sms.get(member) or pool.settings.get(member) or _MFA_TEXT,
        email=email.get("Message") or _MFA_TEXT,
        subject=email.get("Subject") or _MFA_SUBJECT,
    )


def welcome(user: User, destination: Destination, now: float) -> SentMessage:
    """Return the message to a user who was migrated."""
    return SentMessage(
        pool_id=user.pool_id,
        username=user.username,
        medium=destination.medium,
        destination=destination.address,
        subject=_WELCOME_SUBJECT if destination.medium == "EMAIL" else None,
        text=Secret(f"Your account is ready. Your username is {user.username}."),
        sent_at=now,
    )


@define(kw_only=True)
class Wording:
    """Writes the messages that carry codes.

    Args:
        ground: The parts that all services share.
    """

    ground: Ground

    async def reset(
        self,
        occasion: Occasion,
        user: User,
        destination: Destination,
        code: Secret[str],
        now: float,
        *,
        user_not_found: bool = False,
    ) -> SentMessage:
        """Return the message with the code that resets a password.

        Args:
            occasion: Who asked for it.
            user: The user.
            destination: Where it goes.
            code: The code, which the trigger does not learn.
            now: Seconds since the epoch.
            user_not_found: The user stands for one who does not exist: the trigger is told so.

        Raises:
            CognitoError: The trigger refused or failed, or its text leaves the code out.
        """
        settings = _settings(occasion.pool)
        own = await self._own(occasion, FORGOT_PASSWORD, user_not_found=user_not_found)
        text, subject = _chosen(own, settings, destination.medium)
        return _worded(user, destination, code, now, text=text, subject=subject)

    async def authentication(
        self,
        occasion: Occasion,
        user: User,
        destination: Destination,
        code: Secret[str],
        now: float,
    ) -> SentMessage:
        """Return the message with the code that is a second factor; see `reset`.

        Args:
            occasion: Whose sign-in it is.
            user: The user.
            destination: Where it goes.
            code: The code.
            now: Seconds since the epoch.

        Raises:
            CognitoError: As `reset`.
        """
        settings = _mfa_settings(occasion.pool)
        own = await self._own(occasion, AUTHENTICATION)
        text, subject = _chosen(own, settings, destination.medium)
        return _worded(user, destination, code, now, text=text, subject=subject)

    async def _own(
        self, occasion: Occasion, source: str, *, user_not_found: bool = False
    ) -> MessageReply:
        """Return the texts of the pool's trigger; none if it has no such trigger."""
        pool = occasion.pool
        if not self.ground.triggers.serves(pool, CustomMessageEvent.trigger):
            return MessageReply()
        event = CustomMessageEvent(
            **occasion.members,
            source=source,
            code_parameter=_CODE,
            link_parameter=_LINK,
            user_not_found=user_not_found,
        )
        return await self.ground.triggers.consult(pool, event)

    def plain(
        self, user: User, destination: Destination, code: Secret[str], now: float
    ) -> SentMessage:
        """Return the same message in the pool's own words.

        Args:
            user: The user.
            destination: Where it goes.
            code: The code.
            now: Seconds since the epoch.
        """
        return _worded(user, destination, code, now, text=_TEXT, subject=_SUBJECT)


def _chosen(own: MessageReply, settings: MessageReply, medium: str) -> tuple[str, str | None]:
    """Return the text and the subject: the trigger's, or else those of the settings.

    Raises:
        CognitoError: The text leaves the code out.
    """
    by_email = medium == "EMAIL"
    text = (own.email or settings.email) if by_email else (own.sms or settings.sms)
    if text is None or _CODE not in text:
        raise invalid_trigger_result()
    return text, own.subject or settings.subject


def _worded(
    user: User,
    destination: Destination,
    code: Secret[str],
    now: float,
    *,
    text: str,
    subject: str | None,
) -> SentMessage:
    return SentMessage(
        pool_id=user.pool_id,
        username=user.username,
        medium=destination.medium,
        destination=destination.address,
        subject=subject if destination.medium == "EMAIL" else None,
        text=Secret(text.replace(_CODE, code.reveal())),
        code=code,
        sent_at=now,
    )
