"""A client's events as structlog has them."""

import logging
import re
from typing import Any

import pytest
import structlog
from attrs import evolve
from structlog.testing import capture_logs

from authflow import AuthClient, AuthFlow, MisuseError
from authflow.client import events
from authflow.errors import NextStep
from authflow.integrations.structlog import StructlogObserver
from authflow.testing import PASSWORD

ENDED = events.CallFailed(call="sign_in", call_id="01", seconds=0.25, code="unreachable")


def test_an_event_is_an_entry_with_its_fields_and_level():
    with capture_logs() as entries:
        StructlogObserver().observe(ENDED)
    assert entries == [
        {
            "event": "call_failed",
            "log_level": "warning",
            "call": "sign_in",
            "call_id": "01",
            "elapsed": 0.0,
            "seconds": 0.25,
            "code": "unreachable",
        }
    ]


def test_fields_are_plain_texts_and_numbers_for_renderers_that_show_their_kind():
    refused = evolve(ENDED, code="locked_out", next_step=NextStep.WAIT, flow=AuthFlow.CUSTOM_AUTH)
    with capture_logs() as entries:
        StructlogObserver().observe(refused)
    assert {type(each) for each in entries[0].values()} == {str, float}
    assert (entries[0]["next_step"], entries[0]["flow"]) == ("wait", "CUSTOM_AUTH")


@pytest.mark.parametrize(
    "wrapper",
    [
        structlog.make_filtering_bound_logger(logging.INFO),
        structlog.make_filtering_bound_logger(logging.NOTSET),
        structlog.stdlib.BoundLogger,
        structlog.BoundLogger,
    ],
)
def test_whatever_bound_logger_structlog_has_takes_it(wrapper: Any, caplog):
    caplog.set_level(logging.DEBUG)
    logger = structlog.wrap_logger(
        logging.getLogger("sign-ins"),
        processors=[structlog.processors.JSONRenderer()],
        wrapper_class=wrapper,
        service="shop",
    )
    observer = StructlogObserver(logger)
    observer.observe(events.SignInBegan(call="sign_in", call_id="01"))
    observer.observe(ENDED)
    assert '"code": "unreachable"' in caplog.records[-1].getMessage()
    assert '"service": "shop"' in caplog.records[-1].getMessage()
    assert caplog.records[-1].levelno == logging.WARNING


def test_what_structlog_alone_writes_to_takes_it_too(capsys):
    """Its loggers for a file have no levels of their own, and so no `log(level, event)`."""
    logger = structlog.wrap_logger(
        structlog.PrintLogger(),
        processors=[structlog.processors.JSONRenderer()],
        wrapper_class=structlog.BoundLogger,
    )
    StructlogObserver(logger).observe(ENDED)
    assert '"event": "call_failed"' in capsys.readouterr().out


@pytest.mark.parametrize("odd", ["text", 5, object(), structlog])
def test_what_is_no_logger_is_refused(odd: Any):
    with pytest.raises(MisuseError, match=r"structlog\.get_logger"):
        StructlogObserver(odd)


def _asynchronous() -> Any:
    return structlog.wrap_logger(
        logging.getLogger("sign-ins"), wrapper_class=structlog.stdlib.AsyncBoundLogger
    )


async def test_a_logger_whose_entries_would_be_awaited_by_nobody_is_refused():
    with pytest.raises(MisuseError, match="none that is awaited"):
        StructlogObserver(_asynchronous())


def test_such_a_logger_is_refused_as_clearly_where_no_loop_runs():
    with pytest.raises(MisuseError, match="none that is awaited"):
        StructlogObserver(_asynchronous())


def test_what_a_request_has_bound_is_in_its_entries_and_hides_no_field():
    """Also in those of the requests to Cognito, which are sent by tasks of their own."""
    seen: list[dict[str, Any]] = []

    def keep(_: Any, __: str, entry: Any) -> Any:
        seen.append({**entry})
        raise structlog.DropEvent

    logger = structlog.wrap_logger(
        structlog.PrintLogger(), processors=[structlog.contextvars.merge_contextvars, keep]
    )
    with structlog.contextvars.bound_contextvars(path="/sign-in", code="canary"):
        StructlogObserver(logger).observe(ENDED)
    assert (seen[0]["path"], seen[0]["code"]) == ("/sign-in", "unreachable")


async def test_a_sign_in_is_logged_to_its_end(live_pool):
    async with live_pool() as pool:
        await pool.add_user()
        async with AuthClient(await pool.app_client(), observer=StructlogObserver()) as auth:
            with capture_logs() as entries:
                await auth.sign_in("ada", PASSWORD)
    assert entries[-1]["event"] == "user_signed_in"
    assert len({each["sign_in_id"] for each in entries}) == 1
    assert PASSWORD not in repr(entries)
    assert not re.search(r"\bada\b", repr(entries))  # an id may have the letters
