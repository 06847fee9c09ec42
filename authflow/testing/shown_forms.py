"""Compares the forms of what known and unknown users are shown.

Two known users are few, and what they are shown may be noise: so each rule convicts only of what
chance gives to hardly any honest plugin.
"""

import re
from collections.abc import Callable, Collection, Sequence
from typing import Final

_FEW: Final = 3
"""Values that unknown users share, though known users never have one of them."""
_LEAST_STRANGERS: Final = 6
_CHANCE: Final = 1e-6
"""With which a kind of sign may be missing among many."""
_TOKEN: Final = re.compile(r"[A-Za-z0-9+/_=-]{12,}")
"""What may be base64: there, no sign must be."""
_KINDS: Final[dict[str, Callable[[str], bool]]] = {
    "digits": str.isdigit,
    "capital letters": str.isupper,
    "small letters": str.islower,
}


def another_form(
    known: Collection[str], strangers: Sequence[str], nobody: Collection[str]
) -> str | None:
    """Say how a parameter is of another form for unknown users, if it is.

    Args:
        known: Its values for users who exist, each once.
        strangers: Its values for users who do not, one of each.
        nobody: All values of another one who does not.
    """
    unknown = {*strangers, *nobody}
    if len(known) < 2 or not unknown:  # what never changes is compared as it is
        return None
    few = len({*strangers}) <= _FEW and len(strangers) >= _LEAST_STRANGERS
    if few and unknown.isdisjoint(known):
        return "is one of few values that no other user has"
    tokens = [all(map(_TOKEN.fullmatch, values)) for values in (known, unknown)]
    if not all(tokens):
        for one, others, has in ((known, unknown, "lacks"), (unknown, known, "has")):
            mark = _own_mark(one, others)
            if mark is not None:
                return f"{has} the {mark!a} of its form, unlike all others"
    for kind, is_one in _KINDS.items():
        for one, others, has in ((known, unknown, "no"), (unknown, known, "")):
            if _missing(one, others, is_one):
                return f"has {has} {kind}, unlike others".replace("  ", " ")
    return None


def _own_mark(values: Collection[str], others: Collection[str]) -> str | None:
    """Give a mark or blank that all values have equally often, and none of the others has."""
    for sign in sorted({sign for value in values for sign in value if not sign.isalnum()}):
        counts = {value.count(sign) for value in values}
        if len(counts) == 1 and 0 not in counts and not any(sign in other for other in others):
            return sign
    return None


def _missing(
    values: Collection[str], others: Collection[str], is_one: Callable[[str], bool]
) -> bool:
    """Say whether a kind of sign is frequent in values, and missing in others by no chance."""
    signs = [sign for value in values for sign in value if sign.isalnum()]
    missing_in = [sign for other in others for sign in other if sign.isalnum()]
    if not signs or any(map(is_one, missing_in)):
        return False
    share = sum(map(is_one, signs)) / len(signs)
    return (1 - share) ** len(missing_in) < _CHANCE
