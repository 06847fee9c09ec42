"""What the tests of all distributions share; each plugin's source distribution has it, too."""

import gc
import inspect
import os
import signal
import sys
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import cycle
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

import aiobotocore.httpsession
import botocore.client
import botocore.hooks
import botocore.session
import pytest
from botocore.httpsession import get_cert_path
from hypothesis import settings

sys.path.append(str(Path(__file__).parent))  # it is not there where `pytest` itself was started

from testbed.compilation import compile_in_turns

compile_in_turns(Path(__file__).parent)  # before anything of ours is imported

from testbed.aws_server import *  # noqa: E402, F403  # fixtures
from testbed.deadlines import *  # noqa: E402, F403  # hooks
from testbed.listening import *  # noqa: E402, F403  # fixtures
from testbed.word import *  # noqa: E402, F403  # fixtures

if TYPE_CHECKING:
    from authflow.testing import MovableClock

# What is imported and collected stays: to search it for garbage takes a fifth of the time.
gc.disable()

# A busy machine is no failure: no test asserts how long something takes. A quarter of the usual
# number of examples: the whole suite is to end within ten minutes on two processors. `make
# properties` has more, also of those that say how many they need.
TIMES = int(os.environ.get("AUTHFLOW_TIMES", "1"))
settings.register_profile("authflow", deadline=None, max_examples=25 * TIMES)
settings.load_profile("authflow")


CTRL_C = pytest.StashKey[Any]()


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> None:
    """Give every asynchronous test to anyio, as `anyio_mode = auto` does from anyio 4.11 on."""
    if not collector.istestfunction(obj, name):
        return  # it may be anything that a test's module imports, such as Django's lazy settings
    generated = getattr(obj, "hypothesis", None)
    test = obj if generated is None else generated.inner_test
    if inspect.iscoroutinefunction(test):
        pytest.mark.anyio(obj)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Multiply the examples of tests that have a number of their own."""
    usual, done = settings.get_profile("authflow"), set[int]()
    for item in items if TIMES > 1 else ():
        test = getattr(item, "function", None)
        own = getattr(test, "_hypothesis_internal_use_settings", usual)
        if own.max_examples != usual.max_examples and id(test) not in done:
            done.add(id(test))
            more = settings(own, max_examples=own.max_examples * TIMES)
            test._hypothesis_internal_use_settings = more  # type: ignore[union-attr]  # noqa: SLF001


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """Leave the tests themselves, a million objects, out of every search for garbage."""
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(10_000)
        gc.enable()


@contextmanager
def as_if_no_loop_ran() -> Iterator[None]:
    """Let what is synchronous run event loops of its own, by `anyio.run`.

    Where sniffio is installed, anyio says by it that one runs as long as a shared fixture lives.
    """
    sniffio = sys.modules.get("sniffio")
    if sniffio is None:
        yield
        return
    token = sniffio.current_async_library_cvar.set(None)
    try:
        yield
    finally:
        sniffio.current_async_library_cvar.reset(token)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Run a synchronous test."""
    if item.get_closest_marker("anyio") is not None:
        return (yield)
    with as_if_no_loop_ran():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any],
) -> Generator[None, object, object]:
    """Make what a synchronous fixture gives."""
    if inspect.iscoroutinefunction(fixturedef.func) or inspect.isasyncgenfunction(fixturedef.func):
        return (yield)
    with as_if_no_loop_ran():
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Note what Ctrl-C does before a test."""
    item.stash[CTRL_C] = signal.getsignal(signal.SIGINT)
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a test after which Ctrl-C does something else: the next one that sends it would end all.

    Not that test would be blamed, but whichever comes after it in the random order.
    """
    yield
    before, after = item.stash[CTRL_C], signal.getsignal(signal.SIGINT)
    if after is not before:
        signal.signal(signal.SIGINT, before)
        pytest.fail(f"it leaves another handler of SIGINT: {after!r}", pytrace=False)


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio."""
    return "asyncio"


@pytest.fixture
def clock(authflow_clock: "MovableClock") -> "MovableClock":
    """A clock that stands still until it is moved."""
    return authflow_clock


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Send no keywords: a worker's three reports of each test are most of what its master reads."""
    told = yield
    if isinstance(told, dict) and told.get("outcome") == "passed" and "keywords" in told:
        told["keywords"] = {}
    return told


@pytest.hookimpl(optionalhook=True)  # a plugin's tests run without pytest-xdist, too
def pytest_xdist_auto_num_workers() -> int:
    """Give one worker more than there are processors: tests wait for processes and sockets."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session", autouse=True)
def _services_read_once() -> Iterator[None]:
    """Let the AWS SDK's sessions read its services' files once: most of what a client costs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        yield


@pytest.fixture(scope="session", autouse=True)
def _event_names_translated_once() -> Iterator[None]:
    """Let the AWS SDK's sessions share what they call events: most of what is left of the cost."""
    aliaser = botocore.hooks.EventAliaser
    shared: dict[str, str] = {}
    begin = aliaser.__init__

    def begin_with_names(self: Any, event_emitter: Any, event_aliases: Any = None) -> None:
        begin(self, event_emitter, event_aliases)
        if event_aliases in (None, botocore.hooks.EVENT_ALIASES):
            self._alias_name_cache = shared

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aliaser, "__init__", begin_with_names)
        yield


@pytest.fixture(scope="session", autouse=True)
def _authorities_read_once() -> Iterator[None]:
    """Let the AWS SDK's clients share the usual authorities: most take no certificate at all."""
    session = aiobotocore.httpsession.AIOHTTPSession
    build = getattr(session, "_build_ssl_contexts", None)  # older ones have another
    read: dict[tuple[object, int], Any] = {}

    def build_once(self: Any, proxy_url: str | None) -> Any:
        named = Path(get_cert_path(self._verify) or "")
        if self._cert_file or proxy_url or not named.is_file():
            return build(self, proxy_url)
        which = self._verify, named.stat().st_mtime_ns
        if which not in read:
            read[which] = build(self, proxy_url)
        return read[which]

    with pytest.MonkeyPatch.context() as patch:
        if build is not None:
            patch.setattr(session, "_build_ssl_contexts", build_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def _handlers_told_by_their_flags() -> Iterator[None]:
    """Ask a function's own flags whether it takes any keyword: `inspect` is half of a client."""
    ask = botocore.hooks.accepts_kwargs

    def accepts_kwargs(handler: Any) -> Any:
        plain = isinstance(handler, FunctionType) and not hasattr(handler, "__signature__")
        return handler.__code__.co_flags & inspect.CO_VARKEYWORDS if plain else ask(handler)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.hooks, "accepts_kwargs", accepts_kwargs)
        yield


@pytest.fixture(scope="session", autouse=True)
def _operations_made_once() -> Iterator[None]:
    """Let the AWS SDK's clients of one kind and service share the methods for its operations."""
    creator = botocore.client.ClientCreator
    make, made = creator._create_methods, dict[tuple[Any, ...], dict[str, Any]]()  # noqa: SLF001

    def make_once(self: Any, service_model: Any) -> dict[str, Any]:
        kind = (type(self), service_model.service_name, service_model.api_version)
        if kind not in made:
            made[kind] = make(self, service_model)
        return {**made[kind]}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(creator, "_create_methods", make_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def _few_signing_keys() -> Iterator[None]:
    """Give pools real keys that were made and read once, each pool under another name.

    To make one takes long, and to read one takes twenty milliseconds.
    """
    try:
        from authflow.pool.accounts import signing_keys, user_pools  # noqa: PLC0415
    except ImportError:  # without the pool's extra there are no pools
        yield
        return
    made: list[tuple[str, str]] = []
    turns = cycle(range(3))

    def draw() -> tuple[str, str]:
        turn = next(turns)
        if turn == len(made):
            made.append(signing_keys.new_signing_key())
        key_id, key = made[turn]
        return f"{key_id}.{uuid.uuid4()}", key

    read: dict[str, Any] = {}
    get = signing_keys.SigningKeys.get

    def read_once(self: Any, key_id: str, signing_key: str) -> Any:
        if signing_key not in read:
            read[signing_key] = get(self, key_id, signing_key)
        return read[signing_key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(user_pools, "new_signing_key", draw)
        patch.setattr(signing_keys.SigningKeys, "get", read_once)
        yield
