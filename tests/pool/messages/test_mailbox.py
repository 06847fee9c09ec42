import asyncio

import pytest

from authflow.pool import PoolServer
from authflow.pool.accounts.user_pool import UserPool, find_pool
from authflow.pool.accounts.user_pools import UserPools
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.ground import Ground
from authflow.pool.messages.mailbox import Mailbox, SentMessage, put_message
from authflow.pool.settings.notices import Notices
from authflow.pool.workers import Workers
from authflow.secret import Secret


@pytest.fixture
async def server(clock):
    async with PoolServer(clock=clock) as server:
        yield server


@pytest.fixture
def database(server):
    return server.mailbox.database


@pytest.fixture
async def pools(database):
    """Two user pools."""
    made = []
    async with Workers() as workers:
        ground = Ground(database=database, workers=workers, triggers=None, clock=lambda: 0.0)
        users = UserPools(ground=ground, region="us-east-1", notices=Notices())
        for _ in range(2):
            pool = await users.create({"PoolName": "x"})
            made.append(await database.read(find_pool, pool["UserPool"]["Id"]))
    return made


def message(pool: UserPool, username: str = "ann", now: float = 0, **more) -> SentMessage:
    return SentMessage(
        **{
            "pool_id": pool.id,
            "username": username,
            "medium": "EMAIL",
            "destination": "ann@example.org",
            "subject": "Hello",
            "text": Secret("Your code is 123456."),
            "code": Secret("123456"),
            "sent_at": now,
            **more,
        }
    )


async def test_messages_are_given_oldest_first_by_pool_and_user(server, database, pools, clock):
    mine, other = pools
    for pool, name in ((mine, "ann"), (other, "ann"), (mine, "bob"), (mine, "ann")):
        await database.write(put_message, pool, message(pool, name, clock.now))
        clock.now += 1
    whose = [each.username for each in await server.mailbox.messages(mine.id)]
    assert whose == ["ann", "bob", "ann"]
    first, last = await server.mailbox.messages(mine.id, "ann")
    assert first == message(mine, "ann", first.sent_at)
    assert last.sent_at == first.sent_at + 3


async def test_a_message_without_a_code_or_a_subject_stays_so(server, database, pools):
    sent = message(pools[0], medium="SMS", subject=None, code=None)
    await database.write(put_message, pools[0], sent)
    assert await server.mailbox.messages(pools[0].id) == [sent]


async def test_after_a_day_a_message_is_forgotten(server, database, pools, clock):
    await database.write(put_message, pools[0], message(pools[0], now=clock.now))
    clock.now += 86401
    await database.write(put_message, pools[0], message(pools[0], "bob", clock.now))
    assert [each.username for each in await server.mailbox.messages(pools[0].id)] == ["bob"]


async def test_a_pool_that_is_not_there_has_no_messages(server):
    with pytest.raises(CognitoError):
        await server.mailbox.messages("us-east-1_none")


async def test_a_message_shows_neither_its_text_nor_its_code(pools):
    assert "123456" not in repr(message(pools[0]))


async def test_before_the_start_there_is_no_mailbox():
    with pytest.raises(RuntimeError, match="async with"):
        _ = PoolServer().mailbox


async def test_what_a_failing_delivery_says_is_in_no_log(database, pools, caplog):
    def failing(sent):
        raise OSError(f"550 refused: {sent.text.reveal()}") from ValueError(sent.code.reveal())

    mailbox = Mailbox(database=database, on_message=failing)
    with pytest.raises(CognitoError):
        mailbox.announce(message(pools[0]))
    mailbox.announce_later(message(pools[0]))
    await asyncio.sleep(0)
    assert caplog.text.count("a message was not delivered") == 2
    assert caplog.text.count("OSError") == 2
    assert "in failing" in caplog.text
    assert "123456" not in caplog.text
