"""Sign-ups: an account is made, and confirmed by a code."""

from collections.abc import Mapping
from functools import partial

from authflow.account import CodeDelivery, ConfirmedSignUp, SignedUp
from authflow.client.app_client_calls import AppClientCalls, sent_code
from authflow.client.arguments import checked_username, wrong_context, wrong_flag
from authflow.given_maps import checked_map, wrapped_map
from authflow.given_secrets import checked, wrapped
from authflow.secret import Secret
from authflow.unframed import Unframed
from authflow.user_context import UserContext
from authflow.wire import sign_up_operations
from authflow.wire.code_delivery import read_delivery


class SignUpCalls(AppClientCalls):
    """The calls by which somebody signs up."""

    __slots__ = ()

    async def sign_up(
        self,
        username: str,
        password: str | Secret[str] | None = None,
        *,
        attributes: Mapping[str, str] | None = None,
        validation_data: Mapping[str, str] | None = None,
        client_metadata: Mapping[str, str] | None = None,
        context: UserContext | None = None,
    ) -> SignedUp:
        """Sign a new user up.

            signed_up = await auth.sign_up("ada", "Correct-horse-1", attributes={"email": address})
            if not signed_up.confirmed:
                await auth.confirm_sign_up("ada", input(f"The code sent to {address}: "))
            result = await auth.sign_in("ada", "Correct-horse-1")

        Args:
            username: The new name; where the pool's usernames are addresses, the address.
            password: The password; None in a pool that signs users in without one.
            attributes: The user attributes, such as "email"; the pool's own ones are
                "custom:...".
            validation_data: For the pool's PreSignUp trigger; it is not stored.
            client_metadata: For PreSignUp, CustomMessage and PostConfirmation; neither.
            context: What Cognito's threat protection is told of the user's device.

        Returns:
            The new account. Unless it is confirmed already, a code has been sent.

        Raises:
            AliasExistsError: The name, or an address in it, is another account's.
            NewPasswordRejectedError: The password does not meet the pool's policy.
            AttributeRejectedError: The pool rejects an attribute, or lacks one.
            PoolSetupError: In this pool only administrators create users.
            CodeDeliveryError: There is an account, and its code could not be sent: `resend_code`.
            OutcomeUnknownError: The reply was lost: there may be an account.
            MisuseError: An argument is not what it should be; nothing was sent.
            AuthFlowError: As `sign_in`.
        """
        password = None if password is None else wrapped(password)
        given, data, told = map(wrapped_map, (attributes, validation_data, client_metadata))
        del attributes, validation_data, client_metadata
        wrong = wrong_context(context)
        if wrong is not None:
            del context
            raise wrong
        if password is not None:
            password = checked("password", password)
        make = partial(
            sign_up_operations.sign_up,
            username=checked_username(username),
            password=password,
            attributes=checked_map("attributes", given),
            validation_data=checked_map("validation_data", data),
            client_metadata=checked_map("client_metadata", told),
        )
        with Unframed():
            return await self._send_named(
                lambda client, facts: make(client, context=facts),
                lambda reply: sign_up_operations.read_signed_up(reply, username),
                context,
            )

    async def confirm_sign_up(
        self,
        user: str | SignedUp,
        code: str | Secret[str],
        *,
        takes_over: bool = False,
        client_metadata: Mapping[str, str] | None = None,
        context: UserContext | None = None,
    ) -> ConfirmedSignUp:
        """Confirm a sign-up by the code that was sent. The address that it went to is verified.

        Args:
            user: The name that was signed up, or what `sign_up` gave.
            code: The code.
            takes_over: Whether the address becomes this account's where it is another account's
                alias (ForceAliasCreation); otherwise that is refused.
            client_metadata: For the pool's PostConfirmation trigger.
            context: What Cognito's threat protection is told of the user's device.

        Raises:
            CodeMismatchError: The code is wrong: ask for another one.
            CodeExpiredError: It was entered too late: `resend_code` sends another one.
            AliasExistsError: The address is another account's.
            LockedOutError: There were too many wrong codes.
            RequestRejectedError: The account is confirmed already, if the pool tells who exists.
            UserDisabledError: It is disabled.
            OutcomeUnknownError: The reply was lost: sign in, to see whether it is confirmed.
            MisuseError: An argument is not what it should be; nothing was sent.
            AuthFlowError: As `sign_in`.
        """
        code = wrapped(code)
        told = wrapped_map(client_metadata)
        del client_metadata
        wrong = wrong_context(context) or wrong_flag("takes_over", takes_over)
        if wrong is not None:
            del context, takes_over
            raise wrong
        username = checked_username(user.username if isinstance(user, SignedUp) else user)
        code = sent_code(checked("code", code))
        make = partial(
            sign_up_operations.confirm,
            username=username,
            code=code,
            session=user.session if isinstance(user, SignedUp) else None,
            takes_over=takes_over,
            client_metadata=checked_map("client_metadata", told),
        )
        with Unframed():
            return await self._send_named(
                lambda client, facts: make(client, context=facts),
                lambda reply: sign_up_operations.read_confirmed(reply, username),
                context,
            )

    async def resend_code(
        self,
        user: str | SignedUp,
        *,
        client_metadata: Mapping[str, str] | None = None,
        context: UserContext | None = None,
    ) -> CodeDelivery:
        """Send another code for `confirm_sign_up`. The one before is no good any more.

        Args:
            user: The name that was signed up, or what `sign_up` gave.
            client_metadata: For the pool's CustomMessage trigger.
            context: What Cognito's threat protection is told of the user's device.

        Returns:
            Where it was sent.

        Raises:
            RequestRejectedError: The account is confirmed already, if the pool tells who exists.
            LockedOutError: Too many codes were asked for.
            CodeDeliveryError: It could not be sent.
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
            sign_up_operations.resend,
            username=checked_username(user.username if isinstance(user, SignedUp) else user),
            client_metadata=checked_map("client_metadata", told),
        )
        with Unframed():
            return await self._send_named(
                lambda client, facts: make(client, context=facts), read_delivery, context
            )
