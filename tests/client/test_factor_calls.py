"""Second factors of a user who is signed in: what is sent, what is read, and what is refused."""

import base64
import itertools
import json
from typing import Any

import pytest

from authflow import AuthClient, MfaPreference, SecondFactor
from authflow.errors import (
    CodeMismatchError,
    MalformedReplyError,
    MfaNotSetUpError,
    MisuseError,
    TokenRevokedError,
)

KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
ALL = list(SecondFactor)


def access_token(**claims: Any) -> str:
    parts = ({"alg": "none"}, claims)
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts)
    return ".".join([*(part.decode().rstrip("=") for part in encoded), "c2ln"])


async def test_a_key_is_had_for_an_access_token_and_named_by_the_token(scripted):
    token = access_token(username="ada lovelace")
    async with (
        scripted.serve(*[{"SecretCode": KEY}] * 5) as server,
        AuthClient(server.config(app_name="Shop")) as auth,
    ):
        named = [
            await auth.enrol_totp(token),
            await auth.enrol_totp(token, account="ada@example.org"),
            await auth.enrol_totp("no token that can be read"),
            await auth.enrol_totp(access_token(username="\ud800")),
            await auth.enrol_totp(access_token(username={"a": "b"})),
        ]
    assert [new.key.reveal() for new in named] == [KEY] * 5
    labels = ("Shop:ada%20lovelace?", "Shop:ada%40example.org?", *["Shop:Shop?"] * 3)
    for new, label in zip(named, labels, strict=True):
        assert label in new.uri.reveal()
        assert KEY not in repr(new)
    assert server.requests[0] == ("AssociateSoftwareToken", {"AccessToken": token})


async def test_a_first_code_is_sent_without_what_was_pasted_around_it(scripted):
    async with (
        scripted.serve(*[{"Status": "SUCCESS"}] * 2) as server,
        AuthClient(server.config()) as auth,
    ):
        await auth.verify_totp("token", " 123 456\n", device_name="ada's")
        await auth.verify_totp("token", "654321")
    assert [body for _, body in server.requests] == [
        {"AccessToken": "token", "UserCode": "123456", "FriendlyDeviceName": "ada's"},
        {"AccessToken": "token", "UserCode": "654321"},
    ]


async def test_a_wrong_first_code_says_so(scripted):
    wrong = scripted.error("EnableSoftwareTokenMFAException", "Code mismatch")
    async with (
        scripted.serve(wrong, {"Status": "ERROR"}, {}) as server,
        AuthClient(server.config()) as auth,
    ):
        for _ in range(3):
            with pytest.raises(CodeMismatchError):
                await auth.verify_totp("token", "000000")


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"on": ["SMS_MFA"]}, {"SMSMfaSettings": (True, False)}),
        ({"off": {SecondFactor.EMAIL_OTP}}, {"EmailMfaSettings": (False, False)}),
        ({"preferred": "SOFTWARE_TOKEN_MFA"}, {"SoftwareTokenMfaSettings": (True, True)}),
        (
            {"on": ["SMS_MFA"], "off": ["EMAIL_OTP"], "preferred": "SOFTWARE_TOKEN_MFA"},
            {
                "SMSMfaSettings": (True, False),
                "EmailMfaSettings": (False, False),
                "SoftwareTokenMfaSettings": (True, True),
            },
        ),
        (
            {"on": ["SMS_MFA", "EMAIL_OTP"], "preferred": "SMS_MFA"},
            {"SMSMfaSettings": (True, True), "EmailMfaSettings": (True, False)},
        ),
    ],
    ids="+".join,
)
async def test_factors_that_are_not_named_stay_as_they_are(scripted, given, sent):
    is_asked = "on" in given and "preferred" not in given
    async with (
        scripted.serve(*[{}] * (1 + is_asked)) as server,
        AuthClient(server.config()) as auth,
    ):
        await auth.set_mfa_preference("token", **given)
    settings = {
        name: {"Enabled": enabled, "PreferredMfa": preferred}
        for name, (enabled, preferred) in sent.items()
    }
    assert server.requests == [
        *[("GetUser", {"AccessToken": "token"})] * is_asked,
        ("SetUserMFAPreference", {"AccessToken": "token", **settings}),
    ]


SETTINGS = {
    SecondFactor.SMS_MFA: "SMSMfaSettings",
    SecondFactor.SOFTWARE_TOKEN_MFA: "SoftwareTokenMfaSettings",
    SecondFactor.EMAIL_OTP: "EmailMfaSettings",
}


async def test_a_factor_that_is_turned_on_stays_preferred_if_it_was(scripted):
    some = [
        frozenset(each) for size in range(4) for each in itertools.combinations(SecondFactor, size)
    ]
    async with scripted.serve() as server, AuthClient(server.config()) as auth:
        for was, on, off in itertools.product([None, *SecondFactor, "TELEPATHY"], some, some):
            if on & off or not on | off:
                continue
            told = {"UserMFASettingList": ALL, "PreferredMfaSetting": was}
            server.script[:] = [*[told] * bool(on), {}]
            await auth.set_mfa_preference("token", on=on, off=off)
            _, sent = server.requests[-1]
            assert server.script == []
            assert sent == {
                "AccessToken": "token",
                **{SETTINGS[x]: {"Enabled": True, "PreferredMfa": x == was} for x in on},
                **{SETTINGS[x]: {"Enabled": False, "PreferredMfa": False} for x in off},
            }


async def test_if_nobody_knows_which_factor_is_preferred_nothing_is_changed(scripted):
    refused = scripted.error("NotAuthorizedException", "Access Token has been revoked")
    async with scripted.serve(refused) as server, AuthClient(server.config()) as auth:
        with pytest.raises(TokenRevokedError):
            await auth.set_mfa_preference("token", on=["SMS_MFA"])
    assert server.operations == ["GetUser"]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"on": ["SMS_MFA"], "off": ["SMS_MFA"]},
        {"off": ["SMS_MFA"], "preferred": "SMS_MFA"},
        {"on": "SMS_MFA"},
        {"on": 7},
        {"on": ["TELEPATHY"]},
        {"on": [None]},
        {"off": [["SMS_MFA"]]},
        {"preferred": "sms_mfa"},
        {"preferred": 7},
    ],
    ids=str,
)
async def test_what_makes_no_sense_is_not_sent(scripted, given):
    async with scripted.serve() as server, AuthClient(server.config()) as auth:
        with pytest.raises(MisuseError):
            await auth.set_mfa_preference("token", **given)
    assert server.requests == []


@pytest.mark.parametrize("name", [5, b"x", ["x"], "\ud800", "x" * 131_073])
async def test_a_devices_name_that_cannot_be_sent_is_refused(scripted, name):
    async with scripted.serve() as server, AuthClient(server.config()) as auth:
        with pytest.raises(MisuseError, match="a device's name must be a text of 1 to"):
            await auth.verify_totp("token", "123456", device_name=name)
    assert server.requests == []


@pytest.mark.parametrize(
    ("reply", "read"),
    [
        ({}, MfaPreference()),
        ({"UserMFASettingList": []}, MfaPreference()),
        (
            {"UserMFASettingList": ALL, "PreferredMfaSetting": "EMAIL_OTP"},
            MfaPreference(on=frozenset(ALL), preferred=SecondFactor.EMAIL_OTP),
        ),
        (
            {"UserMFASettingList": ["SMS_MFA", "TELEPATHY"], "PreferredMfaSetting": "TELEPATHY"},
            MfaPreference(on=frozenset({SecondFactor.SMS_MFA})),
        ),
    ],
    ids=["nothing", "none", "all", "unknown ones"],
)
async def test_the_factors_of_a_user_are_read(scripted, reply, read):
    async with scripted.serve(reply) as server, AuthClient(server.config()) as auth:
        assert await auth.mfa_preference("token") == read
    assert server.requests == [("GetUser", {"AccessToken": "token"})]


@pytest.mark.parametrize(
    "reply",
    [{"UserMFASettingList": [7]}, {"PreferredMfaSetting": 7}],
    ids=str,
)
async def test_factors_of_another_form_are_malformed(scripted, reply):
    async with scripted.serve(reply) as server, AuthClient(server.config()) as auth:
        with pytest.raises(MalformedReplyError):
            await auth.mfa_preference("token")


async def test_a_factor_that_is_not_set_up_cannot_be_turned_on(scripted):
    refused = scripted.error(
        "InvalidParameterException", "User has not verified software token mfa"
    )
    async with scripted.serve({}, refused) as server, AuthClient(server.config()) as auth:
        with pytest.raises(MfaNotSetUpError):
            await auth.set_mfa_preference("token", on=["SOFTWARE_TOKEN_MFA"])
