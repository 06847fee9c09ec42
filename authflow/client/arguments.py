"""Checks of the arguments that are not secrets, made before anything is sent.

Each check is given a value that may be anything, a secret in the wrong place too. So none raises
with it in a frame: those that may be given one say what is wrong, and the caller raises.
"""

from datetime import datetime
from typing import TypeVar

from authflow.client.pacing.pacing import Pacing
from authflow.client.remembered_devices import REMEMBERING, Remembering
from authflow.config import AuthConfig
from authflow.device import Device, UnconfirmedDevice
from authflow.errors import ConfigError, MisuseError, SignInOverError
from authflow.given_secrets import is_text
from authflow.given_services import can, check_store, kind_of
from authflow.keys.key_ring import check_provider
from authflow.machine import AuthFlow
from authflow.results import Challenge, ChallengeRequired, SignedIn
from authflow.secret import Secret
from authflow.sign_in import SignIn
from authflow.user_context import AdminContext, UserContext

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


def checked_keys(keys: object) -> None:
    """Check what seals and opens tickets. A key in its place is not shown.

    Raises:
        ConfigError: It gives no key ring.
    """
    if keys is not None:
        check_provider("keys", keys)


def checked_store(store: object, *, keys: bool) -> None:
    """Check what keeps the claims on tickets.

    Args:
        store: The store, or None.
        keys: Whether there are keys.

    Raises:
        ConfigError: It is no store, or there are no keys.
    """
    if store is None:
        return
    check_store("store", store)
    if not keys:
        msg = "what is in a store is named and sealed by keys: pass AuthClient(..., keys=...), too"
        raise ConfigError(msg)


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
    if prompt is None or can(prompt, "ask"):
        return prompt
    msg = f"prompt must be a Prompt, such as TerminalPrompt(), not {kind_of(prompt)}"
    raise MisuseError(msg)


def checked_time(time: object) -> datetime:
    """Return what a clock gave, checked.

    Raises:
        ConfigError: It is no time of day, or one without a time zone.
    """
    if isinstance(time, datetime) and time.utcoffset() is not None:
        return time
    gave = "one without a time zone" if isinstance(time, datetime) else type(time).__name__
    msg = f"clock must give an aware datetime, such as datetime.now(UTC), not {gave}"
    raise ConfigError(msg)


def wrong_flag(name: str, flag: object) -> MisuseError | None:
    """Return the error for what must be True or False; None if it is."""
    if isinstance(flag, bool):
        return None
    return MisuseError(f"{name} must be True or False, not {type(flag).__name__}")


def wrong_context(context: object, kind: type = UserContext) -> MisuseError | None:
    """Return the error for a wrong `context`; None if it is right.

    Args:
        context: What was given.
        kind: The class that it must be of.
    """
    if context is None or isinstance(context, kind):
        return None
    article = "an" if kind is AdminContext else "a"
    return MisuseError(f"context must be {article} {kind.__name__}, not {kind_of(context)}")


def checked_remembering(when: object) -> Remembering:
    """Return what a client does with new devices, checked.

    Raises:
        MisuseError: There is no such setting.
    """
    for each in REMEMBERING:
        if isinstance(when, str) and when == each:
            return each
    msg = f"remember_device must be one of {', '.join(REMEMBERING)}"
    raise MisuseError(msg)


def wrong_device(device: object) -> MisuseError | None:
    """Return the error for a wrong `device` of a sign-in; None if it is right."""
    match device:
        case None:
            return None
        case Device(password=Secret()):
            return None
        case Device():
            return MisuseError("this device's password was thrown away: it cannot prove itself")
        case UnconfirmedDevice():
            return MisuseError("this device is not confirmed: see AuthClient.remember_device")
        case _:
            return MisuseError(f"device must be a Device, not {kind_of(device)}")


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
