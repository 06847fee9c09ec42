"""Challenge plugins: what their authors write against, and the registry that finds them."""

from typing import TYPE_CHECKING

from authflow.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from authflow.keys.randomness import Randomness
    from authflow.plugins.admission import Admitted, AlreadySent, SendRefused
    from authflow.plugins.client_challenge import ClientChallenge
    from authflow.plugins.installed import PluginInfo
    from authflow.plugins.names import NAME, NAME_RULE, Side
    from authflow.plugins.outcomes import Outcome, Verdict
    from authflow.plugins.registry import (
        ALLOWED_VARIABLE,
        CLIENT_CHALLENGES,
        INTERFACE,
        TRIGGER_CHALLENGES,
        PluginRegistry,
    )
    from authflow.plugins.settings import settings_schema
    from authflow.plugins.trigger_challenge import (
        CreateContext,
        Issued,
        TriggerChallenge,
        VerifyContext,
    )
    from authflow.prompts.prompt import Prompt
    from authflow.results import Challenge, Declined, OtherFactor, Suspended, Unanswered
    from authflow.secret import Secret
else:
    __getattr__, __dir__ = _lazy_names(
        __name__,
        {
            "authflow.plugins.admission": "Admitted AlreadySent SendRefused",
            "authflow.plugins.client_challenge": "ClientChallenge",
            "authflow.plugins.installed": "PluginInfo",
            "authflow.plugins.outcomes": "Outcome Verdict",
            "authflow.plugins.registry": (
                "ALLOWED_VARIABLE CLIENT_CHALLENGES INTERFACE TRIGGER_CHALLENGES PluginRegistry"
            ),
            "authflow.plugins.names": "NAME NAME_RULE Side",
            "authflow.plugins.settings": "settings_schema",
            "authflow.plugins.trigger_challenge": (
                "CreateContext Issued TriggerChallenge VerifyContext"
            ),
            "authflow.keys.randomness": "Randomness",
            "authflow.prompts.prompt": "Prompt",
            "authflow.results": "Challenge Declined OtherFactor Suspended Unanswered",
            "authflow.secret": "Secret",
        },
    )

__all__ = [
    "ALLOWED_VARIABLE",
    "CLIENT_CHALLENGES",
    "INTERFACE",
    "NAME",
    "NAME_RULE",
    "TRIGGER_CHALLENGES",
    "Admitted",
    "AlreadySent",
    "Challenge",
    "ClientChallenge",
    "CreateContext",
    "Declined",
    "Issued",
    "OtherFactor",
    "Outcome",
    "PluginInfo",
    "PluginRegistry",
    "Prompt",
    "Randomness",
    "Secret",
    "SendRefused",
    "Side",
    "Suspended",
    "TriggerChallenge",
    "Unanswered",
    "Verdict",
    "VerifyContext",
    "settings_schema",
]
