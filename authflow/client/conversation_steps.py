"""The steps of a conversation: what it yields to its driver, and what comes back."""

from collections.abc import Callable, Generator, Mapping
from typing import Any

from attrs import field, frozen

from authflow import srp, wire
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
    """

    request: wire.Request
    read: Callable[[Mapping[str, Any]], object] = wire.read_reply
    correctable: bool = False


@frozen
class DrawProver:
    """Draw the values of one SRP handshake. The step's result: an `srp.Prover`."""


@frozen
class Prove:
    """Prove a password. The step's result: a `wire.password_verifier.Answer`."""

    prover: srp.Prover = field(repr=False)
    asked: password_verifier.Asked
    password: Secret[str]


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


Step = Send | DrawProver | Prove | Ask | Verify


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
