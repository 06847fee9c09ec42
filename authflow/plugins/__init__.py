"""Challenge plugins: the interface for authors of both halves, and the registry of plugins.

An author imports from here alone: the protocols of both halves, what they are told and give, and
the errors that they raise. What a name needs is loaded with it: no half loads the other's.
"""

from typing import TYPE_CHECKING

from authflow.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from authflow.errors import (
        AskAgainError,
        ConfigError,
        NextStep,
        PluginError,
        PluginFailedError,
    )
    from authflow.forms.fields import (
        ChoiceField,
        Field,
        Option,
        SecretField,
        TextField,
        WaitField,
        WidgetField,
    )
    from authflow.forms.form import Filled, Form
    from authflow.forms.shown import (
        Shown,
        ShownAudio,
        ShownIf,
        ShownImage,
        ShownLink,
        ShownQrCode,
        ShownText,
    )
    from authflow.given_services import stray_cancel_fails
    from authflow.keys.randomness import Randomness
    from authflow.plugins.admission import Admitted, AlreadySent, SendRefused
    from authflow.plugins.client_challenge import ClientChallenge
    from authflow.plugins.form_challenge import FormChallenge, answer_by_form
    from authflow.plugins.installed import PluginInfo
    from authflow.plugins.names import NAME, NAME_RULE, Side
    from authflow.plugins.outcomes import Outcome, Verdict
    from authflow.plugins.read_text import read_code, read_words
    from authflow.plugins.registry import (
        ALLOWED_VARIABLE,
        CLIENT_CHALLENGES,
        INTERFACE,
        TRIGGER_CHALLENGES,
        PluginRegistry,
    )
    from authflow.plugins.settings import checked_settings, settings_schema
    from authflow.plugins.trigger_challenge import (
        CreateContext,
        Issued,
        Sends,
        TriggerChallenge,
        Uses,
        VerifyContext,
    )
    from authflow.plugins.typed_text import MOST_TYPED, typed_code, typed_words
    from authflow.prompts.prompt import Prompt
    from authflow.results import Challenge, Declined, OtherFactor, Suspended, Unanswered
    from authflow.secret import Secret
else:
    __getattr__, __dir__ = _lazy_names(
        __name__,
        {
            "authflow.errors": "AskAgainError ConfigError NextStep PluginError PluginFailedError",
            "authflow.forms.fields": (
                "ChoiceField Field Option SecretField TextField WaitField WidgetField"
            ),
            "authflow.forms.form": "Filled Form",
            "authflow.forms.shown": (
                "Shown ShownAudio ShownIf ShownImage ShownLink ShownQrCode ShownText"
            ),
            "authflow.plugins.admission": "Admitted AlreadySent SendRefused",
            "authflow.plugins.client_challenge": "ClientChallenge",
            "authflow.plugins.form_challenge": "FormChallenge answer_by_form",
            "authflow.plugins.installed": "PluginInfo",
            "authflow.plugins.outcomes": "Outcome Verdict",
            "authflow.plugins.registry": (
                "ALLOWED_VARIABLE CLIENT_CHALLENGES INTERFACE TRIGGER_CHALLENGES PluginRegistry"
            ),
            "authflow.plugins.names": "NAME NAME_RULE Side",
            "authflow.plugins.settings": "checked_settings settings_schema",
            "authflow.plugins.trigger_challenge": (
                "CreateContext Issued Sends TriggerChallenge Uses VerifyContext"
            ),
            "authflow.plugins.read_text": "read_code read_words",
            "authflow.plugins.typed_text": "MOST_TYPED typed_code typed_words",
            "authflow.given_services": "stray_cancel_fails",
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
    "MOST_TYPED",
    "NAME",
    "NAME_RULE",
    "TRIGGER_CHALLENGES",
    "Admitted",
    "AlreadySent",
    "AskAgainError",
    "Challenge",
    "ChoiceField",
    "ClientChallenge",
    "ConfigError",
    "CreateContext",
    "Declined",
    "Field",
    "Filled",
    "Form",
    "FormChallenge",
    "Issued",
    "NextStep",
    "Option",
    "OtherFactor",
    "Outcome",
    "PluginError",
    "PluginFailedError",
    "PluginInfo",
    "PluginRegistry",
    "Prompt",
    "Randomness",
    "Secret",
    "SecretField",
    "SendRefused",
    "Sends",
    "Shown",
    "ShownAudio",
    "ShownIf",
    "ShownImage",
    "ShownLink",
    "ShownQrCode",
    "ShownText",
    "Side",
    "Suspended",
    "TextField",
    "TriggerChallenge",
    "Unanswered",
    "Uses",
    "Verdict",
    "VerifyContext",
    "WaitField",
    "WidgetField",
    "answer_by_form",
    "checked_settings",
    "read_code",
    "read_words",
    "settings_schema",
    "stray_cancel_fails",
    "typed_code",
    "typed_words",
]
