import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from authflow.errors import EventError
from authflow.secret import Secret
from authflow.triggers.events.migrated_user import MigratedUser
from authflow.triggers.events.parsing import (
    CreateEvent,
    DefineEvent,
    MigrationEvent,
    SessionEntry,
    VerifyEvent,
    parse_event,
)

LoadEvent = Callable[..., dict[str, Any]]

POOL, CLIENT = "eu-central-1_EXAMPLE01", "1example23456789"


def test_a_define_event_is_read_with_its_session(load_event: LoadEvent):
    event = parse_event(load_event("define_after_wrong_answer"))
    assert isinstance(event, DefineEvent)
    assert (event.user_pool_id, event.client_id, event.username) == (POOL, CLIENT, "ada")
    assert event.session == (
        SessionEntry(challenge_name="SRP_A", challenge_result=True),
        SessionEntry(challenge_name="PASSWORD_VERIFIER", challenge_result=True),
        SessionEntry(
            challenge_name="CUSTOM_CHALLENGE",
            challenge_result=False,
            challenge_metadata="SUM_CHALLENGE",
        ),
    )
    assert event.client_metadata == {"device": "phone"}
    assert event.user_attributes["email"] == "ada@example.com"
    assert event.user_not_found is False


def test_a_create_event_for_an_unknown_user_is_read(load_event: LoadEvent):
    event = parse_event(load_event("create_unknown_user"))
    assert isinstance(event, CreateEvent)
    assert event.user_not_found is True
    assert event.user_attributes == {}


def test_a_verify_event_keeps_the_answer_secret(load_event: LoadEvent):
    event = parse_event(load_event("verify", challengeAnswer="canary-1"))
    assert isinstance(event, VerifyEvent)
    assert event.answer == Secret("canary-1")
    assert event.private["answer"] == "5"
    assert "canary-1" not in repr(event)


def test_a_migration_event_keeps_the_password_secret(load_event: LoadEvent):
    event = parse_event(load_event("migration_authentication", password="canary-2"))
    assert isinstance(event, MigrationEvent)
    assert event.password == Secret("canary-2")
    assert event.validation_data == {"campaign": "autumn"}
    assert "canary-2" not in repr(event)


def test_a_forgotten_password_comes_without_one(load_event: LoadEvent):
    event = parse_event(load_event("migration_forgot_password"))
    assert isinstance(event, MigrationEvent)
    assert event.password is None
    assert event.client_metadata == {"page": "forgot"}


@pytest.mark.parametrize("member", ["session", "clientMetadata", "userNotFound", "userAttributes"])
@pytest.mark.parametrize("null", [True, False])
def test_an_optional_member_may_be_null_or_absent(load_event: LoadEvent, member: str, null: bool):
    raw = load_event("define_first")
    if null:
        raw["request"][member] = None
    else:
        raw["request"].pop(member, None)
    event = parse_event(raw)
    assert isinstance(event, DefineEvent)
    assert (event.session, event.client_metadata, event.user_not_found) == ((), {}, False)


@pytest.mark.parametrize("absent", [True, False])
def test_the_whole_response_may_be_null_or_absent(load_event: LoadEvent, absent: bool):
    raw = load_event("define_first")
    raw["response"] = None
    if absent:
        del raw["response"]
    assert parse_event(raw).issue_tokens()["response"]["issueTokens"] is True


def test_unknown_members_are_kept(load_event: LoadEvent):
    raw = load_event("verify", news="of 2031")
    raw["more"] = [1]
    raw["response"]["also"] = "kept"
    filled = parse_event(raw).verified(correct=True)
    assert filled == {**raw, "response": {"answerCorrect": True, "also": "kept"}}


def test_the_event_that_was_given_stays_as_it_is(load_event: LoadEvent):
    raw = load_event("create_first")
    before = copy.deepcopy(raw)
    parse_event(raw).give(public={"a": "1"}, private={"b": "2"}, metadata="M")
    assert raw == before


def test_an_event_object_that_is_a_mapping_is_read_too(load_event: LoadEvent):
    class Wrapped(Mapping):
        def __init__(self, raw: Any) -> None:
            self.raw = raw

        def __getitem__(self, name: str) -> Any:
            return self.raw[name]

        def __iter__(self) -> Iterator[str]:
            return iter(self.raw)

        def __len__(self) -> int:
            return len(self.raw)

    raw = load_event("define_first")
    assert parse_event(Wrapped(raw)) == parse_event(raw)


def test_define_always_writes_all_three_of_its_decisions(load_event: LoadEvent):
    raw = load_event("define_first")
    raw["response"] = {"challengeName": "X", "issueTokens": True, "failAuthentication": True}
    event = parse_event(raw)
    assert event.issue_tokens()["response"] == {
        "challengeName": None,
        "issueTokens": True,
        "failAuthentication": False,
    }
    assert event.fail_authentication()["response"] == {
        "challengeName": None,
        "issueTokens": False,
        "failAuthentication": True,
    }
    assert event.ask("CUSTOM_CHALLENGE")["response"] == {
        "challengeName": "CUSTOM_CHALLENGE",
        "issueTokens": False,
        "failAuthentication": False,
    }


@pytest.mark.parametrize("correct", ["yes", 1, None, False])
def test_only_true_makes_an_answer_correct(load_event: LoadEvent, correct: Any):
    filled = parse_event(load_event("verify")).verified(correct=correct)
    assert filled["response"]["answerCorrect"] is False


def test_a_migrated_user_gets_no_welcome_unless_it_is_wanted(load_event: LoadEvent):
    event = parse_event(load_event("migration_authentication"))
    quiet = event.migrated(MigratedUser(attributes={"email": "a@example.com"}))["response"]
    assert quiet["userAttributes"] == {"email": "a@example.com"}
    assert quiet["finalUserStatus"] == "CONFIRMED"
    assert quiet["messageAction"] == "SUPPRESS"
    welcomed = event.migrated(
        MigratedUser(
            attributes={"email": "a@example.com"},
            status="RESET_REQUIRED",
            send_welcome=True,
            delivery_mediums=["EMAIL"],
            force_alias_creation=True,
        )
    )["response"]
    assert welcomed["finalUserStatus"] == "RESET_REQUIRED"
    assert welcomed["messageAction"] is None
    assert welcomed["desiredDeliveryMediums"] == ["EMAIL"]
    assert welcomed["forceAliasCreation"] is True


@pytest.mark.parametrize("raw", [None, [], "{}", 7, {}, {"triggerSource": 1}])
def test_what_is_no_event_is_refused(raw: Any):
    with pytest.raises(EventError):
        parse_event(raw)


@pytest.mark.parametrize("source", ["", "PreSignUp_Nobody", "DefineAuthChallenge", None, 1])
def test_an_unknown_source_is_refused(load_event: LoadEvent, source: Any):
    raw = load_event("define_first")
    raw["triggerSource"] = source
    with pytest.raises(EventError, match="triggerSource"):
        parse_event(raw)


@pytest.mark.parametrize("member", ["userPoolId", "userName", "callerContext"])
def test_a_malformed_envelope_is_refused(every_event: dict[str, Any], member: str):
    for junk in (None, "", 1, True, [], {}):
        try:
            taken = parse_event({**every_event, member: junk})
        except EventError:
            continue
        pytest.fail(f"{junk!r} is read as {taken!r}")


@pytest.mark.parametrize(
    "name", ["define_first", "create_first", "verify", "migration_authentication"]
)
@pytest.mark.parametrize("absent", [True, False])
def test_a_request_that_something_is_decided_on_cannot_be_absent(
    load_event: LoadEvent, name: str, absent: bool
):
    raw = load_event(name)
    raw["request"] = None
    if absent:
        del raw["request"]
    with pytest.raises(EventError, match="request"):
        parse_event(raw)


def test_a_forgotten_passwords_migration_needs_no_request(load_event: LoadEvent):
    raw = load_event("migration_forgot_password")
    del raw["request"]
    event = parse_event(raw)
    assert isinstance(event, MigrationEvent)
    assert (event.username, event.password) == ("ada", None)


@pytest.mark.parametrize("junk", ["", 1, [], False])
def test_a_request_that_is_no_object_is_refused(every_event: dict[str, Any], junk: Any):
    every_event["request"] = junk
    with pytest.raises(EventError, match="request"):
        parse_event(every_event)


@pytest.mark.parametrize("junk", ["", 1, [], "x"])
def test_a_response_that_is_no_object_is_refused(every_event: dict[str, Any], junk: Any):
    every_event["response"] = junk
    with pytest.raises(EventError, match="response"):
        parse_event(every_event)


@pytest.mark.parametrize(
    ("name", "member", "junk"),
    [
        ("define_first", "session", {}),
        ("define_first", "session", "SRP_A"),
        ("define_first", "session", ["SRP_A"]),
        ("define_first", "session", [{}]),
        ("define_first", "session", [{"challengeName": "SRP_A"}]),
        ("define_first", "session", [{"challengeName": "SRP_A", "challengeResult": "true"}]),
        ("define_first", "session", [{"challengeName": "SRP_A", "challengeResult": 1}]),
        ("define_first", "session", [{"challengeName": None, "challengeResult": True}]),
        (
            "create_first",
            "session",
            [{"challengeName": "X", "challengeResult": True, "challengeMetadata": {}}],
        ),
        ("define_first", "userNotFound", "false"),
        ("define_first", "userAttributes", {"address": {"country": "PT"}}),
        ("define_first", "userAttributes", {"custom:tags": ["12345"]}),
        ("define_first", "userAttributes", {7: "7"}),
        ("define_first", "clientMetadata", [["a", "b"]]),
        ("create_first", "challengeName", None),
        ("create_first", "challengeName", 5),
        ("verify", "challengeAnswer", None),
        ("verify", "challengeAnswer", 5),
        ("verify", "challengeAnswer", {"answer": "5"}),
        ("verify", "privateChallengeParameters", {"answer": 5}),
        ("migration_authentication", "password", None),
        ("migration_authentication", "password", ""),
        ("migration_authentication", "password", 12345),
        ("migration_forgot_password", "clientMetadata", {"page": [1]}),
    ],
)
def test_a_malformed_member_is_refused_by_its_name(
    load_event: LoadEvent, name: str, member: str, junk: Any
):
    with pytest.raises(EventError, match=member) as caught:
        parse_event(load_event(name, **{member: junk}))
    assert "12345" not in str(caught.value)
