"""What authflow's triggers tell its client in the public challenge parameters.

They are plain strings: other clients may ignore them. An option of a choice is named by the
challenges that it is made of: "otp", "captcha+otp", "question#2" for a second question.
"""

from collections.abc import Mapping
from typing import Final

from authflow.results import Challenge

KIND: Final = "challenge"
ATTEMPT: Final = "attempt"
ATTEMPTS: Final = "attempts"
CHOICE: Final = "choice"
"""The kind of a round in which the client chooses between options."""
OPTIONS: Final = "options"
"""What a choice offers, with blanks between the names."""
SKIP: Final = "skip"
"""The option of doing without an optional challenge."""
CONDITION: Final = "condition"
"""The kind of a round in which the client tells its metadata."""
WANTED: Final = "wanted"
"""The names of the client metadata that a condition wants, with blanks between them."""


def read_challenge(
    name: str, parameters: Mapping[str, str], previous: Challenge | None = None
) -> Challenge:
    """Give a challenge as the caller sees it.

    Our own triggers tell which attempt it is. For others: the same custom challenge with the same
    parameter names, right after an answer to it, is taken for a retry.

    Args:
        name: Cognito's name of the challenge.
        parameters: The public challenge parameters.
        previous: The challenge that was answered right before, if there was one.
    """
    kind = parameters.get(KIND)
    told = _count(parameters.get(ATTEMPT))
    attempt = 1
    if told is not None:
        attempt = told
    elif (
        previous is not None
        and previous.name == name
        and previous.kind == kind
        and previous.parameters.keys() == parameters.keys()
    ):
        attempt = previous.attempt + 1
    return Challenge(
        name=name,
        kind=kind,
        parameters=parameters,
        attempt=attempt,
        attempts=_count(parameters.get(ATTEMPTS)),
    )


def _count(text: str | None) -> int | None:
    """Read a small positive number that a trigger wrote; anything else tells nothing."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > len("9999"):
        return None
    return int(text) or None
