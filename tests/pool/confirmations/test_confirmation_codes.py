"""The tables of codes by themselves; what clients see of them is in the operations' tests."""

import hmac
import sqlite3
from contextlib import closing

import pytest
from attrs import evolve

from authflow.pool.accounts.masking import keyed
from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import UNCONFIRMED, User
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.confirmations.confirmation_codes import (
    RESET,
    SIGN_UP,
    VERIFY,
    Requester,
    count_code_attempt,
    ground_of,
    new_code,
    put_code,
    use_up_code,
)
from authflow.pool.messages.destination import Destination
from authflow.pool.store.database import _APPLICATION_ID, Database
from authflow.pool.store.schema import SCHEMA
from authflow.secret import Secret

NOW = 1_800_000_000.0
MADE = {"created_at": NOW, "modified_at": NOW}
POOL = UserPool(
    id="eu-central-1_x", settings={}, key_id="key", signing_key="{}", mask_key=b"k" * 32, **MADE
)
ADA = User(
    sub="3f1c",
    pool_id=POOL.id,
    username="ada",
    status=UNCONFIRMED,
    attributes={},
    password=StoredPassword(salt=b"1" * 16, verifier=b"2" * 384),
    **MADE,
)
HERS = Destination(attribute="email", address="ada@example.org")
PURPOSES = (RESET, SIGN_UP, *VERIFY.values())
each_purpose = pytest.mark.parametrize("purpose", PURPOSES, ids=lambda each: each.name)


@pytest.fixture
async def database():
    async with Database(path=":memory:") as database:
        yield database


def requester(purpose, user=ADA, typed="ada", *, hidden=False):
    return Requester.of(POOL, user, typed, purpose=purpose, hidden=hidden)


def put(connection, purpose, now=NOW, user=ADA):
    code = new_code()
    put_code(connection, requester(purpose), code, now, ground_of(purpose, user, HERS))
    return code


def used(connection, purpose, code, now=NOW, *, user=ADA, where=HERS):
    """Return "used", or the code of the refusal."""
    try:
        use_up_code(connection, requester(purpose), code, now, [ground_of(purpose, user, where)])
    except CognitoError as refusal:
        return refusal.code
    return "used"


@each_purpose
async def test_a_code_is_good_once_and_for_its_purpose_alone(database, purpose):
    def go(connection):
        code = put(connection, purpose)
        for other in PURPOSES:
            if other != purpose:
                assert used(connection, other, code) == "ExpiredCodeException"
        assert used(connection, purpose, code) == "used"
        assert used(connection, purpose, code) == "ExpiredCodeException"

    await database.write(go)


@pytest.mark.parametrize(
    ("purpose", "hours"), [(RESET, 1), (SIGN_UP, 24), (VERIFY["email"], 24)], ids=str
)
async def test_a_code_lives_as_long_as_its_purpose_says(database, purpose, hours):
    def go(connection):
        code = put(connection, purpose)
        assert used(connection, purpose, code, NOW + hours * 3600) == "ExpiredCodeException"
        assert used(connection, purpose, code, NOW + hours * 3600 - 1) == "used"

    await database.write(go)


@each_purpose
async def test_a_code_ends_with_the_address_that_it_went_to(database, purpose):
    def go(connection):
        code = put(connection, purpose)
        for other in (
            evolve(HERS, address="a@example.org"),
            evolve(HERS, attribute="phone_number"),
        ):
            assert used(connection, purpose, code, where=other) == "CodeMismatchException"
        assert used(connection, purpose, code) == "used"

    await database.write(go)


@each_purpose
async def test_only_a_code_that_replaces_a_password_ends_with_it(database, purpose):
    changed = evolve(ADA, password=StoredPassword(salt=b"3" * 16, verifier=b"4" * 384))

    def go(connection):
        ends = used(connection, purpose, put(connection, purpose), user=changed)
        assert ends == ("CodeMismatchException" if purpose is RESET else "used")

    await database.write(go)


@each_purpose
async def test_attempts_are_counted_for_each_purpose_alone(database, purpose):
    def go(connection):
        for _ in range(10):
            assert count_code_attempt(connection, requester(purpose), NOW)
        with pytest.raises(CognitoError) as refusal:
            count_code_attempt(connection, requester(purpose), NOW)
        assert refusal.value.code == "LimitExceededException"
        for other in PURPOSES:
            assert other == purpose or count_code_attempt(connection, requester(other), NOW)
        assert count_code_attempt(connection, requester(purpose), NOW + 3600)

    await database.write(go)


@each_purpose
async def test_names_typed_for_one_purpose_push_out_none_of_another(database, purpose, monkeypatch):
    monkeypatch.setattr("authflow.pool.confirmations.confirmation_codes.MOST_NAMES", 5)

    def go(connection):
        for other in PURPOSES:
            for _ in range(10):
                count_code_attempt(connection, requester(other, None, "nobody"), NOW)
        for number in range(20):
            count_code_attempt(connection, requester(purpose, None, f"nobody-{number}"), NOW)
        for other in PURPOSES:
            if other != purpose:
                with pytest.raises(CognitoError):
                    count_code_attempt(connection, requester(other, None, "nobody"), NOW)
        assert count_code_attempt(connection, requester(purpose, None, "nobody"), NOW)

    await database.write(go)


@each_purpose
async def test_a_hidden_name_hears_that_a_code_is_wrong_for_as_long_as_one_may_be_right(
    database, purpose
):
    def go(connection):
        stranger = requester(purpose, None, "nobody", hidden=True)
        count_code_attempt(connection, stranger, NOW)
        put_code(connection, stranger, None, NOW)
        late = "CodeMismatchException" if purpose is SIGN_UP else "ExpiredCodeException"
        for now, told in (
            (NOW + purpose.seconds - 1, "CodeMismatchException"),
            (NOW + purpose.seconds, late),
        ):
            # What others type meanwhile clears away what is over, and nothing else.
            count_code_attempt(connection, requester(purpose, None, "noone"), now)
            with pytest.raises(CognitoError) as refusal:
                use_up_code(connection, stranger, Secret("123456"), now)
            assert refusal.value.code == told

    await database.write(go)


async def test_only_who_has_the_right_code_hears_that_it_has_expired(database):
    def go(connection):
        code = put(connection, SIGN_UP)
        hers, over = requester(SIGN_UP, hidden=True), NOW + SIGN_UP.seconds
        # Codes of others clear away old ones.
        put_code(connection, requester(SIGN_UP, None, "noone"), None, over)
        ground = ground_of(SIGN_UP, ADA, HERS)
        for given, told in ((new_code(), "CodeMismatchException"), (code, "ExpiredCodeException")):
            with pytest.raises(CognitoError) as refusal:
                use_up_code(connection, hers, given, over, [ground])
            assert refusal.value.code == told

    await database.write(go)


async def test_codes_and_attempts_of_an_older_file_go_on_counting(tmp_path):
    path = tmp_path / "pool.db"
    ground = ground_of(RESET, ADA, HERS)
    told = f"authflow reset code\0user:{ADA.sub}\0{ground}\x00123456".encode()
    mac = hmac.digest(POOL.mask_key, told, "sha256")
    name = keyed(POOL, "reset", "ada")
    with closing(sqlite3.connect(path)) as old:
        old.executescript("".join(SCHEMA[:3]))
        old.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        old.execute("PRAGMA user_version = 3")
        whose = (POOL.id, f"user:{ADA.sub}")
        old.execute("INSERT INTO reset_codes VALUES (?, ?, ?, ?)", (*whose, mac, NOW + 60))
        old.execute("INSERT INTO reset_attempts VALUES (?, ?, 9, ?)", (*whose, NOW - 60))
        old.execute(
            "INSERT INTO typed_resets VALUES (?, ?, 9, ?, ?, 1)", (POOL.id, name, NOW, NOW - 60)
        )
        old.commit()

    def go(connection):
        assert count_code_attempt(connection, requester(RESET), NOW)
        with pytest.raises(CognitoError):
            count_code_attempt(connection, requester(RESET), NOW)
        assert used(connection, RESET, Secret("654321")) == "CodeMismatchException"
        assert used(connection, RESET, Secret("123456")) == "used"

    async with Database(path=str(path)) as database:
        await database.write(go)
