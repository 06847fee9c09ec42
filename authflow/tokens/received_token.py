"""A token as it was received: split and read, and believed only once its signature is verified.

Whoever sent it chose every part of it. It is read once, by one reader, so that the part that
chooses the key and the part that is believed cannot differ; nothing in it names an address that is
asked, and no object of ours shows its text: it stands in closures alone, where no crash report
looks.

Sources: RFC 7515 §5.2 and §4.1.11, RFC 7519 §4 and §7.2, RFC 8725 (JSON Web Token Best Current
Practices) §3.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, NoReturn, Self

from attrs import field, frozen
from joserfc.jwk import RSAKey
from joserfc.jws import CompactSignature, JWSRegistry, extract_compact, validate_compact

from authflow.errors import TokenError, TokenMalformedError
from authflow.secret import Secret
from authflow.tokens.claims import unchanging

MOST_CHARS: Final = 16 * 1024
"""More characters than any of Cognito's tokens has."""
NO_JWT: Final = "the token is not a signed JWT"
_EXTENSIONS: Final = frozenset({"crit", "b64"})
"""Header members that change the meaning of a token (RFC 7515 §4.1.11, RFC 7797)."""
_RS256: Final = JWSRegistry(algorithms=["RS256"])


@frozen(eq=False)
class ReceivedToken:
    """A token whose form is right, and of which nothing is believed yet. Make it by `read`.

    Args:
        key_id: The key that it names.
    """

    key_id: str
    _opened: Callable[[], CompactSignature] = field(repr=False)
    _said: Callable[[], Mapping[str, Any]] = field(repr=False)

    @classmethod
    def read(cls, token: Secret[str]) -> "Self | TokenError":
        """Read a token.

        Returns:
            The token, or what is wrong with its form; nothing is raised.
        """
        if len(token.reveal()) > MOST_CHARS:
            return TokenMalformedError("the token is too long to be one of Cognito's")
        try:
            signed = extract_compact(token.reveal().encode("ascii"), registry=_RS256)
            key_id, why = _header(signed.segments["header"])
        except Exception:  # noqa: BLE001  # a token may make a library raise anything
            return TokenMalformedError(NO_JWT)
        if why is not None:
            return TokenMalformedError(why)
        return cls(key_id, lambda: signed, _once(lambda: _claims(signed.payload or b"")))

    def issuer(self) -> str | None:
        """Return the issuer that it names, which nobody has proved; None if it names none."""
        try:
            issuer = self._said().get("iss")
        except Exception:  # noqa: BLE001
            return None
        return issuer if isinstance(issuer, str) else None

    def is_signed_by(self, key: RSAKey) -> bool:
        """Return whether a key signed it."""
        try:
            return validate_compact(self._opened(), key, registry=_RS256) is True
        except Exception:  # noqa: BLE001
            return False

    def claims(self) -> Mapping[str, Any] | None:
        """Return its claims, which are to be believed if it is signed; None if they are malformed.

        They are JSON of UTF-8, an object, without members of one name, numbers that JSON does not
        have, texts that UTF-8 cannot carry, and deep nests.
        """
        try:
            return self._said()
        except Exception:  # noqa: BLE001
            return None


def _once(read: Callable[[], Mapping[str, Any]]) -> Callable[[], Mapping[str, Any]]:
    """Make a function that reads when it is first called, and gives that ever after."""
    done: list[Mapping[str, Any]] = []

    def again() -> Mapping[str, Any]:
        if not done:
            done.append(read())
        return done[0]

    return again


@lru_cache(maxsize=64)  # the tokens of a pool have few headers, and what one says never changes
def _header(segment: bytes) -> tuple[str, str | None]:
    """Return the key id from a header, the only member of it that is used.

    Returns:
        The id, and what is wrong with the header, if something is.
    """
    try:
        header = _object(urlsafe_b64decode(segment + b"=" * (-len(segment) % 4)))
    except ValueError:
        return "", NO_JWT
    key_id = header.get("kid")
    if header.get("alg") != "RS256" or not isinstance(key_id, str):
        return "", "the token is not signed by RS256 with a named key"
    if _EXTENSIONS & header.keys():
        return "", "the token's header asks for an extension, as none of Cognito's does"
    return key_id, None


def _claims(payload: bytes) -> Mapping[str, Any]:
    claims: Mapping[str, Any] = unchanging(_object(payload))
    return claims


def _object(document: bytes) -> dict[str, Any]:
    """Read a JSON object as strictly as its standard allows.

    Raises:
        ValueError: It is none.
        RecursionError: It is nested deeper than Python reads.
    """
    text = document.decode()
    read = _STRICT.decode(text)
    if not isinstance(read, dict):
        raise ValueError  # noqa: TRY004  # as all else that is wrong with it
    if "\\u" in text:  # only such an escape can make what UTF-8 cannot carry
        json.dumps(read, ensure_ascii=False).encode()
    return read


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    whole = dict(members)
    if len(whole) != len(members):
        raise ValueError
    return whole


def _no_json(_: str) -> NoReturn:
    raise ValueError


_STRICT: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_json)
