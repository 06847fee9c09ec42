"""A responder: the part of the client that answers one challenge."""

from collections.abc import Callable

from attrs import frozen

from authflow.answers import TypedAnswer
from authflow.errors import AnswerNotSupportedError
from authflow.machine import Chosen
from authflow.results import Challenge
from authflow.wire import Members


@frozen(kw_only=True)
class Response:
    """The response to a challenge, ready to be sent.

    Args:
        members: The answer under Cognito's names.
        chosen: What was chosen, where the machine must know it.
        option: What was chosen where authflow's triggers offered a choice.
    """

    members: Members
    chosen: Chosen | None = None
    option: str | None = None


Responder = Callable[[Challenge, TypedAnswer], Response]
"""Puts an answer to a challenge under Cognito's names.

It raises AnswerNotSupportedError for a kind of answer that the challenge does not take.
"""


def wrong_kind(challenge: Challenge, answer: TypedAnswer, takes: str) -> AnswerNotSupportedError:
    """Return the error for an answer that the challenge does not take.

    Args:
        challenge: The challenge.
        answer: The answer; only its kind is told.
        takes: What the challenge takes, such as "a text or Code".
    """
    return AnswerNotSupportedError(
        f"{challenge.name} is answered by {takes}, not by {type(answer).__name__}"
    )
