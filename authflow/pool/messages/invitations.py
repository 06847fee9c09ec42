"""Invitations: whom AdminCreateUser invites, at which addresses, and under which name.

An invitation has the username and a temporary password. The media that a request names must have
an address each. Where it names none AWS documents SMS, and is reported to send an e-mail to users
who have no phone number: so it is here. Source: AdminCreateUser in the API reference.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User
from authflow.pool.cognito_errors import invalid_parameter
from authflow.pool.messages.destination import Destination

_ADDRESSES: Final[Mapping[str, tuple[str, str]]] = {
    "SMS": ("phone_number", "No phone number provided but desired delivery medium was SMS"),
    "EMAIL": ("email", "No email provided but desired delivery medium was Email"),
}
"""For each medium: the attribute of its address, and the refusal of a user without one."""


def invited_at(
    attributes: Mapping[str, str], mediums: Sequence[str] | None
) -> tuple[Destination, ...]:
    """Return the addresses at which a user is invited.

    Args:
        attributes: The user's.
        mediums: The DesiredDeliveryMediums of the request; None or empty for none.

    Raises:
        CognitoError: A medium is named for which the user has no address.
    """
    found = []
    for medium in dict.fromkeys(mediums or _ADDRESSES):
        attribute, refusal = _ADDRESSES[medium]
        if attributes.get(attribute):
            found.append(Destination(attribute=attribute, address=attributes[attribute]))
        elif mediums:
            raise invalid_parameter(refusal, reason=refusal)
    return tuple(found if mediums else found[:1])


def invited_name(pool: UserPool, user: User) -> str:
    """Return the name that an invitation tells: in a pool that signs in by addresses, the address.

    Args:
        pool: The user pool.
        user: The user.
    """
    addresses = (user.attributes.get(each) for each in pool.username_attributes)
    return next(filter(None, addresses), user.username)
