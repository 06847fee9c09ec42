"""SignIn by itself, and whole sign-ins from data: what is sent, what comes back, where it is."""

import json
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st

from authflow import errors
from authflow.answers import NewPassword, TypedAnswer
from authflow.client import challenges as responders
from authflow.client.challenge_parameters import read_challenge
from authflow.errors import SignInOverError, UnexpectedReplyError
from authflow.machine import ENDS, AuthFlow, Challenged, Ending, State
from authflow.refusals import read_error
from authflow.results import Challenge
from authflow.secret import Secret
from authflow.sign_in import SignIn
from authflow.wire import ClientIdentity, Members, Request, new_password, read_reply
from authflow.wire.auth_parameters import Beginning, ByChallenges, ByPassword, BySrp

SCENARIOS = Path(__file__).parent / "scenarios"
FILES = ("srp", "password", "custom", "rogue")
APP_CLIENT = ClientIdentity(client_id="client")
SESSION = "session-0-0123456789abcdef"


def scenarios() -> list[Any]:
    return [
        pytest.param(scenario, id=f"{name}: {scenario['name']}")
        for name in FILES
        for scenario in json.loads((SCENARIOS / f"{name}.json").read_text())["scenarios"]
    ]


def initiate(scenario: dict[str, Any]) -> Request:
    password, srp_a = scenario.get("password"), scenario.get("srp_a")
    flow = AuthFlow(scenario["flow"])
    beginning: Beginning = ByChallenges()
    if srp_a is not None:
        beginning = BySrp(public_a=srp_a, in_custom_auth=flow is AuthFlow.CUSTOM_AUTH)
    elif password is not None:
        beginning = ByPassword(Secret(password))
    return APP_CLIENT.initiate_auth(flow, scenario["username"], beginning)


def respond(
    step: dict[str, Any], sign_in: SignIn, challenge: Challenge | None
) -> tuple[Request, SignIn]:
    """The request that answers what the sign-in waits at, and the sign-in once it is sent."""
    name, chosen = str(sign_in.state), None
    if "answer" in step:
        assert challenge is not None
        answer: TypedAnswer = Secret(step["answer"])
        if "attributes" in step:
            answer = NewPassword(step["answer"], attributes=step["attributes"])
        response = responders.respond(challenge, answer)
        members, chosen = response.members, response.chosen
    else:
        members = Members(step["answers"])
    request = APP_CLIENT.respond(name, sign_in.canonical_username, members, session=sign_in.session)
    return request, sign_in if chosen is None else sign_in.chose(chosen)


def read(step: dict[str, Any], sign_in: SignIn, previous: Challenge | None) -> Any:
    """Take in what the server said. Gives the sign-in after it and the challenge, if one came."""
    if "error" in step:
        refused = read_error(*step["error"])
        assert type(refused).__name__ == step["raises"]
        if refused.next_step is errors.NextStep.RETRY_SAME_CHALLENGE:
            return sign_in, previous
        return sign_in.advance(Ending.DENIED), None
    reply = read_reply(step["reply"])
    challenge = None
    if isinstance(reply.event, Challenged):
        challenge = read_challenge(reply.event.name, reply.parameters, previous)
    advanced = sign_in.advance(
        reply.event, canonical_username=reply.canonical_username, session=reply.session
    )
    return advanced, challenge


@pytest.mark.parametrize("scenario", scenarios())
def test_a_sign_in_goes_as_the_scenario_tells(scenario: dict[str, Any]):
    sign_in = SignIn.begin(
        AuthFlow(scenario["flow"]), scenario["username"], srp="srp_a" in scenario, expires_at=180
    )
    challenge: Challenge | None = None
    for number, step in enumerate(scenario["steps"]):
        request = initiate(scenario) if number == 0 else None
        if "answer" in step or "answers" in step:
            request, sign_in = respond(step, sign_in, challenge)
        if "sent" in step:
            assert request is not None
            assert request.body == step["sent"]
            assert request.operation == ("RespondToAuthChallenge" if number else "InitiateAuth")
        if "state" not in step:
            before = evolve(sign_in)
            with pytest.raises(errors.RemoteProtocolError) as refused:
                read(step, sign_in, challenge)
            assert type(refused.value).__name__ == step["raises"]
            assert sign_in == before
            continue
        sign_in, challenge = read(step, sign_in, challenge)
        assert sign_in.state == step["state"]
        if "canonical_username" in step:
            assert sign_in.canonical_username == step["canonical_username"]
        if "session" in step:
            session = None if sign_in.session is None else sign_in.session.reveal()
            assert session == step["session"]
        if "challenge" in step:
            assert challenge is not None
            told = {field: getattr(challenge, field) for field in ("kind", "attempt", "attempts")}
            assert told == step["challenge"]
            assert challenge.is_retry == (challenge.attempt > 1)
        if "required_attributes" in step:
            assert challenge is not None
            asked = new_password.Asked.read(challenge.parameters)
            assert asked.required_attributes == tuple(step["required_attributes"])
    assert sign_in.username == scenario["username"]
    assert sign_in.flow == scenario["flow"]


def test_every_scenario_is_named_once_and_every_flow_has_some():
    names = [
        (name, scenario["name"])
        for name in FILES
        for scenario in json.loads((SCENARIOS / f"{name}.json").read_text())["scenarios"]
    ]
    assert len(names) == len(set(names)) > 25
    steps = chain.from_iterable(param.values[0]["steps"] for param in scenarios())
    reached = {step["state"] for step in steps if "state" in step}
    assert reached >= {str(state) for state in State if state.isupper() and state != "SRP_A"}


def begun(flow: AuthFlow = AuthFlow.USER_SRP_AUTH, *, srp: bool = True) -> SignIn:
    return SignIn.begin(flow, "ana", srp=srp, expires_at=100)


def test_a_sign_in_begins_with_what_the_user_typed():
    sign_in = begun()
    assert sign_in.username == sign_in.canonical_username == "ana"
    assert sign_in.state is State.SRP_A
    assert begun(AuthFlow.CUSTOM_AUTH, srp=False).state is State.INITIATED
    assert (sign_in.session, sign_in.rounds, sign_in.expires_at) == (None, 0, 100)


def test_advancing_gives_a_new_value_and_leaves_the_old_one():
    first = begun()
    kept = evolve(first)
    second = first.advance(
        Challenged("PASSWORD_VERIFIER"),
        canonical_username="3f1c",
        session=Secret(SESSION),
        expires_at=280,
    )
    assert first == kept
    assert second is not first
    assert second == SignIn(
        flow=AuthFlow.USER_SRP_AUTH,
        state=State.PASSWORD_VERIFIER,
        username="ana",
        canonical_username="3f1c",
        session=Secret(SESSION),
        rounds=1,
        expires_at=280,
    )


def test_a_session_is_never_carried_over_but_the_users_name_is():
    second = begun().advance(
        Challenged("PASSWORD_VERIFIER"), canonical_username="3f1c", session=Secret(SESSION)
    )
    third = second.advance(Challenged("DEVICE_SRP_AUTH"))
    assert third.session is None
    assert third.canonical_username == "3f1c"
    assert third.rounds == 2
    assert third.expires_at == 100


def test_an_expiry_of_zero_is_a_time():
    assert begun().advance(Challenged("PASSWORD_VERIFIER"), expires_at=0).expires_at == 0


def test_a_refused_event_leaves_the_sign_in_as_it_was():
    sign_in = begun()
    kept = evolve(sign_in)
    for event in (Challenged("CUSTOM_CHALLENGE"), Ending.AUTHENTICATED, Challenged("?")):
        with pytest.raises(UnexpectedReplyError):
            sign_in.advance(event, canonical_username="eve", session=Secret(SESSION))
        assert sign_in == kept


@pytest.mark.parametrize("end", sorted(ENDS))
def test_a_sign_in_that_has_ended_goes_nowhere(end: State):
    ended = evolve(begun(), state=end)
    for event in (*Ending, Challenged("PASSWORD_VERIFIER")):
        with pytest.raises(SignInOverError, match=f"has ended \\({end}\\); start a new one"):
            ended.advance(event)


def test_a_sign_in_cannot_be_changed_in_place():
    sign_in = begun()
    with pytest.raises(FrozenInstanceError):
        sign_in.state = State.SIGNED_IN  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del sign_in.session


@given(st.text(min_size=20, max_size=100))
def test_a_session_is_not_shown(session: str):
    sign_in = evolve(begun(), session=Secret(session))
    assert "Secret(***)" in repr(sign_in)
    assert session not in repr(sign_in)
    assert session not in str(sign_in)


def test_two_answers_to_one_value_race_openly():
    """Nothing in the value says that it was used: whoever owns it decides which answer wins."""
    waiting = begun().advance(Challenged("PASSWORD_VERIFIER"))
    one, other = waiting.advance(Challenged("SMS_MFA")), waiting.advance(Ending.DENIED)
    assert (one.state, other.state) == (State.SMS_MFA, State.REFUSED)
    assert one.rounds == other.rounds == 2
