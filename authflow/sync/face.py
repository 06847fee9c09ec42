"""The base of synchronous classes: calls of an asynchronous object, on the shared loop."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import Any, Concatenate, Final, Generic, ParamSpec, TypeVar

from authflow.errors import MisuseError
from authflow.sync.call import Call, running_call
from authflow.sync.shared_loop import SharedLoop, current, wrong_thread

A = TypeVar("A")
T = TypeVar("T")
P = ParamSpec("P")

_OVER: Final = object()


class Face(Generic[A]):
    """The synchronous face of an asynchronous object.

    Nothing of it is touched by two threads: what changes, changes on the loop.

    Args:
        asynchronous: The object.
    """

    def __init__(self, asynchronous: A) -> None:
        self._asynchronous = asynchronous

    def __repr__(self) -> str:
        return repr(self._asynchronous)

    async def serving(self, home: SharedLoop, call: Call[Any]) -> A:  # noqa: ARG002  # others need them
        """Return the object as it serves on the running loop.

        Args:
            home: The shared loop.
            call: The call that it serves.
        """
        return self._asynchronous

    def _prepare(
        self,
        method: Callable[Concatenate[A, P], Coroutine[Any, Any, T]],
        *args: P.args,
        **given: P.kwargs,
    ) -> Call[T]:
        """Return a call of a method. It begins as `Call.result` waits for it.

        Args:
            method: Which one.
            *args: What it is given. Whoever waits holds nothing of it any more.
            **given: The same.
        """
        return self._work(lambda asynchronous: method(asynchronous, *args, **given))

    def _work(self, work: Callable[[A], Awaitable[T]]) -> Call[T]:
        """Return a call that does some work with the object as it serves."""

        async def carry(home: SharedLoop) -> T:
            return await work(await self.serving(home, running_call()))

        return self._work_at_home(carry)

    def _work_at_home(self, work: Callable[[SharedLoop], Coroutine[Any, Any, T]]) -> Call[T]:
        """Return a call that does some work on the loop.

        Args:
            work: The work, given the shared loop.
        """
        return Call(work, _hand_over)

    def _each(
        self,
        method: Callable[Concatenate[A, P], AsyncIterator[T]],
        *args: P.args,
        **given: P.kwargs,
    ) -> Iterator[T]:
        """Yield what an asynchronous method yields.

        Args:
            method: Which one.
            *args: What it is given.
            **given: The same.
        """
        return self._listed(lambda asynchronous: method(asynchronous, *args, **given))

    def _listed(self, begin: Callable[[A], AsyncIterator[T]]) -> Iterator[T]:
        """Yield what a list has; no frame of it holds what the method was given."""
        begun: list[tuple[A, AsyncIterator[T]]] = []

        async def following(asynchronous: A) -> T | object:
            if not begun:
                begun.append((asynchronous, begin(asynchronous)))
            owner, listed = begun[0]
            if owner is not asynchronous:
                msg = "this list was begun in another process: ask for it anew"
                raise MisuseError(msg)
            return await anext(listed, _OVER)

        while (each := self._work(following).result()) is not _OVER:
            yield each  # type: ignore[misc]  # it is none but what the list has


def _hand_over(call: Call[Any]) -> None:
    """Begin a call on the shared loop; end it, if there is none for this thread."""
    wrong = wrong_thread()
    if wrong is not None:
        call.fail(wrong)
        return
    while True:
        try:
            home = current()
        except MisuseError as error:
            call.fail(error.with_traceback(None))
            return
        try:
            home.begin(call)
        except RuntimeError:  # the loop has just ended: there is another one then
            continue
        return
