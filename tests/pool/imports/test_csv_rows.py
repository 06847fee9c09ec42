"""The header of a CSV file, and the fields of its rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.imports.csv_rows import CsvColumns, csv_header

STANDARD = (
    *("name", "given_name", "family_name", "middle_name", "nickname", "preferred_username"),
    *("profile", "picture", "website", "email", "email_verified", "gender", "birthdate"),
    *("zoneinfo", "locale", "phone_number", "phone_number_verified", "address", "updated_at"),
)
LAST = ("cognito:mfa_enabled", "cognito:username")
VALUES = st.text(st.characters(exclude_characters="\\\n\r", exclude_categories=["Cs"])).map(
    str.strip
)


def pool(**settings):
    return UserPool(
        id="us-east-1_x",
        settings=settings,
        key_id="",
        signing_key="",
        mask_key=b"",
        created_at=0,
        modified_at=0,
    )


def columns(*names):
    return CsvColumns(names=names)


def test_the_header_has_all_attributes_but_the_sub():
    assert csv_header(pool()) == (*STANDARD, *LAST)
    own = [{"Name": "team", "AttributeDataType": "String"}]
    own.append({**own[0], "Name": "rank", "DeveloperOnlyAttribute": True})
    assert csv_header(pool(Schema=own)) == (*STANDARD, "custom:team", "dev:custom:rank", *LAST)


@given(st.permutations([*STANDARD, *LAST]))
def test_columns_may_come_in_any_order(names):
    line = ",".join(f" {name}\t" for name in names).encode()
    for mark in (b"", b"\xef\xbb\xbf"):
        assert list(CsvColumns.read(pool(), mark + line).names) == names


@pytest.mark.parametrize(
    "line",
    [
        "",
        ",".join([*STANDARD, *LAST][1:]),
        ",".join([*STANDARD, *LAST, "custom:none"]),
        ",".join([*STANDARD, *LAST, "sub"]),
        ",".join([*STANDARD, *LAST, "email"]),
        ",".join(["Email" if name == "email" else name for name in (*STANDARD, *LAST)]),
        ";".join([*STANDARD, *LAST]),
        "\ufeff\ufeff" + ",".join([*STANDARD, *LAST]),
        "\ufffe" + ",".join([*STANDARD, *LAST]),
        ",".join(f'"{name}"' for name in (*STANDARD, *LAST)),
    ],
)
def test_a_header_that_is_not_the_pools_is_refused(line):
    with pytest.raises(CognitoError) as refusal:
        CsvColumns.read(pool(), line.encode())
    assert refusal.value.message == "The header of the CSV file does not match the user pool."


@given(st.lists(VALUES, min_size=1, max_size=6))
def test_what_is_escaped_is_read_back(values):
    names = tuple(map(str, range(len(values))))
    line = ",".join(" " + value.replace(",", "\\,") + "\t" for value in values)
    assert columns(*names).record(line.encode()) == dict(zip(names, values, strict=True))


def test_quotation_marks_and_other_backslashes_are_part_of_a_value():
    record = columns("a", "b", "c").record(rb'"x",\n\,\,y,z\ ')
    assert record == {"a": '"x"', "b": "\\n,,y", "c": "z\\"}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"a", "as many fields"),
        (b"a,b,c", "as many fields"),
        (b"a\\,b", "as many fields"),
        (b"a,\xff", "not UTF-8"),
        (b"a," + b"x" * 15_999, "more than 16000 characters"),
    ],
)
def test_a_row_that_is_none_is_refused(line, why):
    with pytest.raises(CognitoError, match=why):
        columns("a", "b").record(line)


def test_a_row_has_as_many_characters_as_aws_says_whatever_their_bytes():
    value = "\u20ac" * 15_998
    assert columns("a", "b").record(f"a,{value}".encode()) == {"a": "a", "b": value}
