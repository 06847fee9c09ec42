"""Which users a process holds, and which it lets go."""

import gc
from typing import Any

import pytest

from authflow import Secret
from authflow.client.kept_user import KeptUser
from authflow.client.known_users import KnownUsers


def user(of: str, **given: Any) -> KeptUser:
    return KeptUser(handle=Secret(of), of=of, clock=float, **given)


def known(users: KnownUsers, names: str) -> str:
    gc.collect()
    return "".join(name for name in names if users.get(name) is not None)


def test_those_who_were_used_last_are_held_though_nobody_else_holds_them():
    users = KnownUsers(3)
    for name in "abc":
        users.hold(user(name))
    again = users.get("a")
    assert again is not None
    users.hold(again)
    del again
    users.hold(user("d"))
    assert known(users, "abcd") == "acd"


def test_handles_that_somebody_made_up_push_nobody_out():
    users = KnownUsers(3)
    for name in "abc":
        users.hold(user(name))
    for number in range(100):
        users.meet(user(f"made up {number}"))
    assert known(users, "abc") == "abc"
    assert len(users._alive) == 3


@pytest.mark.parametrize("count", [3, 4, 50])
@pytest.mark.parametrize("owing", [{"unfinished": True}, {"owed": (Secret("R1"),)}], ids=str)
def test_those_who_would_lose_something_are_held_for_longer_and_not_without_end(
    count: int, owing: dict[str, Any]
):
    users = KnownUsers(3)
    for number in range(count):
        users.hold(user(f"owing {number}", **owing))
    for name in "abc":
        users.hold(user(name))
    names = [f"owing {number}" for number in range(count)]
    assert [name for name in names if users.get(name) is not None] == names[-3:]
    assert known(users, "abc") == "abc"


def test_one_who_is_used_again_is_held_once_and_one_who_has_signed_out_not_at_all():
    users = KnownUsers(1)
    first = user("a", unfinished=True)
    users.hold(first)
    users.hold(user("b"))
    users.hold(first)
    assert not users._owing
    users.drop(first)
    users.drop(user("b"))
    del first
    assert known(users, "ab") == ""
