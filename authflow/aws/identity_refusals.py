"""The errors of Cognito's identity pools, turned into ours.

Source: GetId and GetCredentialsForIdentity in the Amazon Cognito Federated Identities API
reference.
"""

from collections.abc import Callable, Mapping
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
)

from authflow import errors
from authflow.echoes import echoes
from authflow.errors import AuthFlowError
from authflow.printable import one_line
from authflow.secret import Secret

THROTTLED_SECONDS: Final = 1.0
"""Seconds after which a request that was throttled may be repeated."""
GONE: Final = "ResourceNotFoundException"
_CODE_CHARS: Final = 80
_READ_CHARS: Final = 2_000
_SERVER_ERRORS: Final = 500
_THROTTLED: Final = (errors.ThrottledError, "the identity pool asks to slow down")
_FAILED: Final = (errors.ServerFaultError, "the identity pool failed")
_KINDS: Final[Mapping[str, tuple[Callable[..., AuthFlowError], str]]] = {
    "NotAuthorizedException": (
        errors.IdentityRefusedError,
        "the identity pool does not take the id token",
    ),
    "ResourceConflictException": (
        errors.IdentityRefusedError,
        "the id token's user belongs to another identity",
    ),
    "ResourceNotFoundException": (
        errors.PoolNotFoundError,
        "there is no such identity pool in this region",
    ),
    "InvalidIdentityPoolConfigurationException": (
        errors.PoolSetupError,
        "the identity pool has no role for this user, or may not take it",
    ),
    "TooManyRequestsException": _THROTTLED,
    "ThrottlingException": _THROTTLED,
    "LimitExceededException": _THROTTLED,
    "InternalErrorException": _FAILED,
    "ExternalServiceException": _FAILED,
}


def code_of(error: BaseException) -> str:
    """Return AWS's code of an error; an empty text if AWS did not send it."""
    if not isinstance(error, ClientError):
        return ""
    return str(error.response.get("Error", {}).get("Code", ""))


def read_identity_error(
    error: BotoCoreError | ClientError | OSError, token: Secret[str]
) -> AuthFlowError:
    """Turn what a call of an identity pool raised into one of our errors.

    Args:
        error: What was raised.
        token: The id token that was sent, of which no text may show a part.
    """
    if not isinstance(error, ClientError):
        return _lost(error)
    told = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = code_of(error)
    kind, what = _KINDS.get(code, (errors.RequestRejectedError, "the identity pool refused"))
    if code not in _KINDS and status >= _SERVER_ERRORS:
        kind, what = _FAILED
    words = str(told.get("Message", ""))[:_READ_CHARS]
    shown = "" if echoes(words, [token.reveal()]) else one_line(words)
    wait = THROTTLED_SECONDS if kind is errors.ThrottledError else None
    return kind(
        f"{what}: {shown}" if shown else what,
        aws_code=None if echoes(code, [token.reveal()]) else one_line(code, _CODE_CHARS),
        retry_after=wait,
    )


def _lost(error: BotoCoreError | OSError) -> AuthFlowError:
    """Return the error for a request without a reply that can be read."""
    match error:
        case EndpointConnectionError() | ConnectTimeoutError():
            return errors.UnreachableError("the identity pool cannot be reached: check the network")
        case ReadTimeoutError():
            return errors.TimedOutError("the identity pool did not answer in time")
        case HTTPClientError() if error.kwargs.get("error") is not None:
            return errors.MalformedReplyError("the reply is no identity pool's")
        case _:
            return errors.UnreachableError("the identity pool could not be asked")
