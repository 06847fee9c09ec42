import contextlib
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import TriggerReplyError
from authflow.pool.tokens.overrides import token_overrides
from authflow.triggers import PreTokenGenerationEvent
from authflow.triggers.events.token_changes import UNCHANGEABLE

CLIENT = "1example23456789"
IDENTITY = {"sub": "s", "aud": CLIENT, "cognito:username": "ann", "email": "ann@example.org"}
ACCESS = {"sub": "s", "client_id": CLIENT, "username": "ann", "scope": "own"}


def read(response, version="2"):
    event = PreTokenGenerationEvent(
        source="TokenGeneration_Authentication",
        user_pool_id="eu-central-1_EXAMPLE01",
        client_id=CLIENT,
        username="ann",
        user_attributes={},
        version=int(version),
    )
    given = {**event.to_json(), "response": response}
    return token_overrides(event.read_reply(given), CLIENT)


def v1(**details):
    return read({"claimsOverrideDetails": details}, "1")


def v2(identity=None, access=None, **more):
    details = {"idTokenGeneration": identity, "accessTokenGeneration": access, **more}
    return read({"claimsAndScopeOverrideDetails": details})


def is_refused(response, version="2"):
    with pytest.raises(TriggerReplyError, match=r"^PreTokenGeneration: "):
        read(response, version)
    return True


@pytest.mark.parametrize("version", ["1", "2", "3"])
def test_no_details_change_nothing(version):
    for response in (
        {},
        {"claimsOverrideDetails": None},
        {"claimsAndScopeOverrideDetails": None},
        {"unknown": 1},
    ):
        assert read(response, version) is None


def test_empty_details_change_nothing_either():
    for overrides in (v1(), v2(), v2({}, {}, groupOverrideDetails=None)):
        assert overrides.of_identity(IDENTITY) == IDENTITY
        assert overrides.of_access(ACCESS) == ACCESS


def test_version_1_changes_the_id_token_only():
    overrides = v1(claimsToAddOrOverride={"tier": "gold", "email": "x"}, claimsToSuppress=["none"])
    assert overrides.of_identity(IDENTITY) == {**IDENTITY, "tier": "gold", "email": "x"}
    assert overrides.of_access(ACCESS) == ACCESS


@pytest.mark.parametrize("name", sorted({*UNCHANGEABLE, "aud", "dev:any", "cognito:groups"}))
def test_what_version_1_passes_over_may_be_no_string(name):
    overrides = v1(claimsToAddOrOverride={name: ["mine"], "tier": "gold"})
    assert overrides.of_identity({name: "right"}) == {name: "right", "tier": "gold"}


@pytest.mark.parametrize("junk", ["a b", [""], [1], {}])
def test_an_id_token_has_no_scopes_to_change(junk):
    changes = {"claimsToAddOrOverride": {"tier": "gold"}, "scopesToAdd": junk}
    for overrides in (v1(**changes), v2(changes)):
        assert overrides.of_identity(IDENTITY) == {**IDENTITY, "tier": "gold"}
        assert overrides.of_access(ACCESS) == ACCESS


def test_what_is_added_and_suppressed_is_suppressed():
    overrides = v1(claimsToAddOrOverride={"email": "x"}, claimsToSuppress=["email"])
    assert "email" not in overrides.of_identity(IDENTITY)


def test_version_2_changes_each_token_by_itself():
    overrides = v2(
        {"claimsToAddOrOverride": {"a": [1, {"b": True}]}, "claimsToSuppress": ["email"]},
        {"claimsToAddOrOverride": {"c": 1.5}, "scopesToAdd": ["orders/read", "own"]},
    )
    rest = {name: value for name, value in IDENTITY.items() if name != "email"}
    assert overrides.of_identity(IDENTITY) == {**rest, "a": [1, {"b": True}]}
    assert overrides.of_access(ACCESS) == {**ACCESS, "c": 1.5, "scope": "own orders/read"}


def test_scopes_can_be_taken_away_to_the_last():
    overrides = v2(access={"scopesToAdd": ["a", "b"], "scopesToSuppress": ["own", "b", "none"]})
    assert overrides.of_access(ACCESS)["scope"] == "a"
    overrides = v2(access={"scopesToSuppress": ["own"]})
    assert "scope" not in overrides.of_access(ACCESS)


def test_groups_are_in_both_tokens_and_roles_in_the_id_token():
    groups = {
        "groupsToOverride": ["editors"],
        "iamRolesToOverride": ["arn:aws:iam::1:role/e"],
        "preferredRole": "arn:aws:iam::1:role/e",
    }
    for overrides in (v1(groupOverrideDetails=groups), v2(groupOverrideDetails=groups)):
        assert overrides.of_identity(IDENTITY) == {
            **IDENTITY,
            "cognito:groups": ["editors"],
            "cognito:roles": ["arn:aws:iam::1:role/e"],
            "cognito:preferred_role": "arn:aws:iam::1:role/e",
        }
        assert overrides.of_access(ACCESS) == {**ACCESS, "cognito:groups": ["editors"]}


def test_groups_are_set_by_their_own_member_only_and_can_be_suppressed():
    groups = {"groupsToOverride": ["editors"]}
    forged = {"cognito:groups": "admins"}
    overrides = v1(claimsToAddOrOverride=forged, groupOverrideDetails=groups)
    assert overrides.of_identity(IDENTITY)["cognito:groups"] == ["editors"]
    overrides = v1(claimsToAddOrOverride=forged)
    assert "cognito:groups" not in overrides.of_identity(IDENTITY)
    overrides = v1(claimsToSuppress=["cognito:groups"], groupOverrideDetails=groups)
    assert "cognito:groups" not in overrides.of_identity(IDENTITY)


@pytest.mark.parametrize("name", sorted({*UNCHANGEABLE, "aud", "dev:any"}))
def test_documented_claims_stay_as_they_are_and_the_log_says_so(name, caplog):
    changes = {"claimsToAddOrOverride": {name: "mine"}, "claimsToSuppress": [name]}
    with caplog.at_level(logging.WARNING, "authflow.pool.triggers"):
        for overrides in (v1(**changes), v2(changes, changes)):
            assert overrides.of_identity({name: "right"}) == {name: "right"}
        assert overrides.of_access({**ACCESS, name: "right"}) == {**ACCESS, name: "right"}
    assert caplog.messages == [f"PreTokenGeneration cannot change {name!r}"] * 3


@pytest.mark.parametrize("name", ["client_id", "username", "event_id", "scope", "version"])
def test_what_says_whose_an_access_token_is_stays_as_it_is(name):
    changes = {"claimsToAddOrOverride": {name: "mine"}, "claimsToSuppress": [name]}
    claims = {**ACCESS, name: "right"}
    assert v2(access=changes).of_access(claims) == claims


def test_an_access_token_may_get_its_app_client_as_audience_and_no_other():
    assert v2(access={"claimsToAddOrOverride": {"aud": CLIENT}}).of_access(ACCESS) == {
        **ACCESS,
        "aud": CLIENT,
    }
    for other in ("another", [CLIENT]):
        overrides = v2(access={"claimsToAddOrOverride": {"aud": other}})
        assert overrides.of_access(ACCESS) == ACCESS


CLAIMS_AND_GROUPS = [
    "details",
    [],
    True,
    {"claimsToAddOrOverride": ["email"]},
    {"claimsToAddOrOverride": {"": "x"}},
    {"claimsToAddOrOverride": {"a": None}},
    {"claimsToSuppress": "email"},
    {"claimsToSuppress": [1]},
    {"claimsToSuppress": [""]},
]
GROUPS = [
    {"groupOverrideDetails": []},
    {"groupOverrideDetails": {"groupsToOverride": "editors"}},
    {"groupOverrideDetails": {"groupsToOverride": [1]}},
    {"groupOverrideDetails": {"iamRolesToOverride": {}}},
    {"groupOverrideDetails": {"preferredRole": ["arn"]}},
]


@pytest.mark.parametrize("details", [*CLAIMS_AND_GROUPS, *GROUPS])
def test_other_shapes_of_version_1_are_refused(details):
    assert is_refused({"claimsOverrideDetails": details}, "1")


@pytest.mark.parametrize("value", [1, True, 1.5, [], {}, ["x"]])
def test_version_1_takes_strings_only(value):
    response = {"claimsOverrideDetails": {"claimsToAddOrOverride": {"a": value}}}
    assert is_refused(response, "1")


@pytest.mark.parametrize("version", ["2", "3"])
@pytest.mark.parametrize(
    "details",
    [
        *GROUPS,
        *({"idTokenGeneration": each} for each in CLAIMS_AND_GROUPS),
        *({"accessTokenGeneration": each} for each in CLAIMS_AND_GROUPS),
        {"idTokenGeneration": {"claimsToAddOrOverride": {"a": float("nan")}}},
        {"idTokenGeneration": {"claimsToAddOrOverride": {"a": [{"b": None}]}}},
        {"accessTokenGeneration": {"scopesToAdd": "a b"}},
        {"accessTokenGeneration": {"scopesToAdd": ["a b"]}},
        {"accessTokenGeneration": {"scopesToAdd": ['a"']}},
        {"accessTokenGeneration": {"scopesToAdd": ["x" * 257]}},
        {"accessTokenGeneration": {"scopesToSuppress": [None]}},
    ],
)
def test_other_shapes_of_versions_2_and_3_are_refused(details, version):
    response = {"claimsAndScopeOverrideDetails": details}
    assert is_refused(response, version)


def test_a_claim_that_nests_without_end_is_refused():
    deep = "x"
    for _ in range(5000):
        deep = [deep]
    response = {"idTokenGeneration": {"claimsToAddOrOverride": {"a": deep}}}
    assert is_refused({"claimsAndScopeOverrideDetails": response})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["email", "sub", "aud", "scope", "dev:x", "a", "cognito:groups"])
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "claimsToAddOrOverride": st.dictionaries(NAMES, JSON, max_size=3) | JSON,
        "claimsToSuppress": st.lists(NAMES, max_size=3) | JSON,
        "scopesToAdd": st.lists(st.sampled_from(["a", "b c", "own"]), max_size=3) | JSON,
        "scopesToSuppress": st.lists(st.sampled_from(["a", "own"]), max_size=3) | JSON,
    },
)
DETAILS = JSON | st.fixed_dictionaries(
    {},
    optional={
        "idTokenGeneration": CHANGES | JSON,
        "accessTokenGeneration": CHANGES | JSON,
        "groupOverrideDetails": st.just({"groupsToOverride": ["g"]}) | JSON,
    },
)


@given(details=DETAILS | CHANGES, version=st.sampled_from("123"))
def test_whatever_a_trigger_gives_is_refused_or_leaves_a_sound_token(details, version):
    response = {"claimsOverrideDetails": details, "claimsAndScopeOverrideDetails": details}
    overrides = None
    with contextlib.suppress(TriggerReplyError):
        overrides = read(response, version)
    if overrides is None:
        return
    identity, access = overrides.of_identity(IDENTITY), overrides.of_access(ACCESS)
    for name in ("sub", "aud", "cognito:username"):
        assert identity[name] == IDENTITY[name]
    for name in ("sub", "client_id", "username"):
        assert access[name] == ACCESS[name]
    assert access.get("aud") is None
    assert isinstance(access.get("scope", ""), str)
    json.dumps([identity, access], allow_nan=False)
