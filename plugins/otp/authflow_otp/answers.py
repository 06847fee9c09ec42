"""Codes as people type them."""

from typing import Final

from authflow.plugins import Secret, typed_code

LONGEST: Final = 64
"""The most digits of an answer."""


def code_of(answer: Secret[str]) -> str:
    """Return the digits of an answer, or an empty text if it has other characters.

    Args:
        answer: What was answered, as people type and paste it: see `typed_code`.
    """
    code = typed_code(answer)
    return code if code.isascii() and code.isdigit() and len(code) <= LONGEST else ""
