"""Cookies: which ones a sign-in has, how they are read, and how they are set.

All are HttpOnly, and Secure with the name's prefix `__Host-`: then no page of a neighbouring host
can have set them, and none but this host gets them. On this machine alone they may go in clear,
which is a setting; then they have no prefix, since browsers would not take it.

Sources: RFC 6265 §4.1.1 (characters) and §6.1 (sizes), RFC 6265bis §4.1.3.2 (`__Host-`) and §5.6.7
(SameSite), "Session Management Cheat Sheet" of OWASP.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from attrs import frozen

from authflow.integrations.web.request_errors import MalformedRequestError
from authflow.integrations.web.web_request import WebRequest
from authflow.secret import Secret

MOST_CHARS: Final = 32_768
"""The most characters of all Cookie headers; servers have lower bounds of their own."""
_VALUE: Final = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+")
HOST_PREFIX: Final = "__Host-"


@frozen(kw_only=True)
class NewCookie:
    """A cookie to be set, or to be taken away.

    Args:
        name: Its name.
        value: Its value; None takes it away.
        seconds: For how long; None for as long as the browser runs.
        same_site: "Strict" or "Lax".
        secure: Whether it goes over TLS alone.
    """

    name: str
    value: Secret[str] | None = None
    seconds: int | None = None
    same_site: str = "Strict"
    secure: bool = True

    def header(self) -> Secret[str]:
        """Return the value of Set-Cookie."""
        value = "" if self.value is None else self.value.reveal()
        seconds = 0 if self.value is None else self.seconds
        parts = [f"{self.name}={value}", "Path=/", "HttpOnly", f"SameSite={self.same_site}"]
        parts += ["Secure"] if self.secure else []
        parts += [] if seconds is None else [f"Max-Age={seconds}"]
        return Secret("; ".join(parts))


@frozen(kw_only=True)
class CookieNames:
    """The names of the cookies.

    Args:
        browser: What stands for this browser, and CSRF tokens go with.
        sign_in: The ticket of a pending sign-in.
        session: The handle of a user who is signed in.
        secure: Whether they go over TLS alone.
    """

    browser: str
    sign_in: str
    session: str
    secure: bool

    @classmethod
    def of(cls, name: str, *, secure: bool) -> "CookieNames":
        """Make the names.

        Args:
            name: What they have in common.
            secure: Whether they go over TLS alone.
        """
        prefix = f"{HOST_PREFIX if secure else ''}{name}"
        return cls(
            browser=f"{prefix}-browser",
            sign_in=f"{prefix}-sign-in",
            session=f"{prefix}-session",
            secure=secure,
        )


def read_cookies(request: WebRequest, names: Iterable[str]) -> Mapping[str, Secret[str]]:
    """Read some cookies of a request, and nothing of the others.

    Args:
        request: The request.
        names: Their names.

    Returns:
        Those that are there, and have the form of a cookie's value.

    Raises:
        MalformedRequestError: There are too many, or one is there twice with different values:
            somebody else has set one of them, and nobody knows which.
    """
    wanted, found = frozenset(names), dict[str, Secret[str]]()
    headers = request.values("cookie")
    if sum(map(len, headers)) > MOST_CHARS:
        msg = f"the cookies have more than {MOST_CHARS} characters: delete this site's cookies"
        raise MalformedRequestError(msg)
    for header in headers:
        for part in header.split(";"):
            name, _, value = part.strip(" \t").partition("=")
            if name not in wanted or not _VALUE.fullmatch(value):
                continue
            if found.setdefault(name, Secret(value)) != Secret(value):
                del header, part, value, headers
                msg = f"the cookie {name} is there twice: delete this site's cookies"
                raise MalformedRequestError(msg)
    return found
