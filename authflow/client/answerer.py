"""Answers to challenges that need no caller: choices, conditions, and those with a plugin."""

import anyio
from attrs import define, field

from authflow.client.choices import TOLD, choose, is_condition, options_of
from authflow.errors import (
    AuthFlowError,
    PluginFailedError,
    PluginNotFoundError,
    SessionExpiredError,
)
from authflow.given_secrets import Unfit, wrapped
from authflow.machine import State
from authflow.plugins.client_challenge import ClientChallenge
from authflow.plugins.registry import PluginRegistry
from authflow.prompts.prompt import Prompt
from authflow.results import Challenge, Unanswered
from authflow.secret import Secret


@define(eq=False)
class Answerer:
    """Answers custom challenges by the client challenges of a registry.

    Args:
        registry: Where client challenges are found.
        assume: What a custom challenge is whose triggers do not say.
    """

    registry: PluginRegistry
    assume: str | None = None
    _plugins: dict[str, ClientChallenge] = field(factory=dict, init=False, repr=False)

    async def answer(
        self,
        challenge: Challenge,
        prompt: Prompt | None,
        *,
        chosen: str | None,
        timeout: float,  # noqa: ASYNC109  # its end is an error of ours
    ) -> Secret[str] | Unanswered | None:
        """Return the answer to a challenge.

        Args:
            challenge: What is asked.
            prompt: Asks the person; without it only what asks nobody is answered.
            chosen: What the last choice was answered with.
            timeout: How many seconds there are.

        Returns:
            The answer; why a client challenge gave none; or None if it is the caller's turn.

        Raises:
            SessionExpiredError: Nobody answered in time.
            PluginError: The client challenge is broken, or no option of a choice has one.
        """
        if is_condition(challenge):
            return Secret(TOLD)
        options = options_of(challenge)
        if chosen in options:
            return Secret(chosen)
        if prompt is None:
            return None
        with anyio.move_on_after(timeout):
            if options:
                return await choose(challenge, self.registry, prompt)
            plugin = self._plugin_for(challenge)
            return None if plugin is None else await self._ask(plugin, challenge, prompt)
        msg = "nobody answered in time; start a new sign-in"
        raise SessionExpiredError(msg)

    def _plugin_for(self, challenge: Challenge) -> ClientChallenge | None:
        """Return the client challenge that can answer, if there is one."""
        kind = challenge.kind or self.assume
        if kind is None or challenge.name != State.CUSTOM_CHALLENGE:
            return None
        if kind not in self._plugins:
            try:
                plugin = self.registry.find(kind)
            except PluginNotFoundError:
                return None
            self._plugins[kind] = plugin()
        return self._plugins[kind]

    async def _ask(
        self, plugin: ClientChallenge, challenge: Challenge, prompt: Prompt
    ) -> Secret[str] | Unanswered:
        """Ask a client challenge for the answer; turn its faults into one kind of error."""
        try:
            answer: object = await plugin.answer(challenge, prompt)
        except AuthFlowError:
            raise
        except Exception as error:
            raise self._failed(plugin, f"failed: {type(error).__name__}") from error
        if isinstance(answer, Unanswered):
            return answer
        answer = wrapped(answer)
        if isinstance(answer, Unfit):
            raise self._failed(
                plugin, f"gave no answer: that is a text or a Secret of one, {answer.why}"
            )
        return answer

    def _failed(self, plugin: ClientChallenge, why: str) -> PluginFailedError:
        brought_by = self.registry.distribution_of(type(plugin))
        return PluginFailedError(f"the client challenge {plugin.name!r} of {brought_by} {why}")
