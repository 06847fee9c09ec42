"""The probe convicts a Define trigger by the shortest path, and acquits a right one."""

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from authflow.errors import ConfigError
from authflow.triggers import Triggers, challenge, password, sequence
from authflow.triggers.check.define_paths import CheckVerdict, DefineDecision, Finding, Result
from authflow.triggers.check.define_probe import probe
from authflow.triggers.check.python_handler import in_process

HANDLERS = Path(__file__).parents[1] / "handlers"
USABLE, EARNED, LAST_RIGHT, EXISTS, BEGINS, ENDS, REWARDS = range(7)

SECOND_FACTORS = {"SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP", "MFA_SETUP"}

Handler = Callable[[dict[str, Any], Any], Any]


def sample(name: str) -> Handler:
    handler: Handler = runpy.run_path(str(HANDLERS / f"{name}.py"))["handler"]
    return handler


def verdict_on(handler: Handler, **options: Any) -> CheckVerdict:
    async def probed() -> CheckVerdict:
        return await probe(in_process(handler), **options)

    return anyio.run(probed)


def broken(verdict: CheckVerdict) -> list[int]:
    return [at for at, finding in enumerate(verdict.findings) if finding.result is Result.BROKEN]


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
            if entry["challengeName"] not in SECOND_FACTORS
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
    assert (path.user_not_found, path.reply.decision) == (True, DefineDecision.TOKENS)


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


def raises(_event: dict[str, Any], _context: Any) -> Any:
    raise LookupError("first\nsecond \x1b[2J")


def raises_without_a_text(_event: dict[str, Any], _context: Any) -> Any:
    class Mute(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise ValueError

    raise Mute


def loops(event: dict[str, Any], _context: Any) -> Any:
    event["response"] = event
    return event


def responding(**response: Any) -> Handler:
    return lambda event, _context: {**event, "response": response}


def answers_only_what_is_new(event: dict[str, Any], context: Any) -> Any:
    return raises(event, context) if event["request"]["session"] else ask_once(event, context)


ask_once = deciding(lambda rounds, unknown: "CUSTOM_CHALLENGE")
DEAD = {
    "raises": raises,
    "raises without a text": raises_without_a_text,
    "ends the process": lambda _event, _context: sys.exit(0),
    "is exhausted": lambda _event, _context: next(iter(())),
    "takes no context": lambda event: event,
    "gives None": lambda _event, _context: None,
    "gives a number": lambda _event, _context: 7,
    "gives an empty object": lambda _event, _context: {},
    "gives a list": lambda event, _context: [event],
    "gives another event": lambda _event, _context: {"response": None},
    "gives a generator": lambda event, _context: (yield event),
    "gives itself": loops,
    "leaves the event as it is": lambda event, _context: event,
    "a text for a flag": responding(issueTokens="true"),
    "a number for a flag": responding(failAuthentication=1),
    "both flags": responding(issueTokens=True, failAuthentication=True),
    "neither flag": responding(issueTokens=False, failAuthentication=False),
    "no challenge of Cognito's": responding(challengeName="nonsense"),
    "a challenge in an array": responding(challengeName=["CUSTOM_CHALLENGE"]),
}


@pytest.mark.parametrize("name", DEAD)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_dead_handler_is_acquitted_of_nothing(name, is_async):
    async def handler(event: dict[str, Any], context: Any) -> Any:
        return DEAD[name](event, context)

    verdict = verdict_on(handler if is_async else DEAD[name])
    results = [finding.result for finding in verdict.findings]
    assert results == [Result.BROKEN, *[Result.NOT_TRIED] * 6]
    assert not verdict.holds
    assert verdict.unusable == verdict.sessions == 4
    path = verdict.findings[USABLE].path
    assert path is not None
    assert str(path.reply).isprintable()


def test_what_nobody_saw_was_not_tried():
    verdict = verdict_on(answers_only_what_is_new)
    results = [finding.result for finding in verdict.findings]
    untried = [at for at, result in enumerate(results) if result is Result.NOT_TRIED]
    assert results[USABLE] is Result.BROKEN
    assert untried == [LAST_RIGHT, EXISTS, ENDS, REWARDS]


@pytest.mark.parametrize("decision", ["fail", "tokens"])
def test_a_handler_that_asks_nothing_was_not_tried_with_answers(decision):
    results = [each.result for each in verdict_on(deciding(lambda *_: decision)).findings]
    assert Result.BROKEN in results
    untried = [at for at, result in enumerate(results) if result is Result.NOT_TRIED]
    assert untried == [LAST_RIGHT, ENDS, REWARDS]


@pytest.mark.parametrize(
    ("plain", "with_srp", "result"),
    [
        ("CUSTOM_CHALLENGE", "fail", Result.HOLDS),
        ("fail", "PASSWORD_VERIFIER", Result.HOLDS),
        ("fail", "fail", Result.BROKEN),
        ("raise", "fail", Result.NOT_TRIED),
        ("fail", "raise", Result.NOT_TRIED),
        ("raise", "raise", Result.NOT_TRIED),
        ("raise", "PASSWORD_VERIFIER", Result.HOLDS),
        ("fail", "CUSTOM_CHALLENGE", Result.HOLDS),
    ],
)
def test_a_sign_in_can_begin_with_nothing_or_with_srp_a(plain, with_srp, result):
    def decide(rounds: list[str], unknown: bool) -> str:
        if rounds in ([], ["S"]):
            decision = with_srp if rounds else plain
            return str(1 // 0) if decision == "raise" else decision
        return "fail" if unknown or rounds[-1] == "c" else "tokens"

    assert verdict_on(deciding(decide)).findings[BEGINS].result is result


def test_each_wrong_answer_is_followed_as_long_as_it_goes_on():
    asked: list[list[str]] = []

    def decide(rounds: list[str], unknown: bool) -> str:
        asked.append(rounds)
        return "CUSTOM_CHALLENGE"

    verdict_on(deciding(decide), depth=3)
    assert max(map(len, asked)) == 4  # SRP_A, and three answers
    assert len({tuple(rounds) for rounds in asked}) == 2 * (1 + 2 + 4 + 8)
