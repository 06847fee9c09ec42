"""Checks of the arguments that are not secrets, made before anything is sent.

Each check is given a value that may be anything, a secret in the wrong place too. So none raises
with it in a frame: those that may be given one say what is wrong, and the caller raises.
"""

from typing import TypeVar

from authflow.client.pacing.pacing import Pacing
from authflow.config import AuthConfig
from authflow.errors import MisuseError, SignInOverError
from authflow.given_secrets import is_text
from authflow.machine import AuthFlow
from authflow.results import Challenge, ChallengeRequired, SignedIn
from authflow.sign_in import SignIn

P = TypeVar("P")


def checked_config(config: object) -> AuthConfig:
    """Return a client's settings, checked.

    Raises:
        MisuseError: They are none.
    """
    if isinstance(config, AuthConfig):
        return config
    msg = f"AuthClient takes an AuthConfig, not {type(config).__name__}"
    raise MisuseError(msg)


def checked_pacing(pacing: object) -> None:
    """Check a client's pacing.

    Raises:
        MisuseError: It is something else.
    """
    if pacing is not None and not isinstance(pacing, Pacing):
        msg = f"pacing must be a Pacing, such as Pacing(), not {type(pacing).__name__}"
        raise MisuseError(msg)


def checked_flow(flow: object) -> AuthFlow:
    """Return an auth flow by its name.

    Raises:
        MisuseError: There is no such flow.
    """
    if isinstance(flow, str) and flow in list(AuthFlow):
        return AuthFlow(flow)
    msg = f"flow must be one of {', '.join(AuthFlow)}"
    raise MisuseError(msg)


def checked_username(username: object) -> str:
    """Return a username, checked.

    Raises:
        MisuseError: It is no text, or an empty one.
    """
    if isinstance(username, str) and is_text(username) and username:
        return username
    msg = "username must be a text that is not empty"
    raise MisuseError(msg)


def checked_prompt(prompt: P) -> P:
    """Return a prompt or None, checked.

    Raises:
        MisuseError: It cannot ask anybody anything.
    """
    if prompt is None or (not isinstance(prompt, type) and callable(getattr(prompt, "ask", None))):
        return prompt
    kind = f"the class {prompt.__name__}" if isinstance(prompt, type) else type(prompt).__name__
    msg = f"prompt must be a Prompt, such as TerminalPrompt(), not {kind}"
    raise MisuseError(msg)


def wrong_pending(pending: object) -> MisuseError | None:
    """Return the error for a wrong `pending`; None if it is right."""
    match pending:
        case ChallengeRequired(challenge=Challenge(), sign_in=SignIn()):
            return None
        case ChallengeRequired():
            return MisuseError("pending is a ChallengeRequired that no call has given")
        case SignedIn():
            return SignInOverError("pending is a SignedIn: the sign-in is over, use its tokens")
        case _:
            return MisuseError(
                "pending must be the ChallengeRequired that the last call gave, not"
                f" {type(pending).__name__}"
            )
