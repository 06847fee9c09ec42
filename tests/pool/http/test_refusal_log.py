"""What the pool's owner reads of refused sign-ins and of requests, and what stands nowhere."""

import ast
import logging
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import authflow.pool
from authflow.errors import DeniedError, TriggerFailedError
from authflow.pool.admission.budgets import Budget
from authflow.pool.cognito_errors import CognitoError, not_authorized
from authflow.pool.http.refusal_log import RefusalLog, _reason
from authflow.triggers import PreAuthenticationEvent, PreTokenGenerationEvent, Triggers
from tests.pool.conftest import PASSWORD

CANARY = "hunter2-Swordfish"


@pytest.fixture
def lines(caplog):
    """The lines of refused sign-ins, as they come."""
    caplog.set_level(logging.INFO, "authflow.pool.refusals")

    def told():
        return [r.getMessage() for r in caplog.records if r.name == "authflow.pool.refusals"]

    return told


async def refused_once(house, lines, operation, **request):
    before = len(lines())
    refusal = await house.api.refused(operation, **request)
    (line,) = lines()[before:]
    assert line.startswith(f"{operation} refused: {refusal.code}, "), line
    return line


@pytest.mark.parametrize("hides", ["ENABLED", "LEGACY"])
async def test_the_reason_is_told_that_the_client_does_not_hear(api, settle, lines, hides):
    house = await settle(api, PreventUserExistenceErrors=hides)
    await house.add_user()
    where = f"pool={house.pool_id} client={house.client_id}"
    line = await refused_once(house, lines, "InitiateAuth", **house.by_password(password=CANARY))
    assert line.endswith(f"wrong password; flow=USER_PASSWORD_AUTH {where} user=ann")
    proof = await house.by_srp(password=CANARY)
    line = await refused_once(house, lines, "RespondToAuthChallenge", **proof)
    assert line.endswith(f"wrong password; challenge=PASSWORD_VERIFIER {where} user=ann")
    line = await refused_once(house, lines, "InitiateAuth", **house.by_password(CANARY, CANARY))
    why = "no such user" if hides == "ENABLED" else "User does not exist."
    assert f", {why}; flow=USER_PASSWORD_AUTH {where} unknown-user=" in line
    assert re.search(r"unknown-user=[0-9a-f]{8}$", line)
    assert CANARY not in "".join(lines())


async def test_who_is_unknown_has_the_same_hash_each_time_and_another_in_each_pool(
    api, settle, lines
):
    for pool in range(2):
        house = await settle(api, PreventUserExistenceErrors="ENABLED")
        for _ in range(2):
            await house.api.refused("InitiateAuth", **house.by_password("ghost", "x"))
        assert pool in {0, 1}
    hashes = [line.rpartition("=")[2] for line in lines()]
    assert hashes[0] == hashes[1] != hashes[2] == hashes[3]


async def test_other_reasons_are_told(api, settle, lines, clock):
    house = await settle(api)
    await house.add_user()
    proof = await house.by_srp()
    clock.now += 3600
    line = await refused_once(house, lines, "RespondToAuthChallenge", **proof)
    assert "session is expired" in line
    for _ in range(5):
        await house.api.refused("InitiateAuth", **house.by_password(password="no"))
    line = await refused_once(house, lines, "InitiateAuth", **house.by_password())
    assert "Password attempts exceeded" in line
    await house.add_user("stale")
    prover, asked = await house.ask("stale")
    line = await refused_once(
        house,
        lines,
        "RespondToAuthChallenge",
        **house.proof(prover, asked, stamp="Wed Nov 4 08:00:00 UTC 2026"),
    )
    assert "TIMESTAMP is off" in line
    token = {"ClientId": house.client_id, "RefreshToken": CANARY}
    line = await refused_once(house, lines, "GetTokensFromRefreshToken", **token)
    assert "Invalid Refresh Token" in line
    line = await refused_once(
        house,
        lines,
        "ConfirmForgotPassword",
        ClientId=house.client_id,
        Username="ann",
        ConfirmationCode="123456",
        Password=PASSWORD,
    )
    assert "user=ann" in line


@pytest.mark.parametrize("kind", [PreAuthenticationEvent, PreTokenGenerationEvent])
@pytest.mark.parametrize("error", [ValueError(CANARY), DeniedError(CANARY)])
async def test_a_trigger_that_raises_is_named_without_its_words(start, settle, lines, kind, error):
    def raising(event):
        raise error

    api = await start(triggers=Triggers(on={kind: raising}))
    house = await settle(api)
    await house.add_user()
    line = await refused_once(house, lines, "InitiateAuth", **house.by_password())
    kind_of_error = "DeniedError" if isinstance(error, DeniedError) else "TriggerFailedError"
    assert f"UserLambdaValidationException, {kind.trigger} raised {kind_of_error};" in line
    assert CANARY not in line


@pytest.mark.parametrize(
    "request_",
    [
        {"AuthFlow": CANARY},
        {"AuthParameters": {"USERNAME": CANARY * 9, "PASSWORD": "x"}},
        {"AuthParameters": {"USERNAME": "ann", "PASSWORD": CANARY}, "ClientId": CANARY},
        {"AuthParameters": {"USERNAME": "ann", "PASSWORD": CANARY}, "ClientId": f"{CANARY}!"},
        {"AuthParameters": {"USERNAME": "ann", CANARY: CANARY}},
        {"AuthFlow": "CUSTOM_AUTH", "AuthParameters": {"USERNAME": "a", "CHALLENGE_NAME": CANARY}},
        {"AuthFlow": "USER_SRP_AUTH", "AuthParameters": {"USERNAME": "a", "SRP_A": CANARY}},
        {"AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": {"REFRESH_TOKEN": CANARY}},
        {"ClientMetadata": {"a\nb": CANARY}, "AuthParameters": {"USERNAME": "a\nb"}},
    ],
)
async def test_nothing_that_was_typed_is_told(house, lines, request_):
    await house.add_user()
    whole = {"ClientId": house.client_id, "AuthFlow": "USER_PASSWORD_AUTH", **request_}
    await house.api.refused("InitiateAuth", **whole)
    (line,) = lines()
    assert line.startswith("InitiateAuth refused: ")
    assert CANARY[:8] not in line
    assert line.isprintable()


@given(st.text(min_size=1), st.text(max_size=30), st.text(max_size=30))
def test_a_text_that_holds_what_was_typed_is_left_out_whatever_it_is(typed, before, after):
    request = {"AuthParameters": {"USERNAME": ["x", {"deep": typed}]}}
    error = CognitoError("X", f"{before}{typed}{after}")
    assert _reason(error, request) == ""


def test_the_reason_of_what_caused_it_is_told():
    cause, middle = not_authorized(reason="the cause"), ValueError("secret")
    middle.__cause__ = cause
    error = not_authorized()
    error.__cause__ = middle
    assert _reason(error, {}) == "the cause"


@pytest.mark.parametrize("kind", [ValueError, TriggerFailedError])
def test_what_others_call_their_reason_is_not_told(kind):
    error = CognitoError("X", CANARY)
    error.__cause__ = kind(CANARY)
    error.__cause__.reason = CANARY
    assert _reason(error, {"typed": CANARY}) == ""


MISTAKES = {
    "flow": ({"AuthFlow": "USER_AUTH"}, "ExplicitAuthFlows of the app client do not allow USER"),
    "no such client": ({"ClientId": "0123456789abcdef"}, "no such app client"),
    "another's flow": ({"AuthFlow": "ADMIN_NO_SRP_AUTH"}, "ADMIN_NO_SRP_AUTH is not a flow"),
    "no such flow": ({"AuthFlow": CANARY}, "not valid: authFlow"),
    "no client": ({"ClientId": None}, "not valid: clientId"),
    "bad client": ({"ClientId": f"{CANARY}!"}, "not valid: clientId"),
    "unwanted hash": (
        {"AuthParameters": {"USERNAME": "ann", "PASSWORD": "x", "SECRET_HASH": "Client"}},
        "SECRET_HASH was received, and the app client has no secret",
    ),
    "no name": ({"AuthParameters": {"PASSWORD": "Miss"}}, "Missing required parameter USERNAME"),
    "no password": (
        {"AuthParameters": {"USERNAME": "Missing"}},
        "Missing required parameter PASSWORD",
    ),
    "long name": ({"AuthParameters": {"USERNAME": "x" * 129, "PASSWORD": "x"}}, "USERNAME has mo"),
    "unknown": ({"AuthParameters": {"USERNAME": "User", "PASSWORD": "x"}}, "User does not exist."),
    "no SRP_A": (
        {"AuthFlow": "USER_SRP_AUTH", "AuthParameters": {"USERNAME": "a", "SRP_A": "x"}},
        "SRP_A must be",
    ),
    "refresh": (
        {"AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": {"REFRESH_TOKEN": "Refresh"}},
        "Invalid Refresh Token",
    ),
    "no trigger": (
        {"AuthFlow": "CUSTOM_AUTH", "AuthParameters": {"USERNAME": "Custom"}},
        "trigger is not configured",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_the_reason_of_each_common_mistake_is_told(api, settle, lines, mistake):
    house = await settle(
        api,
        ExplicitAuthFlows=[
            f"ALLOW_{flow}_AUTH"
            for flow in ("USER_PASSWORD", "USER_SRP", "CUSTOM", "REFRESH_TOKEN")
        ],
    )
    given, reason = MISTAKES[mistake]
    whole = {"ClientId": house.client_id, "AuthFlow": "USER_PASSWORD_AUTH"}
    request = {**whole, "AuthParameters": {"USERNAME": "ann", "PASSWORD": "x"}, **given}
    line = await refused_once(house, lines, "InitiateAuth", **request)
    assert reason in line
    assert not line.rstrip().endswith(";")
    assert CANARY not in line


@pytest.mark.parametrize("given", [None, "wrong", "Unable", "Client"])
async def test_the_reason_of_a_wrong_secret_is_told(api, settle, lines, given):
    house = await settle(api, GenerateSecret=True)
    await house.add_user()
    token = (await house.tokens())["RefreshToken"]
    request = house.by_password()
    del request["AuthParameters"]["SECRET_HASH"]
    hashed, secret = {}, {}
    if given is not None:
        hashed, secret = {"SECRET_HASH": given}, {"ClientSecret": given.ljust(24, "x")}
    request["AuthParameters"].update(hashed)
    line = await refused_once(house, lines, "InitiateAuth", **request)
    told = "wrong SECRET_HASH" if given else "SECRET_HASH was not received"
    assert f"{told}; flow=USER_PASSWORD_AUTH pool=" in line
    renewal = {"ClientId": house.client_id, "RefreshToken": token, **secret}
    line = await refused_once(house, lines, "GetTokensFromRefreshToken", **renewal)
    assert f", {'wrong ClientSecret' if given else 'ClientSecret is missing'}; pool=" in line


@pytest.mark.parametrize("operation", ["AdminInitiateAuth", "AdminRespondToAuthChallenge"])
@pytest.mark.parametrize(
    ("pool", "reason"),
    [("us-east-1_nobody", "no such user pool"), (CANARY, "not valid: userPoolId")],
)
async def test_the_reason_of_a_wrong_user_pool_is_told(house, lines, operation, pool, reason):
    request = {"UserPoolId": pool, "ClientId": house.client_id}
    how = (
        {
            "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
            "AuthParameters": {"USERNAME": "us-e", "PASSWORD": "x"},
        }
        if operation == "AdminInitiateAuth"
        else {
            "ChallengeName": "CUSTOM_CHALLENGE",
            "ChallengeResponses": {"USERNAME": "us-e", "ANSWER": "x"},
            "Session": "x" * 30,
        }
    )
    line = await refused_once(house, lines, operation, **request, **how)
    assert f", {reason}" in line
    assert CANARY not in line


async def test_the_reason_of_a_wrong_challenge_is_told(house, lines):
    for name, reason in ((CANARY, "not valid: challengeName"), ("SMS_MFA", "Invalid session")):
        request = house.answer(name, "Invalid session", "x" * 30, SMS_MFA_CODE="123456")
        line = await refused_once(house, lines, "RespondToAuthChallenge", **request)
        assert f", {reason}" in line
        assert CANARY not in line


def test_a_message_is_its_own_reason_only_where_it_is_a_fixed_text():
    for path in Path(authflow.pool.__file__).parent.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "not_authorized":
                fixed = all(isinstance(each, ast.Constant) for each in call.args)
                has_reason = any(each.arg == "reason" for each in call.keywords)
                ours = path.name == "cognito_errors.py"
                assert fixed or has_reason or ours, f"{path}:{call.lineno}"


@pytest.mark.parametrize("length", [1, 2, 3])
def test_errors_that_cause_each_other_have_an_end(length):
    errors = [not_authorized() for _ in range(length)]
    for error, cause in zip(errors, errors[1:] + errors[:1], strict=True):
        error.__cause__ = cause
    assert _reason(errors[0], {}) == "Incorrect username or password."


async def test_operations_that_are_no_sign_ins_are_not_told_of(house, lines):
    await house.api.refused("AdminGetUser", UserPoolId=house.pool_id, Username="ghost")
    await house.api.refused("GetUser", AccessToken="x")
    assert lines() == []


async def test_what_cannot_be_read_is_told_of_too(api, lines):
    assert (await api.post("InitiateAuth", "no JSON"))[0] == 400
    (line,) = lines()
    assert line.startswith("InitiateAuth refused: SerializationException")


async def test_a_flood_fills_no_disk(lines, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("authflow.pool.http.refusal_log._LINES", Budget(per_second=1, burst=3))
    log = RefusalLog(database=None, clock=lambda: now[0])

    class Database:
        async def read(self, job, request):
            return {}

    log.database = Database()
    for _ in range(1000):
        await log.refused("InitiateAuth", {}, not_authorized(reason="wrong password"))
    assert len(lines()) == 3
    now[0] += 1
    await log.refused("InitiateAuth", {}, not_authorized(reason="wrong password"))
    assert lines()[3:] == [
        "997 refused sign-ins were left out here",
        "InitiateAuth refused: NotAuthorizedException, wrong password",
    ]


async def test_each_request_is_one_line_with_its_status_and_time(house, caplog):
    caplog.set_level(logging.DEBUG, "authflow.pool.requests")
    await house.add_user()
    await house.api.refused("InitiateAuth", **house.by_password(password=CANARY))
    await house.api.post(f"Nothing{CANARY}", "{}")
    async with house.api.http.get(f"{house.api.endpoint}/{CANARY}/.well-known/jwks.json"):
        pass
    async with house.api.http.get(f"{house.api.endpoint}/{CANARY}"):
        pass
    told = [r.getMessage() for r in caplog.records if r.name == "authflow.pool.requests"]
    assert [re.sub(r"\d+\.\d ms$", "ms", line) for line in told] == [
        "AdminCreateUser 200 ms",
        "AdminSetUserPassword 200 ms",
        "InitiateAuth 400 ms",
        "(no operation) 400 ms",
        "jwks.json 404 ms",
        "(no operation) 404 ms",
    ]
