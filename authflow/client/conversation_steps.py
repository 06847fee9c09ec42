"""The steps of a conversation: what it yields to its driver, and what comes back."""

from collections.abc import Callable, Generator, Mapping
from typing import Any

from attrs import field, frozen

from authflow import srp, wire
from authflow.device import Device
from authflow.errors import RefusedError
from authflow.results import Challenge, SignedIn, SignInResult
from authflow.secret import Secret
from authflow.wire import password_verifier


@frozen
class Send:
    """Send a request. The step's result: what its reply says.

    Args:
        request: What to send.
        read: Reads the reply; by default as that of a sign-in, which gives a `wire.Reply`.
        correctable: Whether a refusal that a better answer can avoid is a result, too: then the
            step's result is the error, and the person is asked again.
        device: The device that the request names. If the pool does not know it, the request is
            sent once more without it: then the result is in a `WithoutDevice`.
        given_back: Refusals that are a result, too: the step's result is the error.
    """

    request: wire.Request
    read: Callable[[Mapping[str, Any]], object] = wire.read_reply
    correctable: bool = False
    device: Device | None = None
    given_back: tuple[type[RefusedError], ...] = ()


@frozen
class WithoutDevice:
    """The result of a request that was sent once more, without the device that it had named.

    Args:
        value: The result.
    """

    value: Any = field(repr=False)


@frozen
class DrawProver:
    """Draw the values of one SRP handshake. The step's result: an `srp.Prover`."""


@frozen
class Prove:
    """Prove a password. The step's result: a `wire.password_verifier.Answer`.

    Args:
        prover: This handshake's values.
        asked: The challenge.
        password: What is proved.
        name: What is hashed before the user id; by default the pool's name.
    """

    prover: srp.Prover = field(repr=False)
    asked: password_verifier.Asked
    password: Secret[str]
    name: str | None = None


@frozen
class FindDevice:
    """Find the device of whoever has a name. The step's result: a `Device`, or None.

    It is None also if nobody can tell now: the sign-in goes on without a device.

    Args:
        name: A name of the user.
    """

    name: str = field(repr=False)


@frozen
class ForgetDevice:
    """Forget a device whose proof the pool did not take. There is no result.

    Args:
        device: The device.
        name: The user who did not prove it: it is forgotten as that user's, and as nobody else's.
    """

    device: Device
    name: str = field(repr=False)


@frozen(kw_only=True)
class Ask:
    """Ask the person. The step's result: the answer; Unanswered; None if the caller must answer.

    Args:
        challenge: What is asked.
        chosen: What the last choice was answered with: one between many is asked in halves.
        until: When the time for an answer is over, in seconds since the epoch.
        refused: Why the last answer to this challenge was refused, for the person.
    """

    challenge: Challenge
    chosen: str | None
    until: float
    refused: str | None = None


@frozen
class Verify:
    """Verify the tokens of a sign-in. The step's result: the SignedIn, named as its tokens say."""

    signed_in: SignedIn


Step = Send | DrawProver | Prove | Ask | Verify | FindDevice | ForgetDevice


@frozen
class Came:
    """The result of a step.

    Args:
        value: As the step says.
        at: When, in seconds since the epoch.
    """

    value: Any = field(repr=False)
    at: float


Conversation = Generator[Step, Came, SignInResult]
