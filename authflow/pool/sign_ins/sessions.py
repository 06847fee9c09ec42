"""Sessions: what a sign-in that waits for an answer is kept as.

The client holds an opaque handle of 256 random bits. The database holds the handle's hash and the
state, sealed with a key that is made of the handle: whoever reads the database file learns neither
handles nor what a trigger keeps to itself, such as the right answer.

A session is for one use. Taking one is a DELETE, and of two that take it at once one finds nothing.
"""

import base64
import hashlib
import json
import os
import secrets
import sqlite3
from collections.abc import Mapping
from typing import Final, Self

from attrs import field, frozen
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from authflow.machine import AuthFlow, State
from authflow.pool.cognito_errors import invalid_session
from authflow.secret import Secret
from authflow.triggers.events.challenge_events import SessionEntry

_HANDLE_BYTES: Final = 48
_NONCE_BYTES: Final = 12
_REMEMBERED: Final = 900.0
"""Seconds for which an expired session is kept, so that its user hears that it has expired."""


@frozen(kw_only=True)
class Handshake:
    """An SRP handshake that waits for the client's proof.

    Args:
        public_a: A.
        b: The private value.
        public_b: B.
    """

    public_a: int = field(repr=False)
    b: Secret[int]
    public_b: int = field(repr=False)

    def to_json(self) -> list[str]:
        """Give a form that can be sealed."""
        return [f"{self.public_a:x}", f"{self.b.reveal():x}", f"{self.public_b:x}"]

    @classmethod
    def from_json(cls, values: list[str]) -> Self:
        """Read what `to_json` gave."""
        public_a, b, public_b = (int(value, 16) for value in values)
        return cls(public_a=public_a, b=Secret(b), public_b=public_b)


def entry(name: str, *, passed: bool, metadata: str | None = None) -> SessionEntry:
    """Make a session entry: the name of a challenge, its result, and its metadata if it has any."""
    return SessionEntry(challenge_name=name, challenge_result=passed, challenge_metadata=metadata)


@frozen(kw_only=True)
class Progress:
    """Where a sign-in stands, as the pool sees it.

    Args:
        pool_id: The user pool.
        client_id: The app client, the only one that may answer.
        flow: The auth flow, whose table decides what may follow.
        state: What the sign-in waits at.
        sub: The user's id; None for a user who does not exist, which the pool hides.
        username: The canonical name.
        typed: The name as it was typed.
        auth_time: When the sign-in began, in seconds since the epoch.
        history: The merged session entries that triggers see.
        private: What Create keeps for Verify.
        metadata: What Create said about the challenge that is being answered.
        handshake: The SRP handshake, if it waits for a proof.
        companion: The hash of the handle that goes with this one, where Cognito gives two.
    """

    pool_id: str
    client_id: str
    flow: AuthFlow
    state: State
    sub: str | None
    username: str
    typed: str
    auth_time: int
    history: tuple[SessionEntry, ...] = ()
    private: Mapping[str, str] = field(factory=dict, repr=False)
    metadata: str | None = None
    handshake: Handshake | None = None
    companion: str | None = None

    def to_json(self) -> bytes:
        """Give a form that can be sealed."""
        values = {name: getattr(self, name) for name in _PLAIN}
        values["history"] = [each.to_json() for each in self.history]
        values["private"] = dict(self.private)
        if self.handshake is not None:
            values["handshake"] = self.handshake.to_json()
        return json.dumps(values, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Read what `to_json` gave."""
        values = json.loads(text)
        handshake = values.pop("handshake", None)
        return cls(
            **(
                values
                | {
                    "flow": AuthFlow(values["flow"]),
                    "state": State(values["state"]),
                    "history": tuple(
                        SessionEntry.from_json(each, "history") for each in values["history"]
                    ),
                }
            ),
            handshake=None if handshake is None else Handshake.from_json(handshake),
        )


_PLAIN: Final = (
    *("pool_id", "client_id", "flow", "state", "sub", "username", "typed", "auth_time"),
    *("metadata", "companion"),
)


def new_handle() -> str:
    """Draw a handle, in base64: SECRET_BLOCK must be that, and a Session may be."""
    return base64.b64encode(secrets.token_bytes(_HANDLE_BYTES)).decode()


def _id_and_key(handle: str) -> tuple[bytes, bytes]:
    digest = hashlib.sha512(b"authflow session\0" + handle.encode()).digest()
    return digest[:32], digest[32:]


def companion_of(handle: str) -> str:
    """Give the hash by which one handle names another."""
    return hashlib.sha256(handle.encode()).hexdigest()


def put_session(
    connection: sqlite3.Connection, handle: str, progress: Progress, now: float, expires_at: float
) -> None:
    """Keep a sign-in under a handle.

    Args:
        connection: The database.
        handle: From `new_handle`.
        progress: Where the sign-in stands.
        now: Seconds since the epoch; sessions that are long over are forgotten.
        expires_at: When it can no longer be answered, in seconds since the epoch.
    """
    session_id, key = _id_and_key(handle)
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + AESGCM(key).encrypt(nonce, progress.to_json(), session_id)
    connection.execute("DELETE FROM sessions WHERE expires_at < ?", (now - _REMEMBERED,))
    connection.execute(
        "INSERT INTO sessions (id, expires_at, sealed) VALUES (?, ?, ?)",
        (session_id, expires_at, sealed),
    )


def look_at_session(connection: sqlite3.Connection, handle: str, now: float) -> Progress:
    """Read a session without using it up.

    Raises:
        CognitoError: There is no such session (any more), or it has expired.
    """
    session_id, key = _id_and_key(handle)
    row = connection.execute(
        "SELECT expires_at, sealed FROM sessions WHERE id = ?", (session_id,)
    ).fetchone()
    if row is None:
        raise invalid_session()
    expires_at, sealed = row
    if now >= expires_at:
        raise invalid_session("session is expired")
    opened = AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], session_id)
    return Progress.from_json(opened)


def use_up_session(connection: sqlite3.Connection, handle: str) -> None:
    """Delete a session, for the one who comes first.

    Raises:
        CognitoError: Somebody was faster.
    """
    session_id, _ = _id_and_key(handle)
    used = connection.execute("DELETE FROM sessions WHERE id = ? RETURNING 1", (session_id,))
    if used.fetchone() is None:
        raise invalid_session("session can only be used once")
