"""What a pool's settings mean for its custom challenges."""

from itertools import combinations
from typing import Any

import pytest

from authflow.pool.accounts.app_clients import AppClient
from authflow.triggers.check.define_paths import Result
from authflow.triggers.check.mfa_notes import MFA_NOTES
from authflow.triggers.check.pool_settings import ClientSettings, PoolSettings, judge

TRIGGERS, ALLOWED, HIDES = range(3)
NAMES = ("DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse")
CONFIG = {name: f"arn:aws:lambda:eu-central-1:1:function:{name}" for name in NAMES}
CLIENT = {
    "ClientId": "abc",
    "ClientName": "web",
    "ExplicitAuthFlows": ["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    "PreventUserExistenceErrors": "ENABLED",
}
POOL = {"Id": "eu-central-1_X", "LambdaConfig": CONFIG, "MfaConfiguration": "OFF"}
FLOWS = (
    *("ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH", "ALLOW_USER_AUTH"),
    *("ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"),
)
OLD_FLOWS = ("ADMIN_NO_SRP_AUTH", "CUSTOM_AUTH_FLOW_ONLY", "USER_PASSWORD_AUTH")
EVERY_CHOICE = [
    chosen
    for names in (FLOWS, OLD_FLOWS)
    for count in range(len(names) + 1)
    for chosen in combinations(names, count)
]


def results(pool: dict[str, Any], *clients: dict[str, Any]) -> list[Result]:
    return [finding.result for finding in judge(PoolSettings.read(pool, clients)).findings]


def notes(pool: dict[str, Any], *clients: dict[str, Any]) -> str:
    return "\n".join(judge(PoolSettings.read(pool, clients)).notes)


def test_a_pool_that_is_set_up_for_custom_challenges_alone_is_found_right():
    verdict = judge(PoolSettings.read(POOL, [CLIENT]))
    assert verdict.holds
    assert verdict.notes == (", ".join(f"{name} is {arn}" for name, arn in CONFIG.items()),)


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize(
    ("pool", "is_sensitive"),
    [
        ({}, True),
        ({"UsernameConfiguration": None}, True),
        ({"UsernameConfiguration": {}}, True),
        ({"UsernameConfiguration": {"CaseSensitive": True}}, True),
        ({"UsernameConfiguration": {"CaseSensitive": False}}, False),
    ],
)
def test_triggers_that_are_told_otherwise_of_capitals_than_the_pool_are_found_wrong(
    pool, is_sensitive, told
):
    settings = PoolSettings.read({**POOL, **pool}, [CLIENT])
    *others, finding = judge(settings, case_sensitive=told).findings
    assert all(each.result is Result.HOLDS for each in others)
    assert (finding.result is Result.HOLDS) is (told is is_sensitive)
    if told is not is_sensitive:
        assert f"Triggers(case_sensitive={is_sensitive})" in finding.explanation
    assert judge(settings).findings == tuple(others)


@pytest.mark.parametrize("absent", [None, "", 0])
@pytest.mark.parametrize(
    "missing", [each for count in (1, 2, 3) for each in combinations(NAMES, count)]
)
def test_every_trigger_that_is_missing_is_named(missing, absent):
    pool = {**POOL, "LambdaConfig": {**CONFIG, **dict.fromkeys(missing, absent)}}
    finding = judge(PoolSettings.read(pool, [CLIENT])).findings[TRIGGERS]
    assert finding.result is Result.BROKEN
    assert [name for name in NAMES if f"no {name}" in finding.explanation] == list(missing)
    assert all((name in notes(pool, CLIENT)) is (name not in missing) for name in NAMES)


def test_a_pool_without_a_trigger_or_a_client_is_found_wrong():
    verdict = judge(PoolSettings.read({"Id": "eu-central-1_X"}, []))
    assert [each.result for each in verdict.findings] == [
        Result.BROKEN,
        Result.BROKEN,
        Result.NOT_TRIED,
    ]
    assert verdict.findings[ALLOWED].explanation == "the pool has no app client"
    assert verdict.notes == ()


@pytest.mark.parametrize("chosen", EVERY_CHOICE)
def test_a_client_allows_what_the_pool_lets_it_do(chosen):
    settings = {"ClientName": "x", **({"ExplicitAuthFlows": list(chosen)} if chosen else {})}
    client = AppClient(
        id="x", pool_id="x", secret=None, settings=settings, created_at=0, modified_at=0
    )
    flows = ("USER_SRP_AUTH", "USER_PASSWORD_AUTH", "CUSTOM_AUTH", "USER_AUTH")
    expected = {flow for flow in flows if client.allows(flow)}
    assert ClientSettings.read(settings).flows == expected


@pytest.mark.parametrize("chosen", EVERY_CHOICE)
def test_ways_around_define_are_told(chosen):
    client = {**CLIENT, "ExplicitAuthFlows": chosen}
    flows = ClientSettings.read(client).flows
    assert ("web (abc) signs users in by" in notes(POOL, client)) is bool(flows - {"CUSTOM_AUTH"})
    allowed = Result.HOLDS if "CUSTOM_AUTH" in flows else Result.BROKEN
    assert results(POOL, client)[ALLOWED] is allowed


def test_cognitos_own_pages_are_a_way_around_define():
    pages = {"AllowedOAuthFlowsUserPoolClient": True, "SupportedIdentityProviders": ["COGNITO"]}
    assert "by Cognito's own pages too" in notes(POOL, {**CLIENT, **pages})
    others = {**pages, "SupportedIdentityProviders": ["Google"]}
    assert "pages" not in notes(POOL, {**CLIENT, **others})


@pytest.mark.parametrize("hides", [None, "", "LEGACY", "enabled"])
def test_a_client_that_tells_who_exists_is_named(hides):
    telling = {**CLIENT, "ClientName": "old", "PreventUserExistenceErrors": hides}
    finding = judge(PoolSettings.read(POOL, [CLIENT, telling])).findings[HIDES]
    assert finding.result is Result.BROKEN
    assert "for old (abc):" in finding.explanation


def test_a_client_that_tells_who_exists_counts_only_where_define_is_asked():
    telling = {
        **CLIENT,
        "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"],
        "PreventUserExistenceErrors": "LEGACY",
    }
    assert results(POOL, CLIENT, telling)[HIDES] is Result.HOLDS
    assert results(POOL, telling)[HIDES] is Result.NOT_TRIED


@pytest.mark.parametrize("mfa", ["ON", "OPTIONAL", "OFF", None])
def test_what_mfa_does_is_told_where_users_can_have_it(mfa):
    told = judge(PoolSettings.read({**POOL, "MfaConfiguration": mfa}, [CLIENT])).notes[1:]
    has_mfa = mfa in {"ON", "OPTIONAL"}
    assert told == tuple(f"MfaConfiguration is {mfa}: {note}" for note in MFA_NOTES if has_mfa)


def test_what_the_pools_owner_wrote_steers_no_terminal():
    hostile = "\x1b[2J\n\u202e" + "x" * 5000
    client = {**CLIENT, "ClientName": hostile, "ExplicitAuthFlows": [hostile]}
    pool = {"Id": "x", "LambdaConfig": dict.fromkeys(NAMES, hostile), "MfaConfiguration": hostile}
    verdict = judge(PoolSettings.read(pool, [client]))
    for text in (*verdict.notes, *(finding.explanation for finding in verdict.findings)):
        assert text.isprintable()
        assert len(text) < 1000
