"""The README says what is so."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from attrs import fields
from authflow_captcha.trigger import HEIGHTS, LENGTHS, WIDTHS, Captcha

from authflow.errors import ConfigError
from authflow.triggers import Triggers

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
TRIGGER_EXAMPLE, CLIENT_EXAMPLE = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def run(example: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(example, "README.md", "exec"), names)  # noqa: S102  # our own README
    return names


def event(source: str, request: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "1",
        "region": "eu-central-1",
        "userPoolId": "eu-central-1_Abc123def",
        "userName": "ada",
        "callerContext": {"awsSdkVersion": "3", "clientId": "6hr1dqf1exampleclientid123"},
        "triggerSource": source,
        "request": {"userAttributes": {"sub": "1"}, "userNotFound": False, **request},
        "response": response,
    }


def test_the_settings_table_is_true() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (.*?) \|", README, re.MULTILINE)
    assert [(name, default) for name, default, _ in rows] == [
        (setting.name, str(setting.default)) for setting in fields(Captcha)
    ]
    allowed = {name: words for name, _, words in rows}
    for name, bounds in (("length", LENGTHS), ("width", WIDTHS), ("height", HEIGHTS)):
        assert allowed[name] == f"{bounds[0]} to {bounds[-1]}"


async def test_the_trigger_example_serves_a_challenge_and_verifies_its_answer() -> None:
    triggers = run(TRIGGER_EXAMPLE)["triggers"]
    assert isinstance(triggers, Triggers)
    by_srp = [
        {"challengeName": name, "challengeResult": True} for name in ("SRP_A", "PASSWORD_VERIFIER")
    ]
    created = await triggers.handle(
        event(
            "CreateAuthChallenge_Authentication",
            {"challengeName": "CUSTOM_CHALLENGE", "session": by_srp},
            {
                "publicChallengeParameters": None,
                "privateChallengeParameters": None,
                "challengeMetadata": None,
            },
        )
    )
    made = created["response"]
    assert made["challengeMetadata"] == "CAPTCHA_CHALLENGE"
    assert made["publicChallengeParameters"]["captchaUrl"].startswith("data:image/png;base64,")
    private = made["privateChallengeParameters"]
    for answer, right in ((private["answer"].lower(), True), ("nothing", False)):
        verified = await triggers.handle(
            event(
                "VerifyAuthChallengeResponse_Authentication",
                {"privateChallengeParameters": private, "challengeAnswer": answer},
                {"answerCorrect": None},
            )
        )
        assert verified["response"]["answerCorrect"] is right


async def test_the_client_example_runs_until_it_finds_no_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in os.environ if name.startswith("AUTHFLOW_")]:
        monkeypatch.delenv(name)
    main = run(CLIENT_EXAMPLE)["main"]
    with pytest.raises(ConfigError, match="AUTHFLOW_USER_POOL_ID"):
        await main()
