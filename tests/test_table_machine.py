import logging

import pytest
from transitions import MachineError

from authflow.table_machine import TableMachine

LIGHTS = [("stop", "green", "yellow"), ("stop", "yellow", "red"), ("go", "red", "green")]


@pytest.fixture
def machine() -> TableMachine:
    return TableMachine(table=LIGHTS)


def test_an_event_leads_where_the_table_says(machine: TableMachine):
    for event, source, target in LIGHTS:
        assert machine.allows(source, event)
        assert machine.move(source, event) == target


@pytest.mark.parametrize(
    ("state", "event"), [("red", "stop"), ("blue", "stop"), ("red", "fly"), ("red", "to_green")]
)
def test_nothing_else_is_allowed(machine: TableMachine, state: str, event: str):
    assert not machine.allows(state, event)


def test_a_move_that_is_not_allowed_raises(machine: TableMachine):
    with pytest.raises(MachineError):
        machine.move("red", "stop")


def test_nothing_is_logged_above_debug(machine: TableMachine, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    machine.move("red", "go")
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


def test_a_table_may_come_from_a_generator():
    assert TableMachine(arrow for arrow in LIGHTS).move("red", "go") == "green"
