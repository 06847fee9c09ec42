"""`authflow check`: whether a policy, or a Define trigger of anybody's, can be relied on."""

import json
import logging
import sys
from contextlib import redirect_stdout
from typing import Any, TextIO

import anyio

from authflow.cli.check_report import members, report
from authflow.cli.handler_process import HandlerProcess
from authflow.errors import ConfigError, PluginError
from authflow.triggers.check.define_paths import Verdict
from authflow.triggers.check.define_probe import DEPTH, probe
from authflow.triggers.check.proof import prove
from authflow.triggers.check.python_handler import in_process
from authflow.triggers.dispatcher import Triggers
from authflow.triggers.policies.policy import Policy
from authflow.triggers.policies.steps import Step


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
        print(json.dumps(members(verdict, proved=proved), indent=2), file=out)
    else:
        print(report(verdict, proved=proved), file=out)
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
