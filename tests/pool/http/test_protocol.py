"""What a connection may take, and how whatever is no request is answered, over real sockets."""

import asyncio
import json
import logging
import re
import socket
import struct
import time
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authflow.pool.http.protocol import PoolProtocol

HEAD = (
    b"POST / HTTP/1.1\r\nHost: localhost\r\n"
    b"X-Amz-Target: AWSCognitoIdentityProviderService.ListUserPools\r\n"
    b"Content-Type: application/x-amz-json-1.1\r\n"
)
BODY = b'{"MaxResults": 1}'
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CLOSE = b"Connection: close\r\n"
ASK = HEAD + LENGTH + b"\r\n" + BODY
ASK_LAST = HEAD + LENGTH + CLOSE + b"\r\n" + BODY
GET = b"GET / HTTP/1.1\r\n"
LOCAL = b"Host: localhost\r\n"
MEGABYTE = 1 << 20
MOST_WAITING = 4 + 1024 // 18  # the bound, and what the last slice before it may hold

MALFORMED = {
    "a TLS hello": b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + bytes(range(190)),
    "an HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "HTTP/2 in words": b"GET / HTTP/2.0\r\n" + LOCAL + b"\r\n",
    "HTTP/3 in words": b"GET / HTTP/3.0\r\n" + LOCAL + b"\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/0.9 in words": b"GET / HTTP/0.9\r\n" + LOCAL + b"\r\n",
    "NUL": bytes(64),
    "NUL in a header": GET + LOCAL + b"X: a\x00b\r\n\r\n",
    "NUL in a target": b"GET /\x00 HTTP/1.1\r\n" + LOCAL + b"\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "SMTP": b"EHLO example.org\r\n",
    "Redis": b"*1\r\n$4\r\nPING\r\n",
    "a method in small letters": b"get / HTTP/1.1\r\n" + LOCAL + b"\r\n",
    "an unknown method": b"FETCH / HTTP/1.1\r\n" + LOCAL + b"\r\n",
    "a tunnel": b"CONNECT localhost:80 HTTP/1.1\r\n" + LOCAL + b"\r\n",
    "a target of other letters": "GET /é HTTP/1.1\r\n".encode() + LOCAL + b"\r\n",
    "a header without a colon": GET + LOCAL + b"oops\r\n\r\n",
    "a length that is none": HEAD + b"Content-Length: x\r\n\r\n",
    "a length below nothing": HEAD + b"Content-Length: -1\r\n\r\n",
    "a length beyond counting": HEAD + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 17\r\nContent-Length: 18\r\n\r\n" + BODY,
    "a length and chunks": HEAD + LENGTH + CHUNKED + b"\r\n" + BODY,
    "a chunk's length that is none": HEAD + CHUNKED + b"\r\nxyz\r\n",
    "a chunk longer than it says": HEAD + CHUNKED + b"\r\n2\r\n{}}\r\n0\r\n\r\n",
    "an upgrade with a body": HEAD
    + LENGTH
    + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n"
    + BODY,
}
DOUBTFUL = {
    "a header without a name": GET + LOCAL + CLOSE + b": x\r\n\r\n",
    "a space before the colon": GET + CLOSE + b"Host : localhost\r\n\r\n",
    "a folded header": GET + LOCAL + CLOSE + b"X: a\r\n b\r\n\r\n",
}
EXCESSIVE = {
    "a target": (431, b"GET /" + b"a" * (65 * 1024)),
    "a query": (431, b"GET /?" + b"a" * MEGABYTE),
    "a header": (431, GET + b"X: " + b"a" * (65 * 1024)),
    "a header's name": (431, GET + b"X" * (65 * 1024)),
    "headers in bytes": (431, GET + (b"X: %s\r\n" % (b"a" * 1000)) * 70),
    "headers in number": (431, GET + b"X: a\r\n" * 101 + b"\r\n"),
    "headers without end": (431, GET + b"X: a\r\n" * (MEGABYTE // 6)),
    "empty lines": (431, b"\r\n" * (33 * 1024)),
    "a chunk's extension": (413, HEAD + CHUNKED + b"\r\n1;" + b"x" * (520 * 1024)),
    "extensions of chunks": (413, HEAD + CHUNKED + b"\r\n" + b"1;%s\r\n{\r\n" % (b"x" * 900) * 600),
    "a trailer": (413, HEAD + CHUNKED + b"\r\n2\r\n{}\r\n0\r\nX: " + b"x" * (520 * 1024)),
    "trailers": (413, HEAD + CHUNKED + b"\r\n2\r\n{}\r\n0\r\n" + b"X: x\r\n" * (90 * 1024)),
}


async def leave(writer):
    """Close a connection at once, whatever is unread or unsent."""
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()


@asynccontextmanager
async def connected(api):
    host, _, port = api.endpoint.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        await leave(writer)


async def sent(api, *parts):
    """Send bytes as they are, and read until the server closes."""
    async with connected(api) as (reader, writer):
        for part in parts:
            writer.write(part)
            await asyncio.sleep(0)
        return answers(await asyncio.wait_for(reader.read(), 20))


def answers(text):
    """Take answers apart: each a status, whether the connection ends with it, and its JSON."""
    found = []
    while text:
        head, _, rest = text.partition(b"\r\n\r\n")
        status = int(re.match(rb"HTTP/1\.1 (\d{3}) ", head)[1])
        if status == 100:
            text = rest
            continue
        assert b"content-type: application/x-amz-json-1.1" in head
        length = int(re.search(rb"content-length: (\d+)", head)[1])
        found.append((status, b"\r\nconnection: close" in head, json.loads(rest[:length])))
        text = rest[length:]
    return found


@pytest.fixture
def hurried(monkeypatch):
    monkeypatch.setattr(PoolProtocol, "head_timeout", 0.1)
    monkeypatch.setattr(PoolProtocol, "unread_timeout", 0.1)
    monkeypatch.setattr(PoolProtocol, "end_timeout", 0.1)


@pytest.fixture
def live(monkeypatch):
    """The connections that began in a test, as the server has them."""
    found = []
    begin = PoolProtocol.connection_made

    def begun(self, transport):
        found.append(self)
        begin(self, transport)

    monkeypatch.setattr(PoolProtocol, "connection_made", begun)
    return found


def test_heads_and_replies_have_ten_seconds():
    assert PoolProtocol.head_timeout == PoolProtocol.unread_timeout == 10


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
async def test_what_is_no_request_is_refused_in_json_and_the_connection_ends(api, caplog, text):
    with caplog.at_level(logging.WARNING):
        (refusal,) = await sent(api, text)
    status, closes, body = refusal
    assert (status, closes, body["__type"]) == (400, True, "SerializationException")
    assert not caplog.records


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
async def test_what_was_asked_before_is_answered_before_the_refusal(api, text):
    *before, refusal = await sent(api, ASK + ASK + text)
    assert [status for status, _, _ in before] == [200, 200]
    assert refusal[0] == 400


@pytest.mark.parametrize("text", DOUBTFUL.values(), ids=DOUBTFUL)
async def test_what_older_parsers_take_is_answered_in_json_at_least(api, text):
    ((status, closes, body),) = await sent(api, text)
    assert 400 <= status < 500
    assert closes
    assert body.keys() == {"__type", "message"}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.binary(min_size=1, max_size=300), ended=st.booleans())
async def test_any_bytes_get_json_or_a_closed_connection(api, text, ended):
    async with connected(api) as (reader, writer):
        writer.write(text + b"\r\n\r\n\x00\x00\x00\x00" * ended)
        if not ended:
            writer.write_eof()
        for status, _, body in answers(await asyncio.wait_for(reader.read(), 20)):
            assert 400 <= status < 500
            assert body.keys() == {"__type", "message"}


@pytest.mark.parametrize(("status", "text"), EXCESSIVE.values(), ids=EXCESSIVE)
async def test_a_request_has_bounds(api, status, text):
    (refusal,) = await sent(api, text)
    assert refusal[:2] == (status, True)
    assert refusal[2]["__type"] == "SerializationException"


async def test_a_request_at_its_bounds_is_taken(api):
    full = b"".join(b"X-%d: %s\r\n" % (n, b"a" * 600) for n in range(94))
    (answer,) = await sent(api, ASK_LAST.replace(CLOSE, CLOSE + full))
    assert answer[0] == 200


async def test_chunks_with_extensions_and_trailers_are_read_and_trailers_are_no_headers(api):
    body = b'1;a=b\r\n{\r\n10;c="d"\r\n"MaxResults": 1}\r\n0;e\r\n'
    trailers = b"Host: evil.example\r\nX-Amz-Target: x.y\r\nOrigin: null\r\n\r\n"
    (answer,) = await sent(api, HEAD + CHUNKED + CLOSE + b"\r\n" + body + trailers)
    assert answer[0] == 200


@pytest.mark.parametrize("size", [1, 7, 1023, 1024, 1025])
async def test_requests_may_come_in_any_pieces(api, size):
    text = ASK * 3 + ASK_LAST
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    assert [status for status, _, _ in await sent(api, *parts)] == [200] * 4


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        (b"http://localhost/", b"Host: localhost\r\n", 200),
        (b"HTTP://LOCALHOST:1/", b"Host: evil.example\r\n", 200),
        (b"http://localhost", b"", 200),
        (b"https://127.0.0.1/?x#y", b"Host: localhost\r\n", 200),
        (b"http://evil.example/", b"Host: localhost\r\n", 403),
        (b"http://localhost@evil.example/", b"Host: localhost\r\n", 403),
        (b"http://evil@localhost/", b"Host: localhost\r\n", 403),
        (b"http:///", b"Host: localhost\r\n", 403),
        (b"http://localhost/", b"Host: localhost\r\nHost: localhost\r\n", 400),
        (b"/", b"", 403),
    ],
)
async def test_a_target_that_names_a_host_is_believed_before_the_header(api, target, host, status):
    text = ASK_LAST.replace(b"POST /", b"POST " + target).replace(LOCAL, host)
    assert [answer[0] for answer in await sent(api, text)] == [status]


@pytest.mark.parametrize("scheme", [b"ftp", b"FTP", b"ws", b"wss", b"file", b"httpx", b"s", b"x"])
@pytest.mark.parametrize("rest", [b"//evil.example/", b"//localhost/", b"//localhost:1", b"///"])
async def test_a_target_of_another_scheme_is_refused_whatever_host_it_names(api, scheme, rest):
    text = ASK_LAST.replace(b"POST /", b"POST " + scheme + b":" + rest)
    assert [answer[0] for answer in await sent(api, text)] == [400]


@pytest.mark.parametrize(
    "line", [b"OPTIONS *", b"CONNECT localhost:80", b"CONNECT evil.example:80", b"POST *"]
)
async def test_a_target_that_is_no_path_is_refused(api, line):
    text = ASK_LAST.replace(b"POST /", line)
    assert [answer[0] for answer in await sent(api, text)] == [400]


async def test_http_1_0_is_answered_and_closed(api):
    text = ASK.replace(b"HTTP/1.1", b"HTTP/1.0")
    assert [answer[0] for answer in await sent(api, text)] == [200]
    assert [answer[0] for answer in await sent(api, text.replace(LOCAL, b""))] == [403]


async def test_whoever_expects_to_be_told_to_go_on_is_told_so(api):
    async with connected(api) as (reader, writer):
        writer.write(ASK_LAST.replace(CLOSE, CLOSE + b"Expect: 100-continue\r\n")[: -len(BODY)])
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(BODY)
        assert [answer[0] for answer in answers(await reader.read())] == [200]


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c", b"TLS/1.0"])
async def test_nobody_is_followed_to_another_protocol(api, caplog, protocol):
    upgrade = GET + LOCAL + b"Connection: Upgrade\r\nUpgrade: %s\r\n\r\n" % protocol
    with caplog.at_level(logging.WARNING):
        found = await sent(api, upgrade + ASK + upgrade + ASK_LAST)
    assert [status for status, _, _ in found] == [405, 200, 405, 200]
    assert not caplog.records


@pytest.mark.parametrize("begun", [b"P", b"POST / HT", HEAD, HEAD + b"X-", HEAD + LENGTH], ids=len)
@pytest.mark.parametrize("before", [0, 1, 3])
async def test_a_head_that_does_not_come_whole_is_refused_in_time(api, hurried, before, begun):
    *answered, refusal = await sent(api, ASK * before + begun)
    assert [status for status, _, _ in answered] == [200] * before
    assert refusal[:2] == (408, True)
    assert refusal[2] == {
        "__type": "RequestTimeoutException",
        "message": "the headers took longer than 0.1 s",
    }


@pytest.mark.parametrize("before", [b"", ASK, ASK + ASK], ids=["first", "second", "third"])
async def test_a_head_that_comes_in_drops_has_no_more_time(api, hurried, before):
    async with connected(api) as (reader, writer):
        writer.write(before + GET)
        end = asyncio.create_task(reader.read())
        drops = 0
        while not end.done() and drops < 500:
            writer.write(b"X: a\r\n")
            drops += 1
            await asyncio.sleep(0.02)
        assert 1 < drops < 100
        assert [answer[0] for answer in answers(await end)][-1] == 408


@pytest.mark.parametrize("begun", [b"", b"\r\n", b"\r\n\r\n"], ids=len)
async def test_who_asks_nothing_is_let_go_without_a_word(api, hurried, begun):
    assert await sent(api, begun) == []


async def test_who_has_asked_and_sends_empty_lines_is_let_go_too(api, hurried):
    async with connected(api) as (reader, writer):
        writer.write(GET + LOCAL + b"\r\n")  # its refusal has one brace
        await reader.readuntil(b"}")
        writer.write(b"\r\n")
        assert await asyncio.wait_for(reader.read(), 20) == b""


async def test_a_body_that_was_refused_is_not_awaited(api, hurried):
    text = HEAD.replace(b"POST /", b"POST /nowhere") + b"Content-Length: 1000000\r\n\r\n"
    async with connected(api) as (reader, writer):
        writer.write(text)
        end = asyncio.create_task(reader.read())
        drops = 0
        while not end.done() and drops < 500:
            writer.write(b"x")
            drops += 1
            await asyncio.sleep(0.01)
        ((status, closes, _),) = answers(await end)
    assert (status, closes) == (404, True)
    assert drops < 50


async def test_the_refusal_reaches_a_client_that_sends_on(api):
    """A close with bytes unread would reset the connection, and its answer would be lost."""
    for _ in range(5):
        (refusal,) = await sent(api, GET + b"X: " + b"a" * 500_000)
        assert refusal[0] == 431


async def flood(writer):
    for _ in range(2000):
        writer.write(bytes(65536))
        await writer.drain()


async def test_who_sends_on_after_his_last_answer_is_cut_off(api):
    async with connected(api) as (_, writer):
        writer.write(b"\x00")
        with pytest.raises(ConnectionError):
            await flood(writer)


async def a_client_that_reads_nothing(api, live, client):
    """Connect, such that the system holds little of what the server writes."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    port = int(api.endpoint.rpartition(":")[2])
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
    while not live:
        await asyncio.sleep(0)
    ours = live[0].transport.get_extra_info("socket")
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)


async def test_a_close_does_not_wait_for_ever_for_a_client_that_reads_nothing(
    api, live, monkeypatch
):
    monkeypatch.setattr(PoolProtocol, "unread_timeout", 0.1)
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        await a_client_that_reads_nothing(api, live, client)
        await loop.sock_sendall(client, ASK * 120 + ASK_LAST)  # some 40 KB of replies
        async with asyncio.timeout(20):
            while live[0].parser is not None:
                await asyncio.sleep(0.01)


async def watch(live, most):
    """Note the most that any connection holds: bytes, requests, and bytes unread."""
    while True:
        for each in live:
            most["held"] = max(most["held"], len(each._held))
            most["waiting"] = max(most["waiting"], len(each.pipeline))
            unread = each._line._transport.get_write_buffer_size()
            most["unread"] = max(most["unread"], unread)
        await asyncio.sleep(0)


async def test_replies_that_are_not_read_stop_the_reading_and_end_the_connection(
    api, live, monkeypatch
):
    monkeypatch.setattr(PoolProtocol, "unread_timeout", 0.2)
    loop = asyncio.get_running_loop()
    most = dict.fromkeys(("held", "waiting", "unread"), 0)
    with socket.socket() as client:
        await a_client_that_reads_nothing(api, live, client)
        watching = asyncio.create_task(watch(live, most))
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(loop.sock_sendall(client, ASK * 50_000), 20)
        watching.cancel()
    assert len(live) == 1
    assert most["waiting"] <= MOST_WAITING
    assert most["held"] <= MEGABYTE
    assert 64 * 1024 < most["unread"] < 128 * 1024


@pytest.mark.parametrize("request_text", [ASK, GET + b"\r\n", GET + LOCAL + b"\r\n"], ids=len)
async def test_pipelined_requests_wait_unread_and_all_are_answered_in_order(
    api, live, request_text
):
    async with connected(api) as (reader, writer):
        most = dict.fromkeys(("held", "waiting", "unread"), 0)
        watching = asyncio.create_task(watch(live, most))
        writer.write(request_text * 300 + ASK_LAST)
        found = answers(await asyncio.wait_for(reader.read(), 30))
        watching.cancel()
    assert len(found) == 301
    assert found[-1][0] == 200
    assert len({status for status, _, _ in found[:-1]}) == 1
    assert 0 < most["waiting"] <= MOST_WAITING


async def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(api, live, caplog):
    reset = struct.pack("ii", 1, 0)
    texts = [
        b"",
        b"P",
        HEAD,
        ASK[:-3],
        ASK,
        ASK * 50,
        ASK + b"\x00",
        HEAD + CHUNKED + b"\r\n5\r\n{",
    ]
    with caplog.at_level(logging.WARNING):
        for text in texts:
            for rude in (False, True):
                async with connected(api) as (_, writer):
                    writer.write(text)
                    if rude:
                        option = (socket.SOL_SOCKET, socket.SO_LINGER, reset)
                        writer.get_extra_info("socket").setsockopt(*option)
                    await asyncio.sleep(0)
        ends = time.monotonic() + 5
        while time.monotonic() < ends and any(each.parser is not None for each in live):
            await asyncio.sleep(0.01)
    assert len(live) >= 2 * len(texts)
    assert all(each.parser is None for each in live)
    assert not caplog.records
