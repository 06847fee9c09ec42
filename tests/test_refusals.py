"""What Cognito's errors become. The texts and their sources are in scenarios/refusals.json."""

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from attrs import asdict, field, frozen
from hypothesis import example, given
from hypothesis import strategies as st

from authflow import errors
from authflow.causes import CODES, LOCKED_SECONDS, THROTTLED_SECONDS
from authflow.errors import (
    AuthFlowError,
    BadCredentialsError,
    LockedOutError,
    NewPasswordRejectedError,
    NextStep,
    RefusedError,
    RemoteProtocolError,
    RequestBlockedError,
    RequestRejectedError,
    ServerFaultError,
    SignInBlockedError,
    ThrottledError,
    TokenRevokedError,
    TransportError,
    TriggerFailedError,
    UserNotFoundError,
)
from authflow.refusals import read_error

REFRESH = "GetTokensFromRefreshToken"
NOT_OF_A_TOKEN = {
    *(errors.SecretHashMismatchError, errors.PoolNotFoundError, errors.PoolSetupError),
    *(errors.FlowNotEnabledError, errors.WrongTokenError, errors.UserDisabledError),
    *(errors.UserNotConfirmedError, errors.PasswordResetRequiredError),
    *(errors.LockedOutError, errors.RequestBlockedError, errors.SignInBlockedError),
}
OPERATIONS = (
    *("InitiateAuth", "RespondToAuthChallenge"),
    *("GetTokensFromRefreshToken", "RevokeToken", "GlobalSignOut"),
)


@frozen(kw_only=True)
class Row:
    """One of Cognito's errors, and what is made of it."""

    aws_code: str
    text: str
    error: str
    next_step: str
    retry_after: float | None
    source: str
    operation: str = "InitiateAuth"
    status: int = 400
    headers: dict[str, str] = field(factory=dict)

    def read(self, **changed: Any) -> AuthFlowError:
        """Read it, or a variant of it."""
        given = {**asdict(self), **changed}
        for told in ("error", "next_step", "retry_after", "source"):
            del given[told]
        return read_error(given.pop("aws_code"), given.pop("text"), **given)

    def fits(self, refused: AuthFlowError) -> bool:
        return (
            type(refused) is getattr(errors, self.error)
            and refused.next_step == self.next_step
            and refused.retry_after == self.retry_after
        )


TABLE = json.loads((Path(__file__).parent / "scenarios/refusals.json").read_text())
ROWS = [Row(**row) for row in TABLE["rows"]]
rows = pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.aws_code}: {row.text[:60]}")


def everything_in(refused: AuthFlowError) -> Any:
    """All that an error has: what is shown, what is kept, and what a pickle of it holds."""
    return (
        *(type(refused), str(refused), repr(refused), refused.args, refused.__dict__),
        *(refused.__cause__, refused.__context__, pickle.dumps(refused)),
    )


@rows
def test_each_of_cognitos_errors_means_one_thing(row: Row):
    refused = row.read()
    assert row.fits(refused), repr(refused)
    assert str(refused) == refused.message != ""
    assert refused.aws_code in {row.aws_code, "NotAuthorizedException", None}
    assert row.source


VARIANTS = {
    "upper case": str.upper,
    "lower case": str.lower,
    "a full stop more": lambda text: f"{text}.",
    "no full stop": lambda text: text.rstrip("."),
    "blanks around": lambda text: f"  {text}\t\n",
    "two blanks between": lambda text: text.replace(" ", "  "),
    "another kind of blank": lambda text: text.replace(" ", "\N{NO-BREAK SPACE}"),
    "more after it": lambda text: f"{text} (Service: AWSCognitoIdentityProvider; Status: 400)",
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_small_changes_of_a_text_change_nothing(variant: str):
    for row in ROWS:
        assert row.fits(row.read(text=VARIANTS[variant](row.text))), row


def secrets_of(row: Row) -> set[str]:
    """What may have been typed and is a part of the text, or near to it."""
    words = {word.strip(".,:'") for word in row.text.split()}
    return {*words, row.text, row.text[:1], "password", "Exception"} - {""}


def test_whatever_was_typed_an_error_means_the_same():
    """A password that is a word of the text does not make the text another one."""
    for row in ROWS:
        for secret in secrets_of(row):
            assert row.fits(row.read(secrets=[secret])), (row, secret)


def test_what_is_classified_is_told_in_the_same_words_whatever_was_typed():
    """Otherwise the words, or a gap in them, tell what was typed."""
    classified = [row for row in ROWS if "?" not in row.read(text=f"{row.text} ?").message]
    assert len(classified) > 130
    for row in classified:
        plain = everything_in(row.read())
        for secret in secrets_of(row):
            assert everything_in(row.read(secrets=[secret])) == plain, (row, secret)


def test_a_text_that_holds_what_was_sent_is_as_if_none_had_come():
    shown = [row for row in ROWS if "?" in row.read(text=f"{row.text} ?").message and row.text]
    assert len(shown) > 15
    for row in shown:
        for secret in secrets_of(row):
            if secret in row.text:
                silent = everything_in(
                    read_error(row.aws_code, "", operation=row.operation, secrets=[secret])
                )
                assert everything_in(row.read(secrets=[secret])) == silent, (row, secret)


def test_what_a_text_means_does_not_depend_on_what_was_asked_for():
    """But for a token's user who is gone: there is no password there that could be wrong.
    Administrators are told who is gone; and limits are those of what was asked for.

    And for a password that attackers know: only where it is a new one can another be chosen. And at
    a refresh, of which the next test tells.
    """
    apart = (
        {BadCredentialsError, TokenRevokedError},
        {NewPasswordRejectedError, SignInBlockedError},
        *({UserNotFoundError, each} for each in (BadCredentialsError, TokenRevokedError)),
    )
    for row in ROWS:
        for operation in OPERATIONS:
            refused = row.read(operation=operation)
            is_refusal = row.aws_code == "NotAuthorizedException"
            if is_refusal and REFRESH in {operation, row.operation}:
                continue
            if row.aws_code == "LimitExceededException":  # attempts and quotas, by what is limited
                continue
            if {type(refused), type(row.read())} not in apart:
                assert row.fits(refused), (row, operation)


@given(text=st.one_of(st.sampled_from([row.text for row in ROWS]), st.text(max_size=80)))
@example(text="")
def test_what_a_refresh_is_refused_with_is_about_the_token_or_about_no_challenge(text: str):
    """Whatever the words: a refresh has no session, code or password that could be meant."""
    refused = read_error("NotAuthorizedException", text, operation=REFRESH)
    elsewhere = read_error("NotAuthorizedException", text)
    if type(refused) is TokenRevokedError:
        assert "the refresh token" in str(refused)
        assert refused.next_step is NextStep.RESTART
    else:
        assert type(refused) in NOT_OF_A_TOKEN
        assert type(refused) is type(elsewhere)


@given(text=st.text(max_size=80))
def test_no_words_that_nobody_knows_say_that_a_token_was_revoked(text: str):
    """Else a sign-out would be done although the token is good."""
    known = ("token", "user", "password", "client id", "authorized")
    if not any(word in text.casefold() for word in known):
        for operation in ("RevokeToken", "GlobalSignOut"):
            refused = read_error("NotAuthorizedException", text, operation=operation)
            assert not isinstance(refused, TokenRevokedError)


def test_the_table_covers_every_code_and_every_class_that_can_come():
    assert CODES.keys() <= {row.aws_code for row in ROWS} | {"UsernameExistsException"} | {
        "WebAuthnNotEnabledException"
    }
    told = {row.error for row in ROWS}
    of_others = {"DeniedError", "SignedOutError", "IdentityRefusedError"}
    refused = {each.__name__ for each in RefusedError.__subclasses__()} - of_others
    assert refused <= told
    assert {"ThrottledError", "ServerFaultError"} <= told


UNKNOWN_USERS = [row for row in ROWS if row.error == "BadCredentialsError"]
GONE = [
    row
    for row in ROWS
    if row.error == "TokenRevokedError" and row.operation == "GetTokensFromRefreshToken"
]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("headers", [{}, {"retry-after": "30"}], ids=["", "told to wait"])
def test_no_such_user_and_a_wrong_password_are_told_apart_by_nothing(
    operation: str, headers: dict[str, str]
):
    plain = everything_in(UNKNOWN_USERS[0].read(operation=operation))
    assert len(UNKNOWN_USERS) > 5
    assert "UserNotFoundException" in {row.aws_code for row in UNKNOWN_USERS}
    for row in UNKNOWN_USERS:
        assert everything_in(row.read(operation=operation, headers=headers)) == plain


def test_a_refresh_tokens_user_who_is_gone_is_as_a_token_that_is_no_good():
    told = {str(everything_in(row.read())) for row in GONE if "Reuse" not in row.aws_code}
    assert len(told) == 1


@pytest.mark.parametrize(
    ("aws_code", "kind"),
    [
        ("UserLambdaValidationException", TriggerFailedError),
        ("InvalidPasswordException", NewPasswordRejectedError),
        ("SomethingNewException", RequestRejectedError),
    ],
)
def test_a_text_for_people_is_kept_short_and_on_one_line(aws_code: str, kind: type[AuthFlowError]):
    refused = read_error(aws_code, "PreAuthentication failed:\n\x1b[2Jcome back\u202e tomorrow")
    assert type(refused) is kind
    assert "PreAuthentication failed: \\x1b[2Jcome back\\u202e tomorrow" in str(refused)
    assert len(str(read_error(aws_code, "x" * 10**6))) < 400


SECRETS = ["a", "x7", "hunter2", "123456", "Correct-horse-1", "påsswörd", "it's", "100%", "s" * 900]
ECHOES = [
    *("{}", "PreSignUp failed with error {}.", "Value '{}' at 'password' is wrong", "{}{}"),
    *("of {}, never", "x" * 200 + "{}", "x" * 290 + "{}", "\x1b[2J{}\n"),
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("aws_code", ["UserLambdaValidationException", "OddException", "{}"])
def test_no_error_holds_what_was_sent(aws_code: str, secret: str):
    code = aws_code.replace("{}", secret)
    silent = read_error(code, "", secrets=[secret])
    assert len(secret) < 2 or secret not in str(everything_in(silent))
    for text in ECHOES:
        refused = read_error(code, text.replace("{}", secret), secrets=["of no matter", secret])
        assert everything_in(refused) == everything_in(silent), text


def test_a_text_without_anything_that_was_sent_is_shown():
    text = "PreAuthentication failed with error Come back at nine."
    refused = read_error("UserLambdaValidationException", text, secrets=["hunter2", "kX" * 700])
    assert str(refused) == f"a trigger refused: {text}"


def test_secrets_may_come_one_by_one():
    once = iter(["hunter2"])
    assert "hunter2" not in str(read_error("OddException", "not hunter2", secrets=once))


def test_an_oversized_code_is_cut_and_cleaned():
    refused = read_error("Bad\x1b\n" + "x" * 10**6, "text")
    assert len(str(refused)) < 200
    assert str(refused).isprintable()
    assert refused.aws_code is not None
    assert refused.aws_code.isprintable()


WAITING = [row for row in ROWS if row.next_step == "wait" and row.error != "OutcomeUnknownError"]


@pytest.mark.parametrize(("header", "seconds"), [("0", 0), ("7", 7), ("86400", 86400)])
def test_whoever_may_wait_waits_as_long_as_the_server_asks(header: str, seconds: float):
    for row in WAITING:
        assert row.read(headers={"retry-after": header}).retry_after == seconds, row


@pytest.mark.parametrize("header", ["", "soon", "-1", "1.5", "nan", "٣", "1e9", "3, 4"])
def test_a_header_that_says_nothing_changes_nothing(header: str):
    for row in WAITING:
        assert row.fits(row.read(headers={"retry-after": header})), row


def test_waiting_is_told_only_where_it_helps():
    for row in ROWS:
        refused = row.read(headers={"retry-after": "9"})
        assert refused.retry_after == (9 if refused.next_step is NextStep.WAIT else None)
    for row in ROWS:
        if row.error in {"LockedOutError", "ThrottledError"}:
            assert row.read().retry_after is not None


def test_without_a_word_of_the_server_a_lock_is_waited_out_and_throttling_a_moment():
    locked = read_error("NotAuthorizedException", "Password attempts exceeded")
    throttled = read_error("TooManyRequestsException", "")
    assert isinstance(locked, LockedOutError)
    assert isinstance(throttled, ThrottledError)
    assert (locked.retry_after, throttled.retry_after) == (LOCKED_SECONDS, THROTTLED_SECONDS)
    assert str(int(LOCKED_SECONDS)) in (LockedOutError.__doc__ or "")
    assert str(THROTTLED_SECONDS) in (ThrottledError.__doc__ or "")
    assert THROTTLED_SECONDS % 1  # a server's own word is whole seconds, and can be told from it


@given(
    st.sampled_from([row.aws_code for row in ROWS]) | st.text(),
    st.sampled_from([row.text for row in ROWS]) | st.text(),
    st.lists(st.text(), max_size=3),
    st.integers(0, 999),
    st.dictionaries(st.sampled_from(["retry-after", "date"]), st.text()),
)
@example("", "", [], 400, {})
@example("\ud800", "\ud800", ["\ud800"], 400, {})
def test_whatever_the_server_says_is_a_refusal_or_no_answer(
    aws_code: str, text: str, secrets: list[str], status: int, headers: dict[str, str]
):
    refused = read_error(aws_code, text, secrets=secrets, status=status, headers=headers)
    assert isinstance(refused, RefusedError | TransportError | RemoteProtocolError)
    assert isinstance(refused.next_step, NextStep)
    assert str(refused).isprintable()
    assert refused.retry_after is None or 0 <= refused.retry_after <= 86400
    if status >= 500:
        assert isinstance(refused, ServerFaultError | ThrottledError)
    assert str(copy.deepcopy(refused)) == str(refused)


@pytest.mark.parametrize("status", [400, 403, 429, 500, 502, 503])
def test_no_status_tells_who_exists(status: int):
    told = {
        read_error(code, "", status=status).aws_code
        for code in ("UserNotFoundException", "NotAuthorizedException")
    }
    assert told == {"NotAuthorizedException"}


@pytest.mark.parametrize("status", [202, 400, 403, 405])
@pytest.mark.parametrize("action", ["captcha", "challenge"])
def test_what_a_firewall_answers_instead_of_the_pool_is_a_blocked_request(status: int, action: str):
    for code in ("", str(status), "OddException", "NotAuthorizedException"):
        refused = read_error(code, "", status=status, headers={"x-amzn-waf-action": action})
        assert type(refused) is RequestBlockedError
