"""Small stores that several processes share: Redis or Valkey, DynamoDB, the system's keyring.

`RedisStore` needs the extra `redis`, `KeyringStore` the extra `keyring`; `MemoryStore` serves one
process.
"""

from typing import TYPE_CHECKING

from authflow.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from authflow.stores.dynamodb import DynamoDbStore
    from authflow.stores.keyring import KeyringStore
    from authflow.stores.redis import RedisStore
    from authflow.stores.store import MemoryStore, Store, Stored
else:
    __getattr__, __dir__ = _lazy_names(
        __name__,
        {
            "authflow.stores.dynamodb": "DynamoDbStore",
            "authflow.stores.keyring": "KeyringStore",
            "authflow.stores.redis": "RedisStore",
            "authflow.stores.store": "Store MemoryStore Stored",
        },
    )

__all__ = [
    "DynamoDbStore",
    "KeyringStore",
    "MemoryStore",
    "RedisStore",
    "Store",
    "Stored",
]
