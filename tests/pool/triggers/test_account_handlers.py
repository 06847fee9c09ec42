"""A function at a Lambda endpoint, in either language, in every trigger of an account's life."""

import base64
import json
from typing import Any

import pytest
from attrs import define

ARN = "arn:aws:lambda:us-east-1:000000000000:function:one"
TRIGGERS = (
    *("PreSignUp", "PostConfirmation", "CustomMessage", "UserMigration"),
    *("PreAuthentication", "PostAuthentication", "PreTokenGeneration"),
)
PASSWORD, NEW_PASSWORD = "Corr3ct-Horse", "N3w-Corr3ct-Horse"
SMS = {"SnsCallerArn": "arn:aws:iam::000000000000:role/any-sms", "ExternalId": "any"}
SETTINGS = {
    "AutoVerifiedAttributes": ["email"],
    "LambdaConfig": dict.fromkeys(TRIGGERS, ARN),
    "AccountRecoverySetting": {"RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}]},
}
SIGN_IN = [
    *("PreAuthentication_Authentication", "PostAuthentication_Authentication"),
    "TokenGeneration_Authentication",
]


@define
class Reception:
    """A pool whose triggers are one function, what is asked of that, and what is sent."""

    house: Any
    sent: list[Any]
    requests: list[Any]

    @property
    def asked(self) -> list[Any]:
        """What the function was asked since the last look."""
        asked = [event for _, event in self.requests]
        self.requests.clear()
        return asked

    @property
    def sources(self) -> list[str]:
        return [event["triggerSource"] for event in self.asked]

    async def of_client(self, operation: str, username: str = "ann", **members: Any) -> Any:
        """Make a request of the app client's about a user."""
        named = {"ClientId": self.house.client_id, "Username": username}
        return await self.house.api(operation, **named, **members)

    async def of_owner(self, operation: str, username: str = "ann", **members: Any) -> Any:
        """Make a request of the pool's owner about a user."""
        named = {"UserPoolId": self.house.pool_id, "Username": username}
        return await self.house.api(operation, **named, **members)

    def code(self, source: str, who: str = "ann") -> str:
        """Return the code of the only new message, which the function has worded."""
        (message,) = self.sent
        self.sent.clear()
        code: str = message.code.reveal()
        assert message.text.reveal() == f"{source}, {who}: {code}"
        assert message.subject == (source if message.medium == "EMAIL" else None)
        return code

    async def sign_in(self, password: str, username: str = "ann") -> Any:
        begun = self.house.by_password(username, password)
        return await self.house.api("InitiateAuth", **begun)


def made_by(reply: Any) -> str:
    part = reply["AuthenticationResult"]["IdToken"].split(".")[1]
    claims: dict[str, str] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return claims["made_by"]


def application(**metadata: str) -> dict[str, Any]:
    return {
        "Password": PASSWORD,
        "UserAttributes": [{"Name": "email", "Value": "ann@example.org"}],
        "ClientMetadata": metadata,
    }


@pytest.fixture(params=["python", pytest.param("node", marks=pytest.mark.system("node"))])
async def function(request, python_function, node_function):
    if request.param == "python":
        return python_function("reception.py")
    return await node_function("reception.mjs")


@pytest.fixture
async def reception(function, local_lambda, start, settle):
    local_lambda.functions["one"] = function
    sent = []
    api = await start(lambda_endpoint=local_lambda.url, on_message=sent.append)
    house = await settle(api, SETTINGS)
    return Reception(house=house, sent=sent, requests=local_lambda.requests)


async def test_a_function_is_asked_at_every_step_of_a_users_life(reception):
    house = reception.house
    refusal = await house.api.refused(
        "SignUp", ClientId=house.client_id, Username="ann", **application(word="thieves")
    )
    assert (refusal.code, refusal.message) == (
        "UserLambdaValidationException",
        "PreSignUp failed with error no strangers.",
    )
    assert reception.sources == ["PreSignUp_SignUp"]

    await reception.of_client("SignUp", **application())
    assert reception.sources == ["PreSignUp_SignUp", "CustomMessage_SignUp"]
    reception.code("SignUp")
    await reception.of_client("ResendConfirmationCode")
    (asked,) = reception.asked
    assert asked["triggerSource"] == "CustomMessage_ResendCode"
    assert asked["request"]["userAttributes"]["cognito:user_status"] == "UNCONFIRMED"
    code = reception.code("ResendCode")
    await reception.of_client("ConfirmSignUp", ConfirmationCode=code)
    (asked,) = reception.asked
    assert asked["triggerSource"] == "PostConfirmation_ConfirmSignUp"
    assert asked["request"]["userAttributes"]["email_verified"] == "true"

    reply = await reception.sign_in(PASSWORD)
    assert made_by(reply) == "Authentication"
    assert sorted(reception.sources) == sorted(SIGN_IN)
    tokens = reply["AuthenticationResult"]
    again = {"REFRESH_TOKEN": tokens["RefreshToken"]}
    refresh = {"ClientId": house.client_id, "AuthFlow": "REFRESH_TOKEN_AUTH"}
    reply = await house.api("InitiateAuth", **refresh, AuthParameters=again)
    assert made_by(reply) == "RefreshTokens"
    assert reception.sources == ["TokenGeneration_RefreshTokens"]

    own = {"AccessToken": tokens["AccessToken"]}
    changed = [{"Name": "email", "Value": "ann@elsewhere.example"}]
    await house.api("UpdateUserAttributes", **own, UserAttributes=changed)
    assert reception.sources == ["CustomMessage_UpdateUserAttribute"]
    reception.code("UpdateUserAttribute")
    await house.api("GetUserAttributeVerificationCode", **own, AttributeName="email")
    assert reception.sources == ["CustomMessage_VerifyUserAttribute"]
    code = reception.code("VerifyUserAttribute")
    await house.api("VerifyUserAttribute", **own, AttributeName="email", Code=code)
    assert reception.sources == []

    for begin in (
        lambda: reception.of_client("ForgotPassword"),
        lambda: reception.of_owner("AdminResetUserPassword"),
    ):
        await begin()
        assert reception.sources == ["CustomMessage_ForgotPassword"]
        code = reception.code("ForgotPassword")
        given = {"ConfirmationCode": code, "Password": NEW_PASSWORD}
        await reception.of_client("ConfirmForgotPassword", **given)
        assert reception.sources == ["PostConfirmation_ConfirmForgotPassword"]

    await reception.of_owner("AdminDeleteUser")
    assert reception.sources == []


async def test_a_function_words_the_code_of_a_second_factor(reception):
    named = {"UserPoolId": reception.house.pool_id}
    await reception.house.api(
        "SetUserPoolMfaConfig",
        **named,
        MfaConfiguration="ON",
        SmsMfaConfiguration={"SmsConfiguration": SMS},
    )
    await reception.house.add_user(phone_number="+15555550123")
    assert reception.sources == ["PreSignUp_AdminCreateUser"]
    asked = await reception.sign_in(PASSWORD)
    assert asked["ChallengeName"] == "SMS_MFA"
    assert reception.sources == [SIGN_IN[0], "CustomMessage_Authentication"]
    answer = {"SMS_MFA_CODE": reception.code("Authentication")}
    answered = reception.house.answer("SMS_MFA", "ann", asked["Session"], **answer)
    reply = await reception.house.api("RespondToAuthChallenge", **answered)
    assert made_by(reply) == "Authentication"
    assert sorted(reception.sources) == sorted(SIGN_IN[1:])


async def test_a_function_is_asked_when_an_administrator_invites_a_user(reception):
    attributes = [{"Name": "email", "Value": "bob@example.org"}]
    given = {"UserAttributes": attributes, "DesiredDeliveryMediums": ["EMAIL"]}
    invited = ["PreSignUp_AdminCreateUser", "CustomMessage_AdminCreateUser"]
    await reception.of_owner("AdminCreateUser", "bob", **given)
    first, second = reception.asked
    assert [first["triggerSource"], second["triggerSource"]] == invited
    assert second["request"]["usernameParameter"] == "{username}"
    assert second["callerContext"]["clientId"] == "CLIENT_ID_NOT_APPLICABLE"
    reception.code("AdminCreateUser", "bob")
    await reception.of_owner("AdminCreateUser", "bob", **given, MessageAction="RESEND")
    assert reception.sources == invited[1:]
    temporary = reception.code("AdminCreateUser", "bob")
    asked = await reception.sign_in(temporary, "bob")
    assert asked["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    reception.requests.clear()
    answered = reception.house.answer(
        "NEW_PASSWORD_REQUIRED", "bob", asked["Session"], NEW_PASSWORD=NEW_PASSWORD
    )
    reply = await reception.house.api("RespondToAuthChallenge", **answered)
    assert made_by(reply) == "NewPasswordChallenge"
    assert "TokenGeneration_NewPasswordChallenge" in reception.sources


async def test_a_function_confirms_a_sign_up_or_fails_after_it(reception):
    await reception.of_client("SignUp", **application(word="swordfish"))
    assert reception.sources == ["PreSignUp_SignUp", "PostConfirmation_ConfirmSignUp"]
    assert reception.sent == []
    await reception.of_client("SignUp", "late", **application())
    refusal = await reception.house.api.refused(
        "AdminConfirmSignUp",
        UserPoolId=reception.house.pool_id,
        Username="late",
        ClientMetadata={"word": "late"},
    )
    assert (refusal.code, refusal.message) == (
        "UserLambdaValidationException",
        "PostConfirmation failed with error the house is full.",
    )
    user = await reception.of_owner("AdminGetUser", "late")
    assert user["UserStatus"] == "CONFIRMED"


async def test_a_function_brings_users_along_at_a_sign_in_and_at_a_lost_password(reception):
    begun = reception.house.by_password("grace", "wrong")
    refusal = await reception.house.api.refused("InitiateAuth", **begun)
    assert refusal.code == "UserNotFoundException"
    assert reception.sources == ["UserMigration_Authentication"]
    assert made_by(await reception.sign_in("Gr4ce-Horse", "grace")) == "Authentication"
    assert reception.sources[0] == "UserMigration_Authentication"
    await reception.of_owner("AdminDeleteUser", "grace")
    await reception.of_client("ForgotPassword", "grace")
    assert reception.sources == ["UserMigration_ForgotPassword", "CustomMessage_ForgotPassword"]
    code = reception.code("ForgotPassword", "grace")
    given = {"ConfirmationCode": code, "Password": NEW_PASSWORD}
    await reception.of_client("ConfirmForgotPassword", "grace", **given)
    assert made_by(await reception.sign_in(NEW_PASSWORD, "grace")) == "Authentication"
