"""README's examples are run as they stand, and what it says of the project is compared with it."""

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import pytest

from authflow.triggers import KeyRing, RedisLimitStore, Triggers, challenge, password, sequence
from authflow.triggers.check.proof import prove

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def checked_by_lint() -> ModuleType:
    """What `make lint` runs on README: it finds the same examples."""
    path = ROOT / ".ci" / "public_types.py"
    spec = importlib.util.spec_from_file_location("public_types", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXAMPLES = dict(
    zip(
        ("sign in", "custom challenge", "triggers", "policy", "limits", "test without AWS"),
        checked_by_lint().examples(README).values(),
        strict=True,
    )
)


class Watched:
    """Triggers whose owner may look at the answer that is wanted."""

    def __init__(self, triggers: Triggers) -> None:
        self.triggers = triggers
        self.sources = triggers.sources
        self.wanted = ""

    async def handle(self, event: Any) -> Any:
        filled_in = await self.triggers.handle(event)
        private = filled_in["response"].get("privateChallengeParameters") or {}
        self.wanted = private.get("answer", self.wanted)
        return filled_in


def environment(config: Any) -> dict[str, str]:
    return {
        **os.environ,
        "AUTHFLOW_USER_POOL_ID": config.user_pool_id,
        "AUTHFLOW_CLIENT_ID": config.client_id,
        "AUTHFLOW_ENDPOINT": config.endpoint,
    }


async def test_the_example_of_signing_in_signs_in(live_pool):
    async with live_pool() as pool:
        await pool.user("ada", "Correct-horse-1")
        done = await anyio.run_process(
            [sys.executable, "-c", EXAMPLES["sign in"]], env=environment(await pool.app_client())
        )
    assert done.stdout == b"ada is signed in for 3600 seconds\n"


async def test_the_example_of_custom_challenges_answers_a_captcha_at_the_second_try(live_pool):
    watched = Watched(Triggers(policy=sequence(password(), challenge("captcha", attempts=3))))
    async with live_pool(triggers=watched) as pool:
        await pool.user("ada", "Correct-horse-1")
        async with await anyio.open_process(
            [sys.executable, "-u", "-c", EXAMPLES["custom challenge"]],
            env=environment(await pool.app_client()),
        ) as process:
            told = ""
            for answer in ("WRONG", None):
                while not told.endswith("What does it show? "):
                    told += (await process.stdout.receive()).decode()
                told += "\n"
                await process.stdin.send((answer or watched.wanted).encode() + b"\n")
            async for chunk in process.stdout:
                told += chunk.decode()
            assert await process.wait() == 0
    assert "captcha: data:image/png;base64," in told
    assert "this is attempt 2" in told
    assert told.endswith("ada is signed in\n")


def test_the_example_of_triggers_is_a_lambda_handler_that_asks_for_the_password_first():
    namespace: dict[str, Any] = {"__name__": "my_triggers"}
    exec(EXAMPLES["triggers"], namespace)  # noqa: S102  # it is our own README
    event = {
        "version": "1",
        "triggerSource": "DefineAuthChallenge_Authentication",
        "region": "eu-central-1",
        "userPoolId": "eu-central-1_Abc123def",
        "userName": "ada",
        "callerContext": {"awsSdkVersion": "aws-sdk-js-2.6.4", "clientId": "1example"},
        "request": {
            "userAttributes": {"sub": "x"},
            "session": [{"challengeName": "SRP_A", "challengeResult": True}],
        },
        "response": {"challengeName": None, "issueTokens": None, "failAuthentication": None},
    }
    response = namespace["lambda_handler"](event, None)["response"]
    assert response == {
        "challengeName": "PASSWORD_VERIFIER",
        "issueTokens": False,
        "failAuthentication": False,
    }


async def test_the_example_of_a_policy_is_proved():
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["policy"], namespace)  # noqa: S102  # it is our own README
    verdict = await prove(namespace["policy"])
    assert [finding.name for finding in verdict.findings if not finding.holds] == []


def test_the_example_of_limits_gives_triggers_with_limits(monkeypatch):
    monkeypatch.setenv("AUTHFLOW_KEYS", KeyRing.generate().to_json().reveal())
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["limits"], namespace)  # noqa: S102  # it is our own README
    assert isinstance(namespace["triggers"].limits.store, RedisLimitStore)


def test_the_example_of_testing_without_aws_signs_in_to_its_own_pool():
    done = subprocess.run(
        [sys.executable, "-c", EXAMPLES["test without AWS"]],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("SignedIn("), done.stderr
    assert "Secret(***)" in done.stdout


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^a-z0-9-]", each, maxsplit=1)[0] for each in requirements}


def test_every_dependency_is_named_with_its_reason():
    extras = PROJECT["project"]["optional-dependencies"]
    ours = names(PROJECT["project"]["dependencies"])
    for extra in ("pool", "sql", "ldap", "redis", "cli"):
        ours |= names(extras[extra])
    table = README.partition("| dependency | why |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`([a-z0-9-]+)`", table)) - (set(extras) - ours)
    assert ours <= named
    for plugin in ("captcha", "otp", "question"):
        project = tomllib.loads((ROOT / "plugins" / plugin / "pyproject.toml").read_text())
        ours |= names(project["project"]["dependencies"]) | {f"authflow-{plugin}"}
    assert named <= ours


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_two_commands_at_the_top_are_targets_of_the_makefile(target):
    assert f"make {target} " in README.partition("##")[0]
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_every_path_that_readme_links_to_is_there():
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / link).exists(), link


def test_no_file_records_the_address_of_a_registry():
    names = ["constraints.txt", "constraints-ldap.txt", "pyproject.toml", "Makefile"]
    names += [f"plugins/{plugin}/pyproject.toml" for plugin in ("captcha", "otp", "question")]
    names += [f"tests/interop/identity_js/{file}.json" for file in ("package", "package-lock")]
    for name in names:
        text = (ROOT / name).read_text()
        assert not re.search(r"index-url|find-links|https?://\S*(simple|pypi|registry)", text), name
        assert '"resolved"' not in text, name


def test_every_pin_has_hashes():
    pins = re.split(r"\n(?=[a-z])", (ROOT / "constraints.txt").read_text().strip())
    assert len(pins) > 40
    assert all("==" in pin and "--hash=sha256:" in pin for pin in pins)
