"""SMS_MFA, SOFTWARE_TOKEN_MFA and EMAIL_OTP: the user types a one-time code.

Cognito takes the digits alone, so what people type and paste around them stays here.
"""

from authflow.answers import Code, TypedAnswer
from authflow.client.challenges.responder import Response, wrong_kind
from authflow.plugins.typed_text import typed_code
from authflow.results import Challenge
from authflow.secret import Secret
from authflow.wire import codes


def respond(challenge: Challenge, answer: TypedAnswer) -> Response:
    """Return the response with a code."""
    match answer:
        case Secret():
            code = answer
        case Code():
            code = answer.code
        case _:
            raise wrong_kind(challenge, answer, "a text or Code")
    clean = typed_code(code)
    if clean:  # Cognito itself refuses wrong codes
        code = Secret(clean)
    return Response(members=codes.Answer(challenge=challenge.name, code=code).write())
