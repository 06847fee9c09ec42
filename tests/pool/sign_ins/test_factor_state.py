"""The stored state of a sign-in's second factor: nothing is lost in it, and nothing shown of it."""

import json
from typing import Any

import pytest

from authflow.machine import State
from authflow.pool.sign_ins.factor_state import FactorState, GivenFactor
from authflow.secret import Secret

STATES: list[dict[str, Any]] = [
    {},
    {"code": Secret("123456"), "address": "ann@example.org"},
    {"code": Secret("123456"), "address": "ann@example.org", "new": True},
    {"authenticator": b"\x00sealed\xff", "ends_at": 1_800_000_000.5},
    {"authenticator": b"\x00sealed\xff", "verified": True, "ends_at": 1_800_000_000.5},
]


@pytest.mark.parametrize("members", STATES)
def test_a_state_is_read_as_it_was_written(members):
    state = FactorState(**members)
    written = json.loads(json.dumps(state.to_json()))
    assert FactorState.from_json(written) == state


@pytest.mark.parametrize("factor", [State.SMS_MFA, State.SOFTWARE_TOKEN_MFA, State.EMAIL_OTP])
def test_a_given_factor_is_read_as_it_was_written(factor):
    given = GivenFactor(state=factor, rests_on="e3b0c442")
    assert GivenFactor.from_json(json.loads(json.dumps(given.to_json()))) == given


def test_no_repr_shows_a_code_an_address_or_what_a_factor_rests_on():
    shown = [repr(FactorState(**members)) for members in STATES]
    shown.append(repr(GivenFactor(state=State.EMAIL_OTP, rests_on="e3b0c442")))
    for secret in ("123456", "ann@example.org", "sealed", "e3b0c442"):
        assert not any(secret in each for each in shown)
