"""What a Lambda with triggers loads, and what it is spared at a cold start."""

import json
import subprocess
import sys

import pytest

import authflow.triggers

HEAVY = {
    "aiobotocore",
    "aiohttp",
    "aiosqlite",
    "anyio",
    "argon2",
    "bcrypt",
    "boto3",
    "botocore",
    "Crypto",
    "cryptography",
    "email",
    "httpx",
    "joserfc",
    "redis",
    "sqlalchemy",
    "starlette",
    "transitions",
    "trio",
    "uvicorn",
    "uvloop",
    "zipfile",
}
FACES = ("authflow.client", "authflow.pool", "authflow.cli")
OTHER_EVENTS = {
    "authflow.triggers.events.message_events",
    "authflow.triggers.events.trigger_replies",
    "authflow.triggers.events.sign_in_events",
    "authflow.triggers.events.token_changes",
    "authflow.triggers.events.token_events",
    "authflow.triggers.events.user_events",
}

SERVE = """
from authflow.triggers import Issued, Triggers, challenge, sequence

class Word:
    name = "word"
    metadata = "WORD"

    async def create(self, context):
        return Issued(public={}, private={})

    async def verify(self, context):
        return True

triggers = Triggers(policy=sequence(challenge("word")), challenges=[Word])
"""
DEFINE = """
filled = triggers.lambda_handler({
    "triggerSource": "DefineAuthChallenge_Authentication",
    "userPoolId": "eu-central-1_EXAMPLE01",
    "callerContext": {"clientId": "1example23456789"},
    "userName": "ada",
    "request": {"userAttributes": {}, "session": []},
    "response": None,
}, None)
assert filled["response"]["challengeName"] == "CUSTOM_CHALLENGE"
"""


def loaded_by(program: str) -> set[str]:
    """The modules that a program loads, in a process of its own."""
    program += "\nimport sys; loaded = sorted(sys.modules); import json; print(json.dumps(loaded))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], check=True, capture_output=True, text=True
    )
    return set(json.loads(done.stdout)) - set(sys.builtin_module_names)


def heavy(loaded: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in loaded} & HEAVY


def test_importing_the_triggers_loads_nothing_of_them_yet():
    loaded = loaded_by("import authflow.triggers")
    assert {name for name in loaded if name.startswith("authflow")} == {
        "authflow",
        "authflow.lazy_names",
        "authflow.triggers",
    }
    assert not heavy(loaded)


@pytest.mark.parametrize("program", [SERVE, SERVE + DEFINE], ids=["built", "after Define"])
def test_triggers_with_an_explicit_plugin_load_neither_a_face_nor_what_is_heavy(program: str):
    loaded = loaded_by(program)
    assert "authflow.triggers.dispatcher" in loaded
    assert not heavy(loaded)
    assert "importlib.metadata" not in loaded
    assert not [name for name in loaded if name.startswith(FACES)]
    assert not OTHER_EVENTS & loaded, "an event is loaded when the first of its kind comes"


def test_a_name_that_is_asked_for_loads_its_own_module_alone():
    loaded = loaded_by("from authflow.triggers import PreSignUpEvent")
    assert {"authflow.triggers.events.user_events"} == OTHER_EVENTS & loaded


def test_the_public_names_are_sorted_and_all_of_them_are_there():
    names = authflow.triggers.__all__
    assert names == sorted(names)
    assert all(hasattr(authflow.triggers, name) for name in names)


WITHOUT_LDAP = "import sys; sys.modules['bonsai'] = None\n"


def test_every_public_name_is_there_without_an_ldap_client():
    loaded = loaded_by(WITHOUT_LDAP + "from authflow.triggers import *; LdapDirectory")
    assert "authflow.triggers.directories.ldap_directory" in loaded


def test_an_ldap_directory_without_its_extra_says_what_to_install():
    program = WITHOUT_LDAP + (
        "from authflow.triggers import LdapDirectory\n"
        "try: LdapDirectory(url='ldaps://x', bind_dn='cn=x', bind_password='x', base='dc=x',"
        " attributes={'email': 'mail'})\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.startswith("UnavailableImportError bonsai is missing")
    assert "pip install 'cognito-authflow[ldap]'" in done.stdout


def test_completion_finds_the_public_names_before_they_are_loaded():
    program = "import authflow.triggers as t; assert set(t.__all__) <= set(dir(t))"
    assert "authflow.triggers.dispatcher" not in loaded_by(program)
