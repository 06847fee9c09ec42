"""The next step after an answer: tokens, a challenge, or a question to Define. Only decided here.

The function is pure, and what it gives is checked against the machine's table. It is asked inside
the transaction that judged the answer, with the user and the device (`Progress.device`) as read
there, and once more after triggers have taken their time: nothing can change between a judgement
and what follows from it. A new factor is a new line here, and no flow can forget it.

A second factor has its place, right after the password, and may be owed only since the sign-in has
passed it. So where tokens would follow it is decided once more whether one is owed.
"""

from attrs import field, frozen

from authflow.machine import CHOSEN, AuthFlow, Challenged, Ending, Side, State, follows
from authflow.pool.accounts.callers import Caller, check_not_expired
from authflow.pool.accounts.second_factors import FACTORS
from authflow.pool.accounts.users import FORCE_CHANGE_PASSWORD, User, missing_attributes
from authflow.pool.cognito_errors import invalid_session, not_authorized
from authflow.pool.factors.preferences import ADDRESSES_OF
from authflow.pool.messages.destination import Destination
from authflow.pool.settings.fates import Given
from authflow.pool.settings.user_pool_table import USER_POOL
from authflow.pool.sign_ins.factor_state import FactorState
from authflow.pool.sign_ins.second_factor import (
    FactorOwed,
    asked_factor,
    factor_after_password,
    factors_of,
    factors_to_set_up,
    is_spared,
    is_still_good,
    sent_to,
)
from authflow.pool.sign_ins.sessions import Progress
from authflow.wire import Members, device_srp, new_password


@frozen(kw_only=True)
class TokensOwed:
    """The sign-in ends with tokens.

    Args:
        held: Whether triggers are asked before.
    """

    held: bool


@frozen(kw_only=True)
class ChallengeOwed:
    """The sign-in goes on with a challenge.

    Args:
        state: The challenge.
        parameters: What the client is told.
    """

    state: State
    parameters: Members = field(repr=False)


@frozen(kw_only=True)
class CodeOwed:
    """The sign-in goes on with a code, once it is sent.

    Args:
        state: The challenge that asks for the code.
        destination: Where the code goes.
        parameters: What the client is told.
    """

    state: State
    destination: Destination
    parameters: Members = field(repr=False)


@frozen
class DefineOwed:
    """The pool's Define trigger decides the next step."""


@frozen
class Unasked:
    """The sign-in ends, because Cognito would ask for something that this pool cannot ask yet.

    Args:
        given: The setting that wants it.
    """

    given: Given


NextStep = TokensOwed | ChallengeOwed | CodeOwed | DefineOwed | Unasked


def next_step(
    caller: Caller, user: User | None, progress: Progress, *, held: bool, now: float
) -> NextStep:
    """Return what is owed after the right answer to what the sign-in waited at.

    Args:
        caller: The user pool and the app client.
        user: The user, as read in the transaction that judged; None for one who does not exist.
        progress: Where the sign-in stands: its state is what was answered.
        held: Whether the pool has triggers that are asked before tokens are given.
        now: Seconds since the epoch.

    Raises:
        CognitoError: Nothing can follow: the user does not exist, the temporary password has
            expired, or the machine's table does not allow what a trigger wants.
    """
    new_password_owed = (
        user is not None
        and user.status == FORCE_CHANGE_PASSWORD
        and follows(
            progress.flow,
            progress.state,
            Challenged(State.NEW_PASSWORD_REQUIRED),
            side=Side.SERVER,
        )
    )
    define_owed = progress.flow is AuthFlow.CUSTOM_AUTH and not progress.decided
    if user is not None and not new_password_owed:
        # Cognito asks for a second factor right after the password, before it calls Define
        # (amplify-js#3876), and for a device where tokens would follow.
        unasked = _unasked(caller, progress)
        if unasked is not None:
            return unasked
        factor = _second_factor(caller, user, progress)
        if factor is not None:
            return factor
    if define_owed and not new_password_owed:
        return DefineOwed()
    # A user who does not exist is never signed in, whatever a trigger says.
    if user is None:
        raise not_authorized()
    if new_password_owed:
        return _new_password(caller, user, now)
    device = progress.device
    if device is not None and not device.proved:
        if follows(progress.flow, progress.state, Challenged(State.DEVICE_SRP_AUTH)):
            asked = device_srp.Asked(device_key=device.key)
            return ChallengeOwed(state=State.DEVICE_SRP_AUTH, parameters=asked.write())
        if device.spared:
            raise not_authorized(reason="nothing has stood in for the second factor")
    if _lacks_factor(caller, user, progress):
        raise not_authorized(reason="a second factor is owed by now that was not given")
    progress.follow(Ending.AUTHENTICATED)
    return TokensOwed(held=held)


def _second_factor(
    caller: Caller, user: User, progress: Progress
) -> ChallengeOwed | CodeOwed | None:
    """Return the second factor that is owed now, if one is.

    It comes right after the password, an old one or a new one, and once. Where the machine's table
    has no second factor, Cognito asks for none: a sign-in by custom challenges alone has none
    (amplify-js#12887).

    Raises:
        CognitoError: The user no longer has what was chosen or given, or cannot have any factor.
    """
    owed: FactorOwed | None
    if progress.state in CHOSEN:
        chosen = CHOSEN[progress.state]
        if chosen not in factors_of(caller.pool, user):
            raise not_authorized(reason="the second factor that was chosen is gone")
        owed = asked_factor(user, chosen)
    elif progress.state in FACTORS:
        if not is_still_good(caller.pool, user, progress.given):
            raise not_authorized(reason="the second factor that was given is gone")
        owed = None
    elif progress.state is State.MFA_SETUP:
        owed = _set_up_next(caller, user, progress)
    elif follows(progress.flow, progress.state, Challenged(State.SELECT_MFA_TYPE)):
        # The proof of a remembered device stands in for one, and is owed before tokens are.
        if is_spared(caller.pool, user, progress.device):
            return None
        owed = factor_after_password(caller.pool, user, caller.client.settings)
    else:
        return None
    if owed is None:
        return None
    if owed.destination is None:
        return ChallengeOwed(state=owed.state, parameters=owed.parameters)
    return CodeOwed(state=owed.state, destination=owed.destination, parameters=owed.parameters)


def _lacks_factor(caller: Caller, user: User, progress: Progress) -> bool:
    """Return whether a second factor is owed now that the sign-in has not had at its place.

    Raises:
        CognitoError: One is owed, and the user cannot have any.
    """
    if not progress.has_password or is_still_good(caller.pool, user, progress.given):
        return False
    device = progress.device
    if device is not None and device.proved and is_spared(caller.pool, user, device):
        return False
    return factor_after_password(caller.pool, user, caller.client.settings) is not None


def _set_up_next(caller: Caller, user: User, progress: Progress) -> FactorOwed | None:
    """Return what follows MFA_SETUP: a code to an e-mail address, after an authenticator nothing.

    Raises:
        CognitoError: Nothing was set up, or meanwhile the user has a second factor.
    """
    factor = progress.factor or FactorState()
    if factor.address is not None:
        if State.EMAIL_OTP not in factors_to_set_up(caller.pool, user, caller.client.settings):
            raise invalid_session()
        return sent_to(ADDRESSES_OF[State.EMAIL_OTP], factor.address)
    stored = None if user.authenticator is None else user.authenticator.sealed
    if not factor.verified or stored is None or stored != factor.authenticator:
        raise invalid_session()
    return None


def _unasked(caller: Caller, progress: Progress) -> Unasked | None:
    """Return the setting because of which Cognito would ask here for what the pool cannot.

    Where the machine's table has no second factor, Cognito asks for none: a sign-in by custom
    challenges alone has none (amplify-js#12887).

    Args:
        caller: The user pool and the app client.
        progress: Where the sign-in stands.
    """
    for given in USER_POOL.read(caller.pool.settings):
        case = given.case
        if case.asks is not None and follows(progress.flow, progress.state, Challenged(case.asks)):
            return Unasked(given)
    return None


def _new_password(caller: Caller, user: User, now: float) -> ChallengeOwed:
    check_not_expired(user, now)
    asked = new_password.Asked(
        user_id=user.username,
        required_attributes=missing_attributes(caller.pool, user),
        attributes=caller.client.readable(user.attributes),
    )
    return ChallengeOwed(state=State.NEW_PASSWORD_REQUIRED, parameters=asked.write())
