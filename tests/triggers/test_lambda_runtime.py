"""The triggers under AWS's own Python runtime client, which talks to a Lambda runtime API here.

The API is what "Building a custom runtime for AWS Lambda" in the AWS Lambda developer guide says:
the runtime asks for the next invocation, and posts its response, its error, or that it could not
start.
"""

import json
import os
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from attrs import define, field, frozen

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="awslambdaric needs Linux")

LoadEvent = Callable[..., dict[str, Any]]

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:triggers"
ROOT = "/2018-06-01/runtime"
ANSWER = "canary-open-sesame"

HANDLER = '''
import asyncio
import logging

from authflow.triggers import Issued, Triggers, challenge, password, sequence

logging.getLogger().setLevel(logging.DEBUG)


class Word:
    """Asks a service for the word, over a connection that it keeps."""

    name = "word"
    metadata = "WORD"

    def __init__(self, port):
        self.port = port
        self.connection = None

    async def create(self, context):
        if self.connection is None:
            self.connection = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.connection
        writer.write(b"word?\\n")
        word = (await reader.readline()).decode().strip()
        return Issued(public={"hint": "a door"}, private={"answer": word})

    async def verify(self, context):
        if context.answer.reveal() == "raise":
            raise RuntimeError("canary-internals of " + context.private["answer"])
        return context.answer.reveal() == context.private["answer"]


triggers = Triggers(
    policy=sequence(password(), challenge("word", attempts=2, port=PORT)),
    challenges=[Word],
    user_pool_id="eu-central-1_EXAMPLE01",
)
lambda_handler = triggers.lambda_handler
'''


class WordService(socketserver.ThreadingTCPServer):
    """Tells the word to whoever asks, line by line, and counts who connected."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        self.connections = 0
        super().__init__(("127.0.0.1", 0), Tell)


class Tell(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.server.connections += 1
        with suppress(ConnectionError):  # a function ends without farewell
            for _ in self.rfile:
                self.wfile.write(f"{ANSWER}\n".encode())


@frozen
class Outcome:
    """What the runtime posted: to which path, and what."""

    path: str
    body: Any

    @property
    def kind(self) -> str:
        return self.path.rpartition("/")[2]


class RuntimeApi(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        self.invocations: Queue[tuple[str, bytes]] = Queue()
        self.outcomes: Queue[Outcome] = Queue()
        super().__init__(("127.0.0.1", 0), RuntimeRequest)


class RuntimeRequest(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for a reply
    disable_nagle_algorithm = True
    server: RuntimeApi

    def do_GET(self) -> None:
        assert self.path == f"{ROOT}/invocation/next"
        request_id, body = self.server.invocations.get()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 5000),
            "Lambda-Runtime-Invoked-Function-Arn": ARN,
            "Content-Type": "application/json",
        }
        self.reply(200, body, headers)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == f"{ROOT}/init/error":
            # Its body comes encoded twice, as this client of AWS's sends it.
            body = json.loads(body) if isinstance(body, str) else body
        self.reply(202, b"{}", {})
        self.server.outcomes.put(Outcome(self.path, body))

    def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Keep quiet."""


@define
class Function:
    """A Lambda function that is running."""

    api: RuntimeApi
    process: subprocess.Popen[bytes]
    log_file: Path
    _count: int = field(default=0, init=False)

    def invoke(self, event: object) -> Outcome:
        """Send an event, and give what came of it."""
        self._count += 1
        request_id = f"request-{self._count}"
        self.api.invocations.put((request_id, json.dumps(event).encode()))
        outcome = self.outcome()
        assert outcome.path.startswith(f"{ROOT}/invocation/{request_id}/")
        return outcome

    def serve(self, event: object) -> Any:
        """Send an event that must be served, and give the response in it."""
        outcome = self.invoke(event)
        assert outcome.kind == "response", outcome.body
        return outcome.body["response"]

    def outcome(self) -> Outcome:
        return self.api.outcomes.get(timeout=30)

    @property
    def log(self) -> str:
        """What it has printed."""
        return self.log_file.read_text()


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=[0.02])
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


Start = Callable[[str], Any]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Start a function from the text of its handler's module."""

    @contextmanager
    def start(module: str) -> Iterator[Function]:
        (tmp_path / "my_triggers.py").write_text(module)
        api = RuntimeApi()
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_port}",
            "AWS_LAMBDA_LOG_LEVEL": "DEBUG",
            "AWS_LAMBDA_FUNCTION_NAME": "triggers",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "LAMBDA_TASK_ROOT": str(tmp_path),
            "_HANDLER": "my_triggers.lambda_handler",
        }
        log_file = tmp_path / "log"
        with (
            serving(api),
            log_file.open("wb") as log,
            subprocess.Popen(
                [sys.executable, "-m", "awslambdaric", environment["_HANDLER"]],
                cwd=tmp_path,
                env=environment,
                stdout=log,
                stderr=log,
            ) as process,
        ):
            try:
                yield Function(api, process, log_file)
            finally:
                api.invocations.put(("the end", b"{}"))  # wakes the thread that serves `next`
                process.terminate()

    return start


@pytest.fixture
def words() -> Iterator[WordService]:
    service = WordService()
    with serving(service):
        yield service


@pytest.fixture
def handler(words: WordService) -> str:
    return HANDLER.replace("PORT", str(words.server_address[1]))


def entry(name: str, *, passed: bool, metadata: str | None = None) -> dict[str, Any]:
    return {"challengeName": name, "challengeResult": passed, "challengeMetadata": metadata}


SRP = [entry("SRP_A", passed=True)]
PROVED = [*SRP, entry("PASSWORD_VERIFIER", passed=True)]


def sign_in(serve: Callable[[object], Any], load_event: LoadEvent, answers: list[str]) -> Any:
    """Go through a sign-in as Cognito would, and give Define's last decision."""
    asked = serve(load_event("define_after_srp_a", session=SRP))
    assert asked["challengeName"] == "PASSWORD_VERIFIER"
    session = PROVED
    for answer in answers:
        asked = serve(load_event("define_first", session=session))
        assert asked["challengeName"] == "CUSTOM_CHALLENGE"
        created = serve(load_event("create_first", session=session))
        assert created["publicChallengeParameters"]["hint"] == "a door"
        private = created["privateChallengeParameters"]
        verified = serve(
            load_event("verify", privateChallengeParameters=private, challengeAnswer=answer)
        )
        passed = verified["answerCorrect"]
        assert passed is (answer == ANSWER)
        metadata = created["challengeMetadata"]
        session = [*session, entry("CUSTOM_CHALLENGE", passed=passed, metadata=metadata)]
    return serve(load_event("define_first", session=session))


def decision(response: Any) -> tuple[bool, bool]:
    return response["issueTokens"], response["failAuthentication"]


def test_a_whole_sign_in_is_served_by_one_process(
    start: Start, handler: str, load_event: LoadEvent
):
    with start(handler) as function:
        assert decision(sign_in(function.serve, load_event, [ANSWER])) == (True, False)
        assert decision(sign_in(function.serve, load_event, ["wrong", ANSWER])) == (True, False)
        assert decision(sign_in(function.serve, load_event, ["wrong", "wrong"])) == (False, True)


def test_a_sign_in_goes_on_where_every_event_meets_a_cold_start(
    start: Start, handler: str, load_event: LoadEvent
):
    def serve_cold(event: object) -> Any:
        with start(handler) as function:
            return function.serve(event)

    assert decision(sign_in(serve_cold, load_event, [ANSWER])) == (True, False)


def test_what_a_plugin_keeps_open_lives_on_while_the_function_is_warm(
    start: Start, handler: str, words: WordService, load_event: LoadEvent
):
    with start(handler) as function:
        for _ in range(25):
            assert decision(sign_in(function.serve, load_event, [ANSWER])) == (True, False)
    assert words.connections == 1


def test_an_error_of_a_plugin_reaches_cognito_as_our_text_alone(
    start: Start, handler: str, load_event: LoadEvent
):
    with start(handler) as function:
        created = function.serve(load_event("create_first", session=PROVED))
        private = created["privateChallengeParameters"]
        outcome = function.invoke(
            load_event("verify", privateChallengeParameters=private, challengeAnswer="raise")
        )
        again = function.invoke(load_event("define_after_srp_a", session=SRP))
    assert outcome.kind == "error"
    assert outcome.body["errorType"] == "PluginFailedError"
    assert outcome.body["errorMessage"] == "the challenge 'word' failed"
    assert "canary" not in json.dumps(outcome.body)
    assert again.kind == "response", "an error must not end the function"


@pytest.mark.parametrize("change", [{"userPoolId": "eu-central-1_OTHER"}, {"triggerSource": "?"}])
def test_an_event_for_somebody_else_is_an_error(
    start: Start, handler: str, load_event: LoadEvent, change: dict[str, str]
):
    with start(handler) as function:
        outcome = function.invoke({**load_event("define_first"), **change})
    assert (outcome.kind, outcome.body["errorType"]) == ("error", "EventError")
    assert outcome.body["errorMessage"].startswith("the event")


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ("", "ConfigError", "Triggers needs a policy"),
        ("policy=challenge('word', attempts=0)", "ConfigError", "1 to 20 attempts"),
        ("directory=object()", "ConfigError", "object has no method authenticate"),
        ("client_ids='abc', policy=challenge('word')", "ConfigError", "not one string"),
    ],
)
def test_broken_settings_are_an_error_at_the_start_that_says_what_is_wrong(
    start: Start, settings: str, error: str, says: str
):
    module = "from authflow.triggers import Triggers, challenge\n"
    module += f"lambda_handler = Triggers({settings}).lambda_handler\n"
    with start(module) as function:
        outcome = function.outcome()
        assert function.process.wait(timeout=30) == 1
    assert outcome.path == f"{ROOT}/init/error"
    assert outcome.body["errorType"] == error
    assert says in outcome.body["errorMessage"]


def test_a_plugin_that_is_not_in_the_bundle_is_an_error_at_the_start(start: Start):
    module = "from authflow.triggers import Triggers, challenge, sequence\n"
    module += "triggers = Triggers(policy=sequence(challenge('riddle')))\n"
    with start(module) as function:
        outcome = function.outcome()
    assert outcome.path == f"{ROOT}/init/error"
    assert outcome.body["errorType"] == "PluginNotFoundError"
    assert "register its class explicitly" in outcome.body["errorMessage"]


def test_the_log_holds_no_answer_and_no_word(start: Start, handler: str, load_event: LoadEvent):
    with start(handler) as function:
        created = function.serve(load_event("create_first", session=PROVED))
        private = created["privateChallengeParameters"]
        sign_in(function.serve, load_event, ["canary-wrong", "canary-wrong-too"])
        sign_in(function.serve, load_event, ["canary-wrong", ANSWER])
        for answer in ("raise", "canary-wrong"):
            event = load_event("verify", privateChallengeParameters=private, challengeAnswer=answer)
            function.invoke(event)
            function.invoke({**event, "userPoolId": "eu-central-1_OTHER"})
    assert "PluginFailedError" in function.log
    assert "authentication failed" in function.log
    assert "canary" not in function.log
