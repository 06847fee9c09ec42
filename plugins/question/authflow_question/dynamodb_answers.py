"""A store of answers in Amazon DynamoDB.

| attribute | type | what |
|---|---|---|
| `user_pool_id` | S, partition key | the user pool |
| `username` | S, sort key | the user's canonical name |
| `answers` | M | for each question's id an M of `key_id` (S) and `hash` (S) |

The triggers need `dynamodb:GetItem` on the table alone. Who enrols needs `dynamodb:PutItem`, and
who deletes a user `dynamodb:DeleteItem`: a user that is made anew under a deleted one's name would
have the answers of the old one.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import define
from botocore.exceptions import BotoCoreError, ClientError

from authflow.aws import AwsConnection
from authflow.plugins import ConfigError
from authflow_question.answers import (
    AnswersDamagedError,
    AnswersUnavailableError,
    EnrolledAnswer,
    enrolled_answer,
)

_KEY: Final = ("user_pool_id", "username")

_log = logging.getLogger(__name__)


@define(kw_only=True, eq=False)
class DynamoDbAnswerStore(AwsConnection):
    """Stores answers in a table of DynamoDB.

    It belongs to the event loop that first uses it. As an async context manager it closes its
    connections at the end, unless the client is the caller's.

    Args:
        table: The table's name.
        client: A client for "dynamodb" of aiobotocore's; by default one is made at the first use,
            with AWS's usual credentials.
        region: The table's region, where the environment does not say it.
        endpoint: Another address than AWS's.

    Raises:
        ConfigError: The table has no name, or the client comes with a region or an endpoint.
    """

    service = "dynamodb"

    table: str

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.table, str) or not self.table:
            msg = "DynamoDbAnswerStore: name the table"
            raise ConfigError(msg)
        AwsConnection.__attrs_post_init__(self)

    async def create_table(self) -> None:
        """Create the table, paid by request: for development and tests.

        Raises:
            AnswersUnavailableError: DynamoDB cannot be asked, or there is such a table.
        """
        await self._call(
            "create_table",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in _KEY],
            KeySchema=[
                {"AttributeName": name, "KeyType": kind}
                for name, kind in zip(_KEY, ("HASH", "RANGE"), strict=True)
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        client = await self.connected()
        await client.get_waiter("table_exists").wait(TableName=self.table)

    async def get(self, user_pool_id: str, username: str) -> tuple[EnrolledAnswer, ...]:
        """Return a user's answers; none for a user who has not enrolled.

        Args:
            user_pool_id: The user pool.
            username: The user's canonical name.

        Raises:
            AnswersUnavailableError: DynamoDB cannot be asked.
            AnswersDamagedError: Something else wrote the item.
        """
        reply = await self._call("get_item", Key=_key(user_pool_id, username), ConsistentRead=True)
        item = reply.get("Item")
        if item is None:
            return ()
        try:
            kept: Mapping[str, Any] = item["answers"]["M"]
            return tuple(
                enrolled_answer(question, part["M"]["key_id"]["S"], part["M"]["hash"]["S"])
                for question, part in kept.items()
            )
        except (KeyError, TypeError) as error:
            msg = "question: an item in DynamoDB is not of the form of enrolled answers"
            raise AnswersDamagedError(msg) from error

    async def put(
        self, user_pool_id: str, username: str, answers: Iterable[EnrolledAnswer]
    ) -> None:
        """Store a user's answers in place of the old ones.

        Args:
            user_pool_id: The user pool.
            username: The user's canonical name.
            answers: What `Enrolment.enrol` gave.

        Raises:
            AnswersUnavailableError: DynamoDB cannot be asked; nobody knows which ones are kept.
        """
        kept = {
            answer.question: {"M": {"key_id": {"S": answer.key_id}, "hash": {"S": answer.hash}}}
            for answer in answers
        }
        item = {**_key(user_pool_id, username), "answers": {"M": kept}}
        await self._call("put_item", Item=item)

    async def delete(self, user_pool_id: str, username: str) -> None:
        """Delete a user's answers, if there are any.

        Args:
            user_pool_id: The user pool.
            username: The user's canonical name.

        Raises:
            AnswersUnavailableError: DynamoDB cannot be asked; nobody knows whether they are kept.
        """
        await self._call("delete_item", Key=_key(user_pool_id, username))

    async def _call(self, operation: str, **parameters: Any) -> Any:
        try:
            return await self.call(operation, TableName=self.table, **parameters)
        except (BotoCoreError, ClientError, OSError) as error:
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else None
            _log.error("DynamoDB refuses %s: %s", operation, code or type(error).__qualname__)
            msg = "question: the store of answers cannot be asked now; try later"
            raise AnswersUnavailableError(msg) from error


def _key(user_pool_id: str, username: str) -> dict[str, dict[str, str]]:
    return {"user_pool_id": {"S": user_pool_id}, "username": {"S": username}}
