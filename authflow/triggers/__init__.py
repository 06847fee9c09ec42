"""The triggers: a custom flow as a policy of challenges, one handler for all of a pool's triggers.

Extras: `SqlDirectory` needs `sql`, `LdapDirectory` needs `ldap`, `RedisLimitStore` needs `redis`.
"""

from typing import TYPE_CHECKING

from authflow.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from authflow.triggers.challenges import CreateContext, Issued, TriggerChallenge, VerifyContext
    from authflow.triggers.cognito_groups import CognitoGroups
    from authflow.triggers.directories.callable_directory import CallableDirectory
    from authflow.triggers.directories.ldap_directory import LdapDirectory
    from authflow.triggers.directories.migration import (
        DeliveryMedium,
        FinalStatus,
        Found,
        MigratedUser,
        UnknownUser,
        UserDirectory,
        WrongPassword,
    )
    from authflow.triggers.directories.sql_directory import SqlDirectory
    from authflow.triggers.dispatcher import Triggers
    from authflow.triggers.events.challenge_events import (
        CreateEvent,
        DefineEvent,
        SessionEntry,
        VerifyEvent,
    )
    from authflow.triggers.events.envelope import HandledEvent, TriggerEvent
    from authflow.triggers.events.message_events import (
        CustomEmailSenderEvent,
        CustomMessageEvent,
        CustomSMSSenderEvent,
        Message,
    )
    from authflow.triggers.events.parsing import parse_event
    from authflow.triggers.events.sign_in_events import (
        PostAuthenticationEvent,
        PreAuthenticationEvent,
    )
    from authflow.triggers.events.token_events import (
        AccessTokenChanges,
        ClaimChanges,
        Groups,
        PreTokenGenerationEvent,
        TokenChanges,
    )
    from authflow.triggers.events.user_events import (
        MigrationEvent,
        PostConfirmationEvent,
        PreSignUpEvent,
        SignUpDecision,
    )
    from authflow.triggers.limits.dynamodb_store import DynamoDbLimitStore
    from authflow.triggers.limits.keys import CachedKeys, KeyProvider, KeyRing
    from authflow.triggers.limits.limits import Limits, Subject
    from authflow.triggers.limits.randomness import Randomness
    from authflow.triggers.limits.redis_store import RedisLimitStore
    from authflow.triggers.limits.rules import (
        Admitted,
        AlreadySent,
        GuessLimit,
        LockedOut,
        SendLimit,
        SendRefused,
    )
    from authflow.triggers.limits.stores import LimitStore, MemoryLimitStore
    from authflow.triggers.outcomes import Outcome, Verdict
    from authflow.triggers.policies.conditions import attribute, client_metadata, in_group
    from authflow.triggers.policies.policy import Failed, Passed, Policy, Standing
    from authflow.triggers.policies.steps import (
        ChallengeStep,
        PasswordStep,
        Step,
        any_of,
        challenge,
        disabled,
        k_of,
        optional,
        password,
        sequence,
        when,
    )
    from authflow.triggers.policies.table import Owed
else:
    __getattr__, __dir__ = _lazy_names(
        __name__,
        {
            "authflow.triggers.cognito_groups": "CognitoGroups",
            "authflow.triggers.directories.callable_directory": "CallableDirectory",
            "authflow.triggers.directories.ldap_directory": "LdapDirectory",
            "authflow.triggers.directories.sql_directory": "SqlDirectory",
            "authflow.triggers.limits.dynamodb_store": "DynamoDbLimitStore",
            "authflow.triggers.limits.redis_store": "RedisLimitStore",
            "authflow.triggers.limits.stores": "LimitStore MemoryLimitStore",
            "authflow.triggers.limits.keys": "CachedKeys KeyProvider KeyRing",
            "authflow.triggers.limits.limits": "Limits Subject",
            "authflow.triggers.limits.rules": (
                "Admitted AlreadySent GuessLimit LockedOut SendLimit SendRefused"
            ),
            "authflow.triggers.limits.randomness": "Randomness",
            "authflow.triggers.events.challenge_events": (
                "CreateEvent DefineEvent SessionEntry VerifyEvent"
            ),
            "authflow.triggers.challenges": "CreateContext Issued TriggerChallenge VerifyContext",
            "authflow.triggers.policies.conditions": "attribute client_metadata in_group",
            "authflow.triggers.dispatcher": "Triggers",
            "authflow.triggers.events.envelope": "HandledEvent TriggerEvent",
            "authflow.triggers.events.parsing": "parse_event",
            "authflow.triggers.events.message_events": (
                "CustomEmailSenderEvent CustomMessageEvent CustomSMSSenderEvent Message"
            ),
            "authflow.triggers.directories.migration": (
                "DeliveryMedium FinalStatus Found MigratedUser UnknownUser UserDirectory "
                "WrongPassword"
            ),
            "authflow.triggers.outcomes": "Outcome Verdict",
            "authflow.triggers.policies.policy": "Failed Passed Policy Standing",
            "authflow.triggers.policies.table": "Owed",
            "authflow.triggers.events.sign_in_events": (
                "PostAuthenticationEvent PreAuthenticationEvent"
            ),
            "authflow.triggers.policies.steps": (
                "ChallengeStep PasswordStep Step any_of challenge disabled k_of optional password "
                "sequence when"
            ),
            "authflow.triggers.events.token_events": (
                "AccessTokenChanges ClaimChanges Groups PreTokenGenerationEvent TokenChanges"
            ),
            "authflow.triggers.events.user_events": (
                "MigrationEvent PostConfirmationEvent PreSignUpEvent SignUpDecision"
            ),
        },
    )

__all__ = [
    "AccessTokenChanges",
    "Admitted",
    "AlreadySent",
    "CachedKeys",
    "CallableDirectory",
    "ChallengeStep",
    "ClaimChanges",
    "CognitoGroups",
    "CreateContext",
    "CreateEvent",
    "CustomEmailSenderEvent",
    "CustomMessageEvent",
    "CustomSMSSenderEvent",
    "DefineEvent",
    "DeliveryMedium",
    "DynamoDbLimitStore",
    "Failed",
    "FinalStatus",
    "Found",
    "Groups",
    "GuessLimit",
    "HandledEvent",
    "Issued",
    "KeyProvider",
    "KeyRing",
    "LdapDirectory",
    "LimitStore",
    "Limits",
    "LockedOut",
    "MemoryLimitStore",
    "Message",
    "MigratedUser",
    "MigrationEvent",
    "Outcome",
    "Owed",
    "Passed",
    "PasswordStep",
    "Policy",
    "PostAuthenticationEvent",
    "PostConfirmationEvent",
    "PreAuthenticationEvent",
    "PreSignUpEvent",
    "PreTokenGenerationEvent",
    "Randomness",
    "RedisLimitStore",
    "SendLimit",
    "SendRefused",
    "SessionEntry",
    "SignUpDecision",
    "SqlDirectory",
    "Standing",
    "Step",
    "Subject",
    "TokenChanges",
    "TriggerChallenge",
    "TriggerEvent",
    "Triggers",
    "UnknownUser",
    "UserDirectory",
    "Verdict",
    "VerifyContext",
    "VerifyEvent",
    "WrongPassword",
    "any_of",
    "attribute",
    "challenge",
    "client_metadata",
    "disabled",
    "in_group",
    "k_of",
    "optional",
    "parse_event",
    "password",
    "sequence",
    "when",
]
