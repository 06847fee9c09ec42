"""Remembered devices, end to end: our client at our pool, over real HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pyotp
import pytest
from attrs import evolve

from authflow import (
    AuthClient,
    AuthFlow,
    BadCredentialsError,
    ChallengeRequired,
    Device,
    Secret,
    SignedIn,
    TokenRevokedError,
    UnconfirmedDevice,
)
from authflow.client import ScriptedPrompt
from authflow.errors import DeviceRefusedError, DeviceRequiredError
from authflow.keys import KeyRing
from authflow.stores import MemoryStore
from authflow.testing import MovableClock
from authflow.triggers import Triggers, challenge, password, sequence

PASSWORD = "Correct-horse-1"
FLOWS = [AuthFlow.USER_SRP_AUTH, AuthFlow.USER_PASSWORD_AUTH]
REMEMBERS = {"DeviceOnlyRememberedOnUserPrompt": False, "ChallengeRequiredOnNewDevice": True}
NOBODYS = "us-east-1_00000000-0000-4000-8000-000000000000"
ASKS = {**REMEMBERS, "DeviceOnlyRememberedOnUserPrompt": True}


class Machine:
    """A pool that remembers devices, and clients of one machine that share a store."""

    def __init__(self, pool: Any, clock: MovableClock) -> None:
        self.pool, self.clock = pool, clock
        self.exchanges: list[Any] = []
        self.shared = {"keys": KeyRing.generate(), "store": MemoryStore()}

    def client(self, when: Any = "always", config: Any = None, **given: Any) -> AuthClient:
        given = {**self.shared, **given}
        return AuthClient(
            config or self.pool.config,
            clock=self.clock.utc,
            observer=self.exchanges.append,
            remember_device=when,
            **given,
        )

    def answered(self) -> list[str]:
        """The challenges that were answered since it was last asked."""
        names = [
            str(each.sent.get("ChallengeName") or each.operation)
            for each in self.exchanges
            if each.error is None
        ]
        self.exchanges.clear()
        return names

    async def forget(self, username: str, key: str) -> None:
        await self.pool.call(
            "AdminForgetDevice",
            UserPoolId=self.pool.user_pool_id,
            Username=username,
            DeviceKey=key,
        )


@pytest.fixture
def machine(live_pool):
    @asynccontextmanager
    async def made(config: Any = REMEMBERS, **given: Any) -> AsyncIterator[Machine]:
        clock = MovableClock()
        pool = {"DeviceConfiguration": config, **given.pop("pool", {})}
        users = {"ada": PASSWORD, "bob": PASSWORD}
        async with live_pool(pool=pool, users=users, clock=clock, **given) as running:
            yield Machine(running, clock)

    return made


async def signed_in(auth: AuthClient, name: str = "ada", **given: Any) -> SignedIn:
    result = await auth.sign_in(name, PASSWORD, **given)
    assert isinstance(result, SignedIn)
    return result


@pytest.mark.parametrize("flow", FLOWS)
async def test_a_device_is_confirmed_once_and_proves_itself_from_then_on(machine, flow):
    async with machine() as here:
        async with here.client() as auth:
            first = await signed_in(auth, flow=flow)
            assert isinstance(first.tokens.device, Device)
            here.answered()
            second = await signed_in(auth, flow=flow)
        assert here.answered()[-2:] == ["DEVICE_SRP_AUTH", "DEVICE_PASSWORD_VERIFIER"]
        assert second.tokens.device == first.tokens.device
        async with here.client() as another_process:
            again = await signed_in(another_process, flow=flow)
            listed = await another_process.devices(again.tokens.access_token)
        assert [each.key for each in listed] == [first.tokens.device.key]
        assert listed[0].remembered is True


async def test_tokens_are_refreshed_from_their_device_alone(machine):
    async with machine() as here, here.client() as auth, here.client(store=None) as elsewhere:
        first = await signed_in(auth)
        token = first.tokens.refresh_token
        await auth.refresh(token)
        with pytest.raises(TokenRevokedError):
            await elsewhere.refresh(token)
        stranger = Device(key=NOBODYS, group_key="-x")
        with pytest.raises(TokenRevokedError):
            await elsewhere.refresh(token, device=stranger)
        renewed = await elsewhere.refresh(token, device=first.tokens.device)
        assert renewed.device == first.tokens.device


async def test_a_client_that_remembers_nothing_can_refresh_and_prove_nothing(machine):
    async with machine() as here:
        async with AuthClient(here.pool.config, clock=here.clock.utc) as auth:
            first = await signed_in(auth)
            await auth.refresh(first.tokens.refresh_token)
            assert first.tokens.device.password is None
            second = await signed_in(auth)
        assert second.tokens.device.key != first.tokens.device.key


async def test_a_kept_user_is_refreshed_in_any_process(machine):
    async with machine() as here:
        async with here.client("never") as auth:
            user = await auth.keep(await signed_in(auth))
            handle = user.handle
        here.clock.advance(3600)
        async with here.client("never") as other:
            again = await other.kept(handle)
            old = await again.tokens()
            here.clock.advance(3600)
            new = await again.tokens()
        assert new.access_token != old.access_token
        assert new.device == old.device


async def test_a_device_that_an_administrator_forgot_is_replaced_without_the_person(machine):
    async with machine() as here, here.client() as auth:
        before = (await signed_in(auth)).tokens.device
        for flow in FLOWS:
            await here.forget("ada", before.key)
            after = (await signed_in(auth, flow=flow)).tokens.device
            assert isinstance(after, Device)
            assert after.key != before.key
            before = after
        assert (await signed_in(auth)).tokens.device == before


async def test_a_device_that_is_forgotten_between_its_answers_costs_no_sign_in(machine):
    async with machine() as here, here.client() as auth:
        first = await signed_in(auth)
        key = first.tokens.device.key
        prove = auth._proof.prove

        async def forgotten(*args: Any, **given: Any) -> Any:
            if given.get("name"):
                await here.forget("ada", key)
            return await prove(*args, **given)

        auth._proof = Proving(prove=forgotten, proof=auth._proof)
        second = await signed_in(auth)
        assert second.tokens.device.key != key


class Proving:
    """A proof that somebody comes in between."""

    def __init__(self, *, prove: Any, proof: Any) -> None:
        self.prove, self.begin, self.new_device = prove, proof.begin, proof.new_device


async def test_another_password_for_the_device_is_no_proof(machine):
    async with machine() as here, here.client() as auth:
        first = await signed_in(auth)
        wrong = evolve(first.tokens.device, password=Secret("wrong"))
        result = await signed_in(auth, device=wrong)  # begun anew without it
        assert result.tokens.device.key != wrong.key


async def test_a_wrong_password_is_a_wrong_password_with_a_device_too(machine):
    async with machine() as here, here.client() as auth:
        first = await signed_in(auth)
        for flow in FLOWS:
            with pytest.raises(BadCredentialsError):
                await auth.sign_in("ada", "Wrong-horse-1", flow=flow)
        assert (await signed_in(auth)).tokens.device == first.tokens.device


async def test_two_aliases_and_the_username_are_one_device(machine):
    pool = {"AliasAttributes": ["email", "phone_number"]}
    async with machine(pool=pool) as here, here.client() as auth:
        attributes = {
            "email": "c@example.org",
            "email_verified": "true",
            "phone_number": "+4915112345",
            "phone_number_verified": "true",
        }
        await here.pool.add_user("carol", PASSWORD, attributes=attributes)
        devices = [
            (await signed_in(auth, name)).tokens.device
            for name in ("c@example.org", "+4915112345", "carol", "+4915112345")
        ]
        assert len(set(devices)) == 1


async def test_two_users_of_one_machine_have_their_own(machine):
    async with machine() as here, here.client() as auth:
        first = [(await signed_in(auth, name)).tokens.device for name in ("ada", "bob")]
        here.answered()
        again = [(await signed_in(auth, name)).tokens.device for name in ("ada", "bob")]
        assert first == again
        assert here.answered().count("DEVICE_PASSWORD_VERIFIER") == 2
        # The other one's device is refused by the pool, and the sign-in goes on without it.
        mixed = await signed_in(auth, "bob", device=first[0])
        assert mixed.tokens.device.key not in {each.key for each in first}


async def test_many_sign_ins_at_once_are_all_good_and_leave_one_device(machine):
    async with machine() as here, here.client() as auth:
        results: list[SignedIn] = []

        async def one() -> None:
            results.append(await signed_in(auth))

        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(one)
        for result in results:
            await auth.refresh(result.tokens.refresh_token)
        kept = (await signed_in(auth)).tokens.device
        assert kept in {result.tokens.device for result in results}
        assert (await signed_in(auth)).tokens.device == kept


@pytest.mark.parametrize("says", ["yes", "no", None])
async def test_where_the_pool_asks_its_user_the_person_decides(machine, says):
    async with machine(ASKS) as here, here.client("ask") as auth:
        prompt = None if says is None else ScriptedPrompt([says])
        result = await signed_in(auth, prompt=prompt)
        token = result.tokens.access_token
        listed = await auth.devices(token)
        if says is None:
            assert isinstance(result.tokens.device, UnconfirmedDevice)
            assert listed == ()
            result = await auth.remember_device(result, name="a PC")
            listed = await auth.devices(token)
            assert listed[0].name == "a PC"
        assert [each.remembered for each in listed] == [says != "no"]
        assert await auth.device(token, result.tokens.device) == listed[0]
        await auth.refresh(result.tokens.refresh_token)
        again = await signed_in(auth)
        assert (again.tokens.device == result.tokens.device) is (says != "no")


async def test_a_user_forgets_a_device(machine):
    async with machine() as here, here.client() as auth, here.client() as other:
        first = await signed_in(auth)
        token, key = first.tokens.access_token, first.tokens.device.key
        await auth.set_device_status(token, key, remembered=False)
        assert (await auth.device(token, key)).remembered is False
        with pytest.raises(DeviceRefusedError):
            await auth.device(token, NOBODYS)
        await auth.forget_device(token)
        with pytest.raises(TokenRevokedError):
            await auth.refresh(first.tokens.refresh_token)
        here.answered()
        again = await signed_in(other)
        assert "DEVICE_SRP_AUTH" not in here.answered()
        assert again.tokens.device.key != key


async def test_after_custom_challenges_another_process_proves_the_device(machine, word):
    triggers = Triggers(policy=sequence(password(), challenge("word")), challenges=[word])
    async with machine(triggers=triggers) as here:
        given = {"flow": AuthFlow.CUSTOM_AUTH}
        async with here.client() as auth:
            pending = await auth.sign_in("ada", PASSWORD, **given)
            first = await auth.answer(pending, "open sesame")
            assert isinstance(first.tokens.device, Device)
            pending = await auth.sign_in("ada", PASSWORD, **given)
            ticket = await auth.seal(pending)
        async with here.client() as other:
            second = await other.answer(await other.resume(ticket), "open sesame")
            assert isinstance(second, SignedIn)
            assert second.tokens.device == first.tokens.device
            pending = await other.sign_in("ada", PASSWORD, **given)
            ticket = await other.seal(pending)
        async with here.client("never", store=None) as stranger:
            with pytest.raises(DeviceRequiredError):
                await stranger.answer(await stranger.resume(ticket), "open sesame")


async def test_a_device_forgotten_while_a_person_thinks_is_left_out_of_the_same_answer(
    machine, word
):
    triggers = Triggers(policy=sequence(password(), challenge("word")), challenges=[word])
    config = {**REMEMBERS, "ChallengeRequiredOnNewDevice": False}
    async with machine(config, triggers=triggers) as here, here.client() as auth:
        pending = await auth.sign_in("ada", PASSWORD, flow=AuthFlow.CUSTOM_AUTH)
        first = await auth.answer(pending, "open sesame")
        pending = await auth.sign_in("ada", PASSWORD, flow=AuthFlow.CUSTOM_AUTH)
        assert isinstance(pending, ChallengeRequired)
        await here.forget("ada", first.tokens.device.key)
        second = await auth.answer(pending, "open sesame")
        assert second.tokens.device.key != first.tokens.device.key


class Authenticator:
    """Ada's authenticator app, which shows a new code each time it is looked at."""

    def __init__(self, here: Machine) -> None:
        self.here, self.key = here, ""

    def code(self) -> str:
        self.here.clock.advance(60)
        return pyotp.TOTP(self.key).at(self.here.clock.utc())

    async def sign_in(self, auth: AuthClient, name: str = "ada", **given: Any) -> SignedIn:
        """Sign in, and answer what is asked of a person."""
        result = await auth.sign_in(name, PASSWORD, **given)
        while isinstance(result, ChallengeRequired):
            new = result.challenge.new_authenticator
            if new is not None:
                self.key = new.key.reveal()
            chooses = result.challenge.name == "MFA_SETUP" and new is None
            result = await auth.answer(
                result, "SOFTWARE_TOKEN_MFA" if chooses else self.code(), device=given.get("device")
            )
        return result


async def demand_codes(here: Machine) -> Authenticator:
    await here.pool.call(
        "SetUserPoolMfaConfig",
        UserPoolId=here.pool.user_pool_id,
        MfaConfiguration="ON",
        SoftwareTokenMfaConfiguration={"Enabled": True},
    )
    return Authenticator(here)


async def test_a_remembered_device_stands_in_for_the_code_of_an_app(machine):
    flow = AuthFlow.USER_PASSWORD_AUTH
    async with machine() as here, here.client() as auth:
        app = await demand_codes(here)
        first = await app.sign_in(auth, flow=flow)
        here.answered()
        second = await signed_in(auth, flow=flow)  # nobody is asked
        assert second.tokens.device == first.tokens.device
        assert "SOFTWARE_TOKEN_MFA" not in here.answered()
        # Who has the password, and not the device, is asked.
        async with here.client("never", store=None) as stranger:
            asked = await stranger.sign_in("ada", PASSWORD, flow=flow)
            assert asked.challenge.name == "SOFTWARE_TOKEN_MFA"
        await here.forget("ada", first.tokens.device.key)
        asked = await auth.sign_in("ada", PASSWORD, flow=flow)
        assert asked.challenge.name == "SOFTWARE_TOKEN_MFA"
        third = await auth.answer(asked, app.code())
        assert third.tokens.device.key != first.tokens.device.key


async def test_a_client_that_remembers_nothing_spares_nobody_the_code(machine):
    async with machine() as here, here.client("never") as auth:
        app = await demand_codes(here)
        await app.sign_in(auth)
        asked = await auth.sign_in("ada", PASSWORD)
        assert asked.challenge.name == "SOFTWARE_TOKEN_MFA"


async def test_where_a_code_is_asked_all_the_same_the_device_is_proved_after_it(machine):
    config = {**REMEMBERS, "ChallengeRequiredOnNewDevice": False}
    async with machine(config) as here, here.client() as auth, here.client() as other:
        app = await demand_codes(here)
        first = await app.sign_in(auth)
        for answerer in (auth, other):
            asked = await auth.sign_in("ada", PASSWORD)
            assert asked.challenge.name == "SOFTWARE_TOKEN_MFA"
            if answerer is other:
                asked = await other.resume(await auth.seal(asked))
            here.answered()
            second = await answerer.answer(asked, app.code())
            assert here.answered() == [
                *("SOFTWARE_TOKEN_MFA", "DEVICE_SRP_AUTH", "DEVICE_PASSWORD_VERIFIER")
            ]
            assert second.tokens.device == first.tokens.device


async def test_a_device_that_is_kept_by_its_user_is_proved_where_it_is_given(machine):
    async with machine() as here, here.client("ask") as auth, here.client("never") as service:
        app = await demand_codes(here)
        pending = await app.sign_in(auth)
        mine = (await auth.remember_device(pending)).tokens.device
        kept = Device(key=mine.key, group_key=mine.group_key, password=mine.password.reveal())
        result = await signed_in(service, device=kept)
        assert result.tokens.device == kept
        asked = await service.sign_in("ada", PASSWORD)
        assert asked.challenge.name == "SOFTWARE_TOKEN_MFA"


@pytest.mark.parametrize("with_store", [True, False], ids=["store", "no store"])
async def test_a_service_is_handed_its_users_devices_and_another_browser_is_asked_for_the_code(
    machine, with_store
):
    given = {} if with_store else {"store": None, "keys": None}
    async with machine(ASKS) as here, here.client("caller", **given) as service:
        app = await demand_codes(here)
        first = await app.sign_in(service)
        first = await service.remember_device(first)  # the person said yes
        mine = first.tokens.device
        for flow in FLOWS:
            asked = await service.sign_in("ada", PASSWORD, flow=flow)  # another browser
            assert asked.challenge.name == "SOFTWARE_TOKEN_MFA"
            bobs = await service.sign_in("bob", PASSWORD, flow=flow, device=mine)
            assert isinstance(bobs, ChallengeRequired)
            again = await signed_in(service, flow=flow, device=mine)
            assert again.tokens.device == mine
        async with here.client() as machine_of_a_person:  # on the same store
            asked = await machine_of_a_person.sign_in("ada", PASSWORD)
            assert asked.challenge.name == "SOFTWARE_TOKEN_MFA"


async def test_a_service_whose_person_says_no_has_no_device_that_spares_the_code(machine):
    async with machine(ASKS) as here, here.client("caller") as service:
        app = await demand_codes(here)
        first = await app.sign_in(service)
        await service.refresh(first.tokens.refresh_token)
        mine = first.tokens.device
        asked = await service.sign_in("ada", PASSWORD, device=mine)
        assert asked.challenge.name == "SOFTWARE_TOKEN_MFA"
        no = await service.remember_device(first, keep=False)
        assert no.tokens.device == evolve(mine, password=None)


@pytest.mark.parametrize("flow", FLOWS)
async def test_a_device_outlives_what_the_pool_says_of_it_to_another_user(machine, flow):
    pool = {"AliasAttributes": ["email"]}
    async with machine(pool=pool) as here, here.client() as auth, here.client("never") as other:
        address = {"email": "x@example.org", "email_verified": "true"}
        await here.pool.add_user("carol", PASSWORD, attributes=address)
        mine = (await signed_in(auth, "x@example.org")).tokens.device
        for each in (auth, other):
            assert (await signed_in(each, "bob", device=mine, flow=flow)).tokens.device != mine
        await here.pool.call(
            "AdminCreateUser",
            UserPoolId=here.pool.user_pool_id,
            Username="dave",
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": name, "Value": value} for name, value in address.items()],
            ForceAliasCreation=True,
        )
        await here.pool.call(
            "AdminSetUserPassword",
            UserPoolId=here.pool.user_pool_id,
            Username="dave",
            Password=PASSWORD,
            Permanent=True,
        )
        moved = await signed_in(auth, "x@example.org", flow=flow)
        assert moved.username == "dave"
        assert (await signed_in(auth, "carol", flow=flow)).tokens.device == mine
        again = await signed_in(auth, "x@example.org", flow=flow)
        assert again.tokens.device == moved.tokens.device


@pytest.mark.parametrize("flow", FLOWS)
async def test_every_spelling_leads_to_one_device_from_its_second_sign_in_on(machine, flow):
    pool = {"UsernameConfiguration": {"CaseSensitive": False}}
    async with machine(pool=pool) as here, here.client() as auth:
        first = [await signed_in(auth, name, flow=flow) for name in ("ada", "ADA", "Ada")]
        mine = first[0].tokens.device
        for name in ("ada", "ADA", "Ada"):
            assert (await signed_in(auth, name, flow=flow)).tokens.device == mine
        for each in first:
            await auth.refresh(each.tokens.refresh_token)
        by_password = flow is AuthFlow.USER_PASSWORD_AUTH
        listed = await auth.devices(first[0].tokens.access_token)
        assert len(listed) == (3 if by_password else 1)
        await here.forget("ada", mine.key)  # then a new one takes its place
        new = (await signed_in(auth, "ADA", flow=flow)).tokens.device
        assert new.key != mine.key
        assert (await signed_in(auth, "ADA", flow=flow)).tokens.device == new
