"""Bad client challenges in interface 2 whose forms depend on more than their challenge.

`convicted_by` names the cases that must fail for a plugin, all others passing.
"""

import concurrent.futures
import datetime as dt
import os
import threading
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar

from form_clients import PURE, READ, FormPrompter

from authflow.errors import AskAgainError
from authflow.plugins import Filled, Form, ShownText
from authflow.results import Challenge

_KEPT: dict[str, Any] = {}
_COUNT = [0]
_LAST = ""
_TYPED: list[str] = []


class _Says(FormPrompter):
    """Shows what it should not depend on."""

    convicted_by = (PURE,)

    def says(self) -> str:
        return ""

    def form(self, challenge: Challenge) -> Any:
        said = self.says()
        form = super().form(challenge)
        return Form(parts=(ShownText(text=f"Note: {said}"), *form.parts))


class SaysTheDay(_Says):
    def says(self) -> str:
        return str(date.today())  # noqa: DTZ011


class SaysTheHour(_Says):
    def says(self) -> str:
        return str(int(time.time() // 3600))


class SaysTheYear(_Says):
    def says(self) -> str:
        return str(datetime.now(UTC).year)


class SaysTheMinute(_Says):
    def says(self) -> str:
        return f"{dt.datetime.now(UTC):%d %H:%M}"


class SaysTheMonth(_Says):
    def says(self) -> str:
        return time.strftime("%B %Y")


class SaysItsProcess(_Says):
    def says(self) -> str:
        return str(os.getpid())


class SaysByItsHashes(_Says):
    def says(self) -> str:
        return " ".join(sorted("abcdefghijkl", key=hash))


class SaysItsLanguage(_Says):
    def says(self) -> str:
        return os.environ.get("LANG", "none")


class SaysAVariable(_Says):
    def says(self) -> str:
        return str(os.getenv("TZ"))


class ReadsAFileOnce(_Says):
    def says(self) -> str:
        if "file" not in _KEPT:
            _KEPT["file"] = Path(__file__).read_bytes()
        return ""


class ReadsAFileInAThread(_Says):
    def says(self) -> str:
        thread = threading.Thread(target=Path(__file__).read_bytes)
        thread.start()
        thread.join()
        return ""


class ReadsAFileInAPool(_Says):
    def says(self) -> str:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            pool.submit(Path(__file__).read_bytes).result()
        return ""


class CountsInItsModule(_Says):
    def says(self) -> str:
        _COUNT[0] += 1
        return ""


class CountsAGlobal(_Says):
    number: ClassVar[int] = 0

    def says(self) -> str:
        global _LAST  # noqa: PLW0603
        _LAST += "x"
        return ""


class NotesForItsReading(FormPrompter):
    convicted_by = (READ,)

    def form(self, challenge: Challenge) -> Any:
        _KEPT["medium"] = challenge.parameters.get("medium")
        return super().form(challenge)

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        return f"{filled['code']}{'' if 'medium' in _KEPT else 'x'}"


class KeepsWhatItReads(FormPrompter):
    convicted_by = (READ,)

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        _KEPT["last"] = filled["code"]
        return super().read(challenge, filled)


class ListsWhatItReads(FormPrompter):
    convicted_by = (READ,)

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        _TYPED.append(filled["code"])
        return super().read(challenge, filled)


class ReadsUntilADay(FormPrompter):
    convicted_by = (READ,)

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        return filled["code"] if time.time() < 4e9 else "x"


class ReadsByAVariable(FormPrompter):
    convicted_by = (READ,)

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        return filled["code"] if "NOBODY_SETS_THIS" not in os.environ else "x"


class ReadsByItsProcess(FormPrompter):
    convicted_by = (READ,)

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        return f"{filled['code']}{os.getpid()}"


class _Shows(FormPrompter):
    """Shows what was typed, a little changed."""

    convicted_by = (READ,)

    def changed(self, code: str) -> str:
        return code

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        if filled["code"][:1] not in {"1", "2"}:
            msg = f"{self.changed(filled['code'])} is no code."
            raise AskAgainError(msg, field="code")
        return filled["code"]


class ShowsItInCapitals(_Shows):
    def changed(self, code: str) -> str:
        return code.upper()


class ShowsItSpaced(_Shows):
    def changed(self, code: str) -> str:
        return " ".join(code)


class ShowsItBackwards(_Shows):
    def changed(self, code: str) -> str:
        return code[::-1]


class ShowsItInHex(_Shows):
    def changed(self, code: str) -> str:
        return code.encode().hex()
