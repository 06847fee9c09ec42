"""docs/pool.md says what the pool's tables say."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from authflow.pool.settings.app_client_table import APP_CLIENT
from authflow.pool.settings.factor_table import FACTORS_OF_POOL
from authflow.pool.settings.user_pool_table import USER_POOL

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "pool.md").read_text(encoding="utf-8")


def program() -> ModuleType:
    path = ROOT / ".ci" / "pool_page.py"
    spec = importlib.util.spec_from_file_location("pool_page", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_tables_make_of_it():
    assert program().renewed(PAGE) == PAGE, "run `make pool-page`"


@pytest.mark.parametrize(
    "table", [USER_POOL, FACTORS_OF_POOL, APP_CLIENT], ids=["pools", "factors", "clients"]
)
def test_every_member_is_on_the_page_with_every_reason(table):
    for row in table.rows:
        for path in row.paths:
            group, _, name = path.rpartition(".")
            spellings = {f"`{path}`", f"`.{name}`"} if group else {f"`{path}`"}
            assert any(each in PAGE for each in spellings), path
        assert all(case.because in PAGE for case in row.cases)


def test_a_part_that_was_changed_by_hand_is_renewed_and_the_rest_is_left_alone():
    changed = PAGE.replace("a label", "no label").replace("`GetUser`, ", "")
    assert changed.count("\n") == PAGE.count("\n")
    assert changed != PAGE
    changed += "\nAnd a word more.\n"
    assert program().renewed(changed) == PAGE + "\nAnd a word more.\n"


def test_every_part_is_on_the_page_once():
    marks = re.findall(r"^<!-- (/?[a-z ]+) -->$", PAGE, re.MULTILINE)
    assert len(marks) == len(set(marks)) == 8


@pytest.mark.parametrize("name", ["operations", "user pools", "second factors", "app clients"])
@pytest.mark.parametrize("mark", ["<!-- {} -->", "<!-- /{} -->"])
def test_a_page_without_a_place_for_a_part_is_refused(name, mark):
    with pytest.raises(ValueError, match=name):
        program().renewed(PAGE.replace(mark.format(name), ""))


def test_every_operation_that_is_served_is_listed_and_nothing_else():
    listed = re.search(r"<!-- operations -->\n(.*?)\n<!-- /operations -->", PAGE, re.DOTALL)[1]
    names = re.findall(r"`(\w+)`", listed)
    assert names == sorted(names)
    source = (ROOT / "authflow" / "pool" / "operations.py").read_text(encoding="utf-8")
    assert names == sorted(re.findall(r'^        "(\w+)": ', source, re.MULTILINE))
