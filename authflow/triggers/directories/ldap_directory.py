"""A user directory behind an LDAP server, such as OpenLDAP or Active Directory.

A service account searches the user's entry; then a fresh connection binds as that entry with the
password that the user typed. The server's own rules hold: for an account that is locked, disabled
or expired there it refuses the bind.

The server is asked by worker processes, which anyio starts as `multiprocessing` does: a program
that uses this needs the usual `if __name__ == "__main__":`.

Needs the extra `ldap`: `pip install 'cognito-authflow[ldap]'`.

Sources: RFC 4513 §5.1.2 (an empty password is no password) and §6.3.1 (passwords only over TLS),
RFC 4512 §1.4 (attribute names), RFC 4516 (URLs).
"""

import logging
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import anyio
import anyio.to_process
from attrs import define, field
from attrs.validators import instance_of

from authflow.errors import (
    ConfigError,
    DirectoryError,
    DirectoryRecordError,
    DirectoryUnavailableError,
)
from authflow.given_numbers import check_count
from authflow.safe_url import SafeUrl, safe_url
from authflow.secret import Secret
from authflow.string_map import string_map
from authflow.triggers.directories.attribute_names import common_to_all, refuse_impossible
from authflow.triggers.directories.ldap_server import LOCKS, Failure, LdapServer, NoEntry
from authflow.triggers.directories.migration import (
    NO_DEFAULTS,
    Found,
    UnknownUser,
    WrongPassword,
)
from authflow.triggers.directories.records import found
from authflow.triggers.events.migrated_user import MigratedUser
from authflow.unframed import whole

_ATTRIBUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*|\d+(\.\d+)+", re.ASCII)

_Entry = dict[str, list[bytes]] | NoEntry

_log: Final = logging.getLogger(__name__)


def _url(url: str) -> SafeUrl:
    return safe_url(url, "url", schemes=("ldaps", "ldap"), path=False, insecure=True)


def _attribute(name: str) -> str:
    if not isinstance(name, str) or not _ATTRIBUTE.fullmatch(name):
        msg = "an LDAP attribute has a name such as uid or sAMAccountName"
        raise ConfigError(msg)
    return name


def _attributes(names: Mapping[str, str]) -> Mapping[str, str]:
    if not names:
        msg = "name an LDAP attribute for at least one of Cognito's, such as {'email': 'mail'}"
        raise ConfigError(msg)
    attributes = string_map(names)
    refuse_impossible(attributes)
    for name in attributes.values():
        _attribute(name)
    return attributes


def _dn(dn: str) -> str:
    if not isinstance(dn, str) or "=" not in dn or not dn.isprintable():
        msg = "a distinguished name is written like ou=people,dc=example,dc=org"
        raise ConfigError(msg)
    return dn


def _filter(text: str) -> str:
    """Check that a filter is complete by itself, since it is combined with another one."""
    text = text if isinstance(text, str) else ""
    depth = 0
    closed = 0
    for char in text:
        depth += (char == "(") - (char == ")")
        closed += char == ")" and depth == 0
        if depth < 0:
            break
    if depth or closed != 1 or not (text.startswith("(") and text.endswith(")")):
        msg = "an LDAP filter is one pair of parentheses, such as (objectClass=person)"
        raise ConfigError(msg)
    return text


def _service_password(password: str | Secret[str]) -> Secret[str]:
    secret = Secret.of(password) if isinstance(password, str | Secret) else None
    if secret is None or not isinstance(secret.reveal(), str) or not secret.reveal():
        msg = "the service account needs a password: without one, it is nobody (RFC 4513 §5.1.2)"
        raise ConfigError(msg)
    return secret


def _longest(size: int | None) -> int | None:
    if size is not None:  # the server reads all
        check_count("longest_password, in bytes,", size)
    return size


@whole
@define(kw_only=True, eq=False)
class LdapDirectory:
    """Users behind an LDAP server.

    The service account must be able to read `pwdAccountLockedTime`, `nsAccountLock` or
    `userAccountControl`, whichever the server has: a user who is locked there is not brought in by
    a forgotten password either.

    Args:
        url: The server's URL, `ldaps://host` or `ldap://host`.
        bind_dn: The service account.
        bind_password: Its password.
        base: Where users are, there and below.
        username_attribute: The attribute that holds the name that users sign in with, such as
            `uid`, `sAMAccountName` or `mail`.
        attributes: For each of Cognito's attributes, the LDAP attribute it is in. Of several values
            the first is taken.
        defaults: What is the same for everybody, such as the attribute `email_verified` "true", the
            status, or that no welcome is sent.
        filter: What else a user's entry must match.
        ca_file: A file with the certificates to trust, instead of the system's.
        start_tls: Begin TLS on an `ldap://` connection. Without it, passwords go in clear.
        allow_plaintext: Let passwords go in clear to another machine.
        processes: How many worker processes may ask at a time.
        longest_password: How many bytes of a password the server reads, where it does not read all:
            8 if it keeps passwords by the crypt of DES, 72 by bcrypt. A longer one is not let in,
            for the pool would keep what nobody has proved.

    Raises:
        ConfigError: A setting is malformed, or names an attribute that Cognito writes itself
            (`sub`, `identities`, `cognito:...`) or that no user can have, or passwords would go
            over a network in clear; or the LDAP client is not installed.
        TypeError: The defaults are no `MigratedUser`.
    """

    url: SafeUrl = field(converter=_url)
    bind_dn: str = field(converter=_dn)
    bind_password: Secret[str] = field(converter=_service_password)
    base: str = field(converter=_dn)
    username_attribute: str = field(default="uid", converter=_attribute)
    attributes: Mapping[str, str] = field(converter=_attributes)
    defaults: MigratedUser = field(
        default=NO_DEFAULTS, validator=[instance_of(MigratedUser), common_to_all]
    )
    filter: str = field(default="(objectClass=person)", converter=_filter)
    ca_file: str | Path | None = None
    start_tls: bool = True
    allow_plaintext: bool = False
    processes: int = 2
    longest_password: int | None = field(default=None, converter=_longest)
    _limiter: anyio.CapacityLimiter = field(init=False, repr=False)
    _ask_server: Callable[[LdapServer, str, str | None], _Entry] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        from authflow.triggers.directories import ldap_worker  # noqa: PLC0415  # needs the extra

        self._ask_server = ldap_worker.ask
        if not (self.start_tls or self.allow_plaintext):
            self.url.refuse_insecure("url", unless="start_tls=True, or say allow_plaintext=True")
        check_count("an LDAP directory's processes", self.processes)
        if self.ca_file is not None and not Path(self.ca_file).is_file():
            msg = "the LDAP directory's ca_file is not there"
            raise ConfigError(msg)
        self._limiter = anyio.CapacityLimiter(self.processes)

    async def authenticate(
        self, username: str, password: Secret[str]
    ) -> Found | UnknownUser | WrongPassword:
        """Bind as the user.

        Args:
            username: The name as the user typed it.
            password: The password.

        Raises:
            DirectoryUnavailableError: The server cannot be asked.
            DirectoryRecordError: The name is of several users, or Cognito would not take an
                attribute.
            DirectoryError: The server refuses the service account or its search.
        """
        # A server treats a bind without a password as anonymous, which succeeds. For libldap
        # a password ends at NUL, and half a surrogate pair cannot be sent.
        if not _can_be_sent(password):
            _log.info("a user was not let in: an empty or broken password is sent to no server")
            return WrongPassword()
        if self.longest_password and len(password.reveal().encode()) > self.longest_password:
            _log.info("a user was not let in: the server does not read all of so long a password")
            return WrongPassword()
        return await self._ask(username, password)

    async def look_up(self, username: str) -> Found | UnknownUser:
        """Search a user.

        Args:
            username: The name as the user typed it.

        Raises:
            DirectoryUnavailableError: The server cannot be asked.
            DirectoryRecordError: The name is of several users, or Cognito would not take an
                attribute.
            DirectoryError: The server refuses the service account or its search.
        """
        outcome = await self._ask(username, None)
        return outcome if isinstance(outcome, Found) else UnknownUser()

    async def _ask(
        self, username: str, password: Secret[str] | None
    ) -> Found | UnknownUser | WrongPassword:
        if not username.isprintable():  # usernames in Cognito are printable
            return UnknownUser()
        try:
            # On a warm Lambda, anyio ends the processes of one event before it serves the next on
            # the same loop, and finds out only when it uses one.
            with suppress(anyio.BrokenWorkerProcess):
                return self._outcome(await self._entry(username, password))
            return self._outcome(await self._entry(username, password))
        except anyio.BrokenWorkerProcess as error:
            msg = "the process that asks the LDAP server has died"
            raise DirectoryUnavailableError(msg) from error

    async def _entry(self, username: str, password: Secret[str] | None) -> _Entry:
        return await anyio.to_process.run_sync(
            self._ask_server,
            self._server(),
            username,
            None if password is None else password.reveal(),
            cancellable=True,
            limiter=self._limiter,
        )

    def _outcome(self, entry: _Entry) -> Found | UnknownUser | WrongPassword:
        if isinstance(entry, NoEntry):
            return _outcome_without(entry)
        values = {name: _texts(held) for name, held in entry.items()}
        return found(
            self.defaults,
            {
                name: next(iter(values.get(held_in.lower(), ())), None)
                for name, held_in in self.attributes.items()
            },
        )

    def _server(self) -> LdapServer:
        wanted = {name.lower() for name in (self.username_attribute, *self.attributes.values())}
        return LdapServer(
            url=self.url,
            start_tls=self.start_tls and not self.url.is_encrypted,
            ca_file=None if self.ca_file is None else str(self.ca_file),
            bind_dn=self.bind_dn,
            bind_password=self.bind_password.reveal(),
            base=self.base,
            username_attribute=self.username_attribute,
            filter=self.filter,
            attributes=sorted(wanted | {name.lower() for name in LOCKS}),
        )


def _outcome_without(entry: NoEntry) -> UnknownUser | WrongPassword:
    match entry.failure:
        case Failure.UNKNOWN:
            return UnknownUser()
        case Failure.REFUSED:
            _log.info("the LDAP server does not let a user in: %s", entry.why)
            return WrongPassword()
        case Failure.SEVERAL:
            msg = "several LDAP entries have one name: narrow base= or filter="
            raise DirectoryRecordError(msg)
        case Failure.UNAVAILABLE:
            msg = f"the LDAP server cannot be asked: {entry.why}"
            raise DirectoryUnavailableError(msg)
        case Failure.FAILED:
            msg = f"the LDAP server cannot be used: {entry.why}"
            raise DirectoryError(msg)


def _can_be_sent(password: Secret[str]) -> bool:
    try:
        given = password.reveal().encode()
    except UnicodeEncodeError:
        return False
    return bool(given) and b"\0" not in given


def _texts(values: list[bytes]) -> list[str]:
    try:
        return [value.decode() for value in values]
    except UnicodeDecodeError:
        return []
