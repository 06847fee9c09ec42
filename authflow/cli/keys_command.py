"""`authflow keys`: makes a key ring, and rotates it.

A ring is one line of JSON, for a store of secrets and the environment variable AUTHFLOW_KEYS. The
commands print it once, or write it to a file that only its owner may read; they keep nothing.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from authflow.errors import ConfigError

if TYPE_CHECKING:
    from authflow.keys import KeyRing
    from authflow.secret import Secret

_ROTATION: Final = (
    "To rotate: `keys add` a key and give the new ring to all processes; then `keys use` its id and"
    " give them that ring; and `keys drop` the old id once nothing that it sealed is in use, a day"
    " later at the latest. Counts and lock-outs stay with the key that they began with (`lookup`)."
)


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those that the command line knows."""
    keys = commands.add_parser(
        "keys",
        help="make a key ring (AUTHFLOW_KEYS) for a client or for triggers, or rotate it",
        description="Make and rotate the ring of keys that tickets, kept users, limits, sealed"
        " state and codes rest on."
        " A ring is printed once, as one line: whoever has it has the keys.",
        epilog=_ROTATION,
        allow_abbrev=False,
    )
    actions = keys.add_subparsers(title="further commands", required=True, metavar="COMMAND")
    _action(actions, "new", "print a new ring of one key", _new)
    for name, told, change in (
        ("add", "print the ring with one more key, which is not used yet", _added),
        ("use", "print the ring with another key as the current one", _used),
        ("drop", "print the ring without a key", _dropped),
    ):
        action = _action(actions, name, told, change)
        action.add_argument(
            "--from",
            dest="source",
            type=Path,
            metavar="FILE",
            help="read the ring from a file and not from AUTHFLOW_KEYS",
        )


def _action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    told: str,
    make: Callable[[argparse.Namespace], "KeyRing"],
) -> argparse.ArgumentParser:
    action = actions.add_parser(name, help=told, description=told.capitalize(), allow_abbrev=False)
    # A ring with one key needs no id to tell keys apart.
    default: dict[str, Any] = {"nargs": "?", "default": "1"} if name == "new" else {}
    action.add_argument("key_id", metavar="ID", help="the key's id, such as 2026-11", **default)
    action.add_argument(
        "--to",
        type=Path,
        metavar="FILE",
        help="write it to a new file that only you may read, instead of printing it",
    )
    action.set_defaults(run=lambda options: _write_out(make(options).to_json(), options.to))
    return action


def _new(options: argparse.Namespace) -> "KeyRing":
    from authflow.keys import KeyRing  # noqa: PLC0415  # few need it

    return KeyRing.generate(options.key_id)


def _added(options: argparse.Namespace) -> "KeyRing":
    from attrs import evolve  # noqa: PLC0415  # few need it

    ring = _read(options.source)
    return evolve(ring.rotated(options.key_id), current=ring.current)


def _used(options: argparse.Namespace) -> "KeyRing":
    from attrs import evolve  # noqa: PLC0415  # few need it

    ring = _read(options.source)
    if options.key_id not in ring.keys:
        raise _no_such_key(ring, options.key_id)
    return evolve(ring, current=options.key_id)


def _dropped(options: argparse.Namespace) -> "KeyRing":
    from attrs import evolve  # noqa: PLC0415  # few need it

    ring = _read(options.source)
    for role in ("current", "lookup"):
        if getattr(ring, role) == options.key_id:
            msg = f"the key {options.key_id!r:.40} is the ring's `{role}` one: it must stay"
            raise ConfigError(msg)
    if options.key_id not in ring.keys:
        raise _no_such_key(ring, options.key_id)
    return evolve(
        ring, keys={each: ring.keys[each] for each in ring.keys.keys() - {options.key_id}}
    )


def _no_such_key(ring: "KeyRing", key_id: str) -> ConfigError:
    known = ", ".join(sorted(ring.keys))
    return ConfigError(f"the ring has no key {key_id!r:.40}: name one of {known}")


def _read(source: Path | None) -> "KeyRing":
    from authflow.keys import KeyRing  # noqa: PLC0415  # few need it

    if source is None:
        return KeyRing.from_environment()
    try:
        return KeyRing.parse(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is no text"
        msg = f"the key ring cannot be read from {str(source)!r}: {reason}"
        raise ConfigError(msg) from None


def _write_out(ring: "Secret[str]", to: Path | None) -> int:
    """Write a key ring out, whole or not at all."""
    line = f"{ring.reveal()}\n"
    if to is None:
        print(line, end="", flush=True)
        # For other commands, a reader that closes early is fine. Here the new keys would be lost.
        return 0 if getattr(sys.stdout, "lost", None) is None else 1
    try:
        number = os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        msg = f"{str(to)!r} is there already, and a key ring is not written over: name a new file"
        raise ConfigError(msg) from None
    except (OSError, ValueError) as error:
        raise _not_written(to, error) from None
    try:
        with open(number, "w", encoding="utf-8") as file:  # noqa: PTH123  # opened with its mode
            file.write(line)
            file.flush()
            os.fsync(number)
    except OSError as error:
        to.unlink(missing_ok=True)
        raise _not_written(to, error) from None
    return 0


def _not_written(to: Path, error: OSError | ValueError) -> ConfigError:
    reason = getattr(error, "strerror", None) or str(error)
    return ConfigError(f"the key ring cannot be written to {str(to)!r}: {reason}")
