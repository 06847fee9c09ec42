"""Connections to AWS's services, for authflow and for plugins."""

from typing import TYPE_CHECKING

from authflow.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from authflow.aws.connection import AwsConnection
    from authflow.aws.identity_pool import AwsCredentials, IdentityPool
    from authflow.aws.kms_key import KmsKey
else:
    __getattr__, __dir__ = _lazy_names(
        __name__,
        {
            "authflow.aws.connection": "AwsConnection",
            "authflow.aws.identity_pool": "AwsCredentials IdentityPool",
            "authflow.aws.kms_key": "KmsKey",
        },
    )

__all__ = [
    "AwsConnection",
    "AwsCredentials",
    "IdentityPool",
    "KmsKey",
]
