"""The values sent to the process that asks an LDAP server, and its results without an entry.

Plain data, since it is pickled; it needs no LDAP client.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Final

from attrs import field, frozen

LOCKS: Final = ("pwdAccountLockedTime", "nsAccountLock", "userAccountControl", "pwdReset")
"""Attributes by which OpenLDAP, 389 Directory Server and Active Directory lock an account; and the
one by which OpenLDAP says that the password must be changed, since bonsai tells nothing of it."""


class Failure(Enum):
    """The reasons why there is no entry."""

    UNKNOWN = "unknown"
    REFUSED = "refused"
    SEVERAL = "several"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"


@frozen
class NoEntry:
    """The result of a request without an entry; `why` names no user and holds no secret."""

    failure: Failure
    why: str = ""


@frozen(kw_only=True)
class LdapServer:
    """An LDAP server, with the settings by which its users are found.

    Args:
        url: Its URL, `ldaps://` or `ldap://`.
        start_tls: Whether to begin TLS on an `ldap://` connection.
        ca_file: A file with the certificates to trust; None for the system's.
        bind_dn: The service account.
        bind_password: Its password.
        base: Where users are searched, with all that is below.
        username_attribute: The attribute that holds the name that users sign in with.
        filter: What else a user's entry must match, as an LDAP filter.
        attributes: The attributes to read.
    """

    url: str
    start_tls: bool
    ca_file: str | None
    bind_dn: str
    bind_password: str = field(repr=False)
    base: str
    username_attribute: str
    filter: str
    attributes: Sequence[str]
