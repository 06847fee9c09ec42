"""When a kept user's tokens are good, and from when on they are refreshed."""

import pytest
from attrs import evolve

from authflow import Secret
from authflow.client import kept_user
from authflow.testing import START
from testbed.kept_bench import LIFE, name_of, result, signed_in


class TestWhen:
    async def test_a_token_that_is_good_for_long_is_given_without_asking(self, bench, clock):
        async with bench() as all_:
            user = await all_.kept()
            for age in (0, LIFE / 2, LIFE * 0.79):
                clock.now = START + age
                assert name_of(await user.access_token()) == "access R1"
                assert name_of(await user.id_token()) == "id R1"
                assert (await user.tokens()).refresh_token == Secret("R1")
            assert all_.sent == []

    @pytest.mark.parametrize("age", [LIFE * 0.95, LIFE - 1, LIFE, 30 * LIFE])
    async def test_a_token_is_refreshed_before_and_after_its_end(self, bench, clock, age):
        async with bench(result("R2", START + age, "R2")) as all_:
            user = await all_.kept()
            clock.advance(age)
            assert name_of(await user.access_token()) == "access R2"
            assert name_of(await user.id_token()) == "id R2"
            assert (await user.tokens()).refresh_token == Secret("R2")
            assert all_.sent == ["R1"]

    async def test_how_long_before_the_end_is_spread(self, bench):
        async with bench() as all_:
            auth = await all_.client()
            users = [await auth.keep(signed_in()) for _ in range(100)]
            shares = [
                user._kept.ahead(user._kept.seen, lambda entry: (entry.access,)) / LIFE
                for user in users
            ]
            assert 1 / 12 - 1e-9 <= min(shares) < 0.1
            assert 0.14 < max(shares) <= 1 / 6
            assert len(set(shares)) == 100

    async def test_each_token_is_good_for_its_own_life(self, bench, clock):
        new = result("R2", START + 301, identity=300)
        async with bench(new) as all_:
            auth = await all_.client()
            user = await auth.keep(signed_in(identity=300))
            clock.advance(301)
            assert name_of(await user.access_token()) == "access R1"
            assert all_.sent == []
            assert name_of(await user.id_token()) == "id R2"
            assert (await user.tokens()).refresh_token == Secret("R1")
            assert all_.sent == ["R1"]

    async def test_a_clock_that_was_set_back_makes_no_token_good_for_longer(self, bench, clock):
        async with bench(result("R2", START + LIFE)) as all_:
            user = await all_.kept()
            clock.now -= 86_400
            all_.ticks.now += LIFE / 2
            assert name_of(await user.access_token()) == "access R1"
            all_.ticks.now += LIFE / 2
            assert name_of(await user.access_token()) == "access R2"
            assert name_of(await user.access_token()) == "access R2"
            assert all_.sent == ["R1"]

    async def test_a_clock_that_jumps_back_and_forth_asks_once_for_each_jump_forth(
        self, bench, clock
    ):
        async with bench(*(result(f"R{n}", START + 86_400 * n) for n in range(2, 5))) as all_:
            user = await all_.kept()
            for n in range(2, 5):
                clock.now = START + 86_400 * n
                for _ in range(3):
                    assert name_of(await user.access_token()) == f"access R{n}"
                clock.now = START
                assert name_of(await user.access_token()) == f"access R{n}"
            assert all_.sent == ["R1"] * 3

    async def test_a_clock_that_was_set_back_makes_no_token_good_for_longer_where_it_is_found_anew(
        self, bench, clock
    ):
        async with bench(result("R2", START + LIFE)) as all_:
            handle = (await all_.kept()).handle
            clock.now -= 86_400
            all_.ticks.now += LIFE
            user = await all_.opened.kept(handle)
            assert name_of(await user.access_token()) == "access R2"
            assert all_.sent == ["R1"]

    async def test_when_a_process_refreshes_is_drawn_once_for_each_turn(self, bench):
        async with bench() as all_:
            user = await all_.kept()
            first = user._kept.ahead(user._kept.seen, kept_user.access)
            for _ in range(20):  # found anew each time
                user._users._known.drop(user._kept)
                user._users._known._alive.clear()
                again = await all_.opened.kept(user.handle)
                assert again._kept is not user._kept
                assert again._kept.ahead(again._kept.seen, kept_user.access) == first
            turns = [evolve(user._kept.seen, turn=turn) for turn in range(20)]
            assert len({user._kept.ahead(each, kept_user.access) for each in turns}) == 20
            others = [await all_.elsewhere(user) for _ in range(20)]
            drawn = {other._kept.ahead(other._kept.seen, kept_user.access) for other in others}
            assert len(drawn) == 20
