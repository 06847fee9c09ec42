"""The event before tokens are made, and what can be changed in them.

Version 1 of the event changes the ID token, versions 2 and 3 the access token too; version 3 also
comes where a machine signs in, without a user. The pool's LambdaConfig says which one is sent.

Sources: "Pre token generation Lambda trigger" in the Amazon Cognito developer guide; the sizes and
characters are those of ScopeType, GroupNameType and ArnType in the API's model.
"""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import field, frozen

from authflow.errors import MisuseError
from authflow.triggers.events.envelope import EventObject, HandledEvent

UNCHANGEABLE: Final = frozenset(
    {
        *("acr", "amr", "at_hash", "auth_time", "azp", "cognito:username", "exp", "iat"),
        *("identities", "iss", "jti", "nbf", "nonce", "origin_jti", "sub", "token_use"),
    }
)
"""Claims that no trigger can add, change or suppress; nor can it those that begin with `dev:`."""

_CLIENT_CREDENTIALS: Final = "TokenGeneration_ClientCredentials"
_CLAIM: Final = re.compile(r".+", re.DOTALL)
_SCOPE: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,256}")
_GROUP: Final = re.compile(r"\S{1,128}")
_ARN: Final = re.compile(r"arn:\S{16,2044}")


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
    return _names("scope", _SCOPE, values)


def _groups(values: Iterable[str]) -> tuple[str, ...]:
    return _names("group", _GROUP, values)


def _roles(values: Iterable[str]) -> tuple[str, ...]:
    return _names("role", _ARN, values)


def _role(value: str | None) -> str | None:
    return None if value is None else _roles([value])[0]


def _json(name: str, value: Any) -> Any:
    """Copy a claim's value, refusing what Cognito cannot write into a token."""
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


@frozen(kw_only=True)
class ClaimChanges:
    """What changes in a token.

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
            if name in UNCHANGEABLE or name.startswith("dev:"):
                msg = f"Cognito lets no trigger change the claim {name!r:.80}"
                raise MisuseError(msg)

    def spelled(self) -> dict[str, Any]:
        """Spell the changes as Cognito does."""
        return {
            "claimsToAddOrOverride": dict(self.claims),
            "claimsToSuppress": list(self.suppress),
        }


@frozen(kw_only=True)
class AccessTokenChanges(ClaimChanges):
    """What changes in an access token.

    Args:
        add_scopes: Scopes to add, each of 1 to 256 characters and without blanks.
        suppress_scopes: Scopes to leave out.
    """

    add_scopes: tuple[str, ...] = field(default=(), converter=_scopes)
    suppress_scopes: tuple[str, ...] = field(default=(), converter=_scopes)

    def spelled(self) -> dict[str, Any]:
        """Spell the changes as Cognito does."""
        return {
            **super().spelled(),
            "scopesToAdd": list(self.add_scopes),
            "scopesToSuppress": list(self.suppress_scopes),
        }


@frozen(kw_only=True)
class Groups:
    """The groups and roles in a token, in place of the user's own. Empty ones take them away.

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

    def spelled(self) -> dict[str, Any]:
        """Spell the groups as Cognito does."""
        return {
            "groupsToOverride": list(self.names),
            "iamRolesToOverride": list(self.iam_roles),
            "preferredRole": self.preferred_role,
        }


@frozen(kw_only=True)
class TokenChanges:
    """What changes in the tokens of a sign-in.

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
        # An access token's changes are no ID token's: their scopes would be lost without a word.
        if self.id_token is not None and type(self.id_token) is not ClaimChanges:
            msg = "TokenChanges: id_token is ClaimChanges"
            raise MisuseError(msg)
        if not isinstance(self.access_token, AccessTokenChanges | None):
            msg = "TokenChanges: access_token is AccessTokenChanges"
            raise MisuseError(msg)
        if not isinstance(self.groups, Groups | None):
            msg = "TokenChanges: groups is Groups"
            raise MisuseError(msg)


@frozen(kw_only=True)
class PreTokenGenerationEvent(HandledEvent):
    """Tokens are about to be made. A handler may give `TokenChanges`.

    Args:
        version: 1, 2 or 3.
        groups: The names of the user's groups.
        iam_roles: The ARNs of the groups' roles.
        preferred_role: The ARN of the preferred one.
        scopes: The access token's scopes; empty in version 1.
    """

    trigger = "PreTokenGeneration"
    sources = (
        "TokenGeneration_Authentication",
        "TokenGeneration_HostedAuth",
        "TokenGeneration_NewPasswordChallenge",
        "TokenGeneration_AuthenticateDevice",
        "TokenGeneration_RefreshTokens",
        _CLIENT_CREDENTIALS,
    )
    userless = frozenset({_CLIENT_CREDENTIALS})
    gives = TokenChanges

    version: int
    groups: tuple[str, ...]
    iam_roles: tuple[str, ...]
    preferred_role: str | None
    scopes: tuple[str, ...]

    @classmethod
    def _members(cls, event: EventObject) -> dict[str, Any]:
        version = event.text("version")
        if version not in {"1", "2", "3"}:
            raise event.wrong("version", '"1", "2" or "3"')
        request = event.object("request")
        known = request.members.get("groupConfiguration") is not None
        groups = (
            request.object("groupConfiguration") if known else EventObject({}, "groupConfiguration")
        )
        return {
            **super()._members(event),
            "version": int(version),
            "groups": groups.texts("groupsToOverride"),
            "iam_roles": groups.texts("iamRolesToOverride"),
            "preferred_role": groups.optional_text("preferredRole"),
            "scopes": request.texts("scopes"),
        }

    def _response(self, result: TokenChanges | None) -> Mapping[str, Any]:
        member = "claimsOverrideDetails" if self.version == 1 else "claimsAndScopeOverrideDetails"
        if result is None:
            return {member: None}
        id_token = result.id_token or ClaimChanges()
        groups = self._group_details(result.groups)
        if self.version == 1:
            self._check_version_1(result)
            return {member: {**id_token.spelled(), **groups}}
        access_token = result.access_token or AccessTokenChanges()
        self._check_audience(id_token, access_token)
        return {
            member: {
                "idTokenGeneration": id_token.spelled(),
                "accessTokenGeneration": access_token.spelled(),
                **groups,
            }
        }

    def _group_details(self, groups: Groups | None) -> dict[str, Any]:
        """Spell the groups. Null and empty ones would take the user's own away: so repeat those."""
        if groups is not None:
            return {"groupOverrideDetails": groups.spelled()}
        own = self.raw["request"].get("groupConfiguration")
        return {} if own is None else {"groupOverrideDetails": dict(own)}

    def _check_version_1(self, changes: TokenChanges) -> None:
        if changes.access_token is not None:
            msg = (
                "version 1 of the event changes no access token: set LambdaVersion to V2_0 in the"
                " pool's PreTokenGenerationConfig"
            )
            raise MisuseError(msg)
        id_token = changes.id_token or ClaimChanges()
        self._check_audience(id_token, None)
        for name, value in id_token.claims.items():
            if not isinstance(value, str):
                msg = f"version 1 of the event takes strings only, for the claim {name!r:.80} too"
                raise MisuseError(msg)

    def _check_audience(
        self, id_token: ClaimChanges, access_token: AccessTokenChanges | None
    ) -> None:
        """Refuse another audience than the app client, which Cognito puts into the ID token itself.

        The access token has none unless a trigger adds this one.
        """
        if "aud" in {*id_token.claims, *id_token.suppress}:
            msg = "Cognito lets no trigger change the ID token's claim 'aud'"
            raise MisuseError(msg)
        if access_token is None or "aud" not in access_token.claims:
            return
        if access_token.claims["aud"] != self.client_id:
            msg = "the access token's claim 'aud' must be the app client's id"
            raise MisuseError(msg)
