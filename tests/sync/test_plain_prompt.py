"""Prompts that are written by `def` ask in the thread that called."""

import io
import threading

import pytest

from authflow import AuthFlow, MisuseError, PromptError, SignedIn, sync
from authflow.client import ScriptedPrompt, TerminalPrompt
from authflow.plugins import Form, TextField
from authflow.sync.plain_prompt import FieldsInItsThread, InItsThread, WidgetsInItsThread, asked_by


class Person:
    """Writes down what is shown and asked, and in which thread."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.seen, self.threads = [*answers], [], set()

    def note(self, *what: object) -> None:
        self.seen.append(what)
        self.threads.add(threading.current_thread())

    def tell(self, text: str) -> None:
        self.note("tell", text)

    def show_image(self, image: bytes, media_type: str, description: str) -> None:
        self.note("image", image, media_type, description)

    def play_audio(self, audio: bytes, media_type: str, description: str) -> None:
        self.note("audio", audio, media_type, description)

    def show_link(self, url: str, description: str, *, qr: bool = False) -> None:
        self.note("link", url, description, qr)

    def ask(self, question: str, *, hidden: bool = False) -> str:
        self.note("ask", question, hidden)
        return self.answers.pop(0)

    def choose(self, question, options):
        self.note("choose", question, *options)
        return options[0]


@pytest.fixture
def custom(pool):
    class Asks:
        name = "word"

        async def answer(self, challenge, prompt):
            await prompt.tell("Which word opens the door?")
            await prompt.show_image(b"GIF89a", "image/gif", "a door")
            await prompt.play_audio(b"RIFF", "audio/wav", "a creak")
            await prompt.show_link("https://example.org/door", "a door", qr=True)
            await prompt.show_link("https://example.org/key", "a key")
            await prompt.ask("Whose door?")
            if await prompt.choose("Which door?", ["left", "right"]) == "left":
                return await prompt.ask("The word?", hidden=True)
            raise AssertionError

    with sync.AuthClient(pool.config, challenges=[Asks]) as auth:
        yield auth


def test_a_plain_prompt_is_asked_everything_in_the_thread_that_called(custom):
    person = Person("theirs", "open sesame")
    result = custom.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=person)
    assert isinstance(result, SignedIn)
    assert person.seen == [
        ("tell", "Which word opens the door?"),
        ("image", b"GIF89a", "image/gif", "a door"),
        ("audio", b"RIFF", "audio/wav", "a creak"),
        ("link", "https://example.org/door", "a door", True),
        ("link", "https://example.org/key", "a key", False),
        ("ask", "Whose door?", False),
        ("choose", "Which door?", "left", "right"),
        ("ask", "The word?", True),
    ]
    assert person.threads == {threading.current_thread()}


def test_a_prompt_that_is_awaited_serves_as_it_is(custom, tmp_path):
    scripted = ScriptedPrompt(["theirs", "left", "open sesame"])
    terminal = TerminalPrompt(
        image_folder=tmp_path,
        input=io.StringIO("theirs\nleft\nopen sesame\n"),
        output=io.StringIO(),
    )
    for prompt in (scripted, terminal):
        result = custom.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=prompt)
        assert isinstance(result, SignedIn)


def test_an_error_of_a_plain_prompt_is_told_without_its_text(pool):
    class Asks:
        name = "word"
        interface = 2

        def form(self, challenge):
            return Form(parts=[TextField(name="word", label="Word")])

        def read(self, challenge, filled):
            return filled["word"]

    class Broken(Person):
        def ask(self, question: str, *, hidden: bool = False) -> str:
            raise ValueError("canary")

    with (
        sync.AuthClient(pool.config, challenges=[Asks]) as auth,
        pytest.raises(PromptError, match="the prompt failed: ValueError") as failed,
    ):
        auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=Broken())
    assert "canary" not in str(failed.value)


def test_what_is_no_prompt_is_refused(auth):
    for wrong in (5, "prompt", Person, object()):
        with pytest.raises(MisuseError, match="prompt must be a Prompt"):
            auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=wrong)


def test_a_prompt_of_fields_or_widgets_is_asked_by_these():
    class Fields(Person):
        def ask_field(self, part):
            return "x"

    class Widgets(Person):
        def solve_widget(self, widget):
            return "x"

    class Both(Fields, Widgets):
        pass

    kinds = [type(asked_by(each())) for each in (Person, Fields, Widgets, Both)]
    assert kinds == [InItsThread, FieldsInItsThread, WidgetsInItsThread, FieldsInItsThread]
    scripted = ScriptedPrompt([])
    assert asked_by(scripted) is scripted
    assert asked_by(None) is None


def test_a_plain_prompt_that_has_no_more_answers_ends_the_call(custom):
    """No future takes a StopIteration, and no coroutine may raise one."""

    class Spent(Person):
        def ask(self, question: str, *, hidden: bool = False) -> str:
            return next(iter(()))

    with pytest.raises(PromptError, match=r"RuntimeError at .*test_plain_prompt\.py"):
        custom.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=Spent())
