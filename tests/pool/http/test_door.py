"""What every request passes, whatever it asks for."""

import json
import logging

import pytest

from authflow.pool.http.door import ARRIVAL, Arrival, Door
from authflow.pool.http.origins import Origins

DOOR = {"names": frozenset({"localhost"})}
PATHS = [("POST", "/"), ("GET", "/x/.well-known/jwks.json"), ("GET", "/nowhere"), ("PUT", "/")]


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
async def test_no_path_is_open_to_pages_of_other_origins(api, method, path, headers):
    async with api.http.request(method, api.endpoint + path, headers=headers) as reply:
        assert reply.status == 403
        assert (await reply.json(content_type=None))["__type"] == "ForbiddenException"
        assert not any(name.lower().startswith("access-control") for name in reply.headers)


async def test_a_preflight_is_refused(api):
    headers = {
        "Origin": "http://localhost:3000",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-amz-target",
    }
    async with api.http.options(api.endpoint, headers=headers) as reply:
        assert reply.status == 403
        assert not any(name.lower().startswith("access-control") for name in reply.headers)


async def test_a_page_of_the_pools_own_origin_may_ask(api):
    status, _, _ = await api.post(
        "ListUserPools",
        '{"MaxResults": 1}',
        **{"Origin": api.endpoint, "Sec-Fetch-Site": "same-origin"},
    )
    assert status == 200


async def passed(app, *, whole=True):
    """Pass one request to an application behind the door, and give what came out."""
    sent = []

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "headers": [(b"host", b"localhost")],
        "server": ("127.0.0.1", 1),
        ARRIVAL: Arrival(is_whole=whole),
    }
    await Door(app=app, origins=Origins(**DOOR))(scope, None, send)
    return sent


async def answer(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
    await send({"type": "http.response.body", "body": b"{}"})


@pytest.mark.parametrize("whole", [False, True])
async def test_a_request_that_was_not_read_to_its_end_closes_the_connection(whole):
    start, _ = await passed(answer, whole=whole)
    assert ((b"connection", b"close") in start["headers"]) is not whole


async def test_what_fails_is_answered_in_json_and_told_without_a_flood(caplog):
    async def fails(_scope, _receive, _send):
        raise RuntimeError("the internals")

    with caplog.at_level(logging.DEBUG):
        for _ in range(200):
            start, body = await passed(fails)
            assert start["status"] == 500
            assert json.loads(body["body"]) == {
                "__type": "InternalErrorException",
                "message": "The pool failed.",
            }
    assert 0 < len(caplog.records) <= 60
    assert "RuntimeError" in caplog.text
    assert "in fails" in caplog.text
    assert "the internals" not in caplog.text


async def test_what_fails_after_its_answer_began_is_told_only(caplog):
    async def fails(scope, receive, send):
        await answer(scope, receive, send)
        raise RuntimeError("the internals")

    assert len(await passed(fails)) == 2
    assert "RuntimeError" in caplog.text
    assert "in fails" in caplog.text
    assert "the internals" not in caplog.text


async def test_a_failure_behind_the_published_keys_is_answered_in_json(api, monkeypatch, caplog):
    async def broken(*_):
        raise RuntimeError("the internals")

    monkeypatch.setattr("authflow.pool.tokens.issuer.TokenIssuer.key_set", broken)
    async with api.http.get(f"{api.endpoint}/x/.well-known/jwks.json") as reply:
        assert reply.status == 500
        text = await reply.text()
    assert json.loads(text)["__type"] == "InternalErrorException"
    assert "the internals" not in text
    assert [record.name for record in caplog.records] == ["authflow.pool"]
