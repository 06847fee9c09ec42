"""SignUp, ConfirmSignUp and ResendConfirmationCode.

Source: these operations in the API reference.
"""

from collections.abc import Mapping
from typing import Any

from authflow.account import ConfirmedSignUp, SignedUp
from authflow.errors import MalformedReplyError
from authflow.given_maps import GivenMap
from authflow.secret import Secret
from authflow.wire.code_delivery import read_sent
from authflow.wire.replies import read_session
from authflow.wire.requests import ClientIdentity, Request, ToldContext
from authflow.wire.user_attributes import written


def sign_up(
    client: ClientIdentity,
    username: str,
    password: Secret[str] | None,
    *,
    attributes: GivenMap,
    validation_data: GivenMap,
    client_metadata: GivenMap,
    context: ToldContext | None,
) -> Request:
    """Return a SignUp request.

    Args:
        client: The app client.
        username: The new name.
        password: The password; None for an account without.
        attributes: The user attributes.
        validation_data: For the PreSignUp trigger.
        client_metadata: For PreSignUp, CustomMessage and PostConfirmation.
        context: What threat protection is told.
    """
    return client.about(
        "SignUp",
        username,
        lambda: {
            **({} if password is None else {"Password": password.reveal()}),
            **written("UserAttributes", attributes),
            **written("ValidationData", validation_data),
        },
        client_metadata=client_metadata,
        context=context,
    )


def read_signed_up(reply: Mapping[str, Any], username: str) -> SignedUp:
    """Read a reply to SignUp.

    Raises:
        MalformedReplyError: A member is missing or not of its form.
    """
    confirmed, sub = reply.get("UserConfirmed"), reply.get("UserSub")
    if not isinstance(confirmed, bool) or not isinstance(sub, str) or not sub:
        msg = "the reply to a sign-up lacks UserConfirmed or UserSub"
        raise MalformedReplyError(msg)
    return SignedUp(
        username=username,
        sub=sub,
        confirmed=confirmed,
        delivery=read_sent(reply),
        session=read_session(reply),
    )


def confirm(
    client: ClientIdentity,
    username: str,
    code: Secret[str],
    *,
    session: Secret[str] | None,
    takes_over: bool,
    client_metadata: GivenMap,
    context: ToldContext | None,
) -> Request:
    """Return a ConfirmSignUp request.

    Args:
        client: The app client.
        username: The name.
        code: The code that was sent.
        session: What the sign-up gave, if it gave one.
        takes_over: Whether the address may be taken from another account.
        client_metadata: For PostConfirmation.
        context: What threat protection is told.
    """
    return client.about(
        "ConfirmSignUp",
        username,
        lambda: {
            "ConfirmationCode": code.reveal(),
            **({"ForceAliasCreation": True} if takes_over else {}),
            **({} if session is None else {"Session": session.reveal()}),
        },
        client_metadata=client_metadata,
        context=context,
    )


def read_confirmed(reply: Mapping[str, Any], username: str) -> ConfirmedSignUp:
    """Read a reply to ConfirmSignUp.

    Raises:
        MalformedReplyError: A member is not of its form.
    """
    return ConfirmedSignUp(username=username, session=read_session(reply))


def resend(
    client: ClientIdentity,
    username: str,
    *,
    client_metadata: GivenMap,
    context: ToldContext | None,
) -> Request:
    """Return a ResendConfirmationCode request."""
    return client.about(
        "ResendConfirmationCode",
        username,
        dict,
        client_metadata=client_metadata,
        context=context,
    )
