import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.integrations.web.json_body import JsonBody, read_json
from authflow.integrations.web.request_errors import (
    BodyTooLargeError,
    MalformedRequestError,
    MediaTypeError,
    RequestError,
    SlowBodyError,
)
from authflow.integrations.web.web_request import WebRequest

JSON = ("content-type", "application/json")


def request(body: bytes, *headers: tuple[str, str], piece: int = 7) -> WebRequest:
    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(body), piece):
            yield body[at : at + piece]

    return WebRequest(method="POST", path="/", headers=headers or (JSON,), chunks=chunks)


async def read(body: bytes, *headers: tuple[str, str], most: int = 1000) -> JsonBody:
    return await read_json(request(body, *headers), most=most, body_timeout=5.0)


async def test_an_object_is_read_and_shows_nothing():
    body = await read('{"a": "ä", "b": {"c": "d"}, "e": null}'.encode())
    assert body.text("a", most=1) == "ä"
    assert body.texts("b", most=1) == {"c": "d"}
    assert body.optional_text("e", most=1) is body.optional_secret("x", most=1) is None
    assert repr(body) == "<JsonBody>"


async def test_no_body_is_an_empty_object():
    assert (await read(b"", ("accept", "*/*"))).members == {}


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"x",
            b"[]",
            b'"a"',
            b"1",
            b"null",
            b"{",
            b'{"a": 1',
            b'{"a": "\xff"}',
            b"\xef\xbb\xbf{}",
        ),
        *(b'{"a": 1, "a": 2}', b'{"b": {"a": 1, "a": 2}}', b'{"a": NaN}', b'{"a": -Infinity}'),
        b'{"a":' + b"[" * 5 + b"]" * 5 + b"}",
        b'{"a":' + b"[" * 400 + b"]" * 400 + b"}",
        json.dumps({str(i): 1 for i in range(101)}).encode()[:1000],
    ],
)
async def test_what_is_no_plain_object_is_refused_without_showing_it(body: bytes):
    with pytest.raises(MalformedRequestError, match=r"^the body "):
        await read(body)


async def test_an_object_of_too_many_members_is_refused():
    body = json.dumps({str(i): 1 for i in range(101)}).encode()
    most = json.dumps({str(i): 1 for i in range(100)}).encode()
    assert len((await read(most, most=10_000)).members) == 100
    with pytest.raises(MalformedRequestError, match="more than 100 members"):
        await read(body, most=10_000)


@pytest.mark.parametrize(
    "headers",
    [
        (("accept", "*/*"),),
        *((("content-type", each),) for each in ("text/plain", "", "application/json; a=b")),
        *((("content-type", each),) for each in ("multipart/form-data", "application/jsonx")),
        (("content-type", "application/x-www-form-urlencoded"),),
        (("content-type", "application/json; charset=utf-16"),),
        (JSON, ("content-encoding", "gzip")),
    ],
)
async def test_another_type_is_refused(headers):
    with pytest.raises(MediaTypeError, match="the body must"):
        await read(b"{}", *headers)


@pytest.mark.parametrize("length", ["2", "x", "", "-1", "9" * 16])
async def test_a_length_that_is_none_or_not_too_long_is_not_believed(length: str):
    assert (await read(b"{}", JSON, ("content-length", length), most=2)).members == {}


async def test_two_types_are_refused():
    with pytest.raises(MalformedRequestError, match="content-type stands twice"):
        await read(b"{}", JSON, JSON)


@pytest.mark.parametrize("name", ["application/json", "Application/JSON; Charset=UTF-8"])
async def test_the_type_is_json_in_any_case(name: str):
    assert (await read(b"{}", ("content-type", name))).members == {}


async def test_a_body_that_is_too_long_is_not_read_to_its_end():
    read_so_far = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal read_so_far
        while True:
            read_so_far += 1
            yield b"x" * 10

    endless = WebRequest(method="POST", path="/", headers=(JSON,), chunks=chunks)
    with pytest.raises(BodyTooLargeError, match="more than 100 bytes"):
        await read_json(endless, most=100, body_timeout=5.0)
    assert read_so_far == 11
    announced = WebRequest(
        method="POST", path="/", headers=(JSON, ("content-length", "101")), chunks=chunks
    )
    with pytest.raises(BodyTooLargeError):
        await read_json(announced, most=100, body_timeout=5.0)
    assert read_so_far == 11


async def test_a_body_that_does_not_come_is_not_waited_for_without_end():
    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"a":'
        await asyncio.Event().wait()

    silent = WebRequest(method="POST", path="/", headers=(JSON,), chunks=chunks)
    with pytest.raises(SlowBodyError, match=r"within 0\.01 seconds") as refused:
        await read_json(silent, most=100, body_timeout=0.01)
    assert refused.value.http_status == 408


@pytest.mark.parametrize("value", [1, True, [], {}, "", "\ud800", "xxxx"])
async def test_a_member_that_is_no_text_is_named_and_not_shown(value: object):
    body = await read(json.dumps({"a": value}).encode())
    for take in (body.text, body.secret):
        with pytest.raises(MalformedRequestError, match=r"^a (must be|has more)"):
            take("a", most=3)


@pytest.mark.parametrize(
    "value",
    [
        *(1, "a", [], {"a": 1}, {"a": None}, {"a": "xxxx"}, {"xxxx": "a"}),
        *({"a": "\ud800"}, {"\ud800": "a"}),
    ],
)
async def test_what_is_no_object_of_texts_is_refused(value: object):
    body = await read(json.dumps({"a": value}).encode())
    with pytest.raises(MalformedRequestError, match="object of texts"):
        body.texts("a", most=3)


async def test_a_member_that_means_nothing_is_refused():
    body = await read(b'{"a": 1, "canary": 2}')
    with pytest.raises(MalformedRequestError, match="it takes a, b") as refused:
        body.only("a", "b")
    assert "canary" not in refused.value.message


@given(body=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda t: t.encode())))
async def test_no_bytes_raise_anything_else(body: bytes):
    try:
        read_one: object = await read(body)
    except RequestError as error:
        read_one = error
    assert isinstance(read_one, JsonBody | RequestError)


TREES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
)


@given(members=st.dictionaries(st.sampled_from(["a", "b", "c"]), TREES))
async def test_every_member_is_taken_for_what_it_is_or_refused(members: dict):
    try:
        body = await read(json.dumps(members).encode(), most=10_000)
    except MalformedRequestError:
        return
    for name in "abc":
        for take in (body.text, body.optional_text, body.optional_secret, body.texts):
            told = f"{name} "
            try:
                take(name, most=3)
            except MalformedRequestError as error:
                told = error.message
            assert told.startswith(f"{name} ")
