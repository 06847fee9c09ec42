"""Cases run by pytest and without it, and end the same way."""

import logging
import math
import unittest

import anyio
import pytest

from authflow.errors import MisuseError, PluginFailedError
from authflow.testing import START, CaseResult, MovableClock, Outbox, Violation, run_suite
from authflow.testing.cases import Suite, case, case_names, demand, skip


class Suites(Suite):
    prepared = False

    async def prepare(self) -> None:
        self.prepared = True

    @case
    async def test_good(self) -> None:
        await anyio.sleep(0)
        demand(self.prepared, "never shown")

    @case
    async def test_bad(self) -> None:
        demand(False, "it is bad")

    @case
    async def test_not_for_you(self) -> None:
        skip("not for you")

    @case
    async def test_broken(self) -> None:
        try:
            raise KeyError("canary-8")
        except KeyError as error:
            raise PluginFailedError("canary-9") from error


def test_each_case_ends_in_its_own_way():
    assert run_suite(Suites) == (
        CaseResult(case="test_good", outcome="passed"),
        CaseResult(case="test_bad", outcome="failed", reason="it is bad"),
        CaseResult(case="test_not_for_you", outcome="skipped", reason="not for you"),
        CaseResult(
            case="test_broken",
            outcome="failed",
            reason="it raised PluginFailedError, because of KeyError",
        ),
    )


def test_only_the_cases_that_were_named_run():
    assert [result.case for result in run_suite(Suites, ["test_bad"])] == ["test_bad"]


def test_cases_are_listed_once_in_the_order_in_which_they_are_written():
    class More(Suites):
        @case
        async def test_last(self) -> None:
            """Nothing."""

        test_bad = Suites.test_good

    written = ("test_good", "test_bad", "test_not_for_you", "test_broken", "test_last")
    assert case_names(More) == written


def test_pytest_sees_plain_functions_that_raise():
    with pytest.raises(Violation, match="it is bad"):
        Suites().test_bad()
    with pytest.raises(unittest.SkipTest):
        Suites().test_not_for_you()


def test_every_case_has_a_clock_and_an_outbox_of_its_own():
    class Two(Suite):
        seen: list[object] = []  # noqa: RUF012  # what the cases leave for the test

        @case
        async def test_one(self) -> None:
            self.clock.advance(5)
            await self.outbox.send("ada", "1")
            self.seen.append((self.clock.now, len(self.outbox)))

        @case
        async def test_two(self) -> None:
            self.seen.append((self.clock.now, len(self.outbox)))

    run_suite(Two)
    start = MovableClock().now
    assert Two.seen == [(start + 5, 1), (start, 0)]


def test_what_a_case_logs_is_not_printed(capfd: pytest.CaptureFixture[str]):
    class Loud(Suite):
        @case
        async def test_loud(self) -> None:
            logging.getLogger("acme").error("canary-10")

    before = list(logging.root.handlers)
    run_suite(Loud)
    assert "canary-10" not in capfd.readouterr().err
    assert logging.root.handlers == before


def test_a_clock_does_not_go_back():
    clock = MovableClock()
    for seconds in (-1, math.nan, math.inf, 10**400, "5", None, True):
        with pytest.raises(MisuseError, match="does not go back"):
            clock.advance(seconds)
    clock.advance(0)
    assert clock() == START
    with pytest.raises(MisuseError, match="from 0 to 253402300800"):
        clock.advance(253_402_000_000)  # dates end with the year 9999


async def test_an_outbox_keeps_what_is_sent_and_hides_its_text():
    outbox = Outbox()
    with pytest.raises(LookupError, match="nothing was sent"):
        _ = outbox.last
    await outbox.send("ada@example.com", "canary-11")
    assert [message.destination for message in outbox] == ["ada@example.com"]
    assert outbox.last.text.reveal() == "canary-11"
    assert "canary-11" not in repr(outbox)
    outbox.clear()
    assert len(outbox) == 0
