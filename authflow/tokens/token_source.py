"""A source of a signed-in user's tokens, each of them good when it is asked for."""

import re
from typing import Final, Literal, Protocol

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


def checked_source(user: TokenSource) -> TokenSource:
    """Return a user whose tokens are kept fresh, checked.

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
        MisuseError: What was given is no text that a header may carry; it is not shown.
        AuthFlowError: Whatever the source raises.
    """
    given = wrapped(await (user.id_token() if kind == "id" else user.access_token()))
    token = checked(f"what `{kind}_token()` gives", given)
    if _BEARER.fullmatch(token.reveal()):
        return token
    msg = f"what `{kind}_token()` gives is no token: it has characters that no token has"
    raise MisuseError(msg)
