"""SELECT_MFA_TYPE: the user chooses between second factors."""

from authflow.answers import Choice, TypedAnswer
from authflow.client.challenges.responder import Response, wrong_kind
from authflow.echoes import HIDDEN
from authflow.errors import MalformedReplyError, MisuseError
from authflow.machine import Chosen
from authflow.results import Challenge
from authflow.secret import Secret
from authflow.wire import MemberError, mfa_choice


def respond(challenge: Challenge, answer: TypedAnswer) -> Response:
    """Return the response with one of the options.

    Raises:
        MisuseError: It is none of the options that the pool tells.
        MalformedReplyError: What the pool tells is no list of options.
    """
    match answer:
        case Secret():
            chosen = mfa_choice.Answer(option=answer.reveal())
        case Choice():
            chosen = mfa_choice.Answer(option=answer.option)
        case _:
            raise wrong_kind(challenge, answer, "a text or Choice")
    try:
        options = mfa_choice.Asked.read(challenge.parameters).options
    except MemberError as error:
        msg = f"a challenge parameter cannot be used: {error}"
        raise MalformedReplyError(msg) from None
    if options and chosen.challenge not in {mfa_choice.Answer(option=o).challenge for o in options}:
        # A name that is no factor of Cognito's may repeat a secret that was sent earlier.
        shown = (option if option in mfa_choice.FACTORS else HIDDEN for option in options)
        msg = f"{challenge.name} offers a choice: answer one of {', '.join(shown)}"
        raise MisuseError(msg)
    return Response(members=chosen.write(), chosen=Chosen(chosen.challenge))
