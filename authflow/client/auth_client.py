"""`AuthClient`: signs users in to a user pool, and lets them look after their accounts."""

from attrs import define

from authflow import wire
from authflow.client.device_calls import DeviceCalls
from authflow.client.factor_calls import FactorCalls
from authflow.client.password_calls import PasswordCalls
from authflow.client.profile_calls import ProfileCalls
from authflow.client.sign_in_client import SignInClient
from authflow.client.sign_up_calls import SignUpCalls
from authflow.given_secrets import checked, wrapped
from authflow.secret import Secret
from authflow.unframed import whole
from authflow.user_context import UserContext


@whole
@define(eq=False)
class AuthClient(
    SignInClient[UserContext], SignUpCalls, PasswordCalls, ProfileCalls, FactorCalls, DeviceCalls
):
    """Signs users in to one user pool. An async context manager; make one per event loop and pool.

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

    async def sign_out(self, access_token: str | Secret[str]) -> None:
        """Sign the user out everywhere: all of the user's tokens are revoked.

        Args:
            access_token: From `Tokens.access_token`.

        Raises:
            MisuseError: The access token is no text.
            AuthFlowError: The user may still be signed in.
        """
        access_token = wrapped(access_token)
        access_token = checked("access_token", access_token)
        await self._send_alone(wire.sign_out(access_token), wire.read_done)
