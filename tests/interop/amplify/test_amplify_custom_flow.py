"""Amplify in a custom flow: the password, a second factor, a challenge of the owner's, a device."""

import pytest

from testbed.authenticator import other_than
from testbed.served_pool import serve

pytestmark = pytest.mark.system("node", "npm")

SMS = {"SnsCallerArn": "arn:aws:iam::000000000000:role/any-sms", "ExternalId": "any"}
FLOW = "CUSTOM_WITH_SRP"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """One whose pools ask for the password, then for a word."""
    log = tmp_path_factory.mktemp("served") / "log"
    with serve(log, "--triggers", "testbed.word_flow:TRIGGERS") as running:
        yield running


def test_define_is_asked_after_the_factor_and_after_the_device(served, amplify, refused):
    devices = {"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": False}
    settings = {"DeviceConfiguration": devices}
    pool_id = served.pool("ON", settings, SmsMfaConfiguration={"SmsConfiguration": SMS})
    served.add_user(pool_id, phone_number="+15555550123")
    client = amplify(pool_id)
    assert client.sign_in(FLOW)["signInStep"] == "CONFIRM_SIGN_IN_WITH_SMS_CODE"
    code = served.code("SMS")
    with refused("CodeMismatchException"):
        client.answer(other_than(code))
    asked = client.answer(code)
    assert asked["signInStep"] == "CONFIRM_SIGN_IN_WITH_CUSTOM_CHALLENGE"
    assert asked["additionalInfo"]["hint"] == "a door of thieves"
    assert client.answer("open barley")["additionalInfo"]["attempt"] == "2"
    assert client.answer("open sesame")["signInStep"] == "DONE"
    (device,) = client("fetchDevices")

    asked = client.sign_in(FLOW)
    assert asked["signInStep"] == "CONFIRM_SIGN_IN_WITH_CUSTOM_CHALLENGE"
    assert client.answer("open sesame")["signInStep"] == "DONE"
    assert [each["id"] for each in client("fetchDevices")] == [device["id"]]
