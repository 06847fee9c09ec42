import pytest

from authflow.answers import secret_text
from authflow.errors import MisuseError, PluginFailedError, TransportError
from authflow.unframed import Unframed, bare


def test_an_error_of_ours_leaves_without_our_frames():
    with pytest.raises(MisuseError) as kept:
        secret_text("it", 7)
    assert [entry.name for entry in kept.traceback][-1] == "secret_text"
    with pytest.raises(MisuseError) as left, Unframed():
        secret_text("it", 7)
    assert "secret_text" not in [entry.name for entry in left.traceback]


def test_what_led_to_it_stays_and_so_do_the_frames_of_others():
    def plugin() -> None:
        raise ZeroDivisionError

    with pytest.raises(PluginFailedError) as failed, Unframed():
        try:
            plugin()
        except ZeroDivisionError as error:
            raise PluginFailedError("it failed") from error
    cause = failed.value.__cause__
    assert isinstance(cause, ZeroDivisionError)
    names = []
    trace = cause.__traceback__
    while trace is not None:
        names.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    assert names[-1] == "plugin"


def test_an_error_that_was_only_there_before_does_not_stay():
    with pytest.raises(TransportError) as failed, Unframed():
        try:
            raise KeyError("canary")
        except KeyError:
            raise TransportError("no") from None
    assert failed.value.__context__ is None


def test_errors_of_others_pass_as_they_are():
    with pytest.raises(KeyError) as failed, Unframed():
        try:
            raise ValueError("x")
        except ValueError as error:
            raise KeyError("y") from error
    assert isinstance(failed.value.__cause__, ValueError)


def test_a_bare_error_has_nothing_but_its_text():
    try:
        try:
            raise KeyError("canary")
        except KeyError as cause:
            raise ValueError("x") from cause
    except ValueError as error:
        kept = bare(error)
    assert (kept.__cause__, kept.__context__, kept.__traceback__) == (None, None, None)
    assert str(kept) == "x"
