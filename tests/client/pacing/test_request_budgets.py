"""Request budgets: Cognito's quotas as data, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.client import QuotaCategory, RequestBudgets
from authflow.client.pacing.request_budgets import budget_of
from authflow.errors import ConfigError
from testbed.client_operations import CLIENT_OPERATIONS


def test_the_operations_are_found():
    assert {"InitiateAuth", "RevokeToken", "SignUp", "ListUsers", "GetDevice"} <= set(
        CLIENT_OPERATIONS
    )


def test_the_defaults_are_cognitos():
    budgets = RequestBudgets()
    assert budgets.of("InitiateAuth") == budgets.of("GetTokensFromRefreshToken") == 120
    assert budgets.of("RevokeToken") == 120
    assert budgets.of("GlobalSignOut") == 25


@pytest.mark.parametrize("quota", [120, 7, 0.5])
def test_there_are_three_answers_beside_each_sign_in_that_begins(quota):
    budgets = RequestBudgets({"UserAuthentication": quota})
    assert budgets.of("RespondToAuthChallenge") == 3 * budgets.of("InitiateAuth") == 3 * quota


def test_answers_have_a_budget_of_their_own():
    assert budget_of("RespondToAuthChallenge") != budget_of("InitiateAuth")
    assert budget_of("InitiateAuth") == budget_of("GetTokensFromRefreshToken")


@pytest.mark.parametrize("operation", CLIENT_OPERATIONS)
def test_every_operation_that_a_client_sends_draws_from_a_budget(operation):
    assert RequestBudgets().of(operation) > 0
    assert budget_of(operation).partition(".")[0] in list(QuotaCategory)


def test_a_category_is_named_by_its_member_or_by_cognitos_name():
    assert RequestBudgets({QuotaCategory.USER_TOKEN: 5}) == RequestBudgets({"UserToken": 5.0})
    assert len({RequestBudgets(), RequestBudgets({}), RequestBudgets({"UserUpdate": 25})}) == 1


NO_BUDGETS = [
    *(0, 0.0, -1, -120.0, 10**400, -(10**400), 1e308, 1_000_001, 0.001, 1e-320),
    *(float("nan"), float("inf"), float("-inf")),
    *(True, False, "120", b"120", None, [120], {}, 120j, object()),
]


@pytest.mark.parametrize("category", QuotaCategory)
@pytest.mark.parametrize("value", NO_BUDGETS, ids=lambda value: repr(value)[:12])
def test_what_is_no_budget_is_refused_with_what_to_write(category, value):
    with pytest.raises(ConfigError, match=r"requests a second.*default is \d+") as refused:
        RequestBudgets({category: value})
    assert category in refused.value.message
    assert len(refused.value.message) < 300


@pytest.mark.parametrize(
    "name",
    ["userauthentication", "UserAccount", "", "x" * 10**5, "\x1b[31m", 1, None, b"UserToken"],
)
def test_an_unknown_category_is_refused_with_the_known_ones(name):
    with pytest.raises(ConfigError, match="UserAuthentication, UserToken, UserCreation") as refused:
        RequestBudgets({name: 120})
    assert len(refused.value.message) < 300
    assert "\x1b" not in refused.value.message


@pytest.mark.parametrize("given_as", [120, "UserAuthentication", [("UserToken", 1)], None])
def test_budgets_are_a_map(given_as):
    with pytest.raises(ConfigError, match="by category"):
        RequestBudgets(given_as)


@given(st.floats(0.01, 1_000_000), st.floats(0.01, 1))
def test_a_part_of_the_budgets_is_that_part_of_each(quota, part):
    budgets = RequestBudgets({"UserAuthentication": quota, "UserUpdate": 100})
    if quota * part < 0.01:
        with pytest.raises(ConfigError):
            budgets.part(part)
        return
    assert budgets.part(part).of("InitiateAuth") == pytest.approx(quota * part)
    assert budgets.part(part).of("GlobalSignOut") == pytest.approx(100 * part)


@pytest.mark.parametrize("part", [0, -0.5, 1.01, 10**400, float("nan"), float("inf"), True, "0.5"])
def test_what_is_no_part_is_refused(part):
    with pytest.raises(ConfigError, match="at most 1"):
        RequestBudgets().part(part)


def test_what_was_given_is_copied():
    given_as = {"UserAuthentication": 240}
    budgets = RequestBudgets(given_as)
    given_as["UserAuthentication"] = 1
    assert budgets.of("InitiateAuth") == 240
    with pytest.raises(TypeError):
        budgets.per_second["UserAuthentication"] = 1
