"""A good client challenge, and bad ones, each bad in one way.

`convicted_by` names the cases that must fail for a plugin, all others passing.
"""

import asyncio
import contextlib
import hashlib
import logging
import sys
import time
from typing import Any, ClassVar

import anyio.to_thread

from authflow.errors import PluginFailedError, PromptEndedError
from authflow.prompts.prompt import Prompt
from authflow.results import Challenge


class CodePrompter:
    """Asks for a code. Nothing is wrong with it."""

    name: ClassVar[str] = "code"
    interface: ClassVar[int] = 1
    convicted_by: ClassVar[tuple[str, ...]] = ()

    async def answer(self, challenge: Challenge, prompt: Prompt) -> Any:
        medium = challenge.parameters.get("medium")
        if medium not in {"email", "phone"}:
            msg = "code: the challenge does not say how the code was sent"
            raise PluginFailedError(msg)
        if challenge.is_retry:
            await prompt.tell("That was not right.")
        return await prompt.ask(f"Which code came by {medium}?", hidden=True)


class HasNoInterface(CodePrompter):
    convicted_by = ("test_it_says_what_it_is",)
    interface = "1"


class AnswersAlwaysTheSame(CodePrompter):
    """It types what it likes."""

    convicted_by = (
        "test_it_asks_again_after_a_wrong_answer_over_the_protocol",
        "test_it_signs_in_over_the_protocol",
    )

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        await super().answer(challenge, prompt)
        return "000000x"


class AsksOnce(CodePrompter):
    convicted_by = (
        "test_it_asks_again_after_a_wrong_answer_over_the_protocol",
        "test_it_asks_by_its_prompt_alone",
    )

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        if challenge.is_retry:
            await asyncio.sleep(0)
            return "000000x"
        return await super().answer(challenge, prompt)


class GivesBytes(CodePrompter):
    convicted_by = (
        "test_it_asks_again_after_a_wrong_answer_over_the_protocol",
        "test_it_gives_text_or_an_outcome",
        "test_it_signs_in_over_the_protocol",
    )

    async def answer(self, challenge: Challenge, prompt: Prompt) -> bytes:
        return (await super().answer(challenge, prompt)).encode()


class MixesSignIns(CodePrompter):
    convicted_by = ("test_two_sign_ins_at_once_do_not_mix",)

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        self.prompt = prompt
        await asyncio.sleep(0)
        return await super().answer(challenge, self.prompt)


class ShowsWhatIsTyped(CodePrompter):
    convicted_by = ("test_what_is_typed_is_neither_shown_nor_logged",)

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        answer = await super().answer(challenge, prompt)
        await prompt.tell(f"You have typed {answer}.")
        return answer


class LogsWhatIsTyped(CodePrompter):
    convicted_by = ("test_what_is_typed_is_neither_shown_nor_logged",)

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        answer = await super().answer(challenge, prompt)
        logging.getLogger("acme").info("typed %s", answer)
        return answer


class TrustsTheChallenge(CodePrompter):
    convicted_by = ("test_a_damaged_challenge_is_refused",)

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        challenge.parameters["medium"]
        return await super().answer(challenge, prompt)


class PassesControlsOn(CodePrompter):
    convicted_by = ("test_a_challenge_cannot_steer_the_terminal",)

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        return await prompt.ask(f"Which code came by {challenge.parameters.get('medium')}?")


class AsksForEver(CodePrompter):
    convicted_by = ("test_it_ends_when_nobody_answers",)

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        medium = challenge.parameters.get("medium")
        while medium in {"email", "phone"}:
            with contextlib.suppress(PromptEndedError):
                return await super().answer(challenge, prompt)
        return await super().answer(challenge, prompt)


class SwallowsCancellation(CodePrompter):
    convicted_by = ("test_cancelling_it_leaves_nothing_behind",)

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        try:
            return await super().answer(challenge, prompt)
        except asyncio.CancelledError:
            return ""


class BlocksTheLoop(CodePrompter):
    convicted_by = ("test_the_event_loop_is_never_blocked",)

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        answer = await super().answer(challenge, prompt)
        time.sleep(0.06)
        return answer


class PrintsWhatIsTypedAgain(CodePrompter):
    """It prints a second answer, and its hash at that."""

    convicted_by = ("test_what_is_typed_is_neither_shown_nor_logged",)

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        answer = await super().answer(challenge, prompt)
        if challenge.is_retry:
            print(hashlib.sha256(answer.encode()).hexdigest())  # noqa: T201  # its fault
        return answer


class AsksAtTheTerminal(CodePrompter):
    convicted_by = (
        "test_it_asks_by_its_prompt_alone",
        "test_the_event_loop_is_never_blocked",
    )

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        if challenge.is_retry:
            with contextlib.suppress(EOFError, OSError):
                input("And again? ")
        return await super().answer(challenge, prompt)


class AsksAtTheTerminalElsewhere(CodePrompter):
    """A thread of its own asks, so that nothing is blocked."""

    convicted_by = ("test_it_asks_by_its_prompt_alone",)

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        answer = await super().answer(challenge, prompt)
        with contextlib.suppress(EOFError, OSError):
            await anyio.to_thread.run_sync(sys.stdin.readline)
        return answer


class KeepsWhatIsTyped(CodePrompter):
    convicted_by = ("test_two_sign_ins_at_once_do_not_mix",)

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        self.last = await super().answer(challenge, prompt)
        return self.last


class AnswersTheNextOneFromMemory(CodePrompter):
    convicted_by = ("test_two_sign_ins_at_once_do_not_mix",)

    def __init__(self) -> None:
        self._typed: list[bytes] = []

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        answer = await super().answer(challenge, prompt)
        self._typed.append(answer.encode())
        return self._typed[0].decode() if len(self._typed) == 2 else answer


class OffersWhatItIsSent(CodePrompter):
    """The names of its options come from the challenge as they are."""

    convicted_by = ("test_a_challenge_cannot_steer_the_terminal",)

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        if not all(map(str.isidentifier, challenge.parameters)):
            await prompt.choose("Which?", [*challenge.parameters])
        return await super().answer(challenge, prompt)


class DescribesWhatItIsSent(CodePrompter):
    convicted_by = ("test_a_challenge_cannot_steer_the_terminal",)

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        await prompt.show_image(b"", "image/png", "".join(challenge.parameters.values())[:400])
        return await super().answer(challenge, prompt)


class SwallowsCancellationAtARetry(CodePrompter):
    convicted_by = ("test_cancelling_it_leaves_nothing_behind",)

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        try:
            return await super().answer(challenge, prompt)
        except asyncio.CancelledError:
            if challenge.is_retry:
                return ""
            raise


class BlocksTheLoopAtARetry(CodePrompter):
    convicted_by = ("test_the_event_loop_is_never_blocked",)

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        answer = await super().answer(challenge, prompt)
        if challenge.attempt == 3:
            time.sleep(0.06)
        return answer


class TrustsARetry(CodePrompter):
    convicted_by = ("test_a_damaged_challenge_is_refused",)

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        if challenge.is_retry:
            challenge.parameters["medium"]
        return await super().answer(challenge, prompt)
