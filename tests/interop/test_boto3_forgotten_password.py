"""boto3, AWS's own SDK, resets a forgotten password at our pool."""

import json
import subprocess
import sys

import boto3
import pytest

PASSWORD = "Correct-horse-1"
NEW = "Correct-horse-2"


@pytest.fixture(scope="module")
def serving():
    """Run `authflow serve` so that it shows what it sends."""
    command = [sys.executable, "-m", "authflow", "serve", "--port", "0", "--show-messages"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        ready = json.loads(process.stdout.readline())
        yield process.stdout, ready["endpoint"]
        process.terminate()
        assert process.wait(timeout=20) == 0


@pytest.fixture
def shown(serving):
    """Give the next message that is shown."""
    return lambda: json.loads(serving[0].readline())


@pytest.fixture
def owner(serving):
    client = boto3.client(
        "cognito-idp",
        region_name="us-east-1",
        endpoint_url=serving[1],
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    yield client
    client.close()


@pytest.fixture
def pool_id(owner):
    recovery = {"RecoveryMechanisms": [{"Priority": 1, "Name": "verified_email"}]}
    made = owner.create_user_pool(PoolName="boto3", AccountRecoverySetting=recovery)
    pool_id = made["UserPool"]["Id"]
    attributes = {"email": "ada@example.com", "email_verified": "true"}
    owner.admin_create_user(
        UserPoolId=pool_id,
        Username="ada",
        UserAttributes=[{"Name": k, "Value": v} for k, v in attributes.items()],
        MessageAction="SUPPRESS",
    )
    owner.admin_set_user_password(
        UserPoolId=pool_id, Username="ada", Password=PASSWORD, Permanent=True
    )
    return pool_id


@pytest.fixture
def client_id(owner, pool_id):
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    made = owner.create_user_pool_client(
        UserPoolId=pool_id, ClientName="boto3", ExplicitAuthFlows=flows
    )
    return made["UserPoolClient"]["ClientId"]


def sign_in(owner, client_id, password):
    return owner.initiate_auth(
        AuthFlow="USER_PASSWORD_AUTH",
        ClientId=client_id,
        AuthParameters={"USERNAME": "ada", "PASSWORD": password},
    )


def test_a_forgotten_password_is_set_anew(owner, client_id, shown):
    user = {"ClientId": client_id, "Username": "ada"}
    details = owner.forgot_password(**user)["CodeDeliveryDetails"]
    assert details == {
        "Destination": "a***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    code = shown()["code"]
    wrong = f"{(int(code) + 1) % 10**6:06}"
    with pytest.raises(owner.exceptions.CodeMismatchException):
        owner.confirm_forgot_password(**user, ConfirmationCode=wrong, Password=NEW)
    with pytest.raises(owner.exceptions.InvalidPasswordException):
        owner.confirm_forgot_password(**user, ConfirmationCode=code, Password="weak-one")
    owner.confirm_forgot_password(**user, ConfirmationCode=code, Password=NEW)
    with pytest.raises(owner.exceptions.ExpiredCodeException):
        owner.confirm_forgot_password(**user, ConfirmationCode=code, Password=NEW)
    assert "AuthenticationResult" in sign_in(owner, client_id, NEW)
    with pytest.raises(owner.exceptions.NotAuthorizedException):
        sign_in(owner, client_id, PASSWORD)


def test_an_administrator_makes_a_user_reset_the_password(owner, pool_id, client_id, shown):
    owner.admin_reset_user_password(UserPoolId=pool_id, Username="ada")
    with pytest.raises(owner.exceptions.PasswordResetRequiredException):
        sign_in(owner, client_id, PASSWORD)
    owner.confirm_forgot_password(
        ClientId=client_id, Username="ada", ConfirmationCode=shown()["code"], Password=NEW
    )
    assert "AuthenticationResult" in sign_in(owner, client_id, NEW)


def test_too_many_attempts_and_unknown_users_have_cognitos_errors(owner, client_id, shown):
    for _ in range(10):
        owner.forgot_password(ClientId=client_id, Username="ada")
        shown()
    with pytest.raises(owner.exceptions.LimitExceededException):
        owner.forgot_password(ClientId=client_id, Username="ada")
    with pytest.raises(owner.exceptions.UserNotFoundException):
        owner.forgot_password(ClientId=client_id, Username="nobody")
