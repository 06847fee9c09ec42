"""Who goes when there are too many connections, and that a flood locks nobody out."""

import asyncio
import errno
import json
import logging
import socket
import sys
from contextlib import suppress

import pytest

from authflow.pool import PoolServer
from authflow.pool.http.connections import Acceptor, Connections
from authflow.pool.http.protocol import PoolProtocol

HEAD = (
    b"POST / HTTP/1.1\r\nHost: localhost\r\n"
    b"X-Amz-Target: AWSCognitoIdentityProviderService.ListUserPools\r\n"
    b"Content-Type: application/x-amz-json-1.1\r\nContent-Length: 17\r\n"
)
ASK = HEAD + b'\r\n{"MaxResults": 1}'
MAKE = ASK.replace(b"ListUserPools", b"CreateUserPool").replace(
    b'17\r\n\r\n{"MaxResults": 1}', b'20\r\n\r\n{"PoolName": "never"}'
)
SERVE = """
import resource, sys
soft, hard = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
import anyio
from authflow.pool import serve
anyio.run(lambda: serve(port=0))
"""
STATES = {
    "nothing": b"",
    "empty lines": b"\r\n",
    "half a request line": b"POST /",
    "half of the headers": HEAD,
    "half a body": ASK[:-3],
    "a request answered": ASK,
    "requests unread": ASK * 40,
}


class Guest:
    """A connection that knows whether it was closed."""

    gone = False

    def evict(self):
        self.gone = True


def guests(connections, number):
    made = [Guest() for _ in range(number)]
    for each in made:
        connections.add(each)
    return made


def test_the_one_that_has_waited_longest_goes():
    connections = Connections(most=3)
    a, b, c, d = guests(connections, 4)
    assert [each.gone for each in (a, b, c, d)] == [True, False, False, False]
    assert len(connections) == 3
    # A wait that has begun goes on, whatever comes meanwhile; another one begins after an answer.
    connections.wait(c)
    connections.work(b)
    connections.wait(b)
    guests(connections, 1)
    assert [each.gone for each in (b, c, d)] == [False, True, False]


def test_those_that_are_worked_for_stay():
    connections = Connections(most=10)
    waiting = guests(connections, 10)
    served = waiting[:9]
    assert all(map(connections.work, served))
    guests(connections, 30)
    assert not any(each.gone for each in served)
    assert waiting[9].gone
    assert len(connections) == 10


@pytest.mark.parametrize("most", [2, 3, 10, 11, 100])
def test_there_is_always_one_that_can_go(most):
    connections = Connections(most=most)
    worked_for = sum(map(connections.work, guests(connections, most)))
    assert worked_for == most - max(1, most // 10)
    before = guests(connections, 1)
    guests(connections, most)
    assert before[0].gone
    assert len(connections) == most


def test_what_is_closed_is_forgotten():
    connections = Connections(most=2)
    a, b = guests(connections, 2)
    connections.work(a)
    connections.remove(a)
    connections.remove(b)
    assert len(connections) == 0
    connections.wait(a)
    assert connections.work(b)
    assert len(connections) == 0
    connections.make_room()


async def leave(writer):
    """Close a connection at once, whatever is unread or unsent."""
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()


def port_of(endpoint):
    return int(endpoint.rpartition(":")[2])


async def ask(port, text=ASK):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(text)
        return await asyncio.wait_for(reader.readuntil(b"}"), 10)
    finally:
        await leave(writer)


@pytest.mark.parametrize("state", STATES)
async def test_connections_that_wait_lock_nobody_out(start, state):
    port = port_of((await start(max_connections=10)).endpoint)
    idle = []
    try:
        for _ in range(30):
            idle.append(await asyncio.open_connection("127.0.0.1", port))
            idle[-1][1].write(STATES[state])
        for _ in range(20):
            assert b" 200 OK" in await ask(port)
        await asyncio.sleep(0.05)
        left = sum(not reader._eof and reader.exception() is None for reader, _ in idle)
        assert left <= 10
    finally:
        for _, writer in idle:
            await leave(writer)


async def test_connections_that_wait_do_not_keep_a_server_from_its_end(monkeypatch):
    monkeypatch.setattr(PoolProtocol, "end_timeout", 30.0)
    idle = []
    try:
        async with asyncio.timeout(8), PoolServer() as pool:  # a head has ten seconds
            port = port_of(pool.endpoint)
            for name in ("nothing", "empty lines", "half a request line", "half of the headers"):
                idle.append(await asyncio.open_connection("127.0.0.1", port))
                idle[-1][1].write(STATES[name])
            assert b" 200 OK" in await ask(port)
    finally:
        for _, writer in idle:
            await leave(writer)


async def test_one_that_is_worked_for_is_not_closed_and_others_are_told_to_wait(start, settle):
    asked, go_on = asyncio.Event(), asyncio.Event()
    arrived = 0

    class Slow:
        sources = frozenset({"UserMigration"})

        async def handle(self, event):
            nonlocal arrived
            arrived += 1
            if arrived == 9:
                asked.set()
            await go_on.wait()
            return {**event, "response": {"userAttributes": {"name": "Old"}}}

    api = await start(max_connections=10, triggers=Slow(), trigger_timeout=60)
    house = await settle(api)
    requests = [("InitiateAuth", house.by_password(f"old{n}")) for n in range(9)]
    working = asyncio.create_task(api.at_once(*requests))
    await asyncio.wait_for(asked.wait(), 20)
    for _ in range(12):
        answer = await ask(port_of(api.endpoint), MAKE)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {
            "__type": "TooManyRequestsException",
            "message": "Too many requests.",
        }
    go_on.set()
    assert all("AuthenticationResult" in each for each in await working)
    # What was refused was not done.
    pools = (await api("ListUserPools", MaxResults=60))["UserPools"]
    assert [each["Name"] for each in pools] == ["test"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_more_idle_connections_than_files_lock_nobody_out_and_write_no_flood():
    """The command raises its limit, but no further than it may."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SERVE, "64", "128"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    line = await asyncio.wait_for(process.stdout.readline(), 30)
    port = port_of(json.loads(line)["endpoint"])
    with open(f"/proc/{process.pid}/limits") as file:
        (limit,) = [line for line in file if line.startswith("Max open files")]
    idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(200)]
    try:
        for _ in range(3):
            assert b" 200 OK" in await ask(port)
        left = sum(not reader._eof and reader.exception() is None for reader, _ in idle)
    finally:
        for _, writer in idle:
            await leave(writer)
        process.terminate()
        _, errors = await asyncio.wait_for(process.communicate(), 30)
    assert int(limit.split()[3]) == 128
    assert 64 < left <= 96
    assert errors == b""


async def accepting(failures, connections):
    """Accept connections at a listener that fails at first."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    loop = asyncio.get_running_loop()
    opened = asyncio.Queue()

    class Opened(asyncio.Protocol):
        def connection_made(self, transport):
            opened.put_nowait(transport)

    class Failing:
        """The real loop, on which to accept fails a few times."""

        def __init__(self):
            self.left = list(failures)

        async def __call__(self, listening):
            if self.left:
                raise OSError(self.left.pop(0), "no")
            return await accept(listening)

    accept = loop.sock_accept
    acceptor = Acceptor(listener=listener, connections=connections, make=Opened)
    return listener, opened, acceptor, Failing()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
async def test_without_files_the_oldest_goes_and_one_line_says_so(monkeypatch, caplog, number):
    monkeypatch.setattr("authflow.pool.http.connections._PAUSE", 0.001)
    connections = Connections(most=10)
    made = guests(connections, 5)
    listener, opened, acceptor, fail = await accepting([number] * 3, connections)
    monkeypatch.setattr(asyncio.get_running_loop(), "sock_accept", fail)
    with listener, socket.create_connection(listener.getsockname()), caplog.at_level(logging.INFO):
        running = asyncio.create_task(acceptor.run())
        transport = await asyncio.wait_for(opened.get(), 10)
        transport.abort()
        running.cancel()
        await asyncio.wait([running])
    assert [each.gone for each in made] == [True] * 3 + [False] * 2
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 3
    assert not any(record.exc_info for record in caplog.records)


async def test_a_client_that_left_before_it_was_accepted_harms_nobody(monkeypatch, caplog):
    connections = Connections(most=10)
    made = guests(connections, 5)
    failures = [errno.ECONNABORTED, errno.EPROTO, errno.EPERM]
    monkeypatch.setattr("authflow.pool.http.connections._PAUSE", 0.001)
    listener, opened, acceptor, fail = await accepting(failures, connections)
    monkeypatch.setattr(asyncio.get_running_loop(), "sock_accept", fail)
    with listener, socket.create_connection(listener.getsockname()):
        running = asyncio.create_task(acceptor.run())
        transport = await asyncio.wait_for(opened.get(), 10)
        transport.abort()
        running.cancel()
        await asyncio.wait([running])
    assert not any(each.gone for each in made)
    assert not caplog.records
