import copy

import pytest
from attrs import evolve
from attrs.exceptions import FrozenInstanceError

from authflow.machine import AuthFlow
from authflow.results import Challenge, ChallengeRequired, SignedIn, SignInResult, Tokens
from authflow.secret import Secret
from authflow.sign_in import SignIn

CANARY = "canary-3f81"
TOKENS = Tokens(
    access_token=Secret(f"{CANARY}.access"),
    id_token=Secret(f"{CANARY}.id"),
    refresh_token=Secret(f"{CANARY}.refresh"),
)
SIGNED_IN = SignedIn(tokens=TOKENS, username="ana", flow=AuthFlow.USER_SRP_AUTH)
SIGN_IN = evolve(
    SignIn.begin(AuthFlow.CUSTOM_AUTH, "ana", srp=False, expires_at=0), session=Secret(CANARY)
)
ASKED = ChallengeRequired(
    challenge=Challenge(name="CUSTOM_CHALLENGE", parameters={"captchaUrl": f"data:,{CANARY}"}),
    sign_in=SIGN_IN,
)


@pytest.mark.parametrize("value", [TOKENS, SIGNED_IN, ASKED, ASKED.challenge], ids=repr)
def test_no_result_shows_a_token_a_session_or_what_a_challenge_holds(value: object):
    for shown in (repr(value), str(value), f"{value}", f"{copy.copy(value)!r}"):
        assert CANARY not in shown


def test_a_challenge_shows_which_parameters_it_has():
    assert "parameters=<captchaUrl>" in repr(ASKED)


def test_parameters_are_a_copy_that_cannot_be_changed():
    given = {"email": "a***"}
    challenge = Challenge(name="CUSTOM_CHALLENGE", parameters=given)
    given["email"] = "eve"
    assert challenge.parameters == {"email": "a***"}
    with pytest.raises(TypeError):
        challenge.parameters["email"] = "eve"  # type: ignore[index]
    assert challenge == Challenge(name="CUSTOM_CHALLENGE", parameters=[("email", "a***")])


def test_equal_challenges_have_one_hash():
    one, other = (Challenge(name="SMS_MFA", parameters={"a": "1", "b": "2"}) for _ in range(2))
    assert one == other
    assert len({one, other}) == 1


@pytest.mark.parametrize(("attempt", "is_retry"), [(1, False), (2, True), (7, True)])
def test_a_challenge_is_a_retry_from_its_second_attempt_on(attempt: int, is_retry: bool):
    assert Challenge(name="CUSTOM_CHALLENGE", attempt=attempt).is_retry is is_retry


@pytest.mark.parametrize("value", [TOKENS, SIGNED_IN, ASKED, ASKED.challenge], ids=repr)
def test_results_cannot_be_changed(value: object):
    with pytest.raises((FrozenInstanceError, AttributeError)):
        value.username = "eve"  # type: ignore[attr-defined]


@pytest.mark.parametrize(("result", "expected"), [(SIGNED_IN, "ana"), (ASKED, "CUSTOM_CHALLENGE")])
def test_match_covers_both_cases(result: SignInResult, expected: str):
    match result:
        case SignedIn(username=username):
            assert username == expected
        case ChallengeRequired(challenge=Challenge(name=name)):
            assert name == expected


def test_tokens_are_equal_by_what_they_hold():
    assert copy.copy(TOKENS) == TOKENS
    assert evolve(TOKENS, access_token=Secret("other")) != TOKENS
    assert evolve(TOKENS, refresh_token=None) != TOKENS
