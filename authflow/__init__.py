"""Sign users in to Amazon Cognito, write its custom challenges, run all of it without AWS."""

from typing import TYPE_CHECKING

from authflow.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from authflow.account import CodeDelivery, ConfirmedSignUp, SignedUp, UserProfile
    from authflow.administration import PoolUser, UserGroup
    from authflow.answers import Choice, Code, EmailAddress, NewPassword
    from authflow.client import AdminClient, AuthClient, SignedInUser
    from authflow.config import AuthConfig
    from authflow.device import Device, ListedDevice, UnconfirmedDevice
    from authflow.errors import (
        AliasExistsError,
        AskAgainError,
        AttributeRejectedError,
        AuthFlowError,
        BadCredentialsError,
        ClientSecretsUnavailableError,
        CodeDeliveryError,
        CodeExpiredError,
        CodeMismatchError,
        ConfigError,
        DeniedError,
        DeviceConfirmedError,
        DeviceRefusedError,
        DeviceRequiredError,
        JwksUnreachableError,
        LockedOutError,
        MisuseError,
        NewPasswordRejectedError,
        NextStep,
        OutcomeUnknownError,
        PasswordResetRequiredError,
        PluginError,
        PoolSetupError,
        PromptEndedError,
        PromptError,
        RefusedError,
        RemoteProtocolError,
        RequestBlockedError,
        RequestRejectedError,
        SealError,
        SessionExpiredError,
        SessionSpentError,
        SignedOutError,
        SignInBlockedError,
        StateError,
        TemporaryPasswordExpiredError,
        ThrottledError,
        TokenError,
        TokenExpiredError,
        TokenPermissionError,
        TokenRevokedError,
        TransportError,
        UserDisabledError,
        UserNotConfirmedError,
        UserNotFoundError,
    )
    from authflow.forms.form import Filled, Form
    from authflow.machine import AuthFlow
    from authflow.mfa import MfaPreference, NewAuthenticator, SecondFactor
    from authflow.results import (
        Challenge,
        ChallengeRequired,
        Declined,
        OtherFactor,
        SignedIn,
        SignInResult,
        Suspended,
        Tokens,
        Unanswered,
    )
    from authflow.secret import Secret
    from authflow.user_context import UserContext
else:
    __getattr__, __dir__ = _lazy_names(
        __name__,
        {
            "authflow.account": "CodeDelivery ConfirmedSignUp SignedUp UserProfile",
            "authflow.administration": "PoolUser UserGroup",
            "authflow.answers": "Choice Code EmailAddress NewPassword",
            "authflow.client": "AdminClient AuthClient SignedInUser",
            "authflow.config": "AuthConfig",
            "authflow.device": "Device ListedDevice UnconfirmedDevice",
            "authflow.errors": (
                "AliasExistsError AskAgainError AttributeRejectedError AuthFlowError "
                "BadCredentialsError ClientSecretsUnavailableError CodeDeliveryError "
                "CodeExpiredError CodeMismatchError ConfigError DeniedError "
                "DeviceConfirmedError DeviceRefusedError DeviceRequiredError "
                "JwksUnreachableError LockedOutError MisuseError NewPasswordRejectedError "
                "NextStep OutcomeUnknownError PasswordResetRequiredError PluginError "
                "PoolSetupError PromptEndedError PromptError RefusedError RemoteProtocolError "
                "RequestBlockedError RequestRejectedError SealError SessionExpiredError "
                "SessionSpentError SignedOutError SignInBlockedError StateError "
                "TemporaryPasswordExpiredError ThrottledError TokenError TokenExpiredError "
                "TokenPermissionError TokenRevokedError TransportError UserDisabledError "
                "UserNotConfirmedError UserNotFoundError"
            ),
            "authflow.forms.form": "Filled Form",
            "authflow.machine": "AuthFlow",
            "authflow.mfa": "MfaPreference NewAuthenticator SecondFactor",
            "authflow.results": (
                "Challenge ChallengeRequired Declined OtherFactor SignInResult SignedIn Suspended "
                "Tokens Unanswered"
            ),
            "authflow.secret": "Secret",
            "authflow.user_context": "UserContext",
        },
    )

__all__ = [
    "AdminClient",
    "AliasExistsError",
    "AskAgainError",
    "AttributeRejectedError",
    "AuthClient",
    "AuthConfig",
    "AuthFlow",
    "AuthFlowError",
    "BadCredentialsError",
    "Challenge",
    "ChallengeRequired",
    "Choice",
    "ClientSecretsUnavailableError",
    "Code",
    "CodeDelivery",
    "CodeDeliveryError",
    "CodeExpiredError",
    "CodeMismatchError",
    "ConfigError",
    "ConfirmedSignUp",
    "Declined",
    "DeniedError",
    "Device",
    "DeviceConfirmedError",
    "DeviceRefusedError",
    "DeviceRequiredError",
    "EmailAddress",
    "Filled",
    "Form",
    "JwksUnreachableError",
    "ListedDevice",
    "LockedOutError",
    "MfaPreference",
    "MisuseError",
    "NewAuthenticator",
    "NewPassword",
    "NewPasswordRejectedError",
    "NextStep",
    "OtherFactor",
    "OutcomeUnknownError",
    "PasswordResetRequiredError",
    "PluginError",
    "PoolSetupError",
    "PoolUser",
    "PromptEndedError",
    "PromptError",
    "RefusedError",
    "RemoteProtocolError",
    "RequestBlockedError",
    "RequestRejectedError",
    "SealError",
    "SecondFactor",
    "Secret",
    "SessionExpiredError",
    "SessionSpentError",
    "SignInBlockedError",
    "SignInResult",
    "SignedIn",
    "SignedInUser",
    "SignedOutError",
    "SignedUp",
    "StateError",
    "Suspended",
    "TemporaryPasswordExpiredError",
    "ThrottledError",
    "TokenError",
    "TokenExpiredError",
    "TokenPermissionError",
    "TokenRevokedError",
    "Tokens",
    "TransportError",
    "Unanswered",
    "UnconfirmedDevice",
    "UserContext",
    "UserDisabledError",
    "UserGroup",
    "UserNotConfirmedError",
    "UserNotFoundError",
    "UserProfile",
]
