"""The keys of a pool: one flight for all who wait, over a network that breaks in every way."""

import asyncio
import gc
import gzip
import inspect
import json
import ssl
import threading
import weakref
import zlib
from typing import Any

import anyio
import pytest
from attrs import define
from joserfc.jwk import RSAKey

from authflow.client import TokenVerifier
from authflow.errors import JwksUnreachableError, TokenError, TransportError
from authflow.tokens import key_download, key_source
from authflow.tokens.key_set import MOST_BYTES
from authflow.tokens.key_source import KeySource
from authflow.tokens.trusted_pool import TrustedPool
from testbed.certificate import self_signed


@define
class Ticks:
    now: float = 1000.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


def chunked(body: bytes, size: int) -> list[bytes]:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return [*(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces), b"0\r\n\r\n"]


def head(*headers: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *headers, "connection: close", "", ""]).encode()


def whole(body: bytes) -> bytes:
    return head(f"content-length: {len(body)}") + body


WAYS = {
    "two pieces": lambda body: [head(f"content-length: {len(body)}"), body[:100], body[100:]],
    "byte by byte": lambda body: [
        head(f"content-length: {len(body)}"),
        *(body[at : at + 1] for at in range(len(body))),
    ],
    "one chunk": lambda body: [head("transfer-encoding: chunked"), *chunked(body, 10_000)],
    "many chunks": lambda body: [head("transfer-encoding: chunked"), *chunked(body, 90)],
    "until the end": lambda body: [head(), body[:50], body[50:]],
    "gzip": lambda body: [
        head("content-encoding: gzip", "transfer-encoding: chunked"),
        *chunked(gzip.compress(body), 9),
    ],
    "deflate": lambda body: [head("content-encoding: deflate"), zlib.compress(body)],
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_keys_come_in_any_number_of_pieces_and_packed(source, way):
    source.script = [way(source.jwks())]
    assert await KeySource(config=source.config()).key("k1", just_issued=False)
    assert source.fetches == 1


def padded(document: bytes, size: int) -> bytes:
    return document + b" " * (size - len(document))


PAUSES = key_source._PAUSES  # the fixtures shorten them


async def test_before_another_attempt_there_is_a_pause_by_chance_that_grows(source, monkeypatch):
    drawn, slept, sleep = [], [], anyio.sleep

    def draw(least: float, most: float) -> float:
        drawn.append((least, most))
        return 0.001 * len(drawn)

    async def watched(seconds: float) -> None:
        slept.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr(key_source, "_PAUSES", PAUSES)
    monkeypatch.setattr(key_source.random, "uniform", draw)
    monkeypatch.setattr(key_source.anyio, "sleep", watched)
    source.script = [b"HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n"]
    with pytest.raises(JwksUnreachableError):
        await KeySource(config=source.config()).fetch()
    assert source.fetches == 3
    assert drawn == [(0, 0.2), (0, 0.8)]
    assert [each for each in slept if each in {0.001, 0.002}] == [0.001, 0.002]


def test_a_source_is_made_of_its_settings_and_a_clock_alone():
    assert list(inspect.signature(KeySource).parameters) == ["config", "ticks"]


LASTING = {
    "404": b"HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n",
    "403": b"HTTP/1.1 403 X\r\ncontent-length: 0\r\n\r\n",
    "204": b"HTTP/1.1 204 X\r\n\r\n",
    "a redirect": b"HTTP/1.1 302 X\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
    "too large": whole(b" " * 262_145),
    "too large in chunks": b"".join(
        [head("transfer-encoding: chunked"), *chunked(b" " * 262_145, 60_000)]
    ),
    "too large, packed": head("content-encoding: gzip") + gzip.compress(b" " * 50_000_000, 1),
}
PASSING = {
    "500": b"HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n",
    "503": b"HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n",
    "429": b"HTTP/1.1 429 X\r\ncontent-length: 0\r\n\r\n",
    "hung up": b"",
    "half a head": b"HTTP/1.1 200 OK\r\ncontent-len",
    "half a body": head("content-length: 500") + b'{"keys"',
    "half a chunk": head("transfer-encoding: chunked") + b"ff\r\n{",
    "half of what was packed": head("content-encoding: gzip") + gzip.compress(b"{}" * 500)[:-12],
    "packed and spoilt": head("content-encoding: gzip") + b"nonsense",
    "packed in another way": head("content-encoding: br") + b"nonsense",
    "no HTTP": b"220 smtp.example ESMTP\r\n",
    "nothing": whole(b""),
    "no JSON": whole(b"<html>"),
    "no keys": whole(b"{}"),
    "an empty list": whole(b'{"keys": []}'),
    "keys of another kind alone": whole(b'{"keys": [{"kty": "EC", "kid": "k1", "crv": "P-256"}]}'),
}


@pytest.mark.parametrize("answer", PASSING.values(), ids=PASSING)
async def test_what_may_pass_is_tried_again(source, replies, answer):
    source.script = [answer, answer, replies(source.jwks())]
    assert await KeySource(config=source.config()).key("k1", just_issued=False)
    assert source.fetches == 3


@pytest.mark.parametrize(
    ("answer", "attempts"),
    [*((each, 1) for each in LASTING.values()), *((each, 3) for each in PASSING.values())],
    ids=[*LASTING, *PASSING],
)
async def test_keys_that_cannot_be_had_are_a_transport_error_with_the_address(
    source, answer, attempts
):
    source.script = [answer]
    with pytest.raises(
        JwksUnreachableError, match=r"cannot be read from http\S+jwks\.json: "
    ) as no:
        await KeySource(config=source.config()).key("k1", just_issued=False)
    hung_up = answer in {
        PASSING["hung up"],
        PASSING["half a head"],
    }  # aiohttp asks once more itself
    assert source.fetches in {attempts, attempts * (2 if hung_up else 1)}
    assert isinstance(no.value, TransportError)
    assert no.value.retry_after == key_source.REMEMBERED
    assert no.value.tokens is no.value.signed_in is None


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (LASTING["a redirect"], "the server sends requests elsewhere; check the address"),
        (LASTING["404"], "the server answers with HTTP status 404"),
        (LASTING["204"], "the server answers with HTTP status 204"),
        (LASTING["too large"], "262144 bytes"),
        (PASSING["500"], "the server answers with HTTP status 500"),
        (PASSING["no JSON"], "it is no JSON"),
        (PASSING["no HTTP"], "check the network and the address"),
    ],
)
async def test_why_keys_cannot_be_had_is_told(source, monkeypatch, answer, why):
    monkeypatch.setattr(key_source, "_PAUSES", (0.0,))
    source.script = [answer]
    with pytest.raises(JwksUnreachableError, match=why):
        await KeySource(config=source.config()).fetch()


async def test_who_waits_to_fetch_anew_lets_others_work(source, rotated, monkeypatch):
    monkeypatch.setattr(key_source, "FRESH_AFTER", 0.01)
    now = [1000.0]
    keys = KeySource(config=source.config(), ticks=lambda: now[0])
    await keys.fetch()
    rotated()
    waiting = asyncio.create_task(keys.key("k2", just_issued=True))
    for _ in range(20):
        await asyncio.sleep(0)
    assert source.fetches == 1
    now[0] += 0.01
    assert await waiting
    assert source.fetches == 2


async def test_the_largest_document_is_read(source):
    source.script = [whole(padded(source.jwks(), MOST_BYTES))]
    assert await KeySource(config=source.config()).key("k1", just_issued=False)


async def test_a_server_that_is_not_there_is_a_transport_error(source):
    config = source.config(endpoint="http://127.0.0.1:1")
    with pytest.raises(JwksUnreachableError, match=r"cannot be read from http://127\.0\.0\.1:1/"):
        await KeySource(config=config).key("k1", just_issued=False)


async def test_one_dead_server_is_asked_once_by_all_and_all_hear_of_it_at_once(source):
    source.script = [b"HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n"]
    ticks = Ticks()
    keys = KeySource(config=source.config(), ticks=ticks)
    errors = await asyncio.gather(
        *(keys.key("k1", just_issued=each % 2 == 0) for each in range(40)), return_exceptions=True
    )
    assert {type(error) for error in errors} == {JwksUnreachableError}
    assert len({id(error) for error in errors}) == 40, "each caller's traceback is its own"
    assert source.fetches == 1
    with pytest.raises(JwksUnreachableError) as told:
        await keys.key("k1", just_issued=True)
    assert source.fetches == 1
    assert 0 < told.value.retry_after <= key_source.REMEMBERED
    ticks.now += key_source.REMEMBERED
    source.script = [whole(source.jwks())]
    assert await keys.key("k1", just_issued=True)
    assert source.fetches == 2


async def test_a_server_that_never_answers_is_waited_for_once_by_all(source, monkeypatch):
    monkeypatch.setattr(key_source, "FETCH_TIMEOUT", 0.2)
    source.script = ["hang"]
    keys = KeySource(config=source.config())
    began = anyio.current_time()
    errors = await asyncio.gather(
        *(keys.key("k1", just_issued=True) for _ in range(40)), return_exceptions=True
    )
    assert {type(error) for error in errors} == {JwksUnreachableError}
    assert "no whole answer within 0.2 seconds" in str(errors[0])
    assert anyio.current_time() - began < 40 * 0.2
    assert source.fetches == 1


async def test_a_slow_drip_ends_at_the_deadline(source, monkeypatch):
    monkeypatch.setattr(key_source, "FETCH_TIMEOUT", 0.2)
    source.script = [[head("content-length: 200000"), *([b" "] * 200_000)]]
    with pytest.raises(JwksUnreachableError, match="no whole answer"):
        await KeySource(config=source.config()).key("k1", just_issued=True)


def flights() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if "_fly" in task.get_coro().__qualname__]


async def test_who_is_cancelled_leaves_the_flight_to_the_others_and_the_last_one_ends_it(source):
    source.script = ["hang"]
    keys = KeySource(config=source.config())
    waiting = [asyncio.create_task(keys.key("k1", just_issued=False)) for _ in range(3)]
    while not source.fetches:
        await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.wait({waiting[0]})
    assert waiting[0].cancelled()
    assert len(flights()) == 1
    source.release.set()
    assert await waiting[1] is await waiting[2] is not None
    assert flights() == []

    source.release = anyio.Event()
    keys = KeySource(config=source.config())
    waiting = [asyncio.create_task(keys.key("k1", just_issued=False)) for _ in range(3)]
    while source.fetches < 2:
        await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    assert all(task.cancelled() for task in waiting)
    assert flights() == [], "none is left behind when the last call has ended"
    source.release.set()
    assert await keys.key("k1", just_issued=False)
    assert source.fetches == 3


async def test_who_comes_while_an_unwanted_flight_ends_gets_a_flight_of_its_own(source):
    source.script = ["hang", whole(source.jwks())]
    keys = KeySource(config=source.config())
    first = asyncio.create_task(keys.key("k1", just_issued=False))
    while not source.fetches:
        await asyncio.sleep(0)
    first.cancel()
    second = asyncio.create_task(keys.key("k1", just_issued=False))
    assert await second is not None
    assert first.cancelled()


async def test_a_flight_that_somebody_else_cancelled_is_a_transport_error(source):
    source.script = ["hang"]
    waiting = asyncio.create_task(KeySource(config=source.config()).key("k1", just_issued=False))
    while not source.fetches:
        await asyncio.sleep(0)
    (flight,) = flights()
    flight.cancel()
    with pytest.raises(JwksUnreachableError, match="cancelled"):
        await waiting


@pytest.fixture
def rotated(source, other_key: RSAKey) -> Any:
    """A key that the pool changes to, and how."""

    def rotate() -> None:
        document = {"keys": [{**other_key.as_dict(private=False), "kid": "k2"}]}
        source.script = [whole(json.dumps(document).encode())]

    return rotate


async def test_a_flood_of_made_up_key_ids_fetches_once_a_minute(source):
    ticks = Ticks()
    keys = KeySource(config=source.config(), ticks=ticks)
    for minute in range(1, 4):
        for number in range(50):
            assert await keys.key(f"made-up-{number}", just_issued=False) is None
        assert source.fetches == minute
        ticks.now += key_source.REFETCH_AFTER


async def test_the_pools_new_key_is_fetched_at_once_for_tokens_that_it_has_just_issued(
    source, rotated, monkeypatch
):
    monkeypatch.setattr(key_source, "FRESH_AFTER", 0.01)
    keys = KeySource(config=source.config())
    assert await keys.key("k1", just_issued=True)
    rotated()
    assert await keys.key("k2", just_issued=False) is None, "anybody can make up a key id"
    assert source.fetches == 1
    found = await asyncio.gather(*(keys.key("k2", just_issued=True) for _ in range(20)))
    assert None not in found
    assert source.fetches == 2
    assert await keys.key("k2", just_issued=False)


async def test_a_key_that_the_pool_removed_is_gone_with_the_next_fetch(source, rotated):
    ticks = Ticks()
    keys = KeySource(config=source.config(), ticks=ticks)
    assert await keys.key("k1", just_issued=False)
    rotated()
    ticks.now += key_source.REFETCH_AFTER
    assert await keys.key("k2", just_issued=False)
    assert await keys.key("k1", just_issued=False) is None


@pytest.mark.parametrize("which", ["404", "keys of another kind alone", "an empty list"])
async def test_known_keys_stay_good_while_new_ones_cannot_be_had(source, which: str):
    answer = {**LASTING, **PASSING}[which]
    ticks = Ticks()
    keys = KeySource(config=source.config(), ticks=ticks)
    known = await keys.key("k1", just_issued=False)
    source.script = [answer]
    ticks.now += key_source.REFETCH_AFTER
    for just_issued in (True, False):
        with pytest.raises(JwksUnreachableError):
            await keys.key("k2", just_issued=just_issued)
        assert await keys.key("k1", just_issued=just_issued) is known


async def test_the_time_of_day_may_jump_and_keys_are_fetched_again_all_the_same(
    source, rotated, other_key
):
    day, ticks = [source.claims()["iat"]], Ticks()
    verifier = TokenVerifier(config=source.config(), clock=lambda: day[0], ticks=ticks)
    await verifier.claims(source.token(), "access")
    rotated()
    day[0] -= 86_400
    ticks.now += key_source.REFETCH_AFTER
    assert await verifier.claims(source.token(key=other_key, kid="k2"), "access")
    day[0] += 10 * 86_400
    with pytest.raises(TokenError, match="not the user pool's"):
        await verifier.claims(source.token(kid="k3"), "access")
    assert source.fetches == 2, "nor does a jump forward let made-up key ids fetch"


async def test_given_keys_are_never_fetched(source, tmp_path):
    (tmp_path / "jwks.json").write_bytes(source.jwks())
    for given in (json.loads(source.jwks()), tmp_path / "jwks.json"):
        keys = KeySource(config=source.config(jwks=given))
        await keys.fetch()
        assert await keys.key("k1", just_issued=True)
        assert await keys.key("k2", just_issued=True) is None
    assert source.fetches == 0


async def test_keys_are_fetched_beforehand_once(source):
    keys = KeySource(config=source.config())
    await asyncio.gather(keys.fetch(), keys.fetch())
    await keys.fetch()
    assert await keys.key("k1", just_issued=False)
    assert source.fetches == 1


async def test_one_source_serves_one_event_loop_after_the_other_and_several_side_by_side(source):
    keys = KeySource(config=source.config())
    source.script = ["hang", whole(source.jwks())]
    first = asyncio.create_task(keys.key("k1", just_issued=False))
    while not source.fetches:
        await asyncio.sleep(0)

    found: list[Any] = []

    def elsewhere() -> None:
        found.extend(asyncio.run(keys.key("k1", just_issued=False)) for _ in range(2))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    while thread.is_alive():
        await asyncio.sleep(0.001)
    assert None not in found
    assert len(found) == 2
    source.release.set()
    assert await first is not None


@pytest.mark.parametrize("how", ["to its end", "cancelled"])
def test_no_event_loop_outlives_its_downloads(how: str, monkeypatch):
    async def never() -> None:
        await asyncio.Event().wait()

    async def use() -> None:
        wanted = asyncio.create_task(keys.fetch())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if how == "cancelled":
            wanted.cancel()
        await asyncio.gather(wanted, return_exceptions=True)

    def fetched(_self: KeySource) -> Any:
        return failed() if how == "to its end" else never()

    async def failed() -> Any:
        return key_source._Failure("no network")

    monkeypatch.setattr(KeySource, "_fetched", fetched)
    keys = KeySource(config=TrustedPool(user_pool_id="eu-central-1_A", client_ids=None))
    loops = []
    for _ in range(3):
        loop = asyncio.new_event_loop()
        keys._failure = None
        loop.run_until_complete(use())
        loop.close()
        loops.append(weakref.ref(loop))
        del loop
    gc.collect()
    assert [loop() for loop in loops] == [None] * 3


@pytest.mark.parametrize("bundle", ["missing", "another's"])
async def test_certificates_that_do_not_fit_are_not_tried_again(
    source, listening, monkeypatch, tmp_path, bundle
):
    attempts = []

    async def counted(download: Any) -> Any:
        attempts.append(download.url)
        return await attempt(download)

    attempt = key_download.attempt
    monkeypatch.setattr(key_download, "attempt", counted)
    if bundle == "missing":
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    here = self_signed(tmp_path)
    context.load_cert_chain(here.cert, here.key)
    async with listening(source.serve, ssl=context) as port:
        config = source.config(endpoint=f"https://127.0.0.1:{port}")
        with pytest.raises(JwksUnreachableError) as failed:
            await KeySource(config=config).key("k1", just_issued=True)
    if bundle == "missing":
        assert "certificates cannot be read: FileNotFoundError" in str(failed.value)
        assert attempts == []
    else:
        assert len(attempts) == 1


async def test_one_outcome_for_all_whose_key_is_published_a_moment_late(source, monkeypatch):
    monkeypatch.setattr(key_source, "FRESH_AFTER", 0.02)
    late = json.loads(source.jwks())
    late["keys"][0]["kid"] = "k0"
    source.script = [whole(json.dumps(late).encode()), whole(source.jwks())]
    keys = KeySource(config=source.config())
    found = await asyncio.gather(*(keys.key("k1", just_issued=True) for _ in range(5)))
    assert all(found)
    assert source.fetches == 2


async def test_each_attempt_has_read_timeout_for_the_whole_of_its_reply(source):
    drip = [head("content-length: 200000"), *([b" "] * 200_000)]
    source.script = [drip, whole(source.jwks())]
    assert await KeySource(config=source.config(read_timeout=0.1)).key("k1", just_issued=True)
    assert source.fetches == 2


def raw(document: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packing.compress(document) + packing.flush()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("deflate", raw),
        ("deflate", zlib.compress),
        ("gzip", lambda document: gzip.compress(document[:9]) + gzip.compress(document[9:])),
        ("", bytes),
        ("identity", bytes),
    ],
)
async def test_keys_are_unpacked_however_they_were_packed(source, encoding, pack):
    body = pack(source.jwks())
    source.script = [head(f"content-encoding: {encoding}", f"content-length: {len(body)}") + body]
    assert await KeySource(config=source.config()).key("k1", just_issued=False)
    assert source.fetches == 1


@pytest.mark.parametrize("kept", [-1, -8, -9])
async def test_what_ends_before_its_checksum_is_not_whole(source, kept):
    body = gzip.compress(source.jwks())[:kept]
    source.script = [head("content-encoding: gzip", f"content-length: {len(body)}") + body]
    with pytest.raises(JwksUnreachableError, match="it ends too early"):
        await KeySource(config=source.config()).key("k1", just_issued=False)
