"""`AuthClient`: signs users in to a user pool by any of Cognito's client-side flows."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Final, Self

from attrs import define, evolve, field, frozen

from authflow import srp, wire
from authflow.client.answerer import Answerer
from authflow.client.choices import check_choice, options_of
from authflow.client.exchange import Exchange
from authflow.client.password_proof import PasswordProof, utc_now
from authflow.client.transport import Transport, open_transport
from authflow.config import AuthConfig
from authflow.errors import (
    MisuseError,
    PasswordRequiredError,
    SessionExpiredError,
    UnexpectedReplyError,
)
from authflow.machine import AuthFlow, State
from authflow.plugins.client_challenge import ClientChallenge
from authflow.plugins.registry import CLIENT_CHALLENGES, PluginRegistry
from authflow.prompts.prompt import Prompt
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
from authflow.tokens.verifier import TokenVerifier

MOST_ROUNDS: Final = 40
"""Replies that one sign-in may take. Cognito's longest documented ones stay far below."""


@frozen(kw_only=True)
class _Conversation:
    """What one call of `sign_in` or `answer` needs while the server keeps asking."""

    client_metadata: Mapping[str, str] | None
    prompt: Prompt | None
    password: Secret[str] | None = None
    prover: srp.Prover | None = field(default=None, repr=False)
    asked: Challenge | None = None
    chosen: str | None = None
    """What a choice was answered with: one between many options is asked for again in halves."""


@define(eq=False)
class AuthClient:
    """Signs users in to one user pool. An async context manager; make one per process and pool.

        async with AuthClient(AuthConfig.from_env()) as auth:
            match await auth.sign_in("ada", "correct horse"):
                case SignedIn(tokens=tokens): ...
                case ChallengeRequired() as pending:
                    result = await auth.answer(pending, input(pending.challenge.name))

    Thousands of sign-ins may run side by side on one client. Cancelling or timing out a call ends
    it at once, wherever it is.

    Args:
        config: Which pool, and how.
        challenges: Classes of client challenges, registered explicitly.
        discover: Whether to look for further ones among the installed distributions.
        prefer: For a challenge's name, the distribution to take it from if several bring it.
        assume: The client challenge that answers custom challenges whose triggers do not say what
            they are, as those of Cognito's documented sample: "captcha".
        clock: Gives the time of day, aware. It must agree with Cognito's to a few minutes.
        observer: Told of every exchange with Cognito, with the secrets taken out.
    """

    config: AuthConfig
    challenges: Iterable[type[ClientChallenge]] = field(default=(), kw_only=True)
    discover: bool = field(default=True, kw_only=True)
    prefer: Mapping[str, str] = field(factory=dict, kw_only=True)
    assume: str | None = field(default=None, kw_only=True)
    clock: Callable[[], datetime] = field(default=utc_now, kw_only=True)
    observer: Callable[[Exchange], None] | None = field(default=None, kw_only=True)
    _answerer: Answerer = field(init=False, repr=False)
    _proof: PasswordProof = field(init=False, repr=False)
    _verifier: TokenVerifier = field(init=False, repr=False)
    _transport: Transport | None = field(default=None, init=False, repr=False)
    _resources: AsyncExitStack = field(factory=AsyncExitStack, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._answerer = Answerer(
            PluginRegistry(
                CLIENT_CHALLENGES,
                tuple(self.challenges),
                discover=self.discover,
                prefer=self.prefer,
            ),
            self.assume,
        )
        self._proof = PasswordProof(self.config.user_pool_id)
        self._verifier = TokenVerifier(config=self.config, clock=lambda: self.clock().timestamp())

    async def __aenter__(self) -> Self:
        if self._transport is not None:
            msg = "this client is open already; use it, or make another one"
            raise MisuseError(msg)
        self._transport = await self._resources.enter_async_context(
            open_transport(self.config, self.observer)
        )
        return self

    async def __aexit__(self, *error: object) -> None:
        self._transport = None
        await self._resources.aclose()

    async def sign_in(
        self,
        username: str,
        password: str | Secret[str] | None = None,
        *,
        flow: AuthFlow | None = None,
        client_metadata: Mapping[str, str] | None = None,
        prompt: Prompt | None = None,
    ) -> SignInResult:
        """Sign a user in, as far as that goes without asking the caller.

        Args:
            username: The user's name or an alias of it.
            password: The password. In CUSTOM_AUTH it makes SRP go first; without it the custom
                challenges are all there is.
            flow: The auth flow; by default the configured one.
            client_metadata: For the pool's triggers, sent with every request of this call. What
                goes with the first request reaches PreAuthentication and UserMigration only.
            prompt: Lets installed client challenges ask the person and answer by themselves.

        Returns:
            SignedIn, or ChallengeRequired for a challenge that is the caller's to answer.

        Raises:
            PasswordRequiredError: The flow needs a password.
            RefusedError: The pool said no; the class says why.
            RemoteProtocolError: The server is not what it should be; nothing secret was sent to it
                after that.
            TransportError: There was no reply that can be relied on.
            PluginError: A client challenge is broken.
            TokenError: The tokens are not the user pool's.
        """
        flow = self.config.flow if flow is None else _flow(flow)
        password = None if password is None else _secret_text("password", password)
        if not _is_text(username) or not username:
            msg = "username must be a text that is not empty"
            raise MisuseError(msg)
        if flow is not AuthFlow.CUSTOM_AUTH and password is None:
            msg = f"{flow} needs a password; only CUSTOM_AUTH does without"
            raise PasswordRequiredError(msg)
        by_srp = flow is not AuthFlow.USER_PASSWORD_AUTH and password is not None
        prover = await self._proof.begin() if by_srp else None
        request = self.config.app_client.initiate_auth(
            flow,
            username,
            srp_a=None if prover is None else prover.srp_a,
            password=password if flow is AuthFlow.USER_PASSWORD_AUTH else None,
            client_metadata=client_metadata,
        )
        sign_in = SignIn.begin(flow, username, srp=by_srp, expires_at=self._expiry())
        conversation = _Conversation(
            client_metadata=client_metadata, prompt=prompt, password=password, prover=prover
        )
        return await self._go_on(sign_in, request, conversation)

    async def answer(
        self,
        pending: ChallengeRequired,
        answer: str | Secret[str],
        *,
        attributes: Mapping[str, str] | None = None,
        client_metadata: Mapping[str, str] | None = None,
        prompt: Prompt | None = None,
    ) -> SignInResult:
        """Answer a challenge, and go on as `sign_in` does.

        A wrong answer to a custom challenge gives another ChallengeRequired, whose challenge knows
        that it is a retry and which attempt; a wrong code for MFA raises CodeMismatchError, and the
        same `pending` can be answered again.

        Args:
            pending: What the last call gave. It stays as it is.
            answer: The text: a code, a choice, a new password, the answer to a custom challenge.
            attributes: User attributes that NEW_PASSWORD_REQUIRED asks for.
            client_metadata: For the triggers that this answer fires.
            prompt: Lets installed client challenges ask the person and answer by themselves.

        Raises:
            AnswerNotSupportedError: A text does not answer this challenge.
            SessionExpiredError: The time for an answer is over; nothing was sent.
            AuthFlowError: As `sign_in`.
        """
        challenge, sign_in = pending.challenge, pending.sign_in
        answer = _secret_text("answer", answer)
        check_choice(challenge, answer.reveal())
        answers = wire.answer(challenge.name, answer, attributes or {})
        conversation = _Conversation(
            client_metadata=client_metadata,
            prompt=prompt,
            asked=challenge,
            chosen=answer.reveal() if options_of(challenge) else None,
        )
        return await self._go_on(
            sign_in, self._answer(sign_in, answers, conversation), conversation
        )

    async def refresh(
        self,
        refresh_token: Secret[str],
        *,
        client_metadata: Mapping[str, str] | None = None,
    ) -> Tokens:
        """Get new tokens for a refresh token.

        Args:
            refresh_token: From `Tokens.refresh_token`.
            client_metadata: For the pool's PreTokenGeneration trigger.

        Returns:
            New access and id tokens, verified. The refresh token in them is the one to use next:
            a new one if the pool rotates them, else the one that was given.

        Raises:
            TokenRevokedError: The refresh token is no longer good.
            AuthFlowError: As `sign_in`.
        """
        request = self.config.app_client.refresh(refresh_token, client_metadata)
        reply = await self._open_transport.send(request)
        tokens = wire.read_tokens(reply.get("AuthenticationResult"))
        await self._verify(tokens)
        return evolve(tokens, refresh_token=tokens.refresh_token or refresh_token)

    async def revoke(self, refresh_token: Secret[str]) -> None:
        """Revoke a refresh token and the access tokens that came of it.

        Raises:
            AuthFlowError: It may still be good.
        """
        await self._open_transport.send(self.config.app_client.revoke(refresh_token))

    async def sign_out(self, access_token: Secret[str]) -> None:
        """Sign the user out everywhere: all tokens of theirs are revoked.

        Raises:
            AuthFlowError: The user may still be signed in.
        """
        await self._open_transport.send(wire.sign_out(access_token))

    async def _go_on(
        self, sign_in: SignIn, request: wire.Request, conversation: _Conversation
    ) -> SignInResult:
        """Send, read, advance; answer what needs no caller; until it is over or the caller's turn.

        The machine goes first: a reply that the flow does not allow raises before any part of it
        is acted upon.
        """
        while True:
            reply = wire.read_reply(await self._open_transport.send(request))
            sign_in = sign_in.advance(
                reply.event,
                canonical_username=reply.canonical_username,
                session=reply.session,
                expires_at=self._expiry(),
            )
            if reply.tokens is not None:
                await self._verify(reply.tokens)
                return SignedIn(
                    tokens=reply.tokens, username=sign_in.canonical_username, flow=sign_in.flow
                )
            if sign_in.rounds >= MOST_ROUNDS:
                msg = f"the server keeps asking: {MOST_ROUNDS} challenges without an end"
                raise UnexpectedReplyError(msg)
            challenge = reply.challenge(conversation.asked)
            conversation = evolve(conversation, asked=challenge)
            if sign_in.state is State.PASSWORD_VERIFIER:
                answers = await self._prove(reply, conversation)
            else:
                left = sign_in.expires_at - self.clock().timestamp()
                answer = await self._answerer.answer(
                    challenge, conversation.prompt, chosen=conversation.chosen, timeout=left
                )
                if answer is None or isinstance(answer, Unanswered):
                    return ChallengeRequired(challenge=challenge, sign_in=sign_in, because=answer)
                if options_of(challenge):
                    conversation = evolve(conversation, chosen=answer.reveal())
                answers = wire.answer(challenge.name, answer, {})
            request = self._answer(sign_in, answers, conversation)

    def _answer(
        self, sign_in: SignIn, answers: wire.Answers, conversation: _Conversation
    ) -> wire.Request:
        """Spell an answer, if there is still time for it."""
        if self.clock().timestamp() >= sign_in.expires_at:
            msg = "the time for an answer is over; start a new sign-in"
            raise SessionExpiredError(msg)
        return self.config.app_client.respond(
            sign_in.state,
            sign_in.canonical_username,
            answers,
            session=sign_in.session,
            client_metadata=conversation.client_metadata,
        )

    async def _prove(self, reply: wire.Reply, conversation: _Conversation) -> wire.Answers:
        """Answer PASSWORD_VERIFIER. The table lets it come only where SRP_A was sent."""
        if conversation.prover is None or conversation.password is None:
            msg = "the password can only be proved in the call that began the sign-in"
            raise PasswordRequiredError(msg)
        return await self._proof.answers(
            conversation.prover, reply, conversation.password, self.clock()
        )

    async def _verify(self, tokens: Tokens) -> None:
        if self.config.verify_tokens:
            await self._verifier.verify(tokens)

    @property
    def _open_transport(self) -> Transport:
        if self._transport is None:
            msg = "open the client first: async with AuthClient(config) as auth: ..."
            raise MisuseError(msg)
        return self._transport

    def _expiry(self) -> float:
        return self.clock().timestamp() + self.config.session_validity.total_seconds()


def _flow(flow: AuthFlow | str) -> AuthFlow:
    if flow not in list(AuthFlow):
        msg = f"flow must be one of {', '.join(AuthFlow)}"
        raise MisuseError(msg)
    return AuthFlow(flow)


def _is_text(value: object) -> bool:
    """Say whether a value is a text that UTF-8 can carry, as the wire needs it."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


def _secret_text(name: str, value: str | Secret[str]) -> Secret[str]:
    if not _is_text(value.reveal() if isinstance(value, Secret) else value):
        msg = f"{name} must be a text that UTF-8 can carry"
        raise MisuseError(msg)
    return Secret.of(value)
