"""The address to which a message for a user is sent."""

from collections.abc import Iterable
from typing import Final

from attrs import field, frozen

from authflow.pool.accounts.users import UNCONFIRMED, User
from authflow.pool.cognito_errors import invalid_parameter

_MEDIUMS: Final = {"email": "EMAIL", "phone_number": "SMS"}


@frozen(kw_only=True)
class Destination:
    """An address of a user.

    Args:
        attribute: email or phone_number.
        address: Its value.
    """

    attribute: str
    address: str = field(repr=False)

    @property
    def medium(self) -> str:
        """The medium of the address: EMAIL or SMS."""
        return _MEDIUMS[self.attribute]

    @property
    def details(self) -> dict[str, str]:
        """Return CodeDeliveryDetails, which hide most of the address.

        Neither letter case nor length is shown: those who stand for users have none of their own.
        """
        if self.attribute == "email":
            name, _, domain = self.address.partition("@")
            masked = f"{_first(name)}***@{_first(domain)}***"
        else:
            masked = f"+*******{self.address[-4:]}"
        return {
            "Destination": masked,
            "DeliveryMedium": self.medium,
            "AttributeName": self.attribute,
        }


def _first(text: str) -> str:
    return text[:1].casefold()[:1]


def reach(user: User, attributes: Iterable[str]) -> Destination:
    """Return the address at which a user is reached.

    Args:
        user: The user.
        attributes: Those that count, the preferred one first.

    Raises:
        CognitoError: There is no verified address.
    """
    if user.status != UNCONFIRMED:
        for attribute in attributes:
            address = user.attributes.get(attribute)
            if address and user.attributes.get(f"{attribute}_verified") == "true":
                return Destination(attribute=attribute, address=address)
    raise invalid_parameter(
        "Cannot reset password for the user as there is no registered/verified email or "
        "phone_number",
        reason="the user has no verified email or phone_number",
    )
