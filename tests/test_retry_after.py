"""Retry-After, in both its forms (RFC 9110 §10.2.3)."""

import math
import time
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.retry_after import MOST_SECONDS, read_http_date, read_retry_after

SAID = "Sun, 06 Nov 1994 08:49:37 GMT"
SAID_AT = 784111777.0
FORMS = [  # RFC 9110 §5.6.7: today's form, and the two that were before it
    "Sun, 06 Nov 1994 08:50:07 GMT",
    "Sunday, 06-Nov-94 08:50:07 GMT",
    "Sun Nov  6 08:50:07 1994",
]


@given(st.integers(0, MOST_SECONDS))
def test_seconds_are_seconds(seconds: int):
    assert read_retry_after({"retry-after": f" {seconds:04} "}) == seconds


@pytest.mark.parametrize("form", FORMS)
def test_a_date_counts_from_the_replys_own(form: str):
    assert read_retry_after({"retry-after": form, "date": SAID}, now=0.0) == 30
    assert read_retry_after({"retry-after": form, "date": "soon"}, now=SAID_AT) == 30
    assert read_retry_after({"retry-after": form}, now=SAID_AT + 29.5) == 1


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows knows no TZ")
def test_dates_are_of_greenwich_wherever_we_are(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        for form in FORMS:
            assert read_retry_after({"retry-after": form}, now=SAID_AT) == 30
    finally:
        monkeypatch.undo()
        time.tzset()


@given(st.floats(1, MOST_SECONDS - 2), st.floats(0, 4e9))
def test_nobody_waits_less_than_was_asked_for(wait: float, now: float):
    until = math.floor(now + wait)  # dates are of whole seconds
    date = format_datetime(datetime.fromtimestamp(until, UTC), usegmt=True)
    told = read_retry_after({"retry-after": date}, now=now)
    assert told is not None
    assert until - now <= told < max(until - now, 0) + 1
    assert told == int(told)


def test_without_a_date_of_the_reply_it_counts_from_now():
    later = format_datetime(datetime.fromtimestamp(time.time() + 40, UTC), usegmt=True)
    told = read_retry_after({"retry-after": later})
    assert told is not None
    assert 35 <= told <= 41


def test_what_is_past_is_over():
    assert read_retry_after({"retry-after": SAID}, now=SAID_AT + 1e6) == 0


@pytest.mark.parametrize(
    "text",
    ["86401", "9" * 10_000, "0" * 10_000 + "86401", "Fri, 31 Dec 9999 23:59:59 GMT"],
    ids=len,
)
def test_nobody_waits_for_more_than_a_day(text: str):
    assert read_retry_after({"retry-after": text}, now=SAID_AT) == MOST_SECONDS


GARBAGE = [
    *("", " ", "soon", "-5", "+5", "5.5", "5s", "1e3", "nan", "inf", "0x10", "5, 5", "5;5", "\x00"),
    *("٣", "²", "Sun, 99 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z", SAID * 9, "é" + SAID),
]


@pytest.mark.parametrize("text", GARBAGE)
def test_what_is_neither_form_says_nothing(text: str):
    assert read_retry_after({"retry-after": text}, now=0.0) is None


@given(st.text(), st.text())
def test_no_header_breaks_it(text: str, date: str):
    told = read_retry_after({"retry-after": text, "date": date})
    assert told is None or 0 <= told <= MOST_SECONDS


PARTS = [
    *(
        "Sun,",
        "06",
        "Nov",
        "1994",
        "08:49:37",
        "GMT",
        "+0000",
        "-0000",
        "+2400",
        "-9999",
        "06-Nov-94",
    ),
    *("9" * 30, "+" + "9" * 14, "0001", "9999", "99:99:99", "0:0:0:0", "Feb", "30", "0", "-1"),
    *(",", ":", ";", "(", ")", "\\", '"', "..", "1e9"),
]


@given(st.lists(st.sampled_from(PARTS), max_size=8), st.sampled_from(["", " ", "-"]))
def test_no_parts_of_a_date_break_it(parts: list[str], between: str):
    read = read_http_date(between.join(parts))
    assert read is None or math.isfinite(read)
    read_retry_after({"retry-after": " ".join(parts), "date": between.join(parts)})


@pytest.mark.parametrize(
    "text",
    [
        f"Sun, 06 Nov {'9' * 20} 08:49:37 GMT",
        f"Sun, {'9' * 20} Nov 1994 08:49:37 GMT",
        f"Sun, 06 Nov 1994 08:49:37 +{'9' * 14}",
        "Sun, 06 Nov 1994 08:49:37 +2400",
    ],
)
def test_a_date_that_no_calendar_has_is_none(text: str):
    assert read_http_date(text) is None
    assert read_retry_after({"retry-after": text}, now=0.0) is None


def test_without_the_header_it_says_nothing():
    assert read_retry_after({}) is None
    assert read_retry_after({"date": SAID}) is None
