"""The answers to a challenge: a text, a `Secret`, or a typed answer, which says more."""

from collections.abc import Mapping
from types import MappingProxyType

from attrs import field, frozen

from authflow.errors import AnswerNotSupportedError, MisuseError
from authflow.forms.form import Filled
from authflow.given_maps import checked_map, wrapped_map
from authflow.given_secrets import Unfit, checked, wrapped, wraps_secrets
from authflow.secret import Secret


def _code(value: str | Secret[str]) -> Secret[str]:
    return checked("a code", wrapped(value), empty=True)


def _password(value: str | Secret[str]) -> Secret[str]:
    return checked("a new password", wrapped(value), empty=True)


def _device_name(value: str | None) -> str | None:
    return None if value is None else checked("a device's name", wrapped(value)).reveal()


def _address(value: str) -> str:
    return checked("an e-mail address", wrapped(value)).reveal()


def _option(value: str) -> str:
    return checked("an option", wrapped(value), empty=True).reveal()


def _attributes(values: Mapping[str, str] | None) -> Mapping[str, str]:
    if values is None:
        msg = "attributes must be a map of texts to texts, not None"
        raise MisuseError(msg)
    return MappingProxyType(checked_map("attributes", wrapped_map(values)).reveal())


@wraps_secrets("code", "device_name")
@frozen
class Code:
    """A one-time code: SMS_MFA, SOFTWARE_TOKEN_MFA, EMAIL_OTP, and an authenticator's first one.

    Args:
        code: The code.
        device_name: For an authenticator that is being set up: what the user calls the device that
            it is on.

    Raises:
        MisuseError: Something is no text.
    """

    code: Secret[str] = field(converter=_code)
    device_name: str | None = field(default=None, converter=_device_name, kw_only=True)


@wraps_secrets("option")
@frozen
class Choice:
    """One of several options: SELECT_MFA_TYPE, and a choice that authflow's triggers offer.

    Args:
        option: The option's name, as it is offered.

    Raises:
        MisuseError: It is no text.
    """

    option: str = field(converter=_option)


@wraps_secrets("address")
@frozen
class EmailAddress:
    """An address for codes by e-mail: MFA_SETUP.

    Args:
        address: The address.

    Raises:
        MisuseError: It is no text, or empty.
    """

    address: str = field(converter=_address, repr=False)


@wraps_secrets("password")
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


TypedAnswer = Secret[str] | Code | Choice | EmailAddress | NewPassword
Answer = str | TypedAnswer | Filled
"""The answers that `AuthClient.answer` takes."""


def hidden(answer: object) -> TypedAnswer | Filled:
    """Wrap an answer that is not a typed one, before anything can fail."""
    if isinstance(answer, Code | Choice | EmailAddress | NewPassword | Filled):
        return answer
    return wrapped(answer)


def read_answer(answer: Answer) -> TypedAnswer | Filled:
    """Check that this is an answer, and wrap a text.

    Raises:
        MisuseError: The text cannot be sent.
        AnswerNotSupportedError: It is no answer at all.
    """
    answer = hidden(answer)
    if isinstance(answer, Unfit) and not answer.text:
        kinds = "a text, a Secret, a filled form, Code, Choice, EmailAddress or NewPassword"
        msg = f"an answer is {kinds}, {answer.why}"
        raise AnswerNotSupportedError(msg)
    return checked("answer", answer, empty=True) if isinstance(answer, Secret) else answer
