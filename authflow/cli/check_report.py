"""The report of `authflow check`: a line for each property, the path that breaks it, and notes."""

from itertools import groupby
from typing import Any, Final

from authflow.printable import printable
from authflow.triggers.check.define_paths import CheckVerdict, Finding, Path, Result
from authflow.triggers.events.challenge_events import SessionEntry

PROVES: Final = (
    "These are what a policy can get wrong: that tokens take all of its steps, in order, within the"
    " attempts declared, and that no other round counts, holds for every policy."
)
"""The last line of a report on a policy."""
_INDENT: Final = " " * 8


def report(verdict: CheckVerdict, *, proved: bool) -> str:
    """Return a verdict as a text for people.

    Args:
        verdict: What was found.
        proved: Whether everything was explored, so that what holds is proved.
    """
    lines = [line for finding in verdict.findings for line in _finding_lines(finding)]
    lines += [f"note    {printable(note)}" for note in verdict.notes]
    return "\n".join([*lines, _summary(verdict, proved=proved)])


def members(verdict: CheckVerdict, *, proved: bool) -> dict[str, Any]:
    """Return a verdict for programs. A property that was not tried is null: neither true nor false.

    Args:
        verdict: What was found.
        proved: Whether everything was explored.
    """
    return {
        "holds": verdict.holds,
        "complete": proved,
        "sessions": verdict.sessions,
        "unusable": verdict.unusable,
        "pool": verdict.pool,
        "properties": [
            {
                "property": finding.name,
                "holds": None if finding.result is Result.NOT_TRIED else finding.holds,
                "tried": finding.result is not Result.NOT_TRIED,
                "explanation": finding.explanation,
                "path": None if finding.path is None else _path_members(finding.path),
            }
            for finding in verdict.findings
        ],
        "notes": list(verdict.notes),
    }


def _summary(verdict: CheckVerdict, *, proved: bool) -> str:
    results = [finding.result for finding in verdict.findings]
    broken, untried = results.count(Result.BROKEN), results.count(Result.NOT_TRIED)
    if broken or untried:
        result = f"{broken} of {len(results)} properties are broken"
    else:
        result = "Proved" if proved else "No fault was found"
    if untried:
        mend = "what is BROKEN" if broken else "what kept it from that"
        result += f", {untried} were not tried: mend {mend}, and check again"
    told = []
    if verdict.sessions:
        told.append(f"{verdict.sessions} sessions were tried")
    if verdict.unusable:
        told.append(f"{verdict.unusable} without a reply that Cognito accepts")
    if verdict.pool is not None:
        told.append(f"the settings of {printable(verdict.pool)} were read")
    return f"{result}; {', '.join(told)}." + (f" {PROVES}" if proved else "")


def _finding_lines(finding: Finding) -> list[str]:
    lines = [f"{finding.result:<6}  {printable(finding.name)}"]
    if finding.explanation:
        lines.append(f"{_INDENT}{printable(finding.explanation)}{':' if finding.path else ''}")
    if finding.path is not None:
        lines.append(f"{_INDENT}{_session(finding.path)}")
        lines.append(f"{_INDENT}-> {printable(str(finding.path.reply))}")
    return lines


def _session(path: Path) -> str:
    """Return a path's entries on one line; equal entries in a row are counted."""
    rounds = []
    for entry, group in groupby(path.session):
        times = len(list(group))
        rounds.append(_entry(entry) + (f" {times} times" if times > 1 else ""))
    who = "an unknown user" if path.user_not_found else path.who
    who = f"{who}, " if who else ""
    return f"{who}{', '.join(rounds) or 'an empty session'}"


def _entry(entry: SessionEntry) -> str:
    metadata = "" if entry.challenge_metadata is None else f" ({entry.challenge_metadata})"
    result = "passed" if entry.challenge_result else "failed"
    return printable(f"{entry.challenge_name}{metadata} {result}")


def _path_members(path: Path) -> dict[str, Any]:
    return {
        "session": [entry.to_json() for entry in path.session],
        "userNotFound": path.user_not_found,
        "who": path.who,
        "reply": str(path.reply),
    }
