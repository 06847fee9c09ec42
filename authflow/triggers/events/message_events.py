"""The events of messages: their wording, and their delivery by the owner's sender.

Sources: "Custom message", "Custom email sender" and "Custom SMS sender Lambda trigger" in the
Amazon Cognito developer guide; the sizes are those of EmailVerificationMessageType,
EmailVerificationSubjectType and SmsVerificationMessageType in the API's model.
"""

import base64
import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from attrs import field, frozen

from authflow.errors import MisuseError
from authflow.secret import Secret
from authflow.triggers.events.envelope import EventObject, HandledEvent
from authflow.unframed import whole

if TYPE_CHECKING:
    from authflow.aws.kms_key import KmsKey
    from authflow.triggers.events.trigger_replies import MessageReply

FORGOT_PASSWORD: Final = "CustomMessage_ForgotPassword"
SIGN_UP: Final = "CustomMessage_SignUp"
RESEND_CODE: Final = "CustomMessage_ResendCode"
ADMIN_CREATE_USER: Final = "CustomMessage_AdminCreateUser"
UPDATE_USER_ATTRIBUTE: Final = "CustomMessage_UpdateUserAttribute"
VERIFY_USER_ATTRIBUTE: Final = "CustomMessage_VerifyUserAttribute"
AUTHENTICATION: Final = "CustomMessage_Authentication"

POOL_IN_CONTEXT: Final = "userpool-id"
"""The member of a code's encryption context that names the user pool, as Cognito sends it."""

_SIZES: Final[Mapping[str, tuple[int, int]]] = {
    "sms": (6, 140),
    "email": (6, 20_000),
    "subject": (1, 140),
}
_LINK: Final = ("{##", "##}")
"""The marks around the text of a confirmation link; the text is the author's."""


@whole
@frozen(kw_only=True)
class CustomMessage:
    """The texts of a message; None keeps the pool's own.

    Args:
        sms: The text message, 6 to 140 characters. It holds the event's placeholders.
        email: The email, 6 to 20,000 characters of HTML. It holds the event's placeholders.
        subject: The email's subject, 1 to 140 characters.

    Raises:
        MisuseError: Something is not a string, or not of its size.
    """

    sms: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    subject: str | None = field(default=None, repr=False)

    def __attrs_post_init__(self) -> None:
        for name, (least, most) in _SIZES.items():
            text = getattr(self, name)
            if text is None:
                continue
            if not isinstance(text, str) or not least <= len(text) <= most:
                msg = f"CustomMessage: {name} is a string of {least} to {most} characters"
                raise MisuseError(msg)


@frozen(kw_only=True)
class CustomMessageEvent(HandledEvent):
    """Cognito is about to send a message. A handler may return a `CustomMessage`.

    Args:
        code_parameter: The placeholder of the code or temporary password, such as "{####}".
        username_parameter: The placeholder of the username, in an administrator's invitation.
        link_parameter: The placeholder of a link that confirms, such as "{##Click here##}".
        user_not_found: The embedded pool hides that this user does not exist: nothing is sent.
            Cognito does not tell whether it asks then, and its events lack the member.
    """

    trigger = "CustomMessage"
    sources: ClassVar[tuple[str, ...]] = (
        SIGN_UP,
        ADMIN_CREATE_USER,
        RESEND_CODE,
        FORGOT_PASSWORD,
        UPDATE_USER_ATTRIBUTE,
        VERIFY_USER_ATTRIBUTE,
        AUTHENTICATION,
    )
    gives: ClassVar[type | None] = CustomMessage

    code_parameter: str | None
    username_parameter: str | None = None
    link_parameter: str | None = None
    user_not_found: bool = False

    @classmethod
    def _members(cls, event: EventObject) -> dict[str, Any]:
        request = event.object_or_empty("request")
        return {
            **super()._members(event),
            "code_parameter": request.optional_text("codeParameter"),
            "username_parameter": request.optional_text("usernameParameter"),
            "link_parameter": request.optional_text("linkParameter"),
            "user_not_found": request.optional_flag("userNotFound"),
        }

    def _request(self) -> dict[str, Any]:
        return {
            **super()._request(),
            "codeParameter": self.code_parameter,
            "linkParameter": self.link_parameter,
            "usernameParameter": self.username_parameter,
            **({"userNotFound": True} if self.user_not_found else {}),
        }

    def _blank(self) -> dict[str, Any]:
        return _spelled(CustomMessage())

    def read_reply(self, given: object) -> "MessageReply":
        """Read the message's texts; an empty text counts as none."""
        from authflow.triggers.events.trigger_replies import MessageReply  # noqa: PLC0415  # only who asks reads

        reply = self._replied(given)
        return MessageReply(
            sms=reply.optional_text("smsMessage") or None,
            email=reply.optional_text("emailMessage") or None,
            subject=reply.optional_text("emailSubject") or None,
        )

    def _response(self, result: CustomMessage | None) -> Mapping[str, Any]:
        message = result or CustomMessage()
        for name, text in (("sms", message.sms), ("email", message.email)):
            if text is not None:
                self._check_placeholders(name, text)
        return _spelled(message)

    def _check_placeholders(self, name: str, text: str) -> None:
        """Refuse a text without the code or link for which the message is sent."""
        linked = self.link_parameter is not None and name == "email" and _has_link(text)
        needed = [] if linked or not self.code_parameter else [self.code_parameter]
        if self.username_parameter and self.source == ADMIN_CREATE_USER:
            needed.append(self.username_parameter)
        for placeholder in needed:
            if placeholder not in text:
                msg = f"the {name} message must hold {placeholder}"
                raise MisuseError(msg)


def _spelled(message: CustomMessage) -> dict[str, Any]:
    return {
        "smsMessage": message.sms,
        "emailMessage": message.email,
        "emailSubject": message.subject,
    }


def _has_link(text: str) -> bool:
    start, end = _LINK
    return end in text.partition(start)[2]


@frozen(kw_only=True)
class _SenderEvent(HandledEvent):
    """The base of the two events in which the owner's sender delivers a message.

    Cognito does not wait for it, and takes no answer.

    Args:
        code: The code or temporary password, as the ciphertext of the AWS Encryption SDK in base64.
            None where the message has none.
    """

    request_type: ClassVar[str]
    """Cognito's name for the form of the request."""
    escaped: ClassVar[frozenset[str]] = frozenset()
    """The triggerSources whose code is a temporary password that Cognito has HTML-escaped."""

    code: Secret[str] | None = field(hash=False)

    @classmethod
    def _members(cls, event: EventObject) -> dict[str, Any]:
        code = event.object_or_empty("request").optional_text("code")
        return {**super()._members(event), "code": None if code is None else Secret(code)}

    def _request(self) -> dict[str, Any]:
        code = None if self.code is None else self.code.reveal()
        return {
            "type": self.request_type,
            "code": code,
            "clientMetadata": None,  # as Cognito writes it where there is none
            **super()._request(),
        }

    async def decrypted_code(self, key: "KmsKey") -> Secret[str] | None:
        """Return the code or temporary password as the user is to get it.

        Args:
            key: The key that the pool's KMSKeyID names. It needs the extra `custom-senders`.

        Returns:
            The code; None where the message has none.

        Raises:
            ConfigError: The extra is not installed.
            KeysUnavailableError: KMS refuses, or cannot be asked.
            SealError: It was not encrypted for this event's user pool under this key.
        """
        if self.code is None:
            return None
        try:
            message = base64.b64decode(self.code.reveal(), validate=True)
        except ValueError:
            message = b""  # which no key has encrypted
        plain = await key.decrypt(message, {POOL_IN_CONTEXT: self.user_pool_id})
        return Secret(html.unescape(plain.reveal())) if self.source in self.escaped else plain

    def _blank(self) -> None:
        return None

    def read_reply(self, given: object) -> None:
        """Accept any reply: Cognito does not wait for one."""


@frozen(kw_only=True)
class CustomEmailSenderEvent(_SenderEvent):
    """An email is to be delivered."""

    trigger = "CustomEmailSender"
    sources: ClassVar[tuple[str, ...]] = (
        "CustomEmailSender_SignUp",
        "CustomEmailSender_Authentication",
        "CustomEmailSender_ForgotPassword",
        "CustomEmailSender_ResendCode",
        "CustomEmailSender_UpdateUserAttribute",
        "CustomEmailSender_VerifyUserAttribute",
        "CustomEmailSender_AdminCreateUser",
        "CustomEmailSender_AccountTakeOverNotification",
    )
    request_type = "customEmailSenderRequestV1"
    escaped = frozenset({"CustomEmailSender_AdminCreateUser"})


@frozen(kw_only=True)
class CustomSMSSenderEvent(_SenderEvent):
    """A text message is to be delivered."""

    trigger = "CustomSMSSender"
    sources: ClassVar[tuple[str, ...]] = (
        "CustomSMSSender_SignUp",
        "CustomSMSSender_Authentication",
        "CustomSMSSender_ForgotPassword",
        "CustomSMSSender_ResendCode",
        "CustomSMSSender_UpdateUserAttribute",
        "CustomSMSSender_VerifyUserAttribute",
        "CustomSMSSender_AdminCreateUser",
    )
    request_type = "customSMSSenderRequestV1"
