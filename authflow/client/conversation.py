"""A sign-in as a conversation: it yields the next step, and receives the step's result.

It is a generator, and pure: it sends nothing, computes no proof, asks nobody, reads no clock. It
yields a step (send this, prove this password, ask this person, verify these tokens), its driver
carries that out and sends back `Came`, and in the end it returns the result. So asyncio, a thread
or a test drives the same code. A driver to whom an error happens lets it pass and drops the
conversation: nothing of it has to be undone.
"""

from collections.abc import Generator
from typing import Any, Final

from attrs import evolve, field, frozen

from authflow import srp, wire
from authflow.answers import TypedAnswer
from authflow.client.challenge_parameters import read_challenge
from authflow.client.challenges import respond
from authflow.echoes import without_secrets
from authflow.errors import PasswordRequiredError, SessionExpiredError, UnexpectedReplyError
from authflow.given_maps import GivenMap
from authflow.machine import AuthFlow, Challenged, Event, State
from authflow.results import (
    Challenge,
    ChallengeRequired,
    SignedIn,
    SignInResult,
    Unanswered,
)
from authflow.secret import Secret
from authflow.sign_in import SignIn
from authflow.wire import auth_parameters, password_verifier

MOST_ROUNDS: Final = 40
"""The most replies in a sign-in. Cognito's longest documented sign-ins have far fewer."""


_CHALLENGES: Final = frozenset(map(str, State))


@frozen
class Send:
    """Send a request. The step's result: a `wire.Reply`."""

    request: wire.Request


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
    """

    challenge: Challenge
    chosen: str | None
    until: float


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


@frozen(kw_only=True)
class Proof:
    """The values that prove a password."""

    prover: srp.Prover = field(repr=False)
    password: Secret[str]


@frozen(kw_only=True)
class Conversations:
    """Starts and resumes conversations about sign-ins at one app client.

    Args:
        app_client: The app client.
        session_validity: For how long Cognito waits for an answer, in seconds.
        client_metadata: For the pool's triggers, sent with every request.
        device: The user's device, told with every request.
    """

    app_client: wire.ClientIdentity
    session_validity: float
    client_metadata: GivenMap | None = field(default=None, repr=False)
    device: wire.Device | None = None

    def sign_in(
        self, flow: AuthFlow, username: str, password: Secret[str] | None, *, now: float
    ) -> Conversation:
        """Sign a user in.

        Args:
            flow: The auth flow.
            username: The name as the user typed it.
            password: The password; None where only custom challenges are asked.
            now: Seconds since the epoch.
        """
        proof: Proof | None = None
        beginning: auth_parameters.Beginning = auth_parameters.ByChallenges()
        if password is not None and flow is AuthFlow.USER_PASSWORD_AUTH:
            beginning = auth_parameters.ByPassword(password)
        elif password is not None:
            came = yield DrawProver()
            now = came.at
            proof = Proof(prover=came.value, password=password)
            beginning = auth_parameters.BySrp(
                public_a=proof.prover.srp_a, in_custom_auth=flow is AuthFlow.CUSTOM_AUTH
            )
        begun = SignIn.begin(
            flow, username, srp=proof is not None, expires_at=now + self.session_validity
        )
        request = self.app_client.initiate_auth(
            flow,
            username,
            beginning,
            client_metadata=self.client_metadata,
            device=self._device(now),
        )
        return (yield from self._go_on(begun, request, proof=proof))

    def answer(
        self, pending: ChallengeRequired, answer: TypedAnswer, *, now: float
    ) -> Conversation:
        """Answer a challenge, and go on with the sign-in.

        Args:
            pending: What the last conversation ended with.
            answer: The answer.
            now: Seconds since the epoch.

        Raises:
            AnswerNotSupportedError: The challenge takes another kind of answer.
            MisuseError: What was chosen is no option.
            SessionExpiredError: The time for an answer is over.
        """
        challenge = pending.challenge
        sign_in, request, chosen = self._respond(pending.sign_in, challenge, answer, now)
        return (yield from self._go_on(sign_in, request, asked=challenge, chosen=chosen))

    def _go_on(
        self,
        sign_in: SignIn,
        request: wire.Request,
        *,
        proof: Proof | None = None,
        asked: Challenge | None = None,
        chosen: str | None = None,
    ) -> Conversation:
        """Send, read, advance, and answer, until the sign-in is over or the caller must answer.

        The machine goes first: a reply that the flow does not allow raises before any part of it
        is acted upon.
        """
        while True:
            came = yield Send(request)
            reply: wire.Reply = came.value
            sign_in = sign_in.advance(
                _shown(reply.event, request),
                canonical_username=reply.canonical_username,
                session=reply.session,
                expires_at=came.at + self.session_validity,
            )
            if reply.tokens is not None:
                came = yield Verify(
                    SignedIn(
                        tokens=reply.tokens, username=sign_in.canonical_username, flow=sign_in.flow
                    )
                )
                verified: SignedIn = came.value
                return verified
            if sign_in.rounds >= MOST_ROUNDS:
                msg = f"the server keeps asking: {MOST_ROUNDS} challenges without an end"
                raise UnexpectedReplyError(msg)
            asked = _challenge(reply, asked)
            if sign_in.state is State.PASSWORD_VERIFIER:
                came = yield _proving(proof, reply)
                proved: password_verifier.Answer = came.value
                _in_time(sign_in, came.at)
                request = evolve(self._request(sign_in, proved.write(), came.at), before=request)
                continue
            came = yield Ask(challenge=asked, chosen=chosen, until=sign_in.expires_at)
            answer: Secret[str] | Unanswered | None = came.value
            if answer is None or isinstance(answer, Unanswered):
                return ChallengeRequired(challenge=asked, sign_in=sign_in, because=answer)
            sign_in, answered, said = self._respond(sign_in, asked, answer, came.at)
            request = evolve(answered, before=request)
            chosen = said or chosen

    def _respond(
        self, sign_in: SignIn, challenge: Challenge, answer: TypedAnswer, now: float
    ) -> tuple[SignIn, wire.Request, str | None]:
        """Return the sign-in after an answer, the request to send, and the chosen option."""
        _in_time(sign_in, now)
        response = respond(challenge, answer)
        request = self._request(sign_in, response.members, now)
        if response.chosen is not None:
            sign_in = sign_in.chose(response.chosen)
        return sign_in, request, response.option

    def _request(self, sign_in: SignIn, members: wire.Members, now: float) -> wire.Request:
        """Return the request that carries an answer."""
        return self.app_client.respond(
            sign_in.state,
            sign_in.canonical_username,
            members,
            session=sign_in.session,
            client_metadata=self.client_metadata,
            device=self._device(now),
        )

    def _device(self, now: float) -> wire.Device | None:
        return None if self.device is None else evolve(self.device, at=now)


def _in_time(sign_in: SignIn, now: float) -> None:
    """Refuse an answer that comes too late.

    Raises:
        SessionExpiredError: The time is over.
    """
    if now >= sign_in.expires_at:
        msg = "the time for an answer is over; start a new sign-in"
        raise SessionExpiredError(msg)


def _shown(event: Event, request: wire.Request) -> Event:
    """Return an event that may be shown: an unknown challenge's name may repeat a secret."""
    if isinstance(event, Challenged) and event.name not in _CHALLENGES:
        return Challenged(without_secrets(event.name, request.secrets()))
    return event


def _challenge(reply: wire.Reply, previous: Challenge | None) -> Challenge:
    assert isinstance(reply.event, Challenged)  # noqa: S101  # no tokens; for the type checker
    return read_challenge(reply.event.name, reply.parameters, previous)


def _proving(proof: Proof | None, reply: wire.Reply) -> Prove:
    """Return the step that proves the password.

    The table lets this come only where SRP_A was sent, and then the conversation has the proof,
    unless somebody made up where the sign-in stands.
    """
    if proof is None:
        msg = "the password can only be proved in the call that began the sign-in"
        raise PasswordRequiredError(msg)
    return Prove(proof.prover, reply.asked(password_verifier.Asked.read), proof.password)
