"""The tokens that name the next page of a list: a position in it, in letters of a web address."""

import base64
import math
from typing import Final

from authflow.pool.cognito_errors import invalid_parameter

NEXT_TOKEN_REFUSAL: Final = "Invalid NextToken."
"""The text for a NextToken that is none of ours."""
PAGINATION_TOKEN_REFUSAL: Final = "Invalid pagination token."
"""The same for a PaginationToken."""


def page_token(position: str) -> str:
    """Return the token of the page that begins after a position.

    Args:
        position: The last row of the page before, by what the list is ordered by.
    """
    return base64.urlsafe_b64encode(position.encode()).decode()


def read_page_token(token: str | None, refusal: str = NEXT_TOKEN_REFUSAL) -> str:
    """Return the position that a page begins after, "" for the first page.

    Args:
        token: The token; None for the first page. No token but None is read as that, or whoever
            has a damaged one would begin anew without knowing.
        refusal: The text for a token that was not made by `page_token`.

    Raises:
        CognitoError: It was not.
    """
    if token is None:
        return ""
    try:
        position = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError:
        position = ""
    if not position or page_token(position) != token:
        raise invalid_parameter(refusal, reason=refusal)
    return position


def timed_page_token(at: float, name: str) -> str:
    """Return the token of the page that begins after a row of a list that goes by time.

    Args:
        at: The row's time, in seconds since the epoch.
        name: What tells it from others of that time.
    """
    return page_token(_timed(at, name))


def read_timed_page_token(token: str, refusal: str) -> tuple[float, str]:
    """Return the time and the name of the row that a page begins after.

    Args:
        token: The token.
        refusal: The text for a token that was not made by `timed_page_token`.

    Raises:
        CognitoError: It was not.
    """
    position = read_page_token(token, refusal)
    time, _, name = position.partition(" ")
    try:
        at = float(time)
    except ValueError:
        at = math.nan
    # Compared as it would be written, since float() reads "1_0" and " 1" as well.
    if not (math.isfinite(at) and name.isprintable() and _timed(at, name) == position):
        raise invalid_parameter(refusal, reason=refusal)
    return at, name


def _timed(at: float, name: str) -> str:
    return f"{float(at)!r} {name}"
