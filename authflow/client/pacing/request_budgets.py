"""Request budgets: how many requests a second Cognito takes, by its quota categories.

A quota belongs to an AWS account and region: all user pools there share it, and so does all that
calls them, such as the pages of managed login.

Source: "Amazon Cognito user pools API operation categories and request rate quotas" of "Quotas in
Amazon Cognito", with the special handling of RespondToAuthChallenge there.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Self

from attrs import field, frozen

from authflow.errors import ConfigError
from authflow.printable import one_line
from authflow.unframed import whole

LEAST_PER_SECOND: Final = 0.01
MOST_PER_SECOND: Final = 1_000_000
WINDOW: Final = 1.04
"""Seconds in which a second's quota is used: so no second has more requests than the quota, however
Cognito counts its seconds, even if some are 40 milliseconds longer on their way."""
BURST: Final = 0.25
"""The part of a second's quota that may leave at once: all of it after a stall of the process while
many wait, a fifth of it after a time of silence."""


class QuotaCategory(StrEnum):
    """One of Cognito's quota categories, of those that a client's requests belong to."""

    USER_AUTHENTICATION = "UserAuthentication"
    """InitiateAuth, GetTokensFromRefreshToken; and RespondToAuthChallenge, with three times as
    many beside them."""
    USER_TOKEN = "UserToken"
    """RevokeToken."""
    USER_CREATION = "UserCreation"
    """SignUp and ConfirmSignUp; AdminCreateUser and AdminConfirmSignUp."""
    USER_ACCOUNT_RECOVERY = "UserAccountRecovery"
    """ForgotPassword, ConfirmForgotPassword and ChangePassword; AdminResetUserPassword and
    AdminSetUserPassword."""
    USER_UPDATE = "UserUpdate"
    """GlobalSignOut, UpdateUserAttributes, DeleteUserAttributes, DeleteUser and
    ResendConfirmationCode; and what else administrators do to users and memberships."""
    USER_READ = "UserRead"
    """GetUser and AdminGetUser."""
    USER_RESOURCE_UPDATE = "UserResourceUpdate"
    """AssociateSoftwareToken, VerifySoftwareToken and SetUserMFAPreference; ConfirmDevice,
    UpdateDeviceStatus and ForgetDevice; GetUserAttributeVerificationCode and
    VerifyUserAttribute."""
    USER_RESOURCE_READ = "UserResourceRead"
    """GetDevice and ListDevices; AdminListGroupsForUser."""
    USER_LIST = "UserList"
    """ListUsers and ListUsersInGroup."""
    USER_POOL_RESOURCE_READ = "UserPoolResourceRead"
    """GetGroup and ListGroups."""
    USER_POOL_RESOURCE_UPDATE = "UserPoolResourceUpdate"
    """CreateGroup, UpdateGroup and DeleteGroup."""


_DEFAULTS: Final[Mapping[QuotaCategory, float]] = {
    QuotaCategory.USER_AUTHENTICATION: 120,
    QuotaCategory.USER_TOKEN: 120,
    QuotaCategory.USER_CREATION: 50,
    QuotaCategory.USER_ACCOUNT_RECOVERY: 30,
    QuotaCategory.USER_UPDATE: 25,
    QuotaCategory.USER_READ: 120,
    QuotaCategory.USER_RESOURCE_UPDATE: 25,
    QuotaCategory.USER_RESOURCE_READ: 50,
    QuotaCategory.USER_LIST: 30,
    QuotaCategory.USER_POOL_RESOURCE_READ: 20,
    QuotaCategory.USER_POOL_RESOURCE_UPDATE: 20,
}
"""Cognito's default quotas, in requests a second."""
_CATEGORIES: Final[Mapping[str, QuotaCategory]] = {
    "InitiateAuth": QuotaCategory.USER_AUTHENTICATION,
    "RespondToAuthChallenge": QuotaCategory.USER_AUTHENTICATION,
    "GetTokensFromRefreshToken": QuotaCategory.USER_AUTHENTICATION,
    "RevokeToken": QuotaCategory.USER_TOKEN,
    "AdminGetUser": QuotaCategory.USER_READ,
    **dict.fromkeys(
        ("SignUp", "ConfirmSignUp", "AdminCreateUser", "AdminConfirmSignUp"),
        QuotaCategory.USER_CREATION,
    ),
    **dict.fromkeys(
        (
            *("ForgotPassword", "ConfirmForgotPassword", "ChangePassword"),
            *("AdminResetUserPassword", "AdminSetUserPassword"),
        ),
        QuotaCategory.USER_ACCOUNT_RECOVERY,
    ),
    **dict.fromkeys(
        (
            *("GlobalSignOut", "UpdateUserAttributes", "DeleteUserAttributes", "DeleteUser"),
            *("ResendConfirmationCode", "AdminUpdateUserAttributes", "AdminDeleteUserAttributes"),
            *("AdminDisableUser", "AdminEnableUser", "AdminDeleteUser", "AdminUserGlobalSignOut"),
            *("AdminAddUserToGroup", "AdminRemoveUserFromGroup"),
        ),
        QuotaCategory.USER_UPDATE,
    ),
    "GetUser": QuotaCategory.USER_READ,
    **dict.fromkeys(
        (
            *("AssociateSoftwareToken", "VerifySoftwareToken", "SetUserMFAPreference"),
            *("ConfirmDevice", "UpdateDeviceStatus", "ForgetDevice"),
            *("GetUserAttributeVerificationCode", "VerifyUserAttribute"),
        ),
        QuotaCategory.USER_RESOURCE_UPDATE,
    ),
    **dict.fromkeys(
        ("GetDevice", "ListDevices", "AdminListGroupsForUser"), QuotaCategory.USER_RESOURCE_READ
    ),
    **dict.fromkeys(("ListUsers", "ListUsersInGroup"), QuotaCategory.USER_LIST),
    **dict.fromkeys(("GetGroup", "ListGroups"), QuotaCategory.USER_POOL_RESOURCE_READ),
    **dict.fromkeys(
        ("CreateGroup", "UpdateGroup", "DeleteGroup"), QuotaCategory.USER_POOL_RESOURCE_UPDATE
    ),
}
_ANSWER: Final = "RespondToAuthChallenge"
_ANSWERS: Final = 3
"""The answers that Cognito takes beside each request of UserAuthentication."""


def _per_second(given: Any) -> Mapping[str, float]:
    if not isinstance(given, Mapping):
        msg = (
            "RequestBudgets takes requests a second by category, such as"
            f" {{'UserAuthentication': 120}}, not {type(given).__name__}"
        )
        raise ConfigError(msg)
    budgets: dict[str, float] = {str(name): each for name, each in _DEFAULTS.items()}
    for name, value in given.items():
        if not isinstance(name, str) or name not in list(QuotaCategory):
            told = one_line(name, 40) if isinstance(name, str) else type(name).__name__
            msg = f"no quota category {told!r}: a client's are {', '.join(QuotaCategory)}"
            raise ConfigError(msg)
        budgets[str(QuotaCategory(name))] = _checked(str(QuotaCategory(name)), value)
    return MappingProxyType(budgets)


def _checked(what: str, value: Any) -> float:
    """Return a number of requests a second, checked.

    Raises:
        ConfigError: It is no number, or not one between the least and the most.
    """
    # A whole number may be too large to be made a float.
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not LEAST_PER_SECOND <= value <= MOST_PER_SECOND
    ):
        msg = (
            f"the budget of {what} must be a number of requests a second,"
            f" from {LEAST_PER_SECOND} to {MOST_PER_SECOND}: Cognito's default is"
            f" {_DEFAULTS[QuotaCategory(what)]}"
        )
        raise ConfigError(msg)
    return float(value)


@whole
@frozen
class RequestBudgets:
    """The requests a second that Cognito takes from this service, by its quota categories.

        RequestBudgets()                            # Cognito's defaults
        RequestBudgets({"UserAuthentication": 240}) # a quota that was raised
        RequestBudgets().part(0.5)                  # half, where another service calls Cognito too

    Args:
        per_second: Requests a second, by the categories' names; those that are missing have
            Cognito's defaults: 120 for UserAuthentication, UserToken and UserRead, 50 for
            UserResourceRead, 25 for UserUpdate and UserResourceUpdate.

    Raises:
        ConfigError: There is no such category, or a number is none or out of bounds.
    """

    per_second: Mapping[str, float] = field(factory=dict, converter=_per_second)

    def __hash__(self) -> int:
        return hash(frozenset(self.per_second.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self.per_second),)

    def part(self, part: float) -> Self:
        """Return a part of these budgets, where others call Cognito from the same account.

        Args:
            part: More than 0 and at most 1.

        Raises:
            ConfigError: It is no such number, or less is left than a budget must have.
        """
        is_number = isinstance(part, int | float) and not isinstance(part, bool)
        if not is_number or not 0 < part <= 1:
            msg = "the part of a budget must be a number above 0, and at most 1"
            raise ConfigError(msg)
        return type(self)({name: each * part for name, each in self.per_second.items()})

    def of(self, operation: str) -> float:
        """Return how many requests a second of an operation's kind Cognito takes.

        Args:
            operation: Such as "InitiateAuth".
        """
        return self.per_second[_CATEGORIES[operation]] * (_ANSWERS if operation == _ANSWER else 1)


def budget_of(operation: str) -> str:
    """Return the name of the budget that an operation draws from; answers have one of their own.

    Args:
        operation: One that clients send, such as "InitiateAuth".
    """
    category = _CATEGORIES[operation]
    return f"{category}.{operation}" if operation == _ANSWER else str(category)
