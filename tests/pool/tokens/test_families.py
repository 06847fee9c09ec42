"""The tables of tokens by themselves; what clients see of them is in test_refresh."""

import pytest
from attrs import evolve

from authflow.pool.accounts.app_clients import AppClient
from authflow.pool.accounts.app_clients import _insert as insert_client
from authflow.pool.accounts.password_history import ProposedPassword
from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.user_pools import UserPool
from authflow.pool.accounts.user_pools import _insert as insert_pool
from authflow.pool.accounts.users import (
    CONFIRMED,
    FORCE_CHANGE_PASSWORD,
    User,
    find_user_by_sub,
    insert_user,
)
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.store.database import Database
from authflow.pool.tokens.families import (
    change_password,
    end_families,
    end_family,
    find_refresh_token,
    in_grace,
    rotate,
    start_family,
)
from authflow.secret import Secret

NOW = 1_800_000_000.0
MADE = {"created_at": NOW, "modified_at": NOW}
POOL = UserPool(
    id="eu-central-1_x", settings={}, key_id="key", signing_key="{}", mask_key=b"k" * 32, **MADE
)
CLIENT = AppClient(
    id="client", pool_id=POOL.id, secret=None, settings={"RefreshTokenValidity": 2}, **MADE
)
LIFETIME = 2 * 86400
ADA = User(
    sub="3f1c",
    pool_id=POOL.id,
    username="ada",
    status=CONFIRMED,
    attributes={},
    password=StoredPassword(salt=b"1" * 16, verifier=b"2" * 384),
    **MADE,
)
BOB = evolve(ADA, sub="77aa", username="bob")


@pytest.fixture
async def database():
    def settle(connection):
        insert_pool(connection, POOL)
        insert_client(connection, CLIENT)
        for user in (ADA, BOB):
            insert_user(connection, POOL, user)

    async with Database(path=":memory:") as database:
        await database.write(settle)
        yield database


def begin(connection, user=ADA, now=NOW):
    return start_family(connection, CLIENT, user, int(NOW) - 5, now)


def known(connection, token):
    found = find_refresh_token(connection, token)
    assert found is not None
    return found


async def test_a_token_is_found_as_it_was_given(database):
    def job(connection):
        grant = begin(connection)
        found = known(connection, grant.refresh_token)
        assert (found.sub, found.client_id, found.auth_time) == ("3f1c", "client", int(NOW) - 5)
        assert (found.expires_at, found.generation) == (NOW + LIFETIME, 0)
        assert (found.revoked, found.replaced_at) == (False, None)
        assert found.grant == evolve(grant, refresh_token=None)
        assert find_refresh_token(connection, Secret("another")) is None

    await database.write(job)


async def test_a_family_ends_by_itself_and_is_forgotten_afterwards(database):
    def job(connection):
        token = begin(connection).refresh_token
        found = known(connection, token)
        found.check(NOW + LIFETIME - 0.1)
        with pytest.raises(CognitoError, match="expired"):
            found.check(NOW + LIFETIME)
        begin(connection, now=NOW + LIFETIME)
        assert find_refresh_token(connection, token) is not None
        begin(connection, now=NOW + LIFETIME + 0.1)
        assert find_refresh_token(connection, token) is None

    await database.write(job)


@pytest.mark.parametrize("ends", ["one", "all of a user"])
async def test_what_ends_families_ends_no_others(database, ends):
    def job(connection):
        first, second, others = begin(connection), begin(connection), begin(connection, BOB)
        if ends == "one":
            end_family(connection, first.origin_jti)
        else:
            end_families(connection, "3f1c")
        revoked = [
            known(connection, each.refresh_token).revoked for each in (first, second, others)
        ]
        assert revoked == [True, ends != "one", False]
        with pytest.raises(CognitoError, match="revoked"):
            known(connection, first.refresh_token).check(NOW)

    await database.write(job)


async def test_a_replaced_token_is_good_for_its_grace(database):
    def job(connection):
        old = begin(connection).refresh_token
        new = rotate(connection, known(connection, old), NOW + 10)
        replaced = known(connection, old)
        assert (replaced.replaced_at, known(connection, new).generation) == (NOW + 10, 1)
        for grace, later, good in ((60, 10, True), (60, 69.9, True), (60, 70, False)):
            assert in_grace(connection, replaced, grace, NOW + later) is good
        assert not in_grace(connection, replaced, 0, NOW + 10)
        # Another one is given for it, and its own time stays.
        rotate(connection, replaced, NOW + 20)
        assert known(connection, old).replaced_at == NOW + 10

    await database.write(job)


async def test_where_the_clock_was_set_back_a_later_token_that_was_used_ends_the_grace(database):
    def job(connection):
        other = begin(connection).refresh_token
        rotate(connection, known(connection, other), NOW)
        old = begin(connection).refresh_token
        new = rotate(connection, known(connection, old), NOW + 10)
        assert in_grace(connection, known(connection, old), 60, NOW)
        rotate(connection, known(connection, new), NOW + 11)
        assert not in_grace(connection, known(connection, old), 60, NOW)
        assert in_grace(connection, known(connection, old), 60, NOW + 10)  # not set back
        assert in_grace(connection, known(connection, new), 60, NOW)

    await database.write(job)


@pytest.mark.parametrize("survive", [True, False])
@pytest.mark.parametrize("expires_at", [None, NOW + 86400])
async def test_a_password_is_stored_with_all_that_is_said_of_it(database, survive, expires_at):
    password = StoredPassword(salt=b"3" * 16, verifier=b"4" * 384)

    def job(connection):
        hers, his = begin(connection).refresh_token, begin(connection, BOB).refresh_token
        changed = change_password(
            connection,
            ADA,
            ProposedPassword(stored=password),
            NOW + 1,
            status=FORCE_CHANGE_PASSWORD,
            expires_at=expires_at,
            tokens_survive=survive,
        )
        assert changed == find_user_by_sub(connection, POOL.id, "3f1c")
        assert changed == evolve(
            ADA,
            password=password,
            status=FORCE_CHANGE_PASSWORD,
            password_expires_at=expires_at,
            modified_at=NOW + 1,
        )
        assert known(connection, hers).revoked is not survive
        assert not known(connection, his).revoked
        assert find_user_by_sub(connection, POOL.id, "77aa") == BOB

    await database.write(job)
