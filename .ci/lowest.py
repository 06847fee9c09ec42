"""Makes `.venv-lowest`: our distributions with each of their own dependencies at its floor.

The floor is the version after `>=` in pyproject.toml; what those need in turn is as new as it may
be. The tools of the tests keep the versions of constraints.txt, but for boto3, which goes with
aiobotocore's botocore. uv or pip installs it, as `.venv` (see environment.py).
"""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path

from environment import Environment

EXTRAS = (
    *("starlette", "fastapi", "pool", "sql", "redis", "httpx"),
    *("opentelemetry", "structlog", "keyring", "cli"),
    "custom-senders",
)
_FLOOR = re.compile(r"(?P<name>[A-Za-z0-9-]+)(\[\w+\])?>=(?P<version>[0-9.]+)")
_PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?P<marker> ; [^\\\n]*)?")


def floors(root: Path, extras: tuple[str, ...]) -> dict[str, str]:
    """Read the floors of all our distributions' own dependencies.

    Args:
        root: The checkout.
        extras: The extras whose dependencies count.

    Raises:
        ValueError: A dependency has no floor, or two distributions give it two.
    """
    found: dict[str, str] = {}
    for path in [root / "pyproject.toml", *sorted(root.glob("plugins/*/pyproject.toml"))]:
        for requirement in _requirements(path, extras):
            match = _FLOOR.match(requirement)
            if match is None:
                msg = f"{requirement} in {path} has no floor"
                raise ValueError(msg)
            if found.setdefault(match["name"], match["version"]) != match["version"]:
                msg = f"{match['name']} has one floor in {path} and another before"
                raise ValueError(msg)
    return found


def _requirements(path: Path, extras: tuple[str, ...]) -> Iterator[str]:
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    optional = project.get("optional-dependencies", {})
    for requirement in [
        *project["dependencies"],
        *(each for extra in extras for each in optional.get(extra, ())),
    ]:
        if not requirement.startswith(("cognito-authflow", "botocore")):
            yield requirement


def tools(root: Path) -> Iterator[str]:
    """Give the pins of the tools that tests need, as requirements."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    wanted = {re.split(r"[^a-z0-9-]", each)[0] for each in groups["test"] + groups["build"]}
    for pin in _PIN.finditer((root / "constraints.txt").read_text(encoding="utf-8")):
        if pin["name"] in wanted - {"boto3"}:
            yield pin[0].strip()


class LowestEnvironment(Environment):
    """The `.venv-lowest` of a checkout."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, ".venv-lowest")

    def make(self) -> None:
        """Make it, where it is there already too.

        Raises:
            subprocess.CalledProcessError: Something could not be installed.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        venv.create(self.folder, symlinks=True)
        extras = (*EXTRAS, "ldap") if self.can_compile_ldap() else EXTRAS
        pins = self.folder / "floors.txt"
        pins.write_text("".join(f"{n}=={v}\n" for n, v in floors(self.root, extras).items()))
        ours = [f"{self.root}[{','.join(extras)}]", *map(str, self.plugins)]
        editable = [part for each in ours for part in ("-e", each)]
        self.run(*self.installer(), "-c", str(pins), "boto3", *tools(self.root), *editable)


def main() -> int:
    """Make the environment of the checkout that this file is in."""
    try:
        LowestEnvironment(Path(__file__).resolve().parents[1]).make()
    except subprocess.CalledProcessError as error:
        print(f"{shlex.join(error.cmd)} failed", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
