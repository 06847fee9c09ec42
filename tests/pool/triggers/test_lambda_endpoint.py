"""Functions behind a Lambda endpoint: whole sign-ins in two languages, and every fault."""

import json
import logging
import socket
import time

import pytest
from aiohttp import web

from authflow import AuthClient, AuthConfig, AuthFlow, ChallengeRequired, SignedIn
from authflow.errors import ConfigError
from authflow.pool import PoolServer

PASSWORD = "Corr3ct-Horse"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:{}"
SOURCES = ("DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse")


@pytest.fixture
async def auth_client(endpoint_house):
    config = AuthConfig(
        user_pool_id=endpoint_house.pool_id,
        client_id=endpoint_house.client_id,
        endpoint=endpoint_house.api.endpoint,
    )
    async with AuthClient(config) as auth:
        yield auth


@pytest.fixture(params=["python", pytest.param("node", marks=pytest.mark.system("node"))])
async def language(request, local_lambda, python_function, node_function):
    local_lambda.functions["one"] = (
        python_function("riddle.py")
        if request.param == "python"
        else await node_function("riddle.mjs")
    )


@pytest.mark.usefixtures("language")
@pytest.mark.parametrize("password", [None, PASSWORD], ids=["no password", "SRP first"])
async def test_our_client_signs_in_by_a_function_in_any_language(
    local_lambda, auth_client, password, clock
):
    clock.now = time.time()  # the client looks at the tokens' times
    asked = await auth_client.sign_in("ann", password, flow=AuthFlow.CUSTOM_AUTH)
    assert isinstance(asked, ChallengeRequired)
    asked = await auth_client.answer(asked, "5")
    assert isinstance(await auth_client.answer(asked, "4"), SignedIn)
    first, *_, last = local_lambda.requests
    assert first[0] == last[0] == ARN.format("one")
    proved = ["SRP_A", "PASSWORD_VERIFIER"] if password else []
    names = [one["challengeName"] for one in last[1]["request"]["session"]]
    assert names == [*proved, "CUSTOM_CHALLENGE", "CUSTOM_CHALLENGE"]


@pytest.mark.usefixtures("language")
async def test_a_function_in_any_language_may_throw(endpoint_house):
    asked = await endpoint_house.api("InitiateAuth", **endpoint_house.begin("CUSTOM_AUTH"))
    answer = endpoint_house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER="throw")
    refusal = await endpoint_house.api.refused("RespondToAuthChallenge", **answer)
    assert (refusal.code, refusal.message) == (
        "UserLambdaValidationException",
        "VerifyAuthChallengeResponse failed with error no more riddles.",
    )


def failing(status, code="ServiceException"):
    headers = {"X-Amzn-ErrorType": code}
    return web.json_response({"message": "table 7 is locked"}, status=status, headers=headers)


async def breaking(request):
    request.transport.close()
    return web.Response()


async def half(request):
    reply = web.StreamResponse(headers={"Content-Length": "1000"})
    await reply.prepare(request)
    await reply.write(b'{"response": {')
    request.transport.close()
    return reply


async def begun(house):
    return await house.api("InitiateAuth", **house.begin("CUSTOM_AUTH"))


@pytest.mark.parametrize(
    "fault",
    [
        lambda: failing(429, "TooManyRequestsException"),
        lambda: failing(500),
        lambda: failing(503),
        lambda: breaking,
        lambda: half,
    ],
    ids=["throttled", "failed", "unavailable", "no reply", "half a reply"],
)
async def test_what_may_go_better_is_tried_three_times(endpoint_house, local_lambda, fault):
    local_lambda.next = [fault(), fault()]
    assert (await begun(endpoint_house))["ChallengeName"] == "CUSTOM_CHALLENGE"
    assert len(local_lambda.requests) == 4  # three for Define, one for Create
    local_lambda.next = [fault() for _ in range(4)]
    local_lambda.requests.clear()
    request = endpoint_house.begin("CUSTOM_AUTH")
    refusal = await endpoint_house.api.refused("InitiateAuth", **request)
    assert refusal.code == "UnexpectedLambdaException"
    assert refusal.message.startswith("DefineAuthChallenge invocation failed: ")
    assert "table" not in refusal.message
    assert len(local_lambda.requests) == 3


@pytest.mark.parametrize(
    "fault",
    [
        failing(400, "InvalidRequestContentException"),
        failing(403, "AccessDeniedException"),
        failing(404, "ResourceNotFoundException"),
        web.Response(status=404, text="<html>no such page</html>"),
    ],
    ids=["invalid", "denied", "missing", "a web page"],
)
async def test_what_cannot_go_better_is_tried_once(endpoint_house, local_lambda, fault):
    local_lambda.next = [fault]
    request = endpoint_house.begin("CUSTOM_AUTH")
    refusal = await endpoint_house.api.refused("InitiateAuth", **request)
    assert (refusal.code, refusal.message) == (
        "UnexpectedLambdaException",
        "DefineAuthChallenge invocation failed: the function cannot be invoked.",
    )
    assert len(local_lambda.requests) == 1


async def test_a_function_that_the_endpoint_does_not_have_fails_closed(
    endpoint_house, local_lambda
):
    local_lambda.functions.clear()
    request = endpoint_house.begin("CUSTOM_AUTH")
    refusal = await endpoint_house.api.refused("InitiateAuth", **request)
    assert refusal.code == "UnexpectedLambdaException"


async def test_an_endpoint_that_is_not_there_fails_closed(start, settle):
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]
    api = await start(lambda_endpoint=f"http://127.0.0.1:{port}")
    house = await settle(api, {"LambdaConfig": {"PreAuthentication": ARN.format("one")}})
    await house.add_user()
    refusal = await api.refused("InitiateAuth", **house.by_password())
    assert (refusal.code, refusal.message) == (
        "UnexpectedLambdaException",
        "PreAuthentication invocation failed: the endpoint cannot be reached.",
    )


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(endpoint_house, local_lambda, status):
    elsewhere = f"{local_lambda.url}/2015-03-31/functions/{ARN.format('two')}/invocations"
    local_lambda.next = [web.Response(status=status, headers={"Location": elsewhere})]
    request = endpoint_house.begin("CUSTOM_AUTH")
    refusal = await endpoint_house.api.refused("InitiateAuth", **request)
    assert refusal.code == "UnexpectedLambdaException"
    assert len(local_lambda.requests) == 1


def replying(body, **headers):
    return web.Response(body=body, headers=headers, content_type="application/json")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"<html></html>", b"\xff", b"[" * 100_000, b'"' + b"x" * 6 * 1024 * 1024 + b'"'],
    ids=["nothing", "cut off", "a web page", "no UTF-8", "too deep", "too long"],
)
async def test_what_is_no_json_ends_the_sign_in(endpoint_house, local_lambda, body):
    local_lambda.next = [replying(body)]
    request = endpoint_house.begin("CUSTOM_AUTH")
    refusal = await endpoint_house.api.refused("InitiateAuth", **request)
    assert (refusal.code, refusal.message) == (
        "InvalidLambdaResponseException",
        "Invalid lambda function output : Invalid JSON",
    )
    assert len(local_lambda.requests) == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"errorMessage": "sold out", "errorType": "Error"}', "sold out"),
        (b'{"errorMessage": 7}', ""),
        (b"[]", ""),
        (b"the runtime died", ""),
        (b"", ""),
    ],
)
@pytest.mark.parametrize("kind", ["Unhandled", "Handled"])
async def test_a_function_error_is_a_refusal(endpoint_house, local_lambda, body, message, kind):
    local_lambda.next = [replying(body, **{"X-Amz-Function-Error": kind})]
    request = endpoint_house.begin("CUSTOM_AUTH")
    refusal = await endpoint_house.api.refused("InitiateAuth", **request)
    assert (refusal.code, refusal.message) == (
        "UserLambdaValidationException",
        f"DefineAuthChallenge failed with error {message}.",
    )


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        *((name, name) for name in ("Error", "ValueError", "java.lang.RuntimeException")),
        *((name, name) for name in ("Runtime.ExitError", "Sandbox.Timedout")),
        *((name, "an error") for name in ("hunter2", "no: hunter2Error", "hunter2\nError", "", 7)),
    ],
)
async def test_an_error_is_logged_by_its_type_if_it_is_one(
    endpoint_house, local_lambda, caplog, kind, shown
):
    body = json.dumps({"errorMessage": "hunter2", "errorType": kind}).encode()
    local_lambda.next = [replying(body, **{"X-Amz-Function-Error": "Unhandled"})]
    await endpoint_house.api.refused("InitiateAuth", **endpoint_house.begin("CUSTOM_AUTH"))
    assert f"DefineAuthChallenge raised {shown}\n" in caplog.text
    assert "hunter2" not in caplog.text


async def test_connections_are_kept(endpoint_house, local_lambda):
    for _ in range(3):
        await begun(endpoint_house)
    assert len(local_lambda.requests) == 6
    assert len(local_lambda.connections) == 1


async def test_requests_are_signed_with_the_credentials_of_the_environment(
    start, settle, local_lambda, monkeypatch
):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the environment")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    local_lambda.functions["one"] = lambda event, context: event
    api = await start(lambda_endpoint=local_lambda.url)
    house = await settle(api, {"LambdaConfig": {"PreAuthentication": ARN.format("one")}})
    await house.add_user()
    await house.tokens()
    (headers,) = local_lambda.headers
    assert "Credential=AKIAEXAMPLE/" in headers["Authorization"]
    assert "/eu-central-1/lambda/" in headers["Authorization"]
    assert headers["X-Amz-Invocation-Type"] == "RequestResponse"


async def test_plain_http_takes_no_way_round_by_a_proxy(start, settle, local_lambda, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    local_lambda.functions["one"] = lambda event, context: event
    api = await start(lambda_endpoint=local_lambda.url)
    house = await settle(api, {"LambdaConfig": {"PreAuthentication": ARN.format("one")}})
    await house.add_user()
    await house.tokens()
    assert len(local_lambda.requests) == 1


async def test_half_of_the_credentials_is_refused(local_lambda, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    with pytest.raises(ConfigError, match="AWS_SECRET_ACCESS_KEY"):
        async with PoolServer(lambda_endpoint=local_lambda.url):
            pass


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://lambda.example", "must be https"),
        ("http://127.0.0.1.example:9001", "must be https"),
        ("ftp://127.0.0.1", "must be a URL"),
        ("127.0.0.1:9001", "must be a URL"),
        ("http://", "must be a URL"),
        ("http://user:pw@127.0.0.1", "must be a URL"),
        ("http://127.0.0.1:port", "must be a URL"),
        ("http://[::1", "must be a URL"),
    ],
)
async def test_an_unsafe_endpoint_is_refused_at_the_start(url, why):
    with pytest.raises(ConfigError, match=why):
        async with PoolServer(lambda_endpoint=url):
            pass


@pytest.mark.parametrize(
    "settings",
    [
        {"lambda_endpoint": "https://lambda.example"},
        {"lambda_endpoint": "http://localhost:9001"},
        {"lambda_endpoint": "http://[::1]:9001"},
        {"lambda_endpoint": "http://lambda.example", "allow_insecure_lambda_endpoint": True},
    ],
)
async def test_a_safe_endpoint_or_one_that_is_allowed_is_taken(local_lambda, settings):
    async with PoolServer(**settings) as pool:
        assert pool.endpoint


async def test_handlers_at_hand_come_before_functions_elsewhere(start, settle, local_lambda):
    here = []

    def handler(event, context):
        here.append(event["triggerSource"])
        return event

    local_lambda.functions["there"] = lambda event, context: event
    api = await start(triggers={"here": handler}, lambda_endpoint=local_lambda.url)
    config = {"PreAuthentication": ARN.format("here"), "PostAuthentication": ARN.format("there")}
    house = await settle(api, {"LambdaConfig": config})
    await house.add_user()
    await house.tokens()
    assert here == ["PreAuthentication_Authentication"]
    assert [name for name, _ in local_lambda.requests] == [ARN.format("there")]


async def test_passwords_and_answers_are_never_logged(start, settle, local_lambda, caplog):
    caplog.set_level(logging.DEBUG)
    secrets = ["canary-password-1", "canary-answer-2", "canary-private-3"]

    def handler(event, context):
        source = event["triggerSource"].partition("_")[0]
        attributes = {"email": "old@example.org"}
        responses = {
            "UserMigration": {"userAttributes": attributes, "messageAction": "SUPPRESS"},
            "DefineAuthChallenge": {"challengeName": "CUSTOM_CHALLENGE"},
            "CreateAuthChallenge": {"privateChallengeParameters": {"answer": secrets[2]}},
            "VerifyAuthChallengeResponse": {"answerCorrect": False},
        }
        return {**event, "response": responses[source]}

    local_lambda.functions["one"] = handler
    api = await start(lambda_endpoint=local_lambda.url)
    config = dict.fromkeys((*SOURCES, "UserMigration"), ARN.format("one"))
    house = await settle(api, {"LambdaConfig": config})
    await api("InitiateAuth", **house.by_password("old", secrets[0]))
    asked = await api("InitiateAuth", **house.begin("CUSTOM_AUTH", "old"))
    answer = house.answer("CUSTOM_CHALLENGE", "old", asked["Session"], ANSWER=secrets[1])
    await api("RespondToAuthChallenge", **answer)
    local_lambda.next = [failing(500) for _ in range(3)]
    await api.refused("InitiateAuth", **house.by_password("other", secrets[0]))
    sent = str(local_lambda.requests)
    assert all(secret in sent for secret in secrets)
    assert not any(secret in caplog.text for secret in secrets)
    assert "DefineAuthChallenge" not in caplog.text
    assert "UserMigration" in caplog.text  # the failure itself is told
