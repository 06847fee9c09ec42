"""Packages for Node that tests drive, installed into the user's cache.

npm installs what a package-lock.json says, at its versions and hashes. To renew one: `npm install
--package-lock-only --omit-lockfile-registry-resolved`, which records no registry's address.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest


def node_modules(folder: Path) -> Path:
    """Install the packages that a folder's lock file names, unless that was done before.

    Where they cannot be had the test is skipped, and says so; in CI it fails.

    Args:
        folder: Where package.json and package-lock.json are. Its name says what it is for.

    Returns:
        What NODE_PATH must say.
    """
    lock = folder / "package-lock.json"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "authflow-tests"
    name = folder.name.replace("_", "-")
    installed = cache / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    if not installed.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as made:
            fresh = Path(made) / "fresh"
            fresh.mkdir()
            for each in ("package.json", lock.name):
                shutil.copy(folder / each, fresh)
            _npm_ci(fresh, name)
            try:
                fresh.rename(installed)
            except OSError:
                if not installed.exists():  # or another run of the tests was faster
                    raise
    return installed / "node_modules"


def _npm_ci(folder: Path, name: str) -> None:
    """Install what the lock file says, by its hashes. Nothing of it is run."""
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=50)  # noqa: S603
    except (subprocess.SubprocessError, OSError) as error:
        said = (getattr(error, "stderr", None) or str(error))[-1000:]
        reason = f"npm cannot install what {name} needs: {said}"
        if os.environ.get("CI") or "EINTEGRITY" in reason:  # what was tampered with is no bad line
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


def lock_file_faults(folder: Path) -> list[str]:
    """Return what is wrong with a lock file: an address of a registry, or no hash."""
    packages = json.loads((folder / "package-lock.json").read_text())["packages"]
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    faults = [name for name, package in packages.items() if "resolved" in package]
    if packages.pop("")["dependencies"] != wanted:
        faults.append("package.json")
    return faults + [
        name
        for name, package in packages.items()
        if not package.get("integrity", "").startswith("sha512-")
    ]
