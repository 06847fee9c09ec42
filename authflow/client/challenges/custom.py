"""CUSTOM_CHALLENGE, asked by the pool's triggers; only they know what an answer means."""

from authflow.answers import Choice, TypedAnswer
from authflow.client.challenges.responder import Response, wrong_kind
from authflow.client.choices import check_choice, options_of
from authflow.results import Challenge
from authflow.secret import Secret
from authflow.wire import custom


def respond(challenge: Challenge, answer: TypedAnswer) -> Response:
    """Return the response with a text; for a choice, with one of its options.

    Raises:
        MisuseError: The challenge is a choice, and this is none of its options.
    """
    match answer:
        case Secret():
            text = answer
        case Choice() if options_of(challenge):
            text = Secret(answer.option)
        case _:
            takes = "a text or Choice" if options_of(challenge) else "a text"
            raise wrong_kind(challenge, answer, takes)
    check_choice(challenge, text)
    option = text.reveal() if options_of(challenge) else None
    return Response(members=custom.Answer(text).write(), option=option)
