"""Upper bounds for the number of answers that a guess must choose from.

Three bounds, of which the least counts: the signs that answers are made of, how much was drawn for
them, and how soon they come again.

Sources: OWASP ASVS 5.0, 6.5.4, and NIST SP 800-63B-4, "Rate Limiting", tie the length of a code to
the attempts that are allowed; ISO 9564-1 lets a PIN of four digits be tried three times, which is
three guesses in 10,000.
"""

import math
import string
from collections import Counter
from collections.abc import Sequence
from typing import Final

_KINDS: Final = (string.digits, string.ascii_lowercase, string.ascii_uppercase)
_OTHER_ASCII: Final = 33
"""The number of printable ASCII characters, without letters and digits but with the space."""
_BEYOND: Final = 1000
"""The number of characters outside ASCII: low, but fair to short answers in other scripts."""
_HEX: Final = frozenset(string.hexdigits.lower())
_CERTAINTY: Final = 4.0
"""Standard deviations: by chance, one in 30,000 plugins with just enough answers fails."""
_PAIRS: Final = 160
"""Equal pairs among the drawn answers, if there are just enough answers to guess from. With half
as many answers there are twice as many pairs, more than by chance."""


def bits_of_signs(answers: Sequence[str], *, drawn: bool) -> float:
    """Return the bound from the characters of answers, as a binary logarithm.

    Args:
        answers: Some answers.
        drawn: Whether each was drawn anew: then a place that never changes tells nothing.
    """
    lengths = {len(answer) for answer in answers}
    if drawn and len(lengths) == 1 and len(set(answers)) > 1:
        places = [set(signs) for signs in zip(*answers, strict=True)]
        alphabet = _alphabet(set().union(*places))
        return sum(math.log2(alphabet) for signs in places if len(signs) > 1)
    return max(lengths) * math.log2(_alphabet(set().union(*answers)))


def answers_to_draw(least: int) -> int:
    """Return how many answers to draw until repetitions show whether there are enough.

    Args:
        least: How many there must be to guess from.
    """
    return math.isqrt(2 * _PAIRS * least) + 1


def bits_of_repetition(answers: Sequence[str]) -> float:
    """Return the bound from the repetitions among drawn answers, as a binary logarithm.

    Args:
        answers: Answers that were each drawn anew.

    Returns:
        Infinity if they repeat so seldom that it may be chance.
    """
    count = len(answers)
    pairs = sum(times * (times - 1) // 2 for times in Counter(answers).values())
    # Among n answers out of s, about n(n - 1) / 2s pairs are equal. That number is Poisson's, and
    # its root has a standard deviation of one half.
    least = max(0.0, math.sqrt(pairs) - _CERTAINTY / 2) ** 2
    if not least:
        return math.inf
    return max(0.0, math.log2(count * (count - 1) / 2 / least))


def _alphabet(signs: set[str]) -> int:
    """Return the size of the alphabet that contains these characters."""
    if signs and signs <= _HEX and not signs.isdisjoint(string.ascii_lowercase):
        return len(_HEX)
    known = set(string.printable)
    size = sum(len(kind) for kind in _KINDS if not signs.isdisjoint(kind))
    others = signs - set(string.ascii_letters + string.digits)
    size += _OTHER_ASCII if others & known else 0
    size += _BEYOND if signs - known else 0
    return max(size, 1)
