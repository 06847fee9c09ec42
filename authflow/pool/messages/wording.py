"""How messages are worded: by the pool's settings, or by its CustomMessage trigger."""

from collections.abc import Mapping
from typing import Any, Final

from attrs import define

from authflow.pool.accounts.user_pools import UserPool
from authflow.pool.accounts.users import User
from authflow.pool.cognito_errors import invalid_trigger_result
from authflow.pool.messages.destination import Destination
from authflow.pool.messages.mailbox import Message
from authflow.pool.triggers.runner import TriggerRunner
from authflow.pool.triggers.trigger_events import EventWriter
from authflow.secret import Secret

CUSTOM_MESSAGE: Final = "CustomMessage"
_CODE: Final = "{####}"
_TEXT: Final = f"Your password reset code is {_CODE}."
_SUBJECT: Final = "Your password reset code"
_WELCOME_SUBJECT: Final = "Your account"


def _settings(pool: UserPool) -> Mapping[str, str | None]:
    """Give the texts that the pool's settings have, in their newer form or the older one.

    A password is reset by a verification message ("Configuring MFA, authentication, verification
    and invitation messages" in the developer guide).
    """
    template = pool.settings.get("VerificationMessageTemplate") or {}
    return {
        "smsMessage": template.get("SmsMessage") or pool.settings.get("SmsVerificationMessage"),
        "emailMessage": template.get("EmailMessage")
        or pool.settings.get("EmailVerificationMessage"),
        "emailSubject": template.get("EmailSubject")
        or pool.settings.get("EmailVerificationSubject"),
    }


def _text(response: Mapping[str, Any], name: str) -> str | None:
    value = response.get(name)
    if not isinstance(value, str | None):
        raise invalid_trigger_result()
    return value or None


def welcome(user: User, destination: Destination, now: float) -> Message:
    """Word the message to a user who was brought in."""
    return Message(
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
    """Words the messages that carry codes.

    Args:
        triggers: Runs CustomMessage.
    """

    triggers: TriggerRunner

    async def reset(
        self,
        writer: EventWriter,
        user: User,
        destination: Destination,
        code: Secret[str],
        now: float,
    ) -> Message:
        """Word the message with the code that resets a password.

        Args:
            writer: Writes the trigger's event.
            user: The user.
            destination: Where it goes.
            code: The code, which the trigger does not learn.
            now: Seconds since the epoch.

        Raises:
            CognitoError: The trigger refused or failed, or its text leaves the code out.
        """
        pool = writer.pool
        texts = dict(_settings(pool))
        if self.triggers.serves(pool, CUSTOM_MESSAGE):
            event = writer.custom_message("ForgotPassword", _CODE)
            response = await self.triggers.consult(pool, CUSTOM_MESSAGE, event)
            texts |= {name: _text(response, name) or texts[name] for name in texts}
        by_email = destination.medium == "EMAIL"
        text = texts["emailMessage" if by_email else "smsMessage"] or _TEXT
        if _CODE not in text:
            raise invalid_trigger_result()
        return Message(
            pool_id=pool.id,
            username=user.username,
            medium=destination.medium,
            destination=destination.address,
            subject=(texts["emailSubject"] or _SUBJECT) if by_email else None,
            text=Secret(text.replace(_CODE, code.reveal())),
            code=code,
            sent_at=now,
        )
