"""The trigger half of `otp` by itself: its settings, and what it refuses."""

from collections.abc import Callable
from typing import Any

import pytest
from authflow_otp.authenticator import Hotp, Totp
from authflow_otp.messages import CodeMessage, Template
from authflow_otp.trigger import Otp

from authflow.errors import ConfigError, MisuseError, PluginFailedError
from authflow.plugins import TRIGGER_CHALLENGES, PluginRegistry, Secret
from authflow.triggers import (
    CreateContext,
    KeyRing,
    Limits,
    MemoryStore,
    SendLimit,
    Triggers,
    VerifyContext,
    challenge,
    sequence,
)

Made = Callable[..., Otp]


@pytest.fixture
def otp(outbox: Any) -> Made:
    def made(**settings: Any) -> Otp:
        return Otp(**{"sender": outbox, "purpose": "Example Shop", **settings})

    return made


class Mute:
    """A sender that does not say how it sends."""

    async def send(self, message: CodeMessage) -> None:
        raise AssertionError


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"digits": 5}, "digits is a whole number from 6 to 10"),
        ({"digits": 11}, "digits is a whole number from 6 to 10"),
        ({"digits": 6.0}, "digits is a whole number"),
        ({"digits": True}, "digits is a whole number"),
        ({"hint": "no"}, "hint is True or False"),
        ({"hint": 0}, "hint is True or False"),
        ({"life": 541}, "life is a whole number from 60 to 540"),
        ({"life": 59}, "life is a whole number from 60 to 540"),
        ({"purpose": ""}, "purpose"),
        ({"purpose": "x" * 61}, "purpose"),
        ({"purpose": "Shop\r\nBcc: eve@example.com"}, "purpose"),
        ({"purpose": None}, "purpose"),
        ({"language": "it"}, "no template for the language 'it'"),
        ({"templates": {"it": "ciao"}}, "is no Template"),
        ({"pace": -1}, "pace"),
        ({"pace": 3.5}, "pace"),
        ({"pace": float("nan")}, "pace"),
        ({"sender": None}, "sender is an object with the methods send"),
        ({"sender": dict}, "sender is an object"),
        ({"sender": Mute()}, "must have a medium"),
        ({"lenght": 6}, "there is no setting 'lenght'; It takes digits, hint, language"),
    ],
)
def test_settings_out_of_bounds_are_refused(otp: Made, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        otp(**settings)


def test_life_and_the_cool_down_are_ten_minutes_at_most_together(
    outbox: Any, keys: KeyRing
) -> None:
    limits = Limits(store=MemoryStore(), keys=keys, sends=SendLimit(cool_down=300))

    def triggers(life: int) -> Triggers:
        policy = challenge("otp", sender=outbox, purpose="Example Shop", life=life)
        return Triggers(policy=policy, challenges=[Otp], limits=limits)

    assert triggers(300).limits is limits
    with pytest.raises(ConfigError, match="ten minutes at most together"):
        triggers(301)


@pytest.mark.parametrize("stray", ["limits", "keys"])
@pytest.mark.parametrize("made_by", [Otp, Totp, Hotp])
def test_limits_and_keys_are_refused_as_settings_and_told_their_place(
    limits: Limits, keys: KeyRing, made_by: Any, stray: str
) -> None:
    given = {stray: {"limits": limits, "keys": keys}[stray]}
    with pytest.raises(ConfigError, match=rf"give Triggers\({stray}=\.\.\.\)"):
        made_by(**given)
    with pytest.raises(ConfigError, match=rf"give Triggers\({stray}=\.\.\.\)"):
        Triggers(policy=challenge(made_by.name, **given), challenges=[made_by], limits=limits)


def test_a_language_of_the_owners_templates_may_be_the_default(otp: Made) -> None:
    italian = Template(subject="Codice", body="{code}, per {minutes} min")
    made = otp(templates={"it": italian}, language="it")
    assert made.templates.language("tlh", made.language) == "it"


def test_it_is_found_by_its_entry_point() -> None:
    assert PluginRegistry(TRIGGER_CHALLENGES).find("otp") is Otp


def test_without_limits_it_is_not_served(outbox: Any) -> None:
    steps = sequence(challenge("otp", sender=outbox, purpose="Example Shop"))
    with pytest.raises(ConfigError, match="needs Triggers"):
        Triggers(policy=steps, challenges=[Otp])


async def test_a_challenge_outside_of_limits_is_refused(otp: Made) -> None:
    asked = CreateContext(
        username="ada", user_attributes={}, user_not_found=False, attempt=1, attempts=3
    )
    with pytest.raises(MisuseError, match="limits"):
        await otp().create(asked)


@pytest.mark.parametrize(
    "private",
    [
        {},
        {"digits": "1", "until": "soon", "issue": "", "sign_in": "", "reachable": "true"},
        {"digits": "123456", "until": "1", "issue": "x"},
    ],
)
async def test_private_parameters_of_something_else_are_refused(
    otp: Made, private: dict[str, str]
) -> None:
    answered = VerifyContext(
        username="ada",
        user_attributes={},
        user_not_found=False,
        private=private,
        answer=Secret(""),
    )
    with pytest.raises(PluginFailedError, match="private challenge parameters"):
        await otp().verify(answered)
