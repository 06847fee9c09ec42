"""One object for all triggers: what it serves, whom it serves, and how it is called."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from authflow.errors import ConfigError, EventError
from authflow.secret import Secret
from authflow.triggers import Policy, Triggers, UnknownUser, any_of, challenge, sequence

LoadEvent = Callable[..., dict[str, Any]]


class Nobody:
    """A directory without users."""

    async def authenticate(self, _username: str, _password: Secret[str]):
        return UnknownUser()

    async def look_up(self, _username: str):
        return UnknownUser()


@pytest.mark.parametrize("policy", ["sum", 7, [challenge("sum")], Policy])
def test_what_is_no_policy_is_refused(policy: Any):
    with pytest.raises(ConfigError, match="made of"):
        Triggers(policy=policy)


def test_a_step_is_taken_for_a_policy(sums):
    step = any_of(challenge("sum"), sequence(challenge("sum"), challenge("sum")))
    assert Triggers(policy=step, challenges=[sums]).policy == Policy(step)


def test_lambda_calls_the_handler_with_plain_events(triggers_of, load_event: LoadEvent):
    handler = triggers_of(challenge("sum"), user_pool_id="eu-central-1_EXAMPLE01").lambda_handler
    context = object()
    asked = handler(load_event("define_first"), context)
    assert asked["response"]["challengeName"] == "CUSTOM_CHALLENGE"
    created = handler(load_event("create_first"), context)
    assert created["response"]["privateChallengeParameters"]["answer"] == "5"
    verified = handler(load_event("verify"), context)
    assert verified == {**load_event("verify"), "response": {"answerCorrect": True}}
    json.dumps([asked, created, verified])


# --- what is refused -----------------------------------------------------------------------------


def test_the_triggers_served_are_named_as_in_lambda_config(triggers_of):
    custom = {"DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"}
    assert triggers_of(challenge("sum")).sources == custom
    assert Triggers(directory=Nobody()).sources == {"UserMigration"}
    assert triggers_of(challenge("sum"), directory=Nobody()).sources == {*custom, "UserMigration"}


def test_triggers_that_serve_nothing_are_refused(sums):
    with pytest.raises(ConfigError, match="policy"):
        Triggers(challenges=[sums])


def test_one_string_is_not_taken_for_many_client_ids(triggers_of):
    with pytest.raises(ConfigError, match="client_ids"):
        triggers_of(challenge("sum"), client_ids="1example23456789")


async def test_a_trigger_that_is_not_served_is_refused(triggers_of, load_event: LoadEvent):
    with pytest.raises(EventError, match="UserMigration"):
        await triggers_of(challenge("sum")).handle(load_event("migration_authentication"))
    with pytest.raises(EventError, match="DefineAuthChallenge"):
        await Triggers(directory=Nobody()).handle(load_event("define_first"))


async def test_a_foreign_pool_or_app_client_is_refused(triggers_of, every_event: dict[str, Any]):
    steps = [challenge("sum")]
    foreign_pool = triggers_of(*steps, directory=Nobody(), user_pool_id="eu-central-1_OTHER")
    with pytest.raises(EventError, match="user pool"):
        await foreign_pool.handle(every_event)
    foreign_client = triggers_of(*steps, directory=Nobody(), client_ids=["other"])
    with pytest.raises(EventError, match="app client"):
        await foreign_client.handle(every_event)


async def test_an_own_app_client_among_several_is_served(triggers_of, load_event: LoadEvent):
    triggers = triggers_of(challenge("sum"), client_ids=["other", "1example23456789"])
    assert (await triggers.handle(load_event("define_first")))["response"]["challengeName"]


@pytest.fixture
def installed_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A distribution with one trigger plugin, as pip would leave it on sys.path."""
    (tmp_path / "authflow_sums_of_test.py").write_text(
        "from authflow.triggers import Issued\n"
        "made = []\n"
        "class Sum:\n"
        "    name, metadata, interface = 'sum-of-test', 'SUM_OF_TEST', 1\n"
        "    def __init__(self, left=1):\n"
        "        self.left = left\n"
        "        made.append(self)\n"
        "    async def create(self, context):\n"
        "        return Issued(public={'left': str(self.left)}, private={})\n"
        "    async def verify(self, context):\n"
        "        return True\n"
    )
    info = tmp_path / "authflow_sums_of_test-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: authflow-sums-of-test\nVersion: 1.0\n"
    )
    (info / "entry_points.txt").write_text(
        "[authflow.trigger_challenges]\nsum-of-test = authflow_sums_of_test:Sum\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


async def test_an_installed_plugin_is_found_by_its_entry_point_and_lazily_at_first_use(
    installed_plugin: None, cognito_side
):
    triggers = Triggers(policy=challenge("sum-of-test", left=8), lazy=True)
    assert triggers._flow.plugins.made == {}
    cognito = cognito_side(triggers)
    assert (await cognito.define())["left"] == "8"
    assert await cognito.answer("anything") == "tokens"
    import authflow_sums_of_test

    assert len(authflow_sums_of_test.made) == 1
