"""Amplify for JavaScript, version 6, driven against `authflow serve` in a process of its own.

What signs nobody in (storage, data and the like) is left out by package.json's `overrides`: that is
a hundred megabytes, and `aws-amplify/auth` loads none of it.
"""

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from testbed.node_packages import node_modules
from testbed.served_pool import PASSWORD, ServedPool

FOLDER = Path(__file__).parent


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

    def sign_in(self, flow: str = "USER_SRP_AUTH", name: str = "ada") -> Any:
        """Begin a sign-in by the password, as nobody, and return the next step."""
        self("signOut")
        options = {"authFlowType": flow}
        return self("signIn", username=name, password=PASSWORD, options=options)["nextStep"]

    def answer(self, text: str) -> Any:
        """Answer what is asked, and return the next step."""
        return self("confirmSignIn", challengeResponse=text)["nextStep"]


@pytest.fixture(scope="session")
def node_path() -> Path:
    """Install the client, unless that was done before."""
    return node_modules(FOLDER)


@pytest.fixture(scope="session")
def _amplify(node_path: Path) -> Iterator[Amplify]:
    """Run the client: one process for all tests, since it takes most of the time to start."""
    environment = {"PATH": os.environ["PATH"], "NODE_PATH": str(node_path)}
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
def amplify(_amplify: Amplify, served: ServedPool) -> Any:
    """Configures the client for a pool's new app client, with nobody signed in."""

    def of(pool_id: str) -> Amplify:
        made = served.owner.create_user_pool_client(
            UserPoolId=pool_id,
            ClientName=f"amplify-{uuid.uuid4()}",
            PreventUserExistenceErrors="ENABLED",
            ExplicitAuthFlows=[
                "ALLOW_USER_SRP_AUTH",
                "ALLOW_USER_PASSWORD_AUTH",
                "ALLOW_CUSTOM_AUTH",
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
