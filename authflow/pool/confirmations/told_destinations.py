"""The destination that is told where an app client hides users.

ResendConfirmationCode and ForgotPassword send their codes to different users: those who are not
confirmed, and those who are. A user whom one of them sends nothing is told what the other one
tells, or two requests would tell a user who waits from a name that nobody has, for which both tell
the same ("Managing user existence error responses" in the developer guide). So whether the user is
confirmed, disabled, verified or given a temporary password does not matter: an address that the
user has is told before one that is made up.
"""

import contextlib
from collections.abc import Iterator

from authflow.pool.accounts.masking import StandIn
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.confirmations.recovery import (
    pretend_to_reach,
    reach_to_recover,
    recovery_attributes,
)
from authflow.pool.confirmations.sign_up_codes import (
    address_to_confirm,
    addresses_of,
    verified_at_sign_up,
)
from authflow.pool.messages.destination import Destination, reach


def pretended_destination(made: StandIn) -> Destination:
    """Return the made-up destination of a name that nobody has.

    Args:
        made: Who stands for the user.
    """
    return pretend_to_reach(made, _reaching(made.pool))


def told_destination(pool: UserPool, user: User | None, made: StandIn) -> Destination:
    """Return the destination that a name is told, the true one if a code is sent there.

    Args:
        pool: The user pool.
        user: The user, in whatever state; None for a name that nobody has.
        made: Who stands for the user.
    """
    own = iter(()) if user is None else _own(pool, user)
    return next(own, pretended_destination(made))


def _reaching(pool: UserPool) -> tuple[str, ...]:
    """Return the attributes by which users of a pool are reached by either, the preferred first."""
    return (*recovery_attributes(pool, by_administrator=True), *verified_at_sign_up(pool))


def _own(pool: UserPool, user: User) -> Iterator[Destination]:
    """Yield a user's addresses, the one that a code goes to first."""
    attributes = recovery_attributes(pool, by_administrator=True)
    yield from _recovering(pool, user, attributes)
    waiting = address_to_confirm(pool, user)
    if waiting is not None:
        yield waiting
    reaching = _reaching(pool)
    yield from (each for each in addresses_of(user) if each.attribute in reaching)


def _recovering(pool: UserPool, user: User, attributes: tuple[str, ...]) -> Iterator[Destination]:
    """Yield the address that recovers a password, and then one that a second factor has taken.

    A user who is not confirmed has neither.

    Told is what was told before it was a second factor's: a change would tell of the factor.
    """
    with contextlib.suppress(CognitoError):
        yield reach_to_recover(pool, user, attributes)
    with contextlib.suppress(CognitoError):
        yield reach(user, attributes)
