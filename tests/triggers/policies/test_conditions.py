from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import ConfigError
from authflow.triggers import attribute, client_metadata, in_group
from authflow.triggers.policies.conditions import Facts

GOLD, STAFF = attribute("tier", "gold"), in_group("staff")
DEVICE = client_metadata("device", "phone", "tablet")


def user(**attributes: str) -> Facts:
    return Facts(user_attributes=attributes)


def test_an_attribute_without_values_holds_if_it_is_there():
    assert attribute("email").holds(user(email=""))
    assert not attribute("email").holds(user(phone="1"))


def test_an_attribute_with_values_holds_for_each_of_them():
    tier = attribute("tier", "gold", "silver")
    assert tier.holds(user(tier="gold"))
    assert tier.holds(user(tier="silver"))
    assert not tier.holds(user(tier="GOLD"))
    assert not tier.holds(user())


def test_a_group_is_one_by_its_exact_name():
    assert STAFF.holds(Facts(groups=frozenset({"staff", "ops"})))
    assert not STAFF.holds(Facts(groups=frozenset({"Staff"})))
    assert not STAFF.holds(user(staff="staff"))


def test_client_metadata_is_what_the_client_tells_and_nothing_else():
    assert DEVICE.holds(Facts(client_metadata={"device": "tablet"}))
    assert not DEVICE.holds(Facts(client_metadata={"device": "desk"}))
    assert not DEVICE.holds(user(device="phone"))


FACTS = st.builds(
    Facts,
    user_attributes=st.dictionaries(st.just("tier"), st.sampled_from(["gold", "lead"])),
    groups=st.frozensets(st.sampled_from(["staff", "ops"])),
    client_metadata=st.dictionaries(st.just("device"), st.sampled_from(["phone", "desk"])),
)
CONDITIONS = st.recursive(
    st.sampled_from([GOLD, STAFF, DEVICE]),
    lambda inner: st.one_of(
        st.builds(lambda one, other: one & other, inner, inner),
        st.builds(lambda one, other: one | other, inner, inner),
        inner.map(lambda one: ~one),
    ),
    max_leaves=6,
)


@given(CONDITIONS, CONDITIONS, FACTS)
def test_conditions_combine_as_truth_does(one, other, facts):
    assert (one & other).holds(facts) == (one.holds(facts) and other.holds(facts))
    assert (one | other).holds(facts) == (one.holds(facts) or other.holds(facts))
    assert (~one).holds(facts) == (not one.holds(facts))
    assert ~~one == one


@given(CONDITIONS, CONDITIONS)
def test_a_combination_is_made_of_all_parts_of_both(one, other):
    for both in (one & other, one | other):
        assert both.parts == (*one.parts, *other.parts)
        assert both.is_told_by_client == (one.is_told_by_client or other.is_told_by_client)
        assert both.needs_groups == (one.needs_groups or other.needs_groups)


def test_the_keys_that_a_client_is_asked_for_are_named_once_and_in_order():
    condition = client_metadata("b") & ~(GOLD | client_metadata("a")) & client_metadata("b", "1")
    assert condition.client_metadata_names == ("b", "a")
    assert condition.is_told_by_client
    assert GOLD.client_metadata_names == ()
    assert not (GOLD & STAFF).is_told_by_client


def test_only_groups_need_to_be_looked_up():
    assert (GOLD & ~STAFF).needs_groups
    assert not (GOLD | DEVICE).needs_groups


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (GOLD, "attribute tier is gold"),
        (attribute("tier"), "attribute tier is there"),
        (DEVICE, "client metadata device is phone or tablet"),
        (~STAFF, "not in group staff"),
        (GOLD & ~STAFF, "(attribute tier is gold and not in group staff)"),
        (GOLD | STAFF, "(attribute tier is gold or in group staff)"),
        (~(GOLD | STAFF), "(not attribute tier is gold and not in group staff)"),
    ],
)
def test_a_condition_reads_as_it_was_written(condition, text: str):
    assert str(condition) == text


def test_facts_show_nothing_of_the_user():
    facts = Facts(
        user_attributes={"email": "canary-1"},
        groups=frozenset({"canary-2"}),
        client_metadata={"device": "canary-3"},
    )
    assert "canary" not in repr(facts)


def test_facts_are_of_a_user_who_exists_and_has_nothing_unless_more_is_said():
    facts = Facts()
    assert facts == Facts(
        user_attributes={}, groups=frozenset(), client_metadata={}, user_not_found=False
    )
    assert {facts, Facts(user_not_found=True), Facts()} == {facts, Facts(user_not_found=True)}


@pytest.mark.parametrize("make", [attribute, in_group, client_metadata])
@pytest.mark.parametrize("name", ["", None, 7, b"tier", ["tier"]])
def test_a_name_that_is_no_text_is_refused(make: Any, name: Any):
    with pytest.raises(ConfigError, match="as a text"):
        make(name)


@pytest.mark.parametrize("make", [attribute, client_metadata])
@pytest.mark.parametrize("value", [True, 1, None])
def test_a_value_that_is_no_text_is_refused(make: Any, value: Any):
    with pytest.raises(ConfigError, match="'true'"):
        make("email_verified", value)


@pytest.mark.parametrize("other", [True, "staff", None, attribute])
def test_only_conditions_combine(other: Any):
    for combine in (GOLD.__and__, GOLD.__or__):
        with pytest.raises(ConfigError, match="a condition is made by"):
            combine(other)
