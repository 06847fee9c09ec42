import logging
import re
from typing import Any

import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st

from authflow.errors import MisuseError, SealError
from authflow.keys.key_ring import CachedKeys, KeyRing
from authflow.keys.sealing import Binding, Sealer
from authflow.secret import Secret
from authflow.stores import MemoryStore
from authflow.testing import MovableClock
from authflow.triggers import Limits

RING = KeyRing.generate("k1")
HERE = Binding(
    user_pool_id="eu-central-1_Abc",
    client_id="client",
    username="ada",
    challenge="otp",
    round=2,
)
CONTENT = Secret(b'{"code": "canary"}')


@pytest.fixture
def sealer(clock: MovableClock) -> Sealer:
    return Sealer(keys=RING, clock=clock)


async def refused(sealer: Sealer, sealed: Any, binding: Binding = HERE) -> SealError:
    with pytest.raises(SealError, match="begin again") as caught:
        await sealer.open(sealed, binding)
    return caught.value


@given(
    content=st.binary(max_size=1024),
    parts=st.tuples(st.text(), st.text(), st.text(), st.text(), st.integers(0, 99)),
)
async def test_what_was_sealed_is_opened_in_its_place(content: bytes, parts: Any):
    names = ("user_pool_id", "client_id", "username", "challenge", "round")
    binding = Binding(**dict(zip(names, parts, strict=True)))
    sealer = Sealer(keys=RING)
    sealed = await sealer.seal(Secret(content), binding, seconds=60)
    assert re.fullmatch(r"af1\.k1\.[A-Za-z0-9_-]+", sealed)
    assert len(sealed) <= 1500
    assert await sealer.open(sealed, binding) == Secret(content)


async def test_two_seals_of_the_same_have_nothing_in_common(sealer: Sealer):
    one = await sealer.seal(CONTENT, HERE, seconds=60)
    two = await sealer.seal(CONTENT, HERE, seconds=60)
    assert one[7:23] != two[7:23]
    assert one[-16:] != two[-16:]


@pytest.mark.parametrize("size", [17, 18, 19])  # base64 ends with bits to spare, or without
async def test_every_changed_character_is_refused(sealer: Sealer, size: int):
    sealed = await sealer.seal(Secret(bytes(size)), HERE, seconds=60)
    for place, right in enumerate(sealed):
        for wrong in "A9_-.=~\0é" + chr(ord(right) ^ 1):
            if wrong != right:
                await refused(sealer, sealed[:place] + wrong + sealed[place + 1 :])


@st.composite
def altered(draw: st.DrawFn) -> tuple[str, str]:
    """Give how to alter a text: a character in it, and another one."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return draw(st.floats(0, 1, exclude_max=True)), draw(st.sampled_from(alphabet))


@given(changes=st.lists(altered(), min_size=1, max_size=5))
async def test_every_altered_text_is_refused(changes: list[tuple[float, str]]):
    sealer = Sealer(keys=RING)
    sealed = await sealer.seal(CONTENT, HERE, seconds=60)
    text = list(sealed)
    for where, character in changes:
        text[int(where * len(text))] = character
    assume("".join(text) != sealed)
    await refused(sealer, "".join(text))


async def test_every_truncation_and_every_addition_is_refused(sealer: Sealer):
    sealed = await sealer.seal(CONTENT, HERE, seconds=60)
    for end in range(len(sealed)):
        await refused(sealer, sealed[:end])
        await refused(sealer, sealed[end:] if end else sealed + sealed)
    for more in ("A", "AAAA", "=", "==", "\n", " ", "."):
        await refused(sealer, sealed + more)
        await refused(sealer, more + sealed)


@pytest.mark.parametrize("sealed", [None, 7, b"af1.k1.AAAA", "", "CODE-123456", "af1.k1." * 4000])
async def test_what_was_never_sealed_is_refused(sealer: Sealer, sealed: Any):
    await refused(sealer, sealed)


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"user_pool_id": "eu-central-1_Xyz"},
        {"client_id": "client2"},
        {"username": "bob"},
        {"username": "Ada"},
        {"username": "ada "},
        {"challenge": "captcha"},
        {"round": 1},
        {"round": 3},
        {"sign_in": "another"},
        {"sign_in": "None"},
        {"client_id": "", "user_pool_id": "eu-central-1_Abcclient"},
        {"username": "adaotp", "challenge": ""},
        {"client_id": "ada", "username": "client"},
    ],
)
async def test_what_belongs_elsewhere_is_refused(sealer: Sealer, elsewhere: dict[str, Any]):
    sealed = await sealer.seal(CONTENT, HERE, seconds=60)
    await refused(sealer, sealed, evolve(HERE, **elsewhere))


@given(
    st.tuples(st.text(max_size=3), st.text(max_size=3), st.text(max_size=3), st.integers(1, 9)),
    st.tuples(st.text(max_size=3), st.text(max_size=3), st.text(max_size=3), st.integers(1, 9)),
)
async def test_no_two_places_open_each_others_state(one: Any, two: Any):
    assume(one != two)
    sealer = Sealer(keys=RING)
    first, second = (
        Binding(user_pool_id="p", client_id=a, username=b, challenge=c, round=d)
        for a, b, c, d in (one, two)
    )
    await refused(sealer, await sealer.seal(CONTENT, first, seconds=60), second)


async def test_it_expires_at_its_second(sealer: Sealer, clock: MovableClock):
    sealed = await sealer.seal(CONTENT, HERE, seconds=60)
    clock.now += 59.9
    assert await sealer.open(sealed, HERE) == CONTENT
    clock.now += 0.1
    await refused(sealer, sealed)


@pytest.mark.parametrize("seconds", [0, -1, 86401, float("inf"), float("nan")])
async def test_a_time_out_of_range_is_the_callers_mistake(sealer: Sealer, seconds: float):
    with pytest.raises(MisuseError, match="seconds"):
        await sealer.seal(CONTENT, HERE, seconds=seconds)


async def test_too_much_is_the_callers_mistake(sealer: Sealer):
    with pytest.raises(MisuseError, match="1024 bytes"):
        await sealer.seal(Secret(bytes(1025)), HERE, seconds=60)


async def test_after_a_rotation_the_old_key_opens_and_the_new_one_seals(clock: MovableClock):
    old = Sealer(keys=RING, clock=clock)
    new = Sealer(keys=RING.rotated("k2"), clock=clock)
    before = await old.seal(CONTENT, HERE, seconds=60)
    assert await new.open(before, HERE) == CONTENT
    after = await new.seal(CONTENT, HERE, seconds=60)
    assert after.startswith("af1.k2.")
    await refused(old, after)


async def test_another_key_of_the_same_id_is_refused(sealer: Sealer, clock: MovableClock):
    sealed = await sealer.seal(CONTENT, HERE, seconds=60)
    await refused(Sealer(keys=KeyRing.generate("k1"), clock=clock), sealed)


async def test_a_text_cannot_be_moved_to_another_key_id(clock: MovableClock):
    rotated = RING.rotated("k2")
    sealed = await Sealer(keys=RING, clock=clock).seal(CONTENT, HERE, seconds=60)
    await refused(Sealer(keys=rotated, clock=clock), sealed.replace("af1.k1.", "af1.k2."))


async def test_a_cache_of_keys_is_made_to_look_for_the_key_that_a_text_names(clock: MovableClock):
    class Vault:
        ring = RING

        async def key_ring(self, *, having: str | None = None) -> KeyRing:
            return self.ring

    vault = Vault()
    sealer = Sealer(keys=CachedKeys(provider=vault, clock=clock), clock=clock)
    await sealer.seal(CONTENT, HERE, seconds=60)
    vault.ring = RING.rotated("k2")
    elsewhere = await Sealer(keys=vault, clock=clock).seal(CONTENT, HERE, seconds=60)
    clock.now += 10
    assert await sealer.open(elsewhere, HERE) == CONTENT


async def test_a_refusal_is_the_same_for_all_and_only_the_log_says_why(
    sealer: Sealer, clock: MovableClock, caplog: pytest.LogCaptureFixture
):
    sealed = await sealer.seal(CONTENT, HERE, seconds=60)
    other = Sealer(keys=KeyRing.generate("k9"), clock=clock)
    errors = [
        await refused(sealer, "CODE-1"),
        await refused(sealer, sealed, evolve(HERE, round=3)),
        await refused(other, sealed),
    ]
    clock.now += 60
    errors.append(await refused(sealer, sealed))
    assert len({str(error) for error in errors}) == 1
    reasons = [record.getMessage() for record in caplog.records]
    assert len(set(reasons)) == 4
    assert all(
        str(error.__cause__) in reason for error, reason in zip(errors, reasons, strict=True)
    )
    assert "canary" not in caplog.text


async def test_nothing_that_is_sealed_shows(sealer: Sealer, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    sealed = await sealer.seal(CONTENT, HERE, seconds=60)
    opened = await sealer.open(sealed, HERE)
    assert "canary" not in sealed + repr(opened) + repr(sealer) + caplog.text
    assert HERE.username not in sealed


STRANGE_NUMBERS = ["5", True, float("nan"), float("inf"), -1, 10**400, [], {}, b"1", 1j, None]


@pytest.mark.parametrize("strange", STRANGE_NUMBERS)
async def test_a_time_and_a_round_are_numbers(strange):
    with pytest.raises(MisuseError):
        await Sealer(keys=KeyRing.generate()).seal(Secret(b"x"), HERE, seconds=strange)
    with pytest.raises(MisuseError):
        evolve(HERE, round=strange)
    limits = Limits(store=MemoryStore(), keys=KeyRing.generate())
    with pytest.raises(MisuseError):
        await limits.once("x", value=b"x", seconds=strange)
    with pytest.raises(MisuseError):
        await limits.claim("x", claimer="x", seconds=strange)
    with pytest.raises(MisuseError):
        await MemoryStore().replace("k" * 43, b"x", expected=None, seconds=strange)
