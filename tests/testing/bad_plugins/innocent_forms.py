"""Good client challenges in interface 2 that look suspicious: none may be convicted."""

import functools
import logging
import re
from typing import Any, ClassVar

from form_clients import FormPrompter

from authflow.errors import AskAgainError
from authflow.plugins import Filled, Form, WaitField
from authflow.results import Challenge

SECONDS = 30
_MARKS: dict[str, Any] = {}


class WaitsForATap(FormPrompter):
    """Half a minute passes before its question: in no suite."""

    def form(self, challenge: Challenge) -> Any:
        form = super().form(challenge)
        tap = WaitField(name="tap", label="Tap on your telephone.", poll_after=SECONDS)
        return Form(parts=(tap, *form.parts))


class ImportsLate(FormPrompter):
    """It imports what it needs at its first form and its first reading, and names it globally."""

    def form(self, challenge: Challenge) -> Any:
        global colorsys  # noqa: PLW0603  # that is what is innocent here
        import colorsys

        colorsys.rgb_to_hls(0, 0, 0)
        return super().form(challenge)

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        import stringprep

        stringprep.in_table_a1("x")
        return super().read(challenge, filled)


class KeepsItsPatterns(FormPrompter):
    """What it compiles it compiles once, in a cache of `functools` and in one of its own."""

    asks_for: ClassVar[str] = r"[0-9]{6}x?"

    @staticmethod
    @functools.cache
    def _pattern(written: str) -> re.Pattern[str]:
        return re.compile(written)

    def form(self, challenge: Challenge) -> Any:
        if "blank" not in _MARKS:
            _MARKS["blank"] = re.compile(r"\s")
        return super().form(challenge)

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        code = filled["code"].strip()
        if self._pattern(self.asks_for).fullmatch(code) is None:
            msg = "A code has 6 digits, such as 123456."
            raise AskAgainError(msg, field="code")
        return code


class LogsItsWork(FormPrompter):
    """A log has the time and the process in it, and that is nobody's business."""

    def form(self, challenge: Challenge) -> Any:
        logging.getLogger("acme").info("made a form for attempt %d", challenge.attempt)
        return super().form(challenge)
