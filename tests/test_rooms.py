"""What the shared rooms load: a plugin, or a verifier of tokens, does not pay for the client."""

import json
import subprocess
import sys

import anyio.to_thread
import pytest

from authflow import SignedIn
from authflow.testing import PASSWORD

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


VERIFIES = """
import anyio
from authflow import AuthConfig
from authflow.tokens import AccessClaims, AllOf, AnyOf, IdClaims, TokenVerifier, TrustedPool

async def main():
    pool = TrustedPool(user_pool_id={pool!r}, client_ids=[{client!r}], endpoint={endpoint!r})
    config = AuthConfig(user_pool_id={pool!r}, client_id={client!r}, endpoint={endpoint!r})
    for verifier in (TokenVerifier(pools=[pool]), TokenVerifier(config=config)):
        await verifier.fetch_keys()
        narrowed = verifier.require(token_use="access", scopes="aws.cognito.signin.user.admin")
        assert (await narrowed.claims({token!r})).username == "ada"

anyio.run(main)
"""


async def test_who_verifies_tokens_with_keys_fetched_over_http_loads_no_client_and_no_aws(
    live_pool,
):
    async with live_pool() as pool:
        await pool.add_user()
        async with pool.client() as auth:
            result = await auth.sign_in("ada", PASSWORD)
        assert isinstance(result, SignedIn)
        program = VERIFIES.format(
            pool=pool.user_pool_id,
            client=pool.client_id,
            endpoint=pool.endpoint,
            token=result.tokens.access_token.reveal(),
        )
        loaded = await anyio.to_thread.run_sync(loaded_by, program)
    assert not {"aiobotocore", "botocore", "boto3", "transitions", "authflow.client"} & loaded
    assert "aiohttp" in loaded, "the keys were fetched"


def test_a_verifier_whose_keys_are_given_loads_no_network():
    program = "from authflow import AuthConfig\nfrom authflow.tokens import *"
    assert not {*NETWORK, "authflow.client"} & loaded_by(program)


@pytest.mark.parametrize(
    "package",
    ["aws", "client", "keys", "plugins", "prompts", "stores", "tokens", "triggers", "testing"],
)
def test_every_public_name_of_a_room_is_there_and_named_once(package: str):
    room = __import__(f"authflow.{package}", fromlist=["*"])
    assert len(set(room.__all__)) == len(room.__all__)
    for name in room.__all__:
        assert getattr(room, name) is not None
