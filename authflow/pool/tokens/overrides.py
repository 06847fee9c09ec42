"""What a PreTokenGeneration trigger changes in the tokens of a sign-in.

Version 1 of its event changes the ID token, versions 2 and 3 the access token and its scopes too;
groups are in both tokens. What no trigger may change stays as it is, and a warning is logged: the
documentation says that these claims cannot be changed, not that trying fails the sign-in. What is
not of the documented form ends the sign-in. Source: "Pre token generation Lambda trigger" in the
developer guide.
"""

import logging
import math
import re
from collections.abc import Mapping
from typing import Any, Final, Self

from attrs import evolve, field, frozen

from authflow.pool.cognito_errors import invalid_trigger_result
from authflow.triggers.events.token_events import UNCHANGEABLE

_LOG: Final = logging.getLogger("authflow.pool.triggers")
_GROUPS: Final = "cognito:groups"
_ROLES: Final = "cognito:roles"
_PREFERRED_ROLE: Final = "cognito:preferred_role"
_OF_GROUPS: Final = frozenset({_GROUPS, _ROLES, _PREFERRED_ROLE})
"""Claims that groupOverrideDetails sets, and claimsToAddOrOverride does not."""
_IDENTITY: Final = UNCHANGEABLE | {"aud"}
_ACCESS: Final = UNCHANGEABLE | {
    *("aud", "client_id", "device_key", "event_id", "scope", "username", "version")
}
"""Beside the documented ones: what says whose an access token is, and its scopes, which have
members of their own."""
_SCOPE: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,256}")


@frozen(kw_only=True)
class ClaimOverrides:
    """What changes in the claims of one token.

    Args:
        add: Claims to add or override.
        suppress: Claims to leave out, whatever else says that they be there.
        replace: Claims that are only there if they are added.
    """

    add: Mapping[str, Any] = field(factory=dict, repr=False)
    suppress: frozenset[str] = frozenset()
    replace: frozenset[str] = frozenset()

    def with_groups(self, claims: Mapping[str, Any] | None) -> Self:
        """Give the changes with those that groups make; None for none."""
        if claims is None:
            return self
        return evolve(self, add={**self.add, **claims}, replace=_OF_GROUPS)

    def applied(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        """Give changed claims."""
        kept = {name: value for name, value in claims.items() if name not in self.replace}
        changed = {**kept, **self.add}
        return {name: value for name, value in changed.items() if name not in self.suppress}


@frozen(kw_only=True)
class TokenOverrides:
    """What changes in the tokens of a sign-in.

    Args:
        identity: What changes in the ID token.
        access: What changes in the access token.
        add_scopes: Scopes that the access token gets.
        suppress_scopes: Scopes that it does not get, even if they are added.
    """

    identity: ClaimOverrides
    access: ClaimOverrides
    add_scopes: tuple[str, ...] = ()
    suppress_scopes: frozenset[str] = frozenset()

    def of_identity(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        """Give the ID token's claims as changed."""
        return self.identity.applied(claims)

    def of_access(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        """Give the access token's claims as changed. Without any scope it has no such claim."""
        changed = self.access.applied(claims)
        wanted = dict.fromkeys((*changed.pop("scope").split(), *self.add_scopes))
        scopes = [scope for scope in wanted if scope not in self.suppress_scopes]
        return {**changed, "scope": " ".join(scopes)} if scopes else changed


def read_token_overrides(
    response: Mapping[str, Any], *, version: str, client_id: str
) -> TokenOverrides | None:
    """Read what the trigger gave.

    Args:
        response: The event's `response`.
        version: The event's version.
        client_id: The app client, the only audience that a trigger may name in an access token.

    Returns:
        None if nothing changes.

    Raises:
        CognitoError: It is not of the documented form.
    """
    try:
        if version == "1":
            return _read_version_1(response)
        return _read_version_2(response, client_id)
    except RecursionError:
        raise invalid_trigger_result() from None


def _read_version_1(response: Mapping[str, Any]) -> TokenOverrides | None:
    details = _object(response, "claimsOverrideDetails")
    if details is None:
        return None
    identity = _claims(details, _IDENTITY)
    if not all(isinstance(value, str) for value in identity.add.values()):
        raise invalid_trigger_result()
    groups = _read_groups(details)
    return TokenOverrides(
        identity=identity.with_groups(groups),
        access=ClaimOverrides().with_groups(_only_names(groups)),
    )


def _read_version_2(response: Mapping[str, Any], client_id: str) -> TokenOverrides | None:
    details = _object(response, "claimsAndScopeOverrideDetails")
    if details is None:
        return None
    groups = _read_groups(details)
    of_identity = _object(details, "idTokenGeneration") or {}
    of_access = _object(details, "accessTokenGeneration") or {}
    added = _names(of_access, "scopesToAdd")
    if not all(_SCOPE.fullmatch(scope) for scope in added):
        raise invalid_trigger_result()
    return TokenOverrides(
        identity=_claims(of_identity, _IDENTITY).with_groups(groups),
        access=_claims(of_access, _ACCESS, client_id).with_groups(_only_names(groups)),
        add_scopes=added,
        suppress_scopes=frozenset(_names(of_access, "scopesToSuppress")),
    )


def _object(holder: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    value = holder.get(name)
    if not isinstance(value, dict | None):
        raise invalid_trigger_result()
    return value


def _names(holder: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = holder.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise invalid_trigger_result()
    return tuple(value)


def _is_claim(value: Any) -> bool:
    """Say whether a token can hold a value: any JSON but null, as documented."""
    match value:
        case str() | bool() | int():
            return True
        case float():
            return math.isfinite(value)
        case list():
            return all(_is_claim(each) for each in value)
        case dict():
            return all(_is_claim(each) for each in value.values())
    return False


def _claims(
    details: Mapping[str, Any], protected: frozenset[str], audience: str | None = None
) -> ClaimOverrides:
    """Read the changes to one token, without those that no trigger may make.

    Args:
        details: What the trigger gave.
        protected: The claims that stay as they are.
        audience: The `aud` that may be added all the same.
    """
    add = _object(details, "claimsToAddOrOverride") or {}
    suppress = frozenset(_names(details, "claimsToSuppress"))
    if not all(name and _is_claim(value) for name, value in add.items()):
        raise invalid_trigger_result()
    kept = {
        name: value
        for name, value in add.items()
        if not _is_protected(name, protected | _OF_GROUPS)
        or (name == "aud" and audience is not None and value == audience)
    }
    left_out = frozenset(name for name in suppress if not _is_protected(name, protected))
    ignored = (add.keys() - kept.keys()) | (suppress - left_out)
    if ignored:
        _LOG.warning("PreTokenGeneration cannot change %s", ", ".join(sorted(map(repr, ignored))))
    return ClaimOverrides(add=kept, suppress=left_out)


def _is_protected(name: str, protected: frozenset[str]) -> bool:
    return name in protected or name.startswith("dev:")


def _read_groups(details: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Read the claims that groups and roles make.

    What is given replaces all that the pool knows of the user's groups, an empty or null object
    included; without it they stay.
    """
    if "groupOverrideDetails" not in details:
        return None
    given = _object(details, "groupOverrideDetails") or {}
    preferred = given.get("preferredRole")
    if not isinstance(preferred, str | None):
        raise invalid_trigger_result()
    claims = {
        _GROUPS: list(_names(given, "groupsToOverride")),
        _ROLES: list(_names(given, "iamRolesToOverride")),
        _PREFERRED_ROLE: preferred,
    }
    return {name: value for name, value in claims.items() if value}


def _only_names(groups: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Leave the roles out: an access token has the groups' names only."""
    if groups is None:
        return None
    return {name: value for name, value in groups.items() if name == _GROUPS}
