"""`AdminClient`: what the owner of a user pool does to it, and signs users in with."""

from contextlib import AbstractAsyncContextManager

from attrs import define

from authflow.client.group_calls import GroupCalls
from authflow.client.sign_in_client import SignInClient
from authflow.client.transport import Transport, open_transport
from authflow.client.user_calls import UserCalls
from authflow.unframed import whole
from authflow.user_context import AdminContext


@whole
@define(eq=False)
class AdminClient(SignInClient[AdminContext], UserCalls, GroupCalls):
    """Administers one user pool, with AWS's usual credentials. An async context manager.

        async with AdminClient(AuthConfig.from_env()) as admin:
            await admin.create_user("ada", attributes={"email": address}, by=["EMAIL"])
            async for user in admin.users(matching='status = "Enabled"'):
                await admin.add_to_group(user.username, "staff")

    A confidential service signs users in by it, too, with the calls that `AuthClient` has:
    `sign_in`, `answer`, `seal` and `resume`, `keep`. They go by AdminInitiateAuth and
    AdminRespondToAuthChallenge; USER_PASSWORD_AUTH is ADMIN_USER_PASSWORD_AUTH then, which the app
    client must allow, and `context` is an `AdminContext`. Requests are signed by the credentials of
    the environment, as any AWS SDK finds them, which need the permissions of the same names
    ("cognito-idp:AdminGetUser").

    Args:
        config: Which pool, and how. Whoever only administers names no `client_id`; then what is
            about sign-ins raises a ConfigError, and nothing is sent.
        challenges: As `AuthClient`'s, and so are all others.
        discover: Likewise.
        prefer: Likewise.
        assume: Likewise.
        clock: Likewise.
        observer: Likewise.
        keys: Likewise.
        store: Likewise.
        pacing: Likewise.
        remember_device: Likewise.
        device_name: Likewise.

    Raises:
        MisuseError: As `AuthClient`.
        ConfigError: As `AuthClient`; a call raises it if there are no AWS credentials.
    """

    context_kind = AdminContext
    does_without_app_client = True

    def _opened(self) -> AbstractAsyncContextManager[Transport]:
        return open_transport(self.config, self._observation, self.pacing, signed=True)
