"""The content of a ticket: a pending sign-in as few bytes.

Three parts: Cognito's session, where the sign-in stands, and the challenge; and one more for each
name that is long. A session is base64 mostly, and is then kept as the bytes that it stands for: a
ticket's own base64 makes four characters of three bytes again. The canonical name is written if it
is another than the one that was typed, and of the reason why nobody answered the beginning. What
observers know the sign-in by is the last part, if it was observed.

Only the challenge is compressed. How long something compressed is tells what repeats in it, and who
chooses a part of it can so try out the rest (CRIME, CVE-2012-4929). A challenge is what the server
tells whoever is asked, so there is nothing to find out. The session, which is secret, and the names
that somebody typed stand outside; a session that is no base64, and a long name, are compressed each
by itself alone.
"""

import binascii
import json
import struct
import zlib
from json.encoder import encode_basestring as _quoted
from typing import Any, Final

from authflow.client.left_out import files_in
from authflow.client.pending_data import (
    challenge_of,
    reason_of,
    sign_in_of,
    told_authenticator,
    told_reason,
)
from authflow.errors import MisuseError
from authflow.results import ChallengeRequired
from authflow.secret import Secret
from authflow.unframed import Unframed

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_DECODER: Final = json.JSONDecoder()
_WITHOUT_AUTHENTICATOR: Final = 6
"""The members of a challenge, if no authenticator is being set up."""
_LENGTH: Final = struct.Struct(">I")
_NONE, _TEXT, _DEFLATED, _BASE64 = range(4)
"""The forms of a part, by its first byte. To _BASE64 may be added what follows."""
_URL_SAFE: Final = 1
_UNPADDED: Final = 2
_FORMS: Final = [bytes([form]) for form in range(_BASE64 + _URL_SAFE + _UNPADDED + 1)]
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
        return Secret(_written(pending, pictures=pictures))
    except (TypeError, ValueError, AttributeError, OverflowError):
        pass  # its frames hold the session
    with Unframed():
        msg = "pending is a ChallengeRequired that no call has given"
        raise MisuseError(msg)


def read_content(content: Secret[bytes]) -> ChallengeRequired:
    """Read what `write_content` wrote.

    Raises:
        MisuseError: It is something else. Nothing of it is shown.
    """
    try:
        return _read(content.reveal())
    except (ValueError, TypeError, LookupError, struct.error, zlib.error):
        pass
    with Unframed():
        msg = "this is no content of a ticket"
        raise MisuseError(msg)


def _written(pending: ChallengeRequired, *, pictures: bool) -> bytes:
    challenge, stands, because = pending.challenge, pending.sign_in, pending.because
    parameters, left_out = dict(challenge.parameters), dict(challenge.left_out)
    if not pictures:
        files = files_in(parameters)
        for name in files:
            del parameters[name]
        left_out.update(files)
    names: list[bytes] = []
    username, canonical = _written_name(stands.username, names), "null"
    if stands.canonical_username != stands.username:
        canonical = _written_name(stands.canonical_username, names)
    stood = f"[{_quoted(stands.flow.value)},{_quoted(stands.state.value)},{username},{canonical}"
    authenticator = told_authenticator(challenge)
    if authenticator is not None and authenticator[1] == stands.username:
        authenticator = (authenticator[0], None, authenticator[2])
    asked = (
        *(challenge.name, challenge.kind, parameters),
        *(challenge.attempt, challenge.attempts, left_out),
        *(() if authenticator is None else (authenticator,)),
    )
    why = None
    if because is not None:
        kind, reason = told_reason(because)
        why = kind, _shortened(reason)
    parts = [
        _packed_session(None if stands.session is None else stands.session.reveal()),
        f"{stood},{stands.rounds:d},{stands.expires_at + 0.0!r}]".encode(),
        _packed(_ENCODER.encode((asked, why)).encode()),
        *names,
        *(() if stands.id is None else (bytes.fromhex(stands.id),)),
    ]
    return b"".join([_LENGTH.pack(len(part)) + part for part in parts])


def _written_name(name: str, apart: list[bytes]) -> str:
    """Return a name as JSON, or what stands for it if it is long and gets a part of its own."""
    quoted = _quoted(name)
    if len(quoted.encode()) <= _LONG_NAME:
        return quoted
    apart.append(_packed(name.encode(), least=_LONG_NAME))
    return str(_APART)


def _read(content: bytes) -> ChallengeRequired:
    parts, at = [], 0
    while at < len(content):
        (length,) = _LENGTH.unpack_from(content, at)
        at += _LENGTH.size + length
        parts.append(content[at - length : at])
    session = _unpacked_session(parts[0])
    flow, state, username, canonical, rounds, expires_at = _plain(parts[1])
    asked, because = _plain(_unpacked(parts[2]))
    names = iter(parts[3:])
    if username == _APART:
        username = _unpacked(next(names, b"")).decode()
    if canonical == _APART:
        canonical = _unpacked(next(names, b"")).decode()
    known_by = next(names, None)
    if next(names, None) is not None:
        raise ValueError
    number = () if known_by is None else (known_by.hex(),)
    if canonical is None:
        canonical = username
    if len(asked) > _WITHOUT_AUTHENTICATOR and asked[-1][1] is None:
        asked[-1][1] = username
    return ChallengeRequired(
        challenge=challenge_of(asked),
        sign_in=sign_in_of(
            (flow, state, username, canonical, rounds, expires_at, session, *number)
        ),
        because=None if because is None else reason_of(because),
    )


def _plain(data: bytes) -> Any:
    text = data.decode()
    value, end = _DECODER.raw_decode(text)
    if end != len(text):
        raise ValueError
    return value


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
            return _FORMS[_DEFLATED] + deflated
    return _FORMS[_TEXT] + data


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
        return _FORMS[_NONE]
    how = _URL_SAFE * ("-" in session or "_" in session) + _UNPADDED * (session[-1:] != "=")
    standard = session.replace("-", "+").replace("_", "/") if how & _URL_SAFE else session
    try:
        data = binascii.a2b_base64(standard + "=" * (-len(standard) % 4))
    except ValueError:  # of a text that is not ASCII, too
        return _packed(session.encode())
    # Only what comes back exactly: it is of one alphabet, as long as its bytes make it, for else
    # something was passed over, and has no other bits at its end.
    whole = len(data) // 3
    is_mixed = how & _URL_SAFE and ("+" in session or "/" in session)
    if is_mixed or _base64(data[whole * 3 :], how) != session[whole * 4 :]:
        return _packed(session.encode())
    return _FORMS[_BASE64 + how] + data


def _unpacked_session(part: bytes) -> str | None:
    if part[0] == _NONE:
        return None
    if part[0] >= _BASE64:
        return _base64(part[1:], part[0] - _BASE64)
    return _unpacked(part).decode()


def _base64(data: bytes, how: int) -> str:
    text = binascii.b2a_base64(data, newline=False)
    if how & _UNPADDED:
        text = text.rstrip(b"=")
    if how & _URL_SAFE:
        text = text.replace(b"+", b"-").replace(b"/", b"_")
    return text.decode()
