"""The state machine as a picture: an auth flow's table in Mermaid, which GitHub draws.

A challenge's event is "challenged with NAME" and leads to the state NAME, a choice's is "chose
NAME" and leads to NAME_chosen, so an arrow needs no label. Two things keep the picture small
without losing any of the table: rule 5's ends are drawn once, for all states that wait, and states
that the table never tells apart share one box. An arrow that only a server takes says so.
"""

import re
from typing import Final

from authflow.errors import ConfigError
from authflow.machine import (
    BEGINNINGS,
    END_OF,
    ENDS,
    SERVER_ALONE,
    TABLES,
    AuthFlow,
    Outcome,
    State,
    Table,
)

_WAITING: Final = "waiting"
_ALONE: Final = "for a server alone"

_BLOCK: Final = re.compile(
    r"(<!-- diagram (\S+) -->\n)(?:(?!<!-- diagram ).)*?(<!-- /diagram -->)", re.DOTALL
)
_MARKER: Final = re.compile(r"<!-- /?diagram\b.*?-->")


def mermaid(flow: AuthFlow) -> str:
    """Draw an auth flow as a Mermaid stateDiagram-v2.

    Args:
        flow: The auth flow.

    Returns:
        The diagram's text, the same every time, without a fence and without a last line break.
    """
    table, alone = TABLES[flow], SERVER_ALONE.get(flow, {})
    boxes = _boxes(table)
    names = {state: twins[0] for twins in boxes for state in twins}
    lines = ["stateDiagram-v2"]
    lines += [
        f'    state "{" or ".join(twins)}" as {twins[0]}' for twins in boxes if len(twins) > 1
    ]
    for box, *_ in boxes:
        if box in BEGINNINGS:
            lines.append(f"    [*] --> {box}")
        followers = dict.fromkeys(names[state] for state in State if state in table[box] - ENDS)
        lines += [f"    {box} --> {follower}" for follower in followers]
        lines += [f"    {box} --> {names[each]} : {_ALONE}" for each in alone.get(box, ())]
        if State.SIGNED_IN in table[box]:
            lines.append(f"    {box} --> {State.SIGNED_IN} : {Outcome.AUTHENTICATED}")
    lines.append(f"    {State.SIGNED_IN} --> [*]")
    lines.append(f'    state "any state that waits" as {_WAITING}')
    for outcome, end in END_OF.items():
        if outcome is not Outcome.AUTHENTICATED:
            lines += [f"    {_WAITING} --> {end} : {outcome}", f"    {end} --> [*]"]
    return "\n".join(lines)


def update(text: str) -> str:
    """Redraw the diagrams of a Markdown text.

    Args:
        text: Has `<!-- diagram FLOW -->` on a line before each diagram and `<!-- /diagram -->`
            after it. What is between them is replaced.

    Raises:
        ConfigError: A marker stands alone, or names no auth flow.
    """
    redrawn, blocks = _BLOCK.subn(_redraw, text)
    if len(_MARKER.findall(text)) != 2 * blocks:
        msg = "a diagram's marker stands alone: write <!-- diagram FLOW --> and <!-- /diagram -->"
        raise ConfigError(msg)
    return redrawn


def _redraw(block: re.Match[str]) -> str:
    opening, name, closing = block.groups()
    try:
        flow = AuthFlow(name)
    except ValueError:
        msg = f"there is no auth flow {name}; there are {', '.join(AuthFlow)}"
        raise ConfigError(msg) from None
    return f"{opening}```mermaid\n{mermaid(flow)}\n```\n{closing}"


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
