"""Sign users in to Amazon Cognito, write its custom challenges, run all of it without AWS."""

from typing import TYPE_CHECKING

from authflow.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from authflow.answers import Choice, Code, EmailAddress, NewPassword
    from authflow.client import AuthClient, SignedInUser
    from authflow.config import AuthConfig
    from authflow.device import Device, ListedDevice, UnconfirmedDevice
    from authflow.errors import (
        AskAgainError,
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
        PromptEndedError,
        PromptError,
        RefusedError,
        RemoteProtocolError,
        RequestBlockedError,
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
        UserNotConfirmedError,
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
            "authflow.answers": "Choice Code EmailAddress NewPassword",
            "authflow.client": "AuthClient SignedInUser",
            "authflow.config": "AuthConfig",
            "authflow.device": "Device ListedDevice UnconfirmedDevice",
            "authflow.errors": (
                "AskAgainError AuthFlowError BadCredentialsError "
                "ClientSecretsUnavailableError CodeDeliveryError "
                "CodeExpiredError CodeMismatchError ConfigError DeniedError "
                "DeviceConfirmedError DeviceRefusedError DeviceRequiredError "
                "JwksUnreachableError LockedOutError MisuseError NewPasswordRejectedError "
                "NextStep OutcomeUnknownError PasswordResetRequiredError PluginError "
                "PromptEndedError PromptError RefusedError RemoteProtocolError "
                "RequestBlockedError SealError SessionExpiredError SessionSpentError "
                "SignInBlockedError SignedOutError StateError TemporaryPasswordExpiredError "
                "ThrottledError TokenError TokenExpiredError TokenPermissionError "
                "TokenRevokedError TransportError UserNotConfirmedError"
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
    "AskAgainError",
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
    "CodeDeliveryError",
    "CodeExpiredError",
    "CodeMismatchError",
    "ConfigError",
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
    "PromptEndedError",
    "PromptError",
    "RefusedError",
    "RemoteProtocolError",
    "RequestBlockedError",
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
    "UserNotConfirmedError",
]
