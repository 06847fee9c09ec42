"""The trigger half of `link` by itself: its settings, and what it refuses."""

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from attrs import evolve
from authflow_otp.confirmations import Confirmations
from authflow_otp.link import Link
from authflow_otp.link_messages import LinkTemplate
from authflow_otp.link_tokens import SignInLink
from authflow_otp.messages import Template

from authflow.errors import ConfigError, MisuseError, PluginFailedError, StoreUnavailableError
from authflow.plugins import TRIGGER_CHALLENGES, PluginRegistry, Randomness, Secret
from authflow.triggers import (
    CreateContext,
    DynamoDbStore,
    KeyRing,
    Limits,
    MemoryStore,
    SendLimit,
    Triggers,
    VerifyContext,
    challenge,
)

Made = Callable[..., Link]
POOL = "eu-central-1_Abc123def"


@pytest.fixture
def link(outbox: Any) -> Made:
    def made(**settings: Any) -> Link:
        usual = {"sender": outbox, "purpose": "Example Shop", "url": "https://shop.example.com/l"}
        return Link(**{**usual, "pace": 0, **settings})

    return made


class Mute:
    """A sender that does not say how it sends."""

    async def send(self, message: object) -> None:
        raise AssertionError


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"url": "http://shop.example.com/l"}, "link: url must be https"),
        ({"url": "shop.example.com/l"}, "link: url must be a URL"),
        ({"url": "javascript:alert(1)"}, "link: url must be a URL"),
        ({"url": "https://shop.example.com/l#"}, "link: url must be without a fragment"),
        ({"url": "https://shop.example.com/l#x"}, "link: url must be without a fragment"),
        ({"url": "https://ada:secret@shop.example.com/l"}, "link: url must be a URL"),
        ({"url": None}, "link: url must be a URL"),
        ({"life": 601}, "link: life is a whole number from 60 to 600"),
        ({"life": 59}, "life is a whole number from 60 to 600"),
        ({"life": 60.0}, "life is a whole number"),
        ({"anywhere": True}, "link: anywhere is None"),
        ({"anywhere": MemoryStore()}, "link: anywhere is None"),
        ({"hint": 0}, "link: hint is True or False"),
        ({"purpose": "Shop\r\nBcc: eve@example.com"}, "link: purpose"),
        ({"language": "it"}, "link: there is no template for the language 'it'"),
        ({"templates": {"it": "ciao"}}, "is no LinkTemplate"),
        ({"templates": {"en": Template(subject="x", body="{code} {minutes}")}}, "no LinkTemplate"),
        ({"pace": 3.5}, "link: pace"),
        ({"sender": None}, "link: sender is an object with the methods send"),
        ({"sender": Mute()}, "link: the sender must have a medium"),
        ({"keys": 1}, r"give Triggers\(keys="),
        ({"anwhere": None}, "did you mean 'anywhere'"),
    ],
)
def test_settings_out_of_bounds_are_refused(
    link: Made, settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        link(**settings)


def test_a_language_of_the_owners_templates_may_be_the_default(link: Made) -> None:
    italian = LinkTemplate(subject="Accesso", body="{link}\n\n{minutes} min")
    made = link(templates={"it": italian}, language="it")
    assert made.templates.language("tlh", made.language) == "it"


def test_it_is_found_by_its_entry_point() -> None:
    assert PluginRegistry(TRIGGER_CHALLENGES).find("link") is Link


def test_without_limits_it_is_not_served(outbox: Any) -> None:
    step = challenge("link", sender=outbox, purpose="Shop", url="https://shop.example.com")
    with pytest.raises(ConfigError, match="needs Triggers"):
        Triggers(policy=step, challenges=[Link])


@pytest.mark.parametrize(
    ("life", "cool_down", "fits"),
    [(60, 30, True), (60, 31, False), (300, 270, True), (300, 270.5, False), (600, 570, True)],
)
def test_a_link_is_good_for_the_last_sign_in_that_shares_it(
    outbox: Any, keys: KeyRing, *, life: int, cool_down: float, fits: bool
) -> None:
    sends = SendLimit(cool_down=cool_down)
    limits = Limits(store=MemoryStore(), keys=keys, sends=sends)
    url = "https://shop.example.com"
    step = challenge("link", sender=outbox, purpose="Shop", url=url, life=life)
    if fits:
        assert Triggers(policy=step, challenges=[Link], limits=limits).limits is limits
    else:
        with pytest.raises(ConfigError, match="30 seconds more than the cool-down"):
            Triggers(policy=step, challenges=[Link], limits=limits)


class Uses:
    """The part of the limits that keeps and claims, for one user."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    async def once(self, *name: str, value: bytes, seconds: float) -> bytes:
        return await self.limits.once(*name, value=value, seconds=seconds)

    async def claim(self, *name: str, seconds: float) -> bool:
        return await self.limits.claim(*name, claimer="me", seconds=seconds)


@pytest.fixture
def asked(limits: Limits, keys: KeyRing, clock: Any) -> CreateContext:
    return CreateContext(
        username="ada",
        user_attributes={"email": "ada@example.com", "email_verified": "true"},
        user_not_found=False,
        attempt=1,
        attempts=3,
        user_pool_id=POOL,
        now=clock(),
        keys=keys,
        uses=Uses(limits),
    )


async def test_a_challenge_outside_of_limits_is_refused(link: Made, asked: CreateContext) -> None:
    with pytest.raises(MisuseError, match="limits"):
        await link().create(evolve(asked, uses=None))
    with pytest.raises(MisuseError, match="Triggers"):
        await link().create(evolve(asked, keys=None))


async def test_runs_of_create_agree_on_a_link_also_when_time_passes_and_keys_are_rotated(
    link: Made, asked: CreateContext, keys: KeyRing
) -> None:
    kept = Confirmations(entries=MemoryStore(), keys=keys)
    plugin, rotated = link(anywhere=kept), keys.rotated("new")
    runs = [
        evolve(asked, randomness=Randomness.seeded(b"one"), now=asked.now + late, keys=ring)
        for late, ring in ((0, keys), (5.5, keys), (14, rotated), (15, rotated))
    ]
    made = []
    async with anyio.create_task_group() as group:

        async def run(context: CreateContext) -> None:
            made.append(await plugin._new(context))

        for each in runs:
            group.start_soon(run, each)
    assert len({(each.token.reveal(), each.link) for each in made}) == 1
    numbers = {(await plugin._new(runs[0])).number for _ in range(30)}
    assert len(numbers) > 25  # each run's own, for sign-ins that begin at once share their link
    opened = await SignInLink.opened(made[0].token, rotated)
    assert opened == made[0].link
    other = await plugin._new(evolve(runs[0], randomness=Randomness.seeded(b"two")))
    assert other.link.link_id != opened.link_id


@pytest.mark.parametrize(
    "private",
    [
        {},
        {"token": "x", "number": "1", "id": "1", "owner": "", "until": "", "reachable": "true"},
        {"token": "x", "number": "1", "id": "1", "until": "1", "reachable": "true"},
    ],
)
async def test_private_parameters_of_something_else_are_refused(
    link: Made, private: dict[str, str]
) -> None:
    answered = VerifyContext(
        username="ada",
        user_attributes={},
        user_not_found=False,
        private=private,
        answer=Secret(""),
    )
    with pytest.raises(PluginFailedError, match="private challenge parameters"):
        await link().verify(answered)


async def test_while_the_store_of_confirmations_is_down_nothing_is_confirmed(
    link: Made, keys: KeyRing, limits: Limits, down: DynamoDbStore
) -> None:
    plugin = link(anywhere=Confirmations(entries=down, keys=keys))
    private = {"token": "t", "number": "1", "id": "1", "owner": "o", "until": "9", "reachable": "y"}
    answered = VerifyContext(
        username="ada",
        user_attributes={},
        user_not_found=False,
        private=private,
        answer=Secret("elsewhere"),
        now=0,
        uses=Uses(limits),
    )
    with pytest.raises(StoreUnavailableError):
        await plugin.verify(answered)
    judged = await plugin.verify(evolve(answered, answer=Secret("wrong")))
    assert judged.verdict.value == "retry"
