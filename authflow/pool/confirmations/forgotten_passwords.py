"""Forgotten passwords: a code is sent to a verified address, and sets a new password.

Where the app client hides users, whoever cannot be sent a code is answered as if one had been sent:
a name that nobody has, a user who is disabled or has no verified address ("Managing user existence
error responses" in the developer guide). A user with a temporary password is answered so, too. All
of them take the work that a user takes who is sent a code, the wording by a trigger included.
"""

import contextlib
from collections.abc import Mapping
from typing import Any

from attrs import define, frozen

from authflow.pool.accounts.callers import Caller, find_caller_and_user
from authflow.pool.accounts.masking import StandIn, stand_in
from authflow.pool.accounts.password_history import ProposedPassword, propose_password
from authflow.pool.accounts.user_pool import UserPool, find_pool
from authflow.pool.accounts.users import (
    CONFIRMED,
    RESET_REQUIRED,
    UNCONFIRMED,
    User,
    find_named,
    find_user_by_sub,
    set_status,
)
from authflow.pool.cognito_errors import CognitoError, user_not_found_by_name
from authflow.pool.confirmations.confirmation_codes import (
    RESET,
    Requester,
    count_code_attempt,
    ground_of,
    new_code,
    put_code,
    use_up_code,
)
from authflow.pool.confirmations.recovery import (
    check_may_reset,
    may_reset,
    reach_to_recover,
    recovery_attributes,
    ways_to_recover,
)
from authflow.pool.confirmations.told_destinations import pretended_destination, told_destination
from authflow.pool.ground import Ground
from authflow.pool.messages.delivery import Delivery
from authflow.pool.messages.destination import Destination
from authflow.pool.messages.mailbox import SentMessage, put_message
from authflow.pool.messages.wording import Wording
from authflow.pool.sign_ins.user_migration import Migration
from authflow.pool.store.sqlite_connection import Connection
from authflow.pool.tokens.families import change_password, end_families
from authflow.pool.triggers.occasion import NO_CLIENT, Occasion
from authflow.secret import Secret
from authflow.triggers.events.message_events import FORGOT_PASSWORD
from authflow.triggers.events.user_events import CONFIRM_FORGOT_PASSWORD, PostConfirmationEvent


@frozen(kw_only=True)
class _Issue:
    """A code to be sent to a user, or to a stand-in.

    Args:
        requester: Who asked for it.
        sub: The user's id; None for nobody, whom nothing is sent.
        code: The code.
        destination: The address that it goes to.
        message: The message that holds it.
        by_administrator: Whether the user must reset the password then.
    """

    requester: Requester
    sub: str | None
    code: Secret[str]
    destination: Destination
    message: SentMessage
    by_administrator: bool = False
    tokens_survive: bool


def _keep(connection: Connection, issue: _Issue, now: float) -> bool:
    """Store a code and its message.

    Returns:
        Whether they were kept, or are but to be thought so.

    Raises:
        CognitoError: Meanwhile the user or the user pool was deleted, or the user may not reset the
            password.
    """
    requester, pool = issue.requester, find_pool(connection, issue.requester.pool.id)
    user = find_user_by_sub(connection, pool.id, issue.sub)
    if requester.hidden and (user is None or not may_reset(user)):
        put_code(connection, requester, None, now)
        put_message(connection, pool, issue.message, kept=False)
        return False
    if user is None:
        raise user_not_found_by_name()
    check_may_reset(user)
    if issue.by_administrator:
        set_status(connection, user, RESET_REQUIRED, now)
        if not issue.tokens_survive:
            end_families(connection, user.sub)
    put_code(connection, requester, issue.code, now, ground_of(RESET, user, issue.destination))
    put_message(connection, pool, issue.message)
    return True


@frozen(kw_only=True)
class _Entry:
    """A code that was entered, with the new password."""

    requester: Requester
    sub: str | None
    code: Secret[str] | None
    proposed: ProposedPassword
    tokens_survive: bool


def _find_for_new_password(connection: Connection, pool: UserPool, sub: str | None) -> User:
    user = find_user_by_sub(connection, pool.id, sub)
    if user is None:
        raise user_not_found_by_name()
    check_may_reset(user)
    if user.status == UNCONFIRMED:
        message = "User is not confirmed."
        raise CognitoError("UserNotConfirmedException", message, reason=message)
    return user


def _confirm(connection: Connection, entry: _Entry, now: float) -> User:
    """Compare the code and set the password, in one transaction.

    Only who has the right code learns that the password was used before; the code stays good then.

    Raises:
        CognitoError: The code is not good, the user may not reset the password, the password was
            used before, or the user pool is gone.
    """
    pool = find_pool(connection, entry.requester.pool.id)
    try:
        user = _find_for_new_password(connection, pool, entry.sub)
    except CognitoError:
        if entry.requester.hidden:
            use_up_code(connection, entry.requester, None, now)
        raise
    # A second factor may have been turned on since the code was sent.
    grounds = [ground_of(RESET, user, each) for each in ways_to_recover(pool, user)]
    use_up_code(connection, entry.requester, entry.code, now, grounds)
    return change_password(
        connection,
        user,
        entry.proposed,
        now,
        status=CONFIRMED,
        tokens_survive=entry.tokens_survive,
    )


@define(kw_only=True)
class ForgottenPasswords:
    """The operations on forgotten passwords.

    Args:
        ground: The parts that all services share.
        migration: Brings in users whom the pool does not know.
        wording: Words the messages.
        delivery: Sends the messages.
        tokens_survive: Whether tokens stay good when the password changes.
    """

    ground: Ground
    migration: Migration
    wording: Wording
    delivery: Delivery
    tokens_survive: bool

    async def forgot(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """ForgotPassword."""
        typed = request["Username"]
        caller, user = await self.ground.database.read(find_caller_and_user, request, typed)
        caller.client.check_secret_hash(request.get("SecretHash"), typed)
        attributes = recovery_attributes(caller.pool)
        hidden = caller.client.hides_users
        if user is None and not hidden and not self.migration.serves(caller):
            raise user_not_found_by_name()
        requester = Requester.of(caller.pool, user, typed, purpose=RESET, hidden=hidden)
        may_succeed = await self.ground.database.write(
            count_code_attempt, requester, self.ground.clock()
        )
        if user is None and self.migration.serves(caller):
            user = await self._bring_in(caller, typed, attributes)
            requester = Requester.of(caller.pool, user, typed, purpose=RESET, hidden=hidden)
        if hidden:
            made = stand_in(caller.pool, typed)
            destination = await self._send_or_pretend(
                caller, requester, user, made, attributes, may_succeed=may_succeed
            )
        elif user is None:
            raise user_not_found_by_name()
        else:
            occasion = Occasion.of(caller, user.username, user)
            destination = await self._issue(occasion, requester, user, attributes)
        return {"CodeDeliveryDetails": destination.details}

    async def _bring_in(
        self, caller: Caller, typed: str, attributes: tuple[str, ...]
    ) -> User | None:
        try:
            return await self.migration.bring_in_without_password(caller, typed, attributes)
        except CognitoError:
            if not caller.client.hides_users:
                raise
            return None

    async def _issue(
        self,
        occasion: Occasion,
        requester: Requester,
        user: User,
        attributes: tuple[str, ...],
        *,
        by_administrator: bool = False,
    ) -> Destination:
        """Send a code to a user, or raise the reason why not."""
        check_may_reset(user)
        code = new_code()
        destination = reach_to_recover(occasion.pool, user, attributes)
        message = await self.wording.reset(occasion, user, destination, code, self.ground.clock())
        issue = _Issue(
            requester=requester,
            sub=user.sub,
            code=code,
            destination=destination,
            message=message,
            by_administrator=by_administrator,
            tokens_survive=self.tokens_survive,
        )
        await self.ground.database.write(_keep, issue, self.ground.clock())
        self.delivery.send(occasion, message, FORGOT_PASSWORD)
        return destination

    async def _send_or_pretend(
        self,
        caller: Caller,
        requester: Requester,
        user: User | None,
        made: StandIn,
        attributes: tuple[str, ...],
        *,
        may_succeed: bool,
    ) -> Destination:
        """Send a code if the user can be sent one; do the same work for all others."""
        code, destination = new_code(), pretended_destination(made)
        person = made.as_user(destination.attribute, self.ground.clock())
        if user is not None:
            with contextlib.suppress(CognitoError):
                check_may_reset(user)
                destination, person = reach_to_recover(caller.pool, user, attributes), user
        occasion = Occasion.of(caller, person.username, person)
        strange = person is not user
        try:
            message = await self.wording.reset(
                occasion, person, destination, code, self.ground.clock(), user_not_found=strange
            )
        except CognitoError:
            may_succeed = False
            message = self.wording.plain(person, destination, code, self.ground.clock())
        sub = person.sub if may_succeed and not strange else None
        issue = _Issue(
            requester=requester,
            sub=sub,
            code=code,
            destination=destination,
            message=message,
            tokens_survive=self.tokens_survive,
        )
        if await self.ground.database.write(_keep, issue, self.ground.clock()):
            self.delivery.send(occasion, message, FORGOT_PASSWORD, after_reply=True)
        return told_destination(caller.pool, user, made)

    async def reset(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminResetUserPassword."""
        pool, user = await self.ground.database.read(
            find_named, request["UserPoolId"], request["Username"]
        )
        occasion = Occasion(
            pool=pool,
            client_id=NO_CLIENT,
            username=user.username,
            user=user,
            client_metadata=request.get("ClientMetadata"),
        )
        # An administrator may reset a password even where nobody else may.
        attributes = recovery_attributes(pool, by_administrator=True)
        requester = Requester.of(pool, user, user.username, purpose=RESET, hidden=False)
        await self._issue(occasion, requester, user, attributes, by_administrator=True)
        return {}

    async def confirm(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """ConfirmForgotPassword.

        The password is looked at first: one that does not conform costs no attempt.
        """
        typed = request["Username"]
        caller, user = await self.ground.database.read(find_caller_and_user, request, typed)
        pool = caller.pool
        caller.client.check_secret_hash(request.get("SecretHash"), typed)
        password = Secret(request["Password"])
        pool.password_policy.check(password)
        if user is None and not caller.client.hides_users:
            raise user_not_found_by_name()
        requester = Requester.of(pool, user, typed, purpose=RESET, hidden=caller.client.hides_users)
        may_succeed = await self.ground.database.write(
            count_code_attempt, requester, self.ground.clock()
        )
        made = stand_in(pool, typed)
        known = made if user is None else user
        entry = _Entry(
            requester=requester,
            sub=None if user is None else user.sub,
            code=Secret(request["ConfirmationCode"]) if may_succeed else None,
            proposed=await propose_password(self.ground, pool, known.username, known.sub, password),
            tokens_survive=self.tokens_survive,
        )
        changed = await self.ground.database.write(_confirm, entry, self.ground.clock())
        if self.ground.triggers.serves(pool, PostConfirmationEvent.trigger):
            occasion = Occasion.of(caller, changed.username, changed)
            event = PostConfirmationEvent(**occasion.members, source=CONFIRM_FORGOT_PASSWORD)
            await self.ground.triggers.consult(pool, event)
        return {}
