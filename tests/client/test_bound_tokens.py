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


def test_a_token_is_known_by_its_device_and_no_other_is():
    bound = BoundTokens()
    bound.note(tokens("r1", Device(key="k1", group_key="g")))
    bound.note(tokens("r2", UnconfirmedDevice(key="k2", group_key="g")))
    bound.note(tokens("r3"))
    bound.note(tokens("r4"), "k4")
    bound.note(tokens(None, Device(key="k5", group_key="g")))
    known = {name: bound.device_key(Secret(name)) for name in ("r1", "r2", "r3", "r4", "r9", "")}
    assert known == {"r1": "k1", "r2": "k2", "r3": None, "r4": "k4", "r9": None, "": None}


def test_the_oldest_ones_make_room_and_a_token_shows_nowhere():
    bound = BoundTokens(most=2)
    for name in ("canary1", "canary2", "canary1", "canary3"):
        bound.note(tokens(name), f"of {name}")
    assert bound.device_key(Secret("canary2")) is None
    assert bound.device_key(Secret("canary1")) == "of canary1"
    assert bound.device_key(Secret("canary3")) == "of canary3"
    assert "canary" not in f"{bound!r} {list(bound._keys)}"


def test_tokens_without_a_device_take_no_room():
    bound = BoundTokens(most=1)
    bound.note(tokens("r1"), "k1")
    bound.note(tokens("r2"))
    assert bound.device_key(Secret("r1")) == "k1"
