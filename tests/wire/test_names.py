"""Members of AuthParameters, ChallengeParameters and ChallengeResponses: spelt in `wire` alone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

AUTHFLOW = Path(__file__).parents[2] / "authflow"
MEMBER = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*|userAttributes\.?|requiredAttributes")
ELSEWHERE = {
    "machine.py",  # names of challenges, which SRP_A is, too
    "srp.py",  # names the value that is out of range
}
NO_MEMBERS = {
    *("CUSTOM_CHALLENGE", "SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP", "EMAIL_MFA", "T"),
    *("PASSWORD", "REFRESH_TOKEN"),  # a member each, and also a challenge or a flow
    "EMAIL",  # a member, and also a medium
    "SUCCESS",  # the status of an operation that both sides spell
}
"""Challenges, flows and a medium, which the machine and the operations name."""


def texts(path: Path) -> Iterator[str]:
    """The strings of a module, without its docstrings."""
    tree = ast.parse(path.read_text())
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in documented:
            yield from [node.value] if isinstance(node.value, str) else []


NAMES = {
    text
    for path in (AUTHFLOW / "wire").glob("*.py")
    for text in texts(path)
    if MEMBER.fullmatch(text)
} - NO_MEMBERS


def test_the_names_are_found():
    assert {"USERNAME", "SRP_A", "SECRET_HASH", "ANSWER", "NEW_PASSWORD", "TIMESTAMP"} <= NAMES
    assert {"SMS_MFA_CODE", "MFAS_CAN_CHOOSE", "requiredAttributes"} <= NAMES


def test_no_other_module_spells_a_member():
    found: dict[str, set[str]] = {}
    for path in sorted(AUTHFLOW.rglob("*.py")):
        place = path.relative_to(AUTHFLOW).as_posix()
        if path.parent.name != "wire" and place not in ELSEWHERE:
            events_own = {"userAttributes"} if path.parent.name == "events" else set()
            found[place] = ({*texts(path)} & NAMES) - events_own
    assert {"client/auth_client.py", "triggers/events/parsing.py"} <= found.keys()
    assert {place: spelt for place, spelt in found.items() if spelt} == {}
