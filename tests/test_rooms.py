"""What the shared rooms load: a plugin, or a verifier of tokens, does not pay for the client."""

import json
import subprocess
import sys

import pytest

NETWORK = {"aiobotocore", "aiohttp", "botocore", "boto3"}


def loaded_by(program: str) -> set[str]:
    """The modules that a program loads, in a process of its own."""
    program += "\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], check=True, capture_output=True, text=True
    )
    return set(json.loads(done.stdout))


def test_a_plugin_that_imports_the_prompt_loads_no_network():
    loaded = loaded_by("from authflow.client import Prompt, ClientChallenge, ScriptedPrompt")
    assert not NETWORK & loaded


def test_what_plugins_are_written_against_loads_no_network_and_no_face():
    loaded = loaded_by("from authflow.plugins import *")
    assert {"authflow.plugins.trigger_challenge", "authflow.plugins.client_challenge"} <= loaded
    assert not NETWORK & loaded
    assert not {"authflow.client", "authflow.triggers", "authflow.pool"} & loaded


@pytest.mark.parametrize(
    ("names", "spared"),
    [
        (
            (
                "TriggerChallenge, CreateContext, VerifyContext, Issued, Outcome, Randomness,"
                " ConfigError, PluginFailedError, Secret"
            ),
            {"authflow.plugins.client_challenge", "authflow.prompts.prompt", "authflow.results"},
        ),
        (
            (
                "ClientChallenge, Prompt, Challenge, Declined, Suspended, OtherFactor,"
                " PluginFailedError, Secret"
            ),
            {"authflow.plugins.trigger_challenge", "authflow.plugins.outcomes", "authflow.keys"},
        ),
    ],
    ids=["trigger", "client"],
)
def test_neither_half_loads_what_the_other_is_written_against(names: str, spared: set[str]):
    loaded = loaded_by(f"from authflow.plugins import {names}")
    assert not spared & loaded
    assert "authflow.plugins.registry" not in loaded


def test_a_verifier_of_tokens_alone_loads_no_client_and_no_aws():
    loaded = loaded_by("from authflow.tokens import TokenVerifier")
    assert not {"aiobotocore", "botocore", "authflow.client"} & loaded


@pytest.mark.parametrize(
    "package",
    ["aws", "client", "keys", "plugins", "prompts", "stores", "tokens", "triggers", "testing"],
)
def test_every_public_name_of_a_room_is_there_and_named_once(package: str):
    room = __import__(f"authflow.{package}", fromlist=["*"])
    assert len(set(room.__all__)) == len(room.__all__)
    for name in room.__all__:
        assert getattr(room, name) is not None
