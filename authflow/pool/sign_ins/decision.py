"""The decision after an answer, made and stored in the transaction that judged the answer."""

from typing import Final

from attrs import evolve, field, frozen

from authflow.machine import Challenged
from authflow.pool.accounts.callers import Caller, check_may_sign_in
from authflow.pool.accounts.users import User, find_user_by_sub
from authflow.pool.cognito_errors import not_authorized
from authflow.pool.sign_ins.next_step import ChallengeOwed, NextStep, TokensOwed, next_step
from authflow.pool.sign_ins.sessions import Progress, new_handle, put_session
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
    step = next_step(caller, user, progress, held=held, now=now)
    decision = Decision(caller=caller, user=user, progress=progress, step=step)
    match step:
        case TokensOwed(held=False) if user is not None:
            given = start_family(connection, caller.client, user, progress.auth_time, now)
            return evolve(decision, given=given)
        case ChallengeOwed(state=state):
            return wait(connection, decision, progress.follow(Challenged(state)), now)
        case _:
            return decision


def wait(connection: Connection, decision: Decision, waiting: Progress, now: float) -> Decision:
    """Store a sign-in that waits for an answer.

    Args:
        connection: The database.
        decision: What is owed: a challenge.
        waiting: Where the sign-in stands from now on.
        now: Seconds since the epoch.
    """
    handle = new_handle()
    expires_at = now + decision.caller.client.session_seconds
    put_session(connection, handle, waiting, now, expires_at)
    return evolve(decision, progress=waiting, handle=handle)
