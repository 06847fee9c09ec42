"""Small stores that several processes share: memory, Redis or Valkey, DynamoDB.

`RedisLimitStore` needs the extra `redis`.
"""

from typing import TYPE_CHECKING

from authflow.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from authflow.stores.dynamodb import DynamoDbLimitStore
    from authflow.stores.redis import RedisLimitStore
    from authflow.stores.store import LimitStore, MemoryLimitStore, Stored
else:
    __getattr__, __dir__ = _lazy_names(
        __name__,
        {
            "authflow.stores.dynamodb": "DynamoDbLimitStore",
            "authflow.stores.redis": "RedisLimitStore",
            "authflow.stores.store": "LimitStore MemoryLimitStore Stored",
        },
    )

__all__ = [
    "DynamoDbLimitStore",
    "LimitStore",
    "MemoryLimitStore",
    "RedisLimitStore",
    "Stored",
]
