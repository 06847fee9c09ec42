"""NEW_PASSWORD_REQUIRED: the user chooses a password, and completes attributes."""

from typing import Final

from authflow.answers import NewPassword, TypedAnswer
from authflow.client.challenges.responder import Response, wrong_kind
from authflow.errors import MalformedReplyError
from authflow.forms.fields import SecretField, TextField
from authflow.forms.form import Filled, Form
from authflow.forms.shown import NAME
from authflow.given_secrets import is_text
from authflow.results import Challenge
from authflow.secret import Secret
from authflow.wire import MemberError, new_password

_PASSWORD: Final = "new_password"
_LONGEST_PASSWORD: Final = 256
"""The longest password; see ChallengeResponses in the API reference."""
_LONGEST_ATTRIBUTE: Final = 2048


def form(challenge: Challenge) -> Form:
    """Return the form for a new password and the attributes that must come along.

    Raises:
        MalformedReplyError: What the pool tells of attributes is no list of names.
    """
    password = SecretField(
        name=_PASSWORD,
        label="A new password:",
        autocomplete="new-password",
        longest=_LONGEST_PASSWORD,
    )
    attributes = [
        TextField(name=name, label=f"{attribute}:", longest=_LONGEST_ATTRIBUTE)
        for name, attribute in _wanted(challenge).items()
    ]
    return Form(parts=(password, *attributes))


def read(challenge: Challenge, filled: Filled) -> NewPassword:
    """Return the password and the attributes that were typed."""
    wanted = _wanted(challenge).items()
    return NewPassword(
        filled[_PASSWORD], attributes={attribute: filled[name] for name, attribute in wanted}
    )


def _wanted(challenge: Challenge) -> dict[str, str]:
    """Return the attributes that must come along, by the fields that ask for them."""
    try:
        wanted = new_password.Asked.read(challenge.parameters).required_attributes
    except MemberError as error:
        msg = f"a challenge parameter cannot be used: {error}"
        raise MalformedReplyError(msg) from None
    wanted = tuple(dict.fromkeys(wanted))
    if not all(attribute and is_text(attribute) for attribute in wanted):
        msg = "a required attribute has no name, or one that cannot be sent"
        raise MalformedReplyError(msg)
    names = (f"{new_password.ATTRIBUTE_PREFIX}{attribute}" for attribute in wanted)
    # An attribute's name may have characters that no HTML control's name should have.
    return {
        name if NAME.fullmatch(name) else f"attribute-{place}": attribute
        for place, (name, attribute) in enumerate(zip(names, wanted, strict=True), 1)
    }


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
