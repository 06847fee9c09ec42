"""Jobs while they run: stopped, interrupted, gone on with; and what must wait meanwhile."""

import anyio
import anyio.lowlevel
import pytest

from authflow.pool import PoolServer
from authflow.pool.imports import import_batches, import_runner
from authflow.pool.imports.import_jobs import find_job
from authflow.pool.store.database import Database
from tests.pool.conftest import PATIENT, Api
from tests.pool.imports.conftest import Importer, counts

NAMES = [f"u{number:02}" for number in range(23)]


@pytest.fixture
def gate(monkeypatch):
    """Hold every job after so many batches, until it is let go on."""
    monkeypatch.setattr(import_batches, "ROWS_AT_ONCE", 5)
    held = {"batches": 2, "reached": anyio.Event(), "open": anyio.Event()}
    make = import_runner.make_batch

    def counted(*args):
        held["batches"] -= 1
        return make(*args)

    async def waiting():
        if held["batches"] == 0:
            held["reached"].set()
            await held["open"].wait()
        await anyio.lowlevel.checkpoint()

    monkeypatch.setattr(import_runner, "make_batch", counted)
    monkeypatch.setattr(import_runner, "_pause", waiting)
    return held


async def begun(importer, gate):
    """Start a job of 23 users, and return it while it is held after ten."""
    job = await importer.create()
    await importer.put(job, await importer.named(*NAMES))
    await importer.start(job)
    with anyio.fail_after(30):
        await gate["reached"].wait()
    return job


async def test_progress_is_shown(importer, gate):
    job = await begun(importer, gate)
    now = await importer.described(job)
    assert (now["Status"], counts(now)) == ("InProgress", (10, 0, 0))
    assert "CompletionDate" not in now
    assert await importer.usernames() == NAMES[:10]
    gate["open"].set()
    assert counts(await importer.ended(job)) == (23, 0, 0)


async def test_a_job_that_is_stopped_imports_nobody_more(importer, gate, clock):
    job = await begun(importer, gate)
    clock.now += 5
    stopped = await importer.call("StopUserImportJob", JobId=job["JobId"])
    assert stopped["Status"] == "Stopped"
    assert stopped["CompletionDate"] == clock.now
    assert stopped["CompletionMessage"] == "The Import Job was stopped by the developer."
    gate["open"].set()
    assert (await importer.run(await importer.named("later")))["Status"] == "Succeeded"
    assert await importer.described(job) == stopped
    assert await importer.usernames() == sorted([*NAMES[:10], "later"])
    for operation in ("StopUserImportJob", "StartUserImportJob"):
        refusal = await importer.refused(operation, JobId=job["JobId"])
        assert refusal.code == "PreconditionNotMetException"


async def test_one_job_runs_at_a_time_in_all_pools(importer, gate, settle):
    job = await begun(importer, gate)
    other = Importer(await settle(importer.house.api, {"AutoVerifiedAttributes": ["email"]}))
    for who in (importer, other):
        second = await who.create()
        await who.put(second, await who.named("x"))
        refusal = await who.refused("StartUserImportJob", JobId=second["JobId"])
        assert refusal.code == "PreconditionNotMetException"
        assert refusal.message == "Only one import job can be active at a time."
    gate["open"].set()
    await importer.ended(job)
    await other.start(second)
    assert (await other.ended(second))["Status"] == "Succeeded"


async def test_a_pool_stays_as_it_is_while_users_come_in(importer, gate, settle):
    job = await begun(importer, gate)
    added = [{"Name": "team", "AttributeDataType": "String"}]
    changes = (
        ("AddCustomAttributes", {"CustomAttributes": added}),
        ("UpdateUserPool", {"AutoVerifiedAttributes": ["email"]}),
        ("DeleteUserPool", {}),
    )
    for operation, more in changes:
        refusal = await importer.refused(operation, **more)
        assert refusal.code == "UserImportInProgressException"
    other = await settle(importer.house.api)
    for operation, more in changes:
        await other.api(operation, UserPoolId=other.pool_id, **more)
    gate["open"].set()
    assert counts(await importer.ended(job)) == (23, 0, 0)
    for operation, more in changes:
        await importer.house.api(operation, UserPoolId=importer.house.pool_id, **more)


async def test_a_job_is_gone_on_with_when_a_server_starts(house, start, settle, gate, tmp_path):
    path = str(tmp_path / "pool.db")
    async with PoolServer(db=path, clock=house.clock, **PATIENT) as first:
        api = Api(first.endpoint, house.api.http)
        house = await settle(api, {"AutoVerifiedAttributes": ["email"]})
        importer = Importer(house)
        job = await begun(importer, gate)
    async with Database(path=path) as database:
        between = await database.read(find_job, house.pool_id, job["JobId"])
    assert (between.status, between.imported) == ("InProgress", 10)
    gate["open"].set()
    house.api = await start(db=path)
    ended = await importer.ended(job)
    assert (ended["Status"], counts(ended)) == ("Succeeded", (23, 0, 0))
    assert await importer.usernames() == NAMES


async def test_a_job_that_two_servers_go_on_with_imports_everybody_once(
    start, settle, gate, tmp_path
):
    path = str(tmp_path / "pool.db")
    house = await settle(await start(db=path), {"AutoVerifiedAttributes": ["email"]})
    importer = Importer(house)
    job = await begun(importer, gate)
    await start(db=path)
    gate["open"].set()
    assert counts(await importer.ended(job)) == (23, 0, 0)


async def test_a_job_that_breaks_has_failed_and_the_next_one_runs(importer, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("canary")

    with monkeypatch.context() as patched:
        patched.setattr(import_runner, "make_batch", broken)
        job = await importer.run(await importer.named("ann"))
    assert job["Status"] == "Failed"
    assert job["CompletionMessage"] == "The import job failed due to an internal error."
    assert "import job" in caplog.text
    assert (await importer.run(await importer.named("ann")))["Status"] == "Succeeded"


async def test_a_file_with_too_many_rows_fails_the_job(importer, monkeypatch):
    monkeypatch.setattr(import_batches, "_MOST_ROWS", 2)
    job = await importer.run(await importer.named("ann", "bob"))
    assert job["Status"] == "Succeeded"
    job = await importer.run(await importer.named("cid", "dan", "eve"))
    assert job["Status"] == "Failed"
    assert "rows" in job["CompletionMessage"]
