"""Accounts over HTTP: a sign-up and its code, a lost password, a new password.

Whoever asks for these has proved nothing, so a reply says nothing of an account: not where a code
went either, since Cognito tells that of some accounts and not of others (`hidden_outcomes`).
"""

from typing import TYPE_CHECKING, Final

from attrs import frozen

from authflow.errors import AskAgainError, AuthFlowError, BadCredentialsError
from authflow.integrations.web.credentials import BrowserCookies, Credentials
from authflow.integrations.web.hidden_outcomes import hides_sending, hides_taken_name, of_code
from authflow.integrations.web.json_body import JsonBody, read_json
from authflow.integrations.web.sign_in_steps import MOST_PASSWORD, MOST_USERNAME
from authflow.integrations.web.web_reply import WebReply
from authflow.integrations.web.web_request import WebRequest
from authflow.integrations.web.web_settings import WebSettings

if TYPE_CHECKING:
    from authflow.client import AuthClient

MOST_ATTRIBUTE: Final = 2_048
MOST_CODE: Final = 2_048
_TO_CONFIRM: Final = WebReply(status=202, members={"status": "confirm_sign_up"})
_TO_RESET: Final = WebReply(status=202, members={"status": "reset_password"})
_TO_SIGN_IN: Final = WebReply(members={"status": "none"})


@frozen(kw_only=True)
class AccountRoutes:
    """The calls of an account's life.

    Args:
        client: Makes them.
        settings: The settings.
        credentials: Reads who asks.
    """

    client: "AuthClient"
    settings: WebSettings
    credentials: Credentials

    async def sign_up(self, request: WebRequest, _cookies: BrowserCookies) -> WebReply:
        """Sign a new user up.

        Args:
            request: The request.

        Raises:
            AuthFlowError: There is no account.
        """
        body = await self._body(request, "username", "password", "attributes")
        username = body.text("username", most=MOST_USERNAME)
        password = body.optional_secret("password", most=MOST_PASSWORD)
        attributes = body.texts("attributes", most=MOST_ATTRIBUTE)
        del body
        try:
            made = await self.client.sign_up(
                username,
                password,
                attributes=attributes,
                context=self.settings.context(request),
            )
        except AuthFlowError as error:
            if self.settings.tells_taken_names or not hides_taken_name(error):
                raise
            return _TO_CONFIRM
        return _TO_SIGN_IN if made.confirmed else _TO_CONFIRM

    async def confirm(self, request: WebRequest, _cookies: BrowserCookies) -> WebReply:
        """Confirm a sign-up by its code.

        Args:
            request: The request.

        Raises:
            AuthFlowError: It is not confirmed.
        """
        body = await self._body(request, "username", "code")
        username = body.text("username", most=MOST_USERNAME)
        code = body.secret("code", most=MOST_CODE)
        del body
        try:
            await self.client.confirm_sign_up(
                username, code, context=self.settings.context(request)
            )
        except AuthFlowError as error:
            refused = of_code(error)
        else:
            return _TO_SIGN_IN
        raise refused

    async def resend(self, request: WebRequest, _cookies: BrowserCookies) -> WebReply:
        """Send another code for a sign-up.

        Args:
            request: The request.

        Raises:
            AuthFlowError: The pool cannot be asked.
        """
        body = await self._body(request, "username")
        username = body.text("username", most=MOST_USERNAME)
        try:
            await self.client.resend_code(username, context=self.settings.context(request))
        except AuthFlowError as error:
            if not hides_sending(error):
                raise
        return _TO_CONFIRM

    async def forgot(self, request: WebRequest, _cookies: BrowserCookies) -> WebReply:
        """Send a code to whoever has forgotten the password.

        Args:
            request: The request.

        Raises:
            AuthFlowError: The pool cannot be asked.
        """
        body = await self._body(request, "username")
        username = body.text("username", most=MOST_USERNAME)
        try:
            await self.client.forgot_password(username, context=self.settings.context(request))
        except AuthFlowError as error:
            if not hides_sending(error):
                raise
        return _TO_RESET

    async def reset(self, request: WebRequest, _cookies: BrowserCookies) -> WebReply:
        """Set a new password by the code that was sent.

        Args:
            request: The request.

        Raises:
            AuthFlowError: The password is as it was.
        """
        body = await self._body(request, "username", "code", "new_password")
        username = body.text("username", most=MOST_USERNAME)
        code = body.secret("code", most=MOST_CODE)
        password = body.secret("new_password", most=MOST_PASSWORD)
        del body
        try:
            await self.client.confirm_forgot_password(
                username, code, password, context=self.settings.context(request)
            )
        except AuthFlowError as error:
            refused = of_code(error)
        else:
            return _TO_SIGN_IN
        raise refused

    async def change(self, request: WebRequest, _cookies: BrowserCookies) -> WebReply:
        """Change the password of the user who is signed in.

        Args:
            request: The request.

        Raises:
            NotSignedInError: Nobody is signed in.
            AskAgainError: The old password is wrong.
            AuthFlowError: The password is as it was.
        """
        user = await self.credentials.required_user(request)
        body = await self._body(request, "old_password", "new_password")
        old = body.optional_secret("old_password", most=MOST_PASSWORD)
        new = body.secret("new_password", most=MOST_PASSWORD)
        del body
        try:
            await self.client.change_password(await user.access_token(), old, new)
        except BadCredentialsError:
            pass
        else:
            return WebReply(members={"status": "signed_in"})
        msg = "the old password is wrong"
        raise AskAgainError(msg, field="old_password")

    async def _body(self, request: WebRequest, *names: str) -> JsonBody:
        body = await read_json(
            request, most=self.settings.most_body_bytes, body_timeout=self.settings.body_timeout
        )
        body.only(*names)
        return body
