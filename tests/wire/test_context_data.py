"""What requests tell of the user's device, byte for byte, and against AWS's own model of it."""

import base64
import hashlib
import hmac
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from authflow.machine import AuthFlow
from authflow.pool.http.validation import service_model, validate
from authflow.secret import Secret
from authflow.user_context import AdminContext, DeviceFingerprint, UserContext
from authflow.wire import ClientIdentity, Members, ToldContext
from authflow.wire.auth_parameters import ByChallenges
from authflow.wire.context_data import RequestFacts, encoded_fingerprint

FOLDER = Path(__file__).parents[1] / "vectors"
VECTORS = json.loads((FOLDER / "cognito_device_fingerprint.json").read_text())["vectors"]
POOL, CLIENT = "eu-central-1_Abc123def", ClientIdentity(client_id="1example")
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["id"] for vector in VECTORS])
def test_a_fingerprint_is_encoded_as_openssl_computes_it(vector: dict[str, Any]):
    device = DeviceFingerprint(characteristics=vector["characteristics"], version=vector["version"])
    facts = RequestFacts(
        username=vector["username"],
        user_pool_id=vector["user_pool_id"],
        client_id=vector["client_id"],
        at=vector["unix_milliseconds"] / 1000,
    )
    assert encoded_fingerprint(device, facts) == vector["encoded"]
    envelope = json.loads(base64.b64decode(vector["encoded"]))
    assert envelope["payload"] == vector["payload"]
    assert envelope["signature"] == vector["signature_base64"]


@pytest.mark.system("openssl", "jq")
def test_the_vectors_are_what_their_script_computes():
    program = [FOLDER / "device_fingerprint.sh", FOLDER / "cognito_device_fingerprint.json"]
    done = subprocess.run(["sh", *program], capture_output=True, check=True)
    assert done.stdout == (FOLDER / "cognito_device_fingerprint.json").read_bytes()


@given(st.dictionaries(TEXTS, TEXTS, max_size=4), TEXTS, st.integers(0, 10**13))
def test_whatever_is_told_is_read_again_and_its_signature_holds(
    characteristics: dict[str, str], username: str, milliseconds: int
):
    facts = RequestFacts(
        username=username, user_pool_id=POOL, client_id="1example", at=milliseconds / 1000
    )
    device = DeviceFingerprint(characteristics=characteristics)
    envelope = json.loads(base64.b64decode(encoded_fingerprint(device, facts), validate=True))
    payload, version = envelope["payload"], envelope["version"]
    expected = hmac.new(b"1example", (version + payload).encode(), hashlib.sha256).digest()
    assert base64.b64decode(envelope["signature"]) == expected
    told = json.loads(payload)
    assert abs(int(told.pop("timestamp")) - milliseconds) <= 1
    assert told == {"contextData": characteristics, "username": username, "userPoolId": POOL}


def test_each_request_tells_of_the_name_and_the_time_that_it_is_sent_with():
    context = UserContext(
        ip_address="203.0.113.7",
        device=DeviceFingerprint(characteristics={"DeviceId": "1"}),
        analytics_endpoint_id="endpoint",
    )
    first = CLIENT.initiate_auth(
        AuthFlow.CUSTOM_AUTH,
        "ada@example.com",
        ByChallenges(),
        context=ToldContext(context=context, user_pool_id=POOL, at=1.0),
    ).body
    second = CLIENT.respond(
        "CUSTOM_CHALLENGE",
        "3f1c",
        Members({"ANSWER": "x"}),
        session=Secret("s" * 20),
        context=ToldContext(context=context, user_pool_id=POOL, at=2.0),
    ).body
    for operation, body in (("InitiateAuth", first), ("RespondToAuthChallenge", second)):
        assert validate(operation, body) == body
        assert body["UserContextData"]["IpAddress"] == "203.0.113.7"
        assert body["AnalyticsMetadata"] == {"AnalyticsEndpointId": "endpoint"}
    told = [
        json.loads(json.loads(base64.b64decode(body["UserContextData"]["EncodedData"]))["payload"])
        for body in (first, second)
    ]
    assert [(each["username"], each["timestamp"]) for each in told] == [
        ("ada@example.com", "1000"),
        ("3f1c", "2000"),
    ]


@pytest.mark.parametrize(
    ("context", "members"),
    [
        (UserContext(), {}),
        (UserContext(ip_address="::1"), {"UserContextData": {"IpAddress": "::1"}}),
        (UserContext(device="aGk="), {"UserContextData": {"EncodedData": "aGk="}}),
        (
            UserContext(analytics_endpoint_id="e"),
            {"AnalyticsMetadata": {"AnalyticsEndpointId": "e"}},
        ),
    ],
    ids=["nothing", "address", "encoded in a browser", "analytics"],
)
def test_only_what_is_known_is_told(context: UserContext, members: dict[str, Any]):
    told = ToldContext(context=context, user_pool_id=POOL)
    bare = CLIENT.initiate_auth(AuthFlow.CUSTOM_AUTH, "ada", ByChallenges()).body
    told = CLIENT.initiate_auth(AuthFlow.CUSTOM_AUTH, "ada", ByChallenges(), context=told).body
    assert told == {**bare, **members}


@pytest.mark.parametrize("operation", ["AdminInitiateAuth", "AdminRespondToAuthChallenge"])
def test_an_administrators_call_takes_the_members_as_aws_models_them(operation: str):
    context = AdminContext(
        ip_address="2001:db8::7",
        server_name="api.example.com",
        server_path="/login",
        headers=[("User-Agent", "Browser/1"), ("Accept-Language", "de")],
        device=DeviceFingerprint(characteristics={"DeviceId": "1"}),
        analytics_endpoint_id="endpoint",
    )
    members = context.members(username="ada", user_pool_id=POOL, client_id="1example", at=1.5)
    shape = service_model().operation_model(operation).input_shape
    for name, value in members.items():
        report = ParamValidator().validate(value, shape.members[name])
        assert not report.has_errors(), report.generate_report()
    assert members["ContextData"]["HttpHeaders"] == [
        {"headerName": "User-Agent", "headerValue": "Browser/1"},
        {"headerName": "Accept-Language", "headerValue": "de"},
    ]
    assert members["ContextData"]["EncodedData"] == encoded_fingerprint(
        DeviceFingerprint(characteristics={"DeviceId": "1"}),
        RequestFacts(username="ada", user_pool_id=POOL, client_id="1example", at=1.5),
    )
    assert members["AnalyticsMetadata"] == {"AnalyticsEndpointId": "endpoint"}


def test_the_device_is_no_part_of_what_an_error_may_quote():
    told = ToldContext(
        context=UserContext(ip_address="203.0.113.7", device="d" * 40), user_pool_id="p"
    )
    request = CLIENT.initiate_auth(AuthFlow.CUSTOM_AUTH, "ada", ByChallenges(), context=told)
    assert {"203.0.113.7", "d" * 40} <= request.secrets()
