"""The authors of changes to a user's attributes: the user, and an administrator."""

from collections.abc import Mapping
from typing import Protocol

from attrs import evolve, field, frozen

from authflow.pool.accounts.app_clients import find_client
from authflow.pool.accounts.attribute_changes import AttributeChange
from authflow.pool.accounts.callers import check_may_sign_in
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User, find_named, set_attributes
from authflow.pool.accounts.waiting_addresses import put_waiting_addresses
from authflow.pool.messages.destination import Destination
from authflow.pool.store.sqlite_connection import Connection
from authflow.pool.tokens.issuer import AccessToken
from authflow.pool.triggers.occasion import NO_CLIENT, Occasion


@frozen(kw_only=True)
class PlannedChange:
    """A change, for the user as stored.

    Args:
        pool: The user pool.
        client_id: The app client by which it comes.
        user: The user before it.
        change: The change.
    """

    pool: UserPool
    client_id: str
    user: User
    change: AttributeChange

    @property
    def destinations(self) -> tuple[Destination, ...]:
        """The addresses to which codes go."""
        sent = self.change.sent.items()
        return tuple(Destination(attribute=name, address=address) for name, address in sent)

    def occasion(self, client_metadata: Mapping[str, str] | None) -> Occasion:
        """Return the occasion of the messages; triggers see the new addresses.

        Args:
            client_metadata: What the request carried for triggers.
        """
        attributes = {**self.change.attributes, **self.change.sent}
        return Occasion(
            pool=self.pool,
            client_id=self.client_id,
            username=self.user.username,
            user=evolve(self.user, attributes=attributes),
            client_metadata=client_metadata,
        )

    def store(self, connection: Connection, now: float) -> None:
        """Store the change.

        Raises:
            CognitoError: An alias is another user's.
        """
        user = self.user
        if self.change.attributes != user.attributes:
            user = set_attributes(connection, self.pool, user, self.change.attributes, now)
        put_waiting_addresses(connection, self.pool, user, self.change.waiting)


class ChangeAuthor(Protocol):
    """Says what change is made."""

    def plan(self, connection: Connection) -> PlannedChange:
        """Return the change for the user as stored now.

        Raises:
            CognitoError: It may not be made, or not by this author any more.
        """


@frozen(kw_only=True)
class UserAuthor:
    """A user who changes the own attributes.

    Args:
        token: The user's access token.
        given: Names and values; an empty value deletes the attribute.
    """

    token: AccessToken
    given: Mapping[str, str] = field(repr=False)

    def plan(self, connection: Connection) -> PlannedChange:
        """Return the change; see `ChangeAuthor`."""
        owner = self.token.again(connection)
        check_may_sign_in(owner.user)
        client = find_client(connection, owner.client_id, owner.pool.id)
        change = AttributeChange.by_user(owner.pool, client.settings, owner.user, self.given)
        return PlannedChange(pool=owner.pool, client_id=client.id, user=owner.user, change=change)


@frozen(kw_only=True)
class AdministratorAuthor:
    """An administrator who changes a user's attributes.

    Args:
        pool_id: The user pool.
        name: The user's name, alias or `sub`.
        given: Names and values; an empty value deletes the attribute.
    """

    pool_id: str
    name: str
    given: Mapping[str, str] = field(repr=False)

    def plan(self, connection: Connection) -> PlannedChange:
        """Return the change; see `ChangeAuthor`."""
        pool, user = find_named(connection, self.pool_id, self.name)
        change = AttributeChange.by_administrator(pool, user, self.given)
        return PlannedChange(pool=pool, client_id=NO_CLIENT, user=user, change=change)
