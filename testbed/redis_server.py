"""A redis-server of our own."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NotUpYetError

__all__ = ["redis_url"]


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Run a redis-server on a socket, that writes nothing to disk, and give its address."""
    with tempfile.TemporaryDirectory(prefix="authflow-redis-") as folder:  # a short path: sun_path
        socket = Path(folder) / "redis.sock"
        server = subprocess.Popen(  # noqa: S603  # nothing of it comes from outside
            [
                *("redis-server", "--port", "0", "--unixsocket", socket, "--dir", folder),
                *("--save", "", "--appendonly", "no"),
            ],
            stdout=subprocess.DEVNULL,
        )
        try:
            with Redis(unix_socket_path=str(socket)) as client:
                for _ in range(200):
                    try:
                        client.ping()
                        break
                    except NotUpYetError:
                        time.sleep(0.05)
                client.ping()
            yield f"unix://{socket}"
        finally:
            server.terminate()
            server.wait(10)
