"""Cognito's JSON names on one side, our values on the other. Only this package writes the names.

There is one file for each challenge, and it knows no role: what is asked (`Asked`, to and from
ChallengeParameters) and what is answered (`Answer`, to and from ChallengeResponses) are read by one
side as they are written by the other. `auth_parameters` does the same for AuthParameters, and
`members` is what they share. The client's requests and replies are put together in `requests` and
`replies`. An operation's own members, such as `request["Username"]`, stay with the operation.

Source: InitiateAuth, RespondToAuthChallenge and GetTokensFromRefreshToken in the Amazon Cognito
user pools API reference.
"""

from typing import TYPE_CHECKING

from authflow.lazy_names import lazy_names

if TYPE_CHECKING:
    from authflow.wire.members import MemberError, Members
    from authflow.wire.replies import Reply, read_done, read_refreshed, read_reply, read_tokens
    from authflow.wire.requests import ClientIdentity, Request, ToldContext, secret_hash, sign_out
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "authflow.wire.members": "MemberError Members",
            "authflow.wire.replies": "Reply read_done read_refreshed read_reply read_tokens",
            "authflow.wire.requests": "ClientIdentity Request ToldContext secret_hash sign_out",
        },
    )

__all__ = [
    "ClientIdentity",
    "MemberError",
    "Members",
    "Reply",
    "Request",
    "ToldContext",
    "read_done",
    "read_refreshed",
    "read_reply",
    "read_tokens",
    "secret_hash",
    "sign_out",
]
