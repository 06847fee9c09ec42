import asyncio
import json
import logging

import pytest

from authflow.pool import server
from authflow.pool.http.request_body import MOST_BYTES


async def raw(api, text):
    """Send bytes as they are, and read until the server closes."""
    host, _, port = api.endpoint.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(text)
    await writer.drain()
    reply = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, body = reply.partition(b"\r\n\r\n")
    return head.decode(), body


def request(body=b'{"MaxResults": 1}', host="localhost", **headers):
    fields = {
        "Host": host,
        "X-Amz-Target": "AWSCognitoIdentityProviderService.ListUserPools",
        "Content-Type": "application/x-amz-json-1.1",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST / HTTP/1.1\r\n{head}\r\n".encode() + body


async def test_there_is_no_cors(api):
    async with api.http.options(api.endpoint, headers={"Origin": "https://evil.example"}) as reply:
        assert reply.status == 403
        assert not any(name.lower().startswith("access-control") for name in reply.headers)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 405),
        ("PUT", "/", 405),
        ("POST", "/pool", 404),
        ("GET", "/a/b/c", 404),
        ("GET", "/../etc/passwd", 404),
        ("GET", "/x/.well-known/jwks.json/", 404),
        ("POST", "/x/.well-known/jwks.json", 405),
    ],
)
async def test_every_other_path_and_method_gets_json(api, method, path, status):
    async with api.http.request(method, api.endpoint + path) as reply:
        assert reply.status == status
        assert (await reply.json(content_type=None))["__type"] == "UnknownOperationException"


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "", "application/x-amz-json-1.0"]
)
async def test_another_content_type_is_refused(api, kind):
    status, reply, _ = await api.post("ListUserPools", b"{}", **{"Content-Type": kind})
    assert (status, reply["__type"]) == (400, "SerializationException")


async def test_the_content_type_may_name_its_character_set(api):
    kind = "application/x-amz-json-1.1; charset=utf-8"
    status, _, _ = await api.post("ListUserPools", b'{"MaxResults": 1}', **{"Content-Type": kind})
    assert status == 200


async def test_a_body_without_a_length_is_bounded_too(api):
    part = b"x" * 8192
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for _ in range(MOST_BYTES // 8192 + 1))
    text = request(b"", **{"Transfer-Encoding": "chunked"}).replace(b"Content-Length: 0\r\n", b"")
    head, body = await raw(api, text + chunks + b"0\r\n\r\n")
    assert "400" in head
    assert json.loads(body)["__type"] == "SerializationException"


async def test_a_body_without_an_end_is_cut_off_when_it_is_too_long(api):
    host, _, port = api.endpoint.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    text = request(b"", **{"Transfer-Encoding": "chunked"}).replace(b"Content-Length: 0\r\n", b"")
    writer.write(text + b"10001\r\n" + b" " * (MOST_BYTES + 1) + b"\r\n")
    # The last chunk never comes, and is not waited for.
    reply = await asyncio.wait_for(reader.readuntil(b"}"), 5)
    writer.close()
    assert b"the body has more than 65536 bytes" in reply


async def test_a_body_that_does_not_come_is_not_waited_for(api, monkeypatch):
    monkeypatch.setattr("authflow.pool.http.app._BODY_TIMEOUT", 0.05)
    text = request(**{"Content-Length": "1000"})
    head, body = await raw(api, text)
    assert "400" in head
    assert json.loads(body)["__type"] == "SerializationException"


async def test_a_body_that_comes_in_drops_is_cut_off_when_its_time_is_over(api, monkeypatch):
    """However often a drop comes: it is the whole body that must be there in time."""
    monkeypatch.setattr("authflow.pool.http.app._BODY_TIMEOUT", 0.3)
    host, _, port = api.endpoint.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request(b"", **{"Content-Length": "100000"}))
    reply = asyncio.create_task(reader.readuntil(b"}"))
    drops = 0
    while not reply.done() and drops < 200:
        writer.write(b" ")
        drops += 1
        await asyncio.sleep(0.02)
    head, _, body = (await asyncio.wait_for(reply, 10)).partition(b"\r\n\r\n")
    writer.close()
    assert 1 < drops < 200
    assert b" 400 " in head
    assert json.loads(body)["message"] == "the body took longer than 0.3 s"


async def test_a_body_in_parts_is_read_if_all_of_it_comes_in_time(api):
    host, _, port = api.endpoint.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for part in (request()[:-9], request()[-9:-3], request()[-3:]):
        writer.write(part)
        await asyncio.sleep(0.05)
    assert b"UserPools" in await reader.read()
    writer.close()


def test_a_body_has_ten_seconds():
    from authflow.pool.http.app import _BODY_TIMEOUT

    assert _BODY_TIMEOUT == 10


async def test_a_client_that_leaves_harms_nobody(api, caplog):
    host, _, port = api.endpoint.removeprefix("http://").rpartition(":")
    for _ in range(5):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(request(**{"Content-Length": "1000"}))
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    assert await api("ListUserPools", MaxResults=1)
    await asyncio.sleep(0.05)
    assert not [record for record in caplog.records if record.name.startswith("authflow")]


async def test_a_failure_inside_says_nothing_outside_and_its_place_in_the_log(
    house, monkeypatch, caplog
):
    await house.add_user()

    def broken(*_):
        raise RuntimeError("the internals")

    monkeypatch.setattr("authflow.pool.accounts.lockout.check_lock", broken)
    with caplog.at_level(logging.DEBUG):
        refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert (refusal.status, refusal.code) == (500, "InternalErrorException")
    assert "internals" not in refusal.message
    assert "RuntimeError" in caplog.text
    assert "in broken" in caplog.text
    assert "the internals" not in caplog.text
    assert "Corr3ct-Horse" not in caplog.text


async def test_an_operation_that_the_service_model_lacks_is_unknown_and_the_others_are_served(
    start, monkeypatch
):
    """An older botocore lacks the newest ones, of which no request could be validated."""
    made = server.operations

    def with_one_of_tomorrow(**parts):
        return {**made(**parts), "DeleteTomorrow": None}

    monkeypatch.setattr(server, "operations", with_one_of_tomorrow)
    api = await start()
    assert (await api.refused("DeleteTomorrow")).code == "UnknownOperationException"
    assert await api("ListUserPools", MaxResults=1) == {"UserPools": []}
