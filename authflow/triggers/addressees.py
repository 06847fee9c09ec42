"""The account that a challenge was made for, and the addresses that its messages went to.

A username is no person: an account that is made anew has the name of the old one, and an address
can be another by now. So sign-ins share a code only while the account and all its addresses are the
same, and an answer counts only while they still are, as far as a message went to them. This holds
for every challenge, whoever wrote it: what is named here stands in what is drawn, and in what
Verify is given back.

What is an address cannot be seen: a pager's number, a Slack id and a counter look alike. So each
attribute is taken for one, unless its plugin says to which it sends (`sends_to`). What is drawn is
drawn before it is known where it goes; a message to an attribute by which nothing was drawn is
refused.

Only attributes are known here. A plugin that sends to an address from elsewhere keeps its
`context.mark(address)` beside the code, and compares it.

Source: "Custom authentication challenge Lambda triggers" in the Amazon Cognito developer guide:
`userAttributes` is of the moment, in each call. "Standard Claims" in OpenID Connect Core 1.0,
section 5.1, says what the attributes with no prefix mean.
"""

import hmac
import unicodedata
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from authflow.keys.key_ring import KeyRing

SUB: Final = "sub"
"""The attribute that names an account, and no other one ever."""

_PURPOSE: Final = "challenge addressees"
_VERIFIED: Final = "_verified"
_COGNITOS: Final = ("email", "phone_number")
"""Cognito itself sends to these: they count, whatever a plugin says."""
_PASSING: Final = frozenset(
    {"locale", "updated_at", "zoneinfo", "cognito:mfa_enabled", "cognito:user_status"}
)
"""The attributes that are no address by their meaning, and may change from sign-in to sign-in."""


def reach_mark(
    ring: "KeyRing",
    user_pool_id: str,
    attributes: Mapping[str, str],
    sends_to: Collection[str] | None = None,
) -> str:
    """Return the keyed mark of an account and all its addresses; it is as long for everybody.

    Args:
        ring: The keys.
        user_pool_id: The user pool.
        attributes: The user's attributes; none for an unknown user.
        sends_to: The attributes that the plugin sends to; None if it does not say.
    """
    held = _addresses(attributes, sends_to)
    return _marked(ring, user_pool_id, attributes, held).partition(" ")[0]


def unbound(
    destination: str, attributes: Mapping[str, str], sends_to: Collection[str] | None = None
) -> str | None:
    """Return the attribute that a message goes to, if a change of it would draw nothing else.

    Args:
        destination: Where the message goes.
        attributes: The user's attributes.
        sends_to: The attributes that the plugin sends to; None if it does not say.
    """
    likes = sorted(_likes(destination, attributes))
    bound = {SUB, *_addresses(attributes, sends_to)}
    return None if not likes or bound.intersection(likes) else likes[0]


def addressee(
    ring: "KeyRing",
    user_pool_id: str,
    attributes: Mapping[str, str],
    sent_to: Collection[str],
    *,
    sends_to: Collection[str] | None = None,
    carried: bool = False,
) -> str:
    """Return what Verify must be given back: a keyed mark, and the attributes that it is about.

    A plugin may write an address in another way before it sends. So where a message went to what
    is no attribute's value, it may have gone to any of the addresses.

    Args:
        ring: The keys.
        user_pool_id: The user pool.
        attributes: The user's attributes.
        sent_to: Where the challenge's messages went.
        sends_to: The attributes that the plugin sends to; None if it does not say.
        carried: Whether messages may have gone to any address before.
    """
    held = {name for each in sent_to for name in _likes(each, attributes)}
    if carried or not set(sent_to) <= set(attributes.values()):
        held.update(_addresses(attributes, sends_to))
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


def _addresses(attributes: Mapping[str, str], sends_to: Collection[str] | None) -> list[str]:
    """Return the names of the attributes that may hold an address."""
    if sends_to is None:
        return sorted(name for name in attributes if name not in _PASSING)
    return sorted({*_COGNITOS, *sends_to} & attributes.keys())


def _likes(destination: str, attributes: Mapping[str, str]) -> set[str]:
    """Return the names of the attributes with such a value, be it in other letters and signs."""
    plain = _plain(destination)
    return {
        name
        for name, value in attributes.items()
        if value == destination or (plain and _plain(value) == plain)
    }


def _plain(address: str) -> str:
    """Return the letters and digits of an address."""
    folded = unicodedata.normalize("NFKC", address).casefold()
    return "".join(sign for sign in folded if sign.isalnum())


def _marked(
    ring: "KeyRing", user_pool_id: str, attributes: Mapping[str, str], held: Collection[str]
) -> str:
    about = [attributes.get(each, "") for name in held for each in (name, f"{name}{_VERIFIED}")]
    mark = ring.entry_name(_PURPOSE, user_pool_id, attributes.get(SUB, ""), *held, *about)
    return " ".join((mark, *held))  # no attribute's name has white space in it
