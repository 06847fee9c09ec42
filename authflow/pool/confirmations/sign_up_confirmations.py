"""The confirmation of sign-ups: by a code, by a link, or by an administrator.

Where the app client hides users, whoever cannot be confirmed is answered as one whose code is
wrong, and whoever cannot be sent a code as if one had been sent: a name that nobody has, and a user
who is confirmed already or disabled ("Managing user existence error responses" in the developer
guide). All of them take the work that a user takes who is sent a code.
"""

from collections.abc import Mapping
from typing import Any

from attrs import define, evolve, field

from authflow.pool.accounts.callers import Caller, find_caller_and_user
from authflow.pool.accounts.masking import StandIn, stand_in
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import (
    CONFIRMED,
    UNCONFIRMED,
    User,
    find_named,
    set_status,
)
from authflow.pool.cognito_errors import CognitoError, user_not_found_by_name
from authflow.pool.confirmations.confirmation_codes import (
    SIGN_UP,
    Requester,
    count_code_attempt,
    new_code,
)
from authflow.pool.confirmations.confirmation_links import ConfirmationLinks
from authflow.pool.confirmations.sign_up_codes import (
    EnteredCode,
    SignUpCode,
    address_to_confirm,
    cannot_resend,
    check_may_be_sent,
    check_unconfirmed,
    confirm_by_code,
    keep_or_pretend,
    verified_at_sign_up,
)
from authflow.pool.confirmations.sign_ups import confirmed
from authflow.pool.confirmations.told_destinations import pretended_destination, told_destination
from authflow.pool.ground import Ground
from authflow.pool.messages.delivery import Delivery
from authflow.pool.messages.destination import Destination
from authflow.pool.messages.mailbox import SentMessage
from authflow.pool.messages.wording import Wording
from authflow.pool.store.sqlite_connection import Connection
from authflow.pool.triggers.occasion import NO_CLIENT, Occasion
from authflow.secret import Secret
from authflow.triggers.events.message_events import RESEND_CODE


def _confirm_named(
    connection: Connection, pool_id: str, name: str, now: float
) -> tuple[UserPool, User]:
    """Confirm a user as an administrator; no address is verified by it.

    Raises:
        CognitoError: There is no such user, or it is confirmed.
    """
    pool, user = find_named(connection, pool_id, name)
    check_unconfirmed(user)
    return pool, set_status(connection, user, CONFIRMED, now)


@define(kw_only=True)
class SignUpConfirmations:
    """The operations that confirm sign-ups.

    Args:
        ground: The parts that all services share.
        wording: Words the messages.
        delivery: Sends the messages.
        links: The addresses that confirm by themselves.
    """

    ground: Ground
    wording: Wording
    delivery: Delivery
    links: ConfirmationLinks = field(repr=False)

    async def confirm(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """ConfirmSignUp."""
        typed = request["Username"]
        caller, user = await self.ground.database.read(find_caller_and_user, request, typed)
        caller.client.check_secret_hash(request.get("SecretHash"), typed)
        return await self._confirm(caller, user, request)

    async def follow(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """ConfirmSignUp by a link, which an app client's secret does not sign."""
        typed = request["Username"]
        caller, user = await self.ground.database.read(find_caller_and_user, request, typed)
        return await self._confirm(caller, user, request)

    async def _confirm(
        self, caller: Caller, user: User | None, request: Mapping[str, Any]
    ) -> dict[str, Any]:
        requester, may_succeed = await self._count(caller, user, request["Username"])
        entered = EnteredCode(
            caller=caller,
            requester=requester,
            sub=None if user is None else user.sub,
            code=Secret(request["ConfirmationCode"]) if may_succeed else None,
            force_alias=request.get("ForceAliasCreation", False),
        )
        changed = await self.ground.database.write(confirm_by_code, entered, self.ground.clock())
        await confirmed(self.ground, Occasion.of(caller, changed.username, changed))
        return {}

    async def _count(self, caller: Caller, user: User | None, typed: str) -> tuple[Requester, bool]:
        """Count an attempt, and return whose it is and whether it may succeed.

        Raises:
            CognitoError: There were too many; or there is no such user, and nobody hides it.
        """
        hidden = caller.client.hides_users
        if user is None and not hidden:
            raise user_not_found_by_name()
        requester = Requester.of(caller.pool, user, typed, purpose=SIGN_UP, hidden=hidden)
        may_succeed = await self.ground.database.write(
            count_code_attempt, requester, self.ground.clock()
        )
        return requester, may_succeed

    async def confirm_named(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminConfirmSignUp."""
        pool, user = await self.ground.database.write(
            _confirm_named, request["UserPoolId"], request["Username"], self.ground.clock()
        )
        occasion = Occasion(
            pool=pool,
            client_id=NO_CLIENT,
            username=user.username,
            user=user,
            client_metadata=request.get("ClientMetadata"),
        )
        await confirmed(self.ground, occasion)
        return {}

    async def resend(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """ResendConfirmationCode."""
        typed = request["Username"]
        caller, user = await self.ground.database.read(find_caller_and_user, request, typed)
        caller.client.check_secret_hash(request.get("SecretHash"), typed)
        if not verified_at_sign_up(caller.pool):
            raise cannot_resend()
        requester, may_succeed = await self._count(caller, user, typed)
        if caller.client.hides_users:
            told = await self._send_or_pretend(
                caller, requester, user, stand_in(caller.pool, typed), may_succeed=may_succeed
            )
        else:
            told = await self._send(caller, requester, user)
        return {"CodeDeliveryDetails": told.details}

    async def _send(self, caller: Caller, requester: Requester, user: User | None) -> Destination:
        """Send a code to a user, or raise the reason why not."""
        waiting = check_may_be_sent(user)
        destination = address_to_confirm(caller.pool, waiting)
        if destination is None:
            raise cannot_resend()
        occasion, code = Occasion.of(caller, waiting.username, waiting), new_code()
        message = await self._word(occasion, waiting, destination, code, caller)
        sent = SignUpCode(
            requester=requester,
            sub=waiting.sub,
            code=code,
            destination=destination,
            message=message,
        )
        await self.ground.database.write(keep_or_pretend, caller, sent)
        self.delivery.send(occasion, message, RESEND_CODE)
        return destination

    async def _send_or_pretend(
        self,
        caller: Caller,
        requester: Requester,
        user: User | None,
        made: StandIn,
        *,
        may_succeed: bool,
    ) -> Destination:
        """Send a code if the user can be sent one; do the same work for all others."""
        code, destination = new_code(), pretended_destination(made)
        person = _unconfirmed(made, destination, self.ground.clock())
        if user is not None and user.enabled and user.status == UNCONFIRMED:
            reached = address_to_confirm(caller.pool, user)
            if reached is not None:
                destination, person = reached, user
        occasion = Occasion.of(caller, person.username, person)
        strange = person is not user
        try:
            message = await self._word(
                occasion, person, destination, code, caller, user_not_found=strange
            )
        except CognitoError:
            may_succeed = False
            message = self.wording.plain(person, destination, code, self.ground.clock())
        sent = SignUpCode(
            requester=requester,
            sub=person.sub if may_succeed and not strange else None,
            code=code,
            destination=destination,
            message=message,
        )
        if await self.ground.database.write(keep_or_pretend, caller, sent):
            self.delivery.send(occasion, message, RESEND_CODE, after_reply=True)
        return told_destination(caller.pool, user, made)

    async def _word(
        self,
        occasion: Occasion,
        person: User,
        destination: Destination,
        code: Secret[str],
        caller: Caller,
        *,
        user_not_found: bool = False,
    ) -> SentMessage:
        return await self.wording.verification(
            occasion,
            person,
            destination,
            code,
            self.ground.clock(),
            source=RESEND_CODE,
            link=self.links.link(caller, person.username, code),
            user_not_found=user_not_found,
        )


def _unconfirmed(made: StandIn, destination: Destination, now: float) -> User:
    """Return a stand-in as a user who has signed up."""
    attributes = {
        destination.attribute: destination.address,
        f"{destination.attribute}_verified": "false",
    }
    person = made.as_user(destination.attribute, now)
    return evolve(person, status=UNCONFIRMED, attributes=attributes)
