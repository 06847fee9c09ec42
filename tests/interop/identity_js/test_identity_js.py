"""amazon-cognito-identity-js signs in to our pool from Node, in every flow that both know."""

from pathlib import Path

import pytest

from authflow.triggers import Triggers, challenge
from testbed.node_packages import lock_file_faults

pytestmark = pytest.mark.system("node", "npm")

PASSWORD = "Correct-horse-1"
NEW_PASSWORD = "Correct-horse-2"
BY_PASSWORD = pytest.mark.parametrize("flow", ["USER_SRP_AUTH", "USER_PASSWORD_AUTH"])


def test_the_lock_file_has_a_hash_for_everything_and_the_address_of_no_registry():
    assert lock_file_faults(Path(__file__).parent) == []


@BY_PASSWORD
async def test_the_right_password_gives_tokens_that_can_be_refreshed(
    live_pool, identity_js, flow, signed_in
):
    async with live_pool() as pool:
        await pool.add_user()
        async with identity_js(pool) as client:
            sign_in = {"flow": flow, "username": "ada", "password": PASSWORD}
            first = await client("authenticateUser", **sign_in)
            assert signed_in(first)
            refreshed = await client("refreshSession")
            assert signed_in(refreshed)
            assert refreshed["accessToken"] != first["accessToken"]


@BY_PASSWORD
async def test_a_wrong_password_is_refused_and_the_right_one_taken_after(
    live_pool, identity_js, flow, signed_in
):
    async with live_pool() as pool:
        await pool.add_user()
        async with identity_js(pool) as client:
            sign_in = {"flow": flow, "username": "ada"}
            assert await client("authenticateUser", **sign_in, password="Wrong-horse-1") == {
                "event": "onFailure",
                "code": "NotAuthorizedException",
                "message": "Incorrect username or password.",
            }
            assert signed_in(await client("authenticateUser", **sign_in, password=PASSWORD))


@BY_PASSWORD
async def test_a_temporary_password_is_changed(live_pool, identity_js, flow, signed_in, claims):
    async with live_pool() as pool:
        await pool.call(
            "AdminCreateUser",
            UserPoolId=pool.user_pool_id,
            Username="ada",
            TemporaryPassword="Temporary-1",
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email", "Value": "ada@example.com"}],
        )
        async with identity_js(pool) as client:
            sign_in = {"flow": flow, "username": "ada"}
            asked = await client("authenticateUser", **sign_in, password="Temporary-1")
            assert asked["event"] == "newPasswordRequired"
            assert asked["attributes"]["email"] == "ada@example.com"
            assert asked["required"] == []
            changed = await client(
                "completeNewPasswordChallenge", password=NEW_PASSWORD, attributes={"name": "Ada"}
            )
            assert signed_in(changed)
            assert claims(changed["idToken"])["name"] == "Ada"
            again = await client("authenticateUser", **sign_in, password=NEW_PASSWORD)
            assert signed_in(again)


async def test_a_forgotten_password_is_set_anew(live_pool, identity_js):
    codes = []
    recovery = {"RecoveryMechanisms": [{"Priority": 1, "Name": "verified_email"}]}
    async with live_pool(
        pool={"AccountRecoverySetting": recovery},
        on_message=lambda message: codes.append(message.code),
    ) as pool:
        verified = {"email": "ada@example.com", "email_verified": "true"}
        await pool.add_user(attributes=verified)
        async with identity_js(pool) as client:
            sent = await client("forgotPassword")
            assert sent == {
                "event": "inputVerificationCode",
                "CodeDeliveryDetails": {
                    "Destination": "a***@e***",
                    "DeliveryMedium": "EMAIL",
                    "AttributeName": "email",
                },
            }
            (code,) = (code.reveal() for code in codes)
            wrong = f"{(int(code) + 1) % 10**6:06}"
            refused = await client("confirmPassword", code=wrong, password=NEW_PASSWORD)
            assert refused["code"] == "CodeMismatchException"
            assert await client("confirmPassword", code=code, password=NEW_PASSWORD) == {
                "event": "onSuccess",
                "value": "SUCCESS",
            }
            for text, event in ((PASSWORD, "onFailure"), (NEW_PASSWORD, "onSuccess")):
                sign_in = {"flow": "USER_SRP_AUTH", "username": "ada", "password": text}
                assert (await client("authenticateUser", **sign_in))["event"] == event


async def test_a_custom_flow_begins_without_a_password(live_pool, identity_js, word, signed_in):
    triggers = Triggers(policy=challenge("word", attempts=2), challenges=[word])
    async with live_pool(triggers=triggers) as pool:
        await pool.add_user()
        async with identity_js(pool) as client:
            asked = await client("initiateAuth", username="ada")
            assert asked == {
                "event": "customChallenge",
                "parameters": {
                    "hint": "a door of thieves",
                    "challenge": "word",
                    "attempt": "1",
                    "attempts": "2",
                    "USERNAME": "ada",
                },
            }
            assert (await client.answer("wheat"))["parameters"]["attempt"] == "2"
            assert signed_in(await client.answer("open sesame"))
