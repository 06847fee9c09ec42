"""Our client at ministack, a server that others wrote: what that one really does of second factors.

It checks an authenticator's codes (MFA_SETUP, codes by e-mail and devices it has not). `make
ministack` installs it into an environment of its own, and runs this.
"""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from authflow import (
    AuthClient,
    AuthConfig,
    AuthFlow,
    ChallengeRequired,
    Code,
    SignedIn,
)
from authflow.errors import BadCredentialsError, CodeMismatchError, MfaNotSetUpError
from testbed.authenticator import code_at, other_than

SERVER = os.environ.get("AUTHFLOW_MINISTACK")
PASSWORD = "Correct-horse-1"
TOTP = "SOFTWARE_TOKEN_MFA"

pytestmark = pytest.mark.skipif(SERVER is None, reason="it is opt-in: run `make ministack`")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Run ministack, and give its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"],
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "SERVICES": "cognito-idp",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
    }
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen([str(SERVER)], env=environment) as process:
        until = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"{address}/_ministack/health", timeout=1).close()
                break
            except (urllib.error.URLError, TimeoutError):
                assert process.poll() is None, "ministack has ended"
                assert time.monotonic() < until, "ministack does not answer"
                time.sleep(0.1)
        yield address
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture
def owner(address: str) -> Iterator[Any]:
    client = boto3.client(
        "cognito-idp",
        region_name="us-east-1",
        endpoint_url=address,
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    yield client
    client.close()


@pytest.fixture(params=["OPTIONAL", "ON"])
def config(request: pytest.FixtureRequest, owner: Any, address: str) -> AuthConfig:
    """A pool with a user, whose tokens name AWS as their issuer."""
    pool_id = owner.create_user_pool(PoolName="factors")["UserPool"]["Id"]
    owner.set_user_pool_mfa_config(
        UserPoolId=pool_id,
        MfaConfiguration=request.param,
        SoftwareTokenMfaConfiguration={"Enabled": True},
    )
    owner.admin_create_user(UserPoolId=pool_id, Username="ada", MessageAction="SUPPRESS")
    owner.admin_set_user_password(
        UserPoolId=pool_id, Username="ada", Password=PASSWORD, Permanent=True
    )
    made = owner.create_user_pool_client(
        UserPoolId=pool_id,
        ClientName="any",
        ExplicitAuthFlows=[
            "ALLOW_USER_SRP_AUTH",
            "ALLOW_USER_PASSWORD_AUTH",
            "ALLOW_REFRESH_TOKEN_AUTH",
        ],
    )
    return AuthConfig(
        user_pool_id=pool_id,
        client_id=made["UserPoolClient"]["ClientId"],
        endpoint=address,
        issuer=f"https://cognito-idp.us-east-1.amazonaws.com/{pool_id}",
    )


@pytest.mark.parametrize("flow", [AuthFlow.USER_SRP_AUTH, AuthFlow.USER_PASSWORD_AUTH])
async def test_an_authenticator_is_set_up_preferred_and_asked_for(config, flow):
    async with AuthClient(config) as auth:
        with pytest.raises(BadCredentialsError):
            await auth.sign_in("ada", "Wrong-horse-1", flow=flow)
        first = await auth.sign_in("ada", PASSWORD, flow=flow)
        assert isinstance(first, SignedIn)
        await auth.verify(first)
        token = first.tokens.access_token
        new = await auth.enrol_totp(token)
        secret, now = new.key.reveal(), time.time()
        with pytest.raises(CodeMismatchError):
            await auth.verify_totp(token, other_than(code_at(secret, now)))
        await auth.verify_totp(token, code_at(secret, now), device_name="phone")
        await auth.set_mfa_preference(token, preferred=TOTP)
        told = await auth.mfa_preference(token)
        assert (told.on, told.preferred) == ({TOTP}, TOTP)

        pending = await auth.sign_in("ada", PASSWORD, flow=flow)
        assert isinstance(pending, ChallengeRequired)
        assert pending.challenge.name == TOTP
        with pytest.raises(CodeMismatchError):
            await auth.answer(pending, Code(other_than(code_at(secret, now))))
        second = await auth.answer(pending, Code(code_at(secret, time.time())))
        assert isinstance(second, SignedIn)
        await auth.verify(second)
        assert second.username == "ada"
        renewed = await auth.refresh(second.tokens.refresh_token)
        await auth.verify(renewed)

        await auth.set_mfa_preference(second.tokens.access_token, off=[TOTP])
        assert isinstance(await auth.sign_in("ada", PASSWORD, flow=flow), SignedIn)


async def test_an_authenticator_that_was_not_begun_is_not_finished(config):
    async with AuthClient(config) as auth:
        signed_in = await auth.sign_in("ada", PASSWORD)
        with pytest.raises((CodeMismatchError, MfaNotSetUpError)):
            await auth.verify_totp(signed_in.tokens.access_token, "000000")
