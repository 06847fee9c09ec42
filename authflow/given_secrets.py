"""Secrets that a caller gives: a text or a `Secret`, wrapped before anything can fail.

A traceback may be shown with the locals of its frames. So a public function wraps what it was given
in its first line, and only then looks whether that was a secret text: whatever is raised from there
on, no frame of ours holds the value. What is no secret text becomes an `Unfit`, which knows why and
not what.

    token = wrapped(token)
    token = checked("a token", token)
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import attrs

from authflow.errors import MisuseError
from authflow.secret import Secret
from authflow.unframed import whole

C = TypeVar("C")

_WHOLE: dict[str, str] = {
    "Tokens": "one of its tokens, such as tokens.access_token",
    "SignedIn": "one of its tokens, such as signed_in.tokens.access_token",
    "ChallengeRequired": "a text, and the challenge as `pending`",
}
"""The advice for a value that contains the secret."""


class Unfit(Secret[str]):
    """Stands for a given value that is not the secret text that was wanted.

    Args:
        why: What is wrong with it, without the value.
        text: Whether it is a text after all.
    """

    __slots__ = ("text", "why")

    def __init__(self, why: str, *, text: bool = False) -> None:
        super().__init__("")
        self.why = why
        self.text = text


def is_text(value: object) -> bool:
    """Return whether a value is a text that UTF-8 can encode, as Cognito's JSON needs it."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


def wrapped(value: object) -> Secret[str]:
    """Wrap the value that a caller gave. This raises nothing: the caller's frame still holds it."""
    text = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(text, str):
        kind = type(text).__name__
        given = f"a Secret of {kind}" if isinstance(value, Secret) else kind
        instead = f": pass {_WHOLE[kind]}" if kind in _WHOLE else ""
        return value if isinstance(value, Unfit) else Unfit(f"not {given}{instead}")
    if not is_text(text):
        return Unfit("and one that UTF-8 can carry", text=True)
    return value if isinstance(value, Secret) else Secret(text)


def checked(what: str, given: Secret[str], *, empty: bool = False) -> Secret[str]:
    """Check a wrapped secret text and return it.

    Args:
        what: What it is, for the error.
        given: What `wrapped` gave.
        empty: Whether it may be empty.

    Raises:
        MisuseError: It is no text, none that UTF-8 can carry, or empty; the value is not shown.
    """
    if isinstance(given, Unfit):
        msg = f"{what} must be a text or a Secret of one, {given.why}"
        raise MisuseError(msg)
    if not empty and not given.reveal():
        msg = f"{what} must not be empty"
        raise MisuseError(msg)
    return given


def wraps_secrets(
    *names: str, by: Callable[[object], object] = wrapped
) -> Callable[[type[C]], type[C]]:
    """Make a value's class wrap these arguments before its own `__init__` sees them.

    The `__init__` that attrs writes has every argument among its locals, and another argument may
    be the one that is refused. What is wrapped still is to be `checked`, by a converter.

    Args:
        *names: The arguments; None stays None.
        by: Wraps one; it raises nothing.
    """

    def decorate(cls: type[C]) -> type[C]:
        places = {
            place: field.name
            for place, field in enumerate(attrs.fields(cls))  # type: ignore[arg-type]
            if field.init and not field.kw_only
        }
        initialise = cls.__init__

        @wraps(initialise)
        def init(self: Any, *args: Any, **given: Any) -> None:
            args = tuple(
                by(value) if places.get(place) in names and value is not None else value
                for place, value in enumerate(args)
            )
            for name in names:
                if given.get(name) is not None:
                    given[name] = by(given[name])
            initialise(self, *args, **given)

        cls.__init__ = init  # type: ignore[method-assign]
        return whole(cls)

    return decorate
