"""Codes that confirm a sign-up: where they go, whom they confirm, and how they are kept.

A code goes to one address, which it verifies: to the phone number, if the pool verifies both and
the user has both ("Verifying contact information at sign-up" in the developer guide). Whoever is
confirmed already, or disabled, is sent none.
"""

from collections.abc import Iterator

from attrs import field, frozen

from authflow.pool.accounts.callers import Caller
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import (
    CONFIRMED,
    UNCONFIRMED,
    User,
    find_user_by_sub,
    set_attributes,
    set_status,
)
from authflow.pool.cognito_errors import (
    CognitoError,
    invalid_parameter,
    not_authorized,
    user_not_found_by_name,
)
from authflow.pool.confirmations.confirmation_codes import (
    SIGN_UP,
    Requester,
    ground_of,
    put_code,
    use_up_code,
)
from authflow.pool.messages.destination import Destination
from authflow.pool.messages.mailbox import SentMessage, put_message
from authflow.pool.store.sqlite_connection import Connection
from authflow.secret import Secret

_BY_PREFERENCE = ("phone_number", "email")


def verified_at_sign_up(pool: UserPool) -> tuple[str, ...]:
    """Return the attributes that a sign-up verifies, the preferred first."""
    verified = pool.settings.get("AutoVerifiedAttributes") or ()
    return tuple(each for each in _BY_PREFERENCE if each in verified)


def addresses_of(user: User) -> Iterator[Destination]:
    """Yield the addresses of a user, verified or not."""
    for attribute in _BY_PREFERENCE:
        if user.attributes.get(attribute):
            yield Destination(attribute=attribute, address=user.attributes[attribute])


def address_to_confirm(pool: UserPool, user: User) -> Destination | None:
    """Return the address that the code for a sign-up goes to; None if the pool verifies none."""
    verified = verified_at_sign_up(pool)
    return next((each for each in addresses_of(user) if each.attribute in verified), None)


def cannot_resend() -> CognitoError:
    """Return the refusal of a code where the pool, or the user, has no address for it."""
    message = "Cannot resend codes. Auto verification not turned on."
    return invalid_parameter(message, reason=message)


def check_may_be_sent(user: User | None) -> User:
    """Refuse a user who is not waiting for a code.

    Raises:
        CognitoError: There is no such user, or the user is disabled or confirmed.
    """
    if user is None:
        raise user_not_found_by_name()
    if not user.enabled:
        raise not_authorized("User is disabled.")
    if user.status != UNCONFIRMED:
        message = "User is already confirmed."
        raise invalid_parameter(message, reason=message)
    return user


def check_may_be_confirmed(user: User | None) -> User:
    """Refuse a user who cannot be confirmed by a code.

    Raises:
        CognitoError: As of `check_may_be_sent`.
    """
    if user is None:
        raise user_not_found_by_name()
    if not user.enabled:
        raise not_authorized("User is disabled.")
    check_unconfirmed(user)
    return user


def check_unconfirmed(user: User) -> None:
    """Refuse a user who is confirmed.

    Raises:
        CognitoError: The user is not UNCONFIRMED.
    """
    if user.status != UNCONFIRMED:
        message = f"User cannot be confirmed. Current status is {user.status}"
        raise not_authorized(message, reason=message)


@frozen(kw_only=True)
class SignUpCode:
    """A code to be sent to a user, or to a stand-in.

    Args:
        requester: Who asked for it.
        sub: The user's id; None for nobody, whom nothing is sent.
        code: The code.
        destination: The address that it goes to.
        message: The message that holds it.
    """

    requester: Requester
    sub: str | None
    code: Secret[str]
    destination: Destination
    message: SentMessage


def keep_code(connection: Connection, pool: UserPool, sent: SignUpCode, user: User) -> None:
    """Store a code that goes to a user, and its message."""
    ground = ground_of(SIGN_UP, user, sent.destination)
    put_code(connection, sent.requester, sent.code, sent.message.sent_at, ground)
    put_message(connection, pool, sent.message)


def keep_or_pretend(connection: Connection, caller: Caller, sent: SignUpCode) -> bool:
    """Store a code and its message, for the user as stored now.

    Returns:
        Whether they were kept, or are but to be thought so.

    Raises:
        CognitoError: Meanwhile the app client was deleted; or the user was, or was confirmed or
            disabled, where the app client does not hide it.
    """
    caller = caller.again(connection)
    user = find_user_by_sub(connection, caller.pool.id, sent.sub)
    try:
        waiting = check_may_be_sent(user)
    except CognitoError:
        if not sent.requester.hidden:
            raise
        put_code(connection, sent.requester, None, sent.message.sent_at)
        put_message(connection, caller.pool, sent.message, kept=False)
        return False
    keep_code(connection, caller.pool, sent, waiting)
    return True


@frozen(kw_only=True)
class EnteredCode:
    """A code that was entered to confirm a sign-up.

    Args:
        caller: Who asks.
        requester: Whose attempts count.
        sub: The user's id; None for nobody.
        code: The code; None for one that may not succeed.
        force_alias: Whether an alias that another user has goes over to this one.
    """

    caller: Caller
    requester: Requester
    sub: str | None
    code: Secret[str] | None = field(repr=False)
    force_alias: bool


def confirm_by_code(connection: Connection, entered: EnteredCode, now: float) -> User:
    """Compare the code, confirm the user and verify the address, in one transaction.

    Raises:
        CognitoError: The code is not good, the user cannot be confirmed, or another one has the
            address as an alias; the code stays good then.
    """
    pool = entered.caller.again(connection).pool
    user = find_user_by_sub(connection, pool.id, entered.sub)
    try:
        waiting = check_may_be_confirmed(user)
    except CognitoError:
        if entered.requester.hidden:
            use_up_code(connection, entered.requester, None, now)
        raise
    grounds = {ground_of(SIGN_UP, waiting, each): each for each in addresses_of(waiting)}
    proved = grounds[use_up_code(connection, entered.requester, entered.code, now, grounds)]
    attributes = {**waiting.attributes, f"{proved.attribute}_verified": "true"}
    verified = set_attributes(
        connection, pool, waiting, attributes, now, move_aliases=entered.force_alias
    )
    return set_status(connection, verified, CONFIRMED, now)
