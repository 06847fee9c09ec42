"""Forms asked by a prompt: the only place where a form becomes a conversation."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import anyio
from attrs import define, field

from authflow.errors import AskAgainError, AuthFlowError, PromptEndedError, PromptError
from authflow.forms.fields import ChoiceField, Field, SecretField, TextField, WaitField, WidgetField
from authflow.forms.form import Filled, Form, belongs
from authflow.forms.shown import Shown, ShownAudio, ShownImage, ShownLink, ShownQrCode, ShownText
from authflow.given_secrets import Unfit, wrapped
from authflow.prompts.prompt import FieldPrompt, Prompt, WidgetPrompt
from authflow.raised import forget_causes, kind_and_place, leaves
from authflow.results import Declined
from authflow.secret import Secret

T = TypeVar("T")

MOST_ASKED: Final = 20
"""The most repetitions of one question. A person gives up earlier; a script would not."""


async def ask(
    form: Form, prompt: Prompt, *, again: Filled | None = None, at: str | None = None
) -> Filled | Declined:
    """Show and ask a form, part by part, until it is filled in.

    A value that a field refuses is asked for again, and the person is told why.

    Args:
        form: What to show and ask.
        prompt: Asks the person.
        again: What the form was filled in with before. Then what stands before the field `at` is
            neither shown nor asked again, and keeps its value.
        at: The field that is to be asked again; the first one if it is none of the form's.

    Returns:
        What was filled in; Declined if the prompt cannot show a widget of the form.

    Raises:
        PromptError: The prompt failed, gave no text, or a question was asked too often.
    """
    parts = form.parts
    asked = _Asked(prompt)
    if again is not None:
        names = [part.name if isinstance(part, Field) else None for part in parts]
        first = next((place for place, name in enumerate(names) if name), 0)
        begin = names.index(at) if at in again else first
        asked.values = {
            name: Secret(again[name])
            for name in names[:begin]
            if name is not None and name in again
        }
        parts = parts[begin:]
    for part in parts:
        if not belongs(part, asked.values):
            continue
        if not isinstance(part, Field):
            with failing_as_a_prompt():
                await _show(part, prompt)
        elif isinstance(part, WidgetField) and not isinstance(prompt, WidgetPrompt | FieldPrompt):
            return Declined(
                f"{part.service} needs a browser: show its widget, and answer its token"
            )
        else:
            await asked.until_fit(part)
    return Filled(asked.values)


async def ask_until_read(form: Form, prompt: Prompt, read: Callable[[Filled], T]) -> T | Declined:
    """Ask a form until what was filled in can be read.

    Args:
        form: What to show and ask.
        prompt: Asks the person.
        read: Makes the answer. Where it raises AskAgainError the person is told why, and asked from
            the field on that it names.

    Returns:
        The answer; Declined if the prompt cannot show a widget of the form.

    Raises:
        PromptError: The prompt failed, gave no text, or the form was asked too often.
    """
    filled = await ask(form, prompt)
    for _ in range(MOST_ASKED):
        if isinstance(filled, Declined):
            return filled
        try:
            return read(filled)
        except AskAgainError as error:
            why, at = error.message, error.field
        with failing_as_a_prompt():
            await prompt.tell(why)
        filled = await ask(form, prompt, again=filled, at=at)
    msg = "the same form was asked too often, and never answered"
    raise PromptError(msg)  # a person gives up earlier, and whoever asks again is right to


@contextmanager
def failing_as_a_prompt() -> Iterator[None]:
    """Make a PromptError of whatever a prompt raises that is no error of ours.

    Its text may quote what was typed, and is dropped; its kind and place are told. A prompt with a
    group of tasks raises a group: if one of them has ended the asking, that is what happened.
    """
    try:
        yield
    except AuthFlowError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever a prompt raises
        ended = next((each for each in leaves(error) if isinstance(each, PromptEndedError)), None)
        if ended is not None:
            forget_causes(ended)
            raise ended from None
        msg = f"the prompt failed: {kind_and_place(error)}"
        raise PromptError(msg) from None


async def _show(part: Shown, prompt: Prompt) -> None:
    match part:
        case ShownText():  # what is shown is no local variable: it may be an authenticator's key
            await prompt.tell(part.text)
        case ShownImage():
            await prompt.show_image(part.content, part.media_type, part.description)
        case ShownAudio():
            await prompt.play_audio(part.content, part.media_type, part.description)
        case ShownLink():
            await prompt.show_link(part.url, part.description)
        case ShownQrCode():
            await prompt.show_link(part.url, part.description, qr=True)


@define
class _Asked:
    """The questions and answers so far.

    Args:
        prompt: Asks the person.
        values: The values, by the fields' names.
    """

    prompt: Prompt
    values: dict[str, Secret[str]] = field(factory=dict)

    async def until_fit(self, part: Field) -> None:
        """Ask for the value of a field until the field takes it."""
        for _ in range(MOST_ASKED):
            try:
                with failing_as_a_prompt():
                    value = wrapped(await self._ask(part))
                if isinstance(value, Unfit) and not value.text:
                    msg = f"the prompt gave no text, {value.why}"
                    raise PromptError(msg)
                part.checked("\ud800" if isinstance(value, Unfit) else value.reveal())
            except AskAgainError as error:
                why = error.message
            else:
                self.values[part.name] = value
                return
            with failing_as_a_prompt():
                await self.prompt.tell(why)
        msg = "the same question was asked too often, and never answered"
        raise PromptError(msg)

    async def _ask(self, part: Field) -> object:
        if isinstance(self.prompt, FieldPrompt):
            return await self.prompt.ask_field(part)
        match part:
            case TextField(label=label):
                return await self.prompt.ask(label)
            case SecretField(label=label):
                return await self.prompt.ask(label, hidden=True)
            case ChoiceField(label=label, options=options):
                by_label = {option.label: option.value for option in options}
                chosen: object = await self.prompt.choose(label, tuple(by_label))
                return by_label.get(chosen, chosen) if isinstance(chosen, str) else chosen
            case WaitField(label=label, poll_after=None):
                await self.prompt.ask(f"{label} Press Enter when it is done.")
                return ""
            case WaitField(label=label, poll_after=seconds):
                over = anyio.sleep(seconds or 0)
                try:
                    await self.prompt.wait_for(label, over)
                finally:
                    over.close()  # a prompt that fails has not awaited it
                return ""
            case WidgetField():
                assert isinstance(self.prompt, WidgetPrompt)  # noqa: S101  # `ask` has seen to it
                return await self.prompt.solve_widget(part)
