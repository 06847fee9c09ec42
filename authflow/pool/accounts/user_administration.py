"""The operations by which administrators create, read, change and delete users."""

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, frozen

from authflow.pool.accounts.attribute_values import check_flags, read_filled
from authflow.pool.accounts.masking import second_name
from authflow.pool.accounts.password_history import ProposedPassword, propose_password
from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.user_pool import UserPool, find_pool
from authflow.pool.accounts.users import (
    CONFIRMED,
    FORCE_CHANGE_PASSWORD,
    User,
    attribute_list,
    delete_user,
    find_named,
    find_user,
    find_user_by_sub,
    insert_user,
    new_sub,
    new_username,
    set_enabled,
    username_exists,
)
from authflow.pool.cognito_errors import CognitoError, user_not_found
from authflow.pool.confirmations.pre_sign_up import judge
from authflow.pool.ground import Ground
from authflow.pool.messages.delivery import Delivery
from authflow.pool.messages.destination import Destination
from authflow.pool.messages.invitations import invited_at
from authflow.pool.messages.mailbox import SentMessage, put_message
from authflow.pool.messages.wording import Wording
from authflow.pool.store.sqlite_connection import Connection
from authflow.pool.tokens.families import change_password, end_families
from authflow.pool.triggers.occasion import NO_CLIENT, Occasion
from authflow.secret import Secret
from authflow.triggers.events import message_events, user_events


def _delete(connection: Connection, pool_id: str, name: str) -> None:
    _, user = find_named(connection, pool_id, name)
    delete_user(connection, user)


def _sign_out(connection: Connection, pool_id: str, name: str) -> None:
    _, user = find_named(connection, pool_id, name)
    end_families(connection, user.sub)


def _enable(connection: Connection, pool_id: str, name: str, now: float, *, enabled: bool) -> None:
    """Permit or forbid a user's sign-in. To forbid ends the tokens; to permit restores none."""
    _, user = find_named(connection, pool_id, name)
    if user.enabled is not enabled:
        set_enabled(connection, user, now, enabled=enabled)
    if not enabled:
        end_families(connection, user.sub)


@frozen(kw_only=True)
class _PasswordChange:
    """A password that an administrator sets."""

    user: User
    """The user as stored before the arithmetic."""
    proposed: ProposedPassword
    permanent: bool
    tokens_survive: bool
    temporary_only: bool = False
    """Whether only a temporary password may be replaced."""
    messages: tuple[SentMessage, ...] = ()
    """The invitations that tell it."""


def _change(connection: Connection, change: _PasswordChange, now: float) -> User:
    """Set a password, for the user as stored now.

    Raises:
        CognitoError: The user is gone, has had this password before, or has chosen a password
            where only a temporary one may be replaced.
    """
    pool = find_pool(connection, change.user.pool_id)
    user = find_user_by_sub(connection, pool.id, change.user.sub)
    if user is None:
        raise user_not_found()
    if change.temporary_only:
        _check_temporary(user)
    for message in change.messages:
        put_message(connection, pool, message)
    lasts = pool.password_policy.temporary_seconds
    return change_password(
        connection,
        user,
        change.proposed,
        now,
        status=CONFIRMED if change.permanent else FORCE_CHANGE_PASSWORD,
        expires_at=None if change.permanent else now + lasts,
        tokens_survive=change.tokens_survive,
    )


def _check_temporary(user: User) -> None:
    if user.status != FORCE_CHANGE_PASSWORD:
        raise CognitoError(
            "UnsupportedUserStateException",
            f"Resend not possible. {user.status} is not a state that has a temporary password.",
        )


def _check_is_new(connection: Connection, pool: UserPool, name: str) -> None:
    if find_user(connection, pool, name) is not None:
        raise username_exists()


@frozen(kw_only=True)
class _NewUser:
    """A user whom an administrator makes, and the invitations."""

    pool: UserPool
    user: User
    move_aliases: bool
    messages: tuple[SentMessage, ...]


def _create(connection: Connection, new: _NewUser) -> None:
    """Store a user and the invitations, in one transaction.

    Raises:
        CognitoError: As of `insert_user`.
    """
    insert_user(connection, new.pool, new.user, move_aliases=new.move_aliases)
    for message in new.messages:
        put_message(connection, new.pool, message)


def _described(user: User, attributes: str) -> dict[str, Any]:
    return {
        "Username": user.username,
        attributes: attribute_list(user.all_attributes),
        "UserCreateDate": user.created_at,
        "UserLastModifiedDate": user.modified_at,
        "Enabled": user.enabled,
        "UserStatus": user.status,
    }


def _temporary(pool: UserPool, request: Mapping[str, Any]) -> Secret[str]:
    """Return the temporary password of a request; without one, draw it.

    Raises:
        CognitoError: It does not conform to the policy.
    """
    if "TemporaryPassword" not in request:
        return pool.password_policy.temporary()
    password = Secret(request["TemporaryPassword"])
    pool.password_policy.check(password)
    return password


def _occasion(pool: UserPool, user: User) -> Occasion:
    """Return the occasion of an invitation, which gets no ClientMetadata.

    Source: the parameters of "Custom message Lambda trigger" in the developer guide.
    """
    return Occasion(pool=pool, client_id=NO_CLIENT, username=user.username, user=user)


@define(kw_only=True)
class UserAdministration:
    """The operations on users.

    Args:
        ground: The parts that all services share.
        wording: Words the invitations.
        delivery: Sends the invitations.
        tokens_survive: Whether tokens stay good when the password changes.
    """

    ground: Ground
    wording: Wording
    delivery: Delivery
    tokens_survive: bool

    async def create(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminCreateUser. What PreSignUp decides is ignored, as documented; it may refuse."""
        now = self.ground.clock()
        pool = await self.ground.database.read(find_pool, request["UserPoolId"])
        if request.get("MessageAction") == "RESEND":
            return await self._reset(pool, request, now)
        given = {each["Name"]: each.get("Value", "") for each in request.get("UserAttributes", ())}
        sub = new_sub()
        username, attributes = new_username(
            pool, request["Username"], sub, read_filled(pool, given)
        )
        check_flags(attributes)
        destinations = invited_at(attributes, request.get("DesiredDeliveryMediums"))
        suppressed = request.get("MessageAction") == "SUPPRESS"
        password = _temporary(pool, request)
        await self.ground.database.read(_check_is_new, pool, request["Username"])
        await self._judge(pool, username, attributes, request)
        user = User(
            sub=sub,
            pool_id=pool.id,
            username=username,
            status=FORCE_CHANGE_PASSWORD,
            attributes=attributes,
            password=await self._stored(pool, username, sub, password),
            password_expires_at=now + pool.password_policy.temporary_seconds,
            created_at=now,
            modified_at=now,
        )
        occasion = _occasion(pool, user)
        new = _NewUser(
            pool=pool,
            user=user,
            move_aliases=request.get("ForceAliasCreation", False),
            messages=() if suppressed else await self._invite(occasion, destinations, password),
        )
        await self.ground.database.write(_create, new)
        self._deliver(occasion, new.messages)
        return {"User": _described(user, "Attributes")}

    async def _judge(
        self,
        pool: UserPool,
        username: str,
        attributes: Mapping[str, str],
        request: Mapping[str, Any],
    ) -> None:
        occasion = Occasion(
            pool=pool,
            client_id=NO_CLIENT,
            username=username,
            user=None,
            client_metadata=request.get("ClientMetadata"),
        )
        validation = request.get("ValidationData")
        await judge(self.ground, occasion, attributes, validation, user_events.ADMIN_CREATE_USER)

    async def _invite(
        self, occasion: Occasion, destinations: Iterable[Destination], password: Secret[str]
    ) -> tuple[SentMessage, ...]:
        user, now = occasion.user, self.ground.clock()
        assert user is not None  # noqa: S101  # for the type checker
        worded = [
            await self.wording.invitation(occasion, user, each, password, now)
            for each in destinations
        ]
        return tuple(filter(None, worded))

    def _deliver(self, occasion: Occasion, messages: Iterable[SentMessage]) -> None:
        for message in messages:
            self.delivery.send(occasion, message, message_events.ADMIN_CREATE_USER)

    async def _reset(
        self, pool: UserPool, request: Mapping[str, Any], now: float
    ) -> dict[str, Any]:
        """Invite a user who has never signed in again, with a new temporary password."""
        pool, user = await self.ground.database.read(find_named, pool.id, request["Username"])
        _check_temporary(user)
        destinations = invited_at(user.attributes, request.get("DesiredDeliveryMediums"))
        password, occasion = _temporary(pool, request), _occasion(pool, user)
        change = _PasswordChange(
            user=user,
            # The same password may be sent again.
            proposed=ProposedPassword(
                stored=await self._stored(pool, user.username, user.sub, password)
            ),
            permanent=False,
            tokens_survive=self.tokens_survive,
            temporary_only=True,
            messages=await self._invite(occasion, destinations, password),
        )
        changed = await self.ground.database.write(_change, change, now)
        self._deliver(occasion, change.messages)
        return {"User": _described(changed, "Attributes")}

    async def _stored(
        self, pool: UserPool, username: str, sub: str, password: Secret[str]
    ) -> StoredPassword:
        second = second_name(pool, username, sub)
        return await self.ground.workers.run(
            StoredPassword.make, pool.id, username, password, second
        )

    async def set_password(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminSetUserPassword."""
        now = self.ground.clock()
        pool, user = await self.ground.database.read(
            find_named, request["UserPoolId"], request["Username"]
        )
        password = Secret(request["Password"])
        change = _PasswordChange(
            user=user,
            proposed=await propose_password(self.ground, pool, user.username, user.sub, password),
            permanent=request.get("Permanent", False),
            tokens_survive=self.tokens_survive,
        )
        await self.ground.database.write(_change, change, now)
        return {}

    async def get(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminGetUser."""
        _, user = await self.ground.database.read(
            find_named, request["UserPoolId"], request["Username"]
        )
        return {**_described(user, "UserAttributes"), **user.factors.described()}

    async def delete(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminDeleteUser."""
        await self.ground.database.write(_delete, request["UserPoolId"], request["Username"])
        return {}

    async def sign_out(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminUserGlobalSignOut. It ends the user's tokens."""
        await self.ground.database.write(_sign_out, request["UserPoolId"], request["Username"])
        return {}

    async def disable(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminDisableUser. It ends the user's tokens, and the sign-ins that have begun."""
        return await self._enable(request, enabled=False)

    async def enable(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminEnableUser."""
        return await self._enable(request, enabled=True)

    async def _enable(self, request: Mapping[str, Any], *, enabled: bool) -> dict[str, Any]:
        pool_id, name, now = request["UserPoolId"], request["Username"], self.ground.clock()
        await self.ground.database.write(_enable, pool_id, name, now, enabled=enabled)
        return {}
