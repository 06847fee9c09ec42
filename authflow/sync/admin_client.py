"""`AdminClient` for synchronous code.

Written by `.ci/sync_faces.py`, from
`authflow.client.admin_client.AdminClient`: `make sync-faces` renews it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import overload

import authflow.client.admin_client as asynchronous
from authflow.administration import PoolUser, UserGroup
from authflow.answers import Answer
from authflow.client.observer import Observers
from authflow.client.pacing.pacing import Pacing
from authflow.client.password_proof import utc_now
from authflow.client.remembered_devices import Remembering
from authflow.client.user_calls import MOST_IN_A_PAGE
from authflow.config import AuthConfig
from authflow.device import Device, UnconfirmedDevice
from authflow.forms.form import Form
from authflow.keys.key_ring import KeyProvider
from authflow.machine import AuthFlow
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
from authflow.user_context import AdminContext


@whole
class AdminClient(ClientFace[asynchronous.AdminClient]):
    """Administers one user pool, with AWS's usual credentials, for synchronous code.

        admin = AdminClient(AuthConfig.from_env())
        admin.create_user("ada", attributes={"email": address}, by=["EMAIL"])
        for user in admin.users(matching='status = "Enabled"'):
            admin.add_to_group(user.username, "staff")

    A confidential service signs users in by it, too, as by `AuthClient`.

    Open by the first call, once in each process, and closed at the end of the program: keep one in
    a module, and use it from any number of threads. A client that was made before `fork` serves in
    the child processes as well, with connections of their own. `with AdminClient(config) as admin`
    closes it earlier. Ctrl-C ends the call that it interrupts.

    Args:
        config: Which pool, and how. Whoever only administers names no `client_id`; then what is
            about sign-ins raises a ConfigError, and nothing is sent.
        challenges: As `AuthClient`'s, and so are all others.
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

    Raises:
        MisuseError: As `AuthClient`.
        ConfigError: As `AuthClient`; a call raises it if there are no AWS credentials.
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
            asynchronous.AdminClient(
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

    def sign_in(
        self,
        username: str,
        password: str | Secret[str] | None = None,
        *,
        flow: AuthFlow | None = None,
        client_metadata: Mapping[str, str] | None = None,
        context: AdminContext | None = None,
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
            asynchronous.AdminClient.sign_in,
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
        context: AdminContext | None = None,
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
            asynchronous.AdminClient.answer,
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
        call = self._prepare(asynchronous.AdminClient.seal, pending, pictures=pictures)
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
        call = self._prepare(asynchronous.AdminClient.resume, ticket)
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
            asynchronous.AdminClient.refresh,
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
            asynchronous.AdminClient.remember_device, signed_in, name=name, keep=keep
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
        call = self._prepare(asynchronous.AdminClient.keep, signed_in, validity=validity)
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
        call = self._prepare(asynchronous.AdminClient.kept, handle)
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
        call = self._prepare(asynchronous.AdminClient.revoke, refresh_token)
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
        call = self._prepare(asynchronous.AdminClient.verify, issued)  # type: ignore[arg-type]
        del issued  # no frame of an error holds them
        return call.result()

    @property
    def is_users_device(self) -> bool:
        """Whether this client is a device of its users: what proves it is kept, and found here."""
        return self._asynchronous.is_users_device

    def create_user(
        self,
        username: str,
        *,
        attributes: Mapping[str, str] | None = None,
        temporary_password: str | Secret[str] | None = None,
        invite: bool = True,
        by: Iterable[str] = (),
        takes_over: bool = False,
        validation_data: Mapping[str, str] | None = None,
        client_metadata: Mapping[str, str] | None = None,
    ) -> PoolUser:
        """Make a user, who chooses a password at the first sign-in.

        Args:
            username: The new name; where the pool's usernames are addresses, the address.
            attributes: The user attributes; "email_verified": "true" says that nothing has to be
                verified.
            temporary_password: The password for the first sign-in; by default Cognito draws one.
            invite: Whether an invitation with it is sent.
            by: How it is sent: "EMAIL", "SMS" or both; by default by SMS.
            takes_over: Whether an address in the attributes becomes this user's where it is another
                one's alias (ForceAliasCreation); otherwise that is refused.
            validation_data: For the pool's PreSignUp trigger; it is not stored.
            client_metadata: For PreSignUp and CustomMessage.

        Raises:
            AliasExistsError: The name, or an address in it, is another user's.
            NewPasswordRejectedError: The password does not meet the pool's policy.
            AttributeRejectedError: The pool rejects an attribute, or lacks one.
            CodeDeliveryError: The invitation could not be sent.
            MisuseError: An argument is not what it should be; nothing was sent.
            OutcomeUnknownError: The reply was lost: `user` tells whether there is one.
            AuthFlowError: As `user`.
        """
        call = self._prepare(
            asynchronous.AdminClient.create_user,
            username,
            attributes=attributes,
            temporary_password=temporary_password,
            invite=invite,
            by=by,
            takes_over=takes_over,
            validation_data=validation_data,
            client_metadata=client_metadata,
        )
        del (
            username,
            attributes,
            temporary_password,
            invite,
            by,
            takes_over,
            validation_data,
            client_metadata,
        )  # no frame of an error holds them
        return call.result()

    def resend_invitation(
        self,
        username: str,
        *,
        by: Iterable[str] = (),
        client_metadata: Mapping[str, str] | None = None,
    ) -> PoolUser:
        """Send a user who has not signed in yet a new temporary password.

        Args:
            username: The user's name.
            by: How it is sent: "EMAIL", "SMS" or both; by default by SMS.
            client_metadata: For the pool's CustomMessage trigger.

        Raises:
            UserNotFoundError: There is no such user.
            RequestRejectedError: The user has chosen a password already.
            CodeDeliveryError: It could not be sent.
            MisuseError: An argument is not what it should be; nothing was sent.
            AuthFlowError: As `user`.
        """
        call = self._prepare(
            asynchronous.AdminClient.resend_invitation,
            username,
            by=by,
            client_metadata=client_metadata,
        )
        del username, by, client_metadata  # no frame of an error holds them
        return call.result()

    def user(self, username: str) -> PoolUser:
        """Return a user.

        Args:
            username: The user's name or an alias of it.

        Raises:
            UserNotFoundError: There is no such user.
            ConfigError: There are no AWS credentials.
            RequestBlockedError: The credentials do not allow it.
            MisuseError: It is no text; nothing was sent.
            RefusedError: The pool said no; the class says why.
            TransportError: There was no reply that can be relied on.
        """
        call = self._prepare(asynchronous.AdminClient.user, username)
        del username  # no frame of an error holds them
        return call.result()

    def users(
        self,
        *,
        matching: str | None = None,
        attributes: Iterable[str] | None = None,
        page: int = MOST_IN_A_PAGE,
    ) -> Iterator[PoolUser]:
        """Yield the users of the pool, page by page.

            for user in admin.users(matching='email ^= "ada@"'):
                print(user.username)

        Args:
            matching: Cognito's filter, such as `status = "Enabled"`; by default all.
            attributes: The names of the attributes to tell; by default all.
            page: How many are asked for at a time, 1 to 60.

        Raises:
            MisuseError: An argument is not what it should be; nothing was sent.
            RequestRejectedError: The filter is none of Cognito's.
            AttributeRejectedError: A user does not have one of the attributes, or nobody can.
            AuthFlowError: As `user`.
        """
        return self._each(
            asynchronous.AdminClient.users, matching=matching, attributes=attributes, page=page
        )

    def update_attributes(
        self,
        username: str,
        attributes: Mapping[str, str],
        *,
        client_metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Change attributes of a user.

        Args:
            username: The user's name.
            attributes: The new values by their names; an empty text takes the attribute away, and
                "email_verified": "true" verifies an address.
            client_metadata: For the pool's CustomMessage trigger.

        Raises:
            UserNotFoundError: There is no such user.
            AttributeRejectedError: The pool rejects one of them.
            AliasExistsError: The address is another user's.
            MisuseError: An argument is not what it should be, or there are no attributes.
            AuthFlowError: As `user`.
        """
        call = self._prepare(
            asynchronous.AdminClient.update_attributes,
            username,
            attributes,
            client_metadata=client_metadata,
        )
        del username, attributes, client_metadata  # no frame of an error holds them
        call.result()

    def delete_attributes(self, username: str, names: Iterable[str]) -> None:
        """Take attributes from a user.

        Args:
            username: The user's name.
            names: Their names.

        Raises:
            UserNotFoundError: There is no such user.
            AttributeRejectedError: One cannot be taken.
            MisuseError: An argument is not what it should be, or there are no names.
            AuthFlowError: As `user`.
        """
        call = self._prepare(asynchronous.AdminClient.delete_attributes, username, names)
        del username, names  # no frame of an error holds them
        call.result()

    def set_password(
        self, username: str, password: str | Secret[str], *, permanent: bool = True
    ) -> None:
        """Set a user's password.

        Args:
            username: The user's name.
            password: The new password.
            permanent: Whether it is the user's own; otherwise another one is chosen at the next
                sign-in.

        Raises:
            UserNotFoundError: There is no such user.
            NewPasswordRejectedError: It does not meet the pool's policy.
            MisuseError: An argument is not what it should be; nothing was sent.
            AuthFlowError: As `user`.
        """
        call = self._prepare(
            asynchronous.AdminClient.set_password, username, password, permanent=permanent
        )
        del username, password, permanent  # no frame of an error holds them
        call.result()

    def reset_password(
        self, username: str, *, client_metadata: Mapping[str, str] | None = None
    ) -> None:
        """Make a user choose another password: a code for it is sent, and the old one is no good.

        The user's next sign-in is a `PasswordResetRequiredError`.

        Args:
            username: The user's name.
            client_metadata: For the pool's CustomMessage trigger.

        Raises:
            UserNotFoundError: There is no such user.
            RequestRejectedError: The user has no verified address.
            MisuseError: An argument is not what it should be; nothing was sent.
            AuthFlowError: As `user`.
        """
        call = self._prepare(
            asynchronous.AdminClient.reset_password, username, client_metadata=client_metadata
        )
        del username, client_metadata  # no frame of an error holds them
        call.result()

    def confirm_sign_up(
        self, username: str, *, client_metadata: Mapping[str, str] | None = None
    ) -> None:
        """Confirm a sign-up without a code. No address is verified by it.

        Args:
            username: The user's name.
            client_metadata: For the pool's PostConfirmation trigger.

        Raises:
            UserNotFoundError: There is no such user.
            RequestRejectedError: The account is confirmed already.
            MisuseError: An argument is not what it should be; nothing was sent.
            AuthFlowError: As `user`.
        """
        call = self._prepare(
            asynchronous.AdminClient.confirm_sign_up, username, client_metadata=client_metadata
        )
        del username, client_metadata  # no frame of an error holds them
        call.result()

    def disable_user(self, username: str) -> None:
        """Keep a user from signing in; the user's tokens end.

        Args:
            username: The user's name.

        Raises:
            UserNotFoundError: There is no such user.
            AuthFlowError: As `user`.
        """
        call = self._prepare(asynchronous.AdminClient.disable_user, username)
        del username  # no frame of an error holds them
        call.result()

    def enable_user(self, username: str) -> None:
        """Permit a user to sign in again.

        Args:
            username: The user's name.

        Raises:
            UserNotFoundError: There is no such user.
            AuthFlowError: As `user`.
        """
        call = self._prepare(asynchronous.AdminClient.enable_user, username)
        del username  # no frame of an error holds them
        call.result()

    def sign_out(self, username: str) -> None:
        """Sign a user out everywhere: all of the user's tokens are revoked.

        Args:
            username: The user's name.

        Raises:
            UserNotFoundError: There is no such user.
            AuthFlowError: As `user`.
        """
        call = self._prepare(asynchronous.AdminClient.sign_out, username)
        del username  # no frame of an error holds them
        call.result()

    def delete_user(self, username: str) -> None:
        """Delete a user, for good.

        Args:
            username: The user's name.

        Raises:
            UserNotFoundError: There is no such user.
            OutcomeUnknownError: The reply was lost: the user may be gone.
            AuthFlowError: As `user`.
        """
        call = self._prepare(asynchronous.AdminClient.delete_user, username)
        del username  # no frame of an error holds them
        call.result()

    def create_group(
        self,
        name: str,
        *,
        description: str | None = None,
        precedence: int | None = None,
        role_arn: str | None = None,
    ) -> UserGroup:
        """Make a group.

        Args:
            name: Its name.
            description: What it is for.
            precedence: Its rank: of a user's groups the one with the lowest number goes first.
            role_arn: The IAM role of its members.

        Raises:
            RequestRejectedError: There is such a group already.
            MisuseError: An argument is not what it should be; nothing was sent.
            AuthFlowError: As `user`.
        """
        call = self._prepare(
            asynchronous.AdminClient.create_group,
            name,
            description=description,
            precedence=precedence,
            role_arn=role_arn,
        )
        del name, description, precedence, role_arn  # no frame of an error holds them
        return call.result()

    def update_group(
        self,
        name: str,
        *,
        description: str | None = None,
        precedence: int | None = None,
        role_arn: str | None = None,
    ) -> UserGroup:
        """Change a group. What is not given stays as it is.

        Args:
            name: Its name.
            description: What it is for.
            precedence: Its rank.
            role_arn: The IAM role of its members.

        Raises:
            RequestRejectedError: There is no such group.
            MisuseError: An argument is not what it should be; nothing was sent.
            AuthFlowError: As `user`.
        """
        call = self._prepare(
            asynchronous.AdminClient.update_group,
            name,
            description=description,
            precedence=precedence,
            role_arn=role_arn,
        )
        del name, description, precedence, role_arn  # no frame of an error holds them
        return call.result()

    def delete_group(self, name: str) -> None:
        """Delete a group. Its members stay users.

        Args:
            name: Its name.

        Raises:
            RequestRejectedError: There is no such group.
            AuthFlowError: As `user`.
        """
        call = self._prepare(asynchronous.AdminClient.delete_group, name)
        del name  # no frame of an error holds them
        call.result()

    def group(self, name: str) -> UserGroup:
        """Return a group.

        Args:
            name: Its name.

        Raises:
            RequestRejectedError: There is no such group.
            AuthFlowError: As `user`.
        """
        call = self._prepare(asynchronous.AdminClient.group, name)
        del name  # no frame of an error holds them
        return call.result()

    def groups(self) -> Iterator[UserGroup]:
        """Yield the groups of the pool, page by page.

        Raises:
            AuthFlowError: As `user`.
        """
        return self._each(asynchronous.AdminClient.groups)

    def groups_of(self, username: str) -> Iterator[UserGroup]:
        """Yield the groups that a user is in.

        Args:
            username: The user's name.

        Raises:
            UserNotFoundError: There is no such user.
            AuthFlowError: As `user`.
        """
        return self._each(asynchronous.AdminClient.groups_of, username)

    def members_of(self, name: str) -> Iterator[PoolUser]:
        """Yield the users who are in a group, page by page.

        Args:
            name: The group's name.

        Raises:
            RequestRejectedError: There is no such group.
            AuthFlowError: As `user`.
        """
        return self._each(asynchronous.AdminClient.members_of, name)

    def add_to_group(self, username: str, name: str) -> None:
        """Make a user a member of a group.

        Args:
            username: The user's name.
            name: The group's name.

        Raises:
            UserNotFoundError: There is no such user.
            RequestRejectedError: There is no such group.
            AuthFlowError: As `user`.
        """
        call = self._prepare(asynchronous.AdminClient.add_to_group, username, name)
        del username, name  # no frame of an error holds them
        call.result()

    def remove_from_group(self, username: str, name: str) -> None:
        """Take a user out of a group.

        Args:
            username: The user's name.
            name: The group's name.

        Raises:
            UserNotFoundError: There is no such user.
            RequestRejectedError: There is no such group.
            AuthFlowError: As `user`.
        """
        call = self._prepare(asynchronous.AdminClient.remove_from_group, username, name)
        del username, name  # no frame of an error holds them
        call.result()
