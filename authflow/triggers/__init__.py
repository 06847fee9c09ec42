"""The triggers: a custom flow as a policy of challenges, one handler for all of a pool's triggers.

`authflow.triggers.sql_directory` holds the SQL directory; it needs the extra `sql`.
"""

from authflow.triggers.challenge_events import CreateEvent, DefineEvent, SessionEntry, VerifyEvent
from authflow.triggers.challenges import CreateContext, Issued, TriggerChallenge, VerifyContext
from authflow.triggers.dispatcher import Triggers
from authflow.triggers.envelope import HandledEvent, TriggerEvent
from authflow.triggers.events import parse_event
from authflow.triggers.message_events import (
    CustomEmailSenderEvent,
    CustomMessageEvent,
    CustomSMSSenderEvent,
    Message,
)
from authflow.triggers.migration import (
    DeliveryMedium,
    FinalStatus,
    Found,
    MigratedUser,
    UnknownUser,
    UserDirectory,
    WrongPassword,
)
from authflow.triggers.policy import (
    ChallengeStep,
    Failed,
    Owed,
    Passed,
    PasswordStep,
    Policy,
    Standing,
    challenge,
    password,
    sequence,
)
from authflow.triggers.sign_in_events import PostAuthenticationEvent, PreAuthenticationEvent
from authflow.triggers.token_events import (
    AccessTokenChanges,
    ClaimChanges,
    Groups,
    PreTokenGenerationEvent,
    TokenChanges,
)
from authflow.triggers.user_events import (
    MigrationEvent,
    PostConfirmationEvent,
    PreSignUpEvent,
    SignUpDecision,
)

__all__ = [
    "AccessTokenChanges",
    "ChallengeStep",
    "ClaimChanges",
    "CreateContext",
    "CreateEvent",
    "CustomEmailSenderEvent",
    "CustomMessageEvent",
    "CustomSMSSenderEvent",
    "DefineEvent",
    "DeliveryMedium",
    "Failed",
    "FinalStatus",
    "Found",
    "Groups",
    "HandledEvent",
    "Issued",
    "Message",
    "MigratedUser",
    "MigrationEvent",
    "Owed",
    "Passed",
    "PasswordStep",
    "Policy",
    "PostAuthenticationEvent",
    "PostConfirmationEvent",
    "PreAuthenticationEvent",
    "PreSignUpEvent",
    "PreTokenGenerationEvent",
    "SessionEntry",
    "SignUpDecision",
    "Standing",
    "TokenChanges",
    "TriggerChallenge",
    "TriggerEvent",
    "Triggers",
    "UnknownUser",
    "UserDirectory",
    "VerifyContext",
    "VerifyEvent",
    "WrongPassword",
    "challenge",
    "parse_event",
    "password",
    "sequence",
]
