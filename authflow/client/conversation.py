"""A sign-in as a conversation: it yields the next step, and receives the step's result.

It is a generator, and pure: it sends nothing, computes no proof, asks nobody, reads no clock. It
yields a step (send this, prove this password, ask this person, verify these tokens), its driver
carries that out and sends back `Came`, and in the end it returns the result. So asyncio, a thread
or a test drives the same code. A driver to whom an error happens lets it pass and drops the
conversation: nothing of it has to be undone.
"""

from collections.abc import Generator
from typing import Final

from attrs import evolve, field, frozen

from authflow import srp, wire
from authflow.answers import TypedAnswer
from authflow.client.challenge_parameters import read_challenge
from authflow.client.challenges import respond
from authflow.client.conversation_steps import (
    Ask,
    Came,
    Conversation,
    DrawProver,
    FindDevice,
    Prove,
    Send,
    Step,
    Verify,
    WithoutDevice,
)
from authflow.client.device_handshake import prove_device, refused_device
from authflow.client.setting_up import SetUp, set_up
from authflow.device import Device
from authflow.echoes import without_secrets
from authflow.errors import (
    AuthFlowError,
    BadCredentialsError,
    DeviceRefusedError,
    PasswordRequiredError,
    RefusedError,
    SessionExpiredError,
    UnexpectedReplyError,
)
from authflow.given_maps import GivenMap
from authflow.machine import AuthFlow, Challenged, Event, State
from authflow.results import (
    Challenge,
    ChallengeRequired,
    SignedIn,
    SignInResult,
    Tokens,
    Unanswered,
)
from authflow.secret import Secret
from authflow.sign_in import SignIn
from authflow.wire import auth_parameters, password_verifier

MOST_ROUNDS: Final = 40
"""The most replies in a sign-in. Cognito's longest documented sign-ins have far fewer."""


_CHALLENGES: Final = frozenset(map(str, State))
_OF_DEVICES: Final = frozenset({State.DEVICE_SRP_AUTH, State.DEVICE_PASSWORD_VERIFIER})


@frozen(kw_only=True)
class Proof:
    """The values that prove a password."""

    prover: srp.Prover = field(repr=False)
    password: Secret[str]


@frozen(kw_only=True)
class _Answered:
    """An answer that is to be sent, or the beginning of a sign-in.

    Args:
        sign_in: Where the sign-in stands.
        challenge: What was answered; None at the beginning.
        request: What to send; None if the challenge goes on with something else to be asked.
        chosen: What the last choice was answered with.
        asked_at: Where the sign-in stood as the person was asked; None if nobody was asked here.
        handshake: The values of a device's handshake, if it is its answer.
    """

    sign_in: SignIn
    challenge: Challenge | None = None
    request: wire.Request | None
    chosen: str | None = None
    asked_at: SignIn | None = None
    handshake: srp.Prover | None = field(default=None, repr=False)


@frozen
class _Anew:
    """The end of a sign-in that is to begin once more, without its device.

    Args:
        at: When, in seconds since the epoch.
        refused: The device.
    """

    at: float
    refused: Device | None


@frozen(kw_only=True)
class Conversations:
    """Starts and resumes conversations about sign-ins at one app client.

    Args:
        app_client: The app client.
        session_validity: For how long Cognito waits for an answer, in seconds.
        app_name: The name of what the account is for, for the person's authenticator app.
        client_metadata: For the pool's triggers, sent with every request.
        context: What threat protection is told with every request.
        finds: Whether the device of a user is looked for when the pool tells another name.
        sign_in_id: What observers know the sign-ins that begin by.
    """

    app_client: wire.ClientIdentity
    session_validity: float
    app_name: str
    client_metadata: GivenMap | None = field(default=None, repr=False)
    context: wire.ToldContext | None = None
    finds: bool = False
    sign_in_id: str | None = None

    def sign_in(
        self,
        flow: AuthFlow,
        username: str,
        password: Secret[str] | None,
        *,
        now: float,
        device: Device | None = None,
    ) -> Conversation:
        """Sign a user in.

        Args:
            flow: The auth flow.
            username: The name as the user typed it.
            password: The password; None where only custom challenges are asked.
            now: Seconds since the epoch.
            device: The device that the user signs in from, if that is known.
        """
        result = yield from self._begun(flow, username, password, now, device)
        if not isinstance(result, _Anew):
            return result
        without = evolve(self, finds=False)
        again = yield from without._begun(  # noqa: SLF001
            flow, username, password, result.at, None, refused=result.refused
        )
        assert not isinstance(again, _Anew)  # noqa: S101  # it had no device; for types
        return again

    def _begun(
        self,
        flow: AuthFlow,
        username: str,
        password: Secret[str] | None,
        now: float,
        device: Device | None,
        *,
        refused: Device | None = None,
    ) -> Generator[Step, Came, "SignInResult | _Anew"]:
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
        sign_in = SignIn.begin(
            flow,
            username,
            srp=proof is not None,
            expires_at=now + self.session_validity,
            device=device,
            refused=refused,
            id=self.sign_in_id,
        )
        request = self.app_client.initiate_auth(
            flow,
            username,
            beginning,
            client_metadata=self.client_metadata,
            context=self._context(now),
            device_key=None if device is None else device.key,
        )
        return (yield from self._go_on(_Answered(sign_in=sign_in, request=request), proof))

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
        answered = yield from self._answered(pending.sign_in, pending.challenge, answer, now)
        assert isinstance(answered, _Answered)  # noqa: S101  # it raises what it refuses
        result = yield from self._go_on(answered)
        assert not isinstance(result, _Anew)  # noqa: S101  # only a beginning is begun anew
        return result

    def _go_on(
        self, answered: "_Answered", proof: Proof | None = None
    ) -> Generator[Step, Came, "SignInResult | _Anew"]:
        """Send, read, advance, and answer, until the sign-in is over or the caller must answer.

        The machine goes first: a reply that the flow does not allow raises before any part of it
        is acted upon.
        """
        # What a person has typed since would have to be typed again.
        can_begin_anew = answered.challenge is None
        while True:
            sign_in, asked, sent = answered.sign_in, answered.challenge, answered.request
            refused: AuthFlowError | None = None
            if sent is not None:
                came = yield _sending(answered, sent)
                outcome = came.value
                if isinstance(outcome, WithoutDevice):
                    outcome, sign_in = outcome.value, sign_in.without_device()
                    answered = _without_device(answered)
                if isinstance(outcome, RefusedError) and answered.handshake is not None:
                    yield from refused_device(sign_in, outcome, can_begin_anew=can_begin_anew)
                    return _Anew(came.at, sign_in.device)
                if isinstance(outcome, AuthFlowError):
                    refused, sign_in = outcome, answered.asked_at or sign_in
                    asked = _once_more(asked, refused)
                else:
                    reply: wire.Reply = outcome
                    before = sign_in.canonical_username
                    sign_in = sign_in.advance(
                        _shown(reply.event, sent),
                        canonical_username=reply.canonical_username,
                        session=reply.session,
                        expires_at=came.at + self.session_validity,
                    )
                    if reply.tokens is not None:
                        came = yield Verify(_signed_in(sign_in, reply.tokens))
                        verified: SignedIn = came.value
                        return verified
                    if sign_in.rounds >= MOST_ROUNDS:
                        raise _endless()
                    asked = _challenge(reply, asked)
                    if self.finds and sign_in.canonical_username != before:
                        came = yield FindDevice(sign_in.canonical_username)
                        sign_in = sign_in.from_found(came.value)
                    if sign_in.state in _OF_DEVICES:
                        handshake, members, at = yield from prove_device(
                            sign_in, reply, answered.handshake, came.at
                        )
                        _in_time(sign_in, at)
                        request = self._request(sign_in, members, at)
                        answered = _Answered(
                            sign_in=sign_in,
                            challenge=asked,
                            request=evolve(request, before=sent),
                            chosen=answered.chosen,
                            handshake=handshake,
                        )
                        continue
                    if sign_in.state is State.PASSWORD_VERIFIER:
                        came = yield _proving(proof, reply)
                        proved: password_verifier.Answer = came.value
                        _in_time(sign_in, came.at)
                        request = self._request(sign_in, proved.write(), came.at)
                        answered = _Answered(
                            sign_in=sign_in,
                            challenge=asked,
                            request=evolve(request, before=sent),
                            chosen=answered.chosen,
                        )
                        continue
            assert asked is not None  # noqa: S101  # there was a reply, or a step before; for types
            turn = yield from self._ask(sign_in, asked, refused, answered)
            if isinstance(turn, ChallengeRequired):
                return turn
            answered, can_begin_anew = turn, False

    def _ask(
        self,
        sign_in: SignIn,
        challenge: Challenge,
        refused: AuthFlowError | None,
        before: "_Answered",
    ) -> Generator[Step, Came, "_Answered | ChallengeRequired"]:
        """Ask the person for an answer, or leave it to the caller.

        Args:
            sign_in: Where the sign-in stands.
            challenge: What is asked.
            refused: Why the last answer to it was refused, if it was.
            before: What was answered before.
        """
        came = yield Ask(
            challenge=challenge,
            chosen=before.chosen,
            until=sign_in.expires_at,
            refused=None if refused is None else refused.message,
        )
        answer: TypedAnswer | Unanswered | None = came.value
        if answer is None or isinstance(answer, Unanswered):
            return ChallengeRequired(challenge=challenge, sign_in=sign_in, because=answer)
        answered = yield from self._answered(
            sign_in, challenge, answer, came.at, before=before.request, asked=True
        )
        if isinstance(answered, AuthFlowError):
            challenge = _once_more(challenge, answered)
            return (yield from self._ask(sign_in, challenge, answered, before))
        return evolve(answered, chosen=answered.chosen or before.chosen)

    def _answered(
        self,
        sign_in: SignIn,
        challenge: Challenge,
        answer: TypedAnswer,
        now: float,
        *,
        before: wire.Request | None = None,
        asked: bool = False,
    ) -> Generator[Step, Came, "_Answered | AuthFlowError"]:
        """Return the sign-in after an answer, and the request to send.

        Args:
            sign_in: Where the sign-in stands.
            challenge: What is asked.
            answer: The answer.
            now: Seconds since the epoch.
            before: The request before it in the same call.
            asked: Whether the person was asked here, and can be asked again.

        Returns:
            Also an error, if what was asked here can be corrected.
        """
        _in_time(sign_in, now)
        asked_at = sign_in if asked else None
        if challenge.name == State.MFA_SETUP:
            step = yield from set_up(
                SetUp(sign_in=sign_in, challenge=challenge, sent=before),
                answer,
                app_name=self.app_name,
                session_validity=self.session_validity,
                correctable=asked,
            )
            if isinstance(step, AuthFlowError):
                return step
            request = None
            if step.members is not None:
                request = evolve(
                    self._request(step.sign_in, step.members, step.at or now), before=step.sent
                )
            return _Answered(
                sign_in=step.sign_in,
                challenge=step.challenge,
                request=request,
                asked_at=asked_at and step.sign_in,
            )
        response = respond(challenge, answer)
        request = evolve(self._request(sign_in, response.members, now), before=before)
        if response.chosen is not None:
            sign_in = sign_in.chose(response.chosen)
        return _Answered(
            sign_in=sign_in,
            challenge=challenge,
            request=request,
            chosen=response.option,
            asked_at=asked_at,
        )

    def _request(self, sign_in: SignIn, members: wire.Members, now: float) -> wire.Request:
        """Return the request that carries an answer."""
        return self.app_client.respond(
            sign_in.state,
            sign_in.canonical_username,
            members,
            session=sign_in.session,
            client_metadata=self.client_metadata,
            context=self._context(now),
            device_key=None if sign_in.device is None else sign_in.device.key,
        )

    def _context(self, now: float) -> wire.ToldContext | None:
        return None if self.context is None else evolve(self.context, at=now)


def _sending(answered: _Answered, request: wire.Request) -> Send:
    """Return the step that sends an answer."""
    if answered.handshake is not None:
        return Send(request, given_back=(DeviceRefusedError, BadCredentialsError))
    return Send(request, correctable=answered.asked_at is not None, device=answered.sign_in.device)


def _without_device(answered: _Answered) -> _Answered:
    asked_at = answered.asked_at
    return evolve(
        answered,
        sign_in=answered.sign_in.without_device(),
        asked_at=None if asked_at is None else asked_at.without_device(),
    )


def _signed_in(sign_in: SignIn, tokens: Tokens) -> SignedIn:
    """Return the result of a sign-in, with the device that it came from."""
    new, known, passed_over = tokens.device, sign_in.device, sign_in.refused
    if known is not None and (new is None or new.key == known.key):
        tokens = evolve(tokens, device=known)
    elif known is not None:
        passed_over = known
    username = sign_in.canonical_username
    names = tuple(dict.fromkeys((sign_in.username, username)))
    return SignedIn(
        tokens=tokens,
        username=username,
        flow=sign_in.flow,
        names=names,
        passed_over=passed_over,
    )


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
    challenge = read_challenge(reply.event.name, reply.parameters, previous)
    # Which factor is being set up is ours to say: the server has asked for none yet.
    return evolve(challenge, kind=None) if challenge.name == State.MFA_SETUP else challenge


def _once_more(challenge: Challenge | None, refused: AuthFlowError) -> Challenge:
    """Return a challenge whose answer was refused, to be asked again.

    Raises:
        AuthFlowError: It was asked too often: the refusal.
    """
    if challenge is None or challenge.attempt >= MOST_ROUNDS:
        raise refused
    return evolve(challenge, attempt=challenge.attempt + 1)


def _endless() -> UnexpectedReplyError:
    return UnexpectedReplyError(f"the server keeps asking: {MOST_ROUNDS} challenges without an end")


def _proving(proof: Proof | None, reply: wire.Reply) -> Prove:
    """Return the step that proves the password.

    The table lets this come only where SRP_A was sent, and then the conversation has the proof,
    unless somebody made up where the sign-in stands.
    """
    if proof is None:
        msg = "the password can only be proved in the call that began the sign-in"
        raise PasswordRequiredError(msg)
    return Prove(proof.prover, reply.asked(password_verifier.Asked.read), proof.password)
