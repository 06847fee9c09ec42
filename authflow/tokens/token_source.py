"""A source of a signed-in user's tokens, each of them good when it is asked for."""

import inspect
import re
from typing import Any, Final, Literal, Protocol

from authflow.errors import MisuseError
from authflow.given_secrets import checked, wrapped
from authflow.secret import Secret

TokenKind = Literal["access", "id"]
"""The two tokens that others are shown."""

_KINDS: Final = ("access", "id")
_BEARER: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""The text behind "Bearer " in a header (RFC 6750 §2.1)."""


class TokenSource(Protocol):
    """A signed-in user whose tokens are kept fresh: each call gives one that is still good."""

    async def access_token(self) -> Secret[str]:
        """Return the user's access token."""
        ...

    async def id_token(self) -> Secret[str]:
        """Return the user's id token."""
        ...


class PlainTokenSource(Protocol):
    """The same for synchronous code, such as `authflow.sync.SignedInUser`."""

    def access_token(self) -> Secret[str]:
        """Return the user's access token."""
        ...

    def id_token(self) -> Secret[str]:
        """Return the user's id token."""
        ...


def checked_kind(kind: object) -> TokenKind:
    """Return the kind of a token.

    Raises:
        MisuseError: There is none of this name.
    """
    if kind == "access":
        return "access"
    if kind == "id":
        return "id"
    msg = f"token must be {' or '.join(map(repr, _KINDS))}"
    raise MisuseError(msg)


def checked_source(user: Any) -> Any:
    """Return a user whose tokens are kept fresh, checked.

    Args:
        user: A source of either kind: `fresh_token` and `fresh_token_here` tell them apart.

    Raises:
        MisuseError: It has no methods that give tokens.
    """
    methods = (getattr(user, f"{kind}_token", None) for kind in _KINDS)
    if not isinstance(user, type) and all(map(callable, methods)):
        return user
    kind = f"the class {user.__name__}" if isinstance(user, type) else type(user).__name__
    del user  # it may be tokens, and tracebacks show locals
    msg = (
        "user must have `async def access_token()` and `async def id_token()`, each of which gives"
        f" a token that is still good, unlike {kind}"
    )
    raise MisuseError(msg)


async def fresh_token(user: TokenSource, kind: TokenKind) -> Secret[str]:
    """Return one of a user's tokens.

    Args:
        user: Whose.
        kind: Which.

    Raises:
        MisuseError: The source is a synchronous one; or what it gives is no text that a header may
            carry, and is not shown.
        AuthFlowError: Whatever the source raises.
    """
    asked: Any = user.id_token() if kind == "id" else user.access_token()
    if not inspect.isawaitable(asked):
        del asked  # it may be a token, and tracebacks show locals
        msg = (
            f"`{kind}_token()` of {type(user).__name__} cannot be awaited: asynchronous code takes"
            " the user of an asynchronous client (from authflow import AuthClient)"
        )
        raise MisuseError(msg)
    return _checked_token(wrapped(await asked), kind)


def fresh_token_here(user: PlainTokenSource, kind: TokenKind) -> Secret[str]:
    """Return one of a user's tokens, for synchronous code.

    Args:
        user: Whose.
        kind: Which.

    Raises:
        MisuseError: The source is an asynchronous one; or what it gives is no text that a header
            may carry, and is not shown.
        AuthFlowError: Whatever the source raises.
    """
    asked: Any = user.id_token() if kind == "id" else user.access_token()
    if inspect.isawaitable(asked):
        if inspect.iscoroutine(asked):
            asked.close()  # nobody awaits it, and Python would say so
        msg = (
            f"`{kind}_token()` of {type(user).__name__} must be awaited: synchronous code takes the"
            " user of a synchronous client (from authflow.sync import AuthClient)"
        )
        raise MisuseError(msg)
    return _checked_token(wrapped(asked), kind)


def _checked_token(given: Secret[Any], kind: TokenKind) -> Secret[str]:
    """Return what a source gives, if a header may carry it."""
    token = checked(f"what `{kind}_token()` gives", given)
    if _BEARER.fullmatch(token.reveal()):
        return token
    msg = f"what `{kind}_token()` gives is no token: it has characters that no token has"
    raise MisuseError(msg)
