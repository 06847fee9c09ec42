import logging

import pytest

from authflow.pool.log_limit import BURST, LIMIT, LogLimit, limited_logger
from authflow.pool.wordless_traces import WORDLESS
from authflow.testing import MovableClock


@pytest.fixture
def clock():
    return MovableClock(0.0)


@pytest.fixture
def logger(clock, request):
    logger = logging.getLogger(f"{__name__}.{request.node.name}")
    logger.propagate = False
    logger.addFilter(LogLimit(burst=3, pause=2.0, clock=clock))
    logger.written = []
    handler = logging.Handler()
    handler.emit = lambda record: logger.written.append((record.getMessage(), record.exc_info))
    logger.addHandler(handler)
    return logger


def texts(logger):
    return [text for text, _ in logger.written]


def test_a_flood_writes_a_burst_and_keeps_no_other_place_from_writing(logger, clock):
    for n in range(1000):
        logger.warning("number %d", n)
        clock.now += 0.001
    assert texts(logger) == ["number 0", "number 1", "number 2"]
    logger.warning("another place")
    assert texts(logger)[3:] == ["another place"]


def test_what_was_left_out_is_counted_in_the_next_line(logger, clock):
    def flood(number):
        for n in range(number):
            logger.warning("number %d", n)

    flood(10)
    clock.now = 2.0
    flood(5)
    assert texts(logger)[3:] == ["number 0 (and 7 more like it)"]
    clock.now = 4.0
    flood(1)
    assert texts(logger)[4:] == ["number 0 (and 4 more like it)"]


def test_what_floods_write_is_one_kind_whatever_they_put_into_it(logger):
    for n in range(100):
        logger.warning("from %s", f"attacker {n}")
    assert len(logger.written) == 3


def test_after_a_calm_there_is_a_burst_again(logger, clock):
    def flood():
        for n in range(10):
            logger.warning("number %d", n)

    flood()
    clock.now = 3600.0
    flood()
    assert texts(logger) == [
        *("number 0", "number 1", "number 2"),
        *("number 0 (and 7 more like it)", "number 1", "number 2"),
    ]


def test_a_line_that_stands_for_others_has_no_traceback(logger, clock):
    def fail(number):
        for _ in range(number):
            try:
                raise RuntimeError("no")
            except RuntimeError:
                logger.exception("failed")

    fail(5)
    clock.now = 2.0
    fail(1)
    assert [info is not None for _, info in logger.written] == [True, True, True, False]


def test_all_loggers_of_the_pool_share_a_limit_that_is_set_once():
    one = limited_logger("authflow.pool.test_log_limit")
    assert limited_logger("authflow.pool.test_log_limit") is one
    assert one.filters == [LIMIT, WORDLESS]
    assert LIMIT.burst == BURST
