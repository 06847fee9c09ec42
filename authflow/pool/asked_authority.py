"""The name and port under which a request reached the server, for addresses that it is told.

Who could ask under that name can come again under it: the door has let nobody in who named another
server.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_OF_THE_REQUEST: Final = ContextVar[str]("authority of the request", default="localhost")


@contextmanager
def asked_at(authority: str) -> Iterator[None]:
    """Serve a request inside.

    Args:
        authority: Its Host header, which was checked.
    """
    token = _OF_THE_REQUEST.set(authority)
    try:
        yield
    finally:
        _OF_THE_REQUEST.reset(token)


def asked_authority() -> str:
    """Return the name and port of the request that is served; "localhost" outside of one."""
    return _OF_THE_REQUEST.get()


def asked_address(public: str) -> str:
    """Return the address under which the server is asked, without a slash at its end.

    Behind a proxy that ends TLS no request says that it came by https; what the server was told of
    its public address does, for whoever asks there.

    Args:
        public: The server's public address, or the one where it listens.
    """
    scheme, _, rest = public.partition("://")
    authority, known = asked_authority(), rest.partition("/")[0]
    port = _DEFAULT_PORTS[scheme]
    if authority.lower().removesuffix(port) == known.lower().removesuffix(port):
        return public
    return f"http://{authority}"
