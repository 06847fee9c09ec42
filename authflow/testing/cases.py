"""Cases of a conformance suite: plain tests for pytest, which also run without it.

A case is a method that pytest finds by its name. It needs no fixture and no plugin of pytest, for
it runs its own event loop; so `authflow plugins check` runs the very same cases by itself.
"""

import functools
import logging
import unittest
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Literal, NoReturn, TypeVar

import anyio
from attrs import frozen

from authflow.testing.clock import MovableClock
from authflow.testing.outbox import Outbox

SuiteT = TypeVar("SuiteT", bound="Suite")

_TIMEOUT: Final = 120.0
"""Seconds for one case: far more than a plugin within its time limits needs."""


class Violation(AssertionError):  # noqa: N818  # a finding about a plugin, and no error of authflow
    """A plugin does not meet the demand of a case.

    Args:
        why: What is wrong, and how to mend it; without secrets.
        at: Where in the plugin, if that is known.
    """

    def __init__(self, why: str, at: str = "") -> None:
        super().__init__(why)
        self.at = at

    def __str__(self) -> str:
        why = super().__str__()
        return f"{why} ({self.at})" if self.at else why


def demand(fulfilled: object, why: str, at: str = "") -> None:
    """Raise unless a case's demand is met.

    Args:
        fulfilled: Whether it is.
        why: What is wrong otherwise, and how to mend it; without secrets.
        at: Where in the plugin; if it is not said, where the suite was last.

    Raises:
        Violation: It is not so.
    """
    if not fulfilled:
        raise Violation(why, at)


class Suite:
    """The base of suites, with a new clock and a new outbox for every case."""

    clock: MovableClock
    outbox: Outbox

    def lacking(self) -> str | None:
        """Return what a suite must say before anything can be judged; None if it says it."""
        return None

    async def prepare(self) -> None:
        """Prepare a case, for example by enrolling the suite's users in the plugin's store."""

    def whereabouts(self) -> str:
        """Return the place in the plugin that the case reached last."""
        return ""

    def place_of(self, error: BaseException) -> str:  # noqa: ARG002  # what overrides it looks
        """Return the place in the plugin that an error comes from."""
        return self.whereabouts()


@frozen(kw_only=True)
class CaseResult:
    """The result of one case.

    Args:
        case: The name of the test.
        outcome: "passed"; "failed"; or "skipped", if the suite says that it does not apply.
        reason: Why it failed or was skipped.
    """

    case: str
    outcome: Literal["passed", "failed", "skipped"]
    reason: str = ""


def case(body: Callable[[SuiteT], Awaitable[None]]) -> Callable[[SuiteT], None]:
    """Make an async method a test that runs on its own event loop.

    Args:
        body: The method.
    """

    async def within_limit(suite: SuiteT) -> None:
        with anyio.fail_after(_TIMEOUT):
            lacking = suite.lacking()
            if lacking is not None:
                if body.__name__ != case_names(type(suite))[0]:
                    skip(lacking)
                raise Violation(lacking)
            await suite.prepare()
            try:
                await body(suite)
            except Violation as violation:
                violation.at = violation.at or suite.whereabouts()
                raise

    @functools.wraps(body)
    def test(self: SuiteT) -> None:
        self.clock = MovableClock()
        self.outbox = Outbox()
        anyio.run(within_limit, self)

    # Code that unwraps it would find a coroutine function, and treat the test as one.
    del test.__wrapped__
    return test


def skip(reason: str) -> NoReturn:
    """End a case that does not apply; pytest treats the exception as its own.

    Args:
        reason: Why it does not.

    Raises:
        unittest.SkipTest: Always.
    """
    raise unittest.SkipTest(reason)


def case_names(suite: type[Suite]) -> tuple[str, ...]:
    """Return the names of a suite's cases, in the order in which they are written.

    Args:
        suite: The suite.
    """
    found = {
        name: None
        for kind in reversed(suite.__mro__)
        for name, value in vars(kind).items()
        if name.startswith("test_") and callable(value)
    }
    return tuple(found)


def run_suite(suite: type[Suite], names: Iterable[str] | None = None) -> tuple[CaseResult, ...]:
    """Run the cases of a suite without pytest, one after the other.

    It must not be called from a running event loop, for each case runs one.

    Args:
        suite: The suite.
        names: Only these cases.
    """
    wanted = case_names(suite) if names is None else tuple(names)
    return tuple(_result(suite, name) for name in wanted)


def _result(suite: type[Suite], name: str) -> CaseResult:
    judge = suite()
    test: Callable[[], Any] = getattr(judge, name)
    quiet = logging.NullHandler()  # without a handler, Python would print a plugin's logs
    logging.root.addHandler(quiet)
    try:
        test()
    except unittest.SkipTest as skipped:
        return CaseResult(case=name, outcome="skipped", reason=str(skipped))
    except Exception as error:  # noqa: BLE001  # whatever a plugin raises is a finding
        # Only the text of a violation is written here, and so is known to hold no secret.
        ours = isinstance(error, Violation)
        return CaseResult(
            case=name, outcome="failed", reason=str(error) if ours else _described(error, judge)
        )
    finally:
        logging.root.removeHandler(quiet)
    return CaseResult(case=name, outcome="passed")


def _described(error: BaseException, judge: Suite) -> str:
    cause = error.__cause__
    because = "" if cause is None else f", because of {type(cause).__qualname__}"
    place = judge.place_of(error)
    at = f" ({place})" if place else ""
    return f"it raised {type(error).__qualname__}{because}{at}"
