"""DEVICE_SRP_AUTH and DEVICE_PASSWORD_VERIFIER in a conversation: a device proves itself.

Nobody is asked anything: the device's password is at hand, or the sign-in cannot go on here. Each
proof is a handshake of its own. Whether the pool has forgotten the device, or takes another
password for it, is told by a refusal; the device is forgotten then, since no later proof would do.

Source: "Signing in with a device" in "Working with user devices", developer guide.
"""

from collections.abc import Generator

from authflow import srp
from authflow.client.conversation_steps import Came, DrawProver, ForgetDevice, Prove, Step
from authflow.device import Device
from authflow.errors import (
    DeviceRefusedError,
    DeviceRequiredError,
    RefusedError,
)
from authflow.machine import State
from authflow.sign_in import SignIn
from authflow.wire import Members, Reply, device_password_verifier, device_srp, password_verifier


def prove_device(
    sign_in: SignIn, reply: Reply, handshake: srp.Prover | None, now: float
) -> Generator[Step, Came, tuple[srp.Prover, Members, float]]:
    """Make the answer to one of both challenges.

    Args:
        sign_in: Where the sign-in stands.
        reply: What asks.
        handshake: The values of the handshake that the last answer began, if it did.
        now: Seconds since the epoch.

    Returns:
        The values of the handshake; the answer; when it was made, in seconds since the epoch.

    Raises:
        DeviceRequiredError: The device that is asked for is not at hand.
        MalformedReplyError: The challenge is not as Cognito documents it.
    """
    if sign_in.state is State.DEVICE_SRP_AUTH:
        device = _at_hand(sign_in, reply.asked(device_srp.Asked.read).device_key)
        came = yield DrawProver()
        drawn: srp.Prover = came.value
        begun = device_srp.Answer(device_key=device.key, public_a=drawn.srp_a)
        return drawn, begun.write(), came.at
    asked = reply.asked(device_password_verifier.Asked.read)
    device = _at_hand(sign_in, asked.device_key)
    # The table lets it come after A alone; for the type checker.
    assert handshake is not None  # noqa: S101
    assert device.password is not None  # noqa: S101
    values = password_verifier.Asked(
        salt=asked.salt, srp_b=asked.srp_b, secret_block=asked.secret_block, user_id=device.key
    )
    came = yield Prove(handshake, values, device.password, device.group_key)
    proof: password_verifier.Answer = came.value
    answer = device_password_verifier.Answer(device_key=device.key, proof=proof)
    return handshake, answer.write(), max(now, came.at)


def refused_device(
    sign_in: SignIn, refusal: RefusedError, *, can_begin_anew: bool
) -> Generator[Step, Came, None]:
    """Forget a device whose answer was refused.

    Args:
        sign_in: Where the sign-in stood.
        refusal: What the pool said.
        can_begin_anew: Whether the sign-in can be begun anew with nothing lost.

    Raises:
        DeviceRefusedError: It cannot.
    """
    if sign_in.device is not None:
        yield ForgetDevice(sign_in.device, sign_in.canonical_username)
    if can_begin_anew:
        return
    msg = (
        "the user pool does not take the device's proof, and it is forgotten here: sign in again,"
        " and not by this device"
    )
    raise DeviceRefusedError(msg, aws_code=refusal.aws_code)


def _at_hand(sign_in: SignIn, asked: str | None) -> Device:
    """Return the device that is asked for.

    Raises:
        DeviceRequiredError: It is not at hand.
    """
    device = sign_in.device
    if device is None or device.password is None or asked not in {None, device.key}:
        msg = (
            "the user pool asks for the proof of a device that is not at hand here: begin the"
            " sign-in anew, without the device, or answer with device="
        )
        raise DeviceRequiredError(msg)
    return device
