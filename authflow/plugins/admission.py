"""The decisions of limits about a guess or a message."""

from typing import Final

from attrs import frozen

EMAIL: Final = "EMAIL"
"""The medium of a message unless its plugin says more."""


@frozen
class Admitted:
    """The guess or the message is allowed, and counted."""


@frozen(kw_only=True)
class LockedOut:
    """Too many failures: no answer may be compared.

    Args:
        retry_after: Seconds until the next guess is allowed; None if an administrator must reset.
    """

    retry_after: float | None


@frozen
class AlreadySent:
    """The same message was sent already, or is being sent: do not send it again."""


@frozen(kw_only=True)
class SendRefused:
    """Too many messages, or too soon after the last one: send nothing.

    Args:
        retry_after: Seconds until the next one is allowed.
    """

    retry_after: float
