"""SRP proofs of a password, computed without stopping the event loop.

The arithmetic takes about a millisecond to begin and three to prove. It runs in threads, with the
GIL released, and at most as many at a time as there are processors: more would only wait for each
other. A cancelled sign-in does not wait for its thread.
"""

import base64
import os
import secrets
from datetime import UTC, datetime
from functools import partial
from typing import Final, Self

import anyio
import anyio.to_thread
from attrs import define, field, frozen

from authflow import srp
from authflow.device import Device, UnconfirmedDevice
from authflow.secret import Secret
from authflow.wire import password_verifier

_PASSWORD_BYTES: Final = 40
"""Random bytes of a device's password, as Amplify draws them."""
_SALT_BYTES: Final = 16


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
        *,
        name: str | None = None,
    ) -> password_verifier.Answer:
        """Return the answer to PASSWORD_VERIFIER, or the proof in one to DEVICE_PASSWORD_VERIFIER.

        Args:
            prover: This handshake's values; A went with InitiateAuth.
            asked: The challenge.
            password: What is proved; it does not leave this process.
            now: The time of day, by a clock that agrees with Cognito's.
            name: What is hashed before the user id; by default the pool's name.

        Raises:
            UnsafeSrpValueError: A value is malformed or unsafe; the password was not used.
        """
        challenge = srp.ProverChallenge.parse(
            name=srp.pool_name(self.user_pool_id) if name is None else name,
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

    async def new_device(self, given: UnconfirmedDevice, sub: str | None) -> "NewSecret":
        """Draw a password for a device, with the trace of it that the pool keeps.

        Args:
            given: The device.
            sub: Whose it is.
        """
        draw = partial(_draw_device, given, sub)
        return await anyio.to_thread.run_sync(draw, abandon_on_cancel=True, limiter=self._limiter)


@frozen(kw_only=True)
class NewSecret:
    """A device with a new password, and the trace of that which the pool keeps.

    Args:
        device: The device.
        salt: SRP's salt.
        verifier: SRP's verifier.
    """

    device: Device
    salt: Secret[int]
    verifier: Secret[int]

    @classmethod
    def of(cls, device: Device, salt: int) -> Self:
        """Make the trace of a device's password."""
        password = Secret("") if device.password is None else device.password
        verifier = srp.password_verifier(device.group_key, device.key, salt, password)
        return cls(device=device, salt=Secret(salt), verifier=Secret(verifier))


def _draw_device(given: UnconfirmedDevice, sub: str | None) -> NewSecret:
    password = Secret(base64.b64encode(secrets.token_bytes(_PASSWORD_BYTES)).decode())
    device = Device(key=given.key, group_key=given.group_key, password=password, sub=sub)
    return NewSecret.of(device, int.from_bytes(secrets.token_bytes(_SALT_BYTES), "big"))


def _draw() -> srp.Prover:
    """Draw in the thread, since an argument would stay in the frames of all who wait for it."""
    return srp.Prover.start(secrets.token_bytes(srp.EPHEMERAL_BYTES))


def utc_now() -> datetime:
    """Return the time of day."""
    return datetime.now(UTC)
