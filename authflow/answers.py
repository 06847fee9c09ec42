"""What a challenge is answered with: a text, a `Secret`, or a typed answer, which says more."""

from collections.abc import Mapping

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


def secret_text(what: str, value: object) -> Secret[str]:
    """Wrap a text that is to be sent.

    Args:
        what: What it is, for the error.
        value: A text, or a `Secret` of one.

    Raises:
        MisuseError: It is no text, or none that UTF-8 can carry.
    """
    text = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(text, str) or not is_text(text):
        msg = f"{what} must be a text that UTF-8 can carry"
        raise MisuseError(msg)
    return value if isinstance(value, Secret) else Secret(text)


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
    if isinstance(answer, Code | Choice | NewPassword):
        return answer
    if isinstance(answer, str | Secret):
        return secret_text("answer", answer)
    msg = f"an answer is a text, a Secret, Code, Choice or NewPassword, not {type(answer).__name__}"
    raise AnswerNotSupportedError(msg)
