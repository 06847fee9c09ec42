"""The state machine as a picture: an auth flow's table.

A challenge's event is "challenged with NAME" and leads to the state NAME, a choice's is "chose
NAME" and leads to NAME_chosen, so an arrow needs no label. Two things keep the picture small
without losing any of the table: rule 5's ends are drawn once, for all states that wait, and states
that the table never tells apart share one box. An arrow that only a server takes says so.
"""

from typing import Final

from authflow.machine import (
    BEGINNINGS,
    END_OF,
    ENDS,
    SERVER_ALONE,
    TABLES,
    AuthFlow,
    Ending,
    State,
    Table,
)
from authflow.picture import BEGINNING, Picture

_WAITING: Final = "waiting"
_ALONE: Final = "for a server alone"


def picture(flow: AuthFlow) -> Picture:
    """Draw an auth flow.

    Args:
        flow: The auth flow.
    """
    table, alone = TABLES[flow], SERVER_ALONE.get(flow, {})
    twins = _boxes(table)
    names = {state: box[0] for box in twins for state in box}
    arrows = [(BEGINNING, "", str(box)) for box, *_ in twins if box in BEGINNINGS]
    for box, *_ in twins:
        followers = dict.fromkeys(names[state] for state in State if state in table[box] - ENDS)
        arrows += [(box, "", follower) for follower in followers]
        arrows += [(box, _ALONE, names[each]) for each in alone.get(box, ())]
        if State.SIGNED_IN in table[box]:
            arrows.append((box, Ending.AUTHENTICATED, State.SIGNED_IN))
    arrows += [
        (_WAITING, outcome, end)
        for outcome, end in END_OF.items()
        if outcome is not Ending.AUTHENTICATED
    ]
    ends = tuple(map(str, END_OF.values()))
    return Picture(
        boxes={str(box[0]): " or ".join(box) for box in twins}
        | {_WAITING: "any state that waits"}
        | {end: end for end in ends},
        arrows=tuple(arrows),
        ends=ends,
    )


def _reachable(table: Table) -> list[State]:
    """Return the states that wait and can be reached from a beginning, in the order of `State`."""
    found = BEGINNINGS & table.keys()
    fresh = found
    while fresh:
        fresh = frozenset[State]().union(*(table[state] for state in fresh)) - ENDS - found
        found |= fresh
    return [state for state in State if state in found]


def _boxes(table: Table) -> list[tuple[State, ...]]:
    """Group the states that have the same predecessors and the same successors."""
    states = _reachable(table)
    boxes: dict[tuple[frozenset[State], frozenset[State]], list[State]] = {}
    for state in states:
        before = frozenset(source for source in states if state in table[source])
        boxes.setdefault((before, table[state]), []).append(state)
    return [tuple(box) for box in boxes.values()]
