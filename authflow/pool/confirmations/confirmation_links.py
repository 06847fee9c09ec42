"""Links that confirm a sign-up, as Cognito's managed domain serves them: `/confirmUser`.

The code in the link is the proof, so a browser may come with it from anybody's page. Source:
"Customizing email verification messages" in the developer guide.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from attrs import frozen

from authflow.pool.accounts.callers import Caller
from authflow.pool.messages.wording import confirms_by_link
from authflow.pool.tokens.issuer import TokenIssuer
from authflow.secret import Secret

LINK_PATH: Final = "confirmUser"
"""The last part of a link's path, behind the pool's id."""
_MEMBERS: Final = {
    "client_id": "ClientId",
    "user_name": "Username",
    "confirmation_code": "ConfirmationCode",
}


@frozen(kw_only=True, eq=False)
class ConfirmationLinks:
    """Makes the links of pools, and reads them.

    Args:
        tokens: Knows the public address of the server.
    """

    tokens: TokenIssuer

    def link(self, caller: Caller, username: str, code: Secret[str]) -> Secret[str] | None:
        """Return the link that confirms a user; None if the pool wants a code.

        Args:
            caller: The app client by which the user signs up.
            username: The canonical name.
            code: The code.
        """
        if not confirms_by_link(caller.pool):
            return None
        values = (caller.client.id, username, code.reveal())
        query = urlencode(dict(zip(_MEMBERS, values, strict=True)))
        return Secret(f"{self.tokens.issuer_base}/{caller.pool.id}/{LINK_PATH}?{query}")


def read_link(query: Mapping[str, str]) -> dict[str, str]:
    """Return the members of ConfirmSignUp that a link has.

    Args:
        query: The parameters in it.
    """
    return {
        member: query[parameter] for parameter, member in _MEMBERS.items() if parameter in query
    }
