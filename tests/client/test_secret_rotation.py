"""An app client's secret is replaced while its clients run, and no call fails for it."""

import asyncio
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import anyio
import pytest
from attrs import define, evolve, field

from authflow import AuthClient, AuthConfig, AuthFlow, BadCredentialsError, Secret, SignedIn
from authflow.client import Exchange
from authflow.client.secret_rotation import SecretRotation
from authflow.errors import (
    AuthFlowError,
    ClientSecretsUnavailableError,
    MisuseError,
    SecretHashMismatchError,
)
from authflow.triggers import Triggers, challenge, password, sequence
from testbed.authenticator import code_at
from testbed.virtual_time import run_in_virtual_time

PASSWORD = "Correct-horse-1"
OLD, OTHER = "old0canary0canary0canary0", "other0canary0canary0canary"
TOKENS = {"AuthenticationResult": {"AccessToken": "a", "IdToken": "i", "ExpiresIn": 300}}


@define
class Vault:
    """Knows the secrets; what it says next can be changed."""

    said: list[Any]
    asked: int = 0
    until: asyncio.Event | None = None
    hang: bool = False
    fail: BaseException | None = None

    async def secrets(self) -> Sequence[Any]:
        self.asked += 1
        if self.hang:
            await anyio.sleep_forever()
        if self.until is not None:
            await self.until.wait()
        if self.fail is not None:
            raise self.fail
        return self.said


@define
class Seen:
    """Keeps what a client sent."""

    exchanges: list[Exchange] = field(factory=list)

    def __call__(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def take(self) -> list[tuple[str, bool]]:
        """Each operation since the last call of this, and whether its secret was refused."""
        taken = [
            (each.operation, isinstance(each.error, SecretHashMismatchError))
            for each in self.exchanges
        ]
        self.exchanges.clear()
        return taken


@pytest.mark.parametrize(
    ("place", "as_service"), [(0, False), (1, True)], ids=["good one first", "bad one first"]
)
async def test_of_two_secrets_the_good_one_is_found_once_and_used_for_everything(
    live_pool, word, place: int, as_service: bool
):
    triggers = Triggers(
        policy=sequence(password(), challenge("word", attempts=3)), challenges=[word]
    )
    async with live_pool(triggers=triggers) as pool:
        await pool.add_user("ada", PASSWORD)
        config = await pool.app_client(secret=True, flow=AuthFlow.CUSTOM_AUTH)
        both: list[Any] = [config.client_secret, OLD]
        if place:
            both.reverse()
        seen, vault = Seen(), Vault(both)
        config = evolve(config, client_secret=vault if as_service else both)
        async with AuthClient(config, observer=seen) as auth:
            pending = await auth.sign_in("ada", PASSWORD)
            done = await auth.answer(pending, "open sesame")
            tokens = await auth.refresh(done.tokens.refresh_token)
            await auth.revoke(tokens.refresh_token)
    answer = ("RespondToAuthChallenge", False)
    assert seen.take() == [
        *[("InitiateAuth", True)] * place,
        *[("InitiateAuth", False), answer, answer],
        *[("GetTokensFromRefreshToken", False), ("RevokeToken", False)],
    ]
    assert vault.asked == int(as_service)


async def test_every_call_goes_on_with_the_next_secret(live_pool, word):
    """In the middle of a sign-in, too: what was refused for its secret has used up nothing."""
    triggers = Triggers(policy=sequence(challenge("word", attempts=1)), challenges=[word])
    async with live_pool(triggers=triggers) as pool:
        await pool.add_user("ada", PASSWORD)
        good = await pool.app_client(secret=True, flow=AuthFlow.CUSTOM_AUTH)
        async with AuthClient(good) as auth:
            pending = await auth.sign_in("ada")
            done = await auth.answer(await auth.sign_in("ada"), "open sesame")
        rotated = evolve(good, client_secret=[OLD, good.client_secret])
        token = done.tokens.refresh_token
        calls: list[Callable[[AuthClient], Any]] = [
            lambda auth: auth.sign_in("ada"),
            lambda auth: auth.answer(pending, "open sesame"),
            lambda auth: auth.refresh(token),
            lambda auth: auth.revoke(token),
        ]
        for call in calls:
            seen = Seen()
            async with AuthClient(rotated, observer=seen) as auth:
                await call(auth)
            (first, refused), (second, refused_again) = seen.take()
            assert first == second
            assert (refused, refused_again) == (True, False)


async def test_while_its_secret_is_rotated_a_client_sets_an_authenticator_up(live_pool):
    """Two of the requests for it have no member for a secret, and say of none that it is good."""
    async with live_pool() as pool:
        await pool.call(
            "SetUserPoolMfaConfig",
            UserPoolId=pool.user_pool_id,
            MfaConfiguration="ON",
            SoftwareTokenMfaConfiguration={"Enabled": True},
        )
        config = await pool.app_client(secret=True, flow=AuthFlow.USER_PASSWORD_AUTH)
        good = config.client_secret
        for number, secret in enumerate(([good, OLD], [OLD, good], Vault([good]))):
            name, seen = f"u{number}", Seen()
            await pool.add_user(name, PASSWORD)
            async with AuthClient(evolve(config, client_secret=secret), observer=seen) as auth:
                pending = await auth.sign_in(name, PASSWORD)
                waiting = await auth.answer(pending, "SOFTWARE_TOKEN_MFA")
                key = waiting.challenge.new_authenticator.key.reveal()
                # Another process would have found the other secret to be good.
                auth._secrets._known = auth._secrets._known[::-1]
                code = code_at(key, time.time())
                assert isinstance(await auth.answer(waiting, code), SignedIn)
            assert [each for each, was_refused in seen.take() if not was_refused] == [
                *("InitiateAuth", "AssociateSoftwareToken"),
                *("VerifySoftwareToken", "RespondToAuthChallenge"),
            ]


async def test_what_takes_no_secret_is_sent_once_and_says_of_none_that_it_is_good(scripted):
    asked = {
        "ChallengeName": "MFA_SETUP",
        "Session": "s" * 20,
        "ChallengeParameters": {"MFAS_CAN_SETUP": '["SOFTWARE_TOKEN_MFA"]'},
    }
    wrong = scripted.error("NotAuthorizedException", "Unable to verify secret hash for client 1")
    associated = {"SecretCode": "JBSWY3DPEHPK3PXP", "Session": "t" * 20}
    script = [asked, wrong, scripted.error("TooManyRequestsException"), associated]
    async with scripted.serve(*script) as server:
        config = server.config(client_secret=[OLD, OTHER], flow=AuthFlow.USER_PASSWORD_AUTH)
        async with AuthClient(config) as auth:
            pending = await auth.sign_in("ada", PASSWORD)
            with pytest.raises(SecretHashMismatchError):
                await auth.answer(pending, "SOFTWARE_TOKEN_MFA")
            await auth.answer(pending, "SOFTWARE_TOKEN_MFA")
            assert [each.reveal() for each in auth._secrets._known] == [OLD, OTHER]
    assert [body for _, body in server.requests[1:]] == [{"Session": "s" * 20}] * 3


async def test_a_new_secret_is_fetched_when_cognito_takes_none_that_is_known(live_pool):
    async with live_pool() as pool:
        await pool.add_user("ada", PASSWORD)
        config = await pool.app_client(secret=True, flow=AuthFlow.USER_PASSWORD_AUTH)
        vault, seen = Vault([OLD, OTHER]), Seen()
        async with AuthClient(evolve(config, client_secret=vault), observer=seen) as auth:
            with pytest.raises(SecretHashMismatchError):
                await auth.sign_in("ada", PASSWORD)
            assert seen.take() == [("InitiateAuth", True)] * 2  # each of them once
            assert vault.asked == 2  # at first, and anew
            vault.said = [OTHER, config.client_secret]
            await auth.sign_in("ada", PASSWORD)
            assert seen.take() == [("InitiateAuth", True)] * 2 + [("InitiateAuth", False)]
            assert vault.asked == 3
            with pytest.raises(BadCredentialsError):
                await auth.sign_in("ada", "wrong")
            assert seen.take() == [("InitiateAuth", False)]
            assert vault.asked == 3


async def test_a_refusal_for_another_reason_shows_that_the_secret_is_good(live_pool):
    async with live_pool() as pool:
        await pool.add_user("ada", PASSWORD)
        config = await pool.app_client(secret=True, flow=AuthFlow.USER_PASSWORD_AUTH)
        seen = Seen()
        rotated = evolve(config, client_secret=[OLD, config.client_secret])
        async with AuthClient(rotated, observer=seen) as auth:
            with pytest.raises(BadCredentialsError):
                await auth.sign_in("ada", "wrong")
            assert seen.take() == [("InitiateAuth", True), ("InitiateAuth", False)]
            await auth.sign_in("ada", PASSWORD)
            assert seen.take() == [("InitiateAuth", False)]


async def test_whoever_waits_for_a_new_secret_waits_for_one_and_the_same_answer(scripted):
    wrong = scripted.error("NotAuthorizedException", "Unable to verify secret hash for client 1")
    vault = Vault([OLD])
    async with scripted.serve(*[wrong] * 9, *[TOKENS] * 8) as server:
        config = server.config(client_secret=vault, flow=AuthFlow.USER_PASSWORD_AUTH)
        async with AuthClient(config) as auth:
            with pytest.raises(SecretHashMismatchError):
                await auth.sign_in("ada", PASSWORD)
            vault.said, vault.asked = [OTHER], 0
            vault.until = asyncio.Event()  # so that all have been refused before it answers
            waiting = [asyncio.create_task(auth.sign_in("ada", PASSWORD)) for _ in range(8)]
            while len(server.requests) < 9 or vault.asked == 0:
                await asyncio.sleep(0.001)
            for _ in range(50):
                await asyncio.sleep(0)
            vault.until.set()
            results = await asyncio.gather(*waiting)
    assert len(results) == 8
    assert vault.asked == 1


async def test_one_who_is_cancelled_while_asking_leaves_the_others_their_answer(scripted):
    vault = Vault([OTHER], hang=True)
    async with scripted.serve(TOKENS) as server:
        config = server.config(client_secret=vault, flow=AuthFlow.USER_PASSWORD_AUTH)
        async with AuthClient(config) as auth:
            first = asyncio.create_task(auth.sign_in("ada", PASSWORD))
            second = asyncio.create_task(auth.sign_in("ada", PASSWORD))
            while vault.asked == 0:
                await asyncio.sleep(0)
            vault.hang = False
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            await second
    assert vault.asked == 2
    assert server.operations == ["InitiateAuth"]


async def test_a_firewalls_refusal_says_nothing_of_the_secret(scripted):
    wrong = scripted.error("NotAuthorizedException", "Unable to verify secret hash for client 1")
    stopped = scripted.error("ForbiddenException", "Request not allowed due to WAF block.")
    seen = Seen()
    async with scripted.serve(wrong, stopped, wrong, TOKENS) as server:
        config = server.config(client_secret=[OLD, OTHER], flow=AuthFlow.USER_PASSWORD_AUTH)
        async with AuthClient(config, observer=seen) as auth:
            with pytest.raises(AuthFlowError, match="firewall"):
                await auth.sign_in("ada", PASSWORD)
            await auth.sign_in("ada", PASSWORD)
    hashes = [sent["AuthParameters"]["SECRET_HASH"] for _, sent in server.requests]
    assert hashes[0] == hashes[2]
    assert hashes[1] == hashes[3]


@pytest.mark.parametrize(
    "said",
    [[], None, 5, [None], [b"canary"], ["", "canary"], ["canary"] * 3, "canary\ud800"],
    ids=lambda said: f"{said!r}"[:20],
)
async def test_a_service_that_gives_no_secret_is_told_so_and_nothing_is_sent(scripted, said: Any):
    async with (
        scripted.serve() as server,
        AuthClient(server.config(client_secret=Vault(said))) as auth,
    ):
        with pytest.raises(ClientSecretsUnavailableError, match="gave no client") as failed:
            await auth.sign_in("ada", PASSWORD)
    assert server.requests == []
    assert "canary" not in everything(failed.value)


@pytest.mark.parametrize("error", [ValueError("canary"), MisuseError("canary"), OSError("canary")])
async def test_a_service_that_fails_is_blamed_and_its_text_is_not_told(scripted, error: Exception):
    vault = Vault([OTHER], fail=error)
    async with scripted.serve(TOKENS) as server:
        config = server.config(client_secret=vault, flow=AuthFlow.USER_PASSWORD_AUTH)
        async with AuthClient(config) as auth:
            with pytest.raises(ClientSecretsUnavailableError, match="Vault") as failed:
                await auth.sign_in("ada", PASSWORD)
            assert server.requests == []
            vault.fail = None  # and it is asked again by the next call
            await auth.sign_in("ada", PASSWORD)
    assert "canary" not in everything(failed.value)


async def test_a_service_that_hangs_is_given_up_within_the_requests_time(scripted):
    vault = Vault([OTHER], hang=True)
    async with scripted.serve() as server:
        config = server.config(client_secret=vault, request_timeout=0.01)
        async with AuthClient(config) as auth:
            with pytest.raises(ClientSecretsUnavailableError, match=r"within 0\.01 seconds"):
                await auth.refresh("token")
    assert server.requests == []


@pytest.mark.parametrize("fail", [OSError("canary"), None], ids=["fails", "hangs"])
async def test_all_who_wait_for_a_service_share_its_failure(scripted, fail: Exception | None):
    vault = Vault([OTHER], fail=fail, until=asyncio.Event(), hang=fail is None)
    async with scripted.serve(TOKENS) as server:
        limit = 30.0 if fail else 0.3
        config = server.config(
            client_secret=vault, flow=AuthFlow.USER_PASSWORD_AUTH, request_timeout=limit
        )
        async with AuthClient(config) as auth:
            waiting = [asyncio.create_task(auth.sign_in("ada", PASSWORD)) for _ in range(20)]
            while vault.asked == 0:
                await asyncio.sleep(0)
            for _ in range(50):
                await asyncio.sleep(0)
            vault.until.set()
            with anyio.fail_after(10):  # and not one after another
                failed = await asyncio.gather(*waiting, return_exceptions=True)
            assert {type(each) for each in failed} == {ClientSecretsUnavailableError}
            assert len({id(each) for each in failed}) == 20
            assert vault.asked == 1
            vault.fail, vault.hang = None, False  # whoever comes later asks anew
            await auth.sign_in("ada", PASSWORD)
            assert vault.asked == 2


def rotation(vault: Vault) -> SecretRotation:
    config = AuthConfig(user_pool_id="eu-central-1_A", client_id="1", client_secret=vault)
    return SecretRotation.of(evolve(config, request_timeout=8.0))


def test_nobody_waits_longer_than_a_request_may_take_for_those_who_ask_before():
    async def main():
        vault = Vault([OTHER], hang=True)
        rotated = rotation(vault)
        first = asyncio.create_task(rotated.identity())
        last = asyncio.create_task(rotated.identity())
        await asyncio.sleep(5)
        first.cancel()  # so that the provider is asked anew, with little time left
        with pytest.raises(ClientSecretsUnavailableError, match="within 8 seconds"):
            await last
        assert anyio.current_time() == pytest.approx(8.0)
        assert vault.asked == 2

    run_in_virtual_time(main())


def test_who_has_little_time_left_does_not_wait_for_one_who_has_more():
    async def main():
        rotated = rotation(Vault([OTHER]))
        async with rotated._asking:
            with pytest.raises(ClientSecretsUnavailableError, match="within 8 seconds"):
                await asyncio.create_task(rotated.identity())
            assert anyio.current_time() == pytest.approx(8.0)

    run_in_virtual_time(main())


@pytest.mark.parametrize("late", [False, True])
async def test_a_service_that_was_cancelled_by_nobody_has_failed(scripted, late: bool):
    vault = Vault([OTHER], fail=asyncio.CancelledError("canary"))
    if late:
        vault.until = asyncio.Event()
        asyncio.get_running_loop().call_later(0.01, vault.until.set)
    async with scripted.serve() as server, AuthClient(server.config(client_secret=vault)) as auth:
        with pytest.raises(ClientSecretsUnavailableError, match="CancelledError") as failed:
            await auth.sign_in("ada", PASSWORD)
    assert "canary" not in everything(failed.value)


async def test_a_service_that_blocks_is_refused(scripted):
    class Blocking:
        def secrets(self) -> list[str]:
            return ["canary"]

    async with (
        scripted.serve() as server,
        AuthClient(server.config(client_secret=Blocking())) as auth,
    ):
        with pytest.raises(ClientSecretsUnavailableError, match="async def") as failed:
            await auth.revoke("token")
    assert "canary" not in everything(failed.value)


async def test_nobody_is_asked_by_a_client_that_is_not_open():
    vault = Vault([OTHER])
    config = AuthConfig(user_pool_id="eu-central-1_A", client_id="1", client_secret=vault)
    with pytest.raises(MisuseError, match="open the client first"):
        await AuthClient(config).sign_in("ada", PASSWORD)
    assert vault.asked == 0


async def test_no_secret_is_shown_by_an_error_of_a_rotation(scripted):
    wrong = scripted.error("NotAuthorizedException", "Unable to verify secret hash for client 1")
    async with scripted.serve(wrong, wrong) as server:
        config = server.config(client_secret=[OLD, Secret(OTHER)])
        async with AuthClient(config) as auth:
            with pytest.raises(SecretHashMismatchError) as refused:
                await auth.refresh("a-token-canary")
            assert "canary" not in everything(refused.value) + repr(auth) + repr(config)
    assert [sent["ClientSecret"] for _, sent in server.requests] == [OLD, OTHER]


def everything(error: BaseException) -> str:
    """All that a crash reporter shows of our frames."""
    told = [repr(error), str(error)]
    link: BaseException | None = error
    while link is not None:
        for frame, _ in traceback.walk_tb(link.__traceback__):
            if frame.f_code.co_filename != __file__:
                told.append(repr(frame.f_locals))
        link = link.__cause__ or link.__context__
    return "\n".join(told)
