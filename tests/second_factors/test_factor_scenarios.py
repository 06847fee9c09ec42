"""Sign-ins with second factors, from data: played back to back without a network, and for real."""

import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from authflow.testing import MovableClock
from authflow.triggers import Triggers, challenge, password, sequence
from testbed.factor_play import Play, play
from testbed.pool_half import PoolHalf, pool_half
from testbed.sign_in_players import BackToBack, ForReal
from testbed.word import Word

FILE = Path(__file__).parents[1] / "scenarios" / "second_factors.json"
SCENARIOS = json.loads(FILE.read_text())["scenarios"]
ELSEWHERE = "another process"


@pytest.fixture(scope="session")
async def shared_half() -> AsyncIterator[tuple[PoolHalf, MovableClock]]:
    clock = MovableClock()
    policy = sequence(password(), challenge("word", attempts=2))
    async with pool_half(Triggers(policy=policy, challenges=[Word]), clock) as half:
        yield half, clock


scenarios = pytest.mark.parametrize(
    "scenario", SCENARIOS, ids=[f"{each['row']}: {each['name']}" for each in SCENARIOS]
)


@scenarios
async def test_a_scenario_is_played_back_to_back_without_a_network(
    shared_half, scenario, mfa_settings, monkeypatch
):
    half, clock = shared_half

    def refused(*_: object) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refused)
    name = f"scenario-{SCENARIOS.index(scenario)}"
    playing = Play(scenario, BackToBack(half, {ELSEWHERE: half}), half, clock, name)
    await playing.prepare(mfa_settings)
    await play(playing)


@scenarios
async def test_a_scenario_is_played_for_real(bank, scenario, mfa_settings):
    name = f"scenario-{SCENARIOS.index(scenario)}"
    player = ForReal(bank.auth, {ELSEWHERE: bank.other}, bank.told)
    playing = Play(scenario, player, bank.pool, bank.clock, name)
    await playing.prepare(mfa_settings)
    await play(playing)


def test_every_scenario_is_named_once_and_the_rows_about_second_factors_have_some():
    names = [each["name"] for each in SCENARIOS]
    assert len(names) == len(set(names)) > 35
    assert {each["row"] for each in SCENARIOS} >= {
        *("USER_SRP_AUTH", "USER_PASSWORD_AUTH", "CUSTOM_AUTH without / with SRP"),
        *("Custom loop, N rounds", "SMS_MFA, SOFTWARE_TOKEN_MFA", "SELECT_MFA_TYPE / MFA_SETUP"),
        *("NEW_PASSWORD_REQUIRED (+attributes)", "Resumable sign-in", "Error taxonomy"),
        "ClientMetadata on every step",
    }
