"""Fixtures for pytest: a running user pool, a client, a clock, randomness and an outbox.

All names begin with `authflow_`, and nothing of authflow is imported before a fixture is used. The
pool and the client are asynchronous fixtures and run by anyio's pytest plugin: have a fixture
`anyio_backend` give "asyncio", and set `anyio_mode = auto` or mark the tests with `anyio`. A marker
of a test's own comes on top of its class's and its module's: the nearest says what a setting is.

    @pytest.mark.authflow_pool(triggers=triggers, users={"ada": "Correct-horse-1"})
    async def test_ada_signs_in(authflow_client):
        pending = await authflow_client.sign_in("ada", flow="CUSTOM_AUTH")
"""

import inspect
import unittest
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from authflow.client import AuthClient
    from authflow.testing.clock import MovableClock
    from authflow.testing.outbox import Outbox
    from authflow.testing.running_pool import RunningPool
    from authflow.triggers import Randomness


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        "authflow_pool(**settings): what authflow.testing.run_pool makes the test's user pool of",
    )


@pytest.fixture
def authflow_clock() -> "MovableClock":
    """The clock of this test's pool and client; `advance(seconds)` moves it."""
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
    """The settings of the marker; read before anything asynchronous is begun.

    Once pytest has refused an asynchronous fixture to a synchronous test, it can set it up for no
    other test of the file.
    """
    from authflow.errors import ConfigError  # noqa: PLC0415  # see the module's docstring

    test = getattr(request, "function", None)
    generated = getattr(test, "hypothesis", None)
    if not inspect.iscoroutinefunction(getattr(generated, "inner_test", test)):
        msg = (
            f"authflow_pool is for asynchronous tests: write {request.node.name} by `async def`,"
            " and mark it with anyio; or run a pool inside it, by anyio.run and run_pool(...)"
        )
        raise ConfigError(msg)
    if not _is_run_by_a_plugin(request):
        msg = (
            f"authflow_pool is for tests that anyio runs, and it does not run {request.node.name}:"
            " mark it with anyio, or set anyio_mode = auto; a unittest.TestCase cannot have it"
        )
        raise ConfigError(msg)
    settings: dict[str, Any] = {}
    for mark in request.node.iter_markers("authflow_pool"):  # the test's own, then its class's
        if mark.args:
            msg = (
                "the marker authflow_pool takes what run_pool takes, by name:"
                " @pytest.mark.authflow_pool(users={...})"
            )
            raise ConfigError(msg)
        settings = {**mark.kwargs, **settings}
    return settings


def _is_run_by_a_plugin(request: pytest.FixtureRequest) -> bool:
    """Return whether asynchronous fixtures are set up for a test, and on the loop that runs it."""
    if isinstance(request.cls, type) and issubclass(request.cls, unittest.TestCase):
        return False  # it has a loop of its own, or none
    if "anyio_backend" in request.fixturenames:
        return True
    # pytest-asyncio sets up fixtures that are not its own in this mode alone.
    mode = str(getattr(request.config.option, "asyncio_mode", None) or _ini(request.config))
    return mode == "auto" and request.node.get_closest_marker("asyncio") is not None


def _ini(config: pytest.Config) -> object:
    try:
        return config.getini("asyncio_mode")
    except ValueError:  # there is no such plugin
        return None


@pytest.fixture
async def authflow_pool(
    _authflow_pool_settings: "Mapping[str, Any]", authflow_clock: "MovableClock"
) -> "AsyncIterator[RunningPool]":
    """A user pool that serves HTTP, with the settings of the marker `authflow_pool`.

    What it sends to users by itself is in `await authflow_pool.messages()`. A test that asks for it
    and is synchronous, or that anyio does not run, is refused.
    """
    from authflow.testing.running_pool import run_pool  # noqa: PLC0415  # see the docstring

    async with run_pool(**{"clock": authflow_clock, **_authflow_pool_settings}) as pool:
        yield pool


@pytest.fixture
async def authflow_client(authflow_pool: "RunningPool") -> "AsyncIterator[AuthClient]":
    """A client of the user pool, open for sign-ins."""
    async with authflow_pool.client() as client:
        yield client
