"""The comparison of the values shown to known and to unknown users, by their form.

Two known users are few, and what they are shown may be noise: so each rule convicts only of what
chance gives to hardly any honest plugin.
"""

import re
from collections.abc import Callable, Collection, Sequence
from typing import Final

_FEW: Final = 3
"""The most different values of many unknown users that count as few."""
_LEAST_STRANGERS: Final = 6
_CHANCE: Final = 1e-6
"""A kind of character that is missing with a smaller probability is not missing by chance."""
_TOKEN: Final = re.compile(r"[A-Za-z0-9+/_=-]{12,}")
"""The pattern of possible base64, in which no character needs to occur."""
_KINDS: Final[dict[str, Callable[[str], bool]]] = {
    "digits": str.isdigit,
    "capital letters": str.isupper,
    "small letters": str.islower,
}


def another_form(
    known: Collection[str], strangers: Sequence[str], nobody: Collection[str]
) -> str | None:
    """Return how a parameter's form differs for unknown users; None if it does not.

    Args:
        known: Its values for users who exist, each once.
        strangers: Its values for users who do not, one of each.
        nobody: All values of another one who does not.
    """
    unknown = {*strangers, *nobody}
    if len(known) < 2 or not unknown:  # a constant value is compared as it is
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
    """Return a mark or blank that all values have equally often, and none of the others has."""
    for sign in sorted({sign for value in values for sign in value if not sign.isalnum()}):
        counts = {value.count(sign) for value in values}
        if len(counts) == 1 and 0 not in counts and not any(sign in other for other in others):
            return sign
    return None


def _missing(
    values: Collection[str], others: Collection[str], is_one: Callable[[str], bool]
) -> bool:
    """Return whether values often have a kind of character that others lack, not by chance."""
    signs = [sign for value in values for sign in value if sign.isalnum()]
    missing_in = [sign for other in others for sign in other if sign.isalnum()]
    if not signs or any(map(is_one, missing_in)):
        return False
    share = sum(map(is_one, signs)) / len(signs)
    return (1 - share) ** len(missing_in) < _CHANCE
