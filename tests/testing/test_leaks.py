"""The search for answers in what is public finds them, and finds nothing where nothing is."""

import base64
import hashlib
import hmac
import random
import runpy
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authflow.testing.leaks import Seen, leaks, revealed_forms

LEAKY = runpy.run_path(str(Path(__file__).parent / "bad_plugins" / "leaky.py"))["FORMS"]
codes = st.text(alphabet="0123456789ABCDEFabcdef", min_size=6, max_size=12)
SALT = "0f3e5b9c-5a7d-4a4e-9f39"

FORMS = {
    "plain": lambda code: code,
    "lower case": lambda code: code.lower(),
    "within a text": lambda code: f"it is {code}!",
    "reversed": lambda code: code[::-1],
    "hex": lambda code: code.encode().hex(),
    "base64": lambda code: base64.b64encode(code.encode()).decode(),
    "base64 of a text": lambda code: base64.b64encode(f"the code: {code}.".encode()).decode(),
    "base64 for URLs": lambda code: base64.urlsafe_b64encode(code.encode()).decode(),
    "md5": lambda code: hashlib.md5(code.encode(), usedforsecurity=False).hexdigest(),
    "sha256, capitals": lambda code: hashlib.sha256(code.encode()).hexdigest().upper(),
    "sha256, 8 bytes of it": lambda code: hashlib.sha256(code.encode()).hexdigest()[:16],
    "sha512 in base64": lambda code: base64.b64encode(
        hashlib.sha512(code.encode()).digest()
    ).decode(),
    "blake2b of the lower case": lambda code: hashlib.blake2b(code.lower().encode()).hexdigest(),
    "salted": lambda code: hashlib.sha1(
        f"{SALT}{code}".encode(), usedforsecurity=False
    ).hexdigest(),
    "salted after": lambda code: hashlib.sha256(f"{code}:{SALT}".encode()).hexdigest(),
    "HMAC": lambda code: hmac.digest(SALT.encode(), code.encode(), "sha256").hex(),
    "packed": lambda code: base64.b64encode(
        b"\x89PNG" + zlib.compress(b"x" * 50 + code.encode())
    ).decode(),
}


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=5)
@given(code=codes)
def test_an_answer_is_found_in_every_form(form: str, code: str):
    assert leaks(code, {"public": FORMS[form](code)}, [SALT])


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=5)
@given(code=codes, other=codes)
def test_another_answer_is_not(form: str, code: str, other: str):
    shown = FORMS[form](other)
    if (
        code.lower() in shown.lower()
        or code[::-1].lower() in shown.lower()
        or code.lower() in other.lower()  # and so it is in every form of that
    ):
        return
    assert not leaks(code, {"public": shown}, [SALT])


def test_a_salt_that_is_public_itself_is_tried():
    salt = "c4f1b2"
    digest = hmac.digest(salt.encode(), b"482913", "sha256").hex()
    assert leaks("482913", {"salt": salt, "check": digest}, []) == {
        "HMAC-sha256 under a public key"
    }


def test_an_answer_of_two_characters_is_not_looked_for():
    assert leaks("42", {"hint": "42"}, []) == frozenset()


@given(text=st.text(), name=st.text())
def test_any_text_can_be_searched(text: str, name: str):
    assert isinstance(leaks("zq7-zq7-zq7", {name: text}, [text]), frozenset)


@pytest.mark.parametrize("form", LEAKY)
def test_whatever_tells_an_answer_is_found_in_several_challenges(form: str):
    drawn = random.Random(form)
    digits = [f"{drawn.randrange(10**6):06d}" for _ in range(6)]
    seen = [
        Seen(answer=code, public={"medium": "email", "x": LEAKY[form](code)}) for code in digits
    ]
    found = revealed_forms(seen)
    assert found, form
    assert {leak.where for leak in found} == {"x"}


@pytest.mark.parametrize(
    "write",
    [
        lambda part: base64.b64encode(part).decode().rstrip("="),
        lambda part: base64.b64encode(b"\x89PNG" + zlib.compress(b"x" * 50 + part)).decode(),
    ],
    ids=["in base64", "in packed data"],
)
def test_a_short_part_of_a_hash_is_found_in_several_challenges(write):
    drawn = random.Random(3)
    digits = [f"{drawn.randrange(10**6):06d}" for _ in range(6)]
    seen = [
        Seen(answer=code, public={"x": write(hashlib.sha256(code.encode()).digest()[:4])})
        for code in digits
    ]
    assert "sha256" in {leak.form for leak in revealed_forms(seen)}


def test_a_password_hash_is_found_though_only_the_last_two_challenges_show_one():
    hints = ["none", "$2b$12$abcdefghijklmnop", "$2b$12$qrstuvwxyzabcdef"]
    seen = [Seen(answer=f"77{number}2048", public={"x": hint}) for number, hint in enumerate(hints)]
    assert "a hash as of a password" in {leak.form for leak in revealed_forms(seen)}


def test_it_is_told_in_which_challenge_an_answer_was_found_first():
    codes_and_hints = [("482913", "none"), ("771204", "771204"), ("330918", "330918")]
    seen = [Seen(answer=code, public={"x": hint}) for code, hint in codes_and_hints]
    assert [(leak.form, leak.first) for leak in revealed_forms(seen)] == [("plain", 1)]


@pytest.mark.parametrize(("by_chance", "told"), [(0, {"plain"}), (1, {"plain"}), (2, set())])
def test_a_short_answer_that_others_have_beside_them_too_stands_there_by_chance(by_chance, told):
    digits = ["4829", "7712", "3309", "9150", "6083"]
    seen = [
        Seen(answer=code, public={"x": f"go {code} on {other if number < by_chance else 'so'}"})
        for number, (code, other) in enumerate(zip(digits, digits[1:] + digits[:1], strict=True))
    ]
    assert {leak.form for leak in revealed_forms(seen) if leak.form == "plain"} == told


def test_parts_in_several_parameters_are_put_together():
    drawn = random.Random(1)
    digits = [f"{drawn.randrange(10**6):06d}" for _ in range(6)]
    public = [{"a": code[:2], "b": code[2:4], "c": code[4:]} for code in digits]
    seen = [Seen(answer=code, public=one) for code, one in zip(digits, public, strict=True)]
    assert "several parameters together" in {leak.where for leak in revealed_forms(seen)}


def test_what_is_seen_shows_no_answer():
    assert "canary-2" not in repr(Seen(answer="canary-2", public={"x": "canary-2"}))
