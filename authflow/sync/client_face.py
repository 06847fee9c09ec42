"""The face of a client: it is opened by the first call, once in each process."""

import asyncio
from collections.abc import Iterator
from contextvars import Context
from typing import Any, Generic, Self, TypeVar

import attrs
from attrs import define, field

from authflow.client.sign_in_client import SignInClient
from authflow.config import AuthConfig
from authflow.errors import AuthFlowError, MisuseError
from authflow.event_loop import keep_for_ever
from authflow.seclusion import secluded
from authflow.sync.call import Call
from authflow.sync.face import Face
from authflow.sync.shared_loop import SharedLoop

A = TypeVar("A", bound=SignInClient[Any])


@define(eq=False)
class Opening(Generic[A]):
    """A client, opened on one loop: once, by the first of all calls that need it.

    Args:
        client: The client.
        home: The shared loop.
    """

    client: A
    home: SharedLoop
    calls: "set[Call[Any]]" = field(factory=set, init=False)
    _is_open: bool = field(default=False, init=False)
    _turn: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    async def open(self) -> None:
        """Open it, unless it is open. It is nobody's call: so no call's context lives on in it."""
        async with self._turn:
            if self._is_open:
                return
            for each in _services(self.client):
                await self.home.share(each, each.aclose, self)
            await secluded(self._opened(), context=Context())

    async def _opened(self) -> None:
        """Open it. Who waits may be interrupted at the last step: it is known to be open then."""
        await self.client.__aenter__()
        self._is_open = True
        self.home.own(self, self.close)

    async def close(self) -> None:
        """Close it."""
        async with self._turn:
            was_open, self._is_open = self._is_open, False
            self.home.disown(self)
            try:
                if was_open:
                    await secluded(self.client.__aexit__(None, None, None))
            finally:
                for each in _services(self.client):
                    await self.home.leave(each, self)


def _services(client: Any) -> Iterator[Any]:
    """Yield what a client uses that has connections of its own. Nobody else can close those.

    They open them again if they are used again.
    """
    pacing = getattr(client, "pacing", None)
    for each in (getattr(client, "store", None), getattr(pacing, "store", None)):
        if asyncio.iscoroutinefunction(getattr(each, "aclose", None)):
            yield each


class ClientFace(Face[A]):
    """The synchronous face of a client: opened by the first call, once in each process.

    Args:
        asynchronous: The client, which nobody has opened.
    """

    def __init__(self, asynchronous: A) -> None:
        super().__init__(asynchronous)
        self._opening: Opening[A] | None = None
        self._is_closed = False
        self._is_entered = False

    @property
    def config(self) -> AuthConfig:
        """The client's settings."""
        return self._asynchronous.config

    @property
    def asynchronous(self) -> A:
        """The client behind it, as this process has it."""
        return self._asynchronous

    def __enter__(self) -> Self:
        try:
            self._work_at_home(self._enter).result()
        except AuthFlowError:
            raise
        except BaseException:  # Ctrl-C, as it was entered on the loop: no `__exit__` follows
            self._is_entered = False
            raise
        return self

    def __exit__(self, *error: object) -> None:
        del error
        self.close()

    def close(self) -> None:
        """Close the client's connections. Calls that still run are broken off.

        At the end of the program that happens by itself. A closed client serves again inside
        `with`.

        Raises:
            AuthFlowError: It could not be closed in order.
        """
        self._work_at_home(self._leave).result()

    async def _enter(self, home: SharedLoop) -> None:
        if self._is_entered:
            msg = "this client is open already, by `with`; use it, or make another one"
            raise MisuseError(msg)
        was_closed = self._is_closed
        self._is_entered, self._is_closed = True, False
        try:
            await self._here(home).open()
        except BaseException:
            self._is_entered, self._is_closed = False, was_closed
            raise

    async def _leave(self, home: SharedLoop) -> None:
        self._is_closed, self._is_entered = True, False
        opening, self._opening = self._opening, None
        if opening is None:
            return
        if opening.home is not home:  # that of a parent process, or of a loop that has ended
            keep_for_ever(opening)
            self._asynchronous = attrs.evolve(self._asynchronous)
            return
        await home.break_off(opening.calls)
        await opening.close()

    def _here(self, home: SharedLoop) -> Opening[A]:
        """Return the client of this process."""
        opening = self._opening
        if opening is None or opening.home is not home:
            if opening is not None:
                keep_for_ever(opening)
                self._asynchronous = attrs.evolve(self._asynchronous)
            opening = self._opening = Opening(client=self._asynchronous, home=home)
        return opening

    async def serving(self, home: SharedLoop, call: Call[Any]) -> A:
        """Return the client, open.

        Args:
            home: The shared loop.
            call: The call that it serves.

        Raises:
            MisuseError: It is closed.
            AuthFlowError: It cannot be opened.
        """
        if self._is_closed:
            msg = "this client is closed: make another one, or use it inside `with`"
            raise MisuseError(msg)
        opening = self._here(home)
        opening.calls.add(call)
        call.when_over(lambda: opening.calls.discard(call))
        await opening.open()
        return opening.client
