"""The triggers: a custom flow as a policy of challenges, and one handler for all its triggers.

`authflow.triggers.sql_directory` holds the SQL directory; it needs the extra `sql`.
"""

from authflow.triggers.challenges import CreateContext, Issued, TriggerChallenge, VerifyContext
from authflow.triggers.dispatcher import Triggers
from authflow.triggers.events import (
    CreateEvent,
    DefineEvent,
    MigrationEvent,
    SessionEntry,
    TriggerEvent,
    VerifyEvent,
    parse_event,
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

__all__ = [
    "ChallengeStep",
    "CreateContext",
    "CreateEvent",
    "DefineEvent",
    "DeliveryMedium",
    "Failed",
    "FinalStatus",
    "Found",
    "Issued",
    "MigratedUser",
    "MigrationEvent",
    "Owed",
    "Passed",
    "PasswordStep",
    "Policy",
    "SessionEntry",
    "Standing",
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
