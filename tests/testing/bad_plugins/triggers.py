"""A good trigger challenge that sends codes, and bad ones, each bad in one way.

`convicted_by` names the cases that must fail for a plugin, all others passing.
"""

import asyncio
import hashlib
import hmac
import logging
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import anyio.to_thread
from attrs import evolve, field, frozen

from authflow.errors import ConfigError
from authflow.plugins import Secret
from authflow.triggers import CreateContext, Issued, Outcome, Randomness, VerifyContext

LIFETIME = 300.0
LEAKS = (
    "test_nothing_public_changes_with_the_code",
    "test_nothing_public_lets_the_answer_be_found",
)


@frozen(kw_only=True)
class Code:
    """Sends a code. Nothing is wrong with it."""

    name: ClassVar[str] = "code"
    metadata: ClassVar[str] = "CODE"
    interface: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("limits",)
    convicted_by: ClassVar[tuple[str, ...]] = ()

    sender: Callable[[str, str], Awaitable[None]] = field(repr=False)

    async def create(self, context: CreateContext) -> Issued:
        code = context.randomness.digits(6)
        to = context.user_attributes.get("email")
        await context.deliver(to, lambda: self.sender(str(to), code))
        return Issued(public={"medium": "email"}, private={"code": code, "made": str(context.now)})

    async def verify(self, context: VerifyContext) -> bool:
        in_time = context.now - float(context.private.get("made") or 0) <= LIFETIME
        answer = context.answer.reveal().encode("utf-8", "replace")
        code = context.private.get("code", "").encode()
        right = hmac.compare_digest(answer, code) and bool(code)
        return right and in_time and not context.user_not_found


def public(issued: Issued, **more: str) -> Issued:
    return evolve(issued, public={**issued.public, **more})


class LeaksTheHash(Code):
    convicted_by = LEAKS

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        digest = hashlib.sha256(issued.private["code"].encode()).hexdigest()
        return public(issued, etag=f"W/{digest[:16]}")


class LeaksASaltedHash(Code):
    convicted_by = LEAKS

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        salt = context.randomness.octets(8).hex()
        key, code = salt.encode(), issued.private["code"].encode()
        return public(issued, salt=salt, check=hmac.digest(key, code, "sha1").hex())


class LeaksTheAnswerEncoded(Code):
    convicted_by = LEAKS

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        return public(issued, ref=f"id-{issued.private['code'].encode().hex()}")


class LeaksInMetadata(Code):
    convicted_by = (
        "test_a_right_answer_signs_in_over_the_protocol",
        "test_its_metadata_never_changes",
    )

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        type(self).__mro__[1].metadata = f"CODE-{issued.private['code']}"
        return issued


class SendsTwice(Code):
    """It sends by itself, in every run."""

    convicted_by = (
        "test_cancelling_create_leaves_nothing_behind",
        "test_three_runs_of_create_send_one_message",
    )

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(evolve(context, sends=_NoSends()))
        if not context.user_not_found:
            await self.sender(context.user_attributes["email"], issued.private["code"])
        await context.deliver(None, _nothing)
        return issued


class SendsToStrangers(Code):
    convicted_by = ("test_nothing_is_sent_to_an_unknown_user",)

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        if context.user_not_found:
            await self.sender("postmaster@example.com", issued.private["code"])
        return issued


class IgnoresRandomness(Code):
    convicted_by = ("test_three_runs_of_create_make_one_challenge",)

    async def create(self, context: CreateContext) -> Issued:
        return await super().create(evolve(context, randomness=Randomness.system()))


class AcceptsAReplay(Code):
    """It takes every code that was right once."""

    convicted_by = ("test_an_answer_is_right_in_one_sign_in_only",)
    used: ClassVar[set[str]] = set()

    async def verify(self, context: VerifyContext) -> bool:
        answer = context.answer.reveal()
        digest = hashlib.sha256(answer.encode("utf-8", "replace")).hexdigest()
        known = not context.user_not_found and digest in self.used
        if known and "made" in context.private:
            fresh = context.now - float(context.private["made"] or 0) <= LIFETIME
            await super().verify(context)
            return fresh
        right = await super().verify(context)
        if right:
            self.used.add(digest)
        return right


class AcceptsLate(Code):
    convicted_by = ("test_a_late_answer_is_not_right",)

    async def verify(self, context: VerifyContext) -> bool:
        return await super().verify(evolve(context, now=0.0))


class GivesUpEarly(Code):
    convicted_by = ("test_a_late_answer_is_not_right",)

    async def verify(self, context: VerifyContext) -> bool:
        late = context.now - float(context.private.get("made") or 0) > LIFETIME / 2
        return await super().verify(context) and not late


class BlocksTheLoop(Code):
    convicted_by = ("test_the_event_loop_is_never_blocked",)

    async def verify(self, context: VerifyContext) -> bool:
        right = await super().verify(context)
        if right:
            time.sleep(0.06)
        return right


class LooksUpNames(Code):
    convicted_by = ("test_the_event_loop_is_never_blocked",)

    async def create(self, context: CreateContext) -> Issued:
        socket.getaddrinfo("127.0.0.1", 25)
        return await super().create(context)


class WorksInTheLoop(Code):
    convicted_by = ("test_the_event_loop_is_never_blocked",)

    async def create(self, context: CreateContext) -> Issued:
        until = time.perf_counter() + 0.06
        while time.perf_counter() < until:
            pass
        return await super().create(context)


class DiffersForUnknownUsers(Code):
    convicted_by = (
        "test_an_unknown_user_gets_a_challenge_of_the_same_form",
        "test_an_unknown_user_is_refused_over_the_protocol",
    )

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        return public(issued, decoy="yes") if context.user_not_found else issued


class SaysSoToUnknownUsers(Code):
    convicted_by = ("test_an_unknown_user_gets_a_challenge_of_the_same_form",)

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        return public(issued, medium="phone" if context.user_not_found else "email")


class DecoyThatChanges(Code):
    convicted_by = ("test_an_unknown_user_gets_a_challenge_of_the_same_form",)

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        to = context.user_attributes.get("sub", context.randomness.octets(18).hex())
        return public(issued, to=hashlib.sha256(to.encode()).hexdigest()[:8])


class SkipsTheStoreForUnknownUsers(Code):
    convicted_by = ("test_an_unknown_user_costs_the_same_calls_of_the_store",)

    async def create(self, context: CreateContext) -> Issued:
        if context.user_not_found:
            context = evolve(context, sends=_NoSends())
        return await super().create(context)


class RightForUnknownUsers(Code):
    convicted_by = ("test_an_answer_of_an_unknown_user_is_judged_as_it_should",)

    async def verify(self, context: VerifyContext) -> bool:
        return await super().verify(evolve(context, user_not_found=False))


class GivesJunk(Code):
    convicted_by = ("test_hooks_give_what_they_should",)

    async def verify(self, context: VerifyContext) -> Any:
        return await super().verify(context) if context.answer.reveal() else "no"


class TakesEmptyForRight(Code):
    convicted_by = ("test_wrong_and_strange_answers_are_never_right",)

    async def verify(self, context: VerifyContext) -> bool:
        right = await super().verify(context)
        return right or (not context.answer.reveal().strip() and not context.user_not_found)


class TakesAPrefix(Code):
    convicted_by = ("test_wrong_and_strange_answers_are_never_right",)

    async def verify(self, context: VerifyContext) -> bool:
        prefix = context.private.get("code", "")[:5]
        if context.answer.reveal() == prefix:
            return not context.user_not_found
        return await super().verify(context)


class FallsOverUnicode(Code):
    convicted_by = ("test_no_answer_makes_it_fail",)

    async def verify(self, context: VerifyContext) -> bool:
        if context.answer.reveal():
            context.answer.reveal()[-1:].encode("ascii")
        return await super().verify(context)


class Hangs(Code):
    convicted_by = ("test_every_hook_ends_within_its_timeout",)

    async def verify(self, context: VerifyContext) -> bool:
        if context.answer.reveal() == "null":
            await asyncio.sleep(3600)
        return await super().verify(context)


class RaisesWithTheAnswer(Code):
    convicted_by = ("test_errors_tell_no_answer",)

    async def verify(self, context: VerifyContext) -> bool:
        if not context.private.get("code"):
            msg = f"nothing to compare {context.answer.reveal()} with"
            raise ConfigError(msg)
        return await super().verify(context)


class LogsTheCode(Code):
    convicted_by = (
        "test_no_answer_is_logged_printed_or_shown",
        "test_nothing_public_changes_with_the_code",
    )

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        logging.getLogger("acme").debug("made %s", issued.private["code"])
        return issued


class TooLarge(Code):
    convicted_by = ("test_strings_and_sizes_are_within_cognitos_limits",)

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        return evolve(issued, private={**issued.private, "note": "x" * 131_073})


class NotWellFormed(Code):
    convicted_by = ("test_strings_and_sizes_are_within_cognitos_limits",)

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        return evolve(issued, private={**issued.private, "note": "\ud800"})


class ComparesPlainly(Code):
    convicted_by = ("test_answers_are_compared_in_constant_time",)

    async def verify(self, context: VerifyContext) -> bool:
        same = context.answer.reveal().strip() == context.private.get("code")
        return await super().verify(context) and same


class ComparesSlice(Code):
    """Its lists do not note comparisons; that nothing compares in constant time shows."""

    convicted_by = ("test_answers_are_compared_in_constant_time",)

    async def verify(self, context: VerifyContext) -> bool:
        answer, code = context.answer.reveal(), context.private.get("code")
        late = context.now - float(context.private.get("made") or 0) > LIFETIME
        return bool(code) and [*answer] == [*str(code)] and not late and not context.user_not_found


class SwallowsCancellation(Code):
    convicted_by = ("test_cancelling_verify_leaves_nothing_behind",)

    async def verify(self, context: VerifyContext) -> bool:
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            return False
        return await super().verify(context)


class LeavesATaskBehind(Code):
    convicted_by = ("test_cancelling_create_leaves_nothing_behind",)

    async def create(self, context: CreateContext) -> Issued:
        helper = asyncio.ensure_future(asyncio.sleep(3600))
        await asyncio.sleep(0)
        helper.cancel()
        return await super().create(context)


class ChangesItsMind(Code):
    """Its second run says no: it counts its runs where others of the same answer see them."""

    convicted_by = ("test_three_runs_of_verify_give_one_verdict",)
    runs: ClassVar[dict[str, int]] = {}

    async def verify(self, context: VerifyContext) -> bool:
        right = await super().verify(context)
        if right:
            key = f"{id(asyncio.get_running_loop())} {context.private['made']}"
            self.runs[key] = self.runs.get(key, 0) + 1
            return self.runs[key] <= 2
        return right


class SaysOtherThanABool(Code):
    convicted_by = ("test_it_says_what_it_is",)
    suffices = "yes"


class SaysNoOnce(Code):
    """It never takes the answer of a retry."""

    convicted_by = (
        "test_a_late_answer_is_not_right",
        "test_a_wrong_answer_is_asked_again_over_the_protocol",
        "test_three_runs_of_create_make_one_challenge",
        "test_three_runs_of_verify_give_one_verdict",
    )

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        return evolve(issued, private={**issued.private, "attempt": str(context.attempt)})

    async def verify(self, context: VerifyContext) -> bool:
        return await super().verify(context) and context.private.get("attempt") == "1"


class DigitsPlusOne(Code):
    """It tells each digit and one."""

    convicted_by = LEAKS

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        moved = "".join(str((int(digit) + 1) % 10) for digit in issued.private["code"])
        return public(issued, ref=moved)


class LeaksHalf(Code):
    convicted_by = LEAKS

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        return public(issued, hint=issued.private["code"][:3])


class LeaksASaltedHashInOneValue(Code):
    """Its salt is random, and not drawn from the context."""

    convicted_by = LEAKS

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        salt = secrets.token_hex(4)
        digest = hashlib.sha256((salt + issued.private["code"]).encode()).hexdigest()
        return public(issued, check=f"{salt}:{digest}")


class LeaksAStretchedHash(Code):
    """No table of hashes holds it."""

    convicted_by = ("test_nothing_public_changes_with_the_code",)

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        salt = context.randomness.octets(8)
        code = issued.private["code"].encode()
        check = hashlib.pbkdf2_hmac("sha256", code, salt, 3).hex()[:9]
        return public(issued, salt=salt.hex(), check=check)


class LeaksInAName(Code):
    convicted_by = LEAKS

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        return public(issued, **{f"field_{issued.private['code']}": "x"})


class LeaksInParts(Code):
    convicted_by = LEAKS

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        code = issued.private["code"]
        return public(issued, a=code[:2], b=code[2:4], c=code[4:])


class LeaksByOrder(Code):
    """The order of its options, or of its parameters, tells the first digit."""

    convicted_by = ("test_nothing_public_changes_with_the_code",)

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        first = int(issued.private["code"][0])
        turned = "abcdefghij"[first:] + "abcdefghij"[:first]
        return public(issued, **dict.fromkeys(turned, "x"))


class LeaksByLength(Code):
    convicted_by = (
        "test_an_unknown_user_gets_a_challenge_of_the_same_form",
        "test_nothing_public_changes_with_the_code",
    )

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        pad = "x" * (1 + int(issued.private["code"][:2]))
        return public(issued, pad=pad if not context.user_not_found else "x" * 5000)


class LeaksAtTheSecondAttempt(Code):
    convicted_by = LEAKS

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        shown = issued.private["code"] if context.attempt == 2 else "none"
        return public(issued, hint=shown)


class LogsAHashOfTheCode(Code):
    convicted_by = (
        "test_no_answer_is_logged_printed_or_shown",
        "test_nothing_public_changes_with_the_code",
    )

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        digest = hashlib.sha256(issued.private["code"].encode()).hexdigest()
        logging.getLogger("acme").info("made %s", digest)
        return issued


class HasTwoDigits(Code):
    convicted_by = ("test_there_is_too_much_to_guess",)
    digits: ClassVar[int] = 2

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        code = context.randomness.digits(self.digits)
        return evolve(issued, private={**issued.private, "code": code})


class HasThreeDigits(HasTwoDigits):
    digits = 3


class HasFewWords(Code):
    """It draws enough, and makes little of it."""

    convicted_by = ("test_there_is_too_much_to_guess",)

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        drawn = int.from_bytes(context.randomness.octets(8), "big") % 30
        word = hashlib.sha256(f"word {drawn}".encode()).hexdigest()[:8]
        return evolve(issued, private={**issued.private, "code": word})


class TakesDigitsInAnyOrder(Code):
    convicted_by = ("test_wrong_and_strange_answers_are_never_right",)

    async def verify(self, context: VerifyContext) -> bool:
        answer, code = context.answer.reveal(), context.private.get("code", "")
        same = bool(code) and sorted(answer) == sorted(code)
        return await super().verify(evolve(context, answer=Secret(code)) if same else context)


class TakesADefault(Code):
    convicted_by = ("test_wrong_and_strange_answers_are_never_right",)
    default: ClassVar[str] = "123456"

    async def verify(self, context: VerifyContext) -> bool:
        right = await super().verify(context)
        taken = hmac.compare_digest(
            context.answer.reveal().encode("utf-8", "replace"), self.taken(context).encode()
        )
        return right or (taken and not context.user_not_found)

    def taken(self, context: VerifyContext) -> str:
        return self.default


class TakesZeros(TakesADefault):
    default = "000000"


class TakesAWord(TakesADefault):
    default = "password"


class TakesTheUsername(TakesADefault):
    def taken(self, context: VerifyContext) -> str:
        return context.username


class TakesTheAddress(TakesADefault):
    def taken(self, context: VerifyContext) -> str:
        return context.user_attributes.get("email", "")


class TakesAnEnd(TakesADefault):
    def taken(self, context: VerifyContext) -> str:
        return context.private.get("code", "xx")[1:]


class TakesMore(Code):
    """It passes over what follows the code."""

    convicted_by = ("test_wrong_and_strange_answers_are_never_right",)

    async def verify(self, context: VerifyContext) -> bool:
        return await super().verify(evolve(context, answer=Secret(context.answer.reveal()[:6])))


class TakesTheCodeAmongOthers(Code):
    convicted_by = ("test_wrong_and_strange_answers_are_never_right",)

    async def verify(self, context: VerifyContext) -> bool:
        answers = context.answer.reveal().split(",")
        judged = [
            await super(TakesTheCodeAmongOthers, self).verify(
                evolve(context, answer=Secret(answer))
            )
            for answer in answers[:5]
        ]
        return any(judged)


class TakesAnEarlierCode(Code):
    """It takes what was right at an earlier attempt."""

    convicted_by = ("test_an_answer_is_right_for_its_own_challenge_only",)
    needs = ("limits", "keys")

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        before = b"" if context.state is None else context.state.reveal()
        codes = f"{before.decode()} {issued.private['code']}"
        return evolve(
            issued,
            private={**issued.private, "codes": codes},
            state=Secret(codes.encode()),
        )

    async def verify(self, context: VerifyContext) -> bool:
        right = await super().verify(context)
        in_time = context.now - float(context.private.get("made") or 0) <= LIFETIME
        earlier = [
            hmac.compare_digest(context.answer.reveal().encode("utf-8", "replace"), code.encode())
            for code in context.private.get("codes", "").split()
        ]
        return right or (any(earlier) and in_time and not context.user_not_found)


class TakesAnyonesCode(Code):
    """It takes the last codes that it made, for whomever."""

    convicted_by = ("test_an_answer_is_right_for_its_own_challenge_only",)
    made: ClassVar[list[str]] = []

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        if not context.user_not_found and not context.attempt > 1:
            self.made.append(f"{context.username} {issued.private['code']}")
            del self.made[:-3]
        return issued

    async def verify(self, context: VerifyContext) -> bool:
        right = await super().verify(context)
        answer = context.answer.reveal().encode("utf-8", "replace")
        own = f"{context.username} "
        in_time = context.now - float(context.private.get("made") or 0) <= LIFETIME
        others = [
            hmac.compare_digest(answer, one.partition(" ")[2].encode())
            for one in self.made
            if not one.startswith(own)
        ]
        taken = any(others) and context.username == "grace"
        return right or (taken and in_time and not context.user_not_found)


class AnswersUnknownUsersLater(Code):
    convicted_by = ("test_an_unknown_user_is_answered_as_soon_as_others",)
    unknown: ClassVar[bool] = True
    attempt: ClassVar[int] = 0

    async def create(self, context: CreateContext) -> Issued:
        if context.user_not_found is self.unknown and self.attempt in {0, context.attempt}:
            await asyncio.sleep(0.12)
        return await super().create(context)


class AnswersUnknownUsersEarlier(AnswersUnknownUsersLater):
    unknown = False


class AnswersUnknownUsersLaterOnce(AnswersUnknownUsersLater):
    attempt = 3


class JudgesUnknownUsersLater(Code):
    convicted_by = ("test_an_unknown_user_is_answered_as_soon_as_others",)

    async def verify(self, context: VerifyContext) -> bool:
        if context.user_not_found:
            await anyio.to_thread.run_sync(time.sleep, 0.12)
        return await super().verify(context)


class EndsUnknownUsersSignIns(Code):
    convicted_by = (
        "test_an_unknown_user_is_answered_as_soon_as_others",
        "test_an_unknown_user_is_refused_over_the_protocol",
    )

    async def verify(self, context: VerifyContext) -> Any:
        right = await super().verify(context)
        return Outcome.failed("nobody") if context.user_not_found else right


class ShowsUnknownUsersOneGrid(Code):
    """Others are shown another grid in every sign-in."""

    convicted_by = ("test_an_unknown_user_gets_a_challenge_of_the_same_form",)

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        grid = context.randomness.text("ABCDEF", 9)
        return public(issued, grid="ABCDEFABC" if context.user_not_found else grid)


class KeepsTheGridOfOthers(Code):
    """At a retry others see their grid again, and an unknown user another one."""

    convicted_by = ("test_an_unknown_user_gets_a_challenge_of_the_same_form",)
    needs = ("limits", "keys")

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        grid = context.randomness.text("ABCDEF", 9)
        if context.state is not None and not context.user_not_found:
            grid = context.state.reveal().decode()
        return evolve(public(issued, grid=grid), state=Secret(grid.encode()))


class ShowsUnknownUsersMore(Code):
    convicted_by = ("test_an_unknown_user_gets_a_challenge_of_the_same_form",)

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        count = 9 if context.user_not_found and context.attempt > 1 else 6
        return public(issued, grid=context.randomness.text("ABCDEF", count))


class BlocksTheLoopAtTheSecondAttempt(Code):
    convicted_by = ("test_the_event_loop_is_never_blocked",)

    async def create(self, context: CreateContext) -> Issued:
        if context.attempt == 2:
            time.sleep(0.06)
        return await super().create(context)


class WorksInTheLoopAtTheThirdAttempt(Code):
    convicted_by = ("test_the_event_loop_is_never_blocked",)

    async def create(self, context: CreateContext) -> Issued:
        until = time.perf_counter() + (0.06 if context.attempt == 3 else 0)
        while time.perf_counter() < until:
            pass
        return await super().create(context)


class BlocksTheLoopForUnknownUsers(Code):
    convicted_by = (
        "test_an_unknown_user_is_answered_as_soon_as_others",
        "test_the_event_loop_is_never_blocked",
    )

    async def verify(self, context: VerifyContext) -> bool:
        if context.user_not_found:
            time.sleep(0.08)
        return await super().verify(context)


class _NoSends:
    async def deliver(self, _destination: object, _send: object, **_named: str) -> None:
        return None


async def _nothing() -> None:
    return None
