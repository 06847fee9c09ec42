"""Second factors of a user who is signed in: an authenticator is set up, factors are chosen."""

from abc import abstractmethod
from collections.abc import Iterable

from authflow.client.access_calls import AccessCalls, RequestSender
from authflow.client.arguments import checked_username
from authflow.client.challenges.mfa_setup import first_code_of
from authflow.device import checked_name
from authflow.errors import MisuseError
from authflow.given_secrets import checked, is_text, wrapped
from authflow.mfa import MfaPreference, NewAuthenticator, SecondFactor
from authflow.secret import Secret
from authflow.tokens.usernames import unverified_claims
from authflow.unframed import Unframed
from authflow.wire import mfa_preference, read_done, software_token


class FactorCalls(AccessCalls):
    """The calls about second factors that an access token allows."""

    __slots__ = ()

    @property
    @abstractmethod
    def _app_name(self) -> str:
        """The name of what the account is for, for the person's authenticator app."""

    async def enrol_totp(
        self, access_token: str | Secret[str], *, account: str | None = None
    ) -> NewAuthenticator:
        """Begin to set up an authenticator app for a user who is signed in.

            new = await auth.enrol_totp(tokens.access_token)
            ...  # show `new.uri` as a QR code, and ask for the app's first code
            await auth.verify_totp(tokens.access_token, code)
            await auth.set_mfa_preference(tokens.access_token, preferred="SOFTWARE_TOKEN_MFA")

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
        access_token = wrapped(access_token)
        access_token = checked("access_token", access_token)
        named = checked_username(account) if account is not None else None
        if named is None:
            claimed_name = unverified_claims(access_token).get("username")
            named = claimed_name if is_text(claimed_name) and claimed_name else self._app_name
        with Unframed():
            return await _begin(self._send_alone, access_token, named, self._app_name)

    async def verify_totp(
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
        access_token, code = wrapped(access_token), wrapped(code)
        access_token, code = checked("access_token", access_token), checked("code", code)
        named = checked_name(device_name)
        with Unframed():
            await _finish(self._send_alone, access_token, code, named)

    async def set_mfa_preference(
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
        access_token = wrapped(access_token)
        access_token = checked("access_token", access_token)
        with Unframed():
            await _prefer(self._send_alone, access_token, on, off, preferred)

    async def mfa_preference(self, access_token: str | Secret[str]) -> MfaPreference:
        """Return which second factors of a user are on, and which is preferred.

        Args:
            access_token: From `Tokens.access_token`.

        Raises:
            MisuseError: It is no text.
            AuthFlowError: As `refresh`.
        """
        access_token = wrapped(access_token)
        access_token = checked("access_token", access_token)
        with Unframed():
            return await _preference(self._send_alone, access_token)


async def _begin(
    send: RequestSender, access_token: Secret[str], account: str, app_name: str
) -> NewAuthenticator:
    request = software_token.associate(access_token=access_token)
    associated = await send(request, software_token.read_associated)
    return NewAuthenticator(key=associated.key, account=account, app_name=app_name)


async def _finish(
    send: RequestSender, access_token: Secret[str], code: Secret[str], device_name: str | None
) -> None:
    request = software_token.verify(
        first_code_of(code), device_name=device_name, access_token=access_token
    )
    await send(request, software_token.read_verified)


async def _prefer(
    send: RequestSender,
    access_token: Secret[str],
    on: Iterable[SecondFactor | str],
    off: Iterable[SecondFactor | str],
    preferred: SecondFactor | str | None,
) -> None:
    first = None if preferred is None else _factor(preferred)
    turned_on, turned_off = _factors("on", on), _factors("off", off)
    if first is not None:
        turned_on |= {first}
    if both := turned_on & turned_off:
        msg = f"{', '.join(sorted(both))} cannot be on and off at once"
        raise MisuseError(msg)
    if not turned_on | turned_off:
        msg = "say which second factors are to be on, and which off"
        raise MisuseError(msg)
    if first is None and turned_on:
        standing = (await _preference(send, access_token)).preferred
        first = standing if standing in turned_on else None
    request = mfa_preference.set_preference(
        access_token, on=turned_on, off=turned_off, preferred=first
    )
    await send(request, read_done)


async def _preference(send: RequestSender, access_token: Secret[str]) -> MfaPreference:
    request = mfa_preference.get_user(access_token)
    return await send(request, mfa_preference.read_preference)


def _factors(what: str, given: Iterable[SecondFactor | str]) -> frozenset[SecondFactor]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        msg = f"`{what}` is a list of second factors, not {type(given).__name__}"
        raise MisuseError(msg)
    return frozenset(_factor(each) for each in given)


def _factor(given: object) -> SecondFactor:
    known = {str(factor): factor for factor in SecondFactor}
    if isinstance(given, str) and given in known:
        return known[given]
    msg = f"a second factor is one of {', '.join(SecondFactor)}"
    raise MisuseError(msg)
