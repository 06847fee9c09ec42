from typing import Any

import pytest

from authflow.errors import MisuseError
from authflow.string_map import names_only, read_only, string_map


def test_the_copy_is_read_only_and_apart_from_what_was_given():
    given = {"a": "1"}
    copy = string_map(given)
    given["a"] = "2"
    assert copy == {"a": "1"}
    with pytest.raises(TypeError):
        copy["a"] = "3"


@pytest.mark.parametrize("values", [None, "ab", ["a"], {"a": 1}, {1: "a"}, {"a": None}])
def test_what_is_no_mapping_of_strings_is_refused(values: Any):
    with pytest.raises(MisuseError, match="mapping of strings to strings"):
        string_map(values)


def test_the_error_names_the_parameter_and_not_its_value():
    with pytest.raises(MisuseError, match="'answer'") as caught:
        string_map({"answer": 481516})
    assert "481516" not in str(caught.value)


def test_what_authflow_has_read_is_copied_read_only():
    for given in ({"a": "1"}, [("a", "1")]):
        copy = read_only(given)
        assert copy == {"a": "1"}
        with pytest.raises(TypeError):
            copy["a"] = "3"


def test_a_repr_has_the_names_escaped_and_no_value():
    assert names_only({"email": "canary", "\x1b[31m": "canary"}) == r"<email, \x1b[31m>"
