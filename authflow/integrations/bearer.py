"""A user's token in an Authorization header, and the origins that may see it.

A bearer token serves whoever reads it. So it goes to origins, and not to whatever address a program
or a redirect names; and an origin is reached over TLS, or is on this machine.

Sources: RFC 6750 §2.1 (the header) and §5.3 (TLS, and no other recipients), RFC 6454 §4 (origins).
"""

from collections.abc import Iterable
from typing import Final, Self, cast

from attrs import field, frozen

from authflow.errors import ConfigError
from authflow.safe_url import is_loopback, safe_url
from authflow.secret import Secret
from authflow.tokens.token_source import (
    PlainTokenSource,
    TokenKind,
    TokenSource,
    checked_kind,
    checked_source,
    fresh_token,
    fresh_token_here,
)
from authflow.unframed import whole

UNAUTHORIZED: Final = 401
"""HTTP's status for a request whose token is missing, or no good (any more)."""
_PORTS: Final = {"http": 80, "https": 443}


@frozen(kw_only=True)
class Origin:
    """The part of an address that says who answers.

    Args:
        scheme: "https" or "http".
        host: The host, in lower case and without brackets.
        port: The port.
    """

    scheme: str
    host: str
    port: int | None

    @classmethod
    def of(cls, scheme: str, host: str, port: int | None) -> Self:
        """Return an origin; where no port is named, it is the scheme's own."""
        return cls(scheme=scheme, host=host, port=_PORTS.get(scheme) if port is None else port)

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way reads what is sent there."""
        return self.scheme == "https" or (self.scheme == "http" and is_loopback(self.host))


def origins_of(given: Iterable[str] | str | frozenset[Origin]) -> frozenset[Origin]:
    """Read origins as a setting names them.

    Args:
        given: Their addresses, such as "https://api.example.com".

    Raises:
        ConfigError: One is no address, has a path, or is reached in clear.
    """
    try:
        texts = (given,) if isinstance(given, str) else tuple(given)
    except TypeError:
        kind = type(given).__name__
        msg = f"origins must be addresses, such as https://api.example.com, not {kind}"
        raise ConfigError(msg) from None
    return frozenset(each if isinstance(each, Origin) else _origin(each) for each in texts)


def _origin(text: object) -> Origin:
    url = safe_url(text, "an origin", path=False)
    return Origin.of(url.scheme, url.host, url.port)


@whole
@frozen(kw_only=True, eq=False)
class Bearer:
    """A user's token, for the header of requests to some origins.

    Args:
        user: Whose token it is.
        token: Which one.
        origins: Who may see it, such as "https://api.example.com".

    Raises:
        MisuseError: The user gives no tokens, or there is no such kind of token.
        ConfigError: An origin is malformed, has a path, or is reached in clear.
    """

    # Whether it is synchronous shows when it is asked: a plain function may give what is awaited.
    user: TokenSource | PlainTokenSource = field(converter=checked_source, repr=False)
    token: TokenKind = field(converter=checked_kind)
    origins: frozenset[Origin] = field(converter=origins_of)

    def require_origins(self) -> None:
        """Refuse to go anywhere.

        Raises:
            ConfigError: No origin was named.
        """
        if not self.origins:
            msg = "origins must name who may see the token, such as https://api.example.com"
            raise ConfigError(msg)

    async def header(self) -> Secret[str]:
        """Return the value of the Authorization header.

        Raises:
            MisuseError: The user is a synchronous one.
            AuthFlowError: There is no token that is good.
        """
        token = await fresh_token(cast("TokenSource", self.user), self.token)
        return Secret(f"Bearer {token.reveal()}")

    def header_here(self) -> Secret[str]:
        """Return the same for synchronous code.

        Raises:
            MisuseError: The user is an asynchronous one.
            AuthFlowError: There is no token that is good.
        """
        token = fresh_token_here(cast("PlainTokenSource", self.user), self.token)
        return Secret(f"Bearer {token.reveal()}")
