"""What is owed after an answer, in every state of every flow: the table allows all of it."""

import itertools
from collections.abc import Mapping
from typing import Any

import pytest
from attrs import evolve

from authflow.machine import CHOSEN, TABLES, AuthFlow, Challenged, Ending, State, follows
from authflow.pool.accounts.app_clients import AppClient
from authflow.pool.accounts.callers import Caller
from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.second_factors import FACTORS, Authenticator, UserFactors
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import CONFIRMED, FORCE_CHANGE_PASSWORD, User
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.devices.device_state import DeviceState
from authflow.pool.sign_ins.factor_state import FactorState, GivenFactor
from authflow.pool.sign_ins.next_step import (
    ChallengeOwed,
    CodeOwed,
    DefineOwed,
    TokensOwed,
    Unasked,
    next_step,
)
from authflow.pool.sign_ins.second_factor import given_factor
from authflow.pool.sign_ins.sessions import Progress, entry

NOW = 1_800_000_000.0
ADA = User(
    sub="3f1c",
    pool_id="eu-central-1_x",
    username="ada",
    status=CONFIRMED,
    attributes={"email": "ada@example.org", "custom:shoe": "38"},
    authenticator=Authenticator(sealed=b"sealed", name="Ada's phone"),
    password=StoredPassword(salt=b"1" * 16, verifier=b"2" * 384),
    created_at=NOW,
    modified_at=NOW,
)
TEMPORARY = evolve(ADA, status=FORCE_CHANGE_PASSWORD)
USERS = {"confirmed": ADA, "temporary": TEMPORARY, "unknown": None}
EVERY = [
    (flow, state, user, decided, held)
    for flow, table in TABLES.items()
    for state in table
    for user, decided, held in itertools.product(USERS, (True, False), (True, False))
]


SHAPES: dict[str, dict[str, Any]] = {
    "the password is no first factor": {
        "Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": ["WEB_AUTHN"]}}
    },
}


def caller(shape: Mapping[str, Any] | None = None, **client: Any) -> Caller:
    return Caller(
        pool=UserPool(
            id="eu-central-1_x",
            settings={"Schema": [{"Name": "given_name", "Required": True}], **(shape or {})},
            key_id="key",
            signing_key="{}",
            mask_key=b"k" * 32,
            created_at=NOW,
            modified_at=NOW,
        ),
        client=AppClient(
            id="client",
            pool_id="eu-central-1_x",
            secret=None,
            settings=client,
            created_at=NOW,
            modified_at=NOW,
        ),
    )


VERIFIED = FactorState(authenticator=b"sealed", verified=True)


def progress(flow: AuthFlow, state: State, user: User | None, **more: Any) -> Progress:
    more = {"factor": VERIFIED if state is State.MFA_SETUP else None, **more}
    return Progress(
        pool_id="eu-central-1_x",
        client_id="client",
        flow=flow,
        state=state,
        sub=None if user is None else user.sub,
        username="ada",
        typed="ada",
        auth_time=int(NOW),
        **more,
    )


def owed(user: User | None, stands: Progress, *, held: bool = False, **settings: Any) -> Any:
    """What is owed, or None if nothing may follow."""
    try:
        return next_step(caller(**settings), user, stands, held=held, now=NOW)
    except CognitoError:
        return None


@pytest.mark.parametrize("of", USERS)
def test_whatever_is_owed_the_table_allows_it(of: str):
    user = USERS[of]
    for flow, state, name, decided, held in EVERY:
        if name != of:
            continue
        given = (flow, state, decided, held)
        match owed(user, progress(flow, state, user, decided=decided), held=held):
            case TokensOwed(held=is_held):
                assert follows(flow, state, Ending.AUTHENTICATED), given
                assert is_held is held, given
                assert user is not None, given
                assert decided or flow is not AuthFlow.CUSTOM_AUTH, given
            case ChallengeOwed(state=asked):
                assert follows(flow, state, Challenged(asked)), given
                assert asked is State.NEW_PASSWORD_REQUIRED, given
                assert user is TEMPORARY, given
            case DefineOwed():
                assert flow is AuthFlow.CUSTOM_AUTH, given
                assert not decided, given
            case None:
                # Who chose a factor that is gone by now chooses in vain.
                gone = state in FACTORS or not follows(flow, state, Ending.AUTHENTICATED)
                assert user is None or gone, given


@pytest.mark.parametrize("flow", AuthFlow)
def test_a_temporary_password_that_was_proved_must_be_replaced_before_anything_else(flow: AuthFlow):
    by_password = flow is AuthFlow.USER_PASSWORD_AUTH
    proved = State.INITIATED if by_password else State.PASSWORD_VERIFIER
    for decided, held in itertools.product((True, False), (True, False)):
        step = owed(TEMPORARY, progress(flow, proved, TEMPORARY, decided=decided), held=held)
        assert isinstance(step, ChallengeOwed)


def test_a_new_password_is_asked_with_what_is_missing_and_what_the_client_may_read():
    stands = progress(AuthFlow.USER_SRP_AUTH, State.PASSWORD_VERIFIER, TEMPORARY)
    assert owed(TEMPORARY, stands, ReadAttributes=["email"]).parameters == {
        "USER_ID_FOR_SRP": "ada",
        "requiredAttributes": '["userAttributes.given_name"]',
        "userAttributes": '{"email": "ada@example.org"}',
    }


def test_a_temporary_password_that_has_expired_leads_nowhere():
    stands = progress(AuthFlow.USER_SRP_AUTH, State.PASSWORD_VERIFIER, TEMPORARY)
    with pytest.raises(CognitoError, match="Temporary password has expired"):
        next_step(caller(), evolve(TEMPORARY, password_expires_at=NOW), stands, held=False, now=NOW)
    later = evolve(TEMPORARY, password_expires_at=NOW + 1)
    assert isinstance(owed(later, stands), ChallengeOwed)


@pytest.mark.parametrize("state", TABLES[AuthFlow.CUSTOM_AUTH])
@pytest.mark.parametrize("decided", [True, False])
def test_nobody_is_signed_in_who_does_not_exist(state: State, decided: bool):
    step = owed(None, progress(AuthFlow.CUSTOM_AUTH, state, None, decided=decided))
    assert step is None if decided else step == DefineOwed()


def test_after_a_new_password_a_custom_flow_goes_on_as_define_says():
    stands = progress(AuthFlow.CUSTOM_AUTH, State.NEW_PASSWORD_REQUIRED, ADA)
    assert owed(ADA, stands) == DefineOwed()
    assert owed(ADA, evolve(stands, decided=True)) == TokensOwed(held=False)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_cannot_be_asked_ends_the_sign_in_where_cognito_would_ask_and_nowhere_else(shape: str):
    for flow, state, name, decided, held in EVERY:
        user = USERS[name]
        stands = progress(flow, state, user, decided=decided)
        before = owed(user, stands, held=held)
        after = owed(user, stands, held=held, shape=SHAPES[shape])
        ends = user is not None and not isinstance(before, ChallengeOwed)
        if ends and follows(flow, state, Challenged(State.MFA_SETUP)):
            assert isinstance(after, Unasked), (flow, state, name)
            assert after.given.case.asks is State.MFA_SETUP
        else:
            assert after == before, (flow, state, name)


SECOND = {*CHOSEN.values(), State.SELECT_MFA_TYPE, State.MFA_SETUP}
EVERY_FACTOR = {
    "MfaConfiguration": "ON",
    "SmsMfaConfiguration": {},
    "SoftwareTokenMfaConfiguration": {"Enabled": True},
    "EmailMfaConfiguration": {},
}
WITH_MFA = {
    "none is there": ({"MfaConfiguration": "ON", "EmailMfaConfiguration": {}}, UserFactors()),
    "several are there": (EVERY_FACTOR, UserFactors()),
    "one is preferred": (EVERY_FACTOR, UserFactors(preferred=State.EMAIL_OTP)),
    "one was turned on": (
        {"MfaConfiguration": "OPTIONAL"},
        UserFactors(enabled=frozenset({State.SOFTWARE_TOKEN_MFA})),
    ),
}


@pytest.mark.parametrize("case", WITH_MFA)
def test_a_second_factor_is_owed_after_the_password_and_nothing_else_changes(case: str):
    shape, factors = WITH_MFA[case]
    for flow, state, name, decided, held in EVERY:
        user = USERS[name]
        stands = progress(flow, state, user, decided=decided)
        if user is not None:
            user = evolve(user, factors=factors)
        before = owed(user, stands, held=held)
        after = owed(user, stands, held=held, shape=shape)
        if user is None or isinstance(before, ChallengeOwed) or state in {*CHOSEN, *FACTORS}:
            continue
        if follows(flow, state, Challenged(State.SELECT_MFA_TYPE)):
            assert isinstance(after, ChallengeOwed | CodeOwed), (flow, state, name)
            assert after.state in SECOND
            assert follows(flow, state, Challenged(after.state))
        elif flow is AuthFlow.CUSTOM_AUTH:
            # None of these has proved a password.
            assert after == before, (flow, state, name)
        else:
            assert not isinstance(after, TokensOwed), (flow, state, name)


PROVED = (entry(State.PASSWORD_VERIFIER, passed=True),)
HAS_ALL = evolve(ADA, attributes={"email": "a@b.org", "phone_number": "+15551234567"})
BEHIND = [
    (flow, state)
    for flow, table in TABLES.items()
    for state in table
    if follows(flow, state, Ending.AUTHENTICATED)
    and not follows(flow, state, Challenged(State.SELECT_MFA_TYPE))
    and state not in {State.MFA_SETUP, State.INITIATED}
]


@pytest.mark.parametrize(("flow", "state"), BEHIND)
@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("user", [ADA, evolve(ADA, authenticator=None)], ids=["has one", "none"])
def test_a_factor_that_is_owed_since_its_place_was_passed_ends_the_sign_in(
    flow: AuthFlow, state: State, held: bool, user: User
):
    proved = progress(flow, state, user, decided=True, history=PROVED)
    if state not in FACTORS:
        assert owed(user, proved, held=held) == TokensOwed(held=held)
    on = evolve(user, factors=UserFactors(enabled=frozenset({State.SOFTWARE_TOKEN_MFA})))
    optional = {"MfaConfiguration": "OPTIONAL"}
    unasked = user.authenticator is None and state not in FACTORS
    after = owed(on, proved, held=held, shape=optional)
    assert after == (TokensOwed(held=held) if unasked else None)
    assert owed(user, proved, held=held, shape=EVERY_FACTOR) is None


@pytest.mark.parametrize(("flow", "state"), BEHIND)
@pytest.mark.parametrize("factor", FACTORS)
def test_a_factor_that_was_given_is_good_as_long_as_the_user_has_it(
    flow: AuthFlow, state: State, factor: State
):
    given = given_factor(HAS_ALL, factor)
    stands = progress(flow, state, HAS_ALL, decided=True, history=PROVED, given=given)
    required = EVERY_FACTOR
    assert owed(HAS_ALL, stands, shape=required) == TokensOwed(held=False)
    read = Progress.from_json(stands.to_json())
    assert read.given == given
    other = evolve(
        HAS_ALL,
        attributes={"email": "b@b.org", "phone_number": "+15551234568"},
        authenticator=Authenticator(sealed=b"another"),
    )
    assert owed(other, stands, shape=required) is None
    # Another factor was turned on, and this one off.
    rest = frozenset(FACTORS) - {factor}
    elsewhere = evolve(HAS_ALL, factors=UserFactors(enabled=rest))
    assert owed(elsewhere, stands, shape={"MfaConfiguration": "OPTIONAL"}) is None
    kept = evolve(HAS_ALL, factors=UserFactors(enabled=frozenset(FACTORS)))
    assert owed(kept, stands, shape={"MfaConfiguration": "OPTIONAL"}) == TokensOwed(held=False)


def test_a_code_of_a_factor_that_is_gone_leads_nowhere_even_if_none_is_owed():
    for flow, state in BEHIND:
        if state in FACTORS:
            given = GivenFactor(state=state, rests_on="x")
            stands = progress(flow, state, HAS_ALL, decided=True, given=given)
            assert owed(HAS_ALL, stands) is None


SPARING = {"DeviceConfiguration": {"ChallengeRequiredOnNewDevice": True}}


@pytest.mark.parametrize("flow", AuthFlow)
def test_a_remembered_device_spares_a_factor_only_for_who_has_one(flow: AuthFlow):
    device = DeviceState(key="us-east-1_d", remembered=True)
    by_password = flow is AuthFlow.USER_PASSWORD_AUTH
    place = State.INITIATED if by_password else State.PASSWORD_VERIFIER
    user = evolve(ADA, attributes={}, authenticator=None)
    for shape, then in ((EVERY_FACTOR, State.MFA_SETUP), ({}, State.DEVICE_SRP_AUTH)):
        more = {"decided": True, "history": PROVED, "device": device}
        step = owed(user, progress(flow, place, user, **more), shape={**shape, **SPARING})
        assert step.state is then
        step = owed(ADA, progress(flow, place, ADA, **more), shape={**shape, **SPARING})
        assert step.state is State.DEVICE_SRP_AUTH
    # It was proved, and the user's factor is gone meanwhile: one is to be set up.
    proved = {**more, "device": evolve(device, spared=True, proved=True)}
    end, both = State.DEVICE_PASSWORD_VERIFIER, {**EVERY_FACTOR, **SPARING}
    assert owed(ADA, progress(flow, end, ADA, **proved), shape=both) == TokensOwed(held=False)
    assert owed(user, progress(flow, end, user, **proved), shape=both) is None
    assert owed(ADA, progress(flow, end, ADA, **proved), shape=EVERY_FACTOR) is None


@pytest.mark.parametrize("flow", AuthFlow)
@pytest.mark.parametrize("state", CHOSEN)
def test_what_was_chosen_is_asked_and_nothing_else(flow: AuthFlow, state: State):
    user = evolve(ADA, attributes={"email": "a@b.org", "phone_number": "+15551234567"})
    step = owed(user, progress(flow, state, user), shape=EVERY_FACTOR)
    assert step.state is CHOSEN[state]
    gone = evolve(user, attributes={}, authenticator=None)
    assert owed(gone, progress(flow, state, gone), shape=EVERY_FACTOR) is None


@pytest.mark.parametrize("flow", AuthFlow)
def test_a_set_up_that_was_not_finished_never_gives_tokens(flow: AuthFlow):
    shape = {**EVERY_FACTOR, "EmailMfaConfiguration": None}
    given = given_factor(ADA, State.SOFTWARE_TOKEN_MFA)
    done = owed(ADA, progress(flow, State.MFA_SETUP, ADA, given=given), shape=shape)
    assert isinstance(done, TokensOwed | DefineOwed)
    for factor in (
        None,
        FactorState(),
        FactorState(authenticator=b"sealed"),
        FactorState(authenticator=b"another", verified=True),
    ):
        stands = progress(flow, State.MFA_SETUP, ADA, factor=factor)
        assert owed(ADA, stands, shape=shape) is None
    # An administrator has removed the authenticator meanwhile.
    removed = evolve(ADA, authenticator=None)
    assert owed(removed, progress(flow, State.MFA_SETUP, removed), shape=shape) is None


@pytest.mark.parametrize("flow", AuthFlow)
def test_an_address_that_is_set_up_is_asked_for_a_code_first(flow: AuthFlow):
    user = evolve(ADA, attributes={}, authenticator=None)
    factor = FactorState(address="ada@example.org")
    stands = progress(flow, State.MFA_SETUP, user, factor=factor)
    step = owed(user, stands, shape=EVERY_FACTOR)
    assert isinstance(step, CodeOwed)
    assert (step.state, step.destination.address) == (State.EMAIL_OTP, "ada@example.org")
    # Meanwhile the user has another factor.
    assert owed(ADA, stands, shape=EVERY_FACTOR) is None


NAMED = DeviceState(key="us-east-1_d")


@pytest.mark.parametrize("spared", [True, False])
def test_a_device_is_asked_for_its_proof_before_tokens_wherever_the_table_has_it(spared: bool):
    device = evolve(NAMED, remembered=spared, spared=spared)
    for flow, state, name, decided, held in EVERY:
        user = USERS[name]
        stands = progress(flow, state, user, decided=decided)
        before = owed(user, stands, held=held)
        after = owed(user, evolve(stands, device=device), held=held)
        if not isinstance(before, TokensOwed):
            proof = isinstance(after, ChallengeOwed) and after.state is State.DEVICE_SRP_AUTH
            assert after == before or (before is None and proof), (flow, state, name)
        elif follows(flow, state, Challenged(State.DEVICE_SRP_AUTH)):
            assert after == ChallengeOwed(
                state=State.DEVICE_SRP_AUTH, parameters={"DEVICE_KEY": "us-east-1_d"}
            )
        else:
            # What has stood in for a second factor is proved, or there are no tokens.
            assert after == (None if spared else before), (flow, state, name)


def test_a_device_that_was_proved_is_asked_for_nothing_more():
    device = evolve(NAMED, remembered=True, spared=True, proved=True)
    for flow, state, name, decided, held in EVERY:
        stands = progress(flow, state, USERS[name], decided=decided)
        proved = owed(USERS[name], evolve(stands, device=device), held=held)
        assert proved == owed(USERS[name], stands, held=held)
