"""The secrets of an app client: one, or two while it is rotated, or whoever knows them.

Cognito lets an app client have two secrets at once, so that one can be replaced while its clients
run: AddUserPoolClientSecret, hand the new one out, DeleteUserPoolClientSecret. A client that knows
both, or knows whom to ask, sees nothing of it.

Source: AddUserPoolClientSecret in the Amazon Cognito user pools API reference.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Final, Protocol

from authflow.errors import MisuseError
from authflow.given_secrets import Unfit, checked, wrapped
from authflow.secret import Secret

_TEXTS: Final = (str, bytes, bytearray, memoryview)
_MOST_READ: Final = 1000
"""The most that are read of a sequence, which may have no end."""
MOST_SECRETS: Final = 2
"""The most secrets that Cognito keeps for an app client."""


class ClientSecrets(Protocol):
    """Knows the secrets of an app client: a secrets manager, a file that a sidecar renews.

    It is asked when the first request is signed, and again when Cognito refuses every secret that
    it gave: once for all requests that wait, however many there are.
    """

    async def secrets(self) -> Sequence[str | Secret[str]]:
        """Return the one or two secrets that are good now, the newest first."""
        ...


Given = Secret[str] | tuple[Secret[str], ...] | ClientSecrets
"""An app client's secrets as a client was given them."""


def wrapped_client_secret(value: object) -> object:
    """Wrap what a caller gave as client secret. This raises nothing."""
    if _is_provider(value):
        return value
    if isinstance(value, Sequence) and not isinstance(value, _TEXTS):
        try:
            return tuple(map(wrapped, islice(value, _MOST_READ)))
        except Exception:  # noqa: BLE001  # others' sequences may raise anything
            return Unfit("not a sequence that can be read")
    return wrapped(value)


def checked_client_secret(given: object) -> Given | None:
    """Check a wrapped client secret and return it; None if it is an empty text.

    Raises:
        MisuseError: It is nothing that can be a client secret, or there are none or too many.
    """
    if isinstance(given, tuple):
        return several(given)
    if isinstance(given, Unfit) and not given.text:
        msg = (
            f"client_secret must be a text or a Secret of one, {given.why}; two are a list, and a"
            " service that knows them is a ClientSecrets"
        )
        raise MisuseError(msg)
    if isinstance(given, Secret):
        secret = checked("client_secret", given, empty=True)
        return secret if secret.reveal() else None
    return given  # type: ignore[return-value]  # `wrapped_client_secret` leaves a provider


def several(given: Sequence[Secret[str]]) -> tuple[Secret[str], ...]:
    """Check wrapped client secrets and return them, each once.

    Raises:
        MisuseError: One is no text, or there are none or more than Cognito keeps.
    """
    for secret in given:
        checked("a client secret", secret)
    if not 1 <= len(given) <= MOST_SECRETS:
        msg = (
            f"client_secret has {len(given)} secrets: an app client has one, or two while it is"
            " rotated"
        )
        raise MisuseError(msg)
    return tuple(each for at, each in enumerate(given) if each not in given[:at])


def shown(given: Given | None) -> str:
    """Return a text for a repr: of a provider its kind, since its own repr may show anything."""
    if given is None or isinstance(given, Secret | tuple):
        return repr(given)
    return f"<{type(given).__name__}>"


def _is_provider(value: object) -> bool:
    if isinstance(value, str | Secret | type):
        return False
    try:
        return callable(getattr(value, "secrets", None))
    except Exception:  # noqa: BLE001  # others' attributes may raise anything
        return False
