"""A server in a thread: what synchronous programs do with it, and how it ends."""

import gc
import http.client
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import boto3
import pytest

from authflow.errors import ConfigError, MisuseError
from authflow.pool import PoolInThread, PoolServer


def cognito(pool: PoolInThread) -> Any:
    return boto3.client(
        "cognito-idp",
        region_name=pool.region,
        endpoint_url=pool.endpoint,
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )


def invited(pool: PoolInThread) -> str:
    """Make a pool and invite ada; return the pool's id."""
    owner = cognito(pool)
    made: str = owner.create_user_pool(PoolName="test")["UserPool"]["Id"]
    address = [{"Name": "email", "Value": "ada@example.com"}]
    owner.admin_create_user(UserPoolId=made, Username="ada", UserAttributes=address)
    return made


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_boto3_uses_two_at_once_and_each_has_its_own_messages(tmp_path: Path):
    file = tmp_path / "users.sqlite"
    with PoolServer().in_thread() as one, PoolServer(db=str(file)).in_thread() as other:
        pool_id = invited(one)
        assert [each.destination for each in one.messages(pool_id)] == ["ada@example.com"]
        assert one.messages(pool_id, "grace") == []
        assert cognito(other).list_user_pools(MaxResults=1)["UserPools"] == []
        assert other.server.db == str(file)
    assert [each.name for each in tmp_path.iterdir()] == ["users.sqlite"]  # it was closed


def test_it_leaves_neither_thread_nor_socket_and_starts_again():
    pool = PoolServer().in_thread()
    before: list[Any] = []
    for _ in range(3):
        with pytest.raises(MisuseError, match="does not run: use it inside `with`, or start"):
            pool.endpoint  # noqa: B018  # looking is what is tested
        assert pool.start() is pool
        with pytest.raises(MisuseError, match="runs already"):
            pool.start()
        invited(pool)
        pool.stop()
        pool.stop()
        gc.collect()
        before.append((open_files(), {each.name for each in threading.enumerate()}))
    assert before[1] == before[2]


def test_one_that_could_not_be_closed_starts_again(monkeypatch: pytest.MonkeyPatch):
    leave = PoolServer.__aexit__

    async def failing(server: PoolServer, *error: Any) -> None:
        await leave(server, *error)
        raise OSError

    monkeypatch.setattr(PoolServer, "__aexit__", failing)
    pool = PoolServer().in_thread().start()
    with pytest.raises(OSError):
        pool.stop()
    monkeypatch.undo()
    with pool:
        invited(pool)


@pytest.mark.skipif("not hasattr(__import__('os'), 'fork')")
def test_the_port_is_free_while_a_child_process_lives_on():
    pool = PoolServer().in_thread().start()
    invited(pool)
    host, port = pool.endpoint.removeprefix("http://").split(":")
    waits, ends = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ends)
        os.read(waits, 1)  # until the parent has closed its end
        os._exit(0)
    try:
        invited(pool)  # it goes on
        pool.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)), timeout=5)
        with PoolServer(port=int(port)).in_thread() as again:
            invited(again)
    finally:
        os.close(ends)
        os.close(waits)
        os.waitpid(child, 0)


def test_its_errors_at_the_start_are_the_servers_own(tmp_path: Path):
    (tmp_path / "users.sqlite").write_bytes(b"no database")
    with PoolServer().in_thread() as pool:
        port = int(pool.endpoint.rpartition(":")[2])
        for wrong, why in (
            ({"port": port}, f"cannot listen on 127.0.0.1 port {port}"),
            ({"db": str(tmp_path / "users.sqlite")}, "not a usable SQLite database"),
            ({"host": "192.0.2.1"}, "is not a loopback address"),
        ):
            with pytest.raises(ConfigError, match=why), PoolServer(**wrong).in_thread():
                pass
        invited(pool)


def test_an_error_inside_is_raised_as_it_is_and_the_port_is_free():
    with pytest.raises(LookupError) as told, PoolServer().in_thread() as pool:  # noqa: PT012
        port = int(pool.endpoint.rpartition(":")[2])
        raise LookupError("as it is")
    assert told.value.__context__ is None
    with PoolServer(port=port).in_thread() as again:
        invited(again)


async def test_a_server_that_is_open_on_a_loop_is_not_opened_in_a_thread_as_well():
    async with PoolServer() as server:
        with pytest.raises(MisuseError, match="this server belongs to another event loop"):
            server.in_thread().start()


def test_requests_in_flight_are_answered_when_it_ends():
    begun, go_on = threading.Event(), threading.Event()

    def trigger(event: dict[str, Any], _context: object) -> dict[str, Any]:
        begun.set()
        go_on.wait()
        return event

    answered: list[str] = []
    slow = "arn:aws:lambda:us-east-1:000000000000:function:slow"
    with PoolServer(triggers={slow: trigger}).in_thread() as pool:
        owner = cognito(pool)
        config = {"PreSignUp": slow}
        made = owner.create_user_pool(PoolName="test", LambdaConfig=config)["UserPool"]["Id"]

        def create() -> None:
            user = owner.admin_create_user(
                UserPoolId=made, Username="ada", MessageAction="SUPPRESS"
            )
            answered.append(user["User"]["Username"])

        caller = threading.Thread(target=create)
        caller.start()
        begun.wait()
        threading.Timer(0.05, go_on.set).start()
    caller.join()
    assert answered == ["ada"]
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection(owner.meta.endpoint_url[7:]).connect()


def test_what_the_pool_calls_cannot_call_its_synchronous_methods():
    told: list[str] = []

    def look(message: Any) -> None:
        try:
            pool.messages(message.pool_id)
        except MisuseError as error:
            told.append(str(error))

    with PoolServer(on_message=look).in_thread() as pool:
        invited(pool)
    assert told
    assert "would wait for itself" in told[0]


PROGRAM = """
import sys
if "gevent" in sys.argv:
    from gevent import monkey
    monkey.patch_all()
import boto3
from authflow.pool import PoolServer

pool = PoolServer(db=sys.argv[1]).in_thread().start()
cognito = boto3.client(
    "cognito-idp", region_name=pool.region, endpoint_url=pool.endpoint,
    aws_access_key_id="any", aws_secret_access_key="any",
)
made = cognito.create_user_pool(PoolName="test")["UserPool"]["Id"]
if "gevent" in sys.argv:
    import gevent
    names = [f"user-{number}" for number in range(8)]
    gevent.joinall(
        [gevent.spawn(cognito.admin_create_user, UserPoolId=made, Username=name) for name in names],
        raise_error=True,
    )
    assert len(cognito.list_users(UserPoolId=made)["Users"]) == 8
    with PoolServer().in_thread() as other:
        assert other.endpoint != pool.endpoint
print("over", flush=True)
if "interrupt" in sys.argv:
    raise KeyboardInterrupt
"""


@pytest.mark.parametrize("how", ["left", "gevent", "interrupt"])
def test_a_program_that_ends_without_a_word_closes_its_file(tmp_path: Path, how: str):
    file = tmp_path / "users.sqlite"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(file), how],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == "over\n", done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["users.sqlite"]
    assert ("KeyboardInterrupt" in done.stderr) == (how == "interrupt")
