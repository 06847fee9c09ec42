"""Public names whose modules are imported when a name is first asked for.

A Lambda with triggers pays for each import at every cold start, and needs few of the names: no
client, and only the events that come. So a package says where its public names are, and imports
none of them.

A NAME THAT CANNOT BE IMPORTED, since an extra is not installed or a dependency is broken, is what
Python calls it, and a `ConfigError` as well. It says what to run, and its cause is what the import
raised.

1. Where an attribute is looked up, it is an AttributeError: so `hasattr`, `getattr` with a default,
   `inspect.getmembers` and `pydoc` go on without the name.
2. In `from package import name` and `from package import *` it is an ImportError. Python would make
   one of an AttributeError too, and lose its text.

No exception can be both, for Python lays the two out differently in memory; so the frame that asks
is looked at.

Sources: PEP 562, "Module __getattr__ and __dir__"; "The import system" of the Python reference;
`_handle_fromlist` of importlib, which asks a package for the names of an import statement.
"""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

_IMPORT_STATEMENT: Final = ("importlib._bootstrap", "_handle_fromlist")
"""The function by which the import statement looks names up, in every Python since 3.3."""


def lazy_names(
    package: str, places: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the `__getattr__` and the `__dir__` of a package.

    Type checkers do not follow them: import the same names under `TYPE_CHECKING`.

    Args:
        package: The package's `__name__`.
        places: For each module, the public names that are in it, with blanks between them.

    Raises:
        ImportError: The package `authflow` above is another distribution's: what to do about it.
    """
    if package != "authflow" and "AuthClient" not in getattr(
        sys.modules.get("authflow"), "__all__", ()
    ):
        from cognito_authflow.shadowing import advice  # noqa: PLC0415  # seldom needed

        raise ImportError(advice(), name="authflow")
    modules = {name: module for module, names in places.items() for name in names.split()}

    def get(name: str) -> Any:
        module = modules.get(name)
        if module is None:
            msg = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(msg)
        try:
            value = getattr(import_module(module), name)
        except Exception as error:  # noqa: BLE001  # an import can raise anything
            from authflow.extras import own_error, unavailable  # noqa: PLC0415  # only for errors

            frame = sys._getframe(1)  # noqa: SLF001  # there is no other way to tell: see above
            asks = (frame.f_globals.get("__name__"), frame.f_code.co_name)
            raise unavailable(
                f"{package}.{name}", error, imported=asks == _IMPORT_STATEMENT
            ) from own_error(error)
        setattr(sys.modules[package], name, value)  # so that it is looked up once
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules})

    return get, names
