"""An observer that keeps what it is told, for tests of several packages."""

from itertools import groupby
from typing import Any

from attrs import define, field

from authflow.client import (
    AnswerAwaited,
    AnswerGiven,
    AnswerRefused,
    CallBegan,
    CallEnded,
    ChallengeAsked,
    ClientEvent,
    RequestBegan,
    RequestEnded,
    TurnAwaited,
)


@define(eq=False)
class Told:
    """Keeps the events that it is told."""

    events: list[ClientEvent] = field(factory=list)

    def observe(self, event: ClientEvent) -> None:
        """Keep an event."""
        self.events.append(event)

    def lines(self) -> list[str]:
        """Return what was told since the last time, as a line for each event."""
        told = [line(each) for each in self.events]
        self.check()
        self.events.clear()
        return told

    def check(self) -> None:
        """Check what holds of the events of every call, whatever happened in it."""
        calls = [
            list(events) for _, events in groupby(sorted(self.events, key=_call_id), key=_call_id)
        ]
        for events in calls:
            first, *_, last = events
            assert isinstance(first, CallBegan), events
            assert isinstance(last, CallEnded), events
            assert sum(isinstance(each, CallBegan) for each in events) == 1, events
            assert sum(isinstance(each, CallEnded) for each in events) == 1, events
            assert {each.call for each in events} == {first.call}
            elapsed = [each.elapsed for each in events]
            assert elapsed == sorted(elapsed)
            assert last.seconds == last.elapsed
            requests = [type(each) for each in events if isinstance(each, _REQUESTS)]
            assert requests == [RequestBegan, RequestEnded] * (len(requests) // 2), events
            known = [each.sign_in_id for each in events if each.sign_in_id is not None]
            assert len(set(known)) <= 1


_REQUESTS = (RequestBegan, RequestEnded)


def _call_id(event: ClientEvent) -> str:
    return event.call_id


def line(event: ClientEvent) -> str:
    """Return an event as a line: its name, and what does not change from run to run."""
    more: list[Any] = []
    match event:
        case CallBegan():
            more = [event.call]
        case RequestBegan():
            more = [event.operation, event.attempt]
        case RequestEnded():
            more = [event.code or ("broken_off" if event.broken_off else "ok")]
        case TurnAwaited():
            more = [event.operation, event.code or "ok"]
        case ChallengeAsked():
            more = [event.challenge, event.kind, event.attempt, event.attempts]
        case AnswerGiven():
            more = [event.challenge, event.kind, event.attempt, event.by]
        case AnswerRefused():
            more = [event.challenge, event.kind, event.attempt, event.code, event.next_step]
        case AnswerAwaited():
            more = [event.challenge, event.kind, event.attempt]
        case CallEnded():
            more = [event.code, event.next_step]
    return " ".join((event.name, *(str(each) for each in more if each is not None)))
