"""Sign-ins by any of Cognito's client-side flows: what `AuthClient` and `AdminClient` share."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Generic, Self, TypeVar, overload

from attrs import define, evolve, field

from authflow import wire
from authflow.answers import Answer, NewPassword, hidden, read_answer
from authflow.client.answerer import Answerer
from authflow.client.arguments import (
    checked_config,
    checked_flow,
    checked_pacing,
    checked_prompt,
    checked_remembering,
    checked_time,
    checked_username,
    wrong_context,
    wrong_device,
    wrong_flag,
    wrong_pending,
)
from authflow.client.bound_tokens import BoundTokens
from authflow.client.conversation import Conversations
from authflow.client.conversation_steps import (
    Ask,
    Came,
    Conversation,
    DrawProver,
    FindDevice,
    ForgetDevice,
    Prove,
    Send,
    Step,
    Verify,
    WithoutDevice,
)
from authflow.client.device_book import DeviceBook
from authflow.client.events import TicketResumed, TicketSealed, TokensRefreshed
from authflow.client.kept_users import KeptUsers
from authflow.client.observation import Observation
from authflow.client.observed_calls import Call, ObservedCalls
from authflow.client.observer import Observers
from authflow.client.pacing.pacing import Pacing
from authflow.client.password_proof import PasswordProof, utc_now
from authflow.client.refused_answer import left_behind, misleads
from authflow.client.remembered_devices import RememberedDevices, Remembering
from authflow.client.resumption import Resumption, claimed, resumption
from authflow.client.secret_rotation import SecretRotation
from authflow.client.signed_in_user import SignedInUser
from authflow.client.transport import Passage, Transport, open_transport
from authflow.config import AuthConfig, no_app_client
from authflow.device import Device, UnconfirmedDevice, checked_name
from authflow.errors import (
    AnswerNotSupportedError,
    AuthFlowError,
    ConfigError,
    DeviceRefusedError,
    JwksUnreachableError,
    MisuseError,
    NextStep,
    PasswordRequiredError,
    RefusedError,
)
from authflow.event_loop import HomeLoop
from authflow.forms.form import Filled, Form
from authflow.given_maps import GivenMap, checked_map, wrapped_map
from authflow.given_secrets import Unfit, checked, wrapped
from authflow.keys.key_ring import KeyProvider, KeyRing
from authflow.machine import AuthFlow, State
from authflow.plugins.client_challenge import ClientChallenge
from authflow.plugins.form_challenge import FormChallenge
from authflow.plugins.registry import CLIENT_CHALLENGES, PluginRegistry
from authflow.prompts.prompt import Prompt
from authflow.results import ChallengeRequired, SignedIn, SignInResult, Tokens, Unanswered
from authflow.secret import Secret
from authflow.stores.store import MemoryStore, Store
from authflow.tokens.usernames import unverified_username
from authflow.tokens.verifier import TokenVerifier
from authflow.unframed import Unframed, whole
from authflow.user_context import AdminContext, UserContext

T = TypeVar("T")
C = TypeVar("C", bound=UserContext | AdminContext)

_NEW_PASSWORD: Final = State.NEW_PASSWORD_REQUIRED


@whole
@define(eq=False)
class SignInClient(Generic[C]):
    """The sign-ins of a client, and what follows them: tickets, refreshing, kept users.

    Args:
        config: As `AuthClient`'s, and so are all others.
        challenges: Likewise.
        discover: Likewise.
        prefer: Likewise.
        assume: Likewise.
        clock: Likewise.
        observer: Likewise.
        keys: Likewise.
        store: Likewise.
        pacing: Likewise.
        remember_device: Likewise.
        device_name: Likewise.
    """

    context_kind: ClassVar[type[UserContext | AdminContext]] = UserContext
    """The class of what threat protection is told."""
    does_without_app_client: ClassVar[bool] = False
    """Whether there is anything to do with settings that name no app client."""

    config: AuthConfig
    challenges: Iterable[type[ClientChallenge | FormChallenge]] = field(default=(), kw_only=True)
    discover: bool = field(default=True, kw_only=True)
    prefer: Mapping[str, str] = field(factory=dict, kw_only=True)
    assume: str | None = field(default=None, kw_only=True)
    clock: Callable[[], datetime] = field(default=utc_now, kw_only=True)
    observer: Observers | None = field(default=None, kw_only=True)
    keys: KeyProvider | None = field(default=None, kw_only=True, repr=False)
    store: Store | None = field(default=None, kw_only=True, repr=False)
    pacing: Pacing | None = field(default=None, kw_only=True)
    _remember_device: Remembering = field(
        default="never", kw_only=True, repr=False, alias="remember_device"
    )
    device_name: str | None = field(default=None, kw_only=True)
    _answerer: Answerer = field(init=False, repr=False)
    _resumption: Resumption | None = field(init=False, repr=False)
    _proof: PasswordProof = field(init=False, repr=False)
    _tokens_verifier: TokenVerifier | None = field(init=False, repr=False)
    _kept_users: KeptUsers = field(init=False, repr=False)
    _devices: RememberedDevices = field(init=False, repr=False)
    _bound: BoundTokens = field(factory=BoundTokens, init=False, repr=False)
    _observation: Observation | None = field(init=False, repr=False)
    _calls: ObservedCalls = field(init=False, repr=False)
    _loop: HomeLoop = field(init=False, repr=False)
    _rotation: SecretRotation | None = field(init=False, repr=False)
    _transport: Transport | None = field(default=None, init=False, repr=False)
    _resources: AsyncExitStack = field(factory=AsyncExitStack, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        client_id = checked_config(self.config).client_id
        if client_id is None and not self.does_without_app_client:
            raise no_app_client()
        place = (self.config.user_pool_id, client_id or "")
        self.challenges = tuple(self.challenges)  # they are read again where a client is made anew
        checked_pacing(self.pacing)
        remembering = checked_remembering(self._remember_device)
        self.device_name = checked_name(self.device_name)
        self._answerer = Answerer(
            PluginRegistry(
                CLIENT_CHALLENGES,
                self.challenges,
                discover=self.discover,
                prefer=self.prefer,
            ),
            self.assume,
        )
        self._resumption = resumption(self.keys, self.store, place, self._now)
        self._observation = None if self.observer is None else Observation(self.observer)
        self._calls = ObservedCalls(
            observation=self._observation,
            keys=self.keys,
            user_pool_id=self.config.user_pool_id,
            registry=self._answerer.registry,
        )
        self._loop = HomeLoop(
            "this client",
            "open one client per event loop, by `async with AuthClient(config) as auth` in it",
        )
        named = client_id is not None
        self._rotation = SecretRotation.of(self.config) if named else None
        self._proof = PasswordProof(self.config.user_pool_id)
        self._tokens_verifier = (
            TokenVerifier(config=self.config, clock=self._now) if named else None
        )
        self._kept_users = KeptUsers(
            place=place,
            keys=self.keys,
            store=self.store,
            clock=self._now,
            enter=lambda: self._open_transport,
            renew=self._renewed,
            verify=self._counted,
            revoke=self.revoke,
            calls=self._calls,
        )
        self._devices = RememberedDevices(
            when=remembering,
            name=self.device_name,
            book=DeviceBook(
                place=place,
                keys=KeyRing.generate() if self.keys is None else self.keys,
                store=MemoryStore() if self.store is None else self.store,
                clock=self._now,
            ),
            proof=self._proof,
            send=self._send_within,
            ask_timeout=self.config.session_validity.total_seconds(),
        )

    async def __aenter__(self) -> Self:
        if self._transport is not None:
            self._loop.claim()
            msg = "this client is open already; use it, or make another one"
            raise MisuseError(msg)
        self._loop.claim()
        try:
            if self.config.verify_tokens and self.config.fetch_jwks_on_open:
                await self._verifier.fetch_keys()
            await self._calls.open()
            self._transport = await self._resources.enter_async_context(self._opened())
        finally:
            if self._transport is None:
                self._loop.leave()
        return self

    async def __aexit__(self, *error: object) -> None:
        self._loop.claim()
        try:
            try:
                await self._kept_users.aclose()
            finally:
                if self._resumption is not None:
                    await self._resumption.aclose()
        finally:
            self._loop.leave()
            self._transport = None
            await self._resources.aclose()

    async def sign_in(
        self,
        username: str,
        password: str | Secret[str] | None = None,
        *,
        flow: AuthFlow | None = None,
        client_metadata: Mapping[str, str] | None = None,
        context: C | None = None,
        device: Device | None = None,
        prompt: Prompt | None = None,
    ) -> SignInResult:
        """Sign a user in, as far as possible without asking the caller.

        Args:
            username: The user's name or an alias of it.
            password: The password. In CUSTOM_AUTH it makes SRP go first; without it the custom
                challenges are all there is.
            flow: The auth flow; by default the configured one.
            client_metadata: For the pool's triggers, sent with every request of this call. What
                goes with the first request reaches PreAuthentication and UserMigration only.
            context: What Cognito's threat protection is told of the user's device, with every
                request of this call.
            device: The user's device, which proves itself where the pool asks for it; by default
                the one that this client has for whoever has this name (`remember_device`). If the
                pool does not know it any more, the sign-in goes on without it.
            prompt: Lets installed client challenges ask the person and answer by themselves.

        Returns:
            SignedIn, or ChallengeRequired for a challenge that is the caller's to answer.

        Raises:
            MisuseError: An argument is not what it should be; nothing was sent.
            PasswordRequiredError: The flow needs a password.
            ClientSecretsUnavailableError: The app client's secret cannot be had.
            StateError: Devices are remembered, and the store or the keys cannot be asked; before
                the first request nothing was sent.
            DeviceRefusedError: The pool did not take the device's proof: sign in again. It is
                raised only where the person has answered something already; else it was done.
            RefusedError: The pool said no; the class says why.
            RemoteProtocolError: The server is not what it should be; nothing secret was sent to it
                after that.
            TransportError: There was no reply that can be relied on.
            PluginError: A client challenge is broken.
            TokenError: The tokens are not the user pool's.
            JwksUnreachableError: There are tokens, and the keys to verify them by cannot be had: a
                TransportError with the tokens in it, which `verify` takes later.
        """
        password = None if password is None else wrapped(password)
        given = wrapped_map(client_metadata)
        del client_metadata  # from here on no frame holds it in clear
        wrong = wrong_context(context, self.context_kind) or wrong_device(device)
        if wrong is not None:
            del context, device  # one may be the password, in the wrong place
            raise wrong
        flow = self.config.flow if flow is None else checked_flow(flow)
        if password is not None:
            password = checked("password", password, empty=True)
        username, prompt = checked_username(username), checked_prompt(prompt)
        metadata = checked_map("client_metadata", given)
        if flow is not AuthFlow.CUSTOM_AUTH and password is None:
            msg = f"{flow} needs a password; only CUSTOM_AUTH does without"
            raise PasswordRequiredError(msg)
        with Unframed(), self._calls.sign_in(flow, username) as call:
            conversations = await self._conversations(
                metadata, context, finds=device is None, sign_in_id=call.sign_in_id
            )
            if device is None:
                device = await self._devices.find(username)
            begun = conversations.sign_in(flow, username, password, now=self._now(), device=device)
            return call.gave(await self._carry_on(begun, prompt, call))

    def form(self, pending: ChallengeRequired) -> Form | Unanswered | None:
        """Return the form of a challenge, for a page that asks by itself.

            match auth.form(pending):
                case Form() as form:
                    page = form.to_json()  # and later:
                    result = await auth.answer(pending, form.fill(values))

        It asks nobody, sends nothing and stores nothing: with the same plugins it gives an equal
        form for the same challenge, as often as it is asked. Of pictures and sounds that a ticket
        left out it says that they were shown before.

        Args:
            pending: What the last call gave.

        Returns:
            The form: of Cognito's own challenges, of a choice that authflow's triggers offer, or of
            a client challenge that has forms (interface 2). Declined, Suspended or OtherFactor if
            the client challenge says so. None if no installed one has a form for it.

        Raises:
            PluginError: The client challenge is broken, or the challenge is not one of its own.
            MalformedReplyError: The challenge is not as Cognito documents it.
            SignInOverError: `pending` is a SignedIn.
            MisuseError: `pending` is something else.
        """
        wrong = wrong_pending(pending)
        if wrong is not None:
            del pending
            raise wrong
        with Unframed():
            return self._answerer.form(pending.challenge)

    async def answer(
        self,
        pending: ChallengeRequired,
        answer: Answer,
        *,
        attributes: Mapping[str, str] | None = None,
        client_metadata: Mapping[str, str] | None = None,
        context: C | None = None,
        device: Device | None = None,
        prompt: Prompt | None = None,
    ) -> SignInResult:
        """Answer a challenge, and go on as `sign_in` does.

        A wrong answer to a custom challenge gives another ChallengeRequired, whose challenge knows
        that it is a retry and which attempt. A wrong code for MFA raises CodeMismatchError and a
        new password that does not conform NewPasswordRejectedError: the same `pending` can be
        answered again. A client with a store claims the challenge before it sends the answer: of
        two answers one is sent. What can be answered again is given back, and so is what surely was
        not sent; after a lost reply, or a crash, it stays claimed. A choice that the client does
        not have to send claims nothing. If an answer counted, and what had to follow it in the same
        call failed for a while, that is an OutcomeUnknownError: begin anew.

        Args:
            pending: What the last call gave, or `resume`. It stays as it is.
            answer: A text, in a `Secret` or not, does for every challenge; `Code`, `Choice` and
                `NewPassword` say what they are, and are refused where they do not belong. What
                `form(pending)` was filled in with does where there is a form.
            attributes: User attributes that NEW_PASSWORD_REQUIRED asks for, beside a text.
            client_metadata: For the triggers that this answer fires.
            context: As for `sign_in`; a call before it tells nothing of this one's.
            device: The user's device; by default the sign-in's, or, after `resume`, the one that
                this client has for the user.
            prompt: Lets installed client challenges ask the person and answer by themselves.

        Raises:
            AnswerNotSupportedError: The challenge takes another kind of answer; the error names it.
            AskAgainError: What was filled in cannot be an answer; nothing was sent.
            SessionExpiredError: The time for an answer is over; nothing was sent.
            SessionSpentError: Another answer came first, here or in another process.
            DeviceRequiredError: The pool asks for the proof of a device that is not at hand here:
                begin the sign-in anew, or pass `device`.
            StateError: The client has a store, and it or the keys cannot be asked; before the
                first request nothing was sent.
            SignInOverError: `pending` is a SignedIn.
            MisuseError: `pending` or another argument is not what it should be; nothing was sent.
            AuthFlowError: As `sign_in`.
        """
        answer = hidden(answer)  # from here on no frame holds the text itself
        given, given_attributes = wrapped_map(client_metadata), wrapped_map(attributes)
        wrong = (
            wrong_pending(pending)
            or wrong_context(context, self.context_kind)
            or wrong_device(device)
        )
        if wrong is not None:
            # They may hold the answer, in the wrong place.
            del pending, attributes, client_metadata, context, device
            raise wrong
        del attributes, client_metadata
        answer, prompt = read_answer(answer), checked_prompt(prompt)
        metadata = checked_map("client_metadata", given)
        completed = checked_map("attributes", given_attributes)
        if isinstance(answer, Filled):
            with Unframed():
                answer = self._answerer.read(pending.challenge, answer)
        if not completed.is_empty:
            if not isinstance(answer, Secret) or pending.challenge.name != _NEW_PASSWORD:
                msg = f"attributes go with the text that answers {_NEW_PASSWORD}, and nothing else"
                raise AnswerNotSupportedError(msg)
            answer = NewPassword(answer, attributes=completed.reveal())
        with Unframed(), self._calls.going_on("answer", pending.sign_in) as call:
            call.answered(pending.challenge, by="caller")
            sign_in = call.begins(pending.sign_in)
            finds = (device or sign_in.device) is None
            conversations = await self._conversations(metadata, context, finds=finds)
            if finds:
                found = await self._devices.find(sign_in.canonical_username)
                sign_in = sign_in.from_found(found)
            elif device is not None:
                sign_in = evolve(sign_in, device=device)
            pending = evolve(pending, sign_in=sign_in)
            begun = conversations.answer(pending, answer, now=self._now())
            return call.gave(await self._carry_on(begun, prompt, call, pending))

    async def seal(self, pending: ChallengeRequired, *, pictures: bool = False) -> str:
        """Seal a pending sign-in in a ticket, with which any process goes on that has the keys.

            ticket = await auth.seal(pending)  # into the page, or a cookie; and in another process:
            pending = await auth.resume(ticket)
            result = await auth.answer(pending, answer)

        A ticket is a text for URLs and cookies of at most 3,800 characters. It holds no password,
        shows nothing, and ends when its challenge does. What is longer is kept in the store, and
        the ticket is a handle for it. Each challenge has a ticket of its own: the next one's is
        sealed anew.

        Args:
            pending: What the last call gave.
            pictures: Whether the challenge's pictures and sounds come along. Without, `form` says
                that they were shown before.

        Raises:
            SessionExpiredError: The time for an answer is over.
            ConfigError: The client has no keys; or the ticket is too long, and there is no store.
            StateError: The keys or the store cannot be asked.
            SignInOverError: `pending` is a SignedIn.
            MisuseError: `pending` is something else, or too long for a store; or `pictures` is
                neither True nor False.
        """
        wrong = wrong_pending(pending) or wrong_flag("pictures", pictures)
        if wrong is not None:
            del pending, pictures
            raise wrong
        with Unframed(), self._calls.going_on("seal", pending.sign_in) as call:
            call.ends(TicketSealed)
            pending = evolve(pending, sign_in=call.begins(pending.sign_in))
            return await self._resumes.tickets.seal(pending, pictures=pictures)

    async def resume(self, ticket: str | Secret[str]) -> ChallengeRequired:
        """Open a ticket. It can be opened again and again; only to answer it counts.

        Args:
            ticket: What `seal` gave, from wherever it comes.

        Returns:
            What was sealed, to be answered here. Nothing is sent.

        Raises:
            SessionExpiredError: The time for an answer is over: begin anew.
            TicketVersionError: Another version of authflow sealed it; the text says what to do.
            SealError: It is no ticket of this app client, or was altered: begin anew.
            ConfigError: The client has no keys; or it is a handle, and there is no store.
            StateError: The keys or the store cannot be asked.
            MisuseError: It is no text.
        """
        ticket = wrapped(ticket)
        with Unframed(), self._calls.other("resume") as call:
            call.ends(TicketResumed)
            pending = await self._resumes.resume(ticket)
            call.belongs_to(pending.sign_in)
            return pending

    async def refresh(
        self,
        refresh_token: str | Secret[str],
        *,
        device: Device | UnconfirmedDevice | None = None,
        client_metadata: Mapping[str, str] | None = None,
    ) -> Tokens:
        """Get new tokens for a refresh token.

        Args:
            refresh_token: From `Tokens.refresh_token`.
            device: `Tokens.device` that came with it, in a pool that remembers devices: there a
                refresh token is good from its device alone. This client knows by itself those of
                the tokens that it was given last.
            client_metadata: For the pool's PreTokenGeneration trigger.

        Returns:
            New access and id tokens, verified. The refresh token in them is the one to use next:
            a new one if the pool rotates them, else the one that was given.

        Raises:
            MisuseError: The refresh token is no text, the device none, or the metadata no map of
                texts.
            TokenRevokedError: The refresh token is no longer good, or comes from another device.
            AuthFlowError: As `sign_in`.
        """
        refresh_token = wrapped(refresh_token)
        given = wrapped_map(client_metadata)
        del client_metadata
        refresh_token = checked("refresh_token", refresh_token)
        metadata = checked_map("client_metadata", given)
        if device is not None and not isinstance(device, Device | UnconfirmedDevice):
            kind = type(device).__name__
            del device
            msg = f"device must be the Tokens.device that came with the token, not {kind}"
            raise MisuseError(msg)
        with self._calls.other("refresh") as call:
            call.ends(TokensRefreshed)
            tokens = await self._counted(await self._renewed(refresh_token, device, metadata))
            call.has(tokens)
            return tokens

    async def _renewed(
        self,
        refresh_token: Secret[str],
        device: Device | UnconfirmedDevice | None = None,
        metadata: GivenMap | None = None,
    ) -> Tokens:
        """Get new tokens, which are not verified yet."""
        transport = self._open_transport
        device = device or self._bound.device(refresh_token)
        with Unframed():
            identity = await self._secrets.identity()
            request = identity.refresh(
                refresh_token, metadata, device_key=None if device is None else device.key
            )
            tokens = await self._secrets.send(transport, request, wire.read_refreshed)
        # The refresh token is added before the verification: the old one may be spent, and the new
        # one must not be lost if the keys cannot be fetched.
        tokens = evolve(
            tokens,
            refresh_token=tokens.refresh_token or refresh_token,
            device=device or tokens.device,
        )
        self._bound.note(tokens)
        return tokens

    async def remember_device(
        self, signed_in: SignedIn, *, name: str | None = None, keep: bool = True
    ) -> SignedIn:
        """Confirm the new device of a user who has just signed in, or take the person's word on it.

            result = await auth.sign_in("ada", "correct horse")     # remember_device="ask"
            if isinstance(result.tokens.device, UnconfirmedDevice):
                result = await auth.remember_device(result, keep=person_says_yes)

        With "caller" the device is confirmed already: a yes tells the pool that the person wants it
        remembered, which some pools wait for. To call it again, or twice at once, does no harm: in
        one process the device stays the same, also after a reply that was lost.

        Args:
            signed_in: The result of the sign-in; its `tokens.device` is the device.
            name: What a new device is called in the user's list; by default `device_name`.
            keep: Whether later sign-ins may prove the device. If not, it serves to refresh these
                tokens alone, and what could prove it is thrown away, here and in the result.

        Returns:
            The same, with the confirmed device. A client that remembers devices keeps it, unless it
            has one for this user: then that one stays, and the new one serves to refresh these
            tokens alone. Any other client leaves it to you, who pass it to `sign_in` and `answer`.

        Raises:
            MisuseError: It is no SignedIn, or came with no device, or what could prove the device
                was thrown away; nothing was sent.
            DeviceRefusedError: The pool does not know the device any more.
            DeviceConfirmedError: Another process has confirmed it.
            OutcomeUnknownError: The reply was lost: call it again, in this process.
            StateError: The store or the keys cannot be asked: the device is confirmed, not kept.
            AuthFlowError: As `refresh`. If the pool has not got the person's word, the next sign-in
                from a device that is kept here brings it.
        """
        if not isinstance(signed_in, SignedIn):
            msg = f"remember_device takes the SignedIn of a sign-in, not {type(signed_in).__name__}"
            del signed_in
            raise MisuseError(msg)
        wrong = wrong_flag("keep", keep)
        if wrong is not None:
            raise wrong
        named = checked_name(name)
        with Unframed(), self._calls.other("remember_device", signed_in.username):
            result = await self._devices.remember(signed_in, named, keep=keep)
        self._bound.note(result.tokens)
        return result

    async def keep(
        self, signed_in: SignedIn, *, validity: timedelta = timedelta(days=30)
    ) -> SignedInUser:
        """Keep a user who has just signed in: from now on the tokens are fresh when asked for.

        Every sign-in is kept apart, such as those of one user on several devices. Without `keys`
        and `store` the user is kept in this process, until the client is closed.

        Args:
            signed_in: The result of the sign-in.
            validity: How long the refresh token is valid, as the app client says
                (`RefreshTokenValidity`). Clients cannot read it from Cognito; where it is shorter
                there, Cognito's counts.

        Raises:
            MisuseError: It is no SignedIn, or has no refresh token, or the time is not above zero
                and at most ten years.
            StateError: The store or the keys cannot be asked: the user is not kept.
        """
        if not isinstance(signed_in, SignedIn):
            msg = f"keep takes the SignedIn of a sign-in, not {type(signed_in).__name__}"
            del signed_in  # it may be the text of a token, and tracebacks show locals
            raise MisuseError(msg)
        with Unframed():
            return SignedInUser(self._users, await self._users.keep(signed_in, validity))

    async def kept(self, handle: str | Secret[str]) -> SignedInUser:
        """Find a kept user again, in any process with the same `keys` and `store`.

        One whose sign-out was begun and failed is found too: it gives no tokens, and `sign_out`
        goes on. So is one whose `validity` is over, by this machine's clock, as long as there is
        something to revoke.

        Args:
            handle: The user's `handle`, as it came back in a cookie.

        Raises:
            SignedOutError: Nobody is signed in under this handle, or not any more.
            SealError: The entry was altered, or comes from elsewhere.
            StateError: The store or the keys cannot be asked, and no token that is good is known
                here.
            MisuseError: It is no text.
        """
        handle = wrapped(handle)
        if isinstance(handle, Unfit) and handle.text:  # from outside: not the caller's fault
            handle = Secret("")
        handle = checked("handle", handle, empty=True)
        with Unframed():
            return SignedInUser(self._users, await self._users.find(handle))

    async def revoke(self, refresh_token: str | Secret[str]) -> None:
        """Revoke a refresh token, and the access tokens that were issued from it.

        Args:
            refresh_token: From `Tokens.refresh_token`.

        Raises:
            MisuseError: The refresh token is no text.
            AuthFlowError: It may still be good.
        """
        refresh_token = wrapped(refresh_token)
        refresh_token = checked("refresh_token", refresh_token)
        transport = self._open_transport
        with Unframed(), self._calls.other("revoke"):
            identity = await self._secrets.identity()
            await self._secrets.send(transport, identity.revoke(refresh_token), wire.read_done)

    @overload
    async def verify(self, issued: SignedIn) -> SignedIn: ...
    @overload
    async def verify(self, issued: Tokens) -> Tokens: ...

    async def verify(self, issued: SignedIn | Tokens) -> SignedIn | Tokens:
        """Verify the tokens that a JwksUnreachableError carries. Only the keys are fetched.

        A new device that came with them is left to `remember_device`.

            try:
                result = await auth.sign_in("ada", "correct horse")
            except JwksUnreachableError as error:
                await anyio.sleep(error.retry_after)
                result = await auth.verify(error.signed_in)

        Args:
            issued: `signed_in` of the error; after `refresh`, its `tokens`.

        Returns:
            The same, and from now on it counts. A SignedIn has the name that its tokens tell.

        Raises:
            TokenError: The tokens are not the user pool's.
            JwksUnreachableError: The keys still cannot be had; it carries the tokens again.
            MisuseError: It is something else.
        """
        if not isinstance(issued, SignedIn | Tokens):
            msg = f"verify takes a SignedIn or Tokens, not {type(issued).__name__}"
            del issued  # it may be the text of a token, and tracebacks show locals
            raise MisuseError(msg)
        username = issued.username if isinstance(issued, SignedIn) else None
        with self._calls.other("verify", username) as call:
            result = await self._counted(issued)
            if isinstance(result, SignedIn):
                call.gave(result)
            return result

    @overload
    async def _counted(self, issued: SignedIn) -> SignedIn: ...
    @overload
    async def _counted(self, issued: Tokens) -> Tokens: ...

    async def _counted(self, issued: SignedIn | Tokens) -> SignedIn | Tokens:
        """Verify tokens; from now on they count."""
        result = await self._verified(issued)
        if isinstance(result, SignedIn):
            result = self._devices.of_its_user(result)
        self._bound.note(result.tokens if isinstance(result, SignedIn) else result)
        return result

    async def _verified(self, issued: SignedIn | Tokens) -> SignedIn | Tokens:
        tokens = issued.tokens if isinstance(issued, SignedIn) else issued
        if not self.config.verify_tokens:
            username = unverified_username(tokens)
        else:
            try:
                with Unframed():
                    username = await self._verifier.verify(tokens)
            except JwksUnreachableError as error:
                error.signed_in = issued if isinstance(issued, SignedIn) else None
                raise
        # The tokens' username is surer than that of the replies, which may name an alias or none.
        if isinstance(issued, SignedIn) and username is not None:
            return evolve(issued, username=username)
        return issued

    async def _carry_on(
        self,
        conversation: Conversation,
        prompt: Prompt | None,
        call: Call,
        answered: ChallengeRequired | None = None,
    ) -> SignInResult:
        """Run a conversation to its end: carry out each step, and send it the result."""
        try:
            step = next(conversation)
        except StopIteration as over:  # there was nothing to send, only to ask
            asked: SignInResult = over.value
            return asked
        result = await self._carried(conversation, step, prompt, call, answered)
        if isinstance(result, SignedIn):
            result = await self._devices.settled(result, prompt)
            self._bound.note(result.tokens)
        return result

    async def _carried(
        self,
        conversation: Conversation,
        step: Step,
        prompt: Prompt | None,
        call: Call,
        answered: ChallengeRequired | None,
    ) -> SignInResult:
        """Carry out the first step of a conversation, and all others.

        An answer is sent under the claim on what it answers. A step that sends nothing claims
        nothing; and where what was sent counted for nothing, the next one that is sent claims anew.
        """
        has_counted = False
        while True:
            try:
                # The result is never a local variable: it may be tokens, and tracebacks show them.
                if has_counted or not isinstance(step, Send):
                    came = Came(await self._carry_out(step, prompt, call), self._now())
                else:
                    passage = Passage()
                    async with claimed(self._resumption, answered, passage):
                        came = Came(await self._carry_out(step, prompt, call, passage), self._now())
                    has_counted = passage.is_in_flight
                step = conversation.send(came)
            except StopIteration as over:
                result: SignInResult = over.value
                return result
            except AuthFlowError as error:
                if answered is None or not has_counted or not misleads(error):
                    raise
                raise left_behind(error) from None

    async def _carry_out(
        self, step: Step, prompt: Prompt | None, call: Call, passage: Passage | None = None
    ) -> object:
        """Carry out one step of a conversation."""
        match step:
            case Send():
                call.sends()
                return call.replied(await self._sent(step, passage))
            case FindDevice(name):
                return await self._devices.look(name)
            case ForgetDevice(device, name):
                await self._devices.drop(device, name)
                return None
            case DrawProver():
                return await self._proof.begin()
            case Prove(prover, asked, password, name):
                return await self._proof.prove(prover, asked, password, self._time(), name=name)
            case Ask(challenge=challenge, chosen=chosen, until=until, refused=refused):
                call.asked(challenge)
                return call.heard(
                    await self._answerer.answer(
                        challenge,
                        prompt,
                        chosen=chosen,
                        timeout=until - self._now(),
                        refused=refused,
                    )
                )
            case Verify(signed_in):
                return await self._counted(signed_in)

    async def _sent(self, step: Send, passage: Passage | None) -> object:
        """Send a request; once more without the device in it, if the pool does not know that."""
        try:
            return await self._send(step, step.request, passage)
        except DeviceRefusedError:
            if step.device is None:
                raise
        return WithoutDevice(await self._send(step, step.request.without_device(), passage))

    async def _send(self, step: Send, request: wire.Request, passage: Passage | None) -> object:
        try:
            return await self._secrets.send(self._open_transport, request, step.read, passage)
        except RefusedError as error:
            again = step.correctable and error.next_step is NextStep.RETRY_SAME_CHALLENGE
            if not again and not isinstance(error, step.given_back):
                raise
            return error.with_traceback(None)

    async def _send_alone(self, request: wire.Request, read: Callable[[Mapping[str, Any]], T]) -> T:
        """Send a request that stands for itself, on an access token."""
        with self._calls.on_account(lambda: request):
            return await self._send_within(request, read)

    async def _send_within(
        self, request: wire.Request, read: Callable[[Mapping[str, Any]], T]
    ) -> T:
        """Send a request that belongs to whichever call it is sent in."""
        return await self._open_transport.send(request, read)

    async def _send_named(
        self,
        make: Callable[[wire.ClientIdentity, wire.ToldContext | None], wire.Request],
        read: Callable[[Mapping[str, Any]], T],
        context: UserContext | None,
    ) -> T:
        """Send a request about an account, signed by the app client's secret."""
        transport = self._open_transport
        with self._calls.on_account(lambda: make(self.config.app_client, None)):
            identity = await self._secrets.identity()
            told = self._told(context)
            if told is not None:
                told = evolve(told, at=self._now())
            return await self._secrets.send(transport, make(identity, told), read)

    def _told(self, context: UserContext | AdminContext | None) -> wire.ToldContext | None:
        if context is None:
            return None
        return wire.ToldContext(context=context, user_pool_id=self.config.user_pool_id)

    async def _conversations(
        self,
        client_metadata: GivenMap,
        context: C | None,
        *,
        finds: bool,
        sign_in_id: str | None = None,
    ) -> Conversations:
        _ = self._open_transport  # otherwise it raises only after the proof has begun
        return Conversations(
            app_client=await self._secrets.identity(),
            session_validity=self.config.session_validity.total_seconds(),
            app_name=self._app_name,
            client_metadata=client_metadata,
            context=self._told(context),
            finds=finds and self._devices.finds,
            sign_in_id=sign_in_id,
        )

    @property
    def _app_name(self) -> str:
        return self.config.app_name or self.config.user_pool_id

    @property
    def _secrets(self) -> SecretRotation:
        if self._rotation is None:
            raise no_app_client()
        return self._rotation

    @property
    def is_users_device(self) -> bool:
        """Whether this client is a device of its users: what proves it is kept, and found here."""
        return self._devices.finds

    @property
    def _verifier(self) -> TokenVerifier:
        if self._tokens_verifier is None:
            raise no_app_client()
        return self._tokens_verifier

    @property
    def _users(self) -> KeptUsers:
        if self.config.client_id is None:
            raise no_app_client()
        return self._kept_users

    @property
    def _resumes(self) -> Resumption:
        if self.config.client_id is None:
            raise no_app_client()
        if self._resumption is None:
            msg = (
                "tickets are sealed by keys: pass AuthClient(..., keys=KeyRing.from_environment())"
            )
            raise ConfigError(msg)
        return self._resumption

    def _opened(self) -> AbstractAsyncContextManager[Transport]:
        return open_transport(self.config, self._observation, self.pacing)

    @property
    def _open_transport(self) -> Transport:
        if self._transport is None:
            msg = f"open the client first: async with {type(self).__name__}(config) as client: ..."
            raise MisuseError(msg)
        self._loop.claim()
        return self._transport

    def _time(self) -> datetime:
        return checked_time(self.clock())

    def _now(self) -> float:
        return self._time().timestamp()
