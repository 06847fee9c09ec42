"""Devices as values: what they hold, and what they show."""

import pytest

from authflow import Device, ListedDevice, Secret, UnconfirmedDevice
from authflow.device import checked_name
from authflow.errors import MisuseError


def test_a_device_shows_its_keys_and_never_its_password():
    device = Device(key="k", group_key="g", password="canary", sub="s")
    assert device.password.reveal() == "canary"
    assert "canary" not in f"{device!r} {device}"
    assert "'k'" in repr(device)
    assert device == Device(key="k", group_key="g", password=Secret("canary"), sub="s")
    assert device != Device(key="k", group_key="g", password="other", sub="s")


@pytest.mark.parametrize("given", ["", 5, None, b"k", "\ud800", "k" * 1025, ["k"]], ids=repr)
@pytest.mark.parametrize("what", ["key", "group_key"])
def test_a_key_that_is_no_short_text_is_refused(what, given):
    with pytest.raises(MisuseError, match="key must be a text"):
        Device(**{"key": "k", "group_key": "g", what: given})


@pytest.mark.parametrize("name", [None, "a PC", "n" * 1024])
def test_a_name_is_a_text_or_none(name):
    assert checked_name(name) == name


@pytest.mark.parametrize("name", ["", "n" * 1025, 5, b"n", "\ud800"], ids=repr)
def test_any_other_name_is_refused(name):
    with pytest.raises(MisuseError, match="a device's name"):
        checked_name(name)


def test_what_a_pool_tells_of_a_device_cannot_be_changed():
    listed = ListedDevice(key="k", attributes={"x": "canary"})
    with pytest.raises(TypeError):
        listed.attributes["x"] = "y"
    assert "canary" not in repr(listed)
    assert {listed, UnconfirmedDevice(key="k", group_key="g")}
