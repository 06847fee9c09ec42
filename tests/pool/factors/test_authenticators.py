"""Codes belong to steps, each is accepted once, and no secret can be read where it is kept."""

import base64

import pyotp
import pytest
from attrs import evolve
from cryptography.exceptions import InvalidTag

from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.second_factors import Authenticator
from authflow.pool.accounts.user_pools import UserPool
from authflow.pool.accounts.user_pools import _insert as insert_pool
from authflow.pool.accounts.users import CONFIRMED, User, find_user_by_sub, insert_user
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.factors.authenticators import (
    accepted_first_step,
    accepted_step,
    begin_setup,
    finish_setup,
    new_secret,
    remove_authenticator,
    sealed_secret,
    use_step,
)
from authflow.pool.store.database import Database
from authflow.secret import Secret

NOW = 1_800_000_000.0
MADE = {"created_at": NOW, "modified_at": NOW}
POOL = UserPool(
    id="eu-central-1_x", settings={}, key_id="key", signing_key="{}", mask_key=b"k" * 32, **MADE
)
RFC = Secret(base64.b32encode(b"12345678901234567890").decode())
"""The secret of RFC 6238, appendix B."""
STEP = int(NOW // 30)


def code_of(secret, step):
    return Secret(pyotp.HOTP(secret.reveal()).at(step))


def user(*, secret=None, used=0, new=None, sub="3f1c", pool=POOL):
    sealed = None if secret is None else sealed_secret(pool, sub, secret)
    return User(
        sub=sub,
        pool_id=pool.id,
        username=sub,
        status=CONFIRMED,
        attributes={},
        password=StoredPassword(salt=b"1" * 16, verifier=b"2" * 384),
        authenticator=None if sealed is None else Authenticator(sealed=sealed, step=used),
        new_authenticator=None if new is None else sealed_secret(pool, sub, new),
        **MADE,
    )


@pytest.fixture
async def database():
    async with Database() as database:
        await database.write(insert_pool, POOL)
        yield database


@pytest.fixture
def keep(database):
    async def keep(user):
        await database.write(insert_user, POOL, user)
        return user

    return keep


def test_secrets_have_160_bits_and_no_two_are_alike():
    drawn = [new_secret().reveal() for _ in range(100)]
    assert len({*drawn}) == 100
    assert all(len(base64.b32decode(each)) == 20 for each in drawn)
    # Cognito's model of SecretCode: no padding.
    assert all(each.isalnum() and len(each) >= 16 for each in drawn)


@pytest.mark.parametrize(
    ("at", "code"),
    [
        # RFC 6238, appendix B, SHA-1: the last six of its eight digits.
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_codes_are_those_of_the_rfc(at, code):
    assert accepted_step(POOL, user(secret=RFC), Secret(code), float(at)) == at // 30
    assert accepted_first_step(POOL, user(new=RFC), Secret(code), float(at)) == at // 30


@pytest.mark.parametrize("moment", [0.0, 0.5, 15.0, 29.999])
@pytest.mark.parametrize("drift", range(-4, 5))
def test_a_clock_may_be_one_step_off_either_way(drift, moment):
    secret, now = new_secret(), NOW + moment
    expected = STEP + drift if abs(drift) <= 1 else None
    typed = code_of(secret, STEP + drift)
    assert accepted_step(POOL, user(secret=secret), typed, now) == expected
    assert accepted_first_step(POOL, user(new=secret), typed, now) == expected


@pytest.mark.parametrize("used", range(STEP - 3, STEP + 4))
def test_a_step_is_used_up_with_all_before_it(used):
    for step in (STEP - 1, STEP, STEP + 1):
        found = accepted_step(POOL, user(secret=RFC, used=used), code_of(RFC, step), NOW)
        assert found == (step if step > used else None)


def test_at_the_beginning_of_time_there_are_no_steps_before():
    assert accepted_step(POOL, user(secret=RFC, used=-1), code_of(RFC, 0), 1.0) == 0


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "abcdef", "\u0661\u0662\u0663\u0664\u0665\u0666", "\ud800"]
)
def test_what_is_no_code_is_a_wrong_one(typed):
    assert accepted_step(POOL, user(secret=RFC), Secret(typed), NOW) is None


def test_without_an_authenticator_no_code_is_right():
    right = code_of(RFC, STEP)
    assert accepted_step(POOL, user(), right, NOW) is None
    assert accepted_first_step(POOL, user(), right, NOW) is None
    # One that is being set up signs nobody in, and one that is in use is set up no more.
    assert accepted_step(POOL, user(new=RFC), right, NOW) is None
    assert accepted_first_step(POOL, user(secret=RFC), right, NOW) is None


def test_a_sealed_secret_opens_for_its_user_in_its_pool_alone():
    sealed, right = sealed_secret(POOL, "3f1c", RFC), code_of(RFC, STEP)
    assert RFC.reveal().encode() not in sealed
    assert sealed != sealed_secret(POOL, "3f1c", RFC)
    ada = evolve(user(), authenticator=Authenticator(sealed=sealed))
    assert accepted_step(POOL, ada, right, NOW) == STEP
    other = evolve(POOL, id="eu-central-1_y")
    rekeyed = evolve(POOL, mask_key=b"m" * 32)
    altered = evolve(ada, authenticator=Authenticator(sealed=sealed[:-1] + bytes([sealed[-1] ^ 1])))
    for pool, whose in (
        (POOL, evolve(ada, sub="77aa")),
        (other, ada),
        (rekeyed, ada),
        (POOL, altered),
    ):
        with pytest.raises(InvalidTag):
            accepted_step(pool, whose, right, NOW)


def test_no_value_shows_a_secret():
    ada = user(secret=RFC, new=RFC)
    shown = repr((ada, new_secret(), ada.authenticator))
    for hidden in (RFC.reveal(), repr(ada.authenticator.sealed), repr(ada.new_authenticator)):
        assert hidden not in shown


async def test_an_authenticator_is_set_up_used_replaced_and_removed(database, keep):
    ada, first, second = await keep(user()), new_secret(), new_secret()
    ada = await database.write(begin_setup, ada, sealed_secret(POOL, ada.sub, first), NOW + 1)
    assert (ada.authenticator, ada.modified_at) == (None, NOW + 1)
    ada = await database.write(finish_setup, ada, STEP, "phone", NOW + 2)
    assert (ada.authenticator.name, ada.authenticator.step) == ("phone", STEP)
    assert ada.new_authenticator is None
    assert accepted_step(POOL, ada, code_of(first, STEP), NOW) is None  # it set this up
    ada = await database.write(use_step, ada, STEP + 1, NOW + 3)
    assert ada.authenticator.step == STEP + 1
    # While another one is being set up, the first one goes on.
    ada = await database.write(begin_setup, ada, sealed_secret(POOL, ada.sub, second), NOW + 4)
    assert accepted_step(POOL, ada, code_of(first, STEP + 2), NOW + 30) == STEP + 2
    assert accepted_step(POOL, ada, code_of(second, STEP + 2), NOW + 30) is None
    ada = await database.write(finish_setup, ada, STEP, None, NOW + 5)
    assert (ada.authenticator.name, ada.authenticator.step) == (None, STEP)
    assert accepted_step(POOL, ada, code_of(first, STEP + 2), NOW + 30) is None
    assert accepted_step(POOL, ada, code_of(second, STEP + 2), NOW + 30) == STEP + 2
    ada = await database.write(begin_setup, ada, sealed_secret(POOL, ada.sub, first), NOW + 6)
    ada = await database.write(remove_authenticator, ada, NOW + 7)
    assert (ada.authenticator, ada.new_authenticator) == (None, None)
    assert ada == await database.read(find_user_by_sub, POOL.id, ada.sub)


async def test_a_step_is_taken_once_of_all_who_read_the_same_user(database, keep):
    ada = await keep(user(secret=RFC, used=STEP))
    await database.write(use_step, ada, STEP + 1, NOW)
    for step in (STEP - 1, STEP, STEP + 1):
        with pytest.raises(CognitoError, match="Invalid code received for user") as refusal:
            await database.write(use_step, ada, step, NOW)
        assert refusal.value.code == "CodeMismatchException"


async def test_a_step_of_an_authenticator_that_was_replaced_is_not_taken(database, keep):
    ada = await keep(user(secret=RFC, new=new_secret()))
    await database.write(finish_setup, ada, 1, None, NOW)
    with pytest.raises(CognitoError, match="Invalid code"):
        await database.write(use_step, ada, STEP, NOW)
    with pytest.raises(CognitoError, match="Invalid code"):
        await database.write(use_step, await keep(user(sub="77aa")), STEP, NOW)


async def test_a_set_up_that_another_one_has_replaced_is_not_finished(database, keep):
    ada = await keep(user(new=RFC))
    await database.write(begin_setup, ada, sealed_secret(POOL, ada.sub, new_secret()), NOW)
    for whose in (ada, evolve(ada, new_authenticator=None)):
        with pytest.raises(CognitoError) as refusal:
            await database.write(finish_setup, whose, STEP, None, NOW)
        assert refusal.value.code == "EnableSoftwareTokenMFAException"


async def test_nothing_is_kept_for_a_user_who_is_gone(database):
    ada = user(secret=RFC, new=RFC)
    for job, given in ((begin_setup, (b"x", NOW)), (remove_authenticator, (NOW,))):
        with pytest.raises(CognitoError, match="User does not exist"):
            await database.write(job, ada, *given)
