"""The marks of users: the same for one user under one key, and nobody's name."""

import hashlib
import json
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow import Secret
from authflow.client.user_marks import UserMarks, name_in
from authflow.keys import KeyRing
from authflow.wire import Request
from testbed.kept_bench import jwt

POOL = "eu-central-1_Abc123def"
RING = KeyRing.generate("one")


@given(name=st.text(min_size=1))
async def test_a_mark_is_a_hash_of_whatever_name(name: str):
    marks = await UserMarks.of(RING, POOL)
    mark = marks.mark(name)
    assert re.fullmatch(r"[0-9a-f]{32}", mark)
    assert mark == marks.mark(name.upper().lower()) or name.casefold() != name.upper().casefold()
    assert mark not in {hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:32], name}


async def test_it_is_the_same_after_a_rotation_and_another_in_another_pool_or_under_another_key():
    mark = (await UserMarks.of(RING, POOL)).mark("ada")
    rotated = RING.rotated("two")
    moved = KeyRing(keys=rotated.keys, current="two", lookup="one")
    for ring in (rotated, moved):
        assert (await UserMarks.of(ring, POOL)).mark("ada") == mark
    others = [
        (await UserMarks.of(RING, "eu-central-1_Other")).mark("ada"),
        (await UserMarks.of(KeyRing.generate(), POOL)).mark("ada"),
        (await UserMarks.of(None, POOL)).mark("ada"),
        (await UserMarks.of(RING, POOL)).mark("bob"),
    ]
    assert all(others)
    assert len({mark, *others}) == 5


async def test_it_is_no_name_of_any_entry_in_a_store():
    """What names entries is derived for other purposes: one never leads to the other."""
    mark = (await UserMarks.of(RING, POOL)).mark("ada")
    for purpose in ("telemetry.user", "ticket", "kept"):
        name = RING.entry_name(purpose, POOL, "ada")
        assert mark not in name
        assert not hashlib.sha256(name.encode()).hexdigest().startswith(mark)


async def test_without_keys_a_process_has_marks_of_its_own_which_its_clients_share():
    program = (
        "import asyncio; from authflow.client.user_marks import UserMarks;"
        f"print(asyncio.run(UserMarks.of(None, {POOL!r})).mark('ada'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    one, two = [(await UserMarks.of(None, POOL)).mark("ada") for _ in range(2)]
    assert one == two != done.stdout.strip()


class Failing:
    async def key_ring(self, *, having: str | None = None) -> KeyRing:
        raise ValueError("canary")


async def test_if_the_keys_cannot_be_asked_nobody_has_a_mark_and_the_log_says_so(caplog):
    marks = await UserMarks.of(Failing(), POOL)
    assert marks.mark("ada") is None
    assert "observers are told no users" in caplog.text
    assert "canary" not in caplog.text


async def test_nobody_has_no_mark():
    marks = await UserMarks.of(RING, POOL)
    assert marks.mark(None) is None
    assert marks.mark("") is None


def test_its_key_is_in_no_repr():
    assert RING.subkey("telemetry.user", POOL).hex()[:8] not in repr(UserMarks(Secret(b"x" * 32)))


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"Username": "ada", "AccessToken": "x"}, "ada"),
        ({"AccessToken": "no token"}, None),
        ({"AccessToken": 7}, None),
        ({"AccessToken": jwt("access", 1.0)}, None),
        ({"Username": 7}, None),
        ({}, None),
    ],
)
def test_a_request_tells_the_name_or_none(body: dict, name: str | None):
    assert name_in(Request(operation="GetUser", body=json.loads(json.dumps(body)))) == name
