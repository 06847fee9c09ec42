"""The user's device, as Cognito's threat protection is told of it beside a sign-in.

A service signs its users in from its own machines, so all that Cognito sees by itself is the
service. These values carry what the service knows of the person's own device: for the client's
calls a `UserContext`, for an administrator's an `AdminContext`. None of it is a secret, and all of
it is about a person: no repr shows it.

Sources: UserContextDataType, ContextDataType and AnalyticsMetadataType in the Amazon Cognito user
pools API reference; "Adding user device and session data to API requests" in the developer guide.
"""

import json
import re
import time
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import MappingProxyType
from typing import Any, Final

from attrs import Attribute, field, frozen

from authflow.errors import MisuseError
from authflow.given_maps import checked_map, wrapped_map
from authflow.given_numbers import is_number
from authflow.given_secrets import is_text
from authflow.unframed import whole
from authflow.wire import context_data

ANDROID: Final = "ANDROID20171114"
"""The version of the format in which Amplify's Android library writes a fingerprint."""
MOST_ENCODED_CHARS: Final = context_data.MOST_ENCODED_CHARS
"""The most characters of any member, by Cognito's service model."""
_MOST_CHARACTERISTICS_BYTES: Final = 40_000
"""With these an encoded fingerprint stays below the bound, however much of it JSON escapes."""

_LINE_ENDS: Final = frozenset("\r\n\0")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's name (RFC 9110 §5.1): whatever else is read as one, is read so by some only."""
_GATEWAYS: Final = re.compile(r"\A(?:redirect-|http-|-)+")
"""The prefixes of CGI and WSGI before a header's name: again when a request is passed on again."""
_LATEST: Final = 253_402_300_799
"""The last second of the year 9999."""

Address = IPv4Address | IPv6Address


def _address(value: str | Address | None) -> str | None:
    if value is None:
        return None
    try:
        if isinstance(value, str | IPv4Address | IPv6Address) and "%" not in str(value):
            address = ip_address(str(value).strip())
            return str(getattr(address, "ipv4_mapped", None) or address)
    except ValueError:
        pass
    msg = "ip_address must be an IPv4 or IPv6 address, without a zone, or None"
    raise MisuseError(msg)


def _text(what: str, value: object, *, empty: bool = False) -> str:
    if not isinstance(value, str) or not is_text(value) or not (value or empty):
        msg = f"{what} must be a text that is not empty" if not empty else f"{what} must be a text"
        raise MisuseError(msg)
    if len(value) > MOST_ENCODED_CHARS:
        msg = f"{what} has more than {MOST_ENCODED_CHARS} characters"
        raise MisuseError(msg)
    return value


def _endpoint_id(value: str | None) -> str | None:
    return None if value is None else _text("analytics_endpoint_id", value)


def _characteristics(value: Mapping[str, str]) -> Mapping[str, str]:
    members = checked_map("characteristics", wrapped_map(value)).reveal()
    if len(json.dumps(members, ensure_ascii=False).encode()) > _MOST_CHARACTERISTICS_BYTES:
        msg = f"characteristics have more than {_MOST_CHARACTERISTICS_BYTES} bytes as JSON"
        raise MisuseError(msg)
    return MappingProxyType(members)


@whole
@frozen(kw_only=True)
class DeviceFingerprint:
    """The characteristics of the user's device, encoded and signed for each request.

    Cognito compares it with those of former sign-ins, so it must be the person's device and not the
    service's, and stay the same from one sign-in to the next. In a browser Amazon's own script
    collects and encodes it: pass on the text that it gives instead.

    Args:
        characteristics: Names and values as Amplify's libraries collect them, such as
            `{"DeviceId": "…", "Platform": "ANDROID", "DeviceLanguage": "de_DE"}`.
        version: The version of the format, which Cognito must know.

    Raises:
        MisuseError: It is no map of texts to texts, is too long, or the version is no text.
    """

    characteristics: Mapping[str, str] = field(converter=_characteristics, repr=False, hash=False)
    version: str = field(default=ANDROID)

    @version.validator
    def _check_version(self, _: "Attribute[str]", value: str) -> None:
        _text("version", value)

    def __reduce__(self) -> tuple[Any, ...]:
        return _fingerprint, (dict(self.characteristics), self.version)


def _fingerprint(characteristics: Mapping[str, str], version: str) -> DeviceFingerprint:
    """Make a fingerprint anew from its copied or unpickled parts."""
    return DeviceFingerprint(characteristics=characteristics, version=version)


def _device(value: "DeviceFingerprint | str | None") -> "DeviceFingerprint | str | None":
    if value is None or isinstance(value, DeviceFingerprint):
        return value
    if isinstance(value, str):
        return _text("device", value)
    msg = (
        "device must be a DeviceFingerprint, or the text that Amazon's script has encoded, not"
        f" {type(value).__name__}"
    )
    raise MisuseError(msg)


@whole
@frozen(kw_only=True)
class UserContext:
    """The user's device, for the client's calls: pass it to `sign_in` and `answer`.

        context = UserContext(ip_address=request.client.host, device=form["encodedData"])
        result = await auth.sign_in("ada", password, context=context)

    Args:
        ip_address: The address of the user's device. Cognito takes it only from an app client with
            a secret and EnablePropagateAdditionalUserContextData; otherwise the address that it
            sees is the service's.
        device: The device's fingerprint: a `DeviceFingerprint`, or the text that Amazon's script
            encoded in the browser (`AmazonCognitoAdvancedSecurityData.getData`), as it is.
        analytics_endpoint_id: The device's endpoint in Amazon Pinpoint (AnalyticsMetadata).

    Raises:
        MisuseError: The address is none, or another part is no text or too long.
    """

    ip_address: str | None = field(default=None, converter=_address, repr=False)
    device: DeviceFingerprint | str | None = field(default=None, converter=_device, repr=False)
    analytics_endpoint_id: str | None = field(default=None, converter=_endpoint_id, repr=False)


def _headers(
    value: Mapping[str, str] | Iterable[tuple[str, str]],
) -> tuple[tuple[str, str], ...]:
    try:
        given = value.items() if isinstance(value, Mapping) else value
        pairs = tuple((name, text) for name, text in given)
    except (TypeError, ValueError):
        pairs = ((None, None),)
    for name, text in pairs:
        if not (isinstance(name, str) and name and is_text(name) and is_text(text)):
            msg = "headers must be a map of texts to texts, or pairs of them, without empty names"
            raise MisuseError(msg)
        if _LINE_ENDS & {*name, *text}:
            msg = "a header is one line: its name and its value have no CR, LF or NUL"
            raise MisuseError(msg)
        _text("the value of a header", text, empty=True)
    return pairs


@whole
@frozen(kw_only=True)
class AdminContext:
    """The user's device, for an administrator's calls (ContextData).

    It is for AdminInitiateAuth and AdminRespondToAuthChallenge of any AWS SDK:

        context = AdminContext(ip_address=…, server_name="api.example.com", server_path="/login")
        client.admin_initiate_auth(
            UserPoolId=pool, ClientId=client_id, AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "ada", "PASSWORD": password},
            **context.members(username="ada", user_pool_id=pool, client_id=client_id),
        )

    Args:
        ip_address: The address of the user's device; Cognito takes it from every app client. An
            IPv4 address that is mapped into IPv6 is sent as IPv4.
        server_name: The name of the service's own endpoint.
        server_path: The path of it that the user's request was for.
        headers: The HTTP headers of the user's request, without cookies and credentials.
        device: As in `UserContext`.
        analytics_endpoint_id: As in `UserContext`.

    Raises:
        MisuseError: A part is not what it should be, or a header carries a secret: Cookie,
            Set-Cookie, Authorization or Proxy-Authorization, however it is spelt.
    """

    ip_address: str = field(converter=_address, repr=False)
    server_name: str = field()
    server_path: str = field()
    headers: tuple[tuple[str, str], ...] = field(default=(), converter=_headers, repr=False)
    device: DeviceFingerprint | str | None = field(default=None, converter=_device, repr=False)
    analytics_endpoint_id: str | None = field(default=None, converter=_endpoint_id, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.ip_address is None:
            msg = "ip_address must be given: Cognito requires it in ContextData"
            raise MisuseError(msg)
        for name, _ in self.headers:
            if (known := _http_name(name)) in _CREDENTIALS:
                msg = f"leave the header {known.title()} out: it carries a secret"
                raise MisuseError(msg)
            if not _TOKEN.fullmatch(name):
                msg = "a header's name has letters, digits and - alone, or RFC 9110's other signs"
                raise MisuseError(msg)

    @server_name.validator
    @server_path.validator
    def _check_text(self, attribute: "Attribute[str]", value: str) -> None:
        _text(attribute.name, value, empty=True)

    def members(
        self, *, username: str, user_pool_id: str, client_id: str, at: float | None = None
    ) -> dict[str, Any]:
        """Return ContextData, and AnalyticsMetadata if there is an endpoint's id.

        Args:
            username: The USERNAME of the same request.
            user_pool_id: The user pool's id.
            client_id: The app client's id.
            at: Now, in seconds since the epoch; by default as the clock of this machine says.

        Raises:
            MisuseError: A name is no text, or too long for the fingerprint; or the time is none.
        """
        for what, value in (("username", username), ("user_pool_id", user_pool_id)):
            _text(what, value)
        _text("client_id", client_id)
        now = time.time() if at is None else at
        if not is_number(now) or not 0 <= now <= _LATEST:
            msg = "at is a time in seconds since the epoch"
            raise MisuseError(msg)
        return context_data.admin_context(
            self,
            context_data.RequestFacts(
                username=username,
                user_pool_id=user_pool_id,
                client_id=client_id,
                at=now,
            ),
        )


_CREDENTIALS: Final = frozenset(
    {"cookie", "cookie2", "set-cookie", "set-cookie2", "authorization", "proxy-authorization"}
)
"""Headers that let whoever reads them in: nothing of them belongs in a risk score."""


def _http_name(name: str) -> str:
    """Return a header's name as HTTP has it: WSGI's is HTTP_COOKIE, and CGI's may be longer."""
    plain = name.strip(" \t:").lower().replace("_", "-").rstrip("-")
    return _GATEWAYS.sub("", plain, count=1)
