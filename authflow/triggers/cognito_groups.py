"""A user's groups, requested from Cognito, for `in_group(...)` in a policy.

    triggers = Triggers(policy=..., groups=CognitoGroups())

Cognito tells groups to PreTokenGeneration alone. So Define and Create ask: one more call for each,
for which the function's role must be allowed `cognito-idp:AdminListGroupsForUser`.

Source: AdminListGroupsForUser in the Amazon Cognito user pools API reference.
"""

from typing import Final

import anyio
from attrs import define, field

from authflow.aws.connection import AwsConnection
from authflow.given_numbers import positive_seconds
from authflow.unframed import whole

_PAGE: Final = 60
"""The most groups that Cognito returns at a time."""


@whole
@define(kw_only=True, eq=False)
class CognitoGroups(AwsConnection):
    """Requests a user's groups from Cognito. It opens its connection at the first request.

    Args:
        client: A client for "cognito-idp" of aiobotocore's; by default one is made.
        region: The user pool's region, where the environment does not say it.
        endpoint: Where to ask instead of AWS, such as an embedded pool.
        timeout: How many seconds a question may take; a trigger has 5 in all.

    Raises:
        ConfigError: The timeout is no number of seconds above zero; and as for every connection.
    """

    service = "cognito-idp"

    timeout: float = field(default=2.0, validator=positive_seconds)

    async def __call__(self, user_pool_id: str, username: str) -> frozenset[str]:
        """Return the names of a user's groups; none for a user who does not exist.

        Args:
            user_pool_id: The user pool.
            username: The user's canonical name.

        Raises:
            TimeoutError: Cognito took too long.
            botocore.exceptions.ClientError: Cognito refuses, for want of a permission for one.
        """
        names: set[str] = set()
        with anyio.fail_after(self.timeout):
            client = await self.connected()
            asked = {"UserPoolId": user_pool_id, "Username": username, "Limit": _PAGE}
            while True:
                try:
                    page = await self.call("admin_list_groups_for_user", **asked)
                except client.exceptions.UserNotFoundException:
                    return frozenset()
                names.update(group["GroupName"] for group in page.get("Groups", ()))
                if not page.get("NextToken"):
                    return frozenset(names)
                asked["NextToken"] = page["NextToken"]
