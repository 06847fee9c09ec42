"""The tokens that name the next page of a list: a position in it, in letters of a web address."""

import base64
from typing import Final

from authflow.pool.cognito_errors import invalid_parameter

NEXT_TOKEN_REFUSAL: Final = "Invalid NextToken."
"""The text for a NextToken that is none of ours."""


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
