"""Sign-ups: users who make their own accounts.

A sign-up that a trigger refuses, or whose message no trigger words, leaves no user. The code and
its message are stored together with the user. Sources: SignUp in the API reference, "Signing up and
confirming user accounts" in the developer guide.
"""

from collections.abc import Mapping
from typing import Any, Final

from attrs import define, evolve, field, frozen

from authflow.pool.accounts.attribute_access import written_by_user
from authflow.pool.accounts.attribute_schema import VERIFIED
from authflow.pool.accounts.attribute_values import required_is_missing
from authflow.pool.accounts.callers import Caller, find_caller
from authflow.pool.accounts.masking import second_name
from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import (
    CONFIRMED,
    UNCONFIRMED,
    User,
    find_user,
    insert_user,
    new_sub,
    new_username,
)
from authflow.pool.cognito_errors import (
    CognitoError,
    invalid_parameter,
    missing_parameter,
    not_authorized,
)
from authflow.pool.confirmations.confirmation_codes import SIGN_UP, Requester, new_code
from authflow.pool.confirmations.confirmation_links import ConfirmationLinks
from authflow.pool.confirmations.pre_sign_up import flags_of, judge
from authflow.pool.confirmations.sign_up_codes import SignUpCode, address_to_confirm, keep_code
from authflow.pool.ground import Ground
from authflow.pool.messages.delivery import Delivery
from authflow.pool.messages.wording import Wording
from authflow.pool.store.sqlite_connection import Connection
from authflow.pool.triggers.occasion import Occasion
from authflow.secret import Secret
from authflow.triggers.events import message_events, user_events
from authflow.triggers.events.user_events import PostConfirmationEvent, SignUpDecision

_EXISTS: Final = "UsernameExistsException"


def _check_open(pool: UserPool) -> None:
    """Refuse a sign-up where only administrators create users.

    Raises:
        CognitoError: AllowAdminCreateUserOnly is set.
    """
    if (pool.settings.get("AdminCreateUserConfig") or {}).get("AllowAdminCreateUserOnly"):
        raise not_authorized("SignUp is not permitted for this user pool")


def _exists(pool: UserPool, attributes: Mapping[str, str]) -> CognitoError:
    """Return the refusal of a name that is taken.

    It is told even where the app client hides users, as documented ("Managing user existence error
    responses" in the developer guide): a pool that hides addresses has them as aliases.
    """
    named = next((each for each in pool.username_attributes if attributes.get(each)), None)
    told = "User already exists"
    if named is not None:
        told = f"An account with the given {named} already exists."
    return CognitoError(_EXISTS, told, reason="the name is another user's")


@frozen(kw_only=True)
class _Applicant:
    """The applicant for an account, before a trigger has judged it.

    Args:
        sub: The id that the user is to have.
        username: The canonical name.
        attributes: What was given of the user, the address in the name included.
    """

    sub: str
    username: str
    attributes: Mapping[str, str] = field(repr=False)


def _applicant(caller: Caller, request: Mapping[str, Any]) -> _Applicant:
    """Read who signs up.

    Raises:
        CognitoError: The name or an attribute is not what it must be, or one is missing.
    """
    pool = caller.pool
    given = {each["Name"]: each.get("Value", "") for each in request.get("UserAttributes", ())}
    if not VERIFIED.keys().isdisjoint(given):
        raise not_authorized("A client attempted to write unauthorized attribute")
    if "preferred_username" in pool.alias_attributes and given.get("preferred_username"):
        message = (
            "Preferred username cannot be provided for unconfirmed account, since user pool is"
            " configured for preferred username alias."
        )
        raise invalid_parameter(message, reason=message)
    written = written_by_user(pool, caller.client.settings, given, creating=pool.schema)
    plain = {name: value for name, value in written.items() if name not in VERIFIED}
    sub = new_sub()
    username, attributes = new_username(pool, request["Username"], sub, plain)
    for name in pool.required_attributes:
        if not attributes.get(name):
            raise required_is_missing(name)
    return _Applicant(sub=sub, username=username, attributes=attributes)


@frozen(kw_only=True)
class _Registration:
    """A user who is about to be stored.

    Args:
        caller: Who asks.
        user: The user.
        typed: The name that the user signs up with.
        move_aliases: Whether a trigger has verified an address, which then is this user's.
        sent: The code for the user; None if none is sent.
    """

    caller: Caller
    user: User
    typed: str = field(repr=False)
    move_aliases: bool
    sent: SignUpCode | None


def _check_is_new(
    connection: Connection, pool: UserPool, applicant: _Applicant, typed: str
) -> None:
    if find_user(connection, pool, typed) is not None:
        raise _exists(pool, applicant.attributes)


def _register(connection: Connection, registration: _Registration) -> None:
    """Store a user, with the code that confirms the sign-up and its message.

    Raises:
        CognitoError: The name is taken; or meanwhile the app client was deleted, or the pool takes
            no sign-ups any more.
    """
    pool, user = registration.caller.again(connection).pool, registration.user
    _check_open(pool)
    try:
        insert_user(
            connection,
            pool,
            user,
            signed_up_as=registration.typed,
            move_aliases=registration.move_aliases,
        )
    except CognitoError as error:
        raise (_exists(pool, user.attributes) if error.code == _EXISTS else error) from None
    if registration.sent is not None:
        keep_code(connection, pool, registration.sent, user)


@define(kw_only=True)
class SignUps:
    """The operation by which users make their accounts.

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

    async def sign_up(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """SignUp."""
        typed = request["Username"]
        caller = await self.ground.database.read(find_caller, request)
        pool = caller.pool
        caller.client.check_secret_hash(request.get("SecretHash"), typed)
        _check_open(pool)
        if "Password" not in request:
            raise missing_parameter("Password")  # nobody signs in without one here
        password = Secret(request["Password"])
        pool.password_policy.check(password)
        applicant, validation = _applicant(caller, request), request.get("ValidationData")
        await self.ground.database.read(_check_is_new, pool, applicant, typed)
        occasion = Occasion.of(caller, applicant.username, None)
        decision = await judge(
            self.ground, occasion, applicant.attributes, validation, user_events.SIGN_UP
        )
        user = await self._user(pool, applicant, decision, password)
        occasion = evolve(occasion, user=user)
        sent = None if decision.confirm else await self._code(caller, occasion, user, typed)
        registration = _Registration(
            caller=caller,
            user=user,
            typed=typed,
            move_aliases=decision.verify_email or decision.verify_phone,
            sent=sent,
        )
        await self.ground.database.write(_register, registration)
        reply: dict[str, Any] = {"UserConfirmed": decision.confirm, "UserSub": user.sub}
        if sent is not None:
            self.delivery.send(occasion, sent.message, message_events.SIGN_UP)
            reply["CodeDeliveryDetails"] = sent.destination.details
        if decision.confirm:
            await confirmed(self.ground, occasion)
        return reply

    async def _user(
        self,
        pool: UserPool,
        applicant: _Applicant,
        decision: SignUpDecision,
        password: Secret[str],
    ) -> User:
        flags, now = flags_of(applicant.attributes, decision), self.ground.clock()
        second = second_name(pool, applicant.username, applicant.sub)
        return User(
            sub=applicant.sub,
            pool_id=pool.id,
            username=applicant.username,
            status=CONFIRMED if decision.confirm else UNCONFIRMED,
            attributes={**applicant.attributes, **flags},
            password=await self.ground.workers.run(
                StoredPassword.make, pool.id, applicant.username, password, second
            ),
            created_at=now,
            modified_at=now,
        )

    async def _code(
        self, caller: Caller, occasion: Occasion, user: User, typed: str
    ) -> SignUpCode | None:
        """Return the code that confirms a sign-up; None if the pool verifies no address of it."""
        destination, code = address_to_confirm(caller.pool, user), new_code()
        if destination is None:
            return None
        message = await self.wording.verification(
            occasion,
            user,
            destination,
            code,
            self.ground.clock(),
            source=message_events.SIGN_UP,
            link=self.links.link(caller, user.username, code),
        )
        hidden = caller.client.hides_users
        requester = Requester.of(caller.pool, user, typed, purpose=SIGN_UP, hidden=hidden)
        return SignUpCode(
            requester=requester,
            sub=user.sub,
            code=code,
            destination=destination,
            message=message,
        )


async def confirmed(ground: Ground, occasion: Occasion) -> None:
    """Run PostConfirmation for a sign-up that has been confirmed, if the pool has it.

    Args:
        ground: The parts that all services share.
        occasion: The request, with the user, who stays confirmed whatever the trigger does.

    Raises:
        CognitoError: The trigger refused or failed.
    """
    if ground.triggers.serves(occasion.pool, PostConfirmationEvent.trigger):
        event = PostConfirmationEvent(**occasion.members, source=user_events.CONFIRM_SIGN_UP)
        await ground.triggers.consult(occasion.pool, event)
