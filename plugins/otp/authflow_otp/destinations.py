"""Destinations of codes: their attributes, their masked forms, and stand-ins for missing ones.

What is shown is as long for everybody. A stand-in is drawn from what only the holder of a key can
compute, so it stays the same for the same name, and nobody can compute it to compare.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from authflow.plugins import Randomness


class Medium(StrEnum):
    """The medium of a code, in the words of Cognito's DeliveryMedium."""

    EMAIL = "EMAIL"
    SMS = "SMS"


_ATTRIBUTES: Final = {Medium.EMAIL: "email", Medium.SMS: "phone_number"}
_FORMS: Final = {
    Medium.EMAIL: re.compile(
        r"[^\s@\"(),:;<>\[\\\]\x00-\x1f\x7f]{1,64}@[^\s@\x00-\x20\x7f]{1,189}"
    ),
    Medium.SMS: re.compile(r"\+[1-9][0-9]{6,14}"),  # ITU-T E.164
}

# The frequencies are about those of real mailboxes and providers: with equally likely letters,
# too many stand-ins would begin with x or z to be believed.
_MAILBOXES: Final = "aaaabbbccccdddeefffgghhiijjjjjkkkllllmmmmmmnnooppprrrrsssssstttvvw"
_PROVIDERS: Final = "gggggggggggghhhhooooyyyyiiaccdefmmptw"


def is_sound(medium: Medium, value: str) -> bool:
    """Return whether a text is exactly one address or one number.

    Args:
        medium: Which of the two it must be.
        value: The text.
    """
    return _FORMS[medium].fullmatch(value) is not None


def destination(medium: Medium, attributes: Mapping[str, str]) -> str | None:
    """Return the address or number of a user; None if Cognito has verified none.

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
    """Return an address or a number in the form that a client may see.

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
    """Return the text for clients that shows nothing of an address or a number."""
    return "+***********" if medium is Medium.SMS else "***@***"


def _first(text: str) -> str:
    return text[:1].casefold()[:1]


def stand_in(medium: Medium, username: str, drawn: Randomness) -> str:
    """Return the masked destination shown for a user to whom no code can be sent.

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
