"""Codes of apps and tokens: the RFCs' vectors, windows, and what is never right twice."""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio
import pyotp
import pytest
from attrs import evolve
from authflow_otp import enrolments
from authflow_otp.authenticator import PERIOD, Hotp, Totp, code_at, place_of
from authflow_otp.enrolments import AuthenticatorEnrolment, Kept, Kind, Owner, SealedSecretStore
from hypothesis import given
from hypothesis import strategies as st

from authflow import AuthFlow, ChallengeRequired, SignedIn
from authflow.errors import ConfigError, PluginFailedError, StateError
from authflow.plugins import TRIGGER_CHALLENGES, Outcome, PluginRegistry, Secret, Verdict
from authflow.prompts import ScriptedPrompt
from authflow.triggers import (
    CreateContext,
    KeyRing,
    MemoryStore,
    Triggers,
    VerifyContext,
    challenge,
)

POOL = "eu-central-1_A"
ENROLMENT = AuthenticatorEnrolment(secret=Secret(b"12345678901234567890"), confirmed=True)
NOW = 1_800_000_000.0
STEP = int(NOW // PERIOD)


def test_all_vectors_of_rfc_4226(load_vectors: Callable[[str], Any]) -> None:
    told = load_vectors("rfc4226_hotp")
    enrolment = AuthenticatorEnrolment(
        secret=Secret(bytes.fromhex(told["secret"])), digits=told["digits"]
    )
    assert len(told["vectors"]) == 10
    for vector in told["vectors"]:
        assert code_at(enrolment, vector["counter"]) == vector["hotp"]


async def test_all_vectors_of_rfc_6238(load_vectors: Callable[[str], Any], keys: KeyRing) -> None:
    told = load_vectors("rfc6238_totp")
    assert len(told["vectors"]) == 18
    assert told["step_seconds"] == PERIOD
    for vector in told["vectors"]:
        enrolment = AuthenticatorEnrolment(
            secret=Secret(bytes.fromhex(vector["secret"])),
            algorithm=vector["algorithm"].replace("-", ""),
            digits=told["digits"],
            confirmed=True,
        )
        assert code_at(enrolment, int(vector["time_step"], 16)) == vector["totp"]
        desk = await Desk.opened(keys, Totp, enrolment=enrolment)
        assert await desk.judges(vector["totp"], now=vector["time"])


class Desk:
    """A challenge and the enrolment of one user."""

    def __init__(self, challenge: Totp | Hotp, store: SealedSecretStore) -> None:
        self.challenge, self.store = challenge, store
        self.owner = Owner(user_pool_id=POOL, username="ada", kind=Kind(challenge.name))

    @classmethod
    async def opened(
        cls,
        keys: KeyRing,
        made_by: type[Totp | Hotp],
        *,
        enrolment: AuthenticatorEnrolment | None = ENROLMENT,
        **settings: Any,
    ) -> "Desk":
        store = SealedSecretStore(entries=MemoryStore(), keys=keys)
        desk = cls(made_by(store=store, **settings), store)
        if enrolment is not None:
            assert await store.replace(desk.owner, enrolment, expected=None)
        return desk

    async def turn(self, *, unknown: bool = False) -> dict[str, str]:
        asked = CreateContext(
            username="ada",
            user_attributes={},
            user_not_found=unknown,
            attempt=1,
            attempts=3,
            user_pool_id=POOL,
        )
        issued = await self.challenge.create(asked)
        assert issued.public == {}
        return dict(issued.private)

    async def verify(
        self,
        answer: str,
        private: dict[str, str],
        *,
        now: float = NOW,
        unknown: bool = False,
        sub: str = "",
    ) -> Outcome:
        return await self.challenge.verify(
            VerifyContext(
                username="ada",
                user_attributes={"sub": sub} if sub else {},
                user_not_found=unknown,
                private=private,
                answer=Secret(answer),
                user_pool_id=POOL,
                now=now,
            )
        )

    async def judges(
        self, answer: str, *, now: float = NOW, unknown: bool = False, sub: str = ""
    ) -> bool:
        outcome = await self.verify(answer, await self.turn(), now=now, unknown=unknown, sub=sub)
        return outcome.verdict is Verdict.PASSED

    async def next_place(self) -> int:
        kept = await self.store.get(self.owner)
        assert kept is not None
        return kept.enrolment.next_place


@pytest.mark.parametrize(
    ("drift", "late", "right"),
    [(1, -2, 0), (1, -1, 1), (1, 0, 1), (1, 1, 1), (1, 2, 0), (0, -1, 0), (0, 0, 1), (0, 1, 0)],
)
async def test_a_step_of_drift_is_allowed_each_way_and_no_more(
    keys: KeyRing, drift: int, late: int, right: bool
) -> None:
    desk = await Desk.opened(keys, Totp, drift=drift)
    assert await desk.judges(code_at(ENROLMENT, STEP + late)) == right


async def test_a_step_that_was_used_is_never_right_again_nor_any_before_it(keys: KeyRing) -> None:
    desk = await Desk.opened(keys, Totp)
    assert await desk.judges(code_at(ENROLMENT, STEP))
    for late in (0, -1):
        assert not await desk.judges(code_at(ENROLMENT, STEP + late))
    assert not await desk.judges(code_at(ENROLMENT, STEP), now=NOW + PERIOD)
    assert await desk.judges(code_at(ENROLMENT, STEP + 1))


@pytest.mark.parametrize("made_by", [Totp, Hotp])
async def test_all_runs_of_verify_for_one_answer_say_the_same(
    keys: KeyRing, made_by: type[Totp | Hotp]
) -> None:
    desk = await Desk.opened(keys, made_by)
    code = code_at(ENROLMENT, STEP if made_by is Totp else 0)
    turn = await desk.turn()
    for _ in range(3):
        assert (await desk.verify(code, turn)).verdict is Verdict.PASSED
    assert (await desk.verify(code, await desk.turn())).verdict is Verdict.RETRY


@pytest.mark.parametrize("made_by", [Totp, Hotp])
async def test_of_many_sign_ins_with_one_code_at_once_one_passes(
    keys: KeyRing, made_by: type[Totp | Hotp]
) -> None:
    desk = await Desk.opened(keys, made_by)
    code = code_at(ENROLMENT, STEP if made_by is Totp else 0)
    passed: list[bool] = []
    together: list[bool] = []

    async def sign_in(turn: dict[str, str], into: list[bool]) -> None:
        into.append((await desk.verify(code, turn)).verdict is Verdict.PASSED)

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(sign_in, await desk.turn(), passed)
    assert passed.count(True) == 1
    one = await desk.turn()
    code = code_at(ENROLMENT, STEP + 1 if made_by is Totp else 1)
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(sign_in, one, together)
    assert together == [True] * 3


async def test_a_token_may_be_a_few_codes_ahead_and_its_counter_only_grows(keys: KeyRing) -> None:
    desk = await Desk.opened(keys, Hotp, look_ahead=5)
    assert not await desk.judges(code_at(ENROLMENT, 6))
    assert await desk.judges(code_at(ENROLMENT, 5))
    assert await desk.next_place() == 6
    for used in range(6):
        assert not await desk.judges(code_at(ENROLMENT, used))
    assert await desk.judges(code_at(ENROLMENT, 6))
    assert await desk.next_place() == 7


async def test_two_codes_in_a_row_find_a_token_that_is_far_ahead(keys: KeyRing) -> None:
    desk = await Desk.opened(keys, Hotp, look_ahead=5, resync=50)
    first, second, third = (code_at(ENROLMENT, place) for place in (40, 41, 42))
    assert not await desk.judges(first)
    assert not await desk.judges(f"{first} {third}")
    assert not await desk.judges(f"{second} {first}")
    assert await desk.judges(f"{first} {second}")
    assert await desk.next_place() == 42
    assert not await desk.judges(f"{first} {second}")
    assert not await desk.judges(second)
    assert await desk.judges(third)


async def test_a_token_beyond_the_resync_window_is_not_found(keys: KeyRing) -> None:
    desk = await Desk.opened(keys, Hotp, resync=50)
    pair = f"{code_at(ENROLMENT, 51)}{code_at(ENROLMENT, 52)}"
    assert not await desk.judges(pair)
    assert await desk.judges(f"{code_at(ENROLMENT, 50)}{code_at(ENROLMENT, 51)}")


@pytest.mark.parametrize("made_by", [Totp, Hotp])
@pytest.mark.parametrize("enrolment", [None, evolve(ENROLMENT, confirmed=False)])
async def test_without_a_confirmed_enrolment_no_code_is_right(
    keys: KeyRing, made_by: type[Totp | Hotp], enrolment: AuthenticatorEnrolment | None
) -> None:
    desk = await Desk.opened(keys, made_by, enrolment=enrolment)
    code = code_at(ENROLMENT, STEP if made_by is Totp else 0)
    assert not await desk.judges(code)


@pytest.mark.parametrize("made_by", [Totp, Hotp])
async def test_no_code_is_right_for_a_user_who_does_not_exist(
    keys: KeyRing, made_by: type[Totp | Hotp]
) -> None:
    desk = await Desk.opened(keys, made_by)
    code = code_at(ENROLMENT, STEP if made_by is Totp else 0)
    assert not await desk.judges(code, unknown=True)
    assert await desk.next_place() == 0


@pytest.mark.parametrize("made_by", [Totp, Hotp])
async def test_an_authenticator_belongs_to_an_account_and_not_to_its_name(
    keys: KeyRing, made_by: type[Totp | Hotp]
) -> None:
    desk = await Desk.opened(keys, made_by, enrolment=evolve(ENROLMENT, sub="1"))
    code = code_at(ENROLMENT, STEP if made_by is Totp else 0)
    for another in ("2", "", "11"):
        assert not await desk.judges(code, sub=another)
    assert await desk.judges(code, sub="1")


@pytest.mark.parametrize("made_by", [Totp, Hotp])
async def test_what_was_enrolled_without_an_account_is_the_first_ones_that_uses_it(
    keys: KeyRing, made_by: type[Totp | Hotp]
) -> None:
    desk = await Desk.opened(keys, made_by)
    start = STEP - 1 if made_by is Totp else 0
    first, second, third = (code_at(ENROLMENT, start + later) for later in range(3))
    assert not await desk.judges("000000", sub="2")
    assert await desk.judges(first, sub="1")
    assert not await desk.judges(second, sub="2")
    assert not await desk.judges(second)
    assert await desk.judges(second, sub="1")
    assert await desk.judges(third, sub="1")


USERS = {
    "enrolled": ENROLMENT,
    "with eight digits": evolve(ENROLMENT, digits=8),
    "with another hash": evolve(ENROLMENT, algorithm="SHA512", digits=7),
    "far ahead": evolve(ENROLMENT, next_place=STEP + 9),
    "not confirmed": evolve(ENROLMENT, confirmed=False),
    "of another account": evolve(ENROLMENT, sub="2"),
    "not enrolled": None,
    "unknown": None,
}


@pytest.mark.parametrize("made_by", [Totp, Hotp])
async def test_every_user_costs_the_same_arithmetic_for_an_answer_of_any_length(
    keys: KeyRing, made_by: type[Totp | Hotp], monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    opened: list[int] = []
    at, decrypt = pyotp.HOTP.at, enrolments.AESGCM

    class Counting:
        def __init__(self, key: bytes) -> None:
            self.cipher = decrypt(key)

        def encrypt(self, *given: Any) -> bytes:
            return self.cipher.encrypt(*given)

        def decrypt(self, *given: Any) -> bytes:
            opened.append(1)
            return self.cipher.decrypt(*given)

    def counted(self: pyotp.HOTP, place: int) -> str:
        hashed.append(self.digest().name)
        return at(self, place)

    monkeypatch.setattr(pyotp.HOTP, "at", counted)
    monkeypatch.setattr(enrolments, "AESGCM", Counting)
    costs = set()
    for who, enrolment in USERS.items():
        desk = await Desk.opened(keys, made_by, enrolment=enrolment)
        for length in (0, 6, 7, 8, 12, 16, 65):
            hashed.clear()
            opened.clear()
            assert not await desk.judges("9" * length, sub="1", unknown=who == "unknown")
            costs.add((tuple(sorted(Counter(hashed).items())), len(opened)))
    assert len(costs) == 1


def events(user: str, session: list[Any]) -> dict[str, Any]:
    return {
        "version": "1",
        "region": "eu-central-1",
        "userPoolId": POOL,
        "userName": user,
        "callerContext": {"awsSdkVersion": "x", "clientId": "client"},
        "request": {"userAttributes": {"sub": "1"}, "session": session},
        "response": {},
    }


@pytest.mark.parametrize("name", ["totp", "hotp"])
async def test_sign_ins_that_begin_together_are_each_good_with_a_code_of_their_own(
    keys: KeyRing, limits: Any, clock: Any, name: str
) -> None:
    store = SealedSecretStore(entries=MemoryStore(), keys=keys)
    owner = Owner(user_pool_id=POOL, username="ada", kind=name)
    await store.replace(owner, ENROLMENT, expected=None)
    triggers = Triggers(
        policy=challenge(name, store=store), challenges=[Totp, Hotp], limits=limits, clock=clock
    )

    async def asked(source: str, **more: Any) -> dict[str, Any]:
        event = {**events("ada", []), "triggerSource": source}
        event["request"].update(more)
        return (await triggers.handle(event))["response"]

    create = "CreateAuthChallenge_Authentication"
    verify = "VerifyAuthChallengeResponse_Authentication"
    begun = [await asked(create, challengeName="CUSTOM_CHALLENGE") for _ in range(3)]
    for number, each in enumerate(begun):
        place = int(clock.now // PERIOD) if name == "totp" else number
        for _ in range(3):  # Cognito may run it so often for one answer
            judged = await asked(
                verify,
                privateChallengeParameters=each["privateChallengeParameters"],
                challengeAnswer=code_at(ENROLMENT, place),
            )
            assert judged == {"answerCorrect": True}
        clock.now += PERIOD


@given(answer=st.one_of(st.text(), st.from_regex(r"[0-9]{1,20}", fullmatch=True)))
async def test_whatever_is_answered_is_judged_without_an_error(answer: str) -> None:
    right = {code_at(ENROLMENT, STEP + late) for late in (-1, 0, 1)}
    for made_by in (Totp, Hotp):
        desk = await Desk.opened(RING, made_by)
        assert await desk.judges(answer) is False or answer.strip() in right


RING = KeyRing.generate()


@given(place=st.integers(0, 10_000), ahead=st.integers(0, 30), window=st.integers(0, 10))
def test_a_place_is_found_just_where_it_is_looked_for(place: int, ahead: int, window: int) -> None:
    found = place_of(ENROLMENT, code_at(ENROLMENT, place + ahead), range(place, place + window))
    if ahead < window:
        assert found is not None
        assert code_at(ENROLMENT, found) == code_at(ENROLMENT, place + ahead)
    else:
        assert found is None or code_at(ENROLMENT, found) == code_at(ENROLMENT, place + ahead)


async def test_an_enrolment_that_never_stands_still_is_a_clear_failure(keys: KeyRing) -> None:
    class Restless(SealedSecretStore):
        async def get(self, owner: Owner) -> Kept | None:
            kept = await super().get(owner)
            return None if kept is None else evolve(kept, version="outdated")

    store = Restless(entries=MemoryStore(), keys=keys)
    desk = Desk(Totp(store=store), store)
    await store.replace(desk.owner, ENROLMENT, expected=None)
    with pytest.raises(StateError, match="changed all the time"):
        await desk.judges(code_at(ENROLMENT, STEP))


@pytest.mark.parametrize("failure", [OSError("table 7"), KeyError("ada"), TimeoutError()])
@pytest.mark.parametrize("call", ["get", "replace"])
@pytest.mark.parametrize("made_by", [Totp, Hotp])
async def test_a_store_that_fails_is_no_fault_of_the_challenge(
    keys: KeyRing, made_by: type[Totp | Hotp], call: str, failure: Exception
) -> None:
    desk = await Desk.opened(keys, made_by)

    class Failing:
        async def get(self, owner: Owner) -> Kept | None:
            if call == "get":
                raise failure
            return await store.get(owner)

        async def replace(self, *_given: Any, **_more: Any) -> bool:
            raise failure

    store = desk.store
    desk.challenge = made_by(store=Failing())
    code = code_at(ENROLMENT, STEP if made_by is Totp else 0)
    with pytest.raises(StateError, match="the store of the enrolments failed") as failed:
        await desk.verify(code, await desk.turn())
    assert not {"table 7", "ada"} & {*str(failed.value).split()}


async def test_private_parameters_of_something_else_are_refused(keys: KeyRing) -> None:
    desk = await Desk.opened(keys, Totp)
    for private in ({}, {"digits": "123456"}, {"turn": ""}):
        with pytest.raises(PluginFailedError, match="private challenge parameters"):
            await desk.verify("123456", private)


@pytest.mark.parametrize(
    ("made_by", "settings", "says"),
    [
        (Totp, {"drift": 2}, "totp: drift is a whole number from 0 to 1"),
        (Totp, {"drift": -1}, "totp: drift"),
        (Totp, {"store": None}, "totp: store is an object with the methods get and replace"),
        (Hotp, {"look_ahead": 11}, "hotp: look_ahead is a whole number from 0 to 10"),
        (Hotp, {"resync": 501}, "hotp: resync is a whole number from 0 to 500"),
        (Hotp, {"store": {}}, "hotp: store is an object"),
    ],
)
def test_settings_out_of_bounds_are_refused(
    keys: KeyRing, made_by: type[Totp | Hotp], settings: dict[str, Any], says: str
) -> None:
    store = SealedSecretStore(entries=MemoryStore(), keys=keys)
    with pytest.raises(ConfigError, match=says):
        made_by(**{"store": store, **settings})


def test_both_are_found_by_their_entry_points() -> None:
    registry = PluginRegistry(TRIGGER_CHALLENGES)
    assert (registry.find("totp"), registry.find("hotp")) == (Totp, Hotp)


@pytest.mark.parametrize("name", ["totp", "hotp"])
async def test_an_app_signs_in_end_to_end_and_its_code_is_good_once(
    open_house: Callable[..., AbstractAsyncContextManager[Any]],
    keys: KeyRing,
    clock: Any,
    name: str,
) -> None:
    store = SealedSecretStore(entries=MemoryStore(), keys=keys)
    place = int(clock.now // PERIOD) if name == "totp" else 0
    async with open_house(challenge(name, store=store)) as house:
        await house.user("ada")
        owner = Owner(user_pool_id=house.pool.user_pool_id, username="ada", kind=name)
        await store.replace(owner, ENROLMENT, expected=None)
        prompt = ScriptedPrompt(["000000", code_at(ENROLMENT, place)])
        done = await house.auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=prompt)
        assert isinstance(done, SignedIn)
        clock.now += PERIOD + 1
        public = []
        for user in ("ada", "nobody"):
            again = await house.auth.sign_in(user, flow=AuthFlow.CUSTOM_AUTH)
            assert isinstance(again, ChallengeRequired)
            public.append({**again.challenge.parameters, "USERNAME": ""})
            again = await house.auth.answer(again, code_at(ENROLMENT, place))
            assert isinstance(again, ChallengeRequired)
        assert public[0] == public[1]
