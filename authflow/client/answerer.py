"""Answers to challenges that need no caller: choices, conditions, and those with a plugin."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeGuard

import anyio
from attrs import define, field

from authflow.answers import TypedAnswer
from authflow.client.challenges import FORMS
from authflow.client.challenges.own_form import made_of_a_reply
from authflow.client.choices import (
    TOLD,
    choice_form,
    choose,
    is_condition,
    options_of,
    read_choice,
)
from authflow.client.left_out import told, with_beginnings
from authflow.errors import (
    AnswerNotSupportedError,
    AuthFlowError,
    PluginFailedError,
    PluginNotFoundError,
    PromptError,
    SessionExpiredError,
)
from authflow.forms.form import Filled, Form
from authflow.given_secrets import Unfit, wrapped
from authflow.machine import State
from authflow.plugins.client_challenge import ClientChallenge
from authflow.plugins.form_challenge import FormChallenge, answer_form, form_of, read_by
from authflow.plugins.registry import PluginRegistry, answers_by_form
from authflow.prompts.asking import ask_until_read, failing_as_a_prompt
from authflow.prompts.prompt import Prompt
from authflow.prompts.witnessed import PromptErrors, witnessed
from authflow.raised import forget_causes, kind_and_place
from authflow.results import Challenge, Declined, Unanswered
from authflow.secret import Secret

Half = ClientChallenge | FormChallenge
"""The client half of a plugin, in interface 1 or 2."""


def _asks_by_itself(plugin: Half) -> TypeGuard[ClientChallenge]:
    """Return whether a client challenge has an `answer`, as all have in interface 1."""
    return not answers_by_form(plugin) or callable(getattr(plugin, "answer", None))


def _has_forms(plugin: Half | None) -> TypeGuard[FormChallenge]:
    return plugin is not None and answers_by_form(plugin)


@define(eq=False)
class Answerer:
    """Answers custom challenges with the client challenges of a registry.

    Args:
        registry: Where client challenges are found.
        assume: What a custom challenge is whose triggers do not say.
    """

    registry: PluginRegistry
    assume: str | None = None
    _plugins: dict[str, Half] = field(factory=dict, init=False, repr=False)

    async def answer(
        self,
        challenge: Challenge,
        prompt: Prompt | None,
        *,
        chosen: str | None,
        timeout: float,  # noqa: ASYNC109  # its end is an error of ours
        refused: str | None = None,
    ) -> TypedAnswer | Unanswered | None:
        """Return the answer to a challenge.

        Args:
            challenge: What is asked.
            prompt: Asks the person; without it only what asks nobody is answered.
            chosen: What the last choice was answered with.
            timeout: How many seconds there are.
            refused: Why the last answer to this challenge was refused, for the person.

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
            if refused is not None:
                with failing_as_a_prompt():
                    await prompt.tell(refused)
            if challenge.name in FORMS:
                return await self._ask_own(challenge, prompt)
            if options:
                return await choose(challenge, self.registry, prompt)
            plugin = self._plugin_for(challenge)
            return None if plugin is None else await self._ask(plugin, challenge, prompt)
        msg = "nobody answered in time; start a new sign-in"
        raise SessionExpiredError(msg)

    async def _ask_own(self, challenge: Challenge, prompt: Prompt) -> TypedAnswer | Declined | None:
        """Ask for the answer to one of Cognito's own challenges; None if that cannot be asked."""
        own, form = FORMS[challenge.name], self.form(challenge)
        if not isinstance(form, Form):
            return None
        return await ask_until_read(form, prompt, partial(own.read, challenge))

    def _plugin_for(self, challenge: Challenge) -> Half | None:
        """Return the client challenge that can answer, if there is one."""
        kind = challenge.kind or self.assume
        if kind is None or challenge.name != State.CUSTOM_CHALLENGE:
            return None
        if kind not in self._plugins:
            try:
                plugin = self.registry.find(kind)
            except PluginNotFoundError:
                return None
            with self._blaming(plugin):
                self._plugins[kind] = plugin()
        return self._plugins[kind]

    async def _ask(
        self, plugin: Half, challenge: Challenge, prompt: Prompt
    ) -> Secret[str] | Unanswered:
        """Ask a client challenge for an answer; whatever it does wrong becomes a PluginError."""
        answer: object = None
        if _asks_by_itself(plugin):
            errors = PromptErrors()
            with self._blaming_unshown(plugin, errors):
                answer = await plugin.answer(challenge, witnessed(prompt, errors))
        elif _has_forms(plugin):
            with self._blaming(plugin):
                form = form_of(plugin, challenge)
            with self._blaming_unshown(plugin):
                answer = await answer_form(plugin, challenge, form, prompt)
        return answer if isinstance(answer, Unanswered) else self._wrapped(plugin, answer)

    def form(self, challenge: Challenge) -> Form | Unanswered | None:
        """Return the form of a challenge. Nobody is asked, and nothing is stored.

        Args:
            challenge: What is asked.

        Returns:
            The form; why the plugin has none; or None if there is no plugin that has forms. Of
            what a ticket left out the form says that it was shown before; Declined if the plugin
            cannot do without.

        Raises:
            PluginError: The client challenge is broken.
            MalformedReplyError: The challenge is not as Cognito documents it.
        """
        own = FORMS.get(challenge.name)
        if own is not None:
            with made_of_a_reply():
                return own.form(challenge)
        if options_of(challenge):
            return choice_form(challenge, self.registry)
        plugin = self._plugin_for(challenge)
        if not _has_forms(plugin):
            return None
        if challenge.left_out:
            return self._form_again(plugin, challenge)
        with self._blaming(plugin):
            return form_of(plugin, challenge)

    def _form_again(self, plugin: FormChallenge, challenge: Challenge) -> Form | Unanswered:
        try:
            form = form_of(plugin, with_beginnings(challenge))
        except AuthFlowError:
            raise  # the plugin's own word on a broken challenge, as before the ticket
        except Exception as error:  # noqa: BLE001  # it may want the whole file
            return Declined(
                "the picture or sound of this challenge was shown before, and its ticket left it"
                f" out: seal it with pictures=True to show it again ({kind_and_place(error)})"
            )
        return told(form, challenge.left_out) if isinstance(form, Form) else form

    def read(self, challenge: Challenge, filled: Filled) -> TypedAnswer:
        """Make the answer to a challenge from its form, filled in.

        Args:
            challenge: What is asked.
            filled: What somebody filled in; it is checked by the form anew.

        Raises:
            AskAgainError: It cannot be an answer; the person is told why.
            AnswerNotSupportedError: The challenge has no form here.
            PluginError: The client challenge is broken.
        """
        form = self.form(challenge)
        if not isinstance(form, Form):
            msg = "this challenge has no form here: answer it by a text"
            raise AnswerNotSupportedError(msg)
        filled = form.fill(filled)
        own = FORMS.get(challenge.name)
        if own is not None:
            return own.read(challenge, filled)
        if options_of(challenge):
            return read_choice(challenge, self.registry, filled)
        plugin: Any = self._plugin_for(challenge)
        with self._blaming_unshown(plugin):
            answer = read_by(plugin, with_beginnings(challenge), filled)
        return self._wrapped(plugin, answer)

    def _wrapped(self, plugin: Half, answer: object) -> Secret[str]:
        given = wrapped(answer)
        if isinstance(given, Unfit):
            raise self._failed(
                plugin, f"gave no answer: that is a text or a Secret of one, {given.why}"
            )
        return given

    @contextmanager
    def _blaming(self, plugin: Half | type[Half]) -> Iterator[None]:
        """Make one kind of error of whatever a plugin raises that is none of ours."""
        try:
            yield
        except AuthFlowError:
            raise
        except Exception as error:
            raise self._failed(plugin, f"failed: {type(error).__name__}") from error

    @contextmanager
    def _blaming_unshown(
        self, plugin: Half, of_the_prompt: PromptErrors | None = None
    ) -> Iterator[None]:
        """Do so, where something was typed: what a plugin raised then may quote it, and is dropped.

        Its kind is told, and the line that it came from.

        Args:
            plugin: The plugin.
            of_the_prompt: What the prompt raised while the plugin asked it by itself.
        """
        handled = sys.exception()
        try:
            yield
        except AuthFlowError as error:
            forget_causes(error, handled=handled)
            raise
        except Exception as error:  # noqa: BLE001  # whatever a plugin raises
            prompts_own = None if of_the_prompt is None else of_the_prompt.behind(error)
            if prompts_own is None:
                raise self._failed(plugin, f"failed: {kind_and_place(error)}") from None
            if isinstance(prompts_own, AuthFlowError):  # it was raised in a group
                forget_causes(prompts_own, handled=handled)
                raise prompts_own from None
            msg = f"the prompt failed: {kind_and_place(prompts_own)}"
            raise PromptError(msg) from None

    def _failed(self, plugin: Half | type[Half], why: str) -> PluginFailedError:
        kind = plugin if isinstance(plugin, type) else type(plugin)
        brought_by = self.registry.distribution_of(kind)
        return PluginFailedError(f"the client challenge {plugin.name!r} of {brought_by} {why}")
