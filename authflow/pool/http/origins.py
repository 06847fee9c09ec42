"""Permitted origins of requests: programs that name this server, and no page of another origin.

Administration needs no credentials, so what keeps a web page in a developer's browser from it is
decided here, for every path alike:

- The Host must be a name of this server. A page whose own name was made to lead here (DNS
  rebinding) sends that name. An IP address has no name that could be made to lead elsewhere, so the
  very address that a connection came in on will do, too.
- Browsers say of a page's requests where the page is from, in Origin and Sec-Fetch-Site (Fetch
  Metadata, W3C): only a page of this very origin may ask. Programs send neither.
- There is no CORS: what a page of another origin asks is refused, not answered unread.
- One page is reached by links, and so from anywhere: in a window of its own, and not by a script, a
  picture or a frame (Sec-Fetch-Mode, Sec-Fetch-Dest).
"""

import ipaddress
import re
from collections.abc import Iterable
from typing import Final

from attrs import field, frozen
from starlette.datastructures import Headers

from authflow.pool.cognito_errors import CognitoError
from authflow.safe_url import is_loopback, safe_host

LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")
_AUTHORITY: Final = re.compile(
    r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{0,5}))?"
)
_ORIGIN: Final = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#@]+)")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_OWN_SITES: Final = frozenset({"same-origin", "none"})


@frozen
class Authority:
    """A host and a port, in a normal spelling.

    Args:
        host: A name in lower case, or an IP address without brackets.
        port: The port, if one is named.
    """

    host: str
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Authority | None":
        """Read a Host header, or the authority of an origin; None if it is neither.

        Source: RFC 9112 §3.2, RFC 3986 §3.2. A name's last dot means nothing here.
        """
        found = _AUTHORITY.fullmatch(text)
        if found is None:
            return None
        host = address(found["ipv6"]) if found["ipv6"] else (found["name"] or "").lower()
        host = host.removesuffix(".") if host else host
        return cls(host, int(found["port"]) if found["port"] else None) if host else None


def address(text: str) -> str:
    """Return the normal spelling of an IP address; "" if it is none, or has a zone."""
    try:
        return "" if "%" in text else str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def is_wildcard(host: str) -> bool:
    """Return whether a host is the address that stands for all addresses of a machine."""
    own = address(host)
    return own != "" and ipaddress.ip_address(own).is_unspecified


def _came_in_on(local: str) -> str:
    """Return a connection's own address; in IPv6 sockets IPv4 addresses are unwrapped."""
    return address(local.removeprefix("::ffff:")) or address(local)


def server_name(text: object, setting: str) -> str:
    """Check a name under which clients reach the server, and return it.

    Args:
        text: A host name, or an IP address without brackets, and no port.
        setting: What the setting is called.

    Raises:
        ConfigError: It is neither.
    """
    host = text.removesuffix(".") if isinstance(text, str) else text
    return safe_host(host, setting)


def _names(names: Iterable[str]) -> frozenset[str]:
    return frozenset(address(name) or name for name in names)


@frozen(kw_only=True)
class Origins:
    """Refuses requests that were sent to another server, or by a page of another origin.

    Args:
        names: The server's names and addresses, in lower case.
    """

    names: frozenset[str] = field(converter=_names)

    def check(self, headers: Headers, local: str, *, linked: bool = False) -> None:
        """Refuse a request that names another server, or that a page of another origin sent.

        Args:
            headers: Its headers.
            local: The address that its connection came in on.
            linked: Whether it is for the page that links lead to from anywhere.

        Raises:
            CognitoError: It names another server, or a page of another origin sent it.
        """
        hosts = headers.getlist("host")
        if len(hosts) > 1:  # RFC 9112 §3.2
            raise CognitoError("SerializationException", "The request has two Host headers.")
        authority = Authority.parse(hosts[0]) if hosts else None
        if authority is None or not self._is_ours(authority.host, local):
            raise CognitoError(
                "ForbiddenException",
                "The server has another name: --allow-host gives it one more.",
                403,
            )
        if not (
            all(_is_own(origin, authority) for origin in headers.getlist("origin"))
            and (
                _OWN_SITES.issuperset(headers.getlist("sec-fetch-site"))
                or (linked and _is_visit(headers))
            )
        ):
            raise CognitoError(
                "ForbiddenException", "Pages of other origins may not ask: send no Origin.", 403
            )

    def _is_ours(self, host: str, local: str) -> bool:
        return host in self.names or host == _came_in_on(local)


def _is_visit(headers: Headers) -> bool:
    """Return whether a browser opens what it asks for in a window, as somebody follows a link."""
    visit = (["navigate"], ["document"])
    return (headers.getlist("sec-fetch-mode"), headers.getlist("sec-fetch-dest")) == visit


def _is_own(origin: str, authority: Authority) -> bool:
    """Return whether an origin is this server, as the request addressed it.

    With TLS it is that only where something before the server ends TLS, so on no loopback name.
    """
    found = _ORIGIN.fullmatch(origin)
    theirs = Authority.parse(found["authority"]) if found else None
    if found is None or theirs is None or theirs.host != authority.host:
        return False
    if found["scheme"] == "https" and is_loopback(authority.host):
        return False
    port = _DEFAULT_PORTS[found["scheme"]]
    return (theirs.port or port) == (authority.port or port)
