"""The account of a user who is signed in: its attributes, and its end."""

from collections.abc import Iterable, Mapping

from authflow.account import CodeDelivery, UserProfile
from authflow.client.access_calls import AccessCalls
from authflow.client.app_client_calls import sent_code
from authflow.errors import MisuseError
from authflow.given_maps import checked_map, wrapped_map
from authflow.given_secrets import checked, is_text, wrapped
from authflow.secret import Secret
from authflow.unframed import Unframed
from authflow.wire import mfa_preference, read_done, user_attributes
from authflow.wire.code_delivery import read_deliveries, read_delivery


class ProfileCalls(AccessCalls):
    """The calls about a user's own account that an access token allows."""

    __slots__ = ()

    async def user(self, access_token: str | Secret[str]) -> UserProfile:
        """Return a user's name, attributes and second factors, as the pool has them now.

        Args:
            access_token: From `Tokens.access_token`.

        Raises:
            MisuseError: It is no text.
            AuthFlowError: As `refresh`.
        """
        access_token = wrapped(access_token)
        access_token = checked("access_token", access_token)
        with Unframed():
            request = mfa_preference.get_user(access_token)
            return await self._send_alone(request, user_attributes.read_profile)

    async def update_attributes(
        self,
        access_token: str | Secret[str],
        attributes: Mapping[str, str],
        *,
        client_metadata: Mapping[str, str] | None = None,
    ) -> tuple[CodeDelivery, ...]:
        """Change attributes of a user.

        Args:
            access_token: From `Tokens.access_token`.
            attributes: The new values by their names; an empty text takes the attribute away.
            client_metadata: For the pool's CustomMessage trigger.

        Returns:
            Where codes were sent for `verify_attribute`: a new e-mail address or phone number is
            verified by one, and where the pool says so it counts only then.

        Raises:
            AttributeRejectedError: The pool rejects one of them.
            AliasExistsError: The address is another account's.
            CodeDeliveryError: A code could not be sent.
            OutcomeUnknownError: The reply was lost: `user` tells what the attributes are, and
                `send_attribute_code` sends another code.
            MisuseError: An argument is not what it should be, or there are no attributes.
            AuthFlowError: As `refresh`.
        """
        access_token = wrapped(access_token)
        given, told = wrapped_map(attributes), wrapped_map(client_metadata)
        del attributes, client_metadata
        access_token = checked("access_token", access_token)
        changes = checked_map("attributes", given)
        metadata = checked_map("client_metadata", told)
        if changes.is_empty:
            msg = "say which attributes change"
            raise MisuseError(msg)
        with Unframed():
            request = user_attributes.update(access_token, changes, client_metadata=metadata)
            return await self._send_alone(request, read_deliveries)

    async def delete_attributes(
        self, access_token: str | Secret[str], names: Iterable[str]
    ) -> None:
        """Take attributes from a user.

        Args:
            access_token: From `Tokens.access_token`.
            names: Their names.

        Raises:
            AttributeRejectedError: One cannot be taken.
            MisuseError: An argument is not what it should be, or there are no names.
            AuthFlowError: As `refresh`.
        """
        access_token = wrapped(access_token)
        access_token = checked("access_token", access_token)
        if isinstance(names, str) or not isinstance(names, Iterable):
            kind = type(names).__name__
            del names
            msg = f"names must be a list of attributes' names, not {kind}"
            raise MisuseError(msg)
        listed = [_name(each) for each in names]
        if not listed:
            msg = "say which attributes go"
            raise MisuseError(msg)
        with Unframed():
            await self._send_alone(user_attributes.delete(access_token, listed), read_done)

    async def send_attribute_code(
        self,
        access_token: str | Secret[str],
        attribute: str,
        *,
        client_metadata: Mapping[str, str] | None = None,
    ) -> CodeDelivery:
        """Send a code by which a user verifies an e-mail address or phone number.

        Args:
            access_token: From `Tokens.access_token`.
            attribute: "email" or "phone_number".
            client_metadata: For the pool's CustomMessage trigger.

        Returns:
            Where it was sent.

        Raises:
            LockedOutError: Too many codes were asked for.
            CodeDeliveryError: It could not be sent.
            RequestRejectedError: The user has no such address.
            AttributeRejectedError: It is no address.
            MisuseError: An argument is not what it should be.
            AuthFlowError: As `refresh`.
        """
        access_token = wrapped(access_token)
        told = wrapped_map(client_metadata)
        del client_metadata
        access_token = checked("access_token", access_token)
        metadata, named = checked_map("client_metadata", told), _name(attribute)
        with Unframed():
            request = user_attributes.send_code(access_token, named, client_metadata=metadata)
            return await self._send_alone(request, read_delivery)

    async def verify_attribute(
        self, access_token: str | Secret[str], attribute: str, code: str | Secret[str]
    ) -> None:
        """Verify an e-mail address or phone number by the code that was sent to it.

        Args:
            access_token: From `Tokens.access_token`.
            attribute: "email" or "phone_number".
            code: The code.

        Raises:
            CodeMismatchError: The code is wrong: ask for another one.
            CodeExpiredError: It was entered too late: `send_attribute_code` sends another one.
            AliasExistsError: The address is another account's.
            LockedOutError: There were too many wrong codes.
            OutcomeUnknownError: The reply was lost: `user` tells whether it is verified.
            MisuseError: An argument is not what it should be.
            AuthFlowError: As `refresh`.
        """
        access_token, code = wrapped(access_token), wrapped(code)
        access_token = checked("access_token", access_token)
        code, named = sent_code(checked("code", code)), _name(attribute)
        with Unframed():
            await self._send_alone(user_attributes.verify(access_token, named, code), read_done)

    async def delete_user(self, access_token: str | Secret[str]) -> None:
        """Delete a user's own account, for good. All of the user's tokens end with it.

        Args:
            access_token: From `Tokens.access_token`.

        Raises:
            MisuseError: It is no text.
            OutcomeUnknownError: The reply was lost: the user may be gone.
            AuthFlowError: As `refresh`.
        """
        access_token = wrapped(access_token)
        access_token = checked("access_token", access_token)
        with Unframed():
            await self._send_alone(user_attributes.delete_user(access_token), read_done)


def _name(given: object) -> str:
    """Return an attribute's name, checked.

    Raises:
        MisuseError: It is no text, or an empty one.
    """
    if isinstance(given, str) and is_text(given) and given:
        return given
    del given
    msg = "an attribute's name is a text, such as 'email'"
    raise MisuseError(msg)
