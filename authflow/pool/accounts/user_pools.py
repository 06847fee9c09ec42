"""User pools: their settings, and the operations that create and change them."""

import base64
import json
import math
import secrets
import string
from collections.abc import Mapping
from typing import Any, Final

from attrs import define, field, frozen

from authflow.pool.accounts.attribute_schema import SUB, Attribute, read_schema
from authflow.pool.accounts.password_policy import PasswordPolicy
from authflow.pool.accounts.signing_keys import new_signing_key
from authflow.pool.cognito_errors import invalid_parameter, no_such_pool
from authflow.pool.ground import Ground
from authflow.pool.settings.notices import Notices
from authflow.pool.store.sqlite_connection import Connection

_ID_CHARS: Final = string.ascii_letters + string.digits
_ACCOUNT: Final = "000000000000"
"""The account number in ARNs; no AWS account owns an embedded pool."""
_IMMUTABLE: Final = ("Schema", "AliasAttributes", "UsernameAttributes", "UsernameConfiguration")
_MASK_KEY_BYTES: Final = 32
TOKEN_TRIGGER: Final = "PreTokenGeneration"
"""The one trigger that LambdaConfig names in two ways; the newer one has a version."""
_TOKEN_EVENT_VERSIONS: Final = {"V1_0": 1, "V2_0": 2, "V3_0": 3}


@frozen(kw_only=True)
class UserPool:
    """A user pool.

    Args:
        id: Its id, `<region>_<9 letters and digits>`.
        settings: What CreateUserPool or UpdateUserPool was given, whole.
        key_id: The `kid` of its signing key.
        signing_key: That key, as a private JWK in JSON.
        mask_key: Makes the stand-ins for users that do not exist.
        created_at: Seconds since the epoch.
        modified_at: Seconds since the epoch.
    """

    id: str
    settings: Mapping[str, Any] = field(repr=False)
    key_id: str
    signing_key: str = field(repr=False)
    mask_key: bytes = field(repr=False)
    created_at: float
    modified_at: float

    @property
    def region(self) -> str:
        """The region in the pool's id."""
        return self.id.partition("_")[0]

    @property
    def username_attributes(self) -> tuple[str, ...]:
        """The attributes that users sign in by instead of a username."""
        return tuple(self.settings.get("UsernameAttributes", ()))

    @property
    def alias_attributes(self) -> tuple[str, ...]:
        """The attributes that users sign in by beside their username."""
        return tuple(self.settings.get("AliasAttributes", ()))

    @property
    def lambda_config(self) -> Mapping[str, Any]:
        """The triggers that the pool names by ARN."""
        config: Mapping[str, Any] = self.settings.get("LambdaConfig", {})
        return config

    def trigger_arn(self, source: str) -> str | None:
        """Return the ARN of a trigger; None if the pool does not name it.

        Args:
            source: A key of LambdaConfig, such as PreAuthentication.
        """
        entry = self.lambda_config.get(source)
        if source == TOKEN_TRIGGER:
            entry = self._token_config.get("LambdaArn", entry)
        return entry if isinstance(entry, str) else None

    @property
    def token_event_version(self) -> int:
        """The version of the PreTokenGeneration event: 1, 2 or 3."""
        return _TOKEN_EVENT_VERSIONS[self._token_config.get("LambdaVersion", "V1_0")]

    @property
    def _token_config(self) -> Mapping[str, str]:
        return self.lambda_config.get("PreTokenGenerationConfig") or {}

    @property
    def password_policy(self) -> PasswordPolicy:
        """The rules for new passwords."""
        return PasswordPolicy.from_settings(self.settings.get("Policies", {}).get("PasswordPolicy"))

    @property
    def schema(self) -> Mapping[str, Attribute]:
        """All attributes that users can have, by their full names."""
        return read_schema(self.settings.get("Schema", ()))

    @property
    def required_attributes(self) -> tuple[str, ...]:
        """The attributes that every user must have, without `sub`."""
        schema = self.schema.values()
        return tuple(each.name for each in schema if each.required and each.name != SUB)

    def fold(self, name: str) -> str:
        """Return the form in which sign-in names are compared.

        Letter case matters unless UsernameConfiguration says that it does not, as with Cognito.
        """
        configuration = self.settings.get("UsernameConfiguration") or {}
        return name.casefold() if configuration.get("CaseSensitive") is False else name

    def described(self, users: int) -> dict[str, Any]:
        """Return the pool as DescribeUserPool does.

        Args:
            users: How many users it has.
        """
        rest = {k: v for k, v in self.settings.items() if k not in {"PoolName", "Schema"}}
        return {
            "MfaConfiguration": "OFF",
            "LambdaConfig": {},
            "DeletionProtection": "INACTIVE",
            **rest,
            "Id": self.id,
            "Name": self.settings["PoolName"],
            "Arn": f"arn:aws:cognito-idp:{self.region}:{_ACCOUNT}:userpool/{self.id}",
            "Policies": {
                **rest.get("Policies", {}),
                "PasswordPolicy": {
                    **rest.get("Policies", {}).get("PasswordPolicy", {}),
                    **self.password_policy.settings,
                },
            },
            "SchemaAttributes": [each.described() for each in self.schema.values()],
            "EstimatedNumberOfUsers": users,
            "CreationDate": self.created_at,
            "LastModifiedDate": self.modified_at,
        }


_BEFORE_ALL: Final = (-math.inf, "")
_COLUMNS: Final = "id, settings, key_id, signing_key, mask_key, created_at, modified_at"


def _from_row(row: tuple[Any, ...]) -> UserPool:
    pool_id, settings, key_id, signing_key, mask_key, created_at, modified_at = row
    return UserPool(
        id=pool_id,
        settings=json.loads(settings),
        key_id=key_id,
        signing_key=signing_key,
        mask_key=mask_key,
        created_at=created_at,
        modified_at=modified_at,
    )


def find_pool(connection: Connection, pool_id: str) -> UserPool:
    """Read a user pool.

    Raises:
        CognitoError: There is none with this id.
    """
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM user_pools WHERE id = ?",  # noqa: S608  # our own column names
        (pool_id,),
    ).first()
    if row is None:
        raise no_such_pool(pool_id)
    return _from_row(row)


def find_pool_by_key(connection: Connection, key_id: str) -> UserPool | None:
    """Read the user pool whose signing key has this `kid`."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM user_pools WHERE key_id = ?",  # noqa: S608  # the same
        (key_id,),
    ).first()
    return None if row is None else _from_row(row)


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
    """Replace a pool's settings: one that is not given gets its default, as with Cognito."""
    old = find_pool(connection, pool_id).settings
    kept = {name: old[name] for name in (*_IMMUTABLE, "PoolName") if name in old}
    connection.execute(
        "UPDATE user_pools SET settings = ?, modified_at = ? WHERE id = ?",
        (json.dumps({**kept, **settings}), now, pool_id),
    )


def _delete(connection: Connection, pool_id: str) -> None:
    """Delete a pool with everything that belongs to it.

    Raises:
        CognitoError: There is none, or it is protected.
    """
    pool = find_pool(connection, pool_id)
    if pool.settings.get("DeletionProtection") == "ACTIVE":
        raise invalid_parameter(
            "The user pool cannot be deleted because deletion protection is activated. Deletion "
            "protection must be inactivated first."
        )
    connection.execute("DELETE FROM user_pools WHERE id = ?", (pool_id,))
    connection.execute("DELETE FROM password_failures WHERE pool_id = ?", (pool_id,))
    connection.execute("DELETE FROM reset_codes WHERE pool_id = ?", (pool_id,))
    connection.execute("DELETE FROM reset_attempts WHERE pool_id = ?", (pool_id,))
    connection.execute("DELETE FROM typed_failures WHERE pool_id = ?", (pool_id,))
    connection.execute("DELETE FROM typed_resets WHERE pool_id = ?", (pool_id,))
    connection.execute("DELETE FROM migrations WHERE pool_id = ?", (pool_id,))


def _list(connection: Connection, most: int, after: tuple[float, str]) -> dict[str, Any]:
    """Return pools by age, beginning after a given creation time and id."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM user_pools WHERE (created_at, id) > (?, ?)"  # noqa: S608  # the same
        " ORDER BY created_at, id LIMIT ?",
        (*after, most + 1),
    )
    pools = [_from_row(row) for row in rows[:most]]
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
        last = f"{pools[-1].created_at!r} {pools[-1].id}"
        listed["NextToken"] = base64.urlsafe_b64encode(last.encode()).decode()
    return listed


def _check(settings: Mapping[str, Any]) -> None:
    read_schema(settings.get("Schema", ()))
    if settings.get("AliasAttributes") and settings.get("UsernameAttributes"):
        raise invalid_parameter(
            "Only one of the aliasAttributes or usernameAttributes can be set in a user pool."
        )
    config = settings.get("LambdaConfig", {})
    named, versioned = config.get(TOKEN_TRIGGER), config.get("PreTokenGenerationConfig")
    if named and versioned and named != versioned["LambdaArn"]:
        raise invalid_parameter(
            "PreTokenGeneration and PreTokenGenerationConfig must name the same Lambda function."
        )


def _read_next_token(token: str) -> tuple[float, str]:
    refusal = invalid_parameter("Invalid NextToken.")
    try:
        created_at, _, pool_id = base64.urlsafe_b64decode(token).decode("ascii").partition(" ")
        after = float(created_at)
    except ValueError:
        raise refusal from None
    if not (math.isfinite(after) and pool_id.isprintable()):
        raise refusal
    return after, pool_id


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
            after = _read_next_token(request["NextToken"])
        return await self.ground.database.read(_list, request["MaxResults"], after)
