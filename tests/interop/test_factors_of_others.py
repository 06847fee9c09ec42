"""pycognito and boto3 sign in to our pool by second factors, and boto3 looks after devices."""

import json
import time

import pytest
from pycognito import Cognito
from pycognito.aws_srp import generate_hash_device
from pycognito.exceptions import SMSMFAChallengeException, SoftwareTokenMFAChallengeException

from testbed.authenticator import code_at, other_than
from testbed.served_pool import PASSWORD

SMS = {"SnsCallerArn": "arn:aws:iam::000000000000:role/any-sms", "ExternalId": "any"}
FACTORS = {
    "SoftwareTokenMfaConfiguration": {"Enabled": True},
    "SmsMfaConfiguration": {"SmsConfiguration": SMS},
    "EmailMfaConfiguration": {"Message": "Code {####}", "Subject": "Code"},
}
ADDRESSES = {"email": "ada@example.com", "phone_number": "+15555550123"}
ON = {"Enabled": True}


@pytest.mark.parametrize("secret", [False, True], ids=["public", "with secret"])
def test_pycognito_answers_by_an_authenticator_and_by_a_text_message(served, secret):
    pool_id = served.pool("OPTIONAL", **FACTORS)
    served.add_user(pool_id, **ADDRESSES)
    app = served.owner.create_user_pool_client(
        UserPoolId=pool_id, ClientName="pycognito", GenerateSecret=secret
    )["UserPoolClient"]
    user = Cognito(
        pool_id,
        app["ClientId"],
        client_secret=app.get("ClientSecret"),
        username="ada",
        access_key="any",
        secret_key="any",
        boto3_client_kwargs={"endpoint_url": served.endpoint},
    )
    mismatch = user.client.exceptions.CodeMismatchException
    user.authenticate(PASSWORD)
    key, now = user.associate_software_token(), time.time()
    assert user.verify_software_token(code_at(key, now), "phone")

    user.set_user_mfa_preference(sms_mfa=True, software_token_mfa=True, preferred="SOFTWARE_TOKEN")
    with pytest.raises(SoftwareTokenMFAChallengeException):
        user.authenticate(PASSWORD)
    code = code_at(key, now + 30)
    with pytest.raises(mismatch):
        user.respond_to_software_token_mfa_challenge(other_than(code))
    user.access_token = None
    user.respond_to_software_token_mfa_challenge(code)
    assert user.access_claims["username"] == "ada"

    user.set_user_mfa_preference(sms_mfa=True, software_token_mfa=True, preferred="SMS")
    with pytest.raises(SMSMFAChallengeException):
        user.authenticate(PASSWORD)
    code = served.code("SMS")
    with pytest.raises(mismatch):
        user.respond_to_sms_mfa_challenge(other_than(code))
    user.access_token = None
    user.respond_to_sms_mfa_challenge(code)
    assert user.access_claims["username"] == "ada"
    user.client.close()


@pytest.fixture
def by_administrator(served):
    """Begins an administrator's sign-in, and answers its challenges."""

    def of(pool_id):
        owner = served.owner
        made = owner.create_user_pool_client(
            UserPoolId=pool_id,
            ClientName="boto3",
            ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH"],
        )
        app = {"UserPoolId": pool_id, "ClientId": made["UserPoolClient"]["ClientId"]}

        def begun():
            return owner.admin_initiate_auth(
                **app,
                AuthFlow="ADMIN_USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": "ada", "PASSWORD": PASSWORD},
            )

        def answered(asked, **answers):
            return owner.admin_respond_to_auth_challenge(
                **app,
                ChallengeName=asked["ChallengeName"],
                Session=asked["Session"],
                ChallengeResponses={"USERNAME": "ada", **answers},
            )

        return begun, answered

    return of


def test_boto3_sets_an_authenticator_up_in_an_administrators_sign_in(served, by_administrator):
    owner, pool_id = served.owner, served.pool("ON", **FACTORS)
    served.add_user(pool_id)
    begun, answered = by_administrator(pool_id)
    asked = begun()
    assert asked["ChallengeName"] == "MFA_SETUP"
    given = owner.associate_software_token(Session=asked["Session"])
    key, now = given["SecretCode"], time.time()
    verified = owner.verify_software_token(
        Session=given["Session"], UserCode=code_at(key, now), FriendlyDeviceName="phone"
    )
    assert verified["Status"] == "SUCCESS"
    result = answered({**asked, "Session": verified["Session"]})["AuthenticationResult"]
    told = owner.get_user(AccessToken=result["AccessToken"])
    assert told["UserMFASettingList"] == ["SOFTWARE_TOKEN_MFA"]


def test_boto3_chooses_among_all_factors_in_an_administrators_sign_in(served, by_administrator):
    owner, pool_id = served.owner, served.pool("OPTIONAL", **FACTORS)
    served.add_user(pool_id, **ADDRESSES)
    begun, answered = by_administrator(pool_id)
    token = {"AccessToken": begun()["AuthenticationResult"]["AccessToken"]}
    key, now = owner.associate_software_token(**token)["SecretCode"], time.time()
    owner.verify_software_token(**token, UserCode=code_at(key, now))
    owner.set_user_mfa_preference(
        **token, SMSMfaSettings=ON, EmailMfaSettings=ON, SoftwareTokenMfaSettings=ON
    )
    factors = ["EMAIL_OTP", "SMS_MFA", "SOFTWARE_TOKEN_MFA"]
    for chosen, medium in zip(factors, ("EMAIL", "SMS", None), strict=True):
        asked = begun()
        assert asked["ChallengeName"] == "SELECT_MFA_TYPE"
        assert sorted(json.loads(asked["ChallengeParameters"]["MFAS_CAN_CHOOSE"])) == factors
        asked = answered(asked, ANSWER=chosen)
        assert asked["ChallengeName"] == chosen
        code = served.code(medium) if medium else code_at(key, now + 30)
        with pytest.raises(owner.exceptions.CodeMismatchException):
            answered(asked, **{f"{chosen}_CODE": other_than(code)})
        assert answered(asked, **{f"{chosen}_CODE": code})["AuthenticationResult"]["AccessToken"]


def test_boto3_looks_after_a_device_as_its_user_and_as_an_administrator(served):
    owner = served.owner
    devices = {"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": True}
    pool_id = served.pool("OFF", {"DeviceConfiguration": devices})
    served.add_user(pool_id)
    app = owner.create_user_pool_client(
        UserPoolId=pool_id, ClientName="boto3", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]
    result = owner.initiate_auth(
        ClientId=app["ClientId"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ada", "PASSWORD": PASSWORD},
    )["AuthenticationResult"]
    new = result["NewDeviceMetadata"]
    key, token = {"DeviceKey": new["DeviceKey"]}, {"AccessToken": result["AccessToken"]}
    admin = {"UserPoolId": pool_id, "Username": "ada"}
    _, verifier = generate_hash_device(new["DeviceGroupKey"], new["DeviceKey"])
    confirmed = owner.confirm_device(
        **token, **key, DeviceSecretVerifierConfig=verifier, DeviceName="a laptop"
    )
    assert confirmed["UserConfirmationNecessary"] is True

    def told():
        """The four ways to read it, which agree."""
        devices = [
            owner.get_device(**token, **key)["Device"],
            owner.admin_get_device(**admin, **key)["Device"],
            *owner.list_devices(**token)["Devices"],
            *owner.admin_list_devices(**admin)["Devices"],
        ]
        assert devices == [devices[0]] * 4
        assert devices[0]["DeviceKey"] == new["DeviceKey"]
        return {each["Name"]: each["Value"] for each in devices[0]["DeviceAttributes"]}

    assert told()["device_name"] == "a laptop"
    remembered = "dev:device_remembered_status"
    assert told()[remembered] == "not_remembered"
    owner.update_device_status(**token, **key, DeviceRememberedStatus="remembered")
    assert told()[remembered] == "remembered"
    owner.admin_update_device_status(**admin, **key, DeviceRememberedStatus="not_remembered")
    assert told()[remembered] == "not_remembered"
    owner.admin_forget_device(**admin, **key)
    with pytest.raises(owner.exceptions.ResourceNotFoundException):
        owner.admin_get_device(**admin, **key)
    assert owner.admin_list_devices(**admin)["Devices"] == []
