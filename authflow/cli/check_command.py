"""`authflow check`: whether a policy, or a Define trigger of anybody's, can be relied on."""

import json
import logging
import sys
from contextlib import redirect_stdout
from itertools import groupby
from typing import Any, Final, TextIO

import anyio

from authflow.cli.handler_process import HandlerProcess
from authflow.errors import ConfigError, PluginError
from authflow.printable import printable
from authflow.triggers.check.define_paths import Finding, Path, Verdict
from authflow.triggers.check.define_probe import DEPTH, in_process, probe
from authflow.triggers.check.proof import prove
from authflow.triggers.dispatcher import Triggers
from authflow.triggers.events.challenge_events import SessionEntry
from authflow.triggers.policies.policy import Policy
from authflow.triggers.policies.steps import Step

_INDENT: Final = " " * 8


def run(
    subject: Any, *, depth: int | None, metadata: str | None, as_json: bool, out: TextIO
) -> int:
    """Prove a policy, or probe a Define trigger, and print what was found.

    Args:
        subject: A policy, a Triggers object, a handler, or a handler's process.
        depth: How many custom challenges a probe answers on a path; None for the usual number.
        metadata: What a probe puts into challengeMetadata.
        as_json: Whether to print JSON instead of a report.
        out: Where to print.

    Returns:
        The exit code: 0 if every property holds, 1 if one is broken.

    Raises:
        ConfigError: This cannot be checked, or not with these settings.
    """
    # Triggers log what they refuse; here that is nearly everything, and it is reported below.
    logging.getLogger("authflow.triggers").addHandler(logging.NullHandler())
    proved = isinstance(subject, Step | Policy | Triggers)
    if proved and not (depth is None and metadata is None):
        msg = "a policy is explored completely: --depth and --metadata are for other handlers"
        raise ConfigError(msg)
    with redirect_stdout(sys.stderr):  # what a handler prints is no part of the report
        verdict = anyio.run(_verdict, subject, DEPTH if depth is None else depth, metadata)
    if as_json:
        print(json.dumps(_members(verdict, proved=proved), indent=2), file=out)
    else:
        print(_report(verdict, proved=proved), file=out)
    return 0 if verdict.holds else 1


async def _verdict(subject: Any, depth: int, metadata: str | None) -> Verdict:
    if isinstance(subject, Step | Policy | Triggers):
        try:
            return await prove(subject)
        except PluginError as error:
            # It is no path that breaks the policy: without the plugin there is nothing to check.
            raise ConfigError(error.message) from error
    if isinstance(subject, HandlerProcess):
        async with subject:
            return await probe(subject, depth=depth, metadata=metadata)
    if not callable(subject):
        msg = f"a policy, Triggers or a handler can be checked, not {type(subject).__name__}"
        raise ConfigError(msg)
    return await probe(in_process(subject), depth=depth, metadata=metadata)


def _report(verdict: Verdict, *, proved: bool) -> str:
    lines = [line for finding in verdict.findings for line in _finding_lines(finding)]
    broken = sum(not finding.holds for finding in verdict.findings)
    if broken:
        result = f"{broken} of {len(verdict.findings)} properties are broken"
    else:
        result = "Proved" if proved else "No fault was found"
    return "\n".join([*lines, f"{result}; {verdict.sessions} sessions were tried."])


def _finding_lines(finding: Finding) -> list[str]:
    if finding.path is None:
        return [f"ok      {finding.name}"]
    return [
        f"BROKEN  {finding.name}",
        f"{_INDENT}{printable(finding.explanation)}:",
        f"{_INDENT}{_session(finding.path)}",
        f"{_INDENT}-> {printable(str(finding.path.reply))}",
    ]


def _session(path: Path) -> str:
    """Write a path's entries on one line: equal ones that follow each other are counted."""
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


def _members(verdict: Verdict, *, proved: bool) -> dict[str, Any]:
    return {
        "holds": verdict.holds,
        "complete": proved,
        "sessions": verdict.sessions,
        "properties": [
            {
                "property": finding.name,
                "holds": finding.holds,
                "explanation": finding.explanation,
                "path": None if finding.path is None else _path_members(finding.path),
            }
            for finding in verdict.findings
        ],
    }


def _path_members(path: Path) -> dict[str, Any]:
    return {
        "session": [entry.to_json() for entry in path.session],
        "userNotFound": path.user_not_found,
        "who": path.who,
        "reply": str(path.reply),
    }
