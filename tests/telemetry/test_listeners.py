"""Who is told what happens: one who fails stops nothing but itself."""

from typing import Any

import pytest

from authflow.errors import MisuseError
from authflow.telemetry.listeners import event_listeners_of, listeners_of, tell_all


class Seen:
    def __init__(self) -> None:
        self.told: list[object] = []

    def observe(self, event: object) -> None:
        self.told.append(event)


def test_an_observer_and_a_function_are_told_apart():
    functions: list[object] = []
    listeners = listeners_of([Seen(), functions.append], wanted="x")
    assert [each.is_wide for each in listeners] == [True, False]


def test_nobody_is_told_where_there_is_no_observer():
    assert event_listeners_of(None, wanted="x") == event_listeners_of([], wanted="x") == ()


def test_an_observer_that_is_a_sequence_too_is_one_observer():
    class Kept(list[object]):
        def observe(self, event: object) -> None:
            self.append(event)

    kept = Kept()
    tell_all(listeners_of(kept, wanted="x"), lambda: "event")
    assert kept == ["event"]


def test_a_class_that_is_called_is_a_function():
    (listener,) = listeners_of(str, wanted="x")
    assert not listener.is_wide


def test_what_ends_the_process_passes_once_all_have_been_told_and_the_first_goes_before_others():
    class Ends(Seen):
        def __init__(self, error: BaseException) -> None:
            super().__init__()
            self.error = error

        def observe(self, event: object) -> None:
            super().observe(event)
            raise self.error

    first, second, last = Ends(SystemExit(1)), Ends(KeyboardInterrupt()), Seen()
    with pytest.raises(SystemExit):
        tell_all(event_listeners_of((first, second, last), wanted="x"), lambda: "event")
    assert first.told == second.told == last.told == ["event"]


@pytest.mark.parametrize("odd", [5, "text", "", b"bytes", b"", Seen, [5], print])
def test_what_is_no_observer_is_refused_by_what_it_must_be(odd: Any):
    with pytest.raises(MisuseError, match=r"observer must be"):
        event_listeners_of(odd, wanted="observer must be one")


def test_one_that_fails_is_told_the_next_time_too_and_said_once(caplog):
    class Failing(Seen):
        def observe(self, event: object) -> None:
            super().observe(event)
            raise ValueError("canary")

    failing, last = Failing(), Seen()
    listeners = event_listeners_of((failing, last), wanted="x")
    for number in range(3):
        tell_all(listeners, lambda number=number: number)
    assert failing.told == last.told == [0, 1, 2]
    assert caplog.text.count("the observer raised ValueError") == 1
    assert "canary" not in caplog.text
