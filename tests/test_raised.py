import re
import traceback

import pytest

from authflow.errors import AuthFlowError
from authflow.raised import forget_causes, kind_and_place


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


def test_an_error_that_was_never_raised_has_a_kind_alone():
    assert kind_and_place(OddError("canary")) == "OddError"


def caused(by: BaseException, error: Exception) -> BaseException:
    with pytest.raises(type(error)) as raised:
        raise error from by
    return raised.value


def test_causes_are_forgotten_and_told_by_kind_and_place_in_a_note():
    with pytest.raises(KeyError) as first:
        raises(KeyError("canary"))
    error = caused(caused(first.value, ValueError("canary")), AuthFlowError("told"))
    forget_causes(error)
    assert (error.__cause__, error.__context__) == (None, None)
    (note,) = error.__notes__
    assert re.fullmatch(
        rf"because of ValueError at {re.escape(__file__)}:\d+,"
        rf" because of KeyError at {re.escape(__file__)}:{raises.__code__.co_firstlineno + 1}",
        note,
    )
    assert "canary" not in "".join(traceback.format_exception(error))


def test_what_was_being_handled_is_a_cause_unless_its_author_says_that_it_is_none():
    def fails(*, hidden: bool) -> None:
        try:
            raises(ValueError("canary"))
        except ValueError:
            if hidden:
                raise AuthFlowError("told") from None
            raise AuthFlowError("told")  # noqa: B904  # it is the case in question

    for hidden, notes in ((True, 0), (False, 1)):
        with pytest.raises(AuthFlowError) as raised:
            fails(hidden=hidden)
        forget_causes(raised.value)
        assert len(getattr(raised.value, "__notes__", ())) == notes


def test_what_was_handled_before_the_code_was_called_is_no_cause():
    try:
        raises(ValueError("canary"))
    except ValueError as handled:
        with pytest.raises(AuthFlowError) as raised:
            raises(AuthFlowError("told"))
        before = raised.value.__context__
        forget_causes(raised.value, handled=handled)
    assert isinstance(before, ValueError)
    assert not hasattr(raised.value, "__notes__")


def test_causes_in_a_circle_or_without_end_are_told_once_and_up_to_a_limit():
    error, other = AuthFlowError("told"), ValueError("canary")
    error.__cause__, other.__cause__ = other, error
    for _ in range(2):
        forget_causes(error)
        error.__cause__ = other
    assert error.__notes__ == ["because of ValueError"]
    long = AuthFlowError("told")
    link: BaseException = long
    for _ in range(100):
        link.__cause__ = ValueError()
        link = link.__cause__
    forget_causes(long)
    assert long.__notes__ == [", ".join(["because of ValueError"] * 5)]
