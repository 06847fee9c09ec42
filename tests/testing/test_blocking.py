"""Blocking calls are noticed where the event loop waits for them, and nowhere else."""

import socket
import sqlite3
import time
from types import FrameType

from authflow.testing.blocking import BlockingCalls, Stacks


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


def test_where_a_blocking_call_is_made_is_shown():
    seen: list[str] = []

    def look(frame: FrameType | None) -> None:
        while frame is not None:
            seen.append(frame.f_code.co_name)
            frame = frame.f_back

    with BlockingCalls.recorded([], look):
        resolve()
    assert "resolve" in seen


def test_what_computes_for_long_is_looked_at_and_what_ends_soon_is_not():
    seen: list[str] = []

    def look(frame: FrameType | None) -> None:
        while frame is not None:
            seen.append(frame.f_code.co_name)
            frame = frame.f_back

    def computes(seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not seen:
            pass

    with Stacks.watched(look):
        computes(0)
    assert seen == []
    with Stacks.watched(look):
        computes(20)
    assert "computes" in seen
