"""The tags of user pools: labels that mean something to their owner alone.

Sources: TagResource in the API reference, "Tagging AWS resources" in the general reference.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import define

from authflow.pool.accounts.user_pool import UserPool, find_pool
from authflow.pool.cognito_errors import invalid_parameter, no_such_pool
from authflow.pool.ground import Ground
from authflow.pool.store.sqlite_connection import Connection

_MOST: Final = 50
_RESERVED: Final = "aws:"
_USER_POOL: Final = re.compile(
    r"arn:[\w-]+:cognito-idp:[\w-]*:[0-9]*:userpool/(?P<id>[\w-]+_[0-9a-zA-Z]+)", re.ASCII
)

Change = Callable[[Mapping[str, str]], Mapping[str, str]]
"""Makes other tags of those that a pool has."""


def check_tags(tags: Mapping[str, str]) -> None:
    """Refuse tags that no pool can have.

    Raises:
        CognitoError: There are too many, or a key is one of AWS's own.
    """
    if len(tags) > _MOST:
        message = f"A user pool can have {_MOST} tags at most."
        raise invalid_parameter(message, reason=message)
    if any(key.lower().startswith(_RESERVED) for key in tags):
        message = f"Tag keys that begin with {_RESERVED} are reserved for use by AWS."
        raise invalid_parameter(message, reason=message)


def _find(connection: Connection, arn: str) -> UserPool:
    """Read the user pool with an ARN.

    Raises:
        CognitoError: It is not the ARN of a user pool, or of none here.
    """
    found = _USER_POOL.fullmatch(arn)
    if found is None:
        message = "ResourceArn must be the ARN of a user pool."
        raise invalid_parameter(message, reason=message)
    pool = find_pool(connection, found["id"])
    if pool.arn != arn:
        raise no_such_pool(pool.id)
    return pool


def _read(connection: Connection, arn: str) -> dict[str, str]:
    return dict(_find(connection, arn).settings.get("UserPoolTags", {}))


def _change(connection: Connection, arn: str, change: Change) -> None:
    pool = _find(connection, arn)
    tags = dict(change(pool.settings.get("UserPoolTags", {})))
    check_tags(tags)
    connection.execute(
        "UPDATE user_pools SET settings = ? WHERE id = ?",
        (json.dumps({**pool.settings, "UserPoolTags": tags}), pool.id),
    )


@define(kw_only=True)
class Tags:
    """The operations on the tags of user pools.

    Args:
        ground: The parts that all services share.
    """

    ground: Ground

    async def tag(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """TagResource."""
        await self.ground.database.write(
            _change, request["ResourceArn"], lambda tags: {**tags, **request["Tags"]}
        )
        return {}

    async def untag(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """UntagResource. A key that the pool does not have is no error."""
        taken = frozenset(request["TagKeys"])
        await self.ground.database.write(
            _change,
            request["ResourceArn"],
            lambda tags: {key: value for key, value in tags.items() if key not in taken},
        )
        return {}

    async def list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """ListTagsForResource."""
        return {"Tags": await self.ground.database.read(_read, request["ResourceArn"])}
