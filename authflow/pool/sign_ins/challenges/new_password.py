"""NEW_PASSWORD_REQUIRED: a user whose password is temporary chooses one."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, evolve

from authflow import wire
from authflow.machine import State
from authflow.pool.accounts.callers import Caller, required
from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.user_pools import UserPool
from authflow.pool.accounts.users import CONFIRMED, User, read_attributes, update_user
from authflow.pool.cognito_errors import invalid_parameter, not_authorized
from authflow.pool.sign_ins.replies import Replies
from authflow.pool.sign_ins.sessions import Progress, entry, use_up_session
from authflow.pool.store.connection import Connection
from authflow.pool.store.database import Database
from authflow.pool.workers import Workers
from authflow.secret import Secret


def _missing(pool: UserPool, user: User) -> list[str]:
    return [name for name in pool.required_attributes if name not in user.all_attributes]


def _with_attributes(pool: UserPool, user: User, answers: Mapping[str, str]) -> User:
    """Give the user with the attributes that came along.

    Raises:
        CognitoError: A required one is missing, or one is already set.
    """
    prefix = wire.USER_ATTRIBUTE_PREFIX
    given = read_attributes(
        pool,
        ((k.removeprefix(prefix), v) for k, v in answers.items() if k.startswith(prefix)),
    )
    for name in given:
        if name in user.attributes:
            raise invalid_parameter(f"Cannot modify an already provided {name}")
    changed = evolve(user, attributes={**user.attributes, **given})
    missing = _missing(pool, changed)
    if missing:
        raise invalid_parameter(f"Invalid attributes given, {missing[0]} is missing")
    return changed


def _store(connection: Connection, session: str, caller: Caller, user: User) -> None:
    use_up_session(connection, session)
    update_user(connection, caller.pool, user)


@define(kw_only=True)
class NewPasswords:
    """Asks for new passwords and takes them.

    Args:
        database: Where users are kept.
        workers: Threads for the verifier.
        replies: Makes replies.
        clock: Gives the time, in seconds since the epoch.
    """

    database: Database
    workers: Workers
    replies: Replies
    clock: Callable[[], float]

    async def ask(self, caller: Caller, progress: Progress, user: User) -> dict[str, Any]:
        """Ask for a new password.

        Raises:
            CognitoError: The temporary password has expired.
        """
        if user.password_expires_at is not None and self.clock() >= user.password_expires_at:
            raise not_authorized(
                "Temporary password has expired and must be reset by an administrator."
            )
        missing = [f"{wire.USER_ATTRIBUTE_PREFIX}{name}" for name in _missing(caller.pool, user)]
        return await self.replies.challenge(
            caller,
            progress,
            State.NEW_PASSWORD_REQUIRED,
            {
                wire.USER_ID_FOR_SRP: user.username,
                wire.REQUIRED_ATTRIBUTES: json.dumps(missing),
                wire.USER_ATTRIBUTES: json.dumps(dict(user.attributes)),
            },
        )

    async def take(
        self,
        caller: Caller,
        progress: Progress,
        user: User,
        session: str,
        answers: Mapping[str, str],
    ) -> tuple[Progress, User]:
        """Take a new password. A rejected one does not use up the session.

        Returns:
            Where the sign-in stands, and the user as changed.

        Raises:
            CognitoError: The password does not conform to the policy, an attribute is wrong, or
                another answer was faster.
        """
        password = Secret(required(answers, wire.NEW_PASSWORD))
        caller.pool.password_policy.check(password)
        changed = _with_attributes(caller.pool, user, answers)
        stored = await self.workers.run(
            StoredPassword.make, caller.pool.id, user.username, password
        )
        changed = changed.with_password(stored, self.clock(), status=CONFIRMED)
        await self.database.write(_store, session, caller, changed)
        done = entry(State.NEW_PASSWORD_REQUIRED, passed=True)
        return evolve(progress, history=(*progress.history, done)), changed
