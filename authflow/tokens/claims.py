"""The claims of a verified token, each with its type.

Source: "Understanding the access token" and "Understanding the identity (ID) token" in the Amazon
Cognito developer guide. A trigger before token generation may take most of them away, and an app
client's own tokens (the client credentials grant) name no user: what may be missing is None.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal, Self, TypeVar

from attrs import asdict, field, frozen

from authflow.errors import TokenError, TokenMalformedError

T = TypeVar("T")

Use = Literal["access", "id"]
_CUSTOM: Final = "custom:"
_DEPTH: Final = 32
"""The most levels of nested values. Those that triggers add have a few."""
_NESTED: Final = (dict, list)
_MISSING: Final = object()


class _MalformedClaimError(Exception):
    """A claim that has not its documented form. The text names it, and shows no value."""


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError
    return value


def _moment(value: Any) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return datetime.fromtimestamp(value, UTC)


def _words(value: Any) -> frozenset[str]:
    return frozenset(filter(None, _text(value).split(" ")))  # RFC 6749 section 3.3


def _texts(value: Any) -> frozenset[str]:
    if not isinstance(value, tuple):
        raise TypeError
    return frozenset(map(_text, value))


def _switch(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):  # what an identity provider's attribute mapping leaves
        return bool(value == "true")
    raise ValueError


def _given(said: Mapping[str, Any], name: str, read: Callable[[Any], T]) -> T | None:
    """Return a claim with its type; None if the token does not have it.

    Raises:
        _MalformedClaimError: It has not its documented form.
    """
    value = said.get(name, _MISSING)
    if value is _MISSING:
        return None
    try:
        return read(value)
    except (TypeError, ValueError, OverflowError, OSError):
        msg = f"the token's {name} claim does not have its documented form"
        raise _MalformedClaimError(msg) from None


def _needed(said: Mapping[str, Any], name: str, read: Callable[[Any], T]) -> T:
    found = _given(said, name, read)
    if found is None:
        msg = f"the token has no {name} claim"
        raise _MalformedClaimError(msg)
    return found


def _custom(said: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(
        {
            name.removeprefix(_CUSTOM): value
            for name, value in said.items()
            if name.startswith(_CUSTOM)
        }
    )


def unchanging(value: Any, depth: int = _DEPTH) -> Any:
    """Return JSON's values in a form that nobody can change.

    Raises:
        ValueError: It is nested too deep.
    """
    if not isinstance(value, _NESTED):
        return value
    if not depth:
        msg = "nested too deep"
        raise ValueError(msg)
    if isinstance(value, list):
        return tuple([unchanging(each, depth - 1) for each in value])
    return MappingProxyType(
        {
            name: unchanging(each, depth - 1) if isinstance(each, _NESTED) else each
            for name, each in value.items()
        }
    )


def _plain(value: Any) -> Any:
    """Return JSON's values in the form that `json` gives them, which can be copied."""
    if isinstance(value, tuple):
        return [*map(_plain, value)]
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return value


def _restored(kind: "type[T]", values: dict[str, Any]) -> T:
    """Return a value that was copied or pickled."""
    return kind(**{name: unchanging(value, _DEPTH + 1) for name, value in values.items()})


@frozen(kw_only=True)
class _Claims:
    """The claims that access tokens and id tokens have in common.

    Args:
        sub: The user's id in the pool, which never changes; in a token of an app client's own, that
            client's id.
        username: The user's canonical name in the pool; None where the token names no user.
        client_id: The app client that the token was issued for.
        issuer: The user pool that issued it, as its tokens name it.
        groups: The user's groups in the pool.
        issued_at: When it was issued, in UTC.
        expires_at: When it expires, in UTC.
        auth_time: When the user signed in, in UTC.
        jti: The token's own id.
        origin_jti: The id of the sign-in, which all tokens share that were refreshed from it.
        event_id: The id of the authentication event.
        raw: All claims, as they came: JSON's objects are mappings and its lists are tuples, none
            of which can be changed.
    """

    token_use: ClassVar[Use]

    sub: str
    username: str | None
    client_id: str
    issuer: str
    groups: frozenset[str]
    issued_at: datetime
    expires_at: datetime
    auth_time: datetime | None
    jti: str | None
    origin_jti: str | None
    event_id: str | None
    raw: Mapping[str, Any] = field(repr=False, hash=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how it is copied and pickled: a mapping that cannot be changed cannot be."""
        values = asdict(self, recurse=False)
        return _restored, (type(self), {name: _plain(each) for name, each in values.items()})

    @classmethod
    def _common(cls, said: Mapping[str, Any], client: str, username: str) -> dict[str, Any]:
        return {
            "sub": _needed(said, "sub", _name),
            "username": _given(said, username, _name),
            "client_id": _needed(said, client, _name),
            "issuer": _needed(said, "iss", _name),
            "groups": _given(said, "cognito:groups", _texts) or frozenset(),
            "issued_at": _needed(said, "iat", _moment),
            "expires_at": _needed(said, "exp", _moment),
            "auth_time": _given(said, "auth_time", _moment),
            "jti": _given(said, "jti", _name),
            "origin_jti": _given(said, "origin_jti", _name),
            "event_id": _given(said, "event_id", _name),
            "raw": said,
        }


@frozen(kw_only=True)
class AccessClaims(_Claims):
    """The claims of a verified access token.

    Args:
        scopes: What the token allows.
        device_key: The remembered device that the user signed in on.
    """

    token_use: ClassVar[Use] = "access"

    scopes: frozenset[str]
    device_key: str | None

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """Read the claims; the verifier has made sure of the rest."""
        return cls(
            **cls._common(said, "client_id", "username"),
            scopes=_given(said, "scope", _words) or frozenset(),
            device_key=_given(said, "device_key", _name),
        )


@frozen(kw_only=True)
class IdClaims(_Claims):
    """The claims of a verified id token. What it says of a person stands in no repr.

    Args:
        email: The user's e-mail address.
        email_verified: Whether the user has shown that it is theirs; False where nothing is said.
        custom: The custom attributes that the app client may read, by their names without
            `custom:`.
    """

    token_use: ClassVar[Use] = "id"

    email: str | None = field(repr=False)
    email_verified: bool
    custom: Mapping[str, Any] = field(repr=False, hash=False)

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """Read the claims; the verifier has made sure of the rest."""
        return cls(
            **cls._common(said, "aud", "cognito:username"),
            email=_given(said, "email", _text),
            email_verified=_given(said, "email_verified", _switch) or False,
            custom=_custom(said),
        )


def typed(said: Mapping[str, Any]) -> AccessClaims | IdClaims | TokenError:
    """Return the claims with their types, or what is wrong with them.

    Args:
        said: The claims of a token that is good, in an unchanging form.
    """
    try:
        return (AccessClaims if said["token_use"] == "access" else IdClaims).of(said)
    except _MalformedClaimError as error:
        why = str(error)
    return TokenMalformedError(why)
