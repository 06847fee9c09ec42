"""What the tests of the question share: moto's DynamoDB over HTTP, and a real pool."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from attrs import frozen
from authflow_question.answers import AnswerStore, MemoryAnswerStore
from authflow_question.dynamodb_answers import DynamoDbAnswerStore

from authflow import AuthConfig
from authflow.plugins import Randomness, Secret
from authflow.testing import PASSWORD, RunningPool, run_pool
from authflow.triggers import CreateContext, KeyRing, VerifyContext

POOL = "eu-central-1_Abc123def"


@pytest.fixture(scope="session")
def keys() -> KeyRing:
    return KeyRing.generate()


@pytest.fixture
def asked(keys: KeyRing) -> Callable[..., CreateContext]:
    """Build what Create is told."""

    def asked(
        username: str = "ada", *, seed: int = 0, state: bytes | None = None, **more: Any
    ) -> CreateContext:
        told = {"user_attributes": {}, "user_not_found": False, "attempt": 1, "attempts": 3}
        return CreateContext(
            username=username,
            user_pool_id=more.pop("user_pool_id", POOL),
            randomness=Randomness.seeded(str(seed).encode()),
            state=None if state is None else Secret(state),
            **{**told, "keys": keys, **more},
        )

    return asked


@pytest.fixture
def answered(keys: KeyRing) -> Callable[..., VerifyContext]:
    """Build what Verify is told."""

    def answered(
        answer: str,
        private: Mapping[str, str],
        username: str = "ada",
        *,
        user_not_found: bool = False,
    ) -> VerifyContext:
        return VerifyContext(
            username=username,
            user_attributes={},
            user_not_found=user_not_found,
            private=private,
            answer=Secret(answer),
            user_pool_id=POOL,
            keys=keys,
        )

    return answered


@pytest.fixture
def aws_environment(monkeypatch: pytest.MonkeyPatch, aws_credentials: None, aws_url: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", aws_url)


@pytest.fixture
async def dynamodb_store(aws_environment: None) -> AsyncIterator[DynamoDbAnswerStore]:
    async with DynamoDbAnswerStore(table=f"t-{uuid4()}") as store:
        await store.create_table()
        yield store


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> AnswerStore:
    if request.param == "memory":
        return MemoryAnswerStore()
    made: AnswerStore = request.getfixturevalue("dynamodb_store")
    return made


@frozen
class LivePool:
    """A pool, and sign-ins by another client than ours."""

    pool: RunningPool

    @property
    def config(self) -> AuthConfig:
        return self.pool.config

    async def begin(self, username: str) -> Any:
        """Begin a custom sign-in without a password."""
        return await self.pool.call(
            "InitiateAuth",
            AuthFlow="CUSTOM_AUTH",
            ClientId=self.config.client_id,
            AuthParameters={"USERNAME": username},
        )

    async def answer(self, username: str, challenged: Any, answer: str) -> Any:
        """Answer a custom challenge."""
        return await self.pool.call(
            "RespondToAuthChallenge",
            ChallengeName="CUSTOM_CHALLENGE",
            ClientId=self.config.client_id,
            Session=challenged["Session"],
            ChallengeResponses={"USERNAME": username, "ANSWER": answer},
        )


@pytest.fixture
def live_pool() -> Callable[..., AbstractAsyncContextManager[LivePool]]:
    """Run a pool with triggers; it hides who exists."""

    @asynccontextmanager
    async def run(triggers: Any, users: tuple[str, ...] = ("ada",)) -> AsyncIterator[LivePool]:
        async with run_pool(triggers=triggers, users=dict.fromkeys(users, PASSWORD)) as pool:
            yield LivePool(pool)

    return run
