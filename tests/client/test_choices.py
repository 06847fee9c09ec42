"""Choices and conditions of a policy, over HTTP against a real pool."""

from typing import Any, ClassVar

import pytest

from authflow import AuthClient, AuthFlow, ChallengeRequired, SignedIn
from authflow.client import ScriptedPrompt
from authflow.client.choices import check_choice, choose, is_condition, options_of
from authflow.errors import (
    BadCredentialsError,
    MisuseError,
    PluginNotFoundError,
    PromptError,
)
from authflow.plugins import CLIENT_CHALLENGES, PluginRegistry
from authflow.results import Challenge
from authflow.secret import Secret
from authflow.triggers import (
    Issued,
    Triggers,
    any_of,
    attribute,
    challenge,
    client_metadata,
    k_of,
    optional,
    password,
    sequence,
    when,
)

PASSWORD = "Correct-horse-1"


def kind(kind_name: str) -> type[Any]:
    """Make a challenge whose answer is its own name, for the trigger side."""

    class Named:
        name: ClassVar[str] = kind_name
        metadata: ClassVar[str] = kind_name.upper()

        async def create(self, context: Any) -> Issued:
            return Issued(public={}, private={})

        async def verify(self, context: Any) -> bool:
            return context.answer.reveal() == kind_name

    return Named


def client_half(kind_name: str) -> type[Any]:
    class Answering:
        name: ClassVar[str] = kind_name

        async def answer(self, challenge: Any, prompt: Any) -> str:
            await prompt.tell(f"asked for {kind_name}")
            return kind_name

    return Answering


KINDS = ("aa", "bb", "cc", "dd")


def triggers(step: Any, **more: Any) -> Triggers:
    return Triggers(policy=step, challenges=[kind(name) for name in KINDS], **more)


@pytest.fixture
def signing_in(live_pool):
    """Signs ada in against a policy, with the client halves of some kinds."""

    async def sign_in(
        step: Any,
        *,
        script: Any = None,
        kinds: Any = KINDS,
        first_password: str | None = None,
        answers: Any = (),
        **settings: Any,
    ) -> Any:
        async with live_pool(triggers=triggers(step)) as pool:
            await pool.add_user()
            config = await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)
            halves = [client_half(name) for name in kinds]
            async with AuthClient(config, challenges=halves, discover=False) as auth:
                prompt = None if script is None else ScriptedPrompt(script)
                result = await auth.sign_in("ada", first_password, prompt=prompt, **settings)
                for answer in answers:
                    assert isinstance(result, ChallengeRequired)
                    result = await auth.answer(result, answer)
                return result, [] if prompt is None else prompt.told

    return sign_in


ANY = any_of(challenge("aa"), challenge("bb"), challenge("cc"))


async def test_a_client_with_one_plugin_that_fits_chooses_by_itself(signing_in):
    result, told = await signing_in(ANY, script=[], kinds=["cc"])
    assert isinstance(result, SignedIn)
    assert told == ["asked for cc"]


@pytest.mark.parametrize("chosen", ["aa", "bb", "cc"])
async def test_a_person_chooses_once_between_several(signing_in, chosen):
    result, told = await signing_in(ANY, script=[chosen])
    assert isinstance(result, SignedIn)
    assert told == [f"asked for {chosen}"]


@pytest.mark.parametrize("chosen", ["aa", "bb", "cc"])
async def test_without_a_prompt_the_caller_chooses_once(signing_in, chosen):
    result, _ = await signing_in(ANY, answers=[chosen, chosen])
    assert isinstance(result, SignedIn)


async def test_some_of_several_are_chosen_one_after_the_other(signing_in):
    step = k_of(2, *map(challenge, KINDS))
    result, told = await signing_in(step, script=["dd", "bb"])
    assert isinstance(result, SignedIn)
    assert told == ["asked for dd", "asked for bb"]


async def test_an_option_of_several_challenges_is_chosen_as_one(signing_in):
    step = any_of(sequence(challenge("aa"), challenge("bb")), challenge("cc"))
    result, told = await signing_in(step, script=[], kinds=["aa", "bb"])
    assert isinstance(result, SignedIn)
    assert told == ["asked for aa", "asked for bb"]


async def test_an_optional_challenge_is_skipped_where_nothing_can_answer_it(signing_in):
    result, told = await signing_in(
        sequence(challenge("aa"), optional(challenge("bb"))), script=[], kinds=["aa"]
    )
    assert isinstance(result, SignedIn)
    assert told == ["asked for aa"]


@pytest.mark.parametrize(
    ("word", "asked"), [("skip", ["asked for aa"]), ("bb", ["asked for aa", "asked for bb"])]
)
async def test_a_person_says_whether_to_skip(signing_in, word, asked):
    result, told = await signing_in(
        sequence(challenge("aa"), optional(challenge("bb"))), script=[word]
    )
    assert isinstance(result, SignedIn)
    assert told == asked


async def test_beginning_with_the_password_chooses_it_and_nothing_is_asked(signing_in):
    step = any_of(password(), challenge("aa"))
    result, told = await signing_in(step, script=[], first_password=PASSWORD)
    assert isinstance(result, SignedIn)
    assert told == []
    result, told = await signing_in(step, script=[])
    assert isinstance(result, SignedIn)
    assert told == ["asked for aa"]


async def test_client_metadata_is_told_without_asking_anybody(signing_in):
    step = sequence(challenge("aa"), when(client_metadata("device", "new"), challenge("bb")))
    result, told = await signing_in(step, script=[], client_metadata={"device": "new"})
    assert isinstance(result, SignedIn)
    assert told == ["asked for aa", "asked for bb"]
    result, told = await signing_in(step, script=[], client_metadata={"device": "old"})
    assert isinstance(result, SignedIn)
    assert told == ["asked for aa"]
    result, _ = await signing_in(step, answers=["aa"])
    assert isinstance(result, SignedIn)


async def test_attributes_decide_what_a_user_is_asked_for(live_pool):
    step = sequence(challenge("aa"), when(attribute("email_verified", "true"), challenge("bb")))
    async with live_pool(triggers=triggers(step)) as pool:
        await pool.add_user()
        await pool.add_user(
            "grace",
            attributes={"email": "grace@example.com", "email_verified": "true"},
        )
        config = await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)
        halves = [client_half(name) for name in KINDS]
        async with AuthClient(config, challenges=halves, discover=False) as auth:
            asked = {}
            for username in ("ada", "grace"):
                prompt = ScriptedPrompt([])
                assert isinstance(await auth.sign_in(username, prompt=prompt), SignedIn)
                asked[username] = prompt.told
    assert asked == {"ada": ["asked for aa"], "grace": ["asked for aa", "asked for bb"]}


async def test_a_wrong_answer_after_a_choice_does_not_ask_for_the_choice_again(signing_in):
    result, _ = await signing_in(ANY, answers=["bb", "wrong"])
    assert isinstance(result, ChallengeRequired)
    assert (result.challenge.kind, result.challenge.attempt) == ("bb", 2)
    with pytest.raises(BadCredentialsError):
        await signing_in(ANY, answers=["bb", "wrong", "wrong", "wrong"])


async def test_an_answer_that_names_no_option_is_not_sent(signing_in):
    with pytest.raises(MisuseError, match="aa, bb, cc"):
        await signing_in(ANY, answers=["dd"])


async def test_a_choice_that_no_plugin_fits_says_what_to_install(signing_in):
    with pytest.raises(PluginNotFoundError, match="aa, bb, cc"):
        await signing_in(ANY, script=[], kinds=["dd"])


async def test_a_script_that_chooses_what_is_not_offered_is_an_error(signing_in):
    with pytest.raises(PromptError, match="none of"):
        await signing_in(ANY, script=["dd"])


def test_only_our_own_rounds_are_taken_for_choices_and_conditions():
    choice = Challenge(
        name="CUSTOM_CHALLENGE",
        kind="choice",
        parameters={"options": "aa bb", "challenge": "choice"},
    )
    assert options_of(choice) == ("aa", "bb")
    for other in (
        Challenge(name="SMS_MFA", kind="choice", parameters={"options": "aa bb"}),
        Challenge(name="CUSTOM_CHALLENGE", kind="captcha", parameters={"options": "aa bb"}),
        Challenge(name="CUSTOM_CHALLENGE", kind="choice"),
    ):
        assert options_of(other) == ()
        check_choice(other, Secret("anything"))
    wanted = {"wanted": "device"}
    assert is_condition(Challenge(name="CUSTOM_CHALLENGE", kind="condition", parameters=wanted))
    assert not is_condition(Challenge(name="CUSTOM_CHALLENGE", kind="condition"))
    assert not is_condition(Challenge(name="SMS_MFA", kind="condition", parameters=wanted))


async def test_a_numbered_option_is_answered_by_the_plugin_of_its_kind():
    registry = PluginRegistry(CLIENT_CHALLENGES, (client_half("aa"),), discover=False)
    second = Challenge(name="CUSTOM_CHALLENGE", kind="choice", parameters={"options": "bb aa#2"})
    assert await choose(second, registry, ScriptedPrompt([])) == Secret("aa#2")
