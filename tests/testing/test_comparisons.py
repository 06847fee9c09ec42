"""How an answer was compared is seen: by ==, or in constant time."""

import hmac
import secrets
import sys
import threading
import unicodedata
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import anyio.to_thread
import pytest

from authflow.plugins import Secret, typed_code, typed_words
from authflow.testing.comparisons import Comparisons

PLAIN: dict[str, Callable[[str], object]] = {
    "==": lambda answer: answer == "482913",
    "== from the other side": lambda answer: "482913" == answer,  # noqa: SIM300  # as some write
    "!=": lambda answer: answer != "482913",
    "stripped": lambda answer: answer.strip().upper() == "482913",
    "bytes": lambda answer: answer.encode() == b"482913",
    "normalised": lambda answer: unicodedata.normalize("NFKC", answer) == "482913",
    "in a tuple": lambda answer: answer in ("000000", "482913"),
    "a key": {"482913": True}.get,
    "written anew": lambda answer: str(answer) == "482913",
    "formatted": lambda answer: f"{answer}" == "482913",
    "as a typed code": lambda answer: typed_code(answer) == "482913",
    "as typed words": lambda answer: typed_words(answer) == "482913",
    "as typed words of a secret": lambda answer: typed_words(Secret(answer)) == "482913",
}


@pytest.mark.parametrize("how", PLAIN)
def test_a_plain_comparison_is_noticed(how: str):
    seen = Comparisons(secret="482913")
    PLAIN[how](seen.probe("482913"))
    assert seen.plain


@pytest.mark.parametrize(
    "harmless",
    [
        lambda answer: answer == "",
        lambda answer: answer.strip().lower() == "resend",
        lambda answer: answer in {"000000", "skip"},
        len,
        hash,
        itemgetter(0),
    ],
)
def test_what_compares_no_secret_is_not(harmless: Callable[[str], object]):
    seen = Comparisons(secret="482913")
    harmless(seen.probe("482913"))
    assert not seen.plain


@pytest.mark.parametrize("written", [typed_code, typed_words])
@pytest.mark.parametrize(
    "answer", ["482913", "blue whale", "Blue  WHALE!", "a", "\u0130stanbul", ""]
)
def test_what_authflow_writes_anew_compares_nothing_and_hides_no_comparison(
    written: Callable[[Any], str], answer: str
):
    plain = written(answer)
    seen = Comparisons(secret=plain)
    probe = seen.probe(answer)
    with seen.watched():
        assert hmac.compare_digest(written(Secret(probe)).encode(), plain.encode())
        assert Secret(probe) != Secret("another")
    assert (seen.plain, seen.digests) == (0, 2)
    assert written(probe).encode() == plain.encode()
    assert seen.plain == 1


@pytest.mark.parametrize("compare", [hmac.compare_digest, secrets.compare_digest])
def test_a_comparison_in_constant_time_is_noticed_and_works(compare: Callable[..., bool]):
    seen = Comparisons(secret="482913")
    answer = seen.probe("482913")
    with seen.watched():
        assert compare(answer, "482913")
        assert not compare(answer.encode(), b"482914")
    assert (seen.plain, seen.digests) == (0, 2)
    assert sys.getprofile() is None
    assert threading.getprofile() is None


async def test_a_comparison_in_a_thread_that_begins_meanwhile_is_noticed():
    seen = Comparisons(secret="482913")
    with seen.watched():
        thread = threading.Thread(target=hmac.compare_digest, args=("a", "b"))
        thread.start()
        await anyio.to_thread.run_sync(thread.join)
    assert seen.digests == 1
