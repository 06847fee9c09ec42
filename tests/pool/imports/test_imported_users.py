"""Users made of rows, and rows that no user is made of."""

import pytest

from authflow.machine import State
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.imports.csv_rows import csv_header
from authflow.pool.imports.imported_users import imported_user
from authflow.secret import Secret
from tests.pool.imports.test_csv_rows import pool

ROW = {
    "cognito:username": "ann",
    "cognito:mfa_enabled": "FALSE",
    "email": "ann@example.org",
    "email_verified": "TRUE",
}
EMAIL = {"AutoVerifiedAttributes": ["email"]}
SMS = {"SmsMfaConfiguration": {"SmsAuthenticationMessage": "{####}"}}
TOTP = {"SoftwareTokenMfaConfiguration": {"Enabled": True}}


def made(settings=EMAIL, **more):
    one = pool(**settings)
    blank = dict.fromkeys(csv_header(one), "")
    return imported_user(one, {**blank, **ROW, **more}, 7)


def refused(settings=EMAIL, **more):
    with pytest.raises(CognitoError) as refusal:
        made(settings, **more)
    text = refusal.value.message
    for value in {**ROW, **more}.values():
        assert len(value) < 6 or value not in text, "no user data is written to the log"
    return text


def test_a_user_has_what_the_row_says_and_no_password():
    user = made(birthdate="02/01/1985", updated_at="1471453471", name="A, B")
    assert user.username == "ann"
    assert user.status == "RESET_REQUIRED"
    assert user.enabled
    assert user.attributes == {
        "name": "A, B",
        "email": "ann@example.org",
        "email_verified": "true",
        "birthdate": "1985-02-01",
        "updated_at": "1471453471",
    }
    assert user.password_expires_at is None
    assert user.created_at == user.modified_at == 7
    assert user.factors.enabled == frozenset()


def test_no_two_users_have_one_password_and_nobody_has_it():
    one, two = made(), made()
    assert one.sub != two.sub
    assert one.password != two.password
    for password in ("", "ann", "Corr3ct-Horse"):
        found = one.password.recomputed("us-east-1_x", "ann", Secret(password))
        assert not one.password.matches(found)


def test_a_user_with_two_names_has_a_verifier_for_each():
    aliases = {**EMAIL, "AliasAttributes": ["email"]}
    assert made(aliases).password.is_for_two_names
    assert not made(
        {**EMAIL, "UsernameAttributes": ["email"]}, **{"cognito:username": "ann@example.org"}
    ).password.is_for_two_names


def test_where_addresses_are_usernames_the_username_is_an_address():
    by_email = {**EMAIL, "UsernameAttributes": ["email"]}
    user = made(by_email, **{"cognito:username": "bob@example.org", "email": ""})
    assert user.username == user.sub
    assert user.attributes["email"] == "bob@example.org"
    assert "Username should be an email" in refused(by_email)


@pytest.mark.parametrize(
    "wrong",
    [
        {"cognito:username": ""},
        {"cognito:username": "ann smith"},
        {"cognito:username": "x" * 129},
        {"email": "no address"},
        {"email": ""},
        {"email_verified": "yes"},
        {"updated_at": "2020-01-01"},
        {"name": "x" * 2049},
        {"phone_number": "0123456789"},
        {"phone_number_verified": "true"},
        {"birthdate": "1985-02-01"},
        {"birthdate": "2/1/1985"},
        {"birthdate": "13/01/1985"},
        {"birthdate": "02/30/1985"},
        {"cognito:mfa_enabled": ""},
        {"cognito:mfa_enabled": "maybe"},
    ],
    ids=str,
)
def test_what_no_user_could_have_is_refused(wrong):
    assert refused(**wrong)


@pytest.mark.parametrize(
    ("verified", "row", "good"),
    [
        (["email"], {"email_verified": "false"}, False),
        (["email"], {"email_verified": ""}, False),
        (["phone_number"], {}, False),
        (["phone_number"], {"phone_number": "+13125550100"}, False),
        (
            ["phone_number"],
            {"phone_number": "+13125550100", "phone_number_verified": "True"},
            True,
        ),
        (["email", "phone_number"], {}, True),
        ([], {}, False),
    ],
)
def test_an_auto_verified_address_must_be_verified(verified, row, good):
    settings = {"AutoVerifiedAttributes": verified}
    if good:
        assert made(settings, **row)
    else:
        assert "does not set any of the auto verified attributes" in refused(settings, **row)


def test_what_the_pool_requires_must_be_there():
    wanted = {**EMAIL, "Schema": [{"Name": "nickname", "Required": True}]}
    assert refused(wanted) == "The User Record does not set the required attribute nickname."
    assert made(wanted, nickname="Annie").attributes["nickname"] == "Annie"


def test_an_attribute_that_cannot_change_is_set():
    fixed = [{"Name": "team", "AttributeDataType": "String", "Mutable": False}]
    user = made({**EMAIL, "Schema": fixed}, **{"custom:team": "red"})
    assert user.attributes["custom:team"] == "red"


@pytest.mark.parametrize(
    ("pool_has", "flag", "phone", "expected"),
    [
        ({}, "true", "+13125550100", "must be false"),
        ({"MfaConfiguration": "OFF"}, "true", "", "must be false"),
        ({"MfaConfiguration": "ON", **SMS}, "false", "+13125550100", "must be true"),
        ({"MfaConfiguration": "ON", **SMS}, "true", "+13125550100", {State.SMS_MFA}),
        ({"MfaConfiguration": "ON", **SMS}, "true", "", set()),
        ({"MfaConfiguration": "ON", **TOTP}, "true", "+13125550100", set()),
        ({"MfaConfiguration": "OPTIONAL", **SMS}, "false", "+13125550100", set()),
        ({"MfaConfiguration": "OPTIONAL", **SMS}, "TRUE", "+13125550100", {State.SMS_MFA}),
        ({"MfaConfiguration": "OPTIONAL", **SMS}, "true", "", "could not be sent"),
        ({"MfaConfiguration": "OPTIONAL", **TOTP}, "true", "+13125550100", "could not be sent"),
    ],
)
def test_a_second_factor_is_as_the_pool_has_it(pool_has, flag, phone, expected):
    settings = {**EMAIL, **pool_has}
    row = {"cognito:mfa_enabled": flag, "phone_number": phone}
    if isinstance(expected, str):
        assert expected in refused(settings, **row)
    else:
        assert made(settings, **row).factors.enabled == expected
