"""SMS_MFA, SOFTWARE_TOKEN_MFA and EMAIL_OTP: the user types a one-time code."""

from authflow.answers import Code, TypedAnswer
from authflow.client.challenges.responder import Response, wrong_kind
from authflow.results import Challenge
from authflow.secret import Secret
from authflow.wire import codes


def respond(challenge: Challenge, answer: TypedAnswer) -> Response:
    """Answer by a code."""
    match answer:
        case Secret():
            code = answer
        case Code():
            code = answer.code
        case _:
            raise wrong_kind(challenge, answer, "a text or Code")
    return Response(members=codes.Answer(challenge=challenge.name, code=code).write())
