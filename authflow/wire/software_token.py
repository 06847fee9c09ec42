"""AssociateSoftwareToken and VerifySoftwareToken: an authenticator app is set up.

Both take the session of the challenge MFA_SETUP, and give one for what comes next; or the access
token of a user who is signed in.

Source: AssociateSoftwareToken and VerifySoftwareToken in the API reference.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from authflow.errors import CodeMismatchError, MalformedReplyError
from authflow.secret import Secret
from authflow.wire.replies import read_session
from authflow.wire.requests import Request, spelt

_KEY: Final = re.compile(r"[A-Z2-7]{16,512}={0,6}")
"""The form of SecretCode: base32 (RFC 4648 §6), of 16 characters or more."""
_SUCCESS: Final = "SUCCESS"


@frozen(kw_only=True)
class Associated:
    """The reply to AssociateSoftwareToken.

    Args:
        key: The key that makes the codes, in base32.
        session: For VerifySoftwareToken, where a session was sent.
    """

    key: Secret[str]
    session: Secret[str] | None


def associate(
    *, session: Secret[str] | None = None, access_token: Secret[str] | None = None
) -> Request:
    """Return an AssociateSoftwareToken request, with one of both."""
    return spelt("AssociateSoftwareToken", lambda: _authorised(session, access_token))


def verify(
    code: Secret[str],
    *,
    device_name: str | None = None,
    session: Secret[str] | None = None,
    access_token: Secret[str] | None = None,
) -> Request:
    """Return a VerifySoftwareToken request.

    Args:
        code: The first code of the authenticator app.
        device_name: What the user calls the device that it is on.
        session: What AssociateSoftwareToken gave, in a sign-in.
        access_token: The user's, elsewhere.
    """
    return spelt(
        "VerifySoftwareToken",
        lambda: {
            "UserCode": code.reveal(),
            **({} if device_name is None else {"FriendlyDeviceName": device_name}),
            **_authorised(session, access_token),
        },
    )


def read_associated(reply: Mapping[str, Any]) -> Associated:
    """Read the reply to AssociateSoftwareToken.

    Raises:
        MalformedReplyError: A member is not of its form.
    """
    key = reply.get("SecretCode")
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        msg = "SecretCode is no key of an authenticator app"
        raise MalformedReplyError(msg)
    return Associated(key=Secret(key), session=read_session(reply))


def read_verified(reply: Mapping[str, Any]) -> Secret[str] | None:
    """Read the reply to VerifySoftwareToken: the session to go on with, where one was sent.

    Raises:
        CodeMismatchError: The code was wrong.
        MalformedReplyError: A member is not of its form.
    """
    if reply.get("Status") != _SUCCESS:
        msg = "the code is wrong"
        raise CodeMismatchError(msg)
    return read_session(reply)


def _authorised(session: Secret[str] | None, access_token: Secret[str] | None) -> dict[str, str]:
    if session is not None:
        return {"Session": session.reveal()}
    return {} if access_token is None else {"AccessToken": access_token.reveal()}
