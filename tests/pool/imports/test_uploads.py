"""Files that are put to the addresses of import jobs, over HTTP."""

import asyncio
import json

import aiohttp
import anyio
import anyio.lowlevel
import pytest
from yarl import URL

from authflow.pool import Budget
from authflow.pool.imports import uploads
from authflow.pool.imports.uploads import Uploads
from authflow.pool.store.database import Database
from tests.pool.imports.conftest import ROLE, Importer, counts

SIGNATURE, EXPIRES = "X-Amz-Signature", "X-Amz-Expires-At"


async def denied(importer, job, content=b"x", **more):
    status, reply = await importer.put(job, content, **more)
    assert status == 403
    assert reply["__type"] == "AccessDenied"
    return reply["message"]


async def test_an_address_is_good_for_a_quarter_of_an_hour(importer, clock):
    job = await importer.create()
    clock.now += 899
    assert (await importer.put(job, await importer.named("ann")))[0] == 200
    clock.now += 1
    assert "expired" in await denied(importer, job)
    # A start is not an upload.
    await importer.start(job)
    assert counts(await importer.ended(job)) == (1, 0, 0)


@pytest.mark.parametrize("wrong", ["later", "a letter", "no signature", "no time", "no number"])
async def test_a_changed_address_is_refused(importer, wrong):
    job = await importer.create()
    address = URL(job["PreSignedUrl"])
    signature, expires = address.query[SIGNATURE], address.query[EXPIRES]
    changed = {
        "later": {SIGNATURE: signature, EXPIRES: str(int(expires) + 900)},
        "a letter": {SIGNATURE: signature[:-1] + ("0" if signature[-1] != "0" else "1")},
        "no signature": {EXPIRES: expires},
        "no time": {SIGNATURE: signature},
        "no number": {SIGNATURE: signature, EXPIRES: "\u0661" * 10},
    }[wrong]
    query = changed if wrong.startswith("no") else {**address.query, **changed}
    bad = {"PreSignedUrl": str(address.with_query(query))}
    assert "not the one that was given" in await denied(importer, bad)
    refusal = await importer.refused("StartUserImportJob", JobId=job["JobId"])
    assert refusal.message.startswith("No csv file")


async def test_an_address_is_of_one_job_and_tells_of_no_other(importer, settle):
    other = Importer(await settle(importer.house.api))
    job, second, third = await importer.create(), await importer.create(), await other.create()
    address = job["PreSignedUrl"]
    texts = set()
    for theirs in (second, third):
        swapped = address.replace(job["JobId"], theirs["JobId"])
        swapped = swapped.replace(job["UserPoolId"], theirs["UserPoolId"])
        texts.add(await denied(importer, {"PreSignedUrl": swapped}))
    for unknown in ("import-0000000000", "x"):
        nobody = {"PreSignedUrl": address.replace(job["JobId"], unknown)}
        texts.add(await denied(importer, nobody))
    texts.add(
        await denied(
            importer, {"PreSignedUrl": address.replace(job["UserPoolId"], "us-east-1_none")}
        )
    )
    assert len(texts) == 1


async def test_the_address_has_the_name_under_which_the_owner_asked(importer):
    house = importer.house
    port = URL(house.api.endpoint).port
    house.api.endpoint = f"http://localhost:{port}"
    try:
        job = await importer.create()
    finally:
        house.api.endpoint = f"http://127.0.0.1:{port}"
    assert job["PreSignedUrl"].startswith(f"http://localhost:{port}/{house.pool_id}/imports/")
    assert (await importer.put(job, b""))[0] == 200


async def test_behind_a_proxy_the_address_is_the_servers_public_one(start, settle):
    api = await start(issuer="https://pool.example", allow_hosts=["pool.example"])
    house = await settle(api)
    one = {"UserPoolId": house.pool_id, "JobName": "j", "CloudWatchLogsRoleArn": ROLE}
    for host, server in (
        ("pool.example", "https://pool.example"),
        ("localhost", "http://localhost"),
    ):
        _, reply, _ = await api.post("CreateUserImportJob", json.dumps(one), Host=host)
        address = reply["UserImportJob"]["PreSignedUrl"]
        assert address.startswith(f"{server}/{house.pool_id}/imports/")


async def test_a_job_that_is_started_takes_no_file_any_more(importer):
    job = await importer.create()
    await importer.put(job, await importer.named("ann"))
    await importer.start(job)
    assert "no file any more" in await denied(importer, job, await importer.named("bob"))
    await importer.ended(job)
    assert "no file any more" in await denied(importer, job, await importer.named("bob"))
    assert await importer.usernames() == ["ann"]


async def test_the_last_of_several_files_counts(importer):
    job = await importer.create()
    for names in (["ann"] * 3, ["bob"]):
        assert (await importer.put(job, await importer.named(*names)))[0] == 200
    await importer.start(job)
    assert counts(await importer.ended(job)) == (1, 0, 0)
    assert await importer.usernames() == ["bob"]


async def test_a_file_may_come_in_chunks_and_after_a_question(importer):
    job = await importer.create()
    content = await importer.named("ann")

    async def pieces():
        for start in range(0, len(content), 50):
            yield content[start : start + 50]

    for sent in (pieces(), content):
        assert (await importer.put(job, sent, expect100=True))[0] == 200


async def test_a_file_much_longer_than_a_request_is_taken_whole(importer):
    content = await importer.named("ann")
    content += b"\n" * 800_000
    job = await importer.create()
    assert (await importer.put(job, content))[0] == 200
    again = await importer.create()
    rows = b"x" * 9_000 + b"\n"
    header, _, bob = (await importer.named("bob")).partition(b"\n")
    assert (await importer.put(again, header + b"\n" + 20 * rows + bob))[0] == 200
    await importer.start(again)
    assert counts(await importer.ended(again)) == (1, 0, 20)


@pytest.mark.parametrize("told", [True, False])
async def test_a_file_that_is_too_long_is_refused(importer, monkeypatch, told):
    monkeypatch.setattr(uploads, "MOST_FILE_BYTES", 100_000)

    async def pieces():
        for _ in range(11):
            yield b"x" * 10_000

    job = await importer.create()
    assert (await importer.put(job, b"x" * 100_000))[0] == 200
    status, reply = await importer.put(job, b"x" * 100_001 if told else pieces())
    assert (status, reply["__type"]) == (413, "EntityTooLarge")


async def test_a_file_that_stops_coming_is_given_up_and_the_one_before_counts(
    importer, monkeypatch
):
    monkeypatch.setattr(Uploads, "silence_timeout", 0.05)
    job = await importer.create()
    await importer.put(job, await importer.named("ann"))
    never = asyncio.Event()

    async def pieces():
        yield b"x" * 70_000
        await never.wait()

    status, reply = await importer.put(job, pieces())
    assert (status, reply["__type"]) == (408, "RequestTimeoutException")
    await importer.start(job)
    assert counts(await importer.ended(job)) == (1, 0, 0)


async def test_a_client_that_goes_away_leaves_the_file_before(importer):
    job = await importer.create()
    await importer.put(job, await importer.named("ann"))
    address = URL(job["PreSignedUrl"])
    reader, writer = await asyncio.open_connection(address.host, address.port)
    head = f"PUT {address.raw_path_qs} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n\r\n"
    writer.write(head.encode() + b"x" * 70_000)
    await writer.drain()
    writer.close()
    with anyio.fail_after(20):
        await reader.read()
    await importer.start(job)
    assert counts(await importer.ended(job)) == (1, 0, 0)


async def test_a_file_that_says_that_it_is_too_long_is_refused_unread(importer):
    job = await importer.create()
    address = URL(job["PreSignedUrl"])
    reader, writer = await asyncio.open_connection(address.host, address.port)
    head = f"PUT {address.raw_path_qs} HTTP/1.1\r\nHost: localhost\r\n"
    writer.write(f"{head}Content-Length: 100000001\r\nExpect: 100-continue\r\n\r\n".encode())
    with anyio.fail_after(20):
        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()


async def test_nothing_is_left_of_files_that_do_not_count_any_more(start, settle, tmp_path, clock):
    path = str(tmp_path / "pool.db")
    house = await settle(await start(db=path), {"AutoVerifiedAttributes": ["email"]})
    importer = Importer(house)

    async def parts():
        async with Database(path=path) as database:
            rows = await database.read(lambda c: c.execute("SELECT job_id FROM import_parts"))
        return {job_id for (job_id,) in rows}

    async def pieces():
        yield b"x" * 200_000
        with anyio.fail_after(20):
            while not await parts():
                await anyio.lowlevel.checkpoint()
        raise RuntimeError("the client gives up")

    job = await importer.create()
    with pytest.raises(aiohttp.ClientError):
        await importer.put(job, pieces())
    with anyio.fail_after(20):
        while await parts():
            await anyio.lowlevel.checkpoint()
    await importer.put(job, b"x" * 70_000)
    assert await parts() == {job["JobId"]}
    clock.now += 86400
    other = await importer.create()
    assert await parts() == set()
    await importer.put(other, await importer.named("ann"))
    await importer.start(other)
    await importer.ended(other)
    assert await parts() == set()


async def test_whoever_sends_too_much_is_refused_before_anything_is_looked_up(start, http):
    api = await start(address_budget=Budget(per_second=1e-9, burst=1))
    replies = []
    for _ in range(2):
        async with http.put(f"{api.endpoint}/us-east-1_x/imports/import-1", data=b"x") as reply:
            replies.append((await reply.json(content_type=None))["__type"])
    assert replies == ["AccessDenied", "TooManyRequestsException"]


async def test_only_a_put_brings_a_file(importer):
    job = await importer.create()
    http = importer.house.api.http
    for method in ("GET", "POST", "DELETE"):
        async with http.request(method, job["PreSignedUrl"]) as reply:
            assert reply.status == 405
            assert (await reply.json(content_type=None))["__type"] == "UnknownOperationException"
    for path in ("", "us-east-1_x", "us-east-1_x/imports", "us-east-1_x/.well-known/jwks.json"):
        async with http.put(f"{importer.house.api.endpoint}/{path}", data=b"x" * 700_000) as reply:
            assert reply.status in {404, 405}


async def test_a_page_of_another_origin_puts_no_file(importer):
    job = await importer.create()
    headers = {"Origin": "http://evil.example"}
    status, reply = await importer.put(job, b"x", headers=headers)
    assert (status, reply["__type"]) == (403, "ForbiddenException")
