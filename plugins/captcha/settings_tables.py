# ruff: noqa: INP001  # a script beside the package, not a part of it
"""Writes the tables of settings in README.md, from the settings themselves.

    python settings_tables.py        # rewrites README.md beside this file

A test runs `with_tables` over README.md and fails if it would change anything.
"""

import re
from pathlib import Path
from typing import Any, Final

from authflow_captcha.services import HCaptcha, ReCaptcha, Turnstile
from authflow_captcha.trigger import Captcha

from authflow.plugins import settings_schema

README: Final = Path(__file__).with_name("README.md")

_PLACE: Final = re.compile(
    r"(<!-- settings of (\w+) -->\n).*?(<!-- end of settings -->)", re.DOTALL
)
_PLUGINS: Final[dict[str, type[Any]]] = {
    plugin.name: plugin for plugin in (Captcha, Turnstile, HCaptcha, ReCaptcha)
}
_KINDS: Final = {
    "string": "a text",
    "boolean": "`True`, `False`",
    "integer": "a whole number",
    "number": "a number",
    "array": "a list of texts",
    "null": "`None`",
}


def with_tables(readme: str) -> str:
    """Give a README with its tables as they should be.

    Args:
        readme: The README.
    """
    return _PLACE.sub(lambda place: place[1] + _table(_PLUGINS[place[2]]) + place[3], readme)


def _table(plugin: type[Any]) -> str:
    schema = settings_schema(plugin)
    rows = ["| setting | default | allowed | meaning |", "|---|---|---|---|"]
    for name, setting in schema["properties"].items():
        default = "needed" if name in schema["required"] else f"`{setting['default']}`"
        rows.append(f"| `{name}` | {default} | {_allowed(setting)} | {setting['description']} |")
    return "\n".join(rows) + "\n"


def _allowed(setting: dict[str, Any]) -> str:
    match setting:
        case {"anyOf": kinds}:
            return " or ".join(map(_allowed, kinds))
        case {"enum": options}:
            return ", ".join(f"`{option}`" for option in options)
        case {"writeOnly": True}:
            return "a `Secret`"
        case {"minimum": least, "maximum": most}:
            return f"{least:g} to {most:g}"
        case {"maximum": most}:
            return f"at most {most:g}"
        case {"type": kind}:
            return _KINDS[kind]
        case _:
            return "an object"


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
