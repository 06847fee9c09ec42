"""The tables of docs/guides/from-amplify.md and from-pycognito.md: every call there can be made."""

import ast
import inspect
import re
from collections.abc import Iterator

import pytest

import authflow
from authflow import AdminClient, AuthClient, AuthConfig, client, tokens
from testbed.pages import text_of

PACKAGES = (authflow, client, tokens)
OWNERS = {"auth": AuthClient, "admin": AdminClient, "AuthConfig": AuthConfig}
ELLIPSES = {"{…}": "{}", "{…": "{", "[…]": "[]", "=…": "=0", '": …': '": 0', "(…, ": "(", "…": "0"}


def calls(page: str) -> Iterator[tuple[bool, str]]:
    """Give the code in the right column of a table, as Python, and whether it is whole."""
    for right in re.findall(r"^\|.* \| (.*) \|$", text_of(page), re.MULTILINE):
        for code in re.findall(r"`([^`]*\([^`]*\))`", right):
            called = re.sub(r"^(\w+ = )?(await )?", "", code)
            for written, python in ELLIPSES.items():
                called = called.replace(written, python)
            yield "…" not in code, called


def signature_of(call: ast.Call) -> inspect.Signature | None:
    """Give the signature of what is called; None for a method of a value that a call gives."""
    match call.func:
        case ast.Name(id="sign_in"):
            return signature_of(ast.Call(ast.parse("auth.sign_in", mode="eval").body, [], []))
        case ast.Name(id="getSetupUri"):  # Amplify's own
            return None
        case ast.Name(id=name):
            return inspect.signature(
                next(getattr(each, name) for each in PACKAGES if name in each.__all__)
            )
        case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner in OWNERS:
            method = inspect.getattr_static(OWNERS[owner], name)
            plain = inspect.signature(getattr(method, "__func__", method))
            return plain.replace(parameters=[*plain.parameters.values()][1:])
    return None


@pytest.mark.parametrize("page", ["docs/guides/from-amplify.md", "docs/guides/from-pycognito.md"])
def test_every_call_of_the_table_has_the_arguments_that_are_taken(page):
    bound = 0
    for whole, code in calls(page):
        for call in ast.walk(ast.parse(code, mode="eval")):
            if isinstance(call, ast.Call) and (signature := signature_of(call)):
                named = {each.arg: None for each in call.keywords if each.arg}
                (signature.bind if whole else signature.bind_partial)(*call.args, **named)
                bound += 1
    assert bound > 15
