"""A challenge that a plugin made, as a test sees it."""

from collections.abc import Mapping

from attrs import field, frozen

from authflow.testing.outbox import Sent


@frozen(kw_only=True)
class Made:
    """A challenge, with the members that only the owner of a pool may see.

    Args:
        username: For whom it was made.
        user_attributes: The user's attributes; none for an unknown user.
        user_not_found: Whether there is no such user.
        public: The public challenge parameters.
        private: The private ones.
        metadata: The challenge metadata.
        now: When it was made, in seconds since the epoch.
        sent: What the outbox holds, the latest last.
    """

    username: str
    user_attributes: Mapping[str, str]
    user_not_found: bool
    public: Mapping[str, str]
    private: Mapping[str, str] = field(repr=False)
    metadata: str
    now: float
    sent: tuple[Sent, ...] = ()
