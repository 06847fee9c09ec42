"""`authflow plugins new`: writes a complete distribution of a challenge plugin to start from.

It sends codes, and everything of it works. Its files come with this package, so that no network is
needed to make one.
"""

from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from string import Template
from typing import Final, TextIO

from authflow.errors import ConfigError
from authflow.plugins.names import NAME, NAME_RULE, OWN_NAMES

_FILES: Final = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "LICENSE": "LICENSE",
    "try_it.py": "try_it.py",
    "{package}/__init__.py": "__init__.py",
    "{package}/py.typed": "py.typed",
    "{package}/trigger.py": "trigger.py",
    "{package}/client.py": "client.py",
    "{package}/conformance.py": "conformance.py",
    "tests/test_plugin.py": "test_plugin.py",
}
"""The path of each file, and its template."""

_TAKEN: Final = frozenset(
    {"captcha", "hcaptcha", "hotp", "otp", "question", "recaptcha", "totp", "turnstile"}
)
"""Challenges of authflow's own distributions: a second one of that name would be in conflict."""


def run(name: str, folder: Path, *, out: TextIO) -> int:
    """Write the distribution of a new plugin, and say what to do with it.

    Args:
        name: The challenge's name.
        folder: Where to; it must not exist, or be empty.
        out: Where to print.

    Returns:
        The exit code, 0.

    Raises:
        ConfigError: The name cannot be a challenge's, or the folder is in use.
    """
    written = write_plugin(name, folder)
    for path in written:
        print(path, file=out)
    print(f"\nNext: cd {folder}; pip install -e '.[test]'; pytest", file=out)
    return 0


def write_plugin(name: str, folder: Path) -> tuple[Path, ...]:
    """Write the distribution of a new plugin.

    Args:
        name: The challenge's name.
        folder: Where to; it must not exist, or be empty.

    Returns:
        The files that were written.

    Raises:
        ConfigError: The name cannot be a challenge's, or the folder is in use.
    """
    if NAME.fullmatch(name) is None:
        msg = f"a challenge cannot be called {name[:40]!a}: a name is {NAME_RULE}"
        raise ConfigError(msg)
    if name in OWN_NAMES | _TAKEN:
        msg = f"authflow has a challenge {name!r} of its own: take another name"
        raise ConfigError(msg)
    words = {
        "name": name,
        "distribution": "authflow-" + "-".join(_parts(name)),
        "package": "authflow_" + "_".join(_parts(name)),
        "class_name": "".join(part.capitalize() for part in _parts(name)),
        "metadata": f"{'_'.join(_parts(name)).upper()}_CHALLENGE",
        "version": _our_version(),
    }
    templates = resources.files("authflow.cli") / "plugin_template"
    texts = {
        folder / place.format(**words): Template(
            (templates / f"{template}.tmpl").read_text(encoding="utf-8")
        ).substitute(words)
        for place, template in _FILES.items()
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            msg = f"{folder} is not empty: name a folder that does not exist yet"
            raise ConfigError(msg)
        for path, text in texts.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        msg = f"the plugin cannot be written to {folder}: {error.strerror or error}"
        raise ConfigError(msg) from error
    return tuple(texts)


def _parts(name: str) -> list[str]:
    return [part for part in name.replace("-", "_").split("_") if part]


def _our_version() -> str:
    try:
        return version("cognito-authflow")
    except PackageNotFoundError:
        return "0.1"  # the first version that has these plugins
