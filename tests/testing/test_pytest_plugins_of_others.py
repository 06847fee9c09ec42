"""The fixtures under pytest-asyncio and anyio, alone, together and without either.

The first run is a stranger's: a process of its own, all plugins, random order. The others run in
this process, which costs a fraction; and our whole suite runs on pytest-xdist's workers.
"""

from typing import Any

pytest_plugins = ["pytester"]

PRELUDE = """
import asyncio
import unittest

import boto3
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from authflow import SignedIn
from authflow.testing import PASSWORD

pytestmark = pytest.mark.authflow_pool(users={"ada": PASSWORD})
once = settings(
    max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.fixture
def begun(authflow_sync_pool):
    authflow_sync_pool.add_user("grace", PASSWORD)
    return boto3.client("cognito-idp", **authflow_sync_pool.sdk_settings)

async def signs_in(client, name="ada"):
    assert isinstance(await client.sign_in(name, PASSWORD), SignedIn)

"""

SYNCHRONOUS = """
def test_synchronous(begun, authflow_sync_pool):
    begun.admin_get_user(UserPoolId=authflow_sync_pool.user_pool_id, Username="grace")

def test_synchronous_client(authflow_sync_client, authflow_sync_pool, authflow_clock):
    assert isinstance(authflow_sync_client.sign_in("ada", PASSWORD), SignedIn)
    assert authflow_sync_client.config == authflow_sync_pool.config
    authflow_clock.advance(86_400)
    assert isinstance(authflow_sync_client.sign_in("ada", PASSWORD), SignedIn)

@once
@given(number=st.integers())
def test_generated(authflow_sync_pool, number):
    assert authflow_sync_pool.messages() == []

class TestOfUnittest(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _pool(self, authflow_sync_pool):
        self.pool = authflow_sync_pool

    def test_of_unittest(self):
        self.pool.call("AdminGetUser", UserPoolId=self.pool.user_pool_id, Username="ada")

class TestAlone(unittest.IsolatedAsyncioTestCase):
    @pytest.fixture(autouse=True)
    def _pool(self, authflow_pool):
        self.pool = authflow_pool

    async def test_of_unittest_with_a_loop(self):
        async with self.pool.client() as client:
            await signs_in(client)
"""

OF_ASYNCIO = """
import pytest_asyncio

@pytest_asyncio.fixture(loop_scope="session")
async def on_another_loop(authflow_pool):
    await authflow_pool.add_user("eve", PASSWORD)
    assert await authflow_pool.messages() == []

@pytest.mark.asyncio
async def test_asyncio(begun, authflow_pool, authflow_client, authflow_clock):
    await signs_in(authflow_client, "grace")
    begun.admin_get_user(UserPoolId=authflow_pool.user_pool_id, Username="grace")  # it blocks
    authflow_clock.advance(86_400)
    await signs_in(authflow_client)

@pytest.mark.asyncio
async def test_asyncio_with_a_fixture_on_another_loop(on_another_loop, authflow_client):
    await signs_in(authflow_client, "eve")

@pytest.mark.asyncio
@once
@given(number=st.integers())
async def test_asyncio_generated(authflow_client, number):
    await signs_in(authflow_client)

@pytest.mark.parametrize("name", ["ada"])
@pytest.mark.asyncio(loop_scope="module")
async def test_asyncio_on_a_modules_loop(authflow_client, name):
    await signs_in(authflow_client, name)

@pytest.mark.asyncio(loop_scope="class")
class TestClass:
    async def test_asyncio_on_a_classs_loop(self, authflow_client):
        await signs_in(authflow_client)

@pytest.mark.asyncio(loop_scope="session")
async def test_asyncio_on_a_sessions_loop(authflow_client):
    await signs_in(authflow_client)
"""

OF_ANYIO = """
@pytest.fixture
async def of_anyio(authflow_client):
    await signs_in(authflow_client)
    return authflow_client

@pytest.mark.anyio
async def test_anyio(begun, of_anyio):
    await signs_in(of_anyio, "grace")

@pytest.mark.anyio
@once
@given(number=st.integers())
async def test_anyio_generated(authflow_client, number):
    await signs_in(authflow_client)
"""

OF_BOTH = """
@pytest.mark.anyio
@pytest.mark.asyncio
async def test_both(authflow_pool):
    assert await authflow_pool.messages() == []

@pytest.mark.anyio
@pytest.mark.asyncio
async def test_both_with_a_client(authflow_client):
    pass
"""

UNMARKED = """
async def test_unmarked(authflow_client):
    await signs_in(authflow_client)
"""


CONFTEST = """
import functools
import uuid
import botocore.session
from authflow.pool.accounts import signing_keys, user_pools

key_id, key = signing_keys.new_signing_key()  # to make one for each pool takes long
user_pools.new_signing_key = lambda: (f"{key_id}.{uuid.uuid4()}", key)
botocore.session.create_loader = functools.cache(botocore.session.create_loader)
"""


def run(pytester: Any, *parts: str, options: tuple[str, ...] = ()) -> Any:
    """Run tests in this process."""
    pytester.makepyfile(PRELUDE + "".join(parts))
    return pytester.runpytest_inprocess("-p", "no:randomly", *options)


def test_strict_pytest_asyncio_and_anyio_run_side_by_side(pytester: Any):
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(PRELUDE + SYNCHRONOUS + OF_ASYNCIO + OF_ANYIO + OF_BOTH + UNMARKED)
    result = pytester.runpytest_subprocess("-p", "no:xdist")
    result.assert_outcomes(passed=14, errors=2)
    result.stdout.fnmatch_lines_random(
        [
            "*anyio and pytest-asyncio would * for test_both_with_a_client: mark it for one of*",
            "*neither runs test_unmarked: mark it with anyio or asyncio*; or make one inside it*",
        ]
    )


def test_pytest_asyncio_in_auto_mode_without_anyios_plugin(pytester: Any):
    options = ("-p", "no:anyio", "-o", "asyncio_mode=auto")
    options += ("-o", "asyncio_default_fixture_loop_scope=session")
    run(pytester, OF_ASYNCIO, UNMARKED, options=options).assert_outcomes(passed=7)


def test_both_in_auto_mode_are_told_to_be_one(pytester: Any):
    options = ("-o", "asyncio_mode=auto", "-o", "anyio_mode=auto")
    options += ("-o", "asyncio_default_fixture_loop_scope=function")
    result = run(pytester, UNMARKED, options=options)
    result.assert_outcomes(errors=1, warnings=1)
    result.stdout.fnmatch_lines_random(["*have at most one in auto mode; or make one inside it*"])


def test_anyio_in_auto_mode_without_pytest_asyncio(pytester: Any):
    options = ("-p", "no:asyncio", "-o", "anyio_mode=auto")
    run(pytester, OF_ANYIO, UNMARKED, options=options).assert_outcomes(passed=3)


def test_no_plugin_at_all_and_the_end_of_a_test_that_fails(pytester: Any):
    failing = """
@pytest.fixture
def connections():
    opened = []
    yield opened
    for each in opened:
        each.close()

def test_it_fails_while_a_request_is_open(connections, authflow_sync_pool):
    import http.client
    connections.append(http.client.HTTPConnection(authflow_sync_pool.endpoint[7:]))
    connections[0].putrequest("POST", "/")
    connections[0].putheader("Content-Length", "100")
    connections[0].endheaders(b"{")
    raise LookupError("its own")

def test_it_begins_a_thread_that_outlives_it(authflow_sync_pool):
    import threading, time
    def go_on():
        try:
            while True:
                authflow_sync_pool.messages()
        except Exception as error:
            assert "does not run any more" in str(error), error
    threading.Thread(target=go_on).start()

def test_nothing_is_left():
    import threading
    assert "authflow-loop" not in [each.name for each in threading.enumerate()]

@pytest.fixture(scope="module")
def wider(authflow_sync_pool):
    pass

def test_of_a_wider_scope(wider):
    pass
"""
    options = ("-p", "no:anyio", "-p", "no:asyncio")
    options += ("-W", "error::pytest.PytestUnhandledThreadExceptionWarning")
    result = run(pytester, SYNCHRONOUS, failing, UNMARKED, options=options)
    result.assert_outcomes(passed=7, failed=1, errors=2)
    result.stdout.fnmatch_lines_random(["*LookupError: its own*", "*ScopeMismatch*"])


def test_a_test_on_trio_is_told_so(pytester: Any):
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def anyio_backend():
            return ("trio", {})

        @pytest.mark.anyio
        async def test_trio(authflow_pool):
            pass
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:asyncio", "-p", "no:randomly")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*authflow runs on asyncio, and test_trio* runs on ('trio', {})*"])
