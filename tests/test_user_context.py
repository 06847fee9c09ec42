"""What is told of a user's device: what may be given, what is refused, and where it goes."""

import copy
import pickle
import time
from functools import partial
from ipaddress import ip_address
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow import MisuseError, UserContext
from authflow.client import AdminContext, DeviceFingerprint, RequestBudgets
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.http.validation import validate
from authflow.user_context import MOST_ENCODED_CHARS

SERVED: dict[str, Any] = {"server_name": "api", "server_path": "/"}
IDS = {"username": "ada", "user_pool_id": "eu-central-1_A", "client_id": "1"}


@given(st.ip_addresses())
def test_every_address_is_taken_as_a_text_or_as_a_value(address: Any):
    told = str(getattr(address, "ipv4_mapped", None) or address)
    plain = "%" not in told
    assert plain
    assert UserContext(ip_address=str(address)) == UserContext(ip_address=address)
    assert UserContext(ip_address=f" {address}\n").ip_address == told


@given(st.ip_addresses(v=4))
def test_an_address_that_is_mapped_into_ipv6_is_told_as_it_is(address: Any):
    for context in (UserContext, partial(AdminContext, **SERVED)):
        assert context(ip_address=f"::ffff:{address}").ip_address == str(address)


@pytest.mark.parametrize(
    "address",
    [
        *("", "localhost", "203.0.113", "203.0.113.7:443", "[::1]", "fe80::1%eth0", "1.2.3.04"),
        *(7, b"4444", True, ["203.0.113.7"], "203.0.113.7, 198.51.100.2"),
        ip_address("fe80::1%eth0"),
    ],
)
def test_what_is_no_address_is_refused_and_not_shown(address: Any):
    for make in (UserContext, lambda **given: AdminContext(**given, **SERVED)):
        with pytest.raises(MisuseError, match="ip_address must be") as refused:
            make(ip_address=address)
        assert not str(address) or str(address) not in str(refused.value)


@pytest.mark.parametrize("device", ["", 5, b"x", {"DeviceId": "1"}, "x" * (MOST_ENCODED_CHARS + 1)])
@pytest.mark.parametrize("kind", [UserContext, AdminContext])
def test_a_device_is_a_fingerprint_or_a_text_of_bounded_length(kind: Any, device: Any):
    served = SERVED if kind is AdminContext else {}
    with pytest.raises(MisuseError, match="device"):
        kind(ip_address="::1", device=device, **served)


@pytest.mark.parametrize("endpoint", ["", 5, "\ud800", "x" * (MOST_ENCODED_CHARS + 1)])
def test_an_endpoints_id_is_a_text(endpoint: Any):
    with pytest.raises(MisuseError, match="analytics_endpoint_id"):
        UserContext(analytics_endpoint_id=endpoint)


@pytest.mark.parametrize("characteristics", [None, 5, ["a"], {"a": 1}, {1: "a"}, {"a": "\ud800"}])
def test_characteristics_are_texts_by_name(characteristics: Any):
    if characteristics is None:
        assert DeviceFingerprint(characteristics=None).characteristics == {}
        return
    with pytest.raises(MisuseError, match="characteristics"):
        DeviceFingerprint(characteristics=characteristics)


@pytest.mark.parametrize("version", ["", None, 5])
def test_a_version_is_a_text(version: Any):
    with pytest.raises(MisuseError, match="version"):
        DeviceFingerprint(characteristics={}, version=version)


@pytest.mark.parametrize("letter", ["a", '"', "\\", "\x01", "é", "🚀"])
def test_the_greatest_fingerprint_fits_into_the_member(letter: str):
    size = len(DeviceFingerprint(characteristics={"a": letter}).characteristics["a"])
    assert size == 1
    low, high = 1, 50_000
    while low < high:  # the most letters that are taken
        middle = (low + high + 1) // 2
        try:
            DeviceFingerprint(characteristics={"a": letter * middle})
        except MisuseError:
            high = middle - 1
        else:
            low = middle
    device = DeviceFingerprint(characteristics={"a": letter * low})
    context = AdminContext(ip_address="::1", device=device, **SERVED)
    told = context.members(**{**IDS, "username": '"' * 128})["ContextData"]["EncodedData"]
    assert len(told) <= MOST_ENCODED_CHARS
    assert low > 5_000


def test_a_fingerprint_is_a_copy_that_nobody_changes():
    given = {"DeviceId": "1"}
    device = DeviceFingerprint(characteristics=given)
    given["DeviceId"] = "2"
    assert device.characteristics == {"DeviceId": "1"}
    with pytest.raises(TypeError):
        device.characteristics["DeviceId"] = "3"  # type: ignore[index]


SECRET_HEADERS = ["Cookie", "Cookie2", "Set-Cookie", "Authorization", "Proxy-Authorization"]
SPELLINGS: list[Any] = [
    str,
    str.lower,
    str.upper,
    "{} ".format,
    "\t{}".format,
    "{}:".format,
    lambda name: name.replace("-", "_"),
    lambda name: "HTTP_" + name.replace("-", "_").upper(),
    lambda name: "REDIRECT_HTTP_" + name.replace("-", "_").upper(),
    "http-{}".format,
    lambda name: "HTTP_HTTP_" + name.replace("-", "_").upper(),
    lambda name: "HTTP_REDIRECT_" + name.replace("-", "_").upper(),
    lambda name: "REDIRECT_REDIRECT_HTTP_" + name.replace("-", "_").upper(),
    lambda name: "Redirect-" * 9 + "_HTTP__" + name + "_",
]


@pytest.mark.parametrize("name", [spell(each) for each in SECRET_HEADERS for spell in SPELLINGS])
def test_a_header_with_a_secret_is_left_out_by_whoever_calls(name: str):
    with pytest.raises(MisuseError, match="carries a secret") as refused:
        AdminContext(ip_address="::1", headers={name: "canary"}, **SERVED)
    assert "canary" not in str(refused.value)


NO_TOKENS = [
    *(chr(each) for each in range(1, 33) if each not in {10, 13}),
    *"\x7f\xa0\ufeff\xe9\uff43",
]


@pytest.mark.parametrize("odd", [*NO_TOKENS, *'"(),/:;<=>?@[]{}' + "\\"])
def test_a_headers_name_is_a_token_of_http(odd: str):
    for name in (f"{odd}cookie", f"Coo{odd}kie", f"Cookie{odd}", f"X-{odd}", f"{odd}Accept"):
        with pytest.raises(MisuseError, match=r"RFC 9110|carries a secret"):
            AdminContext(ip_address="::1", headers={name: "canary"}, **SERVED)


def test_names_that_http_has_are_taken():
    names = ["Accept", "X-Request-Id", "http", "HTTP_ACCEPT", "a!#$%&'*+.^_`|~-9", "Cookies"]
    context = AdminContext(ip_address="::1", headers=dict.fromkeys(names, "x"), **SERVED)
    assert [name for name, _ in context.headers] == names


def sent(value: Any) -> Any:
    """A value as another process gets it."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301  # it is our own


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, sent])
def test_what_tells_of_a_device_can_be_copied_and_sent_to_another_process(again: Any):
    device = DeviceFingerprint(characteristics={"DeviceId": "1", "ü": ""}, version="V")
    admin = AdminContext(ip_address="::1", device=device, headers={"Accept": "x"}, **SERVED)
    budgets = RequestBudgets({"UserAuthentication": 7}), hash(RequestBudgets())
    assert (again(budgets[0]), hash(again(RequestBudgets()))) == budgets
    for context in (device, UserContext(ip_address="::1", device=device), admin, UserContext()):
        assert again(context) == context
    assert admin.members(**IDS, at=1.0) == again(admin).members(**IDS, at=1.0)
    with pytest.raises(TypeError):
        again(device).characteristics["DeviceId"] = "3"


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\0"])
@pytest.mark.parametrize("place", ["{}x", "x{}y", "x{}"])
def test_a_header_is_one_line(end: str, place: str):
    text = place.format(end)
    for headers in ({text: "x"}, {"Accept": text}):
        with pytest.raises(MisuseError, match="one line"):
            AdminContext(ip_address="::1", headers=headers, **SERVED)


@pytest.mark.parametrize("at", ["1", nan, inf, -inf, True, -1, 10**400, 1e300, b"1", [1]])
def test_the_time_of_a_fingerprint_is_one_that_a_calendar_has(at: Any):
    device = DeviceFingerprint(characteristics={})
    for context in (AdminContext(ip_address="::1", device=device, **SERVED),):
        with pytest.raises(MisuseError, match="at is a time"):
            context.members(**IDS, at=at)


def test_a_name_that_is_too_long_for_a_fingerprint_is_refused():
    device = DeviceFingerprint(characteristics={})
    context = AdminContext(ip_address="::1", device=device, **SERVED)
    told = context.members(**{**IDS, "username": "a" * 90_000})["ContextData"]["EncodedData"]
    assert len(told) <= MOST_ENCODED_CHARS
    with pytest.raises(MisuseError, match="username"):
        context.members(**{**IDS, "username": "a" * MOST_ENCODED_CHARS})


@pytest.mark.parametrize("headers", [5, "ab", ["ab", "c"], {"": "x"}, {"a": 5}, [("a", None)]])
def test_headers_are_pairs_of_texts(headers: Any):
    if headers == ["ab", "c"]:  # two letters are a pair, and one is none
        headers = ["abc"]
    with pytest.raises(MisuseError, match="headers must be"):
        AdminContext(ip_address="::1", headers=headers, **SERVED)


@pytest.mark.parametrize("name", ["server_name", "server_path"])
@pytest.mark.parametrize("value", [None, 5, "\ud800"])
def test_the_server_is_named_by_texts(name: str, value: Any):
    with pytest.raises(MisuseError, match=name):
        AdminContext(ip_address="::1", **{**SERVED, name: value})


def test_an_administrators_context_needs_an_address():
    with pytest.raises(MisuseError, match="requires it"):
        AdminContext(ip_address=None, **SERVED)


@pytest.mark.parametrize("name", IDS)
def test_members_are_made_for_a_name_a_pool_and_a_client(name: str):
    context = AdminContext(ip_address="::1", **SERVED)
    with pytest.raises(MisuseError, match=name):
        context.members(**{**IDS, name: ""})


def test_the_time_of_a_fingerprint_is_now_unless_another_one_is_given(monkeypatch):
    device = DeviceFingerprint(characteristics={})
    context = AdminContext(ip_address="::1", device=device, **SERVED)
    monkeypatch.setattr(time, "time", lambda: 12.0)
    assert context.members(**IDS) == context.members(**IDS, at=12.0)
    assert context.members(**IDS) != context.members(**IDS, at=13.0)


def test_nothing_of_a_person_is_printed():
    device = DeviceFingerprint(characteristics={"canary": "canary"})
    values = [
        UserContext(ip_address="203.0.113.7", device=device, analytics_endpoint_id="canary"),
        UserContext(device="canary"),
        AdminContext(
            ip_address="203.0.113.7", headers={"canary": "canary"}, device=device, **SERVED
        ),
    ]
    for value in values:
        assert "canary" not in f"{value!r} {value}"
        assert "203.0" not in f"{value!r} {value}"


@pytest.mark.parametrize(
    ("operation", "member"),
    [
        ("InitiateAuth", "UserContextData"),
        ("RespondToAuthChallenge", "UserContextData"),
        ("ForgotPassword", "UserContextData"),
        ("ConfirmForgotPassword", "UserContextData"),
        ("SignUp", "UserContextData"),
        ("ConfirmSignUp", "UserContextData"),
        ("ResendConfirmationCode", "UserContextData"),
        ("AdminInitiateAuth", "ContextData"),
        ("AdminRespondToAuthChallenge", "ContextData"),
    ],
)
@pytest.mark.parametrize("value", ["x", {"IpAddress": 5}, {"EncodedData": ["x"]}])
def test_the_pool_refuses_what_aws_would_refuse_in_them(operation: str, member: str, value: Any):
    with pytest.raises(CognitoError) as refused:
        validate(operation, {member: value})
    assert refused.value.code == "SerializationException"


@pytest.mark.parametrize("at", [float("nan"), float("inf"), [], {}, "5", True, -1, 10**400, 1e30])
def test_now_is_a_time(at):
    device = DeviceFingerprint(characteristics={"DeviceId": "x"})
    context = AdminContext(ip_address="::1", device=device, **SERVED)
    names = {"username": "ada", "user_pool_id": "eu-central-1_x", "client_id": "1"}
    with pytest.raises(MisuseError, match="at is a time in seconds"):
        context.members(**names, at=at)
    assert context.members(**names, at=0)
