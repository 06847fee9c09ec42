"""Token families: the tokens that one sign-in led to, and what ends them.

Refresh tokens come and go within a family; its `origin_jti` is in every token, and whoever ends the
family ends them all. Only a hash is kept of a refresh token.

A family ends when it is revoked, when its user signs out everywhere, is disabled or is deleted,
when its device is forgotten, and when a refresh token comes back that was replaced: then two hold
it, and one of them is not the user (RFC 9700 §4.14.2). It ends with the password, too, although
Cognito is reported to go on with it (amplify-js#6559): whoever changes a password may do so because
somebody else has it. Where a signed-in user changes it, who knows the old one, the family of that
sign-in goes on.
"""

import hashlib
import secrets
import uuid
from typing import Final

from attrs import frozen

from authflow.pool.accounts.app_clients import AppClient
from authflow.pool.accounts.password_history import ProposedPassword, replace_in_history
from authflow.pool.accounts.users import User, set_password
from authflow.pool.cognito_errors import CognitoError, not_authorized
from authflow.pool.devices.known_devices import NewDevice
from authflow.pool.store.sqlite_connection import Connection
from authflow.secret import Secret

_REFRESH_BYTES: Final = 48


@frozen(kw_only=True)
class Grant:
    """A right to tokens, from a sign-in or a refresh.

    Args:
        origin_jti: The family.
        auth_time: When the user signed in, in seconds since the epoch.
        refresh_token: The new refresh token; None where none is given.
        device_key: The device that the tokens are for; None where the pool remembers none.
        new_device: That device, if its key was given with this sign-in.
    """

    origin_jti: str
    auth_time: int
    refresh_token: Secret[str] | None
    device_key: str | None = None
    new_device: NewDevice | None = None


@frozen(kw_only=True)
class RefreshToken:
    """The stored facts about a refresh token that came back.

    Args:
        token: The token.
        origin_jti: Its family.
        sub: Whose it is.
        client_id: The app client that it was given to.
        auth_time: When the user signed in, in seconds since the epoch.
        expires_at: When the family ends by itself, in seconds since the epoch.
        revoked: Whether the family was ended.
        generation: How many refreshes lie between the sign-in and this token.
        replaced_at: When another one was given for it, in seconds since the epoch; None if never.
        device_key: The device that it was given to; None if the pool remembered none.
    """

    token: Secret[str]
    origin_jti: str
    sub: str
    client_id: str
    auth_time: int
    expires_at: float
    revoked: bool
    generation: int
    replaced_at: float | None
    device_key: str | None = None

    @property
    def grant(self) -> Grant:
        """The right to new tokens, without a new refresh token."""
        return Grant(
            origin_jti=self.origin_jti,
            auth_time=self.auth_time,
            refresh_token=None,
            device_key=self.device_key,
        )

    def check(self, now: float) -> None:
        """Refuse a token whose family has ended.

        Raises:
            CognitoError: It has.
        """
        if self.revoked:
            raise not_authorized("Refresh Token has been revoked")
        if now >= self.expires_at:
            raise not_authorized("Refresh Token has expired")


def reused() -> CognitoError:
    """Return the refusal of a refresh token that was replaced."""
    message = "Refresh token has been used before."
    return CognitoError("RefreshTokenReuseException", message, reason=message)


def start_family(
    connection: Connection,
    client: AppClient,
    user: User,
    auth_time: int,
    now: float,
    *,
    device_key: str | None = None,
) -> Grant:
    """Begin the token family of a successful sign-in.

    Args:
        connection: The database.
        client: The app client that the tokens are for.
        user: Whose they are.
        auth_time: When the sign-in began, in seconds since the epoch.
        now: Seconds since the epoch.
        device_key: The device that it came from: only from there its tokens are refreshed.
    """
    origin_jti = str(uuid.uuid4())
    connection.execute("DELETE FROM token_families WHERE expires_at < ?", (now,))
    connection.execute(
        "INSERT INTO token_families (origin_jti, sub, client_id, auth_time, expires_at, device_key)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            *(origin_jti, user.sub, client.id, auth_time),
            *(now + client.lifetime("RefreshToken"), device_key),
        ),
    )
    return Grant(
        origin_jti=origin_jti,
        auth_time=auth_time,
        refresh_token=_add(connection, origin_jti, generation=0),
        device_key=device_key,
    )


def find_refresh_token(connection: Connection, token: Secret[str]) -> RefreshToken | None:
    """Return the stored facts about a refresh token."""
    row = connection.execute(
        "SELECT origin_jti, sub, client_id, auth_time, expires_at, revoked, generation,"
        " replaced_at, device_key FROM refresh_tokens JOIN token_families USING (origin_jti)"
        " WHERE id = ?",
        (_id(token),),
    ).first()
    if row is None:
        return None
    origin_jti, sub, client_id, auth_time, expires_at, revoked, *rest = row
    generation, replaced_at, device_key = rest
    return RefreshToken(
        token=token,
        origin_jti=origin_jti,
        sub=sub,
        client_id=client_id,
        auth_time=auth_time,
        expires_at=expires_at,
        revoked=bool(revoked),
        generation=generation,
        replaced_at=replaced_at,
        device_key=device_key,
    )


def in_grace(connection: Connection, known: RefreshToken, grace: int, now: float) -> bool:
    """Return whether a replaced token may still be used, in case the reply was lost.

    Where the clock was set back it tells nothing; then it counts whether a later one was used.

    Args:
        connection: The database.
        known: The token, which was replaced.
        grace: For how many seconds it stays good.
        now: Seconds since the epoch.
    """
    assert known.replaced_at is not None  # noqa: S101  # for the type checker
    if not grace:
        return False
    if now >= known.replaced_at:
        return now < known.replaced_at + grace
    later = connection.execute(
        "SELECT 1 FROM refresh_tokens"
        " WHERE origin_jti = ? AND generation > ? AND replaced_at IS NOT NULL LIMIT 1",
        (known.origin_jti, known.generation),
    )
    return not later


def rotate(connection: Connection, known: RefreshToken, now: float) -> Secret[str]:
    """Replace a refresh token, and return the new one."""
    if known.replaced_at is None:
        connection.execute(
            "UPDATE refresh_tokens SET replaced_at = ? WHERE id = ?", (now, _id(known.token))
        )
    return _add(connection, known.origin_jti, generation=known.generation + 1)


def end_family(connection: Connection, origin_jti: str) -> None:
    """End the family of one sign-in."""
    connection.execute("UPDATE token_families SET revoked = 1 WHERE origin_jti = ?", (origin_jti,))


def end_families(connection: Connection, sub: str, *, but: str | None = None) -> None:
    """End all families of a user.

    Args:
        connection: The database.
        sub: The user's id.
        but: The `origin_jti` of a family that goes on; None for none.
    """
    connection.execute(
        "UPDATE token_families SET revoked = 1 WHERE sub = ? AND origin_jti <> ?", (sub, but or "")
    )


def end_families_of_device(connection: Connection, sub: str, device_key: str) -> None:
    """End all families of a user that one device has."""
    connection.execute(
        "UPDATE token_families SET revoked = 1 WHERE sub = ? AND device_key = ?", (sub, device_key)
    )


def change_password(
    connection: Connection,
    user: User,
    password: ProposedPassword,
    now: float,
    *,
    status: str,
    expires_at: float | None = None,
    tokens_survive: bool,
    by: str | None = None,
) -> User:
    """Store another password, and end the tokens from sign-ins with former ones.

    Args:
        connection: See `set_password`, here and below.
        user: Who gets it, as stored now.
        password: The password.
        now: Seconds since the epoch.
        status: The user's status from now on.
        expires_at: When a temporary password ends; None for a permanent one.
        tokens_survive: Whether the tokens stay good.
        by: The family by whose token the user changes it, which goes on; None for none.

    Returns:
        The user as he is now.

    Raises:
        CognitoError: The user is gone, or must not set a former password again.
    """
    replace_in_history(connection, user, password)
    stored = password.stored
    changed = set_password(connection, user, stored, now, status=status, expires_at=expires_at)
    if not tokens_survive:
        end_families(connection, user.sub, but=by)
    return changed


def _id(token: Secret[str]) -> bytes:
    """Return the hash stored for a refresh token: a plain one, as the token has 384 random bits."""
    return hashlib.sha256(token.reveal().encode()).digest()


def _add(connection: Connection, origin_jti: str, *, generation: int) -> Secret[str]:
    token = Secret(secrets.token_urlsafe(_REFRESH_BYTES))
    connection.execute(
        "INSERT INTO refresh_tokens (id, origin_jti, generation) VALUES (?, ?, ?)",
        (_id(token), origin_jti, generation),
    )
    return token
