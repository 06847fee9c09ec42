"""The operations that change and delete users' attributes.

What changes is computed when a request comes, so that its messages can be worded, and again in the
transaction that stores it. If other addresses are to be sent a code by then, it begins anew.

Sources: UpdateUserAttributes, DeleteUserAttributes and their forms for administrators in the API
reference.
"""

from collections.abc import Mapping
from typing import Any, Final

from attrs import define

from authflow.pool.cognito_errors import CognitoError, too_many_requests
from authflow.pool.confirmations.address_codes import AddressCode, verifier_of
from authflow.pool.confirmations.attribute_authors import (
    AdministratorAuthor,
    ChangeAuthor,
    PlannedChange,
    UserAuthor,
)
from authflow.pool.confirmations.confirmation_codes import count_code_attempt
from authflow.pool.ground import Ground
from authflow.pool.messages.delivery import Delivery
from authflow.pool.messages.destination import Destination
from authflow.pool.messages.wording import Wording
from authflow.pool.store.sqlite_connection import Connection
from authflow.pool.tokens.issuer import TokenIssuer
from authflow.pool.triggers.occasion import Occasion
from authflow.secret import Secret
from authflow.triggers.events.message_events import UPDATE_USER_ATTRIBUTE

_TRIES: Final = 3
"""The most times that a change is computed which other requests overtake."""


def _count(connection: Connection, planned: PlannedChange, now: float) -> None:
    """Count a code for each address that is to be sent one.

    Raises:
        CognitoError: There were too many in this hour. Cognito's model has LimitExceededException
            for the other operations on such codes, and for these only this one.
    """
    for attribute in planned.change.sent:
        try:
            requester = verifier_of(planned.pool, planned.user, attribute)
            count_code_attempt(connection, requester, now)
        except CognitoError as error:
            code, message = "TooManyRequestsException", error.message
            raise CognitoError(code, message, reason=message) from None


def _store(
    connection: Connection, author: ChangeAuthor, sendings: tuple[AddressCode, ...], now: float
) -> bool:
    """Store a change, the codes that it sends, and their messages, in one transaction.

    Returns:
        Whether it was stored: not if by now codes are to go elsewhere.

    Raises:
        CognitoError: The change may not be made, or an alias is another user's.
    """
    planned = author.plan(connection)
    if planned.destinations != tuple(each.destination for each in sendings):
        return False
    planned.store(connection, now)
    for each in sendings:
        each.put(connection, planned.pool, planned.user, now)
    return True


@define(kw_only=True)
class AttributeUpdates:
    """The operations.

    Args:
        ground: The parts that all services share.
        tokens: Checks access tokens.
        wording: Words the messages.
        delivery: Sends the messages.
    """

    ground: Ground
    tokens: TokenIssuer
    wording: Wording
    delivery: Delivery

    async def update(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """UpdateUserAttributes."""
        author = await self._user(request, _given(request))
        sent = await self._change(author, request.get("ClientMetadata"), counted=True)
        return {"CodeDeliveryDetailsList": [each.details for each in sent]}

    async def update_named(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminUpdateUserAttributes."""
        author = _administrator(request, _given(request))
        await self._change(author, request.get("ClientMetadata"))
        return {}

    async def delete(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """DeleteUserAttributes."""
        await self._change(await self._user(request, _emptied(request)))
        return {}

    async def delete_named(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminDeleteUserAttributes."""
        await self._change(_administrator(request, _emptied(request)))
        return {}

    async def _user(self, request: Mapping[str, Any], given: Mapping[str, str]) -> UserAuthor:
        token = await self.tokens.check_access_token(Secret(request["AccessToken"]))
        return UserAuthor(token=token, given=given)

    async def _change(
        self,
        author: ChangeAuthor,
        metadata: Mapping[str, str] | None = None,
        *,
        counted: bool = False,
    ) -> tuple[Destination, ...]:
        """Make a change, and return the addresses to which codes went.

        Args:
            author: Who makes it.
            metadata: What the request carries for triggers.
            counted: Whether codes count as attempts: a user's do, and an administrator's do not.

        Raises:
            CognitoError: It may not be made, too many codes were sent, or a message could not be
                worded or delivered; or other requests overtook it again and again.
        """
        for _ in range(_TRIES):
            planned = await self.ground.database.read(author.plan)
            if counted and planned.change.sent:
                await self.ground.database.write(_count, planned, self.ground.clock())
            occasion = planned.occasion(metadata)
            sendings = tuple([await self._word(occasion, each) for each in planned.destinations])
            if await self.ground.database.write(_store, author, sendings, self.ground.clock()):
                for each in sendings:
                    self.delivery.send(occasion, each.message, UPDATE_USER_ATTRIBUTE)
                return planned.destinations
        raise too_many_requests()

    async def _word(self, occasion: Occasion, destination: Destination) -> AddressCode:
        return await AddressCode.worded(
            self.ground, self.wording, occasion, destination, UPDATE_USER_ATTRIBUTE
        )


def _given(request: Mapping[str, Any]) -> dict[str, str]:
    return {each["Name"]: each.get("Value", "") for each in request["UserAttributes"]}


def _emptied(request: Mapping[str, Any]) -> dict[str, str]:
    return dict.fromkeys(request["UserAttributeNames"], "")


def _administrator(request: Mapping[str, Any], given: Mapping[str, str]) -> AdministratorAuthor:
    return AdministratorAuthor(pool_id=request["UserPoolId"], name=request["Username"], given=given)
