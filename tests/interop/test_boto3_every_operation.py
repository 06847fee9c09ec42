"""boto3, AWS's own SDK, has every operation of our pool carried out."""

import inspect
import time

import pytest
import requests
from attrs import define, evolve, field
from pycognito.aws_srp import AWSSRP, generate_hash_device

from authflow.pool.operations import operations
from testbed.authenticator import code_at, other_than
from testbed.served_pool import PASSWORD, ServedPool

NEW_PASSWORD = "Another-horse-1"
EMAIL = {"Destination": "a***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email"}
SETTINGS = {
    "AutoVerifiedAttributes": ["email"],
    "AccountRecoverySetting": {"RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}]},
    "DeviceConfiguration": {"ChallengeRequiredOnNewDevice": False},
}
FLOWS = [f"ALLOW_{each}_AUTH" for each in ("USER_PASSWORD", "ADMIN_USER_PASSWORD", "REFRESH_TOKEN")]
ROLE = "arn:aws:iam::000000000000:role/logs"
ON, OFF = {"Enabled": True}, {"Enabled": False}


@define
class Owner:
    """boto3 at a pool, and the names of the operations that it had carried out."""

    served: ServedPool
    pool_id: str
    client_id: str = ""
    done: set[str] = field(factory=set)

    def __call__(self, operation, **members):
        """Call an operation of the pool's."""
        return getattr(self.served.owner, operation)(UserPoolId=self.pool_id, **members)

    def of_client(self, operation, **members):
        """Call an operation of the app client's, about ada if there is a user in it."""
        hashed = AWSSRP.get_secret_hash("ada", self.client_id, self.secret)
        if operation not in {"initiate_auth", "respond_to_auth_challenge"}:
            members |= {"Username": "ada", "SecretHash": hashed}
        return getattr(self.served.owner, operation)(ClientId=self.client_id, **members)

    @property
    def secret(self):
        described = self("describe_user_pool_client", ClientId=self.client_id)
        return described["UserPoolClient"]["ClientSecret"]

    def answers(self, **members):
        """Return what a sign-in sends."""
        hashed = AWSSRP.get_secret_hash("ada", self.client_id, self.secret)
        return {"USERNAME": "ada", "SECRET_HASH": hashed, **members}

    def sign_in(self, password):
        return self.of_client(
            "initiate_auth",
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters=self.answers(PASSWORD=password),
        )

    def signed_in(self, password):
        """Sign ada in, and return the result."""
        return self.sign_in(password)["AuthenticationResult"]


@pytest.fixture
def owner(served):
    """A pool's, with boto3 observed."""
    done = set()

    def carried_out(http_response, model, **_members):
        if http_response.status_code == 200:
            done.add(model.name)

    events = served.owner.meta.events
    events.register("after-call.cognito-idp", carried_out, unique_id="every operation")
    yield Owner(served=served, pool_id=served.pool("OFF", SETTINGS), done=done)
    events.unregister("after-call.cognito-idp", carried_out, unique_id="every operation")


def the_pool_is_set_up(owner):
    aws = owner.served.owner
    assert any(each["Id"] == owner.pool_id for each in pages(aws, "list_user_pools", "UserPools"))
    owner("update_user_pool", **SETTINGS)
    tier = {"Name": "tier", "AttributeDataType": "String", "Mutable": True}
    owner("add_custom_attributes", CustomAttributes=[tier])
    described = owner("describe_user_pool")["UserPool"]
    assert "custom:tier" in [each["Name"] for each in described["SchemaAttributes"]]
    arn = {"ResourceArn": described["Arn"]}
    aws.tag_resource(**arn, Tags={"team": "auth", "stage": "test"})
    aws.untag_resource(**arn, TagKeys=["stage"])
    assert aws.list_tags_for_resource(**arn)["Tags"] == {"team": "auth"}
    owner("set_user_pool_mfa_config", MfaConfiguration="OPTIONAL", SoftwareTokenMfaConfiguration=ON)
    assert owner("get_user_pool_mfa_config")["MfaConfiguration"] == "OPTIONAL"

    made = owner(
        "create_user_pool_client", ClientName="boto3", GenerateSecret=True, ExplicitAuthFlows=FLOWS
    )
    owner.client_id = made["UserPoolClient"]["ClientId"]
    client = {"ClientId": owner.client_id}
    owner("update_user_pool_client", **client, ClientName="renamed", ExplicitAuthFlows=FLOWS)
    (listed,) = owner("list_user_pool_clients", MaxResults=10)["UserPoolClients"]
    assert listed["ClientName"] == "renamed"
    (old,) = owner("list_user_pool_client_secrets", **client)["ClientSecrets"]
    made = owner("add_user_pool_client_secret", **client)["ClientSecretDescriptor"]
    named = {"ClientSecretId": old["ClientSecretId"]}
    owner("delete_user_pool_client_secret", **client, **named)
    assert owner.secret == made["ClientSecretValue"]


def pages(aws, operation, member, **members):
    """Return what all pages of a listing have, read by boto3's own paginator."""
    config = {"PageSize": 1}
    read = aws.get_paginator(operation).paginate(**members, PaginationConfig=config)
    return [each for page in read for each in page[member]]


def uploaded(owner, *names):
    """Return an import job that has its file."""
    columns = owner("get_csv_header")["CSVHeader"]

    def line(name):
        known = {"cognito:username": name, "email": f"{name}@example.com", "email_verified": "TRUE"}
        known["cognito:mfa_enabled"] = "FALSE"
        return ",".join(known.get(each, "") for each in columns)

    asked = {"JobName": "job", "CloudWatchLogsRoleArn": ROLE}
    made = owner("create_user_import_job", **asked)["UserImportJob"]
    text = "\n".join([",".join(columns), *map(line, names), ""])
    assert requests.put(made["PreSignedUrl"], data=text.encode(), timeout=20).status_code == 200
    return {"JobId": made["JobId"]}


def an_import_is_stopped(owner):
    """It has seconds of work before it when it is stopped."""
    job = uploaded(owner, *map(str, range(20_000)))
    with pytest.raises(owner.served.owner.exceptions.PreconditionNotMetException):
        owner("stop_user_import_job", **job)
    owner("start_user_import_job", **job)
    owner("stop_user_import_job", **job)
    told = owner("describe_user_import_job", **job)["UserImportJob"]
    assert told["Status"] in {"Stopping", "Stopped"}
    assert told["ImportedUsers"] < 20_000


def users_are_imported_listed_and_grouped(owner):
    aws, pool = owner.served.owner, {"UserPoolId": owner.pool_id}
    job = uploaded(owner, "bea", "cid")
    owner("start_user_import_job", **job)
    while owner("describe_user_import_job", **job)["UserImportJob"]["Status"] != "Succeeded":
        pass
    assert len(owner("list_user_import_jobs", MaxResults=9)["UserImportJobs"]) == 1
    found = pages(aws, "list_users", "Users", **pool, Filter='email ^= "b"')
    assert [each["Username"] for each in found] == ["bea"]
    assert found[0]["UserStatus"] == "RESET_REQUIRED"

    for name in ("staff", "guests"):
        owner("create_group", GroupName=name)
    owner("update_group", GroupName="staff", Description="who works here")
    assert owner("get_group", GroupName="staff")["Group"]["Description"] == "who works here"
    assert len(pages(aws, "list_groups", "Groups", **pool)) == 2
    for name in ("bea", "cid"):
        owner("admin_add_user_to_group", GroupName="staff", Username=name)
    staff = {"GroupName": "staff"}
    assert len(pages(aws, "list_users_in_group", "Users", **pool, **staff)) == 2
    bea = {"Username": "bea"}
    groups = pages(aws, "admin_list_groups_for_user", "Groups", **pool, **bea)
    assert [each["GroupName"] for each in groups] == ["staff"]
    owner("admin_remove_user_from_group", **staff, **bea)
    owner("delete_group", GroupName="guests")
    for name in ("bea", "cid"):
        owner("admin_delete_user", Username=name)
    assert pages(aws, "list_users", "Users", **pool) == []


def ada_signs_up(owner):
    given = [{"Name": "email", "Value": "ada@example.com"}]
    made = owner.of_client("sign_up", Password=PASSWORD, UserAttributes=given)
    assert made["CodeDeliveryDetails"] == EMAIL
    owner.served.code("EMAIL")
    assert owner.of_client("resend_confirmation_code")["CodeDeliveryDetails"] == EMAIL
    code = owner.served.code("EMAIL")
    with pytest.raises(owner.served.owner.exceptions.CodeMismatchException):
        owner.of_client("confirm_sign_up", ConfirmationCode=other_than(code))
    owner.of_client("confirm_sign_up", ConfirmationCode=code)
    assert owner("admin_get_user", Username="ada")["UserStatus"] == "CONFIRMED"


def ada_looks_after_an_account(owner):
    aws = owner.served.owner
    token = {"AccessToken": owner.signed_in(PASSWORD)["AccessToken"]}
    changed = [{"Name": "email", "Value": "ann@example.com"}, {"Name": "name", "Value": "Ann"}]
    asked = aws.update_user_attributes(**token, UserAttributes=changed)
    assert asked["CodeDeliveryDetailsList"] == [EMAIL]
    owner.served.code("EMAIL")
    email = {**token, "AttributeName": "email"}
    aws.get_user_attribute_verification_code(**email)
    aws.verify_user_attribute(**email, Code=owner.served.code("EMAIL"))
    aws.delete_user_attributes(**token, UserAttributeNames=["name"])
    told = {each["Name"]: each["Value"] for each in aws.get_user(**token)["UserAttributes"]}
    told.pop("sub")
    assert told == {"email": "ann@example.com", "email_verified": "true"}
    aws.change_password(**token, PreviousPassword=PASSWORD, ProposedPassword=NEW_PASSWORD)

    key, now = aws.associate_software_token(**token)["SecretCode"], time.time()
    aws.verify_software_token(**token, UserCode=code_at(key, now))
    with pytest.raises(aws.exceptions.InvalidParameterException, match="MFAOptions"):
        aws.set_user_settings(**token, MFAOptions=[{"DeliveryMedium": "EMAIL"}])
    aws.set_user_settings(**token, MFAOptions=[])
    aws.set_user_mfa_preference(**token, SoftwareTokenMfaSettings=ON)
    assert aws.get_user_auth_factors(**token)["UserMFASettingList"] == ["SOFTWARE_TOKEN_MFA"]
    asked = owner.sign_in(NEW_PASSWORD)
    answers = owner.answers(SOFTWARE_TOKEN_MFA_CODE=code_at(key, now + 30))
    owner.of_client(
        "respond_to_auth_challenge",
        ChallengeName=asked["ChallengeName"],
        Session=asked["Session"],
        ChallengeResponses=answers,
    )
    ada = {"Username": "ada"}
    factors = owner("admin_get_user_auth_factors", **ada)
    assert factors["UserMFASettingList"] == ["SOFTWARE_TOKEN_MFA"]
    owner("admin_set_user_settings", **ada, MFAOptions=[])
    owner("admin_set_user_mfa_preference", **ada, SoftwareTokenMfaSettings=OFF)
    owner("admin_delete_software_token", **ada)


def ada_uses_devices(owner):
    aws, ada = owner.served.owner, {"Username": "ada"}
    for forget in ("forget_device", "admin_forget_device"):
        result = owner.signed_in(NEW_PASSWORD)
        new, token = result["NewDeviceMetadata"], {"AccessToken": result["AccessToken"]}
        key = {"DeviceKey": new["DeviceKey"]}
        _, verifier = generate_hash_device(new["DeviceGroupKey"], new["DeviceKey"])
        aws.confirm_device(**token, **key, DeviceSecretVerifierConfig=verifier)
        status = {"DeviceRememberedStatus": "remembered"}
        aws.update_device_status(**token, **key, **status)
        owner("admin_update_device_status", **ada, **key, **status)
        (mine,) = aws.list_devices(**token)["Devices"]
        (of_ada,) = owner("admin_list_devices", **ada)["Devices"]
        assert mine == of_ada == aws.get_device(**token, **key)["Device"]
        assert mine == owner("admin_get_device", **ada, **key)["Device"]
        if forget == "forget_device":
            aws.forget_device(**token, **key)
        else:
            owner(forget, **ada, **key)
        assert owner("admin_list_devices", **ada)["Devices"] == []


def ada_signs_out_in_every_way(owner):
    """Without devices: a refresh token is no good while its device is not confirmed."""
    owner("update_user_pool", **{**SETTINGS, "DeviceConfiguration": {}})
    aws, client = owner.served.owner, {"ClientId": owner.client_id, "ClientSecret": owner.secret}
    for sign_out in (
        lambda result: aws.revoke_token(**client, Token=result["RefreshToken"]),
        lambda result: aws.global_sign_out(AccessToken=result["AccessToken"]),
        lambda _: owner("admin_user_global_sign_out", Username="ada"),
    ):
        result = owner.signed_in(NEW_PASSWORD)
        again = {**client, "RefreshToken": result["RefreshToken"]}
        assert aws.get_tokens_from_refresh_token(**again)["AuthenticationResult"]["AccessToken"]
        sign_out(result)
        with pytest.raises(aws.exceptions.NotAuthorizedException):
            aws.get_tokens_from_refresh_token(**again)


def ada_forgets_the_password_and_goes(owner):
    assert owner.of_client("forgot_password")["CodeDeliveryDetails"] == EMAIL
    given = {"ConfirmationCode": owner.served.code("EMAIL"), "Password": PASSWORD}
    owner.of_client("confirm_forgot_password", **given)
    token = {"AccessToken": owner.signed_in(PASSWORD)["AccessToken"]}
    owner.served.owner.delete_user(**token)
    with pytest.raises(owner.served.owner.exceptions.UserNotFoundException):
        owner("admin_get_user", Username="ada")


def an_administrator_leads_a_users_life(owner):
    eve, email = {"Username": "eve"}, {"Name": "email", "Value": "eve@example.com"}
    owner("admin_create_user", **eve, UserAttributes=[email], DesiredDeliveryMediums=["EMAIL"])
    temporary = owner.served.code("EMAIL")
    client = {"ClientId": owner.client_id}
    hashed = AWSSRP.get_secret_hash("eve", owner.client_id, owner.secret)
    answers = {"USERNAME": "eve", "SECRET_HASH": hashed}
    asked = owner(
        "admin_initiate_auth",
        **client,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={**answers, "PASSWORD": temporary},
    )
    owner(
        "admin_respond_to_auth_challenge",
        **client,
        ChallengeName="NEW_PASSWORD_REQUIRED",
        Session=asked["Session"],
        ChallengeResponses={**answers, "NEW_PASSWORD": NEW_PASSWORD},
    )
    changed = [{"Name": "email_verified", "Value": "true"}, {"Name": "custom:tier", "Value": "1"}]
    owner("admin_update_user_attributes", **eve, UserAttributes=changed)
    owner("admin_delete_user_attributes", **eve, UserAttributeNames=["custom:tier"])
    for operation, enabled in (("admin_disable_user", False), ("admin_enable_user", True)):
        owner(operation, **eve)
        assert owner("admin_get_user", **eve)["Enabled"] is enabled
    owner("admin_reset_user_password", **eve)
    owner.served.code("EMAIL")
    assert owner("admin_get_user", **eve)["UserStatus"] == "RESET_REQUIRED"
    owner("admin_set_user_password", **eve, Password=PASSWORD, Permanent=True)
    assert owner("admin_get_user", **eve)["UserStatus"] == "CONFIRMED"
    owner("admin_delete_user", **eve)

    given = {**client, "Username": "eve", "SecretHash": hashed, "Password": PASSWORD}
    owner.served.owner.sign_up(**given, UserAttributes=[email])
    owner.served.code("EMAIL")
    owner("admin_confirm_sign_up", **eve)
    assert owner("admin_get_user", **eve)["UserStatus"] == "CONFIRMED"


def the_pool_goes(owner):
    aws = owner.served.owner
    owner("delete_user_pool_client", ClientId=owner.client_id)
    owner("update_user_pool", DeletionProtection="ACTIVE")
    with pytest.raises(aws.exceptions.InvalidParameterException):
        owner("delete_user_pool")
    owner("update_user_pool", DeletionProtection="INACTIVE")
    owner("delete_user_pool")
    with pytest.raises(aws.exceptions.ResourceNotFoundException):
        owner("describe_user_pool")


def test_every_operation_of_the_pool_is_carried_out(owner):
    served = operations(**dict.fromkeys(inspect.signature(operations).parameters))
    the_pool_is_set_up(owner)
    an_import_is_stopped(evolve(owner, pool_id=owner.served.pool("OFF", SETTINGS)))
    users_are_imported_listed_and_grouped(owner)
    ada_signs_up(owner)
    ada_looks_after_an_account(owner)
    ada_uses_devices(owner)
    ada_signs_out_in_every_way(owner)
    ada_forgets_the_password_and_goes(owner)
    an_administrator_leads_a_users_life(owner)
    the_pool_goes(owner)
    assert set(served) - owner.done == set()
