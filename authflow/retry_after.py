"""The time at which a server wants to be asked again: `Retry-After` of an HTTP reply.

Source: RFC 9110 §10.2.3 (Retry-After: seconds, or a date), §5.6.7 (dates) and §6.6.1 (Date).
"""

import math
import re
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

MOST_SECONDS: Final = 86_400
"""A day, also if a server asks for more: no sign-in waits longer."""
_SECONDS: Final = re.compile(r"[0-9]+")
_DIGITS: Final = len(str(MOST_SECONDS))
_LONGEST_DATE: Final = 64


def read_retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Return how many seconds the server asks to wait.

    A date counts from the reply's own `Date`, so that no clock of ours has to be right.

    Args:
        headers: The reply's HTTP headers, under names in lower case.
        now: Seconds since the epoch, where the reply has no `Date`; by default the clock's.

    Returns:
        Whole seconds, rounded up and never less than was asked for, but for a day at most; None if
        the header is not there or is neither form.
    """
    text = str(headers.get("retry-after", "")).strip()
    if _SECONDS.fullmatch(text):
        digits = text.lstrip("0") or "0"
        return float(MOST_SECONDS if len(digits) > _DIGITS else min(int(digits), MOST_SECONDS))
    until = read_http_date(text)
    if until is None:
        return None
    said = read_http_date(str(headers.get("date", "")).strip())
    asked_at = said if said is not None else time.time() if now is None else now
    return float(min(max(math.ceil(until - asked_at), 0), MOST_SECONDS))


def read_http_date(text: str) -> float | None:
    """Return an HTTP date, of the current or an old form, as seconds since the epoch.

    Args:
        text: What a server wrote.

    Returns:
        None if it is no date, or none that anybody can mean.
    """
    if not text or len(text) > _LONGEST_DATE or not text.isascii():
        return None
    try:
        read = parsedate_to_datetime(text)
        return (read if read.tzinfo is not None else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
