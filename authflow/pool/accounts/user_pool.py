"""A user pool: its settings as a value, and how it is read from the store."""

import json
from collections.abc import Mapping
from typing import Any, Final

from attrs import field, frozen

from authflow.pool.accounts.attribute_schema import SUB, Attribute, read_schema
from authflow.pool.accounts.password_policy import PasswordPolicy
from authflow.pool.cognito_errors import no_such_pool
from authflow.pool.store.sqlite_connection import Connection

_ACCOUNT: Final = "000000000000"
"""The account number in ARNs; no AWS account owns an embedded pool."""
TOKEN_TRIGGER: Final = "PreTokenGeneration"
"""The one trigger that LambdaConfig names in two ways; the newer one has a version."""
SENDERS: Final = frozenset({"CustomEmailSender", "CustomSMSSender"})
"""The triggers that LambdaConfig names by a structure."""
_TOKEN_EVENT_VERSIONS: Final = {"V1_0": 1, "V2_0": 2, "V3_0": 3}
FACTOR_SETTINGS: Final = (
    *("SmsMfaConfiguration", "SoftwareTokenMfaConfiguration", "EmailMfaConfiguration"),
    "WebAuthnConfiguration",
)
"""The settings that SetUserPoolMfaConfig alone has; DescribeUserPool does not tell them."""
POOL_COLUMNS: Final = (
    "id, settings, key_id, signing_key, mask_key, created_at, modified_at, custom_attributes"
)
"""The columns that `pool_from_row` reads, in its order."""


@frozen(kw_only=True)
class UserPool:
    """A user pool.

    Args:
        id: Its id, `<region>_<9 letters and digits>`.
        settings: What CreateUserPool, UpdateUserPool and SetUserPoolMfaConfig were given, whole.
        key_id: The `kid` of its signing key.
        signing_key: That key, as a private JWK in JSON.
        mask_key: Makes the stand-ins for users that do not exist.
        created_at: Seconds since the epoch.
        modified_at: Seconds since the epoch.
        custom_attributes: What AddCustomAttributes was given, whole.
    """

    id: str
    settings: Mapping[str, Any] = field(repr=False)
    key_id: str
    signing_key: str = field(repr=False)
    mask_key: bytes = field(repr=False)
    created_at: float
    modified_at: float
    custom_attributes: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)

    @property
    def region(self) -> str:
        """The region in the pool's id."""
        return self.id.partition("_")[0]

    @property
    def arn_prefix(self) -> str:
        """The beginning of the ARNs of what is in the pool's region."""
        return f"arn:aws:cognito-idp:{self.region}:{_ACCOUNT}"

    @property
    def arn(self) -> str:
        """The pool's own ARN."""
        return f"{self.arn_prefix}:userpool/{self.id}"

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
        elif source in SENDERS:
            entry = (entry or {}).get("LambdaArn")
        return entry if isinstance(entry, str) else None

    @property
    def kms_key(self) -> str | None:
        """The ARN of the KMS key under which codes go to custom senders."""
        return self.lambda_config.get("KMSKeyID")

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
    def _kept_policy(self) -> Mapping[str, Any]:
        """The members of PasswordPolicy as they were given, without a history of no passwords."""
        given = self.settings.get("Policies", {}).get("PasswordPolicy", {})
        return {name: value for name, value in given.items() if name != "PasswordHistorySize"}

    @property
    def schema(self) -> Mapping[str, Attribute]:
        """All attributes that users can have, by their full names."""
        return read_schema(self.settings.get("Schema", ()), self.custom_attributes)

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
        untold = {"PoolName", "Schema", *FACTOR_SETTINGS}
        rest = {k: v for k, v in self.settings.items() if k not in untold}
        return {
            "MfaConfiguration": "OFF",
            "LambdaConfig": {},
            "DeletionProtection": "INACTIVE",
            **rest,
            "Id": self.id,
            "Name": self.settings["PoolName"],
            "Arn": self.arn,
            "Policies": {
                **rest.get("Policies", {}),
                "PasswordPolicy": {
                    **self._kept_policy,
                    **self.password_policy.settings,
                },
            },
            "SchemaAttributes": [each.described() for each in self.schema.values()],
            "EstimatedNumberOfUsers": users,
            "CreationDate": self.created_at,
            "LastModifiedDate": self.modified_at,
        }


def pool_from_row(row: tuple[Any, ...]) -> UserPool:
    """Return the user pool of a row of the store."""
    pool_id, settings, key_id, signing_key, mask_key, created_at, modified_at, custom = row
    return UserPool(
        id=pool_id,
        settings=json.loads(settings),
        key_id=key_id,
        signing_key=signing_key,
        mask_key=mask_key,
        created_at=created_at,
        modified_at=modified_at,
        custom_attributes=tuple(json.loads(custom)),
    )


def find_pool(connection: Connection, pool_id: str) -> UserPool:
    """Read a user pool.

    Raises:
        CognitoError: There is none with this id.
    """
    row = connection.execute(
        f"SELECT {POOL_COLUMNS} FROM user_pools WHERE id = ?",  # noqa: S608  # our own column names
        (pool_id,),
    ).first()
    if row is None:
        raise no_such_pool(pool_id)
    return pool_from_row(row)


def find_pool_by_key(connection: Connection, key_id: str) -> UserPool | None:
    """Read the user pool whose signing key has this `kid`."""
    row = connection.execute(
        f"SELECT {POOL_COLUMNS} FROM user_pools WHERE key_id = ?",  # noqa: S608  # the same
        (key_id,),
    ).first()
    return None if row is None else pool_from_row(row)
