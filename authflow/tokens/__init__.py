"""Tokens, verified against the keys of their user pool. No client is needed."""

from typing import TYPE_CHECKING

from authflow.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from authflow.tokens.token_source import TokenSource
    from authflow.tokens.verifier import TokenVerifier
else:
    __getattr__, __dir__ = _lazy_names(
        __name__,
        {
            "authflow.tokens.token_source": "TokenSource",
            "authflow.tokens.verifier": "TokenVerifier",
        },
    )

__all__ = [
    "TokenSource",
    "TokenVerifier",
]
