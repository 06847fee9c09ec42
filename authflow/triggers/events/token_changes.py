"""The changes that a pool's owner can make to tokens; impossible ones are refused at once.

Sources: "Pre token generation Lambda trigger" in the Amazon Cognito developer guide; the sizes and
characters are those of ScopeType, GroupNameType and ArnType in the API's model.
"""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import field, frozen

from authflow.errors import MisuseError
from authflow.unframed import whole

UNCHANGEABLE: Final = frozenset(
    {
        *("acr", "amr", "at_hash", "auth_time", "azp", "cognito:username", "exp", "iat"),
        *("identities", "iss", "jti", "nbf", "nonce", "origin_jti", "sub", "token_use"),
    }
)
"""Claims that no trigger can change or suppress, as well as those that begin with `dev:`."""

OF_GROUPS: Final = frozenset({"cognito:groups", "cognito:roles", "cognito:preferred_role"})
"""Claims that a trigger changes only with the groups; it can suppress them like others."""

_CLAIM: Final = re.compile(r".+", re.DOTALL)
SCOPE: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,256}")
_GROUP: Final = re.compile(r"\S{1,128}")
_ARN: Final = re.compile(r"arn:\S{16,2044}")


def is_protected(name: str, protected: frozenset[str] = UNCHANGEABLE) -> bool:
    """Return whether a claim stays as it is, whatever a trigger returns.

    Args:
        name: The claim.
        protected: The claims of the token that stay, beside those that begin with `dev:`.
    """
    return name in protected or name.startswith("dev:")


def _names(what: str, allowed: re.Pattern[str], values: Iterable[str]) -> tuple[str, ...]:
    """Check a collection of names."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        msg = f"{what}s are a collection of strings"
        raise MisuseError(msg)
    names = tuple(values)
    for name in names:
        if not isinstance(name, str) or not allowed.fullmatch(name):
            msg = f"{name!r:.80} is not a {what} of Cognito's"
            raise MisuseError(msg)
    return names


def _claim_names(values: Iterable[str]) -> tuple[str, ...]:
    return _names("claim", _CLAIM, values)


def _scopes(values: Iterable[str]) -> tuple[str, ...]:
    return _names("scope", SCOPE, values)


def _groups(values: Iterable[str]) -> tuple[str, ...]:
    return _names("group", _GROUP, values)


def _roles(values: Iterable[str]) -> tuple[str, ...]:
    return _names("role", _ARN, values)


def _role(value: str | None) -> str | None:
    return None if value is None else _roles([value])[0]


def _json(name: str, value: Any) -> Any:
    """Copy a claim's value; refuse values that Cognito cannot write into a token."""
    match value:
        case str() | bool() | int():
            return value
        case float() if math.isfinite(value):
            return value
        case list() | tuple():
            return [_json(name, item) for item in value]
        case Mapping() if all(isinstance(key, str) for key in value):
            return {key: _json(name, item) for key, item in value.items()}
    msg = (
        f"the claim {name!r:.80} holds {type(value).__name__}: give a string, a finite number,"
        " a boolean, an array or an object"
    )
    raise MisuseError(msg)


def _claims(values: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(values, Mapping):
        msg = f"claims are a mapping of names to values, not {type(values).__name__}"
        raise MisuseError(msg)
    return {name: _json(name, values[name]) for name in _claim_names(values)}


@whole
@frozen(kw_only=True)
class ClaimChanges:
    """The changes to a token.

    Args:
        claims: Claims to add or override. Strings only where the event's version is 1; else JSON
            without null.
        suppress: Claims to leave out; one that is added too is left out.

    Raises:
        MisuseError: A claim cannot be changed, or has a value that no token can hold.
    """

    claims: Mapping[str, Any] = field(factory=dict, converter=_claims, repr=False, hash=False)
    suppress: tuple[str, ...] = field(default=(), converter=_claim_names)

    def __attrs_post_init__(self) -> None:
        for name in (*self.claims, *self.suppress):
            if is_protected(name):
                msg = f"Cognito lets no trigger change the claim {name!r:.80}"
                raise MisuseError(msg)


@whole
@frozen(kw_only=True)
class AccessTokenChanges(ClaimChanges):
    """The changes to an access token.

    Args:
        add_scopes: Scopes to add, each of 1 to 256 characters and without blanks.
        suppress_scopes: Scopes to leave out.
    """

    add_scopes: tuple[str, ...] = field(default=(), converter=_scopes)
    suppress_scopes: tuple[str, ...] = field(default=(), converter=_scopes)


@whole
@frozen(kw_only=True)
class Groups:
    """The groups and roles in a token, in place of the user's own. Empty ones remove them.

    Args:
        names: The groups' names.
        iam_roles: The ARNs of the roles.
        preferred_role: The ARN of the preferred one.

    Raises:
        MisuseError: A name or an ARN is not of Cognito's form.
    """

    names: tuple[str, ...] = field(default=(), converter=_groups)
    iam_roles: tuple[str, ...] = field(default=(), converter=_roles)
    preferred_role: str | None = field(default=None, converter=_role)


@whole
@frozen(kw_only=True)
class TokenChanges:
    """The changes to the tokens of a sign-in.

    Args:
        id_token: What changes in the ID token.
        access_token: What changes in the access token; not for version 1 of the event.
        groups: The groups in them; None leaves the user's own.

    Raises:
        MisuseError: Something is of another class.
    """

    id_token: ClaimChanges | None = None
    access_token: AccessTokenChanges | None = None
    groups: Groups | None = None

    def __attrs_post_init__(self) -> None:
        # Changes to an access token would silently lose their scopes in an ID token.
        if self.id_token is not None and type(self.id_token) is not ClaimChanges:
            msg = "TokenChanges: id_token is ClaimChanges"
            raise MisuseError(msg)
        if not isinstance(self.access_token, AccessTokenChanges | None):
            msg = "TokenChanges: access_token is AccessTokenChanges"
            raise MisuseError(msg)
        if not isinstance(self.groups, Groups | None):
            msg = "TokenChanges: groups is Groups"
            raise MisuseError(msg)
