"""A prompt for web front ends: each question is a message, and its answer is another one.

    prompt = WebPrompt()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sign_in_with, prompt)          # await auth.sign_in(..., prompt=prompt)
        async for message in prompt:                    # until prompt.close()
            await websocket.send_json(message.to_json())
            if message.wants_answer:
                prompt.answer(message.id, await websocket.receive_text())

A message is a part of a form in JSON (`Form.to_json`), with an `id` and with `wants_answer`: a page
that shows forms shows messages. A client challenge that has a form needs no prompt on a page: see
`AuthClient.form`.

Nothing here is HTML: the front end escapes what it shows, and opens a link only if the person does.
Characters that cannot be printed, and the marks that turn the direction of writing, are escaped
already: they come from the network, and hide from a person what a text says.
"""

import inspect
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from itertools import count
from typing import Any, Final, TypeVar

import anyio
from attrs import Factory, define, evolve, field, frozen

from authflow.errors import MisuseError, PluginFailedError, PromptEndedError
from authflow.forms.fields import (
    LONGEST_VALUE,
    ChoiceField,
    Field,
    SecretField,
    TextField,
    WaitField,
    WidgetField,
)
from authflow.forms.part_json import PartKind, kind_of, part_to_json
from authflow.forms.shown import Shown, ShownAudio, ShownImage, ShownLink, ShownQrCode, ShownText
from authflow.given_numbers import MOST, check_count
from authflow.given_secrets import Unfit, wrapped
from authflow.plugins.typed_text import shows_nothing
from authflow.printable import printable
from authflow.prompts.links import checked_link
from authflow.secret import Secret
from authflow.unframed import whole

T = TypeVar("T")


_MEDIA_TYPE: Final = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,63}")
_ANSWER: Final = "answer"
"""The name of the only field of a message whose question is no form's."""


def _is_id(_message: object, _attribute: object, number: int) -> None:
    check_count("WebMessage: id", number)


def _is_part(_message: object, _attribute: object, part: Shown | Field) -> None:
    kind_of(part)


def _is_asked(message: "WebMessage") -> bool:
    waits = isinstance(message.part, WaitField) and message.part.poll_after is not None
    return isinstance(message.part, Field) and not waits


@whole
@frozen(kw_only=True)
class WebMessage:
    """One part of a form to show or to ask, with a number.

    Args:
        id: Its number, from 1; an answer names it.
        part: What it is.
        wants_answer: Whether the page has to answer. A wait for some seconds is over without; until
            then it can be answered, as by the token of a link that was opened in the page.

    Raises:
        ConfigError: The number is none.
        PluginFailedError: The part is none of a form's.
    """

    id: int = field(validator=_is_id)
    part: Shown | Field = field(validator=_is_part)
    wants_answer: bool = field(default=Factory(_is_asked, takes_self=True))

    @property
    def kind(self) -> PartKind:
        """The kind of the part."""
        return kind_of(self.part)

    def to_json(self) -> Mapping[str, Any]:
        """Return the message as JSON values: the members of a form's part, `id`, `wants_answer`."""
        return {"id": self.id, "wants_answer": self.wants_answer, **part_to_json(self.part)}


@define(eq=False)
class _OpenQuestion:
    """A question that waits for its answer.

    Args:
        options: What may be chosen, as it came, by how it is shown and by itself; None for a text.
    """

    options: Mapping[str, str] | None
    answered: anyio.Event = field(factory=anyio.Event)
    answer: Secret[str] | None = None


@define(eq=False)
class WebPrompt:
    """Asks with messages. One prompt serves one sign-in, and one task reads its messages."""

    _numbers: "count[int]" = field(factory=lambda: count(1), init=False, repr=False)
    _asked: dict[int, _OpenQuestion] = field(factory=dict, init=False, repr=False)
    _messages: deque[WebMessage] = field(factory=deque, init=False, repr=False)
    _changed: anyio.Event = field(factory=anyio.Event, init=False, repr=False)
    _waits: list[anyio.CancelScope] = field(factory=list, init=False, repr=False)
    _closed: bool = field(default=False, init=False)

    def __aiter__(self) -> AsyncIterator[WebMessage]:
        return self

    async def __anext__(self) -> WebMessage:
        while not self._messages:
            if self._closed:
                raise StopAsyncIteration
            await self._changed.wait()
        return self._messages.popleft()

    def close(self) -> None:
        """End the messages; those already sent can still be read.

        Whatever waits for an answer, or asks for one later, is told by a `PromptEndedError`.
        """
        self._closed = True
        for asked in self._asked.values():
            asked.answered.set()
        for waiting in self._waits:
            waiting.cancel()
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    def answer(self, message_id: int, answer: str) -> None:
        """Answer a question.

        Args:
            message_id: The question's number.
            answer: What the person typed or chose.

        Raises:
            MisuseError: No such question is open, or the answer is no text or none of its options.
        """
        asked = self._asked.get(message_id) if type(message_id) is int else None
        if asked is None or asked.answered.is_set():
            known = type(message_id) is int and 0 < message_id <= MOST
            named = str(message_id) if known else "of this id"
            msg = f"no question {named} is waiting for an answer"
            raise MisuseError(msg)
        given = wrapped(answer)
        del answer
        if isinstance(given, Unfit) or (asked.options and given.reveal() not in asked.options):
            msg = "the answer must be a text, and one of the options where there are some"
            raise MisuseError(msg)
        if len(given.reveal()) > LONGEST_VALUE:
            msg = f"the answer must have {LONGEST_VALUE:,} characters at most"
            raise MisuseError(msg)
        asked.answer = Secret(asked.options[given.reveal()]) if asked.options else given
        asked.answered.set()

    async def tell(self, text: str) -> None:
        """Show a text."""
        self._send(ShownText(text=text))

    async def show_image(self, image: bytes, media_type: str, description: str) -> None:
        """Show a picture."""
        media_type = _of_kind("image", media_type)
        self._send(
            ShownImage(
                content=bytes(memoryview(image)), media_type=media_type, description=description
            )
        )

    async def play_audio(self, audio: bytes, media_type: str, description: str) -> None:
        """Play a sound."""
        media_type = _of_kind("audio", media_type)
        self._send(
            ShownAudio(
                content=bytes(memoryview(audio)), media_type=media_type, description=description
            )
        )

    async def show_link(self, url: str, description: str, *, qr: bool = False) -> None:
        """Show a link.

        Raises:
            PluginFailedError: It cannot be printed, or has a scheme that is neither
                https, http nor otpauth.
        """
        url = checked_link(url, description)
        shown = ShownQrCode if qr else ShownLink
        self._send(shown(url=url, description=description))

    async def wait_for(self, description: str, confirmation: Awaitable[T]) -> T:
        """Show what is waited for, and wait.

        Raises:
            PluginFailedError: The description is no text.
            PromptEndedError: The prompt was closed before it happened.
        """
        if self._closed:
            if inspect.iscoroutine(confirmation):
                confirmation.close()  # or Python would say that nobody awaited it
            raise _closed(description)
        try:
            part = WaitField(name=_ANSWER, label=description)
        except PluginFailedError:
            if inspect.iscoroutine(confirmation):
                confirmation.close()  # as above
            raise
        self._post(WebMessage(id=next(self._numbers), part=part, wants_answer=False))
        with anyio.CancelScope() as waiting:
            self._waits.append(waiting)
            try:
                return await confirmation
            finally:
                self._waits.remove(waiting)
        raise _closed(description)

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        """Ask for a line of text.

        Raises:
            PromptEndedError: The prompt was closed before there was an answer.
        """
        typed = SecretField if hidden else TextField
        return await self._ask(
            typed(name=_ANSWER, label=question, required=False, longest=LONGEST_VALUE)
        )

    async def choose(self, question: str, options: Sequence[str]) -> str:
        """Ask for one of several options.

        Raises:
            PluginFailedError: The options are no collection of texts.
            PromptEndedError: The prompt was closed before there was an answer.
        """
        listed = isinstance(options, Sequence) and not isinstance(options, str)
        if not listed or not all(isinstance(each, str) for each in options):
            msg = "options to choose from are a sequence of texts, not one text"
            raise PluginFailedError(msg)
        shown = _told_apart(options)
        asked = ChoiceField(name=_ANSWER, label=question, options=tuple(shown))
        return await self._ask(asked, {**{option: option for option in options}, **shown})

    async def solve_widget(self, widget: WidgetField) -> str:
        """Ask for the token of a service's widget.

        Raises:
            PromptEndedError: The prompt was closed before there was an answer.
        """
        return await self._ask(widget)

    async def ask_field(self, part: Field) -> str:
        """Ask for the value of a form's field, which is the message as it stands.

        Raises:
            PromptEndedError: The prompt was closed before there was an answer.
        """
        if not isinstance(part, ChoiceField):
            return await self._ask(part)
        return await self._ask(part, {option.value: option.value for option in part.options})

    async def _ask(self, part: Field, options: Mapping[str, str] | None = None) -> str:
        if self._closed:
            raise _closed(part.label)
        asked = _OpenQuestion(options)
        number = self._send(part, asked=asked)
        timeout = part.poll_after if isinstance(part, WaitField) else None
        try:
            with anyio.move_on_after(timeout):
                await asked.answered.wait()
        finally:
            del self._asked[number]  # a late answer is refused as late
        if asked.answer is not None:
            return asked.answer.reveal()
        if self._closed:
            raise _closed(part.label)
        return ""

    def _send(self, part: Shown | Field, *, asked: _OpenQuestion | None = None) -> int:
        # The choice that a condition names was made already, in another message.
        message = WebMessage(id=next(self._numbers), part=evolve(part, shown_if=None))
        if asked is not None:
            self._asked[message.id] = asked
        self._post(message)
        return message.id

    def _post(self, message: WebMessage) -> None:
        self._messages.append(message)
        self._wake()


def _told_apart(options: Sequence[str]) -> dict[str, str]:
    """Return options by what is shown of them: numbered, if one would be blank or like another."""
    once = tuple(dict.fromkeys(options))
    shown = {printable(option): option for option in once}
    if len(shown) == len(once) and not any(map(shows_nothing, shown)):
        return shown
    return {f"{place}. {printable(option)}": option for place, option in enumerate(once, 1)}


def _closed(question: str) -> PromptEndedError:
    return PromptEndedError(f"nobody answers, for the page was closed: {question}")


def _of_kind(kind: str, media_type: str) -> str:
    """Return a file's type, if a part of a form may have it; browsers look at the file as well."""
    fits = _MEDIA_TYPE.fullmatch(media_type) is not None
    other = kind == "audio" and media_type.startswith(("video/", "application/"))
    return media_type if fits and (media_type.startswith(f"{kind}/") or other) else f"{kind}/x-any"
