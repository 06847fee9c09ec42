"""NEW_PASSWORD_REQUIRED: the user chooses a password, and completes attributes."""

from authflow.answers import NewPassword, TypedAnswer
from authflow.client.challenges.responder import Response, wrong_kind
from authflow.results import Challenge
from authflow.secret import Secret
from authflow.wire import new_password


def respond(challenge: Challenge, answer: TypedAnswer) -> Response:
    """Return the response with a new password."""
    match answer:
        case Secret():
            given = NewPassword(answer)
        case NewPassword():
            given = answer
        case _:
            raise wrong_kind(challenge, answer, "a text or NewPassword")
    members = new_password.Answer(password=given.password, attributes=given.attributes).write()
    return Response(members=members)
