"""The users of a pool, as its administrators make, find, change and remove them."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final, TypeVar

from attrs import field, frozen

from authflow.administration import PoolUser
from authflow.client.access_calls import AccessCalls
from authflow.client.arguments import checked_username, wrong_flag
from authflow.config import AuthConfig
from authflow.errors import MisuseError
from authflow.given_maps import checked_map, wrapped_map
from authflow.given_numbers import check_count
from authflow.given_secrets import checked, is_text, wrapped
from authflow.secret import Secret
from authflow.unframed import Unframed
from authflow.wire import admin_operations, read_done
from authflow.wire.requests import metadata_members
from authflow.wire.user_attributes import written

T = TypeVar("T")

MOST_IN_A_PAGE: Final = 60
"""The most users or groups of one reply (ListUsers and ListGroups in the API reference)."""
_MEDIA: Final = ("EMAIL", "SMS")


class AdministratorsCalls(AccessCalls):
    """The calls that an administrator's credentials allow."""

    __slots__ = ()

    config: AuthConfig

    async def _administer(
        self,
        operation: str,
        members: Callable[[], Mapping[str, Any]],
        read: Callable[[Mapping[str, Any]], T],
    ) -> T:
        """Send a request on the user pool.

        Args:
            operation: Cognito's operation.
            members: Gives its members, in clear; those that are None are left out.
            read: Reads its reply.
        """
        with Unframed():
            request = admin_operations.administrators(operation, self.config.user_pool_id, members)
            return await self._send_alone(request, read)

    async def _pages(
        self,
        operation: str,
        members: Mapping[str, Any],
        read: Callable[[Mapping[str, Any]], tuple[tuple[T, ...], str | None]],
        token: str = "NextToken",
    ) -> AsyncIterator[T]:
        """Yield all that a list has, page by page.

        Args:
            operation: Cognito's operation.
            members: Its members.
            read: Reads a page, and the token of the next one.
            token: The member that takes that token.
        """
        at: str | None = None
        while True:
            page, at = await self._administer(
                operation, partial(dict, members, **{token: at}), read
            )
            for each in page:
                yield each
            if at is None:
                return


class UserCalls(AdministratorsCalls):
    """The calls about users."""

    __slots__ = ()

    async def create_user(
        self,
        username: str,
        *,
        attributes: Mapping[str, str] | None = None,
        temporary_password: str | Secret[str] | None = None,
        invite: bool = True,
        by: Iterable[str] = (),
        takes_over: bool = False,
        validation_data: Mapping[str, str] | None = None,
        client_metadata: Mapping[str, str] | None = None,
    ) -> PoolUser:
        """Make a user, who chooses a password at the first sign-in.

        Args:
            username: The new name; where the pool's usernames are addresses, the address.
            attributes: The user attributes; "email_verified": "true" says that nothing has to be
                verified.
            temporary_password: The password for the first sign-in; by default Cognito draws one.
            invite: Whether an invitation with it is sent.
            by: How it is sent: "EMAIL", "SMS" or both; by default by SMS.
            takes_over: Whether an address in the attributes becomes this user's where it is another
                one's alias (ForceAliasCreation); otherwise that is refused.
            validation_data: For the pool's PreSignUp trigger; it is not stored.
            client_metadata: For PreSignUp and CustomMessage.

        Raises:
            AliasExistsError: The name, or an address in it, is another user's.
            NewPasswordRejectedError: The password does not meet the pool's policy.
            AttributeRejectedError: The pool rejects an attribute, or lacks one.
            CodeDeliveryError: The invitation could not be sent.
            MisuseError: An argument is not what it should be; nothing was sent.
            OutcomeUnknownError: The reply was lost: `user` tells whether there is one.
            AuthFlowError: As `user`.
        """
        password = None if temporary_password is None else wrapped(temporary_password)
        given, data, told = map(wrapped_map, (attributes, validation_data, client_metadata))
        del temporary_password, attributes, validation_data, client_metadata
        media = _media(by)
        wrong = wrong_flag("invite", invite) or wrong_flag("takes_over", takes_over) or media.wrong
        if wrong is not None:
            del invite, takes_over, by
            raise wrong
        if password is not None:
            password = checked("temporary_password", password)
        named = checked_username(username)
        values = checked_map("attributes", given)
        beside = checked_map("validation_data", data)
        metadata = checked_map("client_metadata", told)
        return await self._administer(
            "AdminCreateUser",
            lambda: {
                "Username": named,
                "TemporaryPassword": None if password is None else password.reveal(),
                "MessageAction": None if invite else "SUPPRESS",
                "DesiredDeliveryMediums": media.names or None,
                "ForceAliasCreation": True if takes_over else None,
                **written("UserAttributes", values),
                **written("ValidationData", beside),
                **metadata_members(metadata),
            },
            admin_operations.read_created,
        )

    async def resend_invitation(
        self,
        username: str,
        *,
        by: Iterable[str] = (),
        client_metadata: Mapping[str, str] | None = None,
    ) -> PoolUser:
        """Send a user who has not signed in yet a new temporary password.

        Args:
            username: The user's name.
            by: How it is sent: "EMAIL", "SMS" or both; by default by SMS.
            client_metadata: For the pool's CustomMessage trigger.

        Raises:
            UserNotFoundError: There is no such user.
            RequestRejectedError: The user has chosen a password already.
            CodeDeliveryError: It could not be sent.
            MisuseError: An argument is not what it should be; nothing was sent.
            AuthFlowError: As `user`.
        """
        told = wrapped_map(client_metadata)
        del client_metadata
        media = _media(by)
        if media.wrong is not None:
            del by
            raise media.wrong
        named = checked_username(username)
        metadata = checked_map("client_metadata", told)
        return await self._administer(
            "AdminCreateUser",
            lambda: {
                "Username": named,
                "MessageAction": "RESEND",
                "DesiredDeliveryMediums": media.names or None,
                **metadata_members(metadata),
            },
            admin_operations.read_created,
        )

    async def user(self, username: str) -> PoolUser:
        """Return a user.

        Args:
            username: The user's name or an alias of it.

        Raises:
            UserNotFoundError: There is no such user.
            ConfigError: There are no AWS credentials.
            RequestBlockedError: The credentials do not allow it.
            MisuseError: It is no text; nothing was sent.
            RefusedError: The pool said no; the class says why.
            TransportError: There was no reply that can be relied on.
        """
        return await self._about(username, "AdminGetUser", admin_operations.read_user)

    async def users(
        self,
        *,
        matching: str | None = None,
        attributes: Iterable[str] | None = None,
        page: int = MOST_IN_A_PAGE,
    ) -> AsyncIterator[PoolUser]:
        """Yield the users of the pool, page by page.

            async for user in admin.users(matching='email ^= "ada@"'):
                print(user.username)

        Args:
            matching: Cognito's filter, such as `status = "Enabled"`; by default all.
            attributes: The names of the attributes to tell; by default all.
            page: How many are asked for at a time, 1 to 60.

        Raises:
            MisuseError: An argument is not what it should be; nothing was sent.
            RequestRejectedError: The filter is none of Cognito's.
            AttributeRejectedError: A user does not have one of the attributes, or nobody can.
            AuthFlowError: As `user`.
        """
        told = _ListedNames() if attributes is None else _names("attributes", attributes)
        wrong = told.wrong
        if matching is not None and not is_text(matching):
            msg = f"matching must be one of Cognito's filters, not {type(matching).__name__}"
            wrong = MisuseError(msg)
        if wrong is not None:
            del matching, attributes
            raise wrong
        check_count("page", page, most=MOST_IN_A_PAGE)
        members = {
            "Filter": matching,
            "AttributesToGet": told.names or None,
            "Limit": page,
        }
        listed = self._pages("ListUsers", members, admin_operations.read_users, "PaginationToken")
        async for each in listed:
            yield each

    async def update_attributes(
        self,
        username: str,
        attributes: Mapping[str, str],
        *,
        client_metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Change attributes of a user.

        Args:
            username: The user's name.
            attributes: The new values by their names; an empty text takes the attribute away, and
                "email_verified": "true" verifies an address.
            client_metadata: For the pool's CustomMessage trigger.

        Raises:
            UserNotFoundError: There is no such user.
            AttributeRejectedError: The pool rejects one of them.
            AliasExistsError: The address is another user's.
            MisuseError: An argument is not what it should be, or there are no attributes.
            AuthFlowError: As `user`.
        """
        given, told = wrapped_map(attributes), wrapped_map(client_metadata)
        del attributes, client_metadata
        changes, metadata = checked_map("attributes", given), checked_map("client_metadata", told)
        if changes.is_empty:
            msg = "say which attributes change"
            raise MisuseError(msg)
        await self._about(
            username,
            "AdminUpdateUserAttributes",
            read_done,
            lambda: {**written("UserAttributes", changes), **metadata_members(metadata)},
        )

    async def delete_attributes(self, username: str, names: Iterable[str]) -> None:
        """Take attributes from a user.

        Args:
            username: The user's name.
            names: Their names.

        Raises:
            UserNotFoundError: There is no such user.
            AttributeRejectedError: One cannot be taken.
            MisuseError: An argument is not what it should be, or there are no names.
            AuthFlowError: As `user`.
        """
        listed = _names("names", names)
        if listed.wrong is not None:
            del names
            raise listed.wrong
        await self._about(
            username,
            "AdminDeleteUserAttributes",
            read_done,
            lambda: {"UserAttributeNames": listed.names},
        )

    async def set_password(
        self, username: str, password: str | Secret[str], *, permanent: bool = True
    ) -> None:
        """Set a user's password.

        Args:
            username: The user's name.
            password: The new password.
            permanent: Whether it is the user's own; otherwise another one is chosen at the next
                sign-in.

        Raises:
            UserNotFoundError: There is no such user.
            NewPasswordRejectedError: It does not meet the pool's policy.
            MisuseError: An argument is not what it should be; nothing was sent.
            AuthFlowError: As `user`.
        """
        password = wrapped(password)
        wrong = wrong_flag("permanent", permanent)
        if wrong is not None:
            del permanent
            raise wrong
        password = checked("password", password)
        await self._about(
            username,
            "AdminSetUserPassword",
            read_done,
            lambda: {"Password": password.reveal(), "Permanent": permanent},
        )

    async def reset_password(
        self, username: str, *, client_metadata: Mapping[str, str] | None = None
    ) -> None:
        """Make a user choose another password: a code for it is sent, and the old one is no good.

        The user's next sign-in is a `PasswordResetRequiredError`.

        Args:
            username: The user's name.
            client_metadata: For the pool's CustomMessage trigger.

        Raises:
            UserNotFoundError: There is no such user.
            RequestRejectedError: The user has no verified address.
            MisuseError: An argument is not what it should be; nothing was sent.
            AuthFlowError: As `user`.
        """
        told = wrapped_map(client_metadata)
        del client_metadata
        metadata = checked_map("client_metadata", told)
        await self._about(
            username, "AdminResetUserPassword", read_done, lambda: metadata_members(metadata)
        )

    async def confirm_sign_up(
        self, username: str, *, client_metadata: Mapping[str, str] | None = None
    ) -> None:
        """Confirm a sign-up without a code. No address is verified by it.

        Args:
            username: The user's name.
            client_metadata: For the pool's PostConfirmation trigger.

        Raises:
            UserNotFoundError: There is no such user.
            RequestRejectedError: The account is confirmed already.
            MisuseError: An argument is not what it should be; nothing was sent.
            AuthFlowError: As `user`.
        """
        told = wrapped_map(client_metadata)
        del client_metadata
        metadata = checked_map("client_metadata", told)
        await self._about(
            username, "AdminConfirmSignUp", read_done, lambda: metadata_members(metadata)
        )

    async def disable_user(self, username: str) -> None:
        """Keep a user from signing in; the user's tokens end.

        Args:
            username: The user's name.

        Raises:
            UserNotFoundError: There is no such user.
            AuthFlowError: As `user`.
        """
        await self._about(username, "AdminDisableUser", read_done)

    async def enable_user(self, username: str) -> None:
        """Permit a user to sign in again.

        Args:
            username: The user's name.

        Raises:
            UserNotFoundError: There is no such user.
            AuthFlowError: As `user`.
        """
        await self._about(username, "AdminEnableUser", read_done)

    async def sign_out(self, username: str) -> None:
        """Sign a user out everywhere: all of the user's tokens are revoked.

        Args:
            username: The user's name.

        Raises:
            UserNotFoundError: There is no such user.
            AuthFlowError: As `user`.
        """
        await self._about(username, "AdminUserGlobalSignOut", read_done)

    async def delete_user(self, username: str) -> None:
        """Delete a user, for good.

        Args:
            username: The user's name.

        Raises:
            UserNotFoundError: There is no such user.
            OutcomeUnknownError: The reply was lost: the user may be gone.
            AuthFlowError: As `user`.
        """
        await self._about(username, "AdminDeleteUser", read_done)

    async def _about(
        self,
        username: str,
        operation: str,
        read: Callable[[Mapping[str, Any]], T],
        members: Callable[[], Mapping[str, Any]] = dict,
    ) -> T:
        named = checked_username(username)
        return await self._administer(operation, lambda: {"Username": named, **members()}, read)


@frozen(kw_only=True)
class _ListedNames:
    """A list of names that a caller gave, or the error for what is none and may be a secret."""

    names: list[str] = field(factory=list)
    wrong: MisuseError | None = None


def _media(by: object) -> _ListedNames:
    """Return the ways of an invitation, checked."""
    if by == ():
        return _ListedNames()
    media = _names("by", by)
    if all(each in _MEDIA for each in media.names):
        return media
    return _ListedNames(wrong=MisuseError(f"by is a list of {' and '.join(_MEDIA)}"))


def _names(what: str, given: object) -> _ListedNames:
    """Return a list of names, checked."""
    if isinstance(given, Iterable) and not isinstance(given, str):
        names = list(given)
        if names and all(isinstance(each, str) and is_text(each) and each for each in names):
            return _ListedNames(names=names)
    kind = type(given).__name__
    msg = f"{what} must be a list of names, of one at least, not {kind}"
    return _ListedNames(wrong=MisuseError(msg))
