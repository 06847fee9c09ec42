"""Users who change their addresses, in pools that let the new ones wait, or do not."""

import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from attrs import define, field

SCHEMA = [
    {"Name": "team", "AttributeDataType": "String"},
    {"Name": "badge", "AttributeDataType": "String", "Mutable": False},
]
VERIFYING = {
    "AutoVerifiedAttributes": ["email", "phone_number"],
    "AliasAttributes": ["email", "phone_number"],
    "Schema": SCHEMA,
}
WAITING = {
    **VERIFYING,
    "UserAttributeUpdateSettings": {
        "AttributesRequireVerificationBeforeUpdate": ["email", "phone_number"]
    },
}
_NAMES = (f"ann{number}" for number in itertools.count())


@define
class AddressOwner:
    """A user of a pool, who has signed in."""

    house: Any
    name: str
    token: str = field(repr=False)
    mailbox: Any

    async def own(self, operation: str, **members: Any) -> dict[str, Any]:
        """Call an operation with the user's access token."""
        return await self.house.api(operation, AccessToken=self.token, **members)

    async def refused(self, operation: str, **members: Any) -> tuple[str, str]:
        """Call an operation that is refused, and return the refusal's code and text."""
        refusal = await self.house.api.refused(operation, AccessToken=self.token, **members)
        return refusal.code, refusal.message

    async def by_admin(self, operation: str, **members: Any) -> dict[str, Any]:
        """Call an operation of an administrator about the user."""
        about = {"UserPoolId": self.house.pool_id, "Username": self.name}
        return await self.house.api(operation, **about, **members)

    async def update(self, **attributes: str) -> list[dict[str, str]]:
        """Change the own attributes, and return where codes went."""
        reply = await self.own("UpdateUserAttributes", UserAttributes=listed(attributes))
        return reply["CodeDeliveryDetailsList"]

    async def attributes(self) -> dict[str, str]:
        """Return the own attributes, without `sub`."""
        told = await self.own("GetUser")
        found = {each["Name"]: each["Value"] for each in told["UserAttributes"]}
        found.pop("sub")
        return found

    async def messages(self) -> list[Any]:
        """Return the messages that were sent, the oldest first."""
        return await self.mailbox.messages(self.house.pool_id, self.name)

    async def code(self) -> str:
        """Return the newest code that was sent."""
        (*_, last) = await self.messages()
        return last.code.reveal()

    async def sign_in_again(self) -> None:
        """Get another access token, as the clock has moved."""
        self.token = (await self.house.tokens(self.name))["AccessToken"]

    async def verify(self, attribute: str, code: str) -> dict[str, Any]:
        """Enter a code."""
        return await self.own("VerifyUserAttribute", AttributeName=attribute, Code=code)

    async def not_verified(self, attribute: str, code: str) -> tuple[str, str]:
        """Enter a code that is refused, and return the refusal's code and text."""
        return await self.refused("VerifyUserAttribute", AttributeName=attribute, Code=code)


def listed(attributes: dict[str, str]) -> list[dict[str, str]]:
    """Return attributes as requests write them."""
    return [{"Name": name, "Value": value} for name, value in attributes.items()]


@pytest.fixture(scope="session")
def address_houses() -> dict[Any, Any]:
    """The pools that all users share whose tests leave their settings alone."""
    return {}


@pytest.fixture
def move_in(
    api: Any, settle: Callable[..., Awaitable[Any]], shared_server: Any, address_houses: Any
) -> Callable[..., Awaitable[AddressOwner]]:
    """Make a user who has signed in, in a pool with such settings."""

    async def moved(settings: dict[str, Any], **attributes: str) -> AddressOwner:
        key = api.endpoint, repr(settings)
        if key not in address_houses:
            writes = ["name", "email", "phone_number", "birthdate", "custom:team", "custom:badge"]
            address_houses[key] = await settle(api, settings, WriteAttributes=writes)
        house, name = address_houses[key], next(_NAMES)
        given = attributes or {"email": f"{name}@example.org", "email_verified": "true"}
        await house.add_user(name, **given)
        token = (await house.tokens(name))["AccessToken"]
        return AddressOwner(house, name, token, shared_server.mailbox)

    return moved


@pytest.fixture
async def owner(move_in: Any) -> AddressOwner:
    """A user whose new addresses are his at once."""
    return await move_in(VERIFYING)


@pytest.fixture
async def patient_owner(move_in: Any) -> AddressOwner:
    """A user whose new addresses wait."""
    return await move_in(WAITING)
