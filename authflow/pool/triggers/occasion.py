"""The members that the events of one request have in common.

`client_metadata` is what the same request carried: InitiateAuth's reaches PreAuthentication and
UserMigration, as their validation data, and no other trigger; ForgotPassword's reaches
UserMigration and CustomMessage. Source: the pages on each Lambda trigger in the developer guide.
"""

from collections.abc import Mapping
from typing import Any, Final, Self

from attrs import field, frozen

from authflow.pool.accounts.callers import Caller
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User
from authflow.triggers.events.envelope import UNTOLD

NO_CLIENT: Final = "CLIENT_ID_NOT_APPLICABLE"
"""The app client in the events of an administrator's operation."""


@frozen(kw_only=True)
class Occasion:
    """The request that calls for triggers, and its user.

    Args:
        pool: The user pool.
        client_id: The app client.
        username: The canonical name, or what was typed where there is no user.
        user: The user; None if there is none, which the pool hides from the client.
        client_metadata: The ClientMetadata that reaches the trigger; None for none.
    """

    pool: UserPool
    client_id: str
    username: str
    user: User | None
    client_metadata: Mapping[str, str] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, caller: Caller, username: str, user: User | None) -> Self:
        """Return the occasion of an app client's request.

        Args:
            caller: Who asks; its ClientMetadata reaches the trigger.
            username: The canonical name, or what was typed where there is no user.
            user: The user; None if there is none.
        """
        return cls(
            pool=caller.pool,
            client_id=caller.client.id,
            username=username,
            user=user,
            client_metadata=caller.client_metadata,
        )

    @property
    def envelope(self) -> dict[str, Any]:
        """The members of every event."""
        return {
            "user_pool_id": self.pool.id,
            "client_id": self.client_id,
            "username": self.username,
        }

    @property
    def about_user(self) -> dict[str, Any]:
        """The members of every event, and those about the user."""
        user = self.user
        attributes = (
            {} if user is None else {**user.all_attributes, "cognito:user_status": user.status}
        )
        return {**self.envelope, "user_attributes": attributes}

    @property
    def members(self) -> dict[str, Any]:
        """The members of every event, those about the user, and the client's metadata."""
        return {**self.about_user, "client_metadata": self.sent_metadata}

    @property
    def sent_metadata(self) -> Mapping[str, str]:
        """The metadata that the client sent."""
        return UNTOLD if self.client_metadata is None else self.client_metadata
