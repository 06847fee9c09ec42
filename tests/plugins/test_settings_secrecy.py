"""Errors about settings: none shows a value, whichever setting of a plugin it was given as."""

import traceback
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

import attrs
import pytest

from authflow.errors import AuthFlowError, ConfigError
from authflow.keys.key_ring import KeyRing
from authflow.secret import Secret
from authflow.stores.store import MemoryStore
from authflow.triggers import Limits, Triggers, challenge

SECRET = "smtps://ops:Hunter22@mail.example.com"
HALVES = {each.name: each.load() for each in entry_points(group="authflow.trigger_challenges")}
SETTINGS = [
    (name, each.alias)
    for name, half in sorted(HALVES.items())
    if attrs.has(half)
    for each in attrs.fields(half)
    if each.init
]
LIMITS = Limits(store=MemoryStore(), keys=KeyRing.generate())


class Anything:
    """Has what a sender and a store have."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_args, **_given: None


def told_by(make: Callable[[], object]) -> str:
    """Return what a refusal tells; nothing, if there is none."""
    try:
        make()
    except (AuthFlowError, ValueError, TypeError) as error:
        return "".join(traceback.format_exception_only(error))
    return ""


@pytest.mark.parametrize(("name", "setting"), SETTINGS)
@pytest.mark.parametrize(
    "value",
    [SECRET, [SECRET], {SECRET: SECRET}, SECRET.encode(), (SECRET, 1)],
    ids=["a text", "a list", "a mapping", "bytes", "a tuple"],
)
def test_no_error_about_a_setting_shows_its_value(name: str, setting: str, value: Any):
    half = HALVES[name]
    given: dict[str, Any] = {
        each.alias: Secret("x") if each.alias == "secret" else Anything()
        for each in attrs.fields(half)
        if each.init and each.default is attrs.NOTHING
    }
    given[setting] = value
    for make in (
        lambda: half(**given),
        lambda: Triggers(policy=challenge(name, **given), limits=LIMITS),
    ):
        assert "Hunter22" not in told_by(make)


@pytest.mark.parametrize("key_id", ["Hunter22" * 6, SECRET, SECRET.encode(), "é" * 40])
def test_no_error_about_a_key_ring_shows_what_stands_in_a_name_s_place(key_id: Any):
    with pytest.raises(ConfigError) as caught:
        KeyRing(keys={key_id: Secret(bytes(range(32)))}, current=key_id)
    assert "Hunter22" not in str(caught.value)
    for text in (
        f'{{"current": "1", "keys": {{"{key_id}": "no base64!"}}}}',
        f'{{"current": "1", "{key_id}": 1, "keys": {{"1": ""}}}}',
    ):
        with pytest.raises(ConfigError) as caught:
            KeyRing.parse(text)
        assert "Hunter22" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(HALVES))
def test_a_plugin_of_ours_refuses_a_setting_that_it_has_not_wherever_it_is_made(name: str):
    with pytest.raises(ConfigError, match="there is no setting 'lenght'"):
        HALVES[name](lenght=5)
