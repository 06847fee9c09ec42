from collections.abc import Callable
from typing import Any

import pytest

from authflow.errors import MisuseError
from authflow.triggers import PostConfirmationEvent, PreSignUpEvent, SignUpDecision, parse_event

LoadEvent = Callable[..., dict[str, Any]]


def test_a_sign_up_is_read_with_both_of_the_clients_data(load_event: LoadEvent):
    event = parse_event(load_event("pre_sign_up"))
    assert isinstance(event, PreSignUpEvent)
    assert event.validation_data == {"invitation": "autumn"}
    assert event.client_metadata == {"page": "join"}


@pytest.mark.parametrize(
    ("decision", "written"),
    [
        (None, (False, False, False)),
        (SignUpDecision(), (False, False, False)),
        (SignUpDecision(confirm=True), (True, False, False)),
        (SignUpDecision(confirm=True, verify_email=True), (True, True, False)),
    ],
)
def test_a_decision_is_written_as_three_booleans(
    load_event: LoadEvent, decision: SignUpDecision | None, written: tuple[bool, ...]
):
    raw = load_event("pre_sign_up")
    raw["response"] = {"autoConfirmUser": True, "autoVerifyEmail": None, "autoVerifyPhone": True}
    response = parse_event(raw).filled(decision)["response"]
    assert response == dict(
        zip(("autoConfirmUser", "autoVerifyEmail", "autoVerifyPhone"), written, strict=True)
    )


@pytest.mark.parametrize("junk", [1, 0, "true", "", None])
@pytest.mark.parametrize("flag", ["confirm", "verify_email", "verify_phone"])
def test_a_decision_that_is_no_boolean_is_refused(flag: str, junk: Any):
    with pytest.raises(MisuseError, match=flag):
        SignUpDecision(**{flag: junk})


@pytest.mark.parametrize(
    ("decision", "attribute"),
    [
        (SignUpDecision(verify_phone=True), "phone_number"),
        (SignUpDecision(verify_email=True), "email"),
    ],
)
def test_an_address_that_is_not_there_cannot_be_taken_for_verified(
    load_event: LoadEvent, decision: SignUpDecision, attribute: str
):
    event = parse_event(load_event("pre_sign_up", userAttributes={"email": ""}))
    with pytest.raises(MisuseError, match=f"^{attribute} cannot"):
        event.filled(decision)


def test_a_confirmation_is_read(load_event: LoadEvent):
    event = parse_event(load_event("post_confirmation"))
    assert isinstance(event, PostConfirmationEvent)
    assert (event.username, event.client_metadata) == ("ada", {"page": "join"})
