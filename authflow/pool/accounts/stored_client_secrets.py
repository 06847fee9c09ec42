"""The secrets of an app client, as values."""

import secrets
import string
from typing import Final

from attrs import frozen

from authflow.secret import Secret

_CHARS: Final = string.ascii_lowercase + string.digits
_LENGTH: Final = 51


@frozen(kw_only=True)
class ClientSecret:
    """A secret of an app client.

    Args:
        value: The secret.
        created_at: Seconds since the epoch.
    """

    value: Secret[str]
    created_at: float

    def id(self, client_id: str) -> str:
        """Return its id. AWS documents the form, and not the unit of the time in it."""
        return f"{client_id}--{round(self.created_at * 1000)}"


def new_client_secret() -> Secret[str]:
    """Draw a secret for an app client."""
    return Secret("".join(secrets.choice(_CHARS) for _ in range(_LENGTH)))
