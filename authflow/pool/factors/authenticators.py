"""Authenticator apps: their secrets, sealed; their codes, each accepted once; their storage.

An app and the pool share a secret, of which both make a code of six digits every 30 seconds. The
pool must know the secret itself, so it is sealed in the database with a key of the user pool's, for
one user: neither a row nor a look through the file shows it, and it opens for nobody else.

Sources: RFC 6238 (TOTP; §5.2 on codes that are used once, §6 on clocks that differ); "TOTP software
token MFA" in the developer guide.
"""

import hmac
import os
from typing import Final

import pyotp
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from authflow.pool.accounts.second_factors import Authenticator
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User, find_user_by_sub
from authflow.pool.cognito_errors import CognitoError, user_not_found
from authflow.pool.store.sqlite_connection import Connection
from authflow.secret import Secret

STEP: Final = 30
"""Seconds of a time step. Most apps support no other."""
_DRIFT: Final = 1
"""The steps that the app's clock may be early or late (RFC 6238 §5.2)."""
_NONCE_BYTES: Final = 12


def new_secret() -> Secret[str]:
    """Draw the secret of an authenticator: 160 bits, in base32 (RFC 4226 §4 R6)."""
    return Secret(pyotp.random_base32())


def sealed_secret(pool: UserPool, sub: str, secret: Secret[str]) -> bytes:
    """Seal a secret for one user.

    Args:
        pool: The user's pool.
        sub: The user's id.
        secret: The secret, in base32.
    """
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + _key(pool).encrypt(nonce, secret.reveal().encode(), _place(pool, sub))


def accepted_step(pool: UserPool, user: User, code: Secret[str], now: float) -> int | None:
    """Return the time step of the user's authenticator that a code belongs to.

    Args:
        pool: The user's pool.
        user: Whose authenticator, if there is one that was verified.
        code: What was typed.
        now: Seconds since the epoch.

    Returns:
        The step; None for a wrong code, for one whose step is used up, and without authenticator.
        Who accepts the code stores the step by `use_step`, in the same transaction.
    """
    if user.authenticator is None:
        return None
    step = _step_of(pool, user, user.authenticator.sealed, code, now)
    return None if step is None or step <= user.authenticator.step else step


def accepted_first_step(pool: UserPool, user: User, code: Secret[str], now: float) -> int | None:
    """Return the time step of the authenticator being set up that a code belongs to.

    Args:
        pool: The user's pool.
        user: Whose authenticator.
        code: What was typed.
        now: Seconds since the epoch.

    Returns:
        The step, for `finish_setup`; None for a wrong code, and if nothing is being set up.
    """
    if user.new_authenticator is None:
        return None
    return _step_of(pool, user, user.new_authenticator, code, now)


def use_step(connection: Connection, user: User, step: int, now: float) -> User:
    """Use a time step up, with all before it.

    Args:
        connection: The database.
        user: The user, as read in this transaction.
        step: From `accepted_step`.
        now: Seconds since the epoch.

    Returns:
        The user as he is now.

    Raises:
        CognitoError: The step is used up already, or the authenticator is another one or gone.
    """
    sealed = None if user.authenticator is None else user.authenticator.sealed
    used = connection.execute(
        "UPDATE users SET authenticator_step = ?, modified_at = ? WHERE sub = ?"
        " AND authenticator = ? AND authenticator_step < ? RETURNING sub",
        (step, now, user.sub, sealed, step),
    )
    if used.first() is None:
        raise wrong_code()
    return _as_stored(connection, user)


def begin_setup(connection: Connection, user: User, sealed: bytes, now: float) -> User:
    """Store the secret of an authenticator that is being set up; one that was verified stays.

    Args:
        connection: The database.
        user: Whose it is.
        sealed: From `sealed_secret`.
        now: Seconds since the epoch.

    Returns:
        The user as he is now.

    Raises:
        CognitoError: The user is gone.
    """
    connection.execute(
        "UPDATE users SET new_authenticator = ?, modified_at = ? WHERE sub = ?",
        (sealed, now, user.sub),
    )
    return _as_stored(connection, user)


def finish_setup(
    connection: Connection, user: User, step: int, name: str | None, now: float
) -> User:
    """Put the authenticator that was being set up in the place of the one so far, if any.

    Args:
        connection: The database.
        user: Whose it is, as read in this transaction.
        step: From `accepted_first_step`; that code is used up.
        name: What the user calls it; None for nothing.
        now: Seconds since the epoch.

    Returns:
        The user as he is now.

    Raises:
        CognitoError: Another one is being set up meanwhile, or none.
    """
    finished = connection.execute(
        "UPDATE users SET authenticator = new_authenticator, authenticator_name = ?,"
        " authenticator_step = ?, new_authenticator = NULL, modified_at = ?"
        " WHERE sub = ? AND new_authenticator = ? RETURNING sub",
        (name, step, now, user.sub, user.new_authenticator),
    )
    if finished.first() is None:
        raise not_enabled()
    return _as_stored(connection, user)


def remove_authenticator(connection: Connection, user: User, now: float) -> User:
    """Delete the user's authenticator, and one that is being set up.

    Args:
        connection: The database.
        user: Whose it is.
        now: Seconds since the epoch.

    Returns:
        The user as he is now.

    Raises:
        CognitoError: The user is gone.
    """
    connection.execute(
        "UPDATE users SET authenticator = NULL, authenticator_name = NULL, authenticator_step = 0,"
        " new_authenticator = NULL, modified_at = ? WHERE sub = ?",
        (now, user.sub),
    )
    return _as_stored(connection, user)


def is_ahead(authenticator: Authenticator, now: float) -> bool:
    """Return whether the last code was accepted while the pool's clock was ahead.

    Then no code passes before the clock is there again: which of them were used is not known.

    Args:
        authenticator: A user's.
        now: Seconds since the epoch.
    """
    return authenticator.step > now // STEP + _DRIFT


def wrong_code(reason: str = "") -> CognitoError:
    """Return the refusal of a wrong code, or of one that was used, in a sign-in.

    Args:
        reason: What the pool's owner reads; by default what the client hears.
    """
    message = "Invalid code received for user"
    return CognitoError("CodeMismatchException", message, reason=reason or message)


def not_enabled() -> CognitoError:
    """Return the refusal of a wrong first code, by which an authenticator is set up."""
    message = "Code mismatch and fail enable Software Token MFA"
    return CognitoError("EnableSoftwareTokenMFAException", message, reason=message)


def not_offered() -> CognitoError:
    """Return the refusal to set up an authenticator in a user pool that has none."""
    message = "Software Token MFA has not been enabled by the userPool"
    return CognitoError("SoftwareTokenMFANotFoundException", message, reason=message)


def none_to_verify() -> CognitoError:
    """Return the refusal of a first code where no authenticator is being set up."""
    message = "Software Token MFA does not exist for the user."
    return CognitoError("SoftwareTokenMFANotFoundException", message, reason=message)


def _key(pool: UserPool) -> AESGCM:
    return AESGCM(hmac.digest(pool.mask_key, b"authflow authenticators", "sha256"))


def _place(pool: UserPool, sub: str) -> bytes:
    return f"{pool.id}\0{sub}".encode()


def _step_of(
    pool: UserPool, user: User, sealed: bytes, code: Secret[str], now: float
) -> int | None:
    """Return the latest time step within the drift that has the code."""
    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    secret = _key(pool).decrypt(nonce, ciphertext, _place(pool, user.sub)).decode()
    generator = pyotp.HOTP(secret)
    current = int(now // STEP)
    found = None
    for step in range(max(0, current - _DRIFT), current + _DRIFT + 1):
        if Secret(generator.at(step)) == code:  # in constant time
            found = step
    return found


def _as_stored(connection: Connection, user: User) -> User:
    stored = find_user_by_sub(connection, user.pool_id, user.sub)
    if stored is None:
        raise user_not_found()
    return stored
