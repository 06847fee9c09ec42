"""Amplify for JavaScript, version 6, driven against `authflow serve` in a process of its own.

What signs nobody in (storage, data and the like) is left out by package.json's `overrides`: that is
a hundred megabytes, and `aws-amplify/auth` loads none of it.
"""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from attrs import define, frozen

from testbed.node_packages import node_modules

FOLDER = Path(__file__).parent
PASSWORD = "Correct-horse-1"


class RefusedError(Exception):
    """What a function of Amplify's has thrown: its name and message."""


@frozen
class Amplify:
    """The driver in its process."""

    process: subprocess.Popen[str]

    def __call__(self, command: str, given: Any = None, **members: Any) -> Any:
        """Call a function of Amplify's, and return what it gave."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        line = {"command": command, "input": members or given}
        print(json.dumps(line), file=self.process.stdin, flush=True)
        reply = json.loads(self.process.stdout.readline())
        if "error" in reply:
            raise RefusedError(f"{reply['error']}: {reply['message']}")
        return reply["value"]

    def sign_in(self, username: str = "ada", flow: str = "USER_SRP_AUTH") -> Any:
        """Begin a sign-in by the password, as nobody, and return the next step."""
        self("signOut")
        options = {"authFlowType": flow}
        return self("signIn", username=username, password=PASSWORD, options=options)["nextStep"]

    def answer(self, text: str) -> Any:
        """Answer what is asked, and return the next step."""
        return self("confirmSignIn", challengeResponse=text)["nextStep"]


@define
class Served:
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

    def pool(self, mfa: str, devices: dict[str, bool] | None = None, **factors: Any) -> str:
        """Make a pool that wants second factors, and return its id."""
        made = self.owner.create_user_pool(
            PoolName="amplify", **({"DeviceConfiguration": devices} if devices else {})
        )["UserPool"]["Id"]
        self.owner.set_user_pool_mfa_config(UserPoolId=made, MfaConfiguration=mfa, **factors)
        return str(made)

    def add_user(self, pool_id: str, username: str = "ada", **attributes: str) -> None:
        """Make a user with a permanent password."""
        self.owner.admin_create_user(
            UserPoolId=pool_id,
            Username=username,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": k, "Value": v} for k, v in attributes.items()],
        )
        self.owner.admin_set_user_password(
            UserPoolId=pool_id, Username=username, Password=PASSWORD, Permanent=True
        )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Run `authflow serve` on a free port."""
    log = tmp_path_factory.mktemp("served") / "log"
    command = [sys.executable, "-m", "authflow", "serve", "--port", "0", "--show-messages"]
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
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
        yield Served(process, endpoint, owner, log)
        owner.close()
        process.terminate()
        assert process.wait(timeout=20) == 0


@pytest.fixture(scope="module")
def _amplify() -> Iterator[Amplify]:
    """Run the client: one process for all tests, since it takes most of the time to start."""
    environment = {"PATH": os.environ["PATH"], "NODE_PATH": str(node_modules(FOLDER))}
    with subprocess.Popen(
        ["node", str(FOLDER / "driver.cjs")],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Amplify(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=20) == 0


@pytest.fixture
def amplify(_amplify: Amplify, served: Served) -> Any:
    """Configures the client for a pool's new app client, with nobody signed in."""

    def of(pool_id: str) -> Amplify:
        made = served.owner.create_user_pool_client(
            UserPoolId=pool_id,
            ClientName=f"amplify-{uuid.uuid4()}",
            PreventUserExistenceErrors="ENABLED",
            ExplicitAuthFlows=[
                "ALLOW_USER_SRP_AUTH",
                "ALLOW_USER_PASSWORD_AUTH",
                "ALLOW_REFRESH_TOKEN_AUTH",
            ],
        )["UserPoolClient"]
        _amplify(
            "configure",
            userPoolId=pool_id,
            userPoolClientId=made["ClientId"],
            userPoolEndpoint=served.endpoint,
        )
        return _amplify

    return of


@pytest.fixture
def refused() -> Any:
    """Expects that a call is refused, by the name of Cognito's error."""
    return lambda name: pytest.raises(RefusedError, match=f"^{name}: ")
