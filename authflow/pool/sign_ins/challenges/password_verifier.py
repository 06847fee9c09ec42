"""PASSWORD_VERIFIER: the pool asks for a proof of the password by SRP, and judges the proof."""

import base64
import hmac
import os
from collections.abc import Mapping
from typing import Any, Final

from attrs import define, evolve, field, frozen

from authflow import srp
from authflow.errors import UnsafeSrpValueError
from authflow.machine import AuthFlow, Challenged, State
from authflow.pool.accounts.callers import Caller, check_may_sign_in, read_members, username_of
from authflow.pool.accounts.lockout import Counted, count_attempt
from authflow.pool.accounts.masking import stand_in
from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.cognito_errors import (
    NO_SUCH_USER,
    CognitoError,
    invalid_parameter,
    not_authorized,
)
from authflow.pool.devices.device_naming import named_device
from authflow.pool.ground import Ground
from authflow.pool.log_limit import limited_logger
from authflow.pool.sign_ins.decision import Decision, decide
from authflow.pool.sign_ins.sessions import (
    Handshake,
    Progress,
    companion_of,
    new_handle,
    take,
)
from authflow.pool.sign_ins.sign_in_replies import SignInReplies
from authflow.pool.sign_ins.sign_in_triggers import SignInTriggers
from authflow.pool.store.sqlite_connection import Connection
from authflow.wire import password_verifier
from authflow.wire.members import DEVICE_KEY

_STALE: Final = 300.0
"""Seconds by which TIMESTAMP may differ: for wrong clocks, and for the time to answer."""

_log: Final = limited_logger(__name__)


def is_timely(answer: password_verifier.Answer, now: float) -> bool:
    """Return whether a proof was made just now, and its TIMESTAMP is of the one right form.

    A padded day or a wrong weekday can be read, but then the proof is wrong.
    """
    at = answer.at
    return answer.stamp == srp.timestamp(at) and abs(now - at.timestamp()) <= _STALE


def tell_of_clocks(answer: password_verifier.Answer, now: float) -> None:
    """Log for the pool's owner, and for no client, why a right password is refused."""
    ahead = answer.at.timestamp() - now
    if abs(ahead) > _STALE:
        _log.warning(
            "the TIMESTAMP of a proof is %.0f s %s the pool's clock, and %.0f s are allowed:"
            " it is refused, whatever the password. Have the client use the pool's clock",
            *(abs(ahead), "ahead of" if ahead > 0 else "behind", _STALE),
        )


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
            "must satisfy regular expression pattern: ^[0-9a-fA-F]+$ and be between 0 and N",
            reason="SRP_A must be hexadecimal, and between 0 and N",
        ) from None


@frozen(kw_only=True)
class _Judged:
    """A proof with the values that judge it.

    Args:
        username: USERNAME, as it came with the proof.
        answer: The proof.
        password: The user's, as it was before the arithmetic, or a stand-in's.
        right: The signature that a client with the password makes.
    """

    username: str
    answer: password_verifier.Answer
    password: StoredPassword
    right: bytes = field(repr=False)


def _judge(
    connection: Connection, request: Mapping[str, Any], judged: _Judged, now: float, *, held: bool
) -> Decision | CognitoError:
    """Use up the session, compare the proof and count the attempt, in one transaction.

    Returns:
        What follows; the refusal, if the proof is wrong or leads nowhere. It is given back and not
        raised, so that the session stays used up and the attempt counted.

    Raises:
        CognitoError: Another answer was faster, the user may not sign in or is locked, or the proof
            is right and names a device that the user does not have.
    """
    answer, block = judged.answer, judged.answer.secret_block
    taken = take(connection, request, judged.username, block, now, use_up=True)
    caller, progress, user = taken.caller, taken.progress, taken.user
    passed = hmac.compare_digest(judged.right, answer.signature) and user is not None
    reason = "wrong password" if not passed else "TIMESTAMP is off, or the password has changed"
    passed = passed and is_timely(answer, now)
    # A proof that was right is wrong if the stored password was changed meanwhile.
    passed = passed and user is not None and user.password == judged.password
    counted = Counted.of(caller, progress.typed, progress.sub)
    passed = count_attempt(connection, counted, now, passed=passed)
    if not passed or user is None:
        return not_authorized(reason=NO_SUCH_USER if user is None else reason)
    key = request["ChallengeResponses"].get(DEVICE_KEY)
    progress = evolve(
        progress.passed(State.PASSWORD_VERIFIER),
        handshake=None,
        companion=None,
        credentials=user.credentials,
        # Raised, so that nothing of it counts: the client sends the same proof without it.
        device=named_device(connection, caller.pool, user, progress.device, key),
    )
    try:
        check_may_sign_in(user)
        return decide(connection, caller, user, progress, now, held=held)
    except CognitoError as refusal:
        return refusal


def _v(progress: Progress, password: StoredPassword) -> int:
    """Return the verifier for the name of the user that the client receives."""
    return password.v if progress.shown == progress.username else password.v_shown


def _right_signature(
    progress: Progress, password: StoredPassword, handshake: Handshake, stamp: str, block: bytes
) -> bytes:
    """Return the signature of a client that has the password. It takes some 2 ms in a thread."""
    verifier = srp.Verifier(v=_v(progress, password), b=handshake.b, public_b=handshake.public_b)
    key = verifier.key(handshake.public_a)
    name = srp.pool_name(progress.pool_id)
    return srp.claim_signature(key.reveal(), name, progress.shown, block, stamp)


@define(kw_only=True)
class Handshakes:
    """Asks for proofs and judges them.

    Args:
        ground: The parts that all services share.
        replies: Keeps sign-ins.
        triggers: Says what is asked before tokens are granted.
    """

    ground: Ground
    replies: SignInReplies
    triggers: SignInTriggers

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
        verifier = await self.ground.workers.run(srp.Verifier.start, _v(progress, password), random)
        block = new_handle()
        session = new_handle() if progress.flow is AuthFlow.CUSTOM_AUTH else None
        waiting = evolve(
            progress.follow(Challenged(State.PASSWORD_VERIFIER)),
            handshake=Handshake(public_a=public_a, b=verifier.b, public_b=verifier.public_b),
            companion=None if session is None else companion_of(session),
        )
        await self.replies.keep(caller, waiting, block)
        asked = password_verifier.Asked(
            salt=password.srp_salt,
            srp_b=verifier.srp_b,
            secret_block=block,
            user_id=progress.shown,
        )
        return {
            "ChallengeName": str(State.PASSWORD_VERIFIER),
            **({} if session is None else {"Session": session}),
            "ChallengeParameters": asked.write(),
        }

    async def respond(self, request: Mapping[str, Any]) -> Decision:
        """Judge a proof.

        Raises:
            CognitoError: The proof is wrong, malformed, late, or for nothing that waits.
        """
        responses: Mapping[str, str] = request["ChallengeResponses"]
        username = username_of(responses)
        answer = read_members(password_verifier.Answer.read, responses)
        taken = await self.ground.database.read(
            take, request, username, answer.secret_block, self.ground.clock(), use_up=False
        )
        tell_of_clocks(answer, self.ground.clock())
        progress, handshake = taken.progress, taken.progress.handshake
        assert handshake is not None  # noqa: S101  # `ask` kept it; for the type checker
        # The stand-in is made for every user, so that unknown users take the same time.
        made = stand_in(taken.caller.pool, progress.typed).password
        password = made if taken.user is None else taken.user.password
        right = await self.ground.workers.run(
            _right_signature,
            progress,
            password,
            handshake,
            answer.stamp,
            base64.b64decode(answer.secret_block),
        )
        judged = _Judged(username=username, answer=answer, password=password, right=right)
        held = self.triggers.hold_tokens(taken.caller.pool)
        decision = await self.ground.database.write(
            _judge, request, judged, self.ground.clock(), held=held
        )
        if isinstance(decision, CognitoError):
            raise decision
        return decision
