"""The trigger half: what it makes, what it lets out, and what it takes for right."""

import base64
import hashlib
import io
import random
import struct
import subprocess
import sys
import threading
import wave
import zlib
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from attrs import evolve
from authflow_captcha import picture, speech
from authflow_captcha.trigger import (
    DIGITS,
    HEIGHTS,
    LENGTHS,
    LIFETIMES,
    UNMISTAKABLE,
    WIDTHS,
    Captcha,
)
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from authflow.errors import ConfigError, PluginFailedError
from authflow.plugins import (
    TRIGGER_CHALLENGES,
    CreateContext,
    Issued,
    Outcome,
    PluginRegistry,
    Randomness,
    VerifyContext,
    typed_code,
)

COGNITOS_LIMIT = 131_072
"""Characters of a challenge parameter: StringType in the API's model."""

PASSED, WRONG = Outcome.passed(), Outcome.retry("wrong")

Answered = Callable[..., VerifyContext]
codes = st.text(alphabet=UNMISTAKABLE, min_size=4, max_size=12)


def png_of(issued: Issued) -> bytes:
    head, _, data = issued.public["captchaUrl"].partition(",")
    assert head == "data:image/png;base64"
    return base64.b64decode(data, validate=True)


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """Take a PNG apart by its specification, without the library that wrote it."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    found, position = [], 8
    while position < len(png):
        length, kind = struct.unpack_from(">I4s", png, position)
        data = png[position + 8 : position + 8 + length]
        (crc,) = struct.unpack_from(">I", png, position + 8 + length)
        assert crc == zlib.crc32(kind + data)
        found.append((kind, data))
        position += 12 + length
    return found


def canaries(code: str) -> set[bytes]:
    """Give the forms in which a code could be read, or found by trying all codes."""
    forms = set()
    for text in (code, code.lower(), code[::-1], code[::-1].lower()):
        plain = text.encode()
        forms |= {plain, base64.b64encode(plain).rstrip(b"="), plain.hex().encode()}
        for name in ("md5", "sha1", "sha256"):
            digest = hashlib.new(name, plain, usedforsecurity=False).digest()
            forms |= {
                digest,
                digest.hex().encode(),
                digest.hex().upper().encode(),
                base64.b64encode(digest).rstrip(b"="),
                base64.urlsafe_b64encode(digest).rstrip(b"="),
            }
    return forms


def leaks(code: str, metadata: str, issued: Issued) -> bool:
    """Whether a code can be found in anything that leaves the pool."""
    png = png_of(issued)
    parts = chunks(png)
    pixels = zlib.decompress(b"".join(data for kind, data in parts if kind == b"IDAT"))
    public = " ".join([metadata, *issued.public.keys(), *issued.public.values()]).encode()
    return any(form in text for form in canaries(code) for text in (public, png, pixels))


async def test_it_makes_a_picture_of_the_size_that_was_set(asked: CreateContext) -> None:
    issued = await Captcha(width=200, height=64).create(asked)
    with Image.open(io.BytesIO(png_of(issued))) as opened:
        opened.load()
        assert (opened.format, opened.size) == ("PNG", (200, 64))


async def test_the_picture_is_black_on_white_and_shows_something(asked: CreateContext) -> None:
    issued = await Captcha().create(asked)
    with Image.open(io.BytesIO(png_of(issued))) as opened:
        greys = opened.convert("L")
    assert greys.getextrema()[0] < 32
    assert greys.getextrema()[1] > 223
    dark = sum(greys.histogram()[:128]) / (greys.width * greys.height)
    assert 0.05 < dark < 0.5


async def test_a_longer_code_makes_more_ink() -> None:
    def ink(code: str) -> int:
        with Image.open(io.BytesIO(picture.draw(code, width=400, height=80))) as opened:
            return sum(opened.convert("L").histogram()[:128])

    assert ink("WWWWWWWW") > 2 * ink("7")


async def test_codes_are_of_the_alphabet_and_length_and_differ(asked: CreateContext) -> None:
    captcha = Captcha(length=8, alphabet="abcdefgh")
    drawn = {(await captcha.create(asked)).private["answer"] for _ in range(12)}
    assert len(drawn) == 12
    assert all(len(code) == 8 and set(code) <= set("abcdefgh") for code in drawn)


async def test_nothing_that_is_public_lets_the_answer_be_found(asked: CreateContext) -> None:
    for _ in range(12):
        issued = await Captcha().create(asked)
        assert not leaks(issued.private["answer"], Captcha.metadata, issued)


@pytest.mark.parametrize("form", ["{}", "sum:{md5}", "{lower}", "{reversed}"])
async def test_the_search_for_leaks_convicts_a_picture_with_a_comment(
    asked: CreateContext, form: str, as_url: Callable[..., str]
) -> None:
    issued = await Captcha().create(asked)
    code = issued.private["answer"]
    comment = PngInfo()
    comment.add_text(
        "Comment",
        form.format(
            code,
            md5=hashlib.md5(code.encode(), usedforsecurity=False).hexdigest(),
            lower=code.lower(),
            reversed=code[::-1],
        ),
    )
    file = io.BytesIO()
    with Image.open(io.BytesIO(png_of(issued))) as opened:
        opened.save(file, "PNG", pnginfo=comment)
    leaky = Issued(public={"captchaUrl": as_url(file.getvalue())}, private=issued.private)
    assert leaks(code, Captcha.metadata, leaky)


async def test_the_file_holds_pixels_and_nothing_else(asked: CreateContext) -> None:
    parts = chunks(png_of(await Captcha().create(asked)))
    assert {kind for kind, _ in parts} == {b"IHDR", b"PLTE", b"IDAT", b"IEND"}


async def test_the_answer_is_private_and_only_the_picture_is_public(asked: CreateContext) -> None:
    issued = await Captcha().create(asked)
    assert issued.public.keys() == {"captchaUrl"}
    assert issued.private.keys() == {"answer", "expires"}
    assert issued.private["answer"] not in repr(issued)


async def test_neither_code_nor_noise_comes_from_a_seed(asked: CreateContext) -> None:
    random.seed(1)
    first = await Captcha().create(asked)
    random.seed(1)
    second = await Captcha().create(asked)
    assert first.private != second.private
    random.seed(1)
    one = picture.draw("ACEF", width=220, height=80)
    random.seed(1)
    assert picture.draw("ACEF", width=220, height=80) != one


async def test_an_unknown_user_is_asked_the_same(asked: CreateContext) -> None:
    unknown = CreateContext(
        username="nobody", user_attributes={}, user_not_found=True, attempt=1, attempts=3
    )
    known, decoy = await Captcha().create(asked), await Captcha().create(unknown)
    assert known.public.keys() == decoy.public.keys()
    assert known.private.keys() == decoy.private.keys()
    assert [kind for kind, _ in chunks(png_of(decoy))] == [
        kind for kind, _ in chunks(png_of(known))
    ]


async def test_the_parameter_stays_small(asked: CreateContext) -> None:
    assert len((await Captcha().create(asked)).public["captchaUrl"]) < 6_000
    largest = Captcha(length=LENGTHS[-1], width=WIDTHS[-1], height=HEIGHTS[-1])
    assert len((await largest.create(asked)).public["captchaUrl"]) < COGNITOS_LIMIT // 8
    # Four bits a pixel and a byte a line, in base64: what could not be compressed at all.
    assert (WIDTHS[-1] // 2 + 1) * HEIGHTS[-1] * 4 // 3 + 1_000 < COGNITOS_LIMIT


async def test_pictures_and_sounds_are_made_off_the_event_loop(
    asked: CreateContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_in = []

    def watched(make: Callable[..., bytes]) -> Callable[..., bytes]:
        def make_watched(*given: Any, **settings: Any) -> bytes:
            made_in.append(threading.current_thread())
            return make(*given, **settings)

        return make_watched

    monkeypatch.setattr(picture, "draw", watched(picture.draw))
    monkeypatch.setattr(speech, "speak", watched(speech.speak))
    await Captcha(form="both").create(asked)
    assert len(made_in) == 2
    assert threading.current_thread() not in made_in


async def test_many_can_be_made_at_once(asked: CreateContext) -> None:
    captcha, made = Captcha(), []

    async def make() -> None:
        made.append(await captcha.create(asked))

    async with anyio.create_task_group() as tasks:
        for _ in range(24):
            tasks.start_soon(make)
    assert len({issued.private["answer"] for issued in made}) == 24
    assert all(chunks(png_of(issued)) for issued in made)


# Everything is drawn before a test begins: what Hypothesis raises to give a draw up would end the
# runner of asynchronous tests, and every test after this one with it.
@st.composite
def right_answers(draw: st.DrawFn) -> tuple[str, str]:
    """A code, and what a person may type for it."""
    code = draw(codes)
    cases = draw(st.lists(st.booleans(), min_size=len(code), max_size=len(code)))
    typed = "".join(c.lower() if low else c for c, low in zip(code, cases, strict=True))
    space = st.text(alphabet=" \t\r\n\u00a0\u2003-\u2013\u200b\u2060\ufeff\u00ad", max_size=3)
    wide = draw(st.booleans())
    signs = [draw(space) + (chr(ord(c) + 0xFEE0) if wide else c) for c in typed]
    return code, "".join(signs) + draw(space)


@st.composite
def near_misses(draw: st.DrawFn) -> tuple[str, str]:
    """A code, and the same with one other character."""
    code = draw(codes)
    place = draw(st.integers(0, len(code) - 1))
    other = draw(st.sampled_from([c for c in UNMISTAKABLE if c != code[place]]))
    return code, code[:place] + other + code[place + 1 :]


@given(right_answers())
async def test_the_right_answer_passes_in_any_case_and_however_it_is_pasted(
    answered: Answered, pair: tuple[str, str]
) -> None:
    code, typed = pair
    assert await Captcha().verify(answered(typed, {"answer": code})) == PASSED
    assert await Captcha().verify(answered(typed, {"answer": code.lower()})) == PASSED


@given(
    code=codes,
    answer=st.one_of(st.text(), codes, st.text(alphabet=st.characters(categories=["Cs", "Zs"]))),
)
async def test_any_other_answer_is_wrong(answered: Answered, code: str, answer: str) -> None:
    typed = typed_code(answer)
    same = typed.isascii() and typed.lower() == code.lower()
    verdict = await Captcha().verify(answered(answer, {"answer": code}))
    assert verdict == (PASSED if same else WRONG)


@given(near_misses())
async def test_one_wrong_character_is_enough_to_be_wrong(
    answered: Answered, pair: tuple[str, str]
) -> None:
    code, wrong = pair
    assert await Captcha().verify(answered(wrong, {"answer": code})) == WRONG


@pytest.mark.parametrize(
    "answer",
    [
        "",
        " ",
        "KXSA",
        "KXSA7F" * 10_000,
        "KXSA7",
        "KXSA7FF",
        "F7ASXK",
        "\u212aXSA7F",  # the Kelvin sign, which is k in lower case
        "KXSA7F\0F",
        "KX\u017fA7F",  # the long s, which is S in upper case
        "\u041aXSA7F",  # a Cyrillic letter that looks like K
        "KX.SA7F",
        "KXSA7\ufb00",  # a ligature, which is FF in upper case
        "\ud800",
        "*",
        "%",
    ],
)
async def test_empty_long_cut_and_unicode_answers_are_just_wrong(
    answered: Answered, answer: str
) -> None:
    assert await Captcha().verify(answered(answer, {"answer": "KXSA7F"})) == WRONG


@pytest.mark.parametrize(
    ("code", "typed"),
    [
        ("KXSA7F", "KX SA7F"),
        ("KXSA7F", "\uff2bXSA7F"),  # a full-width K
        ("KXSA7F", "KXSA\u0667F"),  # an Arabic-Indic seven
        ("KXSA7F", "\ufeffKXS\u200bA7F\u200f"),
        ("KXSA7F", "KXSA7F\0"),
        ("WIND7F", "w\u0131nd7f"),  # what a Turkish keyboard makes of a small I
        ("WIND7F", "W\u0130ND7F"),
        ("WIND7F", "wi\u0307nd7f"),
    ],
    ids=ascii,
)
async def test_a_keyboard_of_any_country_can_type_the_answer(
    answered: Answered, code: str, typed: str
) -> None:
    assert await Captcha().verify(answered(typed, {"answer": code})) == PASSED
    assert await Captcha().verify(answered(typed, {"spoken": "471108"})) == WRONG


@given(code=codes)
async def test_an_unknown_user_is_judged_like_a_known_one(answered: Answered, code: str) -> None:
    for told, verdict in ((code, PASSED), ("*", WRONG)):
        for unknown in (True, False):
            context = answered(told, {"answer": code}, user_not_found=unknown)
            assert await Captcha().verify(context) == verdict


@pytest.mark.parametrize(
    "private",
    [
        {},
        {"answer": ""},
        {"spoken": ""},
        {"code": "KXSA7F"},
        {"answer": "KXSA7F", "expires": ""},
        {"answer": "KXSA7F", "expires": "soon"},
        {"answer": "KXSA7F", "expires": "-1"},
    ],
)
async def test_without_a_code_nothing_is_right_not_even_nothing(
    answered: Answered, private: dict[str, str]
) -> None:
    with pytest.raises(PluginFailedError, match="lack 'answer'"):
        await Captcha().verify(answered("", private))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"length": 3}, "length must be a whole number of 4 to 12"),
        ({"length": 13}, "length must be"),
        ({"length": True}, "length must be"),
        ({"length": "6"}, "length must be"),
        ({"length": 6.0}, "length must be"),
        ({"width": 119}, "width must be a whole number of 120 to 400"),
        ({"width": 401}, "width must be"),
        ({"height": 49}, "height must be a whole number of 50 to 150"),
        ({"height": 151}, "height must be"),
        ({"alphabet": ""}, "less than 20 bits; raise length"),
        ({"alphabet": "ACE"}, "less than 20 bits"),
        ({"length": 4}, "less than 20 bits"),
        ({"alphabet": "ACEFa"}, "twice"),
        ({"alphabet": "ACEFA", "case_sensitive": True}, "twice"),
        ({"case_sensitive": 1}, "case_sensitive is True or False"),
        ({"form": "video"}, "form is one of image, audio, both"),
        ({"form": None}, "form is one of"),
        ({"form": []}, "form is one of"),
        ({"digits": 3}, "digits must be a whole number of 4 to 8"),
        ({"digits": 9}, "digits must be"),
        ({"lifetime": 29}, "lifetime must be a whole number of 30 to 900"),
        ({"lifetime": 901}, "lifetime must be"),
        ({"publisher": "s3://bucket"}, "a publisher has a method publish"),
        ({"alphabet": "ACEÄ"}, "ASCII letters and digits"),
        ({"alphabet": "ACE "}, "ASCII letters and digits"),
        ({"alphabet": 7}, "ASCII letters and digits"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_with_what_to_do(
    settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        Captcha(**settings)


@pytest.mark.parametrize(
    ("form", "public", "private"),
    [
        ("image", {"captchaUrl"}, {"answer", "expires"}),
        ("audio", {"audioUrl"}, {"spoken", "expires"}),
        ("both", {"captchaUrl", "audioUrl"}, {"answer", "spoken", "expires"}),
    ],
)
async def test_it_makes_the_forms_that_are_set(
    asked: CreateContext, form: Any, public: set[str], private: set[str]
) -> None:
    issued = await Captcha(form=form).create(asked)
    assert issued.public.keys() == public
    assert issued.private.keys() == private


async def test_a_sound_is_a_wav_file_of_its_digits(asked: CreateContext) -> None:
    issued = await Captcha(form="audio", digits=5).create(asked)
    head, _, data = issued.public["audioUrl"].partition(",")
    assert head == "data:audio/wav;base64"
    with wave.open(io.BytesIO(base64.b64decode(data, validate=True))) as sound:
        assert (sound.getnchannels(), sound.getframerate()) == (1, 8000)
    assert len(issued.private["spoken"]) == 5
    assert issued.private["spoken"].isdecimal()


async def test_the_longest_sound_fits_into_a_parameter(asked: CreateContext) -> None:
    issued = await Captcha(form="audio", digits=DIGITS[-1]).create(asked)
    assert len(issued.public["audioUrl"]) < COGNITOS_LIMIT


async def test_the_sound_says_another_code_than_the_picture_and_either_is_right(
    asked: CreateContext, answered: Answered
) -> None:
    captcha = Captcha(form="both")
    issued = await captcha.create(asked)
    assert issued.private["answer"] != issued.private["spoken"]
    for typed, verdict in (
        (issued.private["answer"], PASSED),
        (f" {issued.private['spoken']} ", PASSED),
        (issued.private["answer"] + issued.private["spoken"], WRONG),
        ("", WRONG),
    ):
        assert await captcha.verify(answered(typed, issued.private)) == verdict


async def test_all_runs_of_create_for_one_round_have_one_code(asked: CreateContext) -> None:
    runs = [
        await Captcha(form="both").create(evolve(asked, randomness=Randomness.seeded(b"round")))
        for _ in range(3)
    ]
    assert len({(run.private["answer"], run.private["spoken"]) for run in runs}) == 1
    assert len({run.public["captchaUrl"] for run in runs}) == 3


@pytest.mark.parametrize("lifetime", [LIFETIMES[0], 300, LIFETIMES[-1]])
async def test_a_right_answer_is_taken_until_the_life_time_is_over(
    asked: CreateContext, answered: Answered, lifetime: int
) -> None:
    captcha = Captcha(lifetime=lifetime)
    issued = await captcha.create(evolve(asked, now=1_800_000_000.0))
    for now, verdict in (
        (1_800_000_000.0, PASSED),
        (1_800_000_000.0 + lifetime - 0.01, PASSED),
        (1_800_000_000.0 + lifetime, Outcome.retry("expired")),
        (1_900_000_000.0, Outcome.retry("expired")),
    ):
        context = answered(issued.private["answer"], issued.private, now=now)
        assert await captcha.verify(context) == verdict


async def test_case_counts_only_where_that_is_set(answered: Answered) -> None:
    strict = Captcha(alphabet="abcdefABCDEF", case_sensitive=True)
    private = {"answer": "aBcDeF"}
    assert await strict.verify(answered("aBcDeF", private)) == PASSED
    assert await strict.verify(answered("abcdef", private)) == WRONG
    assert await Captcha().verify(answered("abcdef", private)) == PASSED


async def test_a_publisher_gets_each_file_and_its_links_go_to_the_client(
    asked: CreateContext,
) -> None:
    class Shelf:
        def __init__(self) -> None:
            self.files: list[tuple[bytes, str, int]] = []

        async def publish(self, data: bytes, media_type: str, seconds: int) -> str:
            self.files.append((data, media_type, seconds))
            return f"https://example.com/{len(self.files)}"

    shelf = Shelf()
    issued = await Captcha(form="both", publisher=shelf, lifetime=60).create(asked)
    assert issued.public == {
        "captchaUrl": "https://example.com/1",
        "audioUrl": "https://example.com/2",
    }
    assert [(kind, seconds) for _, kind, seconds in shelf.files] == [
        ("image/png", 60),
        ("audio/wav", 60),
    ]
    assert [data[:4] for data, _, _ in shelf.files] == [b"\x89PNG", b"RIFF"]


def test_it_is_an_extra_step_of_this_interface() -> None:
    assert (Captcha.interface, Captcha.suffices) == (2, False)


def test_the_default_alphabet_has_no_look_alikes() -> None:
    for group in ("0OQD", "1IL", "2Z", "5S", "8B", "6G", "MN", "UV", "A4"):
        assert len(set(group) & set(UNMISTAKABLE)) <= 1
    assert len(set(UNMISTAKABLE)) == len(UNMISTAKABLE)


def test_it_is_found_by_its_entry_point() -> None:
    assert PluginRegistry(TRIGGER_CHALLENGES).find("captcha") is Captcha


def test_importing_the_trigger_half_loads_nothing_of_the_client() -> None:
    code = (
        "import sys, authflow_captcha.trigger; "
        "print([m for m in sys.modules if m.startswith(('authflow.client', 'aiobotocore',"
        " 'botocore', 'authflow_captcha.client',"
        " 'authflow.forms.form', 'authflow_captcha.s3_publisher', 'authflow.pool', 'aiohttp',"
        " 'PIL'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
