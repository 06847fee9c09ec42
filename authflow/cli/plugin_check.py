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
        suites: Suites to run instead of those that the classes name, as "package.module:Class",
            each of them for a half of this very plugin.
        load: Imports what such a text names.
        as_json: Whether to print JSON.
        out: Where to print.

    Returns:
        The exit code: 0 if nothing failed, 1 if something did.

    Raises:
        ConfigError: The settings are no JSON object, or a suite is none, or is for another class.
        PluginError: The plugin is not installed, or cannot be loaded.
    """
    given = _settings(settings)
    with redirect_stdout(sys.stderr):  # what a plugin prints is no part of the report
        found = _suites(name, suites, load)
        results = {half: run_suite(_with_settings(suite, given)) for half, suite in found.items()}
    if as_json:
        members = {half: [asdict(each) for each in ended] for half, ended in results.items()}
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
    """Return the suites to run, named by side, and by their own name if a side has several."""
    halves = {"trigger": _installed(TRIGGER_CHALLENGES, name)}
    halves["client"] = _installed(CLIENT_CHALLENGES, name)
    if not any(halves.values()):
        PluginRegistry(TRIGGER_CHALLENGES).find(name)  # its error says what to install
    if not named:
        return _own_suites(name, halves["trigger"], halves["client"], load)
    loaded = {spec: _loaded(spec, load) for spec in named}
    sides = {spec: _side(suite, spec) for spec, suite in loaded.items()}
    for spec, suite in loaded.items():
        _demand_of(halves[sides[spec]], suite, spec, f"the {sides[spec]} half of {name!r}")
    every = [*sides.values()]
    return {
        sides[spec] if every.count(sides[spec]) == 1 else f"{sides[spec]} {spec}": suite
        for spec, suite in loaded.items()
    }


def _own_suites(
    name: str, trigger: type[Any] | None, client: type[Any] | None, load: Load
) -> dict[str, type[Suite]]:
    """Return the suites that a plugin's classes name, or else those that fit most plugins."""
    found: dict[str, type[Suite]] = {}
    if trigger is not None:
        found["trigger"] = _named_suite(trigger, "trigger", name, load) or type(
            f"{trigger.__name__}Suite", (TriggerChallengeSuite,), {"challenge": trigger}
        )
    if client is not None:
        suite = _named_suite(client, "client", name, load)
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


def _named_suite(plugin: type[Any], side: str, name: str, load: Load) -> type[Suite] | None:
    spec = getattr(plugin, "conformance", None)
    if spec is None:
        return None
    suite = _loaded(spec, load)
    found = _side(suite, spec)
    if found != side:
        msg = f"{spec} is a suite for a {found} half, and the {side} half of {name!r} names it"
        raise ConfigError(msg)
    _demand_of(plugin, suite, spec, f"the {side} half of {name!r}")
    return suite


def _loaded(spec: str, load: Load) -> type[Suite]:
    suite: type[Suite] = load(spec)
    return suite


def _demand_of(half: type[Any] | None, suite: type[Suite], spec: str, which: str) -> None:
    """Refuse a suite that tests another class: its results say nothing about the plugin.

    A subclass is another class: it may do all that the plugin does not.

    Raises:
        ConfigError: It is for another class, or the half that it is for is not installed.
    """
    tested = getattr(suite, "challenge", None)
    if half is None:
        msg = f"{spec} cannot be run: {which} is not installed"
        raise ConfigError(msg)
    if tested is not half:
        shown = _shown(tested) if isinstance(tested, type) else "no class"
        msg = f"{spec} tests {shown}, and {which} is {_shown(half)}: set `challenge` to that"
        raise ConfigError(msg)


def _shown(plugin: type[Any]) -> str:
    return f"{plugin.__module__}:{plugin.__qualname__}"


def _side(suite: object, spec: str) -> str:
    for side, kind in (("trigger", TriggerChallengeSuite), ("client", ClientChallengeSuite)):
        if isinstance(suite, type) and issubclass(suite, kind):
            return side
    msg = f"{spec} is no suite: it must inherit from TriggerChallengeSuite or ClientChallengeSuite"
    raise ConfigError(msg)


def _with_settings(suite: type[Suite], given: Mapping[str, Any]) -> type[Suite]:
    """Return a suite that has more settings for its trigger half."""
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
    for half, ended in results.items():
        side, _, spec = half.partition(" ")
        lines.append(f"{side} half" + (f", {printable(spec)}" if spec else ""))
        for result in ended:
            words = result.case.removeprefix("test_").replace("_", " ")
            lines.append(f"  {_MARKS[result.outcome]}  {words}")
            if result.reason:
                lines.append(f"        {printable(result.reason)}")
    every: list[str] = [result.outcome for ended in results.values() for result in ended]
    counts = [f"{every.count(outcome)} {outcome}" for outcome in _MARKS]
    return "\n".join([*lines, ", ".join(counts)])
