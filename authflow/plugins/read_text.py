"""Codes and words read from a form, or asked for again where there are none in what was typed.

What is typed into a required field can be seen, and still be no code: dashes alone, or a full stop
for an answer of words. Such a thing can only be wrong, and would cost an attempt.
"""

from collections.abc import Callable

from authflow.errors import AskAgainError
from authflow.forms.fields import NOTHING_TYPED
from authflow.forms.form import Filled
from authflow.plugins.typed_text import typed_code, typed_words


def read_code(filled: Filled, name: str) -> str:
    """Return the code that was typed into a field, as `typed_code` writes it.

    Args:
        filled: The form, filled in.
        name: The field's name.

    Raises:
        AskAgainError: Nothing of it is part of a code.
    """
    return _read(typed_code, filled, name)


def read_words(filled: Filled, name: str) -> str:
    """Return the words that were typed into a field, as `typed_words` writes them.

    Args:
        filled: The form, filled in.
        name: The field's name.

    Raises:
        AskAgainError: Nothing of it is part of a word.
    """
    return _read(typed_words, filled, name)


def _read(write: Callable[[str], str], filled: Filled, name: str) -> str:
    written = write(filled[name])
    if not written:
        raise AskAgainError(NOTHING_TYPED, field=name)
    return written
