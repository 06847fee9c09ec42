"""The shares of a budget: fair, never more than there is, and read with suspicion."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.client.pacing.shares import Share, Shares
from authflow.errors import StoreEntryError

RATES = st.floats(0, 1e6)


def wanting(*wanted, budget=100.0):
    return Shares(
        {
            f"p{at}": Share(beat=1, granted=0.0, wanted=each, budget=budget)
            for at, each in enumerate(wanted)
        }
    )


def fair(budget, *wanted):
    shares = wanting(*wanted, budget=budget)
    return [round(shares.fair(name), 6) for name in shares.of]


def test_who_wants_more_than_there_is_has_as_much_as_the_others():
    assert fair(100, 1000, 1000, 1000, 1000) == [25, 25, 25, 25]
    assert fair(100, 1000, 60, 1000) == [33.333333, 33.333333, 33.333333]


def test_what_somebody_does_not_want_is_the_others():
    assert fair(100, 10, 1000, 1000) == [10, 45, 45]


def test_what_nobody_wants_is_split_and_a_part_is_left_for_who_may_come():
    assert fair(120, 0) == [60]
    assert fair(120, 30, 0) == [60, 30]
    assert fair(120, 120) == [120]


@given(st.lists(RATES, min_size=1, max_size=20), st.floats(0.01, 1e6))
def test_fair_shares_are_no_more_than_the_budget_and_equal_wishes_have_equal_shares(wanted, budget):
    shares = fair(budget, *wanted)
    assert sum(shares) <= budget * (1 + 1e-6) + 1e-4
    assert all(share >= 0 for share in shares)
    for one, share in zip(wanted, shares, strict=True):
        for other, another in zip(wanted, shares, strict=True):
            if one <= other:
                assert share <= another + 1e-4
    if sum(wanted) >= budget:
        assert sum(shares) >= budget * (1 - 1e-6) - 1e-4


@given(
    st.dictionaries(
        st.sampled_from("abcdefgh"),
        st.builds(Share, beat=st.integers(0, 10**9), granted=RATES, wanted=RATES, budget=RATES),
        max_size=8,
    )
)
def test_what_is_written_is_read(of):
    read = Shares.from_json(Shares(of).to_json())
    assert read.of.keys() == of.keys()
    for name, share in of.items():
        assert read.of[name].beat == share.beat
        for kept in ("granted", "wanted", "budget"):
            assert getattr(read.of[name], kept) == pytest.approx(getattr(share, kept), abs=1e-3)
    assert Shares.from_json(None) == Shares()


ENTRY = [1, 2.0, 3.0, 4.0]
FOREIGN = [
    *(b"", b"\xff", b"[]", b"null", b"1", b"{}", b'"x"', b"{" * 100_000, b" " * 300_000),
    json.dumps({"form": 2, "shares": {}}).encode(),
    json.dumps({"form": 1}).encode(),
    json.dumps({"form": 1, "shares": [ENTRY]}).encode(),
    *(
        json.dumps({"form": 1, "shares": {"p": entry}}).encode()
        for entry in (
            *([], [1], [1, 2], [1, 2, 3], [*ENTRY, 5], "abc", None, 1, {"beat": 1}),
            *([1.5, 2, 3, 4], [True, 2, 3, 4], ["1", 2, 3, 4]),
            *(
                [1, *(wrong if at == place else 2 for at in range(3))]
                for place in range(3)
                for wrong in (-1, True, "2", 1e300, None, 10**400, float("nan"), float("inf"))
            ),
        )
    ),
]


@pytest.mark.parametrize("text", FOREIGN, ids=lambda text: repr(text[:40]))
def test_what_something_else_wrote_is_refused(text):
    with pytest.raises(StoreEntryError):
        Shares.from_json(text)


def test_of_unlike_budgets_the_least_counts():
    shares = Shares(
        {**wanting(900, 900, budget=240.0).of, "small": wanting(50, budget=120.0).of["p0"]}
    )
    assert [shares.fair(name) for name in shares.of] == [40, 40, 40]


def test_what_is_written_stays_small():
    assert len(wanting(*[123.4567] * 100).to_json()) < 5500
