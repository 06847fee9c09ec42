"""The token bucket: never more than it may give, in any window, whatever is done to it."""

import math

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from authflow.client.pacing.token_bucket import TokenBucket

WINDOW = 1.05


@define
class Watched:
    """A bucket, with its own record of what it should have given."""

    bucket: TokenBucket
    now: float = 0.0
    rates: list[tuple[float, float]] = field(factory=list)
    bursts: list[float] = field(factory=list)
    taken: list[float] = field(factory=list)
    gone: list[float] = field(factory=list)

    def __attrs_post_init__(self):
        self.rates.append((-math.inf, self.bucket.rate))
        self.bursts.append(self.bucket.burst)

    def take(self, *, leave=True):
        taken = self.bucket.take(self.now)
        if taken:
            self.taken.append(self.now)
            if leave:
                self.leave()
        return taken

    def leave(self):
        self.bucket.leave(self.now)
        self.gone.append(self.now)

    def change(self, rate, burst):
        self.bucket.change(self.now, rate, burst)
        self.rates.append((self.now, rate))
        self.bursts.append(burst)

    def came(self, begin, end):
        ends = [at for at, _ in self.rates[1:]] + [math.inf]
        return sum(
            rate * max(0.0, min(end, until) - max(begin, since))
            for (since, rate), until in zip(self.rates, ends, strict=True)
        )

    def check(self):
        for at, begin in enumerate(self.taken):
            for count, end in enumerate(self.taken[at:], 1):
                assert count <= self.came(begin, end) * (1 + 1e-6) + max(self.bursts) + 1e-3
        for at, end in enumerate(self.gone):
            count = sum(end - WINDOW < each for each in self.gone[: at + 1])
            # Stretches of a thousandth of the window are not told apart.
            assert count < self.came(end - WINDOW, end) * 1.003 + 1 + 1e-3


RATES = st.floats(0.5, 2000)
PAUSES = st.one_of(st.just(0.0), st.floats(0, 0.02), st.floats(0, 3))


def bucket(rate, burst, *, left=None):
    left = burst if left is None else left
    return TokenBucket(rate=rate, burst=burst, window=WINDOW, now=0.0, left=left)


@given(
    st.data(),
    RATES,
    st.floats(1, 30),
    st.lists(
        st.tuples(
            PAUSES, st.sampled_from(["take"] * 6 + ["slow", "change", "wait", "back", "rest"])
        )
    ),
)
def test_in_no_window_is_more_given_than_comes_in_it_and_the_burst(data, rate, burst, steps):
    watched = Watched(bucket(rate, burst))
    for pause, step in steps:
        watched.now += pause
        match step:
            case "take":
                while watched.take() and data.draw(st.booleans()):
                    pass
            case "slow":
                watched.bucket.slow_down(watched.now)
            case "change":
                watched.change(
                    data.draw(st.one_of(st.just(0.0), RATES)), data.draw(st.floats(1, 30))
                )
            case "rest":
                watched.bucket.rest(watched.now)
            case "wait":
                assert watched.bucket.wait(watched.now) >= 0
            case "back" if watched.take(leave=False):
                watched.taken.pop()
                watched.bucket.give_back()
    watched.check()


@given(RATES, st.floats(1, 30), st.lists(st.tuples(PAUSES, st.booleans()), max_size=60))
def test_what_leaves_late_counts_when_it_leaves(rate, burst, steps):
    watched, waiting = Watched(bucket(rate, burst)), 0
    for pause, leaves in steps:
        watched.now += pause
        while leaves and waiting:
            watched.leave()
            waiting -= 1
        while watched.take(leave=False):
            waiting += 1
    watched.check()


@given(st.floats(0.5, 500), st.floats(1, 30), st.integers(1, 200))
def test_who_comes_when_it_says_finds_a_token(rate, burst, tokens):
    watched = Watched(bucket(rate, burst))
    while watched.take():
        pass
    for _ in range(tokens):
        for _ in range(200):
            if watched.take():
                break
            wait = watched.bucket.wait(watched.now)
            assert 0 < wait < math.inf
            watched.now += wait
        else:
            pytest.fail("it never comes")


@pytest.mark.parametrize("rate", [1, 17.5, 114.3, 700])
def test_a_steady_demand_is_given_nearly_the_whole_rate(rate):
    watched = Watched(bucket(rate, max(1, rate / 4)))
    while watched.now < 20:
        watched.now += min(0.01, 1 / rate)
        while watched.take():
            pass
    assert len(watched.taken) >= 0.98 * rate * 20 - 1


@pytest.mark.parametrize("stall", [0.05, 0.2])
def test_what_a_stall_missed_is_made_up_for(stall):
    watched = Watched(bucket(100, 25))
    for turn in range(2000):
        watched.now += stall if turn % 100 == 0 else 0.005
        while watched.take():
            pass
    assert len(watched.taken) >= 0.97 * 100 * watched.now - 25


def test_after_silence_there_is_a_fifth_of_the_burst_and_one_at_least():
    for burst, least in ((25, 5), (3, 1), (1, 1)):
        rested = bucket(100, burst)
        rested.rest(50)
        assert sum(rested.take(50) for _ in range(30)) == least


def test_a_burst_is_followed_by_a_rest():
    watched = Watched(bucket(100, 25))
    for _ in range(210):
        while watched.take():
            pass
        watched.now += 0.005
    assert watched.taken[24] == 0
    assert len(watched.taken) == math.ceil(100 * WINDOW)


def test_throttled_requests_lower_the_pace_and_it_comes_back_by_itself():
    slow, steady = Watched(bucket(100, 1)), Watched(bucket(100, 1))
    for each in range(3):
        slow.bucket.slow_down(each * 0.2)
    counts = []
    for _ in range(10):
        before = len(slow.taken), len(steady.taken)
        for _ in range(1000):
            slow.now += 0.001
            steady.now += 0.001
            slow.take()
            steady.take()
        counts.append((len(slow.taken) - before[0]) / (len(steady.taken) - before[1]))
    assert counts[0] < 0.85
    assert counts == sorted(counts)
    assert counts[-1] == pytest.approx(1, abs=0.02)


def test_many_that_were_throttled_at_once_lower_the_pace_once():
    one, many = bucket(100, 1), bucket(100, 1)
    one.slow_down(5)
    for _ in range(50):
        many.slow_down(5)
    assert one.wait(5, 100) == many.wait(5, 100)


def test_the_pace_is_never_lower_than_a_quarter():
    slowed = bucket(100, 1)
    slowed.take(0)
    for each in range(1000):
        slowed.slow_down(each / 10)
    while slowed.take(99.9):
        slowed.leave(99.9)
    assert slowed.wait(99.9, 1) == pytest.approx(1 / 25, rel=0.05)


@pytest.mark.parametrize("tokens", [2, 30, 100, 500, 2000])
def test_the_wait_at_a_lower_pace_is_told_as_it_will_be(tokens):
    slowed = bucket(100, 10_000)
    slowed.change(0, 100, 10_000)
    for each in range(30):
        slowed.slow_down(each / 10)
    while slowed.take(3):
        slowed.leave(3)
    slowed._left = 0.0
    wait = slowed.wait(3, tokens)
    assert wait > tokens / 100
    slowed._pass(3 + wait)
    assert slowed._left == pytest.approx(tokens)


def test_tokens_beyond_a_new_burst_are_lost():
    lowered = bucket(100, 25)
    lowered.change(0, 10, 2)
    assert sum(lowered.take(0) for _ in range(30)) == 2


@given(st.lists(st.floats(0, 1000), min_size=2, max_size=30))
def test_a_clock_that_jumps_mints_no_more_than_a_burst_each_time(times):
    jumping = bucket(10, 5)
    for now in times:
        taken = 0
        while jumping.take(now):
            jumping.leave(now)
            taken += 1
        assert taken <= 5


def test_a_clock_that_went_back_stops_nothing():
    back = bucket(10, 5)
    while back.take(1000):
        back.leave(1000)
    assert not back.take(5)
    assert (
        sum(back.take(5 + tick / 100) and back.leave(5 + tick / 100) is None for tick in range(500))
        >= 30
    )


def test_what_was_not_sent_is_given_to_the_next_one():
    full = bucket(10, 3)
    assert [full.take(0) for _ in range(4)] == [True, True, True, False]
    full.give_back()
    assert [full.take(0) for _ in range(2)] == [True, False]


def test_at_a_rate_of_zero_nobody_knows_when():
    closed = bucket(0.0, 1, left=0.0)
    assert closed.wait(0) == math.inf
    assert closed.wait(0, 10, rate=5) == 2
