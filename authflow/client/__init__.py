"""The client: signs users in to a Cognito user pool, from asyncio."""

from typing import TYPE_CHECKING

from authflow.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from authflow.client.admin_client import AdminClient
    from authflow.client.auth_client import AuthClient
    from authflow.client.events import (
        AnswerAwaited,
        AnswerGiven,
        AnswerRefused,
        CallBegan,
        CallCancelled,
        CallEnded,
        CallFailed,
        CallRefused,
        CallSucceeded,
        ChallengeAsked,
        ClientEvent,
        RequestBegan,
        RequestEnded,
        SignInBegan,
        TicketResumed,
        TicketSealed,
        TokensRefreshed,
        TokensShared,
        TurnAwaited,
        UserSignedIn,
        UserSignedOut,
    )
    from authflow.client.exchange import Exchange
    from authflow.client.observer import Observer
    from authflow.client.pacing.pacing import Pacing
    from authflow.client.pacing.provisioned_limits import ProvisionedLimits
    from authflow.client.pacing.request_budgets import QuotaCategory, RequestBudgets
    from authflow.client.signed_in_user import SignedInUser
    from authflow.client_secrets import ClientSecrets
    from authflow.config import AuthConfig
    from authflow.plugins.client_challenge import ClientChallenge
    from authflow.plugins.form_challenge import FormChallenge
    from authflow.prompts.prompt import Prompt
    from authflow.prompts.scripted import ScriptedPrompt
    from authflow.prompts.terminal import TerminalPrompt
    from authflow.prompts.web import WebMessage, WebPrompt
    from authflow.tokens.verifier import TokenVerifier
    from authflow.user_context import AdminContext, DeviceFingerprint, UserContext
else:
    __getattr__, __dir__ = _lazy_names(
        __name__,
        {
            "authflow.client.admin_client": "AdminClient",
            "authflow.client.auth_client": "AuthClient",
            "authflow.client.events": (
                "AnswerAwaited AnswerGiven AnswerRefused CallBegan CallCancelled CallEnded "
                "CallFailed CallRefused CallSucceeded ChallengeAsked ClientEvent RequestBegan "
                "RequestEnded SignInBegan TicketResumed TicketSealed TokensRefreshed TokensShared "
                "TurnAwaited UserSignedIn UserSignedOut"
            ),
            "authflow.client.exchange": "Exchange",
            "authflow.client.observer": "Observer",
            "authflow.client_secrets": "ClientSecrets",
            "authflow.client.pacing.pacing": "Pacing",
            "authflow.client.pacing.provisioned_limits": "ProvisionedLimits",
            "authflow.client.pacing.request_budgets": "QuotaCategory RequestBudgets",
            "authflow.client.signed_in_user": "SignedInUser",
            "authflow.config": "AuthConfig",
            "authflow.plugins.client_challenge": "ClientChallenge",
            "authflow.plugins.form_challenge": "FormChallenge",
            "authflow.prompts.prompt": "Prompt",
            "authflow.prompts.scripted": "ScriptedPrompt",
            "authflow.prompts.terminal": "TerminalPrompt",
            "authflow.prompts.web": "WebMessage WebPrompt",
            "authflow.tokens.verifier": "TokenVerifier",
            "authflow.user_context": "AdminContext DeviceFingerprint UserContext",
        },
    )

__all__ = [
    "AdminClient",
    "AdminContext",
    "AnswerAwaited",
    "AnswerGiven",
    "AnswerRefused",
    "AuthClient",
    "AuthConfig",
    "CallBegan",
    "CallCancelled",
    "CallEnded",
    "CallFailed",
    "CallRefused",
    "CallSucceeded",
    "ChallengeAsked",
    "ClientChallenge",
    "ClientEvent",
    "ClientSecrets",
    "DeviceFingerprint",
    "Exchange",
    "FormChallenge",
    "Observer",
    "Pacing",
    "Prompt",
    "ProvisionedLimits",
    "QuotaCategory",
    "RequestBegan",
    "RequestBudgets",
    "RequestEnded",
    "ScriptedPrompt",
    "SignInBegan",
    "SignedInUser",
    "TerminalPrompt",
    "TicketResumed",
    "TicketSealed",
    "TokenVerifier",
    "TokensRefreshed",
    "TokensShared",
    "TurnAwaited",
    "UserContext",
    "UserSignedIn",
    "UserSignedOut",
    "WebMessage",
    "WebPrompt",
]
