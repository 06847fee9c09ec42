"""The claim on a migration is given up although its request is cancelled twice."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from typing import Any

import anyio
import pytest

from authflow.pool.sign_ins.migration_claims import MigrationClaims


class Directory:
    sources = frozenset({"UserMigration"})

    async def handle(self, event: Any) -> Any:
        return event


async def test_a_claim_is_given_up_although_asyncio_cancels_that_too(
    start, settle, tmp_path, monkeypatch
):
    held: list[Any] = []
    hold = MigrationClaims.hold

    def spying(self: MigrationClaims, caller: Any, typed: str, **how: Any) -> Any:
        held.append((self, caller))
        return hold(self, caller, typed, **how)

    monkeypatch.setattr(MigrationClaims, "hold", spying)
    path = tmp_path / "pool.db"
    house = await settle(await start(triggers=Directory(), db=str(path)))
    await house.api.refused("InitiateAuth", **house.by_password("old", "wrong"))
    ((claims, caller), *_) = held
    database, go_on = claims.ground.database, threading.Event()
    has = asyncio.Event()

    async def request() -> None:
        async with claims.hold(caller, "another", counting=False):
            has.set()
            await anyio.sleep_forever()

    def count() -> int:
        with closing(sqlite3.connect(path)) as file:
            return int(file.execute("SELECT count(*) FROM migrations").fetchone()[0])

    task = asyncio.ensure_future(request())
    await has.wait()
    assert count() == 1
    busy = asyncio.ensure_future(database.write(lambda _: go_on.wait(10)))
    await asyncio.sleep(0)
    for _ in range(2):
        task.cancel()
        for _ in range(3):
            await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    await busy
    await claims._duties.aclose()
    assert count() == 0
