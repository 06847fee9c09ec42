"""How answers are hashed."""

import threading
from functools import partial
from typing import Any

import anyio
import argon2
import pytest
from attrs import evolve
from authflow_question.answers import AnswersDamagedError, EnrolledAnswer
from authflow_question.hashes import AnswerHashes, HashBinding

from authflow.errors import ConfigError, KeysUnavailableError
from authflow.triggers import KeyRing

HERE = HashBinding(user_pool_id="eu-central-1_Abc123def", username="ada", question="first-film")


async def test_only_the_answer_that_was_hashed_fits(keys: KeyRing) -> None:
    hashes = AnswerHashes()
    made = await hashes.make(HERE, "metropolis", keys=keys)
    assert await hashes.fits(made, HERE, "metropolis", keys=keys) is True
    for other in ("", "metropoli", "metropolis ", "Metropolis"):
        assert await hashes.fits(made, HERE, other, keys=keys) is False


async def test_a_hash_is_argon2id_with_a_salt_of_its_own_and_without_the_answer(
    keys: KeyRing,
) -> None:
    hashes = AnswerHashes(memory_kib=20_000, passes=3)
    one, two = [await hashes.make(HERE, "metropolis", keys=keys) for _ in range(2)]
    assert one.hash != two.hash
    cost = argon2.extract_parameters(one.hash)
    assert (cost.type, cost.memory_cost, cost.time_cost) == (argon2.Type.ID, 20_000, 3)
    assert "metropolis" not in one.hash


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"user_pool_id": "eu-central-1_Other"},
        {"username": "grace"},
        {"question": "first-dish"},
    ],
)
async def test_a_hash_fits_nothing_in_another_place(
    keys: KeyRing, elsewhere: dict[str, str]
) -> None:
    hashes = AnswerHashes()
    made = await hashes.make(HERE, "metropolis", keys=keys)
    assert await hashes.fits(made, evolve(HERE, **elsewhere), "metropolis", keys=keys) is False


async def test_without_the_key_a_stolen_hash_cannot_be_tried(keys: KeyRing) -> None:
    made = await AnswerHashes().make(HERE, "metropolis", keys=keys)
    with pytest.raises(argon2.exceptions.VerifyMismatchError):
        argon2.PasswordHasher().verify(made.hash, "metropolis")
    other = KeyRing.generate()
    assert await AnswerHashes().fits(made, HERE, "metropolis", keys=other) is False


async def test_old_answers_stay_right_when_keys_rotate(keys: KeyRing) -> None:
    hashes, rotated = AnswerHashes(), keys.rotated("2")
    made = await hashes.make(HERE, "metropolis", keys=keys)
    assert await hashes.fits(made, HERE, "metropolis", keys=rotated) is True
    assert (await hashes.make(HERE, "metropolis", keys=rotated)).key_id == "2"


async def test_a_key_that_was_taken_away_is_named(keys: KeyRing) -> None:
    made = await AnswerHashes().make(HERE, "metropolis", keys=keys)
    with pytest.raises(KeysUnavailableError, match=r"'1'.* is not in the key ring: put it back"):
        await AnswerHashes().fits(made, HERE, "metropolis", keys=KeyRing.generate("2"))


async def test_without_a_hash_an_answer_costs_the_same_and_is_wrong(
    keys: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    verify = argon2.PasswordHasher.verify

    def watched(self: Any, text: str, password: bytes) -> bool:
        checked.append(text)
        return verify(self, text, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", watched)
    hashes = AnswerHashes(memory_kib=20_000)
    made = await hashes.make(HERE, "metropolis", keys=keys)
    assert await hashes.fits(made, HERE, "metropolis", keys=keys) is True
    assert await hashes.fits(None, HERE, "metropolis", keys=keys) is False
    real, decoy = checked
    assert argon2.extract_parameters(real) == argon2.extract_parameters(decoy)
    assert len(real) == len(decoy)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "metropolis",
        "$argon2id$",
        "$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$ZGlnZXN0ZGlnZXN0",
        "$argon2id$v=19$m=1048576,t=2,p=1$c2FsdHNhbHRzYWx0$ZGlnZXN0ZGlnZXN0",
        "$argon2id$v=19$m=19456,t=99,p=1$c2FsdHNhbHRzYWx0$ZGlnZXN0ZGlnZXN0",
        "$argon2id$v=19$m=19456,t=2,p=99$c2FsdHNhbHRzYWx0$ZGlnZXN0ZGlnZXN0",
        "$argon2id$v=19$m=19456,t=2,p=1$\u00e4$ZGlnZXN0ZGlnZXN0",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$!",
        "$2b$12$abcdefghijklmnopqrstuuAbCdEfGhIjKlMnOpQrStUvWxYz01234",
    ],
)
async def test_a_damaged_or_hostile_hash_is_an_error_that_shows_nothing_of_it(
    keys: KeyRing, text: str
) -> None:
    enrolled = EnrolledAnswer(question="first-film", key_id="1", hash=text)
    with pytest.raises(AnswersDamagedError, match="enrol anew") as refused:
        await AnswerHashes().fits(enrolled, HERE, "metropolis", keys=keys)
    assert not text or text not in str(refused.value)


async def test_hashes_are_computed_off_the_event_loop_and_a_few_at_a_time(
    keys: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, most, threads = 0, 0, set()
    lock = threading.Lock()
    verify = argon2.PasswordHasher.verify

    def watched(self: Any, text: str, password: bytes) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            threads.add(threading.current_thread())
        try:
            return verify(self, text, password)
        finally:
            with lock:
                running -= 1

    monkeypatch.setattr(argon2.PasswordHasher, "verify", watched)
    hashes = AnswerHashes(at_once=2)
    async with anyio.create_task_group() as tasks:
        for _ in range(12):
            tasks.start_soon(partial(hashes.fits, None, HERE, "metropolis", keys=keys))
    assert most <= 2
    assert threading.current_thread() not in threads


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"memory_kib": 19_455}, "memory_kib must be a whole number of 19456 to 262144"),
        ({"memory_kib": 262_145}, "memory_kib must be"),
        ({"passes": 1}, "passes must be a whole number of 2 to 16"),
        ({"passes": 2.0}, "passes must be"),
        ({"at_once": 0}, "at_once must be a whole number of 1 to 64"),
        ({"at_once": True}, "at_once must be"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        AnswerHashes(**settings)
