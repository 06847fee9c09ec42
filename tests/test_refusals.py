import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow import errors, refusals
from authflow.errors import (
    AuthFlowError,
    BadCredentialsError,
    NewPasswordRejectedError,
    NextStep,
    RefusedError,
    RequestRejectedError,
    TransportError,
    TriggerFailedError,
)
from authflow.refusals import read_error

TABLE = json.loads((Path(__file__).parent / "scenarios/refusals.json").read_text())
ROWS = [tuple(row.values()) for row in TABLE["rows"]]


@pytest.mark.parametrize(("aws_code", "text", "error", "next_step"), ROWS)
def test_cognitos_errors_mean_one_thing_each(aws_code: str, text: str, error: str, next_step: str):
    refused = read_error(aws_code, text)
    assert type(refused) is getattr(errors, error)
    assert refused.next_step == next_step
    assert refused.aws_code == aws_code
    assert str(refused) == refused.message != ""


@pytest.mark.parametrize(("aws_code", "text", "error", "next_step"), ROWS)
def test_upper_and_lower_case_make_no_difference(
    aws_code: str, text: str, error: str, next_step: str
):
    for other in (text.upper(), text.lower()):
        assert type(read_error(aws_code, other)).__name__ == error


def test_the_table_of_cases_covers_every_code_that_has_a_meaning_of_its_own():
    codes = {code for code, *_ in ROWS}
    assert refusals._BY_CODE.keys() | refusals._WITH_REASON.keys() <= codes


def test_no_such_user_and_a_wrong_password_are_told_apart_by_nothing_but_the_raw_code():
    wrong = read_error("NotAuthorizedException", "Incorrect username or password.")
    unknown = read_error("UserNotFoundException", "User does not exist.")
    assert type(wrong) is type(unknown) is BadCredentialsError
    assert str(wrong) == str(unknown)
    assert repr(wrong) == repr(unknown)


@pytest.mark.parametrize(
    ("aws_code", "kind"),
    [
        ("UserLambdaValidationException", TriggerFailedError),
        ("InvalidPasswordException", NewPasswordRejectedError),
        ("SomethingNewException", RequestRejectedError),
    ],
)
def test_a_text_for_people_is_kept_short_and_on_one_line(aws_code: str, kind: type[AuthFlowError]):
    refused = read_error(aws_code, "PreAuthentication failed:\n\x1b[2Jcome back\u202e tomorrow")
    assert type(refused) is kind
    assert "PreAuthentication failed:  [2Jcome back  tomorrow" in str(refused)
    assert len(str(read_error(aws_code, "x" * 10**6))) < 400


def test_an_oversized_code_is_cut_and_cleaned():
    refused = read_error("Bad\x1b\n" + "x" * 10**6, "text")
    assert len(str(refused)) < 200
    assert str(refused).isprintable()
    assert refused.aws_code is not None
    assert refused.aws_code.isprintable()


@given(st.sampled_from([row[0] for row in ROWS]) | st.text(), st.text())
def test_whatever_the_server_says_is_a_refusal_or_no_answer(aws_code: str, text: str):
    refused = read_error(aws_code, text)
    assert isinstance(refused, RefusedError | TransportError)
    assert isinstance(refused.next_step, NextStep)
    assert str(refused).isprintable()
