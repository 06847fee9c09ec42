"""A request that an observer is told of: each time that it is sent, and what came of it."""

import re
import time
from collections.abc import Mapping
from typing import Any, Final, Self

from attrs import define, field

from authflow.client.events import RequestBegan, RequestEnded, TurnAwaited
from authflow.client.observation import Observation
from authflow.client.observed_call import ObservedCall, current_call

_REQUEST_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""The form that AWS writes. Another server may write anything, and what was sent among it."""


@define(eq=False)
class ObservedRequest:
    """A request, as it is sent once or several times.

    Args:
        call: The call that it belongs to.
        operation: Cognito's operation.
    """

    call: ObservedCall
    operation: str
    _attempt: int = field(default=0, init=False)
    _since: float | None = field(default=None, init=False)
    _request_id: str | None = field(default=None, init=False)

    @classmethod
    def of(cls, observation: Observation, operation: str) -> Self | None:
        """Return a request of the call that this task is in; None if it is in none.

        Args:
            observation: Tells the observers.
            operation: Cognito's operation.
        """
        call = current_call(observation)
        return None if call is None else cls(call, operation)

    def began(self) -> None:
        """Report that it is sent."""
        self._attempt += 1
        self._since, self._request_id = time.monotonic(), None
        self.call.tell(RequestBegan, operation=self.operation, attempt=self._attempt)

    def numbered(self, metadata: Mapping[str, Any], sent: Mapping[str, Any]) -> None:
        """Note the number that AWS gave it, unless it is one that was sent.

        Args:
            metadata: botocore's `ResponseMetadata`.
            sent: The request's members: a `sub`, and many a password, have the same form.
        """
        number = metadata.get("RequestId")
        if not isinstance(number, str) or not _REQUEST_ID.fullmatch(number):
            return
        if number not in str(sent).lower():
            self._request_id = number

    def ended(self, code: str | None, *, broken_off: bool = False) -> None:
        """Report that it has ended, unless that was told.

        Args:
            code: The error's code; None if there was none.
            broken_off: Whether the caller did not wait for the end.
        """
        since, self._since = self._since, None
        if since is None:
            return
        self.call.tell(
            RequestEnded,
            operation=self.operation,
            attempt=self._attempt,
            seconds=time.monotonic() - since,
            code=code,
            broken_off=broken_off,
            request_id=self._request_id,
        )

    def waited(self, seconds: float, code: str | None = None) -> None:
        """Report that it has waited for its turn.

        Args:
            seconds: How long.
            code: The error's code, if there was none.
        """
        self.call.tell(TurnAwaited, operation=self.operation, seconds=seconds, code=code)
