"""The tables of settings against the service model: nothing is missing, nothing is invented."""

from collections.abc import Iterator
from typing import Any

import botocore
import pytest
from packaging.version import Version

from authflow.pool.http.validation import service_model
from authflow.pool.settings.app_client_table import APP_CLIENT
from authflow.pool.settings.factor_table import FACTORS_OF_POOL
from authflow.pool.settings.fates import UNKNOWN, Case, Fate, Setting, SettingsTable
from authflow.pool.settings.user_pool_table import USER_POOL

COMPLETE = Version("1.43.117")
"""The botocore that the tables were written with: an older one lacks members."""
TABLES = {
    "CreateUserPool": USER_POOL,
    "UpdateUserPool": USER_POOL,
    "SetUserPoolMfaConfig": FACTORS_OF_POOL,
    "CreateUserPoolClient": APP_CLIENT,
    "UpdateUserPoolClient": APP_CLIENT,
}


def members(shape: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Give every member that is not a structure itself, with its shape."""
    match shape.type_name:
        case "structure":
            for name, member in shape.members.items():
                yield from members(member, f"{path}.{name}" if path else name)
        case "list" if shape.member.type_name == "structure":
            yield from members(shape.member, path)
        case "map" if shape.value.type_name == "structure":
            yield from members(shape.value, f"{path}.*")
        case _:
            yield path, shape


def model(operation: str) -> dict[str, Any]:
    return dict(members(service_model().operation_model(operation).input_shape))


def named(operation: str) -> list[str]:
    rows = [row for row in TABLES[operation].rows if row.only in {None, operation}]
    return [path for row in rows for path in row.paths]


@pytest.mark.parametrize("operation", TABLES)
def test_every_member_that_the_model_has_is_in_the_table_once(operation: str):
    known = named(operation)
    assert len(known) == len(set(known))
    assert set(model(operation)) - set(known) == set()


@pytest.mark.parametrize("operation", TABLES)
def test_the_table_has_no_member_that_the_model_lacks(operation: str):
    if Version(botocore.__version__) < COMPLETE:
        pytest.skip("an older botocore lacks members")
    assert set(named(operation)) - set(model(operation)) == set()


@pytest.mark.parametrize("operation", TABLES)
def test_every_value_that_the_model_knows_has_a_fate(operation: str):
    for row in TABLES[operation].rows:
        for path in set(row.paths) & set(model(operation)):
            shape = model(operation)[path]
            values = getattr(getattr(shape, "member", shape), "enum", ())
            for value in values or (True, False, 1, "any"):
                assert UNKNOWN not in row.cases_of(value), (path, value)
            # A value that is named is one that there is.
            wanted = {value for case in row.cases for value in case.values}
            assert not values or wanted <= set(values), path


@pytest.mark.parametrize(
    "table", [USER_POOL, FACTORS_OF_POOL, APP_CLIENT], ids=["pools", "factors", "clients"]
)
def test_every_row_says_why_in_a_line_of_its_own(table: SettingsTable):
    for row in table.rows:
        for case in row.cases:
            assert case.because
            assert not case.because.endswith(".")
            assert case.because.isprintable()
            assert (case.fate is Fate.REFUSED) is (case.asks is not None)


def told(settings: dict[str, Any]) -> list[tuple[str, Any]]:
    found = USER_POOL.read(settings)
    return [(each.path, each.value) for each in found if each.case.fate is Fate.TOLD]


def test_what_a_newer_model_has_is_told_of_wherever_it_is():
    assert told(
        {
            "PoolName": "one",
            "Brand": {"New": True, "Absent": None},
            "UserPoolAddOns": {"AdvancedSecurityMode": "STRICT", "Newer": ["x"]},
            "Schema": [{"Name": "team", "Newest": 1}],
            "AccountRecoverySetting": {"RecoveryMechanisms": []},
            "UserPoolTags": {"team": "red"},
        }
    ) == [
        ("Brand.New", True),
        ("UserPoolAddOns.AdvancedSecurityMode", "STRICT"),
        ("UserPoolAddOns.Newer", ["x"]),
        ("Schema.Newest", 1),
    ]


def test_the_members_of_a_maps_values_are_known_whatever_its_keys_are():
    acr = {"Level1": {"AcrValue": "urn:a"}, "Level2": {"AcrValue": "urn:b"}}
    assert told({"AcrConfiguration": acr}) == [
        ("AcrConfiguration.*.AcrValue", "urn:a"),
        ("AcrConfiguration.*.AcrValue", "urn:b"),
    ]


def test_a_value_that_is_named_has_that_case_and_every_other_one_the_rest():
    row = Setting(
        paths=("X",),
        cases=(
            Case(fate=Fate.CARRIED_OUT, because="a", values=("A",)),
            Case(fate=Fate.KEPT, because="b"),
            Case(fate=Fate.TOLD, because="c"),
        ),
    )
    for value, reasons in (("A", "a"), ("B", "bc"), (["B", "A"], "a"), ([], "bc"), (1, "bc")):
        assert "".join(case.because for case in row.cases_of(value)) == reasons
