"""ForgotPassword, ConfirmForgotPassword and ChangePassword.

Source: these operations in the API reference.
"""

from authflow.given_maps import GivenMap
from authflow.secret import Secret
from authflow.wire.requests import ClientIdentity, Request, ToldContext, spelt


def forgot(
    client: ClientIdentity,
    username: str,
    *,
    client_metadata: GivenMap,
    context: ToldContext | None,
) -> Request:
    """Return a ForgotPassword request."""
    return client.about(
        "ForgotPassword", username, dict, client_metadata=client_metadata, context=context
    )


def confirm_forgot(
    client: ClientIdentity,
    username: str,
    code: Secret[str],
    password: Secret[str],
    *,
    client_metadata: GivenMap,
    context: ToldContext | None,
) -> Request:
    """Return a ConfirmForgotPassword request.

    Args:
        client: The app client.
        username: The name.
        code: The code that was sent.
        password: The new password.
        client_metadata: For PostConfirmation.
        context: What threat protection is told.
    """
    return client.about(
        "ConfirmForgotPassword",
        username,
        lambda: {"ConfirmationCode": code.reveal(), "Password": password.reveal()},
        client_metadata=client_metadata,
        context=context,
    )


def change(access_token: Secret[str], old: Secret[str] | None, new: Secret[str]) -> Request:
    """Return a ChangePassword request.

    Args:
        access_token: The user's.
        old: The password up to now; None for a user who has none.
        new: The new one.
    """
    return spelt(
        "ChangePassword",
        lambda: {
            **({} if old is None else {"PreviousPassword": old.reveal()}),
            "ProposedPassword": new.reveal(),
            "AccessToken": access_token.reveal(),
        },
    )
