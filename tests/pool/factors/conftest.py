"""Users with an access token, in pools that let them have second factors."""

from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from typing import Any

import pyotp
import pytest
from attrs import define

from authflow.pool.http.validation import service_model

SMS = {"SnsCallerArn": "arn:aws:iam::000000000000:role/sms", "ExternalId": "any"}
EVERY_FACTOR: Mapping[str, Any] = {
    "SmsMfaConfiguration": {"SmsConfiguration": SMS},
    "SoftwareTokenMfaConfiguration": {"Enabled": True},
    "EmailMfaConfiguration": {},
}


@define
class Owner:
    """A user of a house, who has signed in."""

    house: Any
    name: str
    token: str

    async def own(self, operation: str, **members: Any) -> dict[str, Any]:
        """Call an operation on the user's own factors."""
        return await self.house.api(operation, AccessToken=self.token, **members)

    async def refused(self, operation: str, **members: Any) -> Any:
        """Call an operation that is refused."""
        return await self.house.api.refused(operation, AccessToken=self.token, **members)

    async def by_admin(self, operation: str, **members: Any) -> dict[str, Any]:
        """Call an operation of an administrator about the user."""
        about = {"UserPoolId": self.house.pool_id, "Username": self.name}
        return await self.house.api(operation, **about, **members)

    async def set_pool(self, mode: str, **factors: Any) -> dict[str, Any]:
        """Set the factors that the pool has; all of them, if none is named."""
        given = {"MfaConfiguration": mode, **(factors or EVERY_FACTOR)}
        return await self.house.api("SetUserPoolMfaConfig", UserPoolId=self.house.pool_id, **given)

    def code(self, secret: str, steps: int = 0) -> str:
        """Make a code of an authenticator, some steps from now."""
        return pyotp.HOTP(secret).at(int(self.house.clock.now) // 30 + steps)

    async def set_authenticator_up(self, **name: str) -> str:
        """Set an authenticator up, and return its secret."""
        secret: str = (await self.own("AssociateSoftwareToken"))["SecretCode"]
        await self.own("VerifySoftwareToken", UserCode=self.code(secret), **name)
        return secret


@pytest.fixture
def settle_owner(settle: Any) -> Callable[..., Awaitable[Owner]]:
    """Make a pool where MFA is optional, with a user who has signed in."""

    async def settled(api: Any) -> Owner:
        owner = await signed_in(await settle(api), "ann")
        await owner.set_pool("OPTIONAL")
        return owner

    return settled


async def signed_in(house: Any, name: str, **attributes: str) -> Owner:
    """Make a user who has signed in; by default one who has both addresses."""
    addresses = {"email": f"{name}@example.org", "phone_number": "+12065550123"}
    await house.add_user(name, **(attributes or addresses))
    return Owner(house, name, (await house.tokens(name))["AccessToken"])


_NAMES = (f"ann{number}" for number in count())


@pytest.fixture(scope="session")
def shared_houses() -> dict[str, Any]:
    """The one pool that all users share whose tests leave its settings alone."""
    return {}


@pytest.fixture
async def shared_house(
    api: Any, settle_owner: Callable[..., Awaitable[Owner]], shared_houses: dict[str, Any]
) -> Any:
    if api.endpoint not in shared_houses:
        shared_houses[api.endpoint] = (await settle_owner(api)).house
    return shared_houses[api.endpoint]


@pytest.fixture
async def owner(shared_house: Any) -> Owner:
    return await signed_in(shared_house, next(_NAMES))


@pytest.fixture
async def bare_owner(shared_house: Any) -> Owner:
    """A user without address."""
    return await signed_in(shared_house, next(_NAMES), given_name="Ann")


@pytest.fixture
async def lone_owner(api: Any, settle_owner: Callable[..., Awaitable[Owner]]) -> Owner:
    """A user whose pool nobody else uses."""
    return await settle_owner(api)


@pytest.fixture
def available() -> Callable[[str], None]:
    """Skip a test of an operation that an older service model lacks, and the pool so too."""

    def check(operation: str) -> None:
        if operation not in service_model().operation_names:
            pytest.skip(f"this botocore does not know {operation}")

    return check
