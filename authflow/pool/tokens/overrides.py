"""Changes that a PreTokenGeneration trigger makes to the tokens of a sign-in.

Version 1 of its event changes the ID token, versions 2 and 3 the access token and its scopes too;
groups are in both tokens. What no trigger may change stays as it is, and a warning is logged: the
documentation says that these claims cannot be changed, not that trying fails the sign-in. Source:
"Pre token generation Lambda trigger" in the developer guide.
"""

from collections.abc import Mapping
from typing import Any, Final, Self

from attrs import evolve, field, frozen

from authflow.pool.log_limit import limited_logger
from authflow.triggers.events.token_changes import OF_GROUPS, UNCHANGEABLE, is_protected
from authflow.triggers.events.trigger_replies import ClaimsReply, GroupsReply, TokensReply

_LOG: Final = limited_logger("authflow.pool.triggers")
_GROUPS: Final = "cognito:groups"
_ROLES: Final = "cognito:roles"
_PREFERRED_ROLE: Final = "cognito:preferred_role"
_IDENTITY: Final = UNCHANGEABLE | {"aud"}
_ACCESS: Final = UNCHANGEABLE | {
    *("aud", "client_id", "device_key", "event_id", "scope", "username", "version")
}
"""The documented claims, those that say whose an access token is, and its scopes, for which a reply
has members of their own."""


@frozen(kw_only=True)
class ClaimOverrides:
    """The changes to the claims of one token.

    Args:
        add: Claims to add or override.
        suppress: Claims to leave out, whatever else says that they be there.
        replace: Claims that are only there if they are added.
    """

    add: Mapping[str, Any] = field(factory=dict, repr=False)
    suppress: frozenset[str] = frozenset()
    replace: frozenset[str] = frozenset()

    def with_groups(self, claims: Mapping[str, Any] | None) -> Self:
        """Return these changes with those to the groups; None for no changes."""
        if claims is None:
            return self
        return evolve(self, add={**self.add, **claims}, replace=OF_GROUPS)

    def applied(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        """Return the claims with these changes."""
        kept = {name: value for name, value in claims.items() if name not in self.replace}
        changed = {**kept, **self.add}
        return {name: value for name, value in changed.items() if name not in self.suppress}


@frozen(kw_only=True)
class TokenOverrides:
    """The changes to the tokens of a sign-in.

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
        """Return the ID token's claims with the changes."""
        return self.identity.applied(claims)

    def of_access(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        """Return the access token's claims with the changes. No scopes means no `scope` claim."""
        changed = self.access.applied(claims)
        wanted = dict.fromkeys((*changed.pop("scope").split(), *self.add_scopes))
        scopes = [scope for scope in wanted if scope not in self.suppress_scopes]
        return {**changed, "scope": " ".join(scopes)} if scopes else changed


def token_overrides(reply: TokensReply | None, client_id: str) -> TokenOverrides | None:
    """Return the trigger's changes, without those that no trigger may make.

    Args:
        reply: What it gave; None if it wants no changes.
        client_id: The app client, the only audience that a trigger may name in an access token.

    Returns:
        None if nothing changes.
    """
    if reply is None:
        return None
    groups = _claims_of_groups(reply.groups)
    access = reply.access_token
    return TokenOverrides(
        identity=_overrides(reply.id_token, _IDENTITY).with_groups(groups),
        access=_overrides(access, _ACCESS, client_id).with_groups(_only_names(groups)),
        add_scopes=access.add_scopes,
        suppress_scopes=frozenset(access.suppress_scopes),
    )


def _overrides(
    reply: ClaimsReply, protected: frozenset[str], audience: str | None = None
) -> ClaimOverrides:
    """Return the changes to one token, without those that no trigger may make.

    Args:
        reply: What the trigger gave.
        protected: The claims that stay as they are.
        audience: The `aud` that may be added all the same.
    """
    add, suppress = reply.claims, frozenset(reply.suppress)
    kept = {
        name: value
        for name, value in add.items()
        if not is_protected(name, protected | OF_GROUPS)
        or (name == "aud" and audience is not None and value == audience)
    }
    left_out = frozenset(name for name in suppress if not is_protected(name, protected))
    ignored = (add.keys() - kept.keys()) | (suppress - left_out)
    if ignored:
        _LOG.warning("PreTokenGeneration cannot change %s", ", ".join(sorted(map(repr, ignored))))
    return ClaimOverrides(add=kept, suppress=left_out)


def _claims_of_groups(groups: GroupsReply | None) -> Mapping[str, Any] | None:
    """Return the claims about groups and roles.

    They replace all that the pool knows of the user's groups; without them it stays.
    """
    if groups is None:
        return None
    claims = {
        _GROUPS: list(groups.names),
        _ROLES: list(groups.iam_roles),
        _PREFERRED_ROLE: groups.preferred_role,
    }
    return {name: value for name, value in claims.items() if value}


def _only_names(groups: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return the groups' claims without roles: an access token has the groups' names only."""
    if groups is None:
        return None
    return {name: value for name, value in groups.items() if name == _GROUPS}
