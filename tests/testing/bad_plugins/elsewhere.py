"""Bad trigger challenges whose fault shows to some answers, users, attempts or processes alone.

`convicted_by` names a case that must convict it. Faults of verify are told the attempt by `at`.
"""

import asyncio
import hashlib
import hmac
import logging
import random
import re
import runpy
import secrets
import time
from pathlib import Path
from typing import Any, ClassVar

import anyio.to_thread
from attrs import evolve

from authflow.plugins import Secret
from authflow.triggers import CreateContext, Issued, VerifyContext

_PLUGINS = runpy.run_path(str(Path(__file__).parent / "triggers.py"))
Code: type[Any] = _PLUGINS["Code"]
LIFETIME: float = _PLUGINS["LIFETIME"]
STRANGE = "test_wrong_and_strange_answers_are_never_right"
GUESSED = "test_hardly_any_guess_is_right"
FORM = "test_an_unknown_user_gets_a_challenge_of_the_same_form"
BLOCKED = "test_the_event_loop_is_never_blocked"
SOON = "test_an_unknown_user_is_answered_as_soon_as_others"
ELSEWHERE = "test_an_answer_is_right_in_another_process"


class Takes(Code):
    """It takes another answer for right."""

    convicted_by = STRANGE
    at: ClassVar[tuple[int, ...]] = (1, 2, 3)

    async def verify(self, context: VerifyContext) -> bool:
        code = context.private.get("code", "")
        if context.attempt in self.at and code and self.takes(context.answer.reveal(), code):
            context = evolve(context, answer=Secret(code))
        return await super().verify(context)

    def takes(self, answer: str, code: str) -> bool:
        raise NotImplementedError


class TakesNothingAtTheSecondAttempt(Takes):
    at = (2,)

    def takes(self, answer: str, code: str) -> bool:
        return not answer


class TakesZerosFromTheSecondAttemptOn(Takes):
    at = (2, 3)

    def takes(self, answer: str, code: str) -> bool:
        return answer == "0" * len(code)


class PassesOverTheSecondSign(Takes):
    place: ClassVar[int] = 1

    def takes(self, answer: str, code: str) -> bool:
        there = self.place
        return answer[:there] + answer[there + 1 :] == code[:there] + code[there + 1 :]


class PassesOverTheThirdSign(PassesOverTheSecondSign):
    place = 2


class PassesOverTheFifthSign(PassesOverTheSecondSign):
    place = 4


class FindsTheCodeInAnything(Takes):
    def takes(self, answer: str, code: str) -> bool:
        return len(answer) > 200 and code in answer


class SplitsAtBlanks(Takes):
    def takes(self, answer: str, code: str) -> bool:
        return code in answer.split()


class SplitsAtCommas(Takes):
    at = (3,)

    def takes(self, answer: str, code: str) -> bool:
        return code in answer.split(",")


class TakesOneInThree(Takes):
    def takes(self, answer: str, code: str) -> bool:
        return random.random() < 0.3


class TakesOneInThirty(Takes):
    convicted_by = GUESSED

    def takes(self, answer: str, code: str) -> bool:
        return random.random() < 0.03


class ComparesTwoSignsOfAHash(Takes):
    convicted_by = GUESSED

    def takes(self, answer: str, code: str) -> bool:
        one, other = (
            hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() for text in (answer, code)
        )
        return one[:2] == other[:2]


class ComparesTwoSignsOfAHashAtTheThirdAttempt(ComparesTwoSignsOfAHash):
    at = (3,)


class TakesTheFirstCodeAtTheThirdAttempt(Code):
    convicted_by = "test_an_answer_is_right_for_its_own_challenge_only"
    needs = ("limits", "keys")

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        first = issued.private["code"] if context.state is None else context.state.reveal().decode()
        return evolve(
            issued, private={**issued.private, "first": first}, state=Secret(first.encode())
        )

    async def verify(self, context: VerifyContext) -> bool:
        first = context.private.get("first", "")
        if context.attempt == 3 and context.answer.reveal() == first:
            context = evolve(context, answer=Secret(context.private["code"]))
        return await super().verify(context)


class FallsOverWordsAtTheSecondAttempt(Code):
    convicted_by = "test_no_answer_makes_it_fail"

    async def verify(self, context: VerifyContext) -> bool:
        if context.attempt == 2:
            int(context.answer.reveal())
        return await super().verify(context)


class LogsAtTheSecondAttempt(Code):
    convicted_by = "test_no_answer_is_logged_printed_or_shown"

    async def verify(self, context: VerifyContext) -> bool:
        if context.attempt == 2:
            logging.getLogger("acme").warning("typed: %s", context.answer.reveal())
        return await super().verify(context)


class RaisesWithTheAnswerAtTheThirdAttempt(Code):
    convicted_by = "test_errors_tell_no_answer"

    async def verify(self, context: VerifyContext) -> bool:
        right = await super().verify(context)
        if context.attempt == 3 and not right:
            msg = f"{context.answer.reveal()} is not {context.private.get('code')}"
            raise ValueError(msg)
        return bool(right)


class DrawsElsewhereAtTheSecondAttempt(Code):
    convicted_by = "test_three_runs_of_create_make_one_challenge"

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        code = f"{secrets.randbelow(10**6):06}" if context.attempt == 2 else issued.private["code"]
        return evolve(issued, private={**issued.private, "code": code})


class SendsByItselfAtTheSecondAttempt(Code):
    convicted_by = "test_three_runs_of_create_send_one_message"

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        if context.attempt == 2 and not context.user_not_found:
            await self.sender(context.user_attributes["email"], issued.private["code"])
        return issued


class AcceptsLateAtTheSecondAttempt(Code):
    convicted_by = "test_a_late_answer_is_not_right"

    async def verify(self, context: VerifyContext) -> bool:
        return await super().verify(evolve(context, now=0.0) if context.attempt == 2 else context)


class ComparesPlainlyAtTheSecondAttempt(Code):
    convicted_by = "test_answers_are_compared_in_constant_time"

    async def verify(self, context: VerifyContext) -> bool:
        right = await super().verify(context)
        if context.attempt == 2:
            return right and context.answer.reveal() == context.private.get("code")
        return bool(right)


class SleepsOverLongAnswersAtTheSecondAttempt(Code):
    convicted_by = "test_every_hook_ends_within_its_timeout"

    async def verify(self, context: VerifyContext) -> bool:
        if context.attempt == 2 and len(context.answer.reveal()) > 50:
            await asyncio.sleep(100)
        return await super().verify(context)


class ChangesItsMindAtTheSecondAttempt(Code):
    convicted_by = "test_three_runs_of_verify_give_one_verdict"
    runs: ClassVar[list[str]] = []

    async def verify(self, context: VerifyContext) -> bool:
        right = await super().verify(context)
        self.runs.append(context.private["made"])
        return right and (context.attempt != 2 or len(self.runs) % 2 == 0)


class BlocksForLongAnswers(Code):
    convicted_by = BLOCKED

    async def verify(self, context: VerifyContext) -> bool:
        if len(context.answer.reveal()) > 5000:
            time.sleep(0.06)
        return await super().verify(context)


class BlocksForWords(Code):
    convicted_by = BLOCKED

    async def verify(self, context: VerifyContext) -> bool:
        if context.attempt == 3 and context.answer.reveal().isalpha():
            time.sleep(0.06)
        return await super().verify(context)


class WorksForLongAnswers(Code):
    convicted_by = BLOCKED

    async def verify(self, context: VerifyContext) -> bool:
        until = time.perf_counter() + (0.06 if len(context.answer.reveal()) > 50_000 else 0)
        while time.perf_counter() < until:
            pass
        return await super().verify(context)


class HashesForKnownUsersOnly(Code):
    """And only what looks like a code."""

    convicted_by = SOON

    async def verify(self, context: VerifyContext) -> bool:
        if not re.fullmatch(r"\d{6}", context.answer.reveal()):
            return False
        if not context.user_not_found:
            await anyio.to_thread.run_sync(time.sleep, 0.1)
        return await super().verify(context)


class KeepsCodesInItsModule(Code):
    convicted_by = ELSEWHERE

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        key = context.randomness.octets(8).hex()
        self.keep(key, issued.private["code"])
        made = issued.private["made"]
        return evolve(issued, private={"key": key, "made": made})

    async def verify(self, context: VerifyContext) -> bool:
        code = self.kept(context.private.get("key", ""))
        return await super().verify(evolve(context, private={**context.private, "code": code}))

    def keep(self, key: str, code: str) -> None:
        _CODES[key] = code

    def kept(self, key: str) -> str:
        return _CODES.get(key, "")


class KeepsCodesInItsClass(KeepsCodesInItsModule):
    codes: ClassVar[list[tuple[str, str]]] = []

    def keep(self, key: str, code: str) -> None:
        self.codes.append((key, code))

    def kept(self, key: str) -> str:
        return dict(self.codes).get(key, "")


class KeepsCodesInAnObject(KeepsCodesInItsModule):
    def keep(self, key: str, code: str) -> None:
        setattr(_KEPT, f"code_{key}", code)

    def kept(self, key: str) -> str:
        return str(getattr(_KEPT, f"code_{key}", ""))


class KeepsTheLastCode(KeepsCodesInItsModule):
    def keep(self, key: str, code: str) -> None:
        type(self).last = code

    def kept(self, key: str) -> str:
        return str(getattr(self, "last", ""))


class _Kept:
    """Has room for everything."""


_CODES: dict[str, str] = {}
_KEPT = _Kept()


class Shows(Code):
    """It shows something, and by that who exists."""

    convicted_by = FORM

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        to = context.user_attributes.get("email") or f"{_digest(context, 'to')[:5]}@example.com"
        known = not context.user_not_found
        return evolve(issued, public={**issued.public, "shown": self.shown(context, to, known)})

    def shown(self, context: CreateContext, to: str, known: bool) -> str:
        raise NotImplementedError


class SaysInWordsWhoIsUnknown(Shows):
    def shown(self, context: CreateContext, to: str, known: bool) -> str:
        return masked(to) if known else "there is no such user"


class SaysInWordsAndNamesWhoIsUnknown(Shows):
    def shown(self, context: CreateContext, to: str, known: bool) -> str:
        return masked(to) if known else f"{context.username} is no user"


class NamesADeviceOfNobody(Shows):
    def shown(self, context: CreateContext, to: str, known: bool) -> str:
        return ("tablet" if "grace" in to else "iphone") if known else "nobody"


class NamesOneOfTwoDevicesOfNobody(Shows):
    def shown(self, context: CreateContext, to: str, known: bool) -> str:
        unknown = ("tablet" if "grace" in to else "iphone", "nobody", "nothing")
        return unknown[0 if known else 1 + int(_digest(context, "which"), 16) % 2]


class ShowsDigitsForHex(Shows):
    def shown(self, context: CreateContext, to: str, known: bool) -> str:
        return context.randomness.octets(8).hex() if known else context.randomness.digits(16)


class ShowsCapitalsForHex(Shows):
    def shown(self, context: CreateContext, to: str, known: bool) -> str:
        nonce = context.randomness.octets(8).hex()
        return nonce if known else nonce.upper()


class MasksUnknownUsersOtherwise(Shows):
    def shown(self, context: CreateContext, to: str, known: bool) -> str:
        return masked(to) if known else masked(to).replace("*", ".")


class MasksEverybodyAlike(Shows):
    """Nothing is wrong with it."""

    convicted_by = ""

    def shown(self, context: CreateContext, to: str, known: bool) -> str:
        return masked(to)


class ShowsNoiseToEverybody(Shows):
    """Nothing is wrong with it."""

    convicted_by = ""

    def shown(self, context: CreateContext, to: str, known: bool) -> str:
        return secrets.token_urlsafe(16)


class NamesSomeDeviceOfEverybody(Shows):
    """Nothing is wrong with it."""

    convicted_by = ""

    def shown(self, context: CreateContext, to: str, known: bool) -> str:
        names = ("tablet", "iphone", "laptop", "watch")
        return names[int(_digest(context, "device"), 16) % len(names)]


def masked(address: str) -> str:
    name, _, domain = address.partition("@")
    return f"{name[:1]}***@{domain[:1]}***"


def _digest(context: CreateContext, what: str) -> str:
    return hmac.digest(b"key", f"{what} {context.username}".encode(), "sha256").hex()
