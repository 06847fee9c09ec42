"""A prompt for web front ends: what is asked becomes a message, and the answer is another one.

    prompt = WebPrompt()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sign_in_with, prompt)          # await auth.sign_in(..., prompt=prompt)
        async for message in prompt:                    # until prompt.close()
            await websocket.send_json(message.to_json())
            if message.wants_answer:
                prompt.answer(message.id, await websocket.receive_text())

Nothing here is HTML: the front end escapes what it shows, and opens a link only if the person does.
Characters that cannot be printed, and the marks that turn the direction of writing, are escaped
already: they come from the network, and hide from a person what a text says.
"""

import base64
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from enum import StrEnum
from itertools import count
from typing import Any, Final, TypeVar

import anyio
from attrs import define, field, frozen

from authflow.errors import MisuseError, PromptEndedError
from authflow.printable import lines, printable
from authflow.prompts.links import checked_link
from authflow.unframed import whole

T = TypeVar("T")


class MessageKind(StrEnum):
    """What a message wants of the front end."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    LINK = "link"
    WAITING = "waiting"
    QUESTION = "question"
    CHOICE = "choice"


_ANSWERED: Final = frozenset({MessageKind.QUESTION, MessageKind.CHOICE})


def _printable_options(options: Sequence[str]) -> tuple[str, ...]:
    return tuple(map(printable, options))


@whole
@frozen(kw_only=True)
class Message:
    """Something to show, or to ask. What cannot be printed in its texts is escaped.

    Args:
        id: Its number, from 1; an answer names it.
        kind: What it is.
        text: The words: what is told, asked, or a description of what is shown.
        url: A picture or sound as a `data:` URL (RFC 2397), or a link.
        options: What to choose from.
        hidden: Whether an answer must not be seen while it is typed.
        qr: Whether a link is meant for another device, which reads it as a QR code.
    """

    id: int
    kind: MessageKind
    text: str = field(converter=lines)
    url: str | None = field(default=None, repr=False)
    options: tuple[str, ...] = field(default=(), converter=_printable_options)
    hidden: bool = False
    qr: bool = False

    @property
    def wants_answer(self) -> bool:
        """Whether the sign-in waits for an answer to it."""
        return self.kind in _ANSWERED

    def to_json(self) -> Mapping[str, Any]:
        """Write it as what JSON can say."""
        return {
            "id": self.id,
            "kind": self.kind.value,
            "text": self.text,
            "url": self.url,
            "options": list(self.options),
            "hidden": self.hidden,
            "qr": self.qr,
        }


@define(eq=False)
class _Asked:
    """A question that waits for its answer."""

    options: tuple[str, ...]
    answered: anyio.Event = field(factory=anyio.Event)
    answer: str | None = field(default=None, repr=False)


@define(eq=False)
class WebPrompt:
    """Asks by messages. One prompt serves one sign-in, and one task reads its messages."""

    _numbers: "count[int]" = field(factory=lambda: count(1), init=False, repr=False)
    _asked: dict[int, _Asked] = field(factory=dict, init=False, repr=False)
    _messages: deque[Message] = field(factory=deque, init=False, repr=False)
    _changed: anyio.Event = field(factory=anyio.Event, init=False, repr=False)
    _closed: bool = field(default=False, init=False)

    def __aiter__(self) -> AsyncIterator[Message]:
        return self

    async def __anext__(self) -> Message:
        while not self._messages:
            if self._closed:
                raise StopAsyncIteration
            await self._changed.wait()
        return self._messages.popleft()

    def close(self) -> None:
        """End the messages: what was shown can still be read, and then they are over.

        Whatever waits for an answer, or asks for one later, is told by a `PromptEndedError`.
        """
        self._closed = True
        for asked in self._asked.values():
            asked.answered.set()
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
        asked = self._asked.get(message_id)
        if asked is None or asked.answered.is_set():
            msg = f"no question {message_id!r:.20} is waiting for an answer"
            raise MisuseError(msg)
        shown = [*map(printable, asked.options)]
        if isinstance(answer, str) and answer in shown:
            answer = asked.options[shown.index(answer)]
        if not isinstance(answer, str) or (asked.options and answer not in asked.options):
            msg = "the answer must be a text, and one of the options where there are some"
            raise MisuseError(msg)
        asked.answer = answer
        asked.answered.set()

    async def tell(self, text: str) -> None:
        """Show a text."""
        self._send(MessageKind.TEXT, text)

    async def show_image(self, image: bytes, media_type: str, description: str) -> None:
        """Show a picture."""
        self._send(MessageKind.IMAGE, description, url=_data_url(image, media_type))

    async def play_audio(self, audio: bytes, media_type: str, description: str) -> None:
        """Play a sound."""
        self._send(MessageKind.AUDIO, description, url=_data_url(audio, media_type))

    async def show_link(self, url: str, description: str, *, qr: bool = False) -> None:
        """Show a link.

        Raises:
            PluginFailedError: It cannot be printed, or has a scheme that is neither
                https, http nor otpauth.
        """
        self._send(MessageKind.LINK, description, url=checked_link(url, description), qr=qr)

    async def wait_for(self, description: str, confirmation: Awaitable[T]) -> T:
        """Say what is waited for, and wait."""
        self._send(MessageKind.WAITING, description)
        return await confirmation

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        """Ask for a line of text.

        Raises:
            PromptEndedError: The prompt was closed before there was an answer.
        """
        return await self._ask(MessageKind.QUESTION, question, hidden=hidden)

    async def choose(self, question: str, options: Sequence[str]) -> str:
        """Ask for one of several options.

        Raises:
            PromptEndedError: The prompt was closed before there was an answer.
        """
        return await self._ask(MessageKind.CHOICE, question, options=tuple(options))

    async def _ask(self, kind: MessageKind, question: str, **more: Any) -> str:
        if self._closed:
            raise _closed(question)
        asked = _Asked(more.get("options", ()))
        number = self._send(kind, question, asked=asked, **more)
        try:
            await asked.answered.wait()
        finally:
            del self._asked[number]  # a late answer is told that it is one
        if asked.answer is None:
            raise _closed(question)
        return asked.answer

    def _send(
        self, kind: MessageKind, text: str, *, asked: _Asked | None = None, **more: Any
    ) -> int:
        number = next(self._numbers)
        if asked is not None:
            self._asked[number] = asked
        self._messages.append(Message(id=number, kind=kind, text=text, **more))
        self._wake()
        return number


def _closed(question: str) -> PromptEndedError:
    return PromptEndedError(f"nobody answers, for the page was closed: {question}")


def _data_url(content: bytes, media_type: str) -> str:
    return f"data:{printable(media_type)};base64,{base64.b64encode(content).decode()}"
