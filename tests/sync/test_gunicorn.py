"""A Flask application under gunicorn, whose client was used before the workers were forked."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from authflow.keys import KeyRing
from testbed.pool_beside import PROGRAMS

pytestmark = pytest.mark.skipif("not hasattr(__import__('os'), 'fork')")


@pytest.fixture(scope="module")
def address(pool):
    """The address of the application under two workers, with the application loaded before."""
    env = pool.environment() | {
        "AUTHFLOW_KEYS": KeyRing.generate().to_json().reveal(),
        "FLASK_SECRET_KEY": "for the test",
    }
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "--preload", "--workers", "2", "--threads", "4"),
            *("--bind", "127.0.0.1:0", "--chdir", str(PROGRAMS), "flask_app:app"),
        ],
        env=env,
        stderr=subprocess.PIPE,
        text=True,
    )
    told = []
    assert server.stderr is not None
    for line in server.stderr:
        told.append(line)
        if listening := re.search(r"Listening at: (http://\S+)", line):
            break
    else:
        pytest.fail("".join(told))
    yield listening[1]
    server.terminate()
    _, rest = server.communicate(timeout=30)
    assert "Traceback" not in rest
    assert server.returncode == 0


def signed_in(address: str) -> tuple[str, set[int]]:
    """A token by a sign-in of two requests, and the workers that served them."""
    with httpx.Client(base_url=address, timeout=60) as browser:
        begun = browser.post("/sign-in", data={"username": "ada"}).json()
        assert begun["challenge"] == "word"
        done = browser.post("/answer", data={"answer": "open sesame"}).json()
        return done["access_token"], {begun["worker"], done["worker"]}


def test_both_workers_serve_at_once_and_take_each_others_tickets_and_tokens(address):
    workers: set[int] = set()
    tokens = []
    for _ in range(10):
        with ThreadPoolExecutor(8) as threads:
            for token, served in threads.map(lambda _: signed_in(address), range(8)):
                tokens.append(token)
                workers |= served
        if len(workers) == 2:
            break
    assert len(workers) == 2
    seen = httpx.get(f"{address}/me", headers={"Authorization": f"Bearer {tokens[0]}"}, timeout=60)
    assert seen.json()["username"] == "ada"


def test_a_view_refuses_a_token_that_is_none(address):
    seen = httpx.get(f"{address}/me", headers={"Authorization": "Bearer a.b.c"}, timeout=60)
    assert (seen.status_code, seen.json()) == (401, {"code": "token_malformed"})
