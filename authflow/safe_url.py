"""Rules for addresses: the one check of endpoints, issuers and servers that settings name.

Secrets go to these addresses, and different programs must not read one text in different ways. So
an address has few characters and one reading, and it leads over TLS or to this machine. Nothing is
looked up: what a name resolves to is not asked. Plugins check their own settings by it, too.

Sources: RFC 3986 §2 and §3 (the characters and parts of a URL), RFC 1123 §2.1 (host names), RFC
6761 §6.3 (localhost), "Host parsing" of the WHATWG URL standard (what others read as an IPv4
address).
"""

import ipaddress
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from authflow.errors import ConfigError

__all__ = ["SafeUrl", "is_loopback", "safe_host", "safe_url"]

_CHARACTERS: Final = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
_PARTS: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<more>.*)"
)
_AUTHORITY: Final = re.compile(r"(?:\[(?P<ipv6>[^\[\]]*)\]|(?P<host>[^:\[\]]*))(?::(?P<port>.*))?")
_LABEL: Final = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_NUMBERED: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
"""Hosts that other programs read as an IPv4 address, even in an unusual spelling."""
_PORT: Final = re.compile(r"[0-9]{1,5}")
_LARGEST_PORT: Final = 65535
_ENCRYPTED: Final = {"http": "https", "ldap": "ldaps"}
"""For each scheme without TLS, the scheme with TLS."""


class SafeUrl(str):
    """An address that `safe_url` has accepted: a text in its normal spelling, and its parts."""

    __slots__ = ()

    @property
    def scheme(self) -> str:
        """The scheme, such as "https"."""
        return self.partition(":")[0]

    @property
    def host(self) -> str:
        """The host: a name or an IP address, in lower case and without brackets."""
        return urlsplit(self).hostname or ""

    @property
    def port(self) -> int | None:
        """The port, if the address names one."""
        return urlsplit(self).port

    @property
    def is_encrypted(self) -> bool:
        """Whether the address's scheme uses TLS."""
        return self.scheme in _ENCRYPTED.values()

    def refuse_insecure(self, name: str, *, unless: str = "") -> None:
        """Refuse the address if data sent there would cross a network without encryption.

        Args:
            name: What the setting is called.
            unless: What else can be done beside taking a scheme with TLS.

        Raises:
            ConfigError: The scheme has no TLS, and the host is not this machine.
        """
        if self.is_encrypted or is_loopback(self.host):
            return
        encrypted = _ENCRYPTED.get(self.scheme, "TLS")
        msg = (
            f"{name} must be {encrypted}, or on this machine: to {self.host} all would go in clear,"
            f" and anyone on the way could answer. Use {encrypted}"
            f"{unless and f', or {unless}'}"
        )
        raise ConfigError(msg)


def safe_url(
    text: object,
    name: str,
    *,
    schemes: Sequence[str] = ("https", "http"),
    base: bool = True,
    path: bool = True,
    insecure: bool = False,
    unless: str = "",
) -> SafeUrl:
    """Check an address that a setting gives, and return it.

    No error shows the address, since a password or a key may stand in it.

    Args:
        text: The address.
        name: What the setting is called, in errors.
        schemes: The schemes that it may have, in lower case.
        base: Whether more is put behind it. Then it has no query and no fragment, and loses the
            slashes at its end.
        path: Whether it may have a path.
        insecure: Whether it may lead to another machine without TLS; or the caller decides that
            afterwards, by `SafeUrl.refuse_insecure`.
        unless: What can be done beside taking a scheme with TLS, for the error.

    Returns:
        The address, with scheme and host in lower case.

    Raises:
        ConfigError: It is malformed, can be read in two ways, or is not safe.
    """
    try:
        found = _parsed(text)
        _check_parts(found, schemes, base=base, path=path)
    except _FlawError as flaw:
        msg = f"{name} must be a URL such as {schemes[0]}://example.com: {flaw}"
        raise ConfigError(msg) from None
    rest = found["path"].rstrip("/") if base else found["path"] + found["more"]
    url = SafeUrl(f"{found['scheme'].lower()}://{found['authority'].lower()}{rest}")
    if not insecure:
        url.refuse_insecure(name, unless=unless)
    return url


def safe_host(text: object, name: str) -> str:
    """Check a host that a setting names by itself, without scheme and port, and return it.

    Args:
        text: A host name, or an IP address without brackets.
        name: What the setting is called, in errors.

    Returns:
        The host, in lower case.

    Raises:
        ConfigError: It is neither, or can be read in two ways.
    """
    host = text.lower() if isinstance(text, str) and text.isascii() else ""
    if not (_is_ipv6(host) or _is_host(host)):
        msg = (
            f"{name} must be a host such as example.com or 192.0.2.1, or an IPv6 address without"
            " brackets; a name of other letters is written in its ASCII form (xn--)"
        )
        raise ConfigError(msg)
    return host


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, by its name or address alone; no look-up is made.

    An IPv4 address inside an IPv6 one is not: programs disagree about where it leads.

    Args:
        host: A name or an IP address, without brackets and port.
    """
    if host.lower() == "localhost":
        return True
    if _is_ipv6(host):
        return ipaddress.IPv6Address(host) == ipaddress.IPv6Address("::1")
    return _is_ipv4(host) and ipaddress.IPv4Address(host).is_loopback


class _FlawError(ValueError):
    """A flaw of an address; the text of the error shows nothing of the address."""


def _parsed(text: object) -> re.Match[str]:
    """Split an address into its parts.

    Raises:
        _FlawError: It cannot be done, or not in one way only.
    """
    if not isinstance(text, str):
        raise _FlawError("what is given is no text")
    if _CHARACTERS.fullmatch(text) is None:
        raise _FlawError(
            "it is empty, or holds white space, a backslash or another character that a URL cannot"
            " have; write a host of other letters in its ASCII form (xn--), the rest as %XX"
        )
    found = _PARTS.fullmatch(text)
    if found is None:
        raise _FlawError("it must begin with a scheme, :// and a host")
    if "@" in found["authority"]:
        raise _FlawError("it must hold no user name and no password")
    authority = _AUTHORITY.fullmatch(found["authority"].lower())
    if authority is None or not (
        _is_host(authority["host"]) if authority["ipv6"] is None else _is_ipv6(authority["ipv6"])
    ):
        raise _FlawError(
            "its host must be a name of letters, digits and -, or an IP address (IPv6 in [])"
        )
    if authority["port"] is not None and not _is_port(authority["port"]):
        raise _FlawError(f"its port must be a number from 1 to {_LARGEST_PORT}")
    return found


def _check_parts(found: re.Match[str], schemes: Sequence[str], *, base: bool, path: bool) -> None:
    """Check that an address has none of the parts that are forbidden here.

    Raises:
        _FlawError: It has one.
    """
    if found["scheme"].lower() not in schemes:
        raise _FlawError(f"its scheme must be {' or '.join(schemes)}")
    if found["path"].strip("/") and not path:
        raise _FlawError("it must have no path")
    if found["more"] and base:
        raise _FlawError("it must have no query (after ?) and no fragment (after #)")


def _is_host(host: str) -> bool:
    """Return whether a text is a host name or IPv4 address that others read in the same way."""
    if _NUMBERED.fullmatch(host):
        return _is_ipv4(host)
    return _NAME.fullmatch(host) is not None and _can_be_shown(host)


def _can_be_shown(host: str) -> bool:
    """Return whether labels in ASCII form (xn--, RFC 5891 §4.4) decode to a name.

    HTTP clients decode them, and fail in ways of their own at those that do not.
    """
    if "xn--" not in host:
        return True
    try:
        host.encode("ascii").decode("idna")
    except UnicodeError:
        return False
    return True


def _is_ipv4(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return "%" not in host  # no zone: it names another network on every machine


def _is_port(port: str) -> bool:
    return _PORT.fullmatch(port) is not None and 0 < int(port) <= _LARGEST_PORT
