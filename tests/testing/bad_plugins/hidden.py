"""Bad trigger challenges whose fault hides: in a salt, late, behind many draws, for some users.

`convicted_by` names the one case that is run on each, and that must fail.
"""

import base64
import hashlib
import logging
import runpy
import time
from os import urandom
from pathlib import Path
from time import time_ns
from typing import Any, ClassVar

from attrs import evolve

from authflow.plugins import Secret
from authflow.triggers import CreateContext, Issued, VerifyContext

_GOOD = runpy.run_path(str(Path(__file__).parent / "triggers.py"))
Code: Any = _GOOD["Code"]
public: Any = _GOOD["public"]

CHANGES = "test_nothing_public_changes_with_the_code"
FOUND = "test_nothing_public_lets_the_answer_be_found"
GUESSED = "test_there_is_too_much_to_guess"
LOGGED = "test_no_answer_is_logged_printed_or_shown"
STRANGE = "test_wrong_and_strange_answers_are_never_right"


class CutsAtANul(Code):
    """Takes what stands before a NUL for the whole answer, as programs in C do."""

    convicted_by: ClassVar[str] = STRANGE

    async def verify(self, context: VerifyContext) -> bool:
        cut = context.answer.reveal().partition("\0")[0]
        return await super().verify(evolve(context, answer=Secret(cut)))


class Hidden(Code):
    """Makes something public of the code."""

    convicted_by: ClassVar[str] = CHANGES

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        return public(issued, **self.shown(context, issued.private["code"]))

    def shown(self, context: CreateContext, code: str) -> dict[str, str]:
        return {}


class SaltsByNamedUrandom(Hidden):
    def shown(self, context: CreateContext, code: str) -> dict[str, str]:
        salt = urandom(8)
        check = hashlib.pbkdf2_hmac("sha256", code.encode(), salt, 7)
        return {"salt": salt.hex(), "check": check.hex()}


class SaltsByTheTime(Hidden):
    def shown(self, context: CreateContext, code: str) -> dict[str, str]:
        salt = str(time.time_ns())
        check = hashlib.sha256(f"{salt}{context.username}{code}".encode()).hexdigest()
        return {"salt": salt, "check": check}


class FindablySaltsByTheTime(SaltsByTheTime):
    convicted_by = FOUND


class SaltsByTheTimeByName(Hidden):
    def shown(self, context: CreateContext, code: str) -> dict[str, str]:
        salt = str(time_ns())
        return {"salt": salt, "check": hashlib.blake2b((salt + code).encode()).hexdigest()[:9]}


class SaltsByACounter(Hidden):
    """It salts by what nobody can hold still."""

    count: ClassVar[int] = 0

    def shown(self, context: CreateContext, code: str) -> dict[str, str]:
        type(self).count += 1
        check = hashlib.scrypt(code.encode(), salt=b"%d" % self.count, n=2, r=1, p=1)
        return {"check": check.hex()}


class SaltsByPerfCounter(Hidden):
    def shown(self, context: CreateContext, code: str) -> dict[str, str]:
        return {"check": hashlib.sha256(f"{time.perf_counter_ns()}{code}".encode()).hexdigest()}


class HashesAsAPassword(Hidden):
    convicted_by = FOUND
    form: ClassVar[str] = "$2b$04$%s"

    def shown(self, context: CreateContext, code: str) -> dict[str, str]:
        salted = base64.b64encode(hashlib.sha512(urandom(9) + code.encode()).digest())
        return {"check": self.form % salted.decode()[:53]}


class StretchesALittle(SaltsByNamedUrandom):
    convicted_by = FOUND

    def shown(self, context: CreateContext, code: str) -> dict[str, str]:
        salt = urandom(8)
        return {"x": f"{salt.hex()}:{hashlib.pbkdf2_hmac('sha1', code.encode(), salt, 10).hex()}"}


class AfterAGrid(Code):
    """Draws a grid cell by cell, and then the code."""

    convicted_by = CHANGES

    async def create(self, context: CreateContext) -> Issued:
        grid = "".join(context.randomness.choice("ABCDEFGH") for _ in range(25))
        issued = await super().create(context)
        return public(issued, grid=grid, ref=str(int(issued.private["code"]) * 7 + 13))


class OneOfEightAfterAGrid(Code):
    convicted_by = GUESSED
    words: ClassVar[tuple[str, ...]] = (
        *("aardvark", "bluebell", "capybara", "dormouse"),
        *("elephant", "flamingo", "goldfish", "hedgehog"),
    )

    async def create(self, context: CreateContext) -> Issued:
        grid = "".join(context.randomness.choice("ABCDEFGH") for _ in range(25))
        issued = await super().create(context)
        word = context.randomness.choice(self.words)
        return evolve(public(issued, grid=grid), private={**issued.private, "code": word})


class OneOfEightManyTimes(OneOfEightAfterAGrid):
    """It draws from a long list, of which most is the same."""

    words = OneOfEightAfterAGrid.words * 1000


class SignBySignAndLate(Code):
    """Its code has thirteen draws, and leaks at the third attempt."""

    convicted_by = CHANGES

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        code = "".join(context.randomness.choice("0123456789") for _ in range(13))
        ref = str(int(code) * 7 + 13) if context.attempt == 3 else "0"
        return evolve(public(issued, ref=ref), private={**issued.private, "code": code})


class OneOf256(Code):
    convicted_by = GUESSED
    size: ClassVar[int] = 256

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        drawn = int.from_bytes(context.randomness.octets(4), "big") % self.size
        digest = hashlib.sha256(f"word {drawn}".encode()).digest()[:8]
        word = "".join(chr(ord("a") + octet % 26) for octet in digest)
        return evolve(issued, private={**issued.private, "code": word})


class TellsBritons(Hidden):
    """It shows the code of those with a British number."""

    convicted_by = FOUND

    def shown(self, context: CreateContext, code: str) -> dict[str, str]:
        number = context.user_attributes.get("phone_number", "")
        return {"ref": code if number.startswith("+44") else "none"}


class TellsBritonsInACode(TellsBritons):
    convicted_by = CHANGES

    def shown(self, context: CreateContext, code: str) -> dict[str, str]:
        return super().shown(context, str(int(code) * 7))


class GivesBritonsTwoDigits(Code):
    convicted_by = GUESSED

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        if not context.user_attributes.get("phone_number", "").startswith("+44"):
            return issued
        return evolve(issued, private={**issued.private, "code": context.randomness.digits(2)})


class LogsForBritons(TellsBritons):
    convicted_by = LOGGED

    def shown(self, context: CreateContext, code: str) -> dict[str, str]:
        logging.getLogger("acme").debug("made %s", super().shown(context, code)["ref"])
        return {}


class LogsBase64(Hidden):
    convicted_by = LOGGED

    def shown(self, context: CreateContext, code: str) -> dict[str, str]:
        logging.getLogger("acme").debug("made %s", base64.b64encode(code.encode()).decode())
        return {}


class ShowsACodeInItsRepr(Hidden):
    """Its repr shows a code that is not public."""

    convicted_by = LOGGED

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        return _Open(public=issued.public, private=issued.private)


class _Open(Issued):
    def __repr__(self) -> str:
        return f"made {self.private['code']}"
