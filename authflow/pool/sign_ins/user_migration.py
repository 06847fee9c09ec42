"""User migration: the UserMigration trigger brings a user in from another directory.

It runs only for a name that nobody has, and only where the password itself is at hand or is
forgotten. At sign-in the user is made with the password that was typed, to which the pool's policy
does not apply ("Migrate user Lambda trigger" in the developer guide).
"""

from collections.abc import Mapping
from typing import Final

from attrs import define, evolve, frozen

from authflow.machine import State
from authflow.pool.accounts.attribute_values import (
    check_flags,
    read_filled,
    required_is_missing,
)
from authflow.pool.accounts.callers import Caller
from authflow.pool.accounts.masking import second_name
from authflow.pool.accounts.passwords import StoredPassword, random_password
from authflow.pool.accounts.second_factors import UserFactors
from authflow.pool.accounts.user_pool import UserPool, find_pool
from authflow.pool.accounts.users import (
    CONFIRMED,
    RESET_REQUIRED,
    User,
    insert_user,
    new_sub,
    new_username,
)
from authflow.pool.cognito_errors import CognitoError, invalid_trigger_result, not_authorized
from authflow.pool.confirmations.recovery import reach_to_recover
from authflow.pool.factors.preferences import may_have
from authflow.pool.ground import Ground
from authflow.pool.log_limit import limited_logger
from authflow.pool.messages.delivery import Delivery
from authflow.pool.messages.destination import Destination
from authflow.pool.messages.mailbox import SentMessage, put_message
from authflow.pool.messages.wording import welcome
from authflow.pool.sign_ins.migration_claims import Claim, MigrationClaims, redeem
from authflow.pool.store.sqlite_connection import Connection
from authflow.pool.triggers.occasion import Occasion
from authflow.pool.triggers.runner import TriggerRaisedError
from authflow.secret import Secret
from authflow.triggers.events.migrated_user import DeliveryMedium, FinalStatus
from authflow.triggers.events.user_events import AUTHENTICATION, FORGOT_PASSWORD, MigrationEvent

_LOG: Final = limited_logger("authflow.pool.triggers")
_ATTRIBUTE_OF: Final[Mapping[DeliveryMedium, str]] = {
    DeliveryMedium.EMAIL: "email",
    DeliveryMedium.SMS: "phone_number",
}
_UNFIT: Final = "the pool cannot take the user whom UserMigration gave"
_DEFAULT_MEDIUMS: Final = (DeliveryMedium.SMS,)
_STATUSES: Final[Mapping[FinalStatus, str]] = {
    FinalStatus.CONFIRMED: CONFIRMED,
    FinalStatus.RESET_REQUIRED: RESET_REQUIRED,
}


@frozen(kw_only=True)
class _Arrival:
    """A migrated user who is about to be stored, and the welcome messages."""

    user: User
    move_aliases: bool
    messages: tuple[SentMessage, ...]


@frozen(kw_only=True)
class BroughtIn:
    """The user who has a name after a migration.

    Args:
        user: The user.
        proved: Whether the directory has taken the password: not if another request has brought
            the user in meanwhile.
    """

    user: User
    proved: bool


def _write(connection: Connection, pool: UserPool, arrival: _Arrival, claim: Claim) -> None:
    find_pool(connection, pool.id)  # when a pool is deleted, its claims are deleted, too
    redeem(connection, claim)
    insert_user(connection, pool, arrival.user, move_aliases=arrival.move_aliases)
    for message in arrival.messages:
        put_message(connection, pool, message)


@define(kw_only=True)
class Migration:
    """Migrates users.

    Args:
        ground: The parts that all services share.
        delivery: Sends welcome messages.
        claims: See to it that a name is asked about once at a time.
    """

    ground: Ground
    delivery: Delivery
    claims: MigrationClaims

    def serves(self, caller: Caller) -> bool:
        """Return whether a pool has the trigger."""
        return self.ground.triggers.serves(caller.pool, MigrationEvent.trigger)

    async def bring_in(self, caller: Caller, typed: str, password: Secret[str]) -> BroughtIn:
        """Migrate a user whom the pool does not know, at sign-in.

        The other directory is guarded by the same five tries as passwords. Each is counted before
        the trigger is asked, and only a user who is brought in takes it back: whether a guess was
        wrong or the directory was out of reach cannot be told by what the trigger gives. A name is
        asked about once at a time; who waited finds the user whom the first has brought in.

        Args:
            caller: Who asks; its ClientMetadata reaches the trigger as `validationData`.
            typed: The name.
            password: What was typed.

        Raises:
            CognitoError: The trigger refused, failed, or gave nothing that can be used.
        """
        async with self.claims.hold(caller, typed, counting=True) as held:
            if isinstance(held, User):
                return BroughtIn(user=held, proved=False)
            try:
                arrival = await self._ask(caller, typed, password)
                await self._keep(caller, arrival, held)
            except (TriggerRaisedError, CognitoError) as error:
                if caller.client.hides_users:
                    raise not_authorized(reason=error.reason or _UNFIT) from error
                raise _refusal(caller, error) from error
        return BroughtIn(user=arrival.user, proved=True)

    async def bring_in_without_password(
        self, caller: Caller, typed: str, attributes: tuple[str, ...]
    ) -> User:
        """Migrate a user who has forgotten the password.

        Args:
            caller: Who asks; its ClientMetadata reaches the trigger.
            typed: The name.
            attributes: Those by which users of the pool are reached.

        Raises:
            CognitoError: As of `bring_in`; or the user has no verified address, and then is not
                brought in, since nobody could ever sign in as this user.
        """
        async with self.claims.hold(caller, typed, counting=False) as held:
            if isinstance(held, User):
                return held
            try:
                arrival = await self._ask(caller, typed, None)
            except (TriggerRaisedError, CognitoError) as error:
                raise _refusal(caller, error) from error
            reach_to_recover(caller.pool, arrival.user, attributes)
            try:
                await self._keep(caller, arrival, held)
            except CognitoError as error:
                raise _refusal(caller, error) from error
        return arrival.user

    async def _ask(self, caller: Caller, typed: str, password: Secret[str] | None) -> _Arrival:
        pool, now = caller.pool, self.ground.clock()
        found = await self.ground.triggers.run(pool, _event(caller, typed, password))
        # A directory that knows the user by an alias returns the username among the attributes.
        given = found.attributes
        name = typed if pool.username_attributes else given.get("username", typed)
        plain = {key: value for key, value in given.items() if key != "username"}
        sub = new_sub()
        username, attributes = new_username(pool, name, sub, read_filled(pool, plain))
        check_flags(attributes)
        for attribute in pool.required_attributes:
            if not attributes.get(attribute):
                raise required_is_missing(attribute)
        stored = await self.ground.workers.run(
            StoredPassword.make,
            pool.id,
            username,
            password or random_password(),
            second_name(pool, username, sub),
        )
        user = User(
            sub=sub,
            pool_id=pool.id,
            username=username,
            status=_STATUSES[found.status],
            attributes=attributes,
            password=stored,
            created_at=now,
            modified_at=now,
        )
        if found.enable_sms_mfa:
            user = _with_sms_mfa(pool, user)
        mediums = dict.fromkeys(found.delivery_mediums or _DEFAULT_MEDIUMS)
        destinations = (
            Destination(attribute=attribute, address=attributes[attribute])
            for attribute in map(_ATTRIBUTE_OF.__getitem__, mediums if found.send_welcome else ())
            if attributes.get(attribute)
        )
        return _Arrival(
            user=user,
            move_aliases=found.force_alias_creation,
            messages=tuple(welcome(user, each, now) for each in destinations),
        )

    async def _keep(self, caller: Caller, arrival: _Arrival, claim: Claim) -> None:
        await self.ground.database.write(_write, caller.pool, arrival, claim)
        occasion = Occasion.of(caller, arrival.user.username, arrival.user)
        for message in arrival.messages:
            # Nothing says with which triggerSource Cognito would pass it to a custom sender.
            self.delivery.send(occasion, message, None, after_reply=caller.client.hides_users)


def _with_sms_mfa(pool: UserPool, user: User) -> User:
    """Return a migrated user with the second factor that the trigger asks for (enableSMSMFA).

    Without MFA in the pool, or without phone number, the migration fails ("Migrate user Lambda
    trigger" in the developer guide): the user would be signed in without the factor.

    Raises:
        CognitoError: The user cannot have it.
    """
    if not may_have(pool, user, State.SMS_MFA):
        reason = "UserMigration asks for MFA by SMS, which the pool or the user cannot have"
        _LOG.warning(reason)
        raise invalid_trigger_result(reason=reason)
    return evolve(user, factors=UserFactors(enabled=frozenset({State.SMS_MFA})))


def _event(caller: Caller, typed: str, password: Secret[str] | None) -> MigrationEvent:
    """Make the event: at sign-in or, without a password, for a forgotten password."""
    occasion = Occasion.of(caller, typed, None)
    if password is None:
        return MigrationEvent(
            **occasion.envelope,
            source=FORGOT_PASSWORD,
            password=None,
            client_metadata=occasion.sent_metadata,
        )
    return MigrationEvent(
        **occasion.envelope,
        source=AUTHENTICATION,
        password=password,
        validation_data=occasion.sent_metadata,
    )


def _refusal(caller: Caller, error: TriggerRaisedError | CognitoError) -> CognitoError:
    """Return the refusal of a migration, without the directory's own words."""
    told = isinstance(error, CognitoError) and (
        "Lambda" in error.code or error.code == "ResourceNotFoundException"
    )
    if isinstance(error, CognitoError) and told:
        return error
    message = f"Exception migrating user in app client {caller.client.id}"
    return CognitoError("UserNotFoundException", message, reason=error.reason or _UNFIT)
