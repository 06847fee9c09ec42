"""How challenge plugins and their distributions are named."""

import re
from typing import Final, Literal

from authflow import rounds

Side = Literal["client", "trigger"]

NAME: Final = re.compile(r"[a-z][a-z0-9_-]{1,31}")
NAME_RULE: Final = "2 to 32 of a-z, 0-9, _ and -, beginning with a letter"
OWN_NAMES: Final = frozenset({rounds.CHOICE, rounds.CONDITION, rounds.SKIP})
"""What no plugin can be called: authflow's own rounds are."""


def canonical(distribution: str) -> str:
    """Normalise a distribution's name ("Names and normalization", Python Packaging User Guide)."""
    return re.sub(r"[-_.]+", "-", distribution.strip()).lower()
