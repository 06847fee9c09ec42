import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import EventError, MisuseError
from authflow.triggers import (
    AccessTokenChanges,
    ClaimChanges,
    Groups,
    PreTokenGenerationEvent,
    TokenChanges,
    parse_event,
)
from authflow.triggers.events.token_changes import UNCHANGEABLE

LoadEvent = Callable[..., dict[str, Any]]

ROLE = "arn:aws:iam::123456789012:role/editors"
OWN_GROUPS = {
    "groupsToOverride": ["editors"],
    "iamRolesToOverride": [ROLE],
    "preferredRole": ROLE,
}
versions = pytest.mark.parametrize("version", [1, 2, 3])
later_versions = pytest.mark.parametrize("version", [2, 3])


@versions
def test_each_version_is_read_with_groups_and_scopes(load_event: LoadEvent, version: int):
    event = parse_event(load_event(f"pre_token_generation_v{version}"))
    assert isinstance(event, PreTokenGenerationEvent)
    assert event.version == version
    assert (event.groups, event.iam_roles, event.preferred_role) == (("editors",), (ROLE,), ROLE)
    assert bool(event.scopes) is (version > 1)


@pytest.mark.parametrize("version", ["0", "4", "", "V2_0", 2, None])
def test_a_version_that_is_unknown_is_refused(load_event: LoadEvent, version: Any):
    raw = load_event("pre_token_generation_v1")
    raw["version"] = version
    with pytest.raises(EventError, match="version"):
        parse_event(raw)


@pytest.mark.parametrize("name", [None, "", "absent"])
def test_a_machine_signs_in_without_a_user(load_event: LoadEvent, name: Any):
    raw = load_event("pre_token_generation_v3", userAttributes=None, groupConfiguration=None)
    raw |= {"triggerSource": "TokenGeneration_ClientCredentials", "userName": name}
    if name == "absent":
        del raw["userName"]
    event = parse_event(raw)
    assert (event.username, event.user_attributes, event.groups) == ("", {}, ())
    changes = TokenChanges(access_token=AccessTokenChanges(claims={"tier": "gold"}))
    details = event.filled(changes)["response"]["claimsAndScopeOverrideDetails"]
    assert details["accessTokenGeneration"]["claimsToAddOrOverride"] == {"tier": "gold"}
    assert "groupOverrideDetails" not in details


def test_version_1_changes_the_id_token(load_event: LoadEvent):
    changes = TokenChanges(
        id_token=ClaimChanges(claims={"tier": "gold"}, suppress=["email"]),
        groups=Groups(names=["readers"]),
    )
    filled = parse_event(load_event("pre_token_generation_v1")).filled(changes)
    assert filled["response"] == {
        "claimsOverrideDetails": {
            "claimsToAddOrOverride": {"tier": "gold"},
            "claimsToSuppress": ["email"],
            "groupOverrideDetails": {
                "groupsToOverride": ["readers"],
                "iamRolesToOverride": [],
                "preferredRole": None,
            },
        }
    }


@later_versions
def test_later_versions_change_both_tokens(load_event: LoadEvent, version: int):
    changes = TokenChanges(
        id_token=ClaimChanges(claims={"tiers": ["gold", 1, True]}),
        access_token=AccessTokenChanges(
            claims={"limits": {"orders": 5, "share": 0.5}, "aud": "1example23456789"},
            suppress=["username"],
            add_scopes=["orders/write"],
            suppress_scopes=["aws.cognito.signin.user.admin"],
        ),
    )
    filled = parse_event(load_event(f"pre_token_generation_v{version}")).filled(changes)
    assert filled["response"] == {
        "claimsAndScopeOverrideDetails": {
            "idTokenGeneration": {
                "claimsToAddOrOverride": {"tiers": ["gold", 1, True]},
                "claimsToSuppress": [],
            },
            "accessTokenGeneration": {
                "claimsToAddOrOverride": {
                    "limits": {"orders": 5, "share": 0.5},
                    "aud": "1example23456789",
                },
                "claimsToSuppress": ["username"],
                "scopesToAdd": ["orders/write"],
                "scopesToSuppress": ["aws.cognito.signin.user.admin"],
            },
            "groupOverrideDetails": OWN_GROUPS,
        }
    }


@versions
def test_a_user_keeps_the_groups_that_are_not_spoken_of(load_event: LoadEvent, version: int):
    event = parse_event(load_event(f"pre_token_generation_v{version}"))
    (details,) = event.filled(TokenChanges())["response"].values()
    assert details["groupOverrideDetails"] == OWN_GROUPS
    (details,) = event.filled(TokenChanges(groups=Groups()))["response"].values()
    assert details["groupOverrideDetails"]["groupsToOverride"] == []


def test_version_1_takes_strings_only(load_event: LoadEvent):
    event = parse_event(load_event("pre_token_generation_v1"))
    with pytest.raises(MisuseError, match="'level'"):
        event.filled(TokenChanges(id_token=ClaimChanges(claims={"level": 3})))


def test_version_1_changes_no_access_token(load_event: LoadEvent):
    event = parse_event(load_event("pre_token_generation_v1"))
    with pytest.raises(MisuseError, match="V2_0"):
        event.filled(TokenChanges(access_token=AccessTokenChanges()))


@versions
@pytest.mark.parametrize("changes", [{"claims": {"aud": "x"}}, {"suppress": ["aud"]}])
def test_the_id_tokens_audience_stays(load_event: LoadEvent, version: int, changes: Any):
    event = parse_event(load_event(f"pre_token_generation_v{version}"))
    with pytest.raises(MisuseError, match="aud"):
        event.filled(TokenChanges(id_token=ClaimChanges(**changes)))


@later_versions
def test_an_access_token_is_for_no_other_app_client(load_event: LoadEvent, version: int):
    event = parse_event(load_event(f"pre_token_generation_v{version}"))
    with pytest.raises(MisuseError, match="aud"):
        event.filled(TokenChanges(access_token=AccessTokenChanges(claims={"aud": "other"})))


@pytest.mark.parametrize("name", [*sorted(UNCHANGEABLE), "dev:custom:tier"])
@pytest.mark.parametrize("kind", [ClaimChanges, AccessTokenChanges])
def test_a_claim_that_no_trigger_can_change_is_refused(kind: Any, name: str):
    with pytest.raises(MisuseError, match=name):
        kind(claims={name: "x"})
    with pytest.raises(MisuseError, match=name):
        kind(suppress=[name])


JSON = st.recursive(
    st.text() | st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(JSON)
def test_what_json_can_say_is_a_claim_and_is_copied(value: Any):
    changes = ClaimChanges(claims={"claim": value})
    assert json.loads(json.dumps(changes.claims, allow_nan=False)) == {"claim": value}
    if isinstance(value, list):
        value.append("later")
        assert changes.claims["claim"] != value


@given(
    st.one_of(
        st.none(), st.binary(), st.just(float("nan")), st.just(float("inf")), st.complex_numbers()
    ),
    st.sampled_from(
        [lambda v: v, lambda v: [v], lambda v: {"a": v}, lambda v: [{"a": [v]}], lambda v: {1: v}]
    ),
)
def test_what_no_token_can_hold_is_no_claim(junk: Any, placed: Callable[[Any], Any]):
    with pytest.raises(MisuseError, match="'claim'"):
        ClaimChanges(claims={"claim": placed(junk)})


def test_a_claims_value_is_in_no_error_and_no_repr():
    with pytest.raises(MisuseError) as caught:
        ClaimChanges(claims={"claim": b"canary-12"})
    assert "canary-12" not in str(caught.value)
    assert "canary-12" not in repr(ClaimChanges(claims={"claim": "canary-12"}))


@pytest.mark.parametrize(
    ("kind", "junk"),
    [
        (ClaimChanges, {"claims": ["tier"]}),
        (ClaimChanges, {"claims": {"": "x"}}),
        (ClaimChanges, {"claims": {1: "x"}}),
        (ClaimChanges, {"suppress": "email"}),
        (ClaimChanges, {"suppress": [None]}),
        (ClaimChanges, {"suppress": None}),
        (AccessTokenChanges, {"add_scopes": "openid"}),
        (AccessTokenChanges, {"add_scopes": ["openid email"]}),
        (AccessTokenChanges, {"add_scopes": [""]}),
        (AccessTokenChanges, {"add_scopes": ["x" * 257]}),
        (AccessTokenChanges, {"suppress_scopes": ['with"quote']}),
        (AccessTokenChanges, {"suppress_scopes": ["openid\n"]}),
        (Groups, {"names": "editors"}),
        (Groups, {"names": ["two words"]}),
        (Groups, {"names": ["x" * 129]}),
        (Groups, {"iam_roles": ["editors"]}),
        (Groups, {"iam_roles": ["arn:" + "x" * 2045]}),
        (Groups, {"preferred_role": ""}),
        (TokenChanges, {"id_token": {"tier": "gold"}}),
        (TokenChanges, {"id_token": AccessTokenChanges(add_scopes=["lost"])}),
        (TokenChanges, {"access_token": ClaimChanges()}),
        (TokenChanges, {"groups": ["editors"]}),
    ],
)
def test_changes_of_another_form_are_refused_where_they_are_made(kind: Any, junk: Any):
    with pytest.raises(MisuseError):
        kind(**junk)


def test_names_may_be_as_long_as_cognito_takes_them():
    longest = AccessTokenChanges(add_scopes=["x" * 256]), Groups(names=["x" * 128])
    assert len(longest[0].add_scopes[0]) == 2 * len(longest[1].names[0]) == 256
