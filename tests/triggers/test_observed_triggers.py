"""What triggers tell their observer: exactly this, and nobody's name or answer."""

import asyncio
import json
from typing import Any

import pytest

from authflow.errors import AuthFlowError, DeniedError, MisuseError
from authflow.integrations.event_fields import event_fields
from authflow.plugins import Outcome, Verdict
from authflow.telemetry import FlowEvent
from authflow.triggers import (
    Issued,
    PreAuthenticationEvent,
    Triggers,
    challenge,
    password,
    sequence,
)


class Seen:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[FlowEvent] = []

    def observe(self, event: FlowEvent) -> None:
        self.events.append(event)

    def lines(self) -> list[str]:
        """What was told, without the times."""
        told = [(each.name, event_fields(each)) for each in self.events]
        assert "canary" not in json.dumps(told, allow_nan=False)
        self.events.clear()
        return [
            " ".join((name, *(str(of) for key, of in each.items() if key != "seconds")))
            for name, each in told
        ]


async def test_a_sign_in_is_told_round_by_round_to_its_end(triggers_of, cognito_side):
    told = Seen()
    cognito = cognito_side(triggers_of(challenge("sum", attempts=2), observer=told))
    await cognito.define()
    await cognito.answer("canary")
    assert await cognito.answer("5") == "tokens"
    assert told.lines() == [
        *("challenge_made sum 1", "answer_failed sum 1", "challenge_made sum 2"),
        *("answer_passed sum 2", "policy_passed"),
    ]


async def test_a_sign_in_that_fails_is_told_and_so_is_one_without_a_plugin(
    triggers_of, cognito_side
):
    told = Seen()
    cognito = cognito_side(triggers_of(challenge("sum", attempts=1), observer=[told]))
    await cognito.define()
    assert await cognito.answer("canary") == "failed"
    assert told.lines() == ["challenge_made sum 1", "answer_failed sum 1", "policy_failed"]
    cognito = cognito_side(Triggers(policy=password(), observer=told), srp=True)
    await cognito.define()
    assert await cognito.prove_password() == "tokens"
    assert told.lines() == ["policy_passed"]


class Odd:
    """Does in each hook what its setting says."""

    name = "odd"
    metadata = "ODD"
    interface = 1

    def __init__(self, does: Any = None, *, at: str = "create") -> None:
        self.does, self.at = does, at

    async def create(self, _context: Any) -> Any:
        return await self._done("create") or Issued(public={}, private={})

    async def verify(self, _context: Any) -> Any:
        return await self._done("verify") or False

    async def _done(self, hook: str) -> Any:
        if hook != self.at:
            return None
        if isinstance(self.does, BaseException):
            raise self.does
        if self.does == "hang":
            await asyncio.Event().wait()
        return self.does


BROKEN = {
    "raises": (ValueError("canary"), "plugin_failed"),
    "gives nonsense": ("canary", "plugin_failed"),
    "a secret as its code": (type("OwnError", (AuthFlowError,), {"code": "canary"})("canary"), ""),
}


@pytest.mark.parametrize("hook", ["create", "verify"])
@pytest.mark.parametrize("how", BROKEN)
async def test_a_plugin_that_fails_is_told_by_its_hook_and_so_is_the_trigger(
    cognito_side, how: str, hook: str
):
    told, code = Seen(), BROKEN[how][1] or "plugin_failed"
    odd = challenge(Odd(BROKEN[how][0], at=hook))
    cognito = cognito_side(Triggers(policy=sequence(odd), observer=told))

    async def sign_in() -> None:
        await cognito.define()
        await cognito.answer("canary")

    with pytest.raises(AuthFlowError):
        await sign_in()
    made = [] if hook == "create" else ["challenge_made odd 1"]
    assert told.lines() == [*made, f"hook_failed odd 1 {hook} {code}", f"trigger_failed {code}"]


async def test_a_plugin_that_denies_has_judged_the_answer_and_failed_in_nothing(cognito_side):
    told = Seen()
    odd = Odd(Outcome(Verdict.FAILED, reason="canary"), at="verify")
    cognito = cognito_side(Triggers(policy=sequence(challenge(odd)), observer=told))
    await cognito.define()
    with pytest.raises(DeniedError):
        await cognito.answer("canary")
    assert told.lines() == [
        *("challenge_made odd 1", "answer_failed odd 1 denied", "trigger_failed denied"),
    ]


async def test_a_plugin_that_is_broken_off_is_told(cognito_side):
    told = Seen()
    cognito = cognito_side(Triggers(policy=sequence(challenge(Odd("hang"))), observer=told))
    task = asyncio.ensure_future(cognito.define())
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert told.lines() == ["hook_failed odd 1 create cancelled", "trigger_failed cancelled"]


async def test_whatever_else_refuses_is_told_by_its_code(load_event):
    async def no(_event: PreAuthenticationEvent) -> None:
        raise DeniedError("canary")

    told = Seen()
    triggers = Triggers(on={PreAuthenticationEvent: no}, observer=told)
    event = load_event("pre_authentication")
    for wrong in (event, {**event, "triggerSource": "canary"}, {}):
        with pytest.raises(AuthFlowError):
            await triggers.handle(wrong)
    assert told.lines() == ["trigger_failed denied", *["trigger_failed event"] * 2]


async def test_a_user_who_does_not_exist_is_told_like_any_other(triggers_of, cognito_side):
    told = Seen()
    for unknown in (False, True):
        triggers = triggers_of(challenge("sum", attempts=1), observer=told)
        cognito = cognito_side(triggers, user_not_found=unknown)
        await cognito.define()
        await cognito.answer("canary")
        assert told.lines() == ["challenge_made sum 1", "answer_failed sum 1", "policy_failed"]


async def test_an_observer_that_fails_changes_no_reply(triggers_of, cognito_side, caplog):
    class Failing:
        def observe(self, event: FlowEvent) -> None:
            raise asyncio.CancelledError("canary")

    cognito = cognito_side(triggers_of(challenge("sum"), observer=Failing()))
    await cognito.define()
    assert await cognito.answer("5") == "tokens"
    assert caplog.text.count("the observer raised CancelledError") == 1


@pytest.mark.parametrize("wrong", [print, 5, "text", Seen, [print]])
def test_what_is_no_observer_is_refused(wrong: Any):
    with pytest.raises(MisuseError, match="observer must be"):
        Triggers(policy=password(), observer=wrong)
