from contextlib import ExitStack

import pytest

from authflow.pool.admission.outside_waits import OutsideWaits
from authflow.pool.cognito_errors import CognitoError

FULL = CognitoError("TooManyRequestsException", "full")


def crowd(outside_waits, stack, pool_id):
    """Let requests about a pool wait until one is refused; give how many wait."""
    for number in range(10_000):
        try:
            stack.enter_context(outside_waits.waiting(pool_id, FULL))
        except CognitoError:
            return number
    return None


@pytest.mark.parametrize("room", [1, 2, 3, 9, 10, 90, 691, 1844])
def test_one_pool_gets_half_of_the_room(room):
    with ExitStack() as stack:
        assert crowd(OutsideWaits(room=room), stack, "slow") == (room + 1) // 2


@pytest.mark.parametrize("pools", range(1, 9))
def test_beside_slow_pools_the_next_one_finds_a_place(pools):
    outside_waits = OutsideWaits(room=691)
    with ExitStack() as stack:
        held = [crowd(outside_waits, stack, str(number)) for number in range(pools)]
        assert 0 < sum(held) < 691
        with outside_waits.waiting("next", FULL):
            pass


def test_there_are_never_more_than_the_room():
    outside_waits = OutsideWaits(room=9)
    with ExitStack() as stack:
        assert sum(crowd(outside_waits, stack, str(number)) for number in range(40)) == 9


def test_whoever_has_waited_leaves_his_place_however_it_ends():
    outside_waits = OutsideWaits(room=3)
    for _ in range(10):
        with pytest.raises(ValueError, match="raised"), outside_waits.waiting("slow", FULL):
            raise ValueError("raised")
    with ExitStack() as stack:
        assert crowd(outside_waits, stack, "slow") == 2
    assert not outside_waits._waiting
