"""`authflow serve` as a real process: ready, serving, stopping."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from authflow.cli import main, serve_command
from authflow.pool import Budget

TRIGGERS = """
from authflow.triggers import Triggers, challenge, sequence

class Word:
    name = "word"
    metadata = "WORD"

    async def create(self, context):
        from authflow.triggers import Issued
        return Issued(public={"hint": "x"}, private={"answer": "open sesame"})

    async def verify(self, context):
        return context.answer.reveal() == context.private["answer"]

triggers = Triggers(policy=sequence(challenge("word")), challenges=[Word])
"""


@contextmanager
def serving(
    *arguments: str, **popen: Any
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    command = [sys.executable, "-m", "authflow", "serve", "--port", "0", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **popen
    ) as process:
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            if process.poll() is None:
                process.kill()


def owner_of(endpoint: str) -> Any:
    return boto3.client(
        "cognito-idp",
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_it_prints_one_line_when_ready_and_a_signal_ends_it_cleanly(stop):
    with serving() as (process, ready):
        assert ready["endpoint"].startswith("http://127.0.0.1:")
        owner_of(ready["endpoint"]).create_user_pool(PoolName="x")
        process.send_signal(stop)
        assert process.wait(timeout=20) == 0
        assert process.stdout.read() == ""
        assert "Traceback" not in process.stderr.read()


def test_what_is_in_the_file_is_there_after_a_restart_and_what_has_no_effect_is_told(tmp_path):
    path = tmp_path / "users.sqlite"
    security = {"UserPoolAddOns": {"AdvancedSecurityMode": "ENFORCED"}}
    with serving("--db", str(path)) as (process, ready):
        owner = owner_of(ready["endpoint"])
        pool_id = owner.create_user_pool(PoolName="kept", **security)["UserPool"]["Id"]
        owner.update_user_pool(UserPoolId=pool_id, **security)
        owner.admin_create_user(UserPoolId=pool_id, Username="ada")
        process.terminate()
        assert process.wait(timeout=20) == 0
        first = process.stderr.read()
    assert os.stat(path).st_mode & 0o077 == 0
    with serving("--db", str(path)) as (process, ready):
        assert owner_of(ready["endpoint"]).admin_get_user(UserPoolId=pool_id, Username="ada")
        process.terminate()
        told = [
            text.count("AdvancedSecurityMode=ENFORCED") for text in (first, process.stderr.read())
        ]
    assert told == [1, 1]


def test_what_was_acknowledged_survives_a_kill(tmp_path):
    path = tmp_path / "users.sqlite"
    with serving("--db", str(path)) as (process, ready):
        owner = owner_of(ready["endpoint"])
        pool_id = owner.create_user_pool(PoolName="kept")["UserPool"]["Id"]
        process.kill()
        process.wait(timeout=20)
    with serving("--db", str(path)) as (_, ready):
        assert owner_of(ready["endpoint"]).describe_user_pool(UserPoolId=pool_id)


def test_triggers_are_loaded_from_the_current_folder(tmp_path):
    (tmp_path / "my_triggers.py").write_text(TRIGGERS)
    with serving("--triggers", "my_triggers:triggers", cwd=tmp_path) as (_, ready):
        owner = owner_of(ready["endpoint"])
        pool_id = owner.create_user_pool(PoolName="x")["UserPool"]["Id"]
        client = owner.create_user_pool_client(UserPoolId=pool_id, ClientName="x")
        owner.admin_create_user(UserPoolId=pool_id, Username="ada")
        owner.admin_set_user_password(
            UserPoolId=pool_id, Username="ada", Password="Correct-horse-1", Permanent=True
        )
        begun = owner.initiate_auth(
            AuthFlow="CUSTOM_AUTH",
            ClientId=client["UserPoolClient"]["ClientId"],
            AuthParameters={"USERNAME": "ada"},
        )
    assert begun["ChallengeName"] == "CUSTOM_CHALLENGE"
    assert begun["ChallengeParameters"]["hint"] == "x"


def test_the_keys_and_the_configuration_are_published(tmp_path):
    with serving("--issuer", "https://id.example") as (_, ready):
        pool_id = owner_of(ready["endpoint"]).create_user_pool(PoolName="x")["UserPool"]["Id"]
        known = f"{ready['endpoint']}/{pool_id}/.well-known"
        with urllib.request.urlopen(f"{known}/jwks.json") as reply:
            (key,) = json.load(reply)["keys"]
        with urllib.request.urlopen(f"{known}/openid-configuration") as reply:
            configuration = json.load(reply)
    assert (key["kty"], key["alg"]) == ("RSA", "RS256")
    assert "d" not in key
    assert configuration["issuer"] == f"https://id.example/{pool_id}"


def test_an_address_that_others_reach_must_be_asked_for(capsys):
    assert main(["serve", "--host", "0.0.0.0", "--port", "0"]) == 2
    told = capsys.readouterr()
    assert "--allow-remote" in told.err
    assert told.out == ""


def test_names_that_clients_use_are_given_one_by_one():
    given = ("--allow-host", "pool.internal", "--allow-host", "cognito")
    with serving("--host", "0.0.0.0", "--allow-remote", *given) as (_, ready):
        port = ready["endpoint"].rpartition(":")[2]
        asked = []
        for host in ("pool.internal", "cognito:80", "other"):
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/x/.well-known/jwks.json", headers={"Host": host}
            )
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request)
            asked.append(json.load(refused.value)["__type"])
            refused.value.close()
    assert asked == ["ResourceNotFoundException", "ResourceNotFoundException", "ForbiddenException"]


def test_a_port_that_is_taken_is_told_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "authflow", "serve", "--port", port],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
    assert done.returncode != 0
    assert port in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("content", [b"not a database, but long enough to be read as one" * 30])
def test_a_file_that_is_no_pool_is_left_alone(tmp_path, content):
    path = tmp_path / "other.sqlite"
    path.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-m", "authflow", "serve", "--port", "0", "--db", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert path.read_bytes() == content


def test_messages_are_shown_if_asked_for():
    with serving("--show-messages") as (process, ready):
        owner = owner_of(ready["endpoint"])
        pool_id = owner.create_user_pool(PoolName="x")["UserPool"]["Id"]
        client = owner.create_user_pool_client(UserPoolId=pool_id, ClientName="x")
        client_id = client["UserPoolClient"]["ClientId"]
        attributes = {"email": "ada@example.com", "email_verified": "true"}
        owner.admin_create_user(
            UserPoolId=pool_id,
            Username="ada",
            UserAttributes=[{"Name": k, "Value": v} for k, v in attributes.items()],
            MessageAction="SUPPRESS",
        )
        owner.admin_set_user_password(
            UserPoolId=pool_id, Username="ada", Password="Correct-horse-1", Permanent=True
        )
        owner.forgot_password(ClientId=client_id, Username="ada")
        shown = json.loads(process.stdout.readline())
        assert shown["destination"] == "ada@example.com"
        assert shown["code"] in shown["text"]
        owner.confirm_forgot_password(
            ClientId=client_id,
            Username="ada",
            ConfirmationCode=shown["code"],
            Password="Correct-horse-2",
        )
        process.terminate()
        assert process.wait(timeout=20) == 0
        assert shown["code"] not in process.stderr.read()


class PreAuthentication(BaseHTTPRequestHandler):
    """A Lambda endpoint with one function, which refuses everybody."""

    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"errorMessage": f"not {event['userName']}"}).encode()
        self.send_response(200)
        self.send_header("X-Amz-Function-Error", "Unhandled")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def test_functions_are_invoked_at_a_lambda_endpoint():
    with HTTPServer(("127.0.0.1", 0), PreAuthentication) as functions:
        thread = threading.Thread(target=functions.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{functions.server_port}"
            with serving("--lambda-endpoint", url) as (_, ready):
                owner = owner_of(ready["endpoint"])
                arn = "arn:aws:lambda:us-east-1:000000000000:function:guard"
                config = {"PreAuthentication": arn}
                pool = owner.create_user_pool(PoolName="x", LambdaConfig=config)["UserPool"]
                client = owner.create_user_pool_client(
                    UserPoolId=pool["Id"],
                    ClientName="x",
                    ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"],
                )
                owner.admin_create_user(UserPoolId=pool["Id"], Username="ada")
                with pytest.raises(
                    ClientError, match="PreAuthentication failed with error not ada"
                ):
                    owner.initiate_auth(
                        AuthFlow="USER_PASSWORD_AUTH",
                        ClientId=client["UserPoolClient"]["ClientId"],
                        AuthParameters={"USERNAME": "ada", "PASSWORD": "Correct-horse-1"},
                    )
        finally:
            functions.shutdown()
            thread.join()


def test_custom_senders_get_codes_that_are_encrypted_at_a_kms_endpoint(
    aws_url, aws_credentials, tmp_path
):
    kms = boto3.client("kms", endpoint_url=aws_url, region_name="us-east-1")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    sent = tmp_path / "sent"
    (tmp_path / "senders.py").write_text(
        f"""
from authflow.aws import KmsKey
from authflow.triggers import CustomEmailSenderEvent, Triggers

async def send(event):
    async with KmsKey(arn={key!r}, endpoint={aws_url!r}) as key:
        code = await event.decrypted_code(key)
    open({str(sent)!r}, "w").write(code.reveal())

handlers = {{"send": Triggers(on={{CustomEmailSenderEvent: send}})}}
"""
    )
    options = ("--triggers", "senders:handlers", "--kms-endpoint", aws_url)
    with serving(*options, cwd=tmp_path) as (_, ready):
        owner = owner_of(ready["endpoint"])
        arn = "arn:aws:lambda:us-east-1:000000000000:function:send"
        sender = {"LambdaArn": arn, "LambdaVersion": "V1_0"}
        pool = owner.create_user_pool(
            PoolName="x", LambdaConfig={"CustomEmailSender": sender, "KMSKeyID": key}
        )["UserPool"]
        address = [
            {"Name": "email", "Value": "ada@example.com"},
            {"Name": "email_verified", "Value": "true"},
        ]
        owner.admin_create_user(
            UserPoolId=pool["Id"],
            Username="ada",
            UserAttributes=address,
            MessageAction="SUPPRESS",
        )
        owner.admin_set_user_password(
            UserPoolId=pool["Id"], Username="ada", Password="Correct-horse-1", Permanent=True
        )
        owner.admin_reset_user_password(UserPoolId=pool["Id"], Username="ada")
        until = time.monotonic() + 30
        while not (sent.exists() and sent.read_text()) and time.monotonic() < until:
            time.sleep(0.02)
    assert len(sent.read_text()) == 6


@pytest.mark.parametrize("what", ["lambda", "kms"])
def test_an_endpoint_that_others_could_listen_to_must_be_asked_for(what, capsys):
    assert main(["serve", "--port", "0", f"--{what}-endpoint", f"http://{what}.example"]) == 2
    told = capsys.readouterr()
    assert f"--allow-insecure-{what}-endpoint" in told.err
    assert told.out == ""


BROKEN = {
    "raises": "raise ValueError('first\\nsecond \\x1b[2J')",
    "exits": "import sys; sys.exit('no licence')",
    "wrong name": "import no_such_module_anywhere",
    "syntax": "def def",
    "nothing there": "other = 1",
    "wrong object": "triggers = 7",
    "class": "from authflow.triggers import Triggers as triggers",
    "policy": "from authflow.triggers import Policy, password; triggers = Policy(password())",
    "plugin missing": (
        "from authflow.triggers import Triggers, challenge\n"
        "triggers = Triggers(policy=challenge('no-such-plugin'))"
    ),
    "settings": (
        "from authflow.triggers import Triggers, challenge\n"
        "triggers = Triggers(policy=challenge('otp', colour='red'))"
    ),
    "no policy": "from authflow.triggers import Triggers; triggers = Triggers()",
    "mapping": "triggers = {'one': 7}",
    "method of what lacks a plugin": (
        "from authflow.triggers import Triggers, challenge\n"
        "bad = Triggers(policy=challenge('no-such-plugin'))\n"
        "triggers = {'f': bad.lambda_handler}"
    ),
    "load awaits": (
        "class Set:\n    sources = {'UserMigration'}\n"
        "    async def handle(self, event): ...\n"
        "    async def load(self): raise RuntimeError('first\\nsecond')\n"
        "triggers = Set()"
    ),
    "key": "triggers = {'arn:aws:lambda:nope': lambda event, context: event}",
    "surrogate": "raise ValueError('\\udcff')",
}


@pytest.mark.parametrize("why", BROKEN)
def test_broken_triggers_are_told_in_one_line_and_nothing_is_served(
    tmp_path, monkeypatch, capsys, why
):
    name = f"broken_{why.replace(' ', '_')}"
    (tmp_path / f"{name}.py").write_text(BROKEN[why])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("authflow.cli.serve_command.serve", None)  # it must not come to this
    assert main(["serve", "--port", "0", "--triggers", f"{name}:triggers"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    (line,) = told.err.splitlines()
    assert line.startswith("authflow: ")
    assert line.isprintable()
    assert len(line) < 600


@pytest.mark.parametrize(
    "option",
    [
        *(["--name-budget", text] for text in ("", "x", "0", "-1", "1:0", "1:x", "nan", "1:2:3")),
        *(["--max-wait", text] for text in ("0", "-1", "nan")),
        ["--address-budget", "much"],
    ],
    ids=" ".join,
)
def test_a_budget_that_is_none_is_told(option, capsys):
    assert main(["serve", "--port", "0", *option]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("authflow: ")


@pytest.mark.parametrize("text", ["20", "20:200", "20.0:2e2"])
def test_a_budget_is_a_rate_and_a_burst(text):
    assert serve_command.budget(text) == Budget(per_second=20, burst=200)


def test_refusals_and_requests_are_told_on_standard_error():
    settings = ("-v", "--name-budget", "1:2", "--max-wait", "5")
    with serving(*settings) as (process, ready):
        owner = owner_of(ready["endpoint"])
        pool_id = owner.create_user_pool(PoolName="x")["UserPool"]["Id"]
        client = owner.create_user_pool_client(
            UserPoolId=pool_id, ClientName="x", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
        )
        client_id = client["UserPoolClient"]["ClientId"]
        with pytest.raises(ClientError, match="UserNotFoundException"):
            owner.initiate_auth(
                AuthFlow="USER_PASSWORD_AUTH",
                ClientId=client_id,
                AuthParameters={"USERNAME": "hunter2", "PASSWORD": "hunter2"},
            )
        process.terminate()
        assert process.wait(timeout=20) == 0
        assert process.stdout.read() == ""
        told = process.stderr.read()
    assert "hunter2" not in told
    pool, app, refused, request = told.splitlines()
    assert "authflow.pool.requests: CreateUserPool 200 " in pool
    assert "authflow.pool.requests: CreateUserPoolClient 200 " in app
    assert "INFO authflow.pool.refusals: InitiateAuth refused: UserNotFoundException, " in refused
    assert f"pool={pool_id} client={client_id} unknown-user=" in refused
    assert "authflow.pool.requests: InitiateAuth 400 " in request


@pytest.mark.parametrize(
    "message",
    ["a\nb", "a\r\nINFO forged", "\x1b[2J", "\u202e", "x" * 9000, "a\nb\nc\n", "\x85\u2028"],
)
@pytest.mark.parametrize("raised", [False, True])
def test_a_log_line_is_one_line_whatever_stands_in_it(message, raised):
    told = None
    try:
        if raised:
            raise ValueError(message)
    except ValueError:
        told = sys.exc_info()
    record = logging.LogRecord("n", logging.INFO, "", 0, "said %s", (message,), told)
    first, *others = serve_command.OneLine().format(record).split("\n")
    assert first.isprintable()
    assert len(first) <= 2000
    assert "n: said " in first
    assert bool(others) is raised
    assert all(line.isprintable() and line.startswith("    ") for line in others)


def test_a_server_that_has_ended_leaves_the_log_of_the_process_as_it_was(monkeypatch, tmp_path):
    def state():
        names = (None, "authflow.pool", "authflow.pool.requests")
        loggers = [logging.getLogger(name) for name in names]
        return [(logger.level, [*logger.handlers]) for logger in loggers]

    async def served(**settings):
        assert logging.getLogger("authflow.pool.requests").isEnabledFor(logging.DEBUG)

    monkeypatch.setattr("authflow.cli.serve_command.serve", served)
    before = state()
    assert main(["serve", "--port", "0", "-v"]) == 0
    assert state() == before


@pytest.mark.parametrize(("option", "region"), [([], "us-east-1"), (["--region", "eu-1"], "eu-1")])
def test_the_region_of_new_pools_can_be_chosen(monkeypatch, option, region):
    given = {}

    async def served(**settings):
        given.update(settings)

    monkeypatch.setattr(serve_command, "serve", served)
    assert main(["serve", "--port", "0", *option]) == 0
    assert given["region"] == region


@pytest.mark.parametrize("region", ["", "x y", "eu_1", "EU-1", "a" * 33, "\x1b[2J", "eu-1\n"])
def test_a_region_that_no_pools_id_can_begin_with_is_refused(region, capsys):
    assert main(["serve", "--port", "0", "--region", region]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "must look like eu-central-1" in told.err
    assert told.err.rstrip("\n").isprintable()
