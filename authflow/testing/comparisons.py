"""Detection of how a plugin compares answers.

Times cannot show it in a test: what leaks in a million requests drowns in the noise of a hundred.
So this looks at what the plugin does. The answer is a string that notes when `==` is asked of it,
also after `strip()`, `encode()` and their like; and Python tells when `compare_digest` is called.
What the plugin makes of an answer by other means, such as slices, is seen by the second alone.
"""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

from attrs import define, field

_COMPARE_DIGEST: Final = frozenset({"compare_digest", "_compare_digest"})
_KEPT: Final = [
    "strip",
    "lstrip",
    "rstrip",
    "lower",
    "upper",
    "casefold",
    "replace",
    "removeprefix",
    "removesuffix",
    "swapcase",
    "title",
    "translate",
    "zfill",
    "encode",
    "decode",
    "__str__",
    "__format__",
    "__add__",
    "expandtabs",
    "capitalize",
]


@define(kw_only=True)
class Comparisons:
    """The comparisons that were seen.

    Args:
        secret: The right answer. To compare with anything else, such as "resend", tells nothing.
        plain: How often `==` compared a probe to it, whatever the case of its letters.
        digests: How often `compare_digest` was called.
    """

    secret: str = field(repr=False)
    plain: int = 0
    digests: int = 0

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Count the calls of `compare_digest` made inside, and by threads begun there."""

        def profile(_frame: object, event: str, argument: Any) -> None:
            if event == "c_call" and getattr(argument, "__name__", "") in _COMPARE_DIGEST:
                self.digests += 1

        before, before_in_threads = sys.getprofile(), threading.getprofile()
        sys.setprofile(profile)
        threading.setprofile(profile)
        try:
            yield
        finally:
            sys.setprofile(before)
            threading.setprofile(before_in_threads)

    def probe(self, text: str) -> str:
        """Make a string that records how it is compared.

        Args:
            text: What it says.
        """
        probed = _ProbedText(text)
        probed.seen = self
        return probed


def _bare(text: str) -> str:
    """Return a text as a plain string, in one case."""
    return str.casefold(str.strip(text))


class _Probed:  # noqa: PLW1641  # each subclass takes its own type's hash
    """The base of `_ProbedText` and `_ProbedBytes`."""

    seen: Comparisons

    def __eq__(self, other: object) -> bool:
        text = other.decode("utf-8", "replace") if isinstance(other, bytes) else other
        if isinstance(text, str) and _bare(text) == _bare(self.seen.secret):
            self.seen.plain += 1
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other


class _ProbedText(_Probed, str):  # noqa: SLOT000  # it has an attribute
    __hash__ = str.__hash__  # a class with its own __eq__ would lose it


class _ProbedBytes(_Probed, bytes):
    __hash__ = bytes.__hash__


def _keeping(base: type[Any], name: str) -> Callable[..., Any]:
    """Make a method whose result records comparisons, too."""
    method = getattr(base, name)

    def kept(self: Any, *arguments: Any, **named: Any) -> Any:
        result = method(self, *arguments, **named)
        probed: Any = _ProbedText(result) if isinstance(result, str) else _ProbedBytes(result)
        probed.seen = self.seen
        return probed

    return kept


for _name in _KEPT:
    for _base, _kind in ((str, _ProbedText), (bytes, _ProbedBytes)):
        if hasattr(_base, _name):
            setattr(_kind, _name, _keeping(_base, _name))
