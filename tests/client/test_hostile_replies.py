"""Whatever a server sends, the client ends in time, in little memory, and with an error of ours.

The server speaks real HTTP up to where its reply is the attack.
"""

import asyncio
import gzip
import json
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import cache
from itertools import chain
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from attrs import define, frozen
from hypothesis import given
from hypothesis import strategies as st

from authflow import AuthClient, AuthConfig, AuthFlow, ChallengeRequired, Secret, SignedIn
from authflow.errors import (
    AuthFlowError,
    MalformedReplyError,
    OutcomeUnknownError,
    RefusedError,
    RemoteProtocolError,
    TimedOutError,
    TransportError,
)
from authflow.machine import State
from authflow.results import Challenge, Tokens
from authflow.sign_in import SignIn

MOST = 1024 * 1024
SESSION = "s" * 20
TOKENS = {"AccessToken": "a", "IdToken": "i", "RefreshToken": "r", "ExpiresIn": 3600}
Write = Callable[[bytes], Awaitable[None]]


@define
class HostileServer:
    """Gives every request the same reply, as far as somebody reads it."""

    reply: Callable[[Write], Awaitable[None]] | None = None
    requests: int = 0
    written: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.partition("content-length:")[2].split("\r\n")[0])
        await reader.readexactly(length)
        self.requests += 1

        async def write(data: bytes) -> None:
            writer.write(data)
            await writer.drain()
            self.written += len(data)

        await self.reply(write)


@frozen
class Attacked:
    """A client, its server, and the loop on which both run."""

    portal: BlockingPortal
    server: HostileServer
    auth: AuthClient

    def call(self, reply: Any, act: Callable[[AuthClient], Awaitable[Any]]) -> Any:
        """Give what an action ends with: a result or an error."""
        if isinstance(reply, bytes):
            data = reply

            async def reply(write: Write) -> None:
                await write(data)

        self.server.reply, self.server.requests, self.server.written = reply, 0, 0

        async def end() -> Any:
            try:
                return await act(self.auth)
            except Exception as error:  # noqa: BLE001  # what it is, is what the tests are about
                return error

        return self.portal.call(end)


@asynccontextmanager
async def attacked(
    listening: Any, **settings: Any
) -> AsyncIterator[tuple[HostileServer, AuthClient]]:
    server = HostileServer()
    async with listening(server.serve) as port:
        config = AuthConfig(
            user_pool_id="eu-central-1_Abc123def",
            client_id="1example23456789",
            endpoint=f"http://127.0.0.1:{port}",
            verify_tokens=False,
            **settings,
        )
        async with AuthClient(config) as auth:
            yield server, auth


@pytest.fixture(scope="module")
def client(listening: Any) -> Iterator[Attacked]:
    with pytest.MonkeyPatch.context() as patch, start_blocking_portal() as portal:
        patch.setattr("authflow.client.transport._PAUSES", (0, 0))
        with portal.wrap_async_context_manager(attacked(listening, read_timeout=0.4)) as (
            server,
            auth,
        ):
            yield Attacked(portal, server, auth)


def pending(name: str) -> ChallengeRequired:
    return ChallengeRequired(
        challenge=Challenge(name=name),
        sign_in=SignIn(
            flow=AuthFlow.CUSTOM_AUTH,
            state=State(name),
            username="ada",
            canonical_username="ada",
            session=Secret(SESSION),
            expires_at=time.time() + 1e6,
        ),
    )


ACTS: dict[str, Callable[[AuthClient], Awaitable[Any]]] = {
    "InitiateAuth by SRP": lambda auth: auth.sign_in("ada", "x"),
    "InitiateAuth by password": lambda auth: auth.sign_in(
        "ada", "x", flow=AuthFlow.USER_PASSWORD_AUTH
    ),
    "InitiateAuth by challenges": lambda auth: auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH),
    "RespondToAuthChallenge": lambda auth: auth.answer(pending("CUSTOM_CHALLENGE"), "x"),
    "GetTokensFromRefreshToken": lambda auth: auth.refresh(Secret("x")),
    "RevokeToken": lambda auth: auth.revoke(Secret("x")),
    "GlobalSignOut": lambda auth: auth.sign_out(Secret("x")),
}
ONCE = {"RespondToAuthChallenge", "GetTokensFromRefreshToken"}


# What a reply says: any JSON and what is none, in every member of every reply.

TEXTS = st.one_of(
    st.text(max_size=20).map(json.dumps),
    st.sampled_from(
        [
            '"\\ud800"',
            '"a\\udfffb"',
            '"\\u0000"',
            '"\\u001b[2J"',
            f'"{SESSION}"',
            '"CUSTOM_CHALLENGE"',
            '"PASSWORD_VERIFIER"',
            '"SELECT_MFA_TYPE"',
            '"NEW_PASSWORD_REQUIRED"',
            '"' + "x" * 5000 + '"',
        ]
    ),
)
VALUES = st.recursive(
    TEXTS
    | st.integers().map(str)
    | st.sampled_from(
        [
            *("null", "true", "NaN", "Infinity", "-Infinity", "1e400", "-0", "3600", "1.5"),
            *("9" * 4300, "9" * 5000, "[" * 200_000, '{"a":' * 100_000, "[" * 300 + "]" * 300),
            *("'", "}", ""),
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda each: f"[{','.join(each)}]")
        | st.lists(st.tuples(TEXTS, inner), max_size=3).map(
            lambda each: "{" + ",".join(f"{name}:{value}" for name, value in each) + "}"
        )
    ),
    max_leaves=5,
)


def objects(*names: str, **valid: str) -> st.SearchStrategy[str]:
    """An object's text: each member as it should be, something else, twice, or not there."""
    members = [
        st.lists(st.just(valid[name]) | VALUES if name in valid else VALUES, max_size=2).map(
            lambda values, name=name: [f'"{name}":{value}' for value in values]
        )
        for name in (*names, *valid)
    ]
    return st.tuples(*members).map(lambda each: "{" + ",".join(chain.from_iterable(each)) + "}")


PARAMETERS = objects(
    *("USERNAME", "USER_ID_FOR_SRP", "SALT", "SRP_B", "SECRET_BLOCK", "MFAS_CAN_CHOOSE"),
    *("requiredAttributes", "userAttributes", "challenge", "attempt", "attempts", "options"),
)
RESULT = objects(
    **{name: json.dumps(value) for name, value in TOKENS.items()}, TokenType='"Bearer"'
)
REPLIES = (
    objects(Session=f'"{SESSION}"', ChallengeName='"CUSTOM_CHALLENGE"')
    | st.tuples(TEXTS | VALUES, PARAMETERS | VALUES).map(
        lambda each: f'{{"ChallengeName":{each[0]},"ChallengeParameters":{each[1]}}}'
    )
    | (RESULT | VALUES).map(lambda result: f'{{"AuthenticationResult":{result}}}')
    | VALUES
)
ERRORS = (
    objects(
        *("code", "Code", "Error", "retryAfterSeconds"),
        __type='"NotAuthorizedException"',
        message='"Incorrect username or password."',
        Message='"x"',
    )
    | VALUES
)
BODIES = st.one_of(
    REPLIES.map(str.encode),
    REPLIES.map(lambda text: b"\xef\xbb\xbf" + text.encode()),
    REPLIES.map(lambda text: text.encode("utf-16")),
    st.binary(max_size=60),
    st.sampled_from([b"", b"<html>", b"\xff\xfe", b"{", b'{"Session": "\xed\xa0\x80"}']),
)
HEADERS = st.lists(
    st.sampled_from(
        [
            *(b"x-amzn-errortype: TooManyRequestsException", b"x-amzn-errortype: \xff:#:"),
            *(b"x-amzn-query-error: ;;", b"x-amzn-query-error: a", b"x-amzn-requestid: \xe9"),
            *(b"content-type: text/html", b"content-type: application/x-amz-json-1.1"),
            *(b"content-type: application/json; charset=utf-7", b"x: \x01"),
            *(b"date: never", b"content-encoding: identity", b"content-encoding: gzip"),
            *(b"retry-after: x", b"x-amz-retry-after: -1", b"x-amz-crc32: 5"),
        ]
    ),
    max_size=3,
)


def http(status: int, body: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 %d X" % status, b"content-length: %d" % len(body), *headers, b"", body]
    return b"\r\n".join(lines)


JSON_TYPE = b"content-type: application/x-amz-json-1.1"


@pytest.mark.parametrize("act", ACTS)
@given(body=BODIES)
def test_any_reply_is_read_or_is_an_error_of_the_servers(client: Attacked, act: str, body: bytes):
    end = client.call(http(200, body, JSON_TYPE), ACTS[act])
    assert isinstance(end, RemoteProtocolError | SignedIn | ChallengeRequired | Tokens | None)
    json.dumps(str(end)).encode()
    str(end).encode()


@pytest.mark.parametrize("act", ["InitiateAuth by SRP", "RespondToAuthChallenge", "RevokeToken"])
@given(
    status=st.sampled_from([200, 201, 204, 206, 300, 304, 400, 403, 404, 418, 429, 500, 503, 999]),
    body=ERRORS.map(str.encode) | BODIES,
    headers=HEADERS,
)
def test_any_error_is_an_error_of_ours(
    client: Attacked, act: str, status: int, body: bytes, headers: list[bytes]
):
    end = client.call(http(status, body, *headers), ACTS[act])
    if status != 200:
        assert isinstance(end, RemoteProtocolError | TransportError | RefusedError)
    assert isinstance(end, AuthFlowError | ChallengeRequired | None)
    str(end).encode()


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("body", [b"[" * 200_000, b"<html>", b"[]", b"\xff", b"9" * 5000])
def test_what_is_no_json_object_is_malformed_for_every_operation(
    client: Attacked, act: str, body: bytes
):
    end = client.call(http(200, body, JSON_TYPE), ACTS[act])
    assert type(end) is MalformedReplyError


# How long a reply is.


def endless(head: bytes, piece: bytes) -> Callable[[Write], Awaitable[None]]:
    async def reply(write: Write) -> None:
        await write(head)
        for _ in range(1024 * MOST // len(piece)):
            await write(piece)

    return reply


PIECE = b"x" * 65536
CHUNK = b"10000\r\n" + PIECE + b"\r\n"
BODY_HEADS = {
    "announced": (b"content-length: 1073741824\r\n\r\n", PIECE),
    "chunked": (b"transfer-encoding: chunked\r\n\r\n", CHUNK),
    "up to the end": (b"connection: close\r\n\r\n", PIECE),
}
LINE = b"HTTP/1.1 %d X\r\ncontent-type: application/x-amz-json-1.1\r\n"


@pytest.mark.parametrize("act", ["InitiateAuth by SRP", "RespondToAuthChallenge"])
@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("kind", BODY_HEADS)
def test_a_reply_is_read_up_to_a_mebibyte(client: Attacked, kind: str, status: int, act: str):
    head, piece = BODY_HEADS[kind]
    end = client.call(endless(LINE % status + head, piece), ACTS[act])
    assert type(end) is MalformedReplyError
    assert "1048576 bytes" in str(end)
    assert client.server.written < 16 * MOST  # the rest filled the sockets of both sides
    assert client.server.requests == 1


def test_a_reply_of_a_mebibyte_is_read_and_one_byte_more_is_not(client: Attacked):
    def refusal(length: int) -> bytes:
        body = b'{"__type":"NotAuthorizedException","message":"Incorrect username or password."'
        return http(400, body + b" " * (length - len(body) - 1) + b"}", JSON_TYPE)

    assert isinstance(client.call(refusal(MOST), ACTS["RevokeToken"]), RefusedError)
    assert isinstance(client.call(refusal(MOST + 1), ACTS["RevokeToken"]), MalformedReplyError)


@cache
def zipped(*, deflated: bool) -> bytes:
    """Return 64 mebibytes, compressed."""
    compress: Callable[..., bytes] = zlib.compress if deflated else gzip.compress
    return compress(b" " * 64 * MOST, 1)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "GZIP", "gzip, gzip", "x"])
def test_a_compressed_reply_is_not_unpacked(client: Attacked, encoding: str):
    body = zipped(deflated=encoding == "deflate")
    reply = http(200, body, JSON_TYPE, b"content-encoding: " + encoding.encode())
    tracemalloc.start()
    try:
        end = client.call(reply, ACTS["RevokeToken"])
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(end, MalformedReplyError)
    assert "compressed" in str(end)
    assert most < 8 * MOST


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_long_redirect_is_not_read(client: Attacked, status: int):
    head = LINE % status + b"location: /\r\ncontent-length: 1073741824\r\n\r\n"
    end = client.call(endless(head, PIECE), ACTS["RespondToAuthChallenge"])
    assert isinstance(end, MalformedReplyError)
    assert client.server.written < 16 * MOST
    assert client.server.requests == 1


ENDLESS = {
    "a header's line": (b"x: ", PIECE),
    "headers": (b"", b"x: y\r\n" * 10_000),
    "interim replies": (b"", None),
    "a chunk's extension": (b"transfer-encoding: chunked\r\n\r\n5;", PIECE),
    "trailers": (b"transfer-encoding: chunked\r\n\r\n0\r\n", b"x: y\r\n" * 10_000),
    "empty lines": (b"", b"x:\r\n y\r\n" * 1000),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_what_has_no_end_and_no_body_ends_in_time_and_in_little_memory(client: Attacked, kind: str):
    head, piece = ENDLESS[kind]
    reply = (
        endless(LINE % 200 + head, piece or b"")
        if piece
        else endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
    )
    tracemalloc.start()
    try:
        end = client.call(reply, ACTS["RespondToAuthChallenge"])
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(end, OutcomeUnknownError | MalformedReplyError)
    assert most < 64 * MOST


# How long it takes.


def drip(head: bytes, piece: bytes) -> Callable[[Write], Awaitable[None]]:
    async def reply(write: Write) -> None:
        await write(head)
        while True:
            await write(piece)
            await asyncio.sleep(0.02)

    return reply


DRIPS = {
    "the status": drip(b"HTTP/1.1", b" "),
    "headers": drip(LINE % 200, b"x: y\r\n"),
    "a body": drip(LINE % 200 + b"content-length: 9999\r\n\r\n", b" "),
    "chunks": drip(LINE % 200 + b"transfer-encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "interim replies": drip(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "a refusal": drip(LINE % 400 + b"connection: close\r\n\r\n", b" "),
}


@pytest.mark.parametrize("kind", DRIPS)
def test_a_reply_that_drips_ends_with_the_time_for_a_reply(client: Attacked, kind: str):
    begun = time.monotonic()
    end = client.call(DRIPS[kind], ACTS["RespondToAuthChallenge"])
    assert isinstance(end, OutcomeUnknownError | TransportError)
    assert time.monotonic() - begun < client.auth.config.request_timeout
    assert isinstance(client.call(DRIPS[kind], ACTS["RevokeToken"]), TimedOutError | TransportError)
