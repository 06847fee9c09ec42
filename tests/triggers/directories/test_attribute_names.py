"""Which attributes a directory may bring."""

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from authflow.errors import ConfigError
from authflow.pool.accounts.attribute_schema import STANDARD as OF_A_POOL
from authflow.triggers import MigratedUser
from authflow.triggers.directories.attribute_names import (
    STANDARD,
    cognitos_own,
    common_to_all,
    refuse_impossible,
)

UNSEEN = ["\u200b", "\u00ad", "\ufeff", "\u2060", "\u202e", "\U000e0061", "\x00", "\x7f"]
WHITE = [" ", "\t", "\n", "\u00a0", "\u3000"]


def test_the_standard_attributes_are_those_of_a_pool_without_its_sub():
    assert {*OF_A_POOL} - {"sub"} == STANDARD


@pytest.mark.parametrize(
    "name",
    [
        *sorted(STANDARD),
        *("username", "custom:x", "custom:" + "x" * 20, "dev:custom:" + "x" * 20),
        *("custom:\u00e9t\u00e9", "custom:a:b", "custom:+1", "custom:sub", "custom:cognito:x"),
    ],
)
def test_what_a_user_can_have_is_taken(name: str):
    refuse_impossible([name])
    common_to_all(None, None, MigratedUser(attributes={name: "x"}))


@pytest.mark.parametrize("name", ["sub", "identities", "cognito:", "cognito:user_status"])
def test_what_cognito_writes_itself_is_refused_in_every_case_and_with_spaces_around(name: str):
    for written in (
        name,
        name.upper(),
        name.title(),
        f" {name}",
        f"{name}\t" if name[-1] != ":" else name,
    ):
        assert cognitos_own(["email", written]) is not None
        with pytest.raises(ConfigError, match="itself"):
            refuse_impossible(["email", written])


def wide(name: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) for sign in name)


@pytest.mark.parametrize("name", ["email", "sub", "identities", "cognito:x", "custom:x"])
def test_what_only_looks_like_a_name_is_none(name: str):
    looks = [
        wide(name),
        wide(name[0]) + name[1:],
        name.replace("i", "\u0456").replace("s", "\u0455"),
    ]
    for unseen in [*UNSEEN, *WHITE]:
        looks += [unseen + name, name[:1] + unseen + name[1:], name + unseen]
    for look in looks:
        if look == name:
            continue
        with pytest.raises(ConfigError) as caught:
            refuse_impossible(["email", look])
        assert str(caught.value).isprintable()
        assert not set(UNSEEN) & set(str(caught.value))


@pytest.mark.parametrize("prefix", ["", "custom:", "dev:custom:", "dev:", "x:"])
@pytest.mark.parametrize("length", [0, 21, 32, 33, 2000])
def test_what_is_empty_or_too_long_is_refused(prefix: str, length: int):
    with pytest.raises(ConfigError, match="no user can have the attribute") as caught:
        refuse_impossible([prefix + "x" * length])
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    "name", ["Email", "EMAIL", "mail", "phone", "username ", "Custom:x", "CUSTOM:x"]
)
def test_case_and_spelling_count(name: str):
    with pytest.raises(ConfigError, match="no user can have the attribute"):
        refuse_impossible([name])


@given(st.text(max_size=24), st.sampled_from(["", "custom:", "dev:custom:"]))
def test_any_other_text_is_one_of_the_pools_own_or_refused(text: str, prefix: str):
    assume(prefix or (text not in STANDARD and text != "username"))
    seen = all(unicodedata.category(sign)[0] not in "CZ" for sign in text)
    if prefix and seen and 1 <= len(text) <= 20:
        refuse_impossible([prefix + text])
    else:
        with pytest.raises(ConfigError):
            refuse_impossible([prefix + text])
