"""SMS_MFA, SOFTWARE_TOKEN_MFA and EMAIL_OTP: the user types a one-time code.

Cognito takes the digits alone, so what people type and paste around them stays here.
"""

from typing import Final

from authflow.answers import Code, TypedAnswer
from authflow.client.challenges.responder import Response, wrong_kind
from authflow.errors import AnswerNotSupportedError
from authflow.forms.fields import TextField
from authflow.forms.form import Filled, Form
from authflow.forms.shown import ShownText
from authflow.plugins.read_text import read_code
from authflow.plugins.typed_text import typed_code
from authflow.results import Challenge
from authflow.secret import Secret
from authflow.wire import codes

_APP: Final = "SOFTWARE_TOKEN_MFA"
_CODE: Final = "code"
_BY: Final = {"SMS": "by text message", "EMAIL": "by e-mail"}


def form(challenge: Challenge) -> Form:
    """Return the form that says where the code is to be found, and asks for it."""
    asked = codes.Asked.read(challenge.parameters)
    label, told = "The code:", []
    if challenge.name == _APP:
        name = "" if asked.device is None else f" ({asked.device})"
        label = f"The code of your authenticator app{name}:"
    elif asked.destination is not None:
        by = _BY.get(asked.medium or "", "")
        told = [ShownText(text=" ".join(f"A code was sent {by} to {asked.destination}.".split()))]
    code = TextField(name=_CODE, label=label, autocomplete="one-time-code", input_mode="numeric")
    return Form(parts=(*told, code))


def read(_challenge: Challenge, filled: Filled) -> Code:
    """Return the code that was typed.

    Raises:
        AskAgainError: Nothing of it is part of a code.
    """
    return Code(read_code(filled, _CODE))


def respond(challenge: Challenge, answer: TypedAnswer) -> Response:
    """Return the response with a code."""
    match answer:
        case Secret():
            code = answer
        case Code(device_name=None):
            code = answer.code
        case Code():
            msg = f"device_name goes with an authenticator's first code, not with {challenge.name}"
            raise AnswerNotSupportedError(msg)
        case _:
            raise wrong_kind(challenge, answer, "a text or Code")
    clean = typed_code(code)
    if clean:  # Cognito itself refuses wrong codes
        code = Secret(clean)
    return Response(members=codes.Answer(challenge=challenge.name, code=code).write())
