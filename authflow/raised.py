"""The kind and the place of an error that somebody else's code raised, without its text.

The text may quote what that code was given, such as a password or the secret among its settings.
"""

import traceback
from collections.abc import Iterator
from typing import Final

_MOST_CAUSES: Final = 5
"""The most causes that are told of one error."""


def kind_and_place(error: BaseException) -> str:
    """Return an error's class, and the file and the line where it was raised.

    Args:
        error: The error, which was caught; one that was never raised has no place.
    """
    kind = type(error).__qualname__
    places = traceback.extract_tb(error.__traceback__, limit=-1)
    return f"{kind} at {places[0].filename}:{places[0].lineno}" if places else kind


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors in a group, and in the groups in it; an error that is no group is its own.

    Args:
        error: The error.
    """
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from leaves(each)
    else:
        yield error


def forget_causes(error: BaseException, *, handled: BaseException | None = None) -> None:
    """Remove what led to an error, and tell in a note of the error what it was.

    Args:
        error: The error.
        handled: What was handled already when the code that raised it was called: it caused
            nothing, though Python takes it for the context.
    """
    told, seen = list[str](), {id(error), id(handled)}
    link = _cause(error)
    while link is not None and id(link) not in seen and len(told) < _MOST_CAUSES:
        seen.add(id(link))
        told.append(f"because of {kind_and_place(link)}")
        link = _cause(link)
    error.__cause__ = error.__context__ = None
    note = ", ".join(told)
    if note and note not in getattr(error, "__notes__", ()):
        error.add_note(note)


def _cause(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)
