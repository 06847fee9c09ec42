"""A requirement beyond a token's being good: its use, app client, groups and scopes."""

import re
from collections.abc import Iterable
from typing import Final, Self

from attrs import field, frozen

from authflow.errors import (
    MisuseError,
    TokenClientError,
    TokenError,
    TokenPermissionError,
    TokenUseError,
)
from authflow.tokens.claims import AccessClaims, IdClaims
from authflow.unframed import whole

_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""A scope, by RFC 6749 §3.3."""
USES: Final[frozenset[str]] = frozenset({"access", "id"})


class _Names:
    names: frozenset[str]

    @staticmethod
    def _checked(kind: str, names: tuple[object, ...]) -> frozenset[str]:
        if not names or not all(isinstance(each, str) and each.strip() for each in names):
            msg = f'{kind} takes one name at least, each a text: {kind}("admins", "staff")'
            raise MisuseError(msg)
        return frozenset(map(str, names))


@whole
@frozen(init=False)
class AnyOf(_Names):
    """Names of which one at least must be there: `AnyOf("admins", "staff")`.

    Args:
        *names: The names.

    Raises:
        MisuseError: There is none, or one is no text.
    """

    names: frozenset[str]

    def __init__(self, *names: str) -> None:
        self.__attrs_init__(self._checked("AnyOf", names))

    def met_by(self, held: frozenset[str]) -> bool:
        """Return whether one of the names is held."""
        return not self.names.isdisjoint(held)

    def __str__(self) -> str:
        return " or ".join(sorted(self.names))


@whole
@frozen(init=False)
class AllOf(_Names):
    """Names that all must be there: `AllOf("orders/read", "orders/write")`.

    Args:
        *names: The names.

    Raises:
        MisuseError: There is none, or one is no text.
    """

    names: frozenset[str]

    def __init__(self, *names: str) -> None:
        self.__attrs_init__(self._checked("AllOf", names))

    def met_by(self, held: frozenset[str]) -> bool:
        """Return whether all of the names are held."""
        return self.names <= held

    def __str__(self) -> str:
        return " and ".join(sorted(self.names))


def _wanted(what: str, value: object) -> AnyOf | AllOf | None:
    if value is None or isinstance(value, AnyOf | AllOf):
        return value
    if isinstance(value, str):
        return AllOf(value)
    msg = (
        f"{what} takes one name, AnyOf(…) or AllOf(…), not {type(value).__name__}:"
        " several names alone do not tell which is meant"
    )
    raise MisuseError(msg)


@frozen(kw_only=True)
class Requirement:
    """A list of what a token must have.

    Args:
        uses: What it may be for; None for anything.
        client_ids: The app clients that it may be for; None for any.
        groups: The user's groups.
        scopes: The token's scopes.
    """

    uses: frozenset[str] | None = None
    client_ids: frozenset[str] | None = None
    groups: AnyOf | AllOf | None = field(default=None)
    scopes: AnyOf | AllOf | None = field(default=None)

    @classmethod
    def read(
        cls,
        *,
        token_use: object,
        client_ids: Iterable[str] | str | None,
        groups: object,
        scopes: object,
    ) -> Self:
        """Read what a caller requires.

        Raises:
            MisuseError: It is malformed, or no token can have it.
        """
        uses = _wanted("token_use", token_use)
        if uses is not None and (
            not uses.names <= USES or (isinstance(uses, AllOf) and len(uses.names) > 1)
        ):
            msg = 'token_use is "access", "id", or AnyOf("access", "id")'
            raise MisuseError(msg)
        wanted = _wanted("scopes", scopes)
        if wanted is not None and uses is not None and "access" not in uses.names:
            msg = "only access tokens have scopes"
            raise MisuseError(msg)
        if wanted is not None and not all(map(_SCOPE.fullmatch, wanted.names)):
            msg = (
                "a scope has no blank in it, nor anything but visible ASCII without quotation marks"
                " and backslashes: name each one, AllOf(…) or AnyOf(…)"
            )
            raise MisuseError(msg)
        return cls(
            uses=None if uses is None else uses.names,
            client_ids=None if client_ids is None else _ids(client_ids),
            groups=_wanted("groups", groups),
            scopes=wanted,
        )

    def doubt(self, claims: AccessClaims | IdClaims) -> TokenError | None:
        """Return what a good token lacks; None if that is nothing."""
        if self.uses is not None and claims.token_use not in self.uses:
            return TokenUseError(f"the token is not an {' or '.join(self.uses)} token")
        if self.client_ids is not None and claims.client_id not in self.client_ids:
            return TokenClientError("the token was issued for another app client")
        if self.groups is not None and not self.groups.met_by(claims.groups):
            return TokenPermissionError(f"the user must be in the group {self.groups}")
        scopes = claims.scopes if isinstance(claims, AccessClaims) else frozenset()
        if self.scopes is not None and not self.scopes.met_by(scopes):
            return TokenPermissionError(f"the token must have the scope {self.scopes}")
        return None


def _ids(value: object) -> frozenset[str]:
    ids = (value,) if isinstance(value, str) else value
    if not isinstance(ids, Iterable) or not (known := tuple(ids)):
        msg = "client_ids takes the ids of app clients"
        raise MisuseError(msg)
    if not all(isinstance(each, str) and each for each in known):
        msg = "client_ids takes the ids of app clients, each a text"
        raise MisuseError(msg)
    return frozenset(known)
