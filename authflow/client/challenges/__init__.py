"""The client's answers to challenges: one responder for each challenge."""

from collections.abc import Mapping
from typing import Final

from authflow.answers import TypedAnswer
from authflow.client.challenges import codes, custom, mfa_choice, mfa_setup, new_password
from authflow.client.challenges.own_form import OwnForm
from authflow.client.challenges.responder import Responder, Response
from authflow.errors import AnswerNotSupportedError
from authflow.machine import State
from authflow.results import Challenge

RESPONDERS: Final[Mapping[str, Responder]] = {
    State.CUSTOM_CHALLENGE: custom.respond,
    State.NEW_PASSWORD_REQUIRED: new_password.respond,
    State.SELECT_MFA_TYPE: mfa_choice.respond,
    State.SMS_MFA: codes.respond,
    State.SOFTWARE_TOKEN_MFA: codes.respond,
    State.EMAIL_OTP: codes.respond,
}
"""The responders by challenge, without PASSWORD_VERIFIER: the protocol itself answers that; and
without MFA_SETUP, which takes several steps (`client/setting_up.py`)."""


_CODES: Final = OwnForm(codes.form, codes.read)
FORMS: Final[Mapping[str, OwnForm]] = {
    State.NEW_PASSWORD_REQUIRED: OwnForm(new_password.form, new_password.read),
    State.SELECT_MFA_TYPE: OwnForm(mfa_choice.form, mfa_choice.read),
    State.MFA_SETUP: OwnForm(mfa_setup.form, mfa_setup.read),
    State.SMS_MFA: _CODES,
    State.SOFTWARE_TOKEN_MFA: _CODES,
    State.EMAIL_OTP: _CODES,
}
"""The forms by challenge, without CUSTOM_CHALLENGE: its form is its plugin's."""


def respond(challenge: Challenge, answer: TypedAnswer) -> Response:
    """Return an answer to a challenge under Cognito's names.

    Args:
        challenge: What is asked.
        answer: A text, a secret one, or the typed answer that the challenge takes.

    Raises:
        AnswerNotSupportedError: The challenge takes another kind of answer, or none.
        MisuseError: What was chosen is no option.
    """
    responder = RESPONDERS.get(challenge.name)
    if responder is None:
        msg = f"{challenge.name[:80]} is not answered by a text, nor by any other answer yet"
        raise AnswerNotSupportedError(msg)
    return responder(challenge, answer)
