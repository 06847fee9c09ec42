"""Rounds of a policy that the client itself answers, without a plugin: choices and conditions.

authflow's triggers mark them in the public challenge parameters: kind "choice" with the options'
names, kind "condition" with the names of the client metadata that are wanted. An option is named by
the challenges that it is made of: "otp", "captcha+otp", "question#2" for a second question.
"""

from typing import Final

from authflow import rounds
from authflow.answers import Choice
from authflow.client.challenges.own_form import made_of_a_reply
from authflow.errors import MalformedReplyError, MisuseError, PluginNotFoundError
from authflow.forms.fields import MOST_OPTIONS, ChoiceField
from authflow.forms.form import Filled, Form
from authflow.machine import State
from authflow.plugins.registry import PluginRegistry
from authflow.prompts.asking import ask
from authflow.prompts.prompt import Prompt
from authflow.results import Challenge
from authflow.secret import Secret

_OPTION: Final = "option"
_QUESTION: Final = "How do you want to go on?"
TOLD: Final = "told"
"""The answer to a condition: only the client metadata sent with it counts."""


def options_of(challenge: Challenge) -> tuple[str, ...]:
    """Return the options of a challenge that is a choice; none if it is not a choice."""
    if challenge.name != State.CUSTOM_CHALLENGE or challenge.kind != rounds.CHOICE:
        return ()
    return tuple(challenge.parameters.get(rounds.OPTIONS, "").split())


def is_condition(challenge: Challenge) -> bool:
    """Return whether a challenge asks only for the client metadata."""
    return (
        challenge.name == State.CUSTOM_CHALLENGE
        and challenge.kind == rounds.CONDITION
        and rounds.WANTED in challenge.parameters
    )


def check_choice(challenge: Challenge, answer: Secret[str]) -> None:
    """Refuse an answer that is no option, since the triggers would end the sign-in.

    Raises:
        MisuseError: It names none.
    """
    options = options_of(challenge)
    if options and answer.reveal() not in options:
        msg = f"this challenge is a choice: answer one of {', '.join(options)}"
        raise MisuseError(msg)


async def choose(challenge: Challenge, registry: PluginRegistry, prompt: Prompt) -> Secret[str]:
    """Choose an option: the only one that has installed plugins, or else the person's choice.

    Args:
        challenge: A challenge that is a choice.
        registry: The installed client challenges.
        prompt: Asks the person.

    Raises:
        PluginNotFoundError: No option can be answered here.
        MalformedReplyError: The options cannot be shown.
        PromptError: The prompt raised, or gave what is no option.
    """
    form = choice_form(challenge, registry)
    if form is None:
        options = options_of(challenge)
        msg = f"none of these can be answered here: {', '.join(options)}; install a plugin for one"
        raise PluginNotFoundError(msg)
    filled = await ask(form, prompt)
    assert isinstance(filled, Filled)  # noqa: S101  # only a widget is declined
    return Secret(read_choice(challenge, registry, filled).option)


def possible_options(challenge: Challenge, registry: PluginRegistry) -> tuple[str, ...]:
    """Return the options of a choice that the installed plugins can answer.

    Raises:
        MalformedReplyError: There are too many to look for the plugins of each.
    """
    if len(options_of(challenge)) > MOST_OPTIONS:
        msg = f"a choice has more than {MOST_OPTIONS:,} options"
        raise MalformedReplyError(msg)
    return tuple(
        option
        for option in options_of(challenge)
        if option == rounds.SKIP or _is_known(option, registry)
    )


def choice_form(challenge: Challenge, registry: PluginRegistry) -> Form | None:
    """Return the form with the options that can be answered here; with only one, it asks nothing.

    Args:
        challenge: A challenge that is a choice.
        registry: The installed client challenges.

    Returns:
        None if no option can be answered here.

    Raises:
        MalformedReplyError: The options cannot be shown.
    """
    possible = possible_options(challenge, registry)
    if not possible:
        return None
    with made_of_a_reply():
        return _form_of(possible)


def _form_of(options: tuple[str, ...]) -> Form:
    choice = ChoiceField(name=_OPTION, label=_QUESTION, options=options)  # a single one is checked
    return Form(parts=() if len(options) == 1 else (choice,))


def read_choice(challenge: Challenge, registry: PluginRegistry, filled: Filled) -> Choice:
    """Return the option that was chosen, or the only one."""
    return Choice(filled.get(_OPTION) or possible_options(challenge, registry)[0])


def _is_known(option: str, registry: PluginRegistry) -> bool:
    """Return whether each challenge of an option has an installed plugin."""
    kinds = [label.partition("#")[0] for label in option.split("+")]
    try:
        for kind in kinds:
            registry.find(kind)
    except PluginNotFoundError:
        return False
    return True
