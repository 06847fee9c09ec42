"""One sign-in is made again, and only what is drawn anew differs."""

import os
import random
import secrets
import sys
import uuid
from types import ModuleType
from typing import Any

import pytest

from authflow.testing import MovableClock, Outbox
from authflow.testing.same_sign_in import SameSignIn, namespaces
from authflow.testing.trigger_bench import SuiteUser
from authflow.triggers import Issued

ADA = SuiteUser(name="ada", attributes={"email": "ada@example.com"})


class Plugin:
    metadata = "PLUGIN"

    async def create(self, context: Any) -> Issued:
        draws = {
            "octets": context.randomness.octets(9).hex(),
            "code": context.randomness.digits(6),
            "choice": context.randomness.choice(["a", "b", "c", "d", "e", "f"]),
            "system": f"{os.urandom(8).hex()} {secrets.token_hex(8)} {uuid.uuid4()} "
            f"{random.random()} {secrets.randbelow(10**9)}",
            "large": os.urandom(10_000).hex(),
        }

        return Issued(public=draws, private={})


def sign_in(seed: str = "x") -> SameSignIn:
    return SameSignIn(plugin=Plugin(), user=ADA, clock=MovableClock(), outbox=Outbox(), seed=seed)


async def test_made_again_everything_is_the_same_what_the_system_draws_included():
    first, again = await sign_in().run(), await sign_in().run()
    assert [one.public for one in first.made] == [one.public for one in again.made]
    assert [one.public for one in first.made] != [
        one.public for one in (await sign_in("y").run()).made
    ]
    assert len({one.public["code"] for one in first.made}) == 3  # every attempt draws its own


async def test_one_draw_is_taken_anew_and_no_other():
    first = await sign_in().run()
    for draw, name in zip(first.draws[:3], ("octets", "code", "choice"), strict=True):
        turn = next(turn for turn in range(1, 20) if not draw.again("x", turn))
        other = await sign_in().run(anew={draw.place: turn})
        changed = [
            (number, key)
            for number, (one, two) in enumerate(zip(first.made, other.made, strict=True))
            for key in one.public
            if one.public[key] != two.public[key]
        ]
        assert changed == [(0, name)]


async def test_afterwards_the_system_draws_as_always():
    state = random.getstate()
    await sign_in().run()
    assert random.getstate() == state
    assert os.urandom(16) != os.urandom(16)
    assert secrets.token_hex() != secrets.token_hex()


def test_the_modules_of_a_package_are_those_that_are_loaded_by_now(monkeypatch: pytest.MonkeyPatch):
    plugin = type("Plugin", (), {"__module__": "late_package.plugin"})
    assert namespaces(plugin) == []
    for name in ("late_package", "late_package.words", "late_package.words", "late_packages"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
        loaded = [sys.modules[each] for each in sys.modules if each.startswith("late_package")]
        expected = [id(vars(each)) for each in loaded if each.__name__ != "late_packages"]
        assert [*map(id, namespaces(plugin))] == expected
