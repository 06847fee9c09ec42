"""pycognito, a client that others wrote, signs in to our pool."""

import uuid

import pytest
from botocore.exceptions import ClientError
from pycognito import Cognito, aws_srp
from pycognito.aws_srp import AWSSRP
from pycognito.exceptions import ForceChangePasswordException

PASSWORD = "Correct-horse-1"


@pytest.fixture(scope="module")
def pool_id(owner):
    made = owner.create_user_pool(PoolName="pycognito")["UserPool"]["Id"]
    owner.admin_create_user(UserPoolId=made, Username="ada", MessageAction="SUPPRESS")
    owner.admin_set_user_password(
        UserPoolId=made, Username="ada", Password=PASSWORD, Permanent=True
    )
    return made


@pytest.fixture(scope="module", params=[False, True], ids=["public", "with secret"])
def app_client(request, owner, pool_id):
    return owner.create_user_pool_client(
        UserPoolId=pool_id, ClientName="pycognito", GenerateSecret=request.param
    )["UserPoolClient"]


@pytest.fixture
def unlucky(owner, pool_id):
    """A user of the test's own: five wrong passwords would lock a shared one out."""
    username = f"unlucky-{uuid.uuid4()}"
    owner.admin_create_user(UserPoolId=pool_id, Username=username, MessageAction="SUPPRESS")
    owner.admin_set_user_password(
        UserPoolId=pool_id, Username=username, Password=PASSWORD, Permanent=True
    )
    return username


@pytest.fixture
def srp(owner, pool_id, app_client):
    def of(username, password):
        return AWSSRP(
            username=username,
            password=password,
            pool_id=pool_id,
            client_id=app_client["ClientId"],
            client_secret=app_client.get("ClientSecret"),
            client=owner,
        )

    return of


def test_the_right_password_gives_tokens(srp):
    result = srp("ada", PASSWORD).authenticate_user()["AuthenticationResult"]
    assert result["TokenType"] == "Bearer"
    assert {"AccessToken", "IdToken", "RefreshToken", "ExpiresIn"} <= result.keys()


def test_the_same_user_signs_in_again_and_again(srp):
    """SRP's values are new each time: an encoding error shows in one of a few hundred."""
    for _ in range(20):
        assert srp("ada", PASSWORD).authenticate_user()["AuthenticationResult"]["AccessToken"]


@pytest.mark.parametrize("password", ["Wrong-horse-1", "", PASSWORD + " ", PASSWORD.lower()])
def test_a_wrong_password_is_refused(srp, owner, unlucky, password):
    with pytest.raises(owner.exceptions.NotAuthorizedException) as refused:
        srp(unlucky, password).authenticate_user()
    assert refused.value.response["Error"]["Message"] == "Incorrect username or password."


def test_a_proof_that_was_tampered_with_is_refused(srp, owner, unlucky, app_client):
    client = srp(unlucky, PASSWORD)
    begun = owner.initiate_auth(
        AuthFlow="USER_SRP_AUTH",
        AuthParameters=client.get_auth_params(),
        ClientId=app_client["ClientId"],
    )
    answers = client.process_challenge(begun["ChallengeParameters"], client.get_auth_params())
    signature = answers["PASSWORD_CLAIM_SIGNATURE"]
    answers["PASSWORD_CLAIM_SIGNATURE"] = ("B" if signature[0] == "A" else "A") + signature[1:]
    with pytest.raises(owner.exceptions.NotAuthorizedException):
        owner.respond_to_auth_challenge(
            ClientId=app_client["ClientId"],
            ChallengeName="PASSWORD_VERIFIER",
            ChallengeResponses=answers,
        )


def test_an_unknown_user_is_refused(srp):
    with pytest.raises(ClientError):
        srp("nobody", PASSWORD).authenticate_user()


def test_a_temporary_password_is_changed(srp, owner, pool_id):
    username = f"grace-{srp('x', 'y').client_id}".lower()
    owner.admin_create_user(UserPoolId=pool_id, Username=username, TemporaryPassword="Temporary-1")
    with pytest.raises(ForceChangePasswordException):
        srp(username, "Temporary-1").authenticate_user()
    srp(username, "Temporary-1").set_new_password_challenge("Brand-new-horse-1")
    assert srp(username, "Brand-new-horse-1").authenticate_user()["AuthenticationResult"]


def test_its_whole_client_signs_in_verifies_the_tokens_and_refreshes(endpoint, pool_id, app_client):
    """pycognito checks tokens against the pool's published keys."""
    client = Cognito(
        pool_id,
        app_client["ClientId"],
        client_secret=app_client.get("ClientSecret"),
        username="ada",
        access_key="any",
        secret_key="any",
        boto3_client_kwargs={"endpoint_url": endpoint},
    )
    client.authenticate(password=PASSWORD)
    assert client.access_claims["username"] == "ada"
    assert client.id_claims["aud"] == app_client["ClientId"]
    old = client.access_token
    client.renew_access_token()
    assert client.access_token != old
    client.client.close()


@pytest.fixture
def tracked(owner):
    """A public app client of a pool that remembers devices, with a user: pycognito sends no
    SECRET_HASH with DEVICE_SRP_AUTH."""
    made = owner.create_user_pool(
        PoolName="devices", DeviceConfiguration={"ChallengeRequiredOnNewDevice": False}
    )["UserPool"]["Id"]
    owner.admin_create_user(UserPoolId=made, Username="ada", MessageAction="SUPPRESS")
    owner.admin_set_user_password(
        UserPoolId=made, Username="ada", Password=PASSWORD, Permanent=True
    )
    app = owner.create_user_pool_client(UserPoolId=made, ClientName="pycognito")
    client_id = app["UserPoolClient"]["ClientId"]

    def of(**device):
        return AWSSRP("ada", PASSWORD, made, client_id, client=owner, **device)

    return of


def test_its_devices_are_confirmed_proved_and_forgotten(tracked, owner, endpoint, monkeypatch):
    """It sends what is about devices to AWS's own host, which here leads to the pool."""
    post, sent = aws_srp.requests.post, []

    def elsewhere(url, **request):
        reply = post(endpoint, **request)
        sent.append((url, reply.status_code))
        return reply

    monkeypatch.setattr(aws_srp.requests, "post", elsewhere)
    client = tracked()
    tokens = client.authenticate_user()
    new = tokens["AuthenticationResult"]["NewDeviceMetadata"]
    reply, password = client.confirm_device(tokens, "a laptop")
    assert reply.json() == {"UserConfirmationNecessary": False}
    named = {
        "device_key": new["DeviceKey"],
        "device_group_key": new["DeviceGroupKey"],
        "device_password": password,
    }
    result = tracked(**named).authenticate_user()["AuthenticationResult"]
    assert "NewDeviceMetadata" not in result
    access = result["AccessToken"]
    (device,) = owner.list_devices(AccessToken=access)["Devices"]
    assert device["DeviceKey"] == new["DeviceKey"]
    with pytest.raises(owner.exceptions.NotAuthorizedException):
        tracked(**{**named, "device_password": "another"}).authenticate_user()
    client.update_device_status(False, access, new["DeviceKey"])
    client.forget_device(access, new["DeviceKey"])
    assert [status for _, status in sent] == [200, 200, 200]
    assert all("amazonaws.com" in url for url, _ in sent)
    with pytest.raises(owner.exceptions.ResourceNotFoundException, match="Device does not exist"):
        tracked(**named).authenticate_user()
    assert tracked().authenticate_user()["AuthenticationResult"]["NewDeviceMetadata"]
