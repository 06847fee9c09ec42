"""Clients that others wrote set an authenticator up at our pool, and choose second factors."""

import time

import pyotp
import pytest
from pycognito import Cognito

PASSWORD = "Correct-horse-1"
SMS = {"SnsCallerArn": "arn:aws:iam::000000000000:role/any-sms", "ExternalId": "any"}


@pytest.fixture(scope="module")
def pool_id(owner):
    made = owner.create_user_pool(PoolName="factors")["UserPool"]["Id"]
    owner.set_user_pool_mfa_config(
        UserPoolId=made,
        MfaConfiguration="OPTIONAL",
        SoftwareTokenMfaConfiguration={"Enabled": True},
        SmsMfaConfiguration={"SmsConfiguration": SMS},
        EmailMfaConfiguration={"Message": "Code {####}", "Subject": "Code"},
    )
    return made


@pytest.fixture(scope="module")
def client_id(owner, pool_id):
    return owner.create_user_pool_client(
        UserPoolId=pool_id, ClientName="any", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]


@pytest.fixture
def tokens_of(owner, pool_id, client_id):
    def signed_in(name):
        owner.admin_create_user(UserPoolId=pool_id, Username=name, MessageAction="SUPPRESS")
        owner.admin_set_user_password(
            UserPoolId=pool_id, Username=name, Password=PASSWORD, Permanent=True
        )
        return owner.initiate_auth(
            ClientId=client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD},
        )["AuthenticationResult"]

    return signed_in


def now_of(secret):
    return pyotp.HOTP(secret).at(int(time.time()) // 30)


def test_boto3_sets_an_authenticator_up_and_reads_what_is_on(owner, pool_id, tokens_of):
    token = {"AccessToken": tokens_of("ada")["AccessToken"]}
    config = owner.get_user_pool_mfa_config(UserPoolId=pool_id)
    assert config["SoftwareTokenMfaConfiguration"] == {"Enabled": True}
    assert config["SmsMfaConfiguration"]["SmsConfiguration"] == SMS
    assert config["EmailMfaConfiguration"]["Subject"] == "Code"
    secret = owner.associate_software_token(**token)["SecretCode"]
    wrong = f"{(int(now_of(secret)) + 500_000) % 1_000_000:06}"
    with pytest.raises(owner.exceptions.EnableSoftwareTokenMFAException):
        owner.verify_software_token(**token, UserCode=wrong)
    done = owner.verify_software_token(**token, UserCode=now_of(secret), FriendlyDeviceName="phone")
    assert done["Status"] == "SUCCESS"
    first = {"Enabled": True, "PreferredMfa": True}
    owner.set_user_mfa_preference(**token, SoftwareTokenMfaSettings=first)
    for told in (
        owner.get_user(**token),
        owner.admin_get_user(UserPoolId=pool_id, Username="ada"),
        owner.get_user_auth_factors(**token),
    ):
        assert told["PreferredMfaSetting"] == "SOFTWARE_TOKEN_MFA"
        assert told["UserMFASettingList"] == ["SOFTWARE_TOKEN_MFA"]
    off = {"Enabled": False, "PreferredMfa": False}
    owner.admin_set_user_mfa_preference(
        UserPoolId=pool_id, Username="ada", SoftwareTokenMfaSettings=off
    )
    assert "UserMFASettingList" not in owner.get_user(**token)


def test_pycognito_sets_an_authenticator_up_and_prefers_it(owner, pool_id, client_id, tokens_of):
    tokens = tokens_of("grace")
    user = Cognito(pool_id, client_id, username="grace", access_token=tokens["AccessToken"])
    user.client = owner
    secret = user.associate_software_token()
    assert user.verify_software_token(now_of(secret), "phone")
    # It turns text messages off in the same request, for a user without phone number, too.
    user.set_user_mfa_preference(sms_mfa=False, software_token_mfa=True, preferred="SOFTWARE_TOKEN")
    told = owner.admin_get_user(UserPoolId=pool_id, Username="grace")
    assert told["PreferredMfaSetting"] == "SOFTWARE_TOKEN_MFA"
    user.set_user_mfa_preference(sms_mfa=False, software_token_mfa=False)
    told = owner.admin_get_user(UserPoolId=pool_id, Username="grace")
    assert "UserMFASettingList" not in told
