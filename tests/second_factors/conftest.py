"""A user pool with second factors, over real HTTP, for all tests here: each has its own users."""

from collections.abc import AsyncIterator, Mapping
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pyotp
import pytest
from attrs import define, evolve, field

from authflow import AuthClient, AuthFlow, ChallengeRequired, SignedIn
from authflow.client import Exchange, ScriptedPrompt
from authflow.keys import KeyRing
from authflow.pool import PoolServer
from authflow.testing import MovableClock, RunningPool, pool_at
from authflow.triggers import Triggers, challenge, password, sequence
from testbed.word import Word

SMS, TOTP, EMAIL = "SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP"
SENDER = {"SnsCallerArn": "arn:aws:iam::000000000000:role/sms", "ExternalId": "x"}
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    SMS: {"SmsMfaConfiguration": {"SmsConfiguration": SENDER}},
    TOTP: {"SoftwareTokenMfaConfiguration": {"Enabled": True}},
    EMAIL: {"EmailMfaConfiguration": {}},
}
PASSWORD = "Correct-horse-1"
CHEAP = AuthFlow.USER_PASSWORD_AUTH
NUMBERS = count(1)
pytest.register_assert_rewrite("testbed.factor_play")


@define
class Bank:
    """The pool, its owner, and what its users have in their pockets."""

    pool: RunningPool
    clock: MovableClock
    auth: AuthClient
    other: AuthClient
    """A client like another process has it, with the same keys."""
    told: list[Exchange]
    """What both clients have exchanged with the pool."""
    apps: dict[str, str] = field(factory=dict)
    """The keys in users' authenticator apps."""

    async def turn(self, mode: str, *factors: str) -> None:
        """Say who needs a second factor, and which there are."""
        settings = {name: value for each in factors for name, value in SETTINGS[each].items()}
        await self.pool.call(
            "SetUserPoolMfaConfig",
            UserPoolId=self.pool.user_pool_id,
            MfaConfiguration=mode,
            **settings,
        )

    async def add_user(self, *addresses: str) -> str:
        """Make a user who has a phone number or an e-mail address, or neither."""
        name = f"user-{next(NUMBERS)}"
        given = {"phone_number": "+15550100001", "email": f"{name}@example.org"}
        await self.pool.add_user(name, attributes={each: given[each] for each in addresses})
        return name

    async def add_newcomer(self) -> str:
        """Make a user with a temporary password."""
        name = f"user-{next(NUMBERS)}"
        await self.owner(
            "AdminCreateUser", name, TemporaryPassword="Temporary-1", MessageAction="SUPPRESS"
        )
        return name

    async def owner(self, operation: str, username: str, /, **members: Any) -> dict[str, Any]:
        """Call an operation of the pool's administrator about a user."""
        named = {"UserPoolId": self.pool.user_pool_id, "Username": username}
        return await self.pool.call(operation, **named, **members)

    async def sign_in(self, name: str, **given: Any) -> ChallengeRequired:
        """Sign a user in as far as the first challenge."""
        pending = await self.auth.sign_in(name, PASSWORD, **{"flow": CHEAP, **given})
        assert isinstance(pending, ChallengeRequired)
        return pending

    async def code(self, factor: str, name: str) -> str:
        """Return the code that answers a factor's challenge."""
        if factor == TOTP:
            return self.app_code(self.apps[name])
        code = (await self.pool.messages(name))[-1].code
        assert code is not None
        return code.reveal()

    def app_code(self, key: str, steps: int = 0) -> str:
        """Return the code that an app with this key shows, now or some steps of 30 s later."""
        return pyotp.HOTP(key).at(int(self.clock.now // 30) + steps)

    def wait_for_the_next_code(self) -> None:
        """Let the time of an authenticator's code pass."""
        self.clock.advance(60)

    async def enrol(self, name: str, *, preferred: bool = True) -> SignedIn:
        """Set an authenticator up for a user who can sign in without."""
        signed_in = await self.auth.sign_in(name, PASSWORD, flow=CHEAP)
        assert isinstance(signed_in, SignedIn)
        token = signed_in.tokens.access_token
        new = await self.auth.enrol_totp(token)
        self.apps[name] = new.key.reveal()
        await self.auth.verify_totp(token, await self.code(TOTP, name))
        if preferred:
            await self.auth.set_mfa_preference(token, preferred=TOTP)
        self.wait_for_the_next_code()
        return signed_in

    def person(self, name: str, *answers: str) -> "Person":
        """Return a person who is asked."""
        return Person(self, name, answers)


class Person(ScriptedPrompt):
    """Answers from a list; for "right" it looks at the app or the mail, for "wrong" beside it."""

    def __init__(self, bank: Bank, name: str, answers: tuple[str, ...]) -> None:
        super().__init__(list(answers))
        self.bank, self.name = bank, name

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        answer = await super().ask(question, hidden=hidden)
        if answer not in {"right", "wrong"}:
            return answer
        if self.links:
            (self.bank.apps[self.name],) = parse_qs(urlsplit(self.links[-1]).query)["secret"]
        code = await self.bank.code(TOTP if self.name in self.bank.apps else EMAIL, self.name)
        return code if answer == "right" else wrong(code)


def wrong(code: str) -> str:
    """Return another code than this."""
    return f"{(int(code) + 1) % 1_000_000:06}"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One loop for all tests here, so that they can share a server."""
    return "asyncio"


@pytest.fixture(scope="session")
async def shared_bank() -> AsyncIterator[Bank]:
    clock, keys = MovableClock(), KeyRing.generate()
    policy = sequence(password(), challenge("word", attempts=2))
    triggers = Triggers(policy=policy, challenges=[Word])
    async with (
        aiohttp.ClientSession() as http,
        PoolServer(triggers=triggers, clock=clock) as server,
    ):
        pool = await pool_at(server, http=http)
        told: list[Exchange] = []
        auth, other = [
            AuthClient(
                evolve(pool.config, app_name="Bank"),
                keys=keys,
                clock=clock.utc,
                discover=False,
                observer=told.append,
            )
            for _ in range(2)
        ]
        async with auth, other:
            yield Bank(pool, clock, auth, other, told)


@pytest.fixture
async def bank(shared_bank: Bank) -> Bank:
    """A pool that has no second factors yet; its other users are other tests'."""
    pool = shared_bank.pool
    await pool.call("UpdateUserPool", UserPoolId=pool.user_pool_id, MfaConfiguration="OFF")
    return shared_bank


@pytest.fixture
def wrong_code() -> Any:
    """Returns another code than a given one."""
    return wrong


@pytest.fixture
def mfa_settings() -> dict[str, Any]:
    """The members of SetUserPoolMfaConfig with which a pool has every factor."""
    return {name: value for each in SETTINGS.values() for name, value in each.items()}
