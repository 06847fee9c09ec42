"""Devices, secrets, and sign-ins without a password, from data: back to back, and for real."""

import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from attrs import evolve

from authflow import AuthClient, AuthConfig, Secret
from authflow.keys import KeyRing
from authflow.pool import PoolServer
from authflow.stores import MemoryStore
from authflow.testing import ALL_FLOWS, MovableClock, RunningPool, pool_at
from authflow.triggers import Triggers, attribute, challenge, password, sequence, when
from testbed.factor_play import Play, play
from testbed.pool_half import pool_half
from testbed.sign_in_players import BackToBack, ForReal
from testbed.word import Word

FILE = Path(__file__).parents[1] / "scenarios" / "devices.json"
SCENARIOS = json.loads(FILE.read_text())["scenarios"]
REMEMBERS = {"DeviceOnlyRememberedOnUserPrompt": False, "ChallengeRequiredOnNewDevice": True}
WORD = challenge("word", attempts=2)
POLICY = when(attribute("nickname", "word"), WORD, otherwise=sequence(password(), WORD))
ANOTHER = Secret("another secret of the app client, which it never had")
scenarios = pytest.mark.parametrize(
    "scenario", SCENARIOS, ids=[f"{each['row']}: {each['name']}" for each in SCENARIOS]
)


def triggers() -> Triggers:
    return Triggers(policy=POLICY, challenges=[Word])


async def prepared(playing: Play, settings: dict[str, Any]) -> Play:
    """Make the user, and then say whether the pool remembers devices."""
    await playing.call("UpdateUserPool")
    await playing.prepare(settings)
    if playing.scenario.get("devices"):
        await playing.call("UpdateUserPool", DeviceConfiguration=REMEMBERS)
    return playing


def attributes(scenario: dict[str, Any]) -> dict[str, str]:
    return {"nickname": scenario.get("policy", "password")}


@pytest.fixture(scope="session")
async def back_to_back() -> AsyncIterator[tuple[Mapping[bool, BackToBack], MovableClock]]:
    """Who plays at an app client with a secret, and at one without."""
    clock = MovableClock()
    async with pool_half(triggers(), clock) as shared:
        players = {}
        for secret in (False, True):
            half = (await shared.at_another_client(secret=secret)).remembering()
            wrong = evolve(half.conversations.app_client, client_secret=ANOTHER)
            elsewhere = {
                "another process": half,
                "another machine": half.remembering(),
                "another secret": evolve(
                    half, conversations=evolve(half.conversations, app_client=wrong)
                ),
            }
            players[secret] = BackToBack(half, elsewhere)
        yield players, clock


@scenarios
async def test_a_scenario_is_played_back_to_back_without_a_network(
    back_to_back, scenario, mfa_settings, monkeypatch
):
    players, clock = back_to_back

    def refused(*_: object) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refused)
    player = players[scenario.get("secret", False)]
    name = f"scenario-{SCENARIOS.index(scenario)}"
    playing = Play(scenario, player, player.half, clock, name, attributes(scenario))
    await play(await prepared(playing, mfa_settings))


@pytest.fixture(scope="session")
async def for_real() -> AsyncIterator[tuple[Mapping[bool, ForReal], RunningPool]]:
    """Who plays at an app client with a secret, and at one without."""
    clock, keys = MovableClock(), KeyRing.generate()
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        server = await stack.enter_async_context(PoolServer(triggers=triggers(), clock=clock))
        pool = await pool_at(server, http=http)
        players = {}
        for config in (pool.config, await with_secret(pool)):
            told: list[Any] = []
            store = MemoryStore()
            places = {
                "here": (config, store),
                "another process": (config, store),
                "another machine": (config, MemoryStore()),
                "another secret": (evolve(config, client_secret=ANOTHER), store),
            }
            clients = {
                place: await stack.enter_async_context(
                    AuthClient(
                        its_config,
                        keys=keys,
                        store=its_store,
                        clock=clock.utc,
                        discover=False,
                        observer=told.append,
                        remember_device="always",
                    )
                )
                for place, (its_config, its_store) in places.items()
            }
            players[config is not pool.config] = ForReal(clients["here"], clients, told)
        yield players, pool


async def with_secret(pool: RunningPool) -> AuthConfig:
    """Make another app client of a pool, with a secret."""
    made = await pool.call(
        "CreateUserPoolClient",
        UserPoolId=pool.user_pool_id,
        ClientName="x",
        ExplicitAuthFlows=list(ALL_FLOWS),
        GenerateSecret=True,
    )
    app = made["UserPoolClient"]
    return evolve(pool.config, client_id=app["ClientId"], client_secret=Secret(app["ClientSecret"]))


@scenarios
async def test_a_scenario_is_played_for_real(for_real, scenario, mfa_settings):
    players, pool = for_real
    player = players[scenario.get("secret", False)]
    name = f"scenario-{SCENARIOS.index(scenario)}"
    playing = Play(scenario, player, pool, pool.clock, name, attributes(scenario))
    await play(await prepared(playing, mfa_settings))


def test_every_scenario_is_named_once_and_the_rows_about_devices_and_secrets_have_some():
    names = [each["name"] for each in SCENARIOS]
    assert len(names) == len(set(names)) > 20
    assert {each["row"] for each in SCENARIOS} >= {
        *("DEVICE_KEY on SRP InitiateAuth", "DEVICE_SRP + ConfirmDevice"),
        *("Stale device self-heal", "SECRET_HASH", "CUSTOM_AUTH without / with SRP"),
        *("Custom loop, N rounds", "SMS_MFA, SOFTWARE_TOKEN_MFA", "SELECT_MFA_TYPE / MFA_SETUP"),
        *("GetTokensFromRefreshToken (rotation)", "ClientMetadata on every step"),
        *("USER_PASSWORD_AUTH", "NEW_PASSWORD_REQUIRED (+attributes)", "Resumable sign-in"),
        "Error taxonomy",
    }
