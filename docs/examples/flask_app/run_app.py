"""Run the app under gunicorn, and the pool that it needs, until Ctrl-C: `python run_app.py`."""

import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

from authflow.keys import KeyRing
from authflow.testing import PASSWORD, run_pool_in_thread
from authflow.triggers import Triggers, challenge, password, sequence

HERE = Path(__file__).parent
PORT = os.environ.get("PORT", "8000")
triggers = Triggers(policy=sequence(password(), challenge("captcha", attempts=3)))
asked_to_end: list[int] = []


def main() -> None:
    """Run both until Ctrl-C."""
    with run_pool_in_thread(users={"ada": PASSWORD}, triggers=triggers) as pool:
        print(f"open http://127.0.0.1:{PORT} and sign in as ada with {PASSWORD}", flush=True)
        command = ("-m", "gunicorn", "app:app", "--threads", "8", "--bind", f"127.0.0.1:{PORT}")
        environment = {
            **os.environ,
            "AUTHFLOW_ENDPOINT": pool.endpoint,
            "AUTHFLOW_USER_POOL_ID": pool.user_pool_id,
            "AUTHFLOW_CLIENT_ID": str(pool.config.client_id),
            "AUTHFLOW_KEYS": KeyRing.generate().to_json().reveal(),
            "FLASK_SECRET_KEY": secrets.token_urlsafe(),
        }
        with subprocess.Popen([sys.executable, *command], cwd=HERE, env=environment) as server:
            while not asked_to_end and server.poll() is None:
                time.sleep(0.1)
            server.terminate()
        if not asked_to_end:
            sys.exit("the app has ended; gunicorn says above why (PORT names another port)")
    print("ended")


def ask_to_end(number: int, _frame: object) -> None:
    """Note a signal. An error raised where it finds the program might leave a process behind."""
    asked_to_end.append(number)


if __name__ == "__main__":
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # they end all of it
        signal.signal(ending, ask_to_end)
    main()
