"""What one side writes the other reads: every kind of event, and every kind of reply."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from authflow import triggers
from authflow.errors import MisuseError
from authflow.machine import State
from authflow.secret import Secret
from authflow.triggers import (
    AccessTokenChanges,
    ClaimChanges,
    CreateEvent,
    CustomEmailSenderEvent,
    CustomMessage,
    CustomMessageEvent,
    CustomSMSSenderEvent,
    DefineEvent,
    DeliveryMedium,
    FinalStatus,
    Groups,
    MigratedUser,
    MigrationEvent,
    PostAuthenticationEvent,
    PostConfirmationEvent,
    PreAuthenticationEvent,
    PreSignUpEvent,
    PreTokenGenerationEvent,
    SessionEntry,
    SignUpDecision,
    TokenChanges,
    TriggerEvent,
    VerifyEvent,
    parse_event,
)
from authflow.triggers.events.envelope import UNTOLD
from authflow.triggers.events.parsing import HANDLED_EVENTS
from authflow.triggers.events.token_changes import is_protected
from authflow.triggers.events.trigger_replies import (
    ClaimsReply,
    CreateReply,
    DefineReply,
    GroupsReply,
    MessageReply,
    TokensReply,
)
from authflow.triggers.events.user_events import FORGOT_PASSWORD

NAMES = st.text(min_size=1, max_size=8)
TEXTS = st.text(max_size=8)
STRINGS = st.dictionaries(TEXTS, TEXTS, max_size=3)
TOLD = st.just(UNTOLD) | STRINGS
SECRETS = NAMES.map(Secret)
ROUNDS = st.builds(
    SessionEntry,
    challenge_name=st.sampled_from([str(state) for state in State]) | NAMES,
    challenge_result=st.booleans(),
    challenge_metadata=st.none() | TEXTS,
)
SESSIONS = st.lists(ROUNDS, max_size=4).map(tuple)
TUPLES = st.lists(TEXTS, max_size=3).map(tuple)
OPTIONAL = st.none() | TEXTS
ABOUT = {"user_attributes": TOLD, "client_metadata": TOLD}
CHALLENGE = {**ABOUT, "user_not_found": st.booleans()}
MEMBERS: dict[type[TriggerEvent], dict[str, st.SearchStrategy[Any]]] = {
    DefineEvent: {**CHALLENGE, "session": SESSIONS},
    CreateEvent: {**CHALLENGE, "session": SESSIONS},
    VerifyEvent: {**CHALLENGE, "private": TOLD, "answer": TEXTS.map(Secret)},
    MigrationEvent: {"validation_data": TOLD, "client_metadata": TOLD},
    PreSignUpEvent: {**ABOUT, "validation_data": TOLD},
    PostConfirmationEvent: ABOUT,
    PreAuthenticationEvent: {**ABOUT, "validation_data": TOLD, "user_not_found": st.booleans()},
    PostAuthenticationEvent: {**ABOUT, "new_device_used": st.booleans()},
    PreTokenGenerationEvent: {
        **ABOUT,
        "groups": TUPLES,
        "iam_roles": TUPLES,
        "preferred_role": OPTIONAL,
    },
    CustomMessageEvent: {
        **ABOUT,
        "code_parameter": OPTIONAL,
        "username_parameter": OPTIONAL,
        "link_parameter": OPTIONAL,
    },
    CustomEmailSenderEvent: {**ABOUT, "code": st.none() | SECRETS},
    CustomSMSSenderEvent: {**ABOUT, "code": st.none() | SECRETS},
}


@st.composite
def events(draw: st.DrawFn, kind: type[TriggerEvent]) -> Any:
    source = draw(st.sampled_from(kind.sources))
    members = {name: draw(drawn) for name, drawn in MEMBERS[kind].items()}
    if kind is MigrationEvent:
        members["password"] = None if source == FORGOT_PASSWORD else draw(SECRETS)
    if kind is PreTokenGenerationEvent:
        members["version"] = draw(st.integers(1, 3))
        members["scopes"] = draw(TUPLES) if members["version"] > 1 else ()
    return kind(
        source=source,
        user_pool_id=draw(NAMES),
        client_id=draw(NAMES),
        username=draw(TEXTS if source in kind.userless else NAMES),
        **members,
    )


EVERY_KIND = pytest.mark.parametrize("kind", MEMBERS, ids=lambda kind: kind.__name__)
SURROUND = {"user_pool_id": "eu-central-1_EXAMPLE01", "client_id": "1example", "username": "ada"}


def travelled(value: Any) -> Any:
    """Give JSON as it arrives."""
    return json.loads(json.dumps(value, allow_nan=False))


def test_every_kind_is_tried():
    handled = {getattr(triggers, name) for name in HANDLED_EVENTS}
    assert MEMBERS.keys() == handled | {DefineEvent, CreateEvent, VerifyEvent, MigrationEvent}


@EVERY_KIND
@given(st.data())
def test_an_event_that_is_written_is_read_as_the_same_value(
    kind: type[TriggerEvent], data: st.DataObject
):
    event = data.draw(events(kind))
    arrived = travelled(event.to_json())
    read = parse_event(arrived)
    assert type(read) is kind
    assert read == event
    assert read.to_json() == arrived
    # A value that is made of another one forgets how that came.
    assert evolve(read).to_json() == event.to_json()


@EVERY_KIND
def test_an_event_of_another_kinds_source_is_not_written(kind: type[TriggerEvent]):
    source = "PreSignUp_Nobody" if kind is PreSignUpEvent else "PreSignUp_SignUp"

    @given(events(kind))
    def tried(event: Any) -> None:
        with pytest.raises(MisuseError, match="source"):
            evolve(event, source=source).to_json()

    tried()


@given(events(MigrationEvent))
def test_a_migration_comes_with_a_password_unless_it_is_forgotten(event: MigrationEvent):
    other = Secret("x") if event.password is None else None
    with pytest.raises(MisuseError, match="password"):
        evolve(event, password=other).to_json()


@given(events(PreTokenGenerationEvent), st.integers().filter(lambda n: n not in {1, 2, 3}))
def test_a_version_that_nobody_knows_is_not_written(event: PreTokenGenerationEvent, version: int):
    with pytest.raises(MisuseError, match="version 1, 2 or 3"):
        evolve(event, version=version).to_json()


def said(value: Any) -> Any:
    """Leave out what says nothing: null, false, and what is empty."""
    match value:
        case dict():
            members = {name: said(member) for name, member in value.items()}
            return {name: member for name, member in members.items() if member}
        case list():
            return [said(member) for member in value]
    return value


def test_an_event_of_cognitos_is_given_back_as_it_came(every_event: dict[str, Any]):
    assert parse_event(every_event).to_json() == every_event


def test_an_event_of_cognitos_is_written_anew_with_all_that_it_says(every_event: dict[str, Any]):
    written = evolve(parse_event(every_event)).to_json()
    assert said(written) == said(every_event)
    assert written.keys() == every_event.keys()
    assert (written["response"] or {}).keys() == (every_event["response"] or {}).keys()


NULL = {
    PreAuthenticationEvent: {"validationData"},
    PreSignUpEvent: {"validationData"},
    MigrationEvent: {"password", "validationData"},
    PreTokenGenerationEvent: {"groupConfiguration.preferredRole"},
    CustomMessageEvent: {"codeParameter", "linkParameter", "usernameParameter"},
    CustomEmailSenderEvent: {"code", "clientMetadata"},
    CustomSMSSenderEvent: {"code", "clientMetadata"},
}
"""What Cognito sends as null, and never leaves out, where there is nothing to say."""


def members(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Give every member of an event's request, under its path."""
    for name, member in value.items():
        yield f"{path}{name}", member
        if isinstance(member, dict):
            yield from members(member, f"{path}{name}.")


@EVERY_KIND
@settings(max_examples=20)
@given(data=st.data())
def test_what_cognito_sends_as_null_is_there(kind: type[TriggerEvent], data: st.DataObject):
    event = data.draw(events(kind))
    untold = {name: UNTOLD for name in ("validation_data",) if hasattr(event, name)}
    if "clientMetadata" in NULL.get(kind, ()):
        untold = {"client_metadata": UNTOLD}
    told = dict(members(evolve(event, **untold).to_json()["request"]))
    assert NULL.get(kind, set()) <= told.keys()
    assert {name for name, member in told.items() if member is None} <= NULL.get(kind, set())
    for name in untold:
        assert told[{"validation_data": "validationData"}.get(name, "clientMetadata")] is None


@given(SESSIONS)
def test_every_round_has_all_three_members(session: tuple[SessionEntry, ...]):
    event = DefineEvent(**SURROUND, user_attributes={}, session=session)
    for each in event.to_json()["request"]["session"]:
        assert each.keys() == {"challengeName", "challengeResult", "challengeMetadata"}


@given(SESSIONS)
def test_rounds_are_sealed_and_told_in_one_form(session: tuple[SessionEntry, ...]):
    event = DefineEvent(**SURROUND, user_attributes={}, session=session)
    rounds = [entry.to_json() for entry in session]
    assert event.to_json()["request"]["session"] == rounds
    assert tuple(SessionEntry.from_json(entry, "here") for entry in rounds) == session


@given(events(DefineEvent))
def test_what_define_decides_is_read(event: DefineEvent):
    after_srp = evolve(
        event, session=(SessionEntry(challenge_name="SRP_A", challenge_result=True),)
    )
    for asked in (event, after_srp):
        replies = {
            DefineReply.TOKENS: asked.issue_tokens(),
            DefineReply.FAILURE: asked.fail_authentication(),
            DefineReply.CUSTOM_CHALLENGE: asked.ask("CUSTOM_CHALLENGE"),
        }
        if asked is after_srp:
            replies[DefineReply.PASSWORD_VERIFIER] = asked.ask("PASSWORD_VERIFIER")
        for reply, given_back in replies.items():
            assert asked.read_reply(travelled(given_back)) is reply


@given(events(CreateEvent), STRINGS, STRINGS, TEXTS)
def test_what_create_makes_is_read(
    event: CreateEvent, public: dict[str, str], private: dict[str, str], metadata: str
):
    created = event.give(public=public, private=private, metadata=metadata)
    assert event.read_reply(travelled(created)) == CreateReply(
        public=public, private=private, metadata=metadata
    )


@given(events(VerifyEvent), st.booleans())
def test_what_verify_finds_is_read(event: VerifyEvent, correct: bool):
    assert event.read_reply(travelled(event.verified(correct=correct))) is correct


USERS = st.builds(
    MigratedUser,
    attributes=st.dictionaries(st.text(min_size=1, max_size=32), TEXTS, min_size=1, max_size=3),
    status=st.sampled_from(FinalStatus),
    send_welcome=st.booleans(),
    delivery_mediums=st.lists(st.sampled_from(DeliveryMedium), max_size=2),
    force_alias_creation=st.booleans(),
    enable_sms_mfa=st.booleans(),
)


@given(events(MigrationEvent), USERS)
def test_a_migrated_user_is_read(event: MigrationEvent, user: MigratedUser):
    assert event.read_reply(travelled(event.migrated(user))) == user


@given(events(PreSignUpEvent), st.tuples(*[st.booleans()] * 3))
def test_a_decision_on_a_sign_up_is_read(event: PreSignUpEvent, flags: tuple[bool, ...]):
    names = ("confirm", "verify_email", "verify_phone")
    decision = SignUpDecision(**dict(zip(names, flags, strict=True)))
    reachable = evolve(event, user_attributes={"email": "a@b", "phone_number": "+1"})
    assert reachable.read_reply(travelled(reachable.filled(decision))) == decision


MESSAGES = st.builds(
    CustomMessage,
    sms=st.none() | st.text(min_size=6, max_size=10),
    email=st.none() | st.text(min_size=6, max_size=10),
    subject=st.none() | st.text(min_size=1, max_size=10),
)


@given(MESSAGES)
def test_a_wording_is_read(message: CustomMessage):
    event = CustomMessageEvent(
        **SURROUND, source="CustomMessage_SignUp", user_attributes={}, code_parameter=None
    )
    assert event.read_reply(travelled(event.filled(message))) == MessageReply(
        sms=message.sms, email=message.email, subject=message.subject
    )


JSON = st.recursive(
    st.text() | st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
CLAIM_NAMES = NAMES.filter(lambda name: name != "aud" and not is_protected(name))
SCOPES = st.from_regex(r"[a-z/.]{1,9}", fullmatch=True)
ARNS = st.from_regex(r"arn:[a-z:]{16,20}", fullmatch=True)
GROUPS = st.builds(
    Groups,
    names=st.lists(st.from_regex(r"[a-z]{1,9}", fullmatch=True), max_size=2),
    iam_roles=st.lists(ARNS, max_size=2),
    preferred_role=st.none() | ARNS,
)


@st.composite
def changes(draw: st.DrawFn, version: int) -> TokenChanges:
    values = st.text() if version == 1 else JSON
    common = {
        "claims": st.dictionaries(CLAIM_NAMES, values, max_size=2),
        "suppress": st.lists(CLAIM_NAMES, max_size=2),
    }
    access = st.builds(
        AccessTokenChanges,
        **common,
        add_scopes=st.lists(SCOPES, max_size=2),
        suppress_scopes=st.lists(SCOPES, max_size=2),
    )
    return TokenChanges(
        id_token=draw(st.none() | st.builds(ClaimChanges, **common)),
        access_token=None if version == 1 else draw(st.none() | access),
        groups=draw(st.none() | GROUPS),
    )


@given(events(PreTokenGenerationEvent).flatmap(lambda e: st.tuples(st.just(e), changes(e.version))))
def test_changes_of_tokens_are_read(drawn: tuple[PreTokenGenerationEvent, TokenChanges]):
    event, wanted = drawn
    event = evolve(event, groups=("own",), iam_roles=("role",), preferred_role="role")
    id_token = wanted.id_token or ClaimChanges()
    access = wanted.access_token or AccessTokenChanges()
    own = GroupsReply(names=("own",), iam_roles=("role",), preferred_role="role")
    groups = wanted.groups
    assert event.read_reply(travelled(event.filled(wanted))) == TokensReply(
        id_token=ClaimsReply(claims=id_token.claims, suppress=id_token.suppress),
        access_token=ClaimsReply(
            claims=access.claims,
            suppress=access.suppress,
            add_scopes=access.add_scopes,
            suppress_scopes=access.suppress_scopes,
        ),
        groups=own
        if groups is None
        else GroupsReply(
            names=groups.names, iam_roles=groups.iam_roles, preferred_role=groups.preferred_role
        ),
    )


@given(events(PreTokenGenerationEvent))
def test_tokens_that_stay_as_they_are_are_read_as_no_reply(event: PreTokenGenerationEvent):
    assert event.read_reply(travelled(event.filled(None))) is None
