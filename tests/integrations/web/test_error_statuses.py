import importlib
import pkgutil

import pytest

from authflow import errors
from authflow.errors import AuthFlowError, TokenError
from authflow.integrations import web
from authflow.integrations.web.error_statuses import STATUSES, retry_after, shown, told
from authflow.integrations.web.request_errors import RequestError
from authflow.integrations.web.web_reply import error_reply

for module in pkgutil.iter_modules(web.__path__):
    importlib.import_module(f"{web.__name__}.{module.name}")


def every(root: type[AuthFlowError] = AuthFlowError) -> set[type[AuthFlowError]]:
    return {root}.union(*(every(each) for each in root.__subclasses__()))


PUBLIC = sorted(
    (each for each in every() if each.__module__.startswith("authflow.")),
    key=lambda each: each.__name__,
)


def test_the_table_has_every_public_error_that_does_not_say_its_status_itself():
    public = {getattr(errors, name) for name in errors.__all__} - {errors.NextStep}
    says_itself = {each for each in public if issubclass(each, TokenError)}
    assert STATUSES.keys() == public - says_itself
    assert len(public) > 60


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_every_error_has_a_reply_that_says_what_to_do(kind: type[AuthFlowError]):
    error = kind("canary")
    reply = error_reply(error)
    assert 400 <= reply.status < 600
    about = reply.members["error"]
    assert (about["code"], about["next"]) == (kind.code, kind.next_step)
    assert about["message"]
    assert ("canary" in about["message"]) is shown(error).tells
    assert dict(reply.headers).get("www-authenticate", "").startswith("Bearer") is (
        reply.status == 401 or issubclass(kind, errors.TokenPermissionError)
    )


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_what_is_for_the_owner_is_logged_and_not_told(kind: type[AuthFlowError], caplog):
    error_reply(kind("canary\nsecond line"))
    how = shown(kind("canary"))
    tells_all_the_same = {errors.OutcomeUnknownError, errors.CodeDeliveryError}
    assert how.tells is (
        how.status < 500 or kind in tells_all_the_same or issubclass(kind, TokenError)
    )
    assert ("canary\\nsecond line" in caplog.text) is not how.tells


def test_an_error_of_somebody_elses_class_has_the_status_of_the_class_above_it():
    class Own(errors.LockedOutError):
        pass

    class OwnRequestError(RequestError):
        http_status = 418

    assert shown(Own("x")).status == 429
    assert shown(OwnRequestError("x")).status == 418
    assert told(errors.ConfigError("canary")) == told(errors.PluginError("other"))


@pytest.mark.parametrize(
    ("seconds", "header"), [(None, "5"), (0.0, "0"), (0.2, "1"), (899.5, "900"), (-3.0, "0")]
)
def test_the_time_to_wait_is_told_in_whole_seconds(seconds: float | None, header: str | None):
    error = errors.LockedOutError("x", retry_after=seconds)
    reply = error_reply(error)
    assert dict(reply.headers).get("retry-after") == header
    assert reply.members["error"].get("retry_after") == retry_after(error)


def test_the_field_of_a_form_is_named():
    reply = error_reply(errors.AskAgainError("x", field="word"))
    assert reply.members["error"]["field"] == "word"
    assert "field" not in error_reply(errors.AskAgainError("x")).members["error"]


def test_a_text_cannot_break_out_of_its_header():
    error = errors.TokenUseError('a "quoted" \\ text')
    (value,) = (v for n, v in error_reply(error).headers if n == "www-authenticate")
    assert value == 'Bearer error="invalid_token", error_description="a ?quoted? ? text"'


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_whoever_is_told_to_wait_is_told_how_long(kind: type[AuthFlowError]):
    reply = error_reply(kind("canary"))
    waits = reply.status in {429, 503} or kind.next_step is errors.NextStep.WAIT
    assert ("retry-after" in dict(reply.headers)) is waits
    assert ("retry_after" in reply.members["error"]) is waits
