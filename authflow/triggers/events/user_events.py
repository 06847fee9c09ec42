"""The events of users who come into the pool: sign-up, its confirmation, and migration.

Sources: "Pre sign-up", "Post confirmation" and "Migrate user Lambda trigger parameters" in the
Amazon Cognito developer guide.
"""

from collections.abc import Mapping
from typing import Any, Final

from attrs import field, fields, frozen

from authflow.errors import MisuseError
from authflow.secret import Secret
from authflow.triggers.events.envelope import EventObject, HandledEvent, TriggerEvent
from authflow.triggers.events.migrated_user import MigratedUser

FORGOT_PASSWORD: Final = "UserMigration_ForgotPassword"


@frozen(kw_only=True)
class MigrationEvent(TriggerEvent):
    """Cognito asks for a user that it does not know.

    Args:
        password: What the user typed. None where a password was forgotten.
        validation_data: What the client sent along with InitiateAuth.
        client_metadata: What the client sent along with later requests.
    """

    trigger = "UserMigration"
    sources = ("UserMigration_Authentication", FORGOT_PASSWORD)

    password: Secret[str] | None = field(hash=False)
    validation_data: Mapping[str, str] = field(repr=False, hash=False)
    client_metadata: Mapping[str, str] = field(repr=False, hash=False)

    @classmethod
    def _members(cls, event: EventObject) -> dict[str, Any]:
        request = event.object("request")
        forgotten = event.text("triggerSource") == FORGOT_PASSWORD
        return {
            **super()._members(event),
            "password": None if forgotten else Secret(request.text("password")),
            "validation_data": request.strings("validationData"),
            "client_metadata": request.strings("clientMetadata"),
        }

    def migrated(self, user: MigratedUser) -> dict[str, Any]:
        """Give the user to Cognito."""
        response: dict[str, Any] = {
            "userAttributes": dict(user.attributes),
            "finalUserStatus": str(user.status),
        }
        # Cognito has no value that means "send it": a welcome is what happens without SUPPRESS.
        response["messageAction"] = None if user.send_welcome else "SUPPRESS"
        if user.delivery_mediums:
            response["desiredDeliveryMediums"] = [str(medium) for medium in user.delivery_mediums]
        if user.force_alias_creation:
            response["forceAliasCreation"] = True
        if user.enable_sms_mfa:
            response["enableSMSMFA"] = True
        return self._filled(response)


@frozen(kw_only=True)
class SignUpDecision:
    """What becomes of a user who signs up. Nothing of it counts where an administrator does it.

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
    """Somebody signs up, is created by an administrator, or comes from another provider.

    A handler may give a `SignUpDecision`, and refuses the user by a `DeniedError`.

    Args:
        validation_data: What the client sent along for this trigger alone.
    """

    trigger = "PreSignUp"
    sources = ("PreSignUp_SignUp", "PreSignUp_AdminCreateUser", "PreSignUp_ExternalProvider")
    gives = SignUpDecision

    validation_data: Mapping[str, str] = field(repr=False, hash=False)

    @classmethod
    def _members(cls, event: EventObject) -> dict[str, Any]:
        validation_data = event.object("request").strings("validationData")
        return {**super()._members(event), "validation_data": validation_data}

    def _response(self, result: SignUpDecision | None) -> Mapping[str, Any]:
        decided = result or SignUpDecision()
        for verified, attribute in (
            (decided.verify_email, "email"),
            (decided.verify_phone, "phone_number"),
        ):
            # Cognito would fail the sign-up, without telling why.
            if verified and not self.user_attributes.get(attribute):
                msg = f"{attribute} cannot be taken for verified: the user has none"
                raise MisuseError(msg)
        return {
            "autoConfirmUser": decided.confirm,
            "autoVerifyEmail": decided.verify_email,
            "autoVerifyPhone": decided.verify_phone,
        }


@frozen(kw_only=True)
class PostConfirmationEvent(HandledEvent):
    """A user has confirmed the sign-up, or has set a new password for a forgotten one."""

    trigger = "PostConfirmation"
    sources = ("PostConfirmation_ConfirmSignUp", "PostConfirmation_ConfirmForgotPassword")
