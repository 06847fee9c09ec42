"""The context of a Python handler on Lambda, for handlers that run elsewhere.

Source: "Using the Lambda context object to retrieve Python function information" in the AWS Lambda
developer guide. As on Lambda, a context is its handler's own: one may put things on it.
"""

import sys
import time
from typing import Any, Final, Self
from uuid import uuid4

from attrs import define, field

COGNITO_WAITS: Final = 5.0
"""Seconds for which Cognito waits for a trigger."""

_FUNCTION: Final = "arn:aws:lambda:us-east-1:000000000000:function:{}"
_LOG_STREAM: Final = "2000/01/01/[$LATEST]00000000000000000000000000000000"


@define(kw_only=True, slots=False, eq=False)
class Identity:
    """The invoker with credentials of an identity pool: for a trigger, nobody."""

    cognito_identity_id: str | None = None
    cognito_identity_pool_id: str | None = None


@define(kw_only=True, slots=False, eq=False)
class LambdaContext:
    """The data about its invocation that a handler may read.

    Args:
        function_name: The function's name.
        function_version: Its version.
        invoked_function_arn: What it was invoked by.
        memory_limit_in_mb: Its memory in MiB; Lambda gives it as text.
        aws_request_id: Tells this invocation from all others.
        log_group_name: Where Lambda would keep its log.
        log_stream_name: Which part of it is this process's.
        identity: Who invoked it.
        client_context: What a mobile application sent along: nothing.
    """

    function_name: str
    invoked_function_arn: str
    log_group_name: str
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "128"
    aws_request_id: str = field(factory=lambda: str(uuid4()))
    log_stream_name: str = _LOG_STREAM
    identity: Identity = field(factory=Identity)
    client_context: Any = None
    _ends: float = field(alias="ends", repr=False)

    @classmethod
    def of(cls, function: str, *, arn: str | None = None, seconds: float = COGNITO_WAITS) -> Self:
        """Make the context for an invocation that begins now.

        Args:
            function: The function's name.
            arn: Its ARN, if it has one.
            seconds: How long it may take; no handler is told more than Cognito waits.
        """
        return cls(
            function_name=function,
            invoked_function_arn=arn or _FUNCTION.format(function),
            log_group_name=f"/aws/lambda/{function}",
            ends=time.monotonic() + min(seconds, COGNITO_WAITS),
        )

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds that are left; 0 if none are."""
        return max(0, int((self._ends - time.monotonic()) * 1000))

    def log(self, message: object) -> None:
        """Write to the function's log, which is standard output."""
        sys.stdout.write(str(message))
