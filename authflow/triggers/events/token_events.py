"""The event before tokens are made.

Version 1 of the event changes the ID token, versions 2 and 3 the access token too; version 3 also
comes where a machine signs in, without a user. The pool's LambdaConfig says which one is sent.

Source: "Pre token generation Lambda trigger" in the Amazon Cognito developer guide.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from attrs import evolve, frozen

from authflow.errors import MisuseError
from authflow.triggers.events.envelope import EventObject, HandledEvent, ReplyObject
from authflow.triggers.events.token_changes import (
    OF_GROUPS,
    SCOPE,
    UNCHANGEABLE,
    AccessTokenChanges,
    ClaimChanges,
    Groups,
    TokenChanges,
    is_protected,
)

if TYPE_CHECKING:
    from authflow.triggers.events.trigger_replies import ClaimsReply, GroupsReply, TokensReply

_PASSED_OVER: Final = UNCHANGEABLE | OF_GROUPS | {"aud"}
"""Claims that Cognito makes itself, whatever version 1 of the event has for them."""
AUTHENTICATION: Final = "TokenGeneration_Authentication"
NEW_PASSWORD: Final = "TokenGeneration_NewPasswordChallenge"
DEVICE: Final = "TokenGeneration_AuthenticateDevice"
REFRESH: Final = "TokenGeneration_RefreshTokens"
_VERSIONS: Final = frozenset({"1", "2", "3"})
_CLIENT_CREDENTIALS: Final = "TokenGeneration_ClientCredentials"


@frozen(kw_only=True)
class PreTokenGenerationEvent(HandledEvent):
    """Tokens are about to be made. A handler may return `TokenChanges`.

    Args:
        version: 1, 2 or 3.
        groups: The names of the user's groups.
        iam_roles: The ARNs of the groups' roles.
        preferred_role: The ARN of the preferred one.
        scopes: The access token's scopes; empty in version 1.
    """

    trigger = "PreTokenGeneration"
    sources: ClassVar[tuple[str, ...]] = (
        AUTHENTICATION,
        "TokenGeneration_HostedAuth",
        NEW_PASSWORD,
        DEVICE,
        REFRESH,
        _CLIENT_CREDENTIALS,
    )
    userless: ClassVar[frozenset[str]] = frozenset({_CLIENT_CREDENTIALS})
    gives: ClassVar[type | None] = TokenChanges

    version: int
    groups: tuple[str, ...] = ()
    iam_roles: tuple[str, ...] = ()
    preferred_role: str | None = None
    scopes: tuple[str, ...] = ()

    @classmethod
    def _members(cls, event: EventObject) -> dict[str, Any]:
        version = event.text("version")  # required, since it decides what can be changed
        if version not in _VERSIONS:
            raise event.wrong("version", '"1", "2" or "3"')
        request = event.object_or_empty("request")
        groups = _group_configuration(request)
        return {
            **super()._members(event),
            "version": int(version),
            "groups": groups.texts("groupsToOverride"),
            "iam_roles": groups.texts("iamRolesToOverride"),
            "preferred_role": groups.optional_text("preferredRole"),
            "scopes": request.texts("scopes"),
        }

    def _version(self) -> str:
        version = str(self.version)
        if version not in _VERSIONS:
            msg = f"PreTokenGenerationEvent has version 1, 2 or 3, not {version:.80}"
            raise MisuseError(msg)
        return version

    def _request(self) -> dict[str, Any]:
        return {
            **super()._request(),
            "groupConfiguration": _spelled_groups(self.groups, self.iam_roles, self.preferred_role),
            **({} if self.version == 1 else {"scopes": list(self.scopes)}),
        }

    def _blank(self) -> dict[str, Any]:
        return {self._details: None}

    @property
    def _details(self) -> str:
        return "claimsOverrideDetails" if self.version == 1 else "claimsAndScopeOverrideDetails"

    def read_reply(self, given: object) -> "TokensReply | None":
        """Read the changes that the trigger asks for; None for none."""
        from authflow.triggers.events.trigger_replies import ClaimsReply, TokensReply  # noqa: PLC0415  # only who asks reads

        details = self._replied(given).optional_object(self._details)
        if details is None:
            return None
        try:
            groups = _read_groups(details)
            if self.version > 1:
                return TokensReply(
                    id_token=_read_claims(details.optional_object("idTokenGeneration")),
                    access_token=_read_access(details.optional_object("accessTokenGeneration")),
                    groups=groups,
                )
            id_token = _read_claims(details)
        except RecursionError:
            raise details.wrong("claimsToAddOrOverride", "JSON of a sound depth") from None
        for name, value in id_token.claims.items():
            if not isinstance(value, str) and not is_protected(name, _PASSED_OVER):
                raise details.wrong("claimsToAddOrOverride", "an object of strings")
        return TokensReply(id_token=id_token, access_token=ClaimsReply(), groups=groups)

    def _response(self, result: TokenChanges | None) -> Mapping[str, Any]:
        member = self._details
        if result is None:
            return {member: None}
        id_token = result.id_token or ClaimChanges()
        groups = self._group_details(result.groups)
        if self.version == 1:
            self._check_version_1(result)
            return {member: {**_spelled_claims(id_token), **groups}}
        access_token = result.access_token or AccessTokenChanges()
        self._check_audience(id_token, access_token)
        return {
            member: {
                "idTokenGeneration": _spelled_claims(id_token),
                "accessTokenGeneration": _spelled_access(access_token),
                **groups,
            }
        }

    def _group_details(self, groups: Groups | None) -> dict[str, Any]:
        """Return the groups. Null and empty ones would remove the user's own, so repeat those."""
        if groups is not None:
            spelled = _spelled_groups(groups.names, groups.iam_roles, groups.preferred_role)
            return {"groupOverrideDetails": spelled}
        request = EventObject(self.to_json(), "the event").object_or_empty("request")
        if request.members.get("groupConfiguration") is None:
            return {}
        return {"groupOverrideDetails": dict(_group_configuration(request).members)}

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
        """Refuse any audience but the app client, which Cognito itself puts into the ID token.

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


def _group_configuration(request: EventObject) -> EventObject:
    """Read the user's groups; null and absent are none.

    Cognito sends an object, and the developer guide of some years shows an array of one.
    """
    given = request.members.get("groupConfiguration")
    if isinstance(given, list | tuple) and len(given) <= 1:
        given = next(iter(given), None)
    path = f"{request.path}: groupConfiguration"
    if given is None:
        return EventObject({}, path)
    if not isinstance(given, Mapping):
        raise request.wrong("groupConfiguration", "an object")
    return EventObject(given, path)


def _spelled_claims(changes: ClaimChanges) -> dict[str, Any]:
    return {
        "claimsToAddOrOverride": dict(changes.claims),
        "claimsToSuppress": list(changes.suppress),
    }


def _spelled_access(changes: AccessTokenChanges) -> dict[str, Any]:
    return {
        **_spelled_claims(changes),
        "scopesToAdd": list(changes.add_scopes),
        "scopesToSuppress": list(changes.suppress_scopes),
    }


def _spelled_groups(
    names: tuple[str, ...], iam_roles: tuple[str, ...], preferred_role: str | None
) -> dict[str, Any]:
    return {
        "groupsToOverride": list(names),
        "iamRolesToOverride": list(iam_roles),
        "preferredRole": preferred_role,
    }


def _read_claims(details: ReplyObject | None) -> "ClaimsReply":
    """Read the changes to the claims of one token."""
    from authflow.triggers.events.trigger_replies import ClaimsReply  # noqa: PLC0415  # only who asks reads

    if details is None:
        return ClaimsReply()
    added = details.optional_object("claimsToAddOrOverride")
    claims = {} if added is None else dict(added.members)
    if not all(name and _is_claim(value) for name, value in claims.items()):
        raise details.wrong("claimsToAddOrOverride", "an object of named JSON without null")
    return ClaimsReply(claims=claims, suppress=_named(details, "claimsToSuppress"))


def _read_access(details: ReplyObject | None) -> "ClaimsReply":
    """Read the changes to the access token, its scopes included."""
    claims = _read_claims(details)
    if details is None:
        return claims
    scopes = _named(details, "scopesToAdd")
    if not all(map(SCOPE.fullmatch, scopes)):
        raise details.wrong("scopesToAdd", "an array of scopes")
    return evolve(claims, add_scopes=scopes, suppress_scopes=_named(details, "scopesToSuppress"))


def _read_groups(details: ReplyObject) -> "GroupsReply | None":
    """Read the groups. Null and empty ones remove the user's own; absent ones leave them."""
    from authflow.triggers.events.trigger_replies import GroupsReply  # noqa: PLC0415  # only who asks reads

    if "groupOverrideDetails" not in details.members:
        return None
    given = details.optional_object("groupOverrideDetails")
    if given is None:
        return GroupsReply()
    return GroupsReply(
        names=_named(given, "groupsToOverride"),
        iam_roles=_named(given, "iamRolesToOverride"),
        preferred_role=given.optional_text("preferredRole"),
    )


def _named(details: ReplyObject, name: str) -> tuple[str, ...]:
    texts = details.texts(name)
    if "" in texts:
        raise details.wrong(name, "an array of strings that are not empty")
    return texts


def _is_claim(value: object) -> bool:
    """Return whether a token can hold a value: any JSON but null, as documented."""
    match value:
        case str() | bool() | int():
            return True
        case float():
            return math.isfinite(value)
        case list():
            return all(map(_is_claim, value))
        case dict():
            return all(map(_is_claim, value.values()))
    return False
