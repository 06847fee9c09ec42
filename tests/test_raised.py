import pytest

from authflow.raised import kind_and_place


class OddError(Exception):
    """An error of somebody else's."""


def raises(error: Exception) -> None:
    raise error


@pytest.mark.parametrize("error", [ValueError("canary"), OddError("canary"), KeyError("canary")])
def test_the_kind_and_the_innermost_line_are_told_and_nothing_of_the_text(error):
    line = raises.__code__.co_firstlineno + 1
    with pytest.raises(type(error)) as raised:
        raises(error)
    told = kind_and_place(raised.value)
    assert told == f"{type(error).__qualname__} at {__file__}:{line}"
    assert "canary" not in told
