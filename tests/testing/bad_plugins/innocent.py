"""Good trigger challenges that look suspicious: none may be convicted of anything."""

import hashlib
import hmac
import secrets
from typing import Any, ClassVar

from attrs import frozen

from authflow.plugins import Secret
from authflow.triggers import CreateContext, Issued, VerifyContext


@frozen(kw_only=True)
class _Drawn:
    """Compares with what was drawn."""

    metadata: ClassVar[str] = "DRAWN"
    interface: ClassVar[int] = 1
    anybody: ClassVar[bool] = False

    async def verify(self, context: VerifyContext) -> bool:
        answer = context.answer.reveal().strip().encode("utf-8", "replace")
        right = hmac.compare_digest(answer, context.private.get("answer", "").encode())
        known = bool(context.private.get("answer"))
        return right and known and (self.anybody or not context.user_not_found)


@frozen(kw_only=True)
class Noisy(_Drawn):
    """Many parameters of noise, drawn from all sources; its code has only four digits."""

    name: ClassVar[str] = "noisy"
    length: ClassVar[int] = 4

    async def create(self, context: CreateContext) -> Issued:
        before = {f"a{number}": context.randomness.octets(24).hex() for number in range(6)}
        code = context.randomness.digits(self.length)
        after = {f"b{number}": context.randomness.digits(20) for number in range(4)}
        system = {f"c{number}": secrets.token_urlsafe(40) for number in range(4)}
        return Issued(public={**before, **after, **system}, private={"answer": code})


@frozen(kw_only=True)
class SignBySign(_Drawn):
    """Its code is drawn sign by sign, and its expiry is public."""

    name: ClassVar[str] = "signs"

    async def create(self, context: CreateContext) -> Issued:
        code = "".join(context.randomness.choice("0123456789") for _ in range(6))
        public = {"expires": str(int(context.now) + 300), "round": str(context.attempt)}
        return Issued(public=public, private={"answer": code})


@frozen(kw_only=True)
class Grid(_Drawn):
    """Shows a grid, which stays in a sign-in, and asks for the words of some of its cells."""

    name: ClassVar[str] = "grid"
    needs: ClassVar[tuple[str, ...]] = ("limits", "keys")

    async def create(self, context: CreateContext) -> Issued:
        grid = context.randomness.text("ABCDEFGH", 9)
        if context.state is not None:
            grid = context.state.reveal().decode()
        code = context.randomness.text("0123456789", 8)
        return Issued(public={"grid": grid}, private={"answer": code}, state=Secret(grid.encode()))


@frozen(kw_only=True)
class ProofOfWork:
    """Anybody can find an answer, by trying."""

    name: ClassVar[str] = "work"
    metadata: ClassVar[str] = "WORK"
    interface: ClassVar[int] = 1
    anybody: ClassVar[bool] = True

    async def create(self, context: CreateContext) -> Issued:
        seed = context.randomness.octets(16).hex()
        return Issued(public={"seed": seed, "zeros": "2"}, private={"seed": seed})

    async def verify(self, context: VerifyContext) -> bool:
        answer = context.answer.reveal()
        if not (answer.isascii() and answer.isdigit() and len(answer) <= 12):
            return False
        found = proof(context.private.get("seed", ""), answer)
        return hmac.compare_digest(found[:2].encode(), b"00")


def proof(seed: str, answer: str) -> str:
    return hashlib.sha256(f"{seed}{answer}".encode()).hexdigest()


def work(made: Any) -> str:
    """Find the answer to a proof of work, of the length that most of them have."""
    return next(
        str(number)
        for number in range(1000, 10**6)
        if proof(made.private["seed"], str(number))[:2] == "00"
    )


def fits(made: Any, answer: str) -> bool:
    """Say whether an answer is one of the right ones."""
    number = answer.isascii() and answer.isdigit() and len(answer) <= 12
    return number and proof(made.private["seed"], answer)[:2] == "00"
