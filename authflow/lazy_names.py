"""Public names whose modules are imported when a name is first asked for.

A Lambda with triggers pays for each import at every cold start, and needs few of the names: no
client, and only the events that come. So a package says where its public names are, and imports
none of them.

Source: PEP 562, "Module __getattr__ and __dir__".
"""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(
    package: str, places: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the `__getattr__` and the `__dir__` of a package.

    Type checkers do not follow them: import the same names under `TYPE_CHECKING`.

    Args:
        package: The package's `__name__`.
        places: For each module, the public names that are in it, with blanks between them.
    """
    modules = {name: module for module, names in places.items() for name in names.split()}

    def get(name: str) -> Any:
        module = modules.get(name)
        if module is None:
            msg = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(msg)
        value = getattr(import_module(module), name)
        setattr(sys.modules[package], name, value)  # so that it is asked for once
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules})

    return get, names
