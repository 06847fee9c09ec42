"""Events of the forms that other people's samples have are read.

`samples/` holds one for each sample event of a user pool that AWS Lambda Powertools for Python has,
and for the forms that the developer guide has beside them: the same members of the same types, with
values of our own.
"""

import json
import math
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from authflow.errors import EventError
from authflow.triggers import (
    AccessTokenChanges,
    CreateEvent,
    CustomEmailSenderEvent,
    CustomMessageEvent,
    CustomSMSSenderEvent,
    DefineEvent,
    MigrationEvent,
    PostAuthenticationEvent,
    PostConfirmationEvent,
    PreAuthenticationEvent,
    PreSignUpEvent,
    PreTokenGenerationEvent,
    TokenChanges,
    Triggers,
    VerifyEvent,
    attribute,
    challenge,
    parse_event,
    when,
)
from authflow.triggers.events.written_values import MOST_DIGITS

SAMPLES = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parent / "samples").glob("*.json"))
}
KINDS = {
    "create_auth_challenge": CreateEvent,
    "custom_email_sender": CustomEmailSenderEvent,
    "custom_message": CustomMessageEvent,
    "custom_sms_sender": CustomSMSSenderEvent,
    "define_auth_challenge": DefineEvent,
    "post_authentication": PostAuthenticationEvent,
    "post_confirmation": PostConfirmationEvent,
    "pre_authentication": PreAuthenticationEvent,
    "pre_sign_up": PreSignUpEvent,
    "pre_token_generation": PreTokenGenerationEvent,
    "pre_token_generation_v2": PreTokenGenerationEvent,
    "user_migration": MigrationEvent,
    "verify_auth_challenge": VerifyEvent,
}
WITH_ATTRIBUTES = sorted(set(SAMPLES) - {"user_migration"})

every_sample = pytest.mark.parametrize("name", sorted(SAMPLES))


def sample(name: str, **request: Any) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(json.dumps(SAMPLES[name]))
    event["request"].update(request)
    return event


def test_there_is_a_sample_of_each_kind():
    assert SAMPLES.keys() == KINDS.keys()


@every_sample
def test_a_sample_is_read_as_its_kind_and_given_back_as_it_came(name: str):
    event = parse_event(sample(name))
    assert type(event) is KINDS[name]
    assert event.client_id == "7lighthouse3keeper"
    assert event.to_json() == SAMPLES[name]


def altered(raw: dict[str, Any], how: str) -> dict[str, Any]:
    """Give an event as somebody else would have written it."""
    match how:
        case "version is a number" if raw["triggerSource"].split("_")[0] != "TokenGeneration":
            raw["version"] = 1
        case "version is absent" if raw["triggerSource"].split("_")[0] != "TokenGeneration":
            raw.pop("version")
        case "only the app client is told":
            raw["callerContext"] = {"clientId": raw["callerContext"]["clientId"]}
        case "more members":
            raw["requestedAt"] = 1.5
            raw["request"]["news"] = {"of": [2031, None]}
            raw["callerContext"]["ip"] = ["203.0.113.7"]
        case "no response":
            raw.pop("response", None)
        case "a response of null":
            raw["response"] = None
        case "empty metadata":
            raw["request"]["clientMetadata"] = {}
        case "null metadata":
            raw["request"] |= {"clientMetadata": None, "validationData": None, "session": None}
        case "no region":
            raw.pop("region")
    return raw


@every_sample
@pytest.mark.parametrize(
    "how",
    [
        *("version is a number", "version is absent", "only the app client is told"),
        *("more members", "no response", "a response of null", "empty metadata"),
        *("null metadata", "no region"),
    ],
)
def test_what_nothing_depends_on_may_be_of_any_form_or_absent(name: str, how: str):
    assert type(parse_event(altered(sample(name), how))) is KINDS[name]


GROUPS = {"groupsToOverride": ["crew"], "iamRolesToOverride": [], "preferredRole": None}


@pytest.mark.parametrize(
    ("configuration", "names"),
    [
        (GROUPS, ("crew",)),
        ([GROUPS], ("crew",)),  # as some years of the developer guide show it
        (None, ()),
        ({}, ()),
        ([], ()),
        ([None], ()),
        (dict.fromkeys(GROUPS), ()),
        ({"groupsToOverride": []}, ()),
        ({**GROUPS, "preferredRole": ""}, ("crew",)),
    ],
)
@pytest.mark.parametrize("name", ["pre_token_generation", "pre_token_generation_v2"])
def test_groups_are_read_in_every_form_and_given_back_as_an_object(
    name: str, configuration: Any, names: tuple[str, ...]
):
    event = parse_event(sample(name, groupConfiguration=configuration))
    assert event.groups == names
    filled = event.filled(TokenChanges())["response"]["claimsOverrideDetails"]
    kept = filled.get("groupOverrideDetails", {}).get("groupsToOverride") or ()
    assert tuple(kept) == names


@pytest.mark.parametrize("configuration", [[GROUPS, GROUPS], "crew", 5, ["crew"], [[]]])
def test_groups_that_could_mean_two_things_are_refused(configuration: Any):
    with pytest.raises(EventError, match="groupConfiguration"):
        parse_event(sample("pre_token_generation", groupConfiguration=configuration))


@pytest.mark.parametrize("name", ["pre_token_generation", "pre_token_generation_v2"])
def test_the_version_decides_what_can_be_changed_and_not_what_else_an_event_holds(name: str):
    event = parse_event(sample(name))
    assert event.version == 1
    with pytest.raises(Exception, match="V2_0"):
        event.filled(TokenChanges(access_token=AccessTokenChanges(claims={"tier": "gold"})))


# --- attributes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        (True, "true"),
        (False, "false"),
        (1, "1"),
        (0, "0"),
        (-7, "-7"),
        (2**70, "1180591620717411303424"),
        (7.0, "7"),
        (-0.0, "0"),
        (1.5, "1.5"),
        (1e16, "1" + "0" * 16),
        (9007199254740992.0, "9007199254740992"),
        (-1e300, str(int(-1e300))),
        (1e-7, "0.0000001"),
        (Decimal("7.00"), "7"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-0"), "0"),
        (Decimal("1.50"), "1.5"),
        (Decimal("12345678901234567890123456789012.5"), "12345678901234567890123456789012.5"),
        ("", ""),
        ("True", "True"),
        ("é\u0301\ud800", "é\u0301\ud800"),
    ],
)
@pytest.mark.parametrize("name", WITH_ATTRIBUTES)
def test_a_value_is_spelled_as_cognito_would(name: str, value: Any, spelled: str):
    event = parse_event(sample(name, userAttributes={"custom:level": value, "email": "a@b.c"}))
    assert event.user_attributes == {"custom:level": spelled, "email": "a@b.c"}


@pytest.mark.parametrize("name", WITH_ATTRIBUTES)
def test_an_attribute_of_null_is_none_that_the_user_has(name: str):
    event = parse_event(sample(name, userAttributes={"birthdate": None, "email_verified": True}))
    assert event.user_attributes == {"email_verified": "true"}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.integers(0, 400).map(lambda n: 10.0**-n)
    | st.integers(0, 300).map(lambda n: 10.0**n)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


@given(
    name=st.sampled_from(WITH_ATTRIBUTES),
    attributes=st.dictionaries(st.text(max_size=6), VALUES, max_size=4),
)
@example(name="pre_sign_up", attributes={"n": 10**MOST_DIGITS})
@example(name="pre_sign_up", attributes={"n": -(10 ** (MOST_DIGITS - 1))})
@example(name="pre_sign_up", attributes={"n": 10**5000})
@example(name="pre_sign_up", attributes={"n": math.inf})
@example(name="pre_sign_up", attributes={"n": math.nan})
@example(name="pre_sign_up", attributes={"\x1b[2J": []})
@example(name="pre_sign_up", attributes={"n": Decimal("1E+999999999")})
@example(name="pre_sign_up", attributes={"n": Decimal("1E-999999999")})
@example(name="pre_sign_up", attributes={"n": Decimal("1" * 1500 + "." + "1" * 1500)})
@example(name="pre_sign_up", attributes={"n": Decimal("sNaN")})
def test_every_value_is_spelled_or_refused_by_its_name(name: str, attributes: dict[str, Any]):
    raw = sample(name)
    raw["request"]["userAttributes"] = attributes
    odd = [shown(key) for key, value in attributes.items() if not is_told(value)]
    if odd:
        with pytest.raises(EventError, match="userAttributes") as caught:
            parse_event(raw)
        assert any(f"userAttributes: {key} must be" in str(caught.value) for key in odd)
        return
    event = parse_event(raw)
    assert event.user_attributes.keys() == {k for k, v in attributes.items() if v is not None}
    for key, value in event.user_attributes.items():
        given_here = attributes[key]
        if isinstance(given_here, int | float | Decimal) and not isinstance(given_here, bool):
            assert type(given_here)(value) == given_here
            assert "e" not in value.lower()
            assert not value.endswith(".0")
            assert len(value) <= MOST_DIGITS + 1


def shown(name: str) -> str:
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


def is_told(value: Any) -> bool:
    """Whether a value is one that Cognito could have spelled."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Decimal):
        if not value or not value.is_finite():
            return not value
        most = max(abs(value.adjusted()), -int(value.as_tuple().exponent))
        # Written out, the largest ones have a thousand million digits.
        return most <= MOST_DIGITS and len(format(value, "f")) <= MOST_DIGITS
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < 10**MOST_DIGITS
    return value is None or isinstance(value, str | bool)


TOLD_ALONG = [
    *((name, "clientMetadata") for name in sorted(SAMPLES)),
    *((name, "validationData") for name in ("pre_authentication", "pre_sign_up", "user_migration")),
]


@pytest.mark.parametrize(("name", "member"), TOLD_ALONG)
def test_what_a_client_sends_along_is_spelled_as_cognito_would(name: str, member: str):
    told = {"a": None, "b": True, "c": 7, "d": Decimal("1.50"), "e": "", "f": 1e16}
    event = parse_event(sample(name, **{member: told}))
    read = event.client_metadata if member == "clientMetadata" else event.validation_data
    assert read == {"b": "true", "c": "7", "d": "1.5", "e": "", "f": "1" + "0" * 16}
    assert event.to_json()["request"][member] == told


@pytest.mark.parametrize("nested", [{}, [], [1], {"a": "b"}, math.nan, Decimal("Infinity")])
@pytest.mark.parametrize(("name", "member"), TOLD_ALONG)
def test_what_a_client_cannot_send_along_is_refused_by_its_name(
    name: str, member: str, nested: Any
):
    with pytest.raises(EventError, match=f"{member}: a must be"):
        parse_event(sample(name, **{member: {"a": nested}}))


@pytest.mark.parametrize("junk", [5, True, 12345.5, Decimal(5), None])
def test_what_decides_is_never_respelled(junk: Any):
    for member in ("challengeAnswer", "privateChallengeParameters"):
        value = junk if member == "challengeAnswer" else {"answer": junk}
        with pytest.raises(EventError, match=member) as caught:
            parse_event(sample("verify_auth_challenge", **{member: value}))
        assert "12345" not in str(caught.value)


# --- what is decided on them ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "wanted", "holds"),
    [
        (True, "true", True),
        (False, "true", False),
        (False, "false", True),
        (3, "3", True),
        (3.0, "3", True),
        (None, "null", False),
        ("gold", "gold", True),
    ],
)
async def test_a_condition_holds_for_what_was_spelled(
    triggers_of: Callable[..., Triggers],
    load_event: Callable[..., dict[str, Any]],
    value: Any,
    wanted: str,
    holds: bool,
):
    gold = when(attribute("custom:tier", wanted), challenge("sum"))
    triggers = triggers_of(gold, challenge("word"))
    event = load_event("create_first", userAttributes={"custom:tier": value})
    public = (await triggers.handle(event))["response"]["publicChallengeParameters"]
    assert public["challenge"] == ("sum" if holds else "word")


async def test_no_challenge_is_made_for_what_is_no_custom_one(
    triggers_of: Callable[..., Triggers], load_event: Callable[..., dict[str, Any]]
):
    triggers = triggers_of(challenge("sum"))
    await triggers.handle(load_event("create_first"))
    with pytest.raises(EventError, match="challengeName must be CUSTOM_CHALLENGE"):
        await triggers.handle(load_event("create_first", challengeName="PASSWORD_VERIFIER"))
