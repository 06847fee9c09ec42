"""The names of challenge plugins and of their distributions."""

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from authflow import rounds

Side = Literal["client", "trigger"]
"""A half of a challenge: the one that asks a person, or the one that makes and verifies."""

NAME: Final = re.compile(r"[a-z][a-z0-9_-]{1,31}")
NAME_RULE: Final = "2 to 32 of a-z, 0-9, _ and -, beginning with a letter"
"""`NAME` in words."""
OWN_NAMES: Final = frozenset({rounds.CHOICE, rounds.CONDITION, rounds.SKIP})
"""The names of authflow's own rounds, which no plugin can have."""

PUBLISHED: Final[Mapping[str, str]] = {
    "captcha": "authflow-captcha",
    "turnstile": "authflow-captcha",
    "hcaptcha": "authflow-captcha",
    "recaptcha": "authflow-captcha",
    "otp": "authflow-otp",
    "totp": "authflow-otp",
    "hotp": "authflow-otp",
    "question": "authflow-question",
}
"""The distributions of authflow's own plugins, by the plugins' names."""


def canonical(distribution: str) -> str:
    """Return a distribution's normal name ("Names and normalization", Packaging User Guide)."""
    return re.sub(r"[-_.]+", "-", distribution.strip()).lower()


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the name that was probably meant by an unknown one; None if it is like no other.

    Args:
        name: The name.
        known: The names that there are.
    """
    from difflib import get_close_matches  # noqa: PLC0415  # only where there is a mistake

    written = {each.casefold(): each for each in sorted({*known})}
    meant = get_close_matches(name.casefold(), written, n=1)
    return written[meant[0]] if meant else None
