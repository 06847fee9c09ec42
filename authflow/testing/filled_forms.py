"""Forms filled in by the suites: in all ways, with strange texts, and what was filled in there."""

import contextlib
import itertools
from collections.abc import Iterator
from typing import Final

from authflow.errors import AskAgainError
from authflow.forms.fields import (
    PASSWORDS,
    ChoiceField,
    Field,
    SecretField,
    TextField,
    WaitField,
)
from authflow.forms.form import Filled, Form
from authflow.plugins.typed_text import shows_nothing, typed_code
from authflow.secret import Secret

_MOST_WAYS: Final = 8
"""The most ways to choose that are tried."""


def wanted(asked: Field) -> str:
    """Return what a suite's `typed` says of a field."""
    match asked:
        case ChoiceField(options=options):
            what = f"one of {', '.join(option.label for option in options)}"
        case WaitField(poll_after=None):
            what = "an empty text, for it is done"
        case WaitField():
            what = "nothing, for seconds pass by themselves"
        case _:
            what = "what is typed"
    return f"{asked.name}, {what}"


def all_with(form: Form, strange: str) -> Iterator[Filled]:
    """Yield a form filled in with each strange text that it takes, in all fields or in one."""
    for choice in _choices(form):
        with contextlib.suppress(AskAgainError):
            names = [each.name for each in form.fields if each.name not in choice]
            yield form.fill({**dict.fromkeys(names, strange), **choice})


def _choices(form: Form) -> Iterator[dict[str, str]]:
    """Return all ways to choose, up to a limit."""
    fields = [each for each in form.fields if isinstance(each, ChoiceField)]
    ways = itertools.product(*([option.value for option in each.options] for each in fields))
    for way in itertools.islice(ways, _MOST_WAYS):
        yield {each.name: value for each, value in zip(fields, way, strict=True)}


def values(filled: Filled) -> list[str]:
    """Return all that was filled in."""
    return [filled[name] for name in filled]


def typed(form: Form, filled: Filled) -> list[str]:
    """Return what was filled in and not chosen."""
    chosen = {each.name for each in form.fields if isinstance(each, ChoiceField)}
    return [filled[name] for name in filled if name not in chosen]


def plain(answer: str | Secret[str]) -> str:
    """Return an answer as a text, whether it is a secret or not."""
    return answer.reveal() if isinstance(answer, Secret) else answer


def is_of_nothing(form: Form, filled: Filled, answer: str) -> bool:
    """Return whether an answer says nothing, made of fields in which nothing was typed.

    What nobody sees may be a password, and is one if it is read as it is. Where a field need not be
    filled in, its author has said that nothing is an answer.
    """
    asked = [
        each
        for each in form.fields
        if isinstance(each, TextField | SecretField) and each.name in filled
    ]
    if not asked or any(not each.required or typed_code(filled[each.name]) for each in asked):
        return False
    password = any(each.autocomplete in PASSWORDS for each in asked)
    return not answer or (shows_nothing(answer) and not password)
