"""Hashes that others made: RFCs, reference implementations, and Django itself."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import argon2
import bcrypt
import pytest
from django.conf import settings
from django.contrib.auth.hashers import get_hasher, make_password
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import DirectoryRecordError
from authflow.secret import Secret
from authflow.triggers.directories.password_hashes import (
    BcryptHash,
    check_password,
    default_decoy,
    parse_hash,
)

BCRYPT_SALT = bcrypt.gensalt(4)
HASHERS = [
    "Argon2PasswordHasher",
    "BCryptPasswordHasher",
    "BCryptSHA256PasswordHasher",
    "PBKDF2PasswordHasher",
    "PBKDF2SHA1PasswordHasher",
    "ScryptPasswordHasher",
]


@pytest.fixture(scope="module", autouse=True)
def django() -> Iterator[None]:
    if not settings.configured:
        settings.configure()  # once in a process, and other tests have it configured, too
    hashers = [f"django.contrib.auth.hashers.{name}" for name in HASHERS]
    with override_settings(PASSWORD_HASHERS=hashers):
        yield


def matches(stored: str, password: str) -> bool:
    parsed = parse_hash(stored)
    assert parsed is not None
    return check_password(parsed, Secret(password))


def b64(hexadecimal: str) -> str:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


NACL = (
    "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
    "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
)
SODIUM = (
    "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
    "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
)
VECTORS = {
    "RFC 7914, as Django writes it": (f"scrypt$1024$NaCl$8$16${b64(NACL)}", "password"),
    "RFC 7914, as passlib writes it": (
        f"$scrypt$ln=14,r=8,p=1${b64(b'SodiumChloride'.hex()).rstrip('=')}${b64(SODIUM).rstrip('=')}",
        "pleaseletmein",
    ),
    "passlib's documentation": (
        "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
        "password",
    ),
    "RFC 6070": (
        f"pbkdf2_sha1$4096$salt${b64('4b007901b765489abead49d926f721d065a429c1')}",
        "password",
    ),
    "the reference implementation of argon2id": (
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "password",
    ),
    "the reference implementation of argon2i": (
        "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA",
        "password",
    ),
    "crypt_blowfish": ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
}


@pytest.mark.parametrize("vector", VECTORS)
def test_published_hashes_match_their_passwords_alone(vector: str):
    stored, password = VECTORS[vector]
    assert matches(stored, password)
    assert not matches(stored, password + " ")


def test_argon2d_is_read_as_well():
    hasher = argon2.PasswordHasher(1, 8, 1, type=argon2.Type.D)
    assert matches(hasher.hash("x"), "x")
    assert not matches(hasher.hash("x"), "y")


@pytest.mark.parametrize(
    "hasher", ["argon2", "bcrypt", "bcrypt_sha256", "pbkdf2_sha256", "pbkdf2_sha1", "scrypt"]
)
def test_what_django_writes_is_read(hasher: str, monkeypatch: pytest.MonkeyPatch):
    for cost, less in (("iterations", 1000), ("rounds", 4)):
        if hasattr(get_hasher(hasher), cost):
            monkeypatch.setattr(get_hasher(hasher), cost, less)
    stored = make_password("pässwörd", hasher=hasher)
    assert matches(stored, "pässwörd")
    assert not matches(stored, "passwörd")


@given(password=st.text(max_size=100), salt=st.text("abcXYZ019./-_=", min_size=1, max_size=30))
def test_djangos_pbkdf2_is_read_for_every_password_and_salt(password: str, salt: str):
    try:
        password.encode()
    except UnicodeEncodeError:
        return
    stored = get_hasher("pbkdf2_sha256").encode(password, salt, iterations=2)
    assert matches(stored, password)
    assert not matches(stored, password + "x")


def test_djangos_long_passwords_do_not_end_at_72_bytes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(get_hasher("bcrypt_sha256"), "rounds", 4)
    stored = make_password("x" * 100, hasher="bcrypt_sha256")
    assert matches(stored, "x" * 100)
    assert not matches(stored, "x" * 99)


@given(
    start=st.binary(max_size=72).filter(lambda octets: b"\0" not in octets),
    more=st.binary(min_size=1, max_size=90),
)
def test_bcrypt_proves_what_it_reads_and_nothing_more(start: bytes, more: bytes):
    """Other programs cut a password where bcrypt ends, so that the hash is that of its start."""
    stored = BcryptHash(bcrypt.hashpw(start, BCRYPT_SALT).decode())
    assert stored.matches(start)
    assert not stored.matches(start + more)
    assert not stored.matches(start + b"\0" + start)  # which bcrypt, turning round, reads the same


@pytest.mark.parametrize("length", [71, 72, 73, 74, 144, 255, 256, 257, 1000])
@pytest.mark.parametrize("letter", ["x", "é", "€", "😀"])
def test_a_password_of_more_than_72_bytes_is_wrong_whatever_its_letters(letter: str, length: int):
    password = letter * (length // len(letter.encode())) + "x" * (length % len(letter.encode()))
    octets = password.encode()
    assert len(octets) == length
    cut = bcrypt.hashpw(octets[:72], BCRYPT_SALT).decode()
    assert matches(cut, password) is (length <= 72)
    digest = hashlib.sha256(octets).hexdigest().encode()
    assert matches("bcrypt_sha256$" + bcrypt.hashpw(digest, BCRYPT_SALT).decode(), password)


@pytest.mark.parametrize(
    "stored",
    [None, pytest.param(make_password(None), id="Django's"), "!", "*", "!$2b$12$locked"],
)
def test_who_has_no_password_has_no_hash(stored: Any):
    assert parse_hash(stored) is None


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_are_read_like_text(kind: Any):
    stored = bcrypt.hashpw(b"x", bcrypt.gensalt(4))
    assert check_password(parse_hash(kind(stored)), Secret("x"))


CHEAP = {
    "argon2": argon2.PasswordHasher(1, 8, 1, 24, 12).hash("x"),
    "bcrypt": bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode(),
    "bcrypt_sha256": "bcrypt_sha256$" + bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode(),
    "scrypt": f"scrypt$2$NaCl$1$1${b64(NACL)}",
    "pbkdf2": f"pbkdf2_sha1$3$salt${b64('4b007901b765489abead49d926f721d065a429c1')}",
}


@pytest.mark.parametrize("kind", CHEAP)
def test_a_decoy_is_of_the_same_cost_and_of_no_known_password(kind: str):
    real = parse_hash(CHEAP[kind])
    decoy = real.decoy()
    assert type(decoy) is type(real)
    assert decoy != real
    assert not check_password(decoy, Secret("x"))
    if kind == "argon2":
        assert argon2.extract_parameters(decoy.text) == argon2.extract_parameters(real.text)
    elif kind.startswith("bcrypt"):
        assert (decoy.text[:7], decoy.digested) == (real.text[:7], real.digested)
        assert len(decoy.text) == len(real.text)
    elif kind == "scrypt":
        assert (decoy.n, decoy.r, decoy.p, decoy.salt) == (real.n, real.r, real.p, real.salt)
    else:
        assert (decoy.algorithm, decoy.rounds) == (real.algorithm, real.rounds)


def test_there_is_a_decoy_without_any_hash():
    decoy = default_decoy()
    assert parse_hash(decoy.text) == decoy
    assert not check_password(decoy, Secret("x"))


SALT, DIGEST = "c29tZXNhbHQ", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"


@pytest.mark.parametrize(
    "stored",
    [
        f"$argon2id$v=19$m=4294967295,t=1,p=1${SALT}${DIGEST}",
        f"$argon2id$v=19$m=65536,t=1000000,p=1${SALT}${DIGEST}",
        f"$argon2id$v=19$m=65536,t=1,p=1000${SALT}${DIGEST}",
        f"argon2$argon2id$v=19$m=4294967295,t=1,p=1${SALT}${DIGEST}",
        "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "bcrypt_sha256$$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        f"$scrypt$ln=99,r=8,p=1${SALT}${DIGEST}",
        f"$scrypt$ln=30,r=8,p=1${SALT}${DIGEST}",
        f"$scrypt$ln=1,r=999999999,p=1${SALT}${DIGEST}",
        f"$scrypt$ln=10,r=8,p=999999999${SALT}${DIGEST}",
        f"scrypt$536870912$salt$8$1${DIGEST}",
        f"pbkdf2_sha256$999999999$salt${DIGEST}",
    ],
)
def test_a_hash_that_would_cost_too_much_is_refused_unchecked(stored: str):
    with pytest.raises(DirectoryRecordError, match="too much"):
        parse_hash(stored)


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "secret",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        1,
        True,
        b"\xff\xfe",
        "x" * 100_000,
        "argon2$",
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ",
        "$argon2x$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$x",
        "$2b$04$tooshort",
        "$2b$99$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n",
        "$2b$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        f"scrypt$1000$salt$8$1${DIGEST}",
        f"scrypt$0$salt$8$1${DIGEST}",
        f"scrypt$1024$salt$0$1${DIGEST}",
        f"scrypt$1024$salt$8$0${DIGEST}",
        "scrypt$1024$salt$8$1$?",
        "scrypt$1024$salt$8$1$c2hvcnQ=",
        "scrypt$1024$salt$8$1$==",
        f"$scrypt$ln=0,r=8,p=1${SALT}${DIGEST}",
        f"$scrypt$ln=4,r=8,p=1$?${DIGEST}",
        f"pbkdf2_sha256$0$salt${DIGEST}",
        "pbkdf2_sha256$1000$salt$c2hvcnQ=",
        f"pbkdf2_md5$1000$salt${DIGEST}",
        f"pbkdf2_sha256$-1$salt${DIGEST}",
        f"pbkdf2_sha256$\u0661\u0660$salt${DIGEST}x",
    ],
)
def test_what_is_no_hash_is_refused(stored: Any):
    with pytest.raises(DirectoryRecordError):
        parse_hash(stored)


@given(stored=st.text() | st.text("$,=scrypt2abargonid0123456789v.", min_size=1))
def test_nothing_but_a_hash_or_an_error_is_made_of_any_text(stored: str):
    try:
        parsed = parse_hash(stored)
    except DirectoryRecordError:
        return
    assert parsed is None


@pytest.mark.parametrize("kind", CHEAP)
@given(data=st.binary(min_size=1, max_size=3), place=st.integers(0, 200))
def test_a_damaged_hash_never_matches_and_never_fails_otherwise(kind: str, data: bytes, place: int):
    start = CHEAP[kind].rindex("$") + 1
    body = bytearray(CHEAP[kind].encode())
    at = start + place % (len(body) - start)
    body[at : at + len(data)] = data
    try:
        parsed = parse_hash(bytes(body))
    except DirectoryRecordError:
        return
    try:
        right = check_password(parsed, Secret("x"))
    except DirectoryRecordError:
        return
    # The last letters of base64 hold bits that stand for nothing.
    assert not right or bytes(body[:-3]) == CHEAP[kind].encode()[:-3]


@pytest.mark.parametrize(
    "stored", [*CHEAP.values(), "canary", "$2b$04$canary"], ids=[*CHEAP, "no hash", "damaged"]
)
def test_no_hash_is_shown(stored: str):
    try:
        shown = repr(parse_hash(stored))
    except DirectoryRecordError as error:
        shown = str(error)
    assert "canary" not in shown
    assert stored.rpartition("$")[2] not in shown
