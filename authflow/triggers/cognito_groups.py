"""The groups a user is in, asked of Cognito: for `in_group(...)` in a policy.

    triggers = Triggers(policy=..., groups=CognitoGroups())

Cognito tells groups to PreTokenGeneration alone. So Define and Create ask: one more call for each,
for which the function's role must be allowed `cognito-idp:AdminListGroupsForUser`.

Source: AdminListGroupsForUser in the Amazon Cognito user pools API reference.
"""

from contextlib import AsyncExitStack
from typing import Any, Final, Self

import anyio
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from attrs import define, field

_PAGE: Final = 60
"""The most groups that Cognito gives at a time."""


@define(kw_only=True, eq=False)
class CognitoGroups:
    """Asks Cognito which groups a user is in. It opens its connection at the first question.

    Args:
        region_name: The user pool's region; by default what the AWS SDK finds in its environment.
        endpoint_url: Where to ask instead of AWS, such as an embedded pool.
        seconds: How long a question may take; a trigger has 5 in all.
    """

    region_name: str | None = None
    endpoint_url: str | None = None
    seconds: float = 2.0
    _client: Any = field(default=None, init=False, repr=False)
    _opening: anyio.Lock = field(factory=anyio.Lock, init=False, repr=False)
    _resources: AsyncExitStack = field(factory=AsyncExitStack, init=False, repr=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection."""
        self._client = None
        await self._resources.aclose()

    async def __call__(self, user_pool_id: str, username: str) -> frozenset[str]:
        """Give the names of a user's groups; none for a user who does not exist.

        Args:
            user_pool_id: The user pool.
            username: The user's canonical name.

        Raises:
            TimeoutError: Cognito took too long.
            botocore.exceptions.ClientError: Cognito refuses, for want of a permission for one.
        """
        names: set[str] = set()
        with anyio.fail_after(self.seconds):
            client = await self._opened()
            asked = {"UserPoolId": user_pool_id, "Username": username, "Limit": _PAGE}
            while True:
                try:
                    page = await client.admin_list_groups_for_user(**asked)
                except client.exceptions.UserNotFoundException:
                    return frozenset()
                names.update(group["GroupName"] for group in page.get("Groups", ()))
                if not page.get("NextToken"):
                    return frozenset(names)
                asked["NextToken"] = page["NextToken"]

    async def _opened(self) -> Any:
        async with self._opening:
            if self._client is None:
                self._client = await self._resources.enter_async_context(
                    get_session().create_client(
                        "cognito-idp",
                        region_name=self.region_name,
                        endpoint_url=self.endpoint_url,
                        config=AioConfig(retries={"total_max_attempts": 2, "mode": "standard"}),
                    )
                )
            return self._client
