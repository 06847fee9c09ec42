"""Functions that are to be async: one written by `def` is refused when it is given."""

import functools
import inspect
from types import FunctionType
from typing import Any


def is_plain(function: Any) -> bool:
    """Return whether a callable is written by `def`, and not by `async def`.

    A lambda may return what an async function gives, and so may what is not written in Python:
    nobody knows before the call. So neither is called plain.

    Args:
        function: A function, a method, a partial, or an object that can be called.
    """
    while isinstance(function, functools.partial):
        function = function.func
    if not inspect.isroutine(function):
        function = getattr(type(function), "__call__", function)  # noqa: B004  # the function itself
    written = inspect.unwrap(getattr(function, "__func__", function))
    return (
        isinstance(written, FunctionType)
        and written.__name__ != "<lambda>"
        and not inspect.iscoroutinefunction(written)
    )


def is_generator(function: object) -> bool:
    """Return whether calling something only makes a generator, whose body nobody runs.

    Args:
        function: A function, or an object that is called.
    """
    called = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
    return any(
        inspect.isgeneratorfunction(each) or inspect.isasyncgenfunction(each)
        for each in (function, called)
    )
