"""The proof of a policy: what its owner can get wrong is shown by its shortest path.

That the table is right is the compiler's part: `tests/triggers/policies/test_exploration.py`.
"""

from collections.abc import Iterable
from typing import Any

import anyio
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from authflow.errors import ConfigError, PluginNotFoundError
from authflow.triggers import (
    Policy,
    SessionEntry,
    Step,
    Triggers,
    any_of,
    attribute,
    challenge,
    in_group,
    optional,
    password,
    sequence,
    when,
)
from authflow.triggers.check.define_paths import (
    SRP_A,
    CheckVerdict,
    DefineDecision,
    Finding,
    Result,
)
from authflow.triggers.check.mfa_notes import NOT_ASKED, SKIPPED
from authflow.triggers.check.proof import prove
from authflow.triggers.custom_flow import CustomFlow
from authflow.triggers.policies.user_kinds import UserKind, user_kinds
from tests.triggers.policies.exploration import explore
from tests.triggers.policies.requirement import Requirement

PROVED = SessionEntry(challenge_name="PASSWORD_VERIFIER", challenge_result=True)
ROUNDS, EXTRAS, UNKNOWN = range(3)
WORD = challenge("totp")  # one that is installed
GOLD, STAFF = attribute("tier", "gold"), in_group("staff")


def answer(metadata: str | None, *, passed: bool) -> SessionEntry:
    return SessionEntry(
        challenge_name="CUSTOM_CHALLENGE", challenge_result=passed, challenge_metadata=metadata
    )


def verdict_on(subject: Step | Policy | Triggers) -> CheckVerdict:
    return anyio.run(prove, subject)


def broken(verdict: CheckVerdict) -> list[str]:
    return [finding.name for finding in verdict.findings if not finding.holds]


def finding_on(subject: Step | Policy | Triggers, number: int) -> Finding:
    found = verdict_on(subject).findings[number]
    assert not found.holds
    return found


def test_triggers_are_proved_with_their_own_plugins_for_the_pool_that_they_serve(word):
    async def nobody_asks(_user_pool_id: str, _username: str) -> Iterable[str]:
        raise AssertionError  # the proof says who is in which group

    triggers = Triggers(
        policy=sequence(password(), challenge("word", attempts=2), when(STAFF, challenge("word"))),
        challenges=[word],
        groups=nobody_asks,
        user_pool_id="eu-west-1_Mine",
        client_ids={"mine"},
    )
    assert verdict_on(triggers).holds


@settings(max_examples=12)
@given(st.data())
def test_rounds_are_too_few_where_what_is_demanded_of_somebody_takes_more(
    limited_policies, data: st.DataObject
):
    policy = data.draw(limited_policies)
    names = {step.name: step.name for step in policy.challenges}

    def can_sign_in(kind: UserKind) -> bool:
        demanded = Requirement(
            step=policy.step, rounds=policy.rounds, metadata=names, facts=kind.facts
        )
        begun = [demanded.begin(), demanded.after(demanded.begin(), SRP_A)]
        return any(demanded.asks_for(each) is not None for each in begun)

    verdict = verdict_on(policy)
    kinds = user_kinds(step.condition for step in policy.conditions)
    assert verdict.findings[ROUNDS].holds == all(map(can_sign_in, kinds))
    assert verdict.findings[EXTRAS].result is not Result.BROKEN
    assert verdict.findings[UNKNOWN].holds


@settings(max_examples=6)
@given(st.lists(st.tuples(st.sampled_from([GOLD, ~GOLD, STAFF]), st.booleans()), max_size=2))
def test_unknown_users_are_told_apart_where_some_session_tells_them_apart(conditions):
    otp = challenge("otp", attempts=1)
    step = sequence(otp, *(when(held, otp, unknown=unknown) for held, unknown in conditions))
    shown = verdict_on(step).findings[UNKNOWN]
    expected = anyio.run(explore, step).findings[-1]
    assert (shown.holds, shown.explanation) == (expected.holds, expected.explanation)


# --- kinds of users ------------------------------------------------------------------------------


def test_a_kind_of_user_who_can_never_sign_in_is_named():
    policy = Policy(
        sequence(challenge("totp", attempts=1), when(STAFF, challenge("otp", attempts=1))),
        rounds=1,
    )
    verdict = verdict_on(policy)
    assert broken(verdict) == ["every user can sign in within 1 round"]
    finding = verdict.findings[ROUNDS]
    assert finding.path is not None
    assert (finding.path.who, finding.path.session) == ("a user in group staff", ())
    assert finding.explanation == "every way to tokens takes more than 1 round"


def test_an_unknown_user_like_none_who_exists_is_found():
    step = sequence(WORD, when(GOLD, WORD, unknown=True), when(~GOLD, WORD, unknown=True))
    verdict = verdict_on(step)
    assert broken(verdict) == ["an unknown user sees what a known one sees, and no tokens"]
    finding = verdict.findings[UNKNOWN]
    assert finding.explanation == "no user who exists is like this one: see unknown= of when()"
    assert finding.path is not None
    assert finding.path.user_not_found


def test_what_is_unknown_may_be_declared_either_way():
    for unknown in (True, False):
        assert verdict_on(sequence(WORD, when(GOLD, WORD, unknown=unknown))).holds


def test_every_user_has_a_sub():
    assert verdict_on(sequence(WORD, when(attribute("sub"), WORD, unknown=True))).holds
    assert broken(verdict_on(sequence(WORD, when(attribute("sub"), WORD)))) == [
        "an unknown user sees what a known one sees, and no tokens"
    ]


TIERS = ["gold", "silver", "tin"]


@settings(max_examples=8)
@given(
    chain=st.permutations([attribute("tier", each) for each in TIERS] + [attribute("tier")]),
    unknown=st.lists(st.booleans(), min_size=4, max_size=4),
    length=st.integers(1, 4),
)
def test_conditions_that_are_not_on_the_way_show_nobody(chain, unknown, length):
    # Whatever has a kind of user who goes the same way is right, whatever the others ask of tiers.
    last = challenge("hotp", attempts=1)
    told = list(zip(chain[:length], unknown[:length], strict=True))
    step: Step = last
    for held, is_unknown in reversed(told):
        step = when(held, WORD, otherwise=step, unknown=is_unknown)
    goes = next((held for held, is_unknown in told if is_unknown), None)
    before = [held for held, _ in told[: [held for held, _ in told].index(goes)]] if goes else chain
    users = user_kinds(chain)
    like = any(
        (goes is None or goes.holds(kind.facts))
        and not any(held.holds(kind.facts) for held in before[:length])
        for kind in users
    )
    assert verdict_on(step).findings[UNKNOWN].holds is like


def test_too_many_kinds_of_users_are_an_error_and_no_verdict():
    staff = [when(in_group(f"group-{number}"), WORD) for number in range(10)]
    with pytest.raises(ConfigError, match=r"1024 kinds .* up to 512"):
        verdict_on(Policy(sequence(WORD, *staff), rounds=5))


# --- a Define that is wrong ----------------------------------------------------------------------


def test_a_define_that_tells_an_unknown_user_apart_is_shown(monkeypatch):
    define = CustomFlow.define

    async def hasty(self: CustomFlow, event: Any) -> Any:
        return event.fail_authentication() if event.user_not_found else await define(self, event)

    monkeypatch.setattr(CustomFlow, "define", hasty)
    verdict = verdict_on(WORD)
    assert broken(verdict) == ["an unknown user sees what a known one sees, and no tokens"]
    path = verdict.findings[UNKNOWN].path
    assert path is not None
    assert (path.session, path.user_not_found) == ((), True)


def test_a_define_that_gives_an_unknown_user_tokens_is_shown(monkeypatch):
    define = CustomFlow.define

    async def trusting(self: CustomFlow, event: Any) -> Any:
        return await define(self, evolve(event, user_not_found=False))

    monkeypatch.setattr(CustomFlow, "define", trusting)
    path = finding_on(WORD, UNKNOWN).path
    assert path is not None
    assert (path.user_not_found, path.reply.decision) == (True, DefineDecision.TOKENS)


def test_a_define_that_raises_or_decides_nothing_leaves_no_way_out(monkeypatch):
    async def undecided(_flow: CustomFlow, event: Any) -> Any:
        return event.ask("")

    async def raising(_flow: CustomFlow, _event: Any) -> Any:
        return 1 / 0

    monkeypatch.setattr(CustomFlow, "define", undecided)
    path = finding_on(WORD, ROUNDS).path
    assert path is not None
    assert path.reply.decision is DefineDecision.UNUSABLE
    monkeypatch.setattr(CustomFlow, "define", raising)
    path = finding_on(WORD, ROUNDS).path
    assert path is not None
    assert "ZeroDivisionError" in str(path.reply)


def test_what_may_remember_more_than_the_session_cannot_be_proved(word):
    class Moody(Triggers):
        pass

    class Partial(Policy):
        pass

    step = challenge("word")
    partial = Partial(step)
    for subject in (
        Moody(policy=step, challenges=[word]),
        partial,
        Triggers(policy=partial, challenges=[word]),
        "a policy",
    ):
        with pytest.raises(ConfigError, match="can be proved"):
            verdict_on(subject)


def test_triggers_whose_plugin_is_missing_are_an_error_and_no_verdict():
    with pytest.raises(PluginNotFoundError):
        verdict_on(Triggers(policy=challenge("not-installed"), lazy=True))


def test_the_plugins_that_a_policy_holds_are_proved_with_it(word):
    class Extra(word):
        name, metadata, suffices, needs = "extra", "EXTRA", False, ("limits", "keys")

    step = sequence(WORD, challenge(Extra()), challenge("extra"))
    assert verdict_on(step).holds
    assert not verdict_on(any_of(WORD, challenge(Extra()))).holds


# --- extra challenges ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "path"),
    [
        (challenge("word"), ["WORD"]),
        (any_of(challenge("otp"), challenge("word")), ["AUTHFLOW_CHOICE", "WORD"]),
        (any_of(password(), challenge("word")), ["WORD"]),
        (sequence(challenge("word"), optional(challenge("otp"))), ["WORD", "AUTHFLOW_CHOICE"]),
        (
            when(attribute("tier", "gold"), password(), otherwise=challenge("word")),
            ["WORD"],
        ),
    ],
)
def test_extra_challenges_that_suffice_alone_are_found_with_their_path(word, step, path):
    class Extra(word):
        suffices = False

    class Otp(word):
        name, metadata = "otp", "OTP"

    finding = finding_on(Triggers(policy=step, challenges=[Extra, Otp]), EXTRAS)
    assert "word never suffices alone" in finding.explanation
    assert [entry.challenge_metadata for entry in finding.path.session] == path


INSTALLED_EXTRAS = ["captcha", "turnstile", "hcaptcha", "recaptcha", "question"]


@pytest.mark.parametrize("name", INSTALLED_EXTRAS)
def test_an_installed_extra_that_a_policy_only_names_is_found(name):
    for step in (
        challenge(name),
        any_of(sequence(password(), challenge("otp")), challenge(name)),
        sequence(challenge(name), optional(challenge("otp"))),
    ):
        for subject in (step, Policy(step)):
            assert name in finding_on(subject, EXTRAS).explanation
    assert verdict_on(sequence(password(), challenge(name))).holds


@pytest.mark.parametrize(
    ("step", "result"),
    [
        (challenge("nowhere"), Result.NOT_TRIED),
        (any_of(password(), challenge("nowhere")), Result.NOT_TRIED),
        (when(GOLD, challenge("nowhere"), otherwise=WORD), Result.NOT_TRIED),
        (sequence(challenge("nowhere"), challenge("captcha")), Result.NOT_TRIED),
        (any_of(challenge("nowhere"), challenge("captcha")), Result.BROKEN),
        (sequence(challenge("nowhere"), WORD), Result.HOLDS),  # whatever it is
        (sequence(password(), challenge("nowhere")), Result.HOLDS),
    ],
)
def test_a_plugin_that_cannot_be_found_is_acquitted_of_nothing(step, result):
    verdict = verdict_on(step)
    finding = verdict.findings[EXTRAS]
    assert finding.result is result
    assert verdict.holds is (result is Result.HOLDS)
    if result is Result.NOT_TRIED:
        assert "'nowhere' is installed: install" in finding.explanation


def test_a_way_by_extras_alone_that_takes_too_many_rounds_is_none(word):
    class Extra(word):
        suffices = False

    class Otp(word):
        name, metadata = "otp", "OTP"

    thrice = sequence(*[challenge("word", attempts=1)] * 3)
    for rounds, holds in ((3, True), (4, False)):
        policy = Policy(any_of(thrice, challenge("otp", attempts=1)), rounds=rounds)
        verdict = verdict_on(Triggers(policy=policy, challenges=[Extra, Otp]))
        assert verdict.findings[EXTRAS].holds is holds


def test_extra_challenges_beside_one_that_suffices_are_fine(word):
    class Extra(word):
        suffices = False

    class Otp(word):
        name, metadata = "otp", "OTP"

    step = sequence(any_of(password(), challenge("otp")), challenge("word"))
    assert verdict_on(Triggers(policy=step, challenges=[Extra, Otp])).holds


@pytest.mark.parametrize(
    ("policy", "notes"),
    [
        (sequence(password(), WORD), {SKIPPED}),
        (sequence(WORD), {NOT_ASKED}),
        (any_of(sequence(password(), WORD), challenge("otp")), {SKIPPED, NOT_ASKED}),
        (sequence(any_of(password(), challenge("otp")), WORD), {SKIPPED, NOT_ASKED}),
        (password(), set()),
        (sequence(when(STAFF, password()), WORD), {SKIPPED, NOT_ASKED}),
    ],
)
def test_notes_say_what_mfa_does_to_a_policy(policy: Step, notes):
    assert set(verdict_on(policy).notes) == notes
