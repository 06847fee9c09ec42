"""AuthClient against a real pool over real HTTP: every flow, to its good and its bad end."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from attrs import evolve

from authflow import AuthClient, AuthConfig, AuthFlow, ChallengeRequired, Secret, SignedIn
from authflow.client import ScriptedPrompt, TokenVerifier
from authflow.errors import (
    AnswerNotSupportedError,
    BadCredentialsError,
    FlowNotEnabledError,
    LockedOutError,
    MisuseError,
    NewPasswordRejectedError,
    PasswordRequiredError,
    PoolNotFoundError,
    SecretHashMismatchError,
    SessionSpentError,
    TemporaryPasswordExpiredError,
    TokenRevokedError,
    TriggerFailedError,
    UnexpectedReplyError,
    WrongTokenError,
)
from authflow.triggers import Triggers, challenge, password, sequence

PASSWORD = "Correct-horse-1"


class WordClient:
    """Asks the person for the word."""

    name = "word"

    async def answer(self, challenge: Any, prompt: Any) -> str:
        return await prompt.ask(challenge.parameters["hint"])


@pytest.fixture
def after_password(word):
    return Triggers(policy=sequence(password(), challenge("word", attempts=3)), challenges=[word])


@pytest.fixture
def without_password(word):
    return Triggers(policy=sequence(challenge("word", attempts=3)), challenges=[word])


@pytest.mark.both_loops
@pytest.mark.parametrize("secret", [False, True], ids=["public", "with secret"])
@pytest.mark.parametrize("flow", [AuthFlow.USER_SRP_AUTH, AuthFlow.USER_PASSWORD_AUTH])
async def test_the_right_password_signs_in_and_a_wrong_one_is_refused(live_pool, flow, secret):
    async with live_pool() as pool:
        await pool.add_user()
        config = await pool.app_client(secret=secret)
        async with AuthClient(config) as auth:
            signed_in = await auth.sign_in("ada", PASSWORD, flow=flow)
            assert isinstance(signed_in, SignedIn)
            assert (signed_in.username, signed_in.flow) == ("ada", flow)
            claims = await TokenVerifier(config=config).claims(signed_in.tokens.id_token, "id")
            assert claims.username == "ada"
            with pytest.raises(BadCredentialsError):
                await auth.sign_in("ada", PASSWORD + "?", flow=flow)
            with pytest.raises(BadCredentialsError):
                await auth.sign_in("nobody", PASSWORD, flow=flow)


@pytest.mark.both_loops
@pytest.mark.parametrize("secret", [False, True], ids=["public", "with secret"])
async def test_custom_auth_with_a_password_proves_it_first_and_then_asks(
    live_pool, after_password, secret
):
    async with live_pool(triggers=after_password) as pool:
        await pool.add_user()
        config = await pool.app_client(secret=secret, flow=AuthFlow.CUSTOM_AUTH)
        async with AuthClient(config) as auth:
            with pytest.raises(BadCredentialsError):
                await auth.sign_in("ada", "Wrong-horse-1")
            pending = await auth.sign_in("ada", PASSWORD)
            assert isinstance(pending, ChallengeRequired)
            assert pending.challenge.kind == "word"
            assert isinstance(await auth.answer(pending, "open sesame"), SignedIn)


@pytest.mark.both_loops
async def test_a_wrong_answer_is_a_new_challenge_that_knows_it_is_a_retry(
    live_pool, without_password
):
    async with live_pool(triggers=without_password) as pool:
        await pool.add_user()
        async with AuthClient(await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)) as auth:
            first = await auth.sign_in("ada")
            assert isinstance(first, ChallengeRequired)
            assert (first.challenge.attempt, first.challenge.is_retry) == (1, False)
            second = await auth.answer(first, "wrong")
            assert isinstance(second, ChallengeRequired)
            assert (second.challenge.attempt, second.challenge.is_retry) == (2, True)
            assert second.challenge.attempts == 3
            assert isinstance(await auth.answer(second, "open sesame"), SignedIn)


async def test_the_last_wrong_answer_is_refused(live_pool, without_password):
    async with live_pool(triggers=without_password) as pool:
        await pool.add_user()
        async with AuthClient(await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)) as auth:
            pending = await auth.sign_in("ada")
            for _ in range(2):
                pending = await auth.answer(pending, "wrong")
            with pytest.raises(BadCredentialsError):
                await auth.answer(pending, "wrong")


async def test_custom_auth_without_a_password_is_refused_where_the_policy_wants_one(
    live_pool, after_password
):
    async with live_pool(triggers=after_password) as pool:
        await pool.add_user()
        async with AuthClient(await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)) as auth:
            with pytest.raises(BadCredentialsError):
                await auth.sign_in("ada")


async def test_a_pending_value_takes_one_answer(live_pool, without_password):
    async with live_pool(triggers=without_password) as pool:
        await pool.add_user()
        async with AuthClient(await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)) as auth:
            pending = await auth.sign_in("ada")
            assert isinstance(await auth.answer(pending, "open sesame"), SignedIn)
            with pytest.raises(SessionSpentError):
                await auth.answer(pending, "open sesame")


async def test_of_two_answers_to_one_value_at_a_time_exactly_one_wins(live_pool, without_password):
    async with live_pool(triggers=without_password) as pool:
        await pool.add_user()
        async with AuthClient(await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)) as auth:
            pending = await auth.sign_in("ada")
            outcomes = await asyncio.gather(
                *(auth.answer(pending, "open sesame") for _ in range(10)), return_exceptions=True
            )
    assert sum(isinstance(outcome, SignedIn) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, SessionSpentError) for outcome in outcomes) == 9


@pytest.mark.both_loops
async def test_a_client_challenge_answers_by_itself_when_there_is_a_prompt(
    live_pool, without_password
):
    async with live_pool(triggers=without_password) as pool:
        await pool.add_user()
        config = await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)
        async with AuthClient(config, challenges=[WordClient]) as auth:
            prompt = ScriptedPrompt(["wrong", "open sesame"])
            assert isinstance(await auth.sign_in("ada", prompt=prompt), SignedIn)
            assert isinstance(await auth.sign_in("ada"), ChallengeRequired)


async def test_answer_goes_on_with_the_prompt(live_pool, without_password):
    async with live_pool(triggers=without_password) as pool:
        await pool.add_user()
        config = await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)
        async with AuthClient(config, challenges=[WordClient]) as auth:
            pending = await auth.sign_in("ada")
            prompt = ScriptedPrompt(["open sesame"])
            assert isinstance(await auth.answer(pending, "wrong", prompt=prompt), SignedIn)


@pytest.mark.parametrize("flow", [AuthFlow.USER_SRP_AUTH, AuthFlow.USER_PASSWORD_AUTH])
@pytest.mark.parametrize("secret", [False, True], ids=["public", "with secret"])
async def test_an_alias_signs_in_and_the_canonical_name_is_used_from_then_on(
    live_pool, flow, secret
):
    async with live_pool(pool={"UsernameAttributes": ["email"]}) as pool:
        await pool.add_user("ada@example.com")
        config = await pool.app_client(secret=secret, flow=flow)
        async with AuthClient(config) as auth:
            signed_in = await auth.sign_in("ada@example.com", PASSWORD)
            assert isinstance(signed_in, SignedIn)
            claims = await TokenVerifier(config=config).claims(signed_in.tokens.id_token, "id")
            assert claims.username != "ada@example.com"
            if flow is AuthFlow.USER_SRP_AUTH:
                assert signed_in.username == claims.username


@pytest.mark.parametrize("flow", [AuthFlow.USER_SRP_AUTH, AuthFlow.USER_PASSWORD_AUTH])
async def test_a_temporary_password_must_be_changed_before_there_are_tokens(live_pool, flow):
    async with live_pool() as pool:
        await pool.call(
            "AdminCreateUser",
            UserPoolId=pool.user_pool_id,
            Username="ada",
            TemporaryPassword="Temporary-1",
        )
        async with AuthClient(await pool.app_client(flow=flow)) as auth:
            pending = await auth.sign_in("ada", "Temporary-1")
            assert isinstance(pending, ChallengeRequired)
            assert pending.challenge.name == "NEW_PASSWORD_REQUIRED"
            with pytest.raises(NewPasswordRejectedError):
                await auth.answer(pending, "weak")
            pending = await auth.sign_in("ada", "Temporary-1")
            assert isinstance(await auth.answer(pending, PASSWORD), SignedIn)
            assert isinstance(await auth.sign_in("ada", PASSWORD), SignedIn)
            with pytest.raises(BadCredentialsError):
                await auth.sign_in("ada", "Temporary-1")


async def test_what_the_pool_refuses_has_its_class_and_says_what_to_do(live_pool, clock):
    async with live_pool(clock=clock) as pool:
        await pool.add_user()
        await pool.call(
            "AdminCreateUser",
            UserPoolId=pool.user_pool_id,
            Username="bob",
            TemporaryPassword="Temporary-1",
        )
        flow = AuthFlow.USER_PASSWORD_AUTH
        config = await pool.app_client(flow=flow, members={"PreventUserExistenceErrors": "LEGACY"})
        async with AuthClient(config, clock=lambda: datetime.fromtimestamp(clock(), UTC)) as auth:
            tokens = (await auth.sign_in("ada", PASSWORD)).tokens
            with pytest.raises(WrongTokenError):
                await auth.revoke(tokens.access_token)
            with pytest.raises(BadCredentialsError) as unknown:
                await auth.sign_in("nobody", PASSWORD)
            for _ in range(5):
                with pytest.raises(BadCredentialsError) as wrong:
                    await auth.sign_in("ada", "password")
            assert repr(unknown.value) == repr(wrong.value)
            assert vars(unknown.value) == vars(wrong.value)
            with pytest.raises(LockedOutError) as locked:
                await auth.sign_in("ada", "x")
            assert (locked.value.next_step, locked.value.retry_after) == ("wait", 900)
            clock.now += locked.value.retry_after
            assert isinstance(await auth.sign_in("ada", PASSWORD), SignedIn)
            clock.now += 8 * 86400
            with pytest.raises(TemporaryPasswordExpiredError):
                await auth.sign_in("bob", "Temporary-1")
        async with AuthClient(evolve(config, client_id="nobodys")) as auth:
            with pytest.raises(PoolNotFoundError):
                await auth.sign_in("ada", PASSWORD)


async def test_tokens_are_refreshed_revoked_and_signed_out(live_pool):
    async with live_pool() as pool:
        await pool.add_user()
        config = await pool.app_client(secret=True)
        async with AuthClient(config) as auth:
            first = (await auth.sign_in("ada", PASSWORD)).tokens
            second = await auth.refresh(first.refresh_token)
            assert second.access_token != first.access_token
            assert second.refresh_token == first.refresh_token
            await auth.revoke(first.refresh_token)
            with pytest.raises(TokenRevokedError):
                await auth.refresh(first.refresh_token)
            third = (await auth.sign_in("ada", PASSWORD)).tokens
            await auth.sign_out(third.access_token)
            with pytest.raises(TokenRevokedError):
                await auth.refresh(third.refresh_token)
            with pytest.raises(TokenRevokedError):
                await auth.sign_out(third.access_token)


async def test_a_rotated_refresh_token_is_replaced(live_pool):
    async with live_pool() as pool:
        await pool.add_user()
        rotation = {"RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 0}}
        flows = ["ALLOW_USER_SRP_AUTH"]
        config = await pool.app_client(members=rotation, flows=flows)
        async with AuthClient(config) as auth:
            first = (await auth.sign_in("ada", PASSWORD)).tokens
            second = await auth.refresh(first.refresh_token)
            assert second.refresh_token != first.refresh_token
            with pytest.raises(TokenRevokedError):
                await auth.refresh(first.refresh_token)


@pytest.mark.parametrize("flow", [AuthFlow.USER_SRP_AUTH, AuthFlow.USER_PASSWORD_AUTH])
async def test_a_flow_without_its_password_is_refused_before_anything_is_sent(live_pool, flow):
    config = AuthConfig(user_pool_id="eu-central-1_A", client_id="1", flow=flow)
    async with AuthClient(config) as auth:
        with pytest.raises(PasswordRequiredError, match=flow):
            await auth.sign_in("ada")


@pytest.mark.parametrize("flow", list(AuthFlow))
async def test_a_flow_that_the_app_client_does_not_allow_is_named_so(live_pool, flow):
    async with live_pool() as pool:
        await pool.add_user()
        others = [f"ALLOW_{other}" for other in AuthFlow if other is not flow]
        async with AuthClient(await pool.app_client(flows=others, flow=flow)) as auth:
            with pytest.raises(FlowNotEnabledError):
                await auth.sign_in("ada", PASSWORD)


@pytest.mark.parametrize("secret", [None, "another-secret"])
async def test_a_missing_or_wrong_client_secret_is_named_so(live_pool, secret):
    async with live_pool() as pool:
        await pool.add_user()
        good = await pool.app_client(secret=True)
        bad = AuthConfig(
            user_pool_id=good.user_pool_id,
            client_id=good.client_id,
            client_secret=secret,
            endpoint=good.endpoint,
        )
        async with AuthClient(bad) as auth:
            with pytest.raises(SecretHashMismatchError):
                await auth.sign_in("ada", PASSWORD)


async def test_a_hundred_users_sign_in_side_by_side_on_one_client(live_pool):
    async with live_pool() as pool:
        names = [f"user-{number}" for number in range(10)]
        for name in names:
            await pool.add_user(name)
        async with AuthClient(await pool.app_client()) as auth:
            results = await asyncio.gather(*(auth.sign_in(n, PASSWORD) for n in names * 10))
    assert [result.username for result in results] == names * 10


async def test_client_metadata_goes_with_every_request_of_its_call(live_pool, word):
    seen = []

    class Watching:
        def __init__(self, triggers: Triggers) -> None:
            self.triggers = triggers
            self.sources = triggers.sources

        async def handle(self, event):
            seen.append((event["triggerSource"], event["request"].get("clientMetadata")))
            return await self.triggers.handle(event)

    policy = Triggers(policy=sequence(password(), challenge("word")), challenges=[word])
    async with live_pool(triggers=Watching(policy)) as pool:
        await pool.add_user()
        async with AuthClient(await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)) as auth:
            pending = await auth.sign_in("ada", PASSWORD, client_metadata={"call": "1"})
            await auth.answer(pending, "open sesame", client_metadata={"call": "2"})
    defines = [metadata for source, metadata in seen if source.startswith("Define")]
    assert [bool(defines[0]), *defines[1:]] == [False, {"call": "1"}, {"call": "2"}]
    assert ("VerifyAuthChallengeResponse_Authentication", {"call": "2"}) in seen


async def test_a_challenge_that_no_text_answers_says_so(scripted_pending):
    async with AuthClient(AuthConfig(user_pool_id="eu-central-1_A", client_id="1")) as auth:
        with pytest.raises(AnswerNotSupportedError, match="DEVICE_SRP_AUTH"):
            await auth.answer(scripted_pending("DEVICE_SRP_AUTH"), "text")
        with pytest.raises(AnswerNotSupportedError, match="attributes"):
            await auth.answer(scripted_pending("SMS_MFA"), "1", attributes={"name": "Ada"})


@pytest.fixture
def scripted_pending():
    import time

    from authflow.machine import State
    from authflow.results import Challenge
    from authflow.sign_in import SignIn

    def pending(name: str) -> ChallengeRequired:
        sign_in = SignIn(
            flow=AuthFlow.USER_SRP_AUTH,
            state=State(name),
            username="ada",
            canonical_username="ada",
            session=Secret("s" * 20),
            expires_at=time.time() + 60,
        )
        return ChallengeRequired(challenge=Challenge(name=name), sign_in=sign_in)

    return pending


async def test_a_client_that_is_not_open_says_how_to_open_it():
    auth = AuthClient(AuthConfig(user_pool_id="eu-central-1_A", client_id="1"))
    with pytest.raises(MisuseError, match="async with"):
        await auth.sign_in("ada", PASSWORD)
    async with auth:
        with pytest.raises(MisuseError, match="open already"):
            await auth.__aenter__()
    with pytest.raises(MisuseError, match="async with"):
        await auth.sign_in("ada", PASSWORD)


async def test_a_client_can_be_opened_again_after_it_was_closed(live_pool):
    async with live_pool() as pool:
        await pool.add_user()
        auth = AuthClient(await pool.app_client())
        for _ in range(2):
            async with auth:
                assert isinstance(await auth.sign_in("ada", PASSWORD), SignedIn)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda auth, _: auth.sign_in("", PASSWORD), "username"),
        (lambda auth, _: auth.sign_in(None, PASSWORD), "username"),
        (lambda auth, _: auth.sign_in("ada\ud800", PASSWORD), "username"),
        (lambda auth, _: auth.sign_in("ada", b"bytes"), "password"),
        (lambda auth, _: auth.sign_in("ada", Secret(5)), "password"),
        (lambda auth, _: auth.sign_in("ada", "canary\udfff"), "password"),
        (lambda auth, _: auth.sign_in("ada", PASSWORD, flow="USER_MAGIC_AUTH"), "flow"),
        (lambda auth, pending: auth.answer(pending("SMS_MFA"), 123456), "answer"),
        (lambda auth, pending: auth.answer(pending("SMS_MFA"), "canary\ud800"), "answer"),
    ],
)
async def test_a_call_that_makes_no_sense_is_refused_before_anything_is_sent(
    scripted_pending, call, reason
):
    async with AuthClient(AuthConfig(user_pool_id="eu-central-1_A", client_id="1")) as auth:
        with pytest.raises(MisuseError, match=reason) as refused:
            await call(auth, scripted_pending)
    assert "canary" not in str(refused.value)
    assert refused.value.__context__ is None


async def test_the_observer_sees_every_exchange_without_secrets(live_pool, without_password):
    exchanges = []
    async with live_pool(triggers=without_password) as pool:
        await pool.add_user()
        config = await pool.app_client(secret=True)
        async with AuthClient(config, observer=exchanges.append) as auth:
            signed_in = await auth.sign_in("ada", PASSWORD)
            await auth.refresh(signed_in.tokens.refresh_token)
            await auth.sign_in("ada", PASSWORD, flow=AuthFlow.USER_PASSWORD_AUTH)
            pending = await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
            await auth.answer(pending, "open sesame")
            with pytest.raises(BadCredentialsError):
                await auth.sign_in("ada", "Wrong-horse-1")
    shown = json.dumps([[e.operation, e.sent, e.received, str(e.error)] for e in exchanges])
    assert [e.operation for e in exchanges] == [
        *("InitiateAuth", "RespondToAuthChallenge", "GetTokensFromRefreshToken", "InitiateAuth"),
        *("InitiateAuth", "RespondToAuthChallenge", "InitiateAuth", "RespondToAuthChallenge"),
    ]
    assert isinstance(exchanges[-1].error, BadCredentialsError)
    tokens = signed_in.tokens
    for secret in (
        *(PASSWORD, "open sesame", "Wrong-horse-1", config.client_secret.reveal()),
        *(tokens.access_token.reveal(), tokens.id_token.reveal(), tokens.refresh_token.reveal()),
        pending.sign_in.session.reveal(),
    ):
        assert secret not in shown


@pytest.mark.both_loops
async def test_the_loop_stays_responsive_while_passwords_are_proved(live_pool):
    """Not a timing: while one proof is computed, other tasks get many turns."""
    async with live_pool() as pool:
        await pool.add_user()
        async with AuthClient(await pool.app_client()) as auth:
            turns = 0

            async def count() -> None:
                nonlocal turns
                while True:
                    turns += 1
                    await anyio.sleep(0)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(count)
                await auth.sign_in("ada", PASSWORD)
                tasks.cancel_scope.cancel()
    assert turns > 20


async def test_a_challenge_whose_name_is_what_was_sent_is_not_named(scripted):
    reply = {"ChallengeName": "hunter2-secret", "Session": "s" * 20, "ChallengeParameters": {}}
    async with scripted.serve(reply) as server, AuthClient(server.config()) as auth:
        with pytest.raises(UnexpectedReplyError, match=r"challenged with \*\*\*") as refused:
            await auth.sign_in("ada", "hunter2-secret", flow=AuthFlow.USER_PASSWORD_AUTH)
    assert "hunter2" not in str(refused.value)


class _Twice:
    """Gives another answer each time."""

    name = "word"

    def __init__(self) -> None:
        self.answers = iter(["zebra-otter-77", "gnu-lion-78", "emu-crow-79"])

    async def answer(self, challenge: Any, prompt: Any) -> Any:
        return next(self.answers)


@pytest.mark.parametrize("echo", ["zebra-otter-77", "gnu-lion-78"])
async def test_what_an_earlier_request_of_the_call_held_is_told_by_no_refusal(scripted, echo):
    asks = {
        "ChallengeName": "CUSTOM_CHALLENGE",
        "Session": "s" * 20,
        "ChallengeParameters": {"challenge": "word"},
    }
    no = scripted.error("UserLambdaValidationException", f"Verify said {echo} is wrong.")
    async with (
        scripted.serve(asks, asks, asks, no) as server,
        AuthClient(server.config(), challenges=[_Twice]) as auth,
    ):
        with pytest.raises(TriggerFailedError) as refused:
            await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=ScriptedPrompt([]))
    assert str(refused.value) == "a trigger refused"


async def test_an_option_that_is_no_factor_of_cognitos_is_not_named(scripted):
    asks = {
        "ChallengeName": "SELECT_MFA_TYPE",
        "Session": "s" * 20,
        "ChallengeParameters": {"MFAS_CAN_CHOOSE": '["hunter2-secret", "SMS_MFA"]'},
    }
    async with scripted.serve(asks) as server, AuthClient(server.config()) as auth:
        pending = await auth.sign_in("ada", "hunter2-secret", flow=AuthFlow.USER_PASSWORD_AUTH)
        with pytest.raises(MisuseError, match=r"answer one of \*\*\*, SMS_MFA"):
            await auth.answer(pending, "x")


async def test_what_is_verified_and_is_no_tokens_stands_in_no_frame(scripted, everything_told):
    async with scripted.serve() as server, AuthClient(server.config()) as auth:
        with pytest.raises(MisuseError) as refused:
            await auth.verify("canary-token")
    assert "canary" not in everything_told(refused.value)
