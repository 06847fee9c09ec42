"""`authflow serve` in a process of its own, as a user of another client would run it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from attrs import frozen

PASSWORD = "Correct-horse-1"
_ROOT = Path(__file__).parent.parent


@frozen
class ServedPool:
    """`authflow serve` in its process, which prints what it would send."""

    process: subprocess.Popen[str]
    endpoint: str
    owner: Any
    log: Path

    def refusals(self, pool_id: str) -> list[str]:
        """Return the lines of the log about requests to a pool that were refused."""
        return [line for line in self.log.read_text().splitlines() if pool_id in line]

    def code(self, medium: str) -> str:
        """Wait for the next message, which has come this way, and return the code in it."""
        assert self.process.stdout is not None
        sent: dict[str, str] = json.loads(self.process.stdout.readline())
        assert sent["medium"] == medium
        assert sent["code"] in sent["text"]
        return sent["code"]

    def pool(self, mfa: str, settings: dict[str, Any] | None = None, **factors: Any) -> str:
        """Make a pool that wants second factors, and return its id."""
        made = self.owner.create_user_pool(PoolName="served", **(settings or {}))
        pool_id: str = made["UserPool"]["Id"]
        self.owner.set_user_pool_mfa_config(UserPoolId=pool_id, MfaConfiguration=mfa, **factors)
        return pool_id

    def add_user(self, pool_id: str, *, temporary: bool = False, **attributes: str) -> None:
        """Make ada, with a password that is permanent if nothing else is said."""
        self.owner.admin_create_user(
            UserPoolId=pool_id,
            Username="ada",
            TemporaryPassword=PASSWORD,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": k, "Value": v} for k, v in attributes.items()],
        )
        if not temporary:
            self.owner.admin_set_user_password(
                UserPoolId=pool_id, Username="ada", Password=PASSWORD, Permanent=True
            )


@contextmanager
def serve(log: Path, *options: str) -> Iterator[ServedPool]:
    """Run it on a free port, such that it shows what it sends.

    Args:
        log: The file for its log.
        *options: Further ones of the command's.
    """
    command = [sys.executable, "-m", "authflow", "serve", "--port", "0", "--show-messages"]
    command += options
    with (
        log.open("w") as errors,
        subprocess.Popen(  # noqa: S603
            command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        assert process.stdout is not None
        endpoint = json.loads(process.stdout.readline())["endpoint"]
        owner = boto3.client(
            "cognito-idp",
            region_name="us-east-1",
            endpoint_url=endpoint,
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
        yield ServedPool(process=process, endpoint=endpoint, owner=owner, log=log)
        owner.close()
        process.terminate()
        assert process.wait(timeout=20) == 0
