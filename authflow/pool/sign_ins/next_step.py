"""What is owed after an answer: tokens, a challenge, or Define's word. It is decided here alone.

The function is pure, and what it gives is checked against the machine's table. It is asked inside
the transaction that judged the answer, with the user as read there, so that nothing can change
between the judgement and what follows from it. A new factor is a new line here, and no flow can
forget it.
"""

from attrs import evolve, field, frozen

from authflow.machine import AuthFlow, Challenged, Outcome, State, follows
from authflow.pool.accounts.callers import Caller
from authflow.pool.accounts.users import FORCE_CHANGE_PASSWORD, User, missing_attributes
from authflow.pool.cognito_errors import not_authorized
from authflow.pool.sign_ins.sessions import Progress, new_handle, put_session
from authflow.pool.store.connection import Connection
from authflow.pool.tokens.issuer import Grant, start_family
from authflow.wire import Members, new_password


@frozen(kw_only=True)
class TokensOwed:
    """The sign-in ends well.

    Args:
        held: Whether triggers are asked before.
    """

    held: bool


@frozen(kw_only=True)
class ChallengeOwed:
    """Something is asked.

    Args:
        state: The challenge.
        parameters: What the client is told.
    """

    state: State
    parameters: Members = field(repr=False)


@frozen
class DefineOwed:
    """The pool's Define trigger says what comes next."""


NextStep = TokensOwed | ChallengeOwed | DefineOwed


def next_step(
    caller: Caller, user: User | None, progress: Progress, *, held: bool, now: float
) -> NextStep:
    """Say what is owed once what the sign-in waited at was answered rightly.

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
        and follows(progress.flow, progress.state, Challenged(State.NEW_PASSWORD_REQUIRED))
    )
    if progress.flow is AuthFlow.CUSTOM_AUTH and not (progress.decided or new_password_owed):
        return DefineOwed()
    # Whatever a trigger says, nobody is signed in who does not exist.
    if user is None:
        raise not_authorized()
    if new_password_owed:
        return _new_password(caller, user, now)
    progress.follow(Outcome.AUTHENTICATED)
    return TokensOwed(held=held)


def _new_password(caller: Caller, user: User, now: float) -> ChallengeOwed:
    if user.password_expires_at is not None and now >= user.password_expires_at:
        raise not_authorized(
            "Temporary password has expired and must be reset by an administrator."
        )
    attributes = user.attributes.items()
    asked = new_password.Asked(
        user_id=user.username,
        required_attributes=missing_attributes(caller.pool, user),
        attributes={name: value for name, value in attributes if caller.client.may_read(name)},
    )
    return ChallengeOwed(state=State.NEW_PASSWORD_REQUIRED, parameters=asked.write())


@frozen(kw_only=True)
class Decision:
    """Where a sign-in goes from here.

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
    """Say what is owed, and keep it: tokens are granted, and a challenge is waited at.

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
            waiting, handle = progress.follow(Challenged(state)), new_handle()
            expires_at = now + caller.client.session_seconds
            put_session(connection, handle, waiting, now, expires_at)
            return evolve(decision, progress=waiting, handle=handle)
        case _:
            return decision
