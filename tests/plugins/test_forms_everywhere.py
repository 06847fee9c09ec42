"""Every plugin of ours is answered everywhere: at a terminal, by messages, and in another process.

Each sign-in is one at the embedded pool. The page of these tests knows JSON and nothing else.
"""

import io
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import anyio
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from anyio.from_thread import start_blocking_portal
from authflow_captcha import browser, services
from authflow_captcha.conformance import BothFormsClientSuite, CaptchaClientSuite, SoundSuite
from authflow_otp.conformance import (
    HotpClientSuite,
    LinkAnywhereSuite,
    LinkClientSuite,
    OtpBySmsSuite,
    OtpClientSuite,
    TotpClientSuite,
)
from authflow_question.conformance import QuestionClientSuite

from authflow import AuthFlow, ChallengeRequired, Declined, SignedIn
from authflow.cli.new_plugin import write_plugin
from authflow.client import TerminalPrompt, WebPrompt
from authflow.client.pending_data import take_apart
from authflow.forms.form import Form
from authflow.plugins import Secret
from authflow.testing import ClientChallengeSuite, Made, MovableClock, Outbox, TriggerChallengeSuite

TOKENS: set[str] = set()
"""What the service of these tests takes for right, once each."""
ASKED = {"question", "secret", "choice", "widget", "waiting"}


@pytest.fixture(scope="module")
def siteverify() -> Iterator[str]:
    """A service that verifies tokens, at a local address, on an event loop of its own."""

    async def verify(request: web.Request) -> web.Response:
        token = str((await request.post()).get("response"))
        good = token in TOKENS
        TOKENS.discard(token)
        known = {"hostname": "example.com", "action": "sign_in", "score": 0.9} if good else {}
        return web.json_response({"success": good, "error-codes": [], **known})

    app = web.Application()
    app.router.add_post("/siteverify", verify)
    with start_blocking_portal() as portal:
        server = TestServer(app)
        portal.call(server.start_server)
        Service.url = str(server.make_url("/siteverify"))
        yield Service.url
        portal.call(server.close)


class Service(TriggerChallengeSuite):
    """A service's challenge."""

    url = ""
    more: Mapping[str, Any] = {"action": "sign_in"}

    def make_settings(self) -> Mapping[str, Any]:
        known = {"site_key": "key", "secret": Secret("secret"), "hostnames": ["example.com"]}
        return {**known, "url": self.url, **self.more}

    def right_answer(self, made: Made) -> str:
        TOKENS.add(made.private["round"])
        return made.private["round"]


def client_suite(
    half: Any, judge: type[TriggerChallengeSuite], typed: Any = None
) -> type[ClientChallengeSuite]:
    members = {"challenge": half, "trigger": judge, **({"typed": typed} if typed else {})}
    return type("Suite", (ClientChallengeSuite,), members)


def service(half: Any, trigger: Any, more: Mapping[str, Any]) -> type[ClientChallengeSuite]:
    return client_suite(half, type("Judge", (Service,), {"challenge": trigger, "more": more}))


class BothSuite(SoundSuite):
    settings = {"form": "both", "lifetime": 60}  # noqa: RUF012  # as the suite has it


ACTION = {"action": "sign_in"}
SUITES: dict[str, type[ClientChallengeSuite] | None] = {
    "captcha: a picture": CaptchaClientSuite,
    "captcha: the picture of two": BothFormsClientSuite,
    "captcha: a sound": client_suite(CaptchaClientSuite.challenge, SoundSuite),
    "captcha: the sound of two": client_suite(
        CaptchaClientSuite.challenge, BothSuite, lambda _self, answer: ("sound", answer)
    ),
    "turnstile": service(browser.TurnstilePrompter, services.Turnstile, ACTION),
    "hcaptcha": service(browser.HCaptchaPrompter, services.HCaptcha, {}),
    "recaptcha": service(
        browser.ReCaptchaPrompter, services.ReCaptcha, {"version": "v3", **ACTION}
    ),
    "otp: e-mail": OtpClientSuite,
    "otp: text message": client_suite(OtpClientSuite.challenge, OtpBySmsSuite),
    "link": client_suite(LinkClientSuite.challenge, LinkAnywhereSuite),
    "totp": TotpClientSuite,
    "hotp": HotpClientSuite,
    "question": QuestionClientSuite,
    "the template's": None,
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a plugin as `authflow plugins new` writes it."""
    folder = tmp_path_factory.mktemp("pager")
    write_plugin("pager", folder / "new")
    sys.path.insert(0, str(folder / "new"))
    yield folder / "new"
    sys.path.remove(str(folder / "new"))


@pytest.fixture(scope="module")
def elsewhere() -> Iterator["subprocess.Popen[str]"]:
    """Another process, which the pending sign-ins go on in."""
    program = Path(__file__).with_name("answer_elsewhere.py")
    with subprocess.Popen(
        [sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()


class Typist(io.StringIO):
    """Standard input at which a person types when asked."""

    def __init__(self, types: Callable[[], str]) -> None:
        super().__init__()
        self.types = types

    def readline(self, _size: int | None = -1, /) -> str:
        return f"{self.types()}\n"


def person(typed: Callable[[], Sequence[str]]) -> Callable[[], str]:
    """What a person types next; what is right is known when the first question is asked."""
    left: list[str] = []

    def types() -> str:
        if not left:
            left.extend(typed())
        return left.pop(0)

    return types


def filled_in_by_a_page(form: Mapping[str, Any], types: Callable[[], str]) -> dict[str, str]:
    """Show what belongs to a form, and ask, as a page does that knows nothing but JSON."""
    values: dict[str, str] = {}
    for part in form["parts"]:
        condition = part["shown_if"]
        if condition is not None and values.get(condition["choice"]) != condition["option"]:
            continue
        assert part.get("text", part.get("description", part.get("label"))) is not None
        if part["kind"] in ASKED:
            values[part["name"]] = types()
    return values


Way = Callable[..., Awaitable[object]]


async def at_a_terminal(auth: Any, types: Any, tmp_path: Path, **_more: Any) -> object:
    prompt = TerminalPrompt(image_folder=tmp_path, output=io.StringIO(), input=Typist(types))
    result = await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=prompt)
    if isinstance(result, ChallengeRequired):
        assert result.challenge.kind in {"turnstile", "hcaptcha", "recaptcha"}
        assert isinstance(result.because, Declined)
        assert "needs a browser" in result.because.reason
        return await auth.answer(result, types())  # from a browser, where the person solved it
    return result


async def by_messages(auth: Any, types: Any, **_more: Any) -> object:
    prompt, results = WebPrompt(), []

    async def sign_in() -> None:
        results.append(await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=prompt))
        prompt.close()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sign_in)
        async for message in prompt:
            shown = json.loads(json.dumps(message.to_json()))
            if shown["kind"] in ASKED:
                prompt.answer(shown["id"], types())
    return results[0]


async def in_another_process(
    auth: Any, types: Any, elsewhere: Any, plugin: str, path: list[str], **_more: Any
) -> object:
    pending = await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
    form = auth.form(pending)
    assert isinstance(form, Form)
    values = filled_in_by_a_page(json.loads(json.dumps(form.to_json())), types)
    config = auth.config
    job = {
        "config": {name: getattr(config, name) for name in ("user_pool_id", "client_id")}
        | {"endpoint": config.endpoint},
        "now": auth.clock().timestamp(),
        "pending": take_apart(pending),
        "plugin": plugin,
        "path": path,
        "values": values,
    }
    elsewhere.stdin.write(f"{json.dumps(job)}\n")
    elsewhere.stdin.flush()
    return await anyio.to_thread.run_sync(elsewhere.stdout.readline)


@pytest.mark.parametrize("way", [at_a_terminal, by_messages, in_another_process])
@pytest.mark.parametrize("name", SUITES)
@pytest.mark.usefixtures("siteverify")
async def test_a_person_is_signed_in_wherever_they_are(
    name: str, way: Way, *, template: Path, tmp_path: Path, elsewhere: Any
) -> None:
    suite = SUITES[name] or resolve_name("authflow_pager.conformance:PagerClientSuite")
    judge = suite()
    judge.clock, judge.outbox = MovableClock(), Outbox()
    bench, subject = await judge._bench()
    half = suite.challenge
    assert half.interface == 2
    assert not hasattr(half, "answer")
    async with bench.pool(subject.ada) as (pool, _), pool.client(challenges=[half]) as auth:
        result = await way(
            auth,
            person(lambda: judge.typed(subject.right_answer(bench.last_made(subject.ada)))),
            tmp_path=tmp_path,
            elsewhere=elsewhere,
            plugin=f"{half.__module__}:{half.__qualname__}",
            path=[str(template)],
        )
    assert isinstance(result, SignedIn) or result == "SignedIn\n"
