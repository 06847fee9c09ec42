"""`AuthClient` for synchronous code.

Written by `.ci/sync_faces.py`, from
`authflow.client.auth_client.AuthClient`: `make sync-faces` renews it.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import overload

import authflow.client.auth_client as asynchronous
from authflow.account import CodeDelivery, ConfirmedSignUp, SignedUp, UserProfile
from authflow.answers import Answer
from authflow.client.observer import Observers
from authflow.client.pacing.pacing import Pacing
from authflow.client.password_proof import utc_now
from authflow.client.remembered_devices import Remembering
from authflow.config import AuthConfig
from authflow.device import Device, ListedDevice, UnconfirmedDevice
from authflow.forms.form import Form
from authflow.keys.key_ring import KeyProvider
from authflow.machine import AuthFlow
from authflow.mfa import MfaPreference, NewAuthenticator, SecondFactor
from authflow.plugins.client_challenge import ClientChallenge
from authflow.plugins.form_challenge import FormChallenge
from authflow.prompts.prompt import Prompt
from authflow.results import ChallengeRequired, SignedIn, SignInResult, Tokens, Unanswered
from authflow.secret import Secret
from authflow.stores.store import Store
from authflow.sync.client_face import ClientFace
from authflow.sync.plain_prompt import PlainPrompt, asked_by
from authflow.sync.signed_in_user import SignedInUser
from authflow.unframed import whole
from authflow.user_context import UserContext


@whole
class AuthClient(ClientFace[asynchronous.AuthClient]):
    """Signs users in to one user pool, for synchronous code. One for a process and pool is enough.

        auth = AuthClient(AuthConfig.from_env())

        def log_in(username: str, password: str) -> str:
            match auth.sign_in(username, password):
                case SignedIn() as signed_in:
                    return auth.keep(signed_in).handle.reveal()
                case ChallengeRequired() as pending:
                    return auth.seal(pending)

    Open by the first call, once in each process, and closed at the end of the program: keep one in
    a module, and use it from any number of threads. A client that was made before `fork` serves in
    the child processes as well, with connections of their own. `with AuthClient(config) as auth`
    closes it earlier. Ctrl-C ends the call that it interrupts.

    Args:
        config: Which pool, and how.
        challenges: Classes of client challenges, registered explicitly.
        discover: Whether to look for further ones among the installed distributions.
        prefer: For a challenge's name, the distribution to take it from if several bring it.
        assume: The client challenge that answers custom challenges whose triggers do not say what
            they are, as those of Cognito's documented sample: "captcha".
        clock: Gives the time of day, aware. It must agree with Cognito's to a few minutes.
        observer: An `Observer`, which is told of the events of every call; or a plain function,
            which is told of every `Exchange` with Cognito; or a list of several. Secrets are in
            neither. If one raises, the log says so once, and the sign-in goes on.
        keys: Seal what outlives a call, tickets (`seal`, `resume`) and the tokens of users that are
            kept fresh (`keep`), and name what is in the store. All processes have the same.
        store: Keeps it for all processes: the claim on each challenge that is answered, so that of
            two answers one is sent; what is too long for a ticket; kept users. It goes with keys.
            Without it Cognito decides between two answers.
        pacing: Has requests wait for their turn, so that Cognito need not throttle them; one for
            all clients.
        remember_device: What becomes of the new device that a pool that remembers devices gives
            with tokens. "always": it is confirmed, kept in the store, or else in this process, and
            proved by the next sign-in of its user; the client is the device then, so whoever signs
            in by it is spared the second factors that a remembered device spares. "ask": so it is
            if the person says yes to the prompt; without one, or if it fails or waits in vain, the
            device waits for `remember_device`. Both are for a person's own machine. "caller", for a
            service whose users have devices of their own: it is confirmed and handed to you with
            its password, as `Tokens.device`; this client keeps none and finds none, and what you
            pass as `device=` is all that it proves. "never": it is confirmed, since otherwise
            Cognito refuses to refresh the tokens, and what could prove it is thrown away.
        device_name: What new devices are called in the user's list.

    Raises:
        MisuseError: The config or the pacing is none, or the observer is no observer, or a
            coroutine function; or there is no such `remember_device`.
        ConfigError: The keys or the store are none, or there is a store without keys. A call that
            needs the time of day raises it if the clock gives none, or one without a time zone.
    """

    def __init__(
        self,
        config: AuthConfig,
        *,
        challenges: Iterable[type[ClientChallenge | FormChallenge]] = (),
        discover: bool = True,
        prefer: Mapping[str, str] = MappingProxyType({}),
        assume: str | None = None,
        clock: Callable[[], datetime] = utc_now,
        observer: Observers | None = None,
        keys: KeyProvider | None = None,
        store: Store | None = None,
        pacing: Pacing | None = None,
        remember_device: Remembering = "never",
        device_name: str | None = None,
    ) -> None:
        super().__init__(
            asynchronous.AuthClient(
                config=config,
                challenges=challenges,
                discover=discover,
                prefer=prefer,
                assume=assume,
                clock=clock,
                observer=observer,
                keys=keys,
                store=store,
                pacing=pacing,
                remember_device=remember_device,
                device_name=device_name,
            )
        )

    def sign_out(self, access_token: str | Secret[str]) -> None:
        """Sign the user out everywhere: all of the user's tokens are revoked.

        Args:
            access_token: From `Tokens.access_token`.

        Raises:
            MisuseError: The access token is no text.
            AuthFlowError: The user may still be signed in.
        """
        call = self._prepare(asynchronous.AuthClient.sign_out, access_token)
        del access_token  # no frame of an error holds them
        call.result()

    def sign_in(
        self,
        username: str,
        password: str | Secret[str] | None = None,
        *,
        flow: AuthFlow | None = None,
        client_metadata: Mapping[str, str] | None = None,
        context: UserContext | None = None,
        device: Device | None = None,
        prompt: PlainPrompt | Prompt | None = None,
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
        call = self._prepare(
            asynchronous.AuthClient.sign_in,
            username,
            password,
            flow=flow,
            client_metadata=client_metadata,
            context=context,
            device=device,
            prompt=asked_by(prompt),
        )
        del (
            username,
            password,
            flow,
            client_metadata,
            context,
            device,
            prompt,
        )  # no frame of an error holds them
        return call.result()

    def form(self, pending: ChallengeRequired) -> Form | Unanswered | None:
        """Return the form of a challenge, for a page that asks by itself.

            match auth.form(pending):
                case Form() as form:
                    page = form.to_json()  # and later:
                    result = auth.answer(pending, form.fill(values))

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
        return self._asynchronous.form(pending)

    def answer(
        self,
        pending: ChallengeRequired,
        answer: Answer,
        *,
        attributes: Mapping[str, str] | None = None,
        client_metadata: Mapping[str, str] | None = None,
        context: UserContext | None = None,
        device: Device | None = None,
        prompt: PlainPrompt | Prompt | None = None,
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
        call = self._prepare(
            asynchronous.AuthClient.answer,
            pending,
            answer,
            attributes=attributes,
            client_metadata=client_metadata,
            context=context,
            device=device,
            prompt=asked_by(prompt),
        )
        del (
            pending,
            answer,
            attributes,
            client_metadata,
            context,
            device,
            prompt,
        )  # no frame of an error holds them
        return call.result()

    def seal(self, pending: ChallengeRequired, *, pictures: bool = False) -> str:
        """Seal a pending sign-in in a ticket, with which any process goes on that has the keys.

            ticket = auth.seal(pending)  # into the page, or a cookie; and in another process:
            pending = auth.resume(ticket)
            result = auth.answer(pending, answer)

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
        call = self._prepare(asynchronous.AuthClient.seal, pending, pictures=pictures)
        del pending, pictures  # no frame of an error holds them
        return call.result()

    def resume(self, ticket: str | Secret[str]) -> ChallengeRequired:
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
        call = self._prepare(asynchronous.AuthClient.resume, ticket)
        del ticket  # no frame of an error holds them
        return call.result()

    def refresh(
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
        call = self._prepare(
            asynchronous.AuthClient.refresh,
            refresh_token,
            device=device,
            client_metadata=client_metadata,
        )
        del refresh_token, device, client_metadata  # no frame of an error holds them
        return call.result()

    def remember_device(
        self, signed_in: SignedIn, *, name: str | None = None, keep: bool = True
    ) -> SignedIn:
        """Confirm the new device of a user who has just signed in, or take the person's word on it.

            result = auth.sign_in("ada", "correct horse")     # remember_device="ask"
            if isinstance(result.tokens.device, UnconfirmedDevice):
                result = auth.remember_device(result, keep=person_says_yes)

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
        call = self._prepare(
            asynchronous.AuthClient.remember_device, signed_in, name=name, keep=keep
        )
        del signed_in, name, keep  # no frame of an error holds them
        return call.result()

    def keep(
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
        call = self._prepare(asynchronous.AuthClient.keep, signed_in, validity=validity)
        del signed_in, validity  # no frame of an error holds them
        return SignedInUser(self, call.result())

    def kept(self, handle: str | Secret[str]) -> SignedInUser:
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
        call = self._prepare(asynchronous.AuthClient.kept, handle)
        del handle  # no frame of an error holds them
        return SignedInUser(self, call.result())

    def revoke(self, refresh_token: str | Secret[str]) -> None:
        """Revoke a refresh token, and the access tokens that were issued from it.

        Args:
            refresh_token: From `Tokens.refresh_token`.

        Raises:
            MisuseError: The refresh token is no text.
            AuthFlowError: It may still be good.
        """
        call = self._prepare(asynchronous.AuthClient.revoke, refresh_token)
        del refresh_token  # no frame of an error holds them
        call.result()

    @overload
    def verify(self, issued: SignedIn) -> SignedIn: ...
    @overload
    def verify(self, issued: Tokens) -> Tokens: ...
    def verify(self, issued: SignedIn | Tokens) -> SignedIn | Tokens:
        """Verify the tokens that a JwksUnreachableError carries. Only the keys are fetched.

        A new device that came with them is left to `remember_device`.

            try:
                result = auth.sign_in("ada", "correct horse")
            except JwksUnreachableError as error:
                time.sleep(error.retry_after)
                result = auth.verify(error.signed_in)

        Args:
            issued: `signed_in` of the error; after `refresh`, its `tokens`.

        Returns:
            The same, and from now on it counts. A SignedIn has the name that its tokens tell.

        Raises:
            TokenError: The tokens are not the user pool's.
            JwksUnreachableError: The keys still cannot be had; it carries the tokens again.
            MisuseError: It is something else.
        """
        call = self._prepare(asynchronous.AuthClient.verify, issued)  # type: ignore[arg-type]
        del issued  # no frame of an error holds them
        return call.result()

    @property
    def is_users_device(self) -> bool:
        """Whether this client is a device of its users: what proves it is kept, and found here."""
        return self._asynchronous.is_users_device

    def sign_up(
        self,
        username: str,
        password: str | Secret[str] | None = None,
        *,
        attributes: Mapping[str, str] | None = None,
        validation_data: Mapping[str, str] | None = None,
        client_metadata: Mapping[str, str] | None = None,
        context: UserContext | None = None,
    ) -> SignedUp:
        """Sign a new user up.

            signed_up = auth.sign_up("ada", "Correct-horse-1", attributes={"email": address})
            if not signed_up.confirmed:
                auth.confirm_sign_up("ada", input(f"The code sent to {address}: "))
            result = auth.sign_in("ada", "Correct-horse-1")

        Args:
            username: The new name; where the pool's usernames are addresses, the address.
            password: The password; None in a pool that signs users in without one.
            attributes: The user attributes, such as "email"; the pool's own ones are
                "custom:...".
            validation_data: For the pool's PreSignUp trigger; it is not stored.
            client_metadata: For PreSignUp, CustomMessage and PostConfirmation; neither.
            context: What Cognito's threat protection is told of the user's device.

        Returns:
            The new account. Unless it is confirmed already, a code has been sent.

        Raises:
            AliasExistsError: The name, or an address in it, is another account's.
            NewPasswordRejectedError: The password does not meet the pool's policy.
            AttributeRejectedError: The pool rejects an attribute, or lacks one.
            PoolSetupError: In this pool only administrators create users.
            CodeDeliveryError: There is an account, and its code could not be sent: `resend_code`.
            OutcomeUnknownError: The reply was lost: there may be an account.
            MisuseError: An argument is not what it should be; nothing was sent.
            AuthFlowError: As `sign_in`.
        """
        call = self._prepare(
            asynchronous.AuthClient.sign_up,
            username,
            password,
            attributes=attributes,
            validation_data=validation_data,
            client_metadata=client_metadata,
            context=context,
        )
        del (
            username,
            password,
            attributes,
            validation_data,
            client_metadata,
            context,
        )  # no frame of an error holds them
        return call.result()

    def confirm_sign_up(
        self,
        user: str | SignedUp,
        code: str | Secret[str],
        *,
        takes_over: bool = False,
        client_metadata: Mapping[str, str] | None = None,
        context: UserContext | None = None,
    ) -> ConfirmedSignUp:
        """Confirm a sign-up by the code that was sent. The address that it went to is verified.

        Args:
            user: The name that was signed up, or what `sign_up` gave.
            code: The code.
            takes_over: Whether the address becomes this account's where it is another account's
                alias (ForceAliasCreation); otherwise that is refused.
            client_metadata: For the pool's PostConfirmation trigger.
            context: What Cognito's threat protection is told of the user's device.

        Raises:
            CodeMismatchError: The code is wrong: ask for another one.
            CodeExpiredError: It was entered too late: `resend_code` sends another one.
            AliasExistsError: The address is another account's.
            LockedOutError: There were too many wrong codes.
            RequestRejectedError: The account is confirmed already, if the pool tells who exists.
            UserDisabledError: It is disabled.
            OutcomeUnknownError: The reply was lost: sign in, to see whether it is confirmed.
            MisuseError: An argument is not what it should be; nothing was sent.
            AuthFlowError: As `sign_in`.
        """
        call = self._prepare(
            asynchronous.AuthClient.confirm_sign_up,
            user,
            code,
            takes_over=takes_over,
            client_metadata=client_metadata,
            context=context,
        )
        del user, code, takes_over, client_metadata, context  # no frame of an error holds them
        return call.result()

    def resend_code(
        self,
        user: str | SignedUp,
        *,
        client_metadata: Mapping[str, str] | None = None,
        context: UserContext | None = None,
    ) -> CodeDelivery:
        """Send another code for `confirm_sign_up`. The one before is no good any more.

        Args:
            user: The name that was signed up, or what `sign_up` gave.
            client_metadata: For the pool's CustomMessage trigger.
            context: What Cognito's threat protection is told of the user's device.

        Returns:
            Where it was sent.

        Raises:
            RequestRejectedError: The account is confirmed already, if the pool tells who exists.
            LockedOutError: Too many codes were asked for.
            CodeDeliveryError: It could not be sent.
            MisuseError: An argument is not what it should be; nothing was sent.
            AuthFlowError: As `sign_in`.
        """
        call = self._prepare(
            asynchronous.AuthClient.resend_code,
            user,
            client_metadata=client_metadata,
            context=context,
        )
        del user, client_metadata, context  # no frame of an error holds them
        return call.result()

    def forgot_password(
        self,
        username: str,
        *,
        client_metadata: Mapping[str, str] | None = None,
        context: UserContext | None = None,
    ) -> CodeDelivery:
        """Send a code to whoever has forgotten the password.

            sent = auth.forgot_password("ada")
            code = input(f"The code sent to {sent.destination}: ")
            auth.confirm_forgot_password("ada", code, new_password)

        It is also the way on after `PasswordResetRequiredError`, where an administrator has asked
        for a new password: the code may have been sent by then, and this sends another one.

        Args:
            username: The user's name or an alias of it.
            client_metadata: For the pool's PreSignUp, CustomMessage and UserMigration triggers.
            context: What Cognito's threat protection is told of the user's device.

        Returns:
            Where it was sent. Where the app client hides who exists, a name that nobody has gets an
            answer, too.

        Raises:
            LockedOutError: Too many codes were asked for.
            CodeDeliveryError: It could not be sent.
            RequestRejectedError: The user has no verified address, or may not reset the password.
            MisuseError: An argument is not what it should be; nothing was sent.
            AuthFlowError: As `sign_in`.
        """
        call = self._prepare(
            asynchronous.AuthClient.forgot_password,
            username,
            client_metadata=client_metadata,
            context=context,
        )
        del username, client_metadata, context  # no frame of an error holds them
        return call.result()

    def confirm_forgot_password(
        self,
        username: str,
        code: str | Secret[str],
        new_password: str | Secret[str],
        *,
        client_metadata: Mapping[str, str] | None = None,
        context: UserContext | None = None,
    ) -> None:
        """Set a new password by the code that `forgot_password` has sent.

        Args:
            username: The same name.
            code: The code.
            new_password: The new password.
            client_metadata: For the pool's PostConfirmation trigger.
            context: What Cognito's threat protection is told of the user's device.

        Raises:
            CodeMismatchError: The code is wrong: ask for another one.
            CodeExpiredError: It was entered too late: `forgot_password` sends another one.
            NewPasswordRejectedError: The password does not meet the pool's policy: the same code
                is good with another one.
            LockedOutError: There were too many wrong codes.
            OutcomeUnknownError: The reply was lost: sign in, to see which password is good.
            MisuseError: An argument is not what it should be; nothing was sent.
            AuthFlowError: As `sign_in`.
        """
        call = self._prepare(
            asynchronous.AuthClient.confirm_forgot_password,
            username,
            code,
            new_password,
            client_metadata=client_metadata,
            context=context,
        )
        del (
            username,
            code,
            new_password,
            client_metadata,
            context,
        )  # no frame of an error holds them
        call.result()

    def change_password(
        self,
        access_token: str | Secret[str],
        old_password: str | Secret[str] | None,
        new_password: str | Secret[str],
    ) -> None:
        """Change the password of a user who is signed in.

        Args:
            access_token: From `Tokens.access_token`.
            old_password: The password up to now; None for a user who has none.
            new_password: The new one.

        Raises:
            BadCredentialsError: The old password is wrong.
            NewPasswordRejectedError: The new one does not meet the pool's policy.
            LockedOutError: There were too many wrong passwords.
            TokenRevokedError: The access token is no longer good.
            OutcomeUnknownError: The reply was lost: sign in, to see which password is good.
            MisuseError: An argument is no text.
            AuthFlowError: As `refresh`.
        """
        call = self._prepare(
            asynchronous.AuthClient.change_password, access_token, old_password, new_password
        )
        del access_token, old_password, new_password  # no frame of an error holds them
        call.result()

    def user(self, access_token: str | Secret[str]) -> UserProfile:
        """Return a user's name, attributes and second factors, as the pool has them now.

        Args:
            access_token: From `Tokens.access_token`.

        Raises:
            MisuseError: It is no text.
            AuthFlowError: As `refresh`.
        """
        call = self._prepare(asynchronous.AuthClient.user, access_token)
        del access_token  # no frame of an error holds them
        return call.result()

    def update_attributes(
        self,
        access_token: str | Secret[str],
        attributes: Mapping[str, str],
        *,
        client_metadata: Mapping[str, str] | None = None,
    ) -> tuple[CodeDelivery, ...]:
        """Change attributes of a user.

        Args:
            access_token: From `Tokens.access_token`.
            attributes: The new values by their names; an empty text takes the attribute away.
            client_metadata: For the pool's CustomMessage trigger.

        Returns:
            Where codes were sent for `verify_attribute`: a new e-mail address or phone number is
            verified by one, and where the pool says so it counts only then.

        Raises:
            AttributeRejectedError: The pool rejects one of them.
            AliasExistsError: The address is another account's.
            CodeDeliveryError: A code could not be sent.
            OutcomeUnknownError: The reply was lost: `user` tells what the attributes are, and
                `send_attribute_code` sends another code.
            MisuseError: An argument is not what it should be, or there are no attributes.
            AuthFlowError: As `refresh`.
        """
        call = self._prepare(
            asynchronous.AuthClient.update_attributes,
            access_token,
            attributes,
            client_metadata=client_metadata,
        )
        del access_token, attributes, client_metadata  # no frame of an error holds them
        return call.result()

    def delete_attributes(self, access_token: str | Secret[str], names: Iterable[str]) -> None:
        """Take attributes from a user.

        Args:
            access_token: From `Tokens.access_token`.
            names: Their names.

        Raises:
            AttributeRejectedError: One cannot be taken.
            MisuseError: An argument is not what it should be, or there are no names.
            AuthFlowError: As `refresh`.
        """
        call = self._prepare(asynchronous.AuthClient.delete_attributes, access_token, names)
        del access_token, names  # no frame of an error holds them
        call.result()

    def send_attribute_code(
        self,
        access_token: str | Secret[str],
        attribute: str,
        *,
        client_metadata: Mapping[str, str] | None = None,
    ) -> CodeDelivery:
        """Send a code by which a user verifies an e-mail address or phone number.

        Args:
            access_token: From `Tokens.access_token`.
            attribute: "email" or "phone_number".
            client_metadata: For the pool's CustomMessage trigger.

        Returns:
            Where it was sent.

        Raises:
            LockedOutError: Too many codes were asked for.
            CodeDeliveryError: It could not be sent.
            RequestRejectedError: The user has no such address.
            AttributeRejectedError: It is no address.
            MisuseError: An argument is not what it should be.
            AuthFlowError: As `refresh`.
        """
        call = self._prepare(
            asynchronous.AuthClient.send_attribute_code,
            access_token,
            attribute,
            client_metadata=client_metadata,
        )
        del access_token, attribute, client_metadata  # no frame of an error holds them
        return call.result()

    def verify_attribute(
        self, access_token: str | Secret[str], attribute: str, code: str | Secret[str]
    ) -> None:
        """Verify an e-mail address or phone number by the code that was sent to it.

        Args:
            access_token: From `Tokens.access_token`.
            attribute: "email" or "phone_number".
            code: The code.

        Raises:
            CodeMismatchError: The code is wrong: ask for another one.
            CodeExpiredError: It was entered too late: `send_attribute_code` sends another one.
            AliasExistsError: The address is another account's.
            LockedOutError: There were too many wrong codes.
            OutcomeUnknownError: The reply was lost: `user` tells whether it is verified.
            MisuseError: An argument is not what it should be.
            AuthFlowError: As `refresh`.
        """
        call = self._prepare(
            asynchronous.AuthClient.verify_attribute, access_token, attribute, code
        )
        del access_token, attribute, code  # no frame of an error holds them
        call.result()

    def delete_user(self, access_token: str | Secret[str]) -> None:
        """Delete a user's own account, for good. All of the user's tokens end with it.

        Args:
            access_token: From `Tokens.access_token`.

        Raises:
            MisuseError: It is no text.
            OutcomeUnknownError: The reply was lost: the user may be gone.
            AuthFlowError: As `refresh`.
        """
        call = self._prepare(asynchronous.AuthClient.delete_user, access_token)
        del access_token  # no frame of an error holds them
        call.result()

    def enrol_totp(
        self, access_token: str | Secret[str], *, account: str | None = None
    ) -> NewAuthenticator:
        """Begin to set up an authenticator app for a user who is signed in.

            new = auth.enrol_totp(tokens.access_token)
            ...  # show `new.uri` as a QR code, and ask for the app's first code
            auth.verify_totp(tokens.access_token, code)
            auth.set_mfa_preference(tokens.access_token, preferred="SOFTWARE_TOKEN_MFA")

        Until it is verified, an authenticator that the user has stays good.

        Args:
            access_token: From `Tokens.access_token`.
            account: The account's name for the app to show; by default the name in the token.

        Returns:
            The key, and a link with it.

        Raises:
            MfaNotSetUpError: The pool has no authenticator apps.
            MisuseError: An argument is no text.
            AuthFlowError: As `refresh`: the token is no longer good, or there was no reply.
        """
        call = self._prepare(asynchronous.AuthClient.enrol_totp, access_token, account=account)
        del access_token, account  # no frame of an error holds them
        return call.result()

    def verify_totp(
        self,
        access_token: str | Secret[str],
        code: str | Secret[str],
        *,
        device_name: str | None = None,
    ) -> None:
        """Finish setting up an authenticator app: its first code shows that it has the key.

        The app is asked for at sign-in once `set_mfa_preference` has turned it on.

        Args:
            access_token: The same user's.
            code: What the app shows.
            device_name: What the user calls the device that it is on.

        Raises:
            CodeMismatchError: The code is wrong: ask for another one.
            MisuseError: An argument is no text.
            AuthFlowError: As `refresh`.
        """
        call = self._prepare(
            asynchronous.AuthClient.verify_totp, access_token, code, device_name=device_name
        )
        del access_token, code, device_name  # no frame of an error holds them
        call.result()

    def set_mfa_preference(
        self,
        access_token: str | Secret[str],
        *,
        on: Iterable[SecondFactor | str] = (),
        off: Iterable[SecondFactor | str] = (),
        preferred: SecondFactor | str | None = None,
    ) -> None:
        """Turn second factors of a user on and off. Those that are not named stay as they are.

        Cognito takes a factor that is turned on for one that is not preferred, unless it is told
        so. So without `preferred` the user's is asked for first, and stays.

        Args:
            access_token: From `Tokens.access_token`.
            on: Those that may be asked for. A user with several chooses at sign-in, if none is
                preferred.
            off: Those that may not.
            preferred: The one to be asked for without a choice, which is on then; by default it
                stays as it is, unless it is turned off.

        Raises:
            MfaNotSetUpError: The pool has no such factor, or the user has not set it up.
            MisuseError: Nothing is named, one is to be on and off, or is none; nothing was sent.
            AuthFlowError: As `refresh`.
        """
        call = self._prepare(
            asynchronous.AuthClient.set_mfa_preference,
            access_token,
            on=on,
            off=off,
            preferred=preferred,
        )
        del access_token, on, off, preferred  # no frame of an error holds them
        call.result()

    def mfa_preference(self, access_token: str | Secret[str]) -> MfaPreference:
        """Return which second factors of a user are on, and which is preferred.

        Args:
            access_token: From `Tokens.access_token`.

        Raises:
            MisuseError: It is no text.
            AuthFlowError: As `refresh`.
        """
        call = self._prepare(asynchronous.AuthClient.mfa_preference, access_token)
        del access_token  # no frame of an error holds them
        return call.result()

    def devices(self, access_token: str | Secret[str]) -> tuple[ListedDevice, ...]:
        """Return the devices of a user, as the pool lists them.

        Args:
            access_token: From `Tokens.access_token`.

        Raises:
            MisuseError: It is no text.
            AuthFlowError: As `refresh`.
        """
        call = self._prepare(asynchronous.AuthClient.devices, access_token)
        del access_token  # no frame of an error holds them
        return call.result()

    def device(
        self, access_token: str | Secret[str], device: Device | ListedDevice | str
    ) -> ListedDevice:
        """Return one of a user's devices.

        Args:
            access_token: From `Tokens.access_token`.
            device: The device, or its key.

        Raises:
            DeviceRefusedError: The user has no such device.
            MisuseError: An argument is not what it should be.
            AuthFlowError: As `refresh`.
        """
        call = self._prepare(asynchronous.AuthClient.device, access_token, device)
        del access_token, device  # no frame of an error holds them
        return call.result()

    def set_device_status(
        self,
        access_token: str | Secret[str],
        device: Device | ListedDevice | str,
        *,
        remembered: bool,
    ) -> None:
        """Set whether the pool remembers a device: such a one may spare a second factor.

        Args:
            access_token: From `Tokens.access_token`.
            device: The device, or its key.
            remembered: Whether it does.

        Raises:
            DeviceRefusedError: The user has no such device.
            MisuseError: An argument is not what it should be.
            AuthFlowError: As `refresh`.
        """
        call = self._prepare(
            asynchronous.AuthClient.set_device_status, access_token, device, remembered=remembered
        )
        del access_token, device, remembered  # no frame of an error holds them
        call.result()

    def forget_device(
        self, access_token: str | Secret[str], device: Device | ListedDevice | str | None = None
    ) -> None:
        """Forget a device of a user, in the pool and here. Its refresh tokens are good no more.

        Args:
            access_token: From `Tokens.access_token`.
            device: The device, or its key; by default the one that this client has for the user.
                One that the pool does not know is forgotten already.

        Raises:
            MisuseError: An argument is not what it should be, or this client has no device of this
                user.
            StateError: The store or the keys cannot be asked. The pool may have forgotten the
                device: call it again, which ends it in the same process, though the tokens of the
                device are no longer good. Elsewhere the next sign-in by it does.
            AuthFlowError: As `refresh`.
        """
        call = self._prepare(asynchronous.AuthClient.forget_device, access_token, device)
        del access_token, device  # no frame of an error holds them
        call.result()
