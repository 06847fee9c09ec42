"""A table of transitions, run by a synchronous `transitions.Machine`.

It stands apart from the tables, because most processes that read a table never run it: a Lambda
with triggers does not sign anybody in, and is spared the import.
"""

from collections.abc import Iterable

from attrs import define, field, frozen
from transitions import EventData, Machine, State

Transition = tuple[str, str, str]
"""An event, the state it happens in, and the state it leads to."""


class _QuietState(State):
    """A state without callbacks, so that `transitions` has nothing to log at INFO."""

    def enter(self, event_data: EventData) -> None:
        """Do nothing."""

    def exit(self, event_data: EventData) -> None:
        """Do nothing."""


class _QuietMachine(Machine):
    state_cls = _QuietState


@define
class _Model:
    """The object that `transitions` moves: a state only, never registered with the machine."""

    state: str


def _machine(transitions: Iterable[Transition]) -> Machine:
    arrows = tuple(transitions)
    states = dict.fromkeys(state for _, source, target in arrows for state in (source, target))
    machine = _QuietMachine(model=None, states=[*states], initial=None, auto_transitions=False)
    for arrow in arrows:
        machine.add_transition(*arrow)
    return machine


@frozen
class TableMachine:
    """Runs a table. It holds no model, so one machine serves all sign-ins in its states.

    Args:
        table: All its transitions.
    """

    _machine: Machine = field(alias="table", converter=_machine, repr=False)

    def allows(self, state: str, event: str) -> bool:
        """Return whether an event leads out of a state."""
        arrows = self._machine.events.get(event)
        return arrows is not None and state in arrows.transitions

    def move(self, state: str, event: str) -> str:
        """Return the state that an event leads to, where the table allows it."""
        model = _Model(state)
        self._machine.events[event].trigger(model)
        return model.state
