"""A user pool that users are imported into, over HTTP."""

from collections.abc import Mapping
from typing import Any

import anyio
import pytest
from attrs import define, field

from tests.pool.conftest import House

ROLE = "arn:aws:iam::000000000000:role/logs"
ENDED = {"Succeeded", "Failed", "Stopped"}


@define
class Importer:
    """An owner of a pool who imports users."""

    house: House
    header: list[str] = field(factory=list)

    async def call(self, operation: str, **more: Any) -> dict[str, Any]:
        """Call an operation on the pool, and return the job."""
        reply = await self.house.api(operation, UserPoolId=self.house.pool_id, **more)
        return reply["UserImportJob"]

    async def refused(self, operation: str, **more: Any) -> Any:
        """Call an operation that is refused."""
        return await self.house.api.refused(operation, UserPoolId=self.house.pool_id, **more)

    async def create(self, name: str = "job") -> dict[str, Any]:
        """Make a job."""
        return await self.call("CreateUserImportJob", JobName=name, CloudWatchLogsRoleArn=ROLE)

    async def csv(self, *rows: Mapping[str, str]) -> bytes:
        """Return a file of users: each has a verified address, unless the row says otherwise."""
        if not self.header:
            request = {"UserPoolId": self.house.pool_id}
            self.header = (await self.house.api("GetCSVHeader", **request))["CSVHeader"]
        lines = [self.header]
        for row in rows:
            name = row.get("cognito:username", "")
            usual = {"cognito:mfa_enabled": "false", "email": f"{name}@example.org"}
            full = {**usual, "email_verified": "true", **row}
            lines.append([full.get(column, "") for column in self.header])
        return "".join(",".join(line) + "\n" for line in lines).encode()

    async def named(self, *names: str) -> bytes:
        """Return a file of users with these names."""
        return await self.csv(*({"cognito:username": name} for name in names))

    async def put(self, job: Mapping[str, Any], content: Any, **more: Any) -> tuple[int, Any]:
        """Send a file; give the status and the reply."""
        address = job["PreSignedUrl"]
        async with self.house.api.http.put(address, data=content, **more) as reply:
            return reply.status, await reply.json(content_type=None)

    async def start(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Start a job."""
        return await self.call("StartUserImportJob", JobId=job["JobId"])

    async def described(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Return a job as it is now."""
        return await self.call("DescribeUserImportJob", JobId=job["JobId"])

    async def ended(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Return a job once it has ended."""
        with anyio.fail_after(50):
            while (now := await self.described(job))["Status"] not in ENDED:
                await anyio.lowlevel.checkpoint()
        return now

    async def run(self, content: bytes) -> dict[str, Any]:
        """Import a file, and return the job at its end."""
        job = await self.create()
        assert (await self.put(job, content))[0] == 200
        await self.start(job)
        return await self.ended(job)

    async def usernames(self) -> list[str]:
        """Return the names of the pool's users."""
        found, way = [], {}
        while True:
            page = await self.house.api("ListUsers", UserPoolId=self.house.pool_id, **way)
            found += [user["Username"] for user in page["Users"]]
            if "PaginationToken" not in page:
                return sorted(found)
            way = {"PaginationToken": page["PaginationToken"]}


def counts(job: Mapping[str, Any]) -> tuple[int, int, int]:
    """Return how many users came in, were skipped and failed."""
    return job["ImportedUsers"], job["SkippedUsers"], job["FailedUsers"]


@pytest.fixture
async def importer(api: Any, settle: Any) -> Importer:
    return Importer(await settle(api, {"AutoVerifiedAttributes": ["email"]}))
