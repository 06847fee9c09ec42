"""What limits say of a guess or of a message."""

from attrs import frozen


@frozen
class Admitted:
    """It is allowed, and counted."""


@frozen(kw_only=True)
class LockedOut:
    """Too many failures: nothing may be compared.

    Args:
        retry_after: Seconds until the next guess is allowed; None if an administrator must reset.
    """

    retry_after: float | None


@frozen
class AlreadySent:
    """This very message was sent, or is being sent: do not send it again."""


@frozen(kw_only=True)
class SendRefused:
    """Too many messages, or too soon: send nothing.

    Args:
        retry_after: Seconds until the next one is allowed.
    """

    retry_after: float
