"""The operations by which users verify their addresses: a code is sent there, and entered.

A code goes to the new address if one waits, and otherwise to the one that the user has, verified
or not, as measured (floci#1898, floci#2018). It verifies the address that it went to: where that is
no longer the user's, and does not wait any more, it is no good. Source:
GetUserAttributeVerificationCode and VerifyUserAttribute in the API reference.
"""

from collections.abc import Mapping
from typing import Any, Final

from attrs import define, frozen

from authflow.pool.accounts.attribute_values import ADDRESSES
from authflow.pool.accounts.callers import check_may_sign_in
from authflow.pool.accounts.users import set_attributes
from authflow.pool.accounts.waiting_addresses import put_waiting_addresses, waiting_address
from authflow.pool.cognito_errors import invalid_parameter, too_many_requests
from authflow.pool.confirmations.address_codes import (
    AddressCode,
    verified_ground,
    verifier_of,
)
from authflow.pool.confirmations.confirmation_codes import (
    Requester,
    count_code_attempt,
    use_up_code,
)
from authflow.pool.ground import Ground
from authflow.pool.messages.delivery import Delivery
from authflow.pool.messages.destination import Destination
from authflow.pool.messages.wording import Wording
from authflow.pool.store.sqlite_connection import Connection
from authflow.pool.tokens.issuer import AccessToken, TokenIssuer
from authflow.pool.triggers.occasion import Occasion
from authflow.secret import Secret
from authflow.triggers.events.message_events import VERIFY_USER_ATTRIBUTE

_SPOKEN: Final = {"email": "email address", "phone_number": "phone number"}
_TRIES: Final = 3
"""The most times that a code is worded for an address which other requests change."""


@frozen(kw_only=True)
class _Owner:
    """A user who verifies an address.

    Args:
        token: The user's access token.
        attribute: email or phone_number.
    """

    token: AccessToken
    attribute: str

    @property
    def requester(self) -> Requester:
        """The owner as the one whose attempts count."""
        return verifier_of(self.token.pool, self.token.user, self.attribute)


def _find(connection: Connection, owner: _Owner) -> tuple[AccessToken, Destination | None]:
    """Return the owner as stored now, and the address that is to be verified, if there is one.

    Raises:
        CognitoError: The token is good no more, or the user may not sign in.
    """
    token, attribute = owner.token.again(connection), owner.attribute
    check_may_sign_in(token.user)
    address = waiting_address(connection, token.user, attribute)
    address = address or token.user.attributes.get(attribute)
    return token, Destination(attribute=attribute, address=address) if address else None


def _reach(connection: Connection, owner: _Owner) -> tuple[AccessToken, Destination]:
    """Return the owner as stored now, and the address that a code goes to.

    Raises:
        CognitoError: As of `_find`, or the user has no such address.
    """
    token, destination = _find(connection, owner)
    if destination is None:
        message = f"User does not have a valid registered {_SPOKEN[owner.attribute]}"
        raise invalid_parameter(message, reason=message)
    return token, destination


def _keep(connection: Connection, owner: _Owner, sent: AddressCode, now: float) -> bool:
    """Store a code and its message, unless by now the code would go elsewhere.

    Raises:
        CognitoError: As of `_reach`.
    """
    token, destination = _reach(connection, owner)
    if destination != sent.destination:
        return False
    sent.put(connection, token.pool, token.user, now)
    return True


def _count(connection: Connection, owner: _Owner, now: float) -> None:
    _find(connection, owner)
    count_code_attempt(connection, owner.requester, now)


def _verify(connection: Connection, owner: _Owner, code: Secret[str], now: float) -> None:
    """Compare a code, and store that the address that it went to is the user's.

    Raises:
        CognitoError: The code is not good, or the address is another user's alias: then it stays
            good.
    """
    token, destination = _find(connection, owner)
    grounds = [] if destination is None else [verified_ground(token.user, destination)]
    use_up_code(connection, owner.requester, code, now, grounds)
    assert destination is not None  # noqa: S101  # else no code is right; for the type checker
    name = owner.attribute
    proved = {name: destination.address, f"{name}_verified": "true"}
    attributes = {**token.user.attributes, **proved}
    set_attributes(connection, token.pool, token.user, attributes, now)
    put_waiting_addresses(connection, token.pool, token.user, {name: None})


@define(kw_only=True)
class AddressVerifications:
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

    async def send(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """GetUserAttributeVerificationCode."""
        owner = await self._owner(request)
        await self.ground.database.read(_reach, owner)
        await self.ground.database.write(_count, owner, self.ground.clock())
        for _ in range(_TRIES):
            token, destination = await self.ground.database.read(_reach, owner)
            occasion = Occasion(
                pool=token.pool,
                client_id=token.client_id,
                username=token.user.username,
                user=token.user,
                client_metadata=request.get("ClientMetadata"),
            )
            sent = await AddressCode.worded(
                self.ground, self.wording, occasion, destination, VERIFY_USER_ATTRIBUTE
            )
            if await self.ground.database.write(_keep, owner, sent, self.ground.clock()):
                self.delivery.send(occasion, sent.message, VERIFY_USER_ATTRIBUTE)
                return {"CodeDeliveryDetails": destination.details}
        raise too_many_requests()

    async def verify(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """VerifyUserAttribute."""
        owner, code = await self._owner(request), Secret(request["Code"])
        await self.ground.database.write(_count, owner, self.ground.clock())
        await self.ground.database.write(_verify, owner, code, self.ground.clock())
        return {}

    async def _owner(self, request: Mapping[str, Any]) -> _Owner:
        """Return who asks.

        Raises:
            CognitoError: The attribute is no address, or the access token must not be trusted.
        """
        attribute = request["AttributeName"]
        token = await self.tokens.check_access_token(Secret(request["AccessToken"]))
        if attribute not in ADDRESSES:
            message = "Invalid attribute name. Only phone_number and email can be verified."
            raise invalid_parameter(message, reason=message)
        return _Owner(token=token, attribute=attribute)
