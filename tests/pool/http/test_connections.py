"""Who goes when there are too many connections, and that a flood locks nobody out."""

import asyncio
import errno
import json
import logging
import socket
import sys
from contextlib import suppress

import pytest

from authflow.pool import Budget, PoolServer
from authflow.pool.http.connections import Acceptor, Connections
from authflow.pool.http.protocol import PoolProtocol

HEAD = (
    b"POST / HTTP/1.1\r\nHost: localhost\r\n"
    b"X-Amz-Target: AWSCognitoIdentityProviderService.ListUserPools\r\n"
    b"Content-Type: application/x-amz-json-1.1\r\nContent-Length: 17\r\n"
)
ASK = HEAD + b'\r\n{"MaxResults": 1}'
MAKE = ASK.replace(b"ListUserPools", b"CreateUserPool").replace(
    b'17\r\n\r\n{"MaxResults": 1}', b'21\r\n\r\n{"PoolName": "never"}'
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


@pytest.mark.parametrize("before", ["waits", "is worked for"])
def test_one_whose_refusal_is_kept_back_is_no_work_and_goes_before_those_that_wait(before):
    connections = Connections(most=4)
    a, b, c, d = guests(connections, 4)
    if before == "is worked for":
        assert all(map(connections.work, (c, d)))
    connections.keep_back(c)
    connections.keep_back(d)
    assert connections.work(b)
    assert connections.work(d)  # it is asked something else
    guests(connections, 1)
    assert [each.gone for each in (a, b, c, d)] == [False, False, True, False]
    assert len(connections) == 4
    connections.keep_back(c)  # it is closed
    assert len(connections) == 4


def test_one_that_was_refused_at_last_waits_again():
    connections = Connections(most=2)
    a, b = guests(connections, 2)
    connections.keep_back(b)
    connections.wait(b)
    guests(connections, 1)
    assert (a.gone, b.gone) == (True, False)
    connections.keep_back(b)
    connections.remove(b)
    assert len(connections) == 1


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


@pytest.fixture
def slow():
    """Goes on at the end of a test, at the latest."""
    slow = Slow()
    yield slow
    slow.go_on.set()


class Slow:
    """Serves migrations of every pool once it is told to go on."""

    sources = frozenset({"UserMigration"})

    def __init__(self):
        self.go_on, self.arrived = asyncio.Event(), 0

    async def handle(self, event):
        self.arrived += 1
        await self.go_on.wait()
        return {**event, "response": {"userAttributes": {"name": "Old"}}}


def begun(house, name):
    return asyncio.create_task(house.api.post("InitiateAuth", json.dumps(house.by_password(name))))


async def held_by(slow, house, number):
    """Begin to sign in, one after the other; each waits for the trigger."""
    tasks = []
    for each in range(number):
        before = slow.arrived
        tasks.append(begun(house, f"old{each}"))
        async with asyncio.timeout(20):
            while slow.arrived == before:
                await asyncio.sleep(0.002)
    return tasks


async def test_one_that_is_worked_for_is_not_closed_and_others_are_told_to_wait(
    start, settle, slow
):
    api = await start(max_connections=10, triggers=slow, trigger_timeout=60)
    working = []
    for number in (5, 2, 1, 1):  # one pool's trigger may not hold them all
        working += await held_by(slow, await settle(api), number)
    for _ in range(12):
        answer = await ask(port_of(api.endpoint), MAKE)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {
            "__type": "TooManyRequestsException",
            "message": "Too many requests.",
        }
    slow.go_on.set()
    assert all("AuthenticationResult" in reply[1] for reply in await gathered(working))
    # What was refused was not done.
    pools = (await api("ListUserPools", MaxResults=60))["UserPools"]
    assert {each["Name"] for each in pools} == {"test"}


async def gathered(tasks):
    return await asyncio.wait_for(asyncio.gather(*tasks), 20)


@pytest.mark.parametrize("names", ["many", "one"])
async def test_who_waits_for_one_pools_trigger_leaves_room_to_other_pools(
    start, settle, slow, names
):
    """Of one name one is asked about at a time, and the others wait for their turn."""
    api = await start(max_connections=20, triggers=slow, trigger_timeout=60)
    house, port = await settle(api), port_of(api.endpoint)
    waiting = await held_by(slow, house, 1)
    for each in range(29):
        waiting.append(begun(house, f"more{each}" if names == "many" else "old0"))
        await asyncio.wait(waiting[-1:], timeout=0.02)
    for _ in range(5):
        assert b" 200 OK" in await ask(port)
    assert sum(not each.done() for each in waiting) <= 9
    refused = [each.result()[1] for each in waiting if each.done()]
    assert {each["__type"] for each in refused} == {"TooManyRequestsException"}
    slow.go_on.set()
    await gathered(waiting)


@pytest.fixture
def long_pauses(monkeypatch):
    """Refusals are kept back for longer than a test takes."""
    monkeypatch.setattr("authflow.pool.admission.gate.random.uniform", lambda *_: 1000)


def asking(house, name):
    body = json.dumps(house.by_password(name)).encode()
    head = HEAD.replace(b"ListUserPools", b"InitiateAuth").replace(b"17", b"%d" % len(body))
    return head + b"\r\n" + body


@pytest.fixture
async def beside():
    """Opens connections, which end with the test."""
    opened = []

    async def connect(port, text):
        opened.append(await asyncio.open_connection("127.0.0.1", port))
        opened[-1][1].write(text)
        return opened[-1][0]

    yield connect
    for _, writer in opened:
        await leave(writer)


ONCE = Budget(per_second=1e-5, burst=1)
RATE_EXCEEDED = b'{"__type":"TooManyRequestsException","message":"Rate exceeded"}'


def gone(reader):
    return reader._eof or reader.exception() is not None


@pytest.mark.parametrize("more", [b"", ASK, ASK * 3, ASK[:-3]], ids=len)
async def test_refusals_that_are_kept_back_take_nobodys_room(
    start, settle, long_pauses, beside, more
):
    api = await start(max_connections=10, name_budget=ONCE)
    house, port = await settle(api), port_of(api.endpoint)
    await house.add_user()
    refused = asking(house, "victim")
    await ask(port, refused)
    flood = [await beside(port, refused + more) for _ in range(30)]
    for _ in range(3):
        assert b" 200 OK" in await ask(port)
    assert b" 200 OK" in await ask(port, asking(house, "ann"))
    # Who had to go heard the refusal; the others will hear it later.
    heard = [bytes(reader._buffer) for reader in flood if gone(reader)]
    assert 20 <= len(heard) < 30
    if not more:
        assert all(text.startswith(b"HTTP/1.1 400 ") for text in heard)
        assert all(text.endswith(RATE_EXCEEDED) for text in heard)


async def test_an_address_whose_refusals_are_kept_back_takes_no_room_either(
    start, settle, long_pauses, beside
):
    api = await start(max_connections=10, address_budget=Budget(per_second=1e-5, burst=2))
    house, port = await settle(api), port_of(api.endpoint)
    for text in (ASK, ASK[:-3], ASK * 3):
        flood = [await beside(port, text) for _ in range(10)]
        keys = b"GET /%s/.well-known/jwks.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
        assert b" 200 OK" in await ask(port, keys % house.pool_id.encode())
        assert any(not gone(reader) for reader in flood)


@pytest.fixture
def kept(monkeypatch):
    """The connections whose refusal is kept back."""
    kept, keep_back = [], Connections.keep_back
    monkeypatch.setattr(
        Connections, "keep_back", lambda self, each: kept.append(each) or keep_back(self, each)
    )
    return kept


@pytest.mark.usefixtures("long_pauses")
@pytest.mark.parametrize("more", [b"", b"POST /", ASK], ids=len)
async def test_what_comes_behind_a_refusal_is_not_done_where_there_is_no_room(  # noqa: PLR0917
    start, settle, slow, beside, kept, more
):
    api = await start(max_connections=2, name_budget=ONCE, triggers=slow, trigger_timeout=60)
    house, port = await settle(api), port_of(api.endpoint)
    slow.go_on.set()
    await ask(port, asking(house, "victim"))
    slow.go_on.clear()
    reader = await beside(port, asking(house, "victim") + MAKE + more)
    async with asyncio.timeout(20):
        while not kept:
            await asyncio.sleep(0.002)
    working = begun(house, "old")
    async with asyncio.timeout(20):
        while slow.arrived < 2:
            await asyncio.sleep(0.002)
    kept[0]._kept_back.set()
    heard = await asyncio.wait_for(reader.read(), 20)
    assert [each[:3] for each in heard.split(b"HTTP/1.1 ")[1:]] == [b"400", b"503"]
    slow.go_on.set()
    await gathered([working])
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
