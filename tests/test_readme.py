"""README's examples are run as they stand, and what it says of the project is compared with it."""

import base64
import importlib.util
import io
import os
import pydoc
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pyotp
import pytest
from attrs import evolve
from cryptography.fernet import Fernet
from joserfc import jwt
from joserfc.jwk import RSAKey

from authflow import (
    AdminClient,
    AskAgainError,
    AuthClient,
    AuthFlow,
    Form,
    SessionSpentError,
    SignedIn,
    SignedOutError,
)
from authflow.cli import main
from authflow.client import ScriptedPrompt
from authflow.plugins import CLIENT_CHALLENGES, TRIGGER_CHALLENGES, PluginRegistry, TextField
from authflow.secret import Secret
from authflow.stores import MemoryStore
from authflow.testing import PASSWORD, MovableClock
from authflow.triggers import (
    CustomEmailSenderEvent,
    KeyRing,
    RedisStore,
    Triggers,
    challenge,
    sequence,
)
from authflow.triggers.check.proof import prove

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def checked_by_lint() -> ModuleType:
    """What `make lint` runs on README: it finds the same examples."""
    path = ROOT / ".ci" / "public_types.py"
    spec = importlib.util.spec_from_file_location("public_types", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXAMPLES = dict(
    zip(
        (
            "first user",
            "sign in",
            "my triggers",
            "answer captcha",
            "tickets",
            "tokens",
            "several pools",
            "kept users",
            "remembered devices",
            "devices of browsers",
            "pacing",
            "second factors",
            "accounts",
            "administration",
            "triggers",
            "policy",
            "limits",
            "custom senders",
            "forms",
            "test without AWS",
        ),
        checked_by_lint().examples(README).values(),
        strict=True,
    )
)


WATCHED = """

class Watched:
    def __init__(self, triggers):
        self.triggers = triggers
        self.sources = triggers.sources

    async def handle(self, event):
        filled_in = await self.triggers.handle(event)
        private = filled_in["response"].get("privateChallengeParameters") or {}
        with open("wanted", "a") as file:
            file.write(private.get("answer", "") + chr(10))
        return filled_in

triggers = Watched(triggers)
"""
"""Stands below README's triggers: their owner may look at the answer that is wanted."""


@contextmanager
def served(command: str, folder: Path, environ: dict[str, str]) -> Iterator[None]:
    """Run what README has a newcomer start in a terminal of its own, and end it by Ctrl-C."""
    with subprocess.Popen(
        command.split(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=folder,
        env=environ,
    ) as server:
        try:
            assert "endpoint" in server.stdout.readline()
            yield
        finally:
            server.send_signal(signal.SIGINT)
    assert server.returncode == 0


def with_answers(command: str, folder: Path, environ: dict[str, str]) -> tuple[str, str]:
    """Run a program whose two questions are answered, the first one wrongly."""
    told = ""
    with subprocess.Popen(
        ["sh", "-euc", command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environ,
    ) as process:
        for answer in ("WRONG", None):
            while not told.rstrip(" ").endswith("?") and (read := process.stderr.read(1)):
                told += read
            told += "\n"
            assert told.rstrip().endswith("?"), told
            typed = answer or (folder / "wanted").read_text().split()[-1]
            process.stdin.write(f"{typed}\n")
            process.stdin.flush()
        printed, more = process.communicate()
    return printed, told + more


def test_the_way_from_a_new_pool_to_a_custom_challenge_is_as_it_is_told(
    tmp_path, monkeypatch, capsys
):
    """All that a newcomer types, in that order, but for the port: 9229 may be in use here."""
    serve, others, serve_again, captcha = re.findall(
        r"^```sh\n(.*?)^```", README, re.DOTALL | re.MULTILINE
    )
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = str(listener.getsockname()[1])
    for name in ("first user", "sign in", "my triggers", "answer captcha"):
        file = tmp_path / f"{name.replace(' ', '_')}.py"
        file.write_text(EXAMPLES[name].replace("9229", port))
    environ = {
        **{name: value for name, value in os.environ.items() if "AUTHFLOW" not in name},
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    with served(f"{serve} --port {port}", tmp_path, environ):
        done = subprocess.run(
            ["sh", "-euc", others],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=environ,
        )
    assert done.stdout == "ada is signed in for 3600 seconds\n", done.stderr
    assert (tmp_path / "users.sqlite").exists()

    with (tmp_path / "my_triggers.py").open("a") as file:
        file.write(WATCHED)
    with served(f"{serve_again} --port {port}", tmp_path, environ):
        printed, told = with_answers(f". ./pool.env; {captcha}", tmp_path, environ)
        assert printed == "signed in\n", told
        pictures = sorted((tmp_path / "captchas").iterdir())
        assert [each.read_bytes()[:4] for each in pictures] == [b"\x89PNG"] * 2
        assert str(pictures[0].relative_to(tmp_path)) in told

        for name, value in re.findall(r"export (\w+)=(.*)", (tmp_path / "pool.env").read_text()):
            monkeypatch.setenv(name, value)
        exec(EXAMPLES["tokens"], {})  # noqa: S102  # it is our own README
    assert capsys.readouterr().out.splitlines() == [
        "InitiateAuth",
        "RespondToAuthChallenge",
        "the request is from ada",
    ]


async def test_the_example_of_a_service_tells_who_may_and_what_to_answer_the_others():
    namespace: dict[str, Any] = {}
    key = RSAKey.generate_key(2048, {"kid": "k1"})
    namespace["KEYS"] = {"keys": [key.as_dict(private=False)]}
    example = EXAMPLES["several pools"].replace('["1desk"]', '["1desk"], jwks=KEYS')
    exec(example, namespace)  # noqa: S102  # it is our own README
    good = {
        "iss": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Staff",
        "sub": "3c9d",
        "username": "ada",
        "token_use": "access",
        "client_id": "1desk",
        "cognito:groups": ["support"],
        "scope": "orders/read orders/write",
        "iat": int(time.time()),
        "exp": 4_102_444_800,
    }

    async def answered(**changes: Any) -> tuple[int, str]:
        token = jwt.encode({"alg": "RS256", "kid": "k1"}, {**good, **changes}, key)
        answer: tuple[int, str] = await namespace["answer"](token)
        return answer

    assert await answered() == (200, "ada of ['support'] until 00:00")
    assert await answered(exp=1) == (401, "refresh")
    assert await answered(client_id="1web") == (401, "sign in")
    assert await answered(scope="orders/read") == (
        *(403, "the token must have the scope orders/read and orders/write"),
    )
    assert await answered(**{"cognito:groups": ["guests"]}) == (
        *(403, "the user must be in the group admins or support"),
    )


async def test_the_example_of_pacing_signs_many_users_in(live_pool):
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["pacing"], namespace)  # noqa: S102  # it is our own README
    async with live_pool() as pool:
        for username in ("ada", "grace"):
            await pool.add_user(username)
        config = await pool.app_client()
        assert await namespace["signed_in"](config, {"ada": PASSWORD, "grace": PASSWORD}) == 2


@pytest.mark.system("redis-server")
async def test_the_example_of_kept_users_logs_in_calls_and_logs_out(
    live_pool, redis_url, monkeypatch
):
    monkeypatch.setenv("AUTHFLOW_KEYS", KeyRing.generate().to_json().reveal())
    async with live_pool(users={"ada": PASSWORD}) as pool:
        for name in ("endpoint", "user_pool_id", "client_id"):
            monkeypatch.setenv(f"AUTHFLOW_{name.upper()}", str(getattr(pool.config, name)))
        namespace: dict[str, Any] = {}
        example = EXAMPLES["kept users"].replace("redis://localhost", redis_url)
        exec(example, namespace)  # noqa: S102  # it is our own README
        async with namespace["auth"] as auth, auth.store:
            cookie = await namespace["log_in"]("ada", PASSWORD)
            headers = await namespace["headers"](cookie)
            assert await namespace["headers"](cookie) == headers
            token = headers["Authorization"].removeprefix("Bearer ")
            await pool.call("GetUser", AccessToken=token)
            await namespace["log_out"](cookie)
            with pytest.raises(SignedOutError):
                await namespace["headers"](cookie)
            assert (await pool.refused("GetUser", AccessToken=token)).code


async def test_the_example_of_remembered_devices_asks_once_and_is_proved_then(
    live_pool, monkeypatch
):
    monkeypatch.setenv("AUTHFLOW_KEYS", KeyRing.generate().to_json().reveal())
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["remembered devices"], namespace)  # noqa: S102  # it is our own README
    remembers = {"DeviceConfiguration": {"DeviceOnlyRememberedOnUserPrompt": True}}
    async with live_pool(users={"ada": PASSWORD}, pool=remembers) as pool:
        store, prompt = MemoryStore(), ScriptedPrompt(["yes"])
        for _ in range(2):  # a second question would find no answer
            listed = await namespace["devices"](pool.config, store, prompt, "ada", PASSWORD)
            assert listed == ["my laptop"]


async def test_the_example_of_devices_of_browsers_proves_each_ones_own_and_takes_no_made_up_one(
    live_pool,
):
    namespace: dict[str, Any] = {"__name__": "example"}
    exec(EXAMPLES["devices of browsers"], namespace)  # noqa: S102  # it is our own README
    sign_in_from, remembered = namespace["sign_in_from"], namespace["remembered"]
    users = {"ada": PASSWORD, "bob": PASSWORD}
    remembers = {"DeviceConfiguration": {"DeviceOnlyRememberedOnUserPrompt": True}}
    async with (
        live_pool(users=users, pool=remembers) as pool,
        AuthClient(pool.config, remember_device="caller") as service,
    ):
        box = Fernet(Fernet.generate_key())

        async def sign_in(cookie: str | None, name: str = "ada") -> SignedIn:
            return await sign_in_from(cookie, service, box, name, PASSWORD)

        first = await sign_in(None)
        cookie = await remembered(service, box, first)
        assert (await sign_in(cookie)).tokens.device == first.tokens.device
        assert first.tokens.device.password.reveal() not in cookie
        for given, name in ((None, "ada"), (cookie[:-9], "ada"), ("é", "ada"), (cookie, "bob")):
            assert (await sign_in(given, name)).tokens.device.key != first.tokens.device.key
        assert (await sign_in(cookie)).tokens.device == first.tokens.device


async def test_the_example_of_second_factors_enrols_and_signs_in_and_leads_through_a_set_up(
    live_pool, capsys
):
    class Person(ScriptedPrompt):
        """Looks at the app for the code; the app gets its key from the link."""

        async def ask(self, question: str, *, hidden: bool = False) -> str:
            (key,) = parse_qs(urlsplit(self.links[-1]).query)["secret"]
            return pyotp.HOTP(key).at(int(clock.now // 30))

    clock = MovableClock()
    namespace: dict[str, Any] = {"__name__": "example"}
    exec(EXAMPLES["second factors"], namespace)  # noqa: S102  # it is our own README
    async with (
        live_pool(users={"ada": PASSWORD, "ben": PASSWORD}, clock=clock) as pool,
        pool.client() as auth,
    ):
        for mode in ("OPTIONAL", "ON"):
            await pool.call(
                "SetUserPoolMfaConfig",
                UserPoolId=pool.user_pool_id,
                MfaConfiguration=mode,
                SoftwareTokenMfaConfiguration={"Enabled": True},
            )
            if mode == "OPTIONAL":
                ada = Person([])
                user = await namespace["signed_in"](auth, "ada", PASSWORD, ada)
                await namespace["turn_on"](auth, user, ada)
                assert capsys.readouterr().out == "asked for from now on: SOFTWARE_TOKEN_MFA\n"
        clock.advance(60)
        assert (await namespace["signed_in"](auth, "ada", PASSWORD, ada)).username == "ada"
        assert (await namespace["signed_in"](auth, "ben", PASSWORD, Person([]))).username == "ben"


async def test_the_example_of_accounts_leads_through_a_users_life(live_pool):
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["accounts"], namespace)  # noqa: S102  # it is our own README
    async with live_pool(users={}, pool={"AutoVerifiedAttributes": ["email"]}) as pool:

        class Person(ScriptedPrompt):
            """Reads the newest mail, and types its code as it was written."""

            async def ask(self, question: str, *, hidden: bool = False) -> str:
                if hidden:
                    return "An0ther-password"
                code = (await pool.messages("ada"))[-1].code
                assert code is not None
                return f" {code.reveal()}\n"

        owner = {"UserPoolId": pool.user_pool_id, "Username": "ada"}
        async with AuthClient(pool.config) as auth:
            ada = Person([])
            sub = await namespace["new_account"](auth, ada, "ada", PASSWORD, "ada@example.org")
            first = await namespace["signed_in"](auth, ada, "ada", PASSWORD)
            profile = await auth.user(first.tokens.access_token)
            assert profile.attributes == {
                "sub": sub,
                "email": "ada@example.org",
                "email_verified": "true",
            }
            moved = await namespace["moved"](auth, ada, first, "lovelace@example.org")
            assert moved == "lovelace@example.org"
            await pool.call("AdminResetUserPassword", **owner)
            again = await namespace["signed_in"](auth, ada, "ada", PASSWORD)
            assert isinstance(again, SignedIn)
            await auth.delete_user(again.tokens.access_token)
            await auth.sign_up("ada", PASSWORD, attributes={"email": "ada@example.org"})
            late = await namespace["signed_in"](auth, ada, "ada", PASSWORD)
            assert isinstance(late, SignedIn)


async def test_the_example_of_administration_invites_and_signs_in(live_pool, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["administration"], namespace)  # noqa: S102  # it is our own README
    async with live_pool(users={"ben": PASSWORD}) as pool:
        async with AdminClient(pool.config) as admin:
            await admin.create_group("staff")
            await admin.add_to_group("ben", "staff")
            signed_in = await namespace["signed_in"](admin, "ben", PASSWORD, "203.0.113.7")
            assert isinstance(signed_in, SignedIn)
        members = await namespace["hired"](pool.config, "ada", "ada@example.org")
        assert sorted(members) == ["ada", "ben"]
        (invitation,) = await pool.messages("ada")
        assert invitation.destination == "ada@example.org"


def test_the_example_of_triggers_is_a_lambda_handler_that_asks_for_the_password_first():
    namespace: dict[str, Any] = {"__name__": "my_triggers"}
    exec(EXAMPLES["triggers"], namespace)  # noqa: S102  # it is our own README
    event = {
        "version": "1",
        "triggerSource": "DefineAuthChallenge_Authentication",
        "region": "eu-central-1",
        "userPoolId": "eu-central-1_Abc123def",
        "userName": "ada",
        "callerContext": {"awsSdkVersion": "aws-sdk-js-2.6.4", "clientId": "1example"},
        "request": {
            "userAttributes": {"sub": "x"},
            "session": [{"challengeName": "SRP_A", "challengeResult": True}],
        },
        "response": {"challengeName": None, "issueTokens": None, "failAuthentication": None},
    }
    response = namespace["lambda_handler"](event, None)["response"]
    assert response == {
        "challengeName": "PASSWORD_VERIFIER",
        "issueTokens": False,
        "failAuthentication": False,
    }


async def test_the_example_of_a_policy_is_proved():
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["policy"], namespace)  # noqa: S102  # it is our own README
    verdict = await prove(namespace["policy"])
    assert [finding.name for finding in verdict.findings if not finding.holds] == []


def test_the_example_of_limits_gives_triggers_with_limits(monkeypatch):
    monkeypatch.setenv("AUTHFLOW_KEYS", KeyRing.generate().to_json().reveal())
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["limits"], namespace)  # noqa: S102  # it is our own README
    assert isinstance(namespace["triggers"].limits.store, RedisStore)


async def test_the_example_of_custom_senders_delivers_a_code(aws_url, aws_credentials):
    kms = boto3.client("kms", endpoint_url=aws_url)
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    example = re.sub(
        r'arn="[^"]*"', f'arn="{arn}", endpoint="{aws_url}"', EXAMPLES["custom senders"]
    )
    namespace: dict[str, Any] = {}
    exec(example, namespace)  # noqa: S102  # it is our own README
    delivered = []

    async def deliver(address, code):
        delivered.append((address, code.reveal()))

    namespace["deliver"] = deliver
    async with namespace["key"] as key:
        code = await key.encrypt(Secret("493021"), {"userpool-id": "eu-central-1_abcdefghi"})
        event = CustomEmailSenderEvent(
            source="CustomEmailSender_ForgotPassword",
            user_pool_id="eu-central-1_abcdefghi",
            client_id="any",
            username="ada",
            user_attributes={"email": "ada@example.com"},
            code=Secret(base64.b64encode(code).decode()),
        )
        await namespace["triggers"].handle(event.to_json())
    assert delivered == [("ada@example.com", "493021")]


async def test_the_example_of_forms_signs_in_by_a_page(live_pool, word):
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["forms"], namespace)  # noqa: S102  # it is our own README

    class Pager(word):
        name, metadata = "pager", "PAGER"

    triggers = Triggers(policy=sequence(challenge("pager", attempts=2)), challenges=[Pager])
    async with live_pool(triggers=triggers) as pool:
        await pool.add_user()
        config = await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)
        async with AuthClient(config, challenges=[namespace["PagerPrompter"]]) as auth:
            pending = await auth.sign_in("ada")
            (part,) = namespace["page"](auth, pending)["parts"]
            assert (part["name"], part["label"]) == ("code", "The code of your pager:")
            with pytest.raises(AskAgainError):
                await namespace["go_on"](auth, pending, {"code": ""})
            result = await namespace["go_on"](auth, pending, {"code": "open sesame"})
    assert isinstance(result, SignedIn)


@pytest.mark.system("redis-server")
async def test_the_example_of_tickets_goes_on_at_another_worker_that_shares_keys_and_a_store(
    live_pool, word, monkeypatch, redis_url
):
    class PagerForm:
        name, interface = "pager", 2

        def form(self, challenge):
            return Form(parts=(TextField(name="code", label=challenge.parameters["hint"]),))

        def read(self, challenge, filled):
            return filled["code"]

    class Pager(word):
        name, metadata = "pager", "PAGER"

    triggers = Triggers(policy=sequence(challenge("pager", attempts=2)), challenges=[Pager])
    monkeypatch.setenv("AUTHFLOW_KEYS", KeyRing.generate().to_json().reveal())
    monkeypatch.setenv("REDIS_URL", redis_url)
    async with live_pool(triggers=triggers, users={"ada": "Correct-horse-1"}) as pool:
        for name in ("user_pool_id", "client_id", "endpoint"):
            monkeypatch.setenv(f"AUTHFLOW_{name.upper()}", str(getattr(pool.config, name)))
        workers: list[dict[str, Any]] = [{}, {}]
        for namespace in workers:
            exec(EXAMPLES["tickets"], namespace)  # noqa: S102  # it is our own README
        first, second = workers
        auths = [evolve(each["worker"](), challenges=[PagerForm]) for each in workers]
        async with auths[0] as one, auths[1] as two, one.store, two.store:
            shown = await first["begin"](one, "ada")
            assert shown["form"]["parts"][0]["label"] == "a door of thieves"
            again = await second["go_on"](two, shown["ticket"], {"code": ""})
            assert again["ticket"] == shown["ticket"]
            wrong = await second["go_on"](two, shown["ticket"], {"code": "wrong"})
            with pytest.raises(SessionSpentError):  # the page was sent again
                await first["go_on"](one, shown["ticket"], {"code": "open sesame"})
            done = await first["go_on"](one, wrong["ticket"], {"code": "open sesame"})
            assert done == {"signed_in": "ada"}


def test_the_example_of_testing_without_aws_signs_in_to_its_own_pool():
    done = subprocess.run(
        [sys.executable, "-c", EXAMPLES["test without AWS"]],
        capture_output=True,
        text=True,
        check=False,
    )
    signed_in, *told = done.stdout.splitlines() or [done.stderr]
    assert signed_in.startswith("SignedIn("), done.stderr
    assert "Secret(***)" in signed_in
    assert told == ["a code went to grace@example.com", "ada may not sign in any more"], done.stderr


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^a-z0-9-]", each, maxsplit=1)[0] for each in requirements}


def test_every_dependency_is_named_with_its_reason():
    extras = PROJECT["project"]["optional-dependencies"]
    ours = names(PROJECT["project"]["dependencies"])
    for extra in extras.keys() - {"all"}:
        ours |= names(extras[extra])
    table = README.partition("| dependency | why |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`([a-z0-9-]+)`", table)) - (set(extras) - ours)
    assert ours <= named
    for plugin in ("captcha", "otp", "question"):
        project = tomllib.loads((ROOT / "plugins" / plugin / "pyproject.toml").read_text())
        ours |= names(project["project"]["dependencies"]) | {f"authflow-{plugin}"}
    assert named <= ours


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_two_commands_at_the_top_are_targets_of_the_makefile(target):
    assert f"make {target} " in README.partition("##")[0]
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


GROUPS = (CLIENT_CHALLENGES, TRIGGER_CHALLENGES)
PAGES = ["README.md", *(f"plugins/{each}/README.md" for each in ("captcha", "otp", "question"))]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_that_an_index_shows_leads_somewhere_from_there(page):
    """An index has no files beside the page, and no anchors in it."""
    ours = PROJECT["project"]["urls"]["Homepage"] + "/blob/main/"
    for link, title in re.findall(r'\]\(([^) ]+)(?: "(\w+)")?\)', (ROOT / page).read_text()):
        assert link.startswith("https://"), link
        if link.startswith(ours):
            assert (ROOT / link.removeprefix(ours)).exists(), link
        if title:  # the test that shows what is said
            assert f"def {title}(" in (ROOT / link.removeprefix(ours)).read_text(), title


COMMANDS = ["serve", "demo", "diagram", "check", "plugins", "keys", "doctor"]


def help_of(*words: str) -> str:
    told = io.StringIO()
    with redirect_stdout(told), pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0, words
    return told.getvalue()


@pytest.mark.parametrize("page", [*PAGES, "docs/writing-a-plugin.md", "docs/pool.md"])
def test_every_command_and_option_that_a_page_names_is_there(page):
    text = (ROOT / page).read_text()
    named = {*re.findall(rf"\bauthflow ((?:{'|'.join(COMMANDS)})\b[^`|\n;&>)]*)", text)}
    installed = {info.name for group in GROUPS for info in PluginRegistry(group).listed()}
    for call in sorted(named):
        words = shlex.split(call)
        below = words[1:2] if re.match(r"(plugins (new|check)|keys \w)", call) else []
        told = help_of(words[0], *below)
        assert [word for word in words if word.startswith("--") and word not in told] == [], call
        if call.startswith("plugins check") and len(words) > 2:
            assert words[2] in installed | {"pager"}, "the tutorial's own"
    every = " ".join([*map(help_of, COMMANDS), help_of("plugins", "check"), help_of("keys", "use")])
    options = {*re.findall(r"`(--[a-z-]+)", text)}
    assert [option for option in options if option not in every] == []
    assert named or page == "docs/pool.md"


@pytest.mark.parametrize("name", ["authflow", "authflow.AuthClient", "authflow.triggers.Triggers"])
def test_what_readme_says_of_pydoc_is_so(name):
    told = pydoc.render_doc(name, renderer=pydoc.plaintext)
    assert "Args:" in told


def test_no_file_records_the_address_of_a_registry():
    names = ["constraints.txt", "constraints-ldap.txt", "pyproject.toml", "Makefile"]
    names += [f"plugins/{plugin}/pyproject.toml" for plugin in ("captcha", "otp", "question")]
    names += [f"tests/interop/identity_js/{file}.json" for file in ("package", "package-lock")]
    for name in names:
        text = (ROOT / name).read_text()
        assert not re.search(r"index-url|find-links|https?://\S*(simple|pypi|registry)", text), name
        assert '"resolved"' not in text, name


def test_every_pin_has_hashes():
    pins = re.split(r"\n(?=[a-z])", (ROOT / "constraints.txt").read_text().strip())
    assert len(pins) > 40
    assert all("==" in pin and "--hash=sha256:" in pin for pin in pins)
