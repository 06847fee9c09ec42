"""Run the service with two workers, and all that it needs, until Ctrl-C: `python run_service.py`.

All of it ends with this program: a user pool, a redis-server and the workers.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from authflow.keys import KeyRing
from authflow.testing import PASSWORD, run_pool_in_thread
from authflow.triggers import Triggers, challenge, password, sequence

HERE = Path(__file__).parent
PORT = os.environ.get("PORT", "8000")
triggers = Triggers(policy=sequence(password(), challenge("captcha", attempts=3)))
asked_to_end: list[int] = []


@contextmanager
def redis() -> Iterator[str]:
    """Give the address of a Redis: the one of REDIS_URL, or one that runs as long as this."""
    if given := os.environ.get("REDIS_URL"):
        yield given
        return
    server = shutil.which("redis-server")
    if server is None:
        sys.exit("two workers share a Redis: install redis-server, or set REDIS_URL")
    with TemporaryDirectory() as folder:
        socket = f"{folder}/redis.sock"
        own = ("--port", "0", "--unixsocket", socket, "--dir", folder, "--save", "")
        # Ctrl-C is not for its group of processes: the workers need it until they have ended.
        with subprocess.Popen([server, *own, "--loglevel", "warning"], process_group=0) as process:
            try:
                yield f"unix://{socket}"
            finally:
                process.terminate()


def main() -> None:
    """Run all of it until Ctrl-C."""
    with run_pool_in_thread(users={"ada": PASSWORD}, triggers=triggers) as pool, redis() as url:
        print(f"open http://127.0.0.1:{PORT} and sign in as ada with {PASSWORD}", flush=True)
        command = ("-m", "uvicorn", "service:app", "--workers", "2", "--port", PORT)
        environment = {
            **os.environ,
            "AUTHFLOW_ENDPOINT": pool.endpoint,
            "AUTHFLOW_USER_POOL_ID": pool.user_pool_id,
            "AUTHFLOW_CLIENT_ID": str(pool.config.client_id),
            "AUTHFLOW_KEYS": KeyRing.generate().to_json().reveal(),
            "REDIS_URL": url,
        }
        with subprocess.Popen([sys.executable, *command], cwd=HERE, env=environment) as workers:
            while not asked_to_end and workers.poll() is None:
                time.sleep(0.1)
            workers.terminate()
        if not asked_to_end:
            sys.exit("the workers have ended; uvicorn says above why (PORT names another port)")
    print("ended")


def ask_to_end(number: int, _frame: object) -> None:
    """Note a signal. An error raised where it finds the program might leave a process behind."""
    asked_to_end.append(number)


if __name__ == "__main__":
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # they end all of it
        signal.signal(ending, ask_to_end)
    main()
