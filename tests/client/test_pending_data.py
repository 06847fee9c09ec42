"""A pending sign-in taken apart, and put together again in another process."""

import copy
import json
import pickle
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authflow import (
    AuthFlow,
    Challenge,
    ChallengeRequired,
    Declined,
    OtherFactor,
    Secret,
    Suspended,
    Unanswered,
)
from authflow.client.pending_data import put_together, take_apart
from authflow.errors import MisuseError
from authflow.machine import State
from authflow.mfa import NewAuthenticator
from authflow.sign_in import SignIn

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
MAYBE = st.one_of(st.none(), WORDS)


class Custom(Declined):
    """A reason of a plugin's own."""


PENDING = st.builds(
    ChallengeRequired,
    challenge=st.builds(
        Challenge,
        name=WORDS,
        kind=MAYBE,
        parameters=st.dictionaries(WORDS, WORDS, max_size=4),
        left_out=st.dictionaries(WORDS, WORDS, max_size=2),
        attempt=st.integers(1, 99),
        attempts=st.one_of(st.none(), st.integers(1, 99)),
        new_authenticator=st.one_of(
            st.none(),
            st.builds(NewAuthenticator, key=WORDS.map(Secret), account=WORDS, app_name=WORDS),
        ),
    ),
    sign_in=st.builds(
        SignIn,
        flow=st.sampled_from(AuthFlow),
        state=st.sampled_from(State),
        username=WORDS,
        canonical_username=WORDS,
        session=st.one_of(st.none(), WORDS.map(Secret)),
        rounds=st.integers(0, 40),
        expires_at=st.floats(0, 4e9),
        id=st.one_of(st.none(), st.text("0123456789abcdef", min_size=32, max_size=32)),
    ),
    because=st.one_of(
        st.none(),
        *(st.builds(kind, WORDS) for kind in (Unanswered, Declined, Suspended)),
        st.just(OtherFactor()),
    ),
)


@settings(max_examples=30)
@given(pending=PENDING)
def test_it_is_the_same_after_json(pending: ChallengeRequired):
    again = put_together(json.loads(json.dumps(take_apart(pending))))
    assert again == pending
    assert type(again.because) is type(pending.because)
    assert again.challenge.parameters == pending.challenge.parameters
    assert again.challenge.left_out == pending.challenge.left_out


def pending(**more: object) -> ChallengeRequired:
    return ChallengeRequired(
        challenge=Challenge(name="CUSTOM_CHALLENGE", kind="word", parameters={"hint": "open"}),
        sign_in=SignIn(
            flow=AuthFlow.CUSTOM_AUTH,
            state=State.CUSTOM_CHALLENGE,
            username="ada",
            canonical_username="ada",
            session=Secret("canary-session"),
            rounds=1,
            expires_at=2e9,
        ),
        **more,
    )


def test_a_reason_of_a_plugins_own_comes_back_as_the_nearest_of_ours():
    assert put_together(take_apart(pending(because=Custom("x")))).because == Declined("x")


def test_another_process_puts_it_together():
    program = (
        "import json, sys; from authflow.client.pending_data import put_together as put;"
        "pending = put(json.load(sys.stdin));"
        "print(pending.challenge.parameters['hint'], pending.sign_in.session.reveal())"
    )
    data = json.dumps(take_apart(pending()))
    done = subprocess.run(
        [sys.executable, "-c", program], input=data, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["open", "canary-session"]


@pytest.mark.parametrize("how", [pickle.dumps, json.dumps, copy.deepcopy])
def test_there_is_no_other_way_to_take_one_apart_by_accident(how):
    with pytest.raises(TypeError):
        how(pending())


def damaged() -> list[object]:
    good = take_apart(pending(because=Declined("x")))

    def changed(place: str, **members: object) -> dict[str, object]:
        return {**good, place: {**good[place], **members}}

    return [
        *(None, 7, "text", [], {}, {**good, "version": 2}, {**good, "more": 1}),
        *(changed("sign_in", id=odd) for odd in ("", "ab", "Z" * 32, "a" * 33, 7, ["a" * 32])),
        *({name: value for name, value in good.items() if name != left} for left in good),
        *({**good, name: value} for name in good for value in (7, "text", [])),
        *(
            changed(place, **{name: value})
            for place in ("challenge", "sign_in", "because")
            for name in good[place]
            for value in (b"x", [], {"a": 7}, "\ud800", -1, True)
        ),
        *(changed(place, more=1) for place in ("challenge", "sign_in", "because")),
        *(changed("sign_in", expires_at=at) for at in (float("nan"), float("inf"))),
        changed("sign_in", flow="NO_SUCH_FLOW"),
        changed("sign_in", state="NO_SUCH_STATE"),
        changed("because", kind="SignedIn"),
    ]


@pytest.mark.parametrize("data", damaged(), ids=lambda data: repr(data)[-70:])
def test_whatever_else_it_is_is_refused_and_not_shown(data: object):
    with pytest.raises(MisuseError, match="no pending sign-in of version 1") as refused:
        put_together(data)
    told = f"{refused.value}{refused.value.__cause__}{refused.value.__context__}"
    assert "canary" not in told
    trace = refused.value.__traceback__
    while trace is not None:
        ours = trace.tb_frame.f_globals["__name__"].startswith("authflow.")
        assert not ours or "canary" not in repr(trace.tb_frame.f_locals)
        trace = trace.tb_next


@pytest.mark.parametrize("data", ["KEY", ["KEY"], ["KEY", 7], {"key": "a", "uri": "b"}, 7], ids=str)
def test_an_authenticator_of_another_form_is_refused(data):
    good = take_apart(pending())
    good["challenge"]["new_authenticator"] = data
    with pytest.raises(MisuseError, match="no pending sign-in"):
        put_together(good)
