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
from authflow.triggers.events.message_events import FORGOT_PASSWORD, CustomMessageEvent
from authflow.triggers.events.trigger_replies import MessageReply

_CODE: Final = "{####}"
_LINK: Final = "{##Click Here##}"
_TEXT: Final = f"Your password reset code is {_CODE}."
_SUBJECT: Final = "Your password reset code"
_WELCOME_SUBJECT: Final = "Your account"


def _settings(pool: UserPool) -> MessageReply:
    """Return the texts in the pool's settings, in their newer or older form.

    A password is reset by a verification message ("Configuring MFA, authentication, verification
    and invitation messages" in the developer guide).
    """
    template, older = pool.settings.get("VerificationMessageTemplate") or {}, pool.settings
    return MessageReply(
        sms=template.get("SmsMessage") or older.get("SmsVerificationMessage"),
        email=template.get("EmailMessage") or older.get("EmailVerificationMessage"),
        subject=template.get("EmailSubject") or older.get("EmailVerificationSubject"),
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
        pool, own = occasion.pool, MessageReply()
        if self.ground.triggers.serves(pool, CustomMessageEvent.trigger):
            event = CustomMessageEvent(
                **occasion.members,
                source=FORGOT_PASSWORD,
                code_parameter=_CODE,
                link_parameter=_LINK,
                user_not_found=user_not_found,
            )
            own = await self.ground.triggers.consult(pool, event)
        settings, by_email = _settings(pool), destination.medium == "EMAIL"
        text = (own.email or settings.email if by_email else own.sms or settings.sms) or _TEXT
        if _CODE not in text:
            raise invalid_trigger_result()
        subject = own.subject or settings.subject or _SUBJECT
        return _worded(user, destination, code, now, text=text, subject=subject)

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


def _worded(
    user: User, destination: Destination, code: Secret[str], now: float, *, text: str, subject: str
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
