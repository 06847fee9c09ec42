"""What a crash reporter can find in an error: where secrets must not be."""

import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import (
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    MethodType,
    ModuleType,
)
from typing import Any, Final

import pytest

from authflow import Secret

__all__ = ["everything_told"]

_TESTS: Final = (str(Path(__file__).parent), str(Path(__file__).parents[1] / "tests"))
_WALKED: Final = ("authflow", "botocore.awsrequest", "aiohttp.client_reqrep")
"""Whose objects are looked into: ours, and those of the libraries that hold what is sent."""


def _everything_told(error: BaseException, *, attributes: bool = True) -> str:
    """All that a crash reporter can find in an error: its chain, its frames, what these hold.

    Frames of the tests themselves are left out: they stand for the user's own code.

    Args:
        error: The error.
        attributes: Whether to look into objects, too, and not only into containers.
    """
    walked = _WALKED if attributes else ()
    told: list[str] = []
    errors, seen = [error], set[int]()
    while errors:
        each = errors.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        told += _told_of(each, seen, walked, depth=2)
        errors += [link for link in (each.__cause__, each.__context__) if link is not None]
        for frame, line in traceback.walk_tb(each.__traceback__):
            if not frame.f_code.co_filename.startswith(_TESTS):
                told.append(f"\n{frame.f_code.co_qualname}:{line} ")
                for name, value in frame.f_locals.items():
                    told += [f"\n    {name} = ", *_told_of(value, seen, walked, depth=3)]
    return "".join(told)


def _told_of(value: Any, seen: set[int], walked: tuple[str, ...], depth: int) -> Iterator[str]:
    """What a value shows, and what is in it."""
    if isinstance(value, str | bytes | int | float | None):
        yield repr(value)
        return
    if id(value) in seen and not isinstance(value, BaseException):
        return
    seen.add(id(value))
    yield repr(value)
    if isinstance(value, Secret | type | ModuleType | FunctionType) or not depth:
        return
    parts: list[Any] = []
    match value:
        case Mapping():
            parts = [*value.keys(), *value.values()]
        case list() | tuple() | set() | frozenset() | deque():
            parts = [*value]
        case _ if not walked:
            return
        case GeneratorType(gi_frame=FrameType() as frame):
            parts = [*frame.f_locals.values()]
        case CoroutineType(cr_frame=FrameType() as frame):
            parts = [*frame.f_locals.values()]
        case MethodType():
            parts = [value.__self__]
        case partial():
            parts = [*value.args, *value.keywords.values()]
        case _ if type(value).__module__.startswith(walked):
            names = [*getattr(value, "__dict__", {})]
            for kind in type(value).__mro__:
                slots = vars(kind).get("__slots__", ())
                names += [slots] if isinstance(slots, str) else slots
            parts = [getattr(value, name, None) for name in names if name != "__weakref__"]
    for part in parts:
        yield " "
        yield from _told_of(part, seen, walked, depth - 1)


@pytest.fixture
def everything_told() -> Callable[..., str]:
    """Gives what a crash reporter can find in an error, without the frames of tests."""
    return _everything_told
