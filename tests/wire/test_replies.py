from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import MalformedReplyError
from authflow.machine import Challenged, Ending
from authflow.results import Tokens
from authflow.secret import Secret
from authflow.wire import Reply, new_password, password_verifier, read_reply, read_tokens

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


def asked(session: str | None = SESSION, /, **parameters: Any) -> dict[str, Any]:
    reply: dict[str, Any] = {"ChallengeName": "CUSTOM_CHALLENGE", "ChallengeParameters": parameters}
    return reply if session is None else {**reply, "Session": session}


def test_tokens_are_read():
    reply = read_reply({"AuthenticationResult": TOKENS, "ChallengeParameters": {}})
    assert reply == Reply(
        event=Ending.AUTHENTICATED,
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


ODD = ["a\ud800", "a\0", "a\n", "\x1b[2J", "é", "\ufeffa"]
"""Texts that no token is (RFC 6749, appendix A.12)."""
NO_TEXT = [7, 7.5, True, [], ["x"], {}, {"a": "b"}]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *(
            (token, value)
            for token in ("AccessToken", "IdToken")
            for value in (None, "", *ODD, *NO_TEXT)
        ),
        *(("RefreshToken", value) for value in ("", *ODD, *NO_TEXT)),
        *(("TokenType", value) for value in (None, "", *ODD, *NO_TEXT)),
        *(("ExpiresIn", value) for value in (None, "", "300", *NO_TEXT[1:])),
        *(("ExpiresIn", value) for value in (0, -1, 2**31, 10**400, float("nan"))),
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


@pytest.mark.parametrize(
    "session", ["", "s" * 19, "s" * 4097, "\ud800" * 20, 7, True, [], ["s" * 20], {}]
)
def test_a_session_of_another_form_is_malformed(session: Any):
    with pytest.raises(MalformedReplyError) as malformed:
        read_reply(asked(session))
    assert "sss" not in str(malformed.value)


@pytest.mark.parametrize("name", [7, True, ["SMS_MFA"], {"a": 1}, "SMS\ud800MFA"])
def test_a_challenges_name_of_another_form_is_malformed(name: Any):
    with pytest.raises(MalformedReplyError):
        read_reply({"ChallengeName": name})


@pytest.mark.parametrize(
    "parameters",
    [
        *(["a"], "a", 7, {"a": 7}, {"a": None}, {"a": ["b"]}),
        *({"USER_ID_FOR_SRP": "\ud800"}, {"\udfff": "a"}),
    ],
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
    if event is Ending.AUTHENTICATED:
        assert reply["AuthenticationResult"]["AccessToken"]
    else:
        assert isinstance(event, Challenged)
        assert event.name == reply["ChallengeName"]


def test_a_parameter_that_is_missing_is_named():
    reply = read_reply(asked(SESSION, SALT="1"))
    with pytest.raises(MalformedReplyError, match="USER_ID_FOR_SRP is missing"):
        reply.asked(password_verifier.Asked.read)


@pytest.mark.parametrize("text", ["", "{}", "null", '"x"', "[1]", '["a",null]', "[", "[" * 100_000])
def test_a_parameter_of_another_form_is_malformed(text: str):
    reply = read_reply(asked(SESSION, requiredAttributes=text))
    with pytest.raises(MalformedReplyError, match="requiredAttributes is not a JSON array"):
        reply.asked(new_password.Asked.read)


@pytest.mark.parametrize("seconds", [1, 2**31 - 1])
def test_tokens_live_for_any_number_of_seconds_that_cognito_can_tell(seconds: int):
    assert read_tokens({**TOKENS, "ExpiresIn": seconds}).expires_in == seconds


def test_a_challenge_parameter_that_cannot_be_used_is_named():
    with pytest.raises(MalformedReplyError, match=r"cannot be used: USER_ID_FOR_SRP is missing$"):
        read_reply(asked()).asked(password_verifier.Asked.read)
