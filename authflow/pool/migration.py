"""User migration at sign-in: the UserMigration trigger brings a user in from elsewhere.

It runs only for a name that nobody has, and only where the password itself is at hand. The user is
made with the password that was typed, to which the pool's policy does not apply ("Migrate user
Lambda trigger" in the developer guide).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import define

from authflow.pool.callers import Caller
from authflow.pool.cognito_errors import CognitoError, invalid_trigger_result, not_authorized
from authflow.pool.database import Database
from authflow.pool.lockout import check_lock, count_attempt
from authflow.pool.passwords import StoredPassword
from authflow.pool.trigger_events import EventWriter
from authflow.pool.trigger_runner import TriggerRaisedError, TriggerRunner
from authflow.pool.users import (
    CONFIRMED,
    RESET_REQUIRED,
    User,
    insert_user,
    new_sub,
    new_username,
    read_attributes,
)
from authflow.pool.workers import Workers
from authflow.secret import Secret

TRIGGER: Final = "UserMigration"
_STATUSES: Final[Mapping[str | None, str]] = {
    None: CONFIRMED,
    "CONFIRMED": CONFIRMED,
    "RESET_REQUIRED": RESET_REQUIRED,
}


def _read_response(response: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """Read what the trigger gave: attributes and status.

    Raises:
        CognitoError: It is not of the documented form.
    """
    attributes, status = response.get("userAttributes"), response.get("finalUserStatus")
    if not isinstance(attributes, dict) or not attributes:
        raise invalid_trigger_result()
    if not all(isinstance(value, str) for value in attributes.values()):
        raise invalid_trigger_result()
    if not isinstance(status, str | None) or status not in _STATUSES:
        raise invalid_trigger_result()
    if not isinstance(response.get("forceAliasCreation"), bool | None):
        raise invalid_trigger_result()
    if response.get("enableSMSMFA") and not attributes.get("phone_number"):
        raise invalid_trigger_result()
    return attributes, _STATUSES[status]


@define(kw_only=True)
class Migration:
    """Brings users in.

    Args:
        database: Where users are kept.
        workers: Threads for the verifier.
        triggers: Runs the trigger.
        clock: Gives the time, in seconds since the epoch.
    """

    database: Database
    workers: Workers
    triggers: TriggerRunner
    clock: Callable[[], float]

    def serves(self, caller: Caller) -> bool:
        """Say whether a pool has the trigger."""
        return self.triggers.serves(caller.pool, TRIGGER)

    async def bring_in(self, caller: Caller, typed: str, password: Secret[str]) -> User:
        """Bring a user in whom the pool does not know.

        Failures count towards the lockout of the name: the other directory is guarded by the same
        five tries.

        Args:
            caller: Who asks; its ClientMetadata reaches the trigger as `validationData`.
            typed: The name.
            password: What was typed.

        Raises:
            CognitoError: The trigger refused, failed, or gave nothing that can be used.
        """
        pool, name = caller.pool, caller.pool.fold(typed)
        self.database.read(check_lock, pool.id, name, self.clock())
        event = EventWriter(
            pool=pool,
            client_id=caller.client.id,
            username=typed,
            user=None,
            client_metadata=caller.client_metadata,
        ).migrate(password)
        try:
            response = await self.triggers.run(pool, TRIGGER, event)
            return await self._insert(caller, typed, password, response)
        except (TriggerRaisedError, CognitoError) as error:
            if isinstance(error, TriggerRaisedError):
                await self.database.write(count_attempt, pool.id, name, self.clock(), passed=False)
            if caller.client.hides_users:
                raise not_authorized() from error
            if isinstance(error, CognitoError) and "Lambda" in error.code:
                raise
            raise CognitoError(
                "UserNotFoundException",
                f"Exception migrating user in app client {caller.client.id}",
            ) from error

    async def _insert(
        self, caller: Caller, typed: str, password: Secret[str], response: Mapping[str, Any]
    ) -> User:
        pool, now = caller.pool, self.clock()
        given, status = _read_response(response)
        # A directory that knows the user by an alias tells the username among the attributes.
        name = typed if pool.username_attributes else given.get("username", typed)
        plain = [(key, value) for key, value in given.items() if key != "username"]
        sub = new_sub()
        username, attributes = new_username(pool, name, sub, read_attributes(pool, plain))
        user = User(
            sub=sub,
            pool_id=pool.id,
            username=username,
            status=status,
            attributes=attributes,
            password=await self.workers.run(StoredPassword.make, pool.id, username, password),
            created_at=now,
            modified_at=now,
        )
        move = bool(response.get("forceAliasCreation"))
        await self.database.write(insert_user, pool, user, move_aliases=move)
        return user
