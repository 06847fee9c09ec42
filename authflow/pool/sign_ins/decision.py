"""The decision after an answer, made and stored in the transaction that judged the answer."""

from attrs import evolve, field, frozen

from authflow.machine import Challenged, State
from authflow.pool.accounts.callers import Caller
from authflow.pool.accounts.users import User
from authflow.pool.devices.device_config import DeviceConfig, skips_second_factor
from authflow.pool.devices.device_naming import standing_device
from authflow.pool.devices.known_devices import add_device, keep_waiting
from authflow.pool.sign_ins.next_step import (
    ChallengeOwed,
    DefineOwed,
    NextStep,
    TokensOwed,
    next_step,
)
from authflow.pool.sign_ins.sessions import Progress, new_handle, put_session
from authflow.pool.store.sqlite_connection import Connection
from authflow.pool.tokens.families import Grant, start_family


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
    progress = _resting_on_device(caller, progress, step)
    decision = Decision(caller=caller, user=user, progress=progress, step=step)
    match step:
        case TokensOwed(held=False) if user is not None:
            return evolve(decision, given=_grant(connection, caller, user, progress, now))
        case ChallengeOwed(state=state):
            waiting, handle = progress.follow(Challenged(state)), new_handle()
            if state is State.DEVICE_SRP_AUTH and user is not None and device is not None:
                keep_waiting(connection, caller.pool, user.sub, device.key, handle)
                waiting = evolve(waiting, companion=progress.former)
            expires_at = now + caller.client.session_seconds
            put_session(connection, handle, waiting, now, expires_at)
            return evolve(decision, progress=waiting, handle=handle)
        case _:
            return decision


def _resting_on_device(caller: Caller, progress: Progress, step: NextStep) -> Progress:
    """Return the sign-in; if its device stands in for a second factor, it rests on it from now on.

    The places where a factor would be asked for are behind it then, whatever comes before the
    device's own proof.
    """
    behind = isinstance(step, DefineOwed) or (
        isinstance(step, ChallengeOwed) and step.state is State.DEVICE_SRP_AUTH
    )
    device = progress.device
    if device is None or not (behind and skips_second_factor(caller.pool, device)):
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
