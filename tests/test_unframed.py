import traceback

import pytest

from authflow.errors import MisuseError, PluginFailedError, TransportError
from authflow.given_secrets import checked, wrapped
from authflow.unframed import Unframed, bare


def test_an_error_of_ours_leaves_without_our_frames():
    with pytest.raises(MisuseError) as kept:
        checked("it", wrapped(7))
    assert [entry.name for entry in kept.traceback][-1] == "checked"
    with pytest.raises(MisuseError) as left, Unframed():
        checked("it", wrapped(7))
    assert "checked" not in [entry.name for entry in left.traceback]


def raised(error: BaseException, led_by: BaseException, *, tell: bool) -> None:
    """Raise an error after another one."""
    try:
        raise led_by
    except type(led_by) as before:
        raise error from (before if tell else None)


def test_what_led_to_it_stays_and_so_do_the_frames_of_others():
    with pytest.raises(PluginFailedError) as failed, Unframed():
        raised(PluginFailedError("it failed"), ZeroDivisionError(), tell=True)
    cause = failed.value.__cause__
    assert isinstance(cause, ZeroDivisionError)
    assert [frame.f_code.co_name for frame, _ in traceback.walk_tb(cause.__traceback__)] == [
        "raised"
    ]


def test_an_error_that_was_only_there_before_does_not_stay():
    with pytest.raises(TransportError) as failed, Unframed():
        raised(TransportError("no"), KeyError("canary"), tell=False)
    assert failed.value.__context__ is None


def test_errors_of_others_pass_as_they_are():
    with pytest.raises(KeyError) as failed, Unframed():
        raised(KeyError("y"), ValueError("x"), tell=False)
    assert isinstance(failed.value.__context__, ValueError)


def test_a_bare_error_has_nothing_but_its_text():
    with pytest.raises(ValueError, match="x") as failed:
        raised(ValueError("x"), KeyError("canary"), tell=True)
    kept = bare(failed.value)
    assert (kept.__cause__, kept.__context__, kept.__traceback__) == (None, None, None)
    assert str(kept) == "x"


def test_a_traceback_as_long_as_python_allows_is_gone_through():
    def endless() -> None:
        endless()

    with pytest.raises(RecursionError) as deep:
        endless()
    with pytest.raises(PluginFailedError) as failed, Unframed():
        raise PluginFailedError("it recurses") from deep.value
    assert isinstance(failed.value.__cause__, RecursionError)


def test_causes_that_go_round_in_a_circle_are_gone_through_once():
    one, other = PluginFailedError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    with pytest.raises(PluginFailedError, match="one"), Unframed():
        raise one
