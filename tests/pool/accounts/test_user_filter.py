"""The grammar of ListUsers' Filter, and that what the database looks for first misses nobody."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from authflow.pool.accounts.user_filter import SEARCHABLE, Searched, UserFilter
from authflow.pool.cognito_errors import CognitoError

SPACES = st.text(" \t\n", max_size=3)
TEXTS = st.text(max_size=12) | st.text('kK"\\%_aA\u212a\u0130\u00df', max_size=8)


def searched(name="", value="", **more):
    inherent = {"username": "ann", "cognito:user_status": "CONFIRMED", "status": "Enabled"}
    if name in inherent:
        inherent[name] = value
    else:
        more = {**more, name: value} if name else more
    return Searched(
        username=inherent["username"],
        status=inherent["cognito:user_status"],
        enabled=inherent["status"] == "Enabled",
        attributes={"sub": "0-1", **more},
    )


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(
    st.sampled_from(SEARCHABLE), st.sampled_from(["=", "^="]), TEXTS, st.text(" \t\n", max_size=3)
)
def test_what_is_written_by_the_grammar_is_read_back(name, operator, value, space):
    text = f"{space}{name}{space}{operator}{space}{quoted(value)}{space}"
    assert UserFilter.parse(text) == UserFilter(name=name, value=value, prefix=operator == "^=")


@pytest.mark.parametrize("text", ["", " ", "\t\n"])
def test_an_empty_filter_lets_everybody_through(text):
    assert UserFilter.parse(text).matches(searched())


@pytest.mark.parametrize(
    "text",
    [
        *("foo", "email", 'email "a"', "email = a", "email = 'a'", 'email == "a"', 'email ^ = "a"'),
        *('email = "a', 'email = a"', 'email = "a" or name = "b"', 'email = "a""b"', 'email ~ "a"'),
        *('= "a"', 'email = "a\\b"', 'email = "a\\"', 'email != "a"', 'email ^=^= "a"', "{}", '"'),
    ],
)
def test_what_is_not_of_the_form_is_refused(text):
    with pytest.raises(CognitoError) as refusal:
        UserFilter.parse(text)
    assert refusal.value.code == "InvalidParameterException"
    assert refusal.value.message == "Error while parsing filter."


@pytest.mark.parametrize(
    "name", ["custom:team", "dev:custom:team", "nickname", "address", "Email", "enabled", "x"]
)
def test_what_is_no_attribute_to_search_by_is_refused(name):
    with pytest.raises(CognitoError) as refusal:
        UserFilter.parse(f'{name} = "a"')
    assert refusal.value.code == "InvalidParameterException"
    assert refusal.value.message == f"Invalid search attribute: {name}"


@pytest.mark.parametrize(
    ("name", "value", "wanted", "equal"),
    [
        *[(name, "Ann", "aNN", True) for name in ("email", "name", "given_name", "family_name")],
        ("preferred_username", "Ann", "ann", True),
        ("cognito:user_status", "CONFIRMED", "confirmed", True),
        ("username", "Ann", "ann", False),
        ("username", "Ann", "Ann", True),
        ("status", "Enabled", "enabled", False),
        ("status", "Disabled", "Disabled", True),
        ("name", "\u00c9mile", "\u00e9mile", True),
        ("name", "\u212aate", "kate", False),
    ],
)
def test_letter_case_matters_where_the_api_reference_says_so(name, value, wanted, equal):
    for prefix in (False, True):
        one = UserFilter(name=name, value=wanted, prefix=prefix)
        assert one.matches(searched(name, value)) is equal


def test_a_prefix_may_go_on_and_a_whole_value_may_not():
    user = searched(phone_number="+13125550100")
    assert UserFilter.parse('phone_number ^= "+1312"').matches(user)
    assert not UserFilter.parse('phone_number = "+1312"').matches(user)
    assert not UserFilter.parse('phone_number ^= "1312"').matches(user)
    assert not UserFilter.parse('email ^= ""').matches(user), "has no value to begin with that"
    assert UserFilter.parse('phone_number ^= ""').matches(user)


@given(st.sampled_from(SEARCHABLE), TEXTS, TEXTS, st.booleans())
@example("name", "\u0130x", "i", True)  # hypothesis passes values by place
@example("name", "\u212a", "k", False)  # the same
def test_whoever_is_let_through_has_the_needle(name, value, wanted, prefix):
    for sought in (wanted, value, value[:3], value.upper(), value.lower()):
        one = UserFilter(name=name, value=sought, prefix=prefix)
        user = searched(name, value)
        if not one.matches(user):
            continue
        own = {k: v for k, v in user.attributes.items() if k != "sub"}
        text = (
            f'{{"sub": "{user.attributes["sub"]}", "username": "{user.username}",'
            f' "cognito:user_status": "{user.status}", {json.dumps(own)}'
        )
        ascii_only = "".join(c.lower() if c.isascii() else c for c in text)
        assert one.needle in ascii_only


def test_a_search_by_a_plain_value_leaves_few_to_look_at():
    assert UserFilter.parse('email = "Kate@x.org"').needle == '"email": "kate@x.org"'
    assert UserFilter.parse('email ^= "Kate@"').needle == '"email": "kate@'
    assert UserFilter.parse('sub = "0-1"').needle == '"sub": "0-1"'
