"""Origins of requests: those whose pages may ask, by what browsers say of a page.

Browsers say where the page of a request is from, in Origin and in Sec-Fetch-Site; programs say
neither. A page may ask if it is of this very origin, or of one that the service has named. The
scheme of this origin is https, unless the service was told that it is on this machine in clear:
behind a proxy that ends TLS, a server does not know it.

Sources: RFC 6454 §7 (Origin), Fetch Metadata Request Headers (W3C) §2.3, "Cross-Site Request
Forgery Prevention Cheat Sheet" of OWASP.
"""

import re
from typing import Final

from attrs import field, frozen

from authflow.errors import ConfigError
from authflow.integrations.bearer import Origin
from authflow.integrations.web.request_errors import ForeignOriginError, MalformedRequestError
from authflow.integrations.web.web_request import WebRequest
from authflow.safe_url import is_loopback, safe_url

_ORIGIN: Final = re.compile(r"https?://[^/?#@]+")
_SITES: Final = frozenset({"same-origin", "none", "same-site"})
"""The sites from which a request may come; from the last one only by an origin that is named."""


@frozen(kw_only=True)
class RequestOrigins:
    """The origins whose pages may ask.

    Args:
        named: Beside this very origin.
        in_clear: Whether this origin is on this machine, and reached in clear.
    """

    named: frozenset[Origin] = field(default=frozenset())
    in_clear: bool = False

    def check(self, request: WebRequest, *, told: bool = False) -> None:
        """Refuse a request that a page of another origin sent.

        Args:
            request: The request.
            told: Whether the browser must have said where it is from, as it does for WebSockets.

        Raises:
            ForeignOriginError: A page of another origin sent it.
            MalformedRequestError: It does not say once which host it is for.
        """
        own = self._own(request)
        said, site = request.value("origin"), request.value("sec-fetch-site")
        if said is None:
            if told or site not in {None, "same-origin", "none"}:
                raise _foreign()
            return
        origin = _read(said)
        if origin != own and origin not in self.named:
            raise _foreign()
        if site is not None and site not in _SITES:
            raise _foreign()

    def _own(self, request: WebRequest) -> Origin:
        host = request.value("host")
        scheme = "http" if self.in_clear else "https"
        own = None if host is None else _read(f"{scheme}://{host}")
        if own is None:
            msg = "the request must say which host it is for, in one Host header"
            raise MalformedRequestError(msg)
        if self.in_clear and not is_loopback(own.host):
            msg = (
                "this service was set up for this machine alone (insecure_loopback):"
                " reach it as localhost, or over TLS"
            )
            raise MalformedRequestError(msg)
        return own


def _read(text: str) -> Origin | None:
    """Return an origin; None if the text is none."""
    if not _ORIGIN.fullmatch(text):
        return None
    try:
        url = safe_url(text, "an origin", path=False, insecure=True)
    except ConfigError:
        return None
    return Origin.of(url.scheme, url.host, url.port)


def _foreign() -> ForeignOriginError:
    return ForeignOriginError(
        "a page of another origin sent this request: name the origin in `origins` if it is yours."
        " A page at http://localhost is of another one, unless insecure_loopback is set"
    )
