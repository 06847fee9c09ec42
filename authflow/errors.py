"""All errors that authflow raises, by whose fault it is and what to do next.

    AuthFlowError
    ├── MisuseError                     the caller's mistake; nothing was sent
    │   ├── ConfigError
    │   ├── PasswordRequiredError
    │   ├── DeviceRequiredError
    │   ├── AnswerNotSupportedError
    │   ├── SignInOverError
    │   └── EventError                  a trigger's event is malformed, or for somebody else
    ├── AskAgainError                   what a person filled in is no answer; nothing was sent
    ├── RemoteProtocolError             the server broke the protocol; nothing secret was sent after
    │   ├── MalformedReplyError
    │   ├── UnexpectedReplyError
    │   ├── UnsafeSrpValueError
    │   └── TriggerReplyError           a trigger gave back what Cognito does not take
    ├── RefusedError                    the server said no
    │   ├── BadCredentialsError         wrong password, or no such user: never which of the two
    │   ├── CodeMismatchError
    │   ├── CodeExpiredError
    │   ├── SessionExpiredError
    │   ├── SessionSpentError
    │   ├── LockedOutError
    │   ├── UserDisabledError
    │   ├── UserNotFoundError           administrators alone are told
    │   ├── UserNotConfirmedError
    │   ├── PasswordResetRequiredError
    │   ├── TemporaryPasswordExpiredError
    │   ├── NewPasswordRejectedError
    │   ├── AttributeRejectedError      a user attribute beside a new password
    │   ├── AliasExistsError            the address belongs to another account
    │   ├── SignInBlockedError          threat protection takes the sign-in for an attack
    │   ├── RequestBlockedError         a firewall or a policy lets nobody through from here
    │   ├── CodeDeliveryError           a code could not be sent
    │   ├── MfaNotSetUpError
    │   ├── DeviceRefusedError          the pool does not know a device, or does not take its proof
    │   ├── DeviceConfirmedError        another process confirmed the device, and can prove it
    │   ├── FlowNotEnabledError
    │   ├── SecretHashMismatchError
    │   ├── PoolNotFoundError           no such user pool or app client
    │   ├── PoolSetupError              the user pool is not set up for this
    │   ├── TokenRevokedError
    │   ├── SignedOutError              nobody is signed in under this handle, or not any more
    │   ├── WrongTokenError             a token of another kind, or of another app client
    │   ├── IdentityRefusedError        an identity pool does not take the id token
    │   ├── TriggerFailedError
    │   ├── DeniedError                 a trigger refuses on purpose: its text is for the client
    │   └── RequestRejectedError        refused for a reason that has no class of its own
    ├── TransportError                  no answer that can be relied on
    │   ├── UnreachableError
    │   ├── TimedOutError
    │   ├── ThrottledError
    │   ├── ServerFaultError
    │   ├── JwksUnreachableError        the pool's public keys cannot be had; it holds the tokens
    │   └── OutcomeUnknownError         an answer was sent and the reply was lost
    ├── DirectoryError                  a directory of users failed
    │   ├── DirectoryRecordError        one user's record is of no use; never told to clients
    │   └── DirectoryUnavailableError
    ├── StateError               what triggers keep or look up cannot be relied on
    │   ├── StoreUnavailableError  nobody knows whether a limit is reached: nothing is allowed
    │   ├── StoreEntryError
    │   ├── KeysUnavailableError
    │   ├── ClientSecretsUnavailableError
    │   └── SealError                   sealed state that was altered, moved, or has expired
    │       └── TicketVersionError      a ticket of another version of authflow
    ├── PluginError
    │   ├── PluginNotFoundError
    │   ├── PluginConflictError
    │   ├── PluginLoadError
    │   └── PluginFailedError
    ├── PromptError                     what asks a person failed
    │   └── PromptEndedError            nobody is there to answer any more
    └── TokenError                      a token that must not be trusted
        ├── TokenMalformedError         it has not the form of Cognito's tokens
        ├── TokenSignatureError         none of the pool's keys signed it
        ├── TokenExpiredError           a new one is had by the refresh token
        ├── TokenNotYetValidError
        ├── TokenPoolError              another user pool issued it
        ├── TokenClientError            it is for another app client
        ├── TokenUseError               an id token where an access token is due, or the reverse
        └── TokenPermissionError        it is good, and lacks a group or a scope: 403, not 401

Each class has a stable `code`, says in `next_step` what can be done, and keeps Cognito's own error
name in `aws_code`, unless that name tells who exists: a wrong password and a name that nobody has
are one error in every respect. None of them holds a password, an answer or a session; one holds
tokens, each in a `Secret`, since they would be lost with it. What servers and plugins wrote is
escaped in the text.
"""

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from authflow.printable import printable

if TYPE_CHECKING:
    from authflow.results import SignedIn, Tokens

__all__ = [
    "AliasExistsError",
    "AnswerNotSupportedError",
    "AskAgainError",
    "AttributeRejectedError",
    "AuthFlowError",
    "BadCredentialsError",
    "ClientSecretsUnavailableError",
    "CodeDeliveryError",
    "CodeExpiredError",
    "CodeMismatchError",
    "ConfigError",
    "DeniedError",
    "DeviceConfirmedError",
    "DeviceRefusedError",
    "DeviceRequiredError",
    "DirectoryError",
    "DirectoryRecordError",
    "DirectoryUnavailableError",
    "EventError",
    "FlowNotEnabledError",
    "IdentityRefusedError",
    "JwksUnreachableError",
    "KeysUnavailableError",
    "LockedOutError",
    "MalformedReplyError",
    "MfaNotSetUpError",
    "MisuseError",
    "NewPasswordRejectedError",
    "NextStep",
    "OutcomeUnknownError",
    "PasswordRequiredError",
    "PasswordResetRequiredError",
    "PluginConflictError",
    "PluginError",
    "PluginFailedError",
    "PluginLoadError",
    "PluginNotFoundError",
    "PoolNotFoundError",
    "PoolSetupError",
    "PromptEndedError",
    "PromptError",
    "RefusedError",
    "RemoteProtocolError",
    "RequestBlockedError",
    "RequestRejectedError",
    "SealError",
    "SecretHashMismatchError",
    "ServerFaultError",
    "SessionExpiredError",
    "SessionSpentError",
    "SignInBlockedError",
    "SignInOverError",
    "SignedOutError",
    "StateError",
    "StoreEntryError",
    "StoreUnavailableError",
    "TemporaryPasswordExpiredError",
    "ThrottledError",
    "TicketVersionError",
    "TimedOutError",
    "TokenClientError",
    "TokenError",
    "TokenExpiredError",
    "TokenMalformedError",
    "TokenNotYetValidError",
    "TokenPermissionError",
    "TokenPoolError",
    "TokenRevokedError",
    "TokenSignatureError",
    "TokenUseError",
    "TransportError",
    "TriggerFailedError",
    "TriggerReplyError",
    "UnexpectedReplyError",
    "UnreachableError",
    "UnsafeSrpValueError",
    "UserDisabledError",
    "UserNotConfirmedError",
    "UserNotFoundError",
    "WrongTokenError",
]


class NextStep(StrEnum):
    """The next step that a caller can take after an error."""

    RETRY_SAME_CHALLENGE = "retry_same_challenge"
    """Answer the same pending challenge again."""
    RESTART = "restart"
    """Begin the sign-in again."""
    REFRESH = "refresh"
    """Get new tokens by the refresh token; where that fails as well, begin the sign-in again."""
    CONFIRM_SIGN_UP = "confirm_sign_up"
    """Confirm the sign-up, by `confirm_sign_up` with the code that was sent (`resend_code`)."""
    RESET_PASSWORD = "reset_password"
    """Set a new password, by `confirm_forgot_password` with a code (`forgot_password`)."""
    WAIT = "wait"
    """Try again later; `retry_after` says when, if that is known."""
    GIVE_UP = "give_up"
    """Trying again will not help until something else is changed."""


class AuthFlowError(Exception):
    """The root of all errors that authflow raises.

    Args:
        message: What happened and what to do, without secrets. What cannot be printed in it is
            escaped, as a server or a plugin may have written a part of it.
        aws_code: Cognito's name for the error, if it came from there and may be told; escaped
            likewise.
        retry_after: Seconds to wait before trying again, if that is known: what the server asked
            for, else as the class says.
    """

    code: ClassVar[str] = "error"
    next_step: ClassVar[NextStep] = NextStep.GIVE_UP

    def __init__(
        self, message: str, *, aws_code: str | None = None, retry_after: float | None = None
    ) -> None:
        message = self._written(message)
        super().__init__(message)
        self.message = message
        self.aws_code: str | None = None if aws_code is None else printable(aws_code)
        self.retry_after = retry_after

    @staticmethod
    def _written(message: str) -> str:
        """Return the text in a form that is safe in a log or at a terminal."""
        return printable(message)


class MisuseError(AuthFlowError):
    """A call that cannot be carried out; nothing was sent."""

    code = "misuse"


class ConfigError(MisuseError):
    """A setting is missing, malformed or unsafe."""

    code = "config"


class PasswordRequiredError(MisuseError):
    """The auth flow needs a password, and none was given."""

    code = "password_required"


class DeviceRequiredError(MisuseError):
    """The pool asks for the proof of a device that is not at hand in this process.

    The sign-in named a device, and goes on where that is not known. Begin it anew, here: it names
    no device then, and the pool asks for a second factor instead. Or answer with `device=`.
    """

    code = "device_required"
    next_step = NextStep.RESTART


class AnswerNotSupportedError(MisuseError):
    """This challenge does not take this kind of answer."""

    code = "answer_not_supported"


class SignInOverError(MisuseError):
    """The sign-in has ended; it cannot be advanced."""

    code = "sign_in_over"
    next_step = NextStep.RESTART


class EventError(MisuseError):
    """An event that is not of the form that Cognito documents, or is not for these triggers."""

    code = "event"


class AskAgainError(AuthFlowError):
    """The values in a form cannot be an answer: show the text, and ask again.

    Nothing was sent, and no attempt is spent. The text is for the person, and shows no value.

    Args:
        message: What is wrong, and what to type instead.
        field: The name of the field that it is about; None if it is about all of them.
        aws_code: As of every error.
        retry_after: As of every error.
    """

    code = "ask_again"
    next_step = NextStep.RETRY_SAME_CHALLENGE

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        aws_code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, aws_code=aws_code, retry_after=retry_after)
        self.field = field


class RemoteProtocolError(AuthFlowError):
    """The server broke the protocol."""

    code = "remote_protocol"


class MalformedReplyError(RemoteProtocolError):
    """A reply lacks a member, or a member does not have its documented form."""

    code = "malformed_reply"


class UnexpectedReplyError(RemoteProtocolError):
    """A reply that the auth flow does not allow at this point."""

    code = "unexpected_reply"


class UnsafeSrpValueError(RemoteProtocolError):
    """An SRP value that is out of range or malformed (RFC 5054 §2.5.3, §2.5.4)."""

    code = "unsafe_srp_value"


class TriggerReplyError(RemoteProtocolError):
    """A trigger returned something that Cognito rejects. The text says what the trigger did."""

    code = "trigger_reply"


class RefusedError(AuthFlowError):
    """The server said no."""

    code = "refused"
    next_step = NextStep.RESTART


class BadCredentialsError(RefusedError):
    """Wrong password, wrong answers, or no such user.

    Which of them is in no part of it: `aws_code` is NotAuthorizedException even where Cognito said
    UserNotFoundException, and there is no `retry_after`.
    """

    code = "bad_credentials"


class CodeMismatchError(RefusedError):
    """The code was wrong; the same challenge can be answered again."""

    code = "code_mismatch"
    next_step = NextStep.RETRY_SAME_CHALLENGE


class CodeExpiredError(RefusedError):
    """The code was entered too late: begin the sign-in again, and a new one is sent."""

    code = "code_expired"


class SessionExpiredError(RefusedError):
    """The challenge was not answered in time."""

    code = "session_expired"


class SessionSpentError(RefusedError):
    """The challenge was answered already; Cognito's sessions can be used once.

    So it is for the second of two answers, too, while the first is on its way: to a page that was
    sent twice, or to a ticket in two processes. As long as the first may be, it has a
    `retry_after`: look then at what came of it, before you begin anew.
    """

    code = "session_spent"


class LockedOutError(RefusedError):
    """Too many failures; the account is locked for a while.

    Cognito does not say for how long: a lock is one second after the fifth failure and doubles with
    each further one, up to about 15 minutes, and tries meanwhile do not make it longer
    ("Authentication with Amazon Cognito user pools", lockout behavior for failed sign-in attempts).
    So `retry_after` is 900 seconds, after which no lock is left; a `Retry-After` goes before. Who
    knows how many failures there were may try sooner. Codes that are asked for or entered outside
    of a sign-in are counted by the hour: there it is 3600.
    """

    code = "locked_out"
    next_step = NextStep.WAIT


class UserDisabledError(RefusedError):
    """An administrator has disabled the user."""

    code = "user_disabled"
    next_step = NextStep.GIVE_UP


class UserNotFoundError(RefusedError):
    """No user of the pool has this name. It is raised by an administrator's calls alone."""

    code = "user_not_found"
    next_step = NextStep.GIVE_UP


class UserNotConfirmedError(RefusedError):
    """The user has not confirmed the sign-up yet: `AuthClient.confirm_sign_up`, then sign in.

    `AuthClient.resend_code` sends another code for it.
    """

    code = "user_not_confirmed"
    next_step = NextStep.CONFIRM_SIGN_UP


class PasswordResetRequiredError(RefusedError):
    """The password must be reset before the user can sign in: an administrator has asked for it.

    `AuthClient.forgot_password` sends a code, with which `confirm_forgot_password` sets a new one.
    """

    code = "password_reset_required"
    next_step = NextStep.RESET_PASSWORD


class TemporaryPasswordExpiredError(RefusedError):
    """The temporary password has expired; an administrator must set another one."""

    code = "temporary_password_expired"
    next_step = NextStep.GIVE_UP


class NewPasswordRejectedError(RefusedError):
    """The new password does not meet the pool's policy; answer the same challenge with another."""

    code = "new_password_rejected"
    next_step = NextStep.RETRY_SAME_CHALLENGE


class AttributeRejectedError(RefusedError):
    """The pool rejects a user attribute; the same challenge takes a corrected answer.

    That is a value that is malformed, one that is missing, one that the app client may not write,
    or one that nobody can change.
    """

    code = "attribute_rejected"
    next_step = NextStep.RETRY_SAME_CHALLENGE


class AliasExistsError(RefusedError):
    """The e-mail address, phone number or name belongs to another account."""

    code = "alias_exists"
    next_step = NextStep.GIVE_UP


class SignInBlockedError(RefusedError):
    """The pool's threat protection treats this sign-in as an attack.

    Another password or another try does not help; another network or device may, and so may a reset
    of the password. The pool's owner finds the reason in the user's authentication events.
    """

    code = "sign_in_blocked"
    next_step = NextStep.GIVE_UP


class RequestBlockedError(RefusedError):
    """A firewall (AWS WAF), a proxy or a policy in front of the user pool stops this request.

    It is about where the request comes from and what it looks like, not about the user.
    """

    code = "request_blocked"
    next_step = NextStep.GIVE_UP


class CodeDeliveryError(RefusedError):
    """A code could not be sent by e-mail or text message, so there is no code to answer with."""

    code = "code_delivery"
    next_step = NextStep.WAIT


class MfaNotSetUpError(RefusedError):
    """A second factor is not set up, in the user pool or for the user; the text says which.

    The pool's owner turns factors on (SetUserPoolMfaConfig). A user who can sign in sets an
    authenticator up by `enrol_totp`; one who cannot yet does so at MFA_SETUP, which the pool asks
    for where it requires a factor; an administrator gives a phone number.
    """

    code = "mfa_not_set_up"
    next_step = NextStep.GIVE_UP


class DeviceRefusedError(RefusedError):
    """The pool does not know the device, or does not take its proof: sign in without it.

    An administrator has forgotten it, or its user elsewhere. The client has forgotten it, too.
    """

    code = "device_refused"


class DeviceConfirmedError(RefusedError):
    """The device is confirmed already, by another process, and what proves it is there alone.

    The user is signed in all the same, and the tokens are refreshed from this device: ask for no
    more by `remember_device(…, keep=False)`.
    """

    code = "device_confirmed"
    next_step = NextStep.GIVE_UP


class FlowNotEnabledError(RefusedError):
    """The app client does not allow this auth flow."""

    code = "flow_not_enabled"
    next_step = NextStep.GIVE_UP


class SecretHashMismatchError(RefusedError):
    """The app client has a secret, and ours is missing or is another one."""

    code = "secret_hash_mismatch"
    next_step = NextStep.GIVE_UP


class PoolNotFoundError(RefusedError):
    """There is no such user pool or app client in this region."""

    code = "pool_not_found"
    next_step = NextStep.GIVE_UP


class PoolSetupError(RefusedError):
    """The user pool, its feature plan or its roles are not set up for this; its owner must act."""

    code = "pool_setup"
    next_step = NextStep.GIVE_UP


class TokenRevokedError(RefusedError):
    """The token was revoked, has expired or was used before, or its user is gone."""

    code = "token_revoked"


class SignedOutError(RefusedError):
    """The user is not signed in, or not any more: sign in again.

    The user signed out, here or in another process; Cognito refused the refresh token for good; the
    time for which the user was kept is over; or there is no such handle. Once it was raised no
    request of this user's reaches Cognito.
    """

    code = "signed_out"


class WrongTokenError(RefusedError):
    """The token is of another kind than is needed here, or was issued to another app client."""

    code = "wrong_token"
    next_step = NextStep.GIVE_UP


class IdentityRefusedError(RefusedError):
    """An identity pool gives no AWS credentials for this id token: sign in again, or set it up."""

    code = "identity_refused"
    next_step = NextStep.RESTART


class TriggerFailedError(RefusedError):
    """One of the pool's triggers failed or returned an unusable result."""

    code = "trigger_failed"


class DeniedError(RefusedError):
    """Raised in a trigger to refuse on purpose. Its text reaches the client: write it for users.

    As the owner's own words it goes there as it is written; whoever shows it escapes it.
    """

    code = "denied"
    next_step = NextStep.GIVE_UP

    @staticmethod
    def _written(message: str) -> str:
        return message


class RequestRejectedError(RefusedError):
    """The server refused the request for another reason; see `aws_code`."""

    code = "request_rejected"
    next_step = NextStep.GIVE_UP


class TransportError(AuthFlowError):
    """There is no reply that can be relied on."""

    code = "transport"
    next_step = NextStep.WAIT


class UnreachableError(TransportError):
    """The server could not be reached, or closed the connection; the request is safe to repeat."""

    code = "unreachable"


class TimedOutError(TransportError):
    """The server did not answer in time; the request is safe to repeat."""

    code = "timed_out"


class ThrottledError(TransportError):
    """The server asks for fewer requests.

    `retry_after` is what its `Retry-After` says. Without one it is 1.5 seconds: Cognito's quotas
    are counted by the second. Many clients that were turned away together should wait longer, each
    for a time of its own.
    """

    code = "throttled"


class ServerFaultError(TransportError):
    """The server failed."""

    code = "server_fault"


class JwksUnreachableError(TransportError):
    """The pool's published keys (its JWKS) cannot be fetched, so its tokens cannot be verified.

    Where tokens were issued already, they are here, unverified: verify them again later.

        except JwksUnreachableError as error:
            result = await auth.verify(error.signed_in or error.tokens)

    Args:
        message: As every error.
        aws_code: As every error.
        retry_after: Seconds for which the keys are not asked for again.
        tokens: What was issued; None where a token was only to be verified.
        signed_in: What a sign-in would have given, whose tokens these are.
    """

    code = "jwks_unreachable"

    def __init__(
        self,
        message: str,
        *,
        aws_code: str | None = None,
        retry_after: float | None = None,
        tokens: "Tokens | None" = None,
        signed_in: "SignedIn | None" = None,
    ) -> None:
        super().__init__(message, aws_code=aws_code, retry_after=retry_after)
        self.tokens = tokens
        self.signed_in = signed_in


class OutcomeUnknownError(TransportError):
    """The reply to a challenge answer was lost: the answer may or may not have counted.

    So is an answer that has counted, where what had to follow it in the same call failed.
    """

    code = "outcome_unknown"
    next_step = NextStep.RESTART


class DirectoryError(AuthFlowError):
    """A user directory failed. The text reaches the client, so it says nothing about the user."""

    code = "directory"


class DirectoryRecordError(DirectoryError):
    """A record in a directory cannot be used. Clients never see this: it reveals who is known."""

    code = "directory_record"


class DirectoryUnavailableError(DirectoryError):
    """The user directory cannot be asked now, so it is unknown whether the password is right."""

    code = "directory_unavailable"
    next_step = NextStep.WAIT


class StateError(AuthFlowError):
    """State that is kept elsewhere cannot be relied on: the sign-in ends.

    Raised wherever a store, a key ring or a look-up of the owner fails: no plugin is to blame.
    """

    code = "state"
    next_step = NextStep.WAIT


class StoreUnavailableError(StateError):
    """A store cannot be asked now, so nothing is allowed, and nothing is issued."""

    code = "store_unavailable"
    next_step = NextStep.WAIT


class StoreEntryError(StateError):
    """An entry of a store was not written by authflow."""

    code = "store_entry"
    next_step = NextStep.GIVE_UP


class KeysUnavailableError(StateError):
    """The key ring cannot be read now, or KMS does not lend its key."""

    code = "keys_unavailable"
    next_step = NextStep.WAIT


class ClientSecretsUnavailableError(StateError):
    """The app client's secret cannot be had now, from the service that knows it."""

    code = "client_secrets_unavailable"
    next_step = NextStep.WAIT


class SealError(StateError):
    """Sealed state that cannot be opened: it is altered, expired or of another sign-in.

    Or a custom sender's code that is: altered, of another user pool or of another KMS key.
    """

    code = "seal"
    next_step = NextStep.RESTART


class TicketVersionError(SealError):
    """A ticket of a version that is not opened here; the text says which side to upgrade.

    Whoever holds the ticket begins the sign-in anew.
    """

    code = "ticket_version"


class PluginError(AuthFlowError):
    """A challenge plugin is missing, broken or in conflict."""

    code = "plugin"


class PluginNotFoundError(PluginError):
    """No installed or registered plugin has this name."""

    code = "plugin_not_found"


class PluginConflictError(PluginError):
    """Two distributions claim one challenge name."""

    code = "plugin_conflict"


class PluginLoadError(PluginError):
    """A plugin could not be imported, or is not what its entry point says."""

    code = "plugin_load"


class PluginFailedError(PluginError):
    """A plugin raised, or returned something other than an answer."""

    code = "plugin_failed"


class PromptError(AuthFlowError):
    """The prompt cannot ask a person: it failed, or would show what must stay hidden."""

    code = "prompt"


class PromptEndedError(PromptError):
    """Nobody is there to answer any more.

    The input has ended, the script has no answer left, or the page was closed. The sign-in was not
    refused: begin it anew where somebody answers.
    """

    code = "prompt_ended"


class TokenError(AuthFlowError):
    """A token that must not be trusted. The text says which check failed, and nothing of the token.

    `http_status` is what a service answers: 401, or 403 where the token is good and its owner may
    not do this (RFC 6750 §3.1, invalid_token and insufficient_scope).
    """

    code = "token"
    next_step = NextStep.RESTART
    http_status: ClassVar[int] = 401


class TokenMalformedError(TokenError):
    """It is no signed JWT, or what is in it does not have the form that Cognito documents."""

    code = "token_malformed"


class TokenSignatureError(TokenError):
    """None of the user pool's keys signed it."""

    code = "token_signature"


class TokenExpiredError(TokenError):
    """It was good until a while ago."""

    code = "token_expired"
    next_step = NextStep.REFRESH


class TokenNotYetValidError(TokenError):
    """It will be good in `retry_after` seconds, by this machine's clock."""

    code = "token_not_yet_valid"
    next_step = NextStep.WAIT


class TokenPoolError(TokenError):
    """A user pool issued it that is not trusted here, or another one than it must be."""

    code = "token_pool"


class TokenClientError(TokenError):
    """It was issued for an app client that is not trusted here."""

    code = "token_client"


class TokenUseError(TokenError):
    """It is an id token where an access token is due, or the reverse."""

    code = "token_use"


class TokenPermissionError(TokenError):
    """It is good, and its owner lacks a group or a scope that is required.

    Another token helps only once the owner has been given the group, or has asked for the scope.
    """

    code = "token_permission"
    next_step = NextStep.GIVE_UP
    http_status = 403
