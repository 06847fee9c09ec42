"""Calls of a user who is signed in, each a request that stands for itself on an access token."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

from authflow.wire import Request

T = TypeVar("T")


class RequestSender(Protocol):
    """Sends a request, and returns what its reply says."""

    def __call__(self, request: Request, read: Callable[[Mapping[str, Any]], T]) -> Awaitable[T]:
        """Send a request."""


class AccessCalls(ABC):
    """The calls on an access token, of a client that can send their requests."""

    __slots__ = ()

    @abstractmethod
    async def _send_alone(self, request: Request, read: Callable[[Mapping[str, Any]], T]) -> T:
        """Send a request that stands for itself.

        Args:
            request: The request.
            read: Reads its reply.
        """
