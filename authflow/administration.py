"""Users and groups of a pool, as its administrators see them.

Source: UserType and GroupType in the Amazon Cognito user pools API reference.
"""

from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen

from authflow.mfa import MfaPreference
from authflow.string_map import names_only, read_only
from authflow.unframed import whole


@whole
@frozen(kw_only=True)
class PoolUser:
    """A user of a pool.

    Args:
        username: The canonical name.
        status: UserStatus: "CONFIRMED", "UNCONFIRMED", "FORCE_CHANGE_PASSWORD", "RESET_REQUIRED" …
        enabled: Whether the user may sign in.
        attributes: The user attributes, with `sub`; of a list those that were asked for.
        created: When the account was made; None if the pool does not tell.
        modified: When it changed last; likewise.
        mfa: The second factors; a list does not tell them.
    """

    username: str
    status: str
    enabled: bool
    attributes: Mapping[str, str] = field(
        factory=dict, converter=read_only, repr=names_only, hash=False
    )
    created: datetime | None = None
    modified: datetime | None = None
    mfa: MfaPreference = field(factory=MfaPreference)


@frozen(kw_only=True)
class UserGroup:
    """A group of a pool.

    Args:
        name: Its name.
        description: What it is for; None if that is not said.
        precedence: Its rank: 0 goes first; None for none.
        role_arn: The IAM role of its members; None for none.
        created: When it was made; None if the pool does not tell.
        modified: When it changed last; likewise.
    """

    name: str
    description: str | None = None
    precedence: int | None = None
    role_arn: str | None = None
    created: datetime | None = None
    modified: datetime | None = None
