"""A good client challenge in interface 2, and bad ones, each bad in one way.

`convicted_by` names the cases that must fail for a plugin, all others passing.
"""

import itertools
import logging
import random
from pathlib import Path
from typing import Any, ClassVar

from attrs import evolve

from authflow.errors import AskAgainError, PluginFailedError
from authflow.plugins import Filled, Form, Prompt, SecretField, ShownText, typed_code
from authflow.results import Challenge

PURE = "test_a_form_is_a_function_of_its_challenge"
READ = "test_what_is_filled_in_is_read_or_asked_for_again"
ELSEWHERE = "test_its_form_signs_in_from_another_process_over_the_protocol"


class FormPrompter:
    """Asks for a code. Nothing is wrong with it."""

    name: ClassVar[str] = "code"
    interface: ClassVar[int] = 2
    convicted_by: ClassVar[tuple[str, ...]] = ()

    def form(self, challenge: Challenge) -> Any:
        medium = challenge.parameters.get("medium")
        if medium not in {"email", "phone"}:
            msg = "code: the challenge does not say how the code was sent"
            raise PluginFailedError(msg)
        told = (ShownText(text="That was not right."),) if challenge.is_retry else ()
        return Form(parts=(*told, SecretField(name="code", label=f"Which code came by {medium}?")))

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        return filled["code"]


class GreetsAtRandom(FormPrompter):
    convicted_by = (PURE,)

    def form(self, challenge: Challenge) -> Any:
        form = super().form(challenge)
        return Form(parts=(ShownText(text=f"Hello {random.random()}"), *form.parts))


class CountsItsForms(FormPrompter):
    convicted_by = (PURE,)

    def __init__(self) -> None:
        self.forms = 0

    def form(self, challenge: Challenge) -> Any:
        self.forms += 1
        return super().form(challenge)


class CountsOnItsClass(FormPrompter):
    convicted_by = (PURE,)
    seen: ClassVar[list[int]] = []

    def form(self, challenge: Challenge) -> Any:
        self.seen.append(challenge.attempt)
        return super().form(challenge)


class IsAnotherEachTime(FormPrompter):
    """An object of it differs from the next: two processes have two forms."""

    convicted_by = (PURE, READ)
    numbers: ClassVar[Any] = itertools.count()

    def __init__(self) -> None:
        self.number = str(next(self.numbers))

    def form(self, challenge: Challenge) -> Any:
        form = super().form(challenge)
        return Form(parts=(ShownText(text=self.number), *form.parts))


class LooksIntoAFile(FormPrompter):
    convicted_by = (PURE,)

    def form(self, challenge: Challenge) -> Any:
        Path(__file__).read_bytes()
        return super().form(challenge)


class ReadsWithAFile(FormPrompter):
    convicted_by = (READ,)

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        Path(__file__).read_bytes()
        return super().read(challenge, filled)


class TrustsTheChallengeInItsForm(FormPrompter):
    convicted_by = (
        "test_a_damaged_challenge_has_no_form_or_one_that_can_be_shown",
        "test_a_damaged_challenge_is_refused",
    )

    def form(self, challenge: Challenge) -> Any:
        challenge.parameters["medium"]
        return super().form(challenge)


class ReadsNothingFromDashes(FormPrompter):
    convicted_by = (READ,)

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        return typed_code(filled["code"])


class _TakesBlanks(FormPrompter):
    """Asks for a code as for a password, in which blanks may stand, and sends them: a good one."""

    how: ClassVar[dict[str, Any]] = {"autocomplete": "current-password"}

    def form(self, challenge: Challenge) -> Any:
        *told, code = super().form(challenge).parts
        return Form(parts=(*told, evolve(code, **self.how)))


class ReadsNothingFromBlanks(_TakesBlanks):
    convicted_by = (READ,)

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        return filled["code"].strip().strip("\0")


class ReadsWhatItsFormHasKept(FormPrompter):
    """Whoever reads may have made no form."""

    convicted_by = (PURE, READ)

    def form(self, challenge: Challenge) -> Any:
        self.medium = challenge.parameters.get("medium")
        return super().form(challenge)

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        return filled["code"] if self.medium else ""


class TakesWhatIsTypedForAPattern(FormPrompter):
    convicted_by = (READ,)

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        return filled["code"] % ()


class ShowsWhatItCannotRead(FormPrompter):
    convicted_by = (READ,)

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        if not filled["code"][:1].isdigit():
            msg = f"{filled['code']} is no code."
            raise AskAgainError(msg, field="code")
        return filled["code"]


class LogsWhatItReads(FormPrompter):
    convicted_by = (READ, "test_what_is_typed_is_neither_shown_nor_logged")

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        logging.getLogger("acme").info("read %s", filled["code"])
        return super().read(challenge, filled)


class SaltsWhatIsNoCode(FormPrompter):
    convicted_by = (READ,)

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        code: str = filled["code"]
        return code if code[:1].isdigit() else f"{code}{random.random()}"


class ShowsWhatWasTypedBefore(FormPrompter):
    convicted_by = (
        READ,
        "test_a_form_tells_nothing_of_an_answer",
        "test_two_sign_ins_at_once_do_not_mix",
        "test_what_is_typed_is_neither_shown_nor_logged",
    )
    before: ClassVar[list[str]] = []

    def form(self, challenge: Challenge) -> Any:
        form = super().form(challenge)
        return Form(parts=(*map(_before, self.before[-2:]), *form.parts))

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        self.before.append(filled["code"])
        return super().read(challenge, filled)


def _before(typed: str) -> ShownText:
    return ShownText(text=f"Not {typed}!")


class AnswersOtherwiseThanItReads(FormPrompter):
    """At a terminal it signs in, and on a page it never does."""

    convicted_by = (ELSEWHERE,)

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        return await prompt.ask(self.form(challenge).fields[0].label, hidden=True)

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        return filled["code"][1:]
