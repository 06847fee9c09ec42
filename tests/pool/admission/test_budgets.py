import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import ConfigError
from authflow.pool.admission.budgets import Buckets, Budget


class Time:
    now = 0.0

    def __call__(self):
        return self.now


RATES = st.floats(0.1, 1000)
BURSTS = st.floats(1, 500)


@given(RATES, BURSTS, st.lists(st.floats(0, 2), max_size=200))
def test_in_no_stretch_of_time_more_is_taken_than_the_burst_and_what_comes_in(rate, burst, pauses):
    time = Time()
    buckets = Buckets(budget=Budget(per_second=rate, burst=burst), clock=time)
    taken = []
    for pause in pauses:
        time.now += pause
        if buckets.take("key"):
            taken.append(time.now)
    for first, begun in enumerate(taken):
        for last in range(first, len(taken)):
            assert last - first + 1 <= burst + rate * (taken[last] - begun) + 1e-6


@given(RATES, BURSTS)
def test_the_burst_is_there_at_once_and_again_after_silence(rate, burst):
    time = Time()
    buckets = Buckets(budget=Budget(per_second=rate, burst=burst), clock=time)
    for _ in range(2):
        assert [buckets.take("key") for _ in range(math.floor(burst) + 1)] == [
            *[True] * math.floor(burst),
            False,
        ]
        time.now += burst / rate + 1


def test_who_is_refused_waits_no_longer_for_it():
    time = Time()
    buckets = Buckets(budget=Budget(per_second=1, burst=1), clock=time)
    assert buckets.take("key")
    for _ in range(100):
        assert not buckets.take("key")
    time.now = 1.0
    assert buckets.take("key")


def test_everybody_has_a_budget_of_his_own():
    buckets = Buckets(budget=Budget(per_second=1, burst=2), clock=Time())
    assert [buckets.take(key) for key in "ababab"] == [True, True, True, True, False, False]


def test_memory_is_bounded_and_who_floods_is_not_forgotten():
    buckets = Buckets(budget=Budget(per_second=1, burst=1), clock=Time(), most=100)
    assert buckets.take("flood")
    for number in range(1000):
        buckets.take(number)
        assert not buckets.take("flood")
    assert len(buckets._left) == 100


@pytest.mark.parametrize("wrong", [0, -1, math.nan, -math.inf])
@pytest.mark.parametrize("member", ["per_second", "burst"])
def test_a_budget_is_more_than_nothing(member, wrong):
    with pytest.raises(ConfigError, match=member):
        Budget(**{"per_second": 1, "burst": 1, member: wrong})


def test_a_budget_may_have_no_end():
    buckets = Buckets(budget=Budget(per_second=math.inf, burst=math.inf), clock=Time())
    assert all(buckets.take("key") for _ in range(1000))
