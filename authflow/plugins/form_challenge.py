"""The client half of a plugin in interface 2: it describes a challenge by a form."""

import inspect
from functools import partial
from typing import ClassVar, Protocol

from authflow.errors import PluginFailedError
from authflow.forms.form import Filled, Form
from authflow.prompts.asking import ask_until_read
from authflow.prompts.prompt import Prompt
from authflow.results import Challenge, Unanswered
from authflow.secret import Secret


class FormChallenge(Protocol):
    """Answers one kind of custom challenge with a form.

        class PagerPrompter:
            name = "pager"
            interface = 2

            def form(self, challenge):
                return Form(parts=(TextField(name="code", label="The code of your pager:"),))

            def read(self, challenge, filled):
                return filled["code"]

    So an author need not know who asks: a terminal asks the form part by part, a page shows it, and
    several processes may serve one sign-in, for nothing waits in memory.

    Both methods are plain functions, and pure: they await nothing, read and write nothing, look at
    no clock, keep nothing on `self`, and give the same for the same challenge, in every process.

    Register it under the entry-point group `authflow.client_challenges`; the entry point's name is
    the challenge's name. It is made without arguments, once, at its first use. Beside what is
    below, a class states in `interface` the version it was written for, 2. A class that has an
    `answer(challenge, prompt)` as well (see `ClientChallenge`) answers by it where there is a
    prompt.
    """

    name: ClassVar[str]
    """The challenge's name, equal to the trigger half's."""

    def form(self, challenge: Challenge) -> Form | Unanswered:
        """Return the form of a challenge.

        Args:
            challenge: What is asked; `challenge.is_retry` says that the last answer was wrong. It
                comes from the network: what is in it is checked before it is shown.

        Returns:
            The form; or Declined, Suspended or OtherFactor, if there is nothing to fill in here.

        Raises:
            PluginFailedError: The challenge is not one of the trigger half's. A part that cannot
                be shown raises it by itself.
        """

    def read(self, challenge: Challenge, filled: Filled) -> str:
        """Make the answer from the form, filled in.

        Args:
            challenge: The challenge that the form was made of.
            filled: The fields' texts by their names. The form has checked them: all that belong to
                it are there, none is too long, and what was chosen is an option.

        Returns:
            The answer, as the trigger half takes it.

        Raises:
            AskAgainError: That cannot be an answer: the person reads why, and is asked again.
        """


def form_of(plugin: FormChallenge, challenge: Challenge) -> Form | Unanswered:
    """Ask a plugin for its form.

    Raises:
        PluginFailedError: It gives something else.
    """
    form: object = plugin.form(challenge)
    if isinstance(form, Form | Unanswered):
        return form
    raise _gave(plugin, "form", "a Form, Declined, Suspended or OtherFactor", form)


def read_by(plugin: FormChallenge, challenge: Challenge, filled: Filled) -> str | Secret[str]:
    """Ask a plugin to make the answer.

    Raises:
        AskAgainError: It cannot be an answer.
        PluginFailedError: It gives something else than a text.
    """
    answer: object = plugin.read(challenge, filled)
    if isinstance(answer, str | Secret):
        return answer
    raise _gave(plugin, "read", "a text", answer)


async def answer_by_form(
    plugin: FormChallenge, challenge: Challenge, prompt: Prompt
) -> str | Secret[str] | Unanswered:
    """Answer a challenge with the form of a plugin and a prompt.

    Args:
        plugin: The client half.
        challenge: What is asked.
        prompt: Asks the person.

    Returns:
        The answer, or why there is none.

    Raises:
        PluginFailedError: The challenge cannot be shown, or its plugin gives something else.
        PromptError: The prompt failed, or never gave what the plugin can read.
    """
    return await answer_form(plugin, challenge, form_of(plugin, challenge), prompt)


async def answer_form(
    plugin: FormChallenge, challenge: Challenge, form: Form | Unanswered, prompt: Prompt
) -> str | Secret[str] | Unanswered:
    """Answer a challenge with a form that its plugin has made of it, as `answer_by_form` does."""
    if isinstance(form, Unanswered):
        return form
    return await ask_until_read(form, prompt, partial(read_by, plugin, challenge))


def _gave(plugin: FormChallenge, method: str, wanted: str, given: object) -> PluginFailedError:
    kind = type(given).__name__
    if inspect.iscoroutine(given):
        given.close()  # otherwise Python would warn that it was never awaited
    return PluginFailedError(
        f"the client challenge {plugin.name!r}: `{method}` gives {wanted}, and not {kind}"
    )
