"""The fixtures, as the tests of a user of authflow ask for them."""

from typing import Any

import pytest

from authflow import ChallengeRequired, SignedIn
from authflow.errors import SessionExpiredError
from authflow.testing import START, MovableClock, Outbox, RunningPool
from authflow.triggers import CreateContext, Issued, Randomness, Triggers, VerifyContext, challenge

pytest_plugins = ["pytester"]
PASSWORD = "Correct-horse-1"


class Word:
    name = "word"
    metadata = "WORD"
    interface = 1

    async def create(self, context: CreateContext) -> Issued:
        return Issued(public={"hint": "a door of thieves"}, private={"answer": "open sesame"})

    async def verify(self, context: VerifyContext) -> bool:
        return context.answer.reveal() == context.private["answer"]


TRIGGERS = Triggers(policy=challenge("word"), challenges=[Word])


@pytest.mark.authflow_pool(users={"ada": PASSWORD})
async def test_a_user_of_the_marker_signs_in(authflow_client):
    assert isinstance(await authflow_client.sign_in("ada", PASSWORD), SignedIn)


@pytest.mark.authflow_pool(triggers=TRIGGERS, users={"ada": PASSWORD})
async def test_the_markers_triggers_serve_the_pool(authflow_client):
    asked = await authflow_client.sign_in("ada", flow="CUSTOM_AUTH")
    assert asked.challenge.parameters["hint"] == "a door of thieves"
    assert isinstance(await authflow_client.answer(asked, "open sesame"), SignedIn)


@pytest.mark.authflow_pool(triggers=TRIGGERS, users={"ada": PASSWORD})
async def test_moving_the_clock_moves_pool_and_client(authflow_client, authflow_clock):
    asked = await authflow_client.sign_in("ada", flow="CUSTOM_AUTH")
    authflow_clock.advance(181)
    with pytest.raises(SessionExpiredError):
        await authflow_client.answer(asked, "open sesame")
    asked = await authflow_client.sign_in("ada", flow="CUSTOM_AUTH")
    assert isinstance(asked, ChallengeRequired)
    result = await authflow_client.answer(asked, "open sesame")
    assert isinstance(result, SignedIn)  # which it is only if the client believes the tokens' times


async def test_users_can_be_added_with_attributes(authflow_pool: RunningPool):
    await authflow_pool.add_user("grace", PASSWORD, {"email": "grace@example.com"})
    async with authflow_pool.client() as client:
        assert isinstance(await client.sign_in("grace", PASSWORD), SignedIn)


async def test_what_the_pool_sends_is_in_its_messages(authflow_pool: RunningPool):
    address = {"email": "grace@example.com", "email_verified": "true"}
    await authflow_pool.add_user("grace", PASSWORD, address)
    await authflow_pool.call("ForgotPassword", ClientId=authflow_pool.client_id, Username="grace")
    (message,) = await authflow_pool.messages("grace")
    assert message.destination == "grace@example.com"


def test_sync_tests_have_the_clock_and_the_outbox(
    authflow_clock: MovableClock, authflow_outbox: Outbox
):
    assert (authflow_clock(), len(authflow_outbox)) == (START, 0)


def test_randomness_is_the_same_in_every_run_of_a_test(
    authflow_randomness: Randomness, request: pytest.FixtureRequest
):
    again = Randomness.seeded(request.node.nodeid.encode())
    assert authflow_randomness.digits(12) == again.digits(12)


def test_a_project_that_uses_no_fixture_imports_nothing(pytester: Any):
    pytester.makepyfile("def test_nothing(): pass")
    pytester.makeconftest(
        """
        import sys

        def pytest_unconfigure():
            loaded = {name for name in sys.modules if name.partition(".")[0] == "authflow"}
            assert loaded <= {"authflow", "authflow.lazy_names", "authflow.testing",
                              "authflow.testing.pytest_plugin",
                              "authflow.testing.pytest_asyncio_client"}, loaded
        """
    )
    pytester.runpytest_subprocess("--strict-markers").assert_outcomes(passed=1)


def test_a_suite_is_collected_and_run_by_pytest(pytester: Any):
    pytester.makepyfile(
        """
        from authflow.testing import TriggerChallengeSuite
        from authflow.triggers import Issued

        class Open:
            name, metadata, interface = "open", "OPEN", 1

            async def create(self, context):
                return Issued(public={"answer": "sesame-7"}, private={"answer": "sesame-7"})

            async def verify(self, context):
                return context.answer.reveal() == "sesame-7"

        class TestOpen(TriggerChallengeSuite):
            challenge = Open
        """
    )
    result = pytester.runpytest_inprocess(
        "-k", "public or constant or late or says", "-p", "no:randomly", "-p", "no:asyncio"
    )
    result.assert_outcomes(passed=1, failed=2, skipped=2)
    result.stdout.fnmatch_lines(["*Violation: the answer can be found in what is public*"])


async def test_a_setting_that_the_pool_refuses_is_named(authflow_pool: RunningPool):
    from authflow.errors import ConfigError

    with pytest.raises(ConfigError, match="AdminSetUserPassword was refused: InvalidPassword"):
        await authflow_pool.add_user("eve", "short")


def test_what_asks_for_the_pool_wrongly_is_told_so_and_harms_no_other_test(pytester: Any):
    pytester.makepyfile(
        """
        import pytest
        from hypothesis import HealthCheck, given, settings, strategies as st

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.fixture
        def begun(authflow_pool):
            return authflow_pool

        def test_sync(authflow_pool):
            pass

        def test_sync_client(authflow_client):
            pass

        def test_sync_by_a_fixture(begun):
            pass

        @settings(max_examples=1)
        @given(st.integers())
        def test_sync_generated(authflow_pool, number):
            pass

        @pytest.mark.anyio
        @pytest.mark.authflow_pool({"ada": "Correct-horse-1"})
        async def test_by_place(authflow_pool):
            pass

        @pytest.mark.anyio
        @pytest.mark.authflow_pool(user={"ada": "Correct-horse-1"})
        async def test_misspelt(authflow_pool):
            pass

        @pytest.mark.anyio
        @settings(max_examples=1, suppress_health_check=list(HealthCheck))
        @given(number=st.integers())
        async def test_generated(authflow_pool, number):
            pass

        @pytest.mark.anyio
        @pytest.mark.parametrize("number", [1, 2])
        @pytest.mark.authflow_pool(users={"ada": "Correct-horse-1"})
        async def test_right(begun, number):
            await begun.call("AdminGetUser", UserPoolId=begun.user_pool_id, Username="ada")
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:asyncio")
    result.assert_outcomes(passed=3, errors=6)
    result.stdout.fnmatch_lines(
        [
            "*test_sync is synchronous: take authflow_sync_pool*",
            "*test_sync_client is synchronous: take authflow_sync_pool or authflow_sync_client,*",
            "*test_sync_by_a_fixture is synchronous: take authflow_sync_pool*",
            "*test_sync_generated is synchronous: take authflow_sync_pool*",
            "*takes what run_pool takes, by name: @pytest.mark.authflow_pool(users={...})",
            "*there is no argument 'user'; did you mean users=?*",
        ]
    )


PRELUDE = """
import unittest
import pytest

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.fixture
def begun(authflow_pool):
    return authflow_pool
"""


def test_a_test_that_nobody_runs_is_told_so_and_harms_no_other_test(pytester: Any):
    pytester.makeini("[pytest]\nanyio_mode = strict")
    pytester.makepyfile(
        PRELUDE
        + """
async def test_unmarked(authflow_pool):
    pass

async def test_unmarked_client(authflow_client):
    pass

class TestAlone(unittest.IsolatedAsyncioTestCase):
    @pytest.mark.usefixtures("authflow_client")
    async def test_of_unittest(self):
        pass

    @pytest.mark.usefixtures("anyio_backend", "authflow_client")
    async def test_of_unittest_with_a_backend(self):
        pass

    @pytest.mark.usefixtures("authflow_pool")
    async def test_of_unittest_with_a_pool(self):
        pass

class TestSynchronous(unittest.TestCase):
    @pytest.mark.usefixtures("authflow_pool")
    def test_synchronous_of_unittest(self):
        pass

@pytest.mark.anyio
async def test_right(begun):
    await begun.call("ListUserPools", MaxResults=1)

async def test_right_by_a_fixture(anyio_backend, begun):
    await begun.call("ListUserPools", MaxResults=1)
"""
    )
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:asyncio")
    result.assert_outcomes(passed=3, failed=1, errors=4)
    result.stdout.fnmatch_lines_random(
        [
            "*FAILED*::test_unmarked*",
            "*neither runs test_unmarked_client: mark it with anyio or asyncio*",
            "*on unittest's own loop for test_of_unittest; or make one inside it*",
            "*on unittest's own loop for test_of_unittest_with_a_backend; or*",
            "*test_synchronous_of_unittest is synchronous: take authflow_sync_pool*",
        ]
    )


def test_the_nearest_marker_says_what_a_setting_is(pytester: Any):
    pytester.makepyfile(
        PRELUDE
        + """
pytestmark = pytest.mark.authflow_pool(users={"grace": None}, region="us-west-2")

@pytest.mark.authflow_pool(users={"ada": "Correct-horse-1"})
class TestTwo:
    @pytest.mark.anyio
    @pytest.mark.authflow_pool(region="eu-central-1")
    async def test_three(self, authflow_pool, authflow_client):
        assert authflow_pool.server.region == "eu-central-1"
        await authflow_client.sign_in("ada", "Correct-horse-1")
        await authflow_pool.refused(
            "AdminGetUser", UserPoolId=authflow_pool.user_pool_id, Username="grace"
        )

    @pytest.mark.anyio
    async def test_two(self, authflow_pool):
        assert authflow_pool.server.region == "us-west-2"

    @pytest.mark.anyio
    @pytest.mark.authflow_pool("ada")
    async def test_by_place(self, authflow_pool):
        pass
"""
    )
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:asyncio")
    result.assert_outcomes(passed=2, errors=1)
