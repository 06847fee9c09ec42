import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import ConfigError, StoreEntryError
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
        {"longest_wait": 3650 * 86400 + 1, "memory": 3650 * 86400 + 1},
        {"memory": 3650 * 86400 + 1},
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
        {"window": 3650 * 86400 + 1},
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
    with pytest.raises(StoreEntryError, match="not written by authflow"):
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


@pytest.mark.parametrize(
    "settings",
    [
        {"failures": 1, "most_failures": 1},
        {"failures": 100},
        {"first_wait": 1, "longest_wait": 1},
        {"longest_wait": 3650 * 86400, "memory": 3650 * 86400},
        {"longest_wait": 60, "memory": 60},
        {"longest_wait": 30, "memory": 60},
        {"strangers_memory": 60},
        {"strangers_memory": 60.0},
    ],
)
def test_a_guess_limit_may_go_to_the_ends_of_its_ranges(settings: dict[str, Any]):
    limit = GuessLimit(**settings)
    assert all(getattr(limit, name) == value for name, value in settings.items())


@pytest.mark.parametrize(
    "settings",
    [
        {"cool_down": 15},
        {"cool_down": 60, "window": 60},
        {"window": 3650 * 86400},
        {"per_user": 1, "per_destination": 1},
        {"per_user": 1000, "per_destination": 1000},
    ],
)
def test_a_send_limit_may_go_to_the_ends_of_its_ranges(settings: dict[str, Any]):
    limit = SendLimit(**settings)
    assert all(getattr(limit, name) == value for name, value in settings.items())


@pytest.mark.parametrize(
    ("kind", "settings", "named"),
    [
        (GuessLimit, {"failures": 0}, "failures is a whole number from 1 to 100"),
        (GuessLimit, {"failures": 9, "most_failures": 8}, "failures is a whole number from 1 to 8"),
        (GuessLimit, {"most_failures": 101}, "most_failures is a whole number from 1 to 100"),
        (GuessLimit, {"first_wait": 0.9}, "first_wait is a number of seconds, at least 1"),
        (GuessLimit, {"longest_wait": 29}, "longest_wait is a number of seconds, at least 30"),
        (GuessLimit, {"memory": 59, "longest_wait": 30}, "memory is a number.*, at least 60"),
        (GuessLimit, {"memory": 60}, "memory is a number of seconds, at least 3600"),
        (GuessLimit, {"strangers_memory": 59}, "strangers_memory is .*, at least 60"),
        (SendLimit, {"cool_down": 14}, "cool_down is a number of seconds, at least 15"),
        (SendLimit, {"window": 29}, "window is a number of seconds, at least 30"),
        (SendLimit, {"per_user": 1001}, "per_user is a whole number from 1 to 1000"),
        (SendLimit, {"per_destination": 0}, "per_destination is a whole number from 1 to 1000"),
    ],
)
def test_a_setting_out_of_its_range_is_named_with_the_range(
    kind: Any, settings: dict[str, Any], named: str
):
    with pytest.raises(ConfigError, match=rf"^{named}( and at most \d+)?$"):
        kind(**settings)


def test_a_wait_is_over_when_it_is_over_and_a_guess_is_known_for_a_minute():
    limit = GuessLimit(failures=1)
    _, record = limit.admit(GuessRecord(), "a", NOW)
    assert record == GuessRecord(failures=1, counted_at=NOW, admitted={"a": NOW})
    assert limit.admit(record, "b", NOW + 29.5) == (LockedOut(retry_after=0.5), None)
    assert limit.admit(record, "b", NOW + 30) == (
        Admitted(),
        GuessRecord(failures=2, counted_at=NOW + 30, admitted={"a": NOW, "b": NOW + 30}),
    )
    assert limit.admit(record, "a", NOW + 59.5) == (Admitted(), None)
    assert limit.admit(record, "a", NOW + 60) == (
        Admitted(),
        GuessRecord(failures=2, counted_at=NOW + 60, admitted={"a": NOW + 60}),
    )
    assert limit.forgive(record, NOW + 59.5) == GuessRecord(admitted={"a": NOW})
    assert limit.forgive(record, NOW + 60) == GuessRecord()


def test_after_the_most_failures_no_time_helps():
    limit, record = GuessLimit(), GuessRecord(failures=100, counted_at=NOW)
    for later in (0, 3600, 10**9):
        assert limit.admit(record, "a", NOW + later) == (LockedOut(retry_after=None), None)


def test_a_strangers_record_lasts_twice_as_long_with_each_failure_and_as_long_as_the_wait():
    limit = GuessLimit(strangers_memory=60, memory=7200)
    kept = [limit.lifetime(GuessRecord(failures=n), stranger=True) for n in range(12)]
    assert kept == [60, 60, 120, 240, 480, 960, 1920, 3840, 7200, 7200, 7200, 7200]
    waiting = GuessLimit(strangers_memory=60, failures=1, first_wait=1800)
    assert waiting.lifetime(GuessRecord(failures=1), stranger=True) == 1800


def test_messages_are_refused_until_the_cool_down_or_the_window_is_over():
    limit = SendLimit(cool_down=30, window=100, per_user=2)

    def admit(record: SendRecord, message: str, later: float) -> Any:
        return limit.admit(record, limit.per_user, message, NOW + later)

    _, first = admit(SendRecord(), "a", 0)
    assert first == SendRecord(sent={"a": NOW})
    assert admit(first, "a", 29.5) == (AlreadySent(), None)
    assert admit(first, "b", 29.5) == (SendRefused(retry_after=0.5), None)
    _, second = admit(first, "b", 30)
    assert second == SendRecord(sent={"a": NOW, "b": NOW + 30})
    assert admit(second, "c", 99.5) == (SendRefused(retry_after=0.5), None)
    assert admit(second, "c", 100) == (
        Admitted(),
        SendRecord(sent={"b": NOW + 30, "c": NOW + 100}),
    )
    _, again = admit(first, "a", 30)
    assert sorted(again.sent.values()) == [NOW, NOW + 30]
    assert again.sent["a"] == NOW + 30
    assert admit(again, "c", 99.5) == (SendRefused(retry_after=0.5), None)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (GuessRecord, b'{"n": 0, "at": 1000000000000, "ids": {}}'),
        (GuessRecord, b'{"n": 0, "at": 0, "ids": {"a": 1e12}}'),
        (GuessRecord, b'{"n": 0, "at": "0", "ids": {}}'),
        (SendRecord, b'{"sent": {"a": 1e12}}'),
        (SendRecord, b'{"sent": {"a": -0.5}}'),
        (SendRecord, b'{"sent": {"a": 0, "b": "0"}}'),
    ],
)
def test_a_record_with_one_time_that_is_none_is_foreign(kind: Any, text: bytes):
    with pytest.raises(StoreEntryError):
        kind.from_json(text)


def test_records_are_read_as_they_were_written():
    guesses = GuessRecord(failures=3, counted_at=0.5, admitted={"a": 0, "b": 999999999999})
    assert GuessRecord.from_json(guesses.to_json()) == guesses
    assert json.loads(guesses.to_json()) == {"n": 3, "at": 0.5, "ids": dict(guesses.admitted)}
    sends = SendRecord(sent={"a": 0.0, "b": 1.5})
    assert SendRecord.from_json(sends.to_json()) == sends
    assert json.loads(sends.to_json()) == {"sent": {"a": 0.0, "b": 1.5}}
    assert (GuessRecord.from_json(None), SendRecord.from_json(None)) == (
        GuessRecord(),
        SendRecord(),
    )
