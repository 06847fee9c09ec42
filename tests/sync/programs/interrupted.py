"""A call that Ctrl-C interrupts."""

import sys
import threading
import time

import anyio

from authflow import AuthConfig, AuthFlow
from authflow.sync import AuthClient

broken_off: list[bool] = []


class Person:
    async def ask(self, question: str, *, hidden: bool = False) -> str:
        print("waits", flush=True)
        try:
            await anyio.sleep_forever()
        finally:
            broken_off.append(True)
        raise AssertionError


class Plain:
    def ask(self, question: str, *, hidden: bool = False) -> str:
        assert threading.current_thread() is threading.main_thread()
        print("waits", flush=True)
        time.sleep(60)
        raise AssertionError


class Word:
    name = "word"

    async def answer(self, challenge, prompt):
        return await prompt.ask("?")


def silent_server() -> int:
    """A server that takes a request, and never replies."""
    import socket

    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        connection.recv(65536)
        print("waits", flush=True)
        while connection.recv(65536):
            pass
        broken_off.append(True)

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


config = AuthConfig.from_env()
auth = AuthClient(config, challenges=[Word])
kind = sys.argv[1]
try:
    if kind == "server":
        from attrs import evolve

        slow = AuthClient(evolve(config, endpoint=f"http://127.0.0.1:{silent_server()}"))
        slow.sign_in("ada", "Correct-horse-1")
    else:
        prompt = Plain() if kind == "plain" else Person()
        auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=prompt)
except KeyboardInterrupt:
    if kind == "uncaught":
        raise
    print("KeyboardInterrupt")
if kind == "server":
    for _ in range(100):
        if not broken_off:
            time.sleep(0.05)
    print("the request was broken off:", bool(broken_off))
if kind == "person":
    print("the prompt was cancelled:", bool(broken_off))
print(type(auth.sign_in("ada", "Correct-horse-1")).__name__)
