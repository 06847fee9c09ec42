"""Looking a pool's triggers over before the first sign-in needs them.

A mistake in them shows at the start, in one line, and not as a failure of somebody's sign-in.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from authflow.errors import AuthFlowError, ConfigError
from authflow.pool.http.validation import service_model
from authflow.pool.triggers.invokers import TriggerSet, TriggerSource

_SOURCES: Final = frozenset(service_model().shape_for("LambdaConfigType").members)
_MOST_CHARS: Final = 300


def one_line(text: str) -> str:
    """Give a text that anybody may have written as one line that steers no terminal."""
    line = " ".join(text.split())[:_MOST_CHARS]
    return line if line.isprintable() else ascii(line)[1:-1]


def load_triggers(triggers: TriggerSource) -> None:
    """Check triggers, and have those that load something lazily load it now.

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
        _check_arguments(handler, what, ({}, None), "(event, context)")


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
    _check_sources(triggers.sources, what)
    _check_arguments(triggers.handle, f"'handle' of {what}", ({},), "(event)")
    load = getattr(triggers, "load", None)
    if callable(load):
        try:
            load()
        except Exception as error:
            raise _failed(what, error) from error


def _is_set(triggers: object, what: str) -> bool:
    try:
        return isinstance(triggers, TriggerSet)
    except Exception as error:  # `sources` is looked at, and may be computed
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
        return  # what is not written in Python may not tell
    try:
        signature.bind(*arguments)
    except TypeError:
        raise ConfigError(f"{what} must take {form}, and takes {signature}") from None


def _failed(what: str, error: Exception) -> ConfigError:
    """Tell why something cannot be loaded; an error of ours is told as it is."""
    told = one_line(str(error))
    if not isinstance(error, AuthFlowError):
        told = f"{type(error).__name__}{told and ': '}{told}"
    return ConfigError(f"{what} cannot be loaded: {told}")
