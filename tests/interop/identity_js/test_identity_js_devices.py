"""amazon-cognito-identity-js has its device remembered, proves it, and gets over its loss."""

import pytest

from authflow.triggers import Triggers, challenge

pytestmark = pytest.mark.system("node", "npm")

SIGN_IN = {"username": "ada", "password": "Correct-horse-1"}
SMS = {"SnsCallerArn": "arn:aws:iam::000000000000:role/any-sms", "ExternalId": "any"}
SUCCESS = {"event": "onSuccess", "value": "SUCCESS"}


@pytest.fixture
def house(live_pool):
    """A pool that asks who comes with a new device for the code of a text message."""

    async def settle(pool):
        await pool.add_user(attributes={"phone_number": "+15555550123"})
        named = {"UserPoolId": pool.user_pool_id}
        sms = {"SmsMfaConfiguration": {"SmsConfiguration": SMS}}
        await pool.call("SetUserPoolMfaConfig", **named, MfaConfiguration="ON", **sms)

    def of(sent, *, prompt):
        devices = {"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": prompt}
        return live_pool(pool={"DeviceConfiguration": devices}, on_message=sent.append), settle

    return of


async def by_text_message(client, sent, flow):
    """Sign in where the device does not spare the second factor."""
    await client("signOut")
    asked = await client("authenticateUser", flow=flow, **SIGN_IN)
    assert asked["event"] == "mfaRequired", asked
    return await client("sendMFACode", code=sent.pop().code.reveal())


async def test_a_remembered_device_spares_the_factor_until_an_administrator_forgets_it(
    house, identity_js, signed_in, claims, caplog
):
    caplog.set_level("INFO", "authflow.pool.refusals")
    sent, flow = [], "USER_SRP_AUTH"  # by the other one, the client does not get over it
    running, settle = house(sent, prompt=False)
    async with running as pool:
        await settle(pool)
        async with identity_js(pool) as client:
            first = await by_text_message(client, sent, "USER_PASSWORD_AUTH")
            assert signed_in(first)
            key = claims(first["accessToken"])["device_key"]
            refreshed = await client("refreshSession")
            assert signed_in(refreshed)
            assert claims(refreshed["accessToken"])["device_key"] == key

            await client("signOut")
            proved = await client("authenticateUser", flow=flow, **SIGN_IN)
            assert signed_in(proved)
            assert sent == []
            assert claims(proved["accessToken"])["device_key"] == key

            named = {"UserPoolId": pool.user_pool_id, "Username": "ada"}
            await pool.call("AdminForgetDevice", **named, DeviceKey=key)
            refused = await client("refreshSession")
            assert (refused["event"], refused["code"]) == ("onFailure", "NotAuthorizedException")
            caplog.clear()
            second = await by_text_message(client, sent, flow)
            assert "Device does not exist." in caplog.text  # it sent its proof again with a null
            assert signed_in(second)
            assert claims(second["accessToken"])["device_key"] != key
            assert signed_in(await client("refreshSession"))


async def test_a_device_that_is_not_remembered_is_proved_after_the_factor(
    house, identity_js, signed_in, claims
):
    """After a second factor the client sends DEVICE_SRP_AUTH with the session before."""
    sent, flow = [], "USER_PASSWORD_AUTH"
    running, settle = house(sent, prompt=True)
    async with running as pool:
        await settle(pool)
        async with identity_js(pool) as client:
            first = await by_text_message(client, sent, flow)
            assert first["confirmationNecessary"] is True
            key = claims(first["accessToken"])["device_key"]
            second = await by_text_message(client, sent, flow)
            assert signed_in(second)
            assert claims(second["accessToken"])["device_key"] == key
            (device,) = (await client("listDevices", limit=10))["value"]["Devices"]
            assert device["DeviceKey"] == key

            assert await client("setDeviceStatusRemembered") == SUCCESS
            (device,) = (await client("listDevices", limit=10))["value"]["Devices"]
            remembered = {"Name": "dev:device_remembered_status", "Value": "remembered"}
            assert remembered in device["DeviceAttributes"]

            assert await client("forgetDevice") == SUCCESS
            await client("signOut")
            assert (await client("authenticateUser", flow=flow, **SIGN_IN))["event"] == (
                "mfaRequired"
            )


async def test_custom_challenges_end_with_the_devices_proof(
    live_pool, identity_js, signed_in, claims, word
):
    triggers = Triggers(policy=challenge("word", attempts=2), challenges=[word])
    devices = {"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": False}
    async with live_pool(triggers=triggers, pool={"DeviceConfiguration": devices}) as pool:
        await pool.add_user()
        async with identity_js(pool) as client:
            keys = []
            for _ in range(2):
                await client("initiateAuth", username="ada")
                done = await client.answer("open sesame")
                assert signed_in(done)
                keys.append(claims(done["accessToken"])["device_key"])
                await client("signOut")
            assert keys[0] == keys[1]
