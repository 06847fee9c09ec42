"""A user's canonical name, as the tokens tell it.

Source: "Using tokens with user pools" in the Amazon Cognito developer guide: `cognito:username` of
the id token and `username` of the access token. Neither can be changed by a trigger.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jws import extract_compact

from authflow.given_secrets import is_text
from authflow.results import Tokens
from authflow.secret import Secret

_TOKEN_CHARS: Final = 16 * 1024
"""More characters than any of Cognito's tokens has."""


def username_in(identity: Mapping[str, Any], access: Mapping[str, Any]) -> str | None:
    """Return the user's canonical name in the pool.

    Args:
        identity: The id token's claims.
        access: The access token's claims.

    Returns:
        The name; None if neither token tells it.
    """
    for name in (identity.get("cognito:username"), access.get("username")):
        if is_text(name) and name:
            return str(name)
    return None


def unverified_username(tokens: Tokens) -> str | None:
    """Return the user's canonical name from tokens that are not verified.

    Returns:
        The name; None if the tokens cannot be read, or do not tell it.
    """
    return username_in(unverified_claims(tokens.id_token), unverified_claims(tokens.access_token))


def unverified_claims(token: Secret[str]) -> Mapping[str, Any]:
    """Return a token's claims, which nobody has proved; none if they cannot be read."""
    if len(token.reveal()) > _TOKEN_CHARS:
        return {}
    try:
        claims = json.loads(extract_compact(token.reveal().encode("ascii")).payload)
    except (JoseError, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, Mapping) else {}
