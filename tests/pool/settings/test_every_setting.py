"""Every setting of a pool and a client is tried: what the tables say becomes of it, happens."""

import logging
from typing import Any

import pytest

from authflow.machine import AuthFlow, State
from authflow.pool.accounts.app_clients import AppClient
from authflow.pool.accounts.callers import Caller
from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import CONFIRMED, User
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.http.validation import service_model
from authflow.pool.settings.app_client_table import APP_CLIENT
from authflow.pool.settings.fates import Fate, Given, SettingsTable
from authflow.pool.settings.user_pool_table import CREATE, USER_POOL
from authflow.pool.sign_ins.next_step import NextStep, TokensOwed, Unasked, next_step
from authflow.pool.sign_ins.sessions import Progress

ARN = "arn:aws:lambda:us-east-1:000000000000:function:any"
FIRED_AT_SIGN_IN = ("PreAuthentication", "PostAuthentication", "PreTokenGeneration")
FACTORS = ("PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN")
SMS = {"SnsCallerArn": "arn:aws:iam::000000000000:role/sms", "ExternalId": "any"}
SENDER = {"LambdaVersion": "V1_0", "LambdaArn": ARN}

POOLS: list[dict[str, Any]] = [
    {"PoolName": "one", "UserPoolTags": {"team": "red"}},
    {
        "Policies": {
            "PasswordPolicy": {
                **{
                    f"Require{kind}": True
                    for kind in ("Uppercase", "Lowercase", "Numbers", "Symbols")
                },
                "MinimumLength": 9,
                "TemporaryPasswordValidityDays": 3,
            }
        }
    },
    *({"Policies": {"PasswordPolicy": {"PasswordHistorySize": size}}} for size in (0, 5)),
    *(
        {"Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": list(factors)}}}
        for factors in (FACTORS[:1], FACTORS, FACTORS[1:2], FACTORS[1:])
    ),
    *({"DeletionProtection": each} for each in ("ACTIVE", "INACTIVE")),
    *(
        {"LambdaConfig": {trigger: ARN}}
        for trigger in (
            *("PreSignUp", "CustomMessage", "PostConfirmation", "UserMigration"),
            *("DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"),
            *FIRED_AT_SIGN_IN,
        )
    ),
    {"LambdaConfig": {"PreTokenGenerationConfig": {"LambdaVersion": "V2_0", "LambdaArn": ARN}}},
    *(
        {"LambdaConfig": {trigger: SENDER, "KMSKeyID": ARN}}
        for trigger in ("CustomEmailSender", "CustomSMSSender")
    ),
    {"LambdaConfig": {"InboundFederation": SENDER}},
    {"AutoVerifiedAttributes": ["email"]},
    {"AliasAttributes": ["email"]},
    {"UsernameAttributes": ["email"]},
    {
        "SmsVerificationMessage": "Code {####}",
        "EmailVerificationMessage": "Code {####}",
        "EmailVerificationSubject": "Code",
        "SmsAuthenticationMessage": "Code {####}",
        "VerificationMessageTemplate": {
            "SmsMessage": "Code {####}",
            "EmailMessage": "Code {####}",
            "EmailSubject": "Code",
            "EmailMessageByLink": "{##Here##}",
            "EmailSubjectByLink": "Link",
            "DefaultEmailOption": "CONFIRM_WITH_LINK",
        },
    },
    {"MfaConfiguration": "OFF"},
    *({"MfaConfiguration": each, "SmsConfiguration": SMS} for each in ("OPTIONAL", "ON")),
    {"DeviceConfiguration": {}},
    *(
        {"DeviceConfiguration": {member: value}}
        for member in ("ChallengeRequiredOnNewDevice", "DeviceOnlyRememberedOnUserPrompt")
        for value in (True, False)
    ),
    {
        "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
        "AutoVerifiedAttributes": ["email"],
    },
    {
        "EmailConfiguration": {
            "SourceArn": ARN,
            "ReplyToEmailAddress": "a@example.org",
            "EmailSendingAccount": "DEVELOPER",
            "From": "a@example.org",
            "ConfigurationSet": "any",
        },
        "SmsConfiguration": {
            "SnsCallerArn": ARN,
            "ExternalId": "any",
            "SnsRegion": "us-east-1",
            "EumsSms": {
                "CallerArn": ARN,
                "ExternalId": "any",
                "OriginationIdentity": "any",
                "ConfigurationSetName": "any",
                "InEntityId": "any",
                "InTemplateId": "any",
                "Region": "us-east-1",
            },
        },
    },
    {
        "AdminCreateUserConfig": {
            "AllowAdminCreateUserOnly": True,
            "UnusedAccountValidityDays": 1,
            "InviteMessageTemplate": {
                "SMSMessage": "{username} {####}",
                "EmailMessage": "{username} {####}",
                "EmailSubject": "Welcome",
            },
        }
    },
    {
        "Schema": [
            {
                "Name": "team",
                "AttributeDataType": "String",
                "DeveloperOnlyAttribute": False,
                "Mutable": True,
                "Required": False,
                "StringAttributeConstraints": {"MinLength": "1", "MaxLength": "9"},
            },
            {
                "Name": "shoe",
                "AttributeDataType": "Number",
                "NumberAttributeConstraints": {"MinValue": "1", "MaxValue": "60"},
            },
        ]
    },
    *({"UserPoolAddOns": {"AdvancedSecurityMode": each}} for each in ("OFF", "AUDIT", "ENFORCED")),
    *(
        {
            "UserPoolAddOns": {
                "AdvancedSecurityMode": "OFF",
                "AdvancedSecurityAdditionalFlows": {"CustomAuthMode": each},
            }
        }
        for each in ("AUDIT", "ENFORCED")
    ),
    *({"UsernameConfiguration": {"CaseSensitive": each}} for each in (True, False)),
    {"AccountRecoverySetting": {"RecoveryMechanisms": [{"Priority": 1, "Name": "admin_only"}]}},
    *({"UserPoolTier": each} for each in ("LITE", "ESSENTIALS", "PLUS")),
    {"KeyConfiguration": {"KeyType": "CUSTOMER_MANAGED_KEY", "KmsKeyArn": f"{ARN}/any"}},
    *({"IssuerConfiguration": {"Type": each}} for each in ("ORIGINAL", "UPDATED")),
    {"AcrConfiguration": {"Level2": {"AcrValue": "urn:ours:2"}}},
]
CLIENTS: list[dict[str, Any]] = [
    {"ClientName": "one", "GenerateSecret": True},
    {"ClientSecret": "x" * 24},
    {
        "RefreshTokenValidity": 1,
        "AccessTokenValidity": 10,
        "IdTokenValidity": 600,
        "TokenValidityUnits": {
            "RefreshToken": "days",
            "AccessToken": "minutes",
            "IdToken": "seconds",
        },
    },
    {"ReadAttributes": ["email"], "WriteAttributes": ["email"]},
    {"ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_AUTH"]},
    {
        "SupportedIdentityProviders": ["Google"],
        "CallbackURLs": ["https://a.example"],
        "LogoutURLs": ["https://a.example"],
        "DefaultRedirectURI": "https://a.example",
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthScopes": ["openid"],
        "AllowedOAuthFlowsUserPoolClient": True,
    },
    {
        "AnalyticsConfiguration": {
            "ApplicationId": "0123456789abcdef",
            "ApplicationArn": ARN,
            "RoleArn": ARN,
            "ExternalId": "any",
            "UserDataShared": True,
        }
    },
    *({"PreventUserExistenceErrors": each} for each in ("LEGACY", "ENABLED")),
    *({"EnableTokenRevocation": each} for each in (True, False)),
    *({"EnablePropagateAdditionalUserContextData": each} for each in (True, False)),
    {"AuthSessionValidity": 5},
    {"RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 10}},
]


def given(settings: dict[str, Any], table: SettingsTable, *fates: Fate) -> list[Given]:
    return [each for each in table.read(settings) if each.case.fate in fates]


@pytest.mark.parametrize(
    ("table", "samples"), [(USER_POOL, POOLS), (APP_CLIENT, CLIENTS)], ids=["pools", "clients"]
)
def test_every_member_is_tried(table: SettingsTable, samples: list[dict[str, Any]]):
    tried = {each.path for settings in samples for each in table.read(settings)}
    assert tried == {path for row in table.rows for path in row.paths} - {"UserPoolId", "ClientId"}


def known(operation: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Leave out what an older service model lacks: such members are ignored."""
    members = service_model().operation_model(operation).input_shape.members
    return {name: value for name, value in settings.items() if name in members}


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


def check_told(told: list[Given], line: str, whose: str) -> None:
    assert line.startswith(f"{whose} has settings without effect here: ")
    assert all(each.spelled in line and each.case.because in line for each in told)


@pytest.mark.parametrize("settings", POOLS, ids=str)
async def test_a_pool_is_told_of_once_and_gives_back_what_it_was_given(
    api, caplog, settings: dict[str, Any]
):
    settings = known("CreateUserPool", settings)
    made = (await api("CreateUserPool", **{"PoolName": "x", **settings}))["UserPool"]
    told = given(settings, USER_POOL, Fate.TOLD)
    assert len(lines(caplog)) == bool(told)
    if told:
        check_told(told, *lines(caplog), f"user pool {made['Id']}")
    given_back = {each.path: each.value for each in USER_POOL.read(made)}
    for each in given(settings, USER_POOL, Fate.KEPT, Fate.TOLD, Fate.REFUSED):
        assert given_back[each.path] == each.value
    # A second time, and an update, tell nothing new.
    fixed = {
        path.split(".")[0] for row in USER_POOL.rows if row.only == CREATE for path in row.paths
    }
    changeable = {name: settings[name] for name in settings.keys() - fixed}
    await api("UpdateUserPool", UserPoolId=made["Id"], **changeable)
    assert len(lines(caplog)) == bool(told)


def after_password(settings: dict[str, Any], flow: AuthFlow) -> NextStep:
    """What is owed to a user whose password was proved; in CUSTOM_AUTH Define wants tokens."""
    times = {"created_at": 0.0, "modified_at": 0.0}
    pool = UserPool(id="pool", settings=settings, key_id="", signing_key="", mask_key=b"", **times)
    client = AppClient(id="client", pool_id="pool", secret=None, settings={}, **times)
    ann = User(
        sub="sub",
        pool_id="pool",
        username="ann",
        status=CONFIRMED,
        attributes={},
        password=StoredPassword(salt=b"1" * 16, verifier=b"2" * 384),
        **times,
    )
    sent = flow is AuthFlow.USER_PASSWORD_AUTH
    stands = Progress(
        pool_id="pool",
        client_id="client",
        flow=flow,
        state=State.INITIATED if sent else State.PASSWORD_VERIFIER,
        sub="sub",
        username="ann",
        typed="ann",
        auth_time=0,
        decided=flow is AuthFlow.CUSTOM_AUTH,
    )
    return next_step(Caller(client=client, pool=pool), ann, stands, held=False, now=0)


@pytest.mark.parametrize("settings", POOLS, ids=str)
@pytest.mark.parametrize("flow", AuthFlow)
def test_a_password_gives_tokens_unless_the_table_says_refused(
    settings: dict[str, Any], flow: AuthFlow
):
    refused = given(settings, USER_POOL, Fate.REFUSED)
    wanted = [Unasked(each) for each in refused]
    if settings.get("MfaConfiguration") == "ON":
        # A phone number is wanted, and the user has none.
        with pytest.raises(CognitoError, match="requires MFA") as refusal:
            after_password(settings, flow)
        assert refusal.value.code == "InvalidUserPoolConfigurationException"
        return
    step = after_password(settings, flow)
    assert step == (wanted[0] if wanted else TokensOwed(held=False))


def merged(*samples: dict[str, Any]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for settings in samples:
        for name, value in settings.items():
            both = isinstance(value, dict) and isinstance(whole.get(name), dict)
            whole[name] = merged(whole[name], value) if both else value
    return whole


async def test_all_that_has_no_effect_has_none_together_either(api, settle, caplog):
    harmless = [
        settings
        for settings in POOLS
        if not given(settings, USER_POOL, Fate.REFUSED)
        and settings.get("MfaConfiguration") != "ON"
        and not {"UsernameAttributes", "Policies"} & settings.keys()
        and not {each.removesuffix("Config") for each in settings.get("LambdaConfig", {})}
        & {*FIRED_AT_SIGN_IN, "PreSignUp"}
    ]
    settings = known("CreateUserPool", merged(*harmless))
    client = known("CreateUserPoolClient", merged(*CLIENTS))
    house = await settle(api, settings, **client)
    await house.add_user()
    reply = await api("InitiateAuth", **house.by_password())
    assert reply["AuthenticationResult"].keys() == {
        *("AccessToken", "IdToken", "RefreshToken", "ExpiresIn", "TokenType", "NewDeviceMetadata")
    }
    assert len(lines(caplog)) == 1
    told = given(settings, USER_POOL, Fate.TOLD)
    check_told(told, *lines(caplog), f"user pool {house.pool_id}")


async def test_nobody_comes_in_unjudged_where_nobody_can_invoke_the_trigger_that_judges(
    api, settle
):
    house = await settle(api, {"LambdaConfig": {"PreSignUp": ARN}})
    made = {"UserPoolId": house.pool_id, "Username": "ann"}
    asked = {"ClientId": house.client_id, "Username": "ann", "Password": "Corr3ct-Horse"}
    for operation, request in (("AdminCreateUser", made), ("SignUp", asked)):
        refusal = await api.refused(operation, **request)
        assert refusal.code == "UnexpectedLambdaException"
    assert (await api.refused("AdminGetUser", **made)).code == "UserNotFoundException"


@pytest.mark.parametrize("trigger", FIRED_AT_SIGN_IN)
async def test_a_trigger_that_is_carried_out_is_missed_where_nobody_can_invoke_it(
    api, settle, trigger: str
):
    house = await settle(api, {"LambdaConfig": {trigger: ARN}})
    await house.add_user()
    refusal = await api.refused("InitiateAuth", **house.by_password())
    assert refusal.code == "UnexpectedLambdaException"
