import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authflow.errors import (
    ConfigError,
    EventError,
    PluginConflictError,
    PluginFailedError,
    PluginNotFoundError,
)
from authflow.secret import Secret
from authflow.triggers import (
    CreateContext,
    Issued,
    Triggers,
    UnknownUser,
    VerifyContext,
    challenge,
    password,
    sequence,
)

LoadEvent = Callable[..., dict[str, Any]]

SOURCES = {
    "define": "DefineAuthChallenge_Authentication",
    "create": "CreateAuthChallenge_Authentication",
    "verify": "VerifyAuthChallengeResponse_Authentication",
}


class SumChallenge:
    """Asks for the sum of two numbers."""

    name = "sum"
    metadata = "SUM_CHALLENGE"

    def __init__(self, left: int = 2, right: int = 3) -> None:
        self.left, self.right = left, right
        self.created: list[CreateContext] = []
        self.verified: list[VerifyContext] = []

    async def create(self, context: CreateContext) -> Issued:
        self.created.append(context)
        return Issued(
            public={"question": f"{self.left}+{self.right}"},
            private={"answer": str(self.left + self.right)},
        )

    async def verify(self, context: VerifyContext) -> bool:
        self.verified.append(context)
        return context.answer.reveal() == context.private["answer"]


class WordChallenge:
    """Asks for the word that the settings name."""

    name = "word"
    metadata = "WORD_CHALLENGE"

    def __init__(self, *, word: str) -> None:
        self.word = word

    async def create(self, _context: CreateContext) -> Issued:
        return Issued(public={"hint": self.word[0]}, private={})

    async def verify(self, context: VerifyContext) -> bool:
        return context.answer.reveal() == self.word


class Nobody:
    """A directory without users."""

    async def authenticate(self, _username: str, _password: Secret[str]):
        return UnknownUser()

    async def look_up(self, _username: str):
        return UnknownUser()


class CognitoSide:
    """Sends the events of one sign-in in Cognito's order, one merged entry a round.

    It stands for Cognito's service, which cannot run here; the embedded pool has tests of its own.
    """

    def __init__(
        self, triggers: Triggers, *, srp: bool = False, user_not_found: bool = False
    ) -> None:
        self.triggers = triggers
        self.user_not_found = user_not_found
        self.session = [{"challengeName": "SRP_A", "challengeResult": True}] if srp else []
        self.created = {}

    async def send(self, kind: Any, response: Any, **request: Any):
        event = {
            "version": "1",
            "triggerSource": SOURCES[kind],
            "region": "eu-central-1",
            "userPoolId": "eu-central-1_EXAMPLE01",
            "userName": "ada",
            "callerContext": {"awsSdkVersion": "1", "clientId": "1example23456789"},
            "request": {
                "userAttributes": {} if self.user_not_found else {"email": "ada@example.com"},
                "userNotFound": self.user_not_found,
                **request,
            },
            "response": dict.fromkeys(response),
        }
        filled = await self.triggers.handle(json.loads(json.dumps(event)))
        return json.loads(json.dumps(filled))["response"]

    async def define(self):
        """Give "tokens", "failed", "PASSWORD_VERIFIER" or the public challenge parameters."""
        decided = await self.send(
            "define",
            ["challengeName", "issueTokens", "failAuthentication"],
            session=self.session,
        )
        match decided:
            case {"issueTokens": True, "failAuthentication": False, "challengeName": None}:
                return "tokens"
            case {"issueTokens": False, "failAuthentication": True, "challengeName": None}:
                return "failed"
            case {
                "issueTokens": False,
                "failAuthentication": False,
                "challengeName": "PASSWORD_VERIFIER",
            }:
                return "PASSWORD_VERIFIER"
            case {
                "issueTokens": False,
                "failAuthentication": False,
                "challengeName": "CUSTOM_CHALLENGE",
            }:
                return await self.create()
        pytest.fail(f"Cognito knows no such decision: {decided}")

    async def create(self):
        self.created = await self.send(
            "create",
            ["publicChallengeParameters", "privateChallengeParameters", "challengeMetadata"],
            session=self.session,
            challengeName="CUSTOM_CHALLENGE",
        )
        return self.created["publicChallengeParameters"]

    async def prove_password(self):
        self.session.append({"challengeName": "PASSWORD_VERIFIER", "challengeResult": True})
        return await self.define()

    async def answer(self, text: str):
        verified = await self.send(
            "verify",
            ["answerCorrect"],
            privateChallengeParameters=self.created["privateChallengeParameters"],
            challengeAnswer=text,
        )
        self.session.append(
            {
                "challengeName": "CUSTOM_CHALLENGE",
                "challengeResult": verified["answerCorrect"],
                "challengeMetadata": self.created["challengeMetadata"],
            }
        )
        return await self.define()


def triggers_of(*steps: Any, challenges: Any = (SumChallenge, WordChallenge), **settings: Any):
    return Triggers(policy=sequence(*steps), challenges=challenges, **settings)


async def test_a_wrong_answer_is_asked_again_and_the_right_one_gives_tokens():
    cognito = CognitoSide(triggers_of(challenge("sum", attempts=2)))
    first = {"question": "2+3", "challenge": "sum", "attempt": "1", "attempts": "2"}
    assert await cognito.define() == first
    assert await cognito.answer("6") == {**first, "attempt": "2"}
    assert await cognito.answer("5") == "tokens"


async def test_the_last_wrong_answer_fails_the_sign_in():
    cognito = CognitoSide(triggers_of(challenge("sum", attempts=2)))
    await cognito.define()
    await cognito.answer("6")
    assert await cognito.answer("7") == "failed"


async def test_the_password_comes_first_where_the_policy_wants_it():
    cognito = CognitoSide(triggers_of(password(), challenge("sum")), srp=True)
    assert await cognito.define() == "PASSWORD_VERIFIER"
    asked = await cognito.prove_password()
    assert asked["attempt"] == "1"
    assert await cognito.answer("5") == "tokens"


async def test_a_client_that_leaves_the_password_out_fails():
    assert await CognitoSide(triggers_of(password(), challenge("sum"))).define() == "failed"


async def test_a_password_alone_needs_no_plugin():
    cognito = CognitoSide(Triggers(policy=sequence(password())), srp=True)
    await cognito.define()
    assert await cognito.prove_password() == "tokens"


async def test_each_step_is_verified_by_its_own_plugin_with_its_own_settings():
    cognito = CognitoSide(
        triggers_of(
            challenge("word", word="apple"),
            challenge("sum", left=20),
            challenge("word", word="pear"),
        )
    )
    assert (await cognito.define())["hint"] == "a"
    assert (await cognito.answer("apple"))["question"] == "20+3"
    assert (await cognito.answer("23"))["hint"] == "p"
    assert (await cognito.answer("apple"))["attempt"] == "2"
    assert await cognito.answer("pear") == "tokens"


@settings(max_examples=60, deadline=None)
@given(st.booleans(), st.lists(st.sampled_from(["5", "6"]), min_size=6, max_size=6))
async def test_an_unknown_user_sees_the_same_shape_and_never_tokens(srp: bool, answers: list[str]):
    steps = [*([password()] if srp else []), challenge("sum"), challenge("sum", right=1)]
    hidden = CognitoSide(triggers_of(*steps), srp=srp, user_not_found=True)
    wrong = CognitoSide(triggers_of(*steps), srp=srp)
    seen = [await hidden.define()], [await wrong.define()]
    if srp:
        seen = [await hidden.prove_password()], [await wrong.prove_password()]
    while seen[0][-1] != "failed":
        seen[0].append(await hidden.answer(answers[len(seen[0])]))
        seen[1].append(await wrong.answer("no number"))
    assert seen[0] == seen[1]
    assert "tokens" not in seen[0]


async def test_an_unknown_user_gets_no_tokens_even_after_a_history_that_passes(
    load_event: LoadEvent,
):
    passed = [
        {
            "challengeName": "CUSTOM_CHALLENGE",
            "challengeResult": True,
            "challengeMetadata": "SUM_CHALLENGE",
        }
    ]
    triggers = triggers_of(challenge("sum"))
    known = await triggers.handle(load_event("define_first", session=passed))
    assert known["response"]["issueTokens"] is True
    hidden = await triggers.handle(load_event("define_first", session=passed, userNotFound=True))
    assert hidden["response"]["issueTokens"] is False
    assert hidden["response"]["failAuthentication"] is True


async def test_a_plugin_is_told_little_and_never_our_own_parameters():
    triggers = triggers_of(challenge("sum", attempts=2))
    plugin = triggers._plugins["sum"]
    cognito = CognitoSide(triggers)
    await cognito.define()
    await cognito.answer("canary-4")
    assert plugin.created[1] == CreateContext(
        username="ada",
        user_attributes={"email": "ada@example.com"},
        user_not_found=False,
        attempt=2,
        attempts=2,
    )
    assert plugin.verified[0].private == {"answer": "5"}
    assert "canary-4" not in repr(plugin.verified)


async def test_the_answer_is_in_nothing_that_the_client_or_a_later_trigger_sees():
    cognito = CognitoSide(triggers_of(challenge("sum", left=481500, right=16)))
    await cognito.define()
    assert "481516" not in json.dumps(cognito.created["publicChallengeParameters"])
    assert cognito.created["challengeMetadata"] == "SUM_CHALLENGE"


def test_lambda_calls_the_handler_with_plain_events(load_event: LoadEvent):
    handler = triggers_of(challenge("sum"), user_pool_id="eu-central-1_EXAMPLE01").lambda_handler
    context = object()
    asked = handler(load_event("define_first"), context)
    assert asked["response"]["challengeName"] == "CUSTOM_CHALLENGE"
    created = handler(load_event("create_first"), context)
    assert created["response"]["privateChallengeParameters"]["answer"] == "5"
    verified = handler(load_event("verify"), context)
    assert verified == {**load_event("verify"), "response": {"answerCorrect": True}}
    json.dumps([asked, created, verified])


# --- what is refused -----------------------------------------------------------------------------


def test_the_triggers_served_are_named_as_in_lambda_config():
    custom = {"DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"}
    assert triggers_of(challenge("sum")).sources == custom
    assert Triggers(directory=Nobody()).sources == {"UserMigration"}
    assert triggers_of(challenge("sum"), directory=Nobody()).sources == {*custom, "UserMigration"}


def test_triggers_that_serve_nothing_are_refused():
    with pytest.raises(ConfigError, match="policy"):
        Triggers(challenges=[SumChallenge])


def test_one_string_is_not_taken_for_many_client_ids():
    with pytest.raises(ConfigError, match="client_ids"):
        triggers_of(challenge("sum"), client_ids="1example23456789")


async def test_a_trigger_that_is_not_served_is_refused(load_event: LoadEvent):
    with pytest.raises(EventError, match="UserMigration"):
        await triggers_of(challenge("sum")).handle(load_event("migration_authentication"))
    with pytest.raises(EventError, match="DefineAuthChallenge"):
        await Triggers(directory=Nobody()).handle(load_event("define_first"))


async def test_a_foreign_pool_or_app_client_is_refused(every_event: dict[str, Any]):
    steps = [challenge("sum")]
    foreign_pool = triggers_of(*steps, directory=Nobody(), user_pool_id="eu-central-1_OTHER")
    with pytest.raises(EventError, match="user pool"):
        await foreign_pool.handle(every_event)
    foreign_client = triggers_of(*steps, directory=Nobody(), client_ids=["other"])
    with pytest.raises(EventError, match="app client"):
        await foreign_client.handle(every_event)


async def test_an_own_app_client_among_several_is_served(load_event: LoadEvent):
    triggers = triggers_of(challenge("sum"), client_ids=["other", "1example23456789"])
    assert (await triggers.handle(load_event("define_first")))["response"]["challengeName"]


async def test_no_challenge_is_made_that_is_not_owed(load_event: LoadEvent):
    with pytest.raises(EventError, match="owed"):
        await triggers_of(password(), challenge("sum")).handle(load_event("create_first"))


@pytest.mark.parametrize("private", [None, {}, {"answer": "5"}, {"authflow.step": "word"}])
async def test_an_answer_to_a_challenge_of_somebody_else_is_refused(
    load_event: LoadEvent, private: Any
):
    with pytest.raises(EventError, match="not made by these triggers"):
        await triggers_of(challenge("sum")).handle(
            load_event("verify", privateChallengeParameters=private)
        )


async def test_verifying_is_refused_for_an_unknown_user_whatever_the_plugin_says(
    load_event: LoadEvent,
):
    triggers = triggers_of(challenge("sum"))
    filled = await triggers.handle(load_event("verify", userNotFound=True))
    assert filled["response"]["answerCorrect"] is False
    assert len(triggers._plugins["sum"].verified) == 1


# --- plugins that fail ---------------------------------------------------------------------------


def broken(*, create: Any = None, verify: Any = None):
    """Make a plugin class whose methods give what they are told, or raise it."""

    async def give(result: Any):
        if isinstance(result, BaseException):
            raise result
        return result

    class Broken(SumChallenge):
        async def create(self, _context: Any):
            return await give(create)

        async def verify(self, _context: Any):
            return await give(verify)

    return Broken


@pytest.mark.parametrize(
    "issued",
    [
        RuntimeError("canary-5"),
        None,
        {"public": {}, "private": {}},
        Issued(public={"challenge": "other"}, private={}),
        Issued(public={"attempt": "1"}, private={}),
        Issued(public={"attempts": "9"}, private={}),
        Issued(public={"USERNAME": "eve"}, private={}),
        Issued(public={"USER_ID_FOR_SRP": "eve"}, private={}),
        Issued(public={}, private={"authflow.step": "word"}),
    ],
)
async def test_a_plugin_that_cannot_create_fails_closed(
    load_event: LoadEvent, caplog: pytest.LogCaptureFixture, issued: Any
):
    caplog.set_level(logging.DEBUG)
    triggers = triggers_of(challenge("sum"), challenges=[broken(create=issued)])
    with pytest.raises(PluginFailedError, match=r"^the challenge 'sum' failed$"):
        await triggers.handle(load_event("create_first"))
    assert "'sum'" in caplog.text
    assert "canary-5" not in caplog.text


async def test_parameters_that_are_no_strings_fail_where_the_plugin_makes_them(
    load_event: LoadEvent,
):
    class Numbers(SumChallenge):
        async def create(self, _context: Any):
            return Issued(public={"sum": 5}, private={})

    triggers = triggers_of(challenge("sum"), challenges=[Numbers])
    with pytest.raises(PluginFailedError, match="'sum'") as caught:
        await triggers.handle(load_event("create_first"))
    assert "mapping of strings" in str(caught.value.__cause__)


@pytest.mark.parametrize("result", [ValueError("canary-6"), None, "yes", 1, 0, [True]])
async def test_a_plugin_that_cannot_verify_fails_closed(
    load_event: LoadEvent, caplog: pytest.LogCaptureFixture, result: Any
):
    caplog.set_level(logging.DEBUG)
    triggers = triggers_of(challenge("sum"), challenges=[broken(verify=result)])
    with pytest.raises(PluginFailedError, match=r"^the challenge 'sum' failed$") as caught:
        await triggers.handle(load_event("verify"))
    if isinstance(result, Exception):
        assert caught.value.__cause__ is result
    assert "canary-6" not in caplog.text


@pytest.mark.parametrize("name", ["create_first", "verify"])
async def test_cancelling_a_plugin_cancels_the_trigger(load_event: LoadEvent, name: str):
    started = asyncio.Event()

    class Slow(SumChallenge):
        async def create(self, _context: Any):
            started.set()
            await asyncio.Event().wait()

        verify = create

    triggers = triggers_of(challenge("sum"), challenges=[Slow])
    task = asyncio.create_task(triggers.handle(load_event(name)))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_settings_that_an_explicit_plugin_does_not_take_are_refused_at_once():
    with pytest.raises(ConfigError, match=r"'sum'.*\(depth\)") as caught:
        triggers_of(challenge("sum", depth="canary-7"))
    assert "canary-7" not in str(caught.value)


@pytest.mark.parametrize("metadata", [None, "", 7])
def test_a_plugin_without_metadata_is_refused(metadata: Any):
    unmarked = type("Unmarked", (SumChallenge,), {"metadata": metadata})
    with pytest.raises(Exception, match="metadata"):
        triggers_of(challenge("sum"), challenges=[unmarked])


def test_two_kinds_that_share_one_metadata_are_refused():
    twin = type("Twin", (SumChallenge,), {"name": "twin"})
    with pytest.raises(PluginConflictError, match="metadata"):
        triggers_of(challenge("sum"), challenge("twin"), challenges=[SumChallenge, twin])


async def test_a_missing_plugin_is_named_to_the_owner_and_not_to_the_client(
    load_event: LoadEvent, caplog: pytest.LogCaptureFixture
):
    triggers = triggers_of(challenge("no-such-plugin"))
    with pytest.raises(PluginNotFoundError, match="no-such-plugin"):
        triggers.load()
    with pytest.raises(PluginFailedError) as caught:
        await triggers.handle(load_event("define_first"))
    assert "no-such-plugin" not in str(caught.value)
    assert "no-such-plugin" in caplog.text


@pytest.fixture
def installed_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A distribution with one trigger plugin, as pip would leave it on sys.path."""
    (tmp_path / "authflow_sums_of_test.py").write_text(
        "from authflow.triggers import Issued\n"
        "made = []\n"
        "class Sum:\n"
        "    name, metadata = 'sum-of-test', 'SUM_OF_TEST'\n"
        "    def __init__(self, left=1):\n"
        "        self.left = left\n"
        "        made.append(self)\n"
        "    async def create(self, context):\n"
        "        return Issued(public={'left': str(self.left)}, private={})\n"
        "    async def verify(self, context):\n"
        "        return True\n"
    )
    info = tmp_path / "authflow_sums_of_test-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: authflow-sums-of-test\nVersion: 1.0\n"
    )
    (info / "entry_points.txt").write_text(
        "[authflow.trigger_challenges]\nsum-of-test = authflow_sums_of_test:Sum\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


async def test_an_installed_plugin_is_found_by_its_entry_point_at_first_use(installed_plugin: None):
    triggers = Triggers(policy=sequence(challenge("sum-of-test", left=8)))
    assert triggers._plugins == {}
    cognito = CognitoSide(triggers)
    assert (await cognito.define())["left"] == "8"
    assert await cognito.answer("anything") == "tokens"
    import authflow_sums_of_test

    assert len(authflow_sums_of_test.made) == 1
