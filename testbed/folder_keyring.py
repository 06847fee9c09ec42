"""A keyring in a folder, for where no system's keyring runs: a backend as anybody can write one.

It takes no longer texts than Windows does, and does not lock anything.
"""

from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringError, PasswordDeleteError, PasswordSetError

__all__ = ["FolderKeyring"]


class FolderKeyring(KeyringBackend):
    """Keeps each text in a file of a folder.

    Args:
        folder: The folder.
    """

    priority = 1

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.is_locked = False

    def _file(self, service: str, username: str) -> Path:
        if self.is_locked:
            msg = "canary: the keyring is locked"
            raise KeyringError(msg)
        return self.folder / f"{service}-{username}"

    def get_password(  # noqa: D102  # as in the base class
        self, service: str, username: str
    ) -> str | None:
        file = self._file(service, username)
        return file.read_text() if file.exists() else None

    def set_password(  # noqa: D102  # as in the base class
        self, service: str, username: str, password: str
    ) -> None:
        if len(password.encode("utf-16-le")) > 2560:
            msg = "too long, as for CredWrite"
            raise PasswordSetError(msg)
        self._file(service, username).write_text(password)

    def delete_password(  # noqa: D102  # as in the base class
        self, service: str, username: str
    ) -> None:
        file = self._file(service, username)
        if not file.exists():
            msg = "not there"
            raise PasswordDeleteError(msg)
        file.unlink()
