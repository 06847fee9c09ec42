"""Which errors are told to whoever has proved nothing, of all that there are."""

import pytest

from authflow import errors
from authflow.errors import AuthFlowError
from authflow.integrations.web.hidden_outcomes import (
    hides_sending,
    hides_taken_name,
    of_code,
    of_sign_in,
)

OF_AN_ACCOUNT = {
    "UserDisabledError",
    "UserNotFoundError",
    "UserNotConfirmedError",
    "PasswordResetRequiredError",
    "TemporaryPasswordExpiredError",
    "MfaNotSetUpError",
}
FOR_THE_OWNER = {"CodeDeliveryError", "PoolSetupError", "TriggerFailedError", "DeniedError"}
EVERY = sorted({getattr(errors, name) for name in errors.__all__} - {errors.NextStep}, key=str)

every = pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)


@every
def test_a_sign_in_tells_of_an_account_whom_a_password_came_from_and_of_a_missing_one_nobody(kind):
    error = kind("canary")
    for proved, hidden in (
        (True, {"UserNotFoundError", "BadCredentialsError"}),
        (False, {*OF_AN_ACCOUNT, "BadCredentialsError"}),
    ):
        told = of_sign_in(error, proved=proved)
        if kind.__name__ in hidden:
            assert type(told) is errors.BadCredentialsError
            assert "canary" not in told.message
        else:
            assert told is error


@every
def test_a_refusal_to_send_is_hidden_if_it_is_about_the_account(kind, caplog):
    hidden = {"BadCredentialsError", "LockedOutError", "RequestRejectedError", "AliasExistsError"}
    error = kind("canary")
    assert hides_sending(error) is (kind.__name__ in hidden | OF_AN_ACCOUNT | FOR_THE_OWNER)
    assert ("canary" in caplog.text) is (kind.__name__ in FOR_THE_OWNER)


@every
def test_a_refusal_of_a_code_is_one_error_whoever_it_is_about(kind):
    hidden = {"BadCredentialsError", "CodeExpiredError", "CodeMismatchError"}
    hidden |= {"RequestRejectedError", "AliasExistsError"}
    error = kind("canary")
    told = of_code(error)
    if kind.__name__ in hidden | OF_AN_ACCOUNT:
        assert type(told) is errors.CodeMismatchError
        assert "canary" not in told.message
    else:
        assert told is error


@every
def test_a_sign_up_hides_a_taken_name_and_failures_of_what_sends_its_code(kind, caplog):
    def hides(error: AuthFlowError) -> bool:
        caplog.clear()
        hidden = hides_taken_name(error)
        assert ("no code was sent" in caplog.text) is (hidden and kind.__name__ in FOR_THE_OWNER)
        return hidden

    always = kind.__name__ in {"AliasExistsError", "CodeDeliveryError"}
    by_its_trigger = kind.__name__ in {"TriggerFailedError", "DeniedError"}
    assert hides(kind("PreSignUp failed with error canary")) is always
    assert hides(kind("CustomMessage failed with error canary")) is (always or by_its_trigger)
