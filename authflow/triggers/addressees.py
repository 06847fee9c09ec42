"""The account that a challenge was made for, and the addresses that its messages went to.

A username is no person: an account that is made anew has the name of the old one, and an address
can be another by now. So sign-ins share a code only while the account and all its addresses are the
same, and an answer counts only while they still are, as far as a message went to them. This holds
for every challenge, whoever wrote it: what is named here stands in what is drawn, and in what
Verify is given back.

Only attributes are known here. A plugin that sends to an address from elsewhere keeps its
`context.mark(address)` beside the code, and compares it.

Source: "Custom authentication challenge Lambda triggers" in the Amazon Cognito developer guide:
`userAttributes` is of the moment, in each call.
"""

import hmac
import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from authflow.keys.key_ring import KeyRing

SUB: Final = "sub"
"""The attribute that names an account, and no other one ever."""

_PURPOSE: Final = "challenge addressees"
_VERIFIED: Final = "_verified"
_COGNITOS: Final = ("email", "phone_number")
_ADDRESS: Final = re.compile(r"[^@]+@[^@]+|\+[0-9][0-9 ()./-]{3,}")
"""The form of an address in any other attribute."""


def reach_mark(ring: "KeyRing", user_pool_id: str, attributes: Mapping[str, str]) -> str:
    """Return the keyed mark of an account and all its addresses; it is as long for everybody.

    Other attributes are left out, since one that changes at each sign-in would let no two share.

    Args:
        ring: The keys.
        user_pool_id: The user pool.
        attributes: The user's attributes; none for an unknown user.
    """
    return _marked(ring, user_pool_id, attributes, _addresses(attributes)).partition(" ")[0]


def addressee(
    ring: "KeyRing",
    user_pool_id: str,
    attributes: Mapping[str, str],
    sent_to: Collection[str],
    *,
    carried: bool = False,
) -> str:
    """Return what Verify must be given back: a keyed mark, and the attributes that it is about.

    Args:
        ring: The keys.
        user_pool_id: The user pool.
        attributes: The user's attributes.
        sent_to: Where the challenge's messages went.
        carried: Whether messages may have gone to any address before.
    """
    held = {name for name, value in attributes.items() if value in sent_to}
    if carried:
        held.update(_addresses(attributes))
    return _marked(ring, user_pool_id, attributes, sorted(held))


def is_still(kept: str, ring: "KeyRing", user_pool_id: str, attributes: Mapping[str, str]) -> bool:
    """Return whether account and addresses are what they were, in constant time.

    Args:
        kept: What `addressee` gave.
        ring: The keys.
        user_pool_id: The user pool.
        attributes: The user's attributes by now.
    """
    now = _marked(ring, user_pool_id, attributes, kept.split(" ")[1:])
    return hmac.compare_digest(now.encode(), kept.encode())


def _addresses(attributes: Mapping[str, str]) -> list[str]:
    """Return the names of the attributes that hold an address."""
    return sorted(
        name
        for name, value in attributes.items()
        if name in _COGNITOS or _ADDRESS.fullmatch(value.strip())
    )


def _marked(
    ring: "KeyRing", user_pool_id: str, attributes: Mapping[str, str], held: Collection[str]
) -> str:
    about = [attributes.get(each, "") for name in held for each in (name, f"{name}{_VERIFIED}")]
    mark = ring.entry_name(_PURPOSE, user_pool_id, attributes.get(SUB, ""), *held, *about)
    return " ".join((mark, *held))  # no attribute's name has white space in it
