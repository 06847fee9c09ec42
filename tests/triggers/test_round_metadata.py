"""What a round's metadata holds, and that sealed state opens in no other sign-in."""

from itertools import product
from typing import Any, ClassVar

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import SealError
from authflow.keys import KeyRing
from authflow.secret import Secret
from authflow.triggers import (
    CreateEvent,
    Issued,
    Limits,
    MemoryStore,
    SessionEntry,
    Triggers,
    any_of,
    challenge,
    client_metadata,
    sequence,
    when,
)
from authflow.triggers.events.trigger_replies import CreateReply
from authflow.triggers.round_metadata import RoundMetadata, new_sign_in, sign_in_of

KEYS = KeyRing.generate()
PARTS = st.text(st.characters(exclude_characters="#", exclude_categories=["Cs"]), min_size=1)


def entry(metadata: str | None, *, passed: bool = True) -> SessionEntry:
    return SessionEntry(
        challenge_name="CUSTOM_CHALLENGE", challenge_result=passed, challenge_metadata=metadata
    )


@given(
    challenge_=PARTS,
    step=st.none() | PARTS,
    sign_in=st.none() | PARTS,
    state=st.none() | PARTS.filter(lambda text: not text.startswith(("in.", "of."))),
)
def test_what_is_written_is_read(
    challenge_: str, step: str | None, sign_in: str | None, state: str | None
):
    told = RoundMetadata(challenge=challenge_, step=step, sign_in=sign_in, state=state)
    assert RoundMetadata.read(told.write()) == told


@given(st.text())
def test_whatever_comes_back_is_read_as_something(text: str):
    told = RoundMetadata.read(text)
    assert told.challenge == text.partition("#")[0]
    assert RoundMetadata.read(told.write()) == told


@given(st.lists(st.none() | st.text(max_size=8), max_size=5))
def test_the_first_name_in_a_session_is_the_sign_ins(told: list[str | None]):
    name = new_sign_in()
    session = [entry(text) for text in told]
    before = sign_in_of(session)
    after = sign_in_of([*session, entry(RoundMetadata(challenge="X", sign_in=name).write())])
    assert after == (before or name)


def test_no_two_sign_ins_have_one_name():
    assert len({new_sign_in() for _ in range(100)}) == 100
    assert all(len(new_sign_in()) == 32 for _ in range(10))


# --- two sign-ins of one user, through one app client, at once ------------------------------------


class Word:
    name: ClassVar[str] = "word"
    metadata: ClassVar[str] = "WORD"

    async def create(self, _context: Any) -> Issued:
        return Issued(public={}, private={})

    async def verify(self, _context: Any) -> bool:
        return True


class Kept(Word):
    """Seals what it drew at its first attempt, and shows to the test what it opened."""

    name: ClassVar[str] = "kept"
    metadata: ClassVar[str] = "KEPT"

    async def create(self, context: Any) -> Issued:
        state = context.state or Secret(context.randomness.octets(8))
        return Issued(public={}, private={"kept": state.reveal().hex()}, state=state)


KEPT = challenge("kept", attempts=4)
POLICIES = {
    "at once": KEPT,
    "after another challenge": sequence(challenge("word"), KEPT),
    "after a choice": any_of(KEPT, sequence(challenge("word"), challenge("word"))),
    "after a condition": sequence(when(client_metadata("x"), challenge("word")), KEPT),
}
BEFORE = {
    "at once": (),
    "after another challenge": (True,),
    "after a choice": (True,),
    "after a condition": (False,),
}
every_policy = pytest.mark.parametrize("policy", sorted(POLICIES))


def triggers(policy: str, **more: Any) -> Triggers:
    given_here = more or {"keys": KEYS}
    return Triggers(policy=POLICIES[policy], challenges=[Word, Kept], **given_here)


async def create(served: Triggers, session: tuple[SessionEntry, ...]) -> CreateReply:
    event = CreateEvent(
        user_pool_id="eu-west-3_Quay12345",
        client_id="quay",
        username="ann",
        user_attributes={},
        session=session,
    )
    return event.read_reply(await served.handle(event.to_json()))


async def sign_in(served: Triggers, policy: str, attempts: int = 3) -> tuple[SessionEntry, ...]:
    """Come to an attempt at the challenge that keeps state. Gives the rounds so far."""
    session: tuple[SessionEntry, ...] = ()
    for passed in (*BEFORE[policy], *[False] * (attempts - 1)):
        metadata = (await create(served, session)).metadata
        session += (entry(metadata, passed=passed),)
    return session


@every_policy
async def test_the_first_round_is_named_and_later_ones_are_not(policy: str):
    session = await sign_in(triggers(policy), policy)
    named = [RoundMetadata.read(each.challenge_metadata or "").sign_in for each in session]
    assert named[0] is not None
    assert set(named[1:]) <= {None}


@every_policy
async def test_state_opens_in_the_sign_in_that_sealed_it_and_in_no_other(policy: str):
    served = triggers(policy)
    pair = [await sign_in(served, policy) for _ in range(2)]
    for chosen in product((0, 1), repeat=len(pair[0])):
        mixed = tuple(pair[which][place] for place, which in enumerate(chosen))
        if chosen[0] == chosen[-1]:
            own = await create(served, pair[chosen[0]])
            assert (await create(served, mixed)).private["kept"] == own.private["kept"]
        else:
            with pytest.raises(SealError, match="begin again"):
                await create(served, mixed)


@every_policy
async def test_state_that_is_moved_without_its_name_is_refused(policy: str):
    served = triggers(policy)
    one, other = [await sign_in(served, policy) for _ in range(2)]
    ours, theirs = (RoundMetadata.read(each[-1].challenge_metadata or "") for each in (one, other))
    for told in (
        evolve(ours, state=theirs.state),
        evolve(ours, sign_in=new_sign_in() if len(one) == 1 else ours.sign_in, state=theirs.state),
    ):
        with pytest.raises(SealError, match="begin again"):
            await create(served, (*one[:-1], evolve(one[-1], challenge_metadata=told.write())))


@every_policy
async def test_state_of_a_sign_in_without_a_name_is_refused(policy: str):
    """Such as was sealed before sign-ins had names, or in a session that was stripped of it."""
    served = triggers(policy)
    session = await sign_in(served, policy)
    stripped = tuple(
        evolve(
            each,
            challenge_metadata=evolve(
                RoundMetadata.read(each.challenge_metadata or ""), sign_in=None
            ).write(),
        )
        for each in session
    )
    with pytest.raises(SealError, match="begin again"):
        await create(served, stripped)


@every_policy
async def test_every_run_of_create_seals_what_opens_in_its_own_reply(policy: str):
    """Cognito runs a trigger up to three times, and goes on with the reply of any of the runs."""
    served = triggers(policy)
    before = await sign_in(served, policy, attempts=1)
    for _ in range(3):
        made = await create(served, before)
        after = (*before, entry(made.metadata, passed=False))
        assert (await create(served, after)).private["kept"] == made.private["kept"]


async def test_sign_ins_that_begin_together_share_what_is_drawn_and_not_their_name():
    limits = Limits(store=MemoryStore(), keys=KEYS)
    served = triggers("at once", limits=limits)
    one, other = await create(served, ()), await create(served, ())
    assert one.private["kept"] == other.private["kept"]
    names = {RoundMetadata.read(each.metadata or "").sign_in for each in (one, other)}
    assert len(names) == 2


async def test_without_keys_nothing_is_sealed_and_no_sign_in_is_named():
    served = Triggers(policy=challenge("word"), challenges=[Word])
    assert (await create(served, ())).metadata == "WORD"
