"""The state in a plugin's modules and classes, which another process does not have.

Cognito's next call may reach another container of the same function. So the suite takes away what
came into a plugin's globals, class attributes and their containers, and sees whether it still
works. It looks at containers and at objects of the plugin's own classes, and no deeper than they.
"""

import itertools
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType, ModuleType
from typing import Any, Final

from attrs import define, field

_SEQUENCES: Final = (list, deque, bytearray)
_MOST: Final = 20_000
"""The most objects that are looked at."""
_OURS: Final = frozenset({"authflow", "attr", "attrs", *sys.stdlib_module_names}) - {"__main__"}


@define(kw_only=True, eq=False)
class KeptState:
    """A copy of that state. Make it with `of`.

    Args:
        packages: The plugin's packages, or modules outside of any.
        apart: Identities of what is left alone.
    """

    packages: frozenset[str]
    apart: set[int] = field(factory=set, repr=False)
    _before: list[tuple[Any, Any]] = field(factory=list, init=False, repr=False)
    _restores: list[Callable[[], None]] = field(factory=list, init=False, repr=False)
    _seen: dict[int, Any] = field(factory=dict, init=False, repr=False)

    @classmethod
    def of(cls, plugin: type[Any], apart: Iterable[Any] = ()) -> "KeptState":
        """Copy the present state of a plugin.

        Args:
            plugin: Its class.
            apart: What is left alone, with all that it holds: the plugin's settings, for they may
                stand for what all containers share.
        """
        own = [kind for kind in plugin.__mro__ if _package(kind.__module__) not in _OURS]
        state = cls(packages=frozenset(_package(kind.__module__) for kind in own))
        state._leave(list(apart))
        state._note(own)
        return state

    def restore(self) -> None:
        """Restore the copied state."""
        for restore in self._restores:
            restore()

    def has_changed(self) -> bool:
        """Return whether anything in it is now another than when it was copied."""
        return any(not _same(_content(thing), before) for thing, before in self._before)

    def texts_with(self, written: str) -> int:
        """Return how many of the texts in it had a text in them when it was copied.

        Args:
            written: The text.
        """
        held = (
            one
            for _, before in self._before
            for one in (*before, *(before.values() if isinstance(before, dict) else ()))
        )
        return sum(isinstance(one, str) and written in one for one in held)

    def _leave(self, waiting: list[Any]) -> None:
        held: list[Any] = []
        while waiting and len(held) < _MOST:
            thing = waiting.pop()
            if id(thing) not in self.apart and not isinstance(thing, type | ModuleType):
                held.append(thing)
                self.apart.add(id(thing))
                waiting += _held(thing)

    def _note(self, waiting: list[Any]) -> None:
        while waiting and len(self._seen) < _MOST:
            thing = waiting.pop()
            if id(thing) in self._seen or id(thing) in self.apart:
                continue
            self._seen[id(thing)] = thing  # kept alive, so that no other object gets its id
            if self._is_content(thing):
                self._before.append((thing, _content(thing)))
            if isinstance(thing, dict):
                self._restores.append(_restoring_mapping(thing))
            elif isinstance(thing, set):
                self._restores.append(_restoring_set(thing))
            elif isinstance(thing, _SEQUENCES):
                self._restores.append(_restoring_sequence(thing))
            elif isinstance(thing, type) and self._owns(thing.__module__):
                self._restores.append(_restoring_class(thing))
            elif hasattr(thing, "cache_info") and callable(getattr(thing, "cache_clear", None)):
                self._restores.append(thing.cache_clear)
            waiting += self._parts(thing)

    def _is_content(self, thing: Any) -> bool:
        own = isinstance(thing, type) and self._owns(thing.__module__)
        return own or isinstance(thing, (dict, set, itertools.count, *_SEQUENCES))

    def _parts(self, thing: Any) -> Iterator[Any]:
        """Yield the contents of an object that may belong to the plugin."""
        if isinstance(thing, dict | list | tuple | set | frozenset | deque):
            yield from _items(thing)
        elif isinstance(thing, ModuleType):
            if self._owns(thing.__name__):
                yield vars(thing)
        elif isinstance(thing, FunctionType):
            if self._owns(thing.__module__):
                yield thing.__globals__
                yield from _closed_over(thing)
        elif isinstance(thing, staticmethod | classmethod):
            yield thing.__func__
        elif isinstance(thing, type):
            if self._owns(thing.__module__):
                yield from _attributes(thing).values()
        elif self._owns(type(thing).__module__):
            yield from _held(thing)

    def _owns(self, module: str | None) -> bool:
        return _package(module or "") in self.packages


def _package(module: str) -> str:
    return module.partition(".")[0]


def _held(thing: Any) -> Iterator[Any]:
    """Yield all contents of an object."""
    if isinstance(thing, dict | list | tuple | set | frozenset | deque):
        yield from _items(thing)
        return
    yield getattr(thing, "__self__", None)
    if isinstance(thing, FunctionType):
        yield from _closed_over(thing)
        return
    yield getattr(thing, "__dict__", None)
    for kind in type(thing).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            yield getattr(thing, name, None)
        if _package(kind.__module__) not in _OURS:
            yield from _attributes(kind).values()


def _items(container: Any) -> tuple[Any, ...]:
    return tuple(container.values() if isinstance(container, dict) else container)


def _closed_over(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # the closure's cell is empty
            continue


def _attributes(kind: type[Any]) -> dict[str, Any]:
    return {name: one for name, one in vars(kind).items() if not name.startswith("__")}


def _content(thing: Any) -> Any:
    """Return a copy of what a class, a container or a counter holds."""
    if isinstance(thing, type):
        return _attributes(thing)
    if isinstance(thing, itertools.count):
        return [repr(thing)]
    return dict(thing) if isinstance(thing, dict) else list(thing)


def _same(now: Any, before: Any) -> bool:
    if isinstance(now, dict):
        now, before = ([part for pair in one.items() for part in pair] for one in (now, before))
    return len(now) == len(before) and all(map(_equal, now, before))


def _equal(one: Any, other: Any) -> bool:
    if one is other:
        return True
    try:
        return type(one) is type(other) and bool(one == other)
    except Exception:  # noqa: BLE001  # whatever cannot be compared is another
        return False


def _restoring_mapping(mapping: dict[Any, Any]) -> Callable[[], None]:
    before = dict(mapping)

    def restore() -> None:
        # One by one, since other threads may use a module's globals meanwhile.
        for name in [name for name in mapping if name not in before]:
            if not isinstance(mapping[name], ModuleType):  # another process imports it, too
                del mapping[name]
        mapping.update(before)

    return restore


def _restoring_set(kept: set[Any]) -> Callable[[], None]:
    before = set(kept)

    def restore() -> None:
        kept.clear()
        kept.update(before)

    return restore


def _restoring_sequence(sequence: Any) -> Callable[[], None]:
    before = list(sequence)

    def restore() -> None:
        sequence.clear()
        sequence.extend(before)

    return restore


def _restoring_class(kind: type[Any]) -> Callable[[], None]:
    before = _attributes(kind)

    def restore() -> None:
        now = _attributes(kind)
        for name in now.keys() - before.keys():
            delattr(kind, name)
        for name, one in before.items():
            if now.get(name) is not one:
                setattr(kind, name, one)

    return restore
