"""Run three workers for one user, and all that they need, until Ctrl-C: `python run_workers.py`.

In the pool a second is a minute, and a token is good for five minutes, which is Cognito's shortest.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from redis import Redis
from redis.exceptions import ConnectionError as NotUpYetError

from authflow import SignedIn
from authflow.keys import KeyRing
from authflow.stores import RedisStore
from authflow.sync import AuthClient
from authflow.testing import PASSWORD, run_pool_in_thread

HERE = Path(__file__).parent
STARTED = time.time()
SHORTEST = {
    "AccessTokenValidity": 5,
    "IdTokenValidity": 5,
    "TokenValidityUnits": {"AccessToken": "minutes", "IdToken": "minutes"},
}
asked_to_end: list[int] = []


def clock() -> float:
    """Give the time of the pool, where a second is a minute."""
    return STARTED + (time.time() - STARTED) * 60


@contextmanager
def redis() -> Iterator[str]:
    """Give the address of a Redis: the one of REDIS_URL, or one that runs as long as this."""
    if given := os.environ.get("REDIS_URL"):
        yield given
        return
    server = shutil.which("redis-server")
    if server is None:
        sys.exit("the workers share a Redis: install redis-server, or set REDIS_URL")
    with TemporaryDirectory() as folder:
        socket = f"{folder}/redis.sock"
        own = ("--port", "0", "--unixsocket", socket, "--dir", folder, "--save", "")
        # Ctrl-C is not for its group of processes: the workers need it until they have ended.
        with subprocess.Popen([server, *own, "--loglevel", "warning"], process_group=0) as process:
            try:
                while process.poll() is None and not answers(socket):
                    time.sleep(0.05)
                yield f"unix://{socket}"
            finally:
                process.terminate()


def answers(socket: str) -> bool:
    """Tell whether a Redis serves a socket."""
    try:
        with Redis(unix_socket_path=socket) as client:
            return bool(client.ping())
    except NotUpYetError:
        return False


def main() -> None:
    """Sign a user in, and let the workers run until Ctrl-C."""
    with (
        run_pool_in_thread(users={"ada": PASSWORD}, clock=clock, app_client=SHORTEST) as pool,
        redis() as url,
        ExitStack() as workers,
    ):
        keys = KeyRing.generate()
        with AuthClient(
            pool.config,
            keys=keys,
            store=RedisStore(redis=url),
            clock=lambda: datetime.fromtimestamp(clock(), UTC),
        ) as auth:
            signed_in = auth.sign_in("ada", PASSWORD)
            if not isinstance(signed_in, SignedIn):
                sys.exit(f"the pool asks for {signed_in.challenge.name}")
            handle = auth.keep(signed_in).handle
        print("ada is signed in; nothing to open: Ctrl-C ends the workers", flush=True)
        environment = {
            **os.environ,
            "AUTHFLOW_ENDPOINT": pool.endpoint,
            "AUTHFLOW_USER_POOL_ID": pool.user_pool_id,
            "AUTHFLOW_CLIENT_ID": str(pool.config.client_id),
            "AUTHFLOW_KEYS": keys.to_json().reveal(),
            "REDIS_URL": url,
            "STARTED": str(STARTED),
        }
        running = []
        for _ in range(3):
            worker = subprocess.Popen(
                [sys.executable, "worker.py"],
                cwd=HERE,
                env=environment,
                stdin=subprocess.PIPE,
                text=True,
                process_group=0,  # Ctrl-C is for this program, which ends them
            )
            running.append(workers.enter_context(worker))
            workers.callback(worker.terminate)
            print(handle.reveal(), file=worker.stdin, flush=True)
        while not asked_to_end and any(worker.poll() is None for worker in running):
            time.sleep(0.1)
        if not asked_to_end:
            sys.exit("the workers have ended")
    print("ended")


def ask_to_end(number: int, _frame: object) -> None:
    """Note a signal. An error raised where it finds the program might leave a process behind."""
    asked_to_end.append(number)


if __name__ == "__main__":
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # they end all of it
        signal.signal(ending, ask_to_end)
    main()
