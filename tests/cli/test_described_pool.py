"""A pool's settings, read over real HTTP: from moto's Cognito and from the embedded pool.

What AWS refuses comes from a server of our own, for neither of the two refuses anybody.
"""

import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import boto3
import pytest
from aiobotocore.session import AioSession, get_session

from authflow import AuthConfig
from authflow.aws.client_session import client_config
from authflow.cli import described_pool, main
from authflow.cli.described_pool import describe_pool, read_pool
from authflow.errors import ConfigError
from authflow.pool import PoolServer

REGION = "eu-central-1"
ARN = f"arn:aws:lambda:{REGION}:000000000000:function:"
TRIGGERS = ("DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse")
CONFIG = {name: ARN + name for name in TRIGGERS}
CUSTOM = {
    "ExplicitAuthFlows": ["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    "PreventUserExistenceErrors": "ENABLED",
    "GenerateSecret": True,
}
ANY = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}


@pytest.fixture(autouse=True)
def credentials(monkeypatch, tmp_path):
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


@pytest.fixture(scope="module")
def session() -> AioSession:
    """One session for most tests: each would read the service's model anew."""
    return get_session()


@pytest.fixture
def one_session(session, monkeypatch):
    monkeypatch.setattr(described_pool, "get_session", lambda: session)


@pytest.fixture(scope="module")
def moto(aws_url: str) -> str:
    return aws_url


@pytest.fixture(scope="module")
def owner(moto) -> Any:
    return boto3.client("cognito-idp", region_name=REGION, endpoint_url=moto, **ANY)


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    """A folder whose modules can be imported."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("one_session")
def test_a_right_pool_of_motos_is_found_right(moto, owner, capsys):
    pool = owner.create_user_pool(PoolName="p", LambdaConfig=CONFIG)["UserPool"]["Id"]
    owner.create_user_pool_client(UserPoolId=pool, ClientName="web", **CUSTOM)
    assert main(["check", "--pool", pool, "--endpoint", moto]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert [line.split()[0] for line in told.out.splitlines()] == [*["ok"] * 3, "note", "No"]
    assert told.out.endswith(f"No fault was found; the settings of {pool} were read.\n")


@pytest.mark.usefixtures("one_session")
def test_each_fault_of_a_pool_of_motos_is_told(moto, owner, capsys, monkeypatch):
    monkeypatch.setattr(described_pool, "_PAGE", 2)
    config = {"DefineAuthChallenge": ARN + "define"}
    pool = owner.create_user_pool(PoolName="p", LambdaConfig=config, MfaConfiguration="OPTIONAL")[
        "UserPool"
    ]["Id"]
    for number in range(5):
        name = f"web{number}"
        owner.create_user_pool_client(
            UserPoolId=pool, ClientName=name, ExplicitAuthFlows=["ALLOW_CUSTOM_AUTH"]
        )
    assert main(["check", "--pool", pool, "--endpoint", moto, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["pool"], told["holds"], told["sessions"]) == (pool, False, 0)
    why = {each["property"]: each["explanation"] for each in told["properties"]}
    assert "no CreateAuthChallenge" in why["the pool has the three triggers of custom challenges"]
    assert why["an app client allows custom challenges"] == ""
    telling = why["Cognito does not tell who exists before Define is asked"]
    assert all(f"web{number} (" in telling for number in range(5))
    assert any(
        "MfaConfiguration is OPTIONAL: users with MFA skip" in each for each in told["notes"]
    )


HANDLER = """
def handler(event, context):
    session = event["request"]["session"]
    passed = session[-1]["challengeResult"] if session else False
    asks = [each["challengeName"] for each in session] == ["SRP_A"]
    event["response"]["challengeName"] = "PASSWORD_VERIFIER" if asks else None
    event["response"]["issueTokens"] = passed and not asks
    event["response"]["failAuthentication"] = not (passed or asks)
    return event
"""


@pytest.mark.usefixtures("one_session")
def test_a_handler_and_a_pool_are_judged_together(moto, owner, capsys, on_path):
    (on_path / "the_define.py").write_text(HANDLER)
    pool = owner.create_user_pool(PoolName="p", LambdaConfig=CONFIG, MfaConfiguration="ON")[
        "UserPool"
    ]["Id"]
    owner.create_user_pool_client(UserPoolId=pool, ClientName="web", **CUSTOM)
    assert main(["check", "the_define:handler", "--pool", pool, "--endpoint", moto]) == 0
    told = capsys.readouterr().out
    assert [line.split()[0] for line in told.splitlines()] == [*["ok"] * 10, "note", "No"]
    # This Define asks no custom challenge, so MFA skips none.
    assert "MFA" not in told


@pytest.mark.usefixtures("one_session")
@pytest.mark.parametrize(("told", "code"), [(True, 0), (False, 1)])
def test_triggers_are_told_of_capitals_what_the_pool_says(owner, capsys, on_path, told, code):
    module = f"the_triggers_{code}"
    text = f"""from authflow.triggers import Triggers, password
triggers = Triggers(policy=password(), case_sensitive={told})
"""
    (on_path / f"{module}.py").write_text(text)
    names = {"UsernameConfiguration": {"CaseSensitive": True}}
    pool = owner.create_user_pool(PoolName="p", LambdaConfig=CONFIG, **names)["UserPool"]["Id"]
    owner.create_user_pool_client(UserPoolId=pool, ClientName="web", **CUSTOM)
    endpoint = owner.meta.endpoint_url
    asked = ["check", f"{module}:triggers", "--pool", pool, "--endpoint", endpoint]
    assert main(asked) == code
    assert ("Triggers(case_sensitive=True)" in capsys.readouterr().out) is not told


async def test_the_embedded_pool_is_read_without_credentials(session, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    async with (
        PoolServer() as server,
        session.create_client(
            "cognito-idp", region_name=REGION, endpoint_url=server.endpoint, **ANY
        ) as cognito,
    ):
        pool = (await cognito.create_user_pool(PoolName="p", LambdaConfig=CONFIG))["UserPool"]["Id"]
        await cognito.create_user_pool_client(UserPoolId=pool, ClientName="web", **CUSTOM)
        await cognito.create_user_pool_client(UserPoolId=pool, ClientName="old")
        settings = await describe_pool(pool, endpoint=server.endpoint)
    assert (settings.id, settings.mfa, settings.triggers) == (pool, "OFF", CONFIG)
    assert {client.shown.partition(" ")[0]: client.hides_users for client in settings.clients} == {
        "web": True,
        "old": False,
    }


@contextmanager
def answering(answer: dict[str, Any]) -> Iterator[str]:
    """Serve one answer to everything, as AWS gives it where a request is refused."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status, body, *headers = answer.values()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            for name, value in zip(list(answer)[2:], headers, strict=True):
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for all tests here, so that they can share a client."""
    return "asyncio"


@pytest.fixture(scope="module")
async def connected(session: AioSession) -> AsyncIterator[Callable[[int, str], Any]]:
    """Give a client to which everything is answered in one way."""
    answer: dict[str, Any] = {}
    with answering(answer) as endpoint:
        async with session.create_client(
            "cognito-idp",
            region_name=REGION,
            endpoint_url=endpoint,
            config=client_config(),
            **ANY,
        ) as client:

            def answered(status: int, body: str) -> Any:
                answer.update(status=status, body=body)
                return client

            yield answered


def refusal(code: str, message: str = "no") -> str:
    return json.dumps({"__type": code, "message": message})


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (
            400,
            refusal("AccessDeniedException", "User: arn:aws:... is not"),
            "they need cognito-idp",
        ),
        (400, refusal("NotAuthorizedException"), "they need cognito-idp:DescribeUserPool"),
        (400, refusal("ResourceNotFoundException"), "there is no user pool eu-central-1_Abc"),
        (400, refusal("UnrecognizedClientException"), "renew them"),
        (400, refusal("ExpiredTokenException"), "renew them"),
        (400, refusal("InvalidSignatureException"), "renew them"),
        (400, refusal("TooStrangeException", "a\x1b[2Jb\nc"), "TooStrangeException: a\\x1b[2Jb c"),
        (400, "{}", "Cognito refused to describe the pool"),
        (200, "{}", "did not answer as Cognito does"),
        (200, "[]", "did not answer as Cognito does"),
        (200, '{"UserPool": null}', "did not answer as Cognito does"),
        (200, "<html>", "pool cannot be read|did not answer as Cognito"),
        (400, "<html>", "pool cannot be read|did not answer as Cognito|refused"),
    ],
)
async def test_a_refusal_says_in_one_line_what_to_do(connected, status, body, told):
    config = AuthConfig(user_pool_id="eu-central-1_Abc", client_id="any")
    with pytest.raises(ConfigError) as refused:
        await read_pool(connected(status, body), config)
    text = str(refused.value)
    assert any(each in text for each in told.split("|"))
    assert text.isprintable()


@pytest.mark.usefixtures("one_session")
def test_a_redirect_is_not_followed(capsys):
    with answering({"status": 307, "body": "", "Location": "http://127.0.0.1:9/"}) as endpoint:
        assert main(["check", "--pool", "eu-central-1_Abc", "--endpoint", endpoint]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--pool", "nonsense"], "eu-central-1_Abc123def"),
        (["--pool", ""], "eu-central-1_Abc123def"),
        (["--pool", "eu-central-1_\x1b[2J"], "eu-central-1_Abc123def"),
        (["--pool", "EU_x_1"], "must look like"),
        (["--pool", "eu-central-1_Abc", "--endpoint", "http://10.0.0.7"], "https"),
        (["--pool", "eu-central-1_Abc", "--endpoint", "ftp://x"], "endpoint"),
        (["--pool", "eu-central-1_Abc", "--endpoint", "http://127.0.0.1:1"], "cannot be reached"),
        (["--endpoint", "http://127.0.0.1:1"], "--pool"),
        (["json:loads", "--endpoint", "http://127.0.0.1:1"], "--pool"),
        (["json:loads", "--command", "cat", "--pool", "eu-central-1_Abc"], "name either"),
    ],
)
@pytest.mark.usefixtures("one_session")
def test_a_pool_that_cannot_be_read_is_told_in_one_line(arguments, told, capsys):
    assert main(["check", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert told in printed.err
    assert printed.err.removesuffix("\n").isprintable()


@pytest.mark.parametrize("broken", ["none", "half", "profile"])
def test_credentials_that_are_missing_are_told_in_one_line(broken, monkeypatch, capsys):
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    if broken == "none":
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    if broken == "profile":
        monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert main(["check", "--pool", "eu-central-1_Abc"]) == 2
    printed = capsys.readouterr().err
    assert "no usable AWS credentials were found: set AWS_PROFILE" in printed
    assert printed.count("\n") == 1


@pytest.mark.usefixtures("one_session")
async def test_the_secret_of_a_client_is_not_kept(moto, owner, caplog):
    caplog.set_level("DEBUG")
    pool = owner.create_user_pool(PoolName="p")["UserPool"]["Id"]
    made = owner.create_user_pool_client(UserPoolId=pool, ClientName="web", **CUSTOM)
    caplog.clear()
    settings = await describe_pool(pool, endpoint=moto)
    ours = [each for each in caplog.records if not each.name.startswith("werkzeug")]
    told = repr(settings) + "".join(record.getMessage() for record in ours)
    assert made["UserPoolClient"]["ClientSecret"] not in told


async def test_a_malformed_id_is_refused_before_anything_is_asked():
    with pytest.raises(ConfigError, match="user_pool_id"):
        await describe_pool("nonsense", endpoint="http://127.0.0.1:1")
