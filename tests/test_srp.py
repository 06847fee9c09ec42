import base64
import hmac
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NoReturn

import pytest
from attrs import evolve
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from authflow import srp
from authflow.errors import MisuseError, UnsafeSrpValueError
from authflow.secret import Secret
from authflow.srp import (
    COGNITO,
    Group,
    Prover,
    ProverChallenge,
    Verifier,
    claim_signature,
    parse_hex,
    parse_public_a,
    parse_secret_block,
    password_key,
    password_verifier,
    pool_name,
    session_key,
    timestamp,
    twos_complement,
)

N = COGNITO.prime
SEED = bytes(range(1, 33))
OUT_OF_RANGE = {
    "zero": 0,
    "N": N,
    "N + 1": N + 1,
    "2N": 2 * N,
    "N times k": N * COGNITO.multiplier,
    "negative": -1,
    "-N": -N,
}
out_of_range = pytest.mark.parametrize("value", OUT_OF_RANGE.values(), ids=OUT_OF_RANGE.keys())
NOT_HEX = [
    *("", " ", "\n", "\0", "g", "16e4g", "0x10", "0X10", "-16e4", "+16e4", "-", "1_0", "_1"),
    *(" 16e4", "16e4 ", "16e4\n", "\ufeff16e4", "16 e4", "1.0", "1,0", "é"),
    *("\u0661\u0662", "\uff11\uff12", "\U0001d7cf", "\u00b2", "\uff21"),
]


class Untouchable(Secret[str]):
    """A password that nothing may look at."""

    __slots__ = ()

    def reveal(self) -> NoReturn:
        raise AssertionError("the password was used")


class ZeroScramble(Group):
    """A group whose hash is 0, and with it u: SHA-256 will not do us the favour."""

    def hash(self, *_parts: bytes) -> bytes:
        return bytes(32)


@pytest.fixture
def zero_scramble(monkeypatch: pytest.MonkeyPatch) -> Group:
    group = ZeroScramble(prime=N, generator=2, digest="sha256", pad=twos_complement)
    monkeypatch.setattr(srp, "COGNITO", group)
    return group


@pytest.fixture
def modexps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int]]:
    """The modular exponentiations that are done from now on."""
    done: list[tuple[int, int, int]] = []
    really = srp.modexp

    def counted(base: int, exponent: int, modulus: int) -> int:
        done.append((base, exponent, modulus))
        return really(base, exponent, modulus)

    monkeypatch.setattr(srp, "modexp", counted)
    return done


def asked(**changes: Any) -> ProverChallenge:
    """A challenge as a server would ask it."""
    challenge = ProverChallenge(
        name="pool", user_id="user", salt=0xA0, public_b=2**3000, secret_block=b"block"
    )
    return evolve(challenge, **changes)


# Strict reading


@pytest.mark.parametrize("text", NOT_HEX)
@pytest.mark.parametrize("name", ["SALT", "SRP_A", "SRP_B"])
def test_what_is_not_hexadecimal_is_refused(name: str, text: str):
    with pytest.raises(UnsafeSrpValueError, match=f"{name} is not a hexadecimal number"):
        parse_hex(name, text)


@given(st.text(max_size=40))
def test_a_text_is_read_as_what_it_is_or_refused(text: str):
    if text and all(char in "0123456789abcdefABCDEF" for char in text):
        assert f"{parse_hex('SALT', text):x}" == (text.lower().lstrip("0") or "0")
    else:
        with pytest.raises(UnsafeSrpValueError):
            parse_hex("SALT", text)


@pytest.mark.parametrize("text", ["1", "abc", "0abc", "ABC", "0" * 767 + "1"])
def test_odd_numbers_of_digits_and_leading_zeros_are_legal(text: str):
    assert parse_hex("SRP_B", text) == int(text, 16)


def test_an_oversized_number_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch):
    def read(*_: Any) -> NoReturn:
        raise AssertionError("the text was read")

    monkeypatch.setattr(srp, "int", read, raising=False)
    monkeypatch.setattr(srp, "_HEX", None)
    for digits, most in ((10**6, {}), (769, {}), (65, {"most_digits": 64})):
        with pytest.raises(UnsafeSrpValueError, match=f"SRP_B has {digits} digits") as refused:
            parse_hex("SRP_B", "f" * digits, **most)
        assert len(str(refused.value)) < 100


def test_the_bounds_are_the_size_of_the_prime_and_of_a_salt():
    assert len(f"{N:x}") == srp.INTEGER_DIGITS
    asked_for = {"name": "p", "user_id": "u", "public_b": "2", "secret_block": "AA=="}
    assert ProverChallenge.parse(salt="f" * 64, **asked_for).salt == 2**256 - 1
    with pytest.raises(UnsafeSrpValueError, match="SALT has 65 digits; at most 64"):
        ProverChallenge.parse(salt="f" * 65, **asked_for)
    with pytest.raises(UnsafeSrpValueError, match="SRP_B has 769 digits; at most 768"):
        ProverChallenge.parse(salt="1", **asked_for | {"public_b": "0" * 768 + "1"})


@pytest.mark.parametrize("text", ["A", "AA=", "AA", "====", "A A=", "AA==\n", "*AA=", "AA-_", "é"])
def test_a_secret_block_that_is_not_base64_is_refused(text: str):
    with pytest.raises(UnsafeSrpValueError, match="SECRET_BLOCK is not base64"):
        parse_secret_block(text)


@pytest.mark.parametrize("chars", [0, 8196, 10**6])
def test_an_empty_or_oversized_secret_block_is_refused(chars: int):
    with pytest.raises(UnsafeSrpValueError, match=f"SECRET_BLOCK has {chars} characters"):
        parse_secret_block("A" * chars)


@given(st.binary(min_size=1, max_size=6144))
def test_a_secret_block_is_decoded(block: bytes):
    assert parse_secret_block(base64.b64encode(block).decode()) == block


@pytest.mark.parametrize(
    ("pool_id", "name"),
    [("eu-west-2_eYpv1mFHB", "eYpv1mFHB"), ("us-gov-west-1_a_b", "a_b"), ("local_1", "1")],
)
def test_the_pools_name_follows_the_first_underscore(pool_id: str, name: str):
    assert pool_name(pool_id) == name


# Unsafe values


@out_of_range
def test_b_out_of_range_is_refused_when_the_challenge_is_read(value: int):
    with pytest.raises(UnsafeSrpValueError):
        ProverChallenge.parse(
            name="pool", user_id="user", salt="a0", public_b=f"{value:x}", secret_block="AA=="
        )


@out_of_range
def test_b_out_of_range_is_refused_before_the_password_is_used(
    value: int, modexps: list[tuple[int, int, int]]
):
    prover = Prover.start(SEED)
    modexps.clear()
    with pytest.raises(UnsafeSrpValueError, match="SRP value B is out of range"):
        prover.prove(asked(public_b=value), Untouchable("hunter2"))
    assert modexps == []


@out_of_range
def test_a_out_of_range_is_refused_when_it_is_read(value: int):
    with pytest.raises(UnsafeSrpValueError):
        parse_public_a(f"{value:x}")


@out_of_range
def test_a_out_of_range_is_refused_before_the_verifier_is_used(
    value: int, modexps: list[tuple[int, int, int]]
):
    verifier = Verifier.start(4, SEED)
    modexps.clear()
    with pytest.raises(UnsafeSrpValueError, match="SRP value A is out of range"):
        verifier.key(value)
    assert modexps == []


@pytest.mark.parametrize("value", [1, 2, N - 1])
def test_the_ends_of_the_range_are_legal(value: int):
    assert parse_public_a(f"{value:x}") == value
    assert COGNITO.scramble(value, value) > 0


def test_u_of_zero_is_refused_before_the_password_is_used(
    zero_scramble: Group, modexps: list[tuple[int, int, int]]
):
    prover = Prover.start(SEED)
    modexps.clear()
    with pytest.raises(UnsafeSrpValueError, match="SRP value u is zero"):
        prover.prove(asked(), Untouchable("hunter2"))
    assert modexps == []


def test_u_of_zero_is_refused_by_the_verifier(
    zero_scramble: Group, modexps: list[tuple[int, int, int]]
):
    verifier = Verifier.start(4, SEED)
    modexps.clear()
    with pytest.raises(UnsafeSrpValueError, match="SRP value u is zero"):
        verifier.key(2)
    assert modexps == []


def test_a_password_that_is_used_is_seen_to_be_used():
    """The refusals above mean something only if a good challenge does reveal the password."""
    with pytest.raises(AssertionError, match="the password was used"):
        Prover.start(SEED).prove(asked(), Untouchable("hunter2"))


@pytest.mark.parametrize("start", [Prover.start, lambda random: Verifier.start(4, random)])
@pytest.mark.parametrize("size", [0, 1, 31])
def test_too_little_randomness_is_refused(start: Callable[[bytes], object], size: int):
    with pytest.raises(ValueError, match=f"32 random bytes or more, not {size}"):
        start(b"\xff" * size)


def test_a_password_that_utf_8_cannot_carry_is_refused_and_not_shown():
    with pytest.raises(MisuseError, match="UTF-8") as refused:
        password_key("pool", "user", 1, Secret("hunter2\ud800"))
    chain: BaseException | None = refused.value
    while chain is not None:
        assert "hunter2" not in repr(chain)
        chain = chain.__context__


# Formulas


@given(st.integers(min_value=-(2**3100), max_value=2**3100) | st.integers())
def test_pad_is_the_shortest_twos_complement(value: int):
    padded = twos_complement(value)
    assert int.from_bytes(padded, "big", signed=True) == value
    shorter = padded[1:]
    assert not shorter or int.from_bytes(shorter, "big", signed=True) != value


@pytest.mark.parametrize("bits", [8, 16, 256, 3072])
def test_pad_adds_a_zero_byte_only_before_a_high_bit(bits: int):
    assert twos_complement(2 ** (bits - 1) - 1)[0] == 0x7F
    assert twos_complement(2 ** (bits - 1))[:2] == b"\x00\x80"
    assert len(twos_complement(2**bits - 1)) == len(twos_complement(2 ** (bits - 1) - 1)) + 1


@given(st.integers(min_value=0), st.integers(min_value=0))
def test_pad_never_gets_shorter_as_integers_grow(one: int, other: int):
    low, high = sorted((one, other))
    assert len(twos_complement(low)) <= len(twos_complement(high))
    assert (twos_complement(low) == twos_complement(high)) == (low == high)


@given(
    st.integers(min_value=1, max_value=2**256 - 1),
    st.integers(min_value=0, max_value=N - 1) | st.integers(min_value=0, max_value=2**64),
)
def test_the_session_key_is_hkdf(u: int, shared: int):
    salt, secret = (
        value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True) for value in (u, shared)
    )
    hkdf = HKDF(algorithm=SHA256(), length=16, salt=salt, info=b"Caldera Derived Key")
    assert session_key(u, shared) == hkdf.derive(secret)


SHORT = st.text(max_size=20)


@given(st.binary(max_size=80), SHORT, SHORT, st.binary(max_size=80), SHORT)
def test_the_claim_is_an_hmac_over_the_four_parts_in_their_order(
    key: bytes, name: str, user_id: str, block: bytes, stamp: str
):
    message = b"".join((name.encode(), user_id.encode(), block, stamp.encode()))
    assert claim_signature(key, name, user_id, block, stamp) == hmac.digest(key, message, "sha256")


@given(st.text(), st.text())
def test_passwords_are_never_normalised(one: str, other: str):
    keys = [password_key("pool", "user", 7, Secret(text)) for text in (one, other)]
    assert (keys[0] == keys[1]) == (one == other)


@pytest.mark.parametrize("wrong", ["Hunter2", "hunter2 ", "", "hunter\u0662"])
def test_a_wrong_password_gives_another_key(wrong: str):
    v = password_verifier("pool", "user", 0xA0, Secret("hunter2"))
    verifier, prover = Verifier.start(v, SEED), Prover.start(SEED[::-1])
    challenge = asked(public_b=verifier.public_b)
    key = verifier.key(prover.public_a)
    assert prover.prove(challenge, Secret("hunter2")) == key
    assert prover.prove(challenge, Secret(wrong)) != key


def test_nothing_secret_is_shown():
    verifier, prover = Verifier.start(5**40, SEED), Prover.start(SEED)
    key = prover.prove(asked(), Secret("hunter2"))
    shown = f"{prover!r} {verifier!r} {key!r} {asked()!r} {COGNITO!r}"
    private = int.from_bytes(SEED, "big")
    for secret in (private, 5**40, key.reveal().hex(), "hunter2", verifier.public_b):
        assert str(secret) not in shown
    assert f"{private:x}" not in shown


# TIMESTAMP

_FORM = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
    r"([1-9]|[12]\d|3[01]) ([01]\d|2[0-3]):[0-5]\d:[0-5]\d UTC \d{4}"
)


@given(
    st.datetimes(
        min_value=datetime(1000, 1, 3),  # noqa: DTZ001  # Hypothesis adds the zone
        max_value=datetime(9999, 12, 29),  # noqa: DTZ001
        timezones=st.builds(
            timezone, st.timedeltas(min_value=timedelta(hours=-23), max_value=timedelta(hours=23))
        ),
    )
)
def test_a_timestamp_is_the_second_it_was_made_in(now: datetime):
    text = timestamp(now)
    assert _FORM.fullmatch(text)
    read = datetime.strptime(text, "%a %b %d %H:%M:%S UTC %Y").replace(tzinfo=UTC)
    assert read == now.astimezone(UTC).replace(microsecond=0)
    assert text.startswith(read.strftime("%a "))


def test_every_day_of_a_leap_year_reads_the_same_in_every_zone():
    zones = [timezone(timedelta(minutes=minutes)) for minutes in (-720, -570, -1, 0, 330, 765, 840)]
    day = datetime(2028, 1, 1, 23, 59, 59, 999_999, tzinfo=UTC)
    texts = set()
    for _ in range(366):
        (text,) = {timestamp(day.astimezone(zone)) for zone in zones}
        assert text == day.strftime(f"%a %b {day.day} 23:59:59 UTC 2028")
        texts.add(text)
        day += timedelta(days=1)
    assert len(texts) == 366
    assert day.date() == date(2029, 1, 1)


GERMAN = """
import locale
from datetime import UTC, datetime, timedelta
from authflow.srp import timestamp
locale.setlocale(locale.LC_ALL, "")
day = datetime(2028, 1, 1, 4, 5, 6, tzinfo=UTC)
for number in range(366):
    now = day + timedelta(days=number)
    print(now.strftime("%a %b"), timestamp(now), sep="|")
"""


@pytest.mark.system("localedef", "/usr/share/i18n/locales/de_DE")
def test_a_timestamp_is_english_where_the_process_speaks_german(tmp_path: Path):
    made = subprocess.run(
        ["localedef", "-i", "de_DE", "-f", "UTF-8", str(tmp_path / "de_DE.UTF-8")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (tmp_path / "de_DE.UTF-8").exists(), made.stderr
    environment = {**os.environ, "LOCPATH": str(tmp_path), "LC_ALL": "de_DE.UTF-8"}
    printed = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", GERMAN],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout.splitlines()
    theirs, ours = zip(*(line.split("|") for line in printed), strict=True)
    assert {"So Jan", "Di Feb", "Mi Mai"} <= set(theirs), "strftime did not speak German"
    day = datetime(2028, 1, 1, 4, 5, 6, tzinfo=UTC)
    assert list(ours) == [timestamp(day + timedelta(days=number)) for number in range(366)]
    assert all(_FORM.fullmatch(text) for text in ours)
