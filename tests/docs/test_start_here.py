"""docs/start-here.md: all that a newcomer types is typed, in that order.

It begins with nothing: the wheels are built and installed into a fresh environment, which finds
all other distributions as if they were installed there.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

from testbed.pages import ROOT, examples, text_of

PAGE = "docs/start-here.md"
EXAMPLES = examples(PAGE, "first user", "sign in", "my triggers", "answer captcha")
BUILT = """
import os, sys
from hatchling.build import build_wheel
for folder in sys.argv[2:]:
    os.chdir(folder)
    build_wheel(sys.argv[1])
"""

WATCHED = """

class Watched:
    def __init__(self, triggers):
        self.triggers = triggers
        self.sources = triggers.sources

    async def handle(self, event):
        filled_in = await self.triggers.handle(event)
        private = filled_in["response"].get("privateChallengeParameters") or {}
        with open("wanted", "a") as file:
            file.write(private.get("answer", "") + chr(10))
        return filled_in

triggers = Watched(triggers)
"""
"""Stands below the page's triggers: their owner may look at the answer that is wanted."""


@contextmanager
def served(command: str, folder: Path, environ: dict[str, str]) -> Iterator[None]:
    """Run what the page has a newcomer start in a terminal of its own, and end it by Ctrl-C."""
    with subprocess.Popen(
        command.split(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=folder,
        env=environ,
    ) as server:
        try:
            assert "endpoint" in server.stdout.readline()
            yield
        finally:
            server.send_signal(signal.SIGINT)
    assert server.returncode == 0


def with_answers(command: str, folder: Path, environ: dict[str, str]) -> tuple[str, str]:
    """Run a program whose two questions are answered, the first one wrongly."""
    told = ""
    with subprocess.Popen(
        ["sh", "-euc", command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environ,
    ) as process:
        for answer in ("WRONG", None):
            while not told.rstrip(" ").endswith("?") and (read := process.stderr.read(1)):
                told += read
            told += "\n"
            assert told.rstrip().endswith("?"), told
            typed = answer or (folder / "wanted").read_text().split()[-1]
            process.stdin.write(f"{typed}\n")
            process.stdin.flush()
        printed, more = process.communicate()
    return printed, told + more


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of our distributions, as an index would give them."""
    folder = tmp_path_factory.mktemp("wheels")
    sources = [ROOT, *(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))]
    subprocess.run(
        [sys.executable, "-c", BUILT, folder, *sources], check=True, stdout=subprocess.DEVNULL
    )
    return folder


@pytest.fixture
def fresh(tmp_path: Path, wheels: Path) -> dict[str, str]:
    """The variables of a terminal on a machine that has never seen authflow, nor an index."""
    others = tmp_path / "others"
    others.mkdir()
    for each in Path(sysconfig.get_path("purelib")).iterdir():
        if not re.match(r"(cognito_)?authflow|__editable__|_editable|pip\b|.*\.pth$", each.name):
            (others / each.name).symlink_to(each)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(others),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


@pytest.mark.timeout(240)
@pytest.mark.skipif(
    find_spec("ensurepip") is None, reason="this Python makes no environments: see `make test-deps`"
)
def test_the_way_from_nothing_to_a_custom_challenge_is_as_it_is_told(tmp_path, fresh):
    """All that a newcomer types, in that order, but for the port: 9229 may be in use here."""
    install, serve, others, serve_again, captcha = re.findall(
        r"^```sh\n(.*?)^```", text_of(PAGE), re.DOTALL | re.MULTILINE
    )
    run = partial(
        subprocess.run, capture_output=True, text=True, check=False, cwd=tmp_path, env=fresh
    )
    done = run(["sh", "-euc", install])
    assert done.returncode == 0, done.stdout + done.stderr
    fresh["PATH"] = os.pathsep.join([str(tmp_path / ".venv" / "bin"), fresh["PATH"]])
    done = run(["python", "-c", "import authflow, authflow_otp as o; print(authflow, o)"])
    assert done.stdout.count(str(tmp_path / ".venv")) == 2, done.stdout + done.stderr

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = str(listener.getsockname()[1])
    for name, example in EXAMPLES.items():
        file = tmp_path / f"{name.replace(' ', '_')}.py"
        file.write_text(example.replace("9229", port))
    with served(f"{serve} --port {port}", tmp_path, fresh):
        done = run(["sh", "-euc", others])
    assert done.stdout == "ada is signed in for 3600 seconds\n", done.stderr
    assert done.stdout.strip() in text_of(PAGE)
    assert (tmp_path / "users.sqlite").exists()

    with (tmp_path / "my_triggers.py").open("a") as file:
        file.write(WATCHED)
    with served(f"{serve_again} --port {port}", tmp_path, fresh):
        printed, told = with_answers(f". ./pool.env; {captcha}", tmp_path, fresh)
        assert printed == "signed in\n", told
        pictures = sorted((tmp_path / "captchas").iterdir())
        assert [each.read_bytes()[:4] for each in pictures] == [b"\x89PNG"] * 2
        assert str(pictures[0].relative_to(tmp_path)) in told
