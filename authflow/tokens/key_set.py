"""The keys of a user pool, read from a JWKS (RFC 7517): those that may sign its tokens.

Source: "Verifying JSON web tokens" in the Amazon Cognito developer guide: each key is RSA, of 2048
bits, named by `kid`, for RS256 and for signatures.
"""

import base64
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen
from joserfc.jwk import RSAKey

from authflow.errors import ConfigError
from authflow.printable import one_line

MOST_BYTES: Final = 256 * 1024
"""The most bytes of a JWKS."""
_BITS: Final = range(2048, 16_385)
"""Bits of a key. Shorter keys are unsafe (NIST SP 800-131A), and OpenSSL refuses longer ones."""
_BASE64URL: Final = re.compile(r"(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2,3})?")
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

Keys = Mapping[str, RSAKey]
"""Keys by their ids."""


class BrokenJwksError(Exception):
    """The pool has published something that is not a JWKS; the next time it may be one."""


class _UnusableError(Exception):
    """A key that must not sign tokens. The text says why, and shows nothing of the key."""


def read_published(document: bytes) -> Keys:
    """Read what a pool published. Keys that are not for its tokens are left out.

    Args:
        document: The JWKS, as it came.

    Raises:
        BrokenJwksError: It is no JWKS, or has no key at all for the pool's tokens.
    """
    keys: dict[str, RSAKey] = {}
    for entry in _entries(document):
        try:
            keys.update([_read(entry)])
        except _UnusableError:
            continue
    if not keys:
        msg = "none of its keys can sign a user pool's tokens"
        raise BrokenJwksError(msg)
    return keys


@frozen(kw_only=True)
class GivenKeys:
    """Keys that the owner gave; nothing is fetched.

    Args:
        document: The public JWKS, in one spelling: what makes two of them equal.
        keys: The keys.
    """

    document: str = field(repr=False)
    keys: Keys = field(eq=False, repr=lambda keys: f"<{len(keys)}>")

    @classmethod
    def read(cls, source: "Mapping[str, Any] | str | os.PathLike[str] | GivenKeys") -> "GivenKeys":
        """Read a JWKS in which all keys must be for a pool's tokens.

        Args:
            source: What is in the pool's `jwks.json`, or the path of such a file.

        Raises:
            ConfigError: It cannot be read, or one of its keys is not for a pool's tokens.
        """
        if isinstance(source, GivenKeys):
            return source
        if not isinstance(source, Mapping | str | os.PathLike):
            msg = f"jwks must be what is in jwks.json, or its path, not {type(source).__name__}"
            raise ConfigError(msg)
        document = source if isinstance(source, Mapping) else _file(source)
        keys: dict[str, RSAKey] = {}
        try:
            for number, entry in enumerate(_entries(document), 1):
                name, key = _read(entry)
                if name in keys:
                    msg = f"jwks: key {number} has the kid of another"
                    raise ConfigError(msg)
                keys[name] = key
        except BrokenJwksError as error:
            msg = f"jwks: {error}"
        except _UnusableError as error:
            msg = f"jwks: key {number} cannot be a user pool's: {error}"
        else:
            public = [keys[name].as_dict(private=False) for name in sorted(keys)]
            return cls(document=json.dumps(public, sort_keys=True), keys=keys)
        raise ConfigError(msg)


def _file(path: "str | os.PathLike[str]") -> bytes:
    try:
        with Path(path).open("rb") as file:
            document = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        msg = f"jwks cannot be read from {one_line(str(path))}: {type(error).__name__}"
        raise ConfigError(msg) from None
    if len(document) > MOST_BYTES:
        msg = f"jwks: {os.fspath(path)} is larger than {MOST_BYTES} bytes"
        raise ConfigError(msg)
    return document


def _entries(document: Mapping[str, Any] | bytes) -> list[Mapping[str, Any]]:
    if isinstance(document, bytes):
        try:
            document = json.loads(document)
        except (ValueError, RecursionError):
            msg = "it is no JSON"
            raise BrokenJwksError(msg) from None
    entries = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(entries, list) or not entries:
        msg = 'it is no JWKS: {"keys": [...]} with one key at least'
        raise BrokenJwksError(msg)
    if not all(isinstance(entry, Mapping) for entry in entries):
        msg = "each of its keys must be an object"
        raise BrokenJwksError(msg)
    return entries


def _read(entry: Mapping[str, Any]) -> tuple[str, RSAKey]:
    """Read a key that may sign a pool's tokens."""
    name, bits = entry.get("kid"), _bits(entry.get("n"))
    if not isinstance(name, str) or not name:
        why = "it has no kid"
    elif entry.get("kty") != "RSA":
        why = "its kty is not RSA"
    elif _PRIVATE & entry.keys():
        why = "it is a private one, and whoever has it can sign: give the public one"
    elif entry.get("alg") not in (None, "RS256"):
        why = "its alg is not RS256"
    elif entry.get("use") not in (None, "sig") or not _may_verify(entry.get("key_ops")):
        why = "it is not for signatures"
    elif bits is not None and bits not in _BITS:
        why = f"it has {bits} bits, and {_BITS.start} are the least"
    elif bits is None or (key := _imported(entry)) is None:
        why = "its n and e are no RSA key"
    else:
        return name, key
    raise _UnusableError(why)


def _may_verify(operations: object) -> bool:
    return operations is None or (isinstance(operations, list) and "verify" in operations)


def _bits(modulus: object) -> int | None:
    """Return the number of bits of a modulus; None if the value is not a modulus."""
    if not isinstance(modulus, str) or not _BASE64URL.fullmatch(modulus):
        return None
    number = base64.urlsafe_b64decode(modulus + "=" * (-len(modulus) % 4))
    return int.from_bytes(number, "big").bit_length()


def _imported(entry: Mapping[str, Any]) -> RSAKey | None:
    """Make the key from the members that count, and ignore all others."""
    members: dict[str, Any] = {name: entry.get(name) for name in ("kty", "kid", "n", "e")}
    try:
        return RSAKey.import_key(members)
    except Exception:  # noqa: BLE001  # any member may be malformed
        return None
