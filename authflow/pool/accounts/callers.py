"""The caller of an operation: its app client and user pool, and the user it is about."""

from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

from attrs import evolve, field, frozen

from authflow.pool.accounts.app_clients import AppClient, find_client_and_pool
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import RESET_REQUIRED, UNCONFIRMED, User, find_user
from authflow.pool.cognito_errors import (
    CognitoError,
    invalid_parameter,
    malformed_member,
    not_authorized,
)
from authflow.pool.store.sqlite_connection import Connection
from authflow.wire.members import USERNAME, MemberError, required

T = TypeVar("T")

_NAME_CHARS = 128


@frozen(kw_only=True)
class Caller:
    """The app client of a request, and its user pool.

    Args:
        client: The app client.
        pool: Its user pool.
        client_metadata: What the request carries for triggers; None for nothing.
    """

    client: AppClient
    pool: UserPool
    client_metadata: Mapping[str, str] | None = field(default=None, repr=False)

    def again(self, connection: Connection) -> Self:
        """Read the caller once more, in the transaction that decides.

        Raises:
            CognitoError: Meanwhile the app client or the user pool was deleted.
        """
        client, pool = find_client_and_pool(connection, self.client.id, self.pool.id)
        return evolve(self, client=client, pool=pool)


def find_caller(connection: Connection, request: Mapping[str, Any]) -> Caller:
    """Read the caller. Requests of administrators name the pool, others do not.

    Raises:
        CognitoError: There is no such app client or user pool.
    """
    client, pool = find_client_and_pool(connection, request["ClientId"], request.get("UserPoolId"))
    return Caller(client=client, pool=pool, client_metadata=request.get("ClientMetadata"))


def find_caller_and_user(
    connection: Connection, request: Mapping[str, Any], typed: str
) -> tuple[Caller, User | None]:
    """Read the caller, and the user who signs in.

    Raises:
        CognitoError: There is no such app client or user pool.
    """
    caller = find_caller(connection, request)
    return caller, find_user(connection, caller.pool, typed)


def read_members(read: Callable[[Mapping[str, str]], T], members: Mapping[str, str]) -> T:
    """Read AuthParameters or ChallengeResponses.

    Args:
        read: The `read` of what is expected there.
        members: The entries.

    Raises:
        CognitoError: One is missing or not of its form.
    """
    try:
        return read(members)
    except MemberError as error:
        raise malformed_member(error) from None


def username_of(parameters: Mapping[str, str]) -> str:
    """Return USERNAME.

    Raises:
        CognitoError: It is missing, or too long to be a name.
    """
    typed = read_members(lambda members: required(members, USERNAME), parameters)
    if len(typed) > _NAME_CHARS:
        raise invalid_parameter(
            "1 validation error detected: Value at 'username' failed to satisfy constraint: "
            f"Member must have length less than or equal to {_NAME_CHARS}",
            reason=f"USERNAME has more than {_NAME_CHARS} characters",
        )
    return typed


def check_not_expired(user: User, now: float) -> None:
    """Refuse a temporary password that has expired.

    Raises:
        CognitoError: The password has expired.
    """
    if user.password_expires_at is not None and now >= user.password_expires_at:
        raise not_authorized(
            "Temporary password has expired and must be reset by an administrator."
        )


def check_may_sign_in(user: User) -> None:
    """Refuse a user who may not sign in, whatever the password is.

    Raises:
        CognitoError: The user is disabled, not confirmed, or must reset the password.
    """
    if not user.enabled:
        raise not_authorized("User is disabled.")
    if user.status == UNCONFIRMED:
        message = "User is not confirmed."
        raise CognitoError("UserNotConfirmedException", message, reason=message)
    if user.status == RESET_REQUIRED:
        message = "Password reset required for the user"
        raise CognitoError("PasswordResetRequiredException", message, reason=message)


def may_sign_in(user: User) -> bool:
    """Return whether a user may sign in; `check_may_sign_in` raises the reason."""
    try:
        check_may_sign_in(user)
    except CognitoError:
        return False
    return True


def check_may_begin(caller: Caller, user: User) -> None:
    """Refuse a user who may not sign in, before the password is proved.

    Where the app client hides users nobody is refused then: whoever does not know the password
    would hear that there is such a user. For a password that must be reset so it is documented
    ("Requiring imported users to reset their passwords" in the developer guide).

    Raises:
        CognitoError: The user is disabled, not confirmed, or must reset the password.
    """
    if not caller.client.hides_users:
        check_may_sign_in(user)
