"""`authflow diagram`: the state machine of an auth flow, or of a policy, as a picture."""

from collections.abc import Callable
from typing import Any, TextIO

from authflow import flow_diagram
from authflow.errors import ConfigError
from authflow.machine import AuthFlow
from authflow.triggers.dispatcher import Triggers
from authflow.triggers.policies import policy_diagram
from authflow.triggers.policies.policy import Policy
from authflow.triggers.policies.steps import Step


def run(subject: str, load: Callable[[str], Any], *, as_svg: bool, out: TextIO) -> int:
    """Print a picture.

    Args:
        subject: An auth flow's name, or where a policy is.
        load: Imports what a "package.module:attribute" names.
        as_svg: Whether to print SVG and not Mermaid.
        out: Where to print.

    Returns:
        The exit code, 0.

    Raises:
        ConfigError: There is no such flow or policy, or it cannot be drawn so.
    """
    if subject in set(AuthFlow):
        picture = flow_diagram.picture(AuthFlow(subject))
    elif ":" in subject:
        picture = policy_diagram.picture(_policy(load(subject)))
    else:
        msg = (
            f"{subject!r} is no auth flow: name one of {', '.join(AuthFlow)}, or a policy as"
            " package.module:attribute"
        )
        raise ConfigError(msg)
    print(picture.svg() if as_svg else picture.mermaid(), file=out)
    return 0


def _policy(found: Any) -> Policy:
    if isinstance(found, Triggers) and found.policy is not None:
        return found.policy
    if isinstance(found, Step):
        return Policy(found)
    if not isinstance(found, Policy):
        msg = f"a policy, or Triggers with one, can be drawn, not {type(found).__name__}"
        raise ConfigError(msg)
    return found
