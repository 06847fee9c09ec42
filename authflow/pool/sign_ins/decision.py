"""The decision after an answer, made and stored in the transaction that judged the answer."""

from typing import Final

from attrs import evolve, field, frozen

from authflow.machine import Challenged, State
from authflow.pool.accounts.callers import Caller, check_may_sign_in
from authflow.pool.accounts.users import User, find_user_by_sub
from authflow.pool.cognito_errors import not_authorized
from authflow.pool.devices.device_config import DeviceConfig
from authflow.pool.devices.device_naming import standing_device
from authflow.pool.devices.known_devices import add_device
from authflow.pool.sign_ins.next_step import (
    ChallengeOwed,
    DefineOwed,
    NextStep,
    TokensOwed,
    next_step,
)
from authflow.pool.sign_ins.second_factor import is_spared, is_still_good
from authflow.pool.sign_ins.sessions import Progress, new_handle, put_session
from authflow.pool.sign_ins.waiting_devices import keep_waiting
from authflow.pool.store.sqlite_connection import Connection
from authflow.pool.tokens.families import Grant, start_family

GONE: Final = "the user was deleted meanwhile"


@frozen(kw_only=True)
class Decision:
    """The next step of a sign-in.

    Args:
        caller: Who answered.
        user: The user; None for one who does not exist.
        progress: Where the sign-in stands.
        step: What is owed.
        given: The grant, where tokens are owed that nothing holds.
        handle: The new session's, where a challenge is owed.
    """

    caller: Caller
    user: User | None
    progress: Progress
    step: NextStep
    given: Grant | None = None
    handle: str | None = field(default=None, repr=False)


def decide_again(connection: Connection, decision: Decision, now: float, *, held: bool) -> Decision:
    """Decide once more with the user as stored now, since triggers took their time.

    Args:
        connection: The database.
        decision: What was decided before.
        now: Seconds since the epoch.
        held: Whether the pool has triggers that are still to be asked before tokens are given.

    Raises:
        CognitoError: Meanwhile the user, the app client or the user pool was deleted, or the user
            may no longer sign in, or has other credentials than those that the sign-in rests on.
    """
    caller, progress = decision.caller.again(connection), decision.progress
    user = find_user_by_sub(connection, caller.pool.id, progress.sub)
    if user is None:
        raise not_authorized(reason=GONE)
    check_may_sign_in(user)
    if user.credentials != progress.credentials:
        raise not_authorized(reason="the password was changed meanwhile")
    return decide(connection, caller, user, progress, now, held=held)


def decide(
    connection: Connection,
    caller: Caller,
    user: User | None,
    progress: Progress,
    now: float,
    *,
    held: bool,
) -> Decision:
    """Decide what is owed, and store it: tokens are granted, or a challenge is waited at.

    It runs in the transaction that judged the answer.

    Args:
        connection: The database.
        caller: Who answered.
        user: The user, as read in this transaction; None for one who does not exist.
        progress: Where the sign-in stands.
        now: Seconds since the epoch.
        held: Whether the pool has triggers that are asked before tokens are given.

    Raises:
        CognitoError: Nothing can follow.
    """
    device = standing_device(connection, caller.pool, user, progress.device)
    progress = evolve(progress, device=device)
    step = next_step(caller, user, progress, held=held, now=now)
    progress = _resting_on_device(caller, user, progress, step)
    decision = Decision(caller=caller, user=user, progress=progress, step=step)
    match step:
        case TokensOwed(held=False) if user is not None:
            return evolve(decision, given=_grant(connection, caller, user, progress, now))
        case ChallengeOwed(state=state):
            waiting = progress.follow(Challenged(state))
            if state is not State.DEVICE_SRP_AUTH or user is None or device is None:
                return wait(connection, decision, waiting, now)
            handle = new_handle()
            waiting = evolve(waiting, companion=progress.former)
            decision = wait(connection, decision, waiting, now, handle)
            keep_waiting(connection, caller.pool, caller.client.id, device.key, handle)
            return decision
        case _:
            return decision


def wait(
    connection: Connection,
    decision: Decision,
    waiting: Progress,
    now: float,
    handle: str | None = None,
) -> Decision:
    """Store a sign-in that waits for an answer.

    Args:
        connection: The database.
        decision: What is owed: a challenge.
        waiting: Where the sign-in stands from now on.
        now: Seconds since the epoch.
        handle: The new session's; one is drawn if it is not given.
    """
    handle = handle or new_handle()
    expires_at = now + decision.caller.client.session_seconds
    put_session(connection, handle, waiting, now, expires_at)
    return evolve(decision, progress=waiting, handle=handle)


def _resting_on_device(
    caller: Caller, user: User | None, progress: Progress, step: NextStep
) -> Progress:
    """Return the sign-in; if its device stands in for a second factor, it rests on it from now on.

    The places where a factor would be asked for are behind it then, whatever comes before the
    device's own proof. A sign-in that was given a factor rests on that, and on no device.
    """
    behind = isinstance(step, DefineOwed) or (
        isinstance(step, ChallengeOwed) and step.state is State.DEVICE_SRP_AUTH
    )
    device = progress.device
    if user is None or device is None or not (behind and is_spared(caller.pool, user, device)):
        return progress
    if is_still_good(caller.pool, user, progress.given):
        return progress
    return evolve(progress, device=evolve(device, spared=True))


def _grant(
    connection: Connection, caller: Caller, user: User, progress: Progress, now: float
) -> Grant:
    """Grant tokens to the device that was proved, or else to a new one."""
    proved, new = progress.device, None
    key = proved.key if proved is not None and proved.proved else None
    if key is None and DeviceConfig.of(caller.pool).remembers:
        new = add_device(connection, caller.pool, user, now)
        key = new.key
    given = start_family(connection, caller.client, user, progress.auth_time, now, device_key=key)
    return evolve(given, new_device=new)
