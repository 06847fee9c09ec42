"""The page behind a link that confirms a sign-up.

It is the only thing here that a browser may be led to from anybody's page, as from a mailbox in the
web: the code in the link is the proof. Nothing in the page is what was in the link. Whoever only
looks at where a link leads (HEAD), as mail filters do, uses up no code.
"""

import html
from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from authflow.pool.confirmations.confirmation_links import LINK_PATH, read_link

OPERATION: Final = "ConfirmSignUp"
"""The operation that a link stands for."""
_CONFIRMED: Final = "Your registration has been confirmed!"
_HEADERS: Final[Mapping[str, str]] = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_PAGE: Final = '<!doctype html>\n<html lang="en"><title>Sign-up</title><p>{}</p></html>\n'


def is_link(scope: Scope) -> bool:
    """Return whether a request is for the page, without having read more than its head."""
    path: str = scope["path"]
    return scope["method"] == "GET" and path.endswith(f"/{LINK_PATH}")


def members_of(request: Request) -> dict[str, Any]:
    """Return the members of the operation, as the link has them; they are not validated yet."""
    return dict(read_link(request.query_params))


def page(text: str = _CONFIRMED, status: int = 200) -> Response:
    """Return the page.

    Args:
        text: What it says: that the user is confirmed, or why not.
        status: The HTTP status.
    """
    return Response(_PAGE.format(html.escape(text)), status, _HEADERS, media_type="text/html")
