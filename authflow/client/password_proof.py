"""SRP proofs of a password, computed without stopping the event loop.

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

from authflow import srp
from authflow.secret import Secret
from authflow.wire import password_verifier


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
        return await anyio.to_thread.run_sync(_draw, abandon_on_cancel=True, limiter=self._limiter)

    async def prove(
        self,
        prover: srp.Prover,
        asked: password_verifier.Asked,
        password: Secret[str],
        now: datetime,
    ) -> password_verifier.Answer:
        """Return the answer to PASSWORD_VERIFIER.

        Args:
            prover: This handshake's values; A went with InitiateAuth.
            asked: The challenge.
            password: What is proved; it does not leave this process.
            now: The time of day, by a clock that agrees with Cognito's.

        Raises:
            UnsafeSrpValueError: A value is malformed or unsafe; the password was not used.
        """
        challenge = srp.ProverChallenge.parse(
            name=srp.pool_name(self.user_pool_id),
            user_id=asked.user_id,
            salt=asked.salt,
            public_b=asked.srp_b,
            secret_block=asked.secret_block,
        )
        key = await anyio.to_thread.run_sync(
            prover.prove, challenge, password, abandon_on_cancel=True, limiter=self._limiter
        )
        stamp = srp.timestamp(now)
        return password_verifier.Answer(
            secret_block=asked.secret_block,
            signature=srp.sign_claim(key, challenge, stamp),
            stamp=stamp,
        )


def _draw() -> srp.Prover:
    """Draw in the thread, since an argument would stay in the frames of all who wait for it."""
    return srp.Prover.start(secrets.token_bytes(srp.EPHEMERAL_BYTES))


def utc_now() -> datetime:
    """Return the time of day."""
    return datetime.now(UTC)
