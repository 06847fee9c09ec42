"""Python's own clock moved to another time, for code that should look at none."""

import contextlib
import datetime  # noqa: ICN001  # it is the subject
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from authflow.testing.same_sign_in import namespaces

TIMES: Final = (1_000_000_000.0, 2_000_048_273.0, 5_000_000_000.0)
"""Times in seconds since the epoch: long ago, soon, and when hardly any deadline has not passed."""
_NANOSECONDS: Final = 10**9


@contextlib.contextmanager
def clock_at(now: float, plugin: type[Any]) -> Iterator[None]:
    """Move the clock of `time` and `datetime`, also where a plugin's modules import from them.

    Args:
        now: The time, in seconds since the epoch.
        plugin: The plugin's class.
    """
    instead = _instead(now)
    by_id = {id(real): other for real, other in instead}
    places = [vars(time), vars(datetime), *namespaces(plugin)]
    before = [
        (place, name, value)
        for place in places
        for name, value in tuple(place.items())
        if id(value) in by_id
    ]
    for place, name, real in before:
        place[name] = by_id[id(real)]
    try:
        yield
    finally:
        for place, name, real in before:
            place[name] = real


def _instead(now: float) -> list[tuple[Any, Any]]:
    """Return what looks at the clock, each with what looks at the moved one."""

    def at(real: Callable[..., Any], place: int) -> Callable[..., Any]:
        def told(*arguments: Any) -> Any:
            return real(*arguments, *([now] if len(arguments) == place else []))

        return told

    def strftime(written: str, told: Any = None) -> str:
        return _STRFTIME(written, _LOCALTIME(now) if told is None else told)

    return [
        (time.time, lambda: now),
        (time.time_ns, lambda: int(now * _NANOSECONDS)),
        (time.localtime, at(time.localtime, 0)),
        (time.gmtime, at(time.gmtime, 0)),
        (time.ctime, at(time.ctime, 0)),
        (time.strftime, strftime),
        (datetime.date, _moved(datetime.date, {"today": lambda kind: kind.fromtimestamp(now)})),
        (
            datetime.datetime,
            _moved(
                datetime.datetime,
                {
                    "now": lambda kind, tz=None: kind.fromtimestamp(now, tz),
                    "today": lambda kind: kind.fromtimestamp(now),
                    "utcnow": lambda kind: kind.fromtimestamp(now, datetime.UTC).replace(
                        tzinfo=None
                    ),
                },
            ),
        ),
    ]


_LOCALTIME: Final = time.localtime
_STRFTIME: Final = time.strftime


def _moved(real: type[Any], methods: dict[str, Callable[..., Any]]) -> type[Any]:
    """Derive a class of dates; whatever is one of the real class is one of it."""

    class ClockClass(type):
        def __instancecheck__(cls, one: object) -> bool:
            return isinstance(one, real)

        def __subclasscheck__(cls, kind: type) -> bool:
            return issubclass(kind, real)

    members = {name: classmethod(method) for name, method in methods.items()}
    return ClockClass(real.__name__, (real,), members)
