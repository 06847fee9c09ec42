"""SELECT_MFA_TYPE: the user chooses between second factors."""

from typing import Final

from authflow.answers import Choice, TypedAnswer
from authflow.client.challenges.responder import Response, wrong_kind
from authflow.echoes import HIDDEN
from authflow.errors import MalformedReplyError, MisuseError
from authflow.forms.fields import ChoiceField, Option
from authflow.forms.form import Filled, Form
from authflow.machine import Chosen
from authflow.results import Challenge
from authflow.secret import Secret
from authflow.wire import MemberError, mfa_choice

_FACTOR: Final = "factor"
_LABELS: Final = {
    "SMS_MFA": "a code by text message",
    "EMAIL_OTP": "a code by e-mail",
    "SOFTWARE_TOKEN_MFA": "a code of your authenticator app",
}


def form(challenge: Challenge) -> Form | None:
    """Return the form with the factors that Cognito documents; with only one, it asks nothing.

    Returns:
        None if there is none of them.

    Raises:
        MalformedReplyError: What the pool tells is no list of options.
    """
    factors = _factors(challenge)
    if not factors:
        return None
    if len(factors) == 1:
        return Form(parts=())
    options = [Option(value=value, label=_LABELS[name]) for name, value in factors.items()]
    question = "Which second factor do you want to use?"
    return Form(parts=(ChoiceField(name=_FACTOR, label=question, options=options),))


def read(challenge: Challenge, filled: Filled) -> Choice:
    """Return the factor that was chosen, or the only one."""
    return Choice(filled.get(_FACTOR) or next(iter(_factors(challenge).values())))


def _factors(challenge: Challenge) -> dict[str, str]:
    """Return the factors by the challenges to which they lead, as they are to be answered."""
    factors = [option for option in _options(challenge) if option in mfa_choice.FACTORS]
    return {mfa_choice.Answer(option=factor).challenge: factor for factor in factors}


def _options(challenge: Challenge) -> tuple[str, ...]:
    try:
        return mfa_choice.Asked.read(challenge.parameters).options
    except MemberError as error:
        msg = f"a challenge parameter cannot be used: {error}"
        raise MalformedReplyError(msg) from None


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
    options = _options(challenge)
    if options and chosen.challenge not in {mfa_choice.Answer(option=o).challenge for o in options}:
        # A name that is not a factor of Cognito's may repeat a secret that was sent earlier.
        shown = (option if option in mfa_choice.FACTORS else HIDDEN for option in options)
        msg = f"{challenge.name} offers a choice: answer one of {', '.join(shown)}"
        raise MisuseError(msg)
    return Response(members=chosen.write(), chosen=Chosen(chosen.challenge))
