"""Define handlers as people write them: the innocent are acquitted, the guilty are convicted."""

import runpy
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from authflow.triggers.check.define_paths import CheckVerdict, Finding, Result
from authflow.triggers.check.define_probe import NEW_PASSWORDS_FAIL, NEW_PASSWORDS_REFUSED, probe
from authflow.triggers.check.mfa_notes import NOT_ASKED, SKIPPED
from authflow.triggers.check.python_handler import in_process

POPULAR = Path(__file__).parents[1] / "handlers" / "popular"
DEFINE = {
    name: found
    for name, found in runpy.run_path(str(POPULAR / "define.py")).items()
    if callable(found) and name not in {"filled", "is_passed"}
}
USABLE, EARNED, LAST_RIGHT, EXISTS, BEGINS, ENDS, REWARDS = range(7)
GUILTY = {
    "code_by_email": [EXISTS],
    "one_challenge": [EXISTS],
    "unknown_users_are_forgotten_again": [EXISTS],
    "the_first_entry_decides": [EARNED, EXISTS],
    "the_last_entry_decides": [EARNED, EXISTS],
    "the_number_of_entries_decides": [LAST_RIGHT],
    "any_right_answer_decides": [LAST_RIGHT],
    "unknown_users_are_shouted_at": [USABLE],
    "wrong_answers_are_asked_for_ever": [ENDS],
    "nothing_is_returned": [USABLE],
    "the_first_entry_is_always_read": [USABLE],
    "a_code_by_text_message_is_left_to_cognito": [USABLE],
    "no_answer_is_ever_right": [REWARDS],
    "flags_are_texts": [USABLE],
}
INNOCENT = sorted(DEFINE.keys() - GUILTY.keys())
ASKS_FOR_THE_PASSWORD = [name for name in INNOCENT if name.startswith("password")]


def verdict_on(handler: Callable[[dict[str, Any], Any], Any], **options: Any) -> CheckVerdict:
    async def probed() -> CheckVerdict:
        return await probe(in_process(handler), **options)

    return anyio.run(probed)


def test_there_are_enough_of_both_kinds():
    assert len(INNOCENT) >= 10
    assert GUILTY.keys() < DEFINE.keys()


@pytest.mark.parametrize("name", INNOCENT)
def test_the_innocent_are_acquitted_of_everything(name):
    verdict = verdict_on(DEFINE[name])
    assert [finding.name for finding in verdict.findings if not finding.holds] == []
    assert verdict.holds


@pytest.mark.parametrize(("name", "guilty_of"), GUILTY.items())
def test_the_guilty_are_convicted_of_what_they_did_and_of_nothing_else(name, guilty_of):
    found = verdict_on(DEFINE[name]).findings
    assert [at for at, each in enumerate(found) if each.result is Result.BROKEN] == guilty_of


@pytest.mark.parametrize("name", DEFINE)
def test_no_path_shows_an_unknown_user_who_proved_a_password(name):
    def proves(finding: Finding) -> bool:
        return finding.path is not None and any(
            entry.challenge_name == "PASSWORD_VERIFIER" for entry in finding.path.session
        )

    found = [each for each in verdict_on(DEFINE[name]).findings if proves(each)]
    assert [each.path for each in found if each.path is not None and each.path.user_not_found] == []


@pytest.mark.parametrize("name", INNOCENT)
def test_notes_say_what_mfa_does_to_each(name):
    notes = verdict_on(DEFINE[name]).notes
    without_password = name == "password_or_passkey" or name not in ASKS_FOR_THE_PASSWORD
    after_password = name in ASKS_FOR_THE_PASSWORD and name != "password_alone"
    assert (SKIPPED in notes) is after_password
    assert (NOT_ASKED in notes) is without_password


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("password_then_captcha", True),
        ("password_or_passkey", True),
        ("password_then_three_attempts", False),
        ("code_by_email_for_those_who_exist", False),
    ],
)
def test_a_note_says_who_is_refused_for_choosing_a_password_first(name, refused):
    assert (NEW_PASSWORDS_REFUSED in verdict_on(DEFINE[name]).notes) is refused


def test_nobody_is_told_of_new_passwords_where_nobody_is_signed_in():
    def handler(event: dict[str, Any], context: Any) -> Any:
        event = DEFINE["password_alone"](event, context)
        event["response"]["failAuthentication"] |= event["response"]["issueTokens"]
        event["response"]["issueTokens"] = False
        return event

    assert verdict_on(handler).notes == ()


def crash(event: dict[str, Any], rounds: list[str]) -> Any:
    raise LookupError(rounds[-1])


def decide_nothing(event: dict[str, Any], rounds: list[str]) -> Any:
    return event


@pytest.mark.parametrize(
    ("name", "fails", "told"),
    [
        ("password_then_captcha", crash, "it raises LookupError: NEW_PASSWORD_REQUIRED"),
        ("password_then_captcha", decide_nothing, "it decides nothing: no flag is true"),
        ("password_then_three_attempts", crash, "it raises LookupError: NEW_PASSWORD_REQUIRED"),
    ],
)
def test_what_fails_for_those_who_must_choose_a_password_breaks_nothing_and_is_told(
    name, fails, told
):
    def handler(event: dict[str, Any], context: Any) -> Any:
        rounds = [entry["challengeName"] for entry in event["request"]["session"]]
        if rounds[-1:] == ["NEW_PASSWORD_REQUIRED"]:
            return fails(event, rounds)
        return DEFINE[name](event, context)

    verdict = verdict_on(handler)
    assert verdict.holds
    assert verdict.unusable == 1
    assert verdict.findings[USABLE].name == (
        "Cognito accepts every reply, but for users who must choose a new password first"
    )
    (note,) = [each for each in verdict.notes if each.startswith(NEW_PASSWORDS_FAIL)]
    assert note.startswith(NEW_PASSWORDS_FAIL.removesuffix("it ") + told)
    assert NEW_PASSWORDS_REFUSED not in verdict.notes


def test_what_fails_for_everybody_alike_is_not_told_of_new_passwords_once_more():
    def handler(event: dict[str, Any], context: Any) -> Any:
        rounds = [entry["challengeName"] for entry in event["request"]["session"]]
        return DEFINE["password_alone"](event, context) if len(rounds) < 2 else {}["none"]

    verdict = verdict_on(handler)
    assert verdict.findings[USABLE].result is Result.BROKEN
    assert verdict.findings[USABLE].name == "Cognito accepts every reply"
    assert verdict.notes == ()


@pytest.mark.parametrize(
    "is_odd",
    [
        lambda user: user["cognito:user_status"] != "CONFIRMED",
        lambda user: user.get("email_verified") != "true",
        lambda user: user["phone_number_verified"] != "true",
        lambda user: not user["phone_number"].startswith("+"),
        lambda user: "@" not in user["email"],
        lambda user: uuid.UUID(user["sub"]).version != 4,
        lambda user: not user["name"],
        lambda user: any(not isinstance(value, str) for value in user.values()),
    ],
)
@pytest.mark.parametrize("raises", [False, True])
def test_who_looks_at_what_every_user_of_cognitos_has_is_acquitted(is_odd, raises):
    def handler(event: dict[str, Any], context: Any) -> Any:
        request = event["request"]
        if not request["userNotFound"] and is_odd(request["userAttributes"]):
            if raises:
                raise PermissionError
            event["response"]["failAuthentication"] = True
            return event
        return DEFINE["code_by_email_for_those_who_exist"](event, context)

    assert verdict_on(handler).holds


def test_attributes_of_a_pools_own_can_be_given():
    def handler(event: dict[str, Any], context: Any) -> Any:
        request = event["request"]
        if not request["userNotFound"]:
            user = request["userAttributes"]
            assert user["custom:tier"] == "gold"
            assert user["email"] == "grace@example.com"
        return DEFINE["code_by_email_for_those_who_exist"](event, context)

    assert not verdict_on(handler).holds
    given = {"custom:tier": "gold", "email": "grace@example.com"}
    assert verdict_on(handler, attributes=given).holds


@pytest.mark.parametrize(
    "reads",
    [
        lambda context: context.aws_request_id,
        lambda context: context.function_name,
        lambda context: context.get_remaining_time_in_millis() > 100,
        lambda context: setattr(context, "mine", 1) or context.mine,
    ],
)
def test_who_looks_at_lambdas_context_is_acquitted(reads):
    def handler(event: dict[str, Any], context: Any) -> Any:
        assert reads(context)
        return DEFINE["code_by_email_for_those_who_exist"](event, context)

    assert verdict_on(handler).holds
