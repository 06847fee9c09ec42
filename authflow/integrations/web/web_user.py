"""`WebUser`: who asks, by a token or by a session."""

from typing import TYPE_CHECKING

from attrs import field, frozen

from authflow.errors import MisuseError
from authflow.secret import Secret
from authflow.tokens.claims import AccessClaims, IdClaims

if TYPE_CHECKING:
    from authflow.client.signed_in_user import SignedInUser


@frozen(kw_only=True, eq=False)
class WebUser:
    """A user whose request came with a good token, or with the cookie of a session.

    Pass it to `authflow.integrations.httpx.CognitoAuth` to call another service for the user.

    Args:
        claims: The claims of the token that was verified; in a session, of its access token.
        token: The token that came; None in a session.
        session: The session; None where a token came.
    """

    claims: AccessClaims | IdClaims
    token: Secret[str] | None = field(default=None, repr=False)
    session: "SignedInUser | None" = field(default=None, repr=False)

    @property
    def username(self) -> str | None:
        """The user's canonical name in the pool; None for an app client's own token."""
        return self.claims.username

    @property
    def sub(self) -> str:
        """The user's id, which nobody else ever has."""
        return self.claims.sub

    @property
    def groups(self) -> frozenset[str]:
        """The user's groups."""
        return self.claims.groups

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes of an access token; none of an id token."""
        return self.claims.scopes if isinstance(self.claims, AccessClaims) else frozenset()

    async def access_token(self) -> Secret[str]:
        """Return an access token that is good: the one that came, or the session's, kept fresh.

        Raises:
            MisuseError: An id token came, and there is no other.
            AuthFlowError: As `SignedInUser.tokens`, in a session.
        """
        if self.session is not None:
            return await self.session.access_token()
        return self._that_came("access")

    async def id_token(self) -> Secret[str]:
        """Return an id token that is good: the one that came, or the session's, kept fresh.

        Raises:
            MisuseError: An access token came, and there is no other.
            AuthFlowError: As `SignedInUser.tokens`, in a session.
        """
        if self.session is not None:
            return await self.session.id_token()
        return self._that_came("id")

    def _that_came(self, use: str) -> Secret[str]:
        if self.token is not None and self.claims.token_use == use:
            return self.token
        msg = f"the request came with no {use} token, and there is no session to take it from"
        raise MisuseError(msg)
