"""The meaning of a user pool's settings for its custom challenges.

A policy may be right and the pool still refuse every sign-in, tell who exists, or let users in by
another way. The settings are those that DescribeUserPool and DescribeUserPoolClient give.

Sources: "Custom authentication challenge Lambda triggers" and "Managing error responses" in the
Amazon Cognito developer guide; CreateUserPoolClient in its API reference (the flows of a client
that names none, and the names from before ALLOW_).
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, Self

from attrs import frozen

from authflow.printable import one_line
from authflow.triggers.check.define_paths import CheckVerdict, Finding, Result
from authflow.triggers.check.mfa_notes import MFA_NOTES
from authflow.triggers.events.challenge_events import CreateEvent, DefineEvent, VerifyEvent

_TRIGGERS: Final = tuple(event.trigger for event in (DefineEvent, CreateEvent, VerifyEvent))
_MFA_OFF: Final = "OFF"
_SHOWN_CHARS: Final = 60
_ARN_CHARS: Final = 200
_CUSTOM: Final = "CUSTOM_AUTH"
_UNNAMED: Final = frozenset({"USER_SRP_AUTH", _CUSTOM})
"""The flows of a client whose settings name none."""
_OLD_NAMES: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "CUSTOM_AUTH_FLOW_ONLY": frozenset({_CUSTOM}),
        "USER_PASSWORD_AUTH": _UNNAMED | {"USER_PASSWORD_AUTH"},
        "ADMIN_NO_SRP_AUTH": _UNNAMED,
    }
)
"""The older names without ALLOW_, with the flows of each; the last one is the owner's alone."""


@frozen(kw_only=True)
class ClientSettings:
    """The settings of an app client that matter here.

    Args:
        shown: Its name and id.
        flows: The flows by which users can begin at it.
        hides_users: Whether it hides who exists.
        has_pages: Whether users sign in at Cognito's own pages, which ask no custom challenge.
    """

    shown: str
    flows: frozenset[str]
    hides_users: bool
    has_pages: bool

    @classmethod
    def read(cls, client: Mapping[str, Any]) -> Self:
        """Read a UserPoolClient of DescribeUserPoolClient."""
        name, client_id = (str(client.get(each, "")) for each in ("ClientName", "ClientId"))
        providers = client.get("SupportedIdentityProviders") or ()
        return cls(
            shown=f"{one_line(name, _SHOWN_CHARS)} ({one_line(client_id, _SHOWN_CHARS)})",
            flows=_flows(client.get("ExplicitAuthFlows") or ()),
            hides_users=client.get("PreventUserExistenceErrors") == "ENABLED",
            has_pages=client.get("AllowedOAuthFlowsUserPoolClient") is True
            and "COGNITO" in providers,
        )


@frozen(kw_only=True)
class PoolSettings:
    """The settings of a user pool that matter here.

    Args:
        id: Its id.
        triggers: The functions that it has, by what LambdaConfig calls them.
        mfa: MfaConfiguration: OFF, OPTIONAL or ON.
        case_sensitive: Whether `ADA` and `ada` are two users. Whoever makes a pool says so once,
            and a pool that does not say is one of these.
        clients: Its app clients.
    """

    id: str
    triggers: Mapping[str, str]
    mfa: str
    case_sensitive: bool
    clients: tuple[ClientSettings, ...]

    @classmethod
    def read(cls, pool: Mapping[str, Any], clients: Iterable[Mapping[str, Any]]) -> Self:
        """Read a UserPool of DescribeUserPool, and each UserPoolClient."""
        config = pool.get("LambdaConfig") or {}
        names = pool.get("UsernameConfiguration") or {}
        return cls(
            id=str(pool.get("Id", "")),
            triggers={
                name: one_line(str(config[name]), _ARN_CHARS)
                for name in _TRIGGERS
                if config.get(name)
            },
            mfa=one_line(str(pool.get("MfaConfiguration") or _MFA_OFF), _SHOWN_CHARS),
            case_sensitive=names.get("CaseSensitive") is not False,
            clients=tuple(map(ClientSettings.read, clients)),
        )


def judge(
    settings: PoolSettings,
    mfa: Iterable[str] = MFA_NOTES,
    *,
    case_sensitive: bool | None = None,
) -> CheckVerdict:
    """Return what a pool's settings mean for its custom challenges.

    Args:
        settings: The pool's.
        mfa: The notes on what MFA does that count, if users can have MFA.
        case_sensitive: What the pool's triggers are told of names that differ by case; None if
            that is not known.
    """
    findings = [_has_triggers(settings), _is_allowed(settings), _hides_users(settings)]
    if case_sensitive is not None:
        findings.append(_folds_alike(settings, case_sensitive=case_sensitive))
    return CheckVerdict(
        findings=tuple(findings),
        notes=tuple(_notes(settings, mfa)),
        sessions=0,
    )


def _flows(named: Iterable[str]) -> frozenset[str]:
    """Return the flows that users can begin; those of administrators do not count."""
    names = frozenset(one_line(str(name), _SHOWN_CHARS) for name in named)
    old = [_OLD_NAMES[name] for name in names if name in _OLD_NAMES]
    if not names:
        return _UNNAMED
    if old:
        # CUSTOM_AUTH_FLOW_ONLY excludes the other flows.
        only = "CUSTOM_AUTH_FLOW_ONLY" in names
        return frozenset.intersection(*old) if only else frozenset.union(*old)
    flows = {name.removeprefix("ALLOW_") for name in names}
    return frozenset(flow for flow in flows if not flow.startswith(("ADMIN_", "REFRESH_")))


def _has_triggers(settings: PoolSettings) -> Finding:
    name = "the pool has the three triggers of custom challenges"
    missing = [each for each in _TRIGGERS if each not in settings.triggers]
    if not missing:
        return Finding(name=name)
    why = (
        f"LambdaConfig has no {', no '.join(missing)}: Cognito refuses every sign-in by CUSTOM_AUTH"
    )
    return Finding.broken(name, None, why)


def _is_allowed(settings: PoolSettings) -> Finding:
    name = "an app client allows custom challenges"
    if any(_CUSTOM in client.flows for client in settings.clients):
        return Finding(name=name)
    why = "ExplicitAuthFlows of no app client has ALLOW_CUSTOM_AUTH: no sign-in by it can begin"
    return Finding.broken(name, None, why if settings.clients else "the pool has no app client")


def _hides_users(settings: PoolSettings) -> Finding:
    name = "Cognito does not tell who exists before Define is asked"
    custom = [client for client in settings.clients if _CUSTOM in client.flows]
    telling = [client.shown for client in custom if not client.hides_users]
    if telling:
        why = (
            f"PreventUserExistenceErrors is not ENABLED for {', '.join(telling)}: an unknown user"
            " hears UserNotFoundException, and no trigger is asked"
        )
        return Finding.broken(name, None, why)
    return Finding(name=name, result=Result.HOLDS if custom else Result.NOT_TRIED)


def _folds_alike(settings: PoolSettings, *, case_sensitive: bool) -> Finding:
    name = "Triggers and the pool agree whether names differ by case"
    if settings.case_sensitive == case_sensitive:
        return Finding(name=name)
    said = "is not false" if settings.case_sensitive else "is false"
    why = (
        f"UsernameConfiguration.CaseSensitive {said}: pass"
        f" Triggers(case_sensitive={settings.case_sensitive}), or whoever compares how `ADA` and"
        " `ada` are treated sees who exists"
    )
    return Finding.broken(name, None, why)


def _notes(settings: PoolSettings, mfa: Iterable[str]) -> Iterator[str]:
    if settings.triggers:
        yield ", ".join(f"{name} is {arn}" for name, arn in settings.triggers.items())
    if settings.mfa != _MFA_OFF:
        for note in mfa:
            yield f"MfaConfiguration is {settings.mfa}: {note}"
    for client in settings.clients:
        ways = sorted(client.flows - {_CUSTOM})
        if client.has_pages:
            ways.append("Cognito's own pages")
        if ways:
            yield f"{client.shown} signs users in by {', '.join(ways)} too, and Define is not asked"
