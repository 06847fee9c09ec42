"""Blocking calls are noticed where the event loop waits for them, and nowhere else."""

import socket
import sqlite3

from authflow.testing.blocking import BlockingCalls


def resolve() -> object:
    return socket.getaddrinfo("127.0.0.1", 80)


def test_a_blocking_call_is_noticed_inside_and_not_outside():
    seen: list[str] = []
    resolve()
    with BlockingCalls.recorded(seen):
        resolve()
        sqlite3.connect(":memory:").close()
    resolve()
    assert seen == ["socket.getaddrinfo", "sqlite3.connect"]


def test_connecting_is_noticed_if_the_socket_blocks():
    seen: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server, BlockingCalls.recorded(seen):
        for timeout in (0, 5):
            with socket.socket() as client:
                client.settimeout(timeout)
                client.connect_ex(server.getsockname())
    assert seen == ["socket.connect"]
