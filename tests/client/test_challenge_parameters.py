import pytest

from authflow.client.challenge_parameters import read_challenge
from authflow.results import Challenge


def challenge(previous: Challenge | None = None, /, **parameters: str) -> Challenge:
    return read_challenge("CUSTOM_CHALLENGE", parameters, previous)


def test_our_triggers_tell_the_attempt():
    given = challenge(challenge="captcha", attempt="2", attempts="3", captchaUrl="data:,")
    assert (given.name, given.kind) == ("CUSTOM_CHALLENGE", "captcha")
    assert (given.attempt, given.attempts, given.is_retry) == (2, 3, True)
    assert given.parameters["captchaUrl"] == "data:,"


def test_what_our_triggers_tell_counts_more_than_what_it_looks_like():
    first = challenge(challenge="captcha", attempt="1", attempts="3")
    again = challenge(first, challenge="captcha", attempt="1", attempts="3")
    assert again.attempt == 1


def test_the_same_question_of_foreign_triggers_is_a_retry():
    first = challenge(email="a***")
    second = challenge(first, email="a***")
    third = challenge(second, email="b***")
    assert [each.attempt for each in (first, second, third)] == [1, 2, 3]
    assert [each.attempts for each in (first, second, third)] == [None] * 3


@pytest.mark.parametrize(
    "previous",
    [
        None,
        Challenge(name="SMS_MFA", parameters={"email": "a***"}, attempt=4),
        Challenge(name="CUSTOM_CHALLENGE", parameters={}, attempt=4),
        Challenge(name="CUSTOM_CHALLENGE", parameters={"email": "", "x": ""}, attempt=4),
        Challenge(name="CUSTOM_CHALLENGE", parameters={"email": ""}, kind="otp", attempt=4),
    ],
    ids=repr,
)
def test_another_question_is_no_retry(previous: Challenge | None):
    assert challenge(previous, email="a***").attempt == 1


@pytest.mark.parametrize(
    "text", ["0", "00", "-1", "+2", "1.0", " 2", "2 ", "", "x", "10000", "\u0662", "\u00b2", "1_0"]
)
def test_a_count_of_another_form_tells_nothing(text: str):
    given = challenge(challenge="captcha", attempt=text, attempts=text)
    assert (given.attempt, given.attempts) == (1, None)


@pytest.mark.parametrize(("text", "count"), [("1", 1), ("9999", 9999), ("0012", 12)])
def test_a_count_is_read(text: str, count: int):
    assert challenge(attempt=text, attempts=text).attempts == count
