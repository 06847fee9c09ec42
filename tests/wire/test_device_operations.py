"""The operations on devices: what is sent, against AWS's own model of it, and what is read."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.validate import ParamValidator

from authflow.client.password_proof import NewSecret
from authflow.device import Device
from authflow.errors import MalformedReplyError
from authflow.pool.http.validation import service_model
from authflow.secret import Secret
from authflow.srp import parse_hex
from authflow.wire import device_operations
from tests.conftest import load_vectors

TOKEN = Secret("token")
DEVICES = load_vectors("cognito_device_verifier")["vectors"] + [
    vector
    for vector in load_vectors("cognito_srp_edge")["vectors"]
    if vector["category"] == "device_password_verifier"
]


def registered(vector: dict[str, Any]) -> tuple[str, str]:
    """The salt and the verifier that a vector was registered by, in base64."""
    told = vector.get("registration", vector)
    return told["salt_base64"], told["password_verifier_base64"]


def confirmed(vector: dict[str, Any]) -> dict[str, Any]:
    device = Device(
        key=vector["device_key"],
        group_key=vector["device_group_key"],
        password=vector["device_password"],
    )
    new = NewSecret.of(device, parse_hex("SALT", vector["salt"]))
    return device_operations.confirm(
        TOKEN, device.key, salt=new.salt, verifier=new.verifier, name="a PC"
    ).body


def test_every_vector_of_a_device_is_there():
    assert len(DEVICES) == 11


@pytest.mark.parametrize("vector", DEVICES, ids=[vector["id"] for vector in DEVICES])
def test_the_verifier_of_a_device_is_as_others_compute_it(vector):
    salt, verifier = registered(vector)
    assert confirmed(vector) == {
        "AccessToken": "token",
        "DeviceKey": vector["device_key"],
        "DeviceName": "a PC",
        "DeviceSecretVerifierConfig": {"Salt": salt, "PasswordVerifier": verifier},
    }


@pytest.mark.parametrize("number", [1, 127, 128, 255, 256, 2**127, 2**128 - 1])
def test_numbers_are_padded_as_java_writes_them(number):
    sent = device_operations.confirm(TOKEN, "k", salt=Secret(number), verifier=Secret(number)).body
    for text in sent["DeviceSecretVerifierConfig"].values():
        data = base64.b64decode(text)
        assert int.from_bytes(data, "big", signed=True) == number
        assert len(data) == number.bit_length() // 8 + 1


@pytest.mark.parametrize(
    "request_",
    [
        device_operations.confirm(TOKEN, "k", salt=Secret(5), verifier=Secret(7)),
        device_operations.update_status(TOKEN, "k", remembered=True),
        device_operations.update_status(TOKEN, "k", remembered=False),
        device_operations.forget(TOKEN, "k"),
        device_operations.get(TOKEN, "k"),
        device_operations.list_page(TOKEN, None),
        device_operations.list_page(TOKEN, "after"),
    ],
    ids=lambda request: request.operation,
)
def test_every_request_fits_the_service_model(request_):
    shape = service_model().operation_model(request_.operation).input_shape
    assert not ParamValidator().validate(request_.body, shape).has_errors()
    assert "token" in request_.secrets()


@pytest.mark.parametrize(
    ("reply", "necessary"),
    [
        ({"UserConfirmationNecessary": True}, True),
        ({"UserConfirmationNecessary": False}, False),
        ({"UserConfirmationNecessary": "true"}, False),
        ({}, False),
    ],
    ids=str,
)
def test_whether_the_user_decides_is_read(reply, necessary):
    assert device_operations.read_confirmed(reply) is necessary


def test_a_device_is_read_with_all_that_the_pool_tells():
    at = datetime(2026, 11, 1, tzinfo=UTC)
    told = {
        "DeviceKey": "k",
        "DeviceAttributes": [{"Name": "device_name", "Value": "a PC"}, {"Name": "empty"}],
        "DeviceCreateDate": at,
    }
    read = device_operations.read_device({"Device": told})
    assert (read.key, read.name, read.created_at, read.modified_at) == ("k", "a PC", at, None)
    assert (read.remembered, dict(read.attributes)) == (None, {"device_name": "a PC", "empty": ""})


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        {},
        {"DeviceKey": ""},
        {"DeviceKey": 7},
        {"DeviceKey": "k", "DeviceAttributes": {}},
        {"DeviceKey": "k", "DeviceAttributes": ["x"]},
        {"DeviceKey": "k", "DeviceAttributes": [{"Value": "x"}]},
        {"DeviceKey": "k", "DeviceAttributes": [{"Name": "x", "Value": 7}]},
    ],
    ids=str,
)
def test_a_device_of_another_form_is_refused(told):
    with pytest.raises(MalformedReplyError):
        device_operations.read_device({"Device": told})
    with pytest.raises(MalformedReplyError):
        device_operations.read_page({"Devices": [told]})


@pytest.mark.parametrize("reply", [{"Devices": "x"}, {"PaginationToken": 7}], ids=str)
def test_a_page_of_another_form_is_refused(reply):
    with pytest.raises(MalformedReplyError):
        device_operations.read_page(reply)
