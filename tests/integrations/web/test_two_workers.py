"""Each adapter under uvicorn with two workers: a sign-in ends at another one than it began at.

Real processes, with a redis-server and nothing else between them; FastAPI's is the guide's service.
"""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import define, field

from authflow.keys import KeyRing
from authflow.testing import PASSWORD, run_pool
from authflow.triggers import Triggers, challenge, password, sequence
from testbed.pages import examples, text_of

pytestmark = pytest.mark.system("redis-server")

PAGE = "docs/guides/fastapi.md"
GUIDE = examples(PAGE, "service", "verifying service")
BEGINNING = """
import os
from authflow import AuthClient, AuthConfig, AuthFlow
from authflow.keys import KeyRing
from authflow.stores import RedisStore

client = AuthClient(
    AuthConfig.from_env(),
    keys=KeyRing.from_environment(),
    store=RedisStore(redis=os.environ["REDIS_URL"]),
)
"""
SERVICES = {
    "fastapi": GUIDE["service"],
    "starlette": f"""{BEGINNING}
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from authflow.integrations.starlette import StarletteAuth, WebSettings

auth = StarletteAuth(
    client, settings=WebSettings(flows=AuthFlow.CUSTOM_AUTH, insecure_loopback=True)
)

@auth.requires()
async def orders(request):
    return JSONResponse({{"orders of": request.user.username}})

app = Starlette(
    routes=[Mount("/auth", auth.sign_in_router()), Route("/orders", orders)],
    lifespan=auth.lifespan,
    exception_handlers=auth.exception_handlers,
)
""",
    "asgi": f"""{BEGINNING}
import json
from authflow.integrations.asgi import AsgiAuth, WebSettings

auth = AsgiAuth(client, settings=WebSettings(flows=AuthFlow.CUSTOM_AUTH, insecure_loopback=True))

async def orders(scope, receive, send):
    assert scope["type"] == "http"
    body = json.dumps({{"orders of": scope["user"].username}}).encode()
    headers = [(b"content-type", b"application/json")]
    await send({{"type": "http.response.start", "status": 200, "headers": headers}})
    await send({{"type": "http.response.body", "body": body}})

app = auth.lifespan(auth.sign_in_router(auth.requires(orders)))
""",
}
TELLS_ITS_WORKER = """
import os
from service import app as service

WORKER = (b"x-worker", str(os.getpid()).encode())

async def app(scope, receive, send):
    async def telling(message):
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], WORKER]}
        await send(message)
    await service(scope, receive, telling)
"""


@define
class Watched:
    """The pool's triggers, whose owner may look at the answer that is wanted."""

    triggers: Triggers = field(
        factory=lambda: Triggers(policy=sequence(password(), challenge("captcha", attempts=3)))
    )
    wanted: list[str] = field(factory=list)

    @property
    def sources(self) -> Any:
        return self.triggers.sources

    async def handle(self, event: Any) -> Any:
        filled = await self.triggers.handle(event)
        private = filled["response"].get("privateChallengeParameters") or {}
        self.wanted += [private["answer"]] if "answer" in private else []
        return filled


@asynccontextmanager
async def served(folder: Path, service: str, **environ: str) -> AsyncIterator[str]:
    """Run `uvicorn … --workers 2` on a free port, and give its address."""
    (folder / "service.py").write_text(service)
    (folder / "telling.py").write_text(TELLS_ITS_WORKER)
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "uvicorn", "telling:app", "--workers", "2", "--port", "0"),
        *("--timeout-keep-alive", "60", "--no-access-log"),
        cwd=folder,
        env={**os.environ, **environ},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        address, ready = "", 0
        while ready < 2:
            line = (await server.stderr.readline()).decode()
            assert line, "it has ended"
            found = re.search(r"running on (http://127\.0\.0\.1:\d+)", line)
            address = found[1] if found else address
            ready += "startup complete" in line
        yield address
    finally:
        server.terminate()
        await server.communicate()


@asynccontextmanager
async def tabs_at_both(address: str) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """Give two clients with the same cookies whose connections lead to different workers."""
    jar, found, tried = CookieJar(), {}, []
    while len(found) < 2:
        client = httpx.AsyncClient(base_url=address, cookies=jar, timeout=30)
        tried.append(client)
        found.setdefault((await client.get("/auth/csrf")).headers["x-worker"], client)
    yield tuple(found.values())
    for client in tried:
        await client.aclose()


@pytest.mark.parametrize("framework", SERVICES)
async def test_a_sign_in_by_captcha_goes_from_worker_to_worker(
    framework: str, tmp_path: Path, redis_url: str
):
    watched = Watched()
    keys = KeyRing.generate().to_json().reveal()
    async with run_pool(triggers=watched, users={"ada": PASSWORD}) as pool:
        environ = {
            f"AUTHFLOW_{name.upper()}": str(getattr(pool.config, name))
            for name in ("user_pool_id", "client_id", "endpoint")
        }
        async with (
            served(
                tmp_path, SERVICES[framework], AUTHFLOW_KEYS=keys, REDIS_URL=redis_url, **environ
            ) as address,
            tabs_at_both(address) as (one, two),
        ):
            token = {"x-csrf-token": (await one.get("/auth/csrf")).json()["csrf_token"]}
            begun = await one.post(
                "/auth/sign-in", json={"username": "ada", "password": PASSWORD}, headers=token
            )
            step = begun.json()
            assert step["status"] == "challenge", begun.text
            again = await two.get("/auth/sign-in")
            assert again.json()["form"] == step["form"]  # its picture, too
            (asked,) = [part["name"] for part in step["form"]["parts"] if "name" in part]
            assert f'{{"step", "values": {{"{asked}": "…"}}}}' in text_of(PAGE)
            answer = {"step": step["step"], "values": {asked: watched.wanted[-1]}}
            replies = await asyncio.gather(
                *(
                    each.post("/auth/sign-in/answer", json=answer, headers=token)
                    for each in (two, one, two, one)
                )
            )
            assert sorted(each.status_code for each in replies) == [200, 409, 409, 409]
            (done,) = [each.json() for each in replies if each.status_code == 200]
            assert done["status"] == "signed_in"
            workers = set()
            for each in (one, two):
                reply = await each.get("/orders")
                assert reply.json() == {"orders of": "ada"}
                workers.add(reply.headers["x-worker"])
            assert len(workers) == 2
            token = {"x-csrf-token": done["csrf_token"]}
            assert (await two.post("/auth/sign-out", headers=token)).status_code == 200
            assert (await one.get("/orders")).status_code == 401


async def test_the_guides_service_that_only_verifies_loads_no_client_and_no_aws(tmp_path: Path):
    program = f"""{GUIDE["verifying service"]}
import sys
from fastapi.testclient import TestClient
with TestClient(app) as client:
    refused = client.get("/stock")
    assert refused.status_code == 401, refused.text
    assert refused.headers["www-authenticate"] == "Bearer"
print([m for m in ("aiobotocore", "botocore", "authflow.client") if m in sys.modules])
"""
    ran = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-c", program), stdout=asyncio.subprocess.PIPE
    )
    told, _ = await ran.communicate()
    assert told.decode().strip() == "[]"
