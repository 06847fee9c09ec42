"""`SignedInUser` for synchronous code.

Written by `.ci/sync_faces.py`, from
`authflow.client.signed_in_user.SignedInUser`: `make sync-faces` renews it.
"""

import authflow.client.signed_in_user as asynchronous
from authflow.results import Tokens
from authflow.secret import Secret
from authflow.sync.user_face import UserFace


class SignedInUser(UserFace):
    """A user who signed in once, and whose tokens are good whenever they are asked for.

        user = auth.keep(signed_in)
        cookie = user.handle.reveal()                # in the browser's session
        ...
        user = auth.kept(cookie)                     # in any process with the same keys and store
        token = user.access_token()                  # refreshed if that is due

    Make it with `AuthClient.keep` or `AuthClient.kept`; it serves as long as that client is open.
    Any number of threads may use it, and any number of processes the same user: one of them
    refreshes at a time, and all get the result.
    """

    @property
    def username(self) -> str:
        """The user's canonical name in the pool, as in `SignedIn`."""
        return self._asynchronous.username

    @property
    def sub(self) -> str | None:
        """The user's `sub`, which nobody else ever has; None if the tokens do not tell it."""
        return self._asynchronous.sub

    @property
    def handle(self) -> Secret[str]:
        """The name that this sign-in is found by: 43 letters, digits, `-` and `_`.

        Whoever has it is taken for the user. Put it into a cookie that is Secure and HttpOnly.
        """
        return self._asynchronous.handle

    def access_token(self) -> Secret[str]:
        """Return an access token that is good, for calls on behalf of the user.

        It may raise as `tokens` does.
        """
        call = self._prepare(asynchronous.SignedInUser.access_token)
        return call.result()

    def id_token(self) -> Secret[str]:
        """Return an id token that is good, which says who the user is.

        It may raise as `tokens` does.
        """
        call = self._prepare(asynchronous.SignedInUser.id_token)
        return call.result()

    def tokens(self) -> Tokens:
        """Return tokens that are good. Do not use up the refresh token in them.

        A token that is still good is given whatever fails. Time-outs are the caller's own, and
        cancel nothing that others wait for.

        Raises:
            SignedOutError: The user signed out, here or elsewhere, or Cognito refused the refresh
                token for good: sign in again. Cognito is not asked any more.
            TransportError: Cognito cannot be relied on now, and the token is not good any more. The
                user stays signed in: try again.
            StateError: The store or the keys cannot be asked now, and the token is not good any
                more; or the entry cannot be opened (SealError).
            RefusedError: Cognito refuses for a reason that may pass, such as a trigger's.
            TokenError: The new tokens cannot be verified: they are kept, and verified again. Or
                they are somebody else's, and are not kept.
            MisuseError: The client is closed.
        """
        call = self._prepare(asynchronous.SignedInUser.tokens)
        return call.result()

    def sign_out(self) -> None:
        """Sign the user out here: on this device, in all processes.

        The tokens of this sign-in are revoked, and forgotten. `AuthClient.sign_out` ends all other
        sign-ins of the user as well.

        Raises:
            PoolSetupError: The app client lets no token be revoked: the user is signed out, and
                what was given out stays good to its end.
            AuthFlowError: Another process may not learn it, or the tokens may still be good: call
                it again, of this object or of one that `AuthClient.kept` finds. This process gives
                none of them any more.
        """
        call = self._prepare(asynchronous.SignedInUser.sign_out)
        call.result()
