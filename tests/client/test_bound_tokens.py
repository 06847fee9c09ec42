"""Which device a refresh token was given to."""

from authflow import Device, Secret, Tokens, UnconfirmedDevice
from authflow.client.bound_tokens import BoundTokens


def tokens(refresh, device=None):
    return Tokens(
        access_token=Secret("a"),
        id_token=Secret("i"),
        refresh_token=None if refresh is None else Secret(refresh),
        device=device,
    )


MINE = Device(key="k1", group_key="g", password=Secret("dev1ce"))
NEW = UnconfirmedDevice(key="k2", group_key="g")


def test_a_token_is_known_by_its_device_and_no_other_is():
    bound = BoundTokens()
    bound.note(tokens("r1", MINE))
    bound.note(tokens("r2", NEW))
    bound.note(tokens("r3"))
    bound.note(tokens(None, MINE))
    known = {name: bound.device(Secret(name)) for name in ("r1", "r2", "r3", "r9", "")}
    assert known == {"r1": MINE, "r2": NEW, "r3": None, "r9": None, "": None}
    bound.note(tokens("r2", MINE))  # it was confirmed
    assert bound.device(Secret("r2")) == MINE


def test_the_oldest_ones_make_room_and_a_token_shows_nowhere():
    bound = BoundTokens(most=2)
    for name in ("canary1", "canary2", "canary1", "canary3"):
        bound.note(tokens(name, UnconfirmedDevice(key=f"k of {name[-1]}", group_key="g")))
    assert bound.device(Secret("canary2")) is None
    assert bound.device(Secret("canary1")).key == "k of 1"
    assert bound.device(Secret("canary3")).key == "k of 3"
    assert "canary" not in f"{bound!r} {list(bound._devices.keys())}"


def test_tokens_without_a_device_take_no_room():
    bound = BoundTokens(most=1)
    bound.note(tokens("r1", UnconfirmedDevice(key="k1", group_key="g")))
    bound.note(tokens("r2"))
    assert bound.device(Secret("r1")).key == "k1"
