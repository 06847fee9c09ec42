"""Accounts, as the calls of a user's life give them: a sign-up, an address of a code, a profile.

Source: SignUp, ConfirmSignUp, CodeDeliveryDetailsType and GetUser in the Amazon Cognito user pools
API reference.
"""

from collections.abc import Mapping

from attrs import field, frozen

from authflow.mfa import MfaPreference
from authflow.secret import Secret
from authflow.string_map import names_only, read_only
from authflow.unframed import whole


@frozen(kw_only=True)
class CodeDelivery:
    """The way of a code that the pool has sent.

    Where the app client hides who exists, one is told for a name that nobody has, too.

    Args:
        destination: The address, with most of it hidden by the pool: ``a***@e***``.
        medium: "EMAIL" or "SMS".
        attribute: The user attribute that is the address: "email" or "phone_number".
    """

    destination: str
    medium: str
    attribute: str


@frozen(kw_only=True)
class SignedUp:
    """A new account.

    Args:
        username: The name that was signed up.
        sub: The account's id, for good.
        confirmed: Whether the user can sign in; otherwise `confirm_sign_up` comes first.
        delivery: Where the code for it was sent; None if none was sent.
        session: For a first sign-in by USER_AUTH, which must not be kept waiting; None if the pool
            gave none.
    """

    username: str
    sub: str
    confirmed: bool
    delivery: CodeDelivery | None = None
    session: Secret[str] | None = None


@frozen(kw_only=True)
class ConfirmedSignUp:
    """An account that was confirmed: its user can sign in.

    Args:
        username: The name that was confirmed.
        session: For a first sign-in by USER_AUTH; None if the pool gave none.
    """

    username: str
    session: Secret[str] | None = None


@whole
@frozen(kw_only=True)
class UserProfile:
    """The account of a user who is signed in, as the pool tells it.

    Args:
        username: The user's canonical name in the pool.
        attributes: The user attributes that the app client may read, with `sub`.
        mfa: The second factors.
    """

    username: str
    attributes: Mapping[str, str] = field(
        factory=dict, converter=read_only, repr=names_only, hash=False
    )
    mfa: MfaPreference = field(factory=MfaPreference)
