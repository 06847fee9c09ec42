import importlib
import inspect
import subprocess
import sys

import pytest

import authflow


def test_the_public_names_are_sorted_and_named_once():
    assert authflow.__all__ == sorted(set(authflow.__all__))


@pytest.mark.parametrize("name", authflow.__all__)
def test_every_public_name_is_there(name: str):
    assert getattr(authflow, name) is not None


def test_nothing_else_is_public():
    """Names that stand in the module but not in __all__ would be found by completion, and used."""
    public = {
        name
        for name, value in vars(authflow).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert public - {"TYPE_CHECKING", "Any"} <= set(authflow.__all__)


def test_what_results_is_made_of_is_public():
    results = importlib.import_module("authflow.results")
    made = {
        name
        for name, value in vars(results).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == results.__name__
    }
    assert made | {"SignInResult"} <= set(authflow.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Client'"):
        authflow.Client  # noqa: B018  # looking is what is tested


def test_importing_authflow_does_not_load_the_clients_weight():
    program = (
        "import sys, authflow; "
        "print([m for m in ('aiobotocore', 'botocore', 'authflow.client') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
