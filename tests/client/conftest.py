"""A server that answers as the test says: to stand for a rogue or failing Cognito.

The real pool cannot be made to lie or to break off in mid-reply, so this one stands in its place
where a test is about lies and breaks. It speaks real HTTP over a real socket.
"""

import asyncio
import inspect
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from attrs import define, field, frozen

from authflow import AuthConfig
from testbed.kept_bench import *  # noqa: F403  # fixtures
from testbed.listening import listen


@frozen
class Error:
    """One of Cognito's errors."""

    code: str
    message: str = ""
    status: int = 400


@frozen
class Raw:
    """Bytes, sent as they are; then the connection closes."""

    data: bytes


HANG_UP = Raw(b"")
HALF = Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{")
HANG = "hang"


@define
class ScriptedServer:
    """Answers requests in the order of a script, and keeps what it was sent."""

    script: list[Any]
    requests: list[tuple[str, dict[str, Any]]] = field(factory=list, init=False)
    headers: list[dict[str, str]] = field(factory=list, init=False)
    port: int = field(default=0, init=False)

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.requests]

    def config(self, **settings: Any) -> AuthConfig:
        return AuthConfig(
            user_pool_id="eu-central-1_Abc123def",
            client_id="1example23456789",
            endpoint=f"http://127.0.0.1:{self.port}",
            verify_tokens=False,
            **settings,
        )

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            fields = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])
                if name
            }
            body = await reader.readexactly(int(fields.get("content-length", 0)))
            operation = fields.get("x-amz-target", "").rpartition(".")[2]
            self.requests.append((operation, json.loads(body or b"{}")))
            self.headers.append(fields)
            answer = self.script.pop(0) if self.script else Error("InternalErrorException")
            if inspect.isawaitable(answer):  # it comes when the test says so
                answer = await answer
            if answer == HANG:
                await reader.read()  # until the other side gives up
                return
            if isinstance(answer, Raw):
                writer.write(answer.data)
                await writer.drain()
                return
            status, members = 200, answer
            if isinstance(answer, Error):
                status = answer.status
                members = {"__type": answer.code, "message": answer.message}
            data = json.dumps(members).encode()
            writer.write(
                f"HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.1\r\n"
                f"content-length: {len(data)}\r\n\r\n".encode()
                + data
            )
            await writer.drain()


@asynccontextmanager
async def serve_script(*script: Any) -> AsyncIterator[ScriptedServer]:
    server = ScriptedServer(list(script))
    async with listen(server.serve) as server.port:
        yield server


@pytest.fixture
def scripted() -> Any:
    """Gives `serve_script` and its vocabulary, since tests do not import each other's files."""

    class Vocabulary:
        serve = staticmethod(serve_script)
        error = Error
        raw = Raw
        hang_up = HANG_UP
        half = HALF
        hang = HANG

    return Vocabulary
