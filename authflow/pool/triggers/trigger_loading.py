"""Checks of a pool's triggers, before the first sign-in needs them.

A mistake in them shows at the start, in one line, and not as a failure of somebody's sign-in.
"""

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from authflow.errors import AuthFlowError, ConfigError
from authflow.pool.http.validation import service_model
from authflow.pool.triggers.invokers import TriggerSet, TriggerSource
from authflow.printable import one_line

_SOURCES: Final = frozenset(service_model().shape_for("LambdaConfigType").members)
_MOST_DECORATORS: Final = 50
_PART: Final = r"[\w+=/,.@-]+"
"""The part between two colons of an ARN (ArnType in the API reference)."""
_FUNCTION: Final = re.compile(
    rf"(?:arn:{_PART}:lambda:{_PART}:[0-9]+:function:)?{_PART}"
    rf"|arn:{_PART}:lambda:{_PART}:[0-9]+:function:{_PART}:[\w$+=/,.@-]+"
)
"""A function's name, or its ARN with or without a version or alias."""


def load_triggers(triggers: TriggerSource) -> None:
    """Check triggers, and load now what they would load lazily.

    Args:
        triggers: As `PoolServer` takes them.

    Raises:
        ConfigError: One could not be invoked, or cannot be loaded: what, and why.
    """
    if isinstance(triggers, Mapping):
        if not triggers:
            raise ConfigError("the triggers are an empty mapping: name functions and handlers")
        for name, handler in triggers.items():
            _check_named(name, handler)
    else:
        _check_set(triggers, "the triggers")


def _check_named(name: object, handler: object) -> None:
    if not isinstance(name, str) or not name:
        msg = f"the triggers' mapping has the key {name!r:.80}: it wants function names or ARNs"
        raise ConfigError(msg)
    if not _FUNCTION.fullmatch(name):
        msg = (
            f"the triggers' mapping has the key {one_line(name)!r}, which is neither a function's "
            "name nor its ARN (arn:aws:lambda:<region>:<account>:function:<name>)"
        )
        raise ConfigError(msg)
    what = f"the handler of {one_line(name)!r}"
    if isinstance(handler, type):
        msg = f"{what} is the class {handler.__name__}, not an object: make one of it"
        raise ConfigError(msg)
    if _is_set(handler, what):
        _check_set(handler, what)
    elif not callable(handler):
        msg = f"{what} is of {type(handler).__name__}, which cannot be called"
        raise ConfigError(msg)
    else:
        _check_gives_one(handler, what)
        _check_arguments(handler, what, ({}, None), "(event, context)")
        owner = _owner(handler)
        if owner is not None and _is_set(owner, what):
            _load(owner, f"the object of {what}")


def _check_set(triggers: Any, what: str) -> None:
    if isinstance(triggers, type):
        msg = f"{what} are the class {triggers.__name__}, not an object: make one of it"
        raise ConfigError(msg)
    if not _is_set(triggers, what):
        kind = type(triggers).__name__
        hint = f": serve Triggers(policy=...) of it instead of the {kind}" if _is_ours(kind) else ""
        msg = (
            f"{what} are of {kind}, which is neither an object with 'sources' and 'handle', such "
            f"as Triggers, nor a mapping of function names to handlers{hint}"
        )
        raise ConfigError(msg)
    try:
        sources, handle = triggers.sources, triggers.handle  # these attributes may be computed
    except Exception as error:
        raise _failed(what, error) from error
    _check_sources(sources, what)
    _check_handle(handle, f"'handle' of {what}")
    _load(triggers, what)


def _check_handle(handle: Any, what: str) -> None:
    if not callable(handle):
        msg = f"{what} is of {type(handle).__name__}, which cannot be called"
        raise ConfigError(msg)
    _check_gives_one(handle, what)
    if not any(map(inspect.iscoroutinefunction, _functions(handle))):
        msg = f"{what} must be a coroutine function: write `async def handle(self, event)`"
        raise ConfigError(msg)
    _check_arguments(handle, what, ({},), "(event)")


def _load(triggers: object, what: str) -> None:
    """Load now what a set of triggers would load lazily.

    Raises:
        ConfigError: It cannot, or not without an event loop: there is none yet.
    """
    try:
        load = getattr(triggers, "load", None)
        given = load() if callable(load) else None
    except Exception as error:
        raise _failed(what, error) from error
    if inspect.isawaitable(given):
        if inspect.iscoroutine(given):
            given.close()
        msg = f"'load' of {what} must not be a coroutine function: it is called before the start"
        raise ConfigError(msg)


def _functions(function: object) -> Iterator[object]:
    """Yield the functions behind a callable, down to the decorated one."""
    for _ in range(_MOST_DECORATORS):
        yield function
        if isinstance(function, functools.partial):
            function = function.func
            continue
        if inspect.ismethod(function):
            function = function.__func__
        elif not inspect.isroutine(function):
            yield _call_of(function)
        inner = inspect.getattr_static(function, "__wrapped__", None)
        if inner is None:
            return
        function = inner


def _call_of(function: object) -> object:
    return inspect.getattr_static(type(function), "__call__", None)


def _owner(handler: object) -> object | None:
    """Return the object whose method a handler is, such as that of `triggers.lambda_handler`."""
    for each in _functions(handler):
        if inspect.ismethod(each) and not isinstance(each.__self__, type):
            return each.__self__
    return None


def _check_gives_one(function: object, what: str) -> None:
    """Refuse generator functions, as they do not return an event.

    Raises:
        ConfigError: It is one.
    """
    while isinstance(function, functools.partial):
        function = function.func
    called = function if inspect.isroutine(function) else _call_of(function)
    if inspect.isasyncgenfunction(called) or inspect.isgeneratorfunction(called):
        raise ConfigError(f"{what} is a generator function: it must `return` the event, not yield")


def _is_set(triggers: object, what: str) -> bool:
    try:
        return isinstance(triggers, TriggerSet)
    except Exception as error:  # `sources` may be computed
        raise _failed(what, error) from error


def _is_ours(kind: str) -> bool:
    return kind == "Policy" or kind.endswith("Step")


def _check_sources(sources: object, what: str) -> None:
    if isinstance(sources, str) or not isinstance(sources, Iterable):
        msg = (
            f"'sources' of {what} is of {type(sources).__name__}, not a set of LambdaConfig's keys"
        )
        raise ConfigError(msg)
    named = list(sources)
    unknown = [each for each in named if each not in _SOURCES]
    if unknown or not named:
        msg = (
            f"'sources' of {what} names {unknown[0]!r:.80}, which LambdaConfig does not know"
            if unknown
            else f"'sources' of {what} is empty: it would serve no trigger"
        )
        raise ConfigError(msg)


def _check_arguments(
    function: Callable[..., object], what: str, arguments: tuple[object, ...], form: str
) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # code that is not written in Python may have no signature
    try:
        signature.bind(*arguments)
    except TypeError:
        raise ConfigError(f"{what} must take {form}, and takes {signature}") from None


def _failed(what: str, error: Exception) -> ConfigError:
    """Return the error for triggers that cannot be loaded; an error of ours keeps its text."""
    told = one_line(str(error))
    if not isinstance(error, AuthFlowError):
        told = f"{type(error).__name__}{told and ': '}{told}"
    return ConfigError(f"{what} cannot be loaded: {told}")
