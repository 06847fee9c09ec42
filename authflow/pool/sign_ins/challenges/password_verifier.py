"""SRP from the pool's side: asking for a proof of the password, and judging it."""

import base64
import binascii
import hmac
import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from attrs import define, evolve, frozen

from authflow import srp, wire
from authflow.errors import UnsafeSrpValueError
from authflow.machine import AuthFlow, Challenged, State
from authflow.pool.accounts.callers import Caller, find_caller, required, username_of
from authflow.pool.accounts.lockout import check_lock, count_attempt
from authflow.pool.accounts.masking import stand_in
from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.users import CONFIRMED, User, find_user_by_sub
from authflow.pool.cognito_errors import invalid_parameter, invalid_session, not_authorized
from authflow.pool.sign_ins.replies import Replies, follow, grant
from authflow.pool.sign_ins.sessions import (
    Handshake,
    Progress,
    companion_of,
    look_at_session,
    new_handle,
    use_up_session,
)
from authflow.pool.sign_ins.sign_in_triggers import SignInTriggers
from authflow.pool.store.connection import Connection
from authflow.pool.store.database import Database
from authflow.pool.tokens.issuer import Grant
from authflow.pool.workers import Workers

_STALE: Final = 300.0
"""Seconds by which TIMESTAMP may be off: what clocks differ by, and what a user takes to answer."""
_TIMESTAMP: Final = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    r" ([0-9]{1,2}) ([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2}) (?:UTC|GMT) ([0-9]{4})"
)
_MONTHS: Final = "JanFebMarAprMayJunJulAugSepOctNovDec"


def read_public_a(text: str) -> int:
    """Read SRP_A, before any work is done with it.

    Raises:
        CognitoError: It is not hexadecimal, too long, or not between 0 and N.
    """
    try:
        return srp.parse_public_a(text)
    except UnsafeSrpValueError:
        raise invalid_parameter(
            "1 validation error detected: Value at 'sRPA' failed to satisfy constraint: Member "
            "must satisfy regular expression pattern: ^[0-9a-fA-F]+$ and be between 0 and N"
        ) from None


@frozen(kw_only=True)
class Proof:
    """What a client answers to PASSWORD_VERIFIER.

    Args:
        username: USERNAME.
        stamp: TIMESTAMP in its canonical form, which is the one that must have been signed.
        at: The time that it tells, in seconds since the epoch.
        signature: PASSWORD_CLAIM_SIGNATURE, decoded.
        block: PASSWORD_CLAIM_SECRET_BLOCK as it was sent.
    """

    username: str
    stamp: str
    at: float
    signature: bytes
    block: str

    @classmethod
    def parse(cls, answers: Mapping[str, str]) -> "Proof":
        """Read ChallengeResponses, in the order in which Cognito complains about them.

        Raises:
            CognitoError: Something is missing or not of its form.
        """
        username = username_of(answers)
        stamp = required(answers, wire.TIMESTAMP)
        signature = required(answers, wire.PASSWORD_CLAIM_SIGNATURE)
        block = required(answers, wire.PASSWORD_CLAIM_SECRET_BLOCK)
        at = _read_timestamp(stamp)
        _decode(wire.PASSWORD_CLAIM_SECRET_BLOCK, block)
        return cls(
            username=username,
            # A day that is padded or a wrong weekday is read, but was not what had to be signed.
            stamp=srp.timestamp(at),
            at=at.timestamp(),
            signature=_decode(wire.PASSWORD_CLAIM_SIGNATURE, signature),
            block=block,
        )


def _read_timestamp(text: str) -> datetime:
    found = _TIMESTAMP.fullmatch(text)
    refusal = invalid_parameter("TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.")
    if found is None:
        raise refusal
    try:
        _, month, day, hour, minute, second, year = found.groups()
        return datetime(
            *(int(year), _MONTHS.index(month) // 3 + 1, int(day)),
            *(int(hour), int(minute), int(second)),
            tzinfo=UTC,
        )
    except ValueError:
        raise refusal from None


def _decode(name: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise invalid_parameter(f"Invalid {name} format. Must be a Base64 string.") from None


@frozen(kw_only=True)
class Waiting:
    """A handshake that waits for its proof, as it is found again."""

    caller: Caller
    progress: Progress
    handshake: Handshake
    user: User | None
    password: StoredPassword


def _look(connection: Connection, request: Mapping[str, Any], proof: Proof, now: float) -> Waiting:
    """Find what a proof is for. Nothing is used up yet, and nothing compared.

    Raises:
        CognitoError: The session is not one for this client, user and step, or the user is locked.
    """
    caller = find_caller(connection, request)
    caller.client.check_secret_hash(
        request["ChallengeResponses"].get(wire.SECRET_HASH), proof.username
    )
    progress = look_at_session(connection, proof.block, now)
    session = request.get("Session")
    if (
        progress.client_id != caller.client.id
        or progress.handshake is None
        or proof.username not in {progress.username, progress.typed}
        or progress.companion != (None if session is None else companion_of(session))
    ):
        raise invalid_session()
    check_lock(connection, caller.pool.id, caller.pool.fold(progress.username), now)
    user = None
    if progress.sub is not None:
        user = find_user_by_sub(connection, caller.pool.id, progress.sub)
    password = stand_in(caller.pool, progress.typed).password if user is None else user.password
    return Waiting(
        caller=caller,
        progress=progress,
        handshake=progress.handshake,
        user=user,
        password=password,
    )


def _judge(
    connection: Connection,
    waiting: Waiting,
    proof: Proof,
    right: bytes,
    now: float,
    *,
    held: bool,
) -> tuple[bool, Grant | None]:
    """Use up the session, compare, and count: all in one transaction, so nobody slips between.

    Args:
        connection: The database.
        waiting: What the proof is for.
        proof: The proof.
        right: The signature that it must have.
        now: Seconds since the epoch.
        held: Whether triggers are asked before tokens are granted.

    Returns:
        Whether the proof is right, and the grant, if the sign-in ends here.

    Raises:
        CognitoError: Another answer was faster, or the user is locked.
    """
    caller, progress, user = waiting.caller, waiting.progress, waiting.user
    use_up_session(connection, proof.block)
    passed = hmac.compare_digest(right, proof.signature) and user is not None
    passed = passed and abs(now - proof.at) <= _STALE
    name = caller.pool.fold(progress.username)
    count_attempt(connection, caller.pool.id, name, now, passed=passed)
    if not passed or user is None:
        return False, None
    if held or user.status != CONFIRMED or progress.flow is AuthFlow.CUSTOM_AUTH:
        return True, None
    return True, grant(connection, caller.client, progress, user, now)


def _right_signature(waiting: Waiting, stamp: str, block: str) -> bytes:
    """Give the signature that a client with the password makes. Some 2 ms: it runs in a thread."""
    handshake, progress = waiting.handshake, waiting.progress
    verifier = srp.Verifier(v=waiting.password.v, b=handshake.b, public_b=handshake.public_b)
    key = verifier.key(handshake.public_a)
    name = srp.pool_name(progress.pool_id)
    secret_block = base64.b64decode(block)
    return srp.claim_signature(key.reveal(), name, progress.username, secret_block, stamp)


@define(kw_only=True)
class Handshakes:
    """Asks for proofs and judges them.

    Args:
        database: Where sessions and users are kept.
        workers: Threads for the arithmetic.
        replies: Keeps sign-ins.
        triggers: Says what is asked before tokens are granted.
        clock: Gives the time, in seconds since the epoch.
    """

    database: Database
    workers: Workers
    replies: Replies
    triggers: SignInTriggers
    clock: Callable[[], float]

    async def ask(
        self, caller: Caller, progress: Progress, password: StoredPassword, public_a: int
    ) -> dict[str, Any]:
        """Ask for a proof.

        SECRET_BLOCK is the handle of the sign-in. In USER_SRP_AUTH there is no Session beside it,
        as with Cognito; in CUSTOM_AUTH there is.

        Args:
            caller: Who asked.
            progress: Where the sign-in stands.
            password: The user's, or a stand-in's.
            public_a: A.
        """
        random = os.urandom(srp.EPHEMERAL_BYTES)
        verifier = await self.workers.run(srp.Verifier.start, password.v, random)
        block = new_handle()
        session = new_handle() if progress.flow is AuthFlow.CUSTOM_AUTH else None
        asked = evolve(
            follow(progress, Challenged(State.PASSWORD_VERIFIER)),
            handshake=Handshake(public_a=public_a, b=verifier.b, public_b=verifier.public_b),
            companion=None if session is None else companion_of(session),
        )
        await self.replies.keep(caller, asked, block)
        return {
            "ChallengeName": str(State.PASSWORD_VERIFIER),
            **({} if session is None else {"Session": session}),
            "ChallengeParameters": {
                wire.SALT: password.srp_salt,
                wire.SRP_B: verifier.srp_b,
                wire.SECRET_BLOCK: block,
                wire.USERNAME: progress.username,
                wire.USER_ID_FOR_SRP: progress.username,
            },
        }

    async def judge(
        self, request: Mapping[str, Any]
    ) -> tuple[Caller, Progress, User, Grant | None]:
        """Judge a proof.

        Returns:
            Who asked, where the sign-in stands, the user, and the grant if the sign-in ends here.

        Raises:
            CognitoError: The proof is wrong, malformed, late, or for nothing that waits.
        """
        proof = Proof.parse(request["ChallengeResponses"])
        waiting = await self.database.read(_look, request, proof, self.clock())
        right = await self.workers.run(_right_signature, waiting, proof.stamp, proof.block)
        held = self.triggers.hold_tokens(waiting.caller.pool)
        passed, given = await self.database.write(
            _judge, waiting, proof, right, self.clock(), held=held
        )
        if not passed or waiting.user is None:
            raise not_authorized()
        progress = evolve(waiting.progress, handshake=None, companion=None)
        return waiting.caller, progress, waiting.user, given
