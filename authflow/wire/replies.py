"""Cognito's replies in a sign-in, as values."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeGuard, TypeVar

from attrs import field, frozen

from authflow.device import UnconfirmedDevice
from authflow.errors import MalformedReplyError
from authflow.machine import Challenged, Ending, Event
from authflow.results import Tokens
from authflow.secret import Secret
from authflow.wire.members import USER_ID_FOR_SRP, USERNAME, MemberError

T = TypeVar("T")

_SESSION_CHARS: Final = range(20, 4097)
"""The length of Cognito's session."""


@frozen(kw_only=True)
class Reply:
    """The content of a reply to InitiateAuth or RespondToAuthChallenge.

    Args:
        event: Its meaning for the state machine.
        parameters: The challenge parameters, if it is a challenge.
        session: The session to send with the answer.
        tokens: The tokens, if the user is signed in.
    """

    event: Event
    parameters: Mapping[str, str] = field(factory=dict, repr=False)
    session: Secret[str] | None = None
    tokens: Tokens | None = None

    @property
    def canonical_username(self) -> str | None:
        """The user's canonical name, if the reply contains it."""
        return self.parameters.get(USERNAME) or self.parameters.get(USER_ID_FOR_SRP)

    def asked(self, read: Callable[[Mapping[str, str]], T]) -> T:
        """Return the challenge parameters, read as those of one challenge.

        Args:
            read: The `read` of the challenge's `Asked`.

        Raises:
            MalformedReplyError: One is missing or not of its form.
        """
        try:
            return read(self.parameters)
        except MemberError as error:
            msg = f"a challenge parameter cannot be used: {error}"
            raise MalformedReplyError(msg) from None


def read_reply(reply: Mapping[str, Any]) -> Reply:
    """Read a reply to InitiateAuth or RespondToAuthChallenge.

    Raises:
        MalformedReplyError: It is neither a challenge nor tokens, or both, or a member is not of
            its form.
    """
    name, result = reply.get("ChallengeName"), reply.get("AuthenticationResult")
    if bool(name) == bool(result):
        msg = "the reply must hold either a challenge or tokens; the server is no user pool"
        raise MalformedReplyError(msg)
    if result:
        return Reply(event=Ending.AUTHENTICATED, tokens=read_tokens(result))
    parameters = reply.get("ChallengeParameters") or {}
    if (
        not _is_utf8(name)
        or not isinstance(parameters, Mapping)
        or not all(_is_utf8(text) for member in parameters.items() for text in member)
    ):
        raise _malformed()
    return Reply(event=Challenged(name), parameters=dict(parameters), session=read_session(reply))


def read_session(reply: Mapping[str, Any]) -> Secret[str] | None:
    """Read Session; None if the reply has none.

    Raises:
        MalformedReplyError: It is not of its form.
    """
    session = reply.get("Session")
    if session is None:
        return None
    if not _is_utf8(session) or len(session) not in _SESSION_CHARS:
        raise _malformed()
    return Secret(session)


def _malformed() -> MalformedReplyError:
    return MalformedReplyError(
        "a member of the challenge is not of the form that Cognito documents"
    )


_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def _is_utf8(text: object) -> TypeGuard[str]:
    """Return whether a text is UTF-8 and so can be hashed and sent; JSON also allows surrogates."""
    return isinstance(text, str) and not _SURROGATE.search(text)


_TOKEN: Final = re.compile(r"[\x20-\x7e]+")
"""The form of tokens and of their type (RFC 6749, appendices A.12, A.13 and A.17)."""
_SECONDS: Final = range(1, 2**31)
"""The positive values of IntegerType, the type of ExpiresIn."""


def _is_token(text: object) -> TypeGuard[str]:
    return isinstance(text, str) and _TOKEN.fullmatch(text) is not None


def read_refreshed(reply: Mapping[str, Any]) -> Tokens:
    """Read a reply to GetTokensFromRefreshToken.

    Raises:
        MalformedReplyError: It has no tokens, or a member is not of its form.
    """
    return read_tokens(reply.get("AuthenticationResult"))


def read_done(reply: Mapping[str, Any]) -> None:
    """Read a reply that only confirms the request, such as RevokeToken's."""


def read_tokens(result: Any) -> Tokens:
    """Read AuthenticationResult.

    Raises:
        MalformedReplyError: A token is missing or a member is not of its form.
    """
    if not isinstance(result, Mapping):
        msg = "AuthenticationResult is not an object"
        raise MalformedReplyError(msg)
    access, identity = result.get("AccessToken"), result.get("IdToken")
    refresh, expires_in = result.get("RefreshToken"), result.get("ExpiresIn")
    token_type = result.get("TokenType", "Bearer")
    if (
        not (_is_token(access) and _is_token(identity))
        or not (refresh is None or _is_token(refresh))
        or not (isinstance(expires_in, int) and not isinstance(expires_in, bool))
        or expires_in not in _SECONDS
        or not _is_token(token_type)
    ):
        msg = "AuthenticationResult lacks a token, or a member is not of its form"
        raise MalformedReplyError(msg)
    return Tokens(
        access_token=Secret(access),
        id_token=Secret(identity),
        refresh_token=None if refresh is None else Secret(refresh),
        expires_in=expires_in,
        token_type=token_type,
        device=_read_new_device(result.get("NewDeviceMetadata")),
    )


def _read_new_device(told: Any) -> UnconfirmedDevice | None:
    """Read NewDeviceMetadata, which comes where a pool that remembers devices knows this one not.

    Raises:
        MalformedReplyError: A member is not of its form.
    """
    if not told:
        return None
    key, group_key = (
        (told.get("DeviceKey"), told.get("DeviceGroupKey"))
        if isinstance(told, Mapping)
        else (None, None)
    )
    if not (_is_token(key) and _is_token(group_key)):
        msg = "NewDeviceMetadata lacks a key, or one is not of its form"
        raise MalformedReplyError(msg)
    return UnconfirmedDevice(key=key, group_key=group_key)
