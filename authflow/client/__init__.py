"""The client: signs users in to a Cognito user pool, from asyncio."""

from authflow.client.auth_client import AuthClient
from authflow.client.challenges import ClientChallenge
from authflow.client.config import AuthConfig
from authflow.client.prompt import Prompt, ScriptedPrompt, TerminalPrompt
from authflow.client.token_verifier import TokenVerifier
from authflow.client.web_prompt import Message, WebPrompt

__all__ = [
    "AuthClient",
    "AuthConfig",
    "ClientChallenge",
    "Message",
    "Prompt",
    "ScriptedPrompt",
    "TerminalPrompt",
    "TokenVerifier",
    "WebPrompt",
]
