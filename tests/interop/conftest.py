"""A pool in a process of its own, as a user of another client would run it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from testbed.served_pool import ServedPool, serve


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Run `authflow serve` on a free port."""
    command = [sys.executable, "-m", "authflow", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["endpoint"]
        process.terminate()
        assert process.wait(timeout=20) == 0


@pytest.fixture(scope="module")
def owner(endpoint: str) -> Iterator[Any]:
    """boto3, with credentials that mean nothing here."""
    client = boto3.client(
        "cognito-idp",
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    yield client
    client.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedPool]:
    """Run `authflow serve` so that it shows what it sends: each test reads all that it causes."""
    with serve(tmp_path_factory.mktemp("served") / "log") as running:
        yield running
