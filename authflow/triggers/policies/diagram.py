"""A policy as a picture: its table in Mermaid, which GitHub draws, and in Graphviz's DOT."""

import shutil
import subprocess
from collections.abc import Iterator
from typing import Final

from authflow.errors import ConfigError
from authflow.triggers.policies.policy import Policy
from authflow.triggers.policies.steps import ChallengeStep, ConditionalStep
from authflow.triggers.policies.table import BEGIN, FAILED, HELD, LACKED, PASSED, Choice

_ENDS: Final = {PASSED: "tokens", FAILED: "refused"}
_TIMEOUT: Final = 30


def mermaid(policy: Policy) -> str:
    """Draw a policy as a Mermaid stateDiagram-v2.

    Args:
        policy: The policy.

    Returns:
        The diagram's text, the same every time, without a fence and without a last line break.
    """
    ids = _ids(policy)
    lines = ["stateDiagram-v2"]
    # A colon would end a description, and a quotation mark a name.
    lines += [
        f'    state "{_plain(state)}" as {ids[state]}'
        for state in policy.table
        if state != BEGIN and state in ids
    ]
    for source, label, target in _arrows(policy):
        lines.append(f"    {ids[source]} --> {ids[target]} : {_plain(label)}")
    lines += [f"    {end} --> [*]" for end in _ENDS.values() if end in ids.values()]
    return "\n".join(lines)


def dot(policy: Policy) -> str:
    """Draw a policy in Graphviz's DOT language.

    Args:
        policy: The policy.
    """
    ids = {**_ids(policy), BEGIN: "begin"}
    lines = [
        "digraph policy {",
        "  rankdir=LR;",
        '  node [shape=box, style=rounded, fontname="Helvetica"];',
    ]
    lines.append('  begin [shape=circle, label="", width=0.2, style=filled, fillcolor=black];')
    for state in policy.table:
        if state != BEGIN:
            shape = "diamond, style=solid" if state not in policy.owed else "box"
            lines.append(f"  {ids[state]} [label={_quoted(state)}, shape={shape}];")
    lines += [
        f"  {end} [label={_quoted(end)}, shape=doublecircle];"
        for end in _ENDS.values()
        if end in ids.values()
    ]
    lines += [
        f"  {ids[source]} -> {ids[target]} [label={_quoted(label)}];"
        for source, label, target in _arrows(policy)
    ]
    return "\n".join([*lines, "}"])


def svg(policy: Policy) -> str:
    """Draw a policy as an SVG picture, by Graphviz.

    Args:
        policy: The policy.

    Raises:
        ConfigError: Graphviz is not installed, or could not draw it.
    """
    program = shutil.which("dot")
    if program is None:
        msg = "Graphviz draws SVG, and its program `dot` is not installed; Mermaid needs nothing"
        raise ConfigError(msg)
    try:
        drawn = subprocess.run(  # noqa: S603  # Graphviz itself, found on the path
            [program, "-Tsvg"],
            input=dot(policy),
            capture_output=True,
            check=True,
            encoding="utf-8",
            timeout=_TIMEOUT,
        )
    except (OSError, subprocess.SubprocessError) as error:
        msg = f"Graphviz could not draw the policy: {type(error).__name__}"
        raise ConfigError(msg) from error
    return drawn.stdout


def _arrows(policy: Policy) -> Iterator[tuple[str, str, str]]:
    """Give source, label and target of each arrow; events that lead to the same end are one."""
    for source, followers in policy.table.items():
        labels: dict[str, list[str]] = {}
        for event, target in followers.items():
            if source == BEGIN and target == FAILED:
                continue  # said by the beginning that is there
            labels.setdefault(target, []).append(_label(policy, source, event))
        for target, told in labels.items():
            yield source, " or ".join(told), target


def _label(policy: Policy, state: str, event: str) -> str:
    """Say what an event means where it happens."""
    owed = policy.owed.get(state)
    if owed is None:
        return {HELD: "yes", LACKED: "no"}.get(event, event)
    match owed.step:
        case Choice(options=options, first=first):
            return ", ".join(each for each in options if (each in first) == (event == PASSED))
        case ConditionalStep():
            return "yes" if event == PASSED else "no"
        case ChallengeStep() if event == FAILED:
            return "wrong"
        case _:
            return event


def _ids(policy: Policy) -> dict[str, str]:
    """Name the states as both languages can: by a number, the ends by themselves."""
    reached = {target for followers in policy.table.values() for target in followers.values()}
    numbered = (state for state in policy.table if state != BEGIN)
    ids = {BEGIN: "[*]"} | {state: f"s{number}" for number, state in enumerate(numbered, 1)}
    return ids | {state: end for state, end in _ENDS.items() if state in reached}


def _plain(text: str) -> str:
    """Write a text without what ends a description or a name in Mermaid."""
    return "".join(sign if sign.isprintable() and sign not in '":;#' else "'" for sign in text)


def _quoted(text: str) -> str:
    printable = "".join(sign if sign.isprintable() else "?" for sign in text)
    escaped = printable.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
