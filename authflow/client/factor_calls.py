"""Second factors of a user who is signed in: an authenticator is set up, factors are chosen."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from attrs import frozen

from authflow.client.challenges.mfa_setup import first_code_of
from authflow.errors import MisuseError
from authflow.mfa import MfaPreference, NewAuthenticator, SecondFactor
from authflow.secret import Secret
from authflow.wire import Request, mfa_preference, read_done, software_token

T = TypeVar("T")


class RequestSender(Protocol):
    """Sends a request, and returns what its reply says."""

    def __call__(self, request: Request, read: Callable[[Mapping[str, Any]], T]) -> Awaitable[T]:
        """Send a request."""


@frozen(kw_only=True)
class FactorCalls:
    """The calls about second factors that an access token allows.

    Args:
        app_name: The name of what the account is for, for the person's authenticator app.
        send: Sends a request, and returns what its reply says.
    """

    app_name: str
    send: RequestSender

    async def begin(self, access_token: Secret[str], account: str) -> NewAuthenticator:
        """Get the key for a new authenticator app; see `AuthClient.enrol_totp`."""
        associated = await self.send(
            software_token.associate(access_token=access_token), software_token.read_associated
        )
        return NewAuthenticator(key=associated.key, account=account, app_name=self.app_name)

    async def finish(
        self, access_token: Secret[str], code: Secret[str], device_name: str | None
    ) -> None:
        """Send the app's first code; see `AuthClient.verify_totp`."""
        request = software_token.verify(
            first_code_of(code), device_name=device_name, access_token=access_token
        )
        await self.send(request, software_token.read_verified)

    async def prefer(
        self,
        access_token: Secret[str],
        on: Iterable[SecondFactor | str],
        off: Iterable[SecondFactor | str],
        preferred: SecondFactor | str | None,
    ) -> None:
        """Turn factors on and off; see `AuthClient.set_mfa_preference`."""
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
        request = mfa_preference.set_preference(
            access_token, on=turned_on, off=turned_off, preferred=first
        )
        await self.send(request, read_done)

    async def preference(self, access_token: Secret[str]) -> MfaPreference:
        """Read which factors are on; see `AuthClient.mfa_preference`."""
        return await self.send(
            mfa_preference.get_user(access_token), mfa_preference.read_preference
        )


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
