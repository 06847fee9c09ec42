from typing import Any

import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st

from authflow.keys.key_ring import KeyRing
from authflow.keys.sealed_text import ExpiredTextError, RefusedTextError, SealedText
from authflow.secret import Secret

RING = KeyRing.generate("k1")
FORM = SealedText(version="xx1", purpose="tests", most_chars=8192)
PLACE = ("pool", "client")
CONTENT = Secret(b"canary")


async def sealed(form: SealedText = FORM, until: float = 100.0) -> str:
    return await form.seal(RING, CONTENT, PLACE, until=until)


async def refused(text: Any, form: SealedText = FORM, **how: Any) -> RefusedTextError:
    given = {"keys": RING, "place": PLACE, "now": 0.0, **how}
    with pytest.raises(RefusedTextError) as raised:
        await form.open(given["keys"], text, given["place"], now=given["now"])
    return raised.value


async def test_a_text_opens_in_its_place_until_it_expires():
    text = await sealed()
    opened = await FORM.open(RING, text, PLACE, now=99.9)
    assert opened.content == CONTENT
    assert opened.expires_at == 100.0
    assert type(await refused(text, now=100.0)) is ExpiredTextError
    assert type(await refused(text, now=float("nan"))) is ExpiredTextError


async def test_an_expired_text_that_is_not_in_order_does_not_say_that_it_expired():
    text = await sealed()
    assert type(await refused(text[:-8] + "A" * 8, now=200.0)) is RefusedTextError
    assert type(await refused(text, now=200.0, place=("pool", "other"))) is RefusedTextError


@pytest.mark.parametrize("change", [{"version": "xx2"}, {"purpose": "others"}, {"salt_bytes": 0}])
async def test_a_text_of_another_form_is_refused(change: dict[str, Any]):
    await refused(await sealed(evolve(FORM, **change)))


async def test_a_text_opens_as_no_other_version_and_under_no_other_key():
    text = await sealed()
    await refused(text.replace("xx1.", "xx2."), evolve(FORM, version="xx2"))
    await refused(text.replace(".k1.", ".k2."), keys=RING.rotated("k2"))
    await refused(text, keys=KeyRing.generate("k1"))


@pytest.mark.parametrize(
    "place", [(), ("pool",), ("client", "pool"), ("poolclient",), ("pool", "client", "")]
)
async def test_a_text_opens_in_no_other_place(place: tuple[str, ...]):
    await refused(await sealed(), place=place)


@given(where=st.floats(0, 1, exclude_max=True), put=st.sampled_from("ABCdef0189-_."))
async def test_a_text_with_any_character_changed_is_refused(where: float, put: str):
    text = await sealed()
    at = int(where * len(text))
    assume(text[at] != put)
    await refused(text[:at] + put + text[at + 1 :])


@pytest.mark.parametrize("put", [*"+/=é !", "\n", "\0", "\ud800", "٣", "\n" * 4, "!?!?"])
async def test_a_body_is_of_no_other_alphabet(put: str):
    """Not of base64's own either: else several texts would stand for the same bytes."""
    for size in range(3):
        text = await FORM.seal(RING, Secret(bytes(size)), PLACE, until=100.0)
        body = text.rindex(".") + 1
        for at in (body, (body + len(text)) // 2, len(text)):
            await refused(text[:at] + put + text[at:])
    await refused(text + "=" * (-len(text[body:]) % 4 or 4))


async def test_base64_of_the_common_alphabet_is_refused():
    for _ in range(9):  # all but one in 10^9 has one of them
        text = await sealed()
        other = text.replace("-", "+").replace("_", "/")
        if other != text:
            await refused(other)


@pytest.mark.parametrize("text", [None, 7, b"xx1.k1.AAAA", "", "xx1.k1.", "x" * 1_000_000])
async def test_what_was_never_sealed_is_refused(text: Any):
    await refused(text)


async def test_a_text_longer_than_the_most_is_not_read():
    text = await sealed()
    assert (
        await evolve(FORM, most_chars=len(text)).open(RING, text, PLACE, now=0)
    ).content == CONTENT
    await refused(text, evolve(FORM, most_chars=len(text) - 1))


async def test_every_text_has_a_key_of_its_own():
    texts = [await sealed() for _ in range(50)]
    assert len({text[:26] for text in texts}) == 50  # what the salt begins with


async def test_nothing_that_is_sealed_shows():
    opened = await FORM.open(RING, await sealed(), PLACE, now=0)
    assert "canary" not in await sealed() + repr(opened)


@pytest.mark.parametrize("size", range(24))
async def test_of_all_texts_with_another_end_none_opens(size: int):
    """Base64 has spare bits at the end, by which several texts would stand for the same bytes."""
    text = await FORM.seal(RING, Secret(bytes(size)), PLACE, until=100.0)
    assert (await FORM.open(RING, text, PLACE, now=0)).content == Secret(bytes(size))
    for end in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        if end != text[-1]:
            await refused(text[:-1] + end)
        await refused(text + end)
    await refused(text[:-1])
