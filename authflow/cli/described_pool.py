"""Reads the settings of a user pool from Cognito, with AWS's usual credentials.

It takes three permissions: cognito-idp:DescribeUserPool, cognito-idp:ListUserPoolClients and
cognito-idp:DescribeUserPoolClient. Nothing is changed, and no secret of a client is kept or shown.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from aiobotocore.session import get_session
from botocore import UNSIGNED
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  # botocore's own
    CredentialRetrievalError,
    HTTPClientError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from authflow.aws.client_session import client_config, unlogged
from authflow.config import AuthConfig
from authflow.errors import ConfigError
from authflow.printable import one_line
from authflow.triggers.check.pool_settings import PoolSettings

_PAGE: Final = 60
"""The most app clients that Cognito gives at a time."""
_ATTEMPTS: Final = 3
_CONNECT_TIMEOUT: Final = 5.0
_READ_TIMEOUT: Final = 20.0
_PERMISSIONS: Final = (
    "cognito-idp:DescribeUserPool, cognito-idp:ListUserPoolClients and"
    " cognito-idp:DescribeUserPoolClient"
)
_NO_CREDENTIALS: Final = (
    "no usable AWS credentials were found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and"
    " AWS_SECRET_ACCESS_KEY, or log in by `aws sso login`"
)
_DENIED: Final = frozenset({"AccessDeniedException", "AccessDenied", "NotAuthorizedException"})
_BAD_CREDENTIALS: Final = frozenset(
    {
        *("ExpiredTokenException", "ExpiredToken", "InvalidSignatureException"),
        *("UnrecognizedClientException", "InvalidClientTokenId", "IncompleteSignatureException"),
        *("SignatureDoesNotMatch", "MissingAuthenticationTokenException"),
    }
)


async def describe_pool(user_pool_id: str, *, endpoint: str | None = None) -> PoolSettings:
    """Read the settings of a user pool and of its app clients.

    Args:
        user_pool_id: The pool; its id says the region.
        endpoint: Where to ask instead of AWS, such as an embedded pool, which wants no credentials.

    Raises:
        ConfigError: The id or the endpoint is malformed, there are no credentials, they are not
            allowed to, there is no such pool, or Cognito cannot be reached.
    """
    config = AuthConfig(user_pool_id=user_pool_id, endpoint=endpoint)
    with unlogged(), _sdk_errors(config):
        session = get_session()
        options = {}
        if await session.get_credentials() is None:
            if config.endpoint is None:
                raise NoCredentialsError
            options["signature_version"] = UNSIGNED
        opening = session.create_client(
            "cognito-idp",
            region_name=config.region,
            endpoint_url=config.endpoint,
            config=client_config(
                attempts=_ATTEMPTS,
                connect_timeout=_CONNECT_TIMEOUT,
                read_timeout=_READ_TIMEOUT,
                endpoint=config.endpoint,
                # The owner's environment may set AWS's address, as with any AWS SDK.
                ignore_configured_endpoint_urls=False,
                **options,
            ),
        )
        async with opening as cognito:
            return await read_pool(cognito, config)


async def read_pool(cognito: Any, config: AuthConfig) -> PoolSettings:
    """Read a pool's settings by a client that is open.

    Args:
        cognito: A client for "cognito-idp" of aiobotocore's.
        config: Which pool, and where.

    Raises:
        ConfigError: As `describe_pool` does.
    """
    with unlogged(), _sdk_errors(config):
        pool_id = config.user_pool_id
        described = await cognito.describe_user_pool(UserPoolId=pool_id)
        clients = [client async for client in _clients(cognito, pool_id)]
        return PoolSettings.read(described["UserPool"], clients)


async def _clients(cognito: Any, user_pool_id: str) -> AsyncIterator[Mapping[str, Any]]:
    asked: dict[str, Any] = {"UserPoolId": user_pool_id, "MaxResults": _PAGE}
    while True:
        page = await cognito.list_user_pool_clients(**asked)
        for each in page["UserPoolClients"]:
            client_id = each["ClientId"]
            described = await cognito.describe_user_pool_client(
                UserPoolId=user_pool_id, ClientId=client_id
            )
            yield described["UserPoolClient"]
        if not page.get("NextToken"):
            return
        asked["NextToken"] = page["NextToken"]


@contextmanager
def _sdk_errors(config: AuthConfig) -> Iterator[None]:
    """Turn errors of the AWS SDK into one that says what is wrong, and what to do about it."""
    where = config.endpoint or f"Cognito in {config.region}"
    try:
        yield
    except (
        NoCredentialsError,
        NoAuthTokenError,
        PartialCredentialsError,
        CredentialRetrievalError,
        TokenRetrievalError,
        ProfileNotFound,
        SSOError,
    ) as error:
        raise ConfigError(f"{_NO_CREDENTIALS} ({one_line(str(error))})") from error
    except ClientError as error:
        raise ConfigError(_refusal(error, config)) from error
    except (ConnectionError, HTTPClientError) as error:
        msg = f"{where} cannot be reached: {one_line(str(error))}; look at the network, the proxy"
        raise ConfigError(f"{msg} and --endpoint") from error
    except BotoCoreError as error:
        raise ConfigError(f"the pool cannot be read: {one_line(str(error))}") from error
    except (KeyError, TypeError, AttributeError) as error:
        msg = f"{where} did not answer as Cognito does: look at --endpoint"
        raise ConfigError(msg) from error


def _refusal(error: ClientError, config: AuthConfig) -> str:
    told = error.response.get("Error", {})
    code, text = (one_line(str(told.get(each, ""))) for each in ("Code", "Message"))
    if code == "ResourceNotFoundException":
        return (
            f"there is no user pool {config.user_pool_id} in {config.region} for these credentials:"
            " look at the id and at the account"
        )
    if code in _DENIED:
        return f"these credentials are not allowed to read the pool: they need {_PERMISSIONS}"
    if code in _BAD_CREDENTIALS:
        return f"AWS does not take these credentials ({code}): renew them"
    return f"Cognito refused to describe the pool: {code}: {text}"
