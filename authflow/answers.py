"""What a challenge is answered with: a text, a `Secret`, or a typed answer, which says more."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from authflow.errors import AnswerNotSupportedError, MisuseError
from authflow.secret import Secret
from authflow.string_map import string_map


def is_text(value: object) -> bool:
    """Say whether a value is a text that UTF-8 can carry, as the wire needs it."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


@frozen
class NoText:
    """What was given for a text, without what it holds.

    Args:
        kind: The name of its class.
    """

    kind: str


def concealed(value: object) -> Any:
    """Hide what a caller gave in a `Secret`, whatever it is: frames of ours keep nothing else.

    Args:
        value: A text, a `Secret`, a typed answer or None; anything else is `NoText`.
    """
    if value is None or isinstance(value, Secret | Code | Choice | NewPassword | NoText):
        return value
    return Secret(value) if isinstance(value, str) else NoText(type(value).__name__)


def secret_text(what: str, value: object) -> Secret[str]:
    """Wrap a text that is to be sent.

    Args:
        what: What it is, for the error.
        value: A text, or a `Secret` of one.

    Raises:
        MisuseError: It is no text, or none that UTF-8 can carry.
    """
    value = concealed(value)
    if not isinstance(value, Secret) or not is_text(value.reveal()):
        msg = f"{what} must be a text that UTF-8 can carry"
        raise MisuseError(msg)
    return value


def _code(value: str | Secret[str]) -> Secret[str]:
    return secret_text("a code", value)


def _password(value: str | Secret[str]) -> Secret[str]:
    return secret_text("a new password", value)


def _option(value: str) -> str:
    return secret_text("an option", value).reveal()


def _attributes(values: Mapping[str, str]) -> Mapping[str, str]:
    attributes = string_map(values)
    for name, value in attributes.items():
        if not (is_text(name) and is_text(value)):
            msg = "user attributes must be texts that UTF-8 can carry"
            raise MisuseError(msg)
    return attributes


@frozen
class Code:
    """A one-time code: SMS_MFA, SOFTWARE_TOKEN_MFA, EMAIL_OTP.

    Args:
        code: The code.

    Raises:
        MisuseError: It is no text.
    """

    code: Secret[str] = field(converter=_code)


@frozen
class Choice:
    """One of several options: SELECT_MFA_TYPE, and a choice that authflow's triggers offer.

    Args:
        option: The option's name, as it is offered.

    Raises:
        MisuseError: It is no text.
    """

    option: str = field(converter=_option)


@frozen
class NewPassword:
    """A new password: NEW_PASSWORD_REQUIRED.

    Args:
        password: The password.
        attributes: User attributes that the challenge asks for.

    Raises:
        MisuseError: Something is no text.
    """

    password: Secret[str] = field(converter=_password)
    attributes: Mapping[str, str] = field(
        factory=dict, converter=_attributes, kw_only=True, repr=False, hash=False
    )


TypedAnswer = Secret[str] | Code | Choice | NewPassword
Answer = str | TypedAnswer
"""What `AuthClient.answer` takes."""


def read_answer(answer: Answer) -> TypedAnswer:
    """Wrap a text, and let only answers through.

    Raises:
        MisuseError: The text cannot be sent.
        AnswerNotSupportedError: It is no answer at all.
    """
    answer = concealed(answer)
    if isinstance(answer, Code | Choice | NewPassword):
        return answer
    if isinstance(answer, Secret):
        return secret_text("answer", answer)
    kind = answer.kind if isinstance(answer, NoText) else type(answer).__name__
    msg = f"an answer is a text, a Secret, Code, Choice or NewPassword, not {kind}"
    raise AnswerNotSupportedError(msg)
