"""A pending sign-in taken apart into plain data, and put together again in another process.

The data is what JSON can say, and holds everything that the next answer needs: Cognito's session
too, as it is. So it is as secret as the session, and whoever keeps it seals it. A pending sign-in
itself goes into no pickle and no JSON, since nobody would see what is in it.

Only values that a client gave come back: whatever else is read is refused, whole.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

from authflow.errors import MisuseError
from authflow.given_secrets import is_text
from authflow.machine import AuthFlow, State
from authflow.printable import printable
from authflow.results import (
    Challenge,
    ChallengeRequired,
    Declined,
    OtherFactor,
    Suspended,
    Unanswered,
)
from authflow.secret import Secret
from authflow.sign_in import SignIn
from authflow.unframed import Unframed

VERSION: Final = 1
_REASONS: Final = {kind.__name__: kind for kind in (Unanswered, Declined, OtherFactor, Suspended)}
_MEMBERS: Final = frozenset({"version", "challenge", "sign_in", "because"})


def take_apart(pending: ChallengeRequired) -> dict[str, Any]:
    """Take a pending sign-in apart.

    Args:
        pending: What a client gave.

    Returns:
        What JSON can say. It holds Cognito's session in clear: seal it.
    """
    challenge, sign_in, because = pending.challenge, pending.sign_in, pending.because
    return {
        "version": VERSION,
        "challenge": {
            "name": challenge.name,
            "kind": challenge.kind,
            "parameters": dict(challenge.parameters),
            "attempt": challenge.attempt,
            "attempts": challenge.attempts,
            "left_out": dict(challenge.left_out),
        },
        "sign_in": {
            "flow": sign_in.flow.value,
            "state": sign_in.state.value,
            "username": sign_in.username,
            "canonical_username": sign_in.canonical_username,
            "session": None if sign_in.session is None else sign_in.session.reveal(),
            "rounds": sign_in.rounds,
            "expires_at": sign_in.expires_at,
        },
        "because": None
        if because is None
        else {"kind": _kind(because), "reason": _told(because.reason)},
    }


def put_together(data: object) -> ChallengeRequired:
    """Put a pending sign-in together again.

    Args:
        data: What `take_apart` gave, maybe by way of JSON.

    Raises:
        MisuseError: It is something else, or of another version. Nothing of it is shown.
    """
    try:
        return _put_together(data)
    except (KeyError, TypeError, ValueError) as error:
        why = type(error).__name__
    del data  # it has a session in it, and tracebacks show locals
    with Unframed():
        msg = f"this is no pending sign-in of version {VERSION} ({why}): begin the sign-in anew"
        raise MisuseError(msg)


def _put_together(data: Any) -> ChallengeRequired:
    if _object(data, _MEMBERS)["version"] != VERSION:
        raise ValueError
    members = {"name", "kind", "parameters", "attempt", "attempts", "left_out"}
    asked = _object(data["challenge"], members)
    challenge = Challenge(
        name=_text(asked["name"]),
        kind=None if asked["kind"] is None else _text(asked["kind"]),
        parameters=_texts(asked["parameters"]),
        attempt=_count(asked["attempt"]),
        attempts=None if asked["attempts"] is None else _count(asked["attempts"]),
        left_out=_texts(asked["left_out"]),
    )
    names = {"flow", "state", "username", "canonical_username", "session", "rounds", "expires_at"}
    stood = _object(data["sign_in"], names)
    session = stood["session"]
    expires_at = stood["expires_at"]
    if type(expires_at) not in {int, float} or not 0 <= expires_at < float("inf"):
        raise TypeError
    sign_in = SignIn(
        flow=AuthFlow(stood["flow"]),
        state=State(stood["state"]),
        username=_text(stood["username"]),
        canonical_username=_text(stood["canonical_username"]),
        session=None if session is None else Secret(_text(session)),
        rounds=_count(stood["rounds"]),
        expires_at=expires_at,
    )
    return ChallengeRequired(
        challenge=challenge, sign_in=sign_in, because=_because(data["because"])
    )


def _kind(because: Unanswered) -> str:
    """Name the kind of a reason: the nearest of ours, where a plugin has derived its own."""
    return next(kind.__name__ for kind in type(because).__mro__ if kind.__name__ in _REASONS)


def _told(reason: Any) -> str:
    """Return a reason as a text that JSON can say: a plugin may have given anything."""
    return str(reason) if is_text(reason) else printable(str(reason))


def _because(data: Any) -> Unanswered | None:
    if data is None:
        return None
    _object(data, {"kind", "reason"})
    return _REASONS[data["kind"]](_text(data["reason"]))


def _object(data: Any, names: AbstractSet[str]) -> Any:
    if not isinstance(data, Mapping) or set(data) != names:
        raise TypeError
    return data


def _text(value: Any) -> str:
    if not is_text(value):
        raise TypeError
    return str(value)


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise TypeError
    return {_text(name): _text(text) for name, text in value.items()}


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError
    return value
