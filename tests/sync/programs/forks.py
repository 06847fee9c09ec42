"""A client that was made, and used, before the process forks: it serves on both sides."""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
from pathlib import Path

from authflow import AuthConfig, AuthFlow, AuthFlowError, ChallengeRequired, SignedIn
from authflow.client import Pacing
from authflow.keys import KeyRing
from authflow.stores import RedisStore
from authflow.sync import AuthClient, TokenVerifier

PASSWORD = "Correct-horse-1"
CONFIG = AuthConfig.from_env()
redis = os.environ.get("REDIS_URL")
store = RedisStore(redis=redis) if redis else None
auth = AuthClient(
    CONFIG,
    keys=KeyRing.generate() if redis else None,
    store=store,
    pacing=Pacing(store=store),
)
verifier = TokenVerifier(config=CONFIG)


def sockets() -> set[str]:
    """The TCP connections of this process, by the kernel's numbers."""
    table = Path("/proc/self/net/tcp").read_text(encoding="ascii").splitlines()
    everybodys = {f"socket:[{line.split()[9]}]" for line in table}
    ours = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            ours.add(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            continue  # what lists them was one, too
    return ours & everybodys


def sign_in(who: str) -> None:
    result = auth.sign_in("ada", PASSWORD)
    assert isinstance(result, SignedIn)
    claims = verifier.claims(result.tokens.access_token, "access")
    loops = sum(each.name == "authflow-shared-loop" for each in threading.enumerate())
    print(who, claims.username, loops, flush=True)


def child(work, *args) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            work(*args)
        except Exception as error:
            print(type(error).__name__, error, flush=True)
            os._exit(1)
        # As gunicorn's workers do: the interpreter ends in order.
        sys.exit(0)
    assert os.waitpid(pid, 0)[1] == 0


def used() -> None:
    sign_in("parent")
    before = sockets()

    def work() -> None:
        assert not sockets() & before, "the child has the parent's connections"
        sign_in("child")
        child(sign_in, "grandchild")

    child(work)
    child(auth.close)  # nothing of the parent's
    assert sockets() & before, "the parent's connections go on"
    sign_in("parent again")


def in_flight() -> None:
    """Forks while other threads call, many times."""
    stop = threading.Event()
    done = []

    def calls() -> None:
        while not stop.is_set():
            assert isinstance(auth.sign_in("ada", PASSWORD), SignedIn)
            done.append(1)

    threads = [threading.Thread(target=calls) for _ in range(2)]
    for each in threads:
        each.start()
    for _ in range(int(os.environ.get("FORKS", "1"))):
        child(sign_in, "child")
    stop.set()
    for each in threads:
        each.join()
    sign_in("parent")


def kept() -> None:
    """A user, a ticket and a claim of the parent's go on in the child, and back."""
    pending = auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
    assert isinstance(pending, ChallengeRequired)
    ticket = auth.seal(pending)
    signed_in = auth.sign_in("ada", PASSWORD)
    assert isinstance(signed_in, SignedIn)
    user = auth.keep(signed_in)
    token = user.access_token()

    def work() -> None:
        assert user.access_token() == token
        assert auth.kept(user.handle).username == "ada"
        assert isinstance(auth.answer(auth.resume(ticket), "open sesame"), SignedIn)
        print("child", flush=True)
        user.sign_out()

    child(work)
    for call in (user.access_token, lambda: auth.answer(pending, "open sesame")):
        try:
            call()
        except AuthFlowError as error:
            print(type(error).__name__)


def answered(_: int) -> str:
    return type(auth.sign_in("ada", PASSWORD)).__name__


def workers() -> None:
    """A pool of workers, as Celery's prefork has them: children of a process that has called."""
    sign_in("parent")
    with multiprocessing.get_context("fork").Pool(2) as processes:
        print(processes.map(answered, range(4)))


def inside() -> None:
    """Forks inside `with`, and leaves it on both sides."""
    with auth:
        sign_in("parent")
        pid = os.fork()
        if pid == 0:
            sign_in("child")
    if pid == 0:
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    with auth:
        sign_in("parent again")


def unhooked() -> None:
    """Forks as uWSGI does, which is written in C: none of Python's hooks is called."""
    sign_in("parent")
    before = sockets()
    for _ in range(10):
        # A thread that waits for the interpreter's lock at this moment would leave a child that
        # nobody can help: so another child is tried then.
        time.sleep(0.2)
        pid = ctypes.PyDLL(None).fork()
        if pid == 0:
            auth.sign_in("ada", PASSWORD)
            os._exit(0 if not sockets() & before else 1)
        for _ in range(100):
            if os.waitpid(pid, os.WNOHANG) == (pid, 0):
                print("child", flush=True)
                sign_in("parent again")
                return
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


for name in sys.argv[1:]:
    {each.__name__: each for each in (used, in_flight, kept, workers, inside, unhooked)}[name]()
