"""AWS credentials of an identity pool: from moto over HTTP, and from a server that says anything.

Moto looks at no token and refuses nobody, so what an identity pool is sent and how it refuses is
shown by a server whose answers the test gives.
"""

import asyncio
import base64
import gc
import json
import time
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

import pytest
from aiobotocore.session import AioSession
from aiohttp import web
from attrs import define, field

from authflow import (
    AuthFlow,
    AuthFlowError,
    ConfigError,
    MisuseError,
    Secret,
    ThrottledError,
    TokenError,
    TokenRevokedError,
)
from authflow.aws import AwsCredentials, IdentityPool
from authflow.aws.identity_pool import PAUSE
from authflow.errors import (
    IdentityRefusedError,
    MalformedReplyError,
    PoolNotFoundError,
    PoolSetupError,
    RequestRejectedError,
    ServerFaultError,
    UnreachableError,
)

POOL_ID = "eu-central-1:0a1b2c3d-0000-4000-8000-000000000000"
ISSUER = "cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Abc123def"
NOW = 1_800_000_000.0
GET_ID, GET_CREDENTIALS = "GetId", "GetCredentialsForIdentity"


def token_of(subject: Any = "3f1c", issuer: Any = f"https://{ISSUER}", **claims: Any) -> str:
    """A token that an identity pool would look at; nobody verifies it here."""
    parts = ({"alg": "RS256"}, {"iss": issuer, "sub": subject, **claims})
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join([*texts, "c2lnbmF0dXJl"]).replace("=", "")


@define(eq=False)
class User:
    """A user whose id token the test says."""

    token: Any = field(factory=lambda: Secret(token_of()))

    async def access_token(self) -> Secret[str]:
        raise AssertionError

    async def id_token(self) -> Any:
        if isinstance(self.token, Exception):
            raise self.token
        return self.token


class Impatient(IdentityPool):
    """Tries once, so that no test waits for the pause before a second time."""

    attempts = 1


@define
class Identities:
    """An identity pool that answers as the test says.

    Args:
        script: Answers that come before the usual ones: a code and a text, or a whole reply.
        life: How many seconds credentials last.
        behind: How many seconds this machine's clock is behind the server's.
        dated: What the replies' header `Date` is off by, or says.
        slow: Called before credentials are answered.
    """

    script: list[Any] = field(factory=list)
    life: float = 3600.0
    behind: float = 0.0
    dated: float | str = 0.0
    slow: Callable[[], None] = lambda: None
    now: float = NOW
    endpoint: str = ""
    asked: list[tuple[str, dict[str, Any]]] = field(factory=list)
    headers: list[dict[str, str]] = field(factory=list)

    def time(self) -> float:
        return self.now - self.behind

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.asked]

    async def answer(self, request: web.Request) -> web.Response:
        operation = request.headers["X-Amz-Target"].rpartition(".")[2]
        self.asked.append((operation, await request.json()))
        self.headers.append(dict(request.headers))
        if self.script:
            said = self.script.pop(0)
            if isinstance(said, tuple):
                code, text, status = said
                return web.json_response({"__type": code, "message": text}, status=status)
            if said is not None:
                return web.json_response(said)
        number = self.operations.count(operation)
        if operation == GET_ID:
            return web.json_response({"IdentityId": f"eu-central-1:identity-{number}"})
        self.slow()
        dated = self.dated
        if not isinstance(dated, str):
            dated = formatdate(self.now + dated, usegmt=True)
        return web.json_response(
            headers={"Date": dated},
            data={
                "IdentityId": "eu-central-1:identity",
                "Credentials": {
                    "AccessKeyId": f"ASIA{number}",
                    "SecretKey": "canary-key",
                    "SessionToken": "canary-session",
                    "Expiration": self.now + self.life,
                },
            },
        )

    def pool(self, **settings: Any) -> IdentityPool:
        given = {"identity_pool_id": POOL_ID, "endpoint": self.endpoint, "clock": self.time}
        return Impatient(**given | settings)


@pytest.fixture
async def identities() -> AsyncIterator[Identities]:
    served = Identities()
    app = web.Application()
    app.router.add_post("/", served.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served.endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield served
    await runner.cleanup()


def everything(error: BaseException) -> str:
    """All that a crash reporter shows of our frames."""
    told = [repr(error), str(error)]
    for link in filter(None, (error, error.__cause__, error.__context__)):
        for frame, _ in traceback.walk_tb(link.__traceback__):
            if frame.f_code.co_filename != __file__:
                told.append(repr(frame.f_locals))
    return "\n".join(told)


# Moto, and the embedded user pool


@asynccontextmanager
async def moto_pool(aws_url: str) -> AsyncIterator[str]:
    async with AioSession().create_client(
        "cognito-identity", region_name="eu-central-1", endpoint_url=aws_url
    ) as owner:
        made = await owner.create_identity_pool(
            IdentityPoolName="test", AllowUnauthenticatedIdentities=False
        )
        yield made["IdentityPoolId"]


async def test_a_user_who_signed_in_gets_credentials_and_a_session_that_uses_them(
    live_pool, aws_url, aws_credentials, monkeypatch
):
    async with live_pool() as users, moto_pool(aws_url) as pool_id:
        await users.add_user("ada", "Correct-horse-1")
        config = await users.app_client(flow=AuthFlow.USER_PASSWORD_AUTH)
        async with users.client(config) as auth:
            signed_in = await auth.sign_in("ada", "Correct-horse-1")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
            monkeypatch.delenv(name)  # the machine's own play no part
        ada = User(signed_in.tokens.id_token)
        async with IdentityPool(identity_pool_id=pool_id, endpoint=aws_url) as identities:
            got = await identities.credentials(ada)
            assert got.identity_id  # moto gives it a region of its own
            assert got.access_key_id == "TESTACCESSKEY12345"
            assert (got.secret_access_key, got.session_token) == (
                Secret("ABCSECRETKEY"),
                Secret("ABC12345"),
            )
            assert got.expires_at.tzinfo is UTC
            assert 60 < (got.expires_at - datetime.now(UTC)).total_seconds() < 100
            session = identities.session(ada)
            own = await session.get_credentials()
            frozen = await own.get_frozen_credentials()
            assert frozen[:3] == ("TESTACCESSKEY12345", "ABCSECRETKEY", "ABC12345")
            async with session.create_client(
                "sts", region_name="eu-central-1", endpoint_url=aws_url
            ) as sts:
                assert "Arn" in await sts.get_caller_identity()


# What is sent


async def test_the_enhanced_flow_names_the_user_pool_by_its_issuer_and_is_not_signed(
    identities, aws_credentials
):
    ada = User()
    async with identities.pool() as pool:
        got = await pool.credentials(ada)
    logins = {ISSUER: ada.token.reveal()}
    assert identities.asked == [
        (GET_ID, {"IdentityPoolId": POOL_ID, "Logins": logins}),
        (GET_CREDENTIALS, {"IdentityId": "eu-central-1:identity-1", "Logins": logins}),
    ]
    assert not any("Authorization" in headers for headers in identities.headers)
    assert got.identity_id == "eu-central-1:identity-1"
    assert got.reveal() == {
        "aws_access_key_id": "ASIA1",
        "aws_secret_access_key": "canary-key",
        "aws_session_token": "canary-session",
    }
    assert got.expires_at == datetime.fromtimestamp(NOW + 3600, UTC)
    assert "canary" not in repr(got) + repr(pool)


@pytest.mark.parametrize(
    ("issuer", "named", "provider"),
    [
        (None, f"https://{ISSUER}", ISSUER),
        (None, "http://127.0.0.1:9229/eu-central-1_A", "127.0.0.1:9229/eu-central-1_A"),
        (None, "no scheme", "no scheme"),
        (ISSUER, "https://elsewhere.example", ISSUER),
        (f"https://{ISSUER}", None, ISSUER),
    ],
)
async def test_the_login_provider_is_the_issuer_without_its_scheme(
    identities, issuer, named, provider
):
    async with identities.pool(issuer=issuer) as pool:
        await pool.credentials(User(Secret(token_of(issuer=named))))
    assert [[*asked["Logins"]] for _, asked in identities.asked] == [[provider], [provider]]


# What is kept


async def test_credentials_are_kept_and_replaced_ahead_of_their_end(identities):
    ada = User()
    async with identities.pool(ahead=300) as pool:
        first = await pool.credentials(ada)
        identities.now += 3600 - 301
        assert await pool.credentials(ada) is first
        identities.now += 2
        second = await pool.credentials(ada)
        assert second.access_key_id == "ASIA2"
    assert identities.operations == [GET_ID, GET_CREDENTIALS, GET_CREDENTIALS]


async def test_short_credentials_are_used_for_half_of_their_life(identities):
    identities.life = 90
    ada = User()
    async with identities.pool(ahead=300) as pool:
        first = await pool.credentials(ada)
        identities.now += 44
        assert await pool.credentials(ada) is first
        identities.now += 2
        assert await pool.credentials(ada) is not first


async def test_all_who_ask_at_once_wait_for_one_answer(identities):
    ada = User()
    async with identities.pool() as pool:
        got = await asyncio.gather(*(pool.credentials(ada) for _ in range(20)))
    assert len({id(each) for each in got}) == 1
    assert identities.operations == [GET_ID, GET_CREDENTIALS]


async def test_two_users_have_their_own_and_a_user_who_is_gone_is_forgotten(identities):
    ada, grace = User(), User(Secret(token_of("grace")))
    async with identities.pool() as pool:
        assert await pool.credentials(ada) is not await pool.credentials(grace)
        assert identities.operations.count(GET_ID) == 2
        assert len(pool._users) == 2
        del ada
        gc.collect()
        assert len(pool._users) == 1


async def test_an_object_that_becomes_another_user_gets_none_of_the_formers_credentials(identities):
    someone = User()
    async with identities.pool() as pool:
        first = await pool.credentials(someone)
        someone.token = Secret(token_of(token_use="id"))  # refreshed: the same user
        assert await pool.credentials(someone) is first
        for other in (token_of("other"), token_of(issuer="https://other.example")):
            someone.token = Secret(other)
            assert await pool.credentials(someone) is not first
    assert identities.operations == [GET_ID, GET_CREDENTIALS] * 3


async def test_a_user_who_is_signed_out_gets_no_more_credentials(identities):
    ada = User()
    async with identities.pool() as pool:
        await pool.credentials(ada)
        ada.token = TokenRevokedError("signed out")
        with pytest.raises(TokenRevokedError):
            await pool.credentials(ada)


async def test_while_the_identity_pool_fails_the_kept_ones_serve_to_their_end(identities):
    ada = User()
    async with identities.pool() as pool:
        first = await pool.credentials(ada)
        identities.now += 3500
        for code, status in (("TooManyRequestsException", 400), ("ExternalServiceException", 400)):
            identities.script = [(code, "", status)]
            assert await pool.credentials(ada) is first
        identities.now += 101
        identities.script = [("TooManyRequestsException", "", 400)]
        with pytest.raises(ThrottledError):
            await pool.credentials(ada)


async def test_a_refusal_is_told_although_the_kept_ones_are_good(identities):
    ada = User()
    async with identities.pool() as pool:
        await pool.credentials(ada)
        identities.now += 3500
        identities.script = [("NotAuthorizedException", "Token expired", 400)]
        with pytest.raises(IdentityRefusedError):
            await pool.credentials(ada)


async def test_an_identity_that_was_deleted_is_made_anew_once(identities):
    ada, gone = User(), ("ResourceNotFoundException", "Identity is not found.", 400)
    async with identities.pool() as pool:
        await pool.credentials(ada)
        identities.now += 3500
        identities.script = [gone]
        got = await pool.credentials(ada)
        assert got.identity_id == "eu-central-1:identity-2"
        identities.now += 3500
        identities.script = [gone, None, gone]
        with pytest.raises(PoolNotFoundError):
            await pool.credentials(ada)


async def test_one_who_is_cancelled_does_not_hold_the_others_up(identities):
    ada = User()
    async with identities.pool() as pool:
        first = asyncio.create_task(pool.credentials(ada))
        second = asyncio.create_task(pool.credentials(ada))
        while not identities.asked:
            await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert (await second).access_key_id


# Sessions


async def test_a_session_signs_with_new_credentials_when_the_old_ones_end(identities):
    identities.now = datetime.now(UTC).timestamp()
    identities.life = 1000
    ada = User()
    async with identities.pool(ahead=300) as pool:
        own = await pool.session(ada).get_credentials()
        assert (await own.get_frozen_credentials()).access_key == "ASIA1"
        assert (await own.get_frozen_credentials()).access_key == "ASIA1"
        identities.now += 701  # the pool's clock; the SDK's stands still, so it is told to look
        own._advisory_refresh_timeout = own._mandatory_refresh_timeout = 2000
        identities.life = 5000
        assert (await own.get_frozen_credentials()).access_key == "ASIA2"


async def test_a_session_takes_no_other_credentials_of_this_machine(identities, aws_credentials):
    identities.script = [("NotAuthorizedException", "no", 400)]
    async with identities.pool() as pool:
        with pytest.raises(IdentityRefusedError):
            await pool.session(User()).get_credentials()


# Refusals


REFUSALS: list[tuple[str, str, int, type[AuthFlowError]]] = [
    ("NotAuthorizedException", "Invalid login token. Token expired", 400, IdentityRefusedError),
    ("NotAuthorizedException", "Access to Identity is forbidden", 400, IdentityRefusedError),
    ("ResourceConflictException", "Logins don't match", 400, IdentityRefusedError),
    ("ResourceNotFoundException", "IdentityPool not found.", 400, PoolNotFoundError),
    ("InvalidIdentityPoolConfigurationException", "Role missing", 400, PoolSetupError),
    ("InvalidParameterException", "Please provide a valid", 400, RequestRejectedError),
    ("TooManyRequestsException", "Rate exceeded", 400, ThrottledError),
    ("ThrottlingException", "Rate exceeded", 400, ThrottledError),
    ("LimitExceededException", "Too many", 400, ThrottledError),
    ("InternalErrorException", "", 500, ServerFaultError),
    ("ExternalServiceException", "Dependency failed", 400, ServerFaultError),
    ("SomethingNew", "words", 400, RequestRejectedError),
    ("SomethingNew", "words", 503, ServerFaultError),
]


async def test_a_refusal_is_an_error_of_its_kind(identities):
    ada = User()
    async with identities.pool() as pool:
        for code, text, status, kind in REFUSALS:
            identities.script = [(code, text, status)]
            with pytest.raises(kind) as refused:
                await pool.credentials(ada)
            assert type(refused.value) is kind
            assert refused.value.aws_code == code
            assert text in str(refused.value)
            assert (refused.value.retry_after is not None) is (kind is ThrottledError)
            assert "canary" not in everything(refused.value)


@pytest.mark.parametrize("repeat", [lambda token: token, lambda token: f"bad {token[40:60]}"])
async def test_no_part_of_the_token_is_repeated_by_an_error(identities, repeat: Callable[..., str]):
    token = token_of(name="canary")
    said = repeat(token)
    identities.script = [("NotAuthorizedException", said, 400)]
    async with identities.pool() as pool:
        with pytest.raises(IdentityRefusedError) as refused:
            await pool.credentials(User(Secret(token)))
    shown = everything(refused.value)
    assert said not in shown
    assert token not in shown


async def test_a_reply_without_an_identity_is_malformed(identities):
    ada = User()
    async with identities.pool() as pool:
        for reply in ([], {}, {"IdentityId": ""}, {"IdentityId": 5}, {"Credentials": {}}):
            identities.script = [reply]
            with pytest.raises(MalformedReplyError):
                await pool.credentials(ada)
    assert GET_CREDENTIALS not in identities.operations


GOOD = {"AccessKeyId": "A", "SecretKey": "K", "SessionToken": "T", "Expiration": NOW + 60}


ODD: list[Any] = [
    *(None, [], {}, "x"),
    *({name: value for name, value in GOOD.items() if name != left} for left in GOOD),
    *({**GOOD, name: ""} for name in ("AccessKeyId", "SecretKey", "SessionToken")),
    *({**GOOD, "Expiration": odd} for odd in ("soon", [], True, 1e30, NOW - 1, 0, "NaN")),
    {**GOOD, "SecretKey": 5},
]


async def test_a_reply_without_whole_credentials_is_malformed(identities):
    async with identities.pool() as pool:
        for credentials in ODD:
            ada = User()
            identities.script = [None, {"Credentials": credentials}]
            with pytest.raises(MalformedReplyError):
                await pool.credentials(ada)
            identities.script.clear()
            assert (await pool.credentials(ada)).access_key_id  # nothing of it was kept


async def test_a_server_that_cannot_be_reached_is_told_so(identities):
    async with identities.pool(endpoint="http://127.0.0.1:1") as pool:
        with pytest.raises(UnreachableError) as failed:
            await pool.credentials(User())
    assert token_of() not in everything(failed.value)


# What is given


async def test_a_token_that_names_nobody_is_sent_nowhere(identities):
    odd = [
        *("canary", "a.b.c", token_of(subject=""), token_of(subject=5), token_of(issuer="")),
        *(token_of(issuer=5), token_of(issuer="x" * 200), token_of(subject=None)),
    ]
    async with identities.pool() as pool:
        for token in odd:
            with pytest.raises(TokenError, match="no issuer or no subject"):
                await pool.credentials(User(Secret(token)))
    assert identities.asked == []


@pytest.mark.parametrize("user", [None, "canary", 5, User])
async def test_a_user_who_gives_no_tokens_is_misuse(identities, user: Any):
    async with identities.pool() as pool:
        with pytest.raises(MisuseError, match="user must have"):
            await pool.credentials(user)
        with pytest.raises(MisuseError, match="user must have"):
            pool.session(user)


async def test_a_user_who_cannot_be_kept_is_misuse(identities):
    class Slotted:
        __slots__ = ()
        access_token = User.access_token
        id_token = User.id_token

    async with identities.pool() as pool:
        with pytest.raises(MisuseError, match="weak"):
            await pool.credentials(Slotted())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "settings",
    [
        *({"identity_pool_id": odd} for odd in ("", None, 5, "eu-central-1", "eu_1:x", "a:b c")),
        {"identity_pool_id": "eu-central-1:" + "0" * 60},
        *({"issuer": odd} for odd in ("", 5, "x" * 129, "https://", "\ud800")),
        *({"ahead": odd} for odd in (-1, float("inf"), float("nan"), None, "5", True)),
        {"endpoint": "http://identity.example"},
        *({"client": object(), "region": "x"}, {"client": object(), "endpoint": "https://x"}),
    ],
)
def test_a_setting_that_is_malformed_is_refused(settings: dict[str, Any]):
    with pytest.raises(ConfigError):
        IdentityPool(**{"identity_pool_id": POOL_ID, **settings})


def test_the_region_is_the_identity_pools_unless_another_one_is_given():
    assert IdentityPool(identity_pool_id=POOL_ID).region == "eu-central-1"
    assert IdentityPool(identity_pool_id=POOL_ID, region="us-east-1").region == "us-east-1"
    assert IdentityPool(identity_pool_id=POOL_ID, client=object()).region is None


def test_credentials_are_a_value_that_shows_no_secret():
    made = AwsCredentials(
        identity_id="i",
        access_key_id="A",
        secret_access_key=Secret("canary"),
        session_token=Secret("canary"),
        expires_at=datetime.now(UTC),
    )
    assert "canary" not in f"{made!r}{made}"


class Hung:
    """A client of the service whose answers come when the test says."""

    def __init__(self) -> None:
        self.asked, self.now = 0, NOW
        self.answer: asyncio.Future[dict[str, Any]] | None = None

    async def get_id(self, **_: Any) -> dict[str, Any]:
        return {"IdentityId": "eu-central-1:identity"}

    async def get_credentials_for_identity(self, **_: Any) -> dict[str, Any]:
        self.asked += 1
        if self.answer is not None:
            return await self.answer
        return self.reply()

    def reply(self) -> dict[str, Any]:
        given = {"AccessKeyId": f"A{self.asked}", "SecretKey": "B", "SessionToken": "C"}
        return {
            "Credentials": {**given, "Expiration": datetime.fromtimestamp(self.now + 3600, UTC)}
        }

    def pool(self) -> IdentityPool:
        return IdentityPool(identity_pool_id=POOL_ID, client=self, clock=lambda: self.now)


async def test_while_one_renews_the_others_are_served_what_is_good():
    hung, user = Hung(), User()
    async with hung.pool() as pool:
        await pool.credentials(user)
        hung.now += 3400
        hung.answer = asyncio.get_running_loop().create_future()
        first = asyncio.create_task(pool.credentials(user))
        while hung.asked < 2:
            await asyncio.sleep(0)
        for _ in range(20):
            assert (await pool.credentials(user)).access_key_id == "A1"
        assert not first.done()
        hung.answer.set_result(hung.reply())
        assert (await first).access_key_id == "A2"
        assert (await pool.credentials(user)).access_key_id == "A2"
        assert hung.asked == 2


async def test_a_failure_while_the_kept_ones_are_good_is_not_tried_again_by_every_call():
    hung, user = Hung(), User()
    async with hung.pool() as pool:
        await pool.credentials(user)
        hung.now += 3400
        hung.answer = asyncio.get_running_loop().create_future()
        hung.answer.set_exception(OSError())
        got = await asyncio.gather(*(pool.credentials(user) for _ in range(50)))
        got += [await pool.credentials(user) for _ in range(50)]
        assert {each.access_key_id for each in got} == {"A1"}
        assert hung.asked == 2
        hung.now += 16
        hung.answer = None
        assert (await pool.credentials(user)).access_key_id == "A3"


async def test_all_who_wait_have_the_one_failure():
    hung, user = Hung(), User()
    async with hung.pool() as pool:
        hung.answer = asyncio.get_running_loop().create_future()
        calls = [asyncio.create_task(pool.credentials(user)) for _ in range(20)]
        while not hung.asked:
            await asyncio.sleep(0)
        hung.answer.set_exception(OSError())
        errors = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(error) for error in errors} == {UnreachableError}
        assert len({id(error) for error in errors}) == 20
        assert hung.asked == 1
        hung.answer = None
        assert (await pool.credentials(user)).access_key_id == "A2"


async def test_whoever_is_cancelled_leaves_the_request_to_the_others_and_the_last_one_ends_it():
    hung, user = Hung(), User()
    async with hung.pool() as pool:
        for survivors in (1, 0):
            hung.asked, hung.answer = 0, asyncio.get_running_loop().create_future()
            calls = [asyncio.create_task(pool.credentials(user)) for _ in range(3)]
            while not hung.asked:
                await asyncio.sleep(0)
            for call in calls[survivors:]:
                call.cancel()
            await asyncio.wait(calls[survivors:])
            for _ in range(5):
                await asyncio.sleep(0)
            assert hung.answer.cancelled() == (not survivors)
            if survivors:
                hung.answer.set_result(hung.reply())
                assert (await calls[0]).access_key_id == "A1"
                hung.now += 3600


async def test_who_waits_when_the_client_is_closed_is_told():
    hung, user = Hung(), User()
    async with hung.pool() as pool:
        hung.answer = asyncio.get_running_loop().create_future()
        call = asyncio.create_task(pool.credentials(user))
        while not hung.asked:
            await asyncio.sleep(0)
        await pool.aclose()
        with pytest.raises(UnreachableError, match="closed"):
            await call
        assert hung.answer.cancelled()


class Handled(User):
    """A user with a handle, as `SignedInUser` has one."""

    def __init__(self, handle: str, **claims: Any) -> None:
        super().__init__(Secret(token_of(**claims)))
        self.handle = Secret(handle)


async def test_a_user_who_is_found_anew_for_each_request_keeps_credentials_by_the_handle(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("authflow.aws.identity_pool.MOST_KEPT", 3)
    hung = Hung()
    async with hung.pool() as pool:
        for _ in range(3):
            assert (await pool.credentials(Handled("one"))).access_key_id == "A1"
        # The same subject under another handle, or another subject under the same one.
        assert (await pool.credentials(Handled("two"))).access_key_id == "A2"
        assert (await pool.credentials(Handled("one", subject="eve"))).access_key_id == "A3"
        assert (await pool.credentials(Handled("one"))).access_key_id == "A4"
        for number in range(10):
            await pool.credentials(Handled(f"more {number}"))
        assert len(pool._users) == len(pool._handles) == 3


@pytest.mark.parametrize("back", [60.0, 3500.0, 7200.0, 86_400.0])
@pytest.mark.parametrize("when", [0.0, 100.0, 3000.0])
async def test_a_clock_that_is_set_back_serves_no_credentials_that_have_ended(
    identities, back: float, when: float
):
    elapsed, ada = [0.0], User()
    async with identities.pool(ticks=lambda: 5 + elapsed[0], ahead=300) as pool:
        own = await pool.session(ada).get_credentials()
        assert (await pool.credentials(ada)).access_key_id == "ASIA1"
        elapsed[0], identities.now = when, NOW + when
        assert (await pool.credentials(ada)).access_key_id == "ASIA1"
        identities.now -= back
        elapsed[0] = 3299.0
        assert (await pool.credentials(ada)).access_key_id == "ASIA1"
        assert (await own.get_frozen_credentials()).access_key == "ASIA1"
        elapsed[0] = 3301.0
        assert (await own.get_frozen_credentials()).access_key == "ASIA2"
        assert (await pool.credentials(ada)).access_key_id == "ASIA2"


async def test_credentials_that_ended_by_the_clock_that_is_never_set_are_not_good_in_an_outage(
    identities,
):
    elapsed, ada = [0.0], User()
    async with identities.pool(ticks=lambda: elapsed[0]) as pool:
        await pool.credentials(ada)
        identities.now -= 7200
        identities.script = [("InternalErrorException", "x", 500)] * 3
        elapsed[0] = 3599.0
        assert (await pool.credentials(ada)).access_key_id == "ASIA1"
        identities.now -= 5  # the pause after the failure does not grow by it
        elapsed[0] += PAUSE + 0.1
        with pytest.raises(ServerFaultError):
            await pool.credentials(ada)


async def test_a_reply_by_which_credentials_never_end_is_not_believed(identities):
    identities.life, elapsed, ada = 1e7, [0.0], User()
    async with identities.pool(ticks=lambda: elapsed[0]) as pool:
        await pool.credentials(ada)
        elapsed[0] = 43_201.0
        assert (await pool.credentials(ada)).access_key_id == "ASIA2"


@pytest.mark.parametrize(
    ("behind", "life"), [(-600.0, 900.0), (60.0, 43_200.0), (3600.0, 3600.0), (1e9, 900.0)]
)
async def test_a_clock_that_is_behind_when_they_come_serves_no_credentials_that_have_ended(
    identities, behind: float, life: float
):
    identities.life, identities.behind = life, behind
    elapsed, ada = [0.0], User()
    async with identities.pool(ticks=lambda: 5 + elapsed[0], ahead=1e-9) as pool:
        own = await pool.session(ada).get_credentials()
        for gone, number in ((0.0, 1), (life - 601, 1), (life + 0.1, 2)):
            identities.now, elapsed[0] = NOW + gone, gone
            for _ in range(2):
                assert (await pool.credentials(ada)).access_key_id == f"ASIA{number}"
            assert (await own.get_frozen_credentials()).access_key == f"ASIA{number}"


NO_DATES = [
    *("", " ", "x", ",", "(", "0", "1 1 1 1", "x" * 5000),
    *("Fri, 32 Foo 2027 08:00:00 GMT", "Fri, 01 Jan 2027 99:00:00 GMT"),
    f"Fri, 01 Jan {'9' * 20} 08:00:00 GMT",
    f"Fri, {'9' * 20} Jan 2027 08:00:00 GMT",
    f"Fri, 01 Jan 2027 {'9' * 20}:00:00 GMT",
    f"Fri, 01 Jan 2027 08:00:00 +{'9' * 14}",
    "Fri, 01 Jan 2027 08:00:00 +2400",
    "Mon, 01 Jan 0001 00:00:00 +2359",
    "Fri, \uff101 Jan 2027 08:00:00 GMT",
]


async def test_where_the_date_of_a_reply_tells_nothing_the_clock_counts(identities):
    elapsed = [0.0]
    async with identities.pool(ticks=lambda: elapsed[0], ahead=1e-9) as pool:
        for dated in (*NO_DATES, -7200.0):
            identities.dated, identities.behind, ada = dated, 0.0, User()
            first = await pool.credentials(ada)
            elapsed[0] += 3599.0
            identities.behind = 7200.0  # it was set back since
            assert await pool.credentials(ada) is first
            elapsed[0] += 1.1
            assert await pool.credentials(ada) is not first


async def test_a_date_without_a_zone_is_read_as_utc(identities, monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        identities.behind, elapsed, ada = 7200.0, [0.0], User()
        identities.dated = formatdate(NOW, usegmt=True).replace("GMT", "-0000")
        async with identities.pool(ticks=lambda: elapsed[0], ahead=1e-9) as pool:
            await pool.credentials(ada)
            elapsed[0] = 3600.1
            assert (await pool.credentials(ada)).access_key_id == "ASIA2"
    finally:
        monkeypatch.undo()
        time.tzset()


async def test_the_time_that_a_slow_reply_took_is_no_part_of_their_life(identities):
    elapsed, ada = [0.0], User()

    def slow() -> None:
        elapsed[0] += 50

    async with identities.pool(ticks=lambda: elapsed[0], ahead=1e-9) as pool:
        identities.slow = slow
        await pool.credentials(ada)
        identities.behind, elapsed[0] = 7200.0, 3599.0
        assert (await pool.credentials(ada)).access_key_id == "ASIA1"
        elapsed[0] = 3600.1
        assert (await pool.credentials(ada)).access_key_id == "ASIA2"


NO_TIMES = [
    *("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "NaN", "inf", "soon", ""),
    *(1e300, -1e300, 1e15, 10**30, -1, 0, True, None, [], {}),
]


async def test_an_end_of_credentials_that_is_no_time_is_malformed(identities):
    members = {"AccessKeyId": "A", "SecretKey": "k", "SessionToken": "s"}
    async with identities.pool() as pool:
        for ends in NO_TIMES:
            identities.script = [
                {"IdentityId": "eu-central-1:i"},
                {"IdentityId": "eu-central-1:i", "Credentials": {**members, "Expiration": ends}},
            ]
            with pytest.raises(MalformedReplyError):
                await pool.credentials(User())
