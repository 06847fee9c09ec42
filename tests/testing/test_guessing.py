"""How many answers there are is estimated from a few of them."""

import math
import random
import string

import pytest

from authflow.testing.guessing import answers_to_draw, bits_of_repetition, bits_of_signs


def drawn(alphabet: str, length: int, count: int = 24) -> list[str]:
    source = random.Random(f"{alphabet} {length}")
    return ["".join(source.choices(alphabet, k=length)) for _ in range(count)]


@pytest.mark.parametrize(
    ("alphabet", "size"),
    [
        (string.digits, 10),
        ("0123456789abcdef", 16),
        (string.ascii_lowercase, 26),
        (string.ascii_uppercase, 26),
        (string.ascii_letters, 52),
    ],
)
@pytest.mark.parametrize("length", [2, 4, 6])
def test_signs_bound_the_answers(alphabet: str, size: int, length: int):
    for answers in (drawn(alphabet, length), [one for one in drawn(alphabet, length) if one]):
        assert bits_of_signs(answers, drawn=True) == pytest.approx(length * math.log2(size))


def test_what_never_changes_counts_only_where_answers_are_not_drawn():
    answers = [f"PIN-{code}" for code in drawn(string.digits, 2)]
    assert bits_of_signs(answers, drawn=True) < 2 * math.log2(80)
    assert bits_of_signs(answers, drawn=False) > 6 * math.log2(36)
    assert bits_of_signs(["123456"] * 4, drawn=True) == pytest.approx(6 * math.log2(10))


def test_signs_of_other_scripts_are_many():
    assert bits_of_signs(["\N{HIRAGANA LETTER A}\N{HIRAGANA LETTER KA}"], drawn=False) > 19


@pytest.mark.parametrize("size", [5, 20, 30, 256, 1000, 1500])
def test_few_answers_come_again(size: int):
    source = random.Random(size)
    answers = [f"word {source.randrange(size)}" for _ in range(answers_to_draw(3000))]
    assert math.log2(size) - 0.5 < bits_of_repetition(answers) < math.log2(3000)


@pytest.mark.parametrize("size", [3000, 4000, 10_000, 10**6])
def test_enough_answers_are_never_convicted_for_what_comes_again_by_chance(size: int):
    for seed in range(30):
        source = random.Random(f"{size} {seed}")
        answers = [f"word {source.randrange(size)}" for _ in range(answers_to_draw(3000))]
        for count in (24, 100, len(answers)):
            assert bits_of_repetition(answers[:count]) >= math.log2(3000)


def test_many_answers_do_not():
    assert bits_of_repetition(drawn(string.digits, 4)) == math.inf
