"""The texts of messages: from the pool's settings, or from its CustomMessage trigger."""

import html
import re
from collections.abc import Callable
from typing import Final

from attrs import define

from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User
from authflow.pool.cognito_errors import invalid_trigger_result
from authflow.pool.ground import Ground
from authflow.pool.messages.destination import Destination
from authflow.pool.messages.invitations import invited_name
from authflow.pool.messages.mailbox import SentMessage
from authflow.pool.triggers.occasion import Occasion
from authflow.secret import Secret
from authflow.triggers.events.message_events import (
    ADMIN_CREATE_USER,
    AUTHENTICATION,
    FORGOT_PASSWORD,
    CustomMessageEvent,
)
from authflow.triggers.events.trigger_replies import MessageReply

_CODE: Final = "{####}"
_LINK: Final = "{##Click Here##}"
_INVITED: Final = re.compile(r"\{username\}|\{####\}")
_LINK_FORM: Final = re.compile(r"\{##(?!##\})(.+?)##\}", re.DOTALL)  # and not the code's
_TEXT: Final = f"Your password reset code is {_CODE}."
_SUBJECT: Final = "Your password reset code"
_VERIFICATION_TEXT: Final = f"Your verification code is {_CODE}."
_VERIFICATION_SUBJECT: Final = "Your verification code"
_LINK_TEXT: Final = f"Please confirm your address: {_LINK}"
_LINK_SUBJECT: Final = "Your verification link"
_MFA_TEXT: Final = f"Your authentication code is {_CODE}."
_MFA_SUBJECT: Final = "Your authentication code"
_USERNAME: Final = "{username}"
_INVITATION_TEXT: Final = f"Your username is {_USERNAME} and your temporary password is {_CODE}"
_INVITATION_SUBJECT: Final = "Your temporary password"
_WELCOME_SUBJECT: Final = "Your account"


def _settings(pool: UserPool, text: str, subject: str) -> MessageReply:
    """Return the texts in the pool's settings, in their newer or older form, or its own words.

    A password is reset by a verification message ("Configuring MFA, authentication, verification
    and invitation messages" in the developer guide).

    Args:
        pool: The user pool.
        text: The text where the pool has none.
        subject: The subject where the pool has none.
    """
    template, older = pool.settings.get("VerificationMessageTemplate") or {}, pool.settings
    return MessageReply(
        sms=template.get("SmsMessage") or older.get("SmsVerificationMessage") or text,
        email=template.get("EmailMessage") or older.get("EmailVerificationMessage") or text,
        subject=template.get("EmailSubject") or older.get("EmailVerificationSubject") or subject,
    )


def confirms_by_link(pool: UserPool) -> bool:
    """Return whether the e-mails that confirm a sign-up have a link in place of the code."""
    template = pool.settings.get("VerificationMessageTemplate") or {}
    return bool(template.get("DefaultEmailOption") == "CONFIRM_WITH_LINK")


def _link_settings(pool: UserPool) -> MessageReply:
    """Return the texts for links, and for codes by text message; see `_settings`."""
    template = pool.settings.get("VerificationMessageTemplate") or {}
    return MessageReply(
        sms=_settings(pool, _VERIFICATION_TEXT, _VERIFICATION_SUBJECT).sms,
        email=template.get("EmailMessageByLink") or _LINK_TEXT,
        subject=template.get("EmailSubjectByLink") or _LINK_SUBJECT,
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


def _invitation_settings(pool: UserPool) -> MessageReply:
    """Return the texts of invitations; see `_settings`."""
    config = pool.settings.get("AdminCreateUserConfig") or {}
    template = config.get("InviteMessageTemplate") or {}
    return MessageReply(
        sms=template.get("SMSMessage") or _INVITATION_TEXT,
        email=template.get("EmailMessage") or _INVITATION_TEXT,
        subject=template.get("EmailSubject") or _INVITATION_SUBJECT,
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
        settings = _settings(occasion.pool, _TEXT, _SUBJECT)
        own = await self._own(occasion, FORGOT_PASSWORD, user_not_found=user_not_found)
        text, subject = _chosen(own, settings, destination.medium)
        return _worded(user, destination, code, now, text=text, subject=subject)

    async def verification(
        self,
        occasion: Occasion,
        user: User,
        destination: Destination,
        code: Secret[str],
        now: float,
        *,
        source: str,
        link: Secret[str] | None = None,
        user_not_found: bool = False,
    ) -> SentMessage:
        """Return the message with the code that verifies an address; see `reset`.

        Args:
            occasion: Who asked for it.
            user: The user.
            destination: Where it goes: the address that is verified.
            code: The code.
            now: Seconds since the epoch.
            source: The triggerSource by which the trigger is asked.
            link: The address that confirms by itself, for an e-mail in a pool that wants it.
            user_not_found: As in `reset`.

        Raises:
            CognitoError: As `reset`; a link will do in place of the code, where there is one.
        """
        link = link if destination.medium == "EMAIL" else None
        settings = (
            _settings(occasion.pool, _VERIFICATION_TEXT, _VERIFICATION_SUBJECT)
            if link is None
            else _link_settings(occasion.pool)
        )
        own = await self._own(occasion, source, user_not_found=user_not_found)
        text, subject = _chosen(own, settings, destination.medium, linked=link is not None)
        if link is not None:
            text = _LINK_FORM.sub(_anchor(link), text)
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

    async def invitation(
        self,
        occasion: Occasion,
        user: User,
        destination: Destination,
        password: Secret[str],
        now: float,
    ) -> SentMessage | None:
        """Return the message that invites a user; see `reset`.

        Args:
            occasion: Who asked for it.
            user: The user.
            destination: Where it goes.
            password: The temporary password, which the trigger does not learn.
            now: Seconds since the epoch.

        Returns:
            The message; None where the pool's own text leaves the password out, and is not
            delivered ("AdminCreateUser" in the API reference).

        Raises:
            CognitoError: The trigger refused or failed, or its text leaves the username or the
                password out.
        """
        by_email = destination.medium == "EMAIL"
        own = await self._own(occasion, ADMIN_CREATE_USER, invites=True)
        worded = own.email if by_email else own.sms
        if worded and not (_CODE in worded and _USERNAME in worded):
            raise invalid_trigger_result()
        settings = _invitation_settings(occasion.pool)
        text = worded or (settings.email if by_email else settings.sms) or ""
        if _CODE not in text:
            return None
        values = {_USERNAME: invited_name(occasion.pool, user), _CODE: password.reveal()}
        if by_email:  # which is HTML
            values = {placeholder: html.escape(value) for placeholder, value in values.items()}
        # At one go: a name may look like a placeholder.
        text = _INVITED.sub(lambda placeholder: values[placeholder[0]], text)
        return SentMessage(
            pool_id=user.pool_id,
            username=user.username,
            medium=destination.medium,
            destination=destination.address,
            subject=(own.subject or settings.subject) if by_email else None,
            text=Secret(text),
            code=password,
            sent_at=now,
        )

    async def _own(
        self,
        occasion: Occasion,
        source: str,
        *,
        user_not_found: bool = False,
        invites: bool = False,
    ) -> MessageReply:
        """Return the texts of the pool's trigger; none if it has no such trigger."""
        pool = occasion.pool
        if not self.ground.triggers.serves(pool, CustomMessageEvent.trigger):
            return MessageReply()
        event = CustomMessageEvent(
            **occasion.members,
            source=source,
            code_parameter=_CODE,
            username_parameter=_USERNAME if invites else None,
            link_parameter=None if invites else _LINK,
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


def _anchor(link: Secret[str]) -> Callable[[re.Match[str]], str]:
    """Return what puts a link around its words. An e-mail is HTML, so that it is escaped."""
    return lambda words: f'<a href="{html.escape(link.reveal())}">{words[1]}</a>'


def _chosen(
    own: MessageReply, settings: MessageReply, medium: str, *, linked: bool = False
) -> tuple[str, str | None]:
    """Return the text and the subject: the trigger's, or else those of the settings.

    Raises:
        CognitoError: The text leaves the code out, and a link, too, if there is one.
    """
    by_email = medium == "EMAIL"
    text = (own.email or settings.email) if by_email else (own.sms or settings.sms)
    if text is None or not (_CODE in text or (linked and _LINK_FORM.search(text))):
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
