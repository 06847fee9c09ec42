"""A reply as the ground makes it: a status, JSON, headers and cookies; and that of an error.

No reply is kept by a cache: there are tokens in some, and a copy of the others would be stale.

Sources: RFC 6750 §3 (WWW-Authenticate), RFC 9111 §5.2.2.5 (no-store), RFC 9110 §10.2.3.
"""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import evolve, field, frozen

from authflow.errors import AskAgainError, AuthFlowError, TokenError, TokenPermissionError
from authflow.integrations.web.cookies import NewCookie
from authflow.integrations.web.error_statuses import retry_after, shown, told
from authflow.integrations.web.request_errors import MalformedRequestError, MethodNotAllowedError
from authflow.printable import one_line

_OUTSIDE: Final = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
"""The characters that WWW-Authenticate cannot hold between its quotation marks."""
_UNAUTHORIZED: Final = 401
_OWNERS: Final = 500

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class WebReply:
    """A reply. Nothing of its JSON and of its cookies stands in its repr.

    Args:
        status: The HTTP status.
        members: The JSON object.
        headers: Further headers.
        cookies: Cookies to be set.
    """

    status: int = 200
    members: Mapping[str, Any] = field(factory=dict, repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    cookies: tuple[NewCookie, ...] = field(default=(), repr=False)

    def body(self) -> bytes:
        """Return the JSON."""
        return json.dumps(self.members, separators=(",", ":"), ensure_ascii=True).encode()

    def header_lines(self) -> Iterator[tuple[str, str]]:
        """Yield all headers, but for the body's length."""
        yield "content-type", "application/json"
        yield "cache-control", "no-store"
        yield "x-content-type-options", "nosniff"
        yield from self.headers
        for cookie in self.cookies:
            yield "set-cookie", cookie.header().reveal()

    def setting(self, *cookies: NewCookie) -> "WebReply":
        """Return the reply with further cookies.

        Args:
            *cookies: The cookies.
        """
        return evolve(self, cookies=(*self.cookies, *cookies))


def error_reply(error: AuthFlowError) -> WebReply:
    """Return the reply that tells an error. What the owner must know is logged.

    Args:
        error: The error.
    """
    how = shown(error)
    if not how.tells:
        _log.error("%s: %s", error.code, one_line(error.message))
    about: dict[str, Any] = {
        "code": error.code,
        "message": told(error),
        "next": error.next_step.value,
    }
    if isinstance(error, AskAgainError) and error.field is not None:
        about["field"] = error.field
    headers: list[tuple[str, str]] = []
    seconds = retry_after(error)
    if seconds is not None:
        about["retry_after"] = seconds
        headers.append(("retry-after", str(seconds)))
    challenge = _challenge(error, how.status)
    if challenge is not None:
        headers.append(("www-authenticate", challenge))
    if isinstance(error, MethodNotAllowedError):
        headers.append(("allow", error.allowed))
    return WebReply(status=how.status, members={"error": about}, headers=tuple(headers))


def _challenge(error: AuthFlowError, status: int) -> str | None:
    """Return the value of WWW-Authenticate; None where there is none.

    A token that is refused is told why, and a request without one is not (RFC 6750 §3.1).
    """
    match error:
        case TokenPermissionError():
            code = "insufficient_scope"
        case TokenError():
            code = "invalid_token"
        case MalformedRequestError():
            return 'Bearer error="invalid_request"' if error.is_of_token else None
        case _:
            return "Bearer" if status == _UNAUTHORIZED else None
    return f'Bearer error="{code}", error_description="{_OUTSIDE.sub("?", error.message)}"'
