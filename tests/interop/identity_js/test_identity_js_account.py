"""amazon-cognito-identity-js goes through a user's whole life, each step right and wrong."""

from contextlib import asynccontextmanager

import pytest
from attrs import define, field

from testbed.authenticator import other_than

pytestmark = pytest.mark.system("node", "npm")

PASSWORD, NEW_PASSWORD, LAST_PASSWORD = (f"Correct-horse-{each}" for each in (1, 2, 3))
FLOWS = ("USER_PASSWORD_AUTH", "USER_SRP_AUTH")
PASSED = {"event": "onSuccess", "value": "SUCCESS"}
EMAIL = {"Destination": "a***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email"}
ELSEWHERE = "ann@elsewhere.example"
SETTINGS = {
    "AutoVerifiedAttributes": ["email"],
    "AccountRecoverySetting": {
        "RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}],
    },
    "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
}
APPLICATION = {
    "username": "ada",
    "password": PASSWORD,
    "attributes": {"email": "ada@example.com", "name": "Ada"},
    "metadata": {},
}


@define
class Doorkeeper:
    """Lets whoever says the word in without a code, and turns away whoever says another."""

    sources: frozenset[str] = frozenset({"PreSignUp"})
    asked: list = field(factory=list)

    async def handle(self, event):
        request = event["request"]
        self.asked.append((request["clientMetadata"], request["validationData"]))
        word = (request["clientMetadata"] or {}).get("word")
        if word == "swordfish":
            event["response"].update(autoConfirmUser=True, autoVerifyEmail=True)
        elif word is not None:
            raise ValueError("that is not the word")
        return event


@define
class Life:
    """The client at a pool, and what is sent to its user."""

    client: object
    codes: list

    async def __call__(self, command, **members):
        return await self.client(command, **members)

    @property
    def code(self):
        """The code of the one message that was sent by now."""
        (message,) = self.codes
        self.codes.clear()
        return message.code.reveal()

    async def sign_in(self, password, flow="USER_PASSWORD_AUTH"):
        return await self("authenticateUser", flow=flow, username="ada", password=password)

    async def sign_up(self):
        """Sign ada up, confirm and sign in."""
        await self("signUp", **APPLICATION)
        assert await self("confirmRegistration", code=self.code) == PASSED
        assert (await self.sign_in(PASSWORD))["event"] == "onSuccess"


@pytest.fixture
def life(live_pool, identity_js):
    @asynccontextmanager
    async def begun(aliases=(), **settings):
        sent = []
        settings |= {"on_message": sent.append}
        async with (
            live_pool(pool={**SETTINGS, "AliasAttributes": aliases}, **settings) as pool,
            # What is answered where users are hidden, Amplify sees.
            identity_js(pool, PreventUserExistenceErrors="LEGACY") as client,
        ):
            yield pool, Life(client=client, codes=sent)

    return begun


def is_refused(event, code):
    """Say whether an event is a refusal of a name."""
    return (event["event"], event.get("code")) == ("onFailure", code)


async def test_a_user_signs_up_and_is_confirmed_by_the_newest_code(life, signed_in):
    async with life() as (_, client):
        weak = {**APPLICATION, "password": "horse"}
        assert is_refused(await client("signUp", **weak), "InvalidPasswordException")
        nowhere = {**APPLICATION, "attributes": {"email": "nowhere"}}
        assert is_refused(await client("signUp", **nowhere), "InvalidParameterException")
        made = (await client("signUp", **APPLICATION))["value"]
        assert made.pop("userSub")
        assert made == {"user": "ada", "userConfirmed": False, "codeDeliveryDetails": EMAIL}
        first = client.code
        assert is_refused(await client("signUp", **APPLICATION), "UsernameExistsException")
        for flow in FLOWS:
            waiting = await client.sign_in(PASSWORD, flow)
            assert is_refused(waiting, "UserNotConfirmedException")
        assert await client("resendConfirmationCode") == {
            "event": "onSuccess",
            "value": {"CodeDeliveryDetails": EMAIL},
        }
        code = client.code
        wrong = first if first != code else other_than(code)
        entered = await client("confirmRegistration", code=wrong)
        assert is_refused(entered, "CodeMismatchException")
        assert await client("confirmRegistration", code=code) == PASSED
        again = await client("confirmRegistration", code=code)
        assert is_refused(again, "NotAuthorizedException")
        again = await client("resendConfirmationCode")
        assert is_refused(again, "InvalidParameterException")
        assert is_refused(await client.sign_in(NEW_PASSWORD), "NotAuthorizedException")
        assert signed_in(await client.sign_in(PASSWORD))


async def test_a_trigger_confirms_a_sign_up_or_refuses_it(life, signed_in):
    keeper = Doorkeeper()
    async with life(triggers=keeper) as (_, client):
        said = await client("signUp", **{**APPLICATION, "metadata": {"word": "trout"}})
        assert said == {
            "event": "onFailure",
            "code": "UserLambdaValidationException",
            "message": "PreSignUp failed with error that is not the word.",
        }
        assert is_refused(await client.sign_in(PASSWORD), "UserNotFoundException")
        made = await client("signUp", **{**APPLICATION, "metadata": {"word": "swordfish"}})
        assert made["value"]["userConfirmed"]
        assert client.codes == []
        assert keeper.asked == [({"word": word},) * 2 for word in ("trout", "swordfish")]
        assert signed_in(await client.sign_in(PASSWORD))


async def test_a_user_reads_changes_verifies_and_deletes_attributes(life):
    async with life() as (_, client):
        await client.sign_up()

        async def read():
            told = (await client("getUserAttributes"))["value"]
            return {each["Name"]: each["Value"] for each in told}

        first = await read()
        assert first.pop("sub")
        assert first == {"email": "ada@example.com", "email_verified": "true", "name": "Ada"}
        changed = await client("updateAttributes", attributes={"email": ELSEWHERE, "nickname": "A"})
        assert changed["value"] == {"value": "SUCCESS", "CodeDeliveryDetailsList": [EMAIL]}
        code = client.code
        assert (await read())["email"] == "ada@example.com"
        wrong = await client("verifyAttribute", name="email", code=other_than(code))
        assert is_refused(wrong, "CodeMismatchException")
        asked = await client("getAttributeVerificationCode", name="email")
        assert asked == {"event": "inputVerificationCode", "CodeDeliveryDetails": EMAIL}
        code = client.code
        assert await client("verifyAttribute", name="email", code=code) == PASSED
        again = await client("verifyAttribute", name="email", code=code)
        assert is_refused(again, "ExpiredCodeException")
        verified = await read()
        assert (verified["email"], verified["email_verified"]) == (ELSEWHERE, "true")
        missing = await client("getAttributeVerificationCode", name="phone_number")
        assert is_refused(missing, "InvalidParameterException")

        unknown = await client("updateAttributes", attributes={"custom:unknown": "B"})
        assert is_refused(unknown, "InvalidParameterException")
        changed = await client("updateAttributes", attributes={"name": "B"})
        assert changed["value"] == {"value": "SUCCESS", "CodeDeliveryDetailsList": []}
        assert (await read())["name"] == "B"
        assert await client("deleteAttributes", names=["name", "nickname"]) == PASSED
        assert set(await read()) == {"sub", "email", "email_verified"}
        lasting = await client("deleteAttributes", names=["sub"])
        assert is_refused(lasting, "InvalidParameterException")
        assert "value" not in await client("getMFAOptions")


async def test_a_user_changes_a_password_and_signs_out_everywhere(life, signed_in):
    async with life() as (_, client):
        await client.sign_up()
        wrong = await client("changePassword", old=LAST_PASSWORD, password=NEW_PASSWORD)
        assert is_refused(wrong, "NotAuthorizedException")
        weak = await client("changePassword", old=PASSWORD, password="horse")
        assert is_refused(weak, "InvalidPasswordException")
        assert await client("changePassword", old=PASSWORD, password=NEW_PASSWORD) == PASSED
        assert signed_in(await client("getSession"))
        assert await client("globalSignOut") == PASSED
        # It would repeat a refused refresh for six seconds.
        assert is_refused(await client("getUserAttributes"), "NotAuthorizedException")
        assert is_refused(await client.sign_in(PASSWORD), "NotAuthorizedException")
        assert signed_in(await client.sign_in(NEW_PASSWORD))


async def test_a_password_that_an_administrator_has_reset_is_set_anew(life, signed_in):
    async with life() as (pool, client):
        await client.sign_up()
        named = {"UserPoolId": pool.user_pool_id, "Username": "ada"}
        await pool.call("AdminResetUserPassword", **named)
        asked = await client.sign_in(PASSWORD)
        assert is_refused(asked, "PasswordResetRequiredException")
        old = client.code
        sent = await client("forgotPassword")
        assert sent == {"event": "inputVerificationCode", "CodeDeliveryDetails": EMAIL}
        code = client.code
        wrong = old if old != code else other_than(code)
        for entered, password, refusal in (
            (wrong, NEW_PASSWORD, "CodeMismatchException"),
            (code, "horse", "InvalidPasswordException"),
        ):
            given = await client("confirmPassword", code=entered, password=password)
            assert is_refused(given, refusal)
        assert await client("confirmPassword", code=code, password=NEW_PASSWORD) == PASSED
        again = await client("confirmPassword", code=code, password=LAST_PASSWORD)
        assert is_refused(again, "ExpiredCodeException")
        assert signed_in(await client.sign_in(NEW_PASSWORD))


async def test_a_user_is_deleted_and_signs_up_anew(life):
    async with life() as (_, client):
        await client.sign_up()
        assert await client("deleteUser") == PASSED
        assert is_refused(await client("getUserAttributes"), "UserNotFoundException")
        for command in ("forgotPassword", "resendConfirmationCode"):
            assert is_refused(await client(command), "UserNotFoundException")
        gone = await client("confirmRegistration", code="123456")
        assert is_refused(gone, "UserNotFoundException")
        for flow in FLOWS:
            assert is_refused(await client.sign_in(PASSWORD, flow), "UserNotFoundException")
        await client.sign_up()


async def test_an_alias_stays_another_users_until_it_is_taken_by_force(life):
    async with life(["email"]) as (pool, client):
        attributes = {"email": "ada@example.com", "email_verified": "true"}
        await pool.add_user("eve", attributes=attributes)
        assert (await client("signUp", **APPLICATION))["event"] == "onSuccess"
        code = client.code
        kept = await client("confirmRegistration", code=code)
        assert is_refused(kept, "AliasExistsException")
        waiting = await client.sign_in(PASSWORD)
        assert is_refused(waiting, "UserNotConfirmedException")
        assert await client("confirmRegistration", code=code, force=True) == PASSED
        by_alias = {"username": "ada@example.com", "password": PASSWORD}
        assert (await client("authenticateUser", flow=FLOWS[0], **by_alias))["event"] == "onSuccess"
        told = (await client("getUserData"))["value"]
        assert told["Username"] == "ada"
        named = {"UserPoolId": pool.user_pool_id, "Username": "eve"}
        left = (await pool.call("AdminGetUser", **named))["UserAttributes"]
        assert {"Name": "email_verified", "Value": "false"} in left
