"""Functions that are to be async: what is written by `def` is told from all else."""

import functools
from collections.abc import Iterator
from typing import Any

import pytest

from authflow.coroutines import is_plain


async def waits(*_: object) -> None: ...
def plain(*_: object) -> None: ...
def yields(*_: object) -> Iterator[None]:
    yield


class Waits:
    async def __call__(self) -> None: ...
    async def method(self) -> None: ...
    @staticmethod
    async def static() -> None: ...


class Plain:
    def __call__(self) -> None: ...
    def method(self) -> None: ...
    @classmethod
    def of_class(cls) -> None: ...
    @staticmethod
    def static() -> None: ...


@functools.wraps(waits)
def wrapping(*given: Any) -> Any:
    return waits(*given)


@pytest.mark.parametrize(
    "function",
    [
        waits,
        Waits(),
        Waits().method,
        Waits.method,
        Waits.static,
        functools.partial(waits, 1),
        functools.partial(functools.partial(Waits().method)),
        wrapping,
        lambda: waits(1),
        print,
        object(),
    ],
)
def test_what_may_be_awaited_is_not_plain(function: object):
    assert not is_plain(function)


@pytest.mark.parametrize(
    "function",
    [
        plain,
        yields,
        Plain(),
        Plain().method,
        Plain.method,
        Plain.static,
        Plain().of_class,
        functools.partial(plain, 1),
        functools.partial(functools.partial(Plain())),
    ],
)
def test_what_is_written_by_def_is_plain(function: object):
    assert is_plain(function)
