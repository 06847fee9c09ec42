"""A store in Amazon DynamoDB.

The table has one string attribute as its partition key, `name`, and no sort key. Let DynamoDB
delete what has expired: switch time to live on for the attribute `expires_at`. It deletes hours
late, so entries carry their time and are not given any more once it is over.

| attribute | type | what |
|---|---|---|
| `name` | S, partition key | the entry's key |
| `value` | B | what is kept |
| `version` | S | which state this is |
| `expires_at` | N, time to live | seconds since the epoch, rounded up |

Whoever uses it needs `dynamodb:GetItem` and `dynamodb:PutItem` on the table.

Sources: "Condition expressions" and "Using time to live (TTL)" in the DynamoDB developer guide.
"""

import logging
import math
import secrets
import time
from collections.abc import Callable
from typing import Any, Final

from attrs import define, field
from botocore.exceptions import BotoCoreError, ClientError

from authflow.aws.connection import AwsConnection
from authflow.errors import ConfigError, StoreEntryError, StoreUnavailableError
from authflow.stores.store import Stored, check_kept
from authflow.unframed import whole

_CONDITION_FAILED: Final = "ConditionalCheckFailedException"
_IN_USE: Final = "ResourceInUseException"
_NAMES: Final = {"#version": "version", "#until": "expires_at"}

_log = logging.getLogger(__name__)


@whole
@define(kw_only=True, eq=False)
class DynamoDbStore(AwsConnection):
    """Keeps entries in a table of DynamoDB, for any number of processes.

    It belongs to the event loop that first uses it. As an async context manager it closes its
    connections at the end, unless the client is the caller's.

    Args:
        table: The table's name.
        client: A client for "dynamodb" of aiobotocore's; by default one is made at the first use,
            with AWS's usual credentials.
        region: The table's region, where the environment does not say it.
        endpoint: Another address than AWS's.
        clock: Gives seconds since the epoch.

    Raises:
        ConfigError: The table has no name, or the client comes with a region or an endpoint.
    """

    service = "dynamodb"

    table: str
    clock: Callable[[], float] = field(default=time.time, repr=False)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.table, str) or not self.table:
            msg = "DynamoDbStore: name the table"
            raise ConfigError(msg)
        AwsConnection.__attrs_post_init__(self)

    async def create_table(self) -> None:
        """Create the table if it is missing, paid by request: for development and tests.

        Raises:
            StoreUnavailableError: DynamoDB cannot be asked.
        """
        try:
            await self._call(
                "create_table",
                AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
                BillingMode="PAY_PER_REQUEST",
            )
        except StoreUnavailableError as error:
            # The table exists, perhaps since the SDK repeated a request whose reply was lost.
            if _code(error.__cause__) != _IN_USE:
                raise
        client = await self.connected()
        await client.get_waiter("table_exists").wait(TableName=self.table)
        told = await self._call("describe_time_to_live")
        if told["TimeToLiveDescription"]["TimeToLiveStatus"] != "ENABLED":
            await self._call(
                "update_time_to_live",
                TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"},
            )

    async def read(self, key: str) -> Stored | None:
        """Return an entry.

        Args:
            key: Its key.

        Raises:
            StoreUnavailableError: DynamoDB cannot be asked.
            StoreEntryError: Something else wrote the entry.
        """
        reply = await self._call("get_item", Key={"name": {"S": key}}, ConsistentRead=True)
        item = reply.get("Item")
        if item is None:
            return None
        try:
            expires_at = int(item["expires_at"]["N"])
            stored = Stored(value=item["value"]["B"], version=item["version"]["S"])
        except (KeyError, ValueError) as error:
            msg = "an entry in DynamoDB was not written by authflow"
            raise StoreEntryError(msg) from error
        return stored if self.clock() < expires_at else None

    async def replace(
        self, key: str, value: bytes, *, expected: str | None, seconds: float
    ) -> bool:
        """Write an entry, unless another process has changed it in between.

        Args:
            key: Its key.
            value: What to keep.
            expected: The version that was read; None if there was no entry.
            seconds: When it expires, from now on.

        Raises:
            ConfigError: The seconds are none.
            StoreUnavailableError: DynamoDB cannot be asked.
        """
        check_kept(seconds)
        now, version = self.clock(), secrets.token_hex(16)
        values = {":now": {"N": str(math.floor(now))}, ":new": {"S": version}}
        unchanged = "attribute_not_exists(#version) OR #until <= :now"
        if expected is not None:
            unchanged = "(#version = :expected AND #until > :now)"
            values[":expected"] = {"S": expected}
        try:
            await self._call(
                "put_item",
                Item={
                    "name": {"S": key},
                    "value": {"B": value},
                    "version": {"S": version},
                    "expires_at": {"N": str(math.ceil(now + seconds))},
                },
                # The new version is there if the SDK repeats a request whose reply was lost.
                ConditionExpression=f"{unchanged} OR #version = :new",
                ExpressionAttributeNames=_NAMES,
                ExpressionAttributeValues=values,
            )
        except StoreUnavailableError as error:
            if _code(error.__cause__) == _CONDITION_FAILED:
                return False
            raise
        return True

    async def _call(self, operation: str, **parameters: Any) -> Any:
        try:
            return await self.call(operation, TableName=self.table, **parameters)
        except (BotoCoreError, ClientError, OSError) as error:
            code = _code(error)
            if code not in {_CONDITION_FAILED, _IN_USE}:
                _log.error("DynamoDB refuses %s: %s", operation, code or type(error).__qualname__)
            msg = "the store in DynamoDB cannot be asked now; try later"
            raise StoreUnavailableError(msg) from error


def _code(error: BaseException | None) -> str | None:
    """Return AWS's code of an error, if the error came from AWS."""
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else None
