"""Makes `.venv`, and mends it: what `make` runs first, and a glance when all is there.

Everything is installed at the versions and hashes of constraints.txt, by uv if it is on the path
and by pip if not; then our own distributions, editable. It needs Python's own library alone.

`.venv/.installed` says how far that came. It names what was installed once all of it was, so that
a changed pin, a moved checkout or another Python is noticed. An installation that was broken off
left its mark there: packages may be half there, so the next one begins with an empty `.venv`.

The LDAP client is compiled, and may be missing: its tests skip then. It is tried again whenever it
is missing and a compiler finds OpenLDAP's headers.
"""

import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036  # this may be any Python
    sys.exit("authflow needs Python 3.11 or newer; name one: make PYTHON=python3.12 ...")

BROKEN_OFF = "being installed"
HEADERS = ("Python.h", "ldap.h", "sasl/sasl.h")


class Environment:
    """The environment of a checkout.

    Args:
        root: The checkout.
        name: What it is called.
    """

    def __init__(self, root: Path, name: str = ".venv") -> None:
        self.root = root
        self.folder = root / name
        self.python = self.folder / "bin" / "python"
        self.stamp = self.folder / ".installed"
        self.plugins = sorted(path.parent for path in root.glob("plugins/*/pyproject.toml"))

    def mend(self) -> None:
        """Install what is missing.

        Raises:
            subprocess.CalledProcessError: Something could not be installed.
        """
        wanted = self.fingerprint()
        if self.said() == BROKEN_OFF or not self.can_be_used():
            shutil.rmtree(self.folder, ignore_errors=True)
            venv.create(self.folder, symlinks=True)
        if self.said() != wanted:
            self.stamp.write_text(BROKEN_OFF)
            installer = self.installer()
            self.run(*installer, "--require-hashes", "-r", "constraints.txt")
            if self.has_ldap():
                self.add_ldap(installer)
            ours = [part for each in (self.root, *self.plugins) for part in ("-e", str(each))]
            self.run(*installer, "--no-deps", "--no-build-isolation", *ours)
            self.stamp.write_text(wanted)
        if not self.has_ldap() and self.can_compile_ldap():
            self.add_ldap(self.installer())

    def fingerprint(self) -> str:
        """Name all that decides what is installed, and where."""
        files = ["pyproject.toml", "constraints.txt", "constraints-ldap.txt", ".ci/environment.py"]
        paths = [self.root / name for name in files]
        paths += [folder / "pyproject.toml" for folder in self.plugins]
        digest = hashlib.sha256(os.fsencode(self.root))
        for path in paths:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    def said(self) -> str:
        """Read the stamp."""
        try:
            return self.stamp.read_text()
        except OSError:
            return ""

    def can_be_used(self) -> bool:
        """Say whether there is an environment, made here, by a Python that is still the same."""
        program = "import sys; print(*sys.version_info[:2], sys.prefix, sep='\\n')"
        try:
            done = subprocess.run(
                [self.python, "-c", program], capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return False
        major, minor, prefix = done.stdout.splitlines()
        return (
            (int(major), int(minor)) >= (3, 11)
            and prefix == str(self.folder)
            and (self.folder / "lib" / f"python{major}.{minor}" / "site-packages").is_dir()
        )

    def installer(self) -> list[str]:
        """Give the command that installs into the environment.

        Debian's Python has no ensurepip unless one more package is installed: then the pip that is
        there installs from outside.
        """
        uv = shutil.which("uv")
        if uv:
            options = ["--quiet", "--compile-bytecode"]
            return [uv, "pip", "install", *options, "--python", str(self.python)]
        options = ["--quiet", "--disable-pip-version-check"]
        for prepare in ("pip --version", "ensurepip"):
            command = [str(self.python), "-m", *prepare.split()]
            if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                return [str(self.python), "-m", "pip", *options, "install"]
        return [sys.executable, "-m", "pip", *options, "--python", str(self.python), "install"]

    def has_ldap(self) -> bool:
        """Say whether the LDAP client is installed."""
        return any(self.folder.glob("lib/python*/site-packages/bonsai/_bonsai*"))

    def can_compile_ldap(self) -> bool:
        """Say whether there is a C compiler that finds OpenLDAP's headers, and Python's."""
        command = shlex.split(os.environ.get("CC") or "cc")
        for name in ("CPPFLAGS", "CFLAGS"):
            command += shlex.split(os.environ.get(name) or "")
        command += [f"-I{sysconfig.get_path('include')}", "-E", "-x", "c", "-"]
        source = "".join(f"#include <{name}>\n" for name in HEADERS)
        try:
            done = subprocess.run(
                command, input=source, capture_output=True, text=True, check=False
            )
        except OSError:
            return False
        return done.returncode == 0

    def add_ldap(self, installer: list[str]) -> None:
        """Install the LDAP client, or say that it is missing."""
        try:
            self.run(*installer, "--require-hashes", "-r", "constraints-ldap.txt")
        except subprocess.CalledProcessError:
            print("The LDAP client cannot be compiled here; its tests skip.", file=sys.stderr)

    def run(self, *command: str) -> None:
        """Run a command in the checkout."""
        subprocess.run(command, cwd=self.root, check=True)


def main() -> int:
    """Mend the environment of the checkout that this file is in, one process at a time."""
    with Path(__file__).open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        try:
            Environment(Path(__file__).resolve().parents[1]).mend()
        except subprocess.CalledProcessError as error:
            print(f"{shlex.join(error.cmd)} failed", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
