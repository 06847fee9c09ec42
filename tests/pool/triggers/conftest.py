"""A Lambda endpoint in the tests' own loop, and pools whose triggers are invoked either way."""

import asyncio
import importlib.util
import inspect
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from attrs import define, field

HANDLERS = Path(__file__).parent / "handlers"
LINES = Path(__file__).parents[2] / "triggers" / "handlers" / "lines.mjs"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:{}"
SOURCES = ("DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse")


def lambda_reply(body: bytes, **headers: str) -> web.Response:
    return web.Response(body=body, headers=headers, content_type="application/json")


@define
class LocalLambda:
    """Speaks Lambda's Invoke over HTTP. What is in `next` is answered first, one a request."""

    url: str = ""
    functions: dict[str, Callable[..., Any]] = field(factory=dict)
    next: list[Any] = field(factory=list)
    requests: list[tuple[str, Any]] = field(factory=list)
    headers: list[Any] = field(factory=list)
    connections: set[int] = field(factory=set)

    async def invoke(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["function"]
        event = json.loads(await request.read())
        self.requests.append((name, event))
        self.headers.append(request.headers)
        self.connections.add(id(request.transport))
        if self.next:
            answer = self.next.pop(0)
            return await answer(request) if callable(answer) else answer
        function = self.functions.get(name.split(":")[6])
        if function is None:
            body = {"Type": "User", "Message": f"Function not found: {name}"}
            headers = {"X-Amzn-ErrorType": "ResourceNotFoundException"}
            return web.json_response(body, status=404, headers=headers)
        try:
            if inspect.iscoroutinefunction(function):
                given = await function(event, None)
            else:
                given = await asyncio.to_thread(function, event, None)
        except Exception as error:  # noqa: BLE001  # whatever a function raises
            told = {"errorMessage": str(error), "errorType": type(error).__name__}
            return lambda_reply(json.dumps(told).encode(), **{"X-Amz-Function-Error": "Unhandled"})
        return lambda_reply(json.dumps(given).encode())


@pytest.fixture
async def local_lambda(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalLambda]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    local = LocalLambda()
    app = web.Application()
    app.router.add_post("/2015-03-31/functions/{function}/invocations", local.invoke)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0]
        local.url = f"http://{host}:{port}"
        yield local
    finally:
        await runner.cleanup()


@define
class NodeFunction:
    """A handler in Node, kept running as Lambda keeps one."""

    process: asyncio.subprocess.Process

    async def __call__(self, event: Any) -> Any:
        self.process.stdin.write(json.dumps(event).encode() + b"\n")
        reply = json.loads(await self.process.stdout.readline())
        if "errorMessage" in reply:
            raise RuntimeError(reply["errorMessage"].removeprefix("Error: "))
        return reply


@pytest.fixture
async def node_function() -> AsyncIterator[Callable[[str], Awaitable[Callable[..., Any]]]]:
    """Start a handler of `handlers/` in Node."""
    processes = []

    async def started(name: str) -> Callable[..., Any]:
        process = await asyncio.create_subprocess_exec(
            *("node", str(LINES), (HANDLERS / name).as_uri()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        processes.append(process)
        function = NodeFunction(process)

        async def call(event: Any, _context: Any) -> Any:
            return await function(event)

        return call

    yield started
    for process in processes:
        process.stdin.close()
        await process.wait()


@pytest.fixture
def python_function() -> Callable[[str], Callable[..., Any]]:
    """Load a handler of `handlers/`, by itself."""

    def loaded(name: str) -> Callable[..., Any]:
        spec = importlib.util.spec_from_file_location(Path(name).stem, HANDLERS / name)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert module.__name__ not in sys.modules
        return module.handler

    return loaded


@pytest.fixture(params=["in process", "at an endpoint"])
def invoked(
    request: pytest.FixtureRequest,
    local_lambda: LocalLambda,
    start: Callable[..., Awaitable[Any]],
    settle: Callable[..., Awaitable[Any]],
) -> Callable[..., Awaitable[Any]]:
    """Make a pool whose triggers are one handler, invoked in process or at an endpoint."""

    async def made(
        handler: Callable[..., Any],
        sources: tuple[str, ...] = SOURCES,
        server: dict[str, Any] | None = None,
        **client: Any,
    ) -> Any:
        if request.param == "in process":
            settings = {"triggers": {"one": handler}}
        else:
            local_lambda.functions["one"] = handler
            settings = {"lambda_endpoint": local_lambda.url}
        api = await start(**settings, **(server or {}))
        config = dict.fromkeys(sources, ARN.format("one"))
        return await settle(api, {"LambdaConfig": config}, **client)

    return made


@pytest.fixture
async def endpoint_house(
    local_lambda: LocalLambda,
    start: Callable[..., Awaitable[Any]],
    settle: Callable[..., Awaitable[Any]],
    python_function: Callable[[str], Callable[..., Any]],
) -> Any:
    """A pool with a user, whose custom challenges are a Python function at an endpoint."""
    local_lambda.functions["one"] = python_function("riddle.py")
    api = await start(lambda_endpoint=local_lambda.url, trigger_timeout=2)
    house = await settle(api, {"LambdaConfig": dict.fromkeys(SOURCES, ARN.format("one"))})
    await house.add_user()
    return house
