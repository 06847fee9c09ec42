"""The README says what is so."""

import os
import re
from pathlib import Path
from typing import Any

import pyotp
import pytest
from authflow_otp.authenticator import Hotp, Totp
from authflow_otp.link import LONGEST_LINK_LIFE, Link
from authflow_otp.messages import BUILT_IN, Template
from authflow_otp.trigger import LONGEST_LIFE, Otp

from authflow import AuthClient, SignedIn
from authflow.client import ScriptedPrompt
from authflow.errors import ConfigError
from authflow.plugins import settings_schema
from authflow.triggers import DefineEvent, DynamoDbStore, KeyRing, Limits, SessionEntry, Triggers

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
TRIGGER_EXAMPLE, CLIENT_EXAMPLE, LINK_EXAMPLE, ELSEWHERE_EXAMPLE, ENROL_EXAMPLE = re.findall(
    r"```python\n(.*?)```", README, re.DOTALL
)


def run(example: str, **given: Any) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example", **given}
    exec(compile(example, "README.md", "exec"), names)  # noqa: S102  # our own README
    return names


def row(name: str, told: dict[str, Any], *, required: bool) -> str:
    default = f"`{told['default']}`" if "default" in told else ""
    allowed = f"{told['minimum']} to {told['maximum']}" if "minimum" in told else ""
    if "maxLength" in told:
        allowed = f"1 to {told['maxLength']} characters"
    shown = "required" if required else default
    return f"| `{name}` | {shown} | {allowed} | {told['description']} |"


@pytest.mark.parametrize("plugin", [Otp, Link, Totp, Hotp])
def test_the_settings_tables_are_generated_and_true(plugin: type[Any]) -> None:
    schema = settings_schema(plugin)
    table = README.partition(f"<!-- settings {plugin.name} -->")[2].partition("<!-- settings end")[
        0
    ]
    assert re.findall(r"^\| `.*$", table, re.MULTILINE) == [
        row(name, told, required=name in schema["required"])
        for name, told in schema["properties"].items()
    ]


@pytest.fixture
def key_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHFLOW_KEYS", KeyRing.generate().to_json().reveal())


async def test_the_trigger_example_serves_a_flow(
    key_ring: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "Mail-secret-1")
    triggers = run(TRIGGER_EXAMPLE)["triggers"]
    assert isinstance(triggers, Triggers)
    by_srp = tuple(
        SessionEntry(challenge_name=name, challenge_result=True)
        for name in ("SRP_A", "PASSWORD_VERIFIER")
    )
    passed = SessionEntry(
        challenge_name="CUSTOM_CHALLENGE",
        challenge_result=True,
        challenge_metadata="OTP_CHALLENGE",
    )
    for session, expected in ((by_srp, "CUSTOM_CHALLENGE"), ((*by_srp, passed), "TOKENS")):
        event = DefineEvent(
            user_pool_id="eu-central-1_Abc123def",
            client_id="6hr1dqf1exampleclientid123",
            username="ada",
            user_attributes={"sub": "1"},
            session=session,
        )
        decided = event.read_reply(await triggers.handle(event.to_json()))
        assert decided.name == expected


async def test_the_client_example_runs_until_it_finds_no_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in os.environ if name.startswith("AUTHFLOW_")]:
        monkeypatch.delenv(name)
    main = run(CLIENT_EXAMPLE)["main"]
    with pytest.raises(ConfigError, match="AUTHFLOW_USER_POOL_ID"):
        await main()


async def test_the_enrolment_example_enrols_an_app(
    key_ring: None, aws: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws)
    async with DynamoDbStore(table="authenticators") as entries:
        await entries.create_table()

    class App(ScriptedPrompt):
        async def ask(self, question: str, *, hidden: bool = False) -> str:
            code: str = pyotp.parse_uri(self.links[0]).now()
            return code

    prompt = App([])
    enrol_app = run(ENROL_EXAMPLE)["enrol_app"]
    assert await enrol_app("eu-central-1_A", "ada", "sub of ada", "ada@example.com", prompt)
    assert prompt.links[0].startswith("otpauth://totp/Example%20Shop:ada%40example.com?")


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_the_link_examples_sign_in(
    key_ring: None,
    outbox: Any,
    open_house: Any,
    limits: Limits,
    monkeypatch: pytest.MonkeyPatch,
    *,
    elsewhere: bool,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    given = {"sender": outbox, "limits": limits}
    names = run(ELSEWHERE_EXAMPLE if elsewhere else LINK_EXAMPLE, **given)
    example = run(LINK_EXAMPLE, **given)
    begin, go_on = example["begin"], example["go_on"]
    assert isinstance(example["triggers"], Triggers)
    assert (names["page"].anywhere is not None) is elsewhere
    assert (names["page"].continue_url is not None) is not elsewhere
    async with open_house(names["link"]) as house:
        await house.user(email="ada@example.com", email_verified="true")
        async with AuthClient(house.pool.config, keys=limits.keys, store=limits.store) as auth:
            ticket = await begin(auth, "ada")
            link = outbox.sent[0].link.reveal()
            assert link.startswith("https://shop.example.com/link#link")
            pending = await auth.resume(ticket)
            assert ("number" in pending.challenge.parameters) is elsewhere
            assert await go_on(auth, ticket, "no link") == ticket
            gone = KeyRing.generate("gone")
            async with AuthClient(house.pool.config, keys=gone, store=limits.store) as before:
                of_old = await before.seal(pending)
            flipped = ticket[:50] + ("B" if ticket[50] == "A" else "A") + ticket[51:]
            strange = (None, "", "x", "\0", "\ud800", "a" * 10**6, ticket[:-5], flipped, of_old)
            for other in (*strange, ticket.replace("1", "9", 1), f"{ticket}.", " "):
                assert await go_on(auth, other, link) is None
            wrong = f"{link[:60]}{'b' if link[60] == 'a' else 'a'}{link[61:]}"
            later = await go_on(auth, ticket, wrong)
            assert isinstance(later, str)
            assert later != ticket
            assert isinstance(await go_on(auth, later, link), SignedIn)
            assert await go_on(auth, later, link) is None


def test_what_the_text_says_of_templates_and_times_is_so() -> None:
    (own,) = re.findall(r'Template\(subject="(.*?)", body="(.*?)"\)', README)
    assert Template(subject=own[0], body=own[1])
    languages = re.findall(r"There are texts in (.*?);", README)[0]
    assert set(re.findall(r"`(\w+)`", languages)) == set(BUILT_IN)
    assert "at most nine minutes" in README
    assert LONGEST_LIFE == 9 * 60
    assert "at most ten minutes" in README
    assert LONGEST_LINK_LIFE == 10 * 60
