import copy
import math
import pickle
import traceback
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import MisuseError
from authflow.keys.key_ring import KeyRing
from authflow.keys.randomness import Randomness
from authflow.secret import Secret

RING = KeyRing(keys={"k1": Secret(bytes(range(32)))}, current="k1")


def draws(random: Randomness) -> list[Any]:
    return [
        random.digits(6),
        random.text("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", 8),
        random.octets(16),
        random.choice(["cat", "dog", "cow"]),
        random.digits(10),
    ]


async def test_the_same_key_nonce_and_context_give_the_same_values_in_every_call():
    nonce = await Randomness.new_nonce(RING)
    first = draws(await Randomness.derived(RING, nonce, "pool", "ada", "otp"))
    for _ in range(3):
        assert draws(await Randomness.derived(RING, nonce, "pool", "ada", "otp")) == first


async def test_another_key_nonce_or_context_gives_other_values():
    nonce = await Randomness.new_nonce(RING)
    streams = [
        await Randomness.derived(RING, nonce, "pool", "ada"),
        await Randomness.derived(RING, nonce, "pool", "bob"),
        await Randomness.derived(RING, nonce, "poola", "da"),
        await Randomness.derived(RING, nonce, "pool", "ada", ""),
        await Randomness.derived(RING, await Randomness.new_nonce(RING), "pool", "ada"),
        await Randomness.derived(KeyRing.generate("k1"), nonce, "pool", "ada"),
    ]
    assert len({stream.octets(16) for stream in streams}) == len(streams)


async def test_the_values_outlive_a_rotation_of_keys():
    nonce = await Randomness.new_nonce(RING)
    rotated = RING.rotated("k2")
    before = draws(await Randomness.derived(RING, nonce, "ada"))
    assert draws(await Randomness.derived(rotated, nonce, "ada")) == before
    assert (await Randomness.new_nonce(rotated)).startswith("k2.")


@pytest.mark.parametrize("nonce", ["", "k1.", "k1.short", "k1", "k2." + "x" * 43, "x" * 43])
async def test_a_nonce_that_new_nonce_did_not_make_is_refused(nonce: str):
    with pytest.raises(MisuseError, match="nonce"):
        await Randomness.derived(RING, nonce, "ada")


def test_a_seed_gives_the_same_values_for_ever():
    """The values themselves stand here: a change would change codes that are on their way."""
    random = Randomness.seeded(b"seed")
    assert draws(random) == draws(Randomness.seeded(b"seed"))
    assert draws(random) != draws(Randomness.seeded(b"seed"))
    assert Randomness.seeded(b"seed").digits(12) == KNOWN_DIGITS


KNOWN_DIGITS = "684935438448"


def test_the_system_gives_other_values_every_time():
    assert Randomness.system().octets(16) != Randomness.system().octets(16)
    random = Randomness.system()
    assert random.octets(16) != random.octets(16)


@given(cuts=st.lists(st.integers(1, 100), min_size=1, max_size=20))
def test_the_stream_does_not_depend_on_how_it_is_cut(cuts: list[int]):
    whole = Randomness.seeded(b"seed").octets(sum(cuts))
    random = Randomness.seeded(b"seed")
    assert b"".join(random.octets(cut) for cut in cuts) == whole


@given(
    alphabet=st.text(min_size=2, max_size=300).map(lambda text: "".join(dict.fromkeys(text))),
    count=st.integers(1, 50),
    seed=st.binary(),
)
def test_a_text_has_its_length_and_its_alphabet(alphabet: str, count: int, seed: bytes):
    if len(alphabet) < 2:
        return
    text = Randomness.seeded(seed).text(alphabet, count)
    assert len(text) == count
    assert set(text) <= set(alphabet)


def chi_square(drawn: Any, options: Any) -> float:
    counts, expected = Counter(drawn), len(drawn) / len(options)
    return sum((counts[option] - expected) ** 2 / expected for option in options)


@pytest.mark.parametrize("size", [2, 3, 5, 7, 10, 26, 33, 100, 200, 255, 257, 1000])
def test_no_option_is_favoured(size: int):
    """200 draws for each option; the bound is where one sound stream in a billion fails."""
    random, options = Randomness.seeded(b"statistics"), range(size)
    drawn = [random.choice(options) for _ in range(200 * size)]
    freedom = size - 1
    unlikely = math.log(1e9)  # the bound of Laurent and Massart (2000), lemma 1
    assert chi_square(drawn, options) < freedom + 2 * (freedom * unlikely) ** 0.5 + 2 * unlikely
    assert set(drawn) == set(options)


def test_every_digit_occurs_in_every_place_as_often_as_every_other():
    """A published sample draws from 0 up to, but not including, 9: half its codes are missing."""
    codes = [Randomness.seeded(b"%d" % number).digits(6) for number in range(5000)]
    for place in range(6):
        assert chi_square([code[place] for code in codes], "0123456789") < 60
    assert len(set(codes)) > 4900


def test_pairs_of_digits_are_independent():
    digits = "".join(Randomness.seeded(b"%d" % number).digits(4000) for number in range(10))
    pairs = [digits[place : place + 2] for place in range(0, len(digits), 2)]
    assert chi_square(pairs, [f"{pair:02}" for pair in range(100)]) < 220


@pytest.mark.parametrize("count", [0, -1, 4097, True, 1.0, "6", None])
def test_a_count_out_of_range_is_refused(count: Any):
    random = Randomness.system()
    for draw in (random.digits, random.octets, lambda count: random.text("ab", count)):
        with pytest.raises(MisuseError, match="from 1 to 4096"):
            draw(count)


@pytest.mark.parametrize("alphabet", ["", "a", "aa", "abca", None, ["a", "b"]])
def test_an_alphabet_that_would_favour_a_character_is_refused(alphabet: Any):
    with pytest.raises(MisuseError, match="each of them once"):
        Randomness.system().text(alphabet, 6)


def test_of_one_option_that_one_is_chosen_and_of_none_nothing():
    assert Randomness.system().choice(["only"]) == "only"
    with pytest.raises(MisuseError, match="nothing to choose"):
        Randomness.system().choice([])


def test_it_shows_nothing_of_itself():
    random = Randomness.seeded(b"canary")
    assert repr(random) == str(random) == f"{random}" == "Randomness(***)"
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(random)
    with pytest.raises(TypeError, match="copied"):
        copy.copy(random)
    try:
        random.digits(0)
    except MisuseError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        assert "canary" not in "".join(shown.format())
