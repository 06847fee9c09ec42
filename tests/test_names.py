"""A name means one thing: a reader who meets it again need not ask which one is meant."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = (ROOT / "authflow", ROOT / "cognito_authflow", *ROOT.glob("plugins/*/authflow_*"))

_CLASS = re.compile(r"^[ \t]*class (\w+)\b[^\n]*[:(]", re.MULTILINE)
"""The beginning of a class. A regular expression, since parsing all modules takes seconds."""
_A_CHALLENGE = "each of Cognito's challenges has a file of this name on each side: {}"
_SYNCHRONOUS = "its synchronous face has the name of the asynchronous class"
CLASSES = {
    **dict.fromkeys(
        ("Asked", "Answer"),
        "wire/ has a module for each challenge, which is used as `codes.Asked` and `codes.Answer`",
    ),
    **dict.fromkeys(
        ("AdminClient", "AuthClient", "IdentityPool", "SignedInUser", "TokenVerifier"), _SYNCHRONOUS
    ),
}
"""Class names that several modules may define, with the reason."""
FILES = {
    "__init__.py": "Python's name for a package",
    **{
        f"{challenge}.py": _A_CHALLENGE.format(challenge)
        for challenge in (
            *("codes", "custom", "mfa_choice", "mfa_setup", "new_password"),
            "password_verifier",
        )
    },
    **dict.fromkeys(
        ("admin_client.py", "auth_client.py", "identity_pool.py", "signed_in_user.py"), _SYNCHRONOUS
    ),
}
"""File names that several folders of one distribution may have, with the reason."""


def classes_of(source: str) -> set[str]:
    """Return the names of the classes that a module defines, wherever in it."""
    return {*_CLASS.findall(source)}


def repeated(names: Mapping[str, Iterable[str]], allowed: Iterable[str]) -> dict[str, list[str]]:
    """Return the names that several owners have, apart from allowed ones, with the owners.

    Args:
        names: For each owner, its names.
        allowed: The names that may be repeated.
    """
    owners = defaultdict(list)
    for owner, owned in names.items():
        for name in owned:
            owners[name].append(owner)
    return {
        name: sorted(found)
        for name, found in owners.items()
        if len(found) > 1 and name not in allowed
    }


@cache
def classes() -> dict[str, set[str]]:
    """Return the names of the classes of all distributions, by the paths of their modules."""
    return {
        path.relative_to(ROOT).as_posix(): classes_of(path.read_text(encoding="utf-8"))
        for package in PACKAGES
        for path in package.rglob("*.py")
    }


def test_no_class_name_is_defined_in_two_modules():
    assert {"authflow/secret.py", "plugins/otp/authflow_otp/trigger.py"} <= classes().keys()
    assert repeated(classes(), CLASSES) == {}


def test_no_file_name_is_in_two_folders_of_a_distribution():
    for package in PACKAGES:
        files = {path.relative_to(ROOT).as_posix(): [path.name] for path in package.rglob("*.py")}
        assert repeated(files, FILES) == {}


@pytest.mark.parametrize("allowed", [CLASSES, FILES], ids=["classes", "files"])
def test_nothing_is_allowed_that_is_not_there(allowed: dict[str, str]):
    there = repeated(classes(), ())
    there |= repeated({path: [path.rpartition("/")[2]] for path in classes()}, ())
    assert allowed.keys() <= there.keys()


@pytest.mark.parametrize(
    "first", ["class A: ...", "def f():\n    class A: ...", "if x:\n    class A: ..."]
)
def test_a_name_that_is_defined_twice_is_found(first: str):
    sources = {"one": first, "two": "class A: ...\nclass B: ...", "three": "class C:\n class C: 0"}
    names = {path: classes_of(source) for path, source in sources.items()}
    assert repeated(names, ()) == {"A": ["one", "two"]}
    assert repeated(names, ["A"]) == {}
