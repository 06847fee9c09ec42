import base64
import hashlib
import hmac
from typing import Any

import botocore.session
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import MisuseError
from authflow.given_maps import wrapped_map
from authflow.machine import AuthFlow
from authflow.secret import Secret
from authflow.wire import ClientIdentity, Members, Request, secret_hash, sign_out
from authflow.wire.auth_parameters import ByChallenges, ByPassword, BySrp
from testbed.client_operations import CLIENT_OPERATIONS

PUBLIC = ClientIdentity(client_id="client")
CONFIDENTIAL = ClientIdentity(client_id="client", client_secret=Secret("client-secret"))
SESSION = "s" * 20


def hashed(username: str) -> str:
    digest = hmac.new(b"client-secret", f"{username}client".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


# Requests


def test_srp_is_asked_for_with_a_and_without_the_password():
    request = PUBLIC.initiate_auth(AuthFlow.USER_SRP_AUTH, "ana", BySrp(public_a="2a"))
    assert request == Request(
        operation="InitiateAuth",
        body={
            "AuthFlow": "USER_SRP_AUTH",
            "ClientId": "client",
            "AuthParameters": {"USERNAME": "ana", "SRP_A": "2a"},
        },
    )


def test_the_password_is_sent_where_it_is_asked_for():
    request = PUBLIC.initiate_auth(
        AuthFlow.USER_PASSWORD_AUTH, "ana", ByPassword(Secret("hunter2"))
    )
    assert request.body["AuthParameters"] == {"USERNAME": "ana", "PASSWORD": "hunter2"}


@pytest.mark.parametrize("in_custom_auth", [True, False])
def test_only_custom_auth_with_srp_first_names_a_challenge(in_custom_auth: bool):
    beginning = BySrp(public_a="2a", in_custom_auth=in_custom_auth)
    parameters = PUBLIC.initiate_auth(AuthFlow.CUSTOM_AUTH, "ana", beginning).body["AuthParameters"]
    assert parameters.get("CHALLENGE_NAME") == ("SRP_A" if in_custom_auth else None)
    assert parameters["SRP_A"] == "2a"


def test_an_answer_goes_under_its_challenges_name_with_the_session():
    request = PUBLIC.respond(
        "SMS_MFA", "3f1c", Members({"SMS_MFA_CODE": "123456"}), session=Secret(SESSION)
    )
    assert request == Request(
        operation="RespondToAuthChallenge",
        body={
            "ChallengeName": "SMS_MFA",
            "ClientId": "client",
            "ChallengeResponses": {"USERNAME": "3f1c", "SMS_MFA_CODE": "123456"},
            "Session": SESSION,
        },
    )


def test_no_session_is_sent_where_cognito_gave_none():
    assert "Session" not in PUBLIC.respond("PASSWORD_VERIFIER", "a", Members(), session=None).body


@pytest.mark.parametrize("metadata", [None, {}])
def test_no_metadata_is_sent_where_there_is_none(metadata: dict[str, str] | None):
    token: Secret[str] = Secret("refresh")
    for request in (
        PUBLIC.initiate_auth(AuthFlow.CUSTOM_AUTH, "ana", ByChallenges(), client_metadata=metadata),
        PUBLIC.respond("SMS_MFA", "ana", Members(), session=None, client_metadata=metadata),
        PUBLIC.refresh(token, metadata),
    ):
        assert "ClientMetadata" not in request.body


def test_metadata_is_copied_into_the_request():
    metadata = {"locale": "de"}
    requests = [
        PUBLIC.initiate_auth(AuthFlow.CUSTOM_AUTH, "ana", ByChallenges(), client_metadata=metadata),
        PUBLIC.respond("SMS_MFA", "ana", Members(), session=None, client_metadata=metadata),
        PUBLIC.refresh(Secret("refresh"), metadata),
    ]
    metadata["locale"] = "fr"
    assert [request.body["ClientMetadata"] for request in requests] == [{"locale": "de"}] * 3


@given(st.text(max_size=40), st.text(max_size=40))
def test_the_secret_hash_is_over_the_name_that_is_sent_in_the_same_request(
    alias: str, canonical: str
):
    first = CONFIDENTIAL.initiate_auth(AuthFlow.USER_SRP_AUTH, alias, BySrp(public_a="2a"))
    second = CONFIDENTIAL.respond("PASSWORD_VERIFIER", canonical, Members(), session=None)
    parameters, responses = first.body["AuthParameters"], second.body["ChallengeResponses"]
    assert (parameters["USERNAME"], parameters["SECRET_HASH"]) == (alias, hashed(alias))
    assert (responses["USERNAME"], responses["SECRET_HASH"]) == (canonical, hashed(canonical))
    assert hashed(alias) == secret_hash(alias, "client", Secret("client-secret"))


def test_a_public_client_sends_no_secret_hash():
    first = PUBLIC.initiate_auth(AuthFlow.CUSTOM_AUTH, "ana", ByChallenges())
    second = PUBLIC.respond("CUSTOM_CHALLENGE", "ana", Members({"ANSWER": "x"}), session=None)
    assert "SECRET_HASH" not in first.body["AuthParameters"]
    assert "SECRET_HASH" not in second.body["ChallengeResponses"]


def test_an_answer_cannot_replace_the_secret_hash():
    answers = Members({"SECRET_HASH": "forged"})
    responses = CONFIDENTIAL.respond("SMS_MFA", "ana", answers, session=None).body
    assert responses["ChallengeResponses"]["SECRET_HASH"] == hashed("ana")


@pytest.mark.parametrize(
    ("client", "secret"), [(PUBLIC, {}), (CONFIDENTIAL, {"ClientSecret": "client-secret"})]
)
def test_tokens_are_refreshed_and_revoked_with_the_secret_itself(
    client: ClientIdentity, secret: dict[str, str]
):
    assert client.refresh(Secret("refresh")) == Request(
        operation="GetTokensFromRefreshToken",
        body={"RefreshToken": "refresh", "ClientId": "client", **secret},
    )
    assert client.revoke(Secret("refresh")) == Request(
        operation="RevokeToken", body={"Token": "refresh", "ClientId": "client", **secret}
    )


def test_signing_out_everywhere_takes_the_access_token_alone():
    assert sign_out(Secret("access")) == Request(
        operation="GlobalSignOut", body={"AccessToken": "access"}
    )


# What requests hide

SENT = {
    "hunter2!": CONFIDENTIAL.initiate_auth(
        AuthFlow.USER_PASSWORD_AUTH, "ana", ByPassword(Secret("hunter2!"))
    ),
    "123456": CONFIDENTIAL.respond(
        "SMS_MFA", "ana", Members({"SMS_MFA_CODE": "123456"}), session=Secret(SESSION)
    ),
    SESSION: CONFIDENTIAL.respond("SMS_MFA", "ana", Members(), session=Secret(SESSION)),
    hashed("ana"): CONFIDENTIAL.initiate_auth(AuthFlow.CUSTOM_AUTH, "ana", ByChallenges()),
    "refresh-token": CONFIDENTIAL.refresh(Secret("refresh-token")),
    "revoked-token": CONFIDENTIAL.revoke(Secret("revoked-token")),
    "client-secret": CONFIDENTIAL.revoke(Secret("revoked-token")),
    "access-token": sign_out(Secret("access-token")),
}


@pytest.mark.parametrize(("secret", "request_"), SENT.items(), ids=range(len(SENT)))
def test_a_request_does_not_show_what_it_sends(secret: str, request_: Request):
    assert secret in str(request_.body)
    assert secret not in f"{request_!r} {request_} {CONFIDENTIAL!r}"


@pytest.mark.parametrize(("secret", "request_"), SENT.items(), ids=range(len(SENT)))
def test_a_request_knows_which_of_its_values_must_not_be_told(secret: str, request_: Request):
    assert secret in request_.secrets()
    assert request_.secrets().isdisjoint({"ana", "1example", "CUSTOM_AUTH", "SMS_MFA", ""})


def test_client_metadata_that_may_be_a_token_must_not_be_told_either():
    metadata = {"captcha": "0.T0ken-of-a-captcha", "language": "en", "device": "new"}
    for request in (
        PUBLIC.initiate_auth(AuthFlow.CUSTOM_AUTH, "ana", ByChallenges(), client_metadata=metadata),
        PUBLIC.refresh(Secret("refresh-token"), metadata),
    ):
        assert "0.T0ken-of-a-captcha" in request.secrets()
        assert request.secrets().isdisjoint({"en", "new"})


@pytest.mark.parametrize("value", ["en", "x", "Ada"])
def test_a_short_attribute_is_no_secret_and_the_password_beside_it_is(value: str):
    answers = Members({"NEW_PASSWORD": "s", "userAttributes.locale": value})
    held = PUBLIC.respond("NEW_PASSWORD_REQUIRED", "ana", answers, session=None).secrets()
    assert held == {"s"}
    long = Members({"userAttributes.email": "ada@example.com"})
    assert PUBLIC.respond("X", "ana", long, session=None).secrets() == {"ada@example.com"}


def test_a_secret_is_what_is_no_name_and_of_metadata_what_has_eight_characters():
    metadata = {"long": "12345678", "short": "1234567"}
    answers = Members(
        {"ANSWER": "a", "userAttributes.a": "8 signs.", "userAttributes.b": "7 signs"}
    )
    first = PUBLIC.initiate_auth(
        AuthFlow.USER_PASSWORD_AUTH, "ana", ByPassword(Secret("p")), client_metadata=metadata
    )
    assert first.secrets() == {"p", "12345678"}
    second = PUBLIC.respond("CUSTOM_CHALLENGE", "ana", answers, session=Secret(SESSION))
    assert second.secrets() == {"a", "8 signs.", SESSION}
    both = evolve(second, before=first)
    assert both.secrets() == {"a", "8 signs.", SESSION, "p", "12345678"}
    assert both == second
    assert "InitiateAuth" not in repr(both)
    custom = PUBLIC.initiate_auth(
        AuthFlow.CUSTOM_AUTH, "ana", BySrp(public_a="2", in_custom_auth=True)
    )
    assert custom.secrets() == {"2"}


def test_metadata_that_was_given_to_a_client_goes_along():
    given = wrapped_map({"locale": "de"})
    request = PUBLIC.refresh(Secret("refresh"), given)
    assert request.body["ClientMetadata"] == {"locale": "de"}


def test_a_request_that_cannot_be_spelt_leads_to_nothing_that_is_in_it(everything_told):
    odd: dict[str, Any] = {"token": object()}
    beginning = ByPassword(Secret("canary"))
    with pytest.raises(MisuseError, match="InitiateAuth cannot be sent") as refused:
        CONFIDENTIAL.initiate_auth(
            AuthFlow.USER_PASSWORD_AUTH, "ana", beginning, client_metadata=odd
        )
    assert "canary" not in everything_told(refused.value)
    assert "client-secret" not in everything_told(refused.value)


@given(st.text(min_size=1, max_size=20))
def test_a_request_that_is_signed_anew_is_the_one_that_the_other_secret_makes(username: str):
    other = evolve(CONFIDENTIAL, client_secret=Secret("another-secret"))
    token: Secret[str] = Secret("refresh")
    for make in (
        lambda client: client.initiate_auth(AuthFlow.USER_SRP_AUTH, username, BySrp(public_a="2")),
        lambda client: client.respond("SMS_MFA", username, Members({"A": "1"}), session=None),
        lambda client: client.refresh(token, {"a": "b"}),
        lambda client: client.revoke(token),
    ):
        for client in (CONFIDENTIAL, PUBLIC):
            earlier = evolve(make(client), before=make(PUBLIC))
            signed = earlier.signed(Secret("another-secret"))
            assert signed == make(other)
            assert signed.before == make(PUBLIC)


SECRETS = {"ClientSecret", "SecretHash", "AuthParameters", "ChallengeResponses"}
"""The members in which an operation takes an app client's secret, by itself or in a hash."""


@pytest.fixture(scope="module")
def members() -> dict[str, set[str]]:
    """The members of each operation that the client sends, by the model of Cognito's API."""
    model = botocore.session.Session().get_service_model("cognito-idp")
    return {
        name: set(model.operation_model(name).input_shape.members) for name in CLIENT_OPERATIONS
    }


def test_a_request_is_signed_in_the_members_that_its_operation_has_and_else_not_at_all(members):
    for operation, known in members.items():
        told: dict[str, Any] = dict.fromkeys(known - {"ClientSecret", "SecretHash"}, "x" * 20)
        for group in {"AuthParameters", "ChallengeResponses"} & known:
            told[group] = {"USERNAME": "ana"}
        request = Request(operation=operation, body=told)
        signed = request.signed(Secret("client-secret"))
        assert set(signed.body) <= known, operation
        assert (signed != request) is bool(known & SECRETS), operation
        assert request.takes_secret is bool(known & SECRETS), operation
        added = {name for name in signed.body if signed.body[name] != told.get(name)}
        assert added <= SECRETS, operation
        assert len(added) == request.takes_secret, operation


def test_only_what_a_device_signs_in_with_names_it():
    for device_key in (None, "d-1"):
        begun = CONFIDENTIAL.initiate_auth(
            AuthFlow.CUSTOM_AUTH, "ana", ByChallenges(), device_key=device_key
        )
        answered = PUBLIC.respond(
            "SMS_MFA", "ana", Members({}), session=None, device_key=device_key
        )
        for request in (begun, answered):
            assert request.names_device is (device_key is not None)
            assert not request.without_device().names_device
    assert not sign_out(Secret("token")).names_device
    assert not PUBLIC.refresh(Secret("token"), device_key="d-1").names_device
