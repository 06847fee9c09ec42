"""The prompts: for scripts and for the terminal."""

import asyncio
import getpass
import io
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from authflow.client import ScriptedPrompt, TerminalPrompt
from authflow.errors import PluginFailedError, PromptEndedError, PromptError


async def test_a_script_answers_in_its_order_and_keeps_what_it_was_told():
    prompt = ScriptedPrompt(["one", "two"])
    await prompt.tell("hello")
    await prompt.show_image(b"picture", "image/png", "a picture")
    assert [await prompt.ask("?"), await prompt.ask("?", hidden=True)] == ["one", "two"]
    assert (prompt.told, prompt.images) == (["hello"], [b"picture"])


async def test_a_script_that_has_no_answer_left_says_to_what():
    with pytest.raises(PromptEndedError, match="your code"):
        await ScriptedPrompt([]).ask("your code")


async def test_the_terminal_writes_pictures_to_files_and_says_where(tmp_path):
    output = io.StringIO()
    prompt = TerminalPrompt(image_folder=tmp_path / "new", output=output)
    await prompt.show_image(b"first", "image/png", "A CAPTCHA")
    await prompt.show_image(b"second", "image/svg+xml", "Another")
    assert (tmp_path / "new" / "1.png").read_bytes() == b"first"
    assert (tmp_path / "new" / "2.svg").read_bytes() == b"second"
    assert f"A CAPTCHA: {tmp_path / 'new' / '1.png'}" in output.getvalue()


@pytest.mark.parametrize("media_type", ["../../etc/passwd", "image/../../x", "", "image/", "a/b/c"])
async def test_a_media_type_cannot_lead_a_picture_out_of_its_folder(tmp_path, media_type):
    prompt = TerminalPrompt(image_folder=tmp_path / "in", output=io.StringIO())
    await prompt.show_image(b"x", media_type, "picture")
    assert [path.parent for path in tmp_path.rglob("1*")] == [tmp_path / "in"]


ASKS = {
    "ask": lambda prompt: prompt.ask("your code"),
    "hidden": lambda prompt: prompt.ask("your code", hidden=True),
    "choose": lambda prompt: prompt.choose("your code", ["a", "b"]),
}


@pytest.fixture(params=["none", "closed", "for writing alone"])
def no_input(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "none":
        yield None  # as `<&-` of a shell leaves it
        return
    with (tmp_path / "typed").open("w") as stream:
        if request.param == "closed":
            stream.close()
        yield stream


@pytest.mark.parametrize("asks", ASKS)
async def test_an_input_that_cannot_be_read_is_an_error_of_the_prompt(tmp_path, asks, no_input):
    prompt = TerminalPrompt(image_folder=tmp_path, output=io.StringIO(), input=no_input)
    unreadable = no_input is not None and not no_input.closed
    with pytest.raises(PromptError if unreadable else PromptEndedError, match="your code"):
        await ASKS[asks](prompt)


@pytest.mark.parametrize("shows", ["show_image", "play_audio"])
async def test_a_folder_that_takes_no_files_is_an_error_of_the_prompt(tmp_path, shows):
    (tmp_path / "file").write_bytes(b"")
    prompt = TerminalPrompt(image_folder=tmp_path / "file" / "in", output=io.StringIO())
    with pytest.raises(PromptError, match="A CAPTCHA"):
        await getattr(prompt, shows)(b"x", "image/png", "A CAPTCHA")


ASK = """
import signal, sys, anyio
# A terminal's programs may be interrupted, though whoever runs the tests may ignore it (nohup).
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from authflow.client import TerminalPrompt
prompt = TerminalPrompt(image_folder=Path("."), output=sys.stdout)
hidden = sys.argv[1] == "hidden"
print("GOT", anyio.run(lambda: prompt.ask("Your code?", hidden=hidden)))
"""


@contextmanager
def asked_at_a_terminal(mode: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run ASK at a real terminal until it has asked; gives the process and the person's side."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", ASK, mode],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        close_fds=True,
    ) as process:
        os.close(theirs)
        try:
            seen = b""
            while b"Your code?" not in seen:
                seen += os.read(ours, 1024)
            yield process, ours
        finally:
            process.kill()
            os.close(ours)


def rest_of(terminal: int) -> bytes:
    """Read what a process still writes, until it has ended."""
    seen = b""
    try:
        while chunk := os.read(terminal, 1024):
            seen += chunk
    except OSError:
        pass  # a pseudo-terminal ends so on Linux
    return seen


@pytest.mark.parametrize("mode", ["shown", "hidden"])
def test_a_person_at_a_real_terminal_answers_and_hidden_text_is_not_echoed(mode):
    with asked_at_a_terminal(mode) as (_, terminal):
        os.write(terminal, b"typed-4711\n")
        seen = rest_of(terminal)
    assert b"GOT typed-4711" in seen
    assert seen.count(b"typed-4711") == (2 if mode == "shown" else 1)


def test_an_interrupt_while_the_person_is_asked_ends_the_process_at_once():
    with asked_at_a_terminal("shown") as (process, terminal):
        process.send_signal(signal.SIGINT)
        seen = rest_of(terminal)  # a terminal that nobody reads would hold the process up
        assert process.wait(timeout=20) != 0
    assert b"KeyboardInterrupt" in seen


async def test_lines_that_were_piped_in_answer_one_question_each(tmp_path):
    ours, theirs = os.pipe()
    os.write(theirs, "first\nzweite ü\r\nlast".encode())
    os.close(theirs)
    with os.fdopen(ours) as reader:
        prompt = TerminalPrompt(image_folder=tmp_path, output=io.StringIO(), input=reader)
        answers = [await prompt.ask("?"), await prompt.ask("?", hidden=True), await prompt.ask("?")]
        assert answers == ["first", "zweite ü", "last"]
        with pytest.raises(PromptEndedError, match="input has ended"):
            await prompt.ask("?")


async def test_a_file_on_disk_answers_too(tmp_path):
    path = tmp_path / "answers"
    path.write_text("one\ntwo\n")
    with path.open() as reader:
        prompt = TerminalPrompt(image_folder=tmp_path, output=io.StringIO(), input=reader)
        assert [await prompt.ask("?"), await prompt.ask("?")] == ["one", "two"]


async def test_a_line_without_an_end_is_left(tmp_path):
    path = tmp_path / "endless"
    path.write_bytes(b"x" * 100_000)
    with path.open() as reader:
        prompt = TerminalPrompt(image_folder=tmp_path, output=io.StringIO(), input=reader)
        with pytest.raises(PromptError, match="no end"):
            await prompt.ask("?")


async def test_asking_can_be_cancelled_while_nobody_types(tmp_path):
    ours, theirs = os.pipe()
    with os.fdopen(ours) as reader:
        prompt = TerminalPrompt(image_folder=tmp_path, output=io.StringIO(), input=reader)
        with anyio.move_on_after(0.05) as scope:
            await prompt.ask("?")
        assert scope.cancelled_caught
        os.write(theirs, b"later\n")
        assert await prompt.ask("?") == "later"
    os.close(theirs)


async def test_a_cancelled_hidden_question_lets_the_terminal_show_again_what_is_typed(tmp_path):
    ours, theirs = pty.openpty()
    with os.fdopen(theirs) as reader:
        prompt = TerminalPrompt(image_folder=tmp_path, output=io.StringIO(), input=reader)
        with anyio.move_on_after(0.05):
            await prompt.ask("?", hidden=True)
        assert termios.tcgetattr(reader.fileno())[3] & termios.ECHO
    os.close(ours)


async def test_a_sound_is_written_to_a_file_and_a_link_is_shown_with_its_qr_code(tmp_path):
    output = io.StringIO()
    prompt = TerminalPrompt(image_folder=tmp_path, output=output)
    await prompt.play_audio(b"RIFF", "audio/wav", "The code")
    assert (tmp_path / "1.wav").read_bytes() == b"RIFF"
    await prompt.show_link("https://example.com/a", "Look here")
    plain = output.getvalue()
    assert "Look here: https://example.com/a" in plain
    await prompt.show_link("otpauth://totp/x?secret=A", "Scan this", qr=True)
    assert "\u2588" in output.getvalue().removeprefix(plain)


async def test_a_link_that_would_steer_the_terminal_is_not_shown(tmp_path):
    output = io.StringIO()
    prompt = TerminalPrompt(image_folder=tmp_path, output=output)
    with pytest.raises(PluginFailedError, match="cannot be printed"):
        await prompt.show_link("https://example.com/\x1b[2J", "Look here")
    assert output.getvalue() == ""


@pytest.mark.parametrize(
    ("typed", "chosen"), [("2\n", "word"), ("word\n", "word"), ("9\nx\n1\n", "otp")]
)
async def test_an_option_is_chosen_by_number_or_name_until_it_is_one(tmp_path, typed, chosen):
    output = io.StringIO()
    prompt = TerminalPrompt(image_folder=tmp_path, output=output, input=io.StringIO(typed))
    assert await prompt.choose("which?", ["otp", "word"]) == chosen
    assert "2  word" in output.getvalue()


async def test_what_is_waited_for_is_told_and_gives_what_came_of_it(tmp_path):
    async def tapped() -> int:
        return 7

    output = io.StringIO()
    prompt = TerminalPrompt(image_folder=tmp_path, output=output)
    assert await prompt.wait_for("tap the telephone", tapped()) == 7
    assert "tap the telephone" in output.getvalue()


class Console(io.StringIO):
    """A terminal of a system without POSIX control over it; that part cannot run here."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def no_termios(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "termios", None)


def console_prompt(tmp_path: Path) -> TerminalPrompt:
    return TerminalPrompt(image_folder=tmp_path, output=io.StringIO(), input=Console("shown\n"))


async def test_without_posix_control_a_hidden_answer_is_asked_for_as_the_system_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_termios: None
):
    asked: list[str] = []
    monkeypatch.setattr("getpass.getpass", lambda text: asked.append(text) or "hidden")
    prompt = console_prompt(tmp_path)
    assert await prompt.ask("Password?", hidden=True) == "hidden"
    assert asked == ["Password? "]
    await prompt.ask("captcha#\x1b[2J\u202e\rof?", hidden=True)
    assert asked[1] == "captcha#\\x1b[2J\\u202e\\rof? "
    assert await prompt.ask("Name?") == "shown"


@pytest.mark.parametrize("told", [getpass.GetPassWarning("Can not control echo"), EOFError()])
async def test_where_nothing_can_hide_an_answer_it_is_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_termios: None, told: Exception
):
    def fails(_text: str) -> str:
        if isinstance(told, Warning):
            warnings.warn(told, stacklevel=1)
            return "shown"
        raise told

    monkeypatch.setattr("getpass.getpass", fails)
    with pytest.raises(PromptEndedError if isinstance(told, EOFError) else PromptError):
        await console_prompt(tmp_path).ask("Password?", hidden=True)


async def test_what_is_piped_in_needs_no_hiding(tmp_path: Path, no_termios: None):
    piped = TerminalPrompt(
        image_folder=tmp_path, output=io.StringIO(), input=io.StringIO("piped\n")
    )
    assert await piped.ask("Password?", hidden=True) == "piped"


async def test_what_was_half_typed_when_the_question_ends_stands_in_no_frame(everything_told):
    ours, theirs = os.pipe()
    os.write(theirs, b"canary-half")
    with os.fdopen(ours) as reader:
        prompt = TerminalPrompt(image_folder=Path("x"), output=io.StringIO(), input=reader)
        task = asyncio.ensure_future(prompt.ask("?"))
        await anyio.wait_all_tasks_blocked()
        while select.select([ours], [], [], 0)[0]:
            await anyio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await task
    os.close(theirs)
    assert "canary" not in everything_told(cancelled.value)


async def test_an_answer_that_is_no_option_stands_in_no_frame(everything_told):
    with pytest.raises(PromptError) as failed:
        await ScriptedPrompt(["canary"]).choose("?", ["a", "b"])
    assert "canary" not in everything_told(failed.value)
