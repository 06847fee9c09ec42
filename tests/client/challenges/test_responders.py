"""Every challenge takes a text, its own typed answer, and no other one."""

from typing import Any

import pytest

from authflow.answers import Choice, Code, NewPassword
from authflow.client.challenges import RESPONDERS, respond
from authflow.errors import AnswerNotSupportedError, MalformedReplyError, MisuseError
from authflow.machine import Chosen, State
from authflow.results import Challenge
from authflow.secret import Secret

CODES = {"SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP"}
TEXT_KEYS = {
    "CUSTOM_CHALLENGE": "ANSWER",
    "SMS_MFA": "SMS_MFA_CODE",
    "SOFTWARE_TOKEN_MFA": "SOFTWARE_TOKEN_MFA_CODE",
    "EMAIL_OTP": "EMAIL_OTP_CODE",
    "SELECT_MFA_TYPE": "ANSWER",
    "NEW_PASSWORD_REQUIRED": "NEW_PASSWORD",
}
TYPED: dict[str, Any] = {
    "Code": Code("123456"),
    "Choice": Choice("SMS_MFA"),
    "NewPassword": NewPassword("Str0ng-Horse"),
}
TAKES = {
    **dict.fromkeys(CODES, "Code"),
    "SELECT_MFA_TYPE": "Choice",
    "NEW_PASSWORD_REQUIRED": "NewPassword",
}


def test_every_responder_is_tried_here():
    assert set(RESPONDERS) == set(TEXT_KEYS)


@pytest.mark.parametrize(("name", "key"), TEXT_KEYS.items())
def test_a_text_answers_under_the_challenges_own_name(name: str, key: str):
    assert respond(Challenge(name=name), Secret("SMS_MFA")).members == {key: "SMS_MFA"}


PASTED = [
    *("123 456", " 123-456\n", "\u200b123456\ufeff", "123\u00a0456", "123\u2013456"),
    *(
        "\uff11\uff12\uff13\uff14\uff15\uff16",
        "\u0661\u0662\u0663\u0664\u0665\u0666",
        "12\u00ad3456",
    ),
]


@pytest.mark.parametrize("name", sorted(CODES))
@pytest.mark.parametrize("typed", PASTED, ids=ascii)
def test_a_code_is_sent_without_what_was_pasted_around_it(name: str, typed: str):
    for answer in (Secret(typed), Code(typed)):
        assert respond(Challenge(name=name), answer).members == {TEXT_KEYS[name]: "123456"}


@pytest.mark.parametrize("name", sorted(CODES))
@pytest.mark.parametrize("typed", ["", " ", "\u200b", "---", "1" * 1001], ids=ascii)
def test_what_is_no_code_is_cognitos_to_refuse(name: str, typed: str):
    assert respond(Challenge(name=name), Code(typed)).members == {TEXT_KEYS[name]: typed}


@pytest.mark.parametrize("typed", [*PASTED, "pass\u200bw\u0131rd - \uff11\ufeff"], ids=ascii)
def test_a_password_is_sent_sign_for_sign(typed: str):
    challenge = Challenge(name="NEW_PASSWORD_REQUIRED")
    for answer in (Secret(typed), NewPassword(typed)):
        assert respond(challenge, answer).members == {"NEW_PASSWORD": typed}


@pytest.mark.parametrize("name", TEXT_KEYS)
@pytest.mark.parametrize("kind", TYPED)
def test_a_typed_answer_is_taken_where_it_belongs_and_refused_by_name_elsewhere(
    name: str, kind: str
):
    challenge = Challenge(name=name)
    if TAKES.get(name) == kind:
        assert TEXT_KEYS[name] in respond(challenge, TYPED[kind]).members
        return
    with pytest.raises(AnswerNotSupportedError) as refused:
        respond(challenge, TYPED[kind])
    told = str(refused.value)
    assert f"{name} is answered by a text" in told
    assert f"not by {kind}" in told
    assert TAKES.get(name, "a text") in told
    assert "123456" not in told
    assert "Str0ng-Horse" not in told


@pytest.mark.parametrize(
    "name", [*sorted(set(State) - set(RESPONDERS)), "", "custom_challenge", "WEB_AUTHN", "x" * 999]
)
@pytest.mark.parametrize("answer", [Secret("hunter2!"), *TYPED.values()])
def test_what_nothing_answers_yet_says_so(name: str, answer: Any):
    with pytest.raises(AnswerNotSupportedError, match="is not answered by a text") as refused:
        respond(Challenge(name=name), answer)
    assert "hunter2!" not in str(refused.value)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("option", "chosen"),
    [("SMS_MFA", "SMS_MFA"), ("EMAIL_OTP", "EMAIL_OTP"), ("EMAIL_MFA", "EMAIL_OTP")],
)
@pytest.mark.parametrize("make", [Secret, Choice])
def test_the_choice_of_a_factor_tells_the_machine_what_was_chosen(
    make: Any, option: str, chosen: str
):
    response = respond(Challenge(name="SELECT_MFA_TYPE"), make(option))
    assert response.members == {"ANSWER": option}
    assert response.chosen == Chosen(chosen)


def test_a_factor_that_is_not_offered_cannot_be_chosen():
    offered = Challenge(
        name="SELECT_MFA_TYPE", parameters={"MFAS_CAN_CHOOSE": '["SMS_MFA","EMAIL_MFA"]'}
    )
    assert respond(offered, Choice("EMAIL_OTP")).members == {"ANSWER": "EMAIL_OTP"}
    with pytest.raises(MisuseError, match="one of SMS_MFA, EMAIL_MFA"):
        respond(offered, Choice("SOFTWARE_TOKEN_MFA"))


def test_an_offer_that_is_no_list_is_malformed():
    offered = Challenge(name="SELECT_MFA_TYPE", parameters={"MFAS_CAN_CHOOSE": "SMS_MFA"})
    with pytest.raises(MalformedReplyError, match="MFAS_CAN_CHOOSE"):
        respond(offered, Choice("SMS_MFA"))


def test_a_choice_that_triggers_offer_takes_a_choice_and_only_an_option():
    offered = Challenge(
        name="CUSTOM_CHALLENGE", kind="choice", parameters={"options": "otp question"}
    )
    for answer in (Choice("otp"), Secret("otp")):
        response = respond(offered, answer)
        assert (response.members, response.option) == ({"ANSWER": "otp"}, "otp")
    with pytest.raises(MisuseError, match="one of otp, question"):
        respond(offered, Choice("captcha"))


def test_a_new_password_carries_its_attributes():
    answer = NewPassword("Str0ng-Horse", attributes={"given_name": "Ada"})
    assert respond(Challenge(name="NEW_PASSWORD_REQUIRED"), answer).members == {
        "NEW_PASSWORD": "Str0ng-Horse",
        "userAttributes.given_name": "Ada",
    }
