import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import ConfigError, LimitStateError
from authflow.plugins.admission import Admitted, AlreadySent, LockedOut, SendRefused
from authflow.triggers.limits.rules import GuessLimit, GuessRecord, SendLimit, SendRecord

NOW = 1_800_000_000.0


def test_waits_double_from_the_first_to_the_longest_and_end_with_the_administrator():
    limit = GuessLimit()
    assert [limit.wait(n) for n in range(14)] == [0] * 5 + [
        *(30, 60, 120, 240, 480, 960, 1920, 3600, 3600)
    ]
    assert limit.wait(99) == 3600
    assert limit.wait(100) == math.inf


@pytest.mark.parametrize(
    "settings",
    [
        {"failures": 0},
        {"failures": True},
        {"failures": 2.5},
        {"failures": 101},
        {"most_failures": 101},
        {"most_failures": 0},
        {"most_failures": 4},
        {"first_wait": 0},
        {"first_wait": -1},
        {"first_wait": "30"},
        {"first_wait": math.nan},
        {"longest_wait": 29},
        {"longest_wait": math.inf},
        {"memory": 3599},
        {"strangers_memory": 59},
        {"strangers_memory": "600"},
    ],
)
def test_a_guess_limit_that_limits_nothing_is_refused(settings: dict[str, Any]):
    with pytest.raises(ConfigError):
        GuessLimit(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"cool_down": 14.9},
        {"cool_down": None},
        {"window": 29},
        {"window": math.inf},
        {"per_user": 0},
        {"per_user": 1.0},
        {"per_destination": 0},
        {"per_destination": 1001},
    ],
)
def test_a_send_limit_that_limits_nothing_is_refused(settings: dict[str, Any]):
    with pytest.raises(ConfigError):
        SendLimit(**settings)


@given(
    guesses=st.lists(
        st.tuples(st.floats(0, 4000), st.integers(0, 200), st.booleans()), max_size=150
    )
)
def test_no_more_is_ever_admitted_than_the_waits_allow(guesses):
    """A model counts what was admitted and waits in between; retries are free."""
    limit = GuessLimit()
    record, now = GuessRecord(), NOW
    failures, free_at, known = 0, 0.0, {}
    for passed, guess, right in guesses:
        now += passed
        verdict, counted = limit.admit(record, str(guess), now)
        retried = now - known.get(guess, -math.inf) < 60
        assert (counted is None) == (retried or isinstance(verdict, LockedOut))
        if retried:
            assert verdict == Admitted()
            continue
        assert isinstance(verdict, Admitted) == (now >= free_at)
        if isinstance(verdict, LockedOut):
            assert verdict.retry_after is None or 0 < verdict.retry_after <= 3600
            continue
        failures += 1
        known[guess] = now
        free_at = now + limit.wait(failures) if limit.wait(failures) else 0.0
        record = GuessRecord.from_json(counted.to_json())
        assert record == counted
        if right:
            record = limit.forgive(record, now)
            failures, free_at = 0, 0.0


def test_a_clock_that_lags_behind_is_no_lock_out():
    limit = GuessLimit()
    _, record = limit.admit(GuessRecord(), "a", NOW)
    assert limit.admit(record, "b", NOW - 0.5)[0] == Admitted()


def test_a_record_is_kept_as_long_as_it_counts():
    limit = GuessLimit(memory=86400)
    assert limit.lifetime(GuessRecord()) == 60
    assert limit.lifetime(GuessRecord(failures=1)) == 86400
    assert limit.lifetime(GuessRecord(failures=100)) > 9 * 365 * 86400


def test_a_record_of_many_right_answers_stays_small():
    limit = GuessLimit()
    record = GuessRecord()
    for guess in range(500):
        _, counted = limit.admit(record, str(guess), NOW)
        record = limit.forgive(counted, NOW)
    assert len(record.admitted) == 50
    assert limit.admit(record, "499", NOW) == (Admitted(), None)


@given(sends=st.lists(st.tuples(st.floats(0, 900), st.integers(0, 5)), max_size=100))
def test_no_window_ever_holds_more_messages_than_the_cap(sends):
    limit = SendLimit()
    record, now, sent = SendRecord(), NOW, []
    for passed, message in sends:
        now += passed
        verdict, changed = limit.admit(record, limit.per_user, str(message), now)
        assert (changed is not None) == (verdict == Admitted())
        if changed is not None:
            record = SendRecord.from_json(changed.to_json())
            assert not sent or now - sent[-1][0] >= limit.cool_down
            sent.append((now, message))
        recent = [(at, sent_before) for at, sent_before in sent if now - at < limit.window]
        assert len(recent) <= limit.per_user
        assert len(record.sent) <= limit.per_user
        if isinstance(verdict, SendRefused):
            later = now + verdict.retry_after + 0.001
            assert limit.admit(record, limit.per_user, "another", later)[0] == Admitted()
            assert limit.admit(record, limit.per_user, "another", now)[0] == verdict
        if verdict == AlreadySent():
            assert any(name == message and now - at < limit.cool_down for at, name in sent)


def test_a_message_that_is_taken_back_leaves_no_trace():
    limit = SendLimit()
    _, record = limit.admit(SendRecord(), 5, "a", NOW)
    assert record.without("a") == SendRecord()
    assert record.without("b") == record


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff",
        b"null",
        b"[]",
        b"{}",
        b'{"n": -1, "at": 0, "ids": {}}',
        b'{"n": "1", "at": 0, "ids": {}}',
        b'{"n": 1, "at": NaN, "ids": {}}',
        b'{"n": 1, "at": 1e400, "ids": {}}',
        b'{"n": 1, "at": -1, "ids": {}}',
        b'{"n": 1, "at": 0, "ids": {"a": "b"}}',
        b'{"n": 1, "at": 0, "ids": []}',
        b'{"sent": [1]}',
        b'{"sent": {"a": null}}',
        b'{"sent": {"a": -Infinity}}',
    ],
)
@pytest.mark.parametrize("kind", [GuessRecord, SendRecord])
def test_a_foreign_record_is_a_typed_error(kind: Any, text: bytes):
    with pytest.raises(LimitStateError, match="not written by authflow"):
        kind.from_json(text)


@given(
    st.integers(0, 100),
    st.floats(60, 86400),
    st.floats(3600, 90 * 86400),
)
def test_a_strangers_failures_are_kept_for_minutes_and_longer_with_each_but_never_too_short(
    failures: int, short: float, memory: float
):
    limit = GuessLimit(memory=memory, strangers_memory=short)
    record = GuessRecord(failures=failures, counted_at=NOW)
    kept = limit.lifetime(record, stranger=True)
    fewer = GuessRecord(failures=max(failures - 1, 0), counted_at=NOW)
    assert limit.lifetime(fewer, stranger=True) <= kept <= max(memory, 60)
    assert kept >= min(limit.wait(failures), memory)
    if failures == 1:
        assert kept == min(short, memory)
    assert kept <= limit.lifetime(record)


def test_by_default_a_strangers_first_failure_is_forgotten_in_ten_minutes():
    limit, once = GuessLimit(), GuessRecord(failures=1, counted_at=NOW)
    assert (limit.lifetime(once, stranger=True), limit.lifetime(once)) == (600, 30 * 86400)
