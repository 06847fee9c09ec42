"""MFA_SETUP: a user who needs a second factor sets one up, in steps.

The factor is chosen first. An authenticator app then gets a key from Cognito, and its first code
proves that it has it; an address for codes by e-mail is sent, and the code is asked for next.
`Challenge.kind` says which factor is being set up. A phone number is set by somebody else.
"""

from typing import Final

from authflow.answers import Choice, Code, EmailAddress, TypedAnswer
from authflow.client.challenges.responder import wrong_kind
from authflow.errors import (
    AnswerNotSupportedError,
    AskAgainError,
    CodeMismatchError,
    MalformedReplyError,
    MisuseError,
)
from authflow.forms.fields import ChoiceField, Option, TextField
from authflow.forms.form import Filled, Form
from authflow.forms.shown import ShownQrCode, ShownText
from authflow.mfa import NewAuthenticator, SecondFactor
from authflow.plugins.read_text import read_code
from authflow.plugins.typed_text import typed_code
from authflow.results import Challenge
from authflow.secret import Secret
from authflow.wire import MemberError, mfa_choice, mfa_setup

_APP: Final = SecondFactor.SOFTWARE_TOKEN_MFA
_EMAIL: Final = SecondFactor.EMAIL_OTP
_FACTOR: Final = "factor"
_CODE: Final = "code"
_ADDRESS: Final = "email"
_LONGEST_ADDRESS: Final = 320
_LABELS: Final = {_APP: "an authenticator app", _EMAIL: "codes by e-mail"}
_GROUP: Final = 4
_DIGITS: Final = 6


def possible(challenge: Challenge) -> tuple[SecondFactor, ...]:
    """Return the factors that can be set up here, of those that the pool tells.

    Raises:
        MalformedReplyError: What the pool tells is no list of options.
    """
    try:
        told = mfa_setup.Asked.read(challenge.parameters).options
    except MemberError as error:
        msg = f"a challenge parameter cannot be used: {error}"
        raise MalformedReplyError(msg) from None
    if not told:
        return (_APP, _EMAIL)
    named = {mfa_choice.Answer(option=option).challenge for option in told}
    return tuple(factor for factor in (_APP, _EMAIL) if factor in named)


def chosen(challenge: Challenge, answer: TypedAnswer) -> SecondFactor:
    """Return the factor that an answer chooses.

    Raises:
        AnswerNotSupportedError: It is another kind of answer, or there is nothing to choose.
        MisuseError: It is no factor that can be set up.
    """
    match answer:
        case Secret():
            option = answer.reveal()
        case Choice():
            option = answer.option
        case EmailAddress():
            option = str(_EMAIL)
        case _:
            raise wrong_kind(challenge, answer, "a text, Choice or EmailAddress")
    factors = possible(challenge)
    if not factors:
        msg = (
            "none of the second factors that this user pool has can be set up by the user: an"
            " administrator sets a phone number, or lets the pool have another factor"
        )
        raise AnswerNotSupportedError(msg)
    named = mfa_choice.Answer(option=option).challenge
    for factor in factors:
        if factor == named:
            return factor
    msg = f"{challenge.name} begins with a choice: answer one of {', '.join(factors)}"
    raise MisuseError(msg)


def first_code(challenge: Challenge, answer: TypedAnswer) -> tuple[Secret[str], str | None]:
    """Return the first code of the authenticator app, and the device's name.

    Raises:
        AnswerNotSupportedError: It is another kind of answer.
        CodeMismatchError: It cannot be a code.
    """
    match answer:
        case Secret():
            code, name = answer, None
        case Code():
            code, name = answer.code, answer.device_name
        case _:
            raise wrong_kind(challenge, answer, "a text or Code")
    return first_code_of(code), name


def first_code_of(code: Secret[str]) -> Secret[str]:
    """Return the code of an authenticator as Cognito takes it, which refuses any other request.

    Source: UserCode of VerifySoftwareToken in the API reference.

    Raises:
        CodeMismatchError: It has not six digits; nothing was sent.
    """
    clean = typed_code(code)
    if len(clean) == _DIGITS and clean.isdecimal():
        return Secret(clean)
    msg = f"the code is wrong: an authenticator's has {_DIGITS} digits; type what it shows now"
    raise CodeMismatchError(msg)


def address(challenge: Challenge, answer: TypedAnswer) -> str:
    """Return the address for codes by e-mail.

    Raises:
        AnswerNotSupportedError: It is another kind of answer.
    """
    match answer:
        case Secret():
            return answer.reveal()
        case EmailAddress():
            return answer.address
        case _:
            raise wrong_kind(challenge, answer, "a text or EmailAddress")


def form(challenge: Challenge) -> Form | None:
    """Return the form of the next step; where there is no choice, it asks nothing.

    Returns:
        None if nothing can be set up here.

    Raises:
        MalformedReplyError: What the pool tells is no list of options.
    """
    authenticator = challenge.new_authenticator
    if authenticator is not None:
        return _code_form(authenticator)
    if challenge.kind == _EMAIL:
        asked = TextField(
            name=_ADDRESS,
            label="The e-mail address for the codes:",
            autocomplete="email",
            input_mode="email",
            longest=_LONGEST_ADDRESS,
        )
        return Form(parts=(asked,))
    factors = possible(challenge)
    if not factors:
        return None
    told = ShownText(text="This account needs a second factor.")
    if len(factors) == 1:
        return Form(parts=(told,))
    options = [Option(value=str(factor), label=_LABELS[factor]) for factor in factors]
    question = "Which one do you want to set up?"
    return Form(parts=(told, ChoiceField(name=_FACTOR, label=question, options=options)))


def _code_form(authenticator: NewAuthenticator) -> Form:
    key = authenticator.key.reveal()
    groups = " ".join(key[at : at + _GROUP] for at in range(0, len(key), _GROUP))
    return Form(
        parts=(
            ShownText(text="Add this account to your authenticator app."),
            ShownQrCode(url=authenticator.uri.reveal(), description="The code to scan"),
            ShownText(text=f"Or type this key: {groups}"),
            TextField(
                name=_CODE,
                label="The code that the app shows:",
                autocomplete="one-time-code",
                input_mode="numeric",
            ),
        )
    )


def read(challenge: Challenge, filled: Filled) -> TypedAnswer:
    """Return what was chosen or typed.

    Raises:
        AskAgainError: Nothing of it is part of a code.
    """
    if challenge.new_authenticator is not None:
        try:
            return Code(first_code_of(Secret(read_code(filled, _CODE))))
        except CodeMismatchError as error:
            raise AskAgainError(error.message, field=_CODE) from None
    if challenge.kind == _EMAIL:
        return EmailAddress(filled[_ADDRESS])
    return Choice(filled.get(_FACTOR) or str(possible(challenge)[0]))
