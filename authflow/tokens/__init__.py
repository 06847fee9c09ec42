"""Tokens, verified against the keys of their user pool. No client is needed."""

from typing import TYPE_CHECKING

from authflow.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from authflow.tokens.claims import AccessClaims, IdClaims
    from authflow.tokens.requirement import AllOf, AnyOf
    from authflow.tokens.token_source import PlainTokenSource, TokenSource
    from authflow.tokens.trusted_pool import TrustedPool
    from authflow.tokens.verifier import TokenVerifier
else:
    __getattr__, __dir__ = _lazy_names(
        __name__,
        {
            "authflow.tokens.claims": "AccessClaims IdClaims",
            "authflow.tokens.requirement": "AllOf AnyOf",
            "authflow.tokens.token_source": "PlainTokenSource TokenSource",
            "authflow.tokens.trusted_pool": "TrustedPool",
            "authflow.tokens.verifier": "TokenVerifier",
        },
    )

__all__ = [
    "AccessClaims",
    "AllOf",
    "AnyOf",
    "IdClaims",
    "PlainTokenSource",
    "TokenSource",
    "TokenVerifier",
    "TrustedPool",
]
