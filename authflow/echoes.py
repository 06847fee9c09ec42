"""Detection of secrets in texts from others, so that these texts are not shown.

A server may repeat what it was sent: whole or cut, in other letters, quoted, escaped. To take a
secret out of a text is no help: the hole tells what was typed to everybody who knows the text
("Incorrect *** or password"). So a text is shown whole or not at all, and what is said instead is
what is said where no text came.

Whether a text is shown does depend on the secret then, and a log of an error may tell that much:
that something which was sent is a part of a text that is not shown. So nothing whose meaning is
known is shown in others' words: `refusals` has words of its own for those, which are the same
whatever was typed. What is left is what a pool's triggers say and what nobody has seen before.
"""

import html
import re
from collections.abc import Collection, Iterable
from typing import Final
from unicodedata import normalize
from urllib.parse import unquote_plus

_WHOLE: Final = 4
"""The length up to which a secret counts only as a whole: any text may contain its parts."""
_TELLING: Final = 8
"""The length of a part of a secret that is not in a text by chance."""
_DECODINGS: Final = 3
"""The most nested escapes that are decoded."""
_ESCAPE: Final = re.compile(
    r"\\(?:u\{(?P<braced>[0-9A-Fa-f]{1,6})\}|u(?P<four>[0-9A-Fa-f]{4})"
    r"|U(?P<eight>[0-9A-Fa-f]{8})|x(?P<two>[0-9A-Fa-f]{2})|(?P<octal>[0-7]{3})"
    r"|(?P<other>[^0-9A-Za-z\s]))"
)
_QUOTE: Final = "'\"`\xb4\xab\xbb\u2018-\u201f\u2039\u203a<>()\\[\\]{}=:"
_QUOTED: Final = re.compile(rf"[{_QUOTE}]\s*([^{_QUOTE}]+)")
_ASSIGNED: Final = re.compile(r"=\s*(\S+)")
_GOES_ON: Final = re.compile(r"\.{2,}|…|\*{2,}")
_CUT: Final = " .…*•,;!?"


HIDDEN: Final = "***"
"""The text that is shown instead of a hidden one."""


def without_secrets(text: str, secrets: Iterable[str], *, documented: Collection[str] = ()) -> str:
    """Return a name that a server wrote in a form that may be shown.

    Args:
        text: The name.
        secrets: What must not be told.
        documented: Names that Cognito documents: they are shown whatever was sent.
    """
    return HIDDEN if text not in documented and echoes(text, secrets) else text


def echoes(text: str, secrets: Iterable[str]) -> bool:
    """Return whether a text contains one of the secrets, or enough of one to reveal it.

    Letter case, width and accents' spelling make no difference, nor do white space and punctuation
    between, nor escapes as of URLs, HTML, JSON and Python. Of a secret of more than four characters
    any four in a row count that are half of it, and any eight; and its beginning or end, however
    short, where it stands as a value does.

    Args:
        text: What somebody else wrote.
        secrets: What must not be told, of any length.
    """
    forms = {form for form in _decoded(text) for form in (_plain(form), _bare(form))}
    ends = tuple(value for form in forms for value in _values(form))
    return any(
        part and (_is_in(part, forms) or part.startswith(ends) or part.endswith(ends))
        for secret in secrets
        for part in {_plain(secret), _bare(secret), *map(_plain, _decoded(secret))}
    )


def _is_in(secret: str, forms: set[str]) -> bool:
    size = min(len(secret), _TELLING, max(_WHOLE, len(secret) // 2))
    runs = {secret[at : at + size] for at in range(len(secret) - size + 1)}
    return any(
        not runs.isdisjoint(form[at : at + size] for at in range(len(form) - size + 1))
        for form in forms
    )


def _values(form: str) -> set[str]:
    """Return the parts that stand where values do: in quotes, after a sign, before an ellipsis."""
    quoted = (*_QUOTED.findall(form), *_ASSIGNED.findall(form))
    cut = (words[-1] for part in _GOES_ON.split(form)[:-1] if (words := part.split()))
    return {value.strip(_CUT) for value in (*quoted, *cut)} - {""}


def _decoded(text: str) -> set[str]:
    """Return a text, and its forms with escapes decoded."""
    forms = {text}
    for _ in range(_DECODINGS):
        forms |= {
            opened
            for form in forms
            for opened in (unquote_plus(form), html.unescape(form), _ESCAPE.sub(_opened, form))
        }
    return forms


def _opened(escape: re.Match[str]) -> str:
    named = escape.groupdict()
    if named["other"]:
        return named["other"]
    digits = named["braced"] or named["four"] or named["eight"] or named["two"]
    number = int(digits, 16) if digits else int(named["octal"], 8)
    return chr(number) if number <= 0x10FFFF else ""


def _plain(text: str) -> str:
    return normalize("NFKC", text).casefold()


def _bare(text: str) -> str:
    """Return only the letters and digits of a text."""
    kept = "".join(filter(str.isalnum, _plain(text)))
    return kept if len(kept) >= _WHOLE else _plain(text)
