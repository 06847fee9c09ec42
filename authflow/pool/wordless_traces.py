"""Tracebacks without the texts of exceptions, for logs.

The text of an exception may hold whatever the code that raised it was given: a password, a code, an
answer. So a log says which exceptions there were and where they went through the code, and nothing
of what they say: no texts, no notes, no lines of source, no values.
"""

import logging
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Final

_MOST_FRAMES: Final = 40
"""The most places of one exception that are shown: half of them outermost, half innermost."""
_MOST_EXCEPTIONS: Final = 20
_CAUSED: Final = "The above was the direct cause of this:"
_MEANWHILE: Final = "While the above was handled, this came up:"


def wordless_trace(error: BaseException) -> str:
    """Return an exception and its causes as text: only their types and places in the code.

    Args:
        error: The exception. Its causes, what it came up in, and those of a group are shown too.

    Returns:
        Lines: each exception's places, outermost first, and its type.
    """
    return "\n".join(_lines(error, set()))


def _lines(error: BaseException, seen: set[int]) -> Iterator[str]:
    # Oldest first, as Python writes them. An exception may be its own cause.
    chain: list[tuple[BaseException, str]] = []
    found: BaseException | None = error
    while found is not None and id(found) not in seen and len(seen) < _MOST_EXCEPTIONS:
        seen.add(id(found))
        if found.__cause__ is not None:
            chain.append((found, _CAUSED))
            found = found.__cause__
        else:
            chain.append((found, _MEANWHILE))
            found = None if found.__suppress_context__ else found.__context__
    for position, (each, link) in enumerate(reversed(chain)):
        if position:
            yield link
        yield "Traceback (most recent call last, without texts):"
        yield from _places(each.__traceback__)
        yield _name(each)
        if isinstance(each, BaseExceptionGroup):
            for part in each.exceptions:
                yield from (f"  | {line}" for line in _lines(part, seen))


def _places(trace: TracebackType | None) -> Iterator[str]:
    frames = [
        f'  File "{frame.f_code.co_filename}", line {line}, in {frame.f_code.co_name}'
        for frame, line in traceback.walk_tb(trace)
    ]
    half = _MOST_FRAMES // 2
    if len(frames) > _MOST_FRAMES:
        frames[half:-half] = [f"  ({len(frames) - _MOST_FRAMES} more)"]
    yield from frames


def _name(error: BaseException) -> str:
    kind = type(error)
    module = "" if kind.__module__ in {"builtins", "__main__"} else f"{kind.__module__}."
    return f"{module}{kind.__qualname__}"


class WordlessTraces(logging.Filter):
    """Removes the texts of exceptions from each line's traceback, and drops no line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace a record's exception by its types and places; see `logging.Filter`.

        The exception itself goes, so that no handler finds its words, whatever it is.
        """
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            record.exc_text = wordless_trace(error)
        record.exc_info = None
        return True


WORDLESS: Final = WordlessTraces()
