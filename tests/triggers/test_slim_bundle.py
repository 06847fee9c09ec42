"""A bundle as slim as they are made for Lambda: packages alone, without their metadata."""

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

LoadEvent = Callable[..., dict[str, Any]]

PACKAGES = ("authflow", "attr", "attrs", "anyio", "idna", "typing_extensions")
"""What the triggers need of the dependencies; anyio needs the last two."""

HANDLER = """
from authflow.triggers import (
    Found, Issued, MigratedUser, PreSignUpEvent, SignUpDecision, Triggers, UnknownUser,
    WrongPassword, challenge, password, sequence,
)

class Word:
    name = "word"
    metadata = "WORD"

    async def create(self, context):
        return Issued(public={"hint": "a door"}, private={"answer": "open sesame"})

    async def verify(self, context):
        return context.answer.reveal() == context.private["answer"]

class Directory:
    async def authenticate(self, username, password):
        return Found(MigratedUser(attributes={"email": "ada@example.com"}))

    async def look_up(self, username):
        return UnknownUser()

triggers = Triggers(
    policy=sequence(password(), challenge("word")),
    challenges=[Word],
    directory=Directory(),
    on={PreSignUpEvent: lambda event: SignUpDecision(confirm=True)},
)
"""
RUN = """
import json, sys
sys.path = [*sys.path, sys.argv[1]]
events = json.load(sys.stdin)
exec(sys.argv[2])
from importlib import metadata
assert list(metadata.distributions()) == []
print(json.dumps([triggers.lambda_handler(event, None)["response"] for event in events]))
"""
MISSING = """
from authflow.triggers import Triggers, challenge, sequence
from authflow.errors import AuthFlowError
try:
    Triggers(policy=sequence(challenge("NAME")))
except AuthFlowError as error:
    print(json.dumps([error.code, error.message]))
    sys.exit()
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        if origin.name == "__init__.py":
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(origin.parent, folder / name, ignore=ignored)
        else:
            shutil.copy(origin, folder)
    return folder


def run(bundle: Path, handler: str, events: list[dict[str, Any]]) -> Any:
    """Run a handler where nothing else is installed: no site-packages, no user's packages."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", RUN, str(bundle), handler],
        input=json.dumps(events),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_everything_that_is_explicit_works_without_metadata(bundle: Path, load_event: LoadEvent):
    proved = [
        {"challengeName": name, "challengeResult": True} for name in ("SRP_A", "PASSWORD_VERIFIER")
    ]
    served = [
        load_event("define_first", session=proved[:1]),
        load_event("define_first", session=proved),
        load_event("create_first", session=proved),
        load_event("migration_authentication"),
        load_event("pre_sign_up"),
    ]
    begun, asked, created, migrated, signed_up = run(bundle, HANDLER, served)
    private = created["privateChallengeParameters"]
    answer = load_event("verify", privateChallengeParameters=private, challengeAnswer="open sesame")
    (verified,) = run(bundle, HANDLER, [answer])
    assert begun["challengeName"] == "PASSWORD_VERIFIER"
    assert asked["challengeName"] == "CUSTOM_CHALLENGE"
    assert created["publicChallengeParameters"]["hint"] == "a door"
    assert verified["answerCorrect"] is True
    assert migrated["userAttributes"] == {"email": "ada@example.com"}
    assert signed_up["autoConfirmUser"] is True


@pytest.mark.parametrize(
    ("name", "advice"),
    [("captcha", "`pip install authflow-captcha`"), ("riddle", "install the distribution")],
)
def test_a_plugin_that_is_found_nowhere_is_an_error_that_says_what_to_do(
    bundle: Path, name: str, advice: str
):
    code, message = run(bundle, MISSING.replace("NAME", name), [])
    assert code == "plugin_not_found"
    assert f"no trigger plugin '{name}' is installed" in message
    assert advice in message
    assert "or register its class explicitly" in message
