import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

import authflow
from authflow import errors

LDAP = "authflow.triggers.directories.ldap_worker"  # its client may be missing


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


BRANCHES = [
    errors.AuthFlowError,
    *(
        each
        for each in errors.AuthFlowError.__subclasses__()
        if each.__module__ == errors.__name__  # a program may have branches of its own
    ),
]
RAISED_BY_A_TRIGGER_ALONE = {errors.DirectoryError, errors.StateError}


@pytest.mark.parametrize("branch", sorted({*BRANCHES} - RAISED_BY_A_TRIGGER_ALONE, key=str))
def test_every_branch_of_errors_that_a_client_raises_can_be_caught_by_its_name(branch: type):
    assert getattr(authflow, branch.__name__) is branch


def test_what_sign_in_says_that_it_raises_is_public_or_of_a_public_class():
    raised = re.findall(
        r"^ +(\w+Error):", inspect.getdoc(authflow.AuthClient.sign_in), re.MULTILINE
    )
    assert "RefusedError" in raised
    for name in raised:
        parents = {each.__name__ for each in getattr(errors, name).mro()}
        assert parents & set(authflow.__all__) - {"AuthFlowError"}


def test_the_reference_names_every_error_that_is_public_and_no_other():
    path = Path(__file__).parents[1] / "docs" / "reference" / "errors.md"
    page = path.read_text(encoding="utf-8")
    table = page.partition("| from `authflow` | when |")[2].partition("\n\n")[0]
    public = {name for name in authflow.__all__ if hasattr(errors, name)}
    assert set(re.findall(r"`(\w+)`", table)) - {"next_step"} == public - {"AuthFlowError"}


def everything() -> Iterator[type]:
    """Every attrs class of authflow and its plugins."""
    for package in ("authflow", "authflow_captcha", "authflow_otp", "authflow_question"):
        found = importlib.import_module(package)
        for module in pkgutil.walk_packages(found.__path__, f"{package}."):
            if module.name in {"authflow.__main__", LDAP}:
                continue
            for each in vars(importlib.import_module(module.name)).values():
                if isinstance(each, type) and attrs.has(each) and each.__module__ == module.name:
                    yield each


def test_a_default_that_a_caller_may_rely_on_is_seen_by_every_type_checker():
    """They see `field(default=...)`, and not a method that is decorated with `@x.default`."""
    classes = list(everything())
    assert authflow.AuthConfig in classes
    assert not [
        f"{each.__qualname__}.{field.name}"
        for each in classes
        for field in attrs.fields(each)
        if field.init
        and isinstance(field.default, attrs.Factory)
        and field.default.takes_self
        and field.default.factory.__qualname__.startswith(f"{each.__qualname__}.")
    ]
