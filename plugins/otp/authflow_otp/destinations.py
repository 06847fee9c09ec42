"""Where codes go: which attribute says it, what is shown of it, and stand-ins for who has none.

What is shown is as long for everybody. A stand-in is drawn from what only the holder of a key can
compute, so it stays the same for the same name, and nobody can compute it to compare.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from authflow.plugins import Randomness


class Medium(StrEnum):
    """How a code travels, in the words of Cognito's DeliveryMedium."""

    EMAIL = "EMAIL"
    SMS = "SMS"


_ATTRIBUTES: Final = {Medium.EMAIL: "email", Medium.SMS: "phone_number"}
_FORMS: Final = {
    Medium.EMAIL: re.compile(
        r"[^\s@\"(),:;<>\[\\\]\x00-\x1f\x7f]{1,64}@[^\s@\x00-\x20\x7f]{1,189}"
    ),
    Medium.SMS: re.compile(r"\+[1-9][0-9]{6,14}"),  # ITU-T E.164
}

# About as often as mailboxes and their providers really begin so: a stand-in of letters that are
# all as likely would begin with x or z too often to be believed.
_MAILBOXES: Final = "aaaabbbccccdddeefffgghhiijjjjjkkkllllmmmmmmnnooppprrrrsssssstttvvw"
_PROVIDERS: Final = "gggggggggggghhhhooooyyyyiiaccdefmmptw"


def is_sound(medium: Medium, value: str) -> bool:
    """Say whether a text is one address or one number, and nothing beside it.

    Args:
        medium: Which of the two it must be.
        value: The text.
    """
    return _FORMS[medium].fullmatch(value) is not None


def destination(medium: Medium, attributes: Mapping[str, str]) -> str | None:
    """Give the address or number of a user; None if there is none that Cognito has verified.

    A code that is sent to an address which nobody has verified may tell it to a stranger.

    Args:
        medium: How the code is to travel.
        attributes: The user's attributes.
    """
    attribute = _ATTRIBUTES[medium]
    value = attributes.get(attribute, "")
    verified = attributes.get(f"{attribute}_verified", "").lower() == "true"
    return value if verified and is_sound(medium, value) else None


def masked(medium: Medium, value: str) -> str:
    """Give what a client may see of an address or a number.

    Letters are small ones, as those of stand-ins are: a capital would be a user's own.

    Args:
        medium: Which of the two it is.
        value: The address or number.
    """
    if medium is Medium.SMS:
        return f"+*******{value[-4:]}"
    mailbox, _, domain = value.rpartition("@")
    return f"{_first(mailbox)}***@{_first(domain)}***"


def blank(medium: Medium) -> str:
    """Give what a client may see where nothing of an address or a number is shown."""
    return "+***********" if medium is Medium.SMS else "***@***"


def _first(text: str) -> str:
    return text[:1].casefold()[:1]


def stand_in(medium: Medium, username: str, drawn: Randomness) -> str:
    """Give what is shown for a user to whom no code can be sent.

    Where usernames are addresses, a real user's is known to whoever typed it, so a stand-in is made
    of what was typed.

    Args:
        medium: How the code would travel.
        username: The user's name.
        drawn: What to draw it from, which a key and the name decide.
    """
    if is_sound(medium, username):
        return masked(medium, username)
    if medium is Medium.SMS:
        return masked(medium, drawn.digits(4))
    return masked(medium, f"{drawn.choice(_MAILBOXES)}@{drawn.choice(_PROVIDERS)}")
