import asyncio
import copy
import threading
import time

import pytest
from attrs import define, field

ARN = "arn:aws:lambda:us-east-1:000000000000:function:{}"
WRONG = "Incorrect username or password."


@define
class Riddle:
    """Triggers as a pool owner writes them: three tries, after the password if SRP came first."""

    sources = frozenset(
        {"DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"}
    )
    events: list = field(factory=list)
    spoil: dict = field(factory=dict)

    async def handle(self, event):
        self.events.append(copy.deepcopy(event))
        source = event["triggerSource"].partition("_")[0]
        if source in self.spoil:
            return self.spoil[source](event)
        response = event["response"]
        match source:
            case "DefineAuthChallenge":
                session = event["request"]["session"]
                rounds = [one for one in session if one["challengeName"] == "CUSTOM_CHALLENGE"]
                passed = bool(rounds) and rounds[-1]["challengeResult"]
                response["issueTokens"] = passed
                response["failAuthentication"] = len(rounds) == 3 and not passed
                srp_only = [one["challengeName"] for one in session] == ["SRP_A"]
                response["challengeName"] = "PASSWORD_VERIFIER" if srp_only else "CUSTOM_CHALLENGE"
            case "CreateAuthChallenge":
                response["publicChallengeParameters"] = {"question": "2+2"}
                response["privateChallengeParameters"] = {"answer": "4"}
                response["challengeMetadata"] = "RIDDLE"
            case _:
                right = event["request"]["privateChallengeParameters"]["answer"]
                response["answerCorrect"] = event["request"]["challengeAnswer"] == right
        # What is changed in the event itself must not reach the pool.
        event["userName"] = "mallory"
        event["request"].clear()
        return event

    def of(self, source):
        return [one for one in self.events if one["triggerSource"].startswith(source)]


@pytest.fixture
def riddle():
    return Riddle()


@pytest.fixture
async def house(start, settle, riddle):
    house = await settle(await start(triggers=riddle))
    await house.add_user(email="ann@example.org")
    return house


async def begin(house, username="ann", **more):
    return await house.api("InitiateAuth", **house.begin("CUSTOM_AUTH", username), **more)


async def test_the_right_answer_signs_in(house):
    asked = await begin(house)
    assert asked["ChallengeName"] == "CUSTOM_CHALLENGE"
    assert asked["ChallengeParameters"] == {"question": "2+2", "USERNAME": "ann"}
    answer = house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER="4")
    assert "AuthenticationResult" in await house.api("RespondToAuthChallenge", **answer)


async def test_a_wrong_answer_asks_again_with_a_new_session_until_define_has_enough(house):
    asked = await begin(house)
    sessions = {asked["Session"]}
    for _ in range(2):
        answer = house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER="5")
        asked = await house.api("RespondToAuthChallenge", **answer)
        assert asked["ChallengeName"] == "CUSTOM_CHALLENGE"
        sessions.add(asked["Session"])
    assert len(sessions) == 3
    last = house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER="")
    refusal = await house.api.refused("RespondToAuthChallenge", **last)
    assert (refusal.code, refusal.message) == ("NotAuthorizedException", WRONG)


async def test_the_password_first_by_srp(house, riddle):
    prover, asked = await house.ask("ann", "CUSTOM_AUTH", CHALLENGE_NAME="SRP_A")
    assert asked["ChallengeName"] == "PASSWORD_VERIFIER"
    assert "Session" in asked
    asked = await house.api("RespondToAuthChallenge", **house.proof(prover, asked))
    assert asked["ChallengeName"] == "CUSTOM_CHALLENGE"
    answer = house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER="4")
    assert "AuthenticationResult" in await house.api("RespondToAuthChallenge", **answer)
    assert [one["request"]["session"] for one in riddle.of("Define")] == [
        [{"challengeName": "SRP_A", "challengeResult": True, "challengeMetadata": None}],
        [
            {"challengeName": "SRP_A", "challengeResult": True, "challengeMetadata": None},
            {
                "challengeName": "PASSWORD_VERIFIER",
                "challengeResult": True,
                "challengeMetadata": None,
            },
        ],
        [
            {"challengeName": "SRP_A", "challengeResult": True, "challengeMetadata": None},
            {
                "challengeName": "PASSWORD_VERIFIER",
                "challengeResult": True,
                "challengeMetadata": None,
            },
            {
                "challengeName": "CUSTOM_CHALLENGE",
                "challengeResult": True,
                "challengeMetadata": "RIDDLE",
            },
        ],
    ]


async def test_a_wrong_password_first_ends_it_and_define_is_not_told(house, riddle):
    prover, asked = await house.ask("ann", "CUSTOM_AUTH", CHALLENGE_NAME="SRP_A")
    proof = house.proof(prover, asked, "wrong-Horse1")
    refusal = await house.api.refused("RespondToAuthChallenge", **proof)
    assert refusal.message == WRONG
    assert len(riddle.of("Define")) == 1


async def test_under_custom_auth_the_proof_needs_its_session(house):
    prover, asked = await house.ask("ann", "CUSTOM_AUTH", CHALLENGE_NAME="SRP_A")
    _, other = await house.ask("ann", "CUSTOM_AUTH", CHALLENGE_NAME="SRP_A")
    proof = house.proof(prover, asked)
    for session in (None, other["Session"], "x" * 64):
        wrong = {k: v for k, v in proof.items() if k != "Session"}
        if session is not None:
            wrong["Session"] = session
        refusal = await house.api.refused("RespondToAuthChallenge", **wrong)
        assert refusal.message == "Invalid session for the user."
    assert "ChallengeName" in await house.api("RespondToAuthChallenge", **proof)


async def test_events_have_the_documented_shape(house, riddle):
    asked = await begin(house, ClientMetadata={"from": "initiate"})
    answer = house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER="4")
    await house.api("RespondToAuthChallenge", **answer, ClientMetadata={"from": "respond"})
    define, create, verify, last = riddle.events
    user = await house.api("AdminGetUser", UserPoolId=house.pool_id, Username="ann")
    attributes = {one["Name"]: one["Value"] for one in user["UserAttributes"]}
    about = {
        "userAttributes": {**attributes, "cognito:user_status": "CONFIRMED"},
        "userNotFound": False,
    }
    envelope = {
        "version": "1",
        "region": "us-east-1",
        "userPoolId": house.pool_id,
        "userName": "ann",
        "callerContext": {
            "awsSdkVersion": "aws-sdk-unknown-unknown",
            "clientId": house.client_id,
        },
    }
    assert define == {
        **envelope,
        "triggerSource": "DefineAuthChallenge_Authentication",
        "request": {**about, "session": []},
        "response": {"challengeName": None, "issueTokens": None, "failAuthentication": None},
    }
    assert create == {
        **envelope,
        "triggerSource": "CreateAuthChallenge_Authentication",
        "request": {**about, "session": [], "challengeName": "CUSTOM_CHALLENGE"},
        "response": {
            "publicChallengeParameters": None,
            "privateChallengeParameters": None,
            "challengeMetadata": None,
        },
    }
    assert verify == {
        **envelope,
        "triggerSource": "VerifyAuthChallengeResponse_Authentication",
        "request": {
            **about,
            "privateChallengeParameters": {"answer": "4"},
            "challengeAnswer": "4",
            "clientMetadata": {"from": "respond"},
        },
        "response": {"answerCorrect": None},
    }
    assert last["request"]["clientMetadata"] == {"from": "respond"}


async def test_an_unknown_user_gets_the_same_rounds_and_never_tokens(start, settle, riddle):
    house = await settle(await start(triggers=riddle), PreventUserExistenceErrors="ENABLED")
    asked = await begin(house, "nobody")
    assert asked["ChallengeParameters"] == {"question": "2+2", "USERNAME": "nobody"}
    answer = house.answer("CUSTOM_CHALLENGE", "nobody", asked["Session"], ANSWER="5")
    asked = await house.api("RespondToAuthChallenge", **answer)
    assert asked["ChallengeName"] == "CUSTOM_CHALLENGE"
    assert all(one["request"]["userNotFound"] for one in riddle.events)
    assert riddle.of("Define")[-1]["request"]["session"][0]["challengeResult"] is False
    riddle.spoil["DefineAuthChallenge"] = lambda event: {**event, "response": {"issueTokens": True}}
    answer = house.answer("CUSTOM_CHALLENGE", "nobody", asked["Session"], ANSWER="4")
    refusal = await house.api.refused("RespondToAuthChallenge", **answer)
    assert refusal.message == WRONG
    # What Verify says of an unknown user counts, or a CAPTCHA would tell who exists.
    assert riddle.of("Define")[-1]["request"]["session"][1]["challengeResult"] is True


async def test_an_unknown_user_is_told_of_where_the_client_does_not_hide_it(house):
    refusal = await house.api.refused("InitiateAuth", **house.begin("CUSTOM_AUTH", "nobody"))
    assert (refusal.code, refusal.message) == ("UserNotFoundException", "User does not exist.")


async def test_without_triggers_custom_auth_is_a_wrong_configuration(api, settle):
    house = await settle(api)
    await house.add_user()
    refusal = await api.refused("InitiateAuth", **house.begin("CUSTOM_AUTH"))
    assert refusal.code == "InvalidUserPoolConfigurationException"


@pytest.mark.parametrize("name", ["PASSWORD", "x"])
async def test_custom_auth_begins_with_srp_or_a_challenge(house, name):
    request = house.begin("CUSTOM_AUTH", CHALLENGE_NAME=name)
    refusal = await house.api.refused("InitiateAuth", **request)
    assert refusal.code == "InvalidParameterException"


def responding(**response):
    return lambda event: {**event, "response": response}


@pytest.mark.parametrize(
    ("source", "spoilt"),
    [
        ("DefineAuthChallenge", responding(issueTokens=True, failAuthentication=True)),
        ("DefineAuthChallenge", responding()),
        ("DefineAuthChallenge", responding(issueTokens=False, failAuthentication=False)),
        ("DefineAuthChallenge", responding(issueTokens="true")),
        ("DefineAuthChallenge", responding(issueTokens=1)),
        ("DefineAuthChallenge", responding(failAuthentication="no", issueTokens=True)),
        ("DefineAuthChallenge", responding(challengeName="SMS_MFA")),
        ("DefineAuthChallenge", responding(challengeName=["CUSTOM_CHALLENGE"])),
        # There was no SRP_A to verify a password with.
        ("DefineAuthChallenge", responding(challengeName="PASSWORD_VERIFIER")),
        ("DefineAuthChallenge", lambda event: None),
        ("DefineAuthChallenge", lambda event: "event"),
        ("DefineAuthChallenge", lambda event: {"response": None}),
        ("DefineAuthChallenge", lambda event: {**event, "response": {"issueTokens": object()}}),
        ("CreateAuthChallenge", responding(publicChallengeParameters={"n": 1})),
        ("CreateAuthChallenge", responding(publicChallengeParameters=["n"])),
        ("CreateAuthChallenge", responding(privateChallengeParameters={"n": None})),
        ("CreateAuthChallenge", responding(challengeMetadata=7)),
    ],
)
async def test_unusable_results_end_the_sign_in(house, riddle, source, spoilt):
    riddle.spoil[source] = spoilt
    refusal = await house.api.refused("InitiateAuth", **house.begin("CUSTOM_AUTH"))
    assert refusal.code == "InvalidLambdaResponseException"


@pytest.mark.parametrize("result", ["true", 1, "yes", {}])
async def test_a_verdict_that_is_no_boolean_ends_the_sign_in(house, riddle, result):
    asked = await begin(house)
    riddle.spoil["VerifyAuthChallengeResponse"] = responding(answerCorrect=result)
    answer = house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER="4")
    refusal = await house.api.refused("RespondToAuthChallenge", **answer)
    assert refusal.code == "InvalidLambdaResponseException"
    again = await house.api.refused("RespondToAuthChallenge", **answer)
    assert again.message == "Invalid session for the user."


async def test_after_srp_a_the_password_cannot_be_skipped(house, riddle):
    riddle.spoil["DefineAuthChallenge"] = responding(issueTokens=True)
    request = house.begin("CUSTOM_AUTH", CHALLENGE_NAME="SRP_A", SRP_A="2")
    refusal = await house.api.refused("InitiateAuth", **request)
    assert refusal.code == "InvalidLambdaResponseException"


@pytest.mark.parametrize("answer", ["4", "5"])
async def test_after_srp_a_define_may_ask_a_custom_challenge_at_once(house, riddle, answer):
    """As the passwordless sign-ins of Amplify for iOS and Android have it."""
    riddle.spoil["DefineAuthChallenge"] = lambda event: {
        **event,
        "response": {
            "challengeName": "CUSTOM_CHALLENGE",
            "issueTokens": event["request"]["session"][-1]["challengeName"] == "CUSTOM_CHALLENGE"
            and event["request"]["session"][-1]["challengeResult"],
            "failAuthentication": False,
        },
    }
    request = house.begin("CUSTOM_AUTH", CHALLENGE_NAME="SRP_A", SRP_A="2")
    asked = await house.api("InitiateAuth", **request)
    assert asked["ChallengeName"] == "CUSTOM_CHALLENGE"
    for _ in range(2):  # a wrong answer is asked again
        request = house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER=answer)
        asked = await house.api("RespondToAuthChallenge", **request)
        if answer == "4":
            assert "AuthenticationResult" in asked
            break
        assert asked["ChallengeName"] == "CUSTOM_CHALLENGE"
    session = riddle.of("Define")[-1]["request"]["session"]
    assert [each["challengeName"] for each in session][:2] == ["SRP_A", "CUSTOM_CHALLENGE"]


async def test_a_trigger_that_raises_is_named_with_its_words(house, riddle):
    def raising(event):
        raise ValueError("come back tomorrow.")

    riddle.spoil["CreateAuthChallenge"] = raising
    refusal = await house.api.refused("InitiateAuth", **house.begin("CUSTOM_AUTH"))
    assert (refusal.code, refusal.message) == (
        "UserLambdaValidationException",
        "CreateAuthChallenge failed with error come back tomorrow.",
    )


async def test_of_twenty_answers_side_by_side_one_is_judged(house, riddle):
    asked = await begin(house)
    answer = house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER="4")
    replies = await house.api.at_once(*[("RespondToAuthChallenge", answer)] * 20)
    assert sum("AuthenticationResult" in reply for reply in replies) == 1
    assert len(riddle.of("Verify")) == 1


async def test_handlers_are_found_by_arn_and_by_name_and_may_block(start, settle):
    riddle = Riddle()
    threads = set()

    def blocking(event, context):
        threads.add(threading.current_thread())
        return asyncio.run(riddle.handle(event))

    async def awaiting(event, context):
        return await riddle.handle(event)

    handlers = {
        "define": blocking,
        ARN.format("create"): awaiting,
        "verify": lambda event, context: riddle.handle(event),
    }
    config = {
        "DefineAuthChallenge": ARN.format("define"),
        "CreateAuthChallenge": ARN.format("create"),
        "VerifyAuthChallengeResponse": ARN.format("verify:live"),
    }
    house = await settle(await start(triggers=handlers), {"LambdaConfig": config})
    await house.add_user()
    asked = await begin(house)
    answer = house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER="4")
    assert "AuthenticationResult" in await house.api("RespondToAuthChallenge", **answer)
    assert threading.current_thread() not in threads


async def test_an_arn_without_a_handler_fails_closed(start, settle, riddle):
    config = {
        "DefineAuthChallenge": ARN.format("define"),
        "CreateAuthChallenge": ARN.format("create"),
        "VerifyAuthChallengeResponse": ARN.format("verify"),
    }
    house = await settle(await start(triggers=riddle), {"LambdaConfig": config})
    await house.add_user()
    refusal = await house.api.refused("InitiateAuth", **house.begin("CUSTOM_AUTH"))
    assert refusal.code == "UnexpectedLambdaException"
    assert riddle.events == []


async def test_a_trigger_that_hangs_is_tried_three_times(start, settle):
    calls = []

    async def hanging(event, context):
        calls.append(event)
        await asyncio.sleep(60)

    def blocking(event, context):
        calls.append(event)
        time.sleep(0.3)

    for handler in (hanging, blocking):
        config = dict.fromkeys(Riddle.sources, ARN.format("slow"))
        server = await start(triggers={"slow": handler}, trigger_timeout=0.05)
        house = await settle(server, {"LambdaConfig": config})
        await house.add_user()
        refusal = await house.api.refused("InitiateAuth", **house.begin("CUSTOM_AUTH"))
        assert refusal.code == "UnexpectedLambdaException"
        assert len(calls) == 3
        calls.clear()


async def test_a_time_out_that_a_trigger_raises_itself_is_its_error_and_is_not_retried(
    house, riddle
):
    def raising(event):
        raise TimeoutError("the mail server is slow")

    riddle.spoil["CreateAuthChallenge"] = raising
    refusal = await house.api.refused("InitiateAuth", **house.begin("CUSTOM_AUTH"))
    assert refusal.code == "UserLambdaValidationException"
    assert len(riddle.of("Create")) == 1


@pytest.mark.parametrize("word", ["issueTokens", "failAuthentication", "challengeName"])
async def test_what_define_says_at_once_is_told_alike_of_known_and_unknown_users(
    start, settle, word
):
    class AtOnce:
        sources = frozenset(
            {"DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"}
        )

        async def handle(self, event):
            said = {word: "SMS_MFA" if word == "challengeName" else True}
            return {**event, "response": said}

    house = await settle(await start(triggers=AtOnce()), PreventUserExistenceErrors="ENABLED")
    await house.add_user()
    told = []
    for name in ("ann", "nobody"):
        begun = house.begin("CUSTOM_AUTH", name, CHALLENGE_NAME="SRP_A", SRP_A="2a")
        refusal = await house.api.refused("InitiateAuth", **begun)
        told.append((refusal.code, refusal.message))
    assert told[0] == told[1]
