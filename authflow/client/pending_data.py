"""A pending sign-in taken apart into plain data, and put together again in another process.

The data is what JSON can say, and holds everything that the next answer needs: Cognito's session
too, as it is. So it is as secret as the session, and whoever keeps it seals it. A pending sign-in
itself goes into no pickle and no JSON, since nobody would see what is in it.

Only values that a client gave come back: whatever else is read is refused, whole.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from authflow.errors import MisuseError
from authflow.given_secrets import is_text
from authflow.machine import AuthFlow, State
from authflow.mfa import NewAuthenticator
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
_FLOWS: Final = {flow.value: flow for flow in AuthFlow}
_STATES: Final = {state.value: state for state in State}
_MEMBERS: Final = ("version", "challenge", "sign_in", "because")
_ASKED: Final = ("name", "kind", "parameters", "attempt", "attempts", "left_out")
_AUTHENTICATOR: Final = "new_authenticator"
"""A member that data of an older version lacks."""
_STANDS: Final = (
    *("flow", "state", "username", "canonical_username"),
    *("rounds", "expires_at", "session"),
)
_ID: Final = "id"
"""Likewise, and so does that of a sign-in that was begun unobserved."""
_ID_FORM: Final = re.compile(r"[0-9a-f]{32}")
_BECAUSE: Final = ("kind", "reason")


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
            _AUTHENTICATOR: told_authenticator(challenge),
        },
        "sign_in": {
            "flow": sign_in.flow.value,
            "state": sign_in.state.value,
            "username": sign_in.username,
            "canonical_username": sign_in.canonical_username,
            "session": None if sign_in.session is None else sign_in.session.reveal(),
            "rounds": sign_in.rounds,
            "expires_at": sign_in.expires_at,
            **({} if sign_in.id is None else {_ID: sign_in.id}),
        },
        "because": None
        if because is None
        else dict(zip(_BECAUSE, told_reason(because), strict=True)),
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
    version, challenge, sign_in, because = _members(data, _MEMBERS)
    if version != VERSION:
        raise ValueError
    if isinstance(challenge, Mapping):
        challenge = {_AUTHENTICATOR: None, **challenge}
    if isinstance(sign_in, Mapping):
        sign_in = {_ID: None, **sign_in}
    return ChallengeRequired(
        challenge=challenge_of(_members(challenge, (*_ASKED, _AUTHENTICATOR))),
        sign_in=sign_in_of(_members(sign_in, (*_STANDS, _ID))),
        because=None if because is None else reason_of(_members(because, _BECAUSE)),
    )


def challenge_of(data: Iterable[Any]) -> Challenge:
    """Make a challenge of plain data. What it raises may hold some of that.

    Args:
        data: A challenge's members: name, kind, parameters, attempt, attempts, left_out, and
            new_authenticator if there is one.

    Raises:
        TypeError: A member is of another type.
        ValueError: There are more or less.
    """
    name, kind, parameters, attempt, attempts, left_out, *more = data
    (authenticator,) = more or (None,)
    return Challenge(
        name=_text(name),
        kind=None if kind is None else _text(kind),
        parameters=_texts(parameters),
        attempt=_count(attempt),
        attempts=None if attempts is None else _count(attempts),
        left_out=_texts(left_out),
        new_authenticator=None if authenticator is None else _authenticator_of(authenticator),
    )


def _authenticator_of(data: Any) -> NewAuthenticator:
    if not isinstance(data, list | tuple):
        raise TypeError
    key, account, app_name = data
    return NewAuthenticator(
        key=Secret(_text(key)), account=_text(account), app_name=_text(app_name)
    )


def told_authenticator(challenge: Challenge) -> tuple[str, str | None, str] | None:
    """Return an authenticator that is being set up: its key, in clear, account and app name."""
    new = challenge.new_authenticator
    return None if new is None else (new.key.reveal(), new.account, new.app_name)


def sign_in_of(data: Iterable[Any]) -> SignIn:
    """Make a sign-in's state of plain data. What it raises may hold some of that.

    Args:
        data: Its members: flow, state, username, canonical_username, rounds, expires_at, session,
            and id if there is one.

    Raises:
        KeyError: There is no such flow, or no such state.
        TypeError: A member is of another type.
        ValueError: There are more or less.
    """
    flow, state, username, canonical_username, rounds, expires_at, session, *more = data
    (number,) = more or (None,)
    if number is not None and not _ID_FORM.fullmatch(number):
        raise ValueError
    if type(expires_at) not in {int, float} or not 0 <= expires_at < float("inf"):
        raise TypeError
    return SignIn(
        flow=_FLOWS[flow],
        state=_STATES[state],
        username=_text(username),
        canonical_username=_text(canonical_username),
        session=None if session is None else Secret(_text(session)),
        rounds=_count(rounds),
        expires_at=expires_at,
        id=number,
    )


def reason_of(data: Iterable[Any]) -> Unanswered:
    """Make the reason why nobody answered of plain data. What it raises may hold some of that.

    Args:
        data: Its members: kind and reason.

    Raises:
        KeyError: There is no such kind.
        TypeError: A member is of another type.
        ValueError: There are more or less.
    """
    kind, reason = data
    return _REASONS[kind](_text(reason))


def told_reason(because: Unanswered) -> tuple[str, str]:
    """Return the kind of a reason, and a text that JSON can say: a plugin may have given anything.

    A plugin may have derived a kind of its own: it is the nearest of ours.
    """
    kind = next(kind.__name__ for kind in type(because).__mro__ if kind.__name__ in _REASONS)
    reason: Any = because.reason
    return kind, str(reason) if is_text(reason) else printable(str(reason))


def _members(data: Any, names: Sequence[str]) -> list[Any]:
    """Return an object's members, of which it has these and no others."""
    if not isinstance(data, Mapping) or data.keys() != set(names):
        raise TypeError
    return [data[name] for name in names]


def _text(value: Any) -> str:
    if type(value) is str and value.isascii():  # nearly all are
        return value
    if not is_text(value):
        raise TypeError
    return str(value)


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise TypeError
    texts = dict(value)
    "".join((*texts, *texts.values())).encode()  # fails where one is no text
    return texts


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError
    return value
