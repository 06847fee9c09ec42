"""The client for synchronous code: Flask, Django, Celery, scripts, notebooks.

Its classes are called as the asynchronous ones, take and give the same values, and raise the same
errors; they wait where those are awaited. All calls of a process run on one event loop, in a thread
of its own that the first call begins.
"""

from typing import TYPE_CHECKING

from authflow.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from authflow.sync.admin_client import AdminClient
    from authflow.sync.auth_client import AuthClient
    from authflow.sync.identity_pool import IdentityPool
    from authflow.sync.plain_prompt import PlainPrompt
    from authflow.sync.signed_in_user import SignedInUser
    from authflow.sync.token_verifier import TokenVerifier
else:
    __getattr__, __dir__ = _lazy_names(
        __name__,
        {
            "authflow.sync.admin_client": "AdminClient",
            "authflow.sync.auth_client": "AuthClient",
            "authflow.sync.identity_pool": "IdentityPool",
            "authflow.sync.plain_prompt": "PlainPrompt",
            "authflow.sync.signed_in_user": "SignedInUser",
            "authflow.sync.token_verifier": "TokenVerifier",
        },
    )

__all__ = [
    "AdminClient",
    "AuthClient",
    "IdentityPool",
    "PlainPrompt",
    "SignedInUser",
    "TokenVerifier",
]
