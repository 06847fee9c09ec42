"""The services that callers hand over, such as stores and providers of keys: checked, and asked.

A class in place of its object, or a text, would otherwise be found out at the first sign-in.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from authflow.errors import ConfigError


class StrayCancelError(Exception):
    """A service ended by a cancellation that nobody had asked for."""


@contextmanager
def stray_cancel_fails() -> Iterator[None]:
    """Make a failure like any other of a service's CancelledError, unless we are cancelled.

    A pool of connections that is being closed ends all who wait for it so. It would end a task of
    ours, or a caller's, without a word.

    Raises:
        StrayCancelError: The service raised CancelledError, and nobody has cancelled this task.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise StrayCancelError from error


def can(service: object, *methods: str) -> bool:
    """Return whether an object has methods; a class has none yet.

    Args:
        service: Anything.
        *methods: The methods' names.
    """
    return not isinstance(service, type) and all(
        callable(getattr(service, method, None)) for method in methods
    )


def kind_of(value: object) -> str:
    """Return what a value is, for an error that does not show it.

    Args:
        value: Anything.
    """
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


def check_store(name: str, store: object) -> None:
    """Check that something can keep entries. A key in its place is not shown.

    Args:
        name: What it is, for the error.
        store: The store.

    Raises:
        ConfigError: It is no store.
    """
    if can(store, "read", "replace"):
        return
    msg = f"{name} must be a Store, such as RedisStore(redis=...), not {kind_of(store)}"
    del store
    raise ConfigError(msg)
