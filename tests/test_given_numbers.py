"""Every time limit and every count that something public is made with, given what is none."""

import importlib
import inspect
import math
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from authflow import AuthConfig, sync
from authflow.aws import IdentityPool
from authflow.client import events
from authflow.errors import AuthFlowError, ConfigError, PluginFailedError
from authflow.given_numbers import LONGEST, MOST, check_count, check_seconds
from authflow.integrations.asgi import WebSettings
from authflow.keys import KeyRing
from authflow.plugins import SecretField, TextField, WaitField, WidgetField
from authflow.pool import Budget, PoolServer, serve
from authflow.telemetry import flow_events, verified_tokens
from authflow.testing import MovableClock
from authflow.tokens import TokenVerifier, TrustedPool
from authflow.triggers import (
    CachedKeys,
    ChallengeStep,
    CognitoGroups,
    GuessLimit,
    LdapDirectory,
    Limits,
    MemoryStore,
    SendLimit,
    SqlDirectory,
    challenge,
    k_of,
    migrating,
)
from tests.test_public import PUBLIC

NO_NUMBERS = [
    *(10**400, -(10**400), -1, -0.5, math.nan, math.inf, -math.inf, True, False),
    *("5", b"5", "", None, [5], {5: 5}, 5j, Decimal(5), Fraction(5), object(), int, float),
]
"""No limit and no count, wherever it is given, unless ALLOWED says so."""

ALLOWED = {"Budget.per_second": {math.inf}, "Budget.burst": {math.inf}}
"""Where without a limit is one, too."""

ONE, OTHER = challenge("captcha"), challenge("otp")
RING = KeyRing.generate()


def ldap_directory(**numbers: Any) -> LdapDirectory:
    pytest.importorskip("bonsai", reason="the LDAP client is not installed")
    names = {"bind_dn": "cn=a", "base": "dc=a", "attributes": {"email": "mail"}}
    return LdapDirectory(url="ldaps://a.example", bind_password="secret", **names, **numbers)


def sql_directory(**numbers: Any) -> SqlDirectory:
    names = {"username_column": "a", "hash_column": "b", "attributes": {"email": "c"}}
    return SqlDirectory(engine="sqlite+aiosqlite://", table="users", **names, **numbers)


def trusted_pool(**numbers: Any) -> TrustedPool:
    return TrustedPool(user_pool_id="eu-central-1_Abc123def", client_ids="abc", **numbers)


MADE: dict[Any, Callable[..., object]] = {
    AuthConfig: lambda **each: AuthConfig(
        user_pool_id="eu-central-1_Abc123def", client_id="abc", **each
    ),
    Budget: lambda **each: Budget(**{"per_second": 1, "burst": 1} | each),
    CachedKeys: lambda **each: CachedKeys(provider=RING, **each),
    ChallengeStep: lambda **each: ChallengeStep(name="captcha", **each),
    CognitoGroups: CognitoGroups,
    GuessLimit: GuessLimit,
    IdentityPool: lambda **each: IdentityPool(identity_pool_id="eu-central-1:0a1b", **each),
    LdapDirectory: ldap_directory,
    Limits: lambda **each: Limits(store=MemoryStore(), keys=RING, **each),
    MemoryStore: MemoryStore,
    MovableClock: MovableClock,
    PoolServer: PoolServer,
    SecretField: lambda **each: SecretField(name="a", label="a", **each),
    SendLimit: SendLimit,
    SqlDirectory: sql_directory,
    TextField: lambda **each: TextField(name="a", label="a", **each),
    TokenVerifier: lambda **each: TokenVerifier(pools=[trusted_pool()], **each),
    sync.IdentityPool: lambda **each: sync.IdentityPool(
        identity_pool_id="eu-central-1:0a1b", **each
    ),
    sync.TokenVerifier: lambda **each: sync.TokenVerifier(pools=[trusted_pool()], **each),
    TrustedPool: trusted_pool,
    WaitField: lambda **each: WaitField(name="a", label="a", **each),
    WebSettings: WebSettings,
    WidgetField: lambda **each: WidgetField(
        name="a", label="a", service="hcaptcha", site_key="a", **each
    ),
    challenge: lambda **each: challenge("captcha", **each),
    k_of: lambda count: k_of(count, ONE, OTHER),
    migrating: lambda **each: migrating(look_up=ask, authenticate=ask, **each),
}
"""How whatever takes a limit or a count is made with only that."""

READ_ONLY = {
    *("Challenge", "Tokens", "WebMessage", "Owed", "LockedOut", "SendRefused", "SentMessage"),
    *("CreateContext", "VerifyContext", "PreTokenGenerationEvent", "Binding", "Made"),
    *("RefusedCall", "UserGroup"),
    *(
        name
        for module in (events, flow_events, verified_tokens)
        for name, each in vars(module).items()
        if isinstance(each, type)
    ),
}
"""What authflow makes and others read: its numbers are authflow's own."""


async def ask(*_: object) -> None:
    """Stands for a directory; nobody asks it here."""


def takers() -> Iterator[tuple[str, Any, list[inspect.Parameter]]]:
    """All that is public and takes a number, and the parameters that are one."""
    found = {
        id(taker): (name, taker)  # a synchronous class has the asynchronous one's name
        for package, names in PUBLIC.items()
        for name in names
        for taker in [getattr(importlib.import_module(package), name)]
    }
    for name, taker in found.values():
        is_error = isinstance(taker, type) and issubclass(taker, Exception)
        if not callable(taker) or is_error or name in {*READ_ONLY, "SafeUrl"}:
            continue
        numbers = [
            each
            for each in inspect.signature(taker).parameters.values()
            if re.search(r"\b(int|float)\b", inspect.formatannotation(each.annotation))
            and "Callable" not in str(each.annotation)
        ]
        if numbers:
            yield name, taker, numbers


CASES = [
    pytest.param(taker, parameter, id=f"{name}.{parameter.name}")
    for name, taker, numbers in takers()
    for parameter in numbers
    if taker is not serve
]


@pytest.mark.parametrize(("taker", "parameter"), CASES)
def test_what_is_no_number_is_refused_where_it_is_given(taker: Any, parameter: inspect.Parameter):
    make = MADE[taker]
    # What is wrong with a form is its author's fault, and nobody's settings.
    refused = PluginFailedError if taker.__module__ == "authflow.forms.fields" else ConfigError
    allowed = ALLOWED.get(f"{taker.__name__}.{parameter.name}", set())
    is_optional = "None" in str(parameter.annotation)
    for odd in NO_NUMBERS:
        if (odd is None and is_optional) or (isinstance(odd, float) and odd in allowed):
            make(**{parameter.name: odd})
            continue
        with pytest.raises(AuthFlowError) as told:
            make(**{parameter.name: odd})
        assert type(told.value) is refused, odd
        assert re.search(r"\d|above zero", told.value.message), told.value  # what it may be
    assert parameter.default is None or parameter.default is parameter.empty or make() is not None


def test_the_search_finds_what_takes_numbers_and_all_of_it_can_be_made():
    found = {taker for _, taker, _ in takers()}
    assert found == {*MADE, serve}
    assert len(CASES) > 30


def test_serving_takes_the_numbers_of_the_server_that_it_makes():
    server = inspect.signature(PoolServer).parameters
    (numbers,) = (numbers for _, taker, numbers in takers() if taker is serve)
    assert {each.name for each in numbers} == {"port", "max_wait"} <= server.keys()


@pytest.mark.parametrize(
    ("least", "most", "right", "wrong"),
    [
        (0.0, LONGEST, [5e-324, 1, 2.5, LONGEST], [0, 0.0, -1, math.nextafter(LONGEST, math.inf)]),
        (15.0, 20.0, [15, 15.0, 20], [14.999, 20.001, 10**400]),
    ],
)
def test_seconds_are_a_number_within_bounds(
    least: float, most: float, right: list[float], wrong: list[float]
):
    for value in right:
        check_seconds("pause", value, least=least, most=most)
    for value in wrong:
        with pytest.raises(ConfigError, match=f"pause is a number of seconds, .*{most:.10g}"):
            check_seconds("pause", value, least=least, most=most)


def test_a_count_is_a_whole_number_within_bounds():
    for right in (1, MOST):
        check_count("tries", right)
    for wrong in (0, MOST + 1, 1.0):
        with pytest.raises(ConfigError, match="tries is a whole number from 1 to 1000000000"):
            check_count("tries", wrong)
    check_count("tries", 0, least=0, most=3)
    with pytest.raises(ConfigError, match="from 0 to 3"):
        check_count("tries", 4, least=0, most=3)
