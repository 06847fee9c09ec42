"""The quotas of an AWS account, read from Cognito itself.

Source: "GetProvisionedLimit" of the API reference for Amazon Cognito user pools, and "Managing
provisioned limits" of "Quotas in Amazon Cognito".
"""

from collections.abc import Iterable
from typing import Any, Final

import anyio
from attrs import define
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ReadTimeoutError,
)

from authflow.aws.connection import AwsConnection
from authflow.client.pacing.request_budgets import (
    MOST_PER_SECOND,
    QuotaCategory,
    RequestBudgets,
)
from authflow.errors import (
    AuthFlowError,
    ConfigError,
    MalformedReplyError,
    RequestBlockedError,
    TimedOutError,
    UnreachableError,
)
from authflow.refusals import read_error
from authflow.unframed import whole

_OPERATION: Final = "GetProvisionedLimit"
_APART: Final = 1.05
"""Seconds between two requests: the category LimitManagement has a quota of one a second."""
_NOT_ALLOWED: Final = frozenset(
    {
        *("AccessDenied", "AccessDeniedException", "NotAuthorizedException"),
        *("ExpiredTokenException", "IncompleteSignature", "InvalidClientTokenId"),
        *("InvalidSignatureException", "SignatureDoesNotMatch", "UnrecognizedClientException"),
    }
)
"""AWS's codes for credentials that are not good, or not good for this."""
_LIMIT_CLASS: Final = "API_CATEGORY"
_ADJUSTABLE: Final = (QuotaCategory.USER_AUTHENTICATION, QuotaCategory.USER_TOKEN)


@whole
@define(kw_only=True, eq=False)
class ProvisionedLimits(AwsConnection):
    """Reads the quotas that Cognito enforces for this account and region, with AWS's credentials.

        async with ProvisionedLimits() as limits:
            pacing = Pacing(budgets=await limits.read())

    Whoever uses it needs `cognito-idp:GetProvisionedLimit`. Read it once, at the start: Cognito
    takes one such request a second, and so each further category takes a second.

    Args:
        client: A client for "cognito-idp" of aiobotocore's; by default one is made at the first
            use, with AWS's usual credentials.
        region: The region of the user pools, where the environment does not say it.
        endpoint: Another address than AWS's.

    Raises:
        ConfigError: The endpoint is malformed or not safe, or the client comes with a region or an
            endpoint.
    """

    service = "cognito-idp"

    async def read(self, categories: Iterable[str] = _ADJUSTABLE) -> RequestBudgets:
        """Read quotas. Those of other categories are Cognito's defaults.

        Args:
            categories: The names of the categories to read; by default those that can be raised.

        Raises:
            ConfigError: There is no such category, there are no credentials or no region, or the
                installed AWS SDK is older than this operation.
            RequestBlockedError: The credentials do not allow it.
            TransportError: There is no reply.
            MalformedReplyError: The reply is none of Cognito's.
            MisuseError: It belongs to another event loop.
        """
        try:
            names = [*dict.fromkeys(categories)]
        except TypeError:
            msg = f"categories are names of quota categories, not {type(categories).__name__}"
            raise ConfigError(msg) from None
        RequestBudgets(dict.fromkeys(names, 1))  # before anything is sent
        read: dict[str, int] = {}
        for name in names:
            if read:
                await anyio.sleep(_APART)
            read[name] = await self._limit(str(name))
        return RequestBudgets(read)

    async def _limit(self, category: str) -> int:
        definition = {"LimitClass": _LIMIT_CLASS, "Attributes": {"Category": category}}
        try:
            if not hasattr(await self.connected(), "get_provisioned_limit"):
                msg = (
                    f"this botocore does not know {_OPERATION}: install a newer aiobotocore, or"
                    " give the budgets by hand, as RequestBudgets({'UserAuthentication': 120})"
                )
                raise ConfigError(msg)
            reply = await self.call("get_provisioned_limit", LimitDefinition=definition)
        except (BotoCoreError, ClientError) as error:
            failed = _failed(error)
        else:
            return _read(reply, category)
        raise failed


def _failed(error: BotoCoreError | ClientError) -> AuthFlowError:
    if isinstance(error, ClientError):
        details = error.response.get("Error", {})
        metadata = error.response.get("ResponseMetadata", {})
        code = str(details.get("Code", ""))
        if code in _NOT_ALLOWED:
            msg = (
                f"these AWS credentials may not read the quotas: allow cognito-idp:{_OPERATION}, or"
                " give the budgets by hand"
            )
            return RequestBlockedError(msg, aws_code=code)
        return read_error(
            code,
            str(details.get("Message", "")),
            operation=_OPERATION,
            status=metadata.get("HTTPStatusCode", 0),
            headers=metadata.get("HTTPHeaders", {}),
        )
    match error:
        case NoCredentialsError() | PartialCredentialsError() | CredentialRetrievalError():
            return ConfigError("there are no AWS credentials, which reading the quotas needs")
        case NoRegionError():
            return ConfigError("name the region of the user pools, whose quotas are to be read")
        case ConnectTimeoutError() | ReadTimeoutError():
            return TimedOutError("Cognito did not tell the quotas in time")
    return UnreachableError("Cognito cannot be asked for the quotas: check the network")


def _read(reply: Any, category: str) -> int:
    limit = reply.get("Limit") if isinstance(reply, dict) else None
    value = limit.get("ProvisionedLimitValue") if isinstance(limit, dict) else None
    if type(value) is not int or not 1 <= value <= MOST_PER_SECOND:
        msg = f"the reply does not tell the quota of {category}: it is not Cognito's"
        raise MalformedReplyError(msg)
    return value
