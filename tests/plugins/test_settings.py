from enum import Enum
from typing import Any, Literal

import pytest
from attrs import field, frozen

from authflow.errors import ConfigError
from authflow.plugins import checked_settings, settings_schema
from authflow.secret import Secret


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@frozen(kw_only=True)
class Plugin:
    name = "riddle"

    site_key: str
    length: int = field(default=6, metadata={"doc": "How long.", "minimum": 4, "maximum": 12})
    share: float = 0.5
    loud: bool = False
    form: Literal["image", "audio"] = "image"
    colour: Colour = Colour.RED
    secret: Secret[str] | None = None
    languages: tuple[str, ...] = ("en",)
    texts: dict[str, str] = field(factory=dict)
    sender: Any = None
    _inner: int = field(default=0, init=False)


def test_the_settings_of_a_plugin_are_a_json_schema():
    schema = settings_schema(Plugin)
    assert schema["title"] == "riddle"
    assert schema["required"] == ["site_key"]
    assert schema["additionalProperties"] is False
    assert schema["properties"] == {
        "site_key": {"type": "string"},
        "length": {
            "type": "integer",
            "description": "How long.",
            "minimum": 4,
            "maximum": 12,
            "default": 6,
        },
        "share": {"type": "number", "default": 0.5},
        "loud": {"type": "boolean", "default": False},
        "form": {"enum": ["image", "audio"], "default": "image"},
        "colour": {"enum": ["red", "blue"]},
        "secret": {
            "anyOf": [{"type": "string", "writeOnly": True}, {"type": "null"}],
            "default": None,
        },
        "languages": {"type": "array", "items": {"type": "string"}, "default": ("en",)},
        "texts": {"type": "object", "additionalProperties": {"type": "string"}},
        "sender": {"default": None},
    }


def test_the_settings_of_what_is_no_attrs_class_are_unknown():
    class Plain:
        pass

    with pytest.raises(ConfigError, match="attrs class"):
        settings_schema(Plain)


@pytest.mark.parametrize("stray", ["limits", "keys"])
def test_what_triggers_have_is_told_its_place(stray):
    with pytest.raises(ConfigError, match=rf"riddle: .*{stray!r}: give Triggers\({stray}=\.\.\.\)"):
        checked_settings(Plugin)(site_key="x", **{stray: object()})


@pytest.mark.parametrize("stray", ["sitekey", "lenght", "self_", "x" * 99])
def test_a_stray_setting_is_told_what_there_is(stray):
    with pytest.raises(ConfigError, match=r"no setting .* takes colour, form, languages, length"):
        checked_settings(Plugin)(site_key="x", **{stray: 1})


def test_settings_that_there_are_stay_as_they_are():
    made = checked_settings(Plugin)(site_key="x", length=7)
    assert (made.site_key, made.length) == ("x", 7)
    assert settings_schema(checked_settings(Plugin))["required"] == ["site_key"]
