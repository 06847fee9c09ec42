"""Which answers may be enrolled."""

from typing import Any

import pytest
from authflow_question.enrolment import LONGEST, Enrolment, EnrolmentRefusedError
from authflow_question.normalisation import LONGEST_TYPED
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import ConfigError, KeysUnavailableError, MisuseError
from authflow.plugins import Secret
from authflow.triggers import KeyRing

POOL = "eu-central-1_Abc123def"
GOOD = {"first-film": "Metropolis", "first-dish": "Omelette", "childhood-job": "Astronaut"}
RING = KeyRing.generate()


async def test_good_answers_are_hashed_each_under_its_question(keys: KeyRing) -> None:
    secret = {question: Secret(answer) for question, answer in GOOD.items()}
    for answers in (GOOD, secret):
        made = await Enrolment(keys=keys).enrol(POOL, "ada", answers)
        assert [answer.question for answer in made] == list(GOOD)
        assert all(answer.hash.startswith("$argon2id$") for answer in made)
        assert {answer.key_id for answer in made} == {keys.current}


@pytest.mark.parametrize(
    ("question", "answer", "says"),
    [
        ("first-film", "", "too short"),
        ("first-film", "M", "too short"),
        ("first-film", "?!.,-", "too short"),
        ("first-film", "m.m.", "too short"),
        ("first-film", "m" * (LONGEST + 1), "too long"),
        ("first-film", "\ufb03" * 34, "too long"),
        ("first-film", " " * LONGEST_TYPED + "Metropolis", "too long"),
        ("first-film", "Which film did you see first in a cinema?", "part of the question"),
        ("first-film", "cinema", "part of the question"),
        ("first-film", "A film", "part of the question"),
        ("first-film", "ADA.", "others know of you"),
        ("first-film", "ada@example.com", "others know of you"),
        ("first-film", "Lovelace", "others know of you"),
        ("first-film", "  OMELETTE ", "an answer of its own"),
    ],
)
async def test_an_answer_that_anybody_would_try_is_refused_without_showing_it(
    keys: KeyRing, question: str, answer: str, says: str
) -> None:
    answers = {"first-dish": "Omelette", "childhood-job": "Astronaut", question: answer}
    with pytest.raises(EnrolmentRefusedError, match=says) as refused:
        await Enrolment(keys=keys).enrol(
            POOL, "ada", answers, known=["ada@example.com", "Lovelace"]
        )
    assert refused.value.question == question
    assert len(answer) < 4 or answer not in str(refused.value)


@pytest.mark.parametrize(
    "answers", [{}, {"first-film": "Metropolis"}, {**GOOD, "lost-thing": "a green umbrella"}]
)
async def test_too_few_or_too_many_answers_are_refused(keys: KeyRing, answers: Any) -> None:
    with pytest.raises(EnrolmentRefusedError, match="answer 3 questions") as refused:
        await Enrolment(keys=keys).enrol(POOL, "ada", answers)
    assert refused.value.question is None


async def test_a_question_of_nobody_s_catalogue_is_refused(keys: KeyRing) -> None:
    answers = {**GOOD, "shoe-size": "thirty-eight"}
    del answers["first-film"]
    with pytest.raises(EnrolmentRefusedError, match="'shoe-size' in the catalogue"):
        await Enrolment(keys=keys).enrol(POOL, "ada", answers)


@pytest.mark.parametrize("answer", ["Rex", "R2D2", "\u6771\u4eac", "\u732b", "\u042f\u043d"])
async def test_a_short_answer_in_any_script_will_do(keys: KeyRing, answer: str) -> None:
    answers = {"first-dish": "Omelette", "childhood-job": "Astronaut", "first-film": answer}
    assert len(await Enrolment(keys=keys).enrol(POOL, "ada", answers)) == 3


async def test_a_catalogue_of_one_s_own_is_taken(keys: KeyRing) -> None:
    enrolment = Enrolment(keys=keys, questions={"ship": "Which ship?"}, enrolled=1)
    assert len(await enrolment.enrol(POOL, "ada", {"ship": "Beagle"})) == 1


@given(st.text(max_size=200))
async def test_any_text_is_enrolled_or_refused(answer: str) -> None:
    enrolment = Enrolment(keys=RING, questions={"ship": "Which ship?"}, enrolled=1)
    # What is accepted is all there is to decide; hashing costs the same for every text.
    try:
        accepted = enrolment._accepted({"ship": answer}, {"ada"})
    except EnrolmentRefusedError as refused:
        assert refused.question == "ship"  # noqa: PT017  # either outcome is right
    else:
        assert 1 <= len(accepted["ship"]) <= LONGEST


@pytest.mark.parametrize("stray", [None, 5, b"Rex", Secret(b"Rex"), Secret(5), ["Rex"]])
async def test_what_is_no_text_is_a_misuse_and_no_answer(keys: KeyRing, stray: Any) -> None:
    for answers in (stray, {**GOOD, next(iter(GOOD)): stray}, {**GOOD, 5: "Rex"}):
        with pytest.raises(MisuseError, match="answers are a map"):
            await Enrolment(keys=keys).enrol(POOL, "ada", answers)


@pytest.mark.parametrize("failure", [OSError("10.0.0.7"), KeyError("10.0.0.7"), TimeoutError()])
async def test_keys_that_fail_are_told_by_a_typed_error(failure: Exception) -> None:
    class Keys:
        async def key_ring(self, *, having: str | None = None) -> KeyRing:
            raise failure

    with pytest.raises(KeysUnavailableError) as failed:
        await Enrolment(keys=Keys()).enrol(POOL, "ada", GOOD)
    assert "10.0.0.7" not in str(failed.value)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"enrolled": 0}, "enrolled must be"),
        ({"questions": {}}, "mapping of ids"),
        ({"questions": {"a": "Which?"}}, "enrolled must be a whole number of 1 to 1"),
        ({"keys": "secret"}, "keys is a KeyRing"),
        ({"passes": 0}, "passes must be"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(
    keys: KeyRing, settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        Enrolment(**{"keys": keys, **settings})
