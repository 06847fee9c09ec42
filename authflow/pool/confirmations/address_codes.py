"""Codes that verify a user's addresses, from the drawing to the storing with their messages."""

from typing import Self

from attrs import frozen

from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User
from authflow.pool.confirmations.confirmation_codes import (
    VERIFY,
    Requester,
    ground_of,
    new_code,
    put_code,
)
from authflow.pool.ground import Ground
from authflow.pool.messages.destination import Destination
from authflow.pool.messages.mailbox import SentMessage, put_message
from authflow.pool.messages.wording import Wording
from authflow.pool.store.sqlite_connection import Connection
from authflow.pool.triggers.occasion import Occasion
from authflow.secret import Secret


def verifier_of(pool: UserPool, user: User, attribute: str) -> Requester:
    """Return a user as the one whose attempts to verify an address count.

    Args:
        pool: The user pool.
        user: The user.
        attribute: email or phone_number.
    """
    return Requester.of(pool, user, user.sub, purpose=VERIFY[attribute], hidden=False)


def verified_ground(user: User, destination: Destination) -> str:
    """Return what a code rests on that goes to an address of a user."""
    return ground_of(VERIFY[destination.attribute], user, destination)


@frozen(kw_only=True)
class AddressCode:
    """A code that is ready to be sent.

    Args:
        destination: The address that it goes to.
        code: The code.
        message: The message that holds it.
    """

    destination: Destination
    code: Secret[str]
    message: SentMessage

    @classmethod
    async def worded(
        cls,
        ground: Ground,
        wording: Wording,
        occasion: Occasion,
        destination: Destination,
        source: str,
    ) -> Self:
        """Draw a code and word its message.

        Args:
            ground: The parts that all services share.
            wording: Words the messages.
            occasion: For what and whom; it has a user.
            destination: The address that the code goes to.
            source: The trigger source of CustomMessage.

        Raises:
            CognitoError: A trigger fails, or words no message.
        """
        assert occasion.user is not None  # noqa: S101  # for the type checker
        code = new_code()
        message = await wording.verification(
            occasion, occasion.user, destination, code, ground.clock(), source=source
        )
        return cls(destination=destination, code=code, message=message)

    def put(self, connection: Connection, pool: UserPool, user: User, now: float) -> None:
        """Store the code and its message.

        Args:
            connection: The database.
            pool: The user pool.
            user: The user whose address is verified, as stored now.
            now: Seconds since the epoch.
        """
        requester = verifier_of(pool, user, self.destination.attribute)
        put_code(connection, requester, self.code, now, verified_ground(user, self.destination))
        put_message(connection, pool, self.message)
