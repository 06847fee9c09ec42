"""Amplify has its device remembered, proves it, and gets over its loss."""

import pytest

pytestmark = pytest.mark.system("node", "npm")

SMS = {"SnsCallerArn": "arn:aws:iam::000000000000:role/any-sms", "ExternalId": "any"}


EMAIL = "ada@example.com"


@pytest.fixture
def house(served):
    """A pool that asks who comes with a new device for the code of a text message."""

    def of(*, prompt, aliases=()):
        devices = {"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": prompt}
        settings = {"DeviceConfiguration": devices, "AliasAttributes": list(aliases)}
        pool_id = served.pool("ON", settings, SmsMfaConfiguration={"SmsConfiguration": SMS})
        phone = "+15555550123"
        served.add_user(pool_id, phone_number=phone, email=EMAIL, email_verified="true")
        return pool_id

    return of


@pytest.fixture
def by_text_message(served):
    def sign_in(client, *how):
        """Sign in where the device does not spare the second factor."""
        assert client.sign_in(*how)["signInStep"] == "CONFIRM_SIGN_IN_WITH_SMS_CODE"
        assert client.answer(served.code("SMS"))["signInStep"] == "DONE"

    return sign_in


@pytest.mark.parametrize(
    "how",
    # By a plain password it looks for the device of the name as it was typed.
    [("USER_SRP_AUTH", EMAIL), ("USER_PASSWORD_AUTH", "ada")],
    ids=["SRP, by an alias", "password"],
)
def test_a_remembered_device_spares_the_factor_until_an_administrator_forgets_it(
    served, house, amplify, by_text_message, how
):
    pool_id = house(prompt=False, aliases=["email"] if EMAIL in how else [])
    client = amplify(pool_id)

    def device_key(**options):
        return client("fetchAuthSession", **options)["accessToken"]["device_key"]

    by_text_message(client, *how)
    key = device_key()
    assert device_key(forceRefresh=True) == key
    assert [device["id"] for device in client("fetchDevices")] == [key]
    assert client.sign_in(*how)["signInStep"] == "DONE"
    assert device_key() == key

    served.owner.admin_forget_device(UserPoolId=pool_id, Username="ada", DeviceKey=key)
    assert client("fetchAuthSession", forceRefresh=True) == {}
    by_text_message(client, *how)
    _, refused = served.refusals(pool_id)
    assert "Device does not exist." in refused  # which it got over by itself
    assert device_key() != key
    assert device_key(forceRefresh=True)


def test_a_device_is_proved_after_the_factor_until_the_user_has_it_remembered(
    house, amplify, by_text_message
):
    client = amplify(house(prompt=True))
    by_text_message(client, "USER_PASSWORD_AUTH")
    by_text_message(client, "USER_PASSWORD_AUTH")
    (device,) = client("fetchDevices")
    client("rememberDevice")
    assert client.sign_in("USER_PASSWORD_AUTH")["signInStep"] == "DONE"
    assert [each["id"] for each in client("fetchDevices")] == [device["id"]]
    client("forgetDevice")
    by_text_message(client, "USER_PASSWORD_AUTH")
