"""The trigger half: which question it asks, and which answers it takes for right."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import anyio
import argon2
import pytest
from attrs import define, field, fields
from authflow_question.answers import EnrolledAnswer, MemoryAnswerStore
from authflow_question.enrolment import Enrolment
from authflow_question.hashes import AnswerHashes, HashBinding
from authflow_question.normalisation import normalised, spellings
from authflow_question.questions import DEFAULT_QUESTIONS
from authflow_question.trigger import Question

from authflow.errors import ConfigError, PluginFailedError
from authflow.plugins import TRIGGER_CHALLENGES, PluginRegistry
from authflow.triggers import CreateContext, KeyRing, Triggers, VerifyContext, challenge

POOL = "eu-central-1_Abc123def"
ADA = {"first-film": "Metropolis", "first-dish": "Omelette", "childhood-job": "Astronaut"}

Asked = Callable[..., CreateContext]
Answered = Callable[..., VerifyContext]


@define
class CountingStore(MemoryAnswerStore):
    """Notes who was asked about."""

    gets: list[tuple[str, str]] = field(factory=list, init=False)

    async def get(self, user_pool_id: str, username: str) -> tuple[EnrolledAnswer, ...]:
        self.gets.append((user_pool_id, username))
        return await super().get(user_pool_id, username)


@pytest.fixture(scope="session")
def enrolled(keys: KeyRing) -> tuple[EnrolledAnswer, ...]:
    """Hash ada's answers once: it takes long on purpose."""
    return anyio.run(Enrolment(keys=keys).enrol, POOL, "ada", ADA)


@pytest.fixture
def store(enrolled: tuple[EnrolledAnswer, ...]) -> CountingStore:
    store = CountingStore()
    store._answers[POOL, "ada"] = enrolled
    return store


@pytest.fixture
def question(store: CountingStore) -> Question:
    return Question(answers=store)


async def test_one_of_the_users_questions_is_asked_and_all_of_them_in_time(
    question: Question, asked: Asked
) -> None:
    seen = set()
    for seed in range(40):
        issued = await question.create(asked(seed=seed))
        assert issued.public["question"] == DEFAULT_QUESTIONS[issued.public["questionId"]]
        seen.add(issued.public["questionId"])
    assert seen == ADA.keys()


async def test_every_run_of_create_for_one_challenge_asks_the_same(
    question: Question, asked: Asked
) -> None:
    assert len({(await question.create(asked(seed=5))).public["question"] for _ in range(3)}) == 1


async def test_a_retry_asks_the_same_question(question: Question, asked: Asked) -> None:
    for seed in range(8):
        first = await question.create(asked(seed=seed))
        assert first.state is not None
        again = await question.create(asked(seed=seed + 100, attempt=2, state=first.state.reveal()))
        assert again.public == first.public


async def test_a_question_that_left_the_catalogue_is_asked_no_more(
    store: CountingStore, asked: Asked
) -> None:
    left = {name: text for name, text in DEFAULT_QUESTIONS.items() if name != "first-film"}
    smaller = Question(answers=store, questions=left)
    for seed in range(20):
        issued = await smaller.create(asked(seed=seed, attempt=2, state=b"first-film"))
        assert issued.public["questionId"] in ADA.keys() - {"first-film"}


async def test_the_right_answer_is_right_however_it_is_typed(
    question: Question, asked: Asked, answered: Answered
) -> None:
    issued = await question.create(asked(state=b"first-film", attempt=2))
    for typed in (
        *("Metropolis", " metropolis.", "METRO\u00adPOLIS", "\uff2detropolis"),
        *("\u200bMetropolis\ufeff", "METROPOL\u0130S", "metropol\u0131s", "Metropolis\ufe0f"),
        *("Metropolis\0", "Metropolis\ud800"),
    ):
        assert await question.verify(answered(typed, issued.private)) is True


@pytest.mark.parametrize(
    ("enrolled", "typed"),
    [
        ("\u0130stanbul", "\u0130STANBUL"),
        ("Diyarbak\u0131r", "diyarbak\u0131r"),
        ("\u2764\ufe0f", "\u2764\ufe0f"),
    ],
    ids=ascii,
)
async def test_an_answer_that_was_enrolled_by_the_first_rules_is_still_right(
    question: Question, keys: KeyRing, answered: Answered, enrolled: str, typed: str
) -> None:
    before = spellings(enrolled)[-1]
    assert before != normalised(enrolled)
    hashes = AnswerHashes()
    place = HashBinding(user_pool_id=POOL, username="eve", question="first-film")
    store = MemoryAnswerStore()
    await store.put(POOL, "eve", [await hashes.make(place, before, keys=keys)])
    old = Question(answers=store)
    private = {"questionId": "first-film"}
    assert await old.verify(answered(typed, private, "eve")) is True
    assert await old.verify(answered("Ankara", private, "eve")) is False


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "Omelette",
        "metropoli",
        "metropoliss",
        "metro polis",
        "Metropolis" * 200,
        "\ud800",
        "Metropolis\0s",
        "Which film did you see first in a cinema?",
        "$argon2id$v=19$",
        "*",
    ],
)
async def test_any_other_answer_is_wrong(
    question: Question, asked: Asked, answered: Answered, typed: str
) -> None:
    issued = await question.create(asked(state=b"first-film", attempt=2))
    assert await question.verify(answered(typed, issued.private)) is False


async def test_nothing_of_an_answer_leaves_the_store(
    question: Question, store: CountingStore, asked: Asked
) -> None:
    hashes = [answer.hash for answer in await store.get(POOL, "ada")]
    for seed in range(10):
        issued = await question.create(asked(seed=seed))
        assert issued.state is not None
        shown = " ".join(
            [*issued.public.values(), *issued.private.values(), issued.state.reveal().decode()]
        ).casefold()
        assert not [part for part in (*ADA.values(), *hashes) if part.casefold() in shown]


async def test_a_decoy_has_the_shape_of_a_question(question: Question, asked: Asked) -> None:
    real = await question.create(asked())
    for decoy in (
        await question.create(asked("nobody", user_not_found=True)),
        await question.create(asked("grace")),
    ):
        assert decoy.public.keys() == real.public.keys()
        assert decoy.private.keys() == real.private.keys()
        assert decoy.state is not None
        assert decoy.public["question"] == DEFAULT_QUESTIONS[decoy.public["questionId"]]


async def decoys(question: Question, asked: Asked, username: str, **more: Any) -> set[str]:
    return {
        (await question.create(asked(username, seed=seed, **more))).public["questionId"]
        for seed in range(40)
    }


async def test_a_name_has_the_same_decoys_every_time_as_many_as_users_enrol(
    question: Question, keys: KeyRing, asked: Asked
) -> None:
    first = await decoys(question, asked, "nobody", user_not_found=True)
    assert len(first) == 3
    rotated = keys.rotated("2")
    assert await decoys(question, asked, "nobody", user_not_found=True, keys=rotated) == first
    assert await decoys(question, asked, "NoBody", user_not_found=True) == first
    assert await decoys(question, asked, "nobody") == first


NAMES = [f"nobody{number}" for number in range(12)]


async def decoys_of_all(question: Question, asked: Asked, **more: Any) -> list[frozenset[str]]:
    return [frozenset(await decoys(question, asked, name, **more)) for name in NAMES]


async def test_decoys_differ_between_names(question: Question, asked: Asked) -> None:
    assert len(set(await decoys_of_all(question, asked))) > 6


async def test_decoys_differ_between_pools_of_one_key(question: Question, asked: Asked) -> None:
    """Or who has seen one pool knows which names nobody has in the other."""
    here = await decoys_of_all(question, asked)
    there = await decoys_of_all(question, asked, user_pool_id="eu-west-1_Other")
    assert sum(one != other for one, other in zip(here, there, strict=True)) > 6


async def test_decoys_differ_between_keys_in_one_pool(question: Question, asked: Asked) -> None:
    """Or everybody who has this code can work them out."""
    here = await decoys_of_all(question, asked)
    there = await decoys_of_all(question, asked, keys=KeyRing.generate())
    assert sum(one != other for one, other in zip(here, there, strict=True)) > 6


@pytest.mark.parametrize("username", ["ada", "grace", "nobody"])
async def test_everybody_costs_the_same_reads_and_hashes(
    question: Question,
    store: CountingStore,
    asked: Asked,
    answered: Answered,
    *,
    username: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    costs = []
    verify = argon2.PasswordHasher.verify

    def watched(self: Any, text: str, password: bytes) -> bool:
        costs.append(argon2.extract_parameters(text))
        return verify(self, text, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", watched)
    unknown = username == "nobody"
    issued = await question.create(asked(username, user_not_found=unknown))
    assert store.gets == [(POOL, username)]
    verdict = await question.verify(answered("x", issued.private, username, user_not_found=unknown))
    assert verdict is False
    assert store.gets == [(POOL, username)] * 2
    assert [(cost.memory_cost, cost.time_cost, cost.parallelism) for cost in costs] == [
        (19_456, 2, 1)
    ]


async def test_what_a_deleted_user_left_behind_is_of_no_use(
    question: Question, asked: Asked, answered: Answered
) -> None:
    assert await decoys(question, asked, "ada", user_not_found=True) != ADA.keys()
    private = {"questionId": "first-film"}
    assert await question.verify(answered("Metropolis", private)) is True
    gone = answered("Metropolis", private, user_not_found=True)
    assert await question.verify(gone) is False


async def test_answers_that_were_deleted_in_between_are_wrong(
    question: Question, store: CountingStore, asked: Asked, answered: Answered
) -> None:
    issued = await question.create(asked())
    await store.delete(POOL, "ada")
    answer = ADA[issued.public["questionId"]]
    assert await question.verify(answered(answer, issued.private)) is False


@pytest.mark.parametrize("private", [{}, {"userPoolId": POOL}, {"answer": "x"}])
async def test_a_challenge_of_another_plugin_s_is_an_error(
    question: Question, answered: Answered, private: dict[str, str]
) -> None:
    with pytest.raises(PluginFailedError, match="lack"):
        await question.verify(answered("Metropolis", private))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"answers": None}, "answers is an AnswerStore"),
        ({"answers": {}}, "answers is an AnswerStore"),
        ({"keys": None}, r"give Triggers\(keys=\.\.\.\)"),
        ({"limits": None}, r"give Triggers\(limits=\.\.\.\)"),
        ({"question": {}}, "no setting 'question'; .*It takes answers, at_once, enrolled"),
        ({"questions": {}}, "mapping of ids"),
        ({"enrolled": 11}, "enrolled must be"),
        ({"memory_kib": 1}, "memory_kib must be"),
        ({"passes": 99}, "passes must be"),
        ({"at_once": 0}, "at_once must be"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(
    store: CountingStore, settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        Question(**{"answers": store, **settings})


def test_neither_keys_nor_answers_are_shown(question: Question) -> None:
    assert "keys" not in repr(question)
    assert "answers" not in repr(question)


def test_every_setting_says_what_it_is() -> None:
    assert all(setting.metadata.get("doc") for setting in fields(Question) if setting.init)


def test_without_limits_it_is_not_served(store: CountingStore, keys: KeyRing) -> None:
    policy = challenge("question", answers=store)
    with pytest.raises(ConfigError, match=r"needs Triggers\(limits=\.\.\.\)"):
        Triggers(policy=policy, challenges=[Question], keys=keys)


def test_it_says_that_it_never_suffices() -> None:
    assert Question.suffices is False


def test_it_is_found_by_its_entry_point() -> None:
    assert PluginRegistry(TRIGGER_CHALLENGES).find("question") is Question


def test_importing_the_trigger_half_loads_nothing_of_the_client() -> None:
    code = (
        "import sys, authflow_question.trigger; "
        "print([m for m in sys.modules if m.startswith(('authflow.client', 'aiobotocore',"
        " 'botocore', 'authflow_question.client', 'authflow.pool'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
