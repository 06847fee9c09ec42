import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import ConfigError
from authflow.triggers import attribute, client_metadata, in_group
from authflow.triggers.policies.conditions import Facts
from authflow.triggers.policies.user_kinds import MOST_KINDS, user_kinds


def told(*conditions):
    return [(dict(kind.attributes), set(kind.groups)) for kind in user_kinds(conditions)]


def test_without_a_condition_all_users_are_of_one_kind():
    (kind,) = user_kinds([])
    assert (kind.attributes, kind.groups, kind.who) == ({}, frozenset(), "")


def test_client_metadata_tells_no_users_apart():
    assert told(client_metadata("device", "phone")) == [({}, set())]


def test_an_attribute_is_missing_or_has_a_value_that_is_named_or_another():
    kinds = told(attribute("tier", "gold", "silver"))
    assert kinds == [
        ({}, set()),
        ({"tier": "gold"}, set()),
        ({"tier": "silver"}, set()),
        ({"tier": "anything"}, set()),
    ]


def test_the_other_value_is_never_one_that_is_named():
    values = [kind.get("tier") for kind, _ in told(attribute("tier", "anything"))]
    assert values == [None, "anything", "anything else"]


def test_nobody_is_without_a_sub():
    assert told(attribute("sub", "1")) == [({"sub": "1"}, set()), ({"sub": "anything"}, set())]


def test_groups_and_attributes_are_combined_in_every_way():
    kinds = told(in_group("staff") & attribute("tier"), ~in_group("ops"))
    assert len(kinds) == 2 * 2 * 2
    assert ({"tier": "anything"}, {"staff", "ops"}) in kinds
    assert ({}, {"ops"}) in kinds


def test_one_attribute_in_several_conditions_is_asked_about_once():
    assert len(told(attribute("tier", "gold"), ~attribute("tier", "silver"))) == 4


def test_a_kind_is_told_in_words():
    words = [kind.who for kind in user_kinds([attribute("tier", "gold"), in_group("staff")])]
    assert words[0] == "a user without tier and not in group staff"
    assert words[-2] == "a user whose tier is gold and in group staff"
    assert len(set(words)) == len(words)


def test_more_kinds_than_can_be_explored_are_refused_before_they_are_made():
    nine = [in_group(f"group-{number}") for number in range(9)]
    assert len(user_kinds(nine)) == MOST_KINDS == 512
    with pytest.raises(ConfigError, match=r"1024 kinds .* fewer attributes and groups"):
        user_kinds([*nine, in_group("one more")])
    with pytest.raises(ConfigError, match=f"{2**500} kinds"):
        user_kinds([in_group(f"group-{number}") for number in range(500)])


def test_the_values_of_attributes_multiply_the_kinds():
    groups = [in_group(name) for name in "abc"]
    tiers = [str(number) for number in range(63)]  # another one and none come to them
    assert len(user_kinds([attribute("tier", *tiers[1:]), *groups])) == 64 * 8 == MOST_KINDS
    with pytest.raises(ConfigError, match=f"{65 * 8} kinds"):
        user_kinds([attribute("tier", *tiers), *groups])


def test_kinds_are_values_that_a_set_can_hold():
    kinds = user_kinds([attribute("tier", "gold"), in_group("staff")])
    assert len({*kinds, *kinds}) == len(kinds) == 6


NAMES, VALUES = ["tier", "plan"], ["gold", "anything", "anything else"]
CONDITIONS = st.recursive(
    st.builds(in_group, st.sampled_from(["staff", "ops"]))
    | st.builds(
        lambda name, values: attribute(name, *values),
        st.sampled_from(NAMES),
        st.lists(st.sampled_from(VALUES), max_size=2),
    ),
    lambda inner: st.one_of(
        st.builds(lambda one, other: one & other, inner, inner),
        st.builds(lambda one, other: one | other, inner, inner),
        inner.map(lambda one: ~one),
    ),
    max_leaves=4,
)
USERS = st.builds(
    Facts,
    user_attributes=st.dictionaries(
        st.sampled_from([*NAMES, "email"]), st.sampled_from([*VALUES, "lead", ""])
    ),
    groups=st.frozensets(st.sampled_from(["staff", "ops", "guests"])),
)


@given(st.lists(CONDITIONS, max_size=3), USERS)
def test_every_user_is_of_one_of_the_kinds(conditions, user):
    def outcome(facts):
        return [condition.holds(facts) for condition in conditions]

    assert outcome(user) in [outcome(kind.facts) for kind in user_kinds(conditions)]
