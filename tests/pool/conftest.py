"""A running pool for every test, addressed over real HTTP."""

import asyncio
import base64
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any, Self

import aiohttp
import pytest
from attrs import define, field

from authflow import srp, wire
from authflow.pool import Budget, PoolServer
from authflow.secret import Secret
from authflow.testing import ALL_FLOWS, CognitoCalls, MovableClock
from testbed.address_owners import *  # noqa: F403  # fixtures
from testbed.sign_up_stage import *  # noqa: F403  # fixtures

PASSWORD = "Corr3ct-Horse"
EVERY_FLOW = [*ALL_FLOWS, "ALLOW_ADMIN_USER_PASSWORD_AUTH"]
PATIENT: dict[str, Any] = {
    "name_budget": Budget(per_second=math.inf, burst=math.inf),
    "max_wait": 60.0,
}
"""What races want: whoever comes is served, however busy the machine is."""


class Clock(MovableClock):
    """A clock that tests move, forward and back."""

    @property
    def stamp(self) -> str:
        return srp.timestamp(self.utc())


@define
class Api(CognitoCalls):
    """Calls operations, several at once too."""

    http: aiohttp.ClientSession

    async def at_once(self, *calls: tuple[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Send requests such that none of them has a start.

        A client's pool of connections sends them one after another, and the first may be through
        before the second is read. Here the server has all of each but its last byte, and finds
        the last bytes of all when it looks again.

        Args:
            *calls: An operation and its request each.

        Returns:
            For each request the reply; one that is refused has a `__type`.
        """
        lines = [_Line(*await _connect(self.endpoint)) for _ in calls]
        for line, (operation, request) in zip(lines, calls, strict=True):
            line.hold(operation, json.dumps(request).encode())
        await asyncio.gather(*(line.writer.drain() for line in lines))
        await asyncio.sleep(0.05)  # so that every request has begun, and waits for its last byte
        for line in lines:
            line.writer.write(b"}")
        return await asyncio.gather(*(line.reply() for line in lines))


async def _connect(endpoint: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = endpoint.removeprefix("http://").rpartition(":")
    return await asyncio.open_connection(host, int(port))


@define
class _Line:
    """A connection for one request."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def hold(self, operation: str, body: bytes) -> None:
        """Send all but the last byte, which is a brace."""
        head = (
            "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"X-Amz-Target: AWSCognitoIdentityProviderService.{operation}\r\n"
            "Content-Type: application/x-amz-json-1.1\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self.writer.write(head.encode() + body[:-1])

    async def reply(self) -> dict[str, Any]:
        head, _, body = (await self.reader.read()).partition(b"\r\n\r\n")
        self.writer.close()
        await self.writer.wait_closed()
        reply: dict[str, Any] = json.loads(body)
        assert (b"200 OK" in head.splitlines()[0]) is ("__type" not in reply)
        return reply


@define
class House:
    """A user pool with an app client, and a client's side of signing in."""

    api: Api
    clock: Clock
    pool_id: str
    client_id: str
    secret: Secret[str] | None = field(default=None)

    def named(self, username: str) -> dict[str, str]:
        if self.secret is None:
            return {"USERNAME": username}
        made = wire.secret_hash(username, self.client_id, self.secret)
        return {"USERNAME": username, "SECRET_HASH": made}

    async def add_user(
        self, username: str = "ann", password: str = PASSWORD, **attributes: str
    ) -> dict[str, Any]:
        made = await self.api(
            "AdminCreateUser",
            UserPoolId=self.pool_id,
            Username=username,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": k, "Value": v} for k, v in attributes.items()],
        )
        await self.api(
            "AdminSetUserPassword",
            UserPoolId=self.pool_id,
            Username=username,
            Password=password,
            Permanent=True,
        )
        return made["User"]

    def begin(self, flow: str, username: str = "ann", **parameters: str) -> dict[str, Any]:
        return {
            "AuthFlow": flow,
            "ClientId": self.client_id,
            "AuthParameters": {**self.named(username), **parameters},
        }

    def by_password(self, username: str = "ann", password: str = PASSWORD) -> dict[str, Any]:
        return self.begin("USER_PASSWORD_AUTH", username, PASSWORD=password)

    def answer(
        self, name: str, username: str = "ann", session: str | None = None, **answers: str
    ) -> dict[str, Any]:
        return {
            "ChallengeName": name,
            "ClientId": self.client_id,
            "ChallengeResponses": {**self.named(username), **answers},
            **({} if session is None else {"Session": session}),
        }

    def proof(
        self,
        prover: srp.Prover,
        asked: dict[str, Any],
        password: str = PASSWORD,
        stamp: str | None = None,
        sent_stamp: str | None = None,
    ) -> dict[str, Any]:
        parameters = asked["ChallengeParameters"]
        challenge = srp.ProverChallenge.parse(
            name=srp.pool_name(self.pool_id),
            user_id=parameters["USER_ID_FOR_SRP"],
            salt=parameters["SALT"],
            public_b=parameters["SRP_B"],
            secret_block=parameters["SECRET_BLOCK"],
        )
        stamp = stamp or self.clock.stamp
        key = prover.prove(challenge, Secret(password))
        return self.answer(
            "PASSWORD_VERIFIER",
            parameters["USERNAME"],
            asked.get("Session"),
            TIMESTAMP=sent_stamp or stamp,
            PASSWORD_CLAIM_SECRET_BLOCK=parameters["SECRET_BLOCK"],
            PASSWORD_CLAIM_SIGNATURE=base64.b64encode(
                srp.sign_claim(key, challenge, stamp)
            ).decode(),
        )

    async def ask(
        self, username: str = "ann", flow: str = "USER_SRP_AUTH", **parameters: str
    ) -> tuple[srp.Prover, dict[str, Any]]:
        prover = srp.Prover.start(b"\x07" * 31 + username.encode()[:1])
        request = self.begin(flow, username, SRP_A=prover.srp_a, **parameters)
        return prover, await self.api("InitiateAuth", **request)

    async def by_srp(self, username: str = "ann", password: str = PASSWORD) -> dict[str, Any]:
        prover, asked = await self.ask(username)
        return self.proof(prover, asked, password)

    async def tokens(self, username: str = "ann") -> dict[str, Any]:
        reply = await self.api("InitiateAuth", **self.by_password(username))
        return reply["AuthenticationResult"]


@define
class Phone:
    """A user's device: a client's side of registering it and of proving it.

    Args:
        house: Where its user signs in.
        key: Its key.
        group_key: Its group key.
        password: Its password.
        salt: SRP's salt.
        username: Its user.
    """

    house: House
    key: str
    group_key: str
    password: str = "dev1ce-password"
    salt: int = 2**127 + 5
    username: str = "ann"

    @classmethod
    def of(cls, house: House, result: Mapping[str, Any], **more: Any) -> Self:
        """Make a device of what tokens came with."""
        new = result["NewDeviceMetadata"]
        return cls(house, new["DeviceKey"], new["DeviceGroupKey"], **more)

    @property
    def verifier(self) -> int:
        return srp.password_verifier(self.group_key, self.key, self.salt, Secret(self.password))

    @property
    def config(self) -> dict[str, str]:
        numbers = {"Salt": self.salt, "PasswordVerifier": self.verifier}
        return {
            name: base64.b64encode(srp.twos_complement(number)).decode()
            for name, number in numbers.items()
        }

    def confirmation(self, token: str, **more: Any) -> dict[str, Any]:
        return {
            "AccessToken": token,
            "DeviceKey": self.key,
            "DeviceSecretVerifierConfig": self.config,
            **more,
        }

    async def confirm(self, token: str, **more: Any) -> dict[str, Any]:
        return await self.house.api("ConfirmDevice", **self.confirmation(token, **more))

    def first(self, prover: srp.Prover, session: str | None, **more: str) -> dict[str, Any]:
        """Answer DEVICE_SRP_AUTH."""
        members = {"DEVICE_KEY": self.key, "SRP_A": prover.srp_a, **more}
        return self.house.answer("DEVICE_SRP_AUTH", self.username, session, **members)

    def proof(
        self, prover: srp.Prover, asked: dict[str, Any], *, session: str | None = None, **more: str
    ) -> dict[str, Any]:
        """Answer DEVICE_PASSWORD_VERIFIER."""
        parameters = asked["ChallengeParameters"]
        challenge = srp.ProverChallenge.parse(
            name=self.group_key,
            user_id=self.key,
            salt=parameters["SALT"],
            public_b=parameters["SRP_B"],
            secret_block=parameters["SECRET_BLOCK"],
        )
        stamp = more.get("TIMESTAMP", self.house.clock.stamp)
        key = prover.prove(challenge, Secret(self.password))
        signature = base64.b64encode(srp.sign_claim(key, challenge, stamp)).decode()
        return self.house.answer(
            "DEVICE_PASSWORD_VERIFIER",
            self.username,
            session,
            **{
                "DEVICE_KEY": self.key,
                "TIMESTAMP": stamp,
                "PASSWORD_CLAIM_SECRET_BLOCK": parameters["SECRET_BLOCK"],
                "PASSWORD_CLAIM_SIGNATURE": signature,
                **more,
            },
        )

    async def begin(self, **more: str) -> dict[str, Any]:
        """Prove the password from this device, and return what is asked then."""
        prover, asked = await self.house.ask(self.username)
        proof = self.house.proof(prover, asked)
        proof["ChallengeResponses"] |= {"DEVICE_KEY": self.key, **more}
        return await self.house.api("RespondToAuthChallenge", **proof)

    async def asked(self, begun: dict[str, Any]) -> dict[str, Any]:
        """Return the proof for a sign-in that asks for this device's."""
        prover = srp.Prover.start(b"\x09" * 32)
        first = self.first(prover, begun["Session"])
        asked = await self.house.api("RespondToAuthChallenge", **first)
        return self.proof(prover, asked, session=asked["Session"])

    async def prove(self, begun: dict[str, Any]) -> dict[str, Any]:
        """Give the proof, and return the reply."""
        return await self.house.api("RespondToAuthChallenge", **await self.asked(begun))

    async def tokens(self) -> dict[str, Any]:
        """Sign in from this device."""
        return (await self.prove(await self.begin()))["AuthenticationResult"]

    @property
    def named(self) -> dict[str, str]:
        """How an administrator names this device."""
        return {
            "UserPoolId": self.house.pool_id,
            "Username": self.username,
            "DeviceKey": self.key,
        }


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One loop for all tests here, so that they can share a server."""
    return "asyncio"


@pytest.fixture(scope="session")
def shared_clock() -> Clock:
    return Clock(0)


@pytest.fixture
def clock(shared_clock: Clock) -> Clock:
    # A Wednesday early in a month: its day has one digit.
    shared_clock.now = datetime(2026, 11, 4, 10, 0, 0, tzinfo=UTC).timestamp()
    return shared_clock


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


@pytest.fixture
async def start(
    clock: Clock, http: aiohttp.ClientSession
) -> AsyncIterator[Callable[..., Awaitable[Api]]]:
    """Start a server, with any settings."""
    async with AsyncExitStack() as stack:

        async def started(**settings: Any) -> Api:
            server = PoolServer(**{"clock": clock, **PATIENT, **settings})
            pool = await stack.enter_async_context(server)
            return Api(pool.endpoint, http)

        yield started


async def _settled(
    clock: Clock, api: Api, pool: dict[str, Any] | None = None, **client: Any
) -> House:
    made = await api("CreateUserPool", **{"PoolName": "test", **(pool or {})})
    pool_id = made["UserPool"]["Id"]
    app = await api(
        "CreateUserPoolClient",
        **{
            "UserPoolId": pool_id,
            "ClientName": "app",
            "ExplicitAuthFlows": EVERY_FLOW,
            **client,
        },
    )
    secret = app["UserPoolClient"].get("ClientSecret")
    return House(
        api,
        clock,
        pool_id,
        app["UserPoolClient"]["ClientId"],
        None if secret is None else Secret(secret),
    )


@pytest.fixture
def settle(clock: Clock) -> Callable[..., Awaitable[House]]:
    """Make a user pool and an app client at a server."""
    return partial(_settled, clock)


@pytest.fixture(scope="session")
async def shared_server(shared_clock: Clock) -> AsyncIterator[PoolServer]:
    async with PoolServer(clock=shared_clock, **PATIENT) as server:
        yield server


@pytest.fixture(scope="session")
async def shared_house(
    shared_server: PoolServer, shared_clock: Clock, http: aiohttp.ClientSession
) -> House:
    """A user pool for tests that clear away what they leave."""
    return await _settled(shared_clock, Api(shared_server.endpoint, http))


@pytest.fixture
async def api(shared_server: PoolServer, clock: Clock, http: aiohttp.ClientSession) -> Api:
    """A server that many tests share; each makes a user pool of its own."""
    return Api(shared_server.endpoint, http)


@pytest.fixture
async def house(api: Api, settle: Callable[..., Awaitable[House]]) -> House:
    return await settle(api)


@pytest.fixture
def register() -> Callable[..., Awaitable[tuple[Phone, dict[str, Any]]]]:
    """Sign a user in from a new device, and confirm that."""

    async def registered(
        house: House, username: str = "ann", **more: Any
    ) -> tuple[Phone, dict[str, Any]]:
        result = await house.tokens(username)
        phone = Phone.of(house, result, username=username, **more)
        await phone.confirm(result["AccessToken"], DeviceName=f"{username}'s phone")
        return phone, result

    return registered
