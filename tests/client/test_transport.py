"""The transport: what is sent again and what never is, and what each failure is called."""

import asyncio
import logging
import socket
import traceback

import anyio
import pytest
from attrs import evolve

from authflow import AuthClient, AuthConfig, Secret
from authflow.client.transport import open_transport
from authflow.errors import (
    AuthFlowError,
    BadCredentialsError,
    ConfigError,
    LockedOutError,
    MalformedReplyError,
    OutcomeUnknownError,
    RequestBlockedError,
    RequestRejectedError,
    ServerFaultError,
    ThrottledError,
    TimedOutError,
    UnreachableError,
)
from authflow.machine import AuthFlow
from authflow.wire import read_done, read_reply
from authflow.wire.auth_parameters import ByPassword

TOKENS = {"AuthenticationResult": {"AccessToken": "a", "IdToken": "i", "ExpiresIn": 3600}}


def initiate(config: AuthConfig):
    return config.app_client.initiate_auth(
        AuthFlow.USER_PASSWORD_AUTH, "ada", ByPassword(Secret("canary-password"))
    )


def respond(config: AuthConfig):
    return config.app_client.respond(
        "CUSTOM_CHALLENGE", "ada", {"ANSWER": "canary-answer"}, session=Secret("s" * 20)
    )


async def test_one_request_is_one_unsigned_post_with_a_fixed_user_agent(scripted):
    async with scripted.serve(TOKENS) as server, open_transport(server.config()) as transport:
        await transport.send(initiate(server.config()), read_reply)
    (headers,) = server.headers
    assert headers["user-agent"].startswith("authflow ")
    assert headers["x-amz-target"] == "AWSCognitoIdentityProviderService.InitiateAuth"
    assert "authorization" not in headers
    assert server.requests[0][1]["AuthParameters"]["PASSWORD"] == "canary-password"


@pytest.mark.parametrize("fault", ["hang_up", "half", "hang"])
async def test_an_answer_whose_reply_is_lost_is_never_sent_again(scripted, fault):
    async with (
        scripted.serve(getattr(scripted, fault), TOKENS) as server,
        open_transport(server.config(read_timeout=0.3)) as transport,
    ):
        with pytest.raises(OutcomeUnknownError) as lost:
            await transport.send(respond(server.config()), read_reply)
        assert server.operations == ["RespondToAuthChallenge"]
    assert lost.value.next_step == "restart"


LOST = [
    *((fault, {"read_timeout": 0.3}) for fault in ("hang_up", "half", "hang")),
    *((status, {}) for status in (500, 502, 503)),
]


@pytest.mark.parametrize(("fault", "settings"), LOST, ids=lambda value: str(value)[:8])
async def test_a_refresh_whose_reply_is_lost_may_have_counted_and_is_never_sent_again(
    scripted, fault, settings
):
    """With rotation the refresh token may be used up: a second request would end the sign-in."""
    lost = (
        scripted.error("InternalErrorException", status=fault)
        if isinstance(fault, int)
        else getattr(scripted, fault)
    )
    async with (
        scripted.serve(lost, TOKENS) as server,
        AuthClient(server.config(**settings)) as auth,
    ):
        with pytest.raises(OutcomeUnknownError) as unknown:
            await auth.refresh(Secret("canary-refresh"))
        assert server.operations == ["GetTokensFromRefreshToken"]
    assert unknown.value.next_step == "restart"
    assert "canary" not in told_with_locals(unknown.value)


@pytest.mark.parametrize(
    ("fault", "error"),
    [("hang_up", UnreachableError), ("half", UnreachableError), ("hang", TimedOutError)],
)
async def test_a_sign_in_whose_first_reply_is_lost_is_not_begun_twice(scripted, fault, error):
    """CUSTOM_AUTH's first request may send a code to the user: a second one is the caller's."""
    async with (
        scripted.serve(getattr(scripted, fault), TOKENS) as server,
        open_transport(server.config(read_timeout=0.3)) as transport,
    ):
        with pytest.raises(error):
            await transport.send(initiate(server.config()), read_reply)
        assert server.operations == ["InitiateAuth"]


@pytest.mark.parametrize("status", [500, 503])
async def test_a_server_fault_on_an_answer_leaves_its_outcome_unknown(scripted, status):
    fault = scripted.error("InternalErrorException", status=status)
    async with (
        scripted.serve(fault, TOKENS) as server,
        open_transport(server.config()) as transport,
    ):
        with pytest.raises(OutcomeUnknownError):
            await transport.send(respond(server.config()), read_reply)
        assert len(server.requests) == 1


async def test_a_server_fault_at_the_beginning_is_called_one(scripted):
    fault = scripted.error("InternalErrorException", status=500)
    async with scripted.serve(fault) as server, open_transport(server.config()) as transport:
        with pytest.raises(ServerFaultError):
            await transport.send(initiate(server.config()), read_reply)


@pytest.mark.parametrize("request_of", [initiate, respond])
async def test_a_throttled_request_was_not_processed_and_is_sent_again(scripted, request_of):
    slow_down = scripted.error("TooManyRequestsException")
    async with (
        scripted.serve(slow_down, slow_down, TOKENS) as server,
        open_transport(server.config()) as transport,
    ):
        reply = await transport.send(request_of(server.config()), read_reply)
        assert reply.tokens.access_token == Secret("a")
        assert len(server.requests) == 3


async def test_throttling_without_end_is_told_after_three_requests(scripted):
    slow_down = scripted.error("TooManyRequestsException")
    async with (
        scripted.serve(*[slow_down] * 9) as server,
        open_transport(server.config()) as transport,
    ):
        with pytest.raises(ThrottledError):
            await transport.send(initiate(server.config()), read_reply)
        assert len(server.requests) == 3


async def test_a_connection_that_was_never_made_is_tried_again(listening):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    config = AuthConfig(
        user_pool_id="eu-central-1_A", client_id="1", endpoint=f"http://127.0.0.1:{port}"
    )
    connections = []

    async def accept(_reader, writer):
        connections.append(writer)

    async with open_transport(config) as transport:
        with pytest.raises(UnreachableError, match="network"):
            await transport.send(respond(config), read_reply)
        async with listening(accept, port):
            with pytest.raises(OutcomeUnknownError):
                await transport.send(respond(config), read_reply)
    assert len(connections) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>",
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\xff\xfe",
    ],
    ids=["html", "array", "not utf-8"],
)
async def test_a_reply_that_is_no_json_object_is_malformed(scripted, data):
    async with (
        scripted.serve(scripted.raw(data)) as server,
        open_transport(server.config()) as transport,
    ):
        with pytest.raises(MalformedReplyError):
            await transport.send(initiate(server.config()), read_reply)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(scripted, status):
    """aiobotocore follows them, and a 307 takes the password along."""
    async with scripted.serve(TOKENS) as elsewhere:
        location = f"http://127.0.0.1:{elsewhere.port}/".encode()
        moved = b"HTTP/1.1 %d X\r\nlocation: %s\r\ncontent-length: 0\r\n\r\n" % (status, location)
        async with (
            scripted.serve(scripted.raw(moved)) as server,
            open_transport(server.config()) as transport,
        ):
            with pytest.raises(MalformedReplyError, match="elsewhere"):
                await transport.send(initiate(server.config()), read_reply)
        assert elsewhere.requests == []


async def test_an_aiobotocore_that_cannot_be_kept_from_redirects_is_not_used(monkeypatch):
    monkeypatch.delattr("aiobotocore.httpsession.AIOHTTPSession._get_session")
    with pytest.raises(ConfigError, match="aiobotocore"):
        async with open_transport(AuthConfig(user_pool_id="eu-central-1_A", client_id="1")):
            pass


async def test_a_refusal_has_its_class_and_keeps_cognitos_name(scripted):
    refusal = scripted.error("NotAuthorizedException", "Incorrect username or password.")
    async with scripted.serve(refusal) as server, open_transport(server.config()) as transport:
        with pytest.raises(BadCredentialsError) as refused:
            await transport.send(initiate(server.config()), read_reply)
    assert refused.value.aws_code == "NotAuthorizedException"


@pytest.mark.parametrize("request_of", [initiate, respond])
async def test_no_error_shows_what_was_sent_even_if_the_server_echoes_it(scripted, request_of):
    sent = "canary-password" if request_of is initiate else "canary-answer"
    echo = scripted.error("OddException", f"for ada: {sent}")
    async with scripted.serve(echo) as server, open_transport(server.config()) as transport:
        with pytest.raises(RequestRejectedError) as refused:
            await transport.send(request_of(server.config()), read_reply)
    assert str(refused.value) == "OddException"  # and no gap that says what stood there
    assert sent not in told_with_locals(refused.value)


async def refusals(scripted, *script, passwords=("hunter2",), seen=None):
    """Sign in with each password, and give what each of the server's answers became."""
    observer = None if seen is None else seen.append
    became = {password: [] for password in passwords}
    async with (
        scripted.serve(*script * len(passwords)) as server,
        AuthClient(server.config(), observer=observer) as auth,
    ):
        for password in passwords:
            for _ in script:
                with pytest.raises(AuthFlowError) as refused:
                    await auth.sign_in("ada", password, flow=AuthFlow.USER_PASSWORD_AUTH)
                assert refused.value.__cause__ is refused.value.__context__ is None
                became[password].append(refused.value)
    return became


PASSWORDS = ["password", "hunter2", "x", "a", "Incorrect", "exceeded", "e", "User", "."]


async def test_a_refusal_is_read_as_it_came_whatever_the_password_is(scripted):
    """So "password" is not cut out of "Incorrect username or password." before that is read."""
    became = await refusals(
        scripted,
        scripted.error("NotAuthorizedException", "Incorrect username or password."),
        scripted.error("NotAuthorizedException", "Password attempts exceeded"),
        scripted.error("UserLambdaValidationException", "No Incorrect password exceeded, User x."),
        passwords=PASSWORDS,
    )
    for password in PASSWORDS:
        wrong, locked, odd = became[password]
        assert (type(wrong), type(locked)) == (BadCredentialsError, LockedOutError)
        assert str(wrong) == "wrong username, password or answer"
        assert str(locked) == "too many failures: wait before the next try"
        assert (str(odd) == "a trigger refused") == (password != "hunter2")


async def test_an_unknown_user_and_a_wrong_password_look_the_same_to_the_observer_too(scripted):
    seen = []
    became = await refusals(
        scripted,
        scripted.error("NotAuthorizedException", "Incorrect username or password."),
        scripted.error("UserNotFoundException", "User does not exist."),
        seen=seen,
    )
    wrong, unknown = became["hunter2"]
    assert (repr(wrong), wrong.__dict__) == (repr(unknown), unknown.__dict__)
    assert repr(seen[0]) == repr(seen[1])
    assert [each.error for each in seen] == [wrong, unknown]


def http(status, body, *headers, media_type="text/html"):
    lines = [
        *(f"HTTP/1.1 {status} X", "connection: close"),
        *(f"content-type: {media_type}", f"content-length: {len(body)}"),
    ]
    return ("\r\n".join([*lines, *headers, "", ""]) + body).encode()


BY_STATUS = {
    **dict.fromkeys((401, 403, 407), RequestBlockedError),
    **dict.fromkeys((413, 431), RequestRejectedError),
    **dict.fromkeys((400, 404, 405), MalformedReplyError),
    **dict.fromkeys((500, 502, 503), ServerFaultError),
    408: TimedOutError,
}


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        ("<html><body>canary-page</body></html>", "text/html"),
        ('{"message":"canary-page"}', "application/json"),
    ],
)
async def test_what_a_gateway_says_instead_of_cognito_is_read_by_its_status(
    scripted, body, media_type
):
    script = [scripted.raw(http(status, body, media_type=media_type)) for status in BY_STATUS]
    became = (await refusals(scripted, *script))["hunter2"]
    assert [type(refused) for refused in became] == list(BY_STATUS.values())
    for refused in became:
        assert "canary-page" not in f"{refused} {refused!r} {refused.__dict__}"
        assert refused.aws_code is None


async def test_a_gateway_that_gave_up_on_an_answer_leaves_its_outcome_unknown(scripted):
    statuses = (408, 500, 504)
    script = [scripted.raw(http(status, "gone")) for status in statuses]
    async with scripted.serve(*script) as server, open_transport(server.config()) as transport:
        for sent, _ in enumerate(statuses, 1):
            with pytest.raises(OutcomeUnknownError):
                await transport.send(respond(server.config()), read_reply)
            assert len(server.requests) == sent


THROTTLES = [
    (400, '{"__type":"TooManyRequestsException","message":"Rate exceeded"}'),
    (503, '{"__type":"TooManyRequestsException","message":"Too many requests."}'),
    (429, "<html>slow down</html>"),
]
SAID = "date: Sun, 06 Nov 1994 08:49:37 GMT"


async def test_a_server_that_says_when_is_not_asked_again_before(scripted):
    script = [
        scripted.raw(http(*throttle, header, SAID))
        for throttle in THROTTLES
        for header in ("retry-after: 7", "retry-after: Sun, 06 Nov 1994 08:49:44 GMT")
    ]
    async with scripted.serve(*script) as server, open_transport(server.config()) as transport:
        for sent, _ in enumerate(script, 1):
            with pytest.raises(ThrottledError) as throttled:
                await transport.send(respond(server.config()), read_reply)
            assert (throttled.value.retry_after, len(server.requests)) == (7, sent)


async def test_a_server_that_does_not_say_when_is_asked_again_soon(scripted, monkeypatch):
    monkeypatch.setattr("authflow.client.transport._PAUSES", (0.001, 0.001))
    for header in ("retry-after: 0", "retry-after: soon", "x: y"):
        said = [scripted.raw(http(*throttle, header)) for throttle in THROTTLES[:2]]
        async with (
            scripted.serve(*said, TOKENS) as server,
            open_transport(server.config()) as transport,
        ):
            await transport.send(respond(server.config()), read_reply)
            assert len(server.requests) == 3


async def test_a_lock_tells_how_long_to_wait(scripted):
    text = '{"__type":"NotAuthorizedException","message":"Password attempts exceeded"}'
    became = await refusals(
        scripted,
        scripted.raw(http(400, text)),
        scripted.raw(http(400, text, "retry-after: 64")),
    )
    assert [refused.retry_after for refused in became["hunter2"]] == [900, 64]


@pytest.mark.parametrize("fault", ["hang_up", "half"])
async def test_no_traceback_reaches_the_frames_that_hold_secrets(scripted, fault):
    lost = getattr(scripted, fault)
    async with scripted.serve(lost) as server, open_transport(server.config()) as transport:
        with pytest.raises(OutcomeUnknownError) as caught:
            await transport.send(respond(server.config()), read_reply)
    assert "canary" not in told_with_locals(caught.value)


def told_with_locals(error: BaseException) -> str:
    """What a crash reporter would keep of every frame but this file's, with its local variables."""
    told = [str(error)]
    chain: list[BaseException | None] = [error, error.__cause__, error.__context__]
    for link in filter(None, chain):
        for frame, _ in traceback.walk_tb(link.__traceback__):
            if frame.f_code.co_filename != __file__:
                told.append(repr(frame.f_locals))
    assert len(told) > 1
    return "".join(told)


async def test_debug_logs_hold_neither_what_is_sent_nor_what_is_received(scripted, caplog):
    caplog.set_level(logging.DEBUG)
    secret_tokens = {
        "AuthenticationResult": {
            "AccessToken": "canary-access",
            "IdToken": "canary-id",
            "ExpiresIn": 3600,
        }
    }
    async with (
        scripted.serve(secret_tokens, secret_tokens) as server,
        open_transport(server.config()) as transport,
    ):
        await transport.send(initiate(server.config()), read_reply)
        await transport.send(respond(server.config()), read_reply)
    assert "canary" not in caplog.text


async def test_other_users_of_botocore_keep_their_debug_logs(scripted, caplog):
    caplog.set_level(logging.DEBUG)
    async with scripted.serve(TOKENS) as server, open_transport(server.config()) as transport:
        await transport.send(initiate(server.config()), read_reply)
    logging.getLogger("botocore.endpoint").debug("of somebody else's request")
    assert "of somebody else's request" in caplog.text


async def test_the_concurrency_limit_bounds_what_is_in_flight(listening):
    most = 0
    now = 0

    async def serve(reader, writer):
        nonlocal most, now
        now += 1
        most = max(most, now)
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.02)
        writer.write(
            b"HTTP/1.1 200 OK\r\nconnection: close\r\n"
            b"content-type: application/x-amz-json-1.1\r\ncontent-length: 2\r\n\r\n{}"
        )
        await writer.drain()
        now -= 1

    async with listening(serve) as port:
        config = AuthConfig(
            user_pool_id="eu-central-1_A",
            client_id="1",
            endpoint=f"http://127.0.0.1:{port}",
            max_concurrency=3,
        )
        async with open_transport(config) as transport, anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(transport.send, initiate(config), read_done)
    assert most == 3


async def test_the_time_for_a_request_covers_waiting_for_a_place(scripted):
    async with (
        scripted.serve(scripted.hang) as server,
        open_transport(server.config(max_concurrency=1, request_timeout=0.3)) as transport,
        anyio.create_task_group() as tasks,
    ):

        async def keep_the_place():
            async with transport._in_flight:
                await anyio.sleep_forever()

        tasks.start_soon(keep_the_place)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(TimedOutError, match=r"max_concurrency.*nothing was sent"):
            await transport.send(respond(server.config()), read_reply)
        tasks.cancel_scope.cancel()
    assert server.requests == []


@pytest.mark.parametrize("request_of", [initiate, respond])
async def test_the_time_for_a_request_covers_the_reply(scripted, request_of):
    async with (
        scripted.serve(scripted.hang) as server,
        open_transport(server.config(request_timeout=0.3)) as transport,
    ):
        error = TimedOutError if request_of is initiate else OutcomeUnknownError
        with pytest.raises(error, match=r"request_timeout, 0\.3 seconds"):
            await transport.send(request_of(server.config()), read_reply)


@pytest.mark.parametrize("request_of", [initiate, respond])
async def test_the_time_for_a_request_covers_connecting(listening, request_of):
    """The server takes the connection, and says nothing in the TLS handshake."""

    async def say_nothing(_reader, _writer):
        await asyncio.Event().wait()

    async with listening(say_nothing) as port:
        config = AuthConfig(
            user_pool_id="eu-central-1_A",
            client_id="1",
            endpoint=f"https://127.0.0.1:{port}",
            request_timeout=0.3,
        )
        async with open_transport(config) as transport:
            with pytest.raises(TimedOutError, match=r"no connection.*nothing was sent"):
                await transport.send(request_of(config), read_reply)


async def test_the_time_for_a_request_covers_the_pauses_and_tells_why_there_was_one(
    scripted, monkeypatch
):
    monkeypatch.setattr("random.uniform", lambda _low, _high: 60.0)
    async with (
        scripted.serve(scripted.error("TooManyRequestsException")) as server,
        open_transport(server.config(request_timeout=0.3)) as transport,
    ):
        with pytest.raises(ThrottledError):
            await transport.send(respond(server.config()), read_reply)
        assert len(server.requests) == 1


async def test_the_time_for_a_request_is_one_for_all_its_tries(scripted, monkeypatch):
    monkeypatch.setattr("random.uniform", lambda _low, _high: 0.0)
    async with (
        scripted.serve(scripted.error("TooManyRequestsException"), scripted.hang) as server,
        open_transport(server.config(request_timeout=0.3)) as transport,
    ):
        with pytest.raises(TimedOutError, match="request_timeout"):
            await transport.send(initiate(server.config()), read_reply)
        assert len(server.requests) == 2


async def test_the_time_of_a_caller_that_is_shorter_stays_the_callers(scripted):
    async with (
        scripted.serve(scripted.hang) as server,
        open_transport(server.config(request_timeout=30)) as transport,
    ):
        with pytest.raises(TimeoutError) as late:
            async with asyncio.timeout(0.2):
                await transport.send(respond(server.config()), read_reply)
        assert type(late.value) is TimeoutError
        assert asyncio.current_task().cancelling() == 0


async def test_the_aws_configuration_of_the_environment_plays_no_part(
    scripted, monkeypatch, tmp_path
):
    monkeypatch.setenv("AWS_PROFILE", "there-is-none")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "9")
    async with (
        scripted.serve(scripted.hang_up, TOKENS) as server,
        open_transport(server.config()) as transport,
    ):
        with pytest.raises(OutcomeUnknownError):
            await transport.send(respond(server.config()), read_reply)
        assert len(server.requests) == 1


CONFIGURED = """[default]
endpoint_url = {url}
services = elsewhere
[services elsewhere]
cognito_identity_provider =
  endpoint_url = {url}
"""


@pytest.mark.parametrize(
    "name",
    ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", "AWS_CONFIG_FILE"],
)
async def test_without_an_endpoint_it_is_aws_whatever_the_environment_says(
    scripted, listening, monkeypatch, tmp_path, name
):
    """Or whoever sets a variable for another service gets the passwords of this one.

    AWS cannot be asked here, so a proxy stands on the way; it hears the name, and hangs up.
    """
    asked = []

    async def hang_up(reader, writer):
        asked.append((await reader.readuntil(b"\r\n")).split()[:2])

    async with listening(hang_up) as proxy, scripted.serve(*[TOKENS] * 9) as elsewhere:
        url = f"http://127.0.0.1:{elsewhere.port}"
        (tmp_path / "config").write_text(CONFIGURED.format(url=url))
        value = str(tmp_path / "config") if name == "AWS_CONFIG_FILE" else url
        monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false")
        for proxied in ("https_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(proxied, f"http://127.0.0.1:{proxy}")
        for unproxied in ("no_proxy", "NO_PROXY", "http_proxy", "HTTP_PROXY"):
            monkeypatch.delenv(unproxied, raising=False)
        config = AuthConfig(user_pool_id="eu-central-1_Abc123def", client_id="1example")
        async with AuthClient(config) as auth:
            with pytest.raises(UnreachableError):
                await auth.sign_in("ada", "canary-password", flow=AuthFlow.USER_PASSWORD_AUTH)
        assert elsewhere.requests == []
    assert {tuple(line) for line in asked} == {
        (b"CONNECT", b"cognito-idp.eu-central-1.amazonaws.com:443")
    }


async def test_what_stays_on_this_machine_goes_to_no_proxy(scripted, monkeypatch):
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with scripted.serve(TOKENS) as proxy, scripted.serve(TOKENS) as server:
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        async with open_transport(server.config()) as transport:
            await transport.send(initiate(server.config()), read_reply)
        assert (proxy.operations, server.operations) == ([], ["InitiateAuth"])


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"", b'{"__type": "PoolNotThereException"}'),
        (b"x-amzn-errortype: PoolNotThereException:http://internal/\r\n", b"{}"),
        (b"x-amzn-errortype: PoolNotThereException\r\n", b""),
        (b"", b'{"code": "PoolNotThereException", "message": "no"}'),
        (b"", b'{"code": "com.amazonaws#PoolNotThereException"}'),
    ],
)
async def test_an_errors_name_is_read_wherever_the_protocol_has_it(scripted, head, body):
    reply = b"HTTP/1.1 400 X\r\ncontent-type: application/x-amz-json-1.1\r\n" + head
    said = scripted.raw(reply + b"content-length: %d\r\n\r\n" % len(body) + body)
    async with (
        scripted.serve(said) as server,
        open_transport(server.config()) as transport,
    ):
        with pytest.raises(RequestRejectedError) as refused:
            await transport.send(initiate(server.config()), read_reply)
    assert refused.value.aws_code == "PoolNotThereException"


@pytest.mark.parametrize(("status", "action"), [(405, b"captcha"), (202, b"challenge")])
async def test_a_firewall_that_wants_a_browser_stops_the_request(scripted, status, action):
    said = scripted.raw(
        b"HTTP/1.1 %d X\r\nx-amzn-waf-action: %s\r\ncontent-type: text/html\r\n"
        b"content-length: 6\r\n\r\n<html>" % (status, action)
    )
    async with (
        scripted.serve(said) as server,
        open_transport(server.config()) as transport,
    ):
        with pytest.raises(RequestBlockedError):
            await transport.send(initiate(server.config()), read_reply)


async def test_what_was_not_sent_is_a_public_kind_of_error(scripted, monkeypatch):
    monkeypatch.setattr("authflow.client.transport._PAUSES", ())
    async with scripted.serve() as server:
        config = evolve(server.config(), endpoint="http://127.0.0.1:1")
    async with open_transport(config) as transport:
        with pytest.raises(UnreachableError) as lost:
            await transport.send(initiate(config), read_reply)
    assert type(lost.value) is UnreachableError


async def test_an_empty_content_encoding_is_no_compression(scripted):
    body = b'{"ChallengeName": "CUSTOM_CHALLENGE", "ChallengeParameters": {}}'
    said = scripted.raw(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-encoding:\r\n"
        b"content-length: %d\r\n\r\n" % len(body) + body
    )
    async with (
        scripted.serve(said) as server,
        open_transport(server.config()) as transport,
    ):
        assert await transport.send(initiate(server.config()), read_reply)
