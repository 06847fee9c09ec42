"""The services that callers hand over, such as stores and providers of keys, checked when given.

A class in place of its object, or a text, would otherwise be found out at the first sign-in.
"""

from authflow.errors import ConfigError


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
