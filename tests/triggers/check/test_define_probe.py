"""The probe convicts a Define trigger by the shortest path, and acquits a right one."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from authflow.errors import ConfigError
from authflow.triggers import Triggers, challenge, password, sequence
from authflow.triggers.check.define_paths import Decision, Finding, Verdict
from authflow.triggers.check.define_probe import in_process, probe

HANDLERS = Path(__file__).parents[1] / "handlers"
USABLE, EARNED, LAST_RIGHT, EXISTS, BEGINS, ENDS, REWARDS = range(7)

Handler = Callable[[dict[str, Any], Any], Any]


def sample(name: str) -> Handler:
    handler: Handler = runpy.run_path(str(HANDLERS / f"{name}.py"))["handler"]
    return handler


def verdict_on(handler: Handler, **options: Any) -> Verdict:
    async def probed() -> Verdict:
        return await probe(in_process(handler), **options)

    return anyio.run(probed)


def broken(verdict: Verdict) -> list[int]:
    return [at for at, finding in enumerate(verdict.findings) if not finding.holds]


def way(finding: Finding) -> list[str]:
    """Write a finding's path: a capital letter for what was passed."""
    assert finding.path is not None
    letters = {"SRP_A": "s", "PASSWORD_VERIFIER": "p", "CUSTOM_CHALLENGE": "c"}
    return [
        letters[e.challenge_name].upper() if e.challenge_result else letters[e.challenge_name]
        for e in finding.path.session
    ]


def deciding(decide: Callable[[list[str], bool], str]) -> Handler:
    """Make a handler of a function from the rounds so far, and whether the user is unknown."""

    def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
        rounds = [
            {"SRP_A": "S", "PASSWORD_VERIFIER": "P"}.get(
                entry["challengeName"], "C" if entry["challengeResult"] else "c"
            )
            for entry in event["request"]["session"]
        ]
        decision = decide(rounds, event["request"]["userNotFound"])
        event["response"] = {
            "challengeName": decision if decision.isupper() else None,
            "issueTokens": decision == "tokens",
            "failAuthentication": decision == "fail",
        }
        return event

    return handler


def three_attempts(rounds: list[str], unknown: bool) -> str:
    """Decide as one should."""
    if rounds[:1] == ["S"]:
        return "fail"
    if rounds[-1:] == ["C"]:
        return "fail" if unknown else "tokens"
    return "CUSTOM_CHALLENGE" if len(rounds) < 3 else "fail"


def password_first(rounds: list[str], unknown: bool) -> str:
    if rounds == ["S"]:
        return "PASSWORD_VERIFIER"
    if rounds[:2] != ["S", "P"]:
        return "fail"
    return three_attempts(rounds[2:], unknown)


def test_the_documented_sample_is_convicted():
    verdict = verdict_on(sample("documented_define"))
    assert broken(verdict) == [BEGINS, ENDS, REWARDS]
    assert way(verdict.findings[BEGINS]) == []
    assert way(verdict.findings[ENDS]) == ["S", *"cccccc"]
    assert way(verdict.findings[REWARDS]) == ["S", *"CCCCCC"]


def test_its_corrected_form_is_acquitted():
    assert broken(verdict_on(sample("corrected_define"))) == []


def test_mending_only_its_first_branch_lets_everybody_in_who_begins_with_srp():
    verdict = verdict_on(sample("half_corrected_define"))
    assert broken(verdict) == [EARNED, EXISTS]
    assert way(verdict.findings[EARNED]) == ["S"]


@pytest.mark.parametrize("decide", [three_attempts, password_first])
def test_a_right_handler_is_acquitted(decide):
    assert broken(verdict_on(deciding(decide))) == []


@pytest.mark.parametrize("first", [[], [password()]])
def test_our_own_triggers_are_acquitted_as_a_lambda_handler(first, word):
    policy = sequence(*first, challenge("word", attempts=3))
    triggers = Triggers(policy=policy, challenges=[word])
    assert broken(verdict_on(triggers.lambda_handler, metadata="WORD")) == []


def test_metadata_reaches_the_handler(word):
    triggers = Triggers(policy=sequence(challenge("word")), challenges=[word])
    assert REWARDS in broken(verdict_on(triggers.lambda_handler, metadata="ANOTHER"))


def test_a_handler_may_be_a_coroutine_function():
    async def handler(event: dict[str, Any], context: Any) -> Any:
        return deciding(three_attempts)(event, context)

    assert broken(verdict_on(handler)) == []


@pytest.mark.parametrize(
    ("decide", "guilty_of", "path"),
    [
        (lambda rounds, unknown: "tokens", EARNED, []),
        (
            lambda rounds, unknown: "tokens" if rounds else "CUSTOM_CHALLENGE",
            LAST_RIGHT,
            ["c"],
        ),
        (
            lambda rounds, unknown: "tokens" if "C" in rounds[:-1] else "CUSTOM_CHALLENGE",
            LAST_RIGHT,
            ["C", "c"],
        ),
        (lambda rounds, unknown: three_attempts(rounds, unknown=False), EXISTS, ["C"]),
        (lambda rounds, unknown: "fail", BEGINS, []),
        (
            lambda rounds, unknown: "tokens" if rounds[-1:] == ["C"] else "CUSTOM_CHALLENGE",
            ENDS,
            ["c"] * 6,
        ),
        (lambda rounds, unknown: "fail" if rounds else "CUSTOM_CHALLENGE", REWARDS, ["C"]),
        (lambda rounds, unknown: "CUSTOM_CHALLENGE", REWARDS, ["C"] * 6),
        (lambda rounds, unknown: "SMS_MFA", USABLE, []),
        (lambda rounds, unknown: "", USABLE, []),
        (lambda rounds, unknown: "PASSWORD_VERIFIER", USABLE, []),
        (lambda rounds, unknown: "CUSTOM_CHALLENGE" if len(rounds) < 2 else "", USABLE, ["S", "c"]),
    ],
)
def test_a_fault_is_shown_by_the_shortest_path(decide, guilty_of, path):
    verdict = verdict_on(deciding(decide))
    assert guilty_of in broken(verdict)
    assert way(verdict.findings[guilty_of]) == path


def test_tokens_for_an_unknown_user_are_told_with_the_user():
    finding = verdict_on(deciding(lambda rounds, _: three_attempts(rounds, unknown=False)))
    path = finding.findings[EXISTS].path
    assert path is not None
    assert (path.user_not_found, path.reply.decision) == (True, Decision.TOKENS)


def test_a_handler_that_raises_is_convicted():
    def handler(event: dict[str, Any], _context: Any) -> Any:
        return event["request"]["session"][0]["challengeMetadata"]

    verdict = verdict_on(handler)
    path = verdict.findings[USABLE].path
    assert path is not None
    assert str(path.reply) == "raises IndexError: list index out of range"


def test_more_rounds_than_the_depth_are_acquitted_at_a_greater_depth():
    def patient(rounds: list[str], unknown: bool) -> str:
        if rounds[-1:] == ["C"]:
            return "fail" if unknown or rounds[0] == "S" else "tokens"
        return "CUSTOM_CHALLENGE" if len(rounds) < 8 and rounds[:1] != ["S"] else "fail"

    assert broken(verdict_on(deciding(patient))) == [ENDS]
    assert broken(verdict_on(deciding(patient), depth=8)) == []


@pytest.mark.parametrize("depth", [0, -1, 13])
def test_a_depth_out_of_range_is_refused(depth):
    with pytest.raises(ConfigError, match="depth"):
        verdict_on(sample("corrected_define"), depth=depth)
