import base64
import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow import wire
from authflow.errors import AnswerNotSupportedError, MalformedReplyError
from authflow.machine import AuthFlow, Challenged, Outcome, State
from authflow.results import Challenge, Tokens
from authflow.secret import Secret
from authflow.wire import (
    Answers,
    AppClient,
    Reply,
    Request,
    answer,
    read_reply,
    read_tokens,
    required_attributes,
    secret_hash,
    sign_out,
)

PUBLIC = AppClient(client_id="client")
CONFIDENTIAL = AppClient(client_id="client", client_secret=Secret("client-secret"))
SESSION = "s" * 20
TOKENS: dict[str, Any] = {
    "AccessToken": "access",
    "IdToken": "identity",
    "RefreshToken": "refresh",
    "ExpiresIn": 300,
    "TokenType": "Bearer",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def hashed(username: str) -> str:
    digest = hmac.new(b"client-secret", f"{username}client".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def asked(session: str | None = SESSION, /, **parameters: Any) -> dict[str, Any]:
    reply: dict[str, Any] = {"ChallengeName": "CUSTOM_CHALLENGE", "ChallengeParameters": parameters}
    return reply if session is None else {**reply, "Session": session}


# Requests


def test_srp_is_asked_for_with_a_and_without_the_password():
    request = PUBLIC.initiate_auth(AuthFlow.USER_SRP_AUTH, "ana", srp_a="2a")
    assert request == Request(
        operation="InitiateAuth",
        body={
            "AuthFlow": "USER_SRP_AUTH",
            "ClientId": "client",
            "AuthParameters": {"USERNAME": "ana", "SRP_A": "2a"},
        },
    )


def test_the_password_is_sent_where_it_is_asked_for():
    request = PUBLIC.initiate_auth(AuthFlow.USER_PASSWORD_AUTH, "ana", password=Secret("hunter2"))
    assert request.body["AuthParameters"] == {"USERNAME": "ana", "PASSWORD": "hunter2"}


@pytest.mark.parametrize("flow", AuthFlow)
@pytest.mark.parametrize("srp_a", [None, "2a"])
def test_only_custom_auth_with_srp_first_names_a_challenge(flow: AuthFlow, srp_a: str | None):
    parameters = PUBLIC.initiate_auth(flow, "ana", srp_a=srp_a).body["AuthParameters"]
    named = flow is AuthFlow.CUSTOM_AUTH and srp_a is not None
    assert parameters.get("CHALLENGE_NAME") == ("SRP_A" if named else None)
    assert parameters.get("SRP_A") == srp_a


def test_an_answer_goes_under_its_challenges_name_with_the_session():
    request = PUBLIC.respond(
        "SMS_MFA", "3f1c", Answers({"SMS_MFA_CODE": "123456"}), session=Secret(SESSION)
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
    assert "Session" not in PUBLIC.respond("PASSWORD_VERIFIER", "a", Answers(), session=None).body


@pytest.mark.parametrize("metadata", [None, {}])
def test_no_metadata_is_sent_where_there_is_none(metadata: dict[str, str] | None):
    token: Secret[str] = Secret("refresh")
    for request in (
        PUBLIC.initiate_auth(AuthFlow.CUSTOM_AUTH, "ana", client_metadata=metadata),
        PUBLIC.respond("SMS_MFA", "ana", Answers(), session=None, client_metadata=metadata),
        PUBLIC.refresh(token, metadata),
    ):
        assert "ClientMetadata" not in request.body


def test_metadata_is_copied_into_the_request():
    metadata = {"locale": "de"}
    requests = [
        PUBLIC.initiate_auth(AuthFlow.CUSTOM_AUTH, "ana", client_metadata=metadata),
        PUBLIC.respond("SMS_MFA", "ana", Answers(), session=None, client_metadata=metadata),
        PUBLIC.refresh(Secret("refresh"), metadata),
    ]
    metadata["locale"] = "fr"
    assert [request.body["ClientMetadata"] for request in requests] == [{"locale": "de"}] * 3


@given(st.text(max_size=40), st.text(max_size=40))
def test_the_secret_hash_is_over_the_name_that_is_sent_in_the_same_request(
    alias: str, canonical: str
):
    first = CONFIDENTIAL.initiate_auth(AuthFlow.USER_SRP_AUTH, alias, srp_a="2a")
    second = CONFIDENTIAL.respond("PASSWORD_VERIFIER", canonical, Answers(), session=None)
    parameters, responses = first.body["AuthParameters"], second.body["ChallengeResponses"]
    assert (parameters["USERNAME"], parameters["SECRET_HASH"]) == (alias, hashed(alias))
    assert (responses["USERNAME"], responses["SECRET_HASH"]) == (canonical, hashed(canonical))
    assert hashed(alias) == secret_hash(alias, "client", Secret("client-secret"))


def test_a_public_client_sends_no_secret_hash():
    first = PUBLIC.initiate_auth(AuthFlow.CUSTOM_AUTH, "ana")
    second = PUBLIC.respond("CUSTOM_CHALLENGE", "ana", Answers({"ANSWER": "x"}), session=None)
    assert "SECRET_HASH" not in first.body["AuthParameters"]
    assert "SECRET_HASH" not in second.body["ChallengeResponses"]


def test_an_answer_cannot_replace_the_secret_hash():
    answers = Answers({"SECRET_HASH": "forged"})
    responses = CONFIDENTIAL.respond("SMS_MFA", "ana", answers, session=None).body
    assert responses["ChallengeResponses"]["SECRET_HASH"] == hashed("ana")


@pytest.mark.parametrize(
    ("client", "secret"), [(PUBLIC, {}), (CONFIDENTIAL, {"ClientSecret": "client-secret"})]
)
def test_tokens_are_refreshed_and_revoked_with_the_secret_itself(
    client: AppClient, secret: dict[str, str]
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
        AuthFlow.USER_PASSWORD_AUTH, "ana", password=Secret("hunter2!")
    ),
    "123456": CONFIDENTIAL.respond(
        "SMS_MFA", "ana", Answers({"SMS_MFA_CODE": "123456"}), session=Secret(SESSION)
    ),
    SESSION: CONFIDENTIAL.respond("SMS_MFA", "ana", Answers(), session=Secret(SESSION)),
    hashed("ana"): CONFIDENTIAL.initiate_auth(AuthFlow.CUSTOM_AUTH, "ana"),
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
def test_a_servers_text_is_scrubbed_of_what_was_sent(secret: str, request_: Request):
    text = f"Value '{secret}' at 'x' of ana failed; {secret}{secret}"
    assert request_.scrub(text) == "Value '***' at 'x' of ana failed; ******"


def test_a_secret_that_is_part_of_another_does_not_save_the_rest_of_it():
    request = PUBLIC.respond(
        "SMS_MFA", "ana", Answers({"SMS_MFA_CODE": "bb"}), session=Secret("aa" * 10 + "bb" * 10)
    )
    assert request.scrub("Value 'aaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbb'") == "Value '***'"


def test_answers_do_not_show_themselves():
    answers = answer("NEW_PASSWORD_REQUIRED", Secret("hunter2!"), {"given_name": "Ana"})
    assert repr(answers) == str(answers) == "Answers(<NEW_PASSWORD, userAttributes.given_name>)"
    assert answers == {"NEW_PASSWORD": "hunter2!", "userAttributes.given_name": "Ana"}


# Answers


@pytest.mark.parametrize(
    ("challenge", "key"),
    [
        ("CUSTOM_CHALLENGE", "ANSWER"),
        ("SMS_MFA", "SMS_MFA_CODE"),
        ("SOFTWARE_TOKEN_MFA", "SOFTWARE_TOKEN_MFA_CODE"),
        ("EMAIL_OTP", "EMAIL_OTP_CODE"),
        ("SELECT_MFA_TYPE", "ANSWER"),
        ("NEW_PASSWORD_REQUIRED", "NEW_PASSWORD"),
    ],
)
def test_a_text_answers_under_the_challenges_own_name(challenge: str, key: str):
    assert answer(challenge, Secret("text"), {}) == {key: "text"}


@pytest.mark.parametrize(
    "challenge", [*sorted(set(State) - set(wire.ANSWER_KEYS)), "", "custom_challenge", "WEB_AUTHN"]
)
def test_what_no_text_answers_is_misuse(challenge: str):
    with pytest.raises(AnswerNotSupportedError, match="is not answered by a text") as misuse:
        answer(challenge, Secret("hunter2!"), {})
    assert "hunter2!" not in str(misuse.value)


@pytest.mark.parametrize("challenge", sorted(set(wire.ANSWER_KEYS) - {"NEW_PASSWORD_REQUIRED"}))
def test_only_a_new_password_takes_attributes(challenge: str):
    with pytest.raises(AnswerNotSupportedError, match=f"{challenge} takes no user attributes"):
        answer(challenge, Secret("text"), {"given_name": "Ana"})


def test_an_attribute_cannot_pose_as_the_new_password():
    answers = answer("NEW_PASSWORD_REQUIRED", Secret("right"), {"NEW_PASSWORD": "wrong"})
    assert answers == {"NEW_PASSWORD": "right", "userAttributes.NEW_PASSWORD": "wrong"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (None, ()),
        ("[]", ()),
        ('["userAttributes.given_name","userAttributes.custom:x"]', ("given_name", "custom:x")),
        ('["given_name"]', ("given_name",)),
    ],
)
def test_required_attributes_are_named_without_their_prefix(text: str | None, names: Any):
    parameters = {} if text is None else {"requiredAttributes": text}
    challenge = Challenge(name="NEW_PASSWORD_REQUIRED", parameters=parameters)
    assert required_attributes(challenge) == names


@pytest.mark.parametrize("text", ["", "{}", "null", '"x"', "[1]", '["a",null]', "[", "nonsense"])
def test_required_attributes_of_another_form_are_malformed(text: str):
    challenge = Challenge(name="NEW_PASSWORD_REQUIRED", parameters={"requiredAttributes": text})
    with pytest.raises(MalformedReplyError, match="requiredAttributes is not a JSON array"):
        required_attributes(challenge)


# Replies


def test_tokens_are_read():
    reply = read_reply({"AuthenticationResult": TOKENS, "ChallengeParameters": {}})
    assert reply == Reply(
        event=Outcome.AUTHENTICATED,
        tokens=Tokens(
            access_token=Secret("access"),
            id_token=Secret("identity"),
            refresh_token=Secret("refresh"),
            expires_in=300,
            token_type="Bearer",
        ),
    )
    assert "access" not in repr(reply.tokens).replace("access_token", "")


def test_a_refresh_without_rotation_gives_no_refresh_token():
    tokens = read_tokens({name: TOKENS[name] for name in ("AccessToken", "IdToken", "ExpiresIn")})
    assert tokens.refresh_token is None
    assert tokens.token_type == "Bearer"


@pytest.mark.parametrize("member", ["AccessToken", "IdToken", "ExpiresIn"])
def test_a_missing_token_is_malformed(member: str):
    result = {name: value for name, value in TOKENS.items() if name != member}
    with pytest.raises(MalformedReplyError):
        read_reply({"AuthenticationResult": result})


NO_TEXT = [7, 7.5, True, [], ["x"], {}, {"a": "b"}]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *((token, value) for token in ("AccessToken", "IdToken") for value in (None, "", *NO_TEXT)),
        *(("RefreshToken", value) for value in ("", *NO_TEXT)),
        *(("TokenType", value) for value in (None, *NO_TEXT)),
        *(("ExpiresIn", value) for value in (None, "", "300", *NO_TEXT[1:])),
    ],
)
def test_a_member_of_another_form_is_malformed(member: str, value: Any):
    with pytest.raises(MalformedReplyError) as malformed:
        read_reply({"AuthenticationResult": {**TOKENS, member: value}})
    assert "identity" not in str(malformed.value)


@pytest.mark.parametrize("result", [[], "tokens", 7, ["AccessToken"]], ids=repr)
def test_tokens_that_are_no_object_are_malformed(result: Any):
    with pytest.raises(MalformedReplyError, match="AuthenticationResult is not an object"):
        read_tokens(result)


def test_a_challenge_is_read():
    reply = read_reply(asked(SESSION, USERNAME="3f1c", captchaUrl="data:,"))
    assert reply == Reply(
        event=Challenged("CUSTOM_CHALLENGE"),
        parameters={"USERNAME": "3f1c", "captchaUrl": "data:,"},
        session=Secret(SESSION),
    )
    assert "data:," not in repr(reply)
    assert SESSION not in repr(reply)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({}, None),
        ({"USERNAME": "3f1c"}, "3f1c"),
        ({"USER_ID_FOR_SRP": "3f1c"}, "3f1c"),
        ({"USERNAME": "3f1c", "USER_ID_FOR_SRP": "other"}, "3f1c"),
        ({"USERNAME": "", "USER_ID_FOR_SRP": "3f1c"}, "3f1c"),
    ],
)
def test_the_users_name_is_read_where_the_reply_tells_it(parameters: Any, name: str | None):
    assert read_reply(asked(SESSION, **parameters)).canonical_username == name


@pytest.mark.parametrize("parameters", [None, {}])
def test_a_challenge_may_come_without_parameters_or_session(parameters: Any):
    reply = read_reply({"ChallengeName": "DEVICE_SRP_AUTH", "ChallengeParameters": parameters})
    assert reply == Reply(event=Challenged("DEVICE_SRP_AUTH"))
    assert read_reply({"ChallengeName": "DEVICE_SRP_AUTH"}) == reply


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"ChallengeParameters": {}},
        {"ChallengeName": "", "AuthenticationResult": {}},
        {"ChallengeName": None, "AuthenticationResult": None},
        {"ChallengeName": "SMS_MFA", "AuthenticationResult": TOKENS},
    ],
    ids=repr,
)
def test_neither_a_challenge_nor_tokens_and_both_at_once_are_malformed(reply: dict[str, Any]):
    with pytest.raises(MalformedReplyError, match="either a challenge or tokens"):
        read_reply(reply)


@pytest.mark.parametrize("chars", [20, 21, 4096])
def test_a_session_of_cognitos_length_is_read(chars: int):
    assert read_reply(asked("s" * chars)).session == Secret("s" * chars)


@pytest.mark.parametrize("session", ["", "s" * 19, "s" * 4097, 7, True, [], ["s" * 20], {}])
def test_a_session_of_another_form_is_malformed(session: Any):
    with pytest.raises(MalformedReplyError) as malformed:
        read_reply(asked(session))
    assert "sss" not in str(malformed.value)


@pytest.mark.parametrize("name", [7, True, ["SMS_MFA"], {"a": 1}])
def test_a_challenges_name_of_another_form_is_malformed(name: Any):
    with pytest.raises(MalformedReplyError):
        read_reply({"ChallengeName": name})


@pytest.mark.parametrize(
    "parameters",
    [["a"], "a", 7, {"a": 7}, {"a": None}, {"a": ["b"]}, {"USER_ID_FOR_SRP": "\ud800"}],
    ids=repr,
)
def test_parameters_of_another_form_are_malformed(parameters: Any):
    with pytest.raises(MalformedReplyError):
        read_reply({"ChallengeName": "SMS_MFA", "ChallengeParameters": parameters})


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "ChallengeName": JSON,
            "ChallengeParameters": JSON,
            "Session": JSON,
            "AuthenticationResult": JSON
            | st.fixed_dictionaries({}, optional=dict.fromkeys(TOKENS, JSON)),
        },
    )
)
def test_any_json_is_a_reply_or_malformed(reply: dict[str, Any]):
    try:
        event = read_reply(reply).event
    except MalformedReplyError:
        return
    if event is Outcome.AUTHENTICATED:
        assert reply["AuthenticationResult"]["AccessToken"]
    else:
        assert isinstance(event, Challenged)
        assert event.name == reply["ChallengeName"]


def test_a_parameter_that_is_missing_is_named():
    reply = read_reply(asked(SESSION, SALT="1"))
    assert reply.required("SALT") == "1"
    with pytest.raises(MalformedReplyError, match="lacks the challenge parameter SRP_B"):
        reply.required("SRP_B")


# Attempts


def challenge(previous: Challenge | None = None, /, **parameters: str) -> Challenge:
    return read_reply(asked(SESSION, **parameters)).challenge(previous)


def test_our_triggers_tell_the_attempt():
    given = challenge(challenge="captcha", attempt="2", attempts="3", captchaUrl="data:,")
    assert (given.name, given.kind) == ("CUSTOM_CHALLENGE", "captcha")
    assert (given.attempt, given.attempts, given.is_retry) == (2, 3, True)
    assert given.parameters["captchaUrl"] == "data:,"


def test_what_our_triggers_tell_counts_more_than_what_it_looks_like():
    first = challenge(challenge="captcha", attempt="1", attempts="3")
    again = challenge(first, challenge="captcha", attempt="1", attempts="3")
    assert again.attempt == 1


def test_the_same_question_of_foreign_triggers_is_a_retry():
    first = challenge(email="a***")
    second = challenge(first, email="a***")
    third = challenge(second, email="b***")
    assert [each.attempt for each in (first, second, third)] == [1, 2, 3]
    assert [each.attempts for each in (first, second, third)] == [None] * 3


@pytest.mark.parametrize(
    "previous",
    [
        None,
        Challenge(name="SMS_MFA", parameters={"email": "a***"}, attempt=4),
        Challenge(name="CUSTOM_CHALLENGE", parameters={}, attempt=4),
        Challenge(name="CUSTOM_CHALLENGE", parameters={"email": "", "x": ""}, attempt=4),
        Challenge(name="CUSTOM_CHALLENGE", parameters={"email": ""}, kind="otp", attempt=4),
    ],
    ids=repr,
)
def test_another_question_is_no_retry(previous: Challenge | None):
    assert challenge(previous, email="a***").attempt == 1


@pytest.mark.parametrize(
    "text", ["0", "00", "-1", "+2", "1.0", " 2", "2 ", "", "x", "10000", "\u0662", "\u00b2", "1_0"]
)
def test_a_count_of_another_form_tells_nothing(text: str):
    given = challenge(challenge="captcha", attempt=text, attempts=text)
    assert (given.attempt, given.attempts) == (1, None)


@pytest.mark.parametrize(("text", "count"), [("1", 1), ("9999", 9999), ("0012", 12)])
def test_a_count_is_read(text: str, count: int):
    assert challenge(attempt=text, attempts=text).attempts == count
