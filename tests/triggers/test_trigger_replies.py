"""Replies are read as Cognito reads them; what it does not take is refused, and no value told."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import TriggerReplyError
from authflow.triggers import (
    CreateEvent,
    DefineEvent,
    SessionEntry,
    SignUpDecision,
    TriggerEvent,
    parse_event,
)
from authflow.triggers.events.trigger_replies import CreateReply, DefineReply, MessageReply

LoadEvent = Callable[..., dict[str, Any]]

CANARY = "canary-31"
AWAITED = {
    "define_first": ("challengeName", "issueTokens", "failAuthentication"),
    "create_first": (
        "publicChallengeParameters",
        "privateChallengeParameters",
        "challengeMetadata",
    ),
    "verify": ("answerCorrect",),
    "migration_authentication": (
        *("userAttributes", "finalUserStatus", "messageAction"),
        *("desiredDeliveryMediums", "forceAliasCreation", "enableSMSMFA"),
    ),
    "pre_sign_up": ("autoConfirmUser", "autoVerifyEmail", "autoVerifyPhone"),
    "custom_message": ("smsMessage", "emailMessage", "emailSubject"),
    "pre_token_generation_v1": ("claimsOverrideDetails",),
    "pre_token_generation_v2": ("claimsAndScopeOverrideDetails",),
    "pre_token_generation_v3": ("claimsAndScopeOverrideDetails",),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture
def read(load_event: LoadEvent) -> Callable[..., Any]:
    """Read a response to the event of a name."""

    def read(name: str, **response: Any) -> Any:
        raw = load_event(name)
        return parse_event(raw).read_reply({**raw, "response": response})

    return read


@pytest.mark.parametrize("name", [*AWAITED, "pre_authentication", "post_confirmation"])
def test_a_trigger_must_give_the_event_back(load_event: LoadEvent, name: str):
    event = parse_event(load_event(name))
    responses = [{"response": response} for response in (None, [], "{}", 1, True)]
    for junk in (None, [], "", 7, True, {}, *responses):
        said = ""
        try:
            event.read_reply(junk)
        except TriggerReplyError as error:
            said = str(error)
        assert said.startswith(f"{event.trigger} does not give the event"), junk


@pytest.mark.parametrize("name", ["custom_email_sender", "custom_sms_sender"])
def test_a_sender_may_give_back_anything(load_event: LoadEvent, name: str):
    assert parse_event(load_event(name)).read_reply("sent") is None


@pytest.mark.parametrize("name", ["pre_authentication", "post_authentication", "post_confirmation"])
def test_a_trigger_that_only_refuses_says_nothing_else(read: Any, name: str):
    assert read(name) is None
    assert read(name, news=[1]) is None


@pytest.mark.parametrize("absent", [True, False])
def test_null_and_absent_are_nothing(read: Any, absent: bool):
    def blank(name: str) -> Any:
        return read(name, **({} if absent else dict.fromkeys(AWAITED[name])))

    assert blank("create_first") == CreateReply(public={}, private={}, metadata=None)
    assert blank("verify") is False
    assert blank("pre_sign_up") == SignUpDecision()
    assert blank("custom_message") == MessageReply()
    for version in (1, 2, 3):
        assert blank(f"pre_token_generation_v{version}") is None
    for name in ("define_first", "migration_authentication"):
        with pytest.raises(TriggerReplyError):
            blank(name)


@pytest.mark.parametrize("junk", ["true", "", 0, 1, [], {}, [True]])
@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("define_first", "issueTokens"),
        ("define_first", "failAuthentication"),
        ("verify", "answerCorrect"),
        ("migration_authentication", "forceAliasCreation"),
        ("migration_authentication", "enableSMSMFA"),
        ("pre_sign_up", "autoConfirmUser"),
        ("pre_sign_up", "autoVerifyEmail"),
        ("pre_sign_up", "autoVerifyPhone"),
    ],
)
def test_a_flag_is_a_boolean(read: Any, name: str, flag: str, junk: Any):
    sound: dict[str, Any] = {"challengeName": "CUSTOM_CHALLENGE", "userAttributes": {"a": "b"}}
    with pytest.raises(TriggerReplyError, match=flag):
        read(name, **{**sound, flag: junk})


@pytest.mark.parametrize("junk", [0, True, [], {}, [CANARY], {CANARY: 1}])
@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("create_first", "challengeMetadata"),
        ("migration_authentication", "finalUserStatus"),
        ("migration_authentication", "messageAction"),
        ("custom_message", "smsMessage"),
        ("custom_message", "emailMessage"),
        ("custom_message", "emailSubject"),
    ],
)
def test_a_text_is_a_string(read: Any, name: str, member: str, junk: Any):
    with pytest.raises(TriggerReplyError, match=member) as caught:
        read(name, **{"userAttributes": {"a": "b"}, member: junk})
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("junk", ["", CANARY, 0, True, [CANARY], {"a": None}, {CANARY: [CANARY]}])
@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("create_first", "publicChallengeParameters"),
        ("create_first", "privateChallengeParameters"),
        ("migration_authentication", "userAttributes"),
    ],
)
def test_parameters_and_attributes_are_strings(read: Any, name: str, member: str, junk: Any):
    with pytest.raises(TriggerReplyError, match=member) as caught:
        read(name, **{member: junk})
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("response", "why"),
    [
        ({"issueTokens": True, "failAuthentication": True}, "at once"),
        ({"issueTokens": False, "failAuthentication": False}, "decides nothing"),
        ({"challengeName": ""}, "decides nothing"),
        ({"challengeName": "custom_challenge"}, "cannot ask for"),
        ({"challengeName": "SRP_A"}, "cannot ask for"),
        ({"challengeName": ["CUSTOM_CHALLENGE"]}, "cannot ask for"),
        ({"challengeName": {"CUSTOM_CHALLENGE": True}}, "cannot ask for"),
        ({"challengeName": "PASSWORD_VERIFIER"}, "can only follow SRP_A"),
    ],
)
def test_define_decides_one_thing(read: Any, response: dict[str, Any], why: str):
    with pytest.raises(TriggerReplyError, match=why):
        read("define_first", **response)


SRP_A = SessionEntry(challenge_name="SRP_A", challenge_result=True)
CUSTOM = SessionEntry(challenge_name="CUSTOM_CHALLENGE", challenge_result=True)


@given(st.lists(st.sampled_from([SRP_A, CUSTOM]), max_size=3).map(tuple))
def test_the_password_is_asked_for_right_after_srp_a_and_never_else(session: Any):
    event = DefineEvent(
        user_pool_id="eu-central-1_X",
        client_id="c",
        username="ada",
        user_attributes={},
        session=session,
    )
    asked = event.ask("PASSWORD_VERIFIER")
    if session == (SRP_A,):
        assert event.read_reply(asked) is DefineReply.PASSWORD_VERIFIER
    else:
        with pytest.raises(TriggerReplyError, match="SRP_A"):
            event.read_reply(asked)


@pytest.mark.parametrize(
    "response",
    [
        {},
        {"userAttributes": {}},
        {"userAttributes": {"": "x"}},
        {"userAttributes": {"n" * 33: "x"}},
        {"userAttributes": {"a": CANARY * 300}},
        {"finalUserStatus": "UNKNOWN"},
        {"finalUserStatus": ""},
        {"messageAction": "RESEND"},
        {"messageAction": ""},
        {"desiredDeliveryMediums": "EMAIL"},
        {"desiredDeliveryMediums": ["PIGEON"]},
        {"desiredDeliveryMediums": [["SMS"]]},
        {"desiredDeliveryMediums": {"SMS": True}},
    ],
)
def test_a_user_whom_cognito_would_not_take_is_refused(read: Any, response: dict[str, Any]):
    sound = {"userAttributes": {"email": "a@example.com"}}
    with pytest.raises(TriggerReplyError, match=r"^UserMigration: ") as caught:
        read("migration_authentication", **({**sound, **response} if response else {}))
    assert CANARY not in str(caught.value)


def test_a_user_without_a_status_is_confirmed_and_welcomed(read: Any):
    user = read("migration_authentication", userAttributes={"email": "a@example.com"})
    assert (user.status, user.send_welcome, user.delivery_mediums) == ("CONFIRMED", True, ())


def test_an_empty_text_words_nothing(read: Any):
    assert read("custom_message", smsMessage="", emailMessage="x") == MessageReply(email="x")


@pytest.mark.parametrize("name", AWAITED)
def test_whatever_a_trigger_gives_is_read_or_refused(load_event: LoadEvent, name: str):
    raw = load_event(name)
    event: TriggerEvent = parse_event(raw)
    members = st.dictionaries(st.sampled_from(AWAITED[name]), JSON)

    @given(members | JSON)
    def tried(response: Any) -> None:
        with contextlib.suppress(TriggerReplyError):
            event.read_reply({**raw, "response": response})

    tried()


@given(JSON, JSON)
def test_only_a_sound_reply_passes(public: Any, private: Any):
    about = {"user_pool_id": "eu-central-1_X", "client_id": "c", "username": "ada"}
    event = CreateEvent(**about, user_attributes={}, session=())
    response = {"publicChallengeParameters": public, "privateChallengeParameters": private}
    with contextlib.suppress(TriggerReplyError):
        made = event.read_reply({"response": response})
        for parameters in (made.public, made.private):
            assert all(isinstance(text, str) for item in parameters.items() for text in item)
