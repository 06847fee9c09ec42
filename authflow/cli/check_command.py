"""`authflow check`: shows whether a policy, or any Define trigger, can be relied on."""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from typing import Any, TextIO

import anyio
from attrs import evolve, field, frozen

from authflow.cli.check_report import members, report
from authflow.cli.handler_process import HandlerProcess
from authflow.errors import ConfigError, PluginError
from authflow.printable import one_line
from authflow.triggers.check.define_paths import TIMEOUT, CheckVerdict, Define
from authflow.triggers.check.define_probe import DEPTH, probe
from authflow.triggers.check.mfa_notes import MFA_NOTES
from authflow.triggers.check.pool_settings import judge
from authflow.triggers.check.proof import prove
from authflow.triggers.check.python_handler import in_process
from authflow.triggers.dispatcher import Triggers
from authflow.triggers.policies.policy import Policy
from authflow.triggers.policies.steps import Step


def _named_values(given: Sequence[str]) -> dict[str, str]:
    named = {}
    for each in given:
        name, sign, value = each.partition("=")
        if not (name and sign):
            msg = f"--attribute {one_line(each)!r} must be of the form NAME=VALUE"
            raise ConfigError(msg)
        named[name] = value
    return named


@frozen(kw_only=True)
class CheckSubject:
    """The subject of a check, and its settings.

    Args:
        checked: A policy, a Triggers object, a handler, or a handler's process; None for nothing.
        depth: How many custom challenges a probe answers on a path; None for the usual number.
        metadata: What a probe puts into challengeMetadata.
        attributes: What the user of a probe has beside the usual attributes, each as NAME=VALUE.
        timeout: How many seconds a handler may take for one answer; None for the usual number.
        pool: The user pool whose settings are read, too; None for none.
        endpoint: Where it is asked for instead of AWS.

    Raises:
        ConfigError: An attribute is not of its form.
    """

    checked: Any = None
    depth: int | None = None
    metadata: str | None = None
    attributes: Mapping[str, str] = field(default=(), converter=_named_values)
    timeout: float | None = None
    pool: str | None = None
    endpoint: str | None = None

    @property
    def is_policy(self) -> bool:
        """Whether the subject is a policy, which can be proved."""
        return isinstance(self.checked, Step | Policy | Triggers)


def run(subject: CheckSubject, *, as_json: bool, out: TextIO) -> int:
    """Prove a policy, or probe a Define trigger, and print what was found.

    Args:
        subject: What is to be checked.
        as_json: Whether to print JSON instead of a report.
        out: Where to print.

    Returns:
        The exit code: 0 if every property was tried and holds, 1 if not.

    Raises:
        ConfigError: This cannot be checked, or not with these settings.
    """
    # Triggers log their refusals; here nearly everything is refused, and reported below.
    logging.getLogger("authflow.triggers").addHandler(logging.NullHandler())
    proved = subject.is_policy
    for_others = (subject.depth, subject.metadata, subject.attributes or None, subject.timeout)
    if proved and any(each is not None for each in for_others):
        msg = (
            "a policy is explored completely: --depth, --metadata, --attribute and --timeout are"
            " for other handlers"
        )
        raise ConfigError(msg)
    if subject.endpoint is not None and subject.pool is None:
        msg = "--endpoint says where a user pool is: name the pool by --pool"
        raise ConfigError(msg)
    with redirect_stdout(sys.stderr):  # what a handler prints is no part of the report
        verdict = anyio.run(_verdict, subject)
    if as_json:
        print(json.dumps(members(verdict, proved=proved), indent=2), file=out)
    else:
        print(report(verdict, proved=proved), file=out)
    return 0 if verdict.holds else 1


async def _verdict(subject: CheckSubject) -> CheckVerdict:
    if subject.pool is None:
        return await _verdict_on_define(subject)
    from authflow.cli.described_pool import describe_pool  # noqa: PLC0415  # slow to import

    settings = await describe_pool(subject.pool, endpoint=subject.endpoint)
    if subject.checked is None:
        return evolve(judge(settings), pool=settings.id)
    verdict = await _verdict_on_define(subject)
    # A note on the pool's users replaces the same note on users in general.
    on_mfa = [note for note in verdict.notes if note in MFA_NOTES]
    told = subject.checked.case_sensitive if isinstance(subject.checked, Triggers) else None
    judged = judge(settings, on_mfa, case_sensitive=told)
    others = [note for note in verdict.notes if not any(note in each for each in judged.notes)]
    return evolve(
        verdict,
        findings=verdict.findings + judged.findings,
        notes=(*others, *judged.notes),
        pool=settings.id,
    )


async def _verdict_on_define(subject: CheckSubject) -> CheckVerdict:
    checked = subject.checked
    if isinstance(checked, Step | Policy | Triggers):
        try:
            return await prove(checked)
        except PluginError as error:
            # This is not a broken policy: without the plugin there is nothing to check.
            raise ConfigError(error.message) from error
    if isinstance(checked, HandlerProcess):
        async with checked:
            return await _probed(subject, checked)
    if not callable(checked):
        msg = f"a policy, Triggers or a handler can be checked, not {type(checked).__name__}"
        raise ConfigError(msg)
    seconds = TIMEOUT if subject.timeout is None else subject.timeout
    return await _probed(subject, in_process(checked, timeout=seconds))


async def _probed(subject: CheckSubject, define: Define) -> CheckVerdict:
    return await probe(
        define,
        depth=DEPTH if subject.depth is None else subject.depth,
        metadata=subject.metadata,
        attributes=subject.attributes,
    )
