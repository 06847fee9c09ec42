import os
import re
import subprocess
import sys

import pytest

from authflow import flow_diagram
from authflow.flow_diagram import picture
from authflow.machine import BEGINNINGS, ENDS, TABLES, AuthFlow, Side, State, table


def mermaid(flow: AuthFlow) -> str:
    return picture(flow).mermaid()


FLOWS = pytest.mark.parametrize("flow", AuthFlow)

ARROW = re.compile(r"    (\S+) --> (\S+)(?: : (.+))?")
BOX = re.compile(r'    state "(.+)" as (\S+)')


def read(drawn: str) -> tuple[set[tuple[str, str]], set[str], dict[str, str]]:
    """Read a diagram back: its arrows between real states, its beginnings, the ends of the rest."""
    boxes: dict[str, list[str]] = {}
    arrows: set[tuple[str, str]] = set()
    beginnings: set[str] = set()
    others: dict[str, str] = {}
    for line in drawn.splitlines()[1:]:
        if box := BOX.fullmatch(line):
            boxes[box[2]] = box[1].split(" or ")
            continue
        arrow = ARROW.fullmatch(line)
        assert arrow, line
        source, target, label = arrow.groups()
        if source == "[*]":
            beginnings.add(target)
        elif source == "waiting":
            assert label
            others[label] = target
        elif target != "[*]":
            alone = source == State.SRP_A and target == State.CUSTOM_CHALLENGE
            assert (label == "for a server alone") == alone
            assert (label == "authenticated") == (target == "signed_in")
            arrows |= {
                (s, t) for s in boxes.get(source, [source]) for t in boxes.get(target, [target])
            }
    return arrows, beginnings, others


@FLOWS
def test_the_diagram_has_every_arrow_of_the_table_and_no_other(flow: AuthFlow):
    arrows, beginnings, others = read(mermaid(flow))
    assert arrows == {
        (source, follower)
        for source, followers in table(flow, Side.SERVER).items()
        for follower in followers
    }
    assert beginnings == BEGINNINGS & TABLES[flow].keys()
    assert others == {
        "denied": "refused",
        "failed": "failed",
        "expired": "expired",
        "cancelled": "cancelled",
    }


@FLOWS
def test_no_arrow_is_drawn_twice_and_every_end_leads_out(flow: AuthFlow):
    lines = mermaid(flow).splitlines()
    assert len(lines) == len(set(lines))
    assert {f"    {end} --> [*]" for end in ENDS} <= set(lines)


def test_a_state_that_no_beginning_leads_to_is_not_drawn(monkeypatch: pytest.MonkeyPatch):
    flow = AuthFlow.USER_PASSWORD_AUTH
    unreached = {**TABLES[flow], State.CUSTOM_CHALLENGE: frozenset({State.SIGNED_IN})}
    monkeypatch.setattr(flow_diagram, "TABLES", {flow: unreached})
    assert "CUSTOM_CHALLENGE" not in mermaid(flow)


def test_a_change_of_the_table_changes_the_diagram(monkeypatch: pytest.MonkeyPatch):
    flow = AuthFlow.USER_SRP_AUTH
    before = mermaid(flow)
    table = {**TABLES[flow], State.SMS_MFA: frozenset({State.SIGNED_IN})}
    monkeypatch.setattr(flow_diagram, "TABLES", {flow: table})
    assert mermaid(flow) != before
    assert ("SMS_MFA", "DEVICE_SRP_AUTH") not in read(mermaid(flow))[0]


@pytest.mark.parametrize("seed", ["0", "1", "2026"])
def test_the_diagram_does_not_depend_on_the_order_of_sets(seed: str):
    program = (
        "from authflow.flow_diagram import picture; from authflow.machine import AuthFlow; "
        "print('|'.join(picture(flow).mermaid() for flow in AuthFlow), end='')"
    )
    drawn = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert drawn == "|".join(mermaid(flow) for flow in AuthFlow)
