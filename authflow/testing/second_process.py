"""A client half in another process, where its class is imported by name and nothing is kept.

The process has another seed of hashes, too (PYTHONHASHSEED): sets have other orders in it.
"""

import contextlib
import importlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import anyio.to_thread

from authflow.forms.form import Filled, Form
from authflow.results import Challenge
from authflow.secret import Secret
from authflow.testing.purity import Effects

_TIMEOUT: Final = 30.0
_PROGRAM: Final = (
    "import json, sys; told = json.load(sys.stdin); sys.path[:] = told['path'];"
    " from authflow.testing.second_process import answered; print(answered(told))"
)


async def forms_elsewhere(
    plugin: type[Any], challenges: Sequence[Challenge]
) -> list[dict[str, Any]] | None:
    """Make the forms of challenges in another process.

    Args:
        plugin: The client half's class.
        challenges: What is asked.

    Returns:
        For each its form as JSON in `given`, or the class of an error in `raised`, and its
        `effects`; None where the class cannot be imported by its name.
    """
    return await _asked(plugin, [{"challenge": _plain(one)} for one in challenges])


async def readings_elsewhere(
    plugin: type[Any], challenge: Challenge, filled: Sequence[Filled]
) -> list[dict[str, Any]] | None:
    """Read forms in another process, which has made none.

    Args:
        plugin: The client half's class.
        challenge: What is asked.
        filled: How its form was filled in.

    Returns:
        For each the answer in `given`, or the class of an error in `raised`, and its `effects`;
        None where the class cannot be imported by its name.
    """
    asked = [
        {"challenge": _plain(challenge), "filled": {name: one[name] for name in one}}
        for one in filled
    ]
    return await _asked(plugin, asked)


async def _asked(plugin: type[Any], asked: list[Any]) -> list[dict[str, Any]] | None:
    named: Any = sys.modules.get(plugin.__module__)
    for name in plugin.__qualname__.split("."):
        named = getattr(named, name, None)
    if named is not plugin or plugin.__module__ == "__main__" or not sys.executable:
        return None
    told = {"path": sys.path, "class": [plugin.__module__, plugin.__qualname__], "asked": asked}
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"

    def run() -> str:
        try:
            done = subprocess.run(  # noqa: S603  # it is this Python, and the program is above
                [sys.executable, "-c", _PROGRAM],
                input=json.dumps(told),
                capture_output=True,
                encoding="utf-8",
                timeout=_TIMEOUT,
                check=False,
                env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            )
        except (OSError, subprocess.TimeoutExpired):
            return "null"
        return done.stdout if done.returncode == 0 else "null"

    found: list[dict[str, Any]] | None = json.loads(await anyio.to_thread.run_sync(run))
    return found


def answered(told: Mapping[str, Any]) -> str:
    """Do in the other process what it is asked to.

    Args:
        told: The class, and for what to make forms or to read them.
    """
    nobody = io.StringIO()
    with contextlib.redirect_stdout(nobody), contextlib.redirect_stderr(nobody):
        module, name = told["class"]
        try:
            plugin: Any = importlib.import_module(module)
            for part in name.split("."):
                plugin = getattr(plugin, part)
        except Exception:  # noqa: BLE001  # then it cannot be imported by its name
            return "null"
        return json.dumps([_one(plugin, each) for each in told["asked"]])


def _one(plugin: type[Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    effects: list[str] = []
    challenge = Challenge(**asked["challenge"])
    made = plugin()
    try:
        with Effects.recorded(effects):
            if "filled" not in asked:
                form = made.form(challenge)
                given = form.to_json() if isinstance(form, Form) else repr(form)
            else:
                filled = {name: Secret(value) for name, value in asked["filled"].items()}
                given = made.read(challenge, Filled(filled))
    except Exception as error:  # noqa: BLE001  # whatever it is, it is compared
        return {"raised": type(error).__qualname__, "effects": effects}
    return {"given": given.reveal() if isinstance(given, Secret) else given, "effects": effects}


def _plain(challenge: Challenge) -> dict[str, Any]:
    members = ("name", "kind", "attempt", "attempts")
    told = {member: getattr(challenge, member) for member in members}
    return {**told, "parameters": dict(challenge.parameters)}
