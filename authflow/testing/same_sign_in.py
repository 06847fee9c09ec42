"""One sign-in made repeatedly, always the same except for the values that are drawn anew.

The clock stands still, Python's own included, messages are always allowed, and what a plugin draws
from the operating system is the same each time: so what differs does so because of the draw.
"""

import contextlib
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import lru_cache
from types import FunctionType, MappingProxyType
from typing import Any, Final

from attrs import define, field, frozen

from authflow.keys.key_ring import KeyRing
from authflow.keys.randomness import Randomness
from authflow.plugins.admission import Admitted
from authflow.plugins.trigger_challenge import CreateContext
from authflow.testing.draws import Draw, Draws
from authflow.testing.made import Made
from authflow.testing.outbox import Outbox
from authflow.testing.secrecy import heard
from authflow.testing.trigger_bench import ATTEMPTS, POOL_ID, SuiteUser
from authflow.triggers import Limits, MemoryStore
from authflow.triggers.limits.limits import Subject
from authflow.triggers.safeguards import CountedUses

_LARGEST_READ: Final = 4096
_NOTHING: Final[Mapping[tuple[int, int], int]] = MappingProxyType({})
_NANOSECONDS: Final = 10**9


@frozen(kw_only=True)
class SignInRecord:
    """The challenges and the output of one sign-in.

    Args:
        made: The challenges of its attempts.
        draws: What was drawn for them.
        heard: What was logged and printed meanwhile.
    """

    made: tuple[Made, ...]
    draws: tuple[Draw, ...]
    heard: str = field(repr=False)


@define(kw_only=True, eq=False)
class SameSignIn:
    """A sign-in whose answers are all wrong.

    Args:
        plugin: What makes its challenges.
        user: Who signs in.
        clock: The time.
        outbox: Where its sender puts messages.
        seed: What decides the draws.
        attempts: How many attempts to make.
        keys: The key ring of the triggers.
    """

    plugin: Any
    user: SuiteUser
    clock: Callable[[], float]
    outbox: Outbox
    seed: str
    attempts: int = ATTEMPTS
    keys: KeyRing = field(factory=KeyRing.generate, repr=False)

    async def run(self, *, anew: Mapping[tuple[int, int], int] = _NOTHING) -> SignInRecord:
        """Make the sign-in's challenges.

        Args:
            anew: The places of the draws to take anew, and at which turn each of them.
        """
        made: list[Made] = []
        draws: list[Draw] = []
        state = None
        uses = self._uses()
        with heard() as text, _same_system(self.seed, self.clock, type(self.plugin)):
            for attempt in range(1, self.attempts + 1):
                self.outbox.clear()
                randomness = Draws(seed=self.seed, attempt=attempt, anew=anew, into=draws)
                issued = await self.plugin.create(
                    CreateContext(
                        username=self.user.name,
                        user_attributes=self.user.attributes,
                        user_not_found=not self.user.exists,
                        attempt=attempt,
                        attempts=ATTEMPTS,
                        user_pool_id=POOL_ID,
                        now=self.clock(),
                        randomness=randomness,
                        state=state,
                        sends=_Admits(exists=self.user.exists),
                        uses=uses,
                        keys=self.keys,
                    )
                )
                state = issued.state
                made.append(self._made(issued))
        return SignInRecord(made=tuple(made), draws=tuple(draws), heard=text.getvalue())

    def _uses(self) -> CountedUses:
        """Return its store for `once` and `claim`, which is empty."""
        subject = Subject(
            user_pool_id=POOL_ID,
            username=self.user.name,
            challenge=type(self.plugin).metadata,
            user_not_found=not self.user.exists,
        )
        store = MemoryStore(clock=self.clock)
        limits = Limits(store=store, keys=self.keys, clock=self.clock)
        return CountedUses(limits=limits, subject=subject, claimer=self.seed)

    def _made(self, issued: Any) -> Made:
        return Made(
            username=self.user.name,
            user_attributes=self.user.attributes,
            user_not_found=not self.user.exists,
            public=issued.public,
            private=issued.private,
            metadata=type(self.plugin).metadata,
            now=self.clock(),
            sent=tuple(self.outbox),
        )


@frozen(kw_only=True)
class _Admits:
    """Sends every message, once, to users who exist."""

    exists: bool

    async def deliver(
        self, destination: str | None, send: Callable[[], Awaitable[object]], **_named: str
    ) -> Admitted:
        if self.exists and destination is not None:
            await send()
        return Admitted()

    async def repeat(
        self, _destination: str | None, _send: Callable[[], Awaitable[object]], *, message: str
    ) -> None:
        del message  # none has failed


@contextlib.contextmanager
def _same_system(seed: str, clock: Callable[[], float], plugin: type[Any]) -> Iterator[None]:
    """Replace the operating system's randomness by a seed's, also for `secrets`, `random`, `uuid`.

    Modules of the plugin that imported such a function by its name get another one, too.
    """
    stream = Randomness.seeded(f"system {seed}".encode())

    def urandom(size: int) -> bytes:
        pieces = [_LARGEST_READ] * (size // _LARGEST_READ) + [size % _LARGEST_READ]
        return b"".join(stream.octets(piece) for piece in pieces if piece)

    instead: dict[Any, Callable[..., Any]] = {
        os.urandom: urandom,
        time.time: clock,
        time.time_ns: lambda: int(clock() * _NANOSECONDS),
    }
    if hasattr(os, "getrandom"):
        instead[os.getrandom] = lambda size, _flags=0: urandom(size)
    places = [vars(os), vars(random), vars(time), *namespaces(plugin)]
    built_in = type(os.urandom)
    before = [
        (place, name, value)
        for place in places
        for name, value in tuple(place.items())
        if type(value) is built_in and value in instead
    ]
    state = random.getstate()
    random.seed(seed)
    for place, name, real in before:
        place[name] = instead[real]
    try:
        yield
    finally:
        for place, name, real in before:
            place[name] = real
        random.setstate(state)


def namespaces(plugin: type[Any]) -> list[dict[str, Any]]:
    """Return the global names of the modules of a plugin's classes and of all of its packages.

    Args:
        plugin: The plugin's class.
    """
    found: dict[int, dict[str, Any]] = {}
    for kind in plugin.__mro__:
        package = kind.__module__.partition(".")[0]
        if package in sys.stdlib_module_names or package == "authflow":
            continue
        loaded = map(sys.modules.get, _modules_of(package, tuple(sys.modules)))
        modules = [module for module in loaded if module is not None]
        functions = [one for one in vars(kind).values() if isinstance(one, FunctionType)]
        for names in (*map(vars, modules), *(one.__globals__ for one in functions)):
            if names.get("__name__", "").partition(".")[0] not in {"attr", "attrs", "authflow"}:
                found[id(names)] = names
    return [*found.values()]


@lru_cache(maxsize=16)
def _modules_of(package: str, loaded: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of a package's modules among all names; a suite asks for each sign-in."""
    return tuple(name for name in loaded if name == package or name.startswith(f"{package}."))
