"""Trigger events as AWS documents them, from `events/`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EVENTS = Path(__file__).parent / "events"

LoadEvent = Callable[..., dict[str, Any]]


@pytest.fixture(params=sorted(path.stem for path in EVENTS.glob("*.json")))
def every_event(request: pytest.FixtureRequest) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{request.param}.json").read_text())
    return event


@pytest.fixture
def load_event() -> LoadEvent:
    """Read an event by its name, with members of its request replaced."""

    def load(name: str, /, **request: Any) -> dict[str, Any]:
        event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
        event["request"].update(request)
        return event

    return load
