"""The events of users who come into the pool: sign-up, its confirmation, and migration.

Sources: "Pre sign-up", "Post confirmation" and "Migrate user Lambda trigger parameters" in the
Amazon Cognito developer guide.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from attrs import field, fields, frozen

from authflow.errors import MisuseError, TriggerReplyError
from authflow.secret import Secret
from authflow.triggers.events.envelope import (
    UNTOLD,
    EventObject,
    HandledEvent,
    TriggerEvent,
    strings_member,
    validation_data,
)
from authflow.triggers.events.migrated_user import FinalStatus, MigratedUser
from authflow.unframed import whole

AUTHENTICATION: Final = "UserMigration_Authentication"
SIGN_UP: Final = "PreSignUp_SignUp"
ADMIN_CREATE_USER: Final = "PreSignUp_AdminCreateUser"
CONFIRM_SIGN_UP: Final = "PostConfirmation_ConfirmSignUp"
CONFIRM_FORGOT_PASSWORD: Final = "PostConfirmation_ConfirmForgotPassword"
FORGOT_PASSWORD: Final = "UserMigration_ForgotPassword"

_SUPPRESS: Final = "SUPPRESS"
"""The only value of messageAction. Without it, Cognito sends the welcome message."""


@frozen(kw_only=True)
class MigrationEvent(TriggerEvent):
    """Cognito asks for a user whom it does not know.

    Args:
        password: What the user typed. None where a password was forgotten.
        validation_data: What the client sent along with InitiateAuth.
        client_metadata: What the client sent along with later requests.
    """

    trigger = "UserMigration"
    sources: ClassVar[tuple[str, ...]] = (AUTHENTICATION, FORGOT_PASSWORD)

    password: Secret[str] | None = field(hash=False)
    validation_data: Mapping[str, str] = field(default=UNTOLD, repr=False, hash=False)
    client_metadata: Mapping[str, str] = field(default=UNTOLD, repr=False, hash=False)

    @classmethod
    def _members(cls, event: EventObject) -> dict[str, Any]:
        request = event.object_or_empty("request")
        forgotten = event.text("triggerSource") == FORGOT_PASSWORD
        return {
            **super()._members(event),
            "password": None if forgotten else Secret(request.text("password")),
            "validation_data": request.spelled_strings("validationData"),
            "client_metadata": request.spelled_strings("clientMetadata"),
        }

    def _request(self) -> dict[str, Any]:
        if (self.password is None) is not (self.source == FORGOT_PASSWORD):
            msg = f"MigrationEvent has a password, unless its source is {FORGOT_PASSWORD}"
            raise MisuseError(msg)
        return {
            "password": None if self.password is None else self.password.reveal(),
            **validation_data(self.validation_data),
            **strings_member("clientMetadata", self.client_metadata),
        }

    def _blank(self) -> dict[str, Any]:
        return dict.fromkeys(
            (
                *("userAttributes", "finalUserStatus", "messageAction"),
                *("desiredDeliveryMediums", "forceAliasCreation", "enableSMSMFA"),
            )
        )

    def migrated(self, user: MigratedUser) -> dict[str, Any]:
        """Return the event with the user for Cognito."""
        response: dict[str, Any] = {
            "userAttributes": dict(user.attributes),
            "finalUserStatus": str(user.status),
        }
        response["messageAction"] = None if user.send_welcome else _SUPPRESS
        if user.delivery_mediums:
            response["desiredDeliveryMediums"] = [str(medium) for medium in user.delivery_mediums]
        if user.force_alias_creation:
            response["forceAliasCreation"] = True
        if user.enable_sms_mfa:
            response["enableSMSMFA"] = True
        return self._filled(response)

    def read_reply(self, given: object) -> MigratedUser:
        """Read the user that the trigger returned.

        Source: "Migrate user Lambda trigger": attributes are required; a user without a status is
        confirmed.
        """
        reply = self._replied(given)
        attributes = reply.strings("userAttributes")
        if not attributes:
            raise reply.wrong("userAttributes", "an object with the user's attributes")
        action = reply.optional_text("messageAction")
        if action not in {None, _SUPPRESS}:
            raise reply.wrong("messageAction", f"{_SUPPRESS} or null")
        status = reply.optional_text("finalUserStatus")
        try:
            return MigratedUser(
                attributes=attributes,
                status=FinalStatus.CONFIRMED if status is None else status,
                send_welcome=action is None,
                delivery_mediums=reply.texts("desiredDeliveryMediums"),
                force_alias_creation=reply.optional_flag("forceAliasCreation"),
                enable_sms_mfa=reply.optional_flag("enableSMSMFA"),
            )
        except MisuseError as error:
            msg = f"{reply.path}: {error}"
            raise TriggerReplyError(msg) from None


@whole
@frozen(kw_only=True)
class SignUpDecision:
    """The decision about a user who signs up; ignored for users whom an administrator creates.

    Args:
        confirm: Confirm the user at once, without a code.
        verify_email: Take the email address for verified. The user must have one.
        verify_phone: Take the phone number for verified. The user must have one.

    Raises:
        MisuseError: Something is not a boolean.
    """

    confirm: bool = False
    verify_email: bool = False
    verify_phone: bool = False

    def __attrs_post_init__(self) -> None:
        for flag in fields(SignUpDecision):
            if not isinstance(getattr(self, flag.name), bool):
                msg = f"SignUpDecision: {flag.name} is True or False"
                raise MisuseError(msg)


@frozen(kw_only=True)
class PreSignUpEvent(HandledEvent):
    """A user signs up, is created by an administrator, or comes from another provider.

    A handler may give a `SignUpDecision`, and refuses the user by a `DeniedError`.

    Args:
        validation_data: What the client sent along for this trigger alone.
    """

    trigger = "PreSignUp"
    sources: ClassVar[tuple[str, ...]] = (
        SIGN_UP,
        ADMIN_CREATE_USER,
        "PreSignUp_ExternalProvider",
    )
    gives: ClassVar[type | None] = SignUpDecision

    validation_data: Mapping[str, str] = field(default=UNTOLD, repr=False, hash=False)

    @classmethod
    def _members(cls, event: EventObject) -> dict[str, Any]:
        validation_data = event.object_or_empty("request").spelled_strings("validationData")
        return {**super()._members(event), "validation_data": validation_data}

    def _request(self) -> dict[str, Any]:
        return {**super()._request(), **validation_data(self.validation_data)}

    def _blank(self) -> dict[str, Any]:
        return _spelled(SignUpDecision())

    def read_reply(self, given: object) -> SignUpDecision:
        """Read the decision about the user."""
        reply = self._replied(given)
        return SignUpDecision(
            confirm=reply.optional_flag("autoConfirmUser"),
            verify_email=reply.optional_flag("autoVerifyEmail"),
            verify_phone=reply.optional_flag("autoVerifyPhone"),
        )

    def _response(self, result: SignUpDecision | None) -> Mapping[str, Any]:
        decided = result or SignUpDecision()
        for verified, attribute in (
            (decided.verify_email, "email"),
            (decided.verify_phone, "phone_number"),
        ):
            # Cognito would fail the sign-up without telling why.
            if verified and not self.user_attributes.get(attribute):
                msg = f"{attribute} cannot be taken for verified: the user has none"
                raise MisuseError(msg)
        return _spelled(decided)


def _spelled(decided: SignUpDecision) -> dict[str, Any]:
    return {
        "autoConfirmUser": decided.confirm,
        "autoVerifyEmail": decided.verify_email,
        "autoVerifyPhone": decided.verify_phone,
    }


@frozen(kw_only=True)
class PostConfirmationEvent(HandledEvent):
    """A user has confirmed the sign-up, or has set a new password for a forgotten one."""

    trigger = "PostConfirmation"
    sources: ClassVar[tuple[str, ...]] = (CONFIRM_SIGN_UP, CONFIRM_FORGOT_PASSWORD)
