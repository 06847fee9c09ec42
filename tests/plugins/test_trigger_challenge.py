"""What both hooks may ask of their contexts: what is kept, claimed, and stood in for."""

import pytest
from attrs import evolve

from authflow.errors import (
    AuthFlowError,
    BadCredentialsError,
    ConfigError,
    KeysUnavailableError,
    MalformedReplyError,
    MisuseError,
    OutcomeUnknownError,
    PluginFailedError,
    RemoteProtocolError,
    SealError,
    StateError,
    StoreEntryError,
    StoreUnavailableError,
    ThrottledError,
    TransportError,
    UnreachableError,
)
from authflow.keys.key_ring import KeyRing
from authflow.plugins import (
    TRIGGER_CHALLENGES,
    CreateContext,
    Issued,
    PluginRegistry,
    VerifyContext,
)
from authflow.secret import Secret
from authflow.triggers import CreateEvent, Limits, MemoryStore, Triggers, VerifyEvent
from authflow.triggers import challenge as step
from authflow.triggers.limits.limits import Subject
from authflow.triggers.policy_plugins import PolicyPlugins
from authflow.triggers.safeguards import CountedUses, Safeguards

POOL = "eu-central-1_Abc123def"
KEYS = KeyRing.generate()
NAMES = [f"nobody{number}" for number in range(50)]


def told(**more):
    return CreateContext(
        **{"user_attributes": {}, "user_not_found": True, "username": "ada"}
        | {"user_pool_id": POOL, "keys": KEYS}
        | more
    )


def answered(**more):
    return VerifyContext(
        **{"user_attributes": {}, "user_not_found": True, "username": "ada"}
        | {"user_pool_id": POOL, "keys": KEYS, "private": {}, "answer": Secret("x")}
        | more
    )


async def drawn(context, purpose="pager number"):
    return (await context.stand_in(purpose)).digits(8)


async def shown_to_all(purpose="pager number", **more):
    return [await drawn(told(username=name, **more), purpose) for name in NAMES]


async def test_a_name_has_one_stand_in_in_every_sign_in_in_both_hooks_and_after_a_rotation():
    first = await drawn(told())
    for again in (
        told(attempt=3, user_not_found=False, user_attributes={"email": "a@b"}, now=1.0),
        answered(),
        told(keys=KEYS.rotated("2")),
        told(keys=KEYS.rotated("2").rotated("3")),
        told(keys=KeyRing.parse(KEYS.to_json())),
        *(told(username=typed) for typed in ("ADA", "Ada", "aDa")),
    ):
        assert await drawn(again) == first


@pytest.mark.parametrize(
    "other",
    [
        {"keys": KeyRing.generate()},
        {"user_pool_id": "eu-west-1_Other"},
        {"purpose": "question"},
    ],
    ids=["key", "pool", "purpose"],
)
async def test_stand_ins_of_another_key_pool_or_purpose_tell_nothing_of_these(other):
    here = await shown_to_all()
    assert not set(here) & set(await shown_to_all(**other))
    assert len(set(here)) == len(NAMES)


async def test_where_case_counts_each_spelling_has_a_stand_in_of_its_own():
    typed = ("ada", "ADA", "Ada")
    drawings = [await drawn(told(username=each, case_sensitive=True)) for each in typed]
    assert len({*drawings}) == 3
    known = told(username="ADA", case_sensitive=True, user_not_found=False)
    assert await drawn(known) == drawings[1]
    assert [told(username=each).plain_name for each in typed] == ["ada"] * 3
    assert [told(username=each, case_sensitive=True).plain_name for each in typed] == [*typed]


async def test_a_mark_is_of_one_account_and_one_address_and_tells_neither():
    ada = {"user_attributes": {"sub": "1", "email": "a@example.com"}}
    mark = await told(**ada).mark("a@example.com")
    assert await answered(**ada, keys=KEYS.rotated("2")).mark("a@example.com") == mark
    assert await told(**ada, username="ADA").mark("a@example.com") == mark
    others = [
        await told(**ada).mark("b@example.com"),
        await told(**ada).mark("a@", "example.com"),
        await told(user_attributes={"sub": "2"}).mark("a@example.com"),
        await told(user_attributes={}).mark("a@example.com"),
        await told(**ada, user_pool_id="b").mark("a@example.com"),
        await told(**ada, username="grace").mark("a@example.com"),
        await told(**ada, keys=KeyRing.generate()).mark("a@example.com"),
    ]
    assert len({mark, *others}) == 8
    assert "example" not in mark


class Provider:
    """Keys of an owner's own."""

    def __init__(self, gives):
        self.gives = gives

    async def key_ring(self, *, having=None):
        if isinstance(self.gives, Exception):
            raise self.gives
        return self.gives


@pytest.mark.parametrize(
    "gives", [OSError("10.0.0.7 canary"), RuntimeError(), KeyError("x"), None, {"current": "1"}]
)
@pytest.mark.parametrize("context", [told, answered])
async def test_keys_that_cannot_be_read_are_one_error_without_their_words(gives, context):
    with pytest.raises(KeysUnavailableError) as failed:
        await context(keys=Provider(gives)).stand_in("x")
    assert "canary" not in str(failed.value)


@pytest.mark.parametrize(
    "context", [told(keys=None), answered(keys=None)], ids=["create", "verify"]
)
async def test_without_limits_or_keys_it_is_said_what_to_give(context):
    for asked, says in (
        (context.once("x", value=b"1", seconds=1), "limits"),
        (context.claim("x", seconds=1), "limits"),
        (context.stand_in("x"), "keys"),
        (context.key_ring(), "keys"),
    ):
        with pytest.raises(MisuseError, match=rf"give Triggers\({says}="):
            await asked


def limits_of(keys=KEYS):
    return Limits(store=MemoryStore(), keys=keys)


def uses(limits, claimer="one", **more):
    whose = {"user_pool_id": POOL, "username": "ada", "challenge": "pager"} | more
    return CountedUses(limits=limits, subject=Subject(**whose), claimer=claimer)


async def test_what_is_kept_once_is_one_for_both_hooks_and_all_sign_ins_of_a_user():
    limits = limits_of()
    first = told(uses=uses(limits))
    assert await first.once("note", "1", value=b"first", seconds=60) == b"first"
    for other in (first, answered(uses=uses(limits)), answered(uses=uses(limits, claimer="two"))):
        assert await other.once("note", "1", value=b"second", seconds=60) == b"first"


@pytest.mark.parametrize(
    "other",
    [
        {"username": "grace"},
        {"challenge": "otp"},
        {"user_pool_id": "b"},
        {"user_not_found": True},
        {"sub": "2"},
    ],
)
async def test_what_is_kept_or_claimed_is_the_users_and_the_challenges_own(other):
    limits = limits_of()
    assert await told(uses=uses(limits)).once("note", value=b"first", seconds=60) == b"first"
    theirs = told(uses=uses(limits, "two", **other))
    assert await theirs.once("note", value=b"theirs", seconds=60) == b"theirs"
    assert await told(uses=uses(limits)).claim("step", seconds=60)
    assert await theirs.claim("step", seconds=60)


@pytest.mark.parametrize("context", [told, answered])
async def test_what_is_claimed_is_the_first_claimers_however_often_it_asks(context):
    limits = limits_of()
    mine, theirs = (context(uses=uses(limits, claimer)) for claimer in ("one", "two"))
    assert [await mine.claim("step", "7", seconds=60) for _ in range(3)] == [True] * 3
    assert [await theirs.claim("step", "7", seconds=60) for _ in range(3)] == [False] * 3
    assert await theirs.claim("step", "8", seconds=60)


async def test_an_empty_value_cannot_be_kept():
    with pytest.raises(MisuseError, match="not empty"):
        await told(uses=uses(limits_of())).once("x", value=b"", seconds=60)


class Pager:
    """Asks its contexts for everything, in both hooks."""

    name = "pager"
    metadata = "PAGER_CHALLENGE"
    interface = 1
    needs = ("limits", "keys")

    async def create(self, context):
        number = await drawn(context)
        turn = await context.once("turn", str(context.attempt), value=b"create", seconds=60)
        mine = await context.claim("made", seconds=60)
        return Issued(public={"number": number}, private={"turn": turn.decode(), "mine": str(mine)})

    async def verify(self, context):
        assert context.user_pool_id == POOL
        turn = await context.once("turn", str(context.attempt), value=b"verify", seconds=60)
        return turn == b"create" and await context.claim("step", seconds=60)


ABOUT = {
    "user_pool_id": POOL,
    "client_id": "client",
    "username": "ada",
    "user_attributes": {"sub": "1"},
}


async def created(triggers):
    event = CreateEvent(**ABOUT, session=())
    return event.read_reply(await triggers.handle(event.to_json()))


async def verified(triggers, made):
    event = VerifyEvent(**ABOUT, private=made.private, answer=Secret("x"))
    return event.read_reply(await triggers.handle(event.to_json()))


async def test_triggers_give_both_hooks_the_same_limits_and_keys():
    triggers = Triggers(policy=step("pager"), challenges=[Pager], limits=limits_of())
    runs = [await created(triggers) for _ in range(3)]
    assert {made.private["mine"] for made in runs} == {"True"}
    assert {made.public["number"] for made in runs} == {await drawn(told())}
    assert [await verified(triggers, runs[0]) for _ in range(3)] == [True] * 3
    assert not await verified(triggers, runs[1])


async def test_keys_of_triggers_stand_beside_those_of_the_limits():
    own = KeyRing.generate()
    triggers = Triggers(policy=step("pager"), challenges=[Pager], limits=limits_of(), keys=own)
    assert (await created(triggers)).public["number"] == await drawn(told(keys=own))


@pytest.mark.parametrize("given", [{}, {"keys": KEYS}])
def test_triggers_without_what_a_challenge_needs_are_refused_when_they_are_built(given):
    with pytest.raises(ConfigError, match=r"'pager' needs Triggers\(limits=\.\.\."):
        Triggers(policy=step("pager"), challenges=[Pager], **given)


async def test_keys_that_fail_under_a_challenge_are_not_its_fault():
    triggers = Triggers(
        policy=step("pager"), challenges=[Pager], limits=limits_of(), keys=Provider(OSError())
    )
    with pytest.raises(KeysUnavailableError) as failed:
        await created(triggers)
    assert not isinstance(failed.value, PluginFailedError)


async def test_limits_whose_keys_fail_say_so():
    triggers = Triggers(
        policy=step("pager"), challenges=[Pager], limits=limits_of(Provider(OSError("canary")))
    )
    with pytest.raises(KeysUnavailableError) as failed:
        await created(triggers)
    assert "canary" not in str(failed.value)


class Strict(Pager):
    """Does not want to wait for long."""

    def check_limits(self, limits):
        if limits.sends.cool_down > 30:
            msg = "pager: the cool-down is too long"
            raise ConfigError(msg)


def test_a_challenge_whose_settings_do_not_fit_the_limits_refuses_them_when_they_are_built():
    limits = limits_of()
    assert Triggers(policy=step("pager"), challenges=[Strict], limits=limits)
    limits.sends = evolve(limits.sends, cool_down=31)
    with pytest.raises(ConfigError, match="the cool-down is too long"):
        Triggers(policy=step("pager"), challenges=[Strict], limits=limits)


def plugins_of(*made_by, **settings):
    registry = PluginRegistry(TRIGGER_CHALLENGES, explicit=made_by, discover=False)
    return PolicyPlugins(
        steps=(step("pager", **settings),), registry=registry, safeguards=Safeguards()
    )


@pytest.mark.parametrize(
    ("plugins", "blamed"),
    [
        (plugins_of(), PluginFailedError),
        (plugins_of(Pager), ConfigError),
        (plugins_of(type("Plain", (Pager,), {"needs": ()}), canary=1), ConfigError),
    ],
    ids=["missing", "without what it needs", "settings"],
)
def test_what_cannot_be_served_is_blamed_on_who_has_set_it_and_not_told(plugins, blamed):
    with pytest.raises(blamed) as failed:
        plugins.ready()
    assert str(failed.value) == "a challenge of this flow cannot be served"


FAULTS = {
    TransportError: [TransportError, UnreachableError, ThrottledError, OutcomeUnknownError],
    RemoteProtocolError: [RemoteProtocolError, MalformedReplyError],
    StateError: [StateError, type("TableError", (StateError,), {})],
    ConfigError: [ConfigError],
    PluginFailedError: [PluginFailedError, MisuseError, BadCredentialsError, OSError, KeyError],
}


@pytest.mark.parametrize("hook", ["create", "verify"])
@pytest.mark.parametrize(
    ("raised", "blamed"), [(each, whose) for whose, those in FAULTS.items() for each in those]
)
async def test_a_challenge_may_say_whose_fault_it_is_and_its_words_are_nobodys(
    hook, raised, blamed, caplog
):
    class Failing(Pager):
        async def create(self, context):
            return await super().create(context) if hook == "verify" else await self.verify(context)

        async def verify(self, _context):
            raise raised("canary")

    triggers = Triggers(policy=step("pager"), challenges=[Failing], limits=limits_of())
    with pytest.raises(AuthFlowError) as failed:
        await verified(triggers, await created(triggers))
    assert type(failed.value) is blamed
    assert str(failed.value) == "the challenge 'pager' failed"
    assert "canary" not in caplog.text
    assert raised.__name__ in caplog.text


@pytest.mark.parametrize(
    "ours", [StoreUnavailableError, StoreEntryError, KeysUnavailableError, SealError]
)
async def test_what_the_limits_and_keys_raise_keeps_its_kind_and_is_told_in_words_of_ours(ours):
    class Failing(Pager):
        async def create(self, _context):
            raise ours("canary")

    triggers = Triggers(policy=step("pager"), challenges=[Failing], limits=limits_of())
    with pytest.raises(ours) as failed:
        await created(triggers)
    assert type(failed.value) is ours
    assert "canary" not in str(failed.value)
