import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.modexp import modexp
from authflow.srp import COGNITO

N = COGNITO.prime
LEGAL_EXPONENT = st.integers(min_value=0, max_value=2**600)


def odd(largest: int) -> st.SearchStrategy[int]:
    return st.integers(min_value=1, max_value=largest // 2).map(lambda half: 2 * half + 1)


@given(
    st.integers(min_value=-(2**1100), max_value=2**1100) | st.integers(),
    LEGAL_EXPONENT | st.integers(min_value=0, max_value=70),
    odd(2**1024) | odd(2**16),
)
def test_it_agrees_with_pow(base: int, exponent: int, modulus: int):
    assert modexp(base, exponent, modulus) == pow(base, exponent, modulus)


@pytest.mark.parametrize("base", [0, 1, 2, -1, -2, N - 1, N, N + 1, 2 * N, -N, -N * N, 2**3072])
@pytest.mark.parametrize("exponent", [0, 1, 2, 2**256 - 1, 2**256])
def test_it_agrees_with_pow_at_the_edges_of_cognitos_group(base: int, exponent: int):
    assert modexp(base, exponent, N) == pow(base, exponent, N)


@pytest.mark.parametrize("base", [0, 2, -3])
def test_it_agrees_with_pow_for_the_smallest_modulus(base: int):
    assert [modexp(base, e, 3) for e in range(5)] == [pow(base, e, 3) for e in range(5)]


def test_an_exponent_of_the_primes_size_agrees_with_pow():
    """The order of the group, and the largest exponent that other clients draw."""
    assert modexp(4, (N - 1) // 2, N) == 1
    assert modexp(2, N - 1, N) == 1
    assert modexp(3, 2**3064 - 1, N) == pow(3, 2**3064 - 1, N)


@pytest.mark.parametrize(
    ("exponent", "modulus"), [(-1, 7), (2, 0), (2, -7), (-(2**256), N)], ids=str
)
def test_what_has_no_result_is_an_error(exponent: int, modulus: int):
    with pytest.raises((ValueError, ZeroDivisionError)):
        modexp(3, exponent, modulus)


def counted_during(compute: Callable[[int, int, int], int]) -> int:
    """How far another thread counts while one single call computes."""
    counted, stop, running = 0, threading.Event(), threading.Event()

    def spin() -> None:
        nonlocal counted
        while not stop.is_set():
            counted += 1
            running.set()
            time.sleep(1e-5)

    # From here on a thread gives up the GIL only of its own will, so a call that holds it stops
    # the count dead, however long it takes and however busy the machine is.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    spinner = threading.Thread(target=spin)
    spinner.start()
    try:
        running.wait()
        before = counted
        compute(3, 2**24_000 - 1, N)
        return counted - before
    finally:
        stop.set()
        spinner.join()
        sys.setswitchinterval(interval)


def test_other_threads_run_while_it_computes():
    assert counted_during(modexp) > 10


def test_pow_stops_all_other_threads():
    """Why `modexp` is not `pow`; and proof that the test above can tell the difference."""
    assert counted_during(pow) == 0


def test_many_threads_get_the_same_results():
    exponents = [2**255 + n for n in range(64)]
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda exponent: modexp(2, exponent, N), exponents))
    assert results == [pow(2, exponent, N) for exponent in exponents]
