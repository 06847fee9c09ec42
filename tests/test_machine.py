import itertools
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import AuthFlowError, MisuseError, SignInOverError, UnexpectedReplyError
from authflow.machine import (
    BEGINNINGS,
    CHALLENGES,
    CHOSEN,
    END_OF,
    ENDS,
    TABLES,
    AuthFlow,
    Challenged,
    Chosen,
    Ending,
    Event,
    Side,
    State,
    advance,
    beginning,
    follows,
    table,
)

FLOWS = pytest.mark.parametrize("flow", AuthFlow)
UNKNOWN = [
    Challenged("WEB_AUTHN"),
    Challenged("ADMIN_NO_SRP_AUTH"),
    Challenged("PASSWORD_SRP"),
    Challenged(""),
    Challenged("SMS_MFA "),
    Challenged("sms_mfa"),
    Challenged("signed_in"),
    Challenged("initiated"),
    Challenged("SRP_A"),
    Challenged("authenticated"),
]
EVENTS: list[Event] = [
    *(kind(str(state)) for state in State for kind in (Challenged, Chosen)),
    *Ending,
    *UNKNOWN,
    *(Chosen(event.name) for event in UNKNOWN),
]
CHOICES = {chosen: choice for choice, chosen in CHOSEN.items()}


def leads_to(event: Event) -> State | None:
    """The state an event is about, whatever the table says of it."""
    if isinstance(event, Ending):
        return END_OF[event]
    if isinstance(event, Chosen):
        return CHOICES[State(event.name)] if event.name in set(CHOICES) else None
    return State(event.name) if event.name in set(CHALLENGES) else None


def allowed(flow: AuthFlow, state: State, event: Event) -> bool:
    """What TABLES and rule 5 say, read without the machine."""
    target = leads_to(event)
    if state not in TABLES[flow] or target is None:
        return False
    return target in TABLES[flow][state] or target in ENDS - {State.SIGNED_IN}


def blamed(event: Event) -> type[AuthFlowError]:
    """Whose fault an event is that the table does not allow: the caller's choice, or a reply."""
    return MisuseError if isinstance(event, Chosen) else UnexpectedReplyError


def reachable(flow: AuthFlow, state: State, without: frozenset[State] = frozenset()) -> set[State]:
    """Every state that a sign-in can come to, walking the machine itself."""
    found, fresh = {state}, [state]
    while fresh:
        here = fresh.pop()
        for event in EVENTS:
            if here not in ENDS and follows(flow, here, event):
                there = advance(flow, here, event)
                if there not in found | without:
                    found.add(there)
                    fresh.append(there)
    return found


WAITING = pytest.mark.parametrize(
    ("flow", "state"), [(flow, state) for flow, table in TABLES.items() for state in table]
)


@FLOWS
def test_the_machine_does_what_the_table_says_and_nothing_else(flow: AuthFlow):
    for state, event in itertools.product(State, EVENTS):
        if state in ENDS:
            with pytest.raises(SignInOverError):
                advance(flow, state, event)
        elif allowed(flow, state, event):
            assert follows(flow, state, event)
            assert advance(flow, state, event) is leads_to(event)
        else:
            assert not follows(flow, state, event)
            with pytest.raises(blamed(event)):
                advance(flow, state, event)


@FLOWS
def test_no_end_has_a_way_out(flow: AuthFlow):
    assert not ENDS & TABLES[flow].keys()
    for end, event in itertools.product(ENDS, EVENTS):
        assert not follows(flow, end, event)


@WAITING
def test_every_state_that_waits_can_still_come_to_tokens(flow: AuthFlow, state: State):
    assert State.SIGNED_IN in reachable(flow, state)


@FLOWS
def test_every_state_of_a_table_can_be_reached(flow: AuthFlow):
    found = set().union(*(reachable(flow, state) for state in BEGINNINGS & TABLES[flow].keys()))
    assert found == TABLES[flow].keys() | ENDS


@WAITING
def test_what_may_follow_is_a_challenge_of_the_flow_or_tokens(flow: AuthFlow, state: State):
    followers = TABLES[flow][state]
    assert followers, "a state that waits for nothing"
    assert followers <= CHALLENGES | CHOSEN.keys() | {State.SIGNED_IN}
    assert followers - ENDS <= TABLES[flow].keys()


@WAITING
def test_a_sign_in_that_waits_can_be_refused_fail_expire_and_be_cancelled(
    flow: AuthFlow, state: State
):
    for outcome in set(Ending) - {Ending.AUTHENTICATED}:
        assert advance(flow, state, outcome) is END_OF[outcome]


@pytest.mark.parametrize("flow", [AuthFlow.USER_SRP_AUTH, AuthFlow.CUSTOM_AUTH])
def test_no_path_from_srp_a_leads_to_tokens_around_the_proof_of_the_password(flow: AuthFlow):
    around = reachable(flow, State.SRP_A, without=frozenset({State.PASSWORD_VERIFIER}))
    assert around == {State.SRP_A} | ENDS - {State.SIGNED_IN}


def test_only_a_server_goes_on_without_the_proof_and_nowhere_else_than_to_a_custom_challenge():
    more = {
        (flow, state, follower)
        for flow in AuthFlow
        for state, followers in table(flow, Side.SERVER).items()
        for follower in followers - table(flow, Side.CLIENT)[state]
    }
    assert more == {(AuthFlow.CUSTOM_AUTH, State.SRP_A, State.CUSTOM_CHALLENGE)}
    custom = Challenged(State.CUSTOM_CHALLENGE)
    for side in Side:
        allowed = follows(AuthFlow.CUSTOM_AUTH, State.SRP_A, custom, side=side)
        assert allowed is (side is Side.SERVER)
    step = advance(AuthFlow.CUSTOM_AUTH, State.SRP_A, custom, side=Side.SERVER)
    assert step is State.CUSTOM_CHALLENGE
    assert not follows(AuthFlow.CUSTOM_AUTH, State.SRP_A, Ending.AUTHENTICATED, side=Side.SERVER)


@FLOWS
def test_both_sides_have_the_same_states_and_ends(flow: AuthFlow):
    server, client = table(flow, Side.SERVER), table(flow, Side.CLIENT)
    assert client == TABLES[flow]
    assert server.keys() == client.keys()
    for state, followers in client.items():
        assert followers <= server[state]
        assert ENDS & followers == ENDS & server[state]


def test_a_device_cannot_stand_for_the_password():
    for flow, rows in TABLES.items():
        for state, followers in rows.items():
            if State.DEVICE_PASSWORD_VERIFIER in followers:
                assert state is State.DEVICE_SRP_AUTH
            if state is State.DEVICE_SRP_AUTH:
                assert State.SIGNED_IN not in followers, flow


def test_a_server_cannot_ask_for_what_the_caller_did_not_choose():
    """The downgrades that matter, spelled out."""
    for flow, state, challenge in (
        (AuthFlow.USER_SRP_AUTH, State.SRP_A, "CUSTOM_CHALLENGE"),
        (AuthFlow.USER_SRP_AUTH, State.SRP_A, "NEW_PASSWORD_REQUIRED"),
        (AuthFlow.USER_SRP_AUTH, State.SRP_A, "SMS_MFA"),
        (AuthFlow.USER_SRP_AUTH, State.PASSWORD_VERIFIER, "PASSWORD_VERIFIER"),
        (AuthFlow.USER_SRP_AUTH, State.PASSWORD_VERIFIER, "CUSTOM_CHALLENGE"),
        (AuthFlow.USER_PASSWORD_AUTH, State.INITIATED, "PASSWORD_VERIFIER"),
        (AuthFlow.CUSTOM_AUTH, State.SRP_A, "CUSTOM_CHALLENGE"),
        (AuthFlow.CUSTOM_AUTH, State.INITIATED, "PASSWORD_VERIFIER"),
        (AuthFlow.CUSTOM_AUTH, State.INITIATED, "NEW_PASSWORD_REQUIRED"),
        (AuthFlow.CUSTOM_AUTH, State.CUSTOM_CHALLENGE, "NEW_PASSWORD_REQUIRED"),
    ):
        with pytest.raises(UnexpectedReplyError, match=f"{flow} does not allow"):
            advance(flow, state, Challenged(challenge))


@FLOWS
@pytest.mark.parametrize("event", UNKNOWN, ids=lambda event: repr(event.name))
def test_an_unknown_challenge_is_refused_everywhere(flow: AuthFlow, event: Challenged):
    for state in TABLES[flow]:
        with pytest.raises(UnexpectedReplyError):
            advance(flow, state, event)


def test_the_error_of_a_strange_reply_says_where_and_stays_short():
    with pytest.raises(UnexpectedReplyError) as refused:
        advance(AuthFlow.USER_SRP_AUTH, State.SRP_A, Challenged("X" * 10**6))
    text = str(refused.value)
    assert text.startswith("USER_SRP_AUTH does not allow 'challenged with XXX")
    assert "after SRP_A" in text
    assert len(text) < 400


@pytest.mark.parametrize(("srp", "state"), [(True, State.SRP_A), (False, State.INITIATED)])
def test_a_sign_in_begins_where_its_first_request_puts_it(srp: bool, state: State):
    assert beginning(srp=srp) is state
    assert state in BEGINNINGS


def test_states_are_beginnings_challenges_or_ends():
    assert set(State) == BEGINNINGS | CHALLENGES | CHOSEN.keys() | ENDS
    assert len(BEGINNINGS) + len(CHALLENGES) + len(CHOSEN) + len(ENDS) == len(State)
    assert set(END_OF) == set(Ending)
    assert set(END_OF.values()) == ENDS


@given(
    st.sampled_from(AuthFlow),
    st.booleans(),
    st.lists(st.sampled_from(EVENTS) | st.text().map(Challenged), max_size=60),
)
def test_a_walk_never_leaves_the_table(flow: AuthFlow, srp: bool, events: list[Event]):
    state, path = beginning(srp=srp), [beginning(srp=srp)]
    for event in events:
        before = state
        if state in ENDS:
            with pytest.raises(SignInOverError):
                advance(flow, state, event)
        elif allowed(flow, state, event):
            state = advance(flow, state, event)
            path.append(state)
        else:
            with pytest.raises(blamed(event)):
                advance(flow, state, event)
        assert state is path[-1]
        assert before is path[-1] or before is path[-2]
    if state is State.SIGNED_IN and srp:
        assert State.PASSWORD_VERIFIER in path


def test_nothing_is_logged_above_debug(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    for flow, rows in TABLES.items():
        for state, event in itertools.product(rows, EVENTS):
            if follows(flow, state, event):
                advance(flow, state, event)
            else:
                with pytest.raises(blamed(event)):
                    advance(flow, state, event)
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


def test_threads_share_the_machines_and_keep_their_own_state():
    paths = [
        (flow, state, event)
        for flow, table in TABLES.items()
        for state in table
        for event in EVENTS
        if follows(flow, state, event)
    ]
    together = threading.Barrier(8)

    def walk(offset: int) -> list[State]:
        together.wait()
        return [advance(*path) for path in (paths[offset:] + paths[:offset]) * 5]

    with ThreadPoolExecutor(8) as threads:
        walks = list(threads.map(walk, range(8)))
    for offset, states in enumerate(walks):
        expected = [leads_to(event) for _, _, event in paths[offset:] + paths[:offset]]
        assert states == expected * 5


@FLOWS
@pytest.mark.parametrize("chosen", CHOICES)
def test_after_a_choice_only_what_was_chosen_may_follow(flow: AuthFlow, chosen: State):
    after = advance(flow, State.SELECT_MFA_TYPE, Chosen(chosen))
    assert {event for event in EVENTS if follows(flow, after, event)} == {
        Challenged(chosen),
        *(set(Ending) - {Ending.AUTHENTICATED}),
    }


@FLOWS
@pytest.mark.parametrize("asked", CHOICES)
def test_where_there_is_a_choice_the_server_cannot_take_it(flow: AuthFlow, asked: State):
    with pytest.raises(UnexpectedReplyError):
        advance(flow, State.SELECT_MFA_TYPE, Challenged(asked))


def test_states_and_ends_keep_the_names_that_tickets_and_pictures_have():
    """A sealed sign-in has the name of its state, and another release opens it."""
    own = {
        State.INITIATED: "initiated",
        State.SRP_A: "SRP_A",
        State.SMS_MFA_CHOSEN: "SMS_MFA_chosen",
        State.SOFTWARE_TOKEN_MFA_CHOSEN: "SOFTWARE_TOKEN_MFA_chosen",
        State.EMAIL_OTP_CHOSEN: "EMAIL_OTP_chosen",
    }
    assert {state: str(state) for state in set(State) - ENDS} == {
        **own,
        **{state: state.name for state in CHALLENGES},
    }
    assert {str(state) for state in ENDS} == {
        *("signed_in", "refused", "failed", "expired", "cancelled"),
    }
    assert {outcome: str(end) for outcome, end in END_OF.items()} == {
        Ending.AUTHENTICATED: "signed_in",
        Ending.DENIED: "refused",
        Ending.FAILED: "failed",
        Ending.EXPIRED: "expired",
        Ending.CANCELLED: "cancelled",
    }
    assert {outcome.trigger for outcome in Ending} == {
        *("authenticated", "denied", "failed", "expired", "cancelled"),
    }
