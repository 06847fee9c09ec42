"""The settings of a challenge plugin as JSON Schema: for forms, documentation and checks.

A plugin's settings are the fields of its attrs class. What the type of a field does not say, its
metadata may: `field(default=6, metadata={"doc": "Characters in a code.", "minimum": 4})`.

Source: JSON Schema, draft 2020-12.
"""

import types
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import wraps
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import attrs

from authflow.errors import ConfigError
from authflow.plugins.names import nearest
from authflow.secret import Secret

C = TypeVar("C")

_SCHEMA: Final = "https://json-schema.org/draft/2020-12/schema"
_TYPES: Final = {str: "string", int: "integer", float: "number", bool: "boolean"}
_KEYWORDS: Final = frozenset(
    {"minimum", "maximum", "minLength", "maxLength", "pattern", "enum", "examples", "format"}
)


OF_TRIGGERS: Final = frozenset({"limits", "keys"})
"""The settings that belong to `Triggers`, for all challenges of the policy."""


def checked_settings(plugin: type[C]) -> type[C]:
    """Refuse settings that a plugin does not have; the `ConfigError` says which ones it has.

    Python's own `TypeError` says neither that, nor where limits and keys are given.

    Args:
        plugin: The plugin's class, an attrs class; the decorators of attrs go before this one.
    """
    initialise = plugin.__init__
    known = {each.alias for each in attrs.fields(plugin) if each.init}  # type: ignore[arg-type]

    @wraps(initialise)
    def init(self: Any, *args: Any, **given: Any) -> None:
        for stray in sorted(given.keys() - known):
            name = getattr(plugin, "name", plugin.__name__)
            msg = f"{name}: {unknown_setting(stray, sorted(known))}"
            raise ConfigError(msg)
        initialise(self, *args, **given)

    plugin.__init__ = init  # type: ignore[method-assign]
    return plugin


def unknown_setting(stray: str, known: Sequence[str], *beside: str) -> str:
    """Return the text about a setting that a plugin does not have.

    Args:
        stray: Its name.
        known: The names of those that the plugin has.
        *beside: Names of what is given in the same place, which may have been meant.
    """
    if stray in OF_TRIGGERS:
        where = f"give Triggers({stray}=...), where all challenges of the policy find them"
        return f"there is no setting {stray!r}: {where}"
    meant = nearest(stray, [*known, *beside])
    guess = f"did you mean {meant!r}? " if meant else ""
    return f"there is no setting {stray!r:.40}; {guess}It takes {', '.join(known) or 'none'}"


def settings_schema(plugin: type[Any]) -> dict[str, Any]:
    """Return the JSON Schema of a plugin's settings.

    Args:
        plugin: The plugin's class, an attrs class. What is no setting for JSON, such as a sender,
            has no type in the schema.

    Raises:
        ConfigError: It is no attrs class.
    """
    if not attrs.has(plugin):
        msg = f"the settings of {plugin.__qualname__} are unknown: make it an attrs class"
        raise ConfigError(msg)
    hints = get_type_hints(plugin)
    fields = [each for each in attrs.fields(plugin) if each.init]
    return {
        "$schema": _SCHEMA,
        "title": getattr(plugin, "name", plugin.__name__),
        "type": "object",
        "properties": {each.alias: _property(each, hints.get(each.name, Any)) for each in fields},
        "required": [each.alias for each in fields if each.default is attrs.NOTHING],
        "additionalProperties": False,
    }


def _property(setting: "attrs.Attribute[Any]", hint: Any) -> dict[str, Any]:
    described = _of_type(hint)
    if "doc" in setting.metadata:
        described["description"] = setting.metadata["doc"]
    described |= {name: setting.metadata[name] for name in _KEYWORDS & setting.metadata.keys()}
    if _is_json(setting.default):
        described["default"] = setting.default
    return described


def _of_type(hint: Any) -> dict[str, Any]:
    if hint in _TYPES:
        return {"type": _TYPES[hint]}
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in {Union, types.UnionType}:
        kinds = [_of_type(each) for each in arguments if each is not type(None)]
        if type(None) in arguments:
            kinds.append({"type": "null"})
        return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    if origin is Secret or hint is Secret:
        return {"type": "string", "writeOnly": True}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [each.value for each in hint]}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _of_type(arguments[1])}
    if origin in {tuple, list, frozenset, set} and arguments:
        return {"type": "array", "items": _of_type(arguments[0])}
    return {}


def _is_json(value: Any) -> bool:
    """Return whether a default can be written in a schema."""
    if isinstance(value, tuple | list):
        return all(map(_is_json, value))
    return value is None or (isinstance(value, str | int | float | bool) and value == value)  # noqa: PLR0124
