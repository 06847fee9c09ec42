"""What the tests of the question share: moto's DynamoDB over HTTP, and a real pool."""

import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from aiobotocore.session import get_session
from attrs import frozen
from authflow_question.answers import AnswerStore, MemoryAnswerStore
from authflow_question.dynamodb_answers import DynamoDbAnswerStore
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from authflow import AuthConfig
from authflow.plugins import Randomness, Secret
from authflow.pool import PoolServer
from authflow.triggers import CreateContext, Issued, KeyRing, VerifyContext

PASSWORD = "Correct-horse-1"
POOL = "eu-central-1_Abc123def"
SESSION = get_session()
"""One for all tests: each reads the service's model anew."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


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


@pytest.fixture(scope="session")
def dynamodb_url() -> Iterator[str]:
    app = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def aws_environment(monkeypatch: pytest.MonkeyPatch, dynamodb_url: str) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)


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


class Word:
    """A challenge that anybody can answer: what a question goes with."""

    name: ClassVar[str] = "word"
    metadata: ClassVar[str] = "WORD"
    interface: ClassVar[int] = 1

    async def create(self, context: CreateContext) -> Issued:
        return Issued(public={}, private={"word": "sesame"})

    async def verify(self, context: VerifyContext) -> bool:
        return context.answer.reveal() == context.private["word"]


@pytest.fixture
def word() -> type[Word]:
    return Word


@frozen(kw_only=True)
class LivePool:
    """A pool that serves HTTP with ada in it."""

    config: AuthConfig
    owner: Any

    async def begin(self, username: str) -> Any:
        """Begin a custom sign-in without a password, by the SDK."""
        return await self.owner.initiate_auth(
            AuthFlow="CUSTOM_AUTH",
            ClientId=self.config.client_id,
            AuthParameters={"USERNAME": username},
        )

    async def answer(self, username: str, challenged: Any, answer: str) -> Any:
        """Answer a custom challenge, by the SDK."""
        return await self.owner.respond_to_auth_challenge(
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
        async with (
            PoolServer(triggers=triggers) as server,
            SESSION.create_client(
                "cognito-idp",
                region_name="us-east-1",
                endpoint_url=server.endpoint,
                aws_access_key_id="any",
                aws_secret_access_key="any",
            ) as owner,
        ):
            made = await owner.create_user_pool(PoolName="test")
            pool_id = made["UserPool"]["Id"]
            for username in users:
                user = {"UserPoolId": pool_id, "Username": username}
                await owner.admin_create_user(**user, MessageAction="SUPPRESS")
                await owner.admin_set_user_password(**user, Password=PASSWORD, Permanent=True)
            client = await owner.create_user_pool_client(
                UserPoolId=pool_id,
                ClientName="test",
                ExplicitAuthFlows=["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
                PreventUserExistenceErrors="ENABLED",
            )
            config = AuthConfig(
                user_pool_id=pool_id,
                client_id=client["UserPoolClient"]["ClientId"],
                endpoint=server.endpoint,
            )
            yield LivePool(config=config, owner=owner)

    return run
