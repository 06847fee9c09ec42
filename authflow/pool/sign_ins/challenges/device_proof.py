"""DEVICE_SRP_AUTH and DEVICE_PASSWORD_VERIFIER: a confirmed device proves its password by SRP.

It is the proof of a user's password with other names in it: the device group key stands for the
pool's name, the device key for the user id, and the verifier is what ConfirmDevice brought. Source:
"Signing in with a device" in "Working with user devices in your user pool", developer guide.

A device that stands in for a second factor is guarded as one: five wrong proofs lock it, each
further one for longer, and each is for a sign-in that has proved the password before. Those of
answers without a Session count apart: somebody else may have proved it.
"""

import base64
import hmac
import os
from collections.abc import Mapping
from typing import Any

from attrs import define, evolve, field, frozen

from authflow import srp
from authflow.machine import Challenged, State
from authflow.pool.accounts.callers import (
    Caller,
    find_caller,
    read_members,
    username_of,
)
from authflow.pool.accounts.lockout import Counted, check_lock, count_attempt
from authflow.pool.accounts.masking import keyed
from authflow.pool.accounts.users import User
from authflow.pool.cognito_errors import CognitoError, invalid_session, not_authorized
from authflow.pool.devices.device_state import DeviceState
from authflow.pool.devices.known_devices import (
    KnownDevice,
    existing_device,
    note_sign_in,
)
from authflow.pool.ground import Ground
from authflow.pool.peer_address import peer_address
from authflow.pool.sign_ins.challenges.password_verifier import (
    is_timely,
    read_public_a,
    tell_of_clocks,
)
from authflow.pool.sign_ins.decision import Decision, decide
from authflow.pool.sign_ins.next_step import ChallengeOwed
from authflow.pool.sign_ins.sessions import (
    Handshake,
    Taken,
    Unnamed,
    companion_of,
    is_known,
    new_handle,
    take,
)
from authflow.pool.sign_ins.sign_in_replies import SignInReplies
from authflow.pool.sign_ins.sign_in_triggers import SignInTriggers
from authflow.pool.sign_ins.waiting_devices import find_waiting
from authflow.pool.store.sqlite_connection import Connection
from authflow.wire import device_password_verifier, device_srp


def _counted(caller: Caller, device: KnownDevice, *, found: bool) -> Counted:
    """Return the one name under which wrong proofs of a device are counted.

    Args:
        caller: Who proves it.
        device: The device.
        found: Whether the sign-in was found without a Session.
    """
    kind = "failures of found device" if found else "failures of device"
    name = keyed(caller.pool, kind, device.key)
    return Counted(pool_id=caller.pool.id, name=name, account=name, exists=True, hidden=False)


@frozen(kw_only=True)
class _Asking:
    """A sign-in that is asked for the proof of its device."""

    taken: Taken
    user: User
    state: DeviceState
    device: KnownDevice


def _asking(connection: Connection, taken: Taken) -> _Asking:
    """Return a sign-in with its device as stored now.

    Raises:
        CognitoError: The device is forgotten.
    """
    user, state = taken.user, taken.progress.device
    if user is None or state is None:
        raise invalid_session()
    device = existing_device(connection, user.sub, state.key)
    return _Asking(taken=taken, user=user, state=state, device=device)


def _begin(
    connection: Connection,
    request: Mapping[str, Any],
    device_key: str,
    address: str | None,
    now: float,
) -> _Asking:
    """Use up the session that asks for a device's proof.

    Raises:
        CognitoError: There is none, another answer was faster, or the device is forgotten or
            locked.
    """
    username = username_of(request["ChallengeResponses"])
    session: str | None = request.get("Session")
    handle = session
    if handle is None or not is_known(connection, handle):
        # Clients leave it out, or send the one before. `take` judges the one that waits.
        caller = find_caller(connection, request)
        unnamed = Unnamed(username=username, session=session, address=address)
        handle = find_waiting(connection, caller, device_key, unnamed, now)
    asking = _asking(connection, take(connection, request, username, handle, now, use_up=True))
    asking = evolve(asking, state=evolve(asking.state, found=session is None))
    _check_lock(connection, asking, now)
    return asking


def _check_lock(connection: Connection, asking: _Asking, now: float) -> None:
    counted = _counted(asking.taken.caller, asking.device, found=asking.state.found)
    check_lock(connection, counted, now)


def _look(
    connection: Connection, request: Mapping[str, Any], username: str, block: str, now: float
) -> _Asking:
    """Return what a proof is for; it is not used up.

    Raises:
        CognitoError: It is for nothing that waits, or the device is forgotten or locked.
    """
    asking = _asking(connection, take(connection, request, username, block, now, use_up=False))
    _check_lock(connection, asking, now)
    return asking


@frozen(kw_only=True)
class _JudgedDevice:
    """A device's proof with the values that judge it."""

    username: str
    answer: device_password_verifier.Answer
    device: KnownDevice
    """The device as it was before the arithmetic."""
    address: str | None
    right: bytes = field(repr=False)
    """The signature that a client with the device's password makes."""


def _judge(
    connection: Connection,
    request: Mapping[str, Any],
    judged: _JudgedDevice,
    now: float,
    *,
    held: bool,
) -> Decision | CognitoError:
    """Use up the session, compare the proof and count the attempt, in one transaction.

    Returns:
        What follows; the refusal, if the proof is wrong or leads nowhere. It is given back and not
        raised, so that the session stays used up and the attempt counted.

    Raises:
        CognitoError: Another answer was faster, the device was forgotten or is locked.
    """
    proof = judged.answer.proof
    taken = take(connection, request, judged.username, proof.secret_block, now, use_up=True)
    asking = _asking(connection, taken)
    caller, device = taken.caller, asking.device
    passed = hmac.compare_digest(judged.right, proof.signature)
    reason = "wrong proof of a device" if not passed else "TIMESTAMP of a device's proof is off"
    passed = passed and is_timely(proof, now) and device.secret == judged.device.secret
    counted = _counted(caller, device, found=asking.state.found)
    if not count_attempt(connection, counted, now, passed=passed):
        return not_authorized(reason=reason)
    note_sign_in(connection, device, judged.address, now)
    progress = evolve(
        taken.progress.passed(State.DEVICE_SRP_AUTH).passed(State.DEVICE_PASSWORD_VERIFIER),
        handshake=None,
        companion=None,
        device=evolve(asking.state, proved=True, found=False),
    )
    try:
        return decide(connection, caller, asking.user, progress, now, held=held)
    except CognitoError as refusal:
        return refusal


def _right_signature(device: KnownDevice, handshake: Handshake, stamp: str, block: bytes) -> bytes:
    """Return the signature of a client that has the device's password; see PASSWORD_VERIFIER's."""
    verifier = srp.Verifier(v=device.secret.v, b=handshake.b, public_b=handshake.public_b)
    key = verifier.key(handshake.public_a)
    return srp.claim_signature(key.reveal(), device.group_key, device.key, block, stamp)


@define(kw_only=True)
class DeviceProofs:
    """Judges the answers to both challenges.

    Args:
        ground: The parts that all services share.
        replies: Keeps sign-ins.
        triggers: Says what is asked before tokens are granted.
    """

    ground: Ground
    replies: SignInReplies
    triggers: SignInTriggers

    async def begin(self, request: Mapping[str, Any]) -> Decision:
        """Ask for the proof, once the device has sent its A.

        As with a user's password, SECRET_BLOCK is the handle of the sign-in. A Session goes with
        it, and clients may leave it out.

        Raises:
            CognitoError: A is unsafe, no such answer is waited for, or the device is forgotten.
        """
        responses: Mapping[str, str] = request["ChallengeResponses"]
        username_of(responses)  # the first that is missed
        answer = read_members(device_srp.Answer.read, responses)
        public_a = read_public_a(answer.public_a)
        asking = await self.ground.database.write(
            _begin, request, answer.device_key, peer_address(), self.ground.clock()
        )
        device, random = asking.device, os.urandom(srp.EPHEMERAL_BYTES)
        verifier = await self.ground.workers.run(srp.Verifier.start, device.secret.v, random)
        state, block, session = State.DEVICE_PASSWORD_VERIFIER, new_handle(), new_handle()
        waiting = evolve(
            asking.taken.progress.follow(Challenged(state)),
            device=asking.state,
            handshake=Handshake(public_a=public_a, b=verifier.b, public_b=verifier.public_b),
            companion=companion_of(session),
        )
        await self.replies.keep(asking.taken.caller, waiting, block)
        asked = device_password_verifier.Asked(
            device_key=device.key,
            salt=device.secret.srp_salt,
            srp_b=verifier.srp_b,
            secret_block=block,
        )
        return Decision(
            caller=asking.taken.caller,
            user=asking.user,
            progress=waiting,
            step=ChallengeOwed(state=state, parameters=asked.write()),
            handle=session,
        )

    async def respond(self, request: Mapping[str, Any]) -> Decision:
        """Judge the proof.

        Raises:
            CognitoError: The proof is wrong, malformed, late, or for nothing that waits, or the
                device is forgotten.
        """
        responses: Mapping[str, str] = request["ChallengeResponses"]
        username = username_of(responses)
        answer = read_members(device_password_verifier.Answer.read, responses)
        proof = answer.proof
        asking = await self.ground.database.read(
            _look, request, username, proof.secret_block, self.ground.clock()
        )
        tell_of_clocks(proof, self.ground.clock())
        handshake, device = asking.taken.progress.handshake, asking.device
        assert handshake is not None  # noqa: S101  # `begin` kept it; for the type checker
        block = base64.b64decode(proof.secret_block)
        right = await self.ground.workers.run(
            _right_signature, device, handshake, proof.stamp, block
        )
        judged = _JudgedDevice(
            username=username,
            answer=answer,
            device=device,
            address=peer_address(),
            right=right,
        )
        held = self.triggers.hold_tokens(asking.taken.caller.pool)
        decision = await self.ground.database.write(
            _judge, request, judged, self.ground.clock(), held=held
        )
        if isinstance(decision, CognitoError):
            raise decision
        return decision
