"""A challenge's public parameters, read for its kind and for the number of the attempt."""

from collections.abc import Mapping

from authflow.results import Challenge
from authflow.rounds import ATTEMPT, ATTEMPTS, KIND


def read_challenge(
    name: str, parameters: Mapping[str, str], previous: Challenge | None = None
) -> Challenge:
    """Return a challenge as the caller sees it.

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
        and {*previous.parameters, *previous.left_out} == parameters.keys()
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
    """Read a small positive number that a trigger wrote; None if it is anything else."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > len("9999"):
        return None
    return int(text) or None
