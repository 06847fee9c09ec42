"""Connections to AWS's services, for authflow and for plugins."""

from typing import TYPE_CHECKING

from authflow.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from authflow.aws.connection import AwsConnection
else:
    __getattr__, __dir__ = _lazy_names(
        __name__,
        {
            "authflow.aws.connection": "AwsConnection",
        },
    )

__all__ = [
    "AwsConnection",
]
