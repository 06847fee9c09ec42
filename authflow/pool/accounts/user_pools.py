"""The operations that create, read, change and delete user pools."""

import json
import math
import secrets
import string
from collections.abc import Mapping
from typing import Any, Final

from attrs import define

from authflow.pool.accounts.attribute_schema import read_schema
from authflow.pool.accounts.signing_keys import new_signing_key
from authflow.pool.accounts.tags import check_tags
from authflow.pool.accounts.user_pool import (
    POOL_COLUMNS,
    TOKEN_TRIGGER,
    UserPool,
    find_pool,
    pool_from_row,
)
from authflow.pool.cognito_errors import invalid_parameter
from authflow.pool.ground import Ground
from authflow.pool.imports.import_jobs import check_no_import
from authflow.pool.page_tokens import (
    NEXT_TOKEN_REFUSAL,
    read_timed_page_token,
    timed_page_token,
)
from authflow.pool.settings.mfa_settings import check_new, updated
from authflow.pool.settings.notices import Notices
from authflow.pool.store.sqlite_connection import Connection

_ID_CHARS: Final = string.ascii_letters + string.digits
_IMMUTABLE: Final = ("Schema", "AliasAttributes", "UsernameAttributes", "UsernameConfiguration")
_MASK_KEY_BYTES: Final = 32


_BEFORE_ALL: Final = (-math.inf, "")


def _insert(connection: Connection, pool: UserPool) -> None:
    connection.execute(
        "INSERT INTO user_pools (id, settings, key_id, signing_key, mask_key, created_at,"
        " modified_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            *(pool.id, json.dumps(pool.settings), pool.key_id, pool.signing_key, pool.mask_key),
            *(pool.created_at, pool.modified_at),
        ),
    )


def _describe(connection: Connection, pool_id: str) -> dict[str, Any]:
    pool = find_pool(connection, pool_id)
    ((users,),) = connection.execute("SELECT count(*) FROM users WHERE pool_id = ?", (pool_id,))
    return pool.described(users)


def _update(connection: Connection, pool_id: str, settings: Mapping[str, Any], now: float) -> None:
    """Replace a pool's settings: one that is not given gets its default, as with Cognito.

    Those of second factors are not replaced so; see `mfa_settings`.
    """
    old = find_pool(connection, pool_id).settings
    check_no_import(connection, pool_id)
    kept = {name: old[name] for name in (*_IMMUTABLE, "PoolName") if name in old}
    connection.execute(
        "UPDATE user_pools SET settings = ?, modified_at = ? WHERE id = ?",
        (json.dumps({**kept, **updated(old, settings)}), now, pool_id),
    )


def _delete(connection: Connection, pool_id: str) -> None:
    """Delete a pool with everything that belongs to it.

    Raises:
        CognitoError: There is none, or it is protected.
    """
    pool = find_pool(connection, pool_id)
    check_no_import(connection, pool_id)
    if pool.settings.get("DeletionProtection") == "ACTIVE":
        raise invalid_parameter(
            "The user pool cannot be deleted because deletion protection is activated. Deletion "
            "protection must be inactivated first."
        )
    connection.execute("DELETE FROM user_pools WHERE id = ?", (pool_id,))
    connection.execute("DELETE FROM password_failures WHERE pool_id = ?", (pool_id,))
    connection.execute("DELETE FROM typed_failures WHERE pool_id = ?", (pool_id,))
    connection.execute("DELETE FROM confirmation_codes WHERE pool_id = ?", (pool_id,))
    connection.execute("DELETE FROM code_attempts WHERE pool_id = ?", (pool_id,))
    connection.execute("DELETE FROM typed_codes WHERE pool_id = ?", (pool_id,))
    connection.execute("DELETE FROM migrations WHERE pool_id = ?", (pool_id,))


def _list(connection: Connection, most: int, after: tuple[float, str]) -> dict[str, Any]:
    """Return pools by age, beginning after a given creation time and id."""
    rows = connection.execute(
        f"SELECT {POOL_COLUMNS} FROM user_pools WHERE (created_at, id) > (?, ?)"  # noqa: S608  # the same
        " ORDER BY created_at, id LIMIT ?",
        (*after, most + 1),
    )
    pools = [pool_from_row(row) for row in rows[:most]]
    listed: dict[str, Any] = {
        "UserPools": [
            {
                "Id": pool.id,
                "Name": pool.settings["PoolName"],
                "LambdaConfig": pool.lambda_config,
                "CreationDate": pool.created_at,
                "LastModifiedDate": pool.modified_at,
            }
            for pool in pools
        ]
    }
    if len(rows) > most:
        listed["NextToken"] = timed_page_token(pools[-1].created_at, pools[-1].id)
    return listed


def _check(settings: Mapping[str, Any]) -> None:
    read_schema(settings.get("Schema", ()))
    check_tags(settings.get("UserPoolTags", {}))
    if settings.get("AliasAttributes") and settings.get("UsernameAttributes"):
        raise invalid_parameter(
            "Only one of the aliasAttributes or usernameAttributes can be set in a user pool."
        )
    updates = settings.get("UserAttributeUpdateSettings") or {}
    waiting = updates.get("AttributesRequireVerificationBeforeUpdate") or ()
    if not {*waiting} <= {*(settings.get("AutoVerifiedAttributes") or ())}:
        raise invalid_parameter(
            "All attributes in AttributesRequireVerificationBeforeUpdate must exist in "
            "AutoVerifiedAttributes"
        )
    config = settings.get("LambdaConfig", {})
    named, versioned = config.get(TOKEN_TRIGGER), config.get("PreTokenGenerationConfig")
    if named and versioned and named != versioned["LambdaArn"]:
        raise invalid_parameter(
            "PreTokenGeneration and PreTokenGenerationConfig must name the same Lambda function."
        )


@define(kw_only=True)
class UserPools:
    """The operations on user pools.

    Args:
        ground: The parts that all services share.
        region: What new pools' ids begin with.
        notices: Tells of settings that have no effect.
    """

    ground: Ground
    region: str
    notices: Notices

    async def create(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """CreateUserPool."""
        _check(request)
        check_new(request)
        now = self.ground.clock()
        key_id, signing_key = await self.ground.workers.run_long(new_signing_key)
        pool = UserPool(
            id=f"{self.region}_{''.join(secrets.choice(_ID_CHARS) for _ in range(9))}",
            settings=dict(request),
            key_id=key_id,
            signing_key=signing_key,
            mask_key=secrets.token_bytes(_MASK_KEY_BYTES),
            created_at=now,
            modified_at=now,
        )
        await self.ground.database.write(_insert, pool)
        self.notices.tell_pool(pool.id, pool.settings)
        return {"UserPool": pool.described(users=0)}

    async def describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """DescribeUserPool."""
        return {"UserPool": await self.ground.database.read(_describe, request["UserPoolId"])}

    async def update(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """UpdateUserPool."""
        settings = {k: v for k, v in request.items() if k not in {"UserPoolId", *_IMMUTABLE}}
        _check(settings)
        await self.ground.database.write(
            _update, request["UserPoolId"], settings, self.ground.clock()
        )
        self.notices.tell_pool(request["UserPoolId"], settings)
        return {}

    async def delete(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """DeleteUserPool."""
        await self.ground.database.write(_delete, request["UserPoolId"])
        return {}

    async def list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """ListUserPools."""
        after = _BEFORE_ALL
        if "NextToken" in request:
            after = read_timed_page_token(request["NextToken"], NEXT_TOKEN_REFUSAL)
        return await self.ground.database.read(_list, request["MaxResults"], after)
