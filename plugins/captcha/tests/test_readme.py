"""The README says what is so, and its examples run."""

import os
import re
import runpy
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from authflow_captcha.browser import TurnstilePrompter

from authflow import AuthClient, Secret, SignedIn
from authflow.errors import ConfigError
from authflow.plugins import Challenge, answer_by_form
from authflow.prompts import ScriptedPrompt, WebPrompt
from authflow.triggers import Triggers, challenge, password, sequence

FOLDER = Path(__file__).parents[1]
README = (FOLDER / "README.md").read_text(encoding="utf-8")
(
    CAPTCHA_TRIGGER,
    CAPTCHA_CLIENT,
    S3_TRIGGER,
    SAMPLE_CLIENT,
    TURNSTILE_TRIGGER,
    HCAPTCHA_TRIGGER,
    RECAPTCHA_TRIGGER,
    SERVICE_CLIENT,
) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)

RunPool = Callable[[Any], AbstractAsyncContextManager[Any]]
Created = Callable[[Triggers], Awaitable[Any]]
Passes = Callable[[Triggers, Any, str], Awaitable[Any]]


def run(example: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(example, "README.md", "exec"), names)  # noqa: S102  # our own README
    return names


def test_the_settings_tables_are_those_of_the_settings() -> None:
    with_tables = runpy.run_path(str(FOLDER / "settings_tables.py"))["with_tables"]
    assert with_tables(README) == README, "run `python settings_tables.py`"
    assert with_tables(README.replace("| 4 to 12 |", "| 4 to 13 |")) == README
    assert README.count("| setting | default |") == 4


async def test_the_trigger_example_serves_a_challenge_and_verifies_its_answer(
    created: Created, passes: Passes
) -> None:
    triggers = run(CAPTCHA_TRIGGER)["triggers"]
    made = await created(triggers)
    assert made.metadata == "CAPTCHA_CHALLENGE"
    assert made.public["captchaUrl"].startswith("data:image/png;base64,")
    assert made.public["audioUrl"].startswith("data:audio/wav;base64,")
    private = made.private
    for answer, right in (
        (private["answer"].lower(), True),
        (private["spoken"], True),
        ("nothing", False),
    ):
        assert await passes(triggers, private, answer) is right


async def test_the_client_example_runs_until_it_finds_no_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in os.environ if name.startswith("AUTHFLOW_")]:
        monkeypatch.delenv(name)
    main = run(CAPTCHA_CLIENT)["main"]
    with pytest.raises(ConfigError, match="AUTHFLOW_USER_POOL_ID"):
        await main()


async def test_the_s3_example_gives_a_link(
    aws_url: str, aws_credentials: None, created: Created
) -> None:
    names = run(S3_TRIGGER)
    publisher = names["publisher"]
    publisher.endpoint = aws_url
    async with publisher:
        s3 = await publisher.connected()
        with suppress(s3.exceptions.BucketAlreadyOwnedByYou):  # the SDK may have asked twice
            await s3.create_bucket(
                Bucket=publisher.bucket,
                CreateBucketConfiguration={"LocationConstraint": publisher.region},
            )
        made = await created(names["triggers"])
    assert "/captcha/" in made.public["captchaUrl"]


async def test_the_samples_client_example_signs_in(
    run_pool: RunPool, documented_sample: Any
) -> None:
    sign_in = run(SAMPLE_CLIENT)["sign_in"]
    prompt = ScriptedPrompt(["6", "5"])
    async with run_pool(documented_sample) as place:
        result = await sign_in(place.config, "ada", "Correct-horse-1", prompt)
    assert isinstance(result, SignedIn)
    assert prompt.links == ["url/123.jpg"] * 2


@pytest.mark.parametrize(
    ("example", "name", "public"),
    [
        (TURNSTILE_TRIGGER, "turnstile", {"siteKey": "key", "action": "sign-in"}),
        (HCAPTCHA_TRIGGER, "hcaptcha", {"siteKey": "key"}),
        (
            RECAPTCHA_TRIGGER,
            "recaptcha",
            {"siteKey": "key", "action": "sign_in", "version": "v3"},
        ),
    ],
)
async def test_a_services_trigger_example_makes_its_challenge(
    monkeypatch: pytest.MonkeyPatch,
    created: Created,
    *,
    example: str,
    name: str,
    public: dict[str, str],
) -> None:
    monkeypatch.setenv(f"{name.upper()}_SITE_KEY", "key")
    monkeypatch.setenv(f"{name.upper()}_SECRET", "canary")
    names = run(example)
    made = await created(names["triggers"])
    told = made.public
    assert {key: told[key] for key in public} == public
    assert told["challenge"] == name
    assert "canary" not in str([dict(told), dict(made.private), made.metadata])
    assert callable(names["lambda_handler"])


async def test_the_services_client_example_signs_in(run_pool: RunPool, siteverify: Any) -> None:
    siteverify.tokens["token"] = {"hostname": "example.com"}
    step = challenge(
        "hcaptcha",
        site_key="key",
        secret=Secret(siteverify.secret),
        hostnames=["example.com"],
        url=siteverify.url,
    )
    shown = []

    async def show_page(form: Mapping[str, Any]) -> Mapping[str, str]:
        (part,) = form["parts"]
        shown.append((part["kind"], part["service"], part["site_key"]))
        return {part["name"]: "token"}

    sign_in = run(SERVICE_CLIENT)["sign_in"]
    triggers = Triggers(policy=sequence(password(), step))
    async with run_pool(triggers) as place, AuthClient(place.config) as auth:
        result = await sign_in(auth, "ada", "Correct-horse-1", show_page)
    assert isinstance(result, SignedIn)
    assert shown == [("widget", "hcaptcha", "key")]


async def test_a_prompt_that_asks_by_messages_asks_for_the_token_of_a_widget() -> None:
    prompt, given = WebPrompt(), []
    asked = Challenge(name="CUSTOM_CHALLENGE", kind="turnstile", parameters={"siteKey": "key"})

    async def answer() -> None:
        given.append(await answer_by_form(TurnstilePrompter(), asked, prompt))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(answer)
        message = await anext(aiter(prompt))
        shown = message.to_json()
        assert (shown["kind"], shown["service"], shown["site_key"]) == (
            *("widget", "turnstile", "key"),
        )
        assert message.wants_answer
        prompt.answer(message.id, "token")
    prompt.close()
    assert given == ["token"]
