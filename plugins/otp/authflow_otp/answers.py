"""Codes as people type them."""

from typing import Final

from authflow.plugins import Secret, typed_code

LONGEST: Final = 64
"""No code has more digits."""


def code_of(answer: Secret[str]) -> str:
    """Give the digits of an answer, or nothing if there is anything else in it.

    Args:
        answer: What was answered, as people type and paste it: see `typed_code`.
    """
    code = typed_code(answer)
    return code if code.isascii() and code.isdigit() and len(code) <= LONGEST else ""
