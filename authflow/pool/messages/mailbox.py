"""The mailbox: the e-mails and text messages of a pool, which has no mail server.

Messages hold codes, so they are sealed in the database: neither its rows nor a look through the
file shows one. The key is made of the pool's own, which is in the file, too: this hides codes from
eyes, not from whoever takes the file. After a day they are gone.
"""

import contextlib
import hmac
import json
import os
import secrets
from collections.abc import Callable
from typing import Any, Final, Self

from attrs import define, field, frozen
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from authflow.pool.accounts.user_pool import UserPool, find_pool
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.errands import leave
from authflow.pool.log_limit import limited_logger
from authflow.pool.store.database import Database
from authflow.pool.store.sqlite_connection import Connection
from authflow.secret import Secret

_LOG: Final = limited_logger("authflow.pool")
_KEPT: Final = 86400.0
_NONCE_BYTES: Final = 12
_NOT_KEPT: Final = 65_536
"""The most rows of messages that are not kept."""


@frozen(kw_only=True)
class SentMessage:
    """A message to a user.

    Args:
        pool_id: The user pool.
        username: The user's canonical name.
        medium: EMAIL or SMS.
        destination: The address or the phone number.
        subject: An email's subject; None for a text message.
        text: The whole text.
        code: The code in it, if there is one.
        sent_at: Seconds since the epoch.
    """

    pool_id: str
    username: str
    medium: str
    destination: str = field(repr=False)
    subject: str | None
    text: Secret[str]
    code: Secret[str] | None = None
    sent_at: float

    def to_json(self) -> dict[str, Any]:
        """Return the message for display, with its code."""
        return {
            "username": self.username,
            "medium": self.medium,
            "destination": self.destination,
            "subject": self.subject,
            "text": self.text.reveal(),
            "code": None if self.code is None else self.code.reveal(),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any], *, pool_id: str, sent_at: float) -> Self:
        """Read the result of `to_json`."""
        code = values["code"]
        secrets = {"text": Secret(values["text"]), "code": None if code is None else Secret(code)}
        return cls(**(values | secrets), pool_id=pool_id, sent_at=sent_at)


def _key(pool: UserPool) -> AESGCM:
    return AESGCM(hmac.digest(pool.mask_key, b"authflow mailbox", "sha256"))


def put_message(
    connection: Connection, pool: UserPool, message: SentMessage, *, kept: bool = True
) -> None:
    """Store a message, and delete those older than a day.

    Args:
        connection: The database.
        pool: The user pool.
        message: The message.
        kept: Whether it is one; if not, it takes as much work, and is written over what was not
            kept before.
    """
    nonce = os.urandom(_NONCE_BYTES)
    text = json.dumps(message.to_json()).encode()
    sealed = nonce + _key(pool).encrypt(nonce, text, pool.id.encode())
    connection.execute("DELETE FROM messages WHERE sent_at < ?", (message.sent_at - _KEPT,))
    connection.execute(
        "INSERT INTO messages (id, pool_id, username, sent_at, sealed) VALUES"
        " (coalesce(?, (SELECT coalesce(max(id), 0) + 1 FROM messages WHERE id > 0)), ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET pool_id = excluded.pool_id,"
        " sent_at = excluded.sent_at, sealed = excluded.sealed",
        (
            None if kept else -1 - secrets.randbelow(_NOT_KEPT),
            pool.id,
            message.username if kept else "",
            message.sent_at,
            sealed,
        ),
    )


def _messages(connection: Connection, pool_id: str, username: str | None) -> list[SentMessage]:
    pool = find_pool(connection, pool_id)
    rows = connection.execute(
        "SELECT sent_at, sealed FROM messages WHERE pool_id = ? AND id > 0"
        " AND username = coalesce(?, username) ORDER BY id",
        (pool_id, username),
    )
    return [
        SentMessage.from_json(
            json.loads(
                _key(pool).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], pool.id.encode())
            ),
            pool_id=pool_id,
            sent_at=sent_at,
        )
        for sent_at, sealed in rows
    ]


@define(kw_only=True)
class Mailbox:
    """The messages that the pools of a server sent.

    Args:
        database: Where messages are kept.
        on_message: Told of every message once it is kept.
    """

    database: Database
    on_message: Callable[[SentMessage], object] | None = field(default=None, repr=False)

    async def messages(self, pool_id: str, username: str | None = None) -> list[SentMessage]:
        """Return the messages of the last day, oldest first.

        Args:
            pool_id: The user pool.
            username: The canonical name of one user; None for all of them.

        Raises:
            CognitoError: There is no such pool.
        """
        return await self.database.read(_messages, pool_id, username)

    def announce(self, message: SentMessage) -> None:
        """Pass a stored message to `on_message`.

        Raises:
            CognitoError: CodeDeliveryFailureException; they failed.
        """
        if self.on_message is None:
            return
        try:
            self.on_message(message)
        except Exception:  # noqa: BLE001  # others' code may raise anything
            _LOG.exception("a message was not delivered")
            raise CognitoError(
                "CodeDeliveryFailureException", "The message could not be delivered."
            ) from None

    def announce_later(self, message: SentMessage) -> None:
        """Pass a message to `on_message` after the reply, whose time then tells nothing."""

        def announce() -> None:
            with contextlib.suppress(CognitoError):  # the error is in the log
                self.announce(message)

        leave(announce)
