"""Every challenge's file in `wire`: what one role writes, the other reads as it was."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.secret import Secret
from authflow.wire import (
    MemberError,
    auth_parameters,
    codes,
    custom,
    device_password_verifier,
    device_srp,
    mfa_choice,
    mfa_setup,
    new_password,
    password_verifier,
)

TEXT = st.text(min_size=1, max_size=20)
ANY_TEXT = st.text(max_size=20)
SECRETS = TEXT.map(Secret)
STRINGS = st.dictionaries(TEXT, ANY_TEXT, max_size=4)
BASE64 = st.binary(min_size=1, max_size=48).map(lambda data: base64.b64encode(data).decode())
STAMPS = st.sampled_from(["Tue Apr 7 11:22:33 UTC 2026", "Sun Feb 29 00:00:00 UTC 2032"])


@given(
    st.builds(password_verifier.Asked, salt=TEXT, srp_b=TEXT, secret_block=BASE64, user_id=TEXT),
)
def test_how_a_proof_is_asked_is_read_as_it_was_written(asked: password_verifier.Asked):
    assert password_verifier.Asked.read(asked.write()) == asked


@given(
    st.builds(
        password_verifier.Answer,
        secret_block=BASE64,
        signature=st.binary(min_size=1, max_size=40),
        stamp=STAMPS,
    )
)
def test_a_proof_is_read_as_it_was_written(answer: password_verifier.Answer):
    assert password_verifier.Answer.read(answer.write()) == answer


@given(st.builds(codes.Asked, medium=st.none() | TEXT, destination=st.none() | TEXT))
def test_where_a_code_went_is_read_as_it_was_written(asked: codes.Asked):
    assert codes.Asked.read(asked.write()) == asked


@given(st.builds(codes.Answer, challenge=st.sampled_from(sorted(codes.CODES)), code=SECRETS))
def test_a_code_is_read_as_it_was_written(answer: codes.Answer):
    assert codes.Answer.read(answer.challenge, answer.write()) == answer


@given(st.builds(mfa_choice.Asked, options=st.lists(ANY_TEXT, max_size=4).map(tuple)))
def test_a_choice_is_read_as_it_was_written(asked: mfa_choice.Asked):
    assert mfa_choice.Asked.read(asked.write()) == asked


@given(st.builds(mfa_choice.Answer, option=TEXT))
def test_what_was_chosen_is_read_as_it_was_written(answer: mfa_choice.Answer):
    assert mfa_choice.Answer.read(answer.write()) == answer


@given(st.builds(mfa_setup.Asked, options=st.lists(ANY_TEXT, max_size=4).map(tuple)))
def test_what_can_be_set_up_is_read_as_it_was_written(asked: mfa_setup.Asked):
    assert mfa_setup.Asked.read(asked.write()) == asked


@given(st.builds(mfa_setup.Answer, email=st.none() | TEXT))
def test_what_was_set_up_is_read_as_it_was_written(answer: mfa_setup.Answer):
    assert mfa_setup.Answer.read(answer.write()) == answer


@given(
    st.builds(
        device_srp.Asked,
        device_key=st.none() | TEXT,
    )
)
def test_how_a_device_is_asked_is_read_as_it_was_written(asked: device_srp.Asked):
    assert device_srp.Asked.read(asked.write()) == asked


@given(st.builds(device_srp.Answer, device_key=TEXT, public_a=TEXT))
def test_how_a_device_begins_is_read_as_it_was_written(answer: device_srp.Answer):
    assert device_srp.Answer.read(answer.write()) == answer


@given(
    st.builds(
        device_password_verifier.Asked,
        device_key=TEXT,
        salt=TEXT,
        srp_b=TEXT,
        secret_block=BASE64,
    )
)
def test_how_a_devices_proof_is_asked_is_read_as_it_was_written(
    asked: device_password_verifier.Asked,
):
    assert device_password_verifier.Asked.read(asked.write()) == asked


@given(
    st.builds(
        device_password_verifier.Answer,
        device_key=TEXT,
        proof=st.builds(
            password_verifier.Answer,
            secret_block=BASE64,
            signature=st.binary(min_size=1, max_size=40),
            stamp=STAMPS,
        ),
    )
)
def test_a_devices_proof_is_read_as_it_was_written(answer: device_password_verifier.Answer):
    assert device_password_verifier.Answer.read(answer.write()) == answer


@given(
    st.builds(
        new_password.Asked,
        user_id=st.none() | TEXT,
        required_attributes=st.lists(
            TEXT.filter(lambda name: not name.startswith("userAttributes.")), max_size=3
        ).map(tuple),
        attributes=STRINGS,
    )
)
def test_how_a_new_password_is_asked_is_read_as_it_was_written(asked: new_password.Asked):
    assert new_password.Asked.read(asked.write()) == asked


@given(st.builds(new_password.Answer, password=SECRETS, attributes=STRINGS))
def test_a_new_password_is_read_as_it_was_written(answer: new_password.Answer):
    assert new_password.Answer.read(answer.write()) == answer


@given(STRINGS.filter(lambda public: "USERNAME" not in public))
def test_a_custom_challenge_is_read_as_it_was_written(public: dict[str, str]):
    asked = custom.Asked(public)
    assert custom.Asked.read({**asked.write(), "USERNAME": "ada"}) == asked


@given(ANY_TEXT.map(Secret))
def test_the_answer_to_a_custom_challenge_is_read_as_it_was_written(text: Secret[str]):
    assert custom.Answer.read(custom.Answer(text).write()) == custom.Answer(text)


@given(TEXT, SECRETS)
def test_how_a_sign_in_begins_is_read_as_it_was_written(public_a: str, password: Secret[str]):
    srp = auth_parameters.BySrp(public_a=public_a)
    assert auth_parameters.BySrp.read(srp.write()) == srp
    both = auth_parameters.BySrp(public_a=public_a, in_custom_auth=True)
    assert auth_parameters.read_custom(both.write()) == both
    none = auth_parameters.ByChallenges()
    assert auth_parameters.read_custom(none.write()) == none
    plain = auth_parameters.ByPassword(password)
    assert auth_parameters.ByPassword.read(plain.write()) == plain
    refreshed = auth_parameters.ByRefreshToken(password)
    assert auth_parameters.ByRefreshToken.read(refreshed.write()) == refreshed


WHOLE: list[tuple[Any, dict[str, str]]] = [
    (
        password_verifier.Asked.read,
        {"SALT": "1", "SRP_B": "2", "SECRET_BLOCK": "AA==", "USER_ID_FOR_SRP": "ada"},
    ),
    (
        password_verifier.Answer.read,
        {
            "TIMESTAMP": "Tue Apr 7 11:22:33 UTC 2026",
            "PASSWORD_CLAIM_SIGNATURE": "AA==",
            "PASSWORD_CLAIM_SECRET_BLOCK": "AA==",
        },
    ),
    (lambda members: codes.Answer.read("SMS_MFA", members), {"SMS_MFA_CODE": "123456"}),
    (lambda members: codes.Answer.read("EMAIL_OTP", members), {"EMAIL_OTP_CODE": "123456"}),
    (
        lambda members: codes.Answer.read("SOFTWARE_TOKEN_MFA", members),
        {"SOFTWARE_TOKEN_MFA_CODE": "123456"},
    ),
    (mfa_choice.Answer.read, {"ANSWER": "SMS_MFA"}),
    (device_srp.Answer.read, {"DEVICE_KEY": "k", "SRP_A": "2a"}),
    (
        device_password_verifier.Asked.read,
        {"DEVICE_KEY": "k", "SALT": "1", "SRP_B": "2", "SECRET_BLOCK": "AA=="},
    ),
    (
        device_password_verifier.Answer.read,
        {
            "DEVICE_KEY": "k",
            "TIMESTAMP": "Tue Apr 7 11:22:33 UTC 2026",
            "PASSWORD_CLAIM_SIGNATURE": "AA==",
            "PASSWORD_CLAIM_SECRET_BLOCK": "AA==",
        },
    ),
    (new_password.Answer.read, {"NEW_PASSWORD": "x"}),
    (custom.Answer.read, {"ANSWER": "x"}),
    (auth_parameters.BySrp.read, {"SRP_A": "2a"}),
    (auth_parameters.ByPassword.read, {"PASSWORD": "x"}),
    (auth_parameters.ByRefreshToken.read, {"REFRESH_TOKEN": "x"}),
]


@pytest.mark.parametrize(
    ("read", "members", "name"),
    [(read, members, name) for read, members in WHOLE for name in members],
)
def test_a_member_that_is_missing_is_named(read: Any, members: dict[str, str], name: str):
    read(members)
    with pytest.raises(MemberError) as missing:
        read({other: value for other, value in members.items() if other != name})
    assert (missing.value.name, missing.value.form) == (name, None)


@pytest.mark.parametrize(
    "stamp",
    [
        *("Tue Apr 7 11:22:33 UTC", "Tue Apr 31 11:22:33 UTC 2026", "7 Apr 2026", "x" * 9000),
        *("tue Apr 7 11:22:33 UTC 2026", "Tue Apr 7 11:22:60 UTC 2026", "Die Apr 7 1:2:3 UTC 2026"),
        *("Tue Apr 7 11:22:33 CET 2026", "Tue Apr 7 11:22:33 UTC \u0662026"),
    ],
)
def test_a_timestamp_of_another_form_says_which_form_it_has(stamp: str):
    members = {**WHOLE[1][1], "TIMESTAMP": stamp}
    with pytest.raises(MemberError) as wrong:
        password_verifier.Answer.read(members)
    assert (wrong.value.name, wrong.value.form) == (
        "TIMESTAMP",
        "EEE MMM d HH:mm:ss z yyyy in english",
    )


@pytest.mark.parametrize("name", ["PASSWORD_CLAIM_SIGNATURE", "PASSWORD_CLAIM_SECRET_BLOCK"])
@pytest.mark.parametrize("text", ["*", "A", "AA=", "\u00e9", "AA==\n", "AA== "])
def test_what_is_no_base64_is_named(name: str, text: str):
    with pytest.raises(MemberError) as wrong:
        password_verifier.Answer.read({**WHOLE[1][1], name: text})
    assert (wrong.value.name, wrong.value.form) == (name, "base64")


def test_a_code_by_email_has_two_names_and_means_one_challenge():
    assert mfa_choice.Answer(option="EMAIL_MFA").challenge == "EMAIL_OTP"
    assert mfa_choice.Answer(option="EMAIL_MFA").write() == {"ANSWER": "EMAIL_MFA"}
    assert mfa_choice.Answer(option="SMS_MFA").challenge == "SMS_MFA"


def test_an_attribute_cannot_pose_as_the_new_password():
    answer = new_password.Answer(password=Secret("right"), attributes={"NEW_PASSWORD": "wrong"})
    assert answer.write() == {"NEW_PASSWORD": "right", "userAttributes.NEW_PASSWORD": "wrong"}


def test_required_attributes_go_with_their_prefix_and_are_read_with_and_without():
    asked = new_password.Asked(required_attributes=("given_name", "custom:x"))
    written = asked.write()["requiredAttributes"]
    assert json.loads(written) == ["userAttributes.given_name", "userAttributes.custom:x"]
    bare = new_password.Asked.read({"requiredAttributes": '["given_name"]'})
    assert bare.required_attributes == ("given_name",)


def test_members_do_not_show_their_values():
    members = new_password.Answer(
        password=Secret("hunter2!"), attributes={"given_name": "Ana"}
    ).write()
    assert repr(members) == str(members) == "Members(<NEW_PASSWORD, userAttributes.given_name>)"


PROOF = {
    "PASSWORD_CLAIM_SECRET_BLOCK": "AA==",
    "PASSWORD_CLAIM_SIGNATURE": "AQI=",
    "TIMESTAMP": "Tue Apr 7 11:22:33 UTC 2026",
}
SPELT: list[tuple[Any, Any, dict[str, str]]] = [
    (
        password_verifier.Asked(salt="1", srp_b="2", secret_block="AA==", user_id="ada"),
        password_verifier.Asked.read,
        {
            "SALT": "1",
            "SRP_B": "2",
            "SECRET_BLOCK": "AA==",
            "USERNAME": "ada",
            "USER_ID_FOR_SRP": "ada",
        },
    ),
    (
        password_verifier.Answer(
            secret_block="AA==", signature=b"\1\2", stamp="Tue Apr 7 11:22:33 UTC 2026"
        ),
        password_verifier.Answer.read,
        PROOF,
    ),
    (
        codes.Asked(medium="SMS", destination="+***23", device="phone"),
        codes.Asked.read,
        {
            "CODE_DELIVERY_DELIVERY_MEDIUM": "SMS",
            "CODE_DELIVERY_DESTINATION": "+***23",
            "FRIENDLY_DEVICE_NAME": "phone",
        },
    ),
    (codes.Asked(), codes.Asked.read, {}),
    *(
        (
            codes.Answer(challenge=challenge, code=Secret("123456")),
            lambda members, challenge=challenge: codes.Answer.read(challenge, members),
            {member: "123456"},
        )
        for challenge, member in (
            ("SMS_MFA", "SMS_MFA_CODE"),
            ("SOFTWARE_TOKEN_MFA", "SOFTWARE_TOKEN_MFA_CODE"),
            ("EMAIL_OTP", "EMAIL_OTP_CODE"),
        )
    ),
    (
        mfa_choice.Asked(options=("SMS_MFA", "EMAIL_OTP")),
        mfa_choice.Asked.read,
        {"MFAS_CAN_CHOOSE": '["SMS_MFA", "EMAIL_OTP"]'},
    ),
    (mfa_choice.Answer(option="SMS_MFA"), mfa_choice.Answer.read, {"ANSWER": "SMS_MFA"}),
    (
        new_password.Asked(
            user_id="ada", required_attributes=("name",), attributes={"email": "a@b"}
        ),
        new_password.Asked.read,
        {
            "USER_ID_FOR_SRP": "ada",
            "requiredAttributes": '["userAttributes.name"]',
            "userAttributes": '{"email": "a@b"}',
        },
    ),
    (
        new_password.Answer(password=Secret("x"), attributes={"name": "Ada"}),
        new_password.Answer.read,
        {"NEW_PASSWORD": "x", "userAttributes.name": "Ada"},
    ),
    (new_password.Answer(password=Secret("x")), new_password.Answer.read, {"NEW_PASSWORD": "x"}),
    (custom.Asked({"url": "u"}), custom.Asked.read, {"url": "u"}),
    (custom.Answer(Secret("")), custom.Answer.read, {"ANSWER": ""}),
    (
        auth_parameters.BySrp(public_a="2a"),
        auth_parameters.BySrp.read,
        {"SRP_A": "2a"},
    ),
    (
        auth_parameters.BySrp(public_a="2a", in_custom_auth=True),
        auth_parameters.read_custom,
        {"SRP_A": "2a", "CHALLENGE_NAME": "SRP_A"},
    ),
    (auth_parameters.ByChallenges(), auth_parameters.read_custom, {}),
    (
        auth_parameters.ByPassword(Secret("x")),
        auth_parameters.ByPassword.read,
        {"PASSWORD": "x"},
    ),
    (
        auth_parameters.ByRefreshToken(Secret("x")),
        auth_parameters.ByRefreshToken.read,
        {"REFRESH_TOKEN": "x"},
    ),
]


@pytest.mark.parametrize(("value", "read", "spelt"), SPELT, ids=range(len(SPELT)))
def test_everything_is_spelt_as_cognito_documents_it(value: Any, read: Any, spelt: dict[str, str]):
    assert value.write() == spelt
    assert read(spelt) == value


def test_custom_auth_begins_with_srp_or_with_a_custom_challenge_alone():
    read = auth_parameters.read_custom
    assert read({"CHALLENGE_NAME": "CUSTOM_CHALLENGE"}) == auth_parameters.ByChallenges()
    for other in ("SRP_B", "PASSWORD_VERIFIER", ""):
        with pytest.raises(MemberError, match=r"^CHALLENGE_NAME is not .*SRP_A.*$"):
            read({"CHALLENGE_NAME": other, "SRP_A": "2a"})
    with pytest.raises(MemberError, match=r"^SRP_A is missing$"):
        read({"CHALLENGE_NAME": "SRP_A"})


MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@pytest.mark.parametrize(("number", "month"), list(enumerate(MONTHS, 1)))
@pytest.mark.parametrize("zone", ["UTC", "GMT"])
def test_a_timestamp_is_read_in_every_month(number: int, month: str, zone: str):
    text = f"Mon {month} 03 04:05:06 {zone} 2026"
    assert password_verifier.Answer.read({**PROOF, "TIMESTAMP": text}).at == datetime(
        2026, number, 3, 4, 5, 6, tzinfo=UTC
    )


@pytest.mark.parametrize("text", ["[1]", '["a", 1]', "{}", "7", '"a"', "[", "[" * 100_000])
def test_what_is_no_array_of_strings_is_named(text: str):
    with pytest.raises(MemberError, match=r"^MFAS_CAN_CHOOSE is not a JSON array of strings$"):
        mfa_choice.Asked.read({"MFAS_CAN_CHOOSE": text})
    assert mfa_choice.Asked.read({}) == mfa_choice.Asked()


@pytest.mark.parametrize("text", ['{"a": 1}', '{"a": "b", "c": null}', "[]", "7", "{", '{"a":' * 9])
def test_what_is_no_object_of_strings_is_named(text: str):
    with pytest.raises(MemberError, match=r"^userAttributes is not a JSON object of strings$"):
        new_password.Asked.read({"userAttributes": text})
    assert new_password.Asked.read({}) == new_password.Asked()


def test_an_empty_member_is_missing_but_for_an_answer_that_a_trigger_judges():
    with pytest.raises(MemberError, match=r"^NEW_PASSWORD is missing$"):
        new_password.Answer.read({"NEW_PASSWORD": ""})
    with pytest.raises(MemberError, match=r"^ANSWER is missing$"):
        custom.Answer.read({})


@pytest.mark.parametrize("value", [value for value, _, _ in SPELT], ids=range(len(SPELT)))
def test_what_may_be_secret_or_somebodys_is_not_shown(value: Any):
    shown = repr(value)
    for hidden in ("AA==", "123456", "a@b", "Ada", "'u'", "Secret('x')", "2a"):
        assert hidden not in shown


def test_what_was_typed_for_a_choice_is_not_shown():
    assert "canary" not in repr(mfa_choice.Answer(option="canary"))


def test_an_address_that_is_set_up_is_read_under_either_of_its_names():
    for name in ("EMAIL", "email"):
        assert mfa_setup.Answer.read({name: "ann@example.org"}).email == "ann@example.org"
