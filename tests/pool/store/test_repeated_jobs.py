"""Jobs may be run again: two servers, one of which runs each write twice, say the same.

So an engine may undo a transaction that lost against another one, and run its job once more.
"""

import base64
import contextlib
import functools
import inspect
import json
import re
from types import NoneType

import anyio
import pyotp
import pytest
from attrs import define, field, frozen

from authflow import srp
from authflow.pool.imports.import_runner import ImportRunner
from authflow.pool.operations import operations
from authflow.pool.store.database import Database
from tests.pool.conftest import Phone

DRAWN = frozenset(
    {
        *("SecretCode", "UserSub"),
        *("Id", "Arn", "ClientId", "UserPoolId", "sub", "Session", "SECRET_BLOCK", "SRP_B", "SALT"),
        *("jti", "origin_jti", "event_id", "iss", "aud", "client_id", "RefreshToken"),
        *("DeviceKey", "DEVICE_KEY", "DeviceGroupKey", "device_key", "PaginationToken"),
        *("dev:device_arn", "dev:device_owner"),
        *("ClientSecret", "ClientSecretId", "ClientSecretValue", "JobId", "PreSignedUrl"),
    }
)
"""Members that are drawn at random, or name what is."""
SIGNED = frozenset({"AccessToken", "IdToken"})
NEW = "An0ther-Horse"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:riddle"
SPARING = {"ChallengeRequiredOnNewDevice": True}
SOURCES = (
    *("DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"),
    *("UserMigration", "PreTokenGeneration"),
)


@frozen
class Strict:
    """A connection that takes only what a parameter may be."""

    connection: object

    def execute(self, sql, parameters=(), /):
        assert {type(each) for each in parameters} <= {str, bytes, int, float, NoneType}, sql
        return self.connection.execute(sql, parameters)


@define(kw_only=True)
class Repeating(Database):
    """Undoes the first run of each write, as where it lost; and reads change nothing."""

    async def read(self, job, *args, **kwargs):
        @functools.wraps(job)
        def reading(connection):
            connection.execute("PRAGMA query_only = 1")
            try:
                return job(Strict(connection), *args, **kwargs)
            finally:
                connection.execute("PRAGMA query_only = 0")

        return await Database.read(self, reading)

    async def write(self, job, *args, **kwargs):
        @functools.wraps(job)
        def twice(connection):
            connection.execute("SAVEPOINT lost")
            with contextlib.suppress(Exception):  # what it refuses now, it refuses again
                job(Strict(connection), *args, **kwargs)
            connection.execute("ROLLBACK TO lost")
            connection.execute("RELEASE lost")
            return job(Strict(connection), *args, **kwargs)

        return await Database.write(self, twice)


@define
class Recording:
    """An Api that writes down what came of each request, and refuses nothing itself."""

    api: object
    seen: list = field(factory=list)

    async def __call__(self, operation, /, **request):
        status, reply, _ = await self.api.post(operation, json.dumps(request))
        self.seen.append((operation, status, reply))
        return reply


def riddle(event, _):
    """All triggers of a pool: one custom challenge, and one user of an old directory."""
    response = event["response"]
    match event["triggerSource"].partition("_")[0]:
        case "DefineAuthChallenge":
            passed = [each["challengeResult"] for each in event["request"]["session"]]
            response["issueTokens"] = passed[-1:] == [True]
            response["failAuthentication"] = passed == [False] * 2
            response["challengeName"] = "CUSTOM_CHALLENGE"
        case "CreateAuthChallenge":
            response["privateChallengeParameters"] = {"answer": "4"}
        case "VerifyAuthChallengeResponse":
            response["answerCorrect"] = event["request"]["challengeAnswer"] == "4"
        case "UserMigration":
            if event["userName"] != "old":
                raise ValueError("nobody")
            response["userAttributes"] = {"email": "old@example.org", "email_verified": "true"}
            response["messageAction"] = None
            response["desiredDeliveryMediums"] = ["EMAIL"]
    return event


async def accounts(house):
    """Administration: users who are made, named, read and deleted; groups; settings."""
    api, pool = house.api, {"UserPoolId": house.pool_id}
    house.clock.now += 1
    await api("CreateUserPool", PoolName="second")
    await api("UpdateUserPool", **pool, EmailVerificationSubject="Hello")
    arn = (await api("DescribeUserPool", **pool))["UserPool"]["Arn"]
    await api("TagResource", ResourceArn=arn, Tags={"team": "red", "floor": "2"})
    await api("UntagResource", ResourceArn=arn, TagKeys=["team"])
    await api("ListTagsForResource", ResourceArn=arn)
    added = [{"Name": "team", "AttributeDataType": "String"}]
    for _ in range(2):
        await api("AddCustomAttributes", **pool, CustomAttributes=added)
    first = await api("ListUserPools", MaxResults=1)
    await api("ListUserPools", MaxResults=1, NextToken=first.pop("NextToken"))
    client = {"ClientId": house.client_id, "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"]}
    await api("UpdateUserPoolClient", **pool, **client)
    await api("DescribeUserPoolClient", **pool, ClientId=house.client_id)
    await api("ListUserPoolClients", **pool)
    secretive = await api("CreateUserPoolClient", **pool, ClientName="s", GenerateSecret=True)
    secretive = {**pool, "ClientId": secretive["UserPoolClient"]["ClientId"]}
    for _ in range(2):
        await api("AddUserPoolClientSecret", **secretive)
    kept = (await api("ListUserPoolClientSecrets", **secretive))["ClientSecrets"]
    for each in kept:
        one = {"ClientSecretId": each["ClientSecretId"]}
        await api("DeleteUserPoolClientSecret", **secretive, **one)
    email = {"email": "ann@example.org", "email_verified": "true"}
    await house.add_user("ann", **email)
    await api("AdminCreateUser", **pool, Username="ann")  # who is there
    bob = {"Username": "bob", "UserAttributes": [{"Name": k, "Value": v} for k, v in email.items()]}
    for more in ({}, {"ForceAliasCreation": True}, {"MessageAction": "RESEND"}):
        await api("AdminCreateUser", **pool, **bob, **more)
    for name in ("ann", "bob", "ann@example.org", "nobody"):
        await api("AdminGetUser", **pool, Username=name)
    group, member = {"GroupName": "admins", "Precedence": 3}, {**pool, "Username": "ann"}
    for _ in range(2):
        await api("CreateGroup", **pool, **group)
        await api("AdminAddUserToGroup", **member, GroupName="admins")
    await api("GetGroup", **pool, GroupName="admins")
    await api("UpdateGroup", **pool, GroupName="admins", Description="They may")
    await api("ListUsers", **pool, Filter='username ^= "b"')
    await api("ListUsersInGroup", **pool, GroupName="admins")
    for operation in ("AdminListGroupsForUser", "AdminRemoveUserFromGroup"):
        await api(operation, **member, GroupName="admins")
    await api("DeleteGroup", **pool, GroupName="admins")
    await api("ListGroups", **pool)
    for operation in ("AdminDisableUser", "AdminDisableUser", "AdminEnableUser"):
        await api(operation, **pool, Username="bob")
        await api("AdminGetUser", **pool, Username="bob")
    for _ in range(2):
        await api("AdminDeleteUser", **pool, Username="bob")
    for _ in range(2):
        await api("DeleteUserPoolClient", **pool, ClientId=house.client_id)
    for protection in ("ACTIVE", "INACTIVE", "INACTIVE"):
        await api("UpdateUserPool", **pool, DeletionProtection=protection)
        await api("DeleteUserPool", **pool)


async def imports(house):
    """Users who are imported from a file, and a job that is stopped."""
    api, pool = house.api, {"UserPoolId": house.pool_id}
    header = (await api("GetCSVHeader", **pool))["CSVHeader"]
    row = {"cognito:mfa_enabled": "false", "email_verified": "true"}
    rows = [
        {**row, "cognito:username": name, "email": f"{name}@example.org"}
        for name in ("ann", "bob", "ann")
    ]
    lines = [header, *([row.get(column, "") for column in header] for row in rows)]
    content = "\n".join(map(",".join, lines)).encode()
    role = {"CloudWatchLogsRoleArn": "arn:aws:iam::000000000000:role/logs"}
    for _ in range(2):
        job = (await api("CreateUserImportJob", **pool, JobName="j", **role))["UserImportJob"]
        named = {**pool, "JobId": job["JobId"]}
        await api("StartUserImportJob", **named)  # without a file
        for _ in range(2):
            async with api.api.http.put(job["PreSignedUrl"], data=content) as reply:
                assert reply.status == 200
        await api("StartUserImportJob", **named)
        house.clock.now += 1
        with anyio.fail_after(30):
            while "CompletionDate" not in job:
                reply = await api.api("DescribeUserImportJob", **named)
                job = reply["UserImportJob"]
        await api("DescribeUserImportJob", **named)
    first = await api("ListUserImportJobs", **pool, MaxResults=1)
    await api("ListUserImportJobs", **pool, MaxResults=1, PaginationToken=first["PaginationToken"])
    await api("StopUserImportJob", **named)
    await api("ListUsers", **pool, Filter='email ^= "a"')


async def stopped_import(house, monkeypatch):
    """A job that waits for its turn, and is stopped."""
    api, pool = house.api, {"UserPoolId": house.pool_id}
    monkeypatch.setattr(ImportRunner, "wake", lambda _: None)
    role = {"CloudWatchLogsRoleArn": "arn:aws:iam::000000000000:role/logs"}
    job = (await api("CreateUserImportJob", **pool, JobName="j", **role))["UserImportJob"]
    async with api.api.http.put(job["PreSignedUrl"], data=b"x") as reply:
        assert reply.status == 200
    await api("StartUserImportJob", **pool, JobId=job["JobId"])
    for _ in range(2):
        await api("StopUserImportJob", **pool, JobId=job["JobId"])


async def passwords(house):
    """Sign-ins by a password: right and wrong, locked and replayed; a temporary password."""
    api = house.api
    await house.add_user("ann", email="ann@example.org", email_verified="true")
    await api("CreateGroup", UserPoolId=house.pool_id, GroupName="admins")
    named = {"UserPoolId": house.pool_id, "Username": "ann", "GroupName": "admins"}
    await api("AdminAddUserToGroup", **named)
    await api("RespondToAuthChallenge", **await house.by_srp("ann", "wrong"))
    proof = await house.by_srp()
    for _ in range(2):
        await api("RespondToAuthChallenge", **proof)
    for _ in range(7):
        await api("InitiateAuth", **house.by_password("ann", "wrong"))
    await api("InitiateAuth", **house.by_password())  # is locked
    house.clock.now += 1000
    await api("InitiateAuth", **house.by_password())
    new = {"UserPoolId": house.pool_id, "Username": "new"}
    await api("AdminCreateUser", **new, TemporaryPassword="Temp0rary!")
    begun = house.begin("ADMIN_USER_PASSWORD_AUTH", "new", PASSWORD="Temp0rary!")
    asked = await api("AdminInitiateAuth", UserPoolId=house.pool_id, **begun)
    for password in ("weak", NEW, NEW):
        answer = house.answer(
            "NEW_PASSWORD_REQUIRED", "new", asked["Session"], NEW_PASSWORD=password
        )
        await api("AdminRespondToAuthChallenge", UserPoolId=house.pool_id, **answer)


async def own_account(house):
    """A user who changes the password and is signed out, and then deletes himself."""
    api, named = house.api, {"UserPoolId": house.pool_id, "Username": "ann"}
    await house.add_user("ann")
    token = (await house.tokens())["AccessToken"]
    change = {"AccessToken": token, "PreviousPassword": "Corr3ct-Horse"}
    for password in ("weak", "Corr3ct-Horse", NEW, NEW):
        await api("ChangePassword", **change, ProposedPassword=password)
    await api("AdminUserGlobalSignOut", **named)
    begun = await api("InitiateAuth", **house.by_password("ann", NEW))
    token = begun["AuthenticationResult"]["AccessToken"]
    for _ in range(2):
        await api("DeleteUser", AccessToken=token)


async def addresses(house, sent):
    """A user whose addresses change, wait and are verified; attributes that are deleted."""
    api, named = house.api, {"UserPoolId": house.pool_id, "Username": "ann"}
    await house.add_user("ann", email="ann@example.org", email_verified="true")
    await house.add_user("bob", email="bob@example.org", email_verified="true")
    own = {"AccessToken": (await house.tokens())["AccessToken"]}
    email = {**own, "AttributeName": "email"}
    for address in ("new@example.org", "bob@example.org", "new@example.org"):
        given = {"UserAttributes": [{"Name": "email", "Value": address}]}
        await api("UpdateUserAttributes", **own, **given)
        code = sent[-1].code.reveal()
        for typed in (f"{(int(code) + 1) % 10**6:06}", code, code):
            await api("VerifyUserAttribute", **email, Code=typed)
    for _ in range(2):
        await api("AdminUpdateUserAttributes", **named, **given)
        await api("GetUserAttributeVerificationCode", **email)
    for _ in range(10):
        await api("VerifyUserAttribute", **email, Code="000000")
    names = {"UserAttributeNames": ["email"]}
    for _ in range(2):
        await api("DeleteUserAttributes", **own, **names)
        await api("AdminDeleteUserAttributes", **named, **names)
    await api("GetUser", **own)


async def tokens(house):
    """Tokens that are used, renewed, replaced and revoked."""
    api, client = house.api, {"ClientId": house.client_id}
    await house.add_user("ann")
    given = await house.tokens()
    await api("GetUser", AccessToken=given["AccessToken"])
    by_flow = house.begin("REFRESH_TOKEN_AUTH", REFRESH_TOKEN=given["RefreshToken"])
    await api("InitiateAuth", **by_flow)
    renewal = {**client, "RefreshToken": given["RefreshToken"]}
    renewed = (await api("GetTokensFromRefreshToken", **renewal))["AuthenticationResult"]
    for _ in range(2):
        await api("GetTokensFromRefreshToken", **renewal)
    newest = renewed.get("RefreshToken", given["RefreshToken"])
    await api("GetTokensFromRefreshToken", **client, RefreshToken=newest)
    await api("RevokeToken", **client, Token=newest)
    await api("GetTokensFromRefreshToken", **client, RefreshToken=newest)
    await api("GetUser", AccessToken=given["AccessToken"])
    again = (await house.tokens())["AccessToken"]
    for _ in range(2):
        await api("GlobalSignOut", AccessToken=again)


async def devices(house):
    """Devices that are confirmed, proved, listed, refreshed from and forgotten."""
    api, pool = house.api, {"UserPoolId": house.pool_id, "Username": "ann"}
    await house.add_user("ann")
    given = await house.tokens()
    house.clock.now += 1  # else the order of the two is drawn
    other = await house.tokens()
    phone, second = Phone.of(house, given), Phone.of(house, other)
    for _ in range(2):
        await phone.confirm(given["AccessToken"], DeviceName="phone")
    await second.confirm(other["AccessToken"])
    own = {"AccessToken": given["AccessToken"]}
    for listed, who in (("ListDevices", own), ("AdminListDevices", pool)):
        page = await api(listed, **who, Limit=1)
        await api(listed, **who, PaginationToken=page["PaginationToken"])
    for operation in ("GetDevice", "UpdateDeviceStatus"):
        status = {} if operation == "GetDevice" else {"DeviceRememberedStatus": "not_remembered"}
        await api(operation, **own, DeviceKey=phone.key, **status)
        await api(f"Admin{operation}", **phone.named, **status)
        await api(f"Admin{operation}", **{**phone.named, "DeviceKey": "us-east-1_0"}, **status)
    liar = Phone(house, phone.key, phone.group_key, "a guess")
    for each in (liar, phone):
        proof = await each.asked(await each.begin())
        for _ in range(2):
            await api("RespondToAuthChallenge", **proof)
    await phone.begin()
    for _ in range(2):
        await api("RespondToAuthChallenge", **phone.first(srp.Prover.start(b"1" * 32), None))
    await house.by_srp()
    named = house.begin("USER_PASSWORD_AUTH", PASSWORD="Corr3ct-Horse", DEVICE_KEY="us-east-1_0")
    await api("InitiateAuth", **named)
    client = {"ClientId": house.client_id, "RefreshToken": given["RefreshToken"]}
    for device in ({}, {"DeviceKey": second.key}, {"DeviceKey": phone.key}):
        await api("GetTokensFromRefreshToken", **client, **device)
    for _ in range(2):
        await api("ForgetDevice", **own, DeviceKey=second.key)
        await api("AdminForgetDevice", **phone.named)


async def sign_ups(house, sent):
    """Users who sign up, are confirmed, and are sent codes again; who takes another's alias."""
    api, pool = house.api, {"UserPoolId": house.pool_id}
    client = {"ClientId": house.client_id}
    email = [{"Name": "email", "Value": "ann@example.org"}]
    for name in ("ann", "ann", "bob", "eve"):
        request = {"Username": name, "Password": NEW, "UserAttributes": email}
        await api("SignUp", **client, **request)
    for name in ("ann", "nobody"):
        await api("ResendConfirmationCode", **client, Username=name)
    right = sent[-1].code.reveal()
    for code in (f"{(int(right) + 1) % 10**6:06}", right, right):
        await api("ConfirmSignUp", **client, Username="ann", ConfirmationCode=code)
    await api("ResendConfirmationCode", **client, Username="bob")
    taking = {"Username": "bob", "ConfirmationCode": sent[-1].code.reveal()}
    for force in ({}, {"ForceAliasCreation": True}):
        await api("ConfirmSignUp", **client, **taking, **force)
    for _ in range(2):
        await api("AdminConfirmSignUp", **pool, Username="eve")
    for name in ("ann", "bob", "eve"):
        await api("AdminGetUser", **pool, Username=name)
    for _ in range(11):
        await api("ResendConfirmationCode", **client, Username="eve")


async def forgotten(house, sent):
    """Passwords that are forgotten, and reset by an administrator."""
    api, client = house.api, {"ClientId": house.client_id, "Username": "ann"}
    await house.add_user("ann", email="ann@example.org", email_verified="true")
    for _ in range(2):
        await api("ForgotPassword", **client)
    entered = {**client, "Password": NEW}
    right = sent[-1].code.reveal()
    for code in (f"{(int(right) + 1) % 10**6:06}", right, right):
        await api("ConfirmForgotPassword", **entered, ConfirmationCode=code)
    await api("InitiateAuth", **house.by_password("ann", NEW))
    await api("AdminResetUserPassword", UserPoolId=house.pool_id, Username="ann")
    await api("InitiateAuth", **house.by_password("ann", NEW))
    await api("ConfirmForgotPassword", **entered, ConfirmationCode=sent[-1].code.reveal())
    for _ in range(11):
        await api("ForgotPassword", **client)


async def factors(house, sent):
    """Second factors that are set up, preferred, chosen, answered and taken away."""
    api, pool = house.api, {"UserPoolId": house.pool_id}
    named = {**pool, "Username": "ann"}
    sms = {"SmsConfiguration": {"SnsCallerArn": "arn:aws:iam::000000000000:role/s"}}
    sms["SmsConfiguration"]["ExternalId"] = "x"
    kinds = {
        "SmsMfaConfiguration": sms,
        "SoftwareTokenMfaConfiguration": {"Enabled": True},
        "EmailMfaConfiguration": {},
    }

    def code(secret, steps=0):
        return pyotp.HOTP(secret).at(int(house.clock.now // 30) + steps)

    def answer(name, session, typed):
        return house.answer(name, "ann", session, **{f"{name}_CODE": typed})

    async def asked():
        return (await api("InitiateAuth", **house.by_password()))["Session"]

    await api("SetUserPoolMfaConfig", **pool, MfaConfiguration="ON", **kinds)
    await api("GetUserPoolMfaConfig", **pool)
    await house.add_user("ann")
    session = await asked()
    for _ in range(2):
        begun = await api("AssociateSoftwareToken", Session=session)
        secret = begun.get("SecretCode", locals().get("secret"))
        session = begun.get("Session", session)
    for steps in (9, 0):
        request = {"Session": session, "UserCode": code(secret, steps)}
        session = (await api("VerifySoftwareToken", **request)).get("Session", session)
    for _ in range(2):
        done = await api("RespondToAuthChallenge", **house.answer("MFA_SETUP", "ann", session))
        token = done.get("AuthenticationResult", {}).get("AccessToken", locals().get("token"))
    await api("GetUserAuthFactors", AccessToken=token)
    await api("SetUserMFAPreference", AccessToken=token, SoftwareTokenMfaSettings={"Enabled": True})
    await api("SetUserSettings", AccessToken=token, MFAOptions=[])
    await api("AdminSetUserSettings", **named, MFAOptions=[])
    session = await asked()
    for typed in (code(secret, 9), code(secret), code(secret, 1), code(secret, 1)):
        await api("RespondToAuthChallenge", **answer("SOFTWARE_TOKEN_MFA", session, typed))
    begun = await api("AssociateSoftwareToken", AccessToken=token)
    new = {"AccessToken": token, "UserCode": code(begun["SecretCode"])}
    for _ in range(2):
        await api("VerifySoftwareToken", **new)
    await api("AdminDeleteSoftwareToken", **named)
    session = await asked()
    given = house.answer("MFA_SETUP", "ann", session, EMAIL="ann@example.org")
    session = (await api("RespondToAuthChallenge", **given))["Session"]
    right = sent[-1].code.reveal()
    for typed in (f"{(int(right) + 1) % 10**6:06}", right, right):
        await api("RespondToAuthChallenge", **answer("EMAIL_OTP", session, typed))
    await api("AdminSetUserMFAPreference", **named, EmailMfaSettings={"Enabled": True})
    await api("AdminGetUserAuthFactors", **named)
    await api("AdminGetUser", **named)
    await asked()


async def triggers(house):
    """A custom challenge, a user who is brought in, and tokens that a trigger shapes."""
    api = house.api
    await house.add_user("ann")
    for answers in (("5", "4", "4"), ("5", "5")):
        asked = await api("InitiateAuth", **house.begin("CUSTOM_AUTH"))
        for answer in answers:
            request = house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER=answer)
            reply = await api("RespondToAuthChallenge", **request)
            asked = reply if "Session" in reply else asked
    for name in ("old", "old", "nobody"):
        await api("InitiateAuth", **house.by_password(name))
    given = (await house.tokens())["RefreshToken"]
    await api("GetTokensFromRefreshToken", ClientId=house.client_id, RefreshToken=given)


async def walk(start, settle, clock):
    """Go through every operation, to good ends and bad ones.

    Returns:
        What came of each request, and the messages that were sent.
    """
    sent, seen, began = [], [], clock.now
    served = await start(triggers={"riddle": riddle}, on_message=sent.append)
    api = Recording(served, seen)
    rotating = {"RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 0}}
    shaped = {"LambdaConfig": dict.fromkeys(SOURCES, ARN)}
    await accounts(await settle(api, {"AliasAttributes": ["email"]}))
    await imports(await settle(api, {"AutoVerifiedAttributes": ["email"]}))
    with pytest.MonkeyPatch.context() as patch:
        await stopped_import(await settle(api, {"AutoVerifiedAttributes": ["email"]}), patch)
    await passwords(await settle(api))
    history = {"PasswordPolicy": {"PasswordHistorySize": 1}}
    await own_account(await settle(api, {"Policies": history}))
    verified = {"AutoVerifiedAttributes": ["email"], "AliasAttributes": ["email"]}
    waits = {"AttributesRequireVerificationBeforeUpdate": ["email"]}
    for more in ({}, {"UserAttributeUpdateSettings": waits}):
        await addresses(await settle(api, {**verified, **more}), sent)
    await tokens(await settle(api))
    await tokens(await settle(api, **rotating))
    await devices(await settle(api, {"DeviceConfiguration": SPARING}))
    by_email = {"AliasAttributes": ["email"], "AutoVerifiedAttributes": ["email"]}
    await sign_ups(await settle(api, by_email), sent)
    await forgotten(await settle(api), sent)
    await factors(await settle(api), sent)
    await triggers(await settle(api, shaped))
    await triggers(await settle(api, shaped, **rotating, PreventUserExistenceErrors="ENABLED"))
    clock.now = began
    return seen, [(each.username, each.medium, each.destination) for each in sent]


def plain(value, name=""):
    """Give a reply without what is drawn at random."""
    if name in SIGNED:
        payload = value.split(".")[1]
        value = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    match value:
        case dict() if "Name" in value and "Value" in value:
            return {value["Name"]: plain(value["Value"], value["Name"])}
        case dict():
            return {key: plain(each, key) for key, each in value.items()}
        case list():
            return [plain(each) for each in value]
        case str() if name == "message":
            return re.sub(r"[a-z0-9]{26}|us-east-1_\w{9}|import-\w{10}", "(id)", value)
    return name if name in DRAWN else value


async def test_jobs_that_are_run_again_do_the_same(start, settle, clock, monkeypatch):
    once, sent = await walk(start, settle, clock)
    monkeypatch.setattr("authflow.pool.server.Database", Repeating)
    twice, sent_twice = await walk(start, settle, clock)
    assert [plain(list(each)) for each in once] == [plain(list(each)) for each in twice]
    assert sent == sent_twice
    good = {operation for operation, status, _ in once if status == 200}
    assert good == set(operations(**dict.fromkeys(inspect.signature(operations).parameters)))
    assert not [reply for _, status, reply in twice if status >= 500]
