"""The suite's prompt, which waits for no seconds and loses no result."""

import time

import anyio.lowlevel
import pytest

from authflow.plugins import Form, WaitField
from authflow.prompts.asking import ask
from authflow.testing.watched_prompt import WatchedPrompt

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("seconds", [1, 30, 300])
async def test_the_suite_does_not_wait_for_what_is_done_elsewhere(seconds: float):
    prompt, began = WatchedPrompt([]), time.monotonic()
    tap = WaitField(name="tap", label="Tap on your telephone.", poll_after=seconds)
    filled = await ask(Form(parts=(tap,)), prompt)
    assert {name: filled[name] for name in filled} == {"tap": ""}
    assert prompt.told == ["Tap on your telephone."]
    assert time.monotonic() - began < 0.9


async def test_what_is_really_waited_for_gives_its_result():
    async def confirmed() -> str:
        await anyio.lowlevel.checkpoint()
        return "done"

    assert await WatchedPrompt([]).wait_for("A tap.", confirmed()) == "done"
