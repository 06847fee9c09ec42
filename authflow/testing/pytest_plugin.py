"""Fixtures for pytest: a running user pool, a client, a clock, randomness and an outbox.

All names begin with `authflow_`, and nothing of authflow is imported before a fixture is used. The
pool runs in a thread of its own: so nothing waits for itself, whether a test is synchronous (boto3,
Django, FastAPI's `TestClient`) or asynchronous, whichever plugin runs it on whichever event loop. A
marker of a test's own comes on top of its class's and its module's: the nearest says what a setting
is.

    @pytest.mark.authflow_pool(users={"ada": "Correct-horse-1"})
    def test_ada_is_there(authflow_sync_pool):
        authflow_sync_pool.call("AdminGetUser", UserPoolId=..., Username="ada")

    @pytest.mark.authflow_pool(users={"ada": "Correct-horse-1"})
    def test_ada_is_let_in(authflow_sync_client):
        signed_in = authflow_sync_client.sign_in("ada", "Correct-horse-1")

    @pytest.mark.anyio  # or pytest.mark.asyncio
    @pytest.mark.authflow_pool(triggers=triggers, users={"ada": "Correct-horse-1"})
    async def test_ada_signs_in(authflow_client):
        pending = await authflow_client.sign_in("ada", flow="CUSTOM_AUTH")
"""

import contextlib
import inspect
import unittest
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from authflow import sync
    from authflow.client import AuthClient
    from authflow.errors import ConfigError
    from authflow.testing.clock import MovableClock
    from authflow.testing.outbox import Outbox
    from authflow.testing.running_pool import RunningPool
    from authflow.testing.sync_running_pool import SyncRunningPool
    from authflow.triggers import Randomness

_OF_PYTEST_ASYNCIO = "authflow.testing.pytest_asyncio_client"


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and what pytest-asyncio has to run, if it is there."""
    if config.pluginmanager.hasplugin("asyncio"):
        with contextlib.suppress(TypeError):  # it is older than its loops' scopes
            config.pluginmanager.import_plugin(_OF_PYTEST_ASYNCIO)
    config.addinivalue_line(
        "markers",
        "authflow_pool(**settings): what authflow.testing.run_pool makes the test's user pool of",
    )


@pytest.fixture
def authflow_clock() -> "MovableClock":
    """The clock of this test's pool and client; `advance(seconds)` moves it, from any thread."""
    from authflow.testing.clock import MovableClock  # noqa: PLC0415  # see the module's docstring

    return MovableClock()


@pytest.fixture
def authflow_randomness(request: pytest.FixtureRequest) -> "Randomness":
    """Randomness that is the same in every run of this test."""
    from authflow.triggers import Randomness  # noqa: PLC0415  # see the module's docstring

    return Randomness.seeded(request.node.nodeid.encode())


@pytest.fixture
def authflow_outbox() -> "Outbox":
    """An outbox for a plugin's messages: give it `authflow_outbox.send` as its sender."""
    from authflow.testing.outbox import Outbox  # noqa: PLC0415  # see the module's docstring

    return Outbox()


@pytest.fixture
def _authflow_pool_settings(request: pytest.FixtureRequest) -> "Mapping[str, Any]":
    """The settings of the marker."""
    settings: dict[str, Any] = {}
    for mark in request.node.iter_markers("authflow_pool"):  # the test's own, then its class's
        if mark.args:
            msg = (
                "the marker authflow_pool takes what run_pool takes, by name:"
                " @pytest.mark.authflow_pool(users={...})"
            )
            raise _error(msg)
        settings = {**mark.kwargs, **settings}
    return settings


@pytest.fixture
def authflow_sync_pool(
    _authflow_pool_settings: "Mapping[str, Any]", authflow_clock: "MovableClock"
) -> "Iterator[SyncRunningPool]":
    """A user pool that serves HTTP, with the settings of the marker `authflow_pool`.

    Its methods are synchronous. In a test that asks for `authflow_pool` as well, or for
    `authflow_client`, it is the same pool.
    """
    from authflow.testing.sync_running_pool import run_pool_in_thread  # noqa: PLC0415  # see above

    with run_pool_in_thread(**{"clock": authflow_clock, **_authflow_pool_settings}) as pool:
        yield pool


@pytest.fixture
def authflow_sync_client(authflow_sync_pool: "SyncRunningPool") -> "Iterator[sync.AuthClient]":
    """A client of the user pool for synchronous code, open while the test runs.

    A thread that runs an event loop cannot call it: an asynchronous test has `authflow_client`.
    """
    with authflow_sync_pool.client() as client:
        yield client


@pytest.fixture
def _authflow_asynchronous(request: pytest.FixtureRequest) -> None:
    """A refusal of what only an asynchronous test can use."""
    name = request.node.name
    if not _is_asynchronous(request):
        msg = (
            f"authflow_pool and authflow_client are for asynchronous tests, and {name} is"
            " synchronous: take authflow_sync_pool or authflow_sync_client, whose methods are"
            " synchronous; or write the test by `async def`"
        )
        raise _error(msg)
    if _anyio_runs(request) and not _pytest_asyncio_runs(request):
        backend = request.getfixturevalue("anyio_backend")
        if "asyncio" not in (backend, backend[0]):
            msg = (
                f"authflow runs on asyncio, and {name} runs on {backend!r:.40}: have a fixture"
                ' anyio_backend return "asyncio"'
            )
            raise _error(msg)


@pytest.fixture
def authflow_pool(
    _authflow_asynchronous: None, authflow_sync_pool: "SyncRunningPool"
) -> "RunningPool":
    """A user pool that serves HTTP, with the settings of the marker `authflow_pool`.

    It has a thread of its own, and any event loop may await its methods. What it sends to users
    by itself is in `await authflow_pool.messages()`. A synchronous test that asks for it is
    refused.
    """
    return authflow_sync_pool.asynchronous


@pytest.fixture
def authflow_client(
    request: pytest.FixtureRequest,
    authflow_pool: "RunningPool",  # noqa: ARG001  # it refuses synchronous tests
) -> "AuthClient":
    """A client of the user pool, open for sign-ins on the test's own event loop."""
    client: AuthClient = request.getfixturevalue(_client_fixture(request))
    return client


@pytest.fixture
async def _authflow_client_of_anyio(authflow_pool: "RunningPool") -> "AsyncIterator[AuthClient]":
    async with authflow_pool.client() as client:
        yield client


def _client_fixture(request: pytest.FixtureRequest) -> str:
    """Return the name of the fixture that opens a client on the loop of a test."""
    name = request.node.name
    by_hand = "; or make one inside it: `async with authflow_pool.client() as client:`"
    if _anyio_runs(request) and _pytest_asyncio_runs(request):
        msg = (
            f"anyio and pytest-asyncio would set authflow_client up on different event loops for"
            f" {name}: mark it for one of them, and have at most one in auto mode" + by_hand
        )
        raise _error(msg)
    if _anyio_runs(request):
        return "_authflow_client_of_anyio"
    if _is_of_unittest(request):
        raise _error(f"authflow_client cannot be opened on unittest's own loop for {name}{by_hand}")
    if not _pytest_asyncio_runs(request):
        msg = (
            "authflow_client is for tests that anyio or pytest-asyncio runs, and neither runs"
            f" {name}: mark it with anyio or asyncio, or set anyio_mode or asyncio_mode to auto"
        )
        raise _error(msg + by_hand)
    if not request.config.pluginmanager.hasplugin(_OF_PYTEST_ASYNCIO):
        raise _error("authflow_client needs pytest-asyncio 0.24 or newer" + by_hand)
    return f"_authflow_client_on_{_loop_scope(request)}_loop"


def _is_asynchronous(request: pytest.FixtureRequest) -> bool:
    test = getattr(request, "function", None)
    generated = getattr(test, "hypothesis", None)
    return inspect.iscoroutinefunction(getattr(generated, "inner_test", test))


def _anyio_runs(request: pytest.FixtureRequest) -> bool:
    return "anyio_backend" in request.fixturenames and not _is_of_unittest(request)


def _pytest_asyncio_runs(request: pytest.FixtureRequest) -> bool:
    marked = request.node.get_closest_marker("asyncio") is not None  # by itself in auto mode
    there = request.config.pluginmanager.hasplugin("asyncio")
    return marked and there and not _is_of_unittest(request)


def _is_of_unittest(request: pytest.FixtureRequest) -> bool:
    """Return whether a test has an event loop of its own, or none."""
    return isinstance(request.cls, type) and issubclass(request.cls, unittest.TestCase)


def _loop_scope(request: pytest.FixtureRequest) -> str:
    """Return on which of pytest-asyncio's loops a test runs."""
    mark = request.node.get_closest_marker("asyncio")
    said = mark and (mark.kwargs.get("loop_scope") or mark.kwargs.get("scope"))
    with contextlib.suppress(ValueError):  # an older one has no such setting
        said = said or request.config.getini("asyncio_default_test_loop_scope")
    return str(said or "function")


def _error(message: str) -> "ConfigError":
    from authflow.errors import ConfigError  # noqa: PLC0415  # see the module's docstring

    return ConfigError(message)
