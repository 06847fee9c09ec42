"""Second factors for the users of a pool, over HTTP."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pyotp
import pytest
from attrs import define, evolve, field

from authflow.machine import State
from authflow.pool import PoolServer

SETTINGS: dict[State, dict[str, Any]] = {
    State.SMS_MFA: {
        "SmsMfaConfiguration": {
            "SmsConfiguration": {
                "SnsCallerArn": "arn:aws:iam::000000000000:role/sms",
                "ExternalId": "x",
            }
        }
    },
    State.SOFTWARE_TOKEN_MFA: {"SoftwareTokenMfaConfiguration": {"Enabled": True}},
    State.EMAIL_OTP: {"EmailMfaConfiguration": {}},
}
PREFERENCES = {
    State.SMS_MFA: "SMSMfaSettings",
    State.SOFTWARE_TOKEN_MFA: "SoftwareTokenMfaSettings",
    State.EMAIL_OTP: "EmailMfaSettings",
}
ADDRESSES = {"phone_number": "+15551234567", "email": "ann@example.org"}
STEP = 30


@define
class Mfa:
    """A user pool with second factors."""

    house: Any
    messages: Callable[[], Awaitable[list[Any]]]
    secrets: dict[str, str] = field(factory=dict)

    async def turn(self, mode: str, *factors: str, **texts: Any) -> None:
        """Say who needs a second factor, and which there are."""
        settings: dict[str, Any] = {}
        for factor in factors:
            settings |= SETTINGS[State(factor)]
        await self.house.api(
            "SetUserPoolMfaConfig",
            UserPoolId=self.house.pool_id,
            MfaConfiguration=mode,
            **{**settings, **texts},
        )

    async def prefer(self, *enabled: str, preferred: str = "", username: str = "ann") -> None:
        """Turn a user's factors on."""
        wishes = {
            PREFERENCES[State(factor)]: {"Enabled": True, "PreferredMfa": factor == preferred}
            for factor in enabled
        }
        await self.house.api("AdminSetUserMFAPreference", **self.named(username), **wishes)

    def named(self, username: str = "ann") -> dict[str, str]:
        return {"UserPoolId": self.house.pool_id, "Username": username}

    async def user(self, username: str = "ann") -> dict[str, Any]:
        """Return a user, attributes by their names."""
        told = await self.house.api("AdminGetUser", **self.named(username))
        attributes = {each["Name"]: each["Value"] for each in told["UserAttributes"]}
        return {**told, "UserAttributes": attributes}

    async def add_user(self, username: str = "ann", *factors: str, **attributes: str) -> None:
        """Make a user who has what some factors need, in a pool where MFA is not required."""
        addresses = {
            "phone_number": ADDRESSES["phone_number"],
            "email": f"{username}@example.org",
        }
        needed = {State.SMS_MFA: "phone_number", State.EMAIL_OTP: "email"}
        has = {name: addresses[name] for factor, name in needed.items() if factor in factors}
        await self.house.add_user(username, **has, **attributes)
        if State.SOFTWARE_TOKEN_MFA in factors:
            await self.enrol(username)

    async def enrol(self, username: str = "ann") -> None:
        """Set a user's authenticator up, and let its first code's time pass."""
        token = (await self.house.tokens(username))["AccessToken"]
        api = self.house.api
        secret = (await api("AssociateSoftwareToken", AccessToken=token))["SecretCode"]
        self.secrets[username] = secret
        await api("VerifySoftwareToken", AccessToken=token, UserCode=self.totp(username))
        self.house.clock.now += 2 * STEP

    def totp(self, username: str = "ann", steps: int = 0) -> str:
        """Return the code of a user's authenticator, some steps away."""
        return self.code_of(self.secrets[username], steps)

    def code_of(self, secret: str, steps: int = 0) -> str:
        """Return the code that an authenticator with this secret shows."""
        return pyotp.HOTP(secret).at(int(self.house.clock.now // STEP) + steps)

    async def code(self, challenge: str, username: str = "ann") -> str:
        """Return the code that answers a challenge."""
        if challenge == State.SOFTWARE_TOKEN_MFA:
            return self.totp(username)
        sent = [each for each in await self.messages() if each.username == username]
        code: str = sent[-1].code.reveal()
        return code

    async def asked(self, challenge: str, username: str = "ann") -> str:
        """Sign in by the password, and return the session in which a challenge is asked."""
        reply = await self.house.api("InitiateAuth", **self.house.by_password(username))
        assert reply["ChallengeName"] == challenge
        session: str = reply["Session"]
        return session

    def answer(
        self, challenge: str, session: str, code: str, username: str = "ann"
    ) -> dict[str, Any]:
        """Return the request that answers a challenge with a code."""
        request: dict[str, Any] = self.house.answer(
            challenge, username, session, **{f"{challenge}_CODE": code}
        )
        return request

    def wrong(self, code: str) -> str:
        """Return another code than this."""
        return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}}"


@pytest.fixture
async def mfa(shared_house: Any, shared_server: PoolServer, clock: Any) -> AsyncIterator[Mfa]:
    """A user pool without second factors and users, but in which somebody has been before."""
    house = evolve(shared_house, clock=clock)
    before = len(await shared_server.mailbox.messages(house.pool_id))

    async def messages() -> list[Any]:
        return (await shared_server.mailbox.messages(house.pool_id))[before:]

    made = Mfa(house, messages)
    yield made
    await house.api("UpdateUserPool", UserPoolId=house.pool_id, MfaConfiguration="OFF")
    for username in ("ann", "bob"):
        named = {"UserPoolId": house.pool_id, "Username": username}
        await house.api.post("AdminDeleteUser", json.dumps(named).encode())


@pytest.fixture
def settle_mfa(start: Any, settle: Any) -> Callable[..., Awaitable[Mfa]]:
    """Make a server with settings of its own, and a pool with second factors."""

    async def settled(
        pool: dict[str, Any] | None = None, client: dict[str, Any] | None = None, **server: Any
    ) -> Mfa:
        sent: list[Any] = []
        api = await start(**{"on_message": sent.append, **server})
        house = await settle(api, pool, **(client or {}))

        async def messages() -> list[Any]:
            return sent

        return Mfa(house, messages)

    return settled
