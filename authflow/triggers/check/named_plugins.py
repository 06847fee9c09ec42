"""Stand-ins for plugins that a policy only names, so that it can be proved without their settings.

Define reads only a plugin's metadata. Whether a challenge suffices alone its class says, so that is
looked up among the installed plugins, as `Triggers` does.
"""

from typing import Any, ClassVar

from authflow.errors import PluginError
from authflow.keys.key_ring import KeyRing
from authflow.plugins.registry import TRIGGER_CHALLENGES, PluginRegistry
from authflow.plugins.trigger_challenge import TriggerChallenge
from authflow.stores.store import MemoryStore
from authflow.triggers.dispatcher import Triggers
from authflow.triggers.limits.limits import Limits
from authflow.triggers.policies.policy import Policy


class NamedPlugin(TriggerChallenge):
    """A stand-in for a plugin that is only named."""

    missing: ClassVar[str] = ""
    """The reason why the plugin cannot be found; empty if it was."""

    def __init__(self, **_settings: Any) -> None:
        """Accept any settings: they are not checked by the proof."""


def triggers_of(policy: Policy) -> Triggers:
    """Make triggers of a policy alone, with a stand-in for each plugin that it only names.

    Args:
        policy: The policy.
    """
    registry = PluginRegistry(TRIGGER_CHALLENGES, explicit=policy.plugins)
    held = {plugin.name for plugin in policy.plugins}
    named = dict.fromkeys(step.name for step in policy.challenges)
    return Triggers(
        policy=policy,
        challenges=[_stand_in(name, registry) for name in named if name not in held],
        groups=_in_no_group,
        limits=Limits(store=MemoryStore(), keys=KeyRing.generate()),
    )


def _stand_in(name: str, registry: PluginRegistry) -> type[TriggerChallenge]:
    members = {"name": name, "metadata": name}
    try:
        told = {"suffices": getattr(registry.find(name), "suffices", True)}
    except PluginError as error:
        told = {"missing": error.message}
    return type(name, (NamedPlugin,), members | told)


async def _in_no_group(_user_pool_id: str, _username: str) -> frozenset[str]:
    return frozenset()
