"""Calls about an account whose user is not signed in: they name the app client and the user."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from authflow.errors import CodeMismatchError
from authflow.plugins.typed_text import typed_code
from authflow.secret import Secret
from authflow.user_context import UserContext
from authflow.wire import ClientIdentity, Request, ToldContext

T = TypeVar("T")


class AppClientCalls(ABC):
    """The calls about accounts, of a client that can send their requests."""

    __slots__ = ()

    @abstractmethod
    async def _send_named(
        self,
        make: Callable[[ClientIdentity, ToldContext | None], Request],
        read: Callable[[Mapping[str, Any]], T],
        context: UserContext | None,
    ) -> T:
        """Send a request that the app client's secret signs.

        Args:
            make: Makes the request.
            read: Reads its reply.
            context: What threat protection is told.
        """


def sent_code(code: Secret[str]) -> Secret[str]:
    """Return a code that was sent by e-mail or text message, as it is compared.

    Raises:
        CodeMismatchError: Nothing is left of it; nothing was sent.
    """
    clean = typed_code(code)
    if clean:
        return Secret(clean)
    msg = "the code is wrong: type the code that was sent"
    raise CodeMismatchError(msg)
