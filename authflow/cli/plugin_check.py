"""`authflow plugins check`: the conformance suites, run on an installed plugin.

A plugin's class names its suite in `conformance`, as "package.module:Class". A trigger half that
needs no special settings, and keeps its answer in the private parameter "answer" or "code", does
without.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from typing import Any, Final, TextIO

from attrs import asdict

from authflow.errors import ConfigError
from authflow.plugins.registry import CLIENT_CHALLENGES, TRIGGER_CHALLENGES, PluginRegistry
from authflow.printable import printable
from authflow.testing.cases import CaseResult, Suite, run_suite
from authflow.testing.client_suite import ClientChallengeSuite
from authflow.testing.trigger_suite import TriggerChallengeSuite

Load = Callable[[str], Any]

_MARKS: Final = {"passed": "ok  ", "failed": "FAIL", "skipped": "skip"}


def run(
    name: str,
    *,
    settings: str | None,
    suites: Sequence[str],
    load: Load,
    as_json: bool,
    out: TextIO,
) -> int:
    """Run the suites of both halves of a plugin, and print how each case ended.

    Args:
        name: The challenge's name.
        settings: What the trigger half is made with, as a JSON object; beside what its suite says.
        suites: Suites to run instead of those that the classes name, as "package.module:Class".
        load: Imports what such a text names.
        as_json: Whether to print JSON.
        out: Where to print.

    Returns:
        The exit code: 0 if nothing failed, 1 if something did.

    Raises:
        ConfigError: The settings are no JSON object, or a suite is none.
        PluginError: The plugin is not installed, or cannot be loaded.
    """
    given = _settings(settings)
    with redirect_stdout(sys.stderr):  # what a plugin prints is no part of the report
        found = _suites(name, suites, load)
        results = {side: run_suite(_with_settings(suite, given)) for side, suite in found.items()}
    if as_json:
        members = {side: [asdict(each) for each in ended] for side, ended in results.items()}
        print(json.dumps({"name": name, "results": members}, indent=2), file=out)
    else:
        print(_report(results), file=out)
    every = [result for ended in results.values() for result in ended]
    return 1 if any(result.outcome == "failed" for result in every) else 0


def _settings(text: str | None) -> Mapping[str, Any]:
    try:
        given = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        msg = f"--settings must be a JSON object: {error}"
        raise ConfigError(msg) from error
    if not isinstance(given, dict):
        msg = "--settings must be a JSON object, such as '{\"length\": 8}'"
        raise ConfigError(msg)
    return given


def _suites(name: str, named: Sequence[str], load: Load) -> dict[str, type[Suite]]:
    """Find which suites to run, by the side that each is for."""
    if named:
        return {_side(suite, spec): suite for spec in named for suite in (load(spec),)}
    trigger = _installed(TRIGGER_CHALLENGES, name)
    client = _installed(CLIENT_CHALLENGES, name)
    if trigger is None and client is None:
        PluginRegistry(TRIGGER_CHALLENGES).find(name)  # says what to install
    found: dict[str, type[Suite]] = {}
    if trigger is not None:
        found["trigger"] = _named_suite(trigger, load) or type(
            f"{trigger.__name__}Suite", (TriggerChallengeSuite,), {"challenge": trigger}
        )
    if client is not None:
        suite = _named_suite(client, load)
        if suite is None:
            if trigger is None:
                msg = (
                    f"the client half of {name!r} names no suite, and no trigger half is installed"
                    " to make its challenges: name a suite in `conformance`, or by --suite"
                )
                raise ConfigError(msg)
            halves = {"challenge": client, "trigger": found["trigger"]}
            suite = type(f"{client.__name__}Suite", (ClientChallengeSuite,), halves)
        found["client"] = suite
    return found


def _installed(group: str, name: str) -> type[Any] | None:
    registry = PluginRegistry(group)
    if all(info.name != name for info in registry.listed()):
        return None
    return registry.find(name)


def _named_suite(plugin: type[Any], load: Load) -> type[Suite] | None:
    spec = getattr(plugin, "conformance", None)
    if spec is None:
        return None
    suite: type[Suite] = load(spec)
    _side(suite, spec)
    return suite


def _side(suite: object, spec: str) -> str:
    for side, kind in (("trigger", TriggerChallengeSuite), ("client", ClientChallengeSuite)):
        if isinstance(suite, type) and issubclass(suite, kind):
            return side
    msg = f"{spec} is no suite: it must inherit from TriggerChallengeSuite or ClientChallengeSuite"
    raise ConfigError(msg)


def _with_settings(suite: type[Suite], given: Mapping[str, Any]) -> type[Suite]:
    """Add settings to those of a suite for a trigger half, or of a client half's trigger half."""
    if not given:
        return suite
    if issubclass(suite, TriggerChallengeSuite):
        return type(
            suite.__name__,
            (suite,),
            {"make_settings": lambda self: {**suite.make_settings(self), **given}},
        )
    trigger = getattr(suite, "trigger", None)
    if trigger is None:
        return suite
    return type(suite.__name__, (suite,), {"trigger": _with_settings(trigger, given)})


def _report(results: Mapping[str, Sequence[CaseResult]]) -> str:
    lines: list[str] = []
    for side, ended in results.items():
        lines.append(f"{side} half")
        for result in ended:
            words = result.case.removeprefix("test_").replace("_", " ")
            lines.append(f"  {_MARKS[result.outcome]}  {words}")
            if result.reason:
                lines.append(f"        {printable(result.reason)}")
    every: list[str] = [result.outcome for ended in results.values() for result in ended]
    counts = [f"{every.count(outcome)} {outcome}" for outcome in _MARKS]
    return "\n".join([*lines, ", ".join(counts)])
