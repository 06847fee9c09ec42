"""Wrong codes lock a user out as wrong passwords do, and are counted apart from these."""

import pytest

from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.sign_ins.code_attempts import count_code
from authflow.pool.store.database import Database

NOW = 1_800_000_000.0
LOCKED = "Password attempts exceeded"


def pool(pool_id="eu-central-1_x"):
    return UserPool(
        id=pool_id,
        settings={},
        key_id="key",
        signing_key="{}",
        mask_key=b"k" * 32,
        created_at=NOW,
        modified_at=NOW,
    )


@pytest.fixture
async def enter():
    """Enter codes as jobs of a database do."""
    async with Database() as database:

        async def entered(now, *, passed=False, sub="3f1c", pool=pool()):  # noqa: B008
            return await database.write(count_code, pool, sub, now, passed=passed)

        yield entered


async def locked(enter, now, **more):
    with pytest.raises(CognitoError, match=LOCKED) as refusal:
        await enter(now, **more)
    return refusal.value.code == "NotAuthorizedException"


async def test_after_five_wrong_codes_each_further_one_locks_for_longer(enter):
    now = NOW
    assert [await enter(now) for _ in range(5)] == [False] * 5
    for seconds in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900):
        # While it is locked, not even the right code passes, and nothing counts.
        assert await locked(enter, now + seconds - 0.5, passed=True)
        now += seconds
        if seconds < 900:
            assert await enter(now) is False
    assert await enter(now, passed=True)


async def test_a_right_code_forgets_the_wrong_ones(enter):
    for _ in range(3):
        assert [await enter(NOW) for _ in range(4)] == [False] * 4
        assert await enter(NOW, passed=True)


async def test_a_quarter_of_an_hour_of_silence_forgets_the_wrong_ones(enter):
    for _ in range(5):
        await enter(NOW)
    assert [await enter(NOW + 900) for _ in range(5)] == [False] * 5
    assert await locked(enter, NOW + 900)


@pytest.mark.parametrize("ahead", [0.001, 30, 900, 3600, 86_400])
async def test_wrong_codes_that_a_clock_counted_ahead_lock_nobody_below_five(enter, ahead):
    for _ in range(4):
        await enter(NOW + ahead)
    assert await enter(NOW, passed=True)
    for _ in range(5):
        await enter(NOW + ahead)
    if ahead < 900:
        assert await locked(enter, NOW, passed=True)
    else:
        # One more is judged, and then five have been counted by the right clock.
        assert await enter(NOW) is False
        assert await locked(enter, NOW + 1.9, passed=True)
        assert await enter(NOW + 2, passed=True)


async def test_each_user_of_each_pool_has_a_count_of_his_own(enter):
    for _ in range(5):
        await enter(NOW)
    assert await locked(enter, NOW)
    assert await enter(NOW, passed=True, sub="b02a")
    assert await enter(NOW, passed=True, pool=pool("eu-central-1_y"))
    assert await locked(enter, NOW)
