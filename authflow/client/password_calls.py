"""Passwords: one that is forgotten is replaced by a code, and one that is known by another one."""

from collections.abc import Mapping
from functools import partial

from authflow.account import CodeDelivery
from authflow.client.access_calls import AccessCalls
from authflow.client.app_client_calls import AppClientCalls, sent_code
from authflow.client.arguments import checked_username, wrong_context
from authflow.given_maps import checked_map, wrapped_map
from authflow.given_secrets import checked, wrapped
from authflow.secret import Secret
from authflow.unframed import Unframed
from authflow.user_context import UserContext
from authflow.wire import password_operations, read_done
from authflow.wire.code_delivery import read_delivery


class PasswordCalls(AppClientCalls, AccessCalls):
    """The calls that change a password."""

    __slots__ = ()

    async def forgot_password(
        self,
        username: str,
        *,
        client_metadata: Mapping[str, str] | None = None,
        context: UserContext | None = None,
    ) -> CodeDelivery:
        """Send a code to whoever has forgotten the password.

            sent = await auth.forgot_password("ada")
            code = input(f"The code sent to {sent.destination}: ")
            await auth.confirm_forgot_password("ada", code, new_password)

        It is also the way on after `PasswordResetRequiredError`, where an administrator has asked
        for a new password: the code may have been sent by then, and this sends another one.

        Args:
            username: The user's name or an alias of it.
            client_metadata: For the pool's PreSignUp, CustomMessage and UserMigration triggers.
            context: What Cognito's threat protection is told of the user's device.

        Returns:
            Where it was sent. Where the app client hides who exists, a name that nobody has gets an
            answer, too.

        Raises:
            LockedOutError: Too many codes were asked for.
            CodeDeliveryError: It could not be sent.
            RequestRejectedError: The user has no verified address, or may not reset the password.
            MisuseError: An argument is not what it should be; nothing was sent.
            AuthFlowError: As `sign_in`.
        """
        told = wrapped_map(client_metadata)
        del client_metadata
        wrong = wrong_context(context)
        if wrong is not None:
            del context
            raise wrong
        make = partial(
            password_operations.forgot,
            username=checked_username(username),
            client_metadata=checked_map("client_metadata", told),
        )
        with Unframed():
            return await self._send_named(
                lambda client, facts: make(client, context=facts), read_delivery, context
            )

    async def confirm_forgot_password(
        self,
        username: str,
        code: str | Secret[str],
        new_password: str | Secret[str],
        *,
        client_metadata: Mapping[str, str] | None = None,
        context: UserContext | None = None,
    ) -> None:
        """Set a new password by the code that `forgot_password` has sent.

        Args:
            username: The same name.
            code: The code.
            new_password: The new password.
            client_metadata: For the pool's PostConfirmation trigger.
            context: What Cognito's threat protection is told of the user's device.

        Raises:
            CodeMismatchError: The code is wrong: ask for another one.
            CodeExpiredError: It was entered too late: `forgot_password` sends another one.
            NewPasswordRejectedError: The password does not meet the pool's policy: the same code
                is good with another one.
            LockedOutError: There were too many wrong codes.
            OutcomeUnknownError: The reply was lost: sign in, to see which password is good.
            MisuseError: An argument is not what it should be; nothing was sent.
            AuthFlowError: As `sign_in`.
        """
        code, new_password = wrapped(code), wrapped(new_password)
        told = wrapped_map(client_metadata)
        del client_metadata
        wrong = wrong_context(context)
        if wrong is not None:
            del context
            raise wrong
        make = partial(
            password_operations.confirm_forgot,
            username=checked_username(username),
            code=sent_code(checked("code", code)),
            password=checked("new_password", new_password),
            client_metadata=checked_map("client_metadata", told),
        )
        with Unframed():
            await self._send_named(
                lambda client, facts: make(client, context=facts), read_done, context
            )

    async def change_password(
        self,
        access_token: str | Secret[str],
        old_password: str | Secret[str] | None,
        new_password: str | Secret[str],
    ) -> None:
        """Change the password of a user who is signed in.

        Args:
            access_token: From `Tokens.access_token`.
            old_password: The password up to now; None for a user who has none.
            new_password: The new one.

        Raises:
            BadCredentialsError: The old password is wrong.
            NewPasswordRejectedError: The new one does not meet the pool's policy.
            LockedOutError: There were too many wrong passwords.
            TokenRevokedError: The access token is no longer good.
            OutcomeUnknownError: The reply was lost: sign in, to see which password is good.
            MisuseError: An argument is no text.
            AuthFlowError: As `refresh`.
        """
        access_token, new_password = wrapped(access_token), wrapped(new_password)
        old_password = None if old_password is None else wrapped(old_password)
        access_token = checked("access_token", access_token)
        new_password = checked("new_password", new_password)
        if old_password is not None:
            old_password = checked("old_password", old_password)
        with Unframed():
            request = password_operations.change(access_token, old_password, new_password)
            await self._send_alone(request, read_done)
