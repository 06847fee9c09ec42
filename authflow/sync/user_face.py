"""The user that a client keeps fresh, for synchronous code."""

from typing import TYPE_CHECKING, Any

from authflow.client.signed_in_user import SignedInUser
from authflow.sync.call import Call
from authflow.sync.face import Face
from authflow.sync.shared_loop import SharedLoop

if TYPE_CHECKING:
    from authflow.sync.client_face import ClientFace


class UserFace(Face[SignedInUser]):
    """The synchronous face of a user: found again where another process goes on.

    Args:
        client: The client that keeps the user.
        user: The user, as that client gave it.
    """

    def __init__(self, client: "ClientFace[Any]", user: SignedInUser) -> None:
        super().__init__(user)
        self._client = client
        self._keeper = client.asynchronous

    async def serving(self, home: SharedLoop, call: Call[Any]) -> SignedInUser:
        """Return the user, as the open client keeps it.

        Args:
            home: The shared loop.
            call: The call that it serves.

        Raises:
            AuthFlowError: The client cannot serve, or has no such user in this process.
        """
        keeper = await self._client.serving(home, call)
        if keeper is not self._keeper:
            self._asynchronous = await keeper.kept(self._asynchronous.handle)
            self._keeper = keeper
        return self._asynchronous
