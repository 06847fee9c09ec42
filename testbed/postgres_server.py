"""A PostgreSQL of our own."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import asyncpg
import pytest

__all__ = ["postgres_url"]


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL server with nothing in it. Gives its URL."""
    with tempfile.TemporaryDirectory(prefix="authflow-postgres-") as folder:
        yield from postgres_in(Path(folder))


def postgres_in(folder: Path) -> Iterator[str]:
    # The server refuses to run as root, so it runs as somebody else then, in a folder of theirs:
    # not below pytest's, which every run of pytest closes to others.
    somebody: dict[str, Any] = {}
    if os.geteuid() == 0:
        import pwd  # noqa: PLC0415  # it is of POSIX

        nobody = pwd.getpwnam("nobody")
        somebody = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    made = ["-D", str(folder / "data"), "-U", "owner", "-A", "trust", "--no-sync", "-E", "UTF8"]
    program = shutil.which("initdb") or ""
    subprocess.run(  # noqa: S603  # nothing of it comes from outside
        [program, *made, "--locale=C"], check=True, capture_output=True, cwd=folder, **somebody
    )
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    settings = ["-D", str(folder / "data"), "-h", "127.0.0.1", "-p", str(port)]
    settings += ["-c", "fsync=off", "-c", f"unix_socket_directories={folder}"]
    server = subprocess.Popen(  # noqa: S603  # nothing of it comes from outside
        [shutil.which("postgres") or "", *settings],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        **somebody,
    )
    url = f"postgresql://owner@127.0.0.1:{port}/postgres"
    try:
        anyio.run(_answer, url)
        yield url
    finally:
        server.send_signal(2)  # SIGINT: PostgreSQL's fast shutdown
        server.wait()


async def _answer(url: str) -> None:
    for _ in range(200):
        try:
            connection = await asyncpg.connect(url)
        except (OSError, asyncpg.CannotConnectNowError):
            await anyio.sleep(0.05)
        else:
            await connection.close()
            return
    pytest.fail("PostgreSQL does not listen")
