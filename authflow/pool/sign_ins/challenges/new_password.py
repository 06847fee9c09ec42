"""NEW_PASSWORD_REQUIRED: a user whose password is temporary chooses one."""

from collections.abc import Mapping
from typing import Any

from attrs import define, evolve

from authflow.machine import State
from authflow.pool.accounts.attribute_access import written_by_user
from authflow.pool.accounts.callers import Caller, read_members, username_of
from authflow.pool.accounts.password_history import ProposedPassword, propose_password
from authflow.pool.accounts.users import (
    CONFIRMED,
    User,
    missing_attributes,
    set_attributes,
)
from authflow.pool.cognito_errors import invalid_parameter, invalid_session, not_authorized
from authflow.pool.ground import Ground
from authflow.pool.sign_ins.decision import Decision, decide
from authflow.pool.sign_ins.sessions import session_of, take
from authflow.pool.sign_ins.sign_in_triggers import SignInTriggers
from authflow.pool.store.sqlite_connection import Connection
from authflow.pool.tokens.families import change_password
from authflow.wire import new_password


def _with_attributes(caller: Caller, user: User, given: Mapping[str, str]) -> User:
    """Return the user with the attributes in the answer.

    Raises:
        CognitoError: A required one is missing, one is already set, or the user may not set it.
    """
    pool = caller.pool
    owed = missing_attributes(pool, user)
    written = written_by_user(pool, caller.client.settings, given, creating=owed)
    for name in given:
        if user.attributes.get(name):
            message = f"Cannot modify an already provided {name}"
            raise not_authorized(message, reason="an attribute that the user has cannot be set")
    changed = evolve(user, attributes={**user.attributes, **written})
    missing = missing_attributes(pool, changed)
    if missing:
        raise invalid_parameter(f"Invalid attributes given, {missing[0]} is missing")
    return changed


def _store(
    connection: Connection,
    request: Mapping[str, Any],
    answer: new_password.Answer,
    proposed: ProposedPassword,
    now: float,
    *,
    held: bool,
    tokens_survive: bool,
) -> Decision:
    """Set the password for the user as stored now, unless another answer was faster.

    Raises:
        CognitoError: The session, the user or the password is not what it was.
    """
    typed, handle = username_of(request["ChallengeResponses"]), session_of(request)
    taken = take(connection, request, typed, handle, now, use_up=True)
    if taken.user is None:
        raise invalid_session()
    pool = taken.caller.pool
    changed = _with_attributes(taken.caller, taken.user, answer.attributes)
    if answer.attributes:
        set_attributes(connection, pool, taken.user, changed.attributes, now)
    changed = change_password(
        connection, taken.user, proposed, now, status=CONFIRMED, tokens_survive=tokens_survive
    )
    progress = evolve(
        taken.progress.passed(State.NEW_PASSWORD_REQUIRED), credentials=changed.credentials
    )
    return decide(connection, taken.caller, changed, progress, now, held=held)


@define(kw_only=True)
class NewPasswords:
    """Handles answers to NEW_PASSWORD_REQUIRED.

    Args:
        ground: The parts that all services share.
        triggers: What is asked before tokens are granted.
        tokens_survive: Whether tokens stay good when the password changes.
    """

    ground: Ground
    triggers: SignInTriggers
    tokens_survive: bool

    async def respond(self, request: Mapping[str, Any]) -> Decision:
        """Set a new password. A rejected one does not use up the session.

        Raises:
            CognitoError: The password does not conform to the policy or was used before, an
                attribute is wrong, or another answer was faster.
        """
        responses: Mapping[str, str] = request["ChallengeResponses"]
        answer = read_members(new_password.Answer.read, responses)
        typed, handle = username_of(responses), session_of(request)
        taken = await self.ground.database.read(
            take, request, typed, handle, self.ground.clock(), use_up=False
        )
        if taken.user is None:
            raise invalid_session()
        pool, user = taken.caller.pool, taken.user
        pool.password_policy.check(answer.password)
        _with_attributes(taken.caller, user, answer.attributes)
        proposed = await propose_password(
            self.ground, pool, user.username, user.sub, answer.password
        )
        held = self.triggers.hold_tokens(pool)
        return await self.ground.database.write(
            _store,
            request,
            answer,
            proposed,
            self.ground.clock(),
            held=held,
            tokens_survive=self.tokens_survive,
        )
