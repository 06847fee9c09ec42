"""The triggers: a custom flow as a policy of challenges, one handler for all of a pool's triggers.

Extras: `SqlDirectory` needs `sql`, `LdapDirectory` needs `ldap`, `RedisStore` needs `redis`.
"""

from typing import TYPE_CHECKING

from authflow.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from authflow.keys.key_ring import CachedKeys, KeyProvider, KeyRing
    from authflow.keys.randomness import Randomness
    from authflow.plugins.admission import Admitted, AlreadySent, LockedOut, SendRefused
    from authflow.plugins.outcomes import Outcome, Verdict
    from authflow.plugins.trigger_challenge import (
        CreateContext,
        Issued,
        TriggerChallenge,
        VerifyContext,
    )
    from authflow.stores.dynamodb import DynamoDbStore
    from authflow.stores.redis import RedisStore
    from authflow.stores.store import MemoryStore, Store
    from authflow.triggers.cognito_groups import CognitoGroups
    from authflow.triggers.directories.ldap_directory import LdapDirectory
    from authflow.triggers.directories.migrating import migrating
    from authflow.triggers.directories.migration import (
        Found,
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
        CustomMessage,
        CustomMessageEvent,
        CustomSMSSenderEvent,
    )
    from authflow.triggers.events.migrated_user import DeliveryMedium, FinalStatus, MigratedUser
    from authflow.triggers.events.parsing import parse_event
    from authflow.triggers.events.sign_in_events import (
        PostAuthenticationEvent,
        PreAuthenticationEvent,
    )
    from authflow.triggers.events.token_changes import (
        AccessTokenChanges,
        ClaimChanges,
        Groups,
        TokenChanges,
    )
    from authflow.triggers.events.token_events import PreTokenGenerationEvent
    from authflow.triggers.events.user_events import (
        MigrationEvent,
        PostConfirmationEvent,
        PreSignUpEvent,
        SignUpDecision,
    )
    from authflow.triggers.limits.limits import Limits, Subject
    from authflow.triggers.limits.rules import GuessLimit, SendLimit
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
            "authflow.triggers.directories.ldap_directory": "LdapDirectory",
            "authflow.triggers.directories.sql_directory": "SqlDirectory",
            "authflow.stores.dynamodb": "DynamoDbStore",
            "authflow.stores.redis": "RedisStore",
            "authflow.stores.store": "Store MemoryStore",
            "authflow.keys.key_ring": "CachedKeys KeyProvider KeyRing",
            "authflow.triggers.limits.limits": "Limits Subject",
            "authflow.triggers.limits.rules": ("GuessLimit SendLimit"),
            "authflow.keys.randomness": "Randomness",
            "authflow.triggers.events.challenge_events": (
                "CreateEvent DefineEvent SessionEntry VerifyEvent"
            ),
            "authflow.plugins.trigger_challenge": (
                "CreateContext Issued TriggerChallenge VerifyContext"
            ),
            "authflow.triggers.policies.conditions": "attribute client_metadata in_group",
            "authflow.triggers.dispatcher": "Triggers",
            "authflow.plugins.admission": "Admitted AlreadySent LockedOut SendRefused",
            "authflow.triggers.events.migrated_user": "DeliveryMedium FinalStatus MigratedUser",
            "authflow.triggers.events.envelope": "HandledEvent TriggerEvent",
            "authflow.triggers.events.parsing": "parse_event",
            "authflow.triggers.events.message_events": (
                "CustomEmailSenderEvent CustomMessageEvent CustomSMSSenderEvent CustomMessage"
            ),
            "authflow.triggers.directories.migrating": "migrating",
            "authflow.triggers.directories.migration": (
                "Found UnknownUser UserDirectory WrongPassword"
            ),
            "authflow.plugins.outcomes": "Outcome Verdict",
            "authflow.triggers.policies.policy": "Failed Passed Policy Standing",
            "authflow.triggers.policies.table": "Owed",
            "authflow.triggers.events.sign_in_events": (
                "PostAuthenticationEvent PreAuthenticationEvent"
            ),
            "authflow.triggers.policies.steps": (
                "ChallengeStep PasswordStep Step any_of challenge disabled k_of optional password "
                "sequence when"
            ),
            "authflow.triggers.events.token_changes": (
                "AccessTokenChanges ClaimChanges Groups TokenChanges"
            ),
            "authflow.triggers.events.token_events": "PreTokenGenerationEvent",
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
    "ChallengeStep",
    "ClaimChanges",
    "CognitoGroups",
    "CreateContext",
    "CreateEvent",
    "CustomEmailSenderEvent",
    "CustomMessage",
    "CustomMessageEvent",
    "CustomSMSSenderEvent",
    "DefineEvent",
    "DeliveryMedium",
    "DynamoDbStore",
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
    "Limits",
    "LockedOut",
    "MemoryStore",
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
    "RedisStore",
    "SendLimit",
    "SendRefused",
    "SessionEntry",
    "SignUpDecision",
    "SqlDirectory",
    "Standing",
    "Step",
    "Store",
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
    "migrating",
    "optional",
    "parse_event",
    "password",
    "sequence",
    "when",
]
