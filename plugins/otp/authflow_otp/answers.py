"""Codes as people type them."""

import unicodedata
from typing import Final

from authflow.plugins import Secret

LONGEST: Final = 64
"""No code is longer, however it is typed; what is longer is not looked at."""

_BETWEEN: Final = frozenset("-\u2010\u2011\u2013")


def code_of(answer: Secret[str]) -> str:
    """Give the digits of an answer, or nothing if there is anything else in it.

    White space and dashes fall away, for people and mail programs group digits. A digit of any
    script counts as its value, full-width ones included: a keyboard decides which one is typed.

    Args:
        answer: What was answered.
    """
    text = answer.reveal()
    if len(text) > LONGEST:
        return ""
    digits = [
        unicodedata.decimal(sign, -1)
        for sign in text
        if not sign.isspace() and sign not in _BETWEEN
    ]
    return "" if -1 in digits else "".join(map(str, digits))
