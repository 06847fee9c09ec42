"""The content of a ticket: a pending sign-in as few bytes.

Three parts: Cognito's session, where the sign-in stands, and the challenge; and one more for each
name that is long. A session is base64 mostly, and is then kept as the bytes that it stands for: a
ticket's own base64 makes four characters of three bytes again. The canonical name is written if it
is another than the one that was typed, and of the reason why nobody answered the beginning.

Only the challenge is compressed. How long something compressed is tells what repeats in it, and who
chooses a part of it can so try out the rest (CRIME, CVE-2012-4929). A challenge is what the server
tells whoever is asked, so there is nothing to find out. The session, which is secret, and the names
that somebody typed stand outside; a session that is no base64, and a long name, are compressed each
by itself alone.
"""

import base64
import binascii
import json
import struct
import zlib
from typing import Any, Final

from authflow.client.left_out import files_in
from authflow.client.pending_data import VERSION, put_together, take_apart
from authflow.errors import MisuseError
from authflow.results import ChallengeRequired
from authflow.secret import Secret
from authflow.unframed import Unframed

_STANDS: Final = (
    *("flow", "state", "username", "canonical_username"),
    *("rounds", "expires_at"),
)
_ASKED: Final = ("name", "kind", "parameters", "attempt", "attempts", "left_out")
_BECAUSE: Final = ("kind", "reason")
"""The members of `pending_data`, whose names are not written."""

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_LENGTH: Final = struct.Struct(">I")
_NONE, _TEXT, _DEFLATED, _BASE64 = range(4)
"""The forms of a part, by its first byte. To _BASE64 may be added what follows."""
_URL_SAFE: Final = 1
_UNPADDED: Final = 2
_WORTH_IT: Final = 512
"""The bytes from which on a part is compressed: below, it saves less than it takes."""
_MOST_BYTES: Final = 8 * 1024 * 1024
_LONG_NAME: Final = 96
"""The bytes from which on a name has a part of its own."""
_APART: Final = 0
"""Stands for a name that has a part of its own."""
_REASON_CHARS: Final = 100
_REASON_BYTES: Final = 160
"""The most that is kept of a reason, which is for logs: characters, and bytes of UTF-8."""
_CUT: Final = "…"


def write_content(pending: ChallengeRequired, *, pictures: bool) -> Secret[bytes]:
    """Write a pending sign-in.

    Args:
        pending: What a client gave.
        pictures: Whether pictures and sounds come along.

    Raises:
        MisuseError: It is none that a client gave.
    """
    try:
        data = take_apart(pending)
        if not pictures:
            _leave_out(data["challenge"])
        return Secret(_written(data))
    except (TypeError, ValueError, AttributeError):
        data = {}  # it has a session in it, and tracebacks show locals
    with Unframed():
        msg = "pending is a ChallengeRequired that no call has given"
        raise MisuseError(msg)


def read_content(content: Secret[bytes]) -> ChallengeRequired:
    """Read what `write_content` wrote.

    Raises:
        MisuseError: It is something else. Nothing of it is shown.
    """
    try:
        return put_together(_read(content.reveal()))
    except (MisuseError, ValueError, TypeError, LookupError, struct.error, zlib.error):
        pass
    with Unframed():
        msg = "this is no content of a ticket"
        raise MisuseError(msg)


def _leave_out(challenge: dict[str, Any]) -> None:
    files = files_in(challenge["parameters"])
    for name in files:
        del challenge["parameters"][name]
    challenge["left_out"].update(files)


def _written(data: dict[str, Any]) -> bytes:
    sign_in, challenge, because = data["sign_in"], data["challenge"], data["because"]
    stands = {name: sign_in[name] for name in _STANDS}
    if stands["canonical_username"] == stands["username"]:
        stands["canonical_username"] = None
    names = []
    for name in ("username", "canonical_username"):
        if stands[name] is not None and len(_json(stands[name])) > _LONG_NAME:
            names.append(_packed(stands[name].encode(), least=_LONG_NAME))
            stands[name] = _APART
    asked = [challenge[name] for name in _ASKED]
    why = None if because is None else [because["kind"], _shortened(because["reason"])]
    parts = (
        *(_packed_session(sign_in["session"]), _json([*stands.values()])),
        *(_packed(_json([asked, why])), *names),
    )
    return b"".join(_LENGTH.pack(len(part)) + part for part in parts)


def _read(content: bytes) -> dict[str, Any]:
    parts, at = [], 0
    while at < len(content):
        (length,) = _LENGTH.unpack_from(content, at)
        at += _LENGTH.size + length
        parts.append(content[at - length : at])
    session, stood = _unpacked_session(parts[0]), json.loads(parts[1].decode())
    stands = dict(zip(_STANDS, stood, strict=True))
    asked, because = json.loads(_unpacked(parts[2]).decode())
    names = iter(parts[3:])
    for name in ("username", "canonical_username"):
        if stands[name] == _APART:
            stands[name] = _unpacked(next(names, b"")).decode()
    if next(names, None) is not None:
        raise ValueError
    if stands["canonical_username"] is None:
        stands["canonical_username"] = stands["username"]
    return {
        "version": VERSION,
        "challenge": dict(zip(_ASKED, asked, strict=True)),
        "sign_in": {**stands, "session": session},
        "because": None if because is None else dict(zip(_BECAUSE, because, strict=True)),
    }


def _json(value: object) -> bytes:
    return _ENCODER.encode(value).encode()


def _shortened(reason: str) -> str:
    """Return a reason, cut where it is too long."""
    if len(reason) <= _REASON_CHARS and len(reason.encode()) <= _REASON_BYTES:
        return reason
    kept = reason[:_REASON_CHARS].encode()[: _REASON_BYTES - len(_CUT.encode())]
    return kept.decode(errors="ignore") + _CUT


def _packed(data: bytes, least: int = _WORTH_IT) -> bytes:
    if len(data) > least:
        deflated = zlib.compress(data)
        if len(deflated) < len(data):
            return bytes([_DEFLATED]) + deflated
    return bytes([_TEXT]) + data


def _unpacked(part: bytes) -> bytes:
    if part[0] == _TEXT:
        return part[1:]
    inflated = zlib.decompressobj()
    data = inflated.decompress(part[1:], _MOST_BYTES)
    if not inflated.eof:
        raise ValueError
    return data


def _packed_session(session: str | None) -> bytes:
    if session is None:
        return bytes([_NONE])
    how = _URL_SAFE * ("-" in session or "_" in session) + _UNPADDED * (session[-1:] != "=")
    try:
        data = base64.b64decode(_padded(session), altchars=_alphabet(how), validate=True)
    except (binascii.Error, ValueError):
        return _packed(session.encode())
    if _base64(data, how) != session:  # only what comes back exactly
        return _packed(session.encode())
    return bytes([_BASE64 + how]) + data


def _unpacked_session(part: bytes) -> str | None:
    if part[0] == _NONE:
        return None
    if part[0] >= _BASE64:
        return _base64(part[1:], part[0] - _BASE64)
    return _unpacked(part).decode()


def _base64(data: bytes, how: int) -> str:
    text = base64.b64encode(data, altchars=_alphabet(how)).decode()
    return text.rstrip("=") if how & _UNPADDED else text


def _alphabet(how: int) -> bytes:
    return b"-_" if how & _URL_SAFE else b"+/"


def _padded(text: str) -> str:
    return text + "=" * (-len(text) % 4)
