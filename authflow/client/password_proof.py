"""Proves a password by SRP without stopping the event loop.

The arithmetic takes about a millisecond to begin and three to prove. It runs in threads, with the
GIL released, and at most as many at a time as there are processors: more would only wait for each
other. A cancelled sign-in does not wait for its thread.
"""

import os
import secrets
from datetime import UTC, datetime

import anyio
import anyio.to_thread
from attrs import define, field

from authflow import srp, wire
from authflow.secret import Secret
from authflow.wire import Answers, Reply


def _processors() -> anyio.CapacityLimiter:
    return anyio.CapacityLimiter(os.cpu_count() or 1)


@define
class PasswordProof:
    """Makes SRP proofs for the users of one pool.

    Args:
        user_pool_id: The pool's id.
    """

    user_pool_id: str
    _limiter: anyio.CapacityLimiter = field(factory=_processors, init=False, repr=False)

    async def begin(self) -> srp.Prover:
        """Draw the values of one handshake."""
        return await anyio.to_thread.run_sync(
            srp.Prover.start,
            secrets.token_bytes(srp.EPHEMERAL_BYTES),
            abandon_on_cancel=True,
            limiter=self._limiter,
        )

    async def answers(
        self, prover: srp.Prover, reply: Reply, password: Secret[str], now: datetime
    ) -> Answers:
        """Give the answers to PASSWORD_VERIFIER.

        Args:
            prover: This handshake's values; A went with InitiateAuth.
            reply: The challenge.
            password: What is proved; it does not leave this process.
            now: The time of day, by a clock that agrees with Cognito's.

        Raises:
            MalformedReplyError: A challenge parameter is missing.
            UnsafeSrpValueError: A value is malformed or unsafe; the password was not used.
        """
        challenge = srp.ProverChallenge.parse(
            name=srp.pool_name(self.user_pool_id),
            user_id=reply.required(wire.USER_ID_FOR_SRP),
            salt=reply.required(wire.SALT),
            public_b=reply.required(wire.SRP_B),
            secret_block=reply.required(wire.SECRET_BLOCK),
        )
        key = await anyio.to_thread.run_sync(
            prover.prove, challenge, password, abandon_on_cancel=True, limiter=self._limiter
        )
        stamp = srp.timestamp(now)
        return Answers(
            {
                wire.PASSWORD_CLAIM_SECRET_BLOCK: reply.required(wire.SECRET_BLOCK),
                wire.PASSWORD_CLAIM_SIGNATURE: srp.sign_claim(key, challenge, stamp),
                wire.TIMESTAMP: stamp,
            }
        )


def utc_now() -> datetime:
    """Give the time of day."""
    return datetime.now(UTC)
