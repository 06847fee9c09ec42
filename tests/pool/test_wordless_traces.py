import logging

import pytest

from authflow.pool.log_limit import limited_logger
from authflow.pool.wordless_traces import wordless_trace

CANARY = "hunter2-Swordfish"


def parse(text):
    return int(text)


def chained(text):
    try:
        parse(text)
    except ValueError as error:
        raise LookupError(text) from error


def while_handling(text):
    try:
        parse(text)
    except ValueError:
        raise KeyError(text)  # noqa: B904  # its context is what is tried


def hidden(text):
    try:
        parse(text)
    except ValueError:
        raise KeyError(text) from None


def grouped(text):
    try:
        parse(text)
    except ValueError as error:
        raise ExceptionGroup(text, [error, ExceptionGroup(text, [OSError(text)])]) from error


def noted(text):
    error = RuntimeError(text)
    error.add_note(text)
    raise error


def literal(text):
    raise RuntimeError("hunter2-Swordfish")


def syntax(text):
    compile(f"'{text}", text, "exec")


def unwilling(text):
    class UnwillingError(Exception):
        def __str__(self):
            raise RuntimeError(text)

        __repr__ = __str__

    raise UnwillingError(text)


def own_cause(text):
    error = ValueError(text)
    error.__cause__ = error
    raise error


RAISING = {
    parse: ["ValueError", "in parse"],
    chained: ["ValueError", "in parse", "LookupError", "in chained", "direct cause"],
    while_handling: ["ValueError", "in parse", "KeyError", "in while_handling", "came up"],
    hidden: ["KeyError", "in hidden"],
    grouped: ["ExceptionGroup", "in grouped", "ValueError", "  |   | OSError"],
    noted: ["RuntimeError", "in noted"],
    literal: ["RuntimeError", "in literal"],
    syntax: ["SyntaxError", "in syntax"],
    unwilling: ["UnwillingError", "in unwilling"],
    own_cause: ["ValueError", "in own_cause"],
}


@pytest.mark.parametrize(
    ("raising", "shown"), RAISING.items(), ids=[each.__name__ for each in RAISING]
)
def test_a_log_shows_types_and_places_and_no_words(caplog, raising, shown):
    logger = limited_logger("authflow.pool.test_wordless_traces")
    logger.propagate = True
    try:
        raising(CANARY)
    except Exception:
        logger.exception("it failed")
    (record,) = caplog.records
    assert record.exc_info is None
    assert "it failed" in caplog.text
    assert __file__ in caplog.text
    for each in shown:
        assert each in caplog.text
    assert "hunter2" not in caplog.text + repr(record.__dict__)


def test_what_was_hidden_stays_hidden():
    with pytest.raises(KeyError) as raised:
        hidden(CANARY)
    assert "ValueError" not in wordless_trace(raised.value)


def test_an_endless_recursion_is_short():
    def endless():
        return endless()

    try:
        endless()
    except RecursionError as error:
        lines = wordless_trace(error).splitlines()
    assert len(lines) == 43
    assert any("more)" in line for line in lines)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_errors_that_cause_each_other_have_an_end(length):
    errors = [ValueError() for _ in range(length)]
    for error, cause in zip(errors, errors[1:] + errors[:1], strict=True):
        error.__cause__ = cause
    assert wordless_trace(errors[0]).count("ValueError") == length


def test_a_long_chain_is_short():
    error = None
    for _ in range(1000):
        later = ValueError()
        later.__cause__, error = error, later
    assert wordless_trace(error).count("ValueError") == 20


def test_a_line_without_an_exception_stays_as_it_is(caplog):
    limited_logger("authflow.pool.test_wordless_traces").warning("said %s", "it", exc_info=True)
    (record,) = caplog.records
    assert record.getMessage() == "said it"
    assert logging.Formatter().format(record) == "said it"
